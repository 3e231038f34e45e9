//! Layers over flat rows, and functions of single elements.

use ndarray::{ArrayView1, ArrayView2};

use super::{ModelBuilder, check_finite, mismatch};
use crate::OnnxError;
use crate::proto::{AttributeProto, TensorProto};

impl ModelBuilder {
    /// Adds `y = weights x + bias`, with `weights` `[out, in]` and `bias` `[out]`.
    ///
    /// The tensors are stored as `<layer>.weight` and `<layer>.bias`.
    ///
    /// # Errors
    /// If a shape does not fit, a value is NaN or infinite, or the name is taken.
    pub fn dense(
        mut self,
        layer: &str,
        weights: ArrayView2<'_, f32>,
        bias: ArrayView1<'_, f32>,
    ) -> Result<Self, OnnxError> {
        let len = self.flat(layer)?;
        let (out, columns) = weights.dim();
        if columns != len {
            return Err(mismatch(layer, "weights", "columns", len, columns));
        }
        if out == 0 {
            return Err(mismatch(layer, "weights", "rows", 1, out));
        }
        if bias.len() != out {
            return Err(mismatch(layer, "bias", "elements", out, bias.len()));
        }
        check_finite(layer, "weights", weights)?;
        check_finite(layer, "bias", bias)?;

        let weights = weights.iter().copied();
        let constants = vec![
            TensorProto::floats(&format!("{layer}.weight"), &[out, columns], weights),
            TensorProto::floats(&format!("{layer}.bias"), &[out], bias.iter().copied()),
        ];
        self.push(
            "Gemm",
            layer,
            constants,
            vec![AttributeProto::int("transB", 1)],
        )?;
        self.shape = vec![out];
        Ok(self)
    }

    /// Adds `x - subtrahends`, stored as `<layer>.subtrahend`.
    ///
    /// # Errors
    /// If there is not one value per element of a row, a value is NaN or
    /// infinite, or the name is taken.
    pub fn subtract(
        self,
        layer: &str,
        subtrahends: ArrayView1<'_, f32>,
    ) -> Result<Self, OnnxError> {
        self.elementwise("Sub", layer, "subtrahend", "subtrahends", subtrahends)
    }

    /// Adds `x / divisors`, stored as `<layer>.divisor`.
    ///
    /// # Errors
    /// If there is not one value per element of a row, a value is 0, NaN or
    /// infinite, or the name is taken.
    pub fn divide(self, layer: &str, divisors: ArrayView1<'_, f32>) -> Result<Self, OnnxError> {
        if let Some(index) = divisors.iter().position(|&divisor| divisor == 0.0) {
            return Err(OnnxError::Constant {
                layer: layer.to_owned(),
                tensor: "divisors",
                index,
                value: divisors[index],
                expected: "a number other than 0",
            });
        }
        self.elementwise("Div", layer, "divisor", "divisors", divisors)
    }

    /// Adds `max(x, 0)` on every element.
    ///
    /// # Errors
    /// [`OnnxError::LayerName`] if the name is empty or taken.
    pub fn relu(mut self, layer: &str) -> Result<Self, OnnxError> {
        self.push("Relu", layer, vec![], vec![])?;
        Ok(self)
    }

    /// Adds `1 / (1 + exp(-x))` on every element.
    ///
    /// # Errors
    /// [`OnnxError::LayerName`] if the name is empty or taken.
    pub fn sigmoid(mut self, layer: &str) -> Result<Self, OnnxError> {
        self.push("Sigmoid", layer, vec![], vec![])?;
        Ok(self)
    }

    /// Adds the hyperbolic tangent of every element.
    ///
    /// # Errors
    /// [`OnnxError::LayerName`] if the name is empty or taken.
    pub fn tanh(mut self, layer: &str) -> Result<Self, OnnxError> {
        self.push("Tanh", layer, vec![], vec![])?;
        Ok(self)
    }

    /// Adds `exp(x_i) / sum_j exp(x_j)` over the last axis.
    ///
    /// # Errors
    /// [`OnnxError::LayerName`] if the name is empty or taken.
    pub fn softmax(mut self, layer: &str) -> Result<Self, OnnxError> {
        self.push(
            "Softmax",
            layer,
            vec![],
            vec![AttributeProto::int("axis", -1)],
        )?;
        Ok(self)
    }

    /// Adds an operator between each element of a row and its constant.
    fn elementwise(
        mut self,
        op_type: &str,
        layer: &str,
        suffix: &str,
        tensor: &'static str,
        constants: ArrayView1<'_, f32>,
    ) -> Result<Self, OnnxError> {
        let len = self.flat(layer)?;
        if constants.len() != len {
            return Err(mismatch(layer, tensor, "elements", len, constants.len()));
        }
        check_finite(layer, tensor, constants)?;
        let constants = constants.iter().copied();
        let constants = TensorProto::floats(&format!("{layer}.{suffix}"), &[len], constants);
        self.push(op_type, layer, vec![constants], vec![])?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn builder() -> ModelBuilder {
        ModelBuilder::new("m", 2).unwrap()
    }

    #[test]
    fn a_standardised_softmax_network_is_a_chain() {
        let model = builder()
            .subtract("center", array![1.0, -0.5].view())
            .and_then(|b| b.divide("scale", array![2.0, 4.0].view()))
            .and_then(|b| {
                b.dense(
                    "layer_0",
                    array![[1.0, 2.0], [0.5, -1.0], [0.0, 1.0]].view(),
                    array![0.0, 0.1, 0.2].view(),
                )
            })
            .and_then(|b| b.tanh("tanh_0"))
            .and_then(|b| b.softmax("probabilities"))
            .unwrap();
        assert_eq!(model.shape, [3]);
        let graph = model.build().unwrap().graph.unwrap();
        let wires = graph
            .node
            .iter()
            .map(|n| format!("{}({})", n.op_type, n.input.join(" ")));
        assert!(wires.eq([
            "Sub(input center.subtrahend)",
            "Div(center scale.divisor)",
            "Gemm(scale layer_0.weight layer_0.bias)",
            "Tanh(layer_0)",
            "Softmax(tanh_0)",
        ]));
        assert_eq!(graph.node[4].attribute, [AttributeProto::int("axis", -1)]);
        assert_eq!(
            graph.initializer[1].raw_data,
            [2.0f32, 4.0].map(f32::to_le_bytes).concat()
        );
    }

    #[test]
    fn constants_that_do_not_fit_are_named() {
        let error = builder()
            .subtract("center", array![1.0].view())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "layer `center`: subtrahends with 1 elements, expected 2"
        );
        let error = builder()
            .divide("scale", array![1.0, -0.0].view())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "layer `scale`: -0 in the divisors at position 1, expected a number other than 0"
        );
        let error = builder()
            .divide("scale", array![1.0, f32::INFINITY].view())
            .unwrap_err();
        assert!(matches!(
            error,
            OnnxError::NonFinite {
                tensor: "divisors",
                index: 1,
                ..
            }
        ));
    }

    #[test]
    fn names_of_constants_are_taken() {
        let subtrahends = array![1.0, 1.0];
        let model = builder().subtract("a", subtrahends.view()).unwrap();
        let error = model.tanh("a.subtrahend").unwrap_err();
        assert!(matches!(error, OnnxError::LayerName { ref layer } if layer == "a.subtrahend"));
        let model = builder().tanh("a.subtrahend").unwrap();
        let error = model.subtract("a", subtrahends.view()).unwrap_err();
        assert!(matches!(error, OnnxError::LayerName { ref layer } if layer == "a.subtrahend"));
    }
}
