//! Networks of one specification, side by side, while they are trained.

use candle_core::{DType, Device, Result, Tensor, bail};
use ndarray::{Array1, Array2};
use zkassay_seed::Stream;

use crate::mlp::ops::{Activate, ActivationGradient, Adam, Product, SumRows};
use crate::{Activation, DenseLayer, MlpSpec, ModelError};

/// One network for each round; every tensor has the rounds as its first axis.
pub(crate) struct Network {
    layers: Vec<Layer>,
    activation: Activation,
}

struct Layer {
    /// `[rounds, in, out]`.
    weights: Trained,
    /// `[rounds, 1, out]`.
    bias: Trained,
}

/// A tensor that Adam changes in place.
struct Trained {
    /// A view of the first third of the state.
    values: Tensor,
    /// `[3, ...]`: the values, and Adam's two moments.
    state: Tensor,
}

impl Trained {
    fn new(values: &Tensor) -> Result<Self> {
        let zeros = values.zeros_like()?;
        let state = Tensor::stack(&[values, &zeros, &zeros], 0)?;
        Ok(Self {
            values: state.get(0)?,
            state,
        })
    }
}

/// Where a step of so many rows puts what it computes.
pub(crate) struct Buffers {
    /// Of every layer, `[rounds, rows, out]`.
    outputs: Vec<Tensor>,
    /// By those outputs.
    gradients: Vec<Tensor>,
    /// By the weights and the bias of every layer.
    by_values: Vec<(Tensor, Tensor)>,
}

impl Buffers {
    pub(crate) fn new(network: &Network, rows: usize) -> Result<Self> {
        let zeros = |shape: (usize, usize, usize)| Tensor::zeros(shape, DType::F32, &Device::Cpu);
        let outputs = || {
            let layers = network.layers.iter();
            layers.map(|layer| {
                let (rounds, _, outputs) = layer.weights.values.dims3()?;
                zeros((rounds, rows, outputs))
            })
        };
        let by_values = network.layers.iter().map(|layer| {
            let values = (&layer.weights.values, &layer.bias.values);
            Ok((values.0.zeros_like()?, values.1.zeros_like()?))
        });
        Ok(Self {
            outputs: outputs().collect::<Result<_>>()?,
            gradients: outputs().collect::<Result<_>>()?,
            by_values: by_values.collect::<Result<_>>()?,
        })
    }

    /// The logits `[rounds, rows, outputs]` of the last forward pass.
    pub(crate) fn logits(&self) -> Result<&Tensor> {
        match self.outputs.last() {
            Some(logits) => Ok(logits),
            None => bail!("a network without layers"),
        }
    }
}

impl Network {
    /// Networks from `inputs` features to `outputs` logits, one for each seed,
    /// with initial weights as PyTorch's `Linear` draws them: weights and bias
    /// uniform in ±1/sqrt(in).
    ///
    /// Every layer has a stream of its own, named by the model's tag and the
    /// layer's position.
    pub(crate) fn new(
        spec: &MlpSpec,
        inputs: usize,
        outputs: usize,
        seeds: &[u64],
    ) -> Result<Self> {
        let tag = spec.tag();
        let layer = |(index, (inputs, outputs)): (usize, (usize, usize))| {
            let (mut weights, mut biases) = (Vec::new(), Vec::new());
            for &seed in seeds {
                let mut stream = Stream::new(seed, &format!("models/init/{tag}/layer_{index}"));
                let bound = 1.0 / (inputs as f64).sqrt();
                let mut draw = |count| -> Result<Tensor> {
                    let uniform = |_| (bound * (2.0 * stream.unit() - 1.0)) as f32;
                    let values = (0..count).map(uniform).collect();
                    Tensor::from_vec(values, count, &Device::Cpu)
                };
                weights.push(draw(outputs * inputs)?.reshape((outputs, inputs))?.t()?);
                biases.push(draw(outputs)?.reshape((1, outputs))?);
            }
            Ok(Layer {
                weights: Trained::new(&Tensor::stack(&weights, 0)?)?,
                bias: Trained::new(&Tensor::stack(&biases, 0)?)?,
            })
        };
        let layers = spec.layer_shapes(inputs, outputs).enumerate().map(layer);
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
            activation: spec.activation,
        })
    }

    /// Fills `buffers.outputs` for rows `[rounds, rows, inputs]`; the last are the logits
    /// `[rounds, rows, outputs]`.
    pub(crate) fn forward(&self, rows: &Tensor, buffers: &Buffers) -> Result<()> {
        let mut below = rows;
        for (index, (layer, output)) in self.layers.iter().zip(&buffers.outputs).enumerate() {
            let is_last = index + 1 == self.layers.len();
            let activation = match is_last {
                true => Activation::None,
                false => self.activation,
            };
            output.inplace_op3(below, &layer.weights.values, &Product)?;
            output.inplace_op2(&layer.bias.values, &Activate(activation))?;
            below = output;
        }
        Ok(())
    }

    /// One step down the gradient, given that of the loss by the logits.
    ///
    /// `rows` and `buffers` are as for [`forward`](Self::forward). Written out, because candle's own
    /// differentiation also computes the gradient by the rows, which is the dearest of all
    /// and which nobody needs.
    pub(crate) fn step(
        &self,
        rows: &Tensor,
        buffers: &Buffers,
        gradient: Tensor,
        adam: &Adam,
    ) -> Result<()> {
        let mut gradient = &gradient;
        for (index, layer) in self.layers.iter().enumerate().rev() {
            let below = index.checked_sub(1);
            let below = below.and_then(|i| buffers.outputs.get(i).zip(buffers.gradients.get(i)));
            let (weights, bias) = &buffers.by_values[index];
            match below {
                Some((output, _)) => weights.inplace_op3(&output.t()?, gradient, &Product)?,
                None => weights.inplace_op3(&rows.t()?, gradient, &Product)?,
            }
            bias.inplace_op2(gradient, &SumRows)?;
            if let Some((output, lower)) = below {
                lower.inplace_op3(gradient, &layer.weights.values.t()?, &Product)?;
                lower.inplace_op2(output, &ActivationGradient(self.activation))?;
                gradient = lower;
            }
            layer.weights.state.inplace_op2(weights, adam)?;
            layer.bias.state.inplace_op2(bias, adam)?;
        }
        Ok(())
    }

    /// Whether all weights and biases are finite, and Adam's means.
    pub(crate) fn is_finite(&self) -> Result<bool> {
        for trained in self.layers.iter().flat_map(|l| [&l.weights, &l.bias]) {
            // A sum with a term that is not finite is not, either.
            if !trained.state.sum_all()?.to_scalar::<f32>()?.is_finite() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The current layers of one round.
    pub(crate) fn layers(&self, round: usize) -> std::result::Result<Vec<DenseLayer>, ModelError> {
        let layer = |layer: &Layer| {
            let weights = layer.weights.values.get(round)?;
            let (inputs, outputs) = weights.dims2()?;
            let elements = weights.flatten_all()?.to_vec1::<f32>()?;
            Ok(DenseLayer {
                weights: Array2::from_shape_fn((outputs, inputs), |(o, i)| {
                    elements[i * outputs + o]
                }),
                bias: Array1::from(
                    layer
                        .bias
                        .values
                        .get(round)?
                        .flatten_all()?
                        .to_vec1::<f32>()?,
                ),
            })
        };
        self.layers.iter().map(layer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mlp::head::Head;
    use candle_core::Var;

    #[test]
    fn initial_weights_fill_their_interval() {
        let spec: MlpSpec = "64".parse().unwrap();
        let network = Network::new(&spec, 100, 1, &[7]).unwrap();
        let weights = &network.layers(0).unwrap()[0].weights;
        assert_eq!(weights.dim(), (64, 100));
        let largest = weights.iter().fold(0.0f32, |max, w| max.max(w.abs()));
        assert!(largest <= 0.1 && largest > 0.0999, "{largest}");
        let mean = weights.mean().unwrap();
        assert!(mean.abs() < 0.003, "{mean}");
        // The variance of U(-b, b) is b^2 / 3.
        let variance = weights.mapv(|w| w * w).mean().unwrap();
        assert!((variance - 0.01 / 3.0).abs() < 2e-4, "{variance}");
    }

    /// Candle's own differentiation of the same network, for one round.
    fn reference(
        layers: &[DenseLayer],
        activation: Activation,
        rows: &Tensor,
        head: Head,
        targets: &Tensor,
    ) -> Vec<Vec<f32>> {
        let variables: Vec<(Var, Var)> = layers
            .iter()
            .map(|layer| {
                let values = layer.weights.t().iter().copied().collect::<Vec<_>>();
                let shape = (layer.weights.ncols(), layer.weights.nrows());
                let bias = layer.bias.to_vec();
                (
                    Var::from_vec(values, shape, &Device::Cpu).unwrap(),
                    Var::from_vec(bias, (1, shape.1), &Device::Cpu).unwrap(),
                )
            })
            .collect();
        let mut value = rows.clone();
        for (index, (weights, bias)) in variables.iter().enumerate() {
            if index > 0 {
                value = match activation {
                    Activation::Relu => value.relu().unwrap(),
                    Activation::Tanh => value.tanh().unwrap(),
                    Activation::None => value,
                };
            }
            value = value.matmul(weights).unwrap().broadcast_add(bias).unwrap();
        }
        let loss = head.losses(&value.unsqueeze(0).unwrap(), targets).unwrap();
        let gradients = loss.sum_all().unwrap().backward().unwrap();
        variables
            .iter()
            .flat_map(|(weights, bias)| [weights, bias])
            .map(|var| {
                gradients
                    .get(var)
                    .unwrap()
                    .flatten_all()
                    .unwrap()
                    .to_vec1()
                    .unwrap()
            })
            .collect()
    }

    /// The gradients of [`Network::step`], read off Adam's first moments, which
    /// are a tenth of them after one step.
    #[test]
    fn gradients_are_those_of_candles_differentiation() {
        for (activation, outputs, head) in [
            (Activation::Relu, 1, Head::Sigmoid),
            (Activation::Tanh, 3, Head::Softmax),
            (Activation::None, 1, Head::Sigmoid),
        ] {
            let spec = MlpSpec {
                hidden: vec![5, 4],
                activation,
            };
            let network = Network::new(&spec, 3, outputs, &[11, 12]).unwrap();
            let mut stream = Stream::new(11, "rows");
            let rows: Vec<f32> = (0..48).map(|_| stream.normal() as f32).collect();
            let rows = Tensor::from_vec(rows, (2, 8, 3), &Device::Cpu).unwrap();
            let labels: Vec<u8> = (0..16).map(|row| row % (outputs as u8).max(2)).collect();
            let targets = head.targets(&labels, (2, 8, outputs)).unwrap();
            let before: Vec<_> = (0..2).map(|round| network.layers(round).unwrap()).collect();

            let buffers = Buffers::new(&network, 8).unwrap();
            network.forward(&rows, &buffers).unwrap();
            let gradient = head.gradient(buffers.logits().unwrap(), &targets).unwrap();
            let adam = Adam {
                learning_rate: 0.1,
                weight_decay: 0.0,
                step: 1,
            };
            network.step(&rows, &buffers, gradient, &adam).unwrap();

            for (round, before) in before.iter().enumerate() {
                let own = (
                    rows.get(round).unwrap(),
                    targets.narrow(0, round, 1).unwrap(),
                );
                let expected = reference(before, activation, &own.0, head, &own.1);
                let tensors = network.layers.iter().flat_map(|l| [&l.weights, &l.bias]);
                for (tensor, expected) in tensors.zip(expected) {
                    let moment = tensor.state.get(1).unwrap().get(round).unwrap();
                    let found = moment.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                    assert_eq!(found.len(), expected.len());
                    for (found, expected) in found.iter().zip(expected) {
                        assert!(
                            (10.0 * found - expected).abs() < 1e-6,
                            "{found}, {expected}"
                        );
                    }
                }
            }
        }
    }
}
