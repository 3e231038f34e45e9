//! Operators of images, normalisation and quantisation, beside values computed by hand, by tract,
//! or by onnxruntime (where it says so).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use ndarray::{Array2, ArrayView1};
use zkassay_graph::reference::Reference;
use zkassay_graph::{Graph, GraphError, ImportOptions, Op};
use zkassay_onnx::proto::{
    AttributeProto, Dim, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    ValueInfoProto,
};

/// One node that reads `x` and constants, and writes `y`.
struct Model {
    shape: Vec<i64>,
    opset: i64,
    op: &'static str,
    inputs: Vec<&'static str>,
    attributes: Vec<AttributeProto>,
    constants: Vec<TensorProto>,
}

fn model(op: &'static str, shape: &[i64]) -> Model {
    Model {
        shape: shape.to_vec(),
        opset: 18,
        op,
        inputs: vec!["x"],
        attributes: vec![],
        constants: vec![],
    }
}

impl Model {
    fn opset(mut self, version: i64) -> Self {
        self.opset = version;
        self
    }

    /// The next operand, irregular numbers.
    fn noise(self, name: &'static str, dims: &[usize]) -> Self {
        let count = dims.iter().product();
        self.floats(name, dims, &noises(count))
    }

    fn floats(mut self, name: &'static str, dims: &[usize], elements: &[f32]) -> Self {
        let elements = elements.iter().copied();
        self.constants
            .push(TensorProto::floats(name, dims, elements));
        self.inputs.push(name);
        self
    }

    /// The next operand, integers of 8 bits (ONNX's type 3, or 2 without signs).
    fn bytes_of(mut self, name: &'static str, dims: &[i64], signed: bool, bytes: &[u8]) -> Self {
        self.constants.push(TensorProto {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: if signed { 3 } else { 2 },
            raw_data: bytes.to_vec(),
            ..TensorProto::default()
        });
        self.inputs.push(name);
        self
    }

    fn integers(mut self, name: &'static str, elements: &[i64]) -> Self {
        self.constants.push(TensorProto::integers(name, elements));
        self.inputs.push(name);
        self
    }

    fn absent(mut self) -> Self {
        self.inputs.push("");
        self
    }

    fn ints(mut self, name: &str, values: &[i64]) -> Self {
        let values = values.iter().copied();
        self.attributes.push(AttributeProto::ints(name, values));
        self
    }

    fn int(mut self, name: &str, value: i64) -> Self {
        self.attributes.push(AttributeProto::int(name, value));
        self
    }

    fn float(mut self, name: &str, value: f32) -> Self {
        self.attributes.push(AttributeProto::float(name, value));
        self
    }

    fn string(mut self, name: &str, value: &str) -> Self {
        self.attributes.push(AttributeProto::string(name, value));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let node = NodeProto {
            op_type: self.op.to_owned(),
            name: "node".to_owned(),
            input: self.inputs.iter().map(|&name| name.to_owned()).collect(),
            output: vec!["y".to_owned()],
            attribute: self.attributes.clone(),
            ..NodeProto::default()
        };
        let dims = self.shape.iter().map(|&dim| Dim::Size(dim));
        let graph = GraphProto {
            name: "m".to_owned(),
            node: vec![node],
            initializer: self.constants.clone(),
            input: vec![ValueInfoProto::floats("x", dims)],
            output: vec![ValueInfoProto::floats("y", [])],
        };
        let set = OperatorSetIdProto {
            domain: String::new(),
            version: self.opset,
        };
        let model = ModelProto {
            ir_version: 8,
            graph: Some(graph),
            opset_import: vec![set],
            ..ModelProto::default()
        };
        model.to_bytes()
    }

    fn import(&self) -> Result<Graph, GraphError> {
        Graph::from_onnx_with(&self.bytes(), &ImportOptions::default())
    }

    fn gives(&self, row: &[f32], expected: &[f32]) {
        let found = self.import().unwrap().evaluate(row.into()).unwrap();
        assert_close(&found, expected.into());
    }

    /// Tract gives the same for some rows.
    fn agrees(&self) -> Graph {
        let graph = self.import().expect(self.op);
        let rows = Array2::from_shape_fn((3, graph.inputs()), |(r, c)| 2.0 * noise(r * 97 + c));
        let reference = Reference::unrestricted(&self.bytes(), "y").unwrap();
        let expected = reference.run(rows.view()).unwrap();
        for (row, expected) in rows.outer_iter().zip(expected.outer_iter()) {
            assert_close(&graph.evaluate(row).unwrap(), expected);
        }
        graph
    }

    /// It is refused, and the message has these words.
    fn refused(&self, words: &[&str]) {
        let message = self.import().expect_err(self.op).to_string();
        for word in words.iter().chain(&["`node`"]) {
            assert!(message.contains(word), "no {word:?} in: {message}");
        }
    }
}

/// A fixed, irregular number in (-1, 1).
fn noise(index: usize) -> f32 {
    ((index * 7919 + 13) as f32 * 0.618_034).sin()
}

fn noises(count: usize) -> Vec<f32> {
    (0..count).map(noise).collect()
}

fn assert_close(found: &[f32], expected: ArrayView1<'_, f32>) {
    assert_eq!(found.len(), expected.len(), "{found:?} and {expected:?}");
    for (f, e) in found.iter().zip(expected) {
        let allowed = 1e-5 * e.abs().max(1.0);
        assert!((f - e).abs() <= allowed, "{found:?} and {expected:?}");
    }
}

#[test]
fn convolutions_agree_with_tract() {
    model("Conv", &[1, 3, 7, 6])
        .noise("w", &[4, 3, 3, 2])
        .agrees();
    let strided = model("Conv", &[1, 4, 9, 8])
        .noise("w", &[6, 2, 3, 3])
        .noise("b", &[6])
        .int("group", 2)
        .ints("strides", &[2, 1])
        .ints("dilations", &[1, 2])
        .ints("pads", &[1, 0, 2, 3]);
    let graph = strided.agrees();
    assert!(matches!(graph.nodes[..], [ref node] if matches!(node.op, Op::Conv(_))));
    assert_eq!(graph.nodes[0].shape, [1, 6, 5, 7]);
    for auto_pad in ["SAME_UPPER", "SAME_LOWER", "VALID"] {
        model("Conv", &[1, 2, 6, 7])
            .noise("w", &[3, 2, 2, 3])
            .string("auto_pad", auto_pad)
            .ints("strides", &[1, 2])
            .agrees();
    }
    // One dimension, depthwise.
    model("Conv", &[1, 3, 10])
        .noise("w", &[3, 1, 4])
        .int("group", 3)
        .ints("pads", &[1, 2])
        .agrees();
}

#[test]
fn transposed_convolutions_agree_with_tract() {
    model("ConvTranspose", &[1, 3, 4, 3])
        .noise("w", &[3, 2, 3, 3])
        .noise("b", &[2])
        .ints("strides", &[2, 2])
        .ints("pads", &[1, 1, 0, 1])
        .ints("output_padding", &[1, 0])
        .agrees();
    model("ConvTranspose", &[1, 4, 5, 4])
        .noise("w", &[4, 2, 2, 2])
        .int("group", 2)
        .agrees();
}

/// 1 2 3 through the kernel [1, 10]: every input adds its multiple of the kernel.
#[test]
fn a_transposed_convolution_by_hand() {
    let kernel = |strides: i64| {
        model("ConvTranspose", &[1, 1, 3])
            .floats("w", &[1, 1, 2], &[1.0, 10.0])
            .ints("strides", &[strides])
    };
    kernel(1).gives(&[1.0, 2.0, 3.0], &[1.0, 12.0, 23.0, 30.0]);
    kernel(2).gives(&[1.0, 2.0, 3.0], &[1.0, 10.0, 2.0, 20.0, 3.0, 30.0]);
    // One element less: without SAME_UPPER it is the first.
    kernel(1)
        .ints("output_shape", &[3])
        .gives(&[1.0, 2.0, 3.0], &[12.0, 23.0, 30.0]);
    kernel(1)
        .ints("output_shape", &[3])
        .string("auto_pad", "SAME_UPPER")
        .gives(&[1.0, 2.0, 3.0], &[1.0, 12.0, 23.0]);
}

#[test]
fn convolutions_that_do_not_fit_are_refused() {
    model("ConvTranspose", &[1, 2, 3, 3, 3])
        .noise("w", &[2, 1, 1, 1, 1])
        .refused(&["3 dimensions", "one or two"]);
    model("Conv", &[1, 2, 3, 3, 3])
        .noise("w", &[1, 3, 1, 1, 1])
        .refused(&["the weights", "[1, 3, 1, 1, 1]", "[n, 2, "]);
    model("Conv", &[1, 2, 3, 3, 3])
        .noise("w", &[1, 2, 4, 1, 1])
        .refused(&["larger than its padded input"]);
    model("Conv", &[1, 2, 3, 3, 3])
        .noise("w", &[1, 2, 1, 1, 1])
        .ints("kernel_shape", &[1, 2, 1])
        .refused(&["kernel_shape is [1, 2, 1]"]);
    model("Conv", &[1, 3, 4])
        .noise("w", &[2, 2, 2])
        .refused(&["the weights", "[2, 2, 2]", "3"]);
    model("Conv", &[1, 4, 4])
        .noise("w", &[3, 2, 2])
        .int("group", 2)
        .refused(&["the weights", "multiple of 2"]);
    model("Conv", &[1, 4, 4])
        .noise("w", &[2, 4, 2])
        .int("group", 3)
        .refused(&["group is 3"]);
    model("Conv", &[1, 1, 4])
        .noise("w", &[1, 1, 9])
        .refused(&["larger than its padded input"]);
    let small = || model("Conv", &[1, 1, 4]).noise("w", &[1, 1, 2]);
    small()
        .ints("strides", &[0])
        .refused(&["strides", "positive"]);
    small().ints("strides", &[-1]).refused(&["strides is [-1]"]);
    small()
        .ints("pads", &[1])
        .refused(&["pads is [1]", "2 numbers"]);
    small()
        .ints("pads", &[i64::MAX, i64::MAX])
        .refused(&["pads"]);
    small()
        .ints("pads", &[1 << 22, 1 << 22])
        .ints("strides", &[1])
        .import()
        .unwrap();
    small()
        .ints("dilations", &[1 << 24])
        .refused(&["larger than its padded input"]);
    small()
        .ints("kernel_shape", &[3])
        .refused(&["kernel_shape is [3]"]);
    small().string("auto_pad", "OUTER").refused(&["OUTER"]);
    small().noise("b", &[2]).refused(&["the bias"]);
    let mut computed = model("Conv", &[1, 1, 4]);
    computed.inputs.push("x");
    computed.refused(&["computed from the input"]);
    model("ConvTranspose", &[1, 1, 4])
        .noise("w", &[1, 1, 2])
        .ints("output_shape", &[100])
        .refused(&["output_shape"]);
}

#[test]
fn pools_agree_with_tract() {
    for op in ["MaxPool", "AveragePool"] {
        model(op, &[1, 2, 6, 7])
            .ints("kernel_shape", &[2, 3])
            .ints("strides", &[2, 1])
            .ints("pads", &[1, 0, 0, 1])
            .agrees();
        model(op, &[1, 3, 9])
            .ints("kernel_shape", &[4])
            .ints("strides", &[3])
            .agrees();
        for auto_pad in ["SAME_UPPER", "SAME_LOWER"] {
            model(op, &[1, 2, 5, 6])
                .ints("kernel_shape", &[2, 3])
                .ints("strides", &[2, 2])
                .string("auto_pad", auto_pad)
                .agrees();
        }
    }
    let counted = model("AveragePool", &[1, 2, 5, 6])
        .ints("kernel_shape", &[3, 3])
        .ints("pads", &[1, 1, 1, 1])
        .int("count_include_pad", 1);
    assert_eq!(counted.agrees().nodes.len(), 1);
    for op in ["GlobalAveragePool", "GlobalMaxPool"] {
        let graph = model(op, &[1, 2, 5, 3]).agrees();
        assert_eq!(graph.nodes[0].shape, [1, 2, 1, 1]);
    }
}

/// The last window starts inside of the input, and shows nothing beyond it.
#[test]
fn pools_with_ceil_mode_as_onnxruntime() {
    let five = [1.0, 2.0, 3.0, 4.0, 6.0];
    let pool = |op| {
        model(op, &[1, 1, 5])
            .ints("kernel_shape", &[2])
            .ints("strides", &[2])
            .int("ceil_mode", 1)
    };
    pool("MaxPool").gives(&five, &[2.0, 4.0, 6.0]);
    pool("AveragePool").gives(&five, &[1.5, 3.5, 6.0]);
    pool("AveragePool")
        .int("count_include_pad", 1)
        .gives(&five, &[1.5, 3.5, 6.0]);
    let padded = || {
        pool("AveragePool")
            .int("count_include_pad", 1)
            .ints("pads", &[1, 1])
    };
    padded().gives(&five, &[0.5, 2.5, 5.0]);
    // Steps that would start in the padding behind are not taken.
    let wide = model("MaxPool", &[1, 1, 3])
        .ints("kernel_shape", &[3])
        .ints("strides", &[3])
        .ints("pads", &[0, 2])
        .int("ceil_mode", 1);
    wide.gives(&[1.0, 5.0, 2.0], &[5.0]);
    model("MaxPool", &[1, 1, 5])
        .ints("kernel_shape", &[2])
        .ints("dilations", &[3])
        .gives(&[9.0, 2.0, 3.0, 4.0, 6.0], &[9.0, 6.0]);
}

#[test]
fn norms_of_windows() {
    let row = [3.0, 4.0, -5.0, 12.0];
    let pool = |p| {
        model("LpPool", &[1, 1, 4])
            .ints("kernel_shape", &[2])
            .ints("strides", &[2])
            .int("p", p)
    };
    pool(2).gives(&row, &[5.0, 13.0]);
    pool(1).gives(&row, &[7.0, 17.0]);
    pool(3).refused(&["p is 3", "p = 2"]);
    model("GlobalLpPool", &[1, 1, 4]).gives(&row, &[194f32.sqrt()]);
}

#[test]
fn pools_that_do_not_fit_are_refused() {
    model("MaxPool", &[1, 1, 4]).refused(&["kernel_shape"]);
    model("MaxPool", &[1, 4])
        .ints("kernel_shape", &[])
        .refused(&["the operand"]);
    model("MaxPool", &[1, 1, 4])
        .ints("kernel_shape", &[2])
        .ints("pads", &[2, 2])
        .refused(&["nothing but padding"]);
    model("MaxPool", &[1, 1, 4])
        .ints("kernel_shape", &[1 << 24])
        .ints("pads", &[1 << 22, 1 << 22])
        .refused(&["larger than"]);
    let mut indices = model("MaxPool", &[1, 1, 4])
        .ints("kernel_shape", &[2])
        .bytes();
    let mut changed = ModelProto::from_bytes(&indices).unwrap();
    changed.graph.as_mut().unwrap().node[0]
        .output
        .push("i".to_owned());
    indices = changed.to_bytes();
    let message = Graph::from_onnx(&indices).unwrap_err().to_string();
    assert!(message.contains("indices"), "{message}");
}

#[test]
fn batch_normalisation_is_one_product_and_one_sum() {
    let norm = model("BatchNormalization", &[1, 3, 2, 2])
        .noise("s", &[3])
        .noise("b", &[3])
        .noise("m", &[3])
        .floats("v", &[3], &[0.5, 1.0, 2.0])
        .float("epsilon", 1e-3);
    let graph = norm.agrees();
    assert_eq!(graph.nodes.len(), 2);
    let wrong = model("BatchNormalization", &[1, 3, 2, 2])
        .noise("s", &[3])
        .noise("b", &[2])
        .noise("m", &[3])
        .noise("v", &[3]);
    wrong.refused(&["[3, 2, 3, 3]", "3 channels"]);
    let negative = model("BatchNormalization", &[1, 1, 2])
        .floats("s", &[1], &[1.0])
        .floats("b", &[1], &[1.0])
        .floats("m", &[1], &[1.0])
        .floats("v", &[1], &[-1.0]);
    negative.refused(&["variances"]);
}

#[test]
fn normalisations_of_groups() {
    // Mean 2, variance 2/3 and mean 0, variance 6.
    let row = [1.0, 2.0, 3.0, -3.0, 0.0, 3.0];
    let (a, b) = (1.5f32.sqrt(), 1.5f32.sqrt());
    let scaled = [
        2.0 * -a + 1.0,
        1.0,
        2.0 * a + 1.0,
        3.0 * -b - 1.0,
        -1.0,
        3.0 * b - 1.0,
    ];
    model("InstanceNormalization", &[1, 2, 3])
        .floats("s", &[2], &[2.0, 3.0])
        .floats("b", &[2], &[1.0, -1.0])
        .float("epsilon", 0.0)
        .gives(&row, &scaled);
    model("GroupNormalization", &[1, 2, 3])
        .floats("s", &[2], &[2.0, 3.0])
        .floats("b", &[2], &[1.0, -1.0])
        .int("num_groups", 2)
        .float("epsilon", 0.0)
        .gives(&row, &scaled);
    model("LayerNormalization", &[1, 2, 3])
        .floats("s", &[3], &[1.0, 2.0, 3.0])
        .floats("b", &[3], &[0.0, 1.0, 0.0])
        .float("epsilon", 0.0)
        .gives(&row, &[-a, 1.0, 3.0 * a, -b, 1.0, 3.0 * b]);
    model("RMSNormalization", &[1, 2, 2])
        .opset(23)
        .floats("s", &[2], &[1.0, 10.0])
        .float("epsilon", 0.0)
        .gives(
            &[1.0, 7.0, 3.0, -4.0],
            &[0.2, 14.0, 3.0 / 12.5f32.sqrt(), -40.0 / 12.5f32.sqrt()],
        );
    model("LpNormalization", &[1, 2, 2]).gives(&[3.0, 4.0, 0.0, 0.0], &[0.6, 0.8, 0.0, 0.0]);
    model("LpNormalization", &[1, 2, 2])
        .int("p", 1)
        .int("axis", 1)
        .gives(&[3.0, 4.0, 1.0, -4.0], &[0.75, 0.5, 0.25, -0.5]);
    model("MeanVarianceNormalization", &[1, 1, 1, 3]).gives(&[1.0, 2.0, 3.0], &[-a, 0.0, a]);
    model("LayerNormalization", &[1, 3])
        .noise("s", &[2])
        .refused(&["shape"]);
    model("GroupNormalization", &[1, 4, 2])
        .noise("s", &[4])
        .noise("b", &[4])
        .int("num_groups", 3)
        .refused(&["num_groups is 3"]);
}

/// `x / (1 + sum of neighbours' squares)^beta` with three neighbours.
#[test]
fn local_response_normalisation_by_hand() {
    let row = [1.0f32, -2.0, 3.0];
    let sums = [5.0f32, 14.0, 13.0];
    for beta in [0.5, 0.75, 1.0, 0.6] {
        let expected: Vec<f32> = row
            .iter()
            .zip(sums)
            .map(|(x, s)| x / (1.0 + s).powf(beta))
            .collect();
        model("LRN", &[1, 3, 1])
            .int("size", 3)
            .float("alpha", 3.0)
            .float("beta", beta)
            .gives(&row, &expected);
    }
    model("LRN", &[1, 3, 1])
        .int("size", 0)
        .refused(&["size is 0"]);
}

#[test]
fn quantisation_saturates_and_rounds_halves_to_even() {
    let row = [-1000.0, -1.25, -0.75, 0.25, 0.75, 1.25, 1000.0];
    let quantize = || {
        model("QuantizeLinear", &[1, 7])
            .opset(13)
            .floats("s", &[], &[0.5])
    };
    quantize()
        .bytes_of("z", &[], true, &[0])
        .gives(&row, &[-128.0, -2.0, -2.0, 0.0, 2.0, 2.0, 127.0]);
    quantize()
        .bytes_of("z", &[], false, &[3])
        .gives(&row, &[0.0, 1.0, 1.0, 3.0, 5.0, 5.0, 255.0]);
    quantize().gives(&row, &[0.0, 0.0, 0.0, 0.0, 2.0, 2.0, 255.0]);
    model("DequantizeLinear", &[1, 2, 2])
        .opset(13)
        .floats("s", &[2], &[0.5, 2.0])
        .bytes_of("z", &[2], true, &[1, 255])
        .int("axis", 1)
        .gives(&[1.0, 3.0, 1.0, 3.0], &[0.0, 1.0, 4.0, 8.0]);
    model("QuantizeLinear", &[1, 2])
        .floats("s", &[2], &[1.0, -1.0])
        .refused(&["not positive"]);
    model("QuantizeLinear", &[1, 3])
        .floats("s", &[2], &[1.0, 1.0])
        .refused(&["the scale"]);
    model("QuantizeLinear", &[1, 3])
        .floats("s", &[], &[1.0])
        .floats("z", &[], &[1.0])
        .refused(&["FLOAT"]);
}

#[test]
fn images_are_resized() {
    let row = [1.0, 2.0, 3.0, 4.0];
    let twice = |mode: &str, coordinates: &str| {
        model("Resize", &[1, 1, 4])
            .absent()
            .floats("s", &[3], &[1.0, 1.0, 2.0])
            .string("mode", mode)
            .string("coordinate_transformation_mode", coordinates)
    };
    let doubled = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0];
    twice("nearest", "half_pixel").gives(&row, &doubled);
    twice("nearest", "asymmetric")
        .string("nearest_mode", "floor")
        .gives(&row, &doubled);
    // Halves go up: all but the first element are the later neighbour.
    twice("nearest", "asymmetric")
        .string("nearest_mode", "round_prefer_ceil")
        .gives(&row, &[1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 4.0]);
    twice("linear", "half_pixel").gives(&row, &[1.0, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4.0]);
    twice("linear", "asymmetric").gives(&row, &[1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.0]);
    // Of onnxruntime.
    twice("cubic", "half_pixel").gives(
        &row,
        &[
            0.89453125, 1.1914063, 1.6679688, 2.296875, 2.703125, 3.3320313, 3.8085938, 4.1054688,
        ],
    );
    model("Resize", &[1, 1, 2, 2])
        .absent()
        .absent()
        .integers("z", &[1, 1, 3, 3])
        .string("mode", "linear")
        .string("coordinate_transformation_mode", "align_corners")
        .gives(&row, &[1.0, 1.5, 2.0, 2.0, 2.5, 3.0, 3.0, 3.5, 4.0]);
    model("Upsample", &[1, 1, 2])
        .opset(9)
        .floats("s", &[3], &[1.0, 1.0, 3.0])
        .gives(&[1.0, 2.0], &[1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
}

#[test]
fn resizing_to_nothing_or_to_too_much_is_refused() {
    let by = |scale: f32| {
        model("Resize", &[1, 1, 4])
            .absent()
            .floats("s", &[3], &[1.0, 1.0, scale])
    };
    for scale in [0.0, 0.1, -1.0, f32::NAN, f32::INFINITY, 1e30] {
        by(scale).refused(&["empty or huge"]);
    }
    by(1e9).refused(&["larger than"]);
    by(5e7).refused(&["larger than"]);
    by(2.0).int("antialias", 1).refused(&["antialias"]);
    by(2.0).string("mode", "area").refused(&["area"]);
    by(2.0)
        .string("coordinate_transformation_mode", "tf_crop_and_resize")
        .refused(&["tf_crop"]);
    model("Resize", &[1, 1, 4])
        .absent()
        .floats("s", &[2], &[1.0, 2.0])
        .refused(&["2 constant scales or sizes for 3 axes"]);
}
