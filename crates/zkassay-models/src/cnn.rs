//! Small convolutional networks for images, trained by candle.
//!
//! Rows are images laid out flat, channel by channel, as `[channels * height *
//! width]`. Convolutions without padding and with a stride stand in for
//! pooling: they cost a proof less. After the last one there is a dense layer
//! with one score for each class, and a softmax.

mod params;

use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use ndarray::{Array1, Array2, Array4, ArrayView2, Axis};
use zkassay_seed::Stream;

pub use self::params::CnnParams;
use crate::classifier::{builder, check_rows, probability};
use crate::mlp::head::Head;
use crate::valid::require_parameters;
use crate::{Classifier, DenseLayer, Export, ModelError, Predictions, TrainingSet, Valid};

/// Images of this many rows are predicted at once.
const PREDICTED_AT_ONCE: usize = 256;

/// `y = weights * x + bias`, without padding.
#[derive(Clone, Debug, PartialEq)]
pub struct Convolution {
    /// `[out, in, height, width]`.
    pub weights: Array4<f32>,
    /// `[out]`.
    pub bias: Array1<f32>,
}

/// A trained convolutional network: ReLU after each convolution, a dense layer,
/// a softmax (a sigmoid for two classes).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Cnn {
    /// What was asked for.
    pub params: Valid<CnnParams>,
    /// The convolutions, from the input on; at least one.
    pub convolutions: Vec<Convolution>,
    /// From the flat output of the last convolution to the scores.
    pub dense: DenseLayer,
}

/// Trains a convolutional network.
///
/// # Errors
/// [`ModelError::Columns`] if rows are not such images,
/// [`ModelError::Parameter`] if there would be more than 67,108,864 weights and
/// biases, [`ModelError::Diverged`] if the loss or the square of a gradient is no
/// longer a finite number.
pub fn fit(set: &TrainingSet<'_>, params: &Valid<CnnParams>) -> Result<Cnn, ModelError> {
    let pixels = params.image.iter().product();
    if set.features() != pixels {
        return Err(ModelError::Columns {
            expected: pixels,
            found: set.features(),
        });
    }
    require_parameters(params.parameters(set.outputs()))?;
    let network = Network::new(params, set.outputs())?;
    let head = Head::of(set.outputs());
    let adam = ParamsAdamW {
        lr: params.learning_rate,
        weight_decay: 0.0,
        ..ParamsAdamW::default()
    };
    let variables = network.variables();
    let mut optimizer = AdamW::new(variables.clone(), adam)?;
    let diverged = |epoch| ModelError::Diverged {
        model: params.to_string(),
        epoch,
        learning_rate: params.learning_rate,
    };
    let mut order: Vec<usize> = (0..set.len()).collect();
    let mut stream = Stream::new(params.seed, &format!("models/order/{}", **params));
    for epoch in 1..=params.epochs {
        stream.shuffle(&mut order);
        for batch in order.chunks(params.batch_size) {
            let images = set.rows().select(Axis(0), batch);
            let labels: Vec<u8> = batch.iter().map(|row| set.labels()[*row]).collect();
            let targets = head.targets(&labels, (1, batch.len(), set.outputs()))?;
            let logits = network.logits(&images_of(images.view(), params)?)?;
            let loss = head.losses(&logits.unsqueeze(0)?, &targets)?.sum_all()?;
            let gradients = loss.backward()?;
            if !loss.to_scalar::<f32>()?.is_finite() || !are_squares_finite(&gradients, &variables)?
            {
                return Err(diverged(epoch));
            }
            optimizer.step(&gradients)?;
        }
    }
    let cnn = network.trained(params)?;
    match cnn.is_finite() {
        true => Ok(cnn),
        false => Err(diverged(params.epochs)),
    }
}

/// Whether Adam can go by the gradients: if their squares were infinite, its
/// steps would be 0.
fn are_squares_finite(gradients: &GradStore, variables: &[Var]) -> candle_core::Result<bool> {
    for gradient in variables
        .iter()
        .filter_map(|variable| gradients.get(variable))
    {
        if !gradient.sqr()?.sum_all()?.to_scalar::<f32>()?.is_finite() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Images `[rows, channels, height, width]` of flat rows.
fn images_of(rows: ArrayView2<'_, f32>, params: &CnnParams) -> Result<Tensor, ModelError> {
    let [channels, height, width] = params.image;
    let shape = (rows.nrows(), channels, height, width);
    let pixels = rows.iter().copied().collect::<Vec<f32>>();
    Ok(Tensor::from_vec(pixels, shape, &Device::Cpu)?)
}

/// Logits `[rows, outputs]` of images `[rows, channels, height, width]`, given
/// weights and bias of every convolution and, last, of the dense layer.
fn logits(
    layers: &[(Tensor, Tensor)],
    stride: usize,
    images: &Tensor,
) -> candle_core::Result<Tensor> {
    let mut value = images.clone();
    for (index, (weights, bias)) in layers.iter().enumerate() {
        value = match index + 1 < layers.len() {
            true => {
                let bias = bias.reshape((1, (), 1, 1))?;
                let value = value.conv2d(weights, 0, stride, 1, 1)?;
                value.broadcast_add(&bias)?.relu()?
            }
            false => value
                .flatten_from(1)?
                .matmul(&weights.t()?)?
                .broadcast_add(bias)?,
        };
    }
    Ok(value)
}

/// The network as candle variables: weights and bias of every layer.
struct Network {
    layers: Vec<(Var, Var)>,
    stride: usize,
}

impl Network {
    /// Initial weights as PyTorch draws them: uniform in ±1/sqrt(inputs of an output).
    fn new(params: &CnnParams, outputs: usize) -> candle_core::Result<Self> {
        let shapes = params.shapes();
        let kernel = params.kernel;
        let convolutions = shapes
            .windows(2)
            .map(|pair| vec![pair[1][0], pair[0][0], kernel, kernel]);
        let flat = shapes.last().map_or(0, |shape| shape.iter().product());
        let layers = convolutions.chain([vec![outputs, flat]]).enumerate();
        let layers = layers.map(|(index, shape)| {
            let mut stream =
                Stream::new(params.seed, &format!("models/init/{params}/layer_{index}"));
            let inputs: usize = shape.iter().skip(1).product();
            let bound = 1.0 / (inputs as f64).sqrt();
            let mut draw = |shape: &[usize]| {
                let uniform = |_| (bound * (2.0 * stream.unit() - 1.0)) as f32;
                let values = (0..shape.iter().product()).map(uniform).collect();
                Var::from_vec(values, shape, &Device::Cpu)
            };
            Ok((draw(&shape)?, draw(&shape[..1])?))
        });
        Ok(Self {
            layers: layers.collect::<candle_core::Result<_>>()?,
            stride: params.stride,
        })
    }

    fn variables(&self) -> Vec<Var> {
        let pairs = self.layers.iter();
        pairs.flat_map(|(w, b)| [w.clone(), b.clone()]).collect()
    }

    fn logits(&self, images: &Tensor) -> candle_core::Result<Tensor> {
        let layers: Vec<_> = self
            .layers
            .iter()
            .map(|(w, b)| (w.as_tensor().clone(), b.as_tensor().clone()))
            .collect();
        logits(&layers, self.stride, images)
    }

    fn trained(&self, params: &Valid<CnnParams>) -> candle_core::Result<Cnn> {
        let mut convolutions = Vec::new();
        let mut dense = DenseLayer {
            weights: Array2::zeros((0, 0)),
            bias: Array1::zeros(0),
        };
        for (weights, bias) in &self.layers {
            let bias = Array1::from(bias.to_vec1::<f32>()?);
            let values = weights.flatten_all()?.to_vec1::<f32>()?;
            match weights.dims() {
                [out, inputs] => {
                    let weights = Array2::from_shape_vec((*out, *inputs), values);
                    dense = DenseLayer {
                        weights: weights.map_err(candle_core::Error::wrap)?,
                        bias,
                    };
                }
                _ => {
                    let weights = Array4::from_shape_vec(weights.dims4()?, values);
                    convolutions.push(Convolution {
                        weights: weights.map_err(candle_core::Error::wrap)?,
                        bias,
                    });
                }
            }
        }
        Ok(Cnn {
            params: params.clone(),
            convolutions,
            dense,
        })
    }
}

impl Cnn {
    fn is_finite(&self) -> bool {
        let weights = self
            .convolutions
            .iter()
            .flat_map(|c| c.weights.iter().chain(&c.bias));
        let dense = self.dense.weights.iter().chain(&self.dense.bias);
        weights.chain(dense).all(|value| value.is_finite())
    }

    /// Weights and bias of every layer as tensors.
    fn layers(&self) -> candle_core::Result<Vec<(Tensor, Tensor)>> {
        let tensor =
            |values: Vec<f32>, shape: &[usize]| Tensor::from_vec(values, shape, &Device::Cpu);
        let flat = |values: &Array1<f32>| tensor(values.to_vec(), values.shape());
        let convolutions = self.convolutions.iter().map(|c| {
            let weights = c.weights.iter().copied().collect();
            Ok((tensor(weights, c.weights.shape())?, flat(&c.bias)?))
        });
        let dense = self.dense.weights.iter().copied().collect();
        let dense = tensor(dense, self.dense.weights.shape())
            .and_then(|w| Ok((w, flat(&self.dense.bias)?)));
        convolutions.chain([dense]).collect()
    }
}

impl Classifier for Cnn {
    fn inputs(&self) -> usize {
        self.params.image.iter().product()
    }

    fn classes(&self) -> usize {
        self.dense.bias.len().max(2)
    }

    fn parameters(&self) -> usize {
        let convolutions = self.convolutions.iter();
        let convolutions: usize = convolutions.map(|c| c.weights.len() + c.bias.len()).sum();
        convolutions + self.dense.weights.len() + self.dense.bias.len()
    }

    fn predict(&self, rows: ArrayView2<'_, f32>) -> Result<Predictions, ModelError> {
        check_rows(self.inputs(), rows)?;
        let layers = self.layers()?;
        let mut scores = Vec::with_capacity(rows.nrows() * self.dense.bias.len());
        for rows in rows.axis_chunks_iter(Axis(0), PREDICTED_AT_ONCE) {
            let images = images_of(rows, &self.params)?;
            let logits = logits(&layers, self.params.stride, &images)?;
            scores.extend(logits.flatten_all()?.to_vec1::<f32>()?);
        }
        let shape = (rows.nrows(), self.dense.bias.len());
        let scores = Array2::from_shape_vec(shape, scores).map_err(candle_core::Error::wrap)?;
        Ok(Predictions::from_logits(scores))
    }

    fn to_onnx(&self, export: &Export) -> Result<Vec<u8>, ModelError> {
        let mut builder = builder(export, self.inputs(), self.classes())?;
        builder = builder.reshape("image", &self.params.image)?;
        for (index, convolution) in self.convolutions.iter().enumerate() {
            let (weights, bias) = (convolution.weights.view(), convolution.bias.view());
            builder = builder
                .conv2d(
                    &format!("conv_{index}"),
                    weights,
                    bias,
                    self.params.stride,
                    0,
                )?
                .relu(&format!("relu_{index}"))?;
        }
        let (weights, bias) = (self.dense.weights.view(), self.dense.bias.view());
        builder = builder.flatten("flat")?.dense("dense", weights, bias)?;
        Ok(probability(builder, self.dense.bias.len())?.encode()?)
    }
}
