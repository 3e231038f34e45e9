//! Convolutions in two dimensions; one dimension is a height of one.

use ndarray::{Array1, Array4};

/// A convolution of a `[channels, height, width]` value, or the transpose of one.
///
/// ```text
/// y[o, p] = bias[o] + sum_{c, q} weights[o, c, q] x[group(o) + c, stride p + dilation q - pad]
/// ```
///
/// in both dimensions, with zeros outside of `x`. The transpose instead adds
/// `weights[o, c, q] x[group(o) + c, i]` to `y[o, stride i + dilation q - pad]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// `[out channels, channels of a group, kernel height, kernel width]`, also for a transpose.
    pub weights: Array4<f32>,
    /// `[out channels]`.
    pub bias: Array1<f32>,
    /// `[channels, height, width]` of what it reads.
    pub input: [usize; 3],
    /// `[out channels, height, width]` of what it writes.
    pub output: [usize; 3],
    /// Steps between applications of the kernel: down, right.
    pub strides: [usize; 2],
    /// Steps between elements of the kernel: down, right.
    pub dilations: [usize; 2],
    /// Zeros above and to the left (those below and to the right follow from `output`).
    pub pads: [usize; 2],
    /// Groups of channels that do not mix.
    pub groups: usize,
    /// Whether it is a transpose.
    pub transposed: bool,
}

impl Conv {
    /// Calls `each(output, input, weight)` with the flat positions of every product.
    pub fn for_each(&self, mut each: impl FnMut(usize, usize, f32)) {
        let [_, height, width] = self.input;
        let [_, out_height, out_width] = self.output;
        let per_group = (self.output[0] / self.groups.max(1)).max(1);
        for ((o, c, qy, qx), &weight) in self.weights.indexed_iter() {
            let channel = o / per_group * self.weights.dim().1 + c;
            // (positions of the side that is stepped over, of the side that the kernel reaches)
            let (stepped, reached) = match self.transposed {
                false => ([out_height, out_width], [height, width]),
                true => ([height, width], [out_height, out_width]),
            };
            for y in 0..stepped[0] {
                let Some(y2) = self.reach(0, y, qy, reached[0]) else {
                    continue;
                };
                for x in 0..stepped[1] {
                    let Some(x2) = self.reach(1, x, qx, reached[1]) else {
                        continue;
                    };
                    let ((oy, ox), (iy, ix)) = match self.transposed {
                        false => ((y, x), (y2, x2)),
                        true => ((y2, x2), (y, x)),
                    };
                    let output = (o * out_height + oy) * out_width + ox;
                    each(output, (channel * height + iy) * width + ix, weight);
                }
            }
        }
    }

    fn reach(&self, axis: usize, at: usize, q: usize, len: usize) -> Option<usize> {
        let reached = self.strides[axis] * at + self.dilations[axis] * q;
        reached.checked_sub(self.pads[axis]).filter(|i| *i < len)
    }

    pub(super) fn apply(&self, x: &[f32]) -> Vec<f32> {
        let plane = self.output[1] * self.output[2];
        let of_channel = |bias: &f32| std::iter::repeat_n(f64::from(*bias), plane);
        let mut sums: Vec<f64> = self.bias.iter().flat_map(of_channel).collect();
        self.for_each(|output, input, weight| {
            sums[output] += f64::from(weight) * f64::from(x[input]);
        });
        sums.into_iter().map(|sum| sum as f32).collect()
    }
}
