//! Arithmetic, functions, comparisons.

use zkassay_graph::{Arithmetic, Function, Op};
use zkassay_onnx::proto::AttributeProto;

use super::common::{noises, operators, reads};

const ROW: [f32; 6] = [-3.0, -1.0, -0.25, 0.0, 0.5, 2.0];

#[test]
fn activations_agree_with_tract() {
    let float = AttributeProto::float;
    let cases = [
        ("Relu", vec![]),
        ("Sigmoid", vec![]),
        ("Tanh", vec![]),
        ("Softplus", vec![]),
        ("Softsign", vec![]),
        ("LeakyRelu", vec![float("alpha", 0.3)]),
        ("Elu", vec![float("alpha", 0.7)]),
        ("Selu", vec![]),
        (
            "HardSigmoid",
            vec![float("alpha", 0.25), float("beta", 0.4)],
        ),
        ("HardSwish", vec![]),
        ("ThresholdedRelu", vec![float("alpha", 0.5)]),
        ("Exp", vec![]),
        ("Erf", vec![]),
        ("Abs", vec![]),
        ("Sign", vec![]),
        ("Floor", vec![]),
        ("Ceil", vec![]),
        ("Round", vec![]),
        ("Neg", vec![]),
    ];
    for (op, attributes) in cases {
        let graph = reads(&[1, 6]).with(op, &["x"], &["y"], attributes).agrees();
        let origin = |operator: &str| operator == op || operator == "Constant";
        assert!(graph.nodes.iter().all(|node| origin(&node.operator)));
    }
}

#[test]
fn activations_have_known_values() {
    let one = |op: &str, attributes, x: f32, y: f32| {
        let model = reads(&[1, 1])
            .opset(20)
            .with(op, &["x"], &["y"], attributes);
        model.gives(&[x], &[y]);
    };
    one("Gelu", vec![], 1.0, 0.841_344_7);
    one(
        "Gelu",
        vec![AttributeProto::string("approximate", "tanh")],
        1.0,
        0.841_192,
    );
    one("Mish", vec![], 1.0, 0.865_098_4);
    one(
        "Celu",
        vec![AttributeProto::float("alpha", 2.0)],
        -1.0,
        -0.786_938_7,
    );
    one("Round", vec![], 2.5, 2.0);
    one("Round", vec![], -1.5, -2.0);
    one("Sqrt", vec![], 6.25, 2.5);
    one("Reciprocal", vec![], -0.5, -2.0);
    one("Log", vec![], 2.0, std::f32::consts::LN_2);
    one("Softplus", vec![], 500.0, 500.0);
    let soft = || {
        let [lambd, bias] = [("lambd", 1.0), ("bias", 0.25)];
        [lambd, bias]
            .map(|(name, x)| AttributeProto::float(name, x))
            .to_vec()
    };
    one("Shrink", soft(), -2.0, -1.75);
    one("Shrink", soft(), 0.9, 0.0);
    one("Shrink", soft(), 1.5, 1.25);
}

#[test]
fn prelu_has_a_slope_for_each_channel() {
    let model = reads(&[1, 2, 3]).floats("slope", &[2, 1], &[0.5, -1.0]);
    let graph = model
        .node("PRelu", &["x", "slope"], "y")
        .gives(&ROW, &[-1.5, -0.5, -0.125, 0.0, 0.5, 2.0]);
    assert_eq!(operators(&graph), ["Relu", "Clip", "Mul", "Add"]);
    let model = reads(&[1, 6]).floats("slope", &[1], &[0.5]);
    let graph = model.node("PRelu", &["x", "slope"], "y").agrees();
    assert_eq!(graph.nodes[0].op, Op::Map(Function::LeakyRelu(0.5)));
}

#[test]
fn clip_takes_its_bounds_either_way() {
    let bounds = vec![
        AttributeProto::float("min", -1.0),
        AttributeProto::float("max", 0.5),
    ];
    let model = reads(&[1, 6])
        .opset(10)
        .with("Clip", &["x"], &["y"], bounds);
    let expected = [-1.0, -1.0, -0.25, 0.0, 0.5, 0.5];
    model.gives(&ROW, &expected);
    let model = reads(&[1, 6])
        .floats("low", &[], &[-1.0])
        .floats("high", &[], &[0.5]);
    model
        .node("Clip", &["x", "low", "high"], "y")
        .gives(&ROW, &expected);
    let model = reads(&[1, 6]).floats("low", &[], &[0.0]);
    let graph = model.node("Clip", &["x", "low"], "y").agrees();
    assert_eq!(graph.nodes[0].op, Op::RELU);
    let model = reads(&[1, 6]).floats("high", &[], &[0.0]);
    model.node("Clip", &["x", "", "high"], "y").gives(
        &[-1.0, 1.0, 2.0, 0.0, 0.0, 0.0],
        &[-1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    );
}

#[test]
fn arithmetic_broadcasts_and_takes_constants_on_either_side() {
    for op in ["Add", "Sub", "Mul", "Div", "Max", "Min"] {
        for shape in [&[1, 2, 3][..], &[3], &[2, 1], &[], &[2, 2, 1]] {
            let len = shape.iter().product();
            let model = || reads(&[1, 2, 3]).floats("c", shape, &noises(len));
            model().node(op, &["x", "c"], "y").agrees();
            model().node(op, &["c", "x"], "y").agrees();
        }
        let model = reads(&[1, 4]).node("Sigmoid", &["x"], "s");
        model.node(op, &["x", "s"], "y").agrees();
    }
}

#[test]
fn constants_choose_short_forms() {
    let model = |op, inputs: &[&str], c: f32| {
        reads(&[1, 3])
            .floats("c", &[1], &[c])
            .node(op, inputs, "h")
            .node("Exp", &["h"], "y")
    };
    let is = |graph: &zkassay_graph::Graph, expected: &[&str]| {
        assert_eq!(operators(graph), expected);
    };
    is(&model("Add", &["x", "c"], 0.0).agrees(), &["Exp"]);
    is(&model("Mul", &["c", "x"], 1.0).agrees(), &["Exp"]);
    is(&model("Max", &["c", "x"], 0.0).agrees(), &["Relu", "Exp"]);
    is(&model("Min", &["x", "c"], 1.0).agrees(), &["Clip", "Exp"]);
    is(
        &model("Sub", &["c", "x"], 2.0).agrees(),
        &["Mul", "Add", "Exp"],
    );
    is(
        &model("Div", &["c", "x"], 1.0).agrees(),
        &["Reciprocal", "Exp"],
    );
    let graph = model("Div", &["x", "c"], 2.0).agrees();
    assert!(matches!(
        &graph.nodes[0].op,
        Op::Elementwise {
            arithmetic: Arithmetic::Divide,
            ..
        }
    ));
}

#[test]
fn operators_of_several_operands_take_them_one_after_the_other() {
    let model = || {
        reads(&[1, 3])
            .floats("c", &[3], &[1.0, -2.0, 0.5])
            .node("Neg", &["x"], "n")
    };
    let row = [1.0, 2.0, -4.0];
    for (op, expected) in [
        ("Sum", [1.0, -2.0, 0.5]),
        ("Mean", [1.0 / 3.0, -2.0 / 3.0, 0.5 / 3.0]),
        ("Max", [1.0, 2.0, 4.0]),
        ("Min", [-1.0, -2.0, -4.0]),
    ] {
        model()
            .node(op, &["x", "n", "c"], "y")
            .gives(&row, &expected);
    }
}

#[test]
fn powers_of_constant_exponents_are_products_and_roots() {
    let model = |exponent| {
        reads(&[1, 3])
            .floats("e", &[], &[exponent])
            .node("Pow", &["x", "e"], "y")
    };
    let row = [0.25, 1.0, 4.0];
    model(2.0).gives(&row, &[0.0625, 1.0, 16.0]);
    model(3.0).agrees();
    model(1.0).gives(&row, &row);
    model(0.5).gives(&row, &[0.5, 1.0, 2.0]);
    model(-1.0).gives(&row, &[4.0, 1.0, 0.25]);
    model(-0.5).gives(&row, &[2.0, 1.0, 0.5]);
    model(1.5).gives(&row, &[0.125, 1.0, 8.0]);
    model(0.3).gives(&row, &row.map(|x: f32| x.powf(0.3)));
    let base = reads(&[1, 3])
        .floats("b", &[], &[2.0])
        .node("Pow", &["b", "x"], "y");
    base.gives(&[-1.0, 0.5, 3.0], &[0.5, std::f32::consts::SQRT_2, 8.0]);
    let model = reads(&[1, 4]).floats("e", &[4], &[2.0, 0.7, 2.0, 0.0]);
    let powers = [4.0, 2f32.powf(0.7), 9.0, 1.0];
    model
        .node("Pow", &["x", "e"], "y")
        .gives(&[2.0, 2.0, -3.0, 0.0], &powers);
    let error = reads(&[1, 3]).node("Pow", &["x", "x"], "y").error();
    assert!(error.to_string().contains("exponent"), "{error}");
}

#[test]
fn truth_values_are_zeros_and_ones() {
    let compared = |op| {
        reads(&[1, 4])
            .floats("c", &[4], &[0.0, 1.0, 2.0, -1.0])
            .node(op, &["x", "c"], "t")
    };
    let row = [0.0, 0.0, 3.0, -1.0];
    for (op, expected) in [
        ("Equal", [1.0, 0.0, 0.0, 1.0]),
        ("Less", [0.0, 1.0, 0.0, 0.0]),
        ("LessOrEqual", [1.0, 1.0, 0.0, 1.0]),
        ("Greater", [0.0, 0.0, 1.0, 0.0]),
        ("GreaterOrEqual", [1.0, 0.0, 1.0, 1.0]),
    ] {
        let to = vec![AttributeProto::int("to", 1)];
        compared(op)
            .with("Cast", &["t"], &["y"], to)
            .gives(&row, &expected);
        let not = compared(op).node("Not", &["t"], "y");
        not.gives(&row, &expected.map(|t| 1.0 - t));
        // The constant on the left: as if both were swapped.
        let swapped = reads(&[1, 1]).floats("c", &[4], &[0.0, 1.0, 2.0, -1.0]);
        swapped.node(op, &["c", "x"], "y").agrees();
    }
    let both = |op| {
        let model = reads(&[1, 4]).truths("c", &[0, 1, 0, 1]);
        let to = vec![AttributeProto::int("to", 9)];
        model
            .with("Cast", &["x"], &["t"], to)
            .node(op, &["t", "c"], "y")
    };
    let row = [0.0, 0.0, 5.0, -1.0];
    both("And").gives(&row, &[0.0, 0.0, 0.0, 1.0]);
    both("Or").gives(&row, &[0.0, 1.0, 1.0, 1.0]);
    both("Xor").gives(&row, &[0.0, 1.0, 1.0, 0.0]);
}

#[test]
fn where_chooses() {
    let chosen = reads(&[1, 3])
        .floats("c", &[], &[0.5])
        .node("Greater", &["x", "c"], "t")
        .node("Where", &["t", "x", "c"], "y");
    chosen.gives(&[0.0, 1.0, 0.25], &[0.5, 1.0, 0.5]);
    // By a constant condition: nothing but places change, an infinite constant that is not
    // chosen does no harm.
    let known = reads(&[1, 3])
        .truths("t", &[1, 0, 1])
        .floats("c", &[3], &[f32::INFINITY, 7.0, f32::NAN])
        .node("Where", &["t", "x", "c"], "y");
    let graph = known.gives(&[1.0, 2.0, 3.0], &[1.0, 7.0, 3.0]);
    assert_eq!(operators(&graph), ["Rearrange"]);
    let infinite = reads(&[1, 1])
        .truths("t", &[0])
        .floats("c", &[2], &[f32::NEG_INFINITY, 0.0])
        .node("Add", &["x", "c"], "s")
        .node("Where", &["t", "s", "c"], "y");
    let message = infinite.error().to_string();
    assert!(
        message.contains("-inf") && message.contains("finite"),
        "{message}"
    );
}

#[test]
fn integers_are_cut_off() {
    let to_int = vec![AttributeProto::int("to", 7)];
    let model = reads(&[1, 4]).with("Cast", &["x"], &["i"], to_int);
    let row = [-2.7, -0.5, 0.9, 7.0];
    model.gives_integer(&row);
    let halved = reads(&[1, 4])
        .integers("two", &[2])
        .with("Cast", &["x"], &["i"], vec![AttributeProto::int("to", 7)])
        .node("Div", &["i", "two"], "y");
    halved.gives(&row, &[-1.0, 0.0, 0.0, 3.0]);
    let rest = reads(&[1, 4])
        .integers("three", &[3])
        .with("Cast", &["x"], &["i"], vec![AttributeProto::int("to", 7)])
        .node("Mod", &["i", "three"], "y");
    rest.gives(&row, &[1.0, 0.0, 0.0, 1.0]);
}

impl super::common::Model {
    fn gives_integer(self, row: &[f32]) {
        let expected: Vec<f32> = row.iter().map(|x| x.trunc()).collect();
        self.node("Identity", &["i"], "y").gives(row, &expected);
    }
}
