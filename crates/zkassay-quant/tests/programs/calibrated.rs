//! Schemes, their search, what is merged, and errors that say what would work.

use ndarray::Array1;
use zkassay_graph::{
    Aggregate, Arithmetic, Branch, Function, Op, Order, Reduction, Source, TreeNode, Trees,
};
use zkassay_quant::{
    CalibrationParams, FidelityReport, IntegerModel, IntegerScheme, QuantError, Target,
    calibrate_model, folded, is_chain, quantize_model, quantize_program,
};

use crate::support::{Builder, ConvSpec, lowered, rows, scheme, small_cnn};

fn params() -> CalibrationParams {
    CalibrationParams::new(10).unwrap()
}

#[test]
fn the_search_finds_the_cheapest_and_says_why_others_are_not() {
    let graph = small_cnn();
    let rows = rows(20, 784, 0.5, 1);
    let calibration = calibrate_model(&graph, rows.view(), &params()).unwrap();
    assert!(calibration.fidelity.overall.max <= 1e-2);
    assert_eq!(calibration.fidelity.per_output.len(), 10);
    let total = |scheme: &IntegerScheme| match scheme {
        IntegerScheme::Program(scheme) => scheme.limbs.total,
        IntegerScheme::Chain(_) => 0,
    };
    let chosen = total(&calibration.scheme);
    println!(
        "{:?}, {} trials",
        calibration.scheme,
        calibration.trials.len()
    );
    for trial in &calibration.trials {
        assert!(trial.rejected.is_some() || total(&trial.scheme) >= chosen);
    }
    assert!(
        calibration
            .trials
            .iter()
            .any(|trial| trial.rejected.is_some())
    );
    // A graph and a scheme determine the model; the scheme survives its file.
    let json = serde_json::to_string(&calibration.scheme).unwrap();
    let scheme: IntegerScheme = serde_json::from_str(&json).unwrap();
    assert_eq!(scheme, calibration.scheme);
    assert_eq!(quantize_model(&graph, &scheme).unwrap(), calibration.model);
    // A finer target costs more.
    let accurate = Target::Resources { max_error: 1e-4 };
    let finer = params().with_target(accurate).unwrap();
    let finer = calibrate_model(&graph, rows.view(), &finer).unwrap();
    assert!(total(&finer.scheme) >= chosen && finer.fidelity.overall.max <= 1e-4);
}

#[test]
fn heads_and_smooth_layers_calibrate() {
    let mut softmax = Builder::new(&[1, 20], 1);
    let x = softmax.dense(0, 20, 16);
    let x = softmax.same(Op::RELU, x);
    let x = softmax.dense(x, 16, 10);
    let groups = vec![(0..10).collect()];
    softmax.same(Op::Softmax { groups, log: false }, x);
    let mut tanh = Builder::new(&[1, 20], 2);
    let x = tanh.dense(0, 20, 16);
    let x = tanh.same(Op::Map(Function::Tanh), x);
    let x = tanh.dense(x, 16, 16);
    let x = tanh.same(Op::Map(Function::Gelu), x);
    let x = tanh.dense(x, 16, 1);
    tanh.same(Op::SIGMOID, x);
    let mut images = Builder::new(&[1, 1, 8, 8], 3);
    let x = images.conv(0, ConvSpec::new(4, 3, 1, 1));
    let x = images.same(Op::Map(Function::Silu(1.0)), x);
    let x = images.pool(x, Reduction::Mean);
    let x = images.flat(x);
    let x = images.dense(x, 64, 5);
    let groups = vec![(0..5).collect()];
    images.node(
        Op::ArgMax {
            groups,
            order: Order::Greatest,
            last: false,
        },
        &[x],
        &[1, 1],
    );
    for (builder, outputs, probability) in
        [(softmax, 10, false), (tanh, 1, true), (images, 1, false)]
    {
        let graph = builder.graph;
        let deviation = 1.0;
        let calibrating = rows(30, graph.inputs(), deviation, 1);
        let calibration = calibrate_model(&graph, calibrating.view(), &params()).unwrap();
        let IntegerModel::Program(program) = &calibration.model else {
            unreachable!()
        };
        assert_eq!(
            (program.outputs, program.probability),
            (outputs, probability)
        );
        let fresh = rows(200, graph.inputs(), deviation, 2);
        let report = FidelityReport::measure(&graph, &calibration.model, fresh.view()).unwrap();
        let segments: usize = program
            .tables
            .iter()
            .map(|table| table.segments.len())
            .sum();
        println!(
            "{:?}: {} wires, {segments} segments, {:?}",
            calibration.scheme,
            program.wires(),
            report.overall
        );
        // A label is right or wrong.
        let is_label = matches!(graph.nodes[graph.output.value - 1].op, Op::ArgMax { .. });
        assert!(
            report.overall.mean < 1e-2 || is_label,
            "{:?}",
            report.overall
        );
        assert!(report.overall.agreement > 0.98, "{:?}", report.overall);
        assert!(segments < 2048);
    }
}

#[test]
fn chains_stay_chains() {
    let graph = zkassay_testing::mlp(&[6, 5, 4, 1], Some(Op::SIGMOID), 4);
    assert!(is_chain(&graph));
    let rows = zkassay_testing::rows(30, 6, 1);
    let calibration = calibrate_model(&graph, rows.view(), &params()).unwrap();
    let IntegerModel::Chain(model) = &calibration.model else {
        unreachable!("{:?}", calibration.model);
    };
    let alone = zkassay_quant::calibrate(&graph, rows.view(), &params()).unwrap();
    assert_eq!(*model, alone.model);
    assert_eq!(calibration.fidelity.overall, alone.fidelity);
    let json = serde_json::to_string(&calibration.scheme).unwrap();
    assert_eq!(json, serde_json::to_string(&alone.scheme).unwrap());
    assert_eq!(
        serde_json::from_str::<IntegerScheme>(&json).unwrap(),
        calibration.scheme
    );
}

/// Convolution, normalisation, rectifier; dense, scale.
fn normalised() -> Builder {
    let mut b = Builder::new(&[1, 2, 6, 6], 3);
    let x = b.conv(0, ConvSpec::new(3, 3, 1, 1));
    let each =
        |values: [f32; 3]| -> Array1<f32> { values.into_iter().flat_map(|x| [x; 36]).collect() };
    let elementwise = |arithmetic, constant| Op::Elementwise {
        arithmetic,
        constant,
    };
    let x = b.same(elementwise(Arithmetic::Multiply, each([0.5, 2.0, -1.0])), x);
    let x = b.same(elementwise(Arithmetic::Add, each([0.1, -0.2, 0.3])), x);
    let x = b.same(Op::RELU, x);
    let x = b.flat(x);
    let x = b.dense(x, 108, 4);
    b.same(
        elementwise(Arithmetic::Divide, Array1::from_elem(4, 3.0)),
        x,
    );
    b
}

#[test]
fn adjacent_affine_operations_are_merged_unless_told_otherwise() {
    let b = normalised();
    let merged = lowered(&b.graph);
    let names: Vec<&str> = merged
        .folded
        .iter()
        .map(|folded| folded.into.as_str())
        .collect();
    assert_eq!(
        names,
        ["conv_0 + mul_1 + add_2 + relu_3", "dense_5 + div_6"]
    );
    assert_eq!(merged.folded[0].nodes, ["conv_0", "mul_1", "add_2"]);
    assert_eq!(merged.program.steps.len(), 2);
    let mut scheme = scheme();
    assert_eq!(
        folded(&b.graph, &IntegerScheme::Program(scheme.clone())).unwrap(),
        merged.folded
    );
    scheme.fold = false;
    let plain = quantize_program(&b.graph, &scheme).unwrap();
    assert!(plain.folded.is_empty(), "{:?}", plain.folded);
    assert_eq!(plain.program.steps.len(), 5);
    let rows = rows(20, 72, 1.0, 1);
    for lowered in [merged, plain] {
        let model = IntegerModel::Program(lowered.program);
        let report = FidelityReport::measure(&b.graph, &model, rows.view()).unwrap();
        assert!(report.overall.max < 3e-3, "{report:?}");
        for output in &report.per_output {
            let errors = output.absolute;
            assert!(errors.min <= errors.median && errors.median <= errors.max);
            assert!(errors.max <= report.overall.max && output.percent.max >= output.percent.mean);
        }
    }
}

#[test]
fn limits_come_from_rows_and_only_where_they_are_needed() {
    // 1 / x is bounded by rows; 1 / (x^2 + 1) needs no rows.
    let positive = rows(20, 3, 1.0, 2).mapv(|x| x.abs() + 0.5);
    let mut b = Builder::new(&[1, 3], 1);
    let x = b.same(Op::Map(Function::Reciprocal), 0);
    let square = b.same(Op::Map(Function::Power(2)), 0);
    let constant = Array1::ones(3);
    let arithmetic = Arithmetic::Add;
    let sum = b.same(
        Op::Elementwise {
            arithmetic,
            constant,
        },
        square,
    );
    let y = b.same(Op::Map(Function::Reciprocal), sum);
    b.node(Op::Binary(zkassay_graph::Binary::Add), &[x, y], &[1, 3]);
    let calibration = calibrate_model(&b.graph, positive.view(), &params()).unwrap();
    let IntegerScheme::Program(scheme) = &calibration.scheme else {
        unreachable!()
    };
    assert_eq!(
        scheme.limits.iter().map(|l| l.value).collect::<Vec<_>>(),
        [0]
    );
    assert_eq!(
        quantize_model(&b.graph, &calibration.scheme).unwrap(),
        calibration.model
    );
    let error = calibration.model.evaluate(&[0.5, 0.0, 0.5]).unwrap_err();
    assert!(
        matches!(&error, QuantError::Violated { node } if node == "reciprocal_0"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_proved_says_what_would_work() {
    let mut b = Builder::new(&[1, 2], 1);
    let question = TreeNode::Inner {
        feature: 0,
        threshold: 0.5,
        branch: Branch::Less,
        yes: 20_000,
        no: 20_001,
    };
    let mut nodes = vec![question; 20_000];
    nodes.extend([
        TreeNode::Leaf(vec![(0, 1.0)]),
        TreeNode::Leaf(vec![(0, 2.0)]),
    ]);
    let trees = Trees {
        inputs: 2,
        nodes,
        roots: vec![0],
        base: vec![0.0],
        aggregate: Aggregate::Sum,
    };
    // Over what is computed, not over the input.
    let x = b.same(Op::Map(Function::Abs), 0);
    b.node(Op::Trees(trees), &[x], &[1, 1]);
    let error = calibrate_model(&b.graph, rows(3, 2, 1.0, 1).view(), &params()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("'trees_1'") && text.contains("16384 are possible"),
        "{text}"
    );
    // Graphs whose parts do not fit.
    for (op, inputs, shape) in [
        (Op::RELU, vec![0], vec![1, 3]),
        (Op::RELU, vec![7], vec![1, 2]),
        (Op::RELU, vec![], vec![1, 2]),
        (
            Op::Rearrange(vec![Source::Element {
                operand: 0,
                index: 9,
            }]),
            vec![0],
            vec![1, 1],
        ),
        (
            Op::Rearrange(vec![Source::Element {
                operand: 9,
                index: 0,
            }]),
            vec![0],
            vec![1, 1],
        ),
        (Op::Select, vec![0, 0], vec![1, 2]),
        (Op::RELU, vec![0], vec![usize::MAX, 2]),
    ] {
        let mut b = Builder::new(&[1, 2], 1);
        b.node(op, &inputs, &shape);
        let error = quantize_program(&b.graph, &scheme()).unwrap_err();
        assert!(matches!(error, QuantError::Unsupported { .. }), "{error}");
    }
}
