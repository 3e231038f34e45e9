//! Convolutions of integers.

use std::ops::Range;

use ndarray::Array4;
use serde::{Deserialize, Serialize};

use super::Wire;

/// A convolution of `[channels, height, width]` wires, as in
/// [`zkassay_graph::Conv`](zkassay_graph::Conv) without groups; one that is a transpose has zeros
/// between its inputs instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntegerConv {
    /// The inputs, channel by channel, row by row: each the sum of some wires, at most
    /// [`MOST_TERMS`](Self::MOST_TERMS).
    pub inputs: Vec<Vec<Wire>>,
    /// `[channels, height, width]`.
    pub input: [usize; 3],
    /// `[out channels, channels, kernel height, kernel width]`.
    pub weights: Array4<i64>,
    /// `[out channels]`.
    pub bias: Vec<i64>,
    /// `[height, width]` of each output channel.
    pub output: [usize; 2],
    /// Steps between applications of the kernel.
    pub strides: [usize; 2],
    /// Steps between elements of the kernel.
    pub dilations: [usize; 2],
    /// Zeros above and to the left.
    pub pads: [usize; 2],
}

/// Which outputs of a convolution read which inputs; sizes as in [`IntegerConv`].
pub(crate) struct Geometry {
    pub(crate) input: [usize; 3],
    pub(crate) output: [usize; 2],
    pub(crate) strides: [usize; 2],
    pub(crate) dilations: [usize; 2],
    pub(crate) pads: [usize; 2],
}

impl Geometry {
    /// Calls `each(output, input, weight)` for every product.
    pub(crate) fn for_each<W: Copy>(
        &self,
        weights: &Array4<W>,
        mut each: impl FnMut(usize, usize, W),
    ) {
        let [_, height, width] = self.input;
        let [out_height, out_width] = self.output;
        for ((o, c, qy, qx), &weight) in weights.indexed_iter() {
            let columns = self.met(1, qx);
            for py in self.met(0, qy) {
                let y = self.strides[0] * py + self.dilations[0] * qy - self.pads[0];
                let (outputs, inputs) =
                    ((o * out_height + py) * out_width, (c * height + y) * width);
                for px in columns.clone() {
                    let x = self.strides[1] * px + self.dilations[1] * qx - self.pads[1];
                    each(outputs + px, inputs + x, weight);
                }
            }
        }
    }

    /// The outputs along an axis for which the kernel's element `q` lies on an input.
    fn met(&self, axis: usize, q: usize) -> Range<usize> {
        let (stride, shift) = (self.strides[axis], self.dilations[axis] * q);
        let before = |input: usize| {
            (input + self.pads[axis])
                .saturating_sub(shift)
                .div_ceil(stride)
        };
        let end = before(self.input[1 + axis]).min(self.output[axis]);
        before(0).min(end)..end
    }
}

impl IntegerConv {
    /// The most wires that an input is the sum of.
    pub const MOST_TERMS: usize = 4;

    /// Number of outputs: channel by channel, row by row.
    pub fn outputs(&self) -> usize {
        let plane = self.output[0].saturating_mul(self.output[1]);
        self.bias.len().saturating_mul(plane)
    }

    /// Calls `each(output, input, weight)` for every product.
    pub fn for_each(&self, each: impl FnMut(usize, usize, i64)) {
        self.geometry().for_each(&self.weights, each);
    }

    fn geometry(&self) -> Geometry {
        Geometry {
            input: self.input,
            output: self.output,
            strides: self.strides,
            dilations: self.dilations,
            pads: self.pads,
        }
    }

    /// Whether its parts fit each other; what is wrong, if not.
    pub(super) fn check(&self) -> Result<(), String> {
        let (out, channels, kernel_height, kernel_width) = self.weights.dim();
        // Sizes that no model has, and products that do not overflow.
        const LIMIT: usize = 1 << 16;
        // Rows of the greatest table, and some more.
        const MOST: usize = 1 << 21;
        let sizes = [
            &self.input[..],
            &self.output[..],
            &self.strides[..],
            &self.dilations[..],
            &[out, channels, kernel_height, kernel_width],
        ];
        let sizes_fit = sizes
            .iter()
            .all(|s| s.iter().all(|x| (1..LIMIT).contains(x)));
        // From here on all factors are below 2^16.
        let plane = || self.output[0] * self.output[1];
        let reach = |axis: usize, kernel: usize| {
            let kernel = self.dilations[axis] * kernel;
            self.input[1 + axis] + self.output[axis] + self.pads[axis] + kernel
        };
        let positions = || reach(0, kernel_height).checked_mul(reach(1, kernel_width));
        let is_valid = sizes_fit
            && self.pads.iter().all(|pad| *pad < LIMIT)
            && plane().saturating_mul(out) <= MOST
            && plane().saturating_mul(self.weights.len()) <= MOST << 9
            && positions().is_some_and(|positions| positions <= MOST)
            && channels == self.input[0]
            && self.inputs.len() == self.input.iter().product::<usize>()
            && self
                .inputs
                .iter()
                .all(|wires| wires.len() <= Self::MOST_TERMS)
            && self.bias.len() == out;
        match is_valid {
            true => Ok(()),
            false => Err(format!(
                "a convolution of {:?} inputs by {:?} weights to {:?}, stride {:?}, dilation {:?}, \
                 padding {:?}",
                self.input,
                self.weights.dim(),
                self.output,
                self.strides,
                self.dilations,
                self.pads
            )),
        }
    }
}
