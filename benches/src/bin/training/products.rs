//! The arithmetic of an epoch: how much it is, and how fast the machine does it.

use std::time::Instant;

use ndarray::Array2;
use ndarray::linalg::general_mat_mul;
use zkassay_benches::INPUTS;
use zkassay_models::MlpSpec;
use zkassay_report::Samples;

use crate::SAMPLES;
use crate::data::ROWS;

/// What is said of [`flops`] in the record.
pub(crate) const FORMULA: &str = "an epoch of a round is 2 rows (2 sum of in x out over all layers \
                                  + sum of in x out over all but the first)";

/// Widest first layer of the study.
pub(crate) const WIDEST: usize = 128;
/// Seconds that a measurement takes, about.
const SECONDS: f64 = 0.2;

/// Floating-point operations of the matrix products in one epoch of one round: two per
/// multiplication and addition, for the outputs of every layer, the gradients of its weights,
/// and, but for the first, those of its inputs.
pub(crate) fn flops(spec: &MlpSpec) -> f64 {
    let per_row = |shapes: &[(usize, usize)]| shapes.iter().map(|(i, o)| i * o).sum::<usize>();
    let shapes = shapes(spec);
    (2 * ROWS * (2 * per_row(&shapes) + per_row(&shapes[1..]))) as f64
}

/// `(in, out)` of every layer.
fn shapes(spec: &MlpSpec) -> Vec<(usize, usize)> {
    let widths: Vec<usize> = [&[INPUTS], spec.hidden.as_slice(), &[1]].concat();
    widths.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// GFLOP/s of products of [`ROWS`] x [`INPUTS`] by [`INPUTS`] x 128, on one thread of rayon's or
/// on all of them, each with matrices of its own.
///
/// The median of [`SAMPLES`].
pub(crate) fn peak(all_threads: bool) -> f64 {
    let threads = match all_threads {
        true => rayon::current_num_threads(),
        false => 1,
    };
    let sample = |_| {
        let (seconds, products) = repeat(all_threads, || {
            let (a, b) = (matrix(ROWS, INPUTS), matrix(INPUTS, WIDEST));
            let mut c = matrix(ROWS, WIDEST);
            move || general_mat_mul(1.0, &a, &b, 0.0, &mut c)
        });
        let flops = (2 * ROWS * INPUTS * WIDEST * products * threads) as f64;
        flops / seconds / 1e9
    };
    let samples: Samples = (0..SAMPLES).map(sample).collect();
    samples.median().unwrap_or(f64::NAN)
}

/// Seconds of a number of epochs, over all threads, that consist of their matrix products alone.
pub(crate) fn alone(spec: &MlpSpec) -> (f64, usize) {
    let (seconds, epochs) = repeat(true, || {
        let mut layers: Vec<Layer> = shapes(spec).into_iter().map(Layer::new).collect();
        move || {
            layers.iter_mut().for_each(Layer::forward);
            for (index, layer) in layers.iter_mut().enumerate().rev() {
                layer.backward(index > 0);
            }
        }
    });
    (seconds, epochs * rayon::current_num_threads())
}

/// Makes a piece of work for each thread and repeats it for about [`SECONDS`]: what that took, and
/// how often each did it.
fn repeat<W: FnMut()>(all_threads: bool, make: impl Fn() -> W + Sync) -> (f64, usize) {
    let run = |repetitions: usize| {
        let work = || {
            let mut work = make();
            // So that its memory is there.
            work();
            let start = Instant::now();
            (0..repetitions).for_each(|_| work());
            start.elapsed().as_secs_f64()
        };
        match all_threads {
            true => rayon::broadcast(|_| work()).into_iter().fold(0.0, f64::max),
            false => work(),
        }
    };
    let repetitions = (SECONDS * 5.0 / run(5)).clamp(5.0, 1e6) as usize;
    (run(repetitions), repetitions)
}

/// The matrices of one layer of one round.
struct Layer {
    inputs: Array2<f32>,
    weights: Array2<f32>,
    /// The outputs, and what stands for the gradient by them.
    outputs: Array2<f32>,
    by_weights: Array2<f32>,
    by_inputs: Array2<f32>,
}

impl Layer {
    fn new((inputs, outputs): (usize, usize)) -> Self {
        Self {
            inputs: matrix(ROWS, inputs),
            weights: matrix(inputs, outputs),
            outputs: matrix(ROWS, outputs),
            by_weights: matrix(inputs, outputs),
            by_inputs: matrix(ROWS, inputs),
        }
    }

    fn forward(&mut self) {
        general_mat_mul(1.0, &self.inputs, &self.weights, 0.0, &mut self.outputs);
    }

    fn backward(&mut self, to_inputs: bool) {
        let inputs = self.inputs.t();
        general_mat_mul(1.0, &inputs, &self.outputs, 0.0, &mut self.by_weights);
        if to_inputs {
            let weights = self.weights.t();
            general_mat_mul(1.0, &self.outputs, &weights, 0.0, &mut self.by_inputs);
        }
    }
}

/// Numbers of ordinary size: the time does not depend on them.
fn matrix(rows: usize, columns: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(i, j)| {
        ((i + 2 * j) % 7) as f32 / 7.0 - 0.4
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_counted_by_hand() {
        let count = |name: &str| flops(&name.parse().unwrap());
        // Outputs and gradient of 162 weights.
        assert_eq!(count("logistic"), 2.0 * 449.0 * (162.0 + 162.0));
        // 2592 and 16 weights: three products each, but for the gradient by the rows.
        assert_eq!(count("16"), 2.0 * 449.0 * (2.0 * 2592.0 + 3.0 * 16.0));
        assert_eq!(
            count("64-32"),
            2.0 * 449.0 * (2.0 * 10368.0 + 3.0 * 2048.0 + 3.0 * 32.0)
        );
    }

    #[test]
    fn work_is_done_on_every_thread() {
        let (seconds, epochs) = alone(&"4".parse().unwrap());
        let threads = rayon::current_num_threads();
        assert!(seconds > 0.0 && epochs >= 5 * threads && epochs % threads == 0);
        assert!(peak(false) > 0.0);
    }
}
