//! Models that are no chains of dense layers, or end in a softmax, as ONNX files of random weights.

use ndarray::{Array1, Array2, Array4};
use zkassay_onnx::{ModelBuilder, OnnxError};
use zkassay_seed::Stream;

use crate::SEED;

/// Pixels of a side of an image.
const SIDE: usize = 28;
/// Classes of digits.
const CLASSES: usize = 10;

/// A model by name, its file, and whether its inputs are pixels between 0 and 1; standard normal
/// otherwise.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name, which [`named`] takes; `dense` for one of [`dense`].
    pub name: &'static str,
    /// The file.
    pub onnx: Vec<u8>,
    /// Values of an input.
    pub inputs: usize,
    /// Whether inputs are pixels.
    pub pixels: bool,
}

/// Names of all programs: a dense network, a CNN of 3,226 parameters, both also with a softmax at
/// the end, and LeNet-5.
pub const PROGRAMS: [&str; 5] = [
    "300-256-256-10",
    "300-256-256-10-softmax",
    "cnn",
    "cnn-softmax",
    "lenet",
];

/// The model of a name; `None` if there is no such model.
///
/// # Errors
/// Layers that do not fit each other.
pub fn named(name: &str) -> Result<Option<Program>, OnnxError> {
    let (network, softmax) = match name.strip_suffix("-softmax") {
        Some(network) => (network, true),
        None => (name, false),
    };
    let Some(name) = PROGRAMS.into_iter().find(|known| *known == name) else {
        return Ok(None);
    };
    let mut weights = Weights(Stream::new(SEED, "benches/programs"));
    let (pixels, inputs, model) = match network {
        "cnn" => (true, SIDE * SIDE, cnn(&mut weights)?),
        "lenet" => (true, SIDE * SIDE, lenet(&mut weights)?),
        _ => (false, 300, mlp(&mut weights)?),
    };
    let model = match softmax {
        true => model.softmax("probability")?,
        false => model,
    };
    Ok(Some(Program {
        name,
        onnx: model.encode()?,
        inputs,
        pixels,
    }))
}

impl Program {
    /// Rows like its inputs, `[count, inputs]`.
    pub fn rows(&self, count: usize) -> Array2<f32> {
        match self.pixels {
            true => {
                let mut stream = Stream::new(SEED, "benches/pixels");
                Array2::from_shape_simple_fn((count, self.inputs), || stream.unit() as f32)
            }
            false => zkassay_testing::rows(count, self.inputs, SEED),
        }
    }
}

/// Dense layers of random weights with ReLU between them and a sigmoid at the end, by widths from
/// the inputs on.
///
/// # Errors
/// No layers, or layers of no outputs.
pub fn dense(widths: &[usize]) -> Result<Program, OnnxError> {
    let mut weights = Weights(Stream::new(SEED, "benches/dense"));
    let inputs = widths.first().copied().unwrap_or(0);
    let mut model = ModelBuilder::new("dense", inputs)?;
    for (index, layer) in widths.windows(2).enumerate() {
        if index > 0 {
            model = model.relu(&format!("relu_{}", index - 1))?;
        }
        model = weights.dense(model, &format!("dense_{index}"), layer[0], layer[1])?;
    }
    Ok(Program {
        name: "dense",
        onnx: model.sigmoid("probability")?.encode()?,
        inputs,
        pixels: false,
    })
}

fn mlp(weights: &mut Weights) -> Result<ModelBuilder, OnnxError> {
    let model = ModelBuilder::new("mlp", 300)?;
    let model = weights.dense(model, "dense_0", 300, 256)?.relu("relu_0")?;
    let model = weights.dense(model, "dense_1", 256, 256)?.relu("relu_1")?;
    weights.dense(model, "dense_2", 256, CLASSES)
}

/// Two convolutions of 3 x 3 with stride 2, and a dense layer.
fn cnn(weights: &mut Weights) -> Result<ModelBuilder, OnnxError> {
    let model = ModelBuilder::new("cnn", SIDE * SIDE)?.reshape("image", &[1, SIDE, SIDE])?;
    let model = weights.convolution(model, "conv_0", [4, 1, 3], 2, 0)?;
    let model = weights.convolution(model.relu("relu_0")?, "conv_1", [8, 4, 3], 2, 0)?;
    let model = model.relu("relu_1")?.flatten("flat")?;
    weights.dense(model, "dense_0", 8 * 6 * 6, CLASSES)
}

/// LeNet-5 with ReLU and averages: 61,706 parameters.
fn lenet(weights: &mut Weights) -> Result<ModelBuilder, OnnxError> {
    let model = ModelBuilder::new("lenet", SIDE * SIDE)?.reshape("image", &[1, SIDE, SIDE])?;
    let model = weights.convolution(model, "conv_0", [6, 1, 5], 1, 2)?;
    let model = model.relu("relu_0")?.average_pool("pool_0", 2, 2)?;
    let model = weights.convolution(model, "conv_1", [16, 6, 5], 1, 0)?;
    let model = model.relu("relu_1")?.average_pool("pool_1", 2, 2)?;
    let model = weights.dense(model.flatten("flat")?, "dense_0", 400, 120)?;
    let model = weights.dense(model.relu("relu_2")?, "dense_1", 120, 84)?;
    weights.dense(model.relu("relu_3")?, "dense_2", 84, CLASSES)
}

/// Draws weights that keep the size of what they are applied to, and small biases.
struct Weights(Stream);

impl Weights {
    fn normal(&mut self, deviation: f64) -> f32 {
        (self.0.normal() * deviation) as f32
    }

    fn dense(
        &mut self,
        model: ModelBuilder,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<ModelBuilder, OnnxError> {
        let deviation = (inputs as f64).powf(-0.5);
        let weights = Array2::from_shape_simple_fn((outputs, inputs), || self.normal(deviation));
        let bias = Array1::from_shape_simple_fn(outputs, || self.normal(0.1));
        model.dense(name, weights.view(), bias.view())
    }

    /// Channels after and before, and pixels of a side of the kernel.
    fn convolution(
        &mut self,
        model: ModelBuilder,
        name: &str,
        [after, before, side]: [usize; 3],
        stride: usize,
        padding: usize,
    ) -> Result<ModelBuilder, OnnxError> {
        let deviation = ((before * side * side) as f64).powf(-0.5);
        let shape = (after, before, side, side);
        let weights = Array4::from_shape_simple_fn(shape, || self.normal(deviation));
        let bias = Array1::from_shape_simple_fn(after, || self.normal(0.1));
        model.conv2d(name, weights.view(), bias.view(), stride, padding)
    }
}
