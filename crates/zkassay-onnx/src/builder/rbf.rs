//! The radial basis function kernel, of standard operators.

use ndarray::{ArrayView1, ArrayView2, Axis};

use super::{ModelBuilder, check_finite, mismatch};
use crate::OnnxError;
use crate::proto::{AttributeProto, TensorProto};

impl ModelBuilder {
    /// Adds `y_j = exp(-gamma |x - s_j|^2)` for the rows `s_j` of `support`
    /// `[out, in]`.
    ///
    /// With `c` the mean of the `s_j`, `u = x - c` and `v_j = s_j - c`, the
    /// squared distance is `|u|^2 + (|v_j|^2 - 2 v_j u)`, at least 0, so that all
    /// products are one `Gemm`. In float32 a `y_j` is off by some
    /// `2e-7 gamma (|u|^2 + |v_j|^2)`, wherever the rows lie: without `c`, rows
    /// far from zero beside their distances would be nothing but rounding.
    /// The constants are stored as `<layer>.center.subtrahend`,
    /// `<layer>.product.weight`, `<layer>.product.bias` and
    /// `<layer>.exponent.factor`, and the nodes before `layer` are called
    /// `<layer>.<step>`.
    ///
    /// # Errors
    /// If a shape does not fit, a value is NaN or infinite or too large to
    /// square, `gamma` is not above 0, or a name is taken.
    pub fn rbf(
        mut self,
        layer: &str,
        support: ArrayView2<'_, f32>,
        gamma: f32,
    ) -> Result<Self, OnnxError> {
        let len = self.flat(layer)?;
        let (out, columns) = support.dim();
        if columns != len {
            return Err(mismatch(layer, "support vectors", "columns", len, columns));
        }
        if out == 0 {
            return Err(mismatch(layer, "support vectors", "rows", 1, out));
        }
        check_finite(layer, "support vectors", support)?;
        check_finite(layer, "gamma", &[gamma])?;
        if gamma <= 0.0 {
            return Err(OnnxError::Constant {
                layer: layer.to_owned(),
                tensor: "gamma",
                index: 0,
                value: gamma,
                expected: "a number above 0",
            });
        }
        let mean = |values: ArrayView1<'_, f32>| {
            let sum: f64 = values.iter().copied().map(f64::from).sum();
            (sum / out as f64) as f32
        };
        let center = support.map_axis(Axis(0), mean);
        let support = &support - &center;
        let length = |values: ArrayView1<'_, f32>| {
            let squares = values.iter().map(|&x| f64::from(x) * f64::from(x));
            squares.sum::<f64>() as f32
        };
        let lengths = support.map_axis(Axis(1), length);
        check_finite(layer, "squared lengths of the support vectors", &lengths)?;

        let step = |name: &str| format!("{layer}.{name}");
        let (product, squares, exponent) = (step("product"), step("squares"), step("exponent"));
        self = self.subtract(&step("center"), center.view())?;
        let rows = self.value();
        self = self.dense(&product, (support * -2.0).view(), lengths.view())?;
        let axes = vec![
            AttributeProto::ints("axes", [1]),
            AttributeProto::int("keepdims", 1),
        ];
        self.push_node("ReduceSumSquare", &squares, vec![rows], axes)?;
        self.push_node("Add", &step("distance"), vec![product, squares], vec![])?;
        self.push("Relu", &step("positive"), vec![], vec![])?;
        let factor = TensorProto::floats(&format!("{exponent}.factor"), &[1], [-gamma]);
        self.push("Mul", &exponent, vec![factor], vec![])?;
        self.push("Exp", layer, vec![], vec![])?;
        self.shape = vec![out];
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;
    use crate::proto::NodeProto;

    fn rbf(support: &Array2<f32>, gamma: f32) -> Result<ModelBuilder, OnnxError> {
        ModelBuilder::new("m", 2)?.rbf("kernel", support.view(), gamma)
    }

    #[test]
    fn the_distance_is_a_product_and_two_lengths() {
        let model = rbf(&array![[3.0, 2.0], [-1.0, 0.5], [1.0, 0.5]], 0.25).unwrap();
        assert_eq!(model.shape, [3]);
        let graph = model.build().unwrap().graph.unwrap();
        let wires = |node: &NodeProto| {
            let inputs = node.input.join(" ");
            format!("{} = {}({inputs})", node.output[0], node.op_type)
        };
        let wires: Vec<String> = graph.node.iter().map(wires).collect();
        assert_eq!(
            wires,
            [
                "kernel.center = Sub(input kernel.center.subtrahend)",
                "kernel.product = Gemm(kernel.center kernel.product.weight kernel.product.bias)",
                "kernel.squares = ReduceSumSquare(kernel.center)",
                "kernel.distance = Add(kernel.product kernel.squares)",
                "kernel.positive = Relu(kernel.distance)",
                "kernel.exponent = Mul(kernel.positive kernel.exponent.factor)",
                "output = Exp(kernel.exponent)",
            ]
        );
        // Less their mean, the support vectors are (2, 1), (-2, -0.5), (0, -0.5).
        let bytes = |values: &[f32]| -> Vec<u8> {
            let bytes = values.iter().flat_map(|x| x.to_le_bytes());
            bytes.collect()
        };
        let constants: Vec<Vec<u8>> = graph.initializer.into_iter().map(|t| t.raw_data).collect();
        assert_eq!(
            constants,
            [
                bytes(&[1.0, 1.0]),
                bytes(&[-4.0, -2.0, 4.0, 1.0, -0.0, 1.0]),
                bytes(&[5.0, 4.25, 0.25]),
                bytes(&[-0.25]),
            ]
        );
    }

    #[test]
    fn what_cannot_be_computed_is_refused() {
        let message = |support: &Array2<f32>, gamma| rbf(support, gamma).unwrap_err().to_string();
        assert_eq!(
            message(&array![[1.0, 2.0, 3.0]], 1.0),
            "layer `kernel`: support vectors with 3 columns, expected 2"
        );
        assert_eq!(
            message(&Array2::zeros((0, 2)), 1.0),
            "layer `kernel`: support vectors with 0 rows, expected 1"
        );
        assert_eq!(
            message(&array![[1.0, 2.0]], -0.5),
            "layer `kernel`: -0.5 in the gamma at position 0, expected a number above 0"
        );
        let error = rbf(&array![[1e20, 0.0], [-1e20, 0.0]], 1.0).unwrap_err();
        assert!(error.to_string().contains("squared lengths"), "{error}");
        for (support, gamma) in [([1.0, f32::NAN], 1.0), ([1.0, 1.0], f32::NAN)] {
            let error = rbf(&array![support], gamma).unwrap_err();
            assert!(matches!(error, OnnxError::NonFinite { .. }), "{error}");
        }
    }
}
