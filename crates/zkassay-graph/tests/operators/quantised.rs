//! Operators on quantised tensors: by hand, and what is refused of them.

use crate::common::{Model, reads};

/// Quantises `x` to `q` with a scale of 1/2 and a zero point of 100; a result `y` with 1/4 and 10.
fn quantised(shape: &[i64]) -> Model {
    reads(shape)
        .floats("s", &[], &[0.5])
        .octets("z", &[], &[100])
        .floats("t", &[], &[0.25])
        .octets("v", &[], &[10])
        .node("QuantizeLinear", &["x", "s", "z"], "q")
}

fn assert_refused(model: &Model, words: &[&str]) {
    let message = model.error().to_string();
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
}

#[test]
fn products_of_integers_have_a_factor_behind_them() {
    let model = quantised(&[1, 2])
        .octets("w", &[2, 2], &[3, 1, 4, 7])
        .floats("ws", &[2], &[1.0, 0.5])
        .octets("wz", &[2], &[1, 5])
        .node(
            "QLinearMatMul",
            &["q", "s", "z", "w", "ws", "wz", "t", "v"],
            "y",
        );
    // q - z = 2 x; W - wz = [[2, -4], [3, 2]]; (10, -4) and (1, 11) times 1/2 and 1/4, over 1/4.
    model.gives(&[2.0, 1.0], &[14.0 * 2.0 + 10.0, 0.0]);
    model.gives(&[-1.5, 2.5], &[9.0 * 2.0 + 10.0, 22.0 + 10.0]);
    // Beyond the least and the greatest integer.
    model.gives(&[-50.0, -60.0], &[0.0, 210.0]);
    model.gives(&[50.0, 60.0], &[255.0, 0.0]);
}

#[test]
fn halves_are_rounded_to_the_even_integer() {
    let model = quantised(&[1, 1])
        .octets("w", &[1, 1], &[1])
        .floats("ws", &[], &[0.25])
        .octets("wz", &[], &[0])
        .node(
            "QLinearMatMul",
            &["q", "s", "z", "w", "ws", "wz", "t", "v"],
            "y",
        );
    for (x, expected) in [
        (0.5, 10.0),
        (1.5, 12.0),
        (2.5, 12.0),
        (-0.5, 10.0),
        (-1.5, 8.0),
    ] {
        model.gives(&[x], &[expected]);
    }
}

#[test]
fn padding_is_the_zero_point() {
    let ones = [1u8; 3];
    let model = quantised(&[1, 1, 4])
        .octets("w", &[1, 1, 3], &ones)
        .octets("wz", &[], &[0])
        .with("ConvInteger", &["q", "w", "z", "wz"], &["y"], vec![])
        .gives(&[1.0, 2.0, 3.0, 4.0], &[12.0, 18.0]);
    assert!(model.nodes.len() > 2);
    let attribute = zkassay_onnx::proto::AttributeProto::ints("pads", [1, 1]);
    quantised(&[1, 1, 4])
        .octets("w", &[1, 1, 3], &ones)
        .with("ConvInteger", &["q", "w", "z"], &["y"], vec![attribute])
        .gives(&[1.0, 2.0, 3.0, 4.0], &[6.0, 12.0, 18.0, 14.0]);
}

#[test]
fn scales_of_each_row_are_those_of_its_extremes() {
    let parts = ["q", "s", "z"];
    let model = reads(&[1, 3])
        .with("DynamicQuantizeLinear", &["x"], &parts, vec![])
        .node("Identity", &["q"], "y");
    // The range from -1 to 2 in 255 steps: 0 is 85.
    model.gives(&[-1.0, 2.0, 0.5], &[0.0, 255.0, 127.0]);
    model.gives(&[4.0, 3.0, 1.0], &[255.0, 191.0, 64.0]);
    model.gives(&[0.0, 0.0, 0.0], &[0.0, 0.0, 0.0]);
    let scale = reads(&[1, 3])
        .with("DynamicQuantizeLinear", &["x"], &parts, vec![])
        .node("Identity", &["s"], "y");
    scale.gives(&[-1.0, 2.0, 0.5], &[3.0 / 255.0]);
    scale.gives(&[0.0, 0.0, 0.0], &[1.0]);
}

#[test]
fn parameters_that_do_not_fit_are_named() {
    let product = |scales: &[f32], zeros: &[u8]| {
        quantised(&[1, 2])
            .octets("w", &[2, 2], &[3, 1, 4, 7])
            .floats("ws", &[scales.len()], scales)
            .octets("wz", &[zeros.len()], zeros)
            .node(
                "QLinearMatMul",
                &["q", "s", "z", "w", "ws", "wz", "t", "v"],
                "y",
            )
    };
    assert_refused(&product(&[0.0], &[0]), &["(QLinearMatMul)", "not positive"]);
    assert_refused(&product(&[1.0; 3], &[0]), &["as many as it has scales"]);
    assert_refused(&product(&[1.0], &[0; 3]), &["the zero points", "axis 1"]);
    assert_refused(&product(&[f32::MAX, 1.0], &[0]), &["not finite"]);
    assert_refused(&product(&[f32::NAN], &[0]), &["ws"]);
    let several = quantised(&[1, 2])
        .octets("w", &[2, 2], &[3, 1, 4, 7])
        .floats("two", &[2], &[1.0, 2.0])
        .node(
            "QLinearMatMul",
            &["q", "two", "z", "w", "s", "z", "t", "v"],
            "y",
        );
    assert_refused(&several, &["`two` holds 2 scales", "one for the tensor"]);
    let computed = quantised(&[1, 2]).octets("w", &[2, 2], &[3, 1, 4, 7]).node(
        "QLinearMatMul",
        &["q", "x", "z", "w", "s", "z", "t", "v"],
        "y",
    );
    assert_refused(&computed, &["`x` is not a constant"]);
    let missing = quantised(&[1, 2]).node("QLinearMatMul", &["q", "s"], "y");
    assert_refused(&missing, &["(QLinearMatMul)", "input"]);
    let wide = quantised(&[1, 2])
        .octets("w", &[2, 2], &[3, 1, 4, 7])
        .integers("i", &[1])
        .node(
            "QLinearMatMul",
            &["q", "s", "z", "w", "s", "z", "t", "i"],
            "y",
        );
    assert_refused(&wide, &["INT64", "4, 8 and 16 bits"]);
    let convolution = quantised(&[1, 2]).octets("w", &[2, 2], &[3, 1, 4, 7]).node(
        "ConvInteger",
        &["q", "w"],
        "y",
    );
    assert_refused(&convolution, &["(ConvInteger)", "dimensions"]);
}
