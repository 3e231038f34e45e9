//! The trained network.

use ndarray::{Array1, Array2, ArrayView2};

use crate::classifier::{builder, check_rows, probability};
use crate::{Activation, Classifier, Export, MlpSpec, ModelError, Predictions};

/// `y = weights x + bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseLayer {
    /// `[out, in]`.
    pub weights: Array2<f32>,
    /// `[out]`.
    pub bias: Array1<f32>,
}

/// A trained multi-layer perceptron: dense layers, an activation between them,
/// a sigmoid (two classes) or a softmax at the end.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Mlp {
    /// What was asked for.
    pub spec: MlpSpec,
    /// The layers, from the input to the output; at least one.
    pub layers: Vec<DenseLayer>,
    /// Epochs that these weights were trained for.
    pub epochs: usize,
}

impl Mlp {
    fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.bias.len())
    }
}

impl Classifier for Mlp {
    fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.weights.ncols())
    }

    fn classes(&self) -> usize {
        self.outputs().max(2)
    }

    fn parameters(&self) -> usize {
        self.spec.parameters(self.inputs(), self.outputs())
    }

    fn predict(&self, rows: ArrayView2<'_, f32>) -> Result<Predictions, ModelError> {
        check_rows(self.inputs(), rows)?;
        let mut value = rows.to_owned();
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                match self.spec.activation {
                    Activation::Relu => value.mapv_inplace(|x| x.max(0.0)),
                    Activation::Tanh => value.mapv_inplace(f32::tanh),
                    Activation::None => {}
                }
            }
            value = value.dot(&layer.weights.t()) + &layer.bias;
        }
        Ok(Predictions::from_logits(value))
    }

    fn to_onnx(&self, export: &Export) -> Result<Vec<u8>, ModelError> {
        let mut builder = builder(export, self.inputs(), self.classes())?;
        for (index, layer) in self.layers.iter().enumerate() {
            if let Some(below) = index.checked_sub(1) {
                builder = match self.spec.activation {
                    Activation::Relu => builder.relu(&format!("relu_{below}"))?,
                    Activation::Tanh => builder.tanh(&format!("tanh_{below}"))?,
                    Activation::None => builder,
                };
            }
            let name = format!("layer_{index}");
            builder = builder.dense(&name, layer.weights.view(), layer.bias.view())?;
        }
        Ok(probability(builder, self.outputs())?.encode()?)
    }
}
