//! Random rows, to try a model or to calibrate it where there is no data.

use ndarray::Array2;
use zkassay_seed::Stream;

/// Standard normal rows `[count, inputs]`, fixed by `seed`.
pub fn random_rows(inputs: usize, count: usize, seed: u64) -> Array2<f32> {
    let mut stream = Stream::new(seed, "zkassay/random-rows");
    Array2::from_shape_simple_fn((count, inputs), || stream.normal() as f32)
}
