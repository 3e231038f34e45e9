//! Decision trees, as the operator set `ai.onnx.ml` has them.

use crate::builder::{BATCH, mismatch};
use crate::proto::{AttributeProto, DataType, Dim, NodeProto, OperatorSetIdProto, ValueInfoProto};
use crate::{ModelBuilder, OnnxError};

/// Name of the output that holds the class of each row, `[batch_size]`, int64.
pub const LABEL: &str = "label";

/// The operator set of trees, and its version: of ONNX 1.12, as [`OPSET`](crate::OPSET) is.
const ML: &str = "ai.onnx.ml";
const ML_VERSION: i64 = 3;

/// The most classes that trees can have scores for.
const MAX_CLASSES: usize = 1 << 16;

/// A node of a [`WeightedTree`].
#[derive(Clone, Debug, PartialEq)]
pub enum TreeNode {
    /// A question about one feature.
    Branch {
        /// The feature.
        feature: usize,
        /// What it is compared with.
        threshold: f32,
        /// The node to go to if the feature is at most the threshold.
        at_most: usize,
        /// The node to go to if it is above.
        above: usize,
    },
    /// The end of the way.
    Leaf {
        /// What the tree adds to the scores of its classes.
        weights: Vec<f32>,
    },
}

/// A decision tree. Node 0 is the root, and children come after their parents.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedTree {
    /// The class that the first weight of a leaf is for; the others are for the
    /// classes after it.
    pub class: usize,
    /// The nodes.
    pub nodes: Vec<TreeNode>,
}

impl WeightedTree {
    /// Checks that this is a tree over rows of `features`, for scores of
    /// `classes`, and its numbers finite. `tree` is its place among others.
    ///
    /// # Errors
    /// [`OnnxError::TreeNode`] names the first node that does not fit.
    pub fn check(&self, tree: usize, features: usize, classes: usize) -> Result<(), OnnxError> {
        let check = |holds: bool, node, what, found: &dyn ToString, expected: &dyn ToString| {
            let error = || OnnxError::TreeNode {
                tree,
                node,
                what,
                found: found.to_string(),
                expected: expected.to_string(),
            };
            if holds { Ok(()) } else { Err(error()) }
        };
        let count = self.nodes.len();
        check(count > 0, 0, "node", &"missing", &"a root")?;
        let room = classes.saturating_sub(self.class);
        let mut has_parent = vec![false; count];
        for (at, node) in self.nodes.iter().enumerate() {
            check(at == 0 || has_parent[at], at, "parent", &"missing", &"one")?;
            match *node {
                TreeNode::Leaf { ref weights } => {
                    let found = weights.len();
                    let fits = (1..=room).contains(&found);
                    let expected = format!("a number from 1 to {room}");
                    check(fits, at, "number of weights", &found, &expected)?;
                    for weight in weights {
                        check(weight.is_finite(), at, "weight", weight, &"a finite number")?;
                    }
                }
                TreeNode::Branch {
                    feature,
                    threshold,
                    at_most,
                    above,
                } => {
                    let expected = format!("a number below {features}");
                    check(feature < features, at, "feature", &feature, &expected)?;
                    let finite = threshold.is_finite();
                    check(finite, at, "threshold", &threshold, &"a finite number")?;
                    for child in [at_most, above] {
                        let fits = child > at && has_parent.get(child) == Some(&false);
                        let expected = "a later node without a parent";
                        check(fits, at, "child", &child, &expected)?;
                        has_parent[child] = true;
                    }
                }
            }
        }
        Ok(())
    }
}

impl ModelBuilder {
    /// Adds trees: from rows of features to one score per class, the sums of
    /// the leaves that a row comes to. A second output of the model, [`LABEL`],
    /// is the first class with the highest score.
    ///
    /// The scores are those of a `TreeEnsembleClassifier` without a
    /// transformation. Its own label is not used: for two classes, onnxruntime
    /// (1.31) chooses class 1 whenever that class's score is above 0, and where
    /// only one class has weights, the engines disagree on what they stand for.
    /// An `ArgMax` of the scores is the same everywhere. For the same reason
    /// leaves of models for two classes have weights for both, 0 if need be.
    ///
    /// # Errors
    /// As [`WeightedTree::check`]; [`OnnxError::ShapeMismatch`] if there are no
    /// trees, fewer than two classes or more than 65,536; [`OnnxError::LayerName`]
    /// if the name is taken, or `label`, or `<layer>.label`.
    pub fn tree_ensemble(
        mut self,
        layer: &str,
        classes: usize,
        trees: &[WeightedTree],
    ) -> Result<Self, OnnxError> {
        let features = self.flat(layer)?;
        if trees.is_empty() {
            return Err(mismatch(layer, "ensemble", "trees", 1, 0));
        }
        let possible = classes.clamp(2, MAX_CLASSES);
        if classes != possible {
            return Err(mismatch(layer, "ensemble", "classes", possible, classes));
        }
        let mut columns = Columns::default();
        for (index, tree) in trees.iter().enumerate() {
            tree.check(index, features, classes)?;
            columns.append(index, tree, classes);
        }

        let own_label = format!("{layer}.label");
        self.check_name(&own_label)?;
        self.check_name(LABEL)?;
        let batch = [Dim::Symbol(BATCH.to_owned())];
        self.outputs
            .push(ValueInfoProto::tensor(LABEL, DataType::Int64, batch));
        let input = vec![self.value()];
        self.push_node(
            "TreeEnsembleClassifier",
            layer,
            input,
            columns.attributes(classes),
        )?;
        if let Some(node) = self.nodes.last_mut() {
            ML.clone_into(&mut node.domain);
            node.output.insert(0, own_label);
        }
        self.operators.push(OperatorSetIdProto {
            domain: ML.to_owned(),
            version: ML_VERSION,
        });
        self.readers.push(NodeProto {
            input: vec![self.value()],
            output: vec![LABEL.to_owned()],
            name: LABEL.to_owned(),
            op_type: "ArgMax".to_owned(),
            attribute: vec![
                AttributeProto::int("axis", 1),
                AttributeProto::int("keepdims", 0),
            ],
            ..NodeProto::default()
        });
        self.shape = vec![classes];
        Ok(self)
    }
}

/// The attributes of a `TreeEnsembleClassifier`: one entry per node, and one
/// per weight of a leaf.
#[derive(Default)]
struct Columns {
    trees: Vec<i64>,
    nodes: Vec<i64>,
    features: Vec<i64>,
    values: Vec<f32>,
    modes: Vec<&'static str>,
    at_most: Vec<i64>,
    above: Vec<i64>,
    weight_trees: Vec<i64>,
    weight_nodes: Vec<i64>,
    weight_classes: Vec<i64>,
    weights: Vec<f32>,
}

impl Columns {
    fn append(&mut self, index: usize, tree: &WeightedTree, classes: usize) {
        for (at, node) in tree.nodes.iter().enumerate() {
            let (feature, value, mode, at_most, above) = match *node {
                TreeNode::Leaf { .. } => (0, 0.0, "LEAF", 0, 0),
                TreeNode::Branch {
                    feature,
                    threshold,
                    at_most,
                    above,
                } => (feature, threshold, "BRANCH_LEQ", at_most, above),
            };
            self.trees.push(index as i64);
            self.nodes.push(at as i64);
            self.features.push(feature as i64);
            self.values.push(value);
            self.modes.push(mode);
            self.at_most.push(at_most as i64);
            self.above.push(above as i64);
            if let TreeNode::Leaf { weights } = node {
                let own = tree.class..tree.class + weights.len();
                for class in if classes == 2 { 0..2 } else { own } {
                    let place = class.checked_sub(tree.class);
                    let weight = place.and_then(|place| weights.get(place));
                    self.weight_trees.push(index as i64);
                    self.weight_nodes.push(at as i64);
                    self.weight_classes.push(class as i64);
                    self.weights.push(weight.copied().unwrap_or(0.0));
                }
            }
        }
    }

    fn attributes(self, classes: usize) -> Vec<AttributeProto> {
        vec![
            AttributeProto::ints("class_ids", self.weight_classes),
            AttributeProto::ints("class_nodeids", self.weight_nodes),
            AttributeProto::ints("class_treeids", self.weight_trees),
            AttributeProto::floats("class_weights", self.weights),
            AttributeProto::ints("classlabels_int64s", 0..classes as i64),
            AttributeProto::ints("nodes_falsenodeids", self.above),
            AttributeProto::ints("nodes_featureids", self.features),
            AttributeProto::strings("nodes_modes", self.modes),
            AttributeProto::ints("nodes_nodeids", self.nodes),
            AttributeProto::ints("nodes_treeids", self.trees),
            AttributeProto::ints("nodes_truenodeids", self.at_most),
            AttributeProto::floats("nodes_values", self.values),
            AttributeProto::string("post_transform", "NONE"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::GraphProto;

    fn branch(feature: usize, at_most: usize, above: usize) -> TreeNode {
        TreeNode::Branch {
            feature,
            threshold: 0.25,
            at_most,
            above,
        }
    }

    fn leaf(weights: &[f32]) -> TreeNode {
        TreeNode::Leaf {
            weights: weights.to_vec(),
        }
    }

    fn stump(class: usize) -> WeightedTree {
        WeightedTree {
            class,
            nodes: vec![branch(1, 1, 2), leaf(&[0.5]), leaf(&[-1.0])],
        }
    }

    fn builder() -> ModelBuilder {
        ModelBuilder::new("m", 2).unwrap()
    }

    fn ints<'a>(graph: &'a GraphProto, name: &str) -> &'a [i64] {
        let mut attributes = graph.node[0].attribute.iter();
        &attributes.find(|a| a.name == name).unwrap().ints
    }

    #[test]
    fn trees_become_one_node_and_the_label_another() {
        let trees = [stump(2), stump(0)];
        let model = builder().tree_ensemble("trees", 3, &trees).unwrap();
        let model = model.softmax("probabilities").unwrap().build().unwrap();
        let operators = model.opset_import.iter();
        let operators: Vec<_> = operators.map(|o| (o.domain.as_str(), o.version)).collect();
        assert_eq!(operators, [("", crate::OPSET), ("ai.onnx.ml", 3)]);

        let graph = model.graph.unwrap();
        let wires = graph.node.iter().map(|node| {
            let (from, to) = (node.input.join(" "), node.output.join(" "));
            format!("{}: {from} -> {to}", node.op_type)
        });
        assert!(wires.eq([
            "TreeEnsembleClassifier: input -> trees.label trees",
            "Softmax: trees -> output",
            "ArgMax: trees -> label",
        ]));
        assert_eq!(graph.node[0].domain, "ai.onnx.ml");
        assert_eq!(ints(&graph, "nodes_treeids"), [0, 0, 0, 1, 1, 1]);
        assert_eq!(ints(&graph, "nodes_nodeids"), [0, 1, 2, 0, 1, 2]);
        assert_eq!(ints(&graph, "nodes_truenodeids"), [1, 0, 0, 1, 0, 0]);
        assert_eq!(ints(&graph, "nodes_falsenodeids"), [2, 0, 0, 2, 0, 0]);
        assert_eq!(ints(&graph, "class_treeids"), [0, 0, 1, 1]);
        assert_eq!(ints(&graph, "class_nodeids"), [1, 2, 1, 2]);
        assert_eq!(ints(&graph, "class_ids"), [2, 2, 0, 0]);
    }

    #[test]
    fn without_a_layer_after_them_the_label_reads_the_output() {
        let model = builder().tree_ensemble("trees", 3, &[stump(0)]).unwrap();
        let graph = model.build().unwrap().graph.unwrap();
        assert_eq!(graph.node[0].output, ["trees.label", "output"]);
        assert_eq!(graph.node[1].input, ["output"]);
        let outputs = graph.output.iter().map(|output| output.name.as_str());
        assert!(outputs.eq(["output", "label"]));
    }

    #[test]
    fn leaves_of_two_classes_have_weights_for_both() {
        let model = builder().tree_ensemble("trees", 2, &[stump(1)]).unwrap();
        let graph = model.build().unwrap().graph.unwrap();
        assert_eq!(ints(&graph, "class_ids"), [0, 1, 0, 1]);
        let mut attributes = graph.node[0].attribute.iter();
        let weights = attributes.find(|a| a.name == "class_weights").unwrap();
        assert_eq!(weights.floats, [0.0, 0.5, 0.0, -1.0]);
    }

    #[test]
    fn nodes_that_do_not_fit_are_named() {
        let refused = |nodes: Vec<TreeNode>| {
            let trees = [stump(0), WeightedTree { class: 1, nodes }];
            let error = builder().tree_ensemble("trees", 3, &trees).unwrap_err();
            error.to_string()
        };
        let ends = || [leaf(&[1.0]), leaf(&[0.0, 1.0])];
        let with = |root: TreeNode| refused([vec![root], ends().to_vec()].concat());
        assert_eq!(
            with(branch(2, 1, 2)),
            "tree 1, node 0: the feature is 2, expected a number below 2"
        );
        for child in [0, 1, 3] {
            let expected = "expected a later node without a parent";
            let message = format!("tree 1, node 0: the child is {child}, {expected}");
            assert_eq!(with(branch(0, 1, child)), message);
        }
        assert_eq!(
            refused(ends().to_vec()),
            "tree 1, node 1: the parent is missing, expected one"
        );
        assert_eq!(
            refused(vec![]),
            "tree 1, node 0: the node is missing, expected a root"
        );
        assert_eq!(
            refused(vec![leaf(&[0.0; 3])]),
            "tree 1, node 0: the number of weights is 3, expected a number from 1 to 2"
        );
        assert_eq!(
            refused(vec![leaf(&[f32::INFINITY])]),
            "tree 1, node 0: the weight is inf, expected a finite number"
        );
        let threshold = TreeNode::Branch {
            feature: 0,
            threshold: f32::NAN,
            at_most: 1,
            above: 2,
        };
        assert_eq!(
            with(threshold),
            "tree 1, node 0: the threshold is NaN, expected a finite number"
        );
    }

    #[test]
    fn ensembles_and_names_that_do_not_fit_are_refused() {
        let error = builder().tree_ensemble("trees", 3, &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "layer `trees`: ensemble with 0 trees, expected 1"
        );
        let error = builder().tree_ensemble("trees", 1, &[stump(0)]);
        assert_eq!(
            error.unwrap_err().to_string(),
            "layer `trees`: ensemble with 1 classes, expected 2"
        );
        let error = builder().tree_ensemble("trees", usize::MAX, &[stump(0)]);
        let error = error.unwrap_err().to_string();
        assert!(error.ends_with("classes, expected 65536"), "{error}");
        for name in ["label", "trees.label", "trees"] {
            let builder = builder().relu(name).unwrap();
            let error = builder.tree_ensemble("trees", 3, &[stump(0)]).unwrap_err();
            assert!(matches!(error, OnnxError::LayerName { ref layer } if layer == name));
        }
        let model = builder().tree_ensemble("label", 3, &[stump(0)]);
        assert!(matches!(model, Err(OnnxError::LayerName { .. })));
        let model = builder().tree_ensemble("trees", 3, &[stump(0)]).unwrap();
        assert!(matches!(
            model.relu("label"),
            Err(OnnxError::LayerName { .. })
        ));
    }
}
