//! The model as candle variables, while it is trained.

use candle_core::{Device, Result, Tensor, Var};
use ndarray::{Array1, Array2};
use zkassay_seed::Stream;

use crate::{Activation, DenseLayer, MlpSpec, ModelError};

/// Weights `[out, in]` and bias `[out]` of every layer.
pub(crate) struct Network {
    layers: Vec<(Var, Var)>,
    activation: Activation,
}

impl Network {
    /// A network over `inputs` features with initial weights as PyTorch's
    /// `Linear` draws them: weights and bias uniform in ±1/sqrt(in).
    ///
    /// Every layer has a stream of its own, named by the model's tag and the
    /// layer's position.
    pub(crate) fn new(spec: &MlpSpec, inputs: usize, seed: u64) -> Result<Self> {
        let tag = spec.tag();
        let layer = |(index, (out, columns)): (usize, (usize, usize))| {
            let mut stream = Stream::new(seed, &format!("models/init/{tag}/layer_{index}"));
            let bound = 1.0 / (columns as f64).sqrt();
            let mut draw = |count| -> Vec<f32> {
                let uniform = |_| (bound * (2.0 * stream.unit() - 1.0)) as f32;
                (0..count).map(uniform).collect()
            };
            let weights = Var::from_vec(draw(out * columns), (out, columns), &Device::Cpu)?;
            let bias = Var::from_vec(draw(out), out, &Device::Cpu)?;
            Ok((weights, bias))
        };
        let layers = spec.layer_shapes(inputs).enumerate().map(layer);
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
            activation: spec.activation,
        })
    }

    /// The variables to train.
    pub(crate) fn variables(&self) -> Vec<Var> {
        let pairs = self.layers.iter();
        pairs.flat_map(|(w, b)| [w.clone(), b.clone()]).collect()
    }

    /// Logits `[rows]` of the rows `[rows, inputs]`.
    pub(crate) fn logits(&self, rows: &Tensor) -> Result<Tensor> {
        let mut value = rows.clone();
        for (index, (weights, bias)) in self.layers.iter().enumerate() {
            if index > 0 && self.activation == Activation::Relu {
                value = value.relu()?;
            }
            value = value.matmul(&weights.t()?)?.broadcast_add(bias)?;
        }
        value.flatten_all()
    }

    /// The layers' current values.
    pub(crate) fn layers(&self) -> std::result::Result<Vec<DenseLayer>, ModelError> {
        let layer = |(weights, bias): &(Var, Var)| {
            let shape = weights.dims2()?;
            let elements = weights.flatten_all()?.to_vec1::<f32>()?;
            Ok(DenseLayer {
                weights: Array2::from_shape_fn(shape, |(o, i)| elements[o * shape.1 + i]),
                bias: Array1::from(bias.to_vec1::<f32>()?),
            })
        };
        self.layers.iter().map(layer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mlp::loss::binary_cross_entropy;

    #[test]
    fn initial_weights_fill_their_interval() {
        let spec: MlpSpec = "64".parse().unwrap();
        let layers = Network::new(&spec, 100, 7).unwrap().layers().unwrap();
        let weights = &layers[0].weights;
        assert_eq!(weights.dim(), (64, 100));
        let largest = weights.iter().fold(0.0f32, |max, w| max.max(w.abs()));
        assert!(largest <= 0.1 && largest > 0.0999, "{largest}");
        let mean = weights.mean().unwrap();
        assert!(mean.abs() < 0.003, "{mean}");
        // The variance of U(-b, b) is b^2 / 3.
        let variance = weights.mapv(|w| w * w).mean().unwrap();
        assert!((variance - 0.01 / 3.0).abs() < 2e-4, "{variance}");
    }

    #[test]
    fn gradients_match_finite_differences() {
        let spec: MlpSpec = "4-3".parse().unwrap();
        let network = Network::new(&spec, 3, 11).unwrap();
        let mut stream = Stream::new(11, "rows");
        let rows: Vec<f32> = (0..24).map(|_| stream.normal() as f32).collect();
        let rows = Tensor::from_vec(rows, (8, 3), &Device::Cpu).unwrap();
        let labels = Tensor::new(&[0f32, 1., 1., 0., 1., 0., 0., 1.], &Device::Cpu).unwrap();
        let loss = || binary_cross_entropy(&network.logits(&rows).unwrap(), &labels).unwrap();
        let gradients = loss().backward().unwrap();

        let (first, _) = &network.layers[0];
        let gradient = gradients.get(first).unwrap().to_vec2::<f32>().unwrap();
        let start = first.to_vec2::<f32>().unwrap();
        let step = 1e-2;
        for out in 0..4 {
            for column in 0..3 {
                let at = |offset: f32| {
                    let mut moved = start.clone();
                    moved[out][column] += offset;
                    first
                        .set(&Tensor::new(moved, &Device::Cpu).unwrap())
                        .unwrap();
                    loss().to_scalar::<f32>().unwrap()
                };
                let slope = (at(step) - at(-step)) / (2.0 * step);
                let found = gradient[out][column];
                assert!(
                    (slope - found).abs() < 2e-3,
                    "{out}, {column}: {slope} {found}"
                );
            }
        }
    }
}
