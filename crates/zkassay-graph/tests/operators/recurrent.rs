//! Recurrent layers: layouts that no runtime has, and what is refused. Results of all kinds beside
//! onnxruntime's are among the exporters' models.

use zkassay_onnx::proto::AttributeProto;

use super::common::{Model, noise, noises, reads};

const STEPS: usize = 4;
const INPUTS: usize = 3;
const HIDDEN: usize = 2;

fn gates(kind: &str) -> usize {
    match kind {
        "RNN" => 1,
        "GRU" => 3,
        _ => 4,
    }
}

fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto::string(name, value)
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto::int(name, value)
}

/// The weights of a layer of two directions over `x` of shape `[1, steps, inputs]`.
fn weights(kind: &str) -> Model {
    let rows = gates(kind) * HIDDEN;
    reads(&[1, STEPS as i64, INPUTS as i64])
        .floats("w", &[2, rows, INPUTS], &noises(2 * rows * INPUTS))
        .floats("r", &[2, rows, HIDDEN], &noises(2 * rows * HIDDEN))
        .floats("b", &[2, 2 * rows], &noises(4 * rows))
        .floats("h", &[2, 1, HIDDEN], &noises(2 * HIDDEN))
        .floats("hb", &[1, 2, HIDDEN], &noises(2 * HIDDEN))
        .integers("flat", &[1, -1])
}

/// A layer of one direction, with changes: its error.
fn refused(inputs: &[&str], attributes: Vec<AttributeProto>, words: &[&str]) {
    let rows = 3 * HIDDEN;
    let model = reads(&[1, STEPS as i64, INPUTS as i64])
        .floats("w", &[1, rows, INPUTS], &noises(rows * INPUTS))
        .floats("r", &[1, rows, HIDDEN], &noises(rows * HIDDEN))
        .floats("small", &[1, rows, 1], &noises(rows))
        .floats("none", &[1, 0, 0], &[])
        .integers("length", &[9])
        .integers("lengths", &[1, 2])
        .node("Relu", &["x"], "computed");
    let attributes = [vec![int("layout", 1)], attributes].concat();
    let error = model.with("GRU", inputs, &["y"], attributes).error();
    let error = error.to_string();
    for word in ["GRU #1"].iter().chain(words) {
        assert!(error.contains(word), "no {word:?} in {error}");
    }
}

#[test]
fn the_batch_may_come_first() {
    for kind in ["RNN", "GRU", "LSTM"] {
        let both = || text("direction", "bidirectional");
        let first = weights(kind)
            .with(
                kind,
                &["x", "w", "r", "b", "", "hb"],
                &["s"],
                vec![both(), int("layout", 1)],
            )
            // [batch, steps, directions, hidden]
            .node("Reshape", &["s", "flat"], "y");
        let second = weights(kind)
            .with(
                "Transpose",
                &["x"],
                &["t"],
                vec![AttributeProto::ints("perm", [1, 0, 2])],
            )
            .with(kind, &["t", "w", "r", "b", "", "h"], &["s"], vec![both()])
            // [steps, directions, batch, hidden]
            .with(
                "Transpose",
                &["s"],
                &["u"],
                vec![AttributeProto::ints("perm", [2, 0, 1, 3])],
            )
            .node("Reshape", &["u", "flat"], "y");
        let row: Vec<f32> = (0..STEPS * INPUTS).map(noise).collect();
        let expected = second.graph().evaluate(row.as_slice().into()).unwrap();
        assert_eq!(expected.len(), STEPS * 2 * HIDDEN);
        first.gives(&row, &expected);
    }
}

#[test]
fn a_step_is_what_the_standard_says() {
    // h' = tanh(0.5 x + 2 h + 0.25 - 0.125), twice, from h = 0.
    let model = reads(&[1, 2, 1])
        .floats("w", &[1, 1, 1], &[0.5])
        .floats("r", &[1, 1, 1], &[2.0])
        .floats("b", &[1, 2], &[0.25, -0.125])
        .with("RNN", &["x", "w", "r", "b"], &["y"], vec![int("layout", 1)]);
    let first = (0.5f32 * 3.0 + 0.125).tanh();
    let second = (-0.5 + 2.0 * first + 0.125).tanh();
    model.gives(&[3.0, -1.0], &[first, second]);
}

#[test]
fn layers_that_do_not_fit_are_refused() {
    let good = ["x", "w", "r"];
    refused(&["x", "small", "r"], vec![], &["the weights", "[1, 6, 3]"]);
    refused(&["x", "w", "small"], vec![], &["the recurrent weights"]);
    refused(&["x", "w", "none"], vec![], &["the recurrent weights"]);
    refused(&["x", "w"], vec![], &["no input 2"]);
    refused(&["x", "w", "r", "r"], vec![], &["the biases", "[1, 12]"]);
    refused(
        &["x", "computed", "r"],
        vec![],
        &["the weights", "[1, 4, 3]"],
    );
    refused(
        &["x", "w", "r", "", "length"],
        vec![],
        &["sequence_lens", "1 to 4"],
    );
    refused(
        &["x", "w", "r", "", "lengths"],
        vec![],
        &["sequence_lens", "1 numbers"],
    );
    refused(
        &["x", "w", "r", "", "computed"],
        vec![],
        &["depend on the input", "one length"],
    );
    refused(
        &["x", "w", "r", "", "", "w"],
        vec![],
        &["an initial state", "[1, 1, 2]"],
    );
    refused(
        &good,
        vec![text("direction", "up")],
        &["direction is up", "bidirectional"],
    );
    refused(
        &good,
        vec![text("direction", "bidirectional")],
        &["the recurrent weights", "[2, "],
    );
    refused(
        &good,
        vec![int("hidden_size", 7)],
        &["hidden_size is not 2"],
    );
    refused(
        &good,
        vec![AttributeProto::float("clip", -1.0)],
        &["clip is not positive"],
    );
    refused(
        &good,
        vec![AttributeProto::strings(
            "activations",
            ["Sigmoid", "Square"],
        )],
        &["Square", "ScaledTanh"],
    );
    refused(
        &good,
        vec![AttributeProto::strings("activations", ["Tanh"])],
        &["1 activations", "expected 2"],
    );
    refused(
        &good,
        vec![AttributeProto::floats("activation_alpha", [f32::NAN])],
        &["not finite"],
    );
}

#[test]
fn sequences_that_are_too_long_are_refused() {
    let model = |steps: i64, hidden: usize| {
        reads(&[1, steps, 1])
            .floats("w", &[1, 4 * hidden, 1], &noises(4 * hidden))
            .floats("r", &[1, 4 * hidden, hidden], &noises(4 * hidden * hidden))
            .with("LSTM", &["x", "w", "r"], &["y"], vec![int("layout", 1)])
            .error()
            .to_string()
    };
    let error = model(5000, 1);
    assert!(
        error.contains("5000 steps, expected at most 4096"),
        "{error}"
    );
    // The weights of each step count.
    let error = model(4000, 64);
    assert!(error.contains("have become larger"), "{error}");
}
