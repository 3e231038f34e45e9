//! The positions of a convolution.
//!
//! Outputs are at positions `t = pitch y + x`. A pixel `i` with `i + pad = stride e + class`, in each
//! axis, meets the kernel's elements `q` with `dilation q = stride m + class`, and contributes to
//! the output `e - m`: so with `E = pitch e_y + e_x` and `M = pitch m_y + m_x` to position
//! `t = E - M`, by a weight that depends on `M` alone. The pitch is so large that two different
//! `(e_y - m_y, e_x - m_x)` of which one is an output are at different positions. Output 0 is at
//! position 0; contributions to positions before it are left out, for a weight with `M > E` comes into the
//! factor below the pixel's row.

use std::collections::BTreeMap;

use zkassay_quant::IntegerConv;

/// Where a convolution's pixels, weights and outputs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Positions of one line of outputs.
    pub pitch: usize,
    /// Positions.
    pub len: usize,
    /// The pixels and weights that meet each other.
    pub classes: Vec<Class>,
}

/// Pixels of one stride class of a channel, and the weights that they meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// `(M, kernel y, kernel x)`, by `M`, the least of which is taken as zero; without those that no
    /// pixel meets.
    pub taps: Vec<(usize, usize, usize)>,
    /// `(V, y, x)`, by `V`: a pixel contributes to the positions `V - M` from 0 on. Without those
    /// that contribute to none.
    pub pixels: Vec<(usize, usize, usize)>,
}

/// One axis of one class.
#[derive(Default)]
struct Axis {
    /// `(m, q)`.
    taps: Vec<(usize, usize)>,
    /// `(e, i)`.
    pixels: Vec<(usize, usize)>,
}

impl Grid {
    /// The grid of a convolution.
    pub fn new(conv: &IntegerConv) -> Self {
        let (_, _, kernel_height, kernel_width) = conv.weights.dim();
        let axes = |axis: usize, kernel: usize| -> Vec<Axis> {
            let (stride, dilation) = (conv.strides[axis], conv.dilations[axis]);
            let mut classes: BTreeMap<usize, Axis> = BTreeMap::new();
            for q in 0..kernel {
                let class = classes.entry(dilation * q % stride).or_default();
                class.taps.push((dilation * q / stride, q));
            }
            for i in 0..conv.input[1 + axis] {
                let padded = i + conv.pads[axis];
                // Pixels that no weight meets are left out.
                if let Some(class) = classes.get_mut(&(padded % stride)) {
                    class.pixels.push((padded / stride, i));
                }
            }
            let met = |axis: &Axis| !axis.pixels.is_empty();
            classes.into_values().filter(met).collect()
        };
        let (rows, columns) = (axes(0, kernel_height), axes(1, kernel_width));
        let [out_height, out_width] = conv.output.map(|size| size as i64);
        // The least and the greatest `e - m`, outputs included.
        let reach = |axes: &[Axis], outputs: i64| {
            let mut ends = (0, outputs - 1);
            for axis in axes {
                let of = |list: &[(usize, usize)]| {
                    let numbers = list.iter().map(|(number, _)| *number as i64);
                    (
                        numbers.clone().min().unwrap_or(0),
                        numbers.max().unwrap_or(0),
                    )
                };
                let ((first_m, last_m), (first_e, last_e)) = (of(&axis.taps), of(&axis.pixels));
                ends = (ends.0.min(first_e - last_m), ends.1.max(last_e - first_m));
            }
            ends
        };
        let (_, high_y) = reach(&rows, out_height);
        let (low_x, high_x) = reach(&columns, out_width);
        // Weights of one line stay apart from those of the next, too.
        let widest = columns.iter().flat_map(|axis| &axis.taps);
        let widest = widest.map(|(m, _)| *m as i64).max().unwrap_or(0);
        let pitch = (high_x + 1).max(out_width - low_x).max(widest + 1);
        let last = high_y * pitch + high_x;

        let mut classes = Vec::new();
        for row in &rows {
            for column in &columns {
                classes.push(Class::new(row, column, pitch));
            }
        }
        Self {
            pitch: pitch as usize,
            len: (last + 1) as usize,
            classes,
        }
    }

    /// The output at a position, if there is one.
    pub fn output(&self, position: usize, conv: &IntegerConv) -> Option<usize> {
        let [height, width] = conv.output;
        let (y, x) = (position / self.pitch, position % self.pitch);
        (y < height && x < width).then_some(y * width + x)
    }
}

impl Class {
    fn new(row: &Axis, column: &Axis, pitch: i64) -> Self {
        let products = |a: &[(usize, usize)], b: &[(usize, usize)]| -> Vec<(i64, usize, usize)> {
            let mut all: Vec<_> = a
                .iter()
                .flat_map(|(y, i)| {
                    b.iter()
                        .map(move |(x, j)| (*y as i64 * pitch + *x as i64, *i, *j))
                })
                .collect();
            all.sort_unstable();
            all
        };
        let taps = products(&row.taps, &column.taps);
        let pixels = products(&row.pixels, &column.pixels);
        let least = taps.first().map_or(0, |tap| tap.0);
        let place = |(at, i, j): (i64, usize, usize)| {
            let from_least = usize::try_from(at - least).ok()?;
            Some((from_least, i, j))
        };
        let pixels: Vec<_> = pixels.into_iter().filter_map(place).collect();
        let end = pixels.last().map_or(0, |pixel| pixel.0 + 1);
        let taps = taps.into_iter().filter_map(place);
        Self {
            taps: taps.filter(|tap| tap.0 < end).collect(),
            pixels,
        }
    }

    /// Rows of the consumer half.
    pub fn rows(&self) -> usize {
        self.pixels.last().map_or(0, |pixel| pixel.0 + 1)
    }
}
