//! Convolutions of integers.

use ndarray::Array4;
use serde::{Deserialize, Serialize};

use super::Wire;

/// A convolution of `[channels, height, width]` wires, as in
/// [`zkassay_graph::Conv`](zkassay_graph::Conv) without groups; one that is a transpose has zeros
/// between its inputs instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntegerConv {
    /// The inputs, channel by channel, row by row; `None` is zero.
    pub inputs: Vec<Option<Wire>>,
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

impl IntegerConv {
    /// Number of outputs: channel by channel, row by row.
    pub fn outputs(&self) -> usize {
        let plane = self.output[0].saturating_mul(self.output[1]);
        self.bias.len().saturating_mul(plane)
    }

    /// Calls `each(output, wire, weight)` for every product but those with zeros.
    pub fn for_each(&self, mut each: impl FnMut(usize, Wire, i64)) {
        let [_, height, width] = self.input;
        let [out_height, out_width] = self.output;
        for ((o, c, qy, qx), &weight) in self.weights.indexed_iter() {
            for py in 0..out_height {
                let Some(y) = self.reach(0, py, qy, height) else {
                    continue;
                };
                for px in 0..out_width {
                    let Some(x) = self.reach(1, px, qx, width) else {
                        continue;
                    };
                    if let Some(wire) = self.inputs[(c * height + y) * width + x] {
                        each((o * out_height + py) * out_width + px, wire, weight);
                    }
                }
            }
        }
    }

    fn reach(&self, axis: usize, at: usize, q: usize, len: usize) -> Option<usize> {
        let reached = self.strides[axis] * at + self.dilations[axis] * q;
        reached.checked_sub(self.pads[axis]).filter(|i| *i < len)
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
