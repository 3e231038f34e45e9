//! Operators of ai.onnx.ml. Values are computed by hand, in the way of onnxruntime.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use zkassay_graph::{Graph, ImportOptions, Op};
use zkassay_onnx::proto::{
    AttributeKind, AttributeProto, Dim, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, ValueInfoProto,
};

/// One node that reads `x` and constants, and writes `a` and `b`.
#[derive(Clone)]
struct Model {
    features: i64,
    op: &'static str,
    inputs: Vec<&'static str>,
    outputs: Vec<&'static str>,
    attributes: Vec<AttributeProto>,
    constants: Vec<TensorProto>,
}

fn model(op: &'static str, features: i64) -> Model {
    Model {
        features,
        op,
        inputs: vec!["x"],
        outputs: vec!["a"],
        attributes: vec![],
        constants: vec![],
    }
}

/// A classifier: labels `a`, scores `b`.
fn classifier(op: &'static str, features: i64) -> Model {
    Model {
        outputs: vec!["a", "b"],
        ..model(op, features)
    }
}

impl Model {
    /// With another attribute, in place of one of the same name.
    fn with(mut self, attribute: AttributeProto) -> Self {
        self.attributes.retain(|a| a.name != attribute.name);
        self.attributes.push(attribute);
        self
    }

    fn floats(self, name: &str, values: &[f32]) -> Self {
        self.with(AttributeProto::floats(name, values.iter().copied()))
    }

    fn ints(self, name: &str, values: &[i64]) -> Self {
        self.with(AttributeProto::ints(name, values.iter().copied()))
    }

    fn strings(self, name: &str, values: &[&str]) -> Self {
        self.with(AttributeProto::strings(name, values.iter().copied()))
    }

    fn string(self, name: &str, value: &str) -> Self {
        self.with(AttributeProto::string(name, value))
    }

    fn int(self, name: &str, value: i64) -> Self {
        self.with(AttributeProto::int(name, value))
    }

    fn float(self, name: &str, value: f32) -> Self {
        self.with(AttributeProto::float(name, value))
    }

    fn operand(mut self, constant: TensorProto, name: &'static str) -> Self {
        self.constants.push(constant);
        self.inputs.push(name);
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let node = NodeProto {
            op_type: self.op.to_owned(),
            name: "node".to_owned(),
            domain: "ai.onnx.ml".to_owned(),
            input: owned(&self.inputs),
            output: owned(&self.outputs),
            attribute: self.attributes.clone(),
        };
        let dims = [Dim::Symbol("N".to_owned()), Dim::Size(self.features)];
        let outputs = self
            .outputs
            .iter()
            .map(|name| ValueInfoProto::floats(name, []));
        let graph = GraphProto {
            name: "m".to_owned(),
            node: vec![node],
            initializer: self.constants.clone(),
            input: vec![ValueInfoProto::floats("x", dims)],
            output: outputs.collect(),
        };
        let sets = [("", 17), ("ai.onnx.ml", 3)].map(|(domain, version)| OperatorSetIdProto {
            domain: domain.to_owned(),
            version,
        });
        let model = ModelProto {
            ir_version: 8,
            graph: Some(graph),
            opset_import: sets.to_vec(),
            ..ModelProto::default()
        };
        model.to_bytes()
    }

    fn import(&self, output: &str) -> Result<Graph, String> {
        let options = ImportOptions {
            output: Some(output.to_owned()),
            ..ImportOptions::default()
        };
        Graph::from_onnx_with(&self.bytes(), &options).map_err(|error| error.to_string())
    }

    /// What the output `output` is for a row.
    fn eval(&self, output: &str, row: &[f32]) -> Vec<f32> {
        self.import(output).unwrap().evaluate(row.into()).unwrap()
    }

    fn gives(&self, row: &[f32], expected: &[f32]) {
        close(&self.eval("a", row), expected);
    }

    /// Label and scores for a row.
    fn decides(&self, row: &[f32], label: f32, scores: &[f32]) {
        assert_eq!(self.eval("a", row), [label], "label of {row:?}");
        close(&self.eval("b", row), scores);
    }

    /// It is refused, and the message has these words.
    fn refused(&self, words: &[&str]) {
        let last = self.outputs[self.outputs.len() - 1];
        let message = self.import(last).unwrap_err();
        for word in words.iter().chain(&["`node`"]) {
            assert!(message.contains(word), "no {word:?} in: {message}");
        }
    }
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{found:?} and {expected:?}");
    for (f, e) in found.iter().zip(expected) {
        let allowed = 1e-5 * e.abs().max(1.0);
        assert!((f - e).abs() <= allowed, "{found:?} and {expected:?}");
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn softmax(scores: &[f32]) -> Vec<f32> {
    let sum: f32 = scores.iter().map(|x| x.exp()).sum();
    scores.iter().map(|x| x.exp() / sum).collect()
}

/// Scores 1 + 2 a, b and -a - b of classes 7, 3 and 9.
fn three_classes() -> Model {
    classifier("LinearClassifier", 2)
        .floats("coefficients", &[2.0, 0.0, 0.0, 1.0, -1.0, -1.0])
        .floats("intercepts", &[1.0, 0.0, 0.0])
        .ints("classlabels_ints", &[7, 3, 9])
}

#[test]
fn linear_classifiers_of_several_classes() {
    let m = three_classes();
    m.decides(&[1.0, 2.0], 7.0, &[3.0, 2.0, -3.0]);
    m.decides(&[-2.0, 2.0], 3.0, &[-3.0, 2.0, 0.0]);
    // Of equal scores the first.
    m.decides(&[1.0, 3.0], 7.0, &[3.0, 3.0, -4.0]);
    let logistic = m.clone().string("post_transform", "LOGISTIC");
    logistic.decides(&[1.0, 2.0], 7.0, &[3.0, 2.0, -3.0].map(sigmoid));
    let soft = m.clone().string("post_transform", "SOFTMAX");
    soft.decides(&[1.0, 2.0], 7.0, &softmax(&[3.0, 2.0, -3.0]));
    let zero = m.clone().string("post_transform", "SOFTMAX_ZERO");
    let two = softmax(&[-3.0, 2.0]);
    zero.decides(&[-2.0, 2.0], 3.0, &[two[0], two[1], 0.0]);
    // Names of classes do not keep the scores from being read.
    let mut named = m.clone();
    named.attributes.retain(|a| a.name != "classlabels_ints");
    let named = named.strings("classlabels_strings", &["x", "y", "z"]);
    close(&named.eval("b", &[1.0, 2.0]), &[3.0, 2.0, -3.0]);
}

#[test]
fn linear_classifiers_of_two_classes_with_one_score() {
    let m = classifier("LinearClassifier", 1)
        .floats("coefficients", &[2.0])
        .floats("intercepts", &[0.5])
        .ints("classlabels_ints", &[4, 6]);
    m.decides(&[1.0], 6.0, &[-1.5, 2.5]);
    m.decides(&[-0.25], 4.0, &[1.0, 0.0]);
    let logistic = m.clone().string("post_transform", "LOGISTIC");
    logistic.decides(&[1.0], 6.0, &[sigmoid(-2.5), sigmoid(2.5)]);
    m.clone()
        .string("post_transform", "PROBIT")
        .refused(&["PROBIT"]);
    m.clone()
        .string("post_transform", "WHAT")
        .refused(&["WHAT", "SOFTMAX_ZERO"]);
    m.clone()
        .floats("coefficients", &[2.0, 1.0])
        .refused(&["2 coefficients", "1 x 1"]);
    m.clone()
        .floats("coefficients", &[f32::NAN])
        .refused(&["NaN"]);
    three_classes()
        .ints("classlabels_ints", &[1, 2])
        .refused(&["2 labels for 3 scores"]);
    three_classes()
        .ints("classlabels_ints", &[1, 2, i64::MAX])
        .refused(&["labels", "at most"]);
}

#[test]
fn linear_regressors() {
    let m = model("LinearRegressor", 2)
        .floats("coefficients", &[1.0, 2.0, 3.0, 4.0])
        .floats("intercepts", &[10.0, 20.0])
        .int("targets", 2);
    m.gives(&[1.0, -1.0], &[9.0, 19.0]);
    // The normal quantiles of 0.5 and 0.9, by an approximation.
    let probit = m
        .clone()
        .floats("coefficients", &[0.0, 0.0, 0.0, 0.0])
        .floats("intercepts", &[0.5, 0.9])
        .string("post_transform", "PROBIT");
    let found = probit.eval("a", &[1.0, 1.0]);
    assert!(
        found[0].abs() < 1e-6 && (found[1] - 1.2816).abs() < 2e-3,
        "{found:?}"
    );
    m.clone().int("targets", -1).refused(&["targets is -1"]);
    m.clone()
        .int("targets", i64::MAX)
        .refused(&["4 coefficients"]);
}

/// Support vectors (0, 0), (1, 0) and (0, 2).
fn kernel(m: Model, kind: &str) -> Model {
    m.floats("support_vectors", &[0.0, 0.0, 1.0, 0.0, 0.0, 2.0])
        .string("kernel_type", kind)
        .floats("kernel_params", &[0.5, 1.0, 3.0])
}

#[test]
fn support_vector_regressors_of_all_kernels() {
    let m = |kind| {
        kernel(model("SVMRegressor", 2), kind)
            .floats("coefficients", &[1.0, -2.0, 3.0])
            .floats("rho", &[0.25])
            .int("n_supports", 3)
    };
    let row = [3.0, -1.0];
    m("LINEAR").gives(&row, &[0.25 - 6.0 - 6.0]);
    // (0.5 x v + 1)^3.
    m("POLY").gives(&row, &[0.25 + 1.0 - 2.0 * 2.5f32.powi(3) + 0.0]);
    m("SIGMOID").gives(&row, &[0.25 + 1f32.tanh() - 2.0 * 2.5f32.tanh()]);
    let rbf = 0.25 + (-5.0f32).exp() - 2.0 * (-2.5f32).exp() + 3.0 * (-9.0f32).exp();
    m("RBF").gives(&row, &[rbf]);
    m("LINEAR").int("one_class", 1).gives(&row, &[-1.0]);
    m("LINEAR").int("one_class", 1).gives(&[-3.0, 1.0], &[1.0]);
    m("POLY")
        .floats("kernel_params", &[0.5, 1.0, 2.5])
        .refused(&["degree", "2.5"]);
    m("POLY")
        .floats("kernel_params", &[0.5])
        .refused(&["kernel_params"]);
    m("CUBE").refused(&["CUBE"]);
    m("RBF")
        .int("n_supports", 2)
        .refused(&["2 support vectors"]);
    m("RBF").floats("rho", &[]).refused(&["rho"]);
}

/// Far from zero nothing cancels: the squares there are 1e8, of which float32 has only eights.
#[test]
fn gaussian_kernels_far_from_zero_are_exact() {
    let m = model("SVMRegressor", 1)
        .floats("support_vectors", &[10_000.0, 10_002.0])
        .string("kernel_type", "RBF")
        .floats("kernel_params", &[1.0, 0.0, 0.0])
        .floats("coefficients", &[1.0, 2.0])
        .floats("rho", &[0.0])
        .int("n_supports", 2);
    let expected = (-0.25f32).exp() + 2.0 * (-2.25f32).exp();
    m.gives(&[10_000.5], &[expected]);
}

#[test]
fn support_vector_classifiers_vote() {
    // With one feature and linear kernels: scores of pairs 01, 02, 12.
    let m = classifier("SVMClassifier", 1)
        .floats("support_vectors", &[1.0, 2.0, 3.0])
        .ints("vectors_per_class", &[1, 1, 1])
        .floats("coefficients", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        .floats("rho", &[0.5, -20.0, -30.0])
        .floats("kernel_params", &[])
        .ints("classlabels_ints", &[10, 20, 40]);
    // Kernels x, 2 x, 3 x; 01: 1 k0 + 2 k1; 02: 4 k0 + 3 k2; 12: 5 k1 + 6 k2.
    let scores = |x: f32| [5.0 * x + 0.5, 13.0 * x - 20.0, 28.0 * x - 30.0];
    m.decides(&[2.0], 10.0, &scores(2.0));
    m.decides(&[-1.0], 40.0, &scores(-1.0));
    // One vote each: the first.
    m.decides(&[1.2], 10.0, &scores(1.2));
    m.clone()
        .ints("vectors_per_class", &[1, 1, 2])
        .refused(&["vectors_per_class"]);
    m.clone()
        .ints("vectors_per_class", &[1, -1, 3])
        .refused(&["vectors_per_class"]);
    m.clone()
        .ints("vectors_per_class", &[3])
        .refused(&["3 classes"]);
    m.clone().floats("rho", &[0.0]).refused(&["rho has 1"]);
    m.clone()
        .floats("coefficients", &[1.0])
        .refused(&["1 coefficients"]);
}

#[test]
fn support_vector_classifiers_of_two_classes() {
    let m = classifier("SVMClassifier", 1)
        .floats("support_vectors", &[1.0, -1.0])
        .ints("vectors_per_class", &[1, 1])
        .floats("coefficients", &[1.0, -2.0])
        .floats("rho", &[0.5])
        .floats("kernel_params", &[])
        .ints("classlabels_ints", &[0, 1]);
    // The score is 3 x + 0.5; where it is positive, the first class wins.
    m.decides(&[1.0], 0.0, &[-3.5, 3.5]);
    m.decides(&[-1.0], 1.0, &[2.5, -2.5]);
    let probable = m
        .clone()
        .floats("prob_a", &[-2.0])
        .floats("prob_b", &[0.25]);
    let first = sigmoid(2.0 * 3.5 - 0.25);
    probable.decides(&[1.0], 0.0, &[first, 1.0 - first]);
    // One score for each class, as of liblinear.
    let linear = classifier("SVMClassifier", 1)
        .floats("coefficients", &[1.0, -2.0, 3.0])
        .floats("rho", &[0.5])
        .floats("kernel_params", &[])
        .ints("classlabels_ints", &[0, 1, 2]);
    linear.decides(&[1.0], 2.0, &[1.5, -1.5, 3.5]);
}

/// `x[0] <= 1 ? (x[1] < 0 ? 1 : 2) : 4`, and `x[1] > 2 ? 10 : 20`, for the class or target 0.
fn two_trees(m: Model, prefix: &str) -> Model {
    let name = |of: &str| format!("{prefix}_{of}");
    m.ints("nodes_treeids", &[0, 0, 0, 0, 0, 5, 5, 5])
        .ints("nodes_nodeids", &[0, 1, 2, 3, 4, 0, 1, 2])
        .ints("nodes_featureids", &[0, 1, 0, 0, 0, 1, 0, 0])
        .strings(
            "nodes_modes",
            &[
                "BRANCH_LEQ",
                "BRANCH_LT",
                "LEAF",
                "LEAF",
                "LEAF",
                "BRANCH_GT",
                "LEAF",
                "LEAF",
            ],
        )
        .floats("nodes_values", &[1.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0])
        .ints("nodes_truenodeids", &[1, 3, 0, 0, 0, 1, 0, 0])
        .ints("nodes_falsenodeids", &[2, 4, 0, 0, 0, 2, 0, 0])
        .ints(&name("treeids"), &[0, 0, 0, 5, 5])
        .ints(&name("nodeids"), &[3, 4, 2, 1, 2])
        .ints(&name("ids"), &[0, 0, 0, 0, 0])
        .floats(&name("weights"), &[1.0, 2.0, 4.0, 10.0, 20.0])
}

fn forest() -> Model {
    two_trees(model("TreeEnsembleRegressor", 2), "target").int("n_targets", 1)
}

#[test]
fn trees_add_up() {
    let m = forest();
    m.gives(&[1.0, -1.0], &[21.0]);
    m.gives(&[1.0, 0.0], &[22.0]);
    m.gives(&[1.5, 3.0], &[14.0]);
    let graph = m.import("a").unwrap();
    assert!(matches!(graph.nodes[..], [ref node] if matches!(node.op, Op::Trees(_))));
    let by = |aggregate: &str| m.clone().string("aggregate_function", aggregate);
    by("AVERAGE").gives(&[1.5, 3.0], &[7.0]);
    by("MIN").gives(&[1.5, 3.0], &[4.0]);
    by("MAX")
        .floats("base_values", &[0.5])
        .gives(&[1.5, 3.0], &[10.5]);
    by("MEDIAN").refused(&["MEDIAN", "AVERAGE"]);
}

#[test]
fn ensembles_that_are_no_trees_are_refused() {
    let m = forest();
    m.clone()
        .ints("nodes_truenodeids", &[0, 3, 0, 0, 0, 1, 0, 0])
        .refused(&["two parents"]);
    m.clone()
        .ints("nodes_truenodeids", &[2, 3, 0, 0, 0, 1, 0, 0])
        .refused(&["two parents"]);
    m.clone()
        .ints("nodes_truenodeids", &[9, 3, 0, 0, 0, 1, 0, 0])
        .refused(&["node 9 of tree 0"]);
    m.clone()
        .ints("nodes_nodeids", &[0, 1, 2, 3, 3, 0, 1, 2])
        .refused(&["node 3 of tree 0", "twice"]);
    m.clone()
        .ints("nodes_treeids", &[0, 0, 0, 5, 5, 5, 0, 0])
        .ints("nodes_nodeids", &[0, 1, 2, 0, 1, 2, 3, 4])
        .refused(&["tree 0 do not stand together"]);
    m.clone()
        .ints("nodes_featureids", &[2, 1, 0, 0, 0, 1, 0, 0])
        .refused(&["feature 2", "2 features"]);
    m.clone()
        .ints("nodes_featureids", &[-1, 1, 0, 0, 0, 1, 0, 0])
        .refused(&["feature -1"]);
    m.clone()
        .ints("nodes_featureids", &[0])
        .refused(&["nodes_featureids has 1", "expected 8"]);
    m.clone()
        .ints("target_ids", &[0, 0, 0, 0, 1])
        .refused(&["target_ids holds 1"]);
    m.clone()
        .ints("target_nodeids", &[3, 4, 2, 1, 7])
        .refused(&["node 7 of tree 5"]);
    m.clone()
        .floats("target_weights", &[1.0])
        .refused(&["target_weights has 1", "expected 5"]);
    m.clone()
        .floats("target_weights", &[f32::NAN, 2.0, 4.0, 10.0, 20.0])
        .refused(&["NaN"]);
    m.clone()
        .floats(
            "nodes_values",
            &[f32::NAN, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0],
        )
        .refused(&["NaN"]);
    m.clone().int("n_targets", 0).refused(&["n_targets is 0"]);
    m.clone()
        .int("n_targets", i64::MAX)
        .refused(&["larger than"]);
    let mut modes = vec!["LEAF"; 8];
    modes[0] = "BRANCH_MEMBER";
    m.clone()
        .strings("nodes_modes", &modes)
        .refused(&["BRANCH_MEMBER", "BRANCH_EQ"]);
    modes[0] = "BRANCH";
    m.clone()
        .strings("nodes_modes", &modes)
        .refused(&["\"BRANCH\""]);
    m.clone()
        .with(AttributeProto {
            kind: AttributeKind::Floats.into(),
            ..AttributeProto::ints("nodes_treeids", [])
        })
        .refused(&["nodes_treeids"]);
}

#[test]
fn classifiers_of_trees_with_one_score_for_two_classes() {
    let m = two_trees(classifier("TreeEnsembleClassifier", 2), "class")
        .ints("classlabels_int64s", &[30, 50]);
    // No weight is negative: scores are probabilities.
    m.decides(&[1.0, -1.0], 50.0, &[-20.0, 21.0]);
    let low = m
        .clone()
        .floats("class_weights", &[0.125, 0.25, 0.25, 0.25, 0.25]);
    low.decides(&[1.0, -1.0], 30.0, &[0.625, 0.375]);
    low.decides(&[1.5, 3.0], 30.0, &[0.5, 0.5]);
    low.clone()
        .floats("base_values", &[0.25])
        .decides(&[1.5, 3.0], 50.0, &[0.25, 0.75]);
    // Some are: scores are distances.
    let signed = m
        .clone()
        .floats("class_weights", &[-1.0, 2.0, 4.0, 0.5, 0.25]);
    signed.decides(&[1.0, -1.0], 30.0, &[0.75, -0.75]);
    signed.decides(&[1.0, 1.0], 50.0, &[-2.25, 2.25]);
    let logistic = signed.clone().string("post_transform", "LOGISTIC");
    logistic.decides(&[1.0, 1.0], 50.0, &[sigmoid(-2.25), sigmoid(2.25)]);
    // Weights of the second class alone leave the first at zero.
    let second = signed.clone().ints("class_ids", &[1; 5]);
    second.decides(&[1.0, 1.0], 50.0, &[0.0, 2.25]);
    second
        .clone()
        .floats("base_values", &[1.0, 1.0])
        .refused(&["base_values"]);
    signed
        .clone()
        .ints("class_ids", &[0, 0, 0, 0, 1])
        .refused(&["every leaf a weight"]);
    signed
        .clone()
        .floats("base_values", &[1.0; 3])
        .refused(&["3 base_values for 2 classes"]);
}

#[test]
fn classifiers_of_trees_with_a_score_for_each_class() {
    let m = two_trees(classifier("TreeEnsembleClassifier", 2), "class")
        .ints("class_ids", &[0, 1, 2, 0, 1])
        .ints("classlabels_int64s", &[3, 1, 2]);
    m.decides(&[1.0, -1.0], 1.0, &[1.0, 20.0, 0.0]);
    m.decides(&[1.5, 3.0], 3.0, &[10.0, 0.0, 4.0]);
    let shifted = m.clone().floats("base_values", &[0.0, 0.0, 7.0]);
    shifted.decides(&[1.5, 3.0], 2.0, &[10.0, 0.0, 11.0]);
    let soft = shifted.string("post_transform", "SOFTMAX");
    soft.decides(&[1.5, 3.0], 2.0, &softmax(&[10.0, 0.0, 11.0]));
    let mut unnamed = m.clone();
    unnamed
        .attributes
        .retain(|a| a.name != "classlabels_int64s");
    unnamed.refused(&["classlabels_int64s"]);
}

#[test]
fn features_are_prepared() {
    let scaler = model("Scaler", 2)
        .floats("offset", &[1.0, 2.0])
        .floats("scale", &[0.5]);
    scaler.gives(&[3.0, 4.0], &[1.0, 1.0]);
    scaler
        .floats("offset", &[1.0; 3])
        .refused(&["offset has 3", "2 for the features"]);
    let normal = |norm: &str| model("Normalizer", 2).string("norm", norm);
    normal("L1").gives(&[1.0, -3.0], &[0.25, -0.75]);
    normal("L2").gives(&[3.0, -4.0], &[0.6, -0.8]);
    normal("MAX").gives(&[2.0, -4.0], &[1.0, -2.0]);
    for norm in ["L1", "L2", "MAX"] {
        normal(norm).gives(&[0.0, 0.0], &[0.0, 0.0]);
    }
    normal("L3").refused(&["L3"]);
    let imputer = model("Imputer", 2).floats("imputed_value_floats", &[7.0, 8.0]);
    imputer
        .clone()
        .float("replaced_value_float", -1.0)
        .gives(&[-1.0, -1.0], &[7.0, 8.0]);
    imputer
        .clone()
        .float("replaced_value_float", -1.0)
        .gives(&[0.0, -1.0], &[0.0, 8.0]);
    // Inputs are finite: nothing is missing.
    let absent = imputer.float("replaced_value_float", f32::NAN);
    absent.gives(&[-1.0, 0.0], &[-1.0, 0.0]);
    let interface = absent.import("a").unwrap().interface;
    let imputed = [0, 1, 2].map(|place| interface.imputed(place));
    assert_eq!(imputed, [Some(7.0), Some(8.0), None]);
    // No node is left of it: what it reads is the input.
    let copied = absent.import("a").unwrap();
    assert_eq!(copied.nodes.len(), 1);
    model("Binarizer", 3)
        .float("threshold", 1.0)
        .gives(&[0.5, 1.0, 1.5], &[0.0, 0.0, 1.0]);
    let joined = Model {
        inputs: vec!["x", "x"],
        ..model("FeatureVectorizer", 2)
    };
    joined
        .clone()
        .ints("inputdimensions", &[2, 2])
        .gives(&[1.0, 2.0], &[1.0, 2.0, 1.0, 2.0]);
    joined
        .clone()
        .ints("inputdimensions", &[3, 1])
        .gives(&[1.0, 2.0], &[1.0, 2.0, 0.0, 1.0]);
    joined
        .clone()
        .ints("inputdimensions", &[i64::MAX, i64::MAX])
        .refused(&["too large"]);
    joined
        .ints("inputdimensions", &[1])
        .refused(&["inputdimensions"]);
}

#[test]
fn categories_are_looked_up() {
    let hot = model("OneHotEncoder", 2).ints("cats_int64s", &[3, -1, 0]);
    // Floats are cut off.
    hot.gives(&[-1.0, 3.9], &[0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
    hot.gives(&[5.0, 0.0], &[0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    hot.clone()
        .ints("cats_int64s", &[1, 2, 1])
        .refused(&["twice"]);
    model("OneHotEncoder", 1)
        .strings("cats_strings", &["a"])
        .refused(&["strings", "cats_int64s"]);

    let label = model("LabelEncoder", 3)
        .floats("keys_floats", &[1.0, 2.5, 1.0])
        .floats("values_floats", &[10.0, -3.0, 99.0])
        .float("default_float", 0.5);
    label.gives(&[2.5, 1.0, 7.0], &[-3.0, 10.0, 0.5]);
    label
        .clone()
        .floats("values_floats", &[1.0])
        .refused(&["3 keys and 1 values"]);
    label
        .strings("keys_strings", &["a"])
        .refused(&["1 keys and 3 values"]);

    let picked = |indices: &[i64]| {
        model("ArrayFeatureExtractor", 3).operand(TensorProto::integers("i", indices), "i")
    };
    picked(&[2, 0, 2]).gives(&[1.0, 2.0, 3.0], &[3.0, 1.0, 3.0]);
    picked(&[3]).refused(&["not below 3"]);
    picked(&[-1]).refused(&["not below 3"]);
    model("CategoryMapper", 1).refused(&["0 keys"]);
    let zipped = model("ZipMap", 2).ints("classlabels_int64s", &[4, 6]);
    zipped.gives(&[0.25, 0.75], &[0.25, 0.75]);
}

/// Changed numbers, names and lengths of attributes give errors or graphs, and never a panic.
#[test]
fn damaged_attributes_never_panic() {
    let models = [
        three_classes(),
        kernel(model("SVMRegressor", 2), "RBF")
            .floats("coefficients", &[1.0, -2.0, 3.0])
            .floats("rho", &[0.25])
            .int("n_supports", 3),
        kernel(classifier("SVMClassifier", 2), "POLY")
            .ints("vectors_per_class", &[1, 1, 1])
            .floats("coefficients", &[1.0; 6])
            .floats("rho", &[0.5; 3])
            .ints("classlabels_ints", &[1, 2, 4]),
        forest(),
        two_trees(classifier("TreeEnsembleClassifier", 2), "class")
            .ints("classlabels_int64s", &[30, 50]),
        model("Scaler", 2)
            .floats("offset", &[1.0, 2.0])
            .floats("scale", &[0.5]),
        model("OneHotEncoder", 2).ints("cats_int64s", &[3, -1, 0]),
        model("LabelEncoder", 2)
            .ints("keys_int64s", &[3, -1])
            .ints("values_int64s", &[3, -1]),
        model("Imputer", 2)
            .ints("imputed_value_int64s", &[3, -1])
            .int("replaced_value_int64", 2),
    ];
    let integers = [0, 1, 2, -1, 1 << 24, 1 << 31, i64::MAX, i64::MIN];
    let numbers = [
        0.0,
        f32::NAN,
        f32::INFINITY,
        f32::MAX,
        f32::MIN_POSITIVE,
        -1.0,
    ];
    let (mut accepted, mut refused) = (0, 0);
    let mut check = |changed: Model| {
        for output in changed.outputs.clone() {
            match changed.import(output) {
                Ok(graph) => {
                    let row = vec![0.5; graph.inputs()];
                    let found = graph.evaluate(row.as_slice().into()).unwrap();
                    assert_eq!(found.len(), graph.outputs());
                    accepted += 1;
                }
                Err(_) => refused += 1,
            }
        }
    };
    for m in &models {
        for at in 0..m.attributes.len() {
            let change = |change: &dyn Fn(&mut AttributeProto)| {
                let mut changed = m.clone();
                change(&mut changed.attributes[at]);
                changed
            };
            check(change(&|a| a.name.push('s')));
            check(change(&|a| a.kind = (a.kind + 1) % 9));
            check(change(&|a| {
                a.ints.pop();
                a.floats.pop();
                a.strings.pop();
            }));
            check(change(&|a| {
                a.ints.clear();
                a.floats.clear();
                a.strings.clear();
            }));
            for value in integers {
                check(change(&|a| a.i = value));
                for place in 0..m.attributes[at].ints.len() {
                    check(change(&|a| a.ints[place] = value));
                }
            }
            for value in numbers {
                for place in 0..m.attributes[at].floats.len() {
                    check(change(&|a| a.floats[place] = value));
                }
            }
        }
    }
    assert!(
        accepted > 100 && refused > 500,
        "{accepted} accepted, {refused} refused"
    );
}

/// Two nodes: an imputer of missing values, and what reads `x` or what it imputes.
fn imputed_and(op: &str, inputs: &[&str]) -> Vec<Option<f32>> {
    let node = |op: &str, domain: &str, inputs: &[&str], output: &str| NodeProto {
        op_type: op.to_owned(),
        domain: domain.to_owned(),
        input: inputs.iter().map(|i| (*i).to_owned()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    };
    let mut imputer = node("Imputer", "ai.onnx.ml", &["x"], "i");
    imputer.attribute = vec![
        AttributeProto::floats("imputed_value_floats", [7.0, 8.0]),
        AttributeProto::float("replaced_value_float", f32::NAN),
    ];
    let mut other = node(op, "", inputs, "y");
    if op == "Concat" {
        other.attribute = vec![AttributeProto::int("axis", 1)];
    }
    let dims = [Dim::Symbol("N".to_owned()), Dim::Size(2)];
    let graph = GraphProto {
        name: "m".to_owned(),
        node: vec![imputer, other],
        initializer: vec![],
        input: vec![ValueInfoProto::floats("x", dims)],
        output: vec![ValueInfoProto::floats("y", [])],
    };
    let set = |domain: &str, version| OperatorSetIdProto {
        domain: domain.to_owned(),
        version,
    };
    let model = ModelProto {
        ir_version: 8,
        graph: Some(graph),
        opset_import: vec![set("", 17), set("ai.onnx.ml", 3)],
        ..ModelProto::default()
    };
    let graph = Graph::from_onnx(&model.to_bytes()).unwrap();
    let row = ndarray::array![1.0, -3.0];
    assert!(graph.evaluate(row.view()).is_ok());
    [0, 1].map(|place| graph.interface.imputed(place)).to_vec()
}

#[test]
fn numbers_may_be_missing_where_imputers_alone_read_them() {
    let both = [Some(7.0), Some(8.0)];
    assert_eq!(imputed_and("Relu", &["i"]), both);
    assert_eq!(imputed_and("Add", &["i", "i"]), both);
    assert_eq!(imputed_and("Concat", &["i", "i"]), both);
    for inputs in [["i", "x"], ["x", "i"]] {
        assert_eq!(imputed_and("Add", &inputs), [None, None]);
        assert_eq!(imputed_and("Concat", &inputs), [None, None]);
    }
}
