//! Layers over images: rows of the shape `[channels, height, width]`.

use ndarray::{ArrayView1, ArrayView4};

use super::{ModelBuilder, check_finite, mismatch};
use crate::OnnxError;
use crate::proto::{AttributeProto, TensorProto};

impl ModelBuilder {
    /// Gives each row another shape, for instance `[channels, height, width]`;
    /// its elements stay in order.
    ///
    /// The shape is stored as `<layer>.shape`, with 0 (as the input has it) for
    /// the batch.
    ///
    /// # Errors
    /// If the shape has no axis or another number of elements, or the name is taken.
    pub fn reshape(mut self, layer: &str, shape: &[usize]) -> Result<Self, OnnxError> {
        if shape.is_empty() {
            return Err(mismatch(layer, "shape", "axes", 1, 0));
        }
        let (expected, found) = (elements(&self.shape), elements(shape));
        if found != expected {
            return Err(mismatch(layer, "shape", "elements", expected, found));
        }
        let sizes = shape.iter().map(|&size| size as i64);
        let dims: Vec<i64> = std::iter::once(0).chain(sizes).collect();
        let dims = TensorProto::integers(&format!("{layer}.shape"), &dims);
        self.push("Reshape", layer, vec![dims], vec![])?;
        self.shape = shape.to_vec();
        Ok(self)
    }

    /// Makes each row flat; its elements stay in order, the last axis fastest.
    ///
    /// # Errors
    /// [`OnnxError::LayerName`] if the name is empty or taken.
    pub fn flatten(mut self, layer: &str) -> Result<Self, OnnxError> {
        self.push(
            "Flatten",
            layer,
            vec![],
            vec![AttributeProto::int("axis", 1)],
        )?;
        self.shape = vec![elements(&self.shape)];
        Ok(self)
    }

    /// Adds a convolution of images `[in, height, width]` with `weights`
    /// `[out, in, kernel height, kernel width]`, plus `bias` `[out]`.
    ///
    /// As everywhere in learning it is a correlation: the kernel is not
    /// mirrored. `stride` is the step between two windows, down and across, and
    /// `padding` the number of zeros added on each of the four sides. The
    /// tensors are stored as `<layer>.weight` and `<layer>.bias`.
    ///
    /// # Errors
    /// If a shape or the window does not fit, a value is NaN or infinite, or
    /// the name is taken. Padding must be smaller than the kernel.
    pub fn conv2d(
        mut self,
        layer: &str,
        weights: ArrayView4<'_, f32>,
        bias: ArrayView1<'_, f32>,
        stride: usize,
        padding: usize,
    ) -> Result<Self, OnnxError> {
        let (out, channels, height, width) = weights.dim();
        let [expected, ..] = self.image(layer)?;
        if channels != expected {
            return Err(mismatch(
                layer,
                "weights",
                "input channels",
                expected,
                channels,
            ));
        }
        if out == 0 {
            return Err(mismatch(layer, "weights", "output channels", 1, out));
        }
        if bias.len() != out {
            return Err(mismatch(layer, "bias", "elements", out, bias.len()));
        }
        let [down, across] = self.windows(layer, [height, width], stride, padding)?;
        check_finite(layer, "weights", weights)?;
        check_finite(layer, "bias", bias)?;

        let dims = [out, channels, height, width];
        let constants = vec![
            TensorProto::floats(&format!("{layer}.weight"), &dims, weights.iter().copied()),
            TensorProto::floats(&format!("{layer}.bias"), &[out], bias.iter().copied()),
        ];
        let attributes = vec![
            AttributeProto::ints("kernel_shape", [height as i64, width as i64]),
            AttributeProto::ints("pads", [padding as i64; 4]),
            AttributeProto::ints("strides", [stride as i64; 2]),
        ];
        self.push("Conv", layer, constants, attributes)?;
        self.shape = vec![out, down, across];
        Ok(self)
    }

    /// Adds the greatest element of each window of `size` x `size`, channel by
    /// channel, without padding.
    ///
    /// # Errors
    /// If rows are no images, the window does not fit, or the name is taken.
    pub fn max_pool(self, layer: &str, size: usize, stride: usize) -> Result<Self, OnnxError> {
        self.pool("MaxPool", layer, size, stride)
    }

    /// Adds the mean of each window of `size` x `size`, channel by channel,
    /// without padding.
    ///
    /// # Errors
    /// If rows are no images, the window does not fit, or the name is taken.
    pub fn average_pool(self, layer: &str, size: usize, stride: usize) -> Result<Self, OnnxError> {
        self.pool("AveragePool", layer, size, stride)
    }

    fn pool(
        mut self,
        op_type: &str,
        layer: &str,
        size: usize,
        stride: usize,
    ) -> Result<Self, OnnxError> {
        let [channels, ..] = self.image(layer)?;
        let [down, across] = self.windows(layer, [size, size], stride, 0)?;
        let attributes = vec![
            AttributeProto::ints("kernel_shape", [size as i64; 2]),
            AttributeProto::ints("strides", [stride as i64; 2]),
        ];
        self.push(op_type, layer, vec![], attributes)?;
        self.shape = vec![channels, down, across];
        Ok(self)
    }

    /// Channels, height and width, if rows are images.
    fn image(&self, layer: &str) -> Result<[usize; 3], OnnxError> {
        <[usize; 3]>::try_from(self.shape.as_slice()).map_err(|_| OnnxError::RowShape {
            layer: layer.to_owned(),
            expected: "[channels, height, width]",
            found: self.shape.clone(),
            remedy: "reshape",
        })
    }

    /// How many windows fit, down and across.
    fn windows(
        &self,
        layer: &str,
        window: [usize; 2],
        stride: usize,
        padding: usize,
    ) -> Result<[usize; 2], OnnxError> {
        let [_, height, width] = self.image(layer)?;
        let count = |size: usize, window: usize| {
            let padded = size.checked_add(padding.checked_mul(2)?)?;
            let steps = padded.checked_sub(window)?.checked_div(stride)?;
            (padding < window && i64::try_from(stride).is_ok()).then_some(steps + 1)
        };
        match (count(height, window[0]), count(width, window[1])) {
            (Some(down), Some(across)) => Ok([down, across]),
            _ => Err(OnnxError::Window {
                layer: layer.to_owned(),
                window,
                stride,
                padding,
                image: [height, width],
            }),
        }
    }
}

/// Elements of a row; a count too large for the machine is the largest instead.
fn elements(shape: &[usize]) -> usize {
    shape.iter().copied().fold(1, usize::saturating_mul)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array, Array1, Array4};

    use super::*;
    use crate::proto::{Dim, ModelProto};

    fn images(shape: &[usize]) -> ModelBuilder {
        let builder = ModelBuilder::new("m", elements(shape)).unwrap();
        builder.reshape("image", shape).unwrap()
    }

    fn kernel(out: usize, channels: usize, size: [usize; 2]) -> (Array4<f32>, Array1<f32>) {
        let weights = Array4::ones((out, channels, size[0], size[1]));
        (weights, Array1::zeros(out))
    }

    /// Shape of the rows after a convolution of one 7 x 10 image.
    fn convolved(size: [usize; 2], stride: usize, padding: usize) -> Result<Vec<usize>, OnnxError> {
        let (weights, bias) = kernel(4, 1, size);
        let builder = images(&[1, 7, 10]);
        let builder = builder.conv2d("conv", weights.view(), bias.view(), stride, padding)?;
        Ok(builder.shape)
    }

    #[test]
    fn windows_are_counted_as_they_fit() {
        assert_eq!(convolved([3, 3], 1, 0), Ok(vec![4, 5, 8]));
        assert_eq!(convolved([3, 3], 1, 1), Ok(vec![4, 7, 10]));
        assert_eq!(convolved([3, 5], 2, 0), Ok(vec![4, 3, 3]));
        assert_eq!(convolved([7, 10], 9, 0), Ok(vec![4, 1, 1]));
        assert_eq!(convolved([2, 2], usize::MAX / 2, 0), Ok(vec![4, 1, 1]));
        let pooled = images(&[3, 7, 10]).max_pool("pool", 2, 2).unwrap();
        assert_eq!(pooled.shape, [3, 3, 5]);
        let pooled = images(&[3, 7, 10]).average_pool("pool", 3, 1).unwrap();
        assert_eq!(pooled.flatten("flat").unwrap().shape, [3 * 5 * 8]);
    }

    #[test]
    fn a_window_that_does_not_fit_is_refused() {
        for (size, stride, padding) in [
            ([8, 1], 1, 0),
            ([1, 11], 1, 0),
            ([3, 3], 0, 0),
            ([3, 3], usize::MAX, 0),
            ([3, 3], 1, 3),
            ([3, 3], 1, usize::MAX),
            ([0, 3], 1, 0),
        ] {
            let error = convolved(size, stride, padding).unwrap_err();
            assert!(
                matches!(error, OnnxError::Window { .. }),
                "{size:?}: {error}"
            );
        }
        let error = images(&[1, 2, 3]).max_pool("pool", 3, 2).unwrap_err();
        assert_eq!(
            error.to_string(),
            "layer `pool`: a window of 3 x 3, stride 2, padding 0 does not fit images of 2 x 3"
        );
    }

    #[test]
    fn shapes_that_do_not_fit_are_named() {
        let (weights, bias) = kernel(2, 3, [2, 2]);
        let flat = ModelBuilder::new("m", 12).unwrap();
        let error = flat
            .clone()
            .conv2d("conv", weights.view(), bias.view(), 1, 0);
        assert_eq!(
            error.unwrap_err().to_string(),
            "layer `conv`: takes rows of shape [channels, height, width], found [12]: put a \
             reshape before it"
        );
        let error = flat.clone().reshape("image", &[2, 2, 2]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "layer `image`: shape with 8 elements, expected 12"
        );
        assert!(flat.clone().reshape("image", &[]).is_err());
        assert!(flat.reshape("image", &[usize::MAX, 2, 6]).is_err());

        let error = images(&[2, 3, 3]).conv2d("conv", weights.view(), bias.view(), 1, 0);
        assert_eq!(
            error.unwrap_err().to_string(),
            "layer `conv`: weights with 3 input channels, expected 2"
        );
        let error = images(&[3, 3, 3]).conv2d("c", weights.view(), Array::zeros(3).view(), 1, 0);
        assert_eq!(
            error.unwrap_err().to_string(),
            "layer `c`: bias with 3 elements, expected 2"
        );
        let error = images(&[3, 3, 3]).subtract("mean", Array::zeros(27).view());
        assert_eq!(
            error.unwrap_err().to_string(),
            "layer `mean`: takes rows of shape [n], found [3, 3, 3]: put a flatten before it"
        );
        let infinite = Array4::from_elem((1, 3, 1, 1), f32::INFINITY);
        let error = images(&[3, 3, 3]).conv2d("c", infinite.view(), Array::zeros(1).view(), 1, 0);
        assert!(matches!(
            error.unwrap_err(),
            OnnxError::NonFinite {
                tensor: "weights",
                index: 0,
                ..
            }
        ));
    }

    #[test]
    fn the_output_has_the_shape_of_the_last_layer() {
        let model = images(&[2, 4, 6]).max_pool("pool", 2, 2).unwrap();
        let graph = ModelProto::from_bytes(&model.encode().unwrap()).unwrap();
        let graph = graph.graph.unwrap();
        assert_eq!(
            graph.initializer[0].raw_data,
            [0, 2, 4, 6].map(i64::to_le_bytes).concat()
        );
        let tensor = graph.output[0].r#type.clone().unwrap().tensor_type.unwrap();
        let dims = tensor
            .shape
            .unwrap()
            .dim
            .into_iter()
            .map(|dim| dim.value.unwrap());
        let expected = [
            Dim::Symbol("batch_size".into()),
            Dim::Size(2),
            Dim::Size(2),
            Dim::Size(3),
        ];
        assert!(dims.eq(expected));
        let attributes: Vec<_> = graph.node[1]
            .attribute
            .iter()
            .map(|a| &a.ints[..])
            .collect();
        assert_eq!(attributes, [[2, 2], [2, 2]]);
    }
}
