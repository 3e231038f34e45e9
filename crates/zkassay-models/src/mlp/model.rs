//! The trained model.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use zkassay_onnx::ModelBuilder;

use crate::{Activation, MlpSpec, ModelError};

/// `y = weights x + bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseLayer {
    /// `[out, in]`.
    pub weights: Array2<f32>,
    /// `[out]`.
    pub bias: Array1<f32>,
}

/// A trained multi-layer perceptron.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Mlp {
    /// What was asked for.
    pub spec: MlpSpec,
    /// The layers, from the input to the output; at least one.
    pub layers: Vec<DenseLayer>,
    /// Mean binary cross-entropy on the training rows before the last step.
    pub loss: f32,
}

impl Mlp {
    /// Number of features of a row.
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.weights.ncols())
    }

    /// Number of weights and biases.
    pub fn parameters(&self) -> usize {
        self.spec.parameters(self.inputs())
    }

    /// The probability of class 1 for each of the rows `[rows, inputs]`.
    ///
    /// # Errors
    /// [`ModelError::Columns`] if the rows have another length.
    pub fn predict_proba(&self, rows: ArrayView2<'_, f32>) -> Result<Vec<f32>, ModelError> {
        if rows.ncols() != self.inputs() {
            return Err(ModelError::Columns {
                expected: self.inputs(),
                found: rows.ncols(),
            });
        }
        let mut value = rows.to_owned();
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 && self.spec.activation == Activation::Relu {
                value.mapv_inplace(|x| x.max(0.0));
            }
            value = value.dot(&layer.weights.t()) + &layer.bias;
        }
        let logits = value.index_axis_move(Axis(1), 0);
        Ok(logits.iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect())
    }

    /// The model as the bytes of an `.onnx` file, named by its tag; its output
    /// is the probability of class 1.
    ///
    /// `metadata` is stored with the model; its tag is added as `model`.
    ///
    /// # Errors
    /// [`ModelError::Onnx`] if a weight is not finite.
    pub fn to_onnx<'a>(
        &self,
        metadata: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Vec<u8>, ModelError> {
        let tag = self.spec.tag();
        let mut builder = ModelBuilder::new(&tag, self.inputs())?;
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 && self.spec.activation == Activation::Relu {
                builder = builder.relu(&format!("relu_{}", index - 1))?;
            }
            let name = format!("layer_{index}");
            builder = builder.dense(&name, layer.weights.view(), layer.bias.view())?;
        }
        builder = builder.sigmoid("probability")?;
        for (key, value) in metadata {
            builder = builder.metadata(key, value);
        }
        Ok(builder.metadata("model", &tag).encode()?)
    }
}
