//! Models and inputs of fixed seeds for the benchmarks.

pub mod programs;
pub mod stopwatch;
pub mod subject;
pub mod trees;

use zkassay_graph::{Graph, Op};

/// The seed of every random number in the benchmarks.
pub const SEED: u64 = 20_220_601;

/// Hidden widths of the models that are measured, on the study's 162 inputs:
/// 163, 2,625, 12,545 and 31,233 parameters.
pub const HIDDEN: [&[usize]; 4] = [&[], &[16], &[64, 32], &[128, 64, 32]];

/// Inputs of every model.
pub const INPUTS: usize = 162;

/// An MLP of the study with random weights.
pub fn mlp(hidden: &[usize]) -> Graph {
    let widths: Vec<usize> = [&[INPUTS], hidden, &[1]].concat();
    zkassay_testing::mlp(&widths, Some(Op::SIGMOID), SEED)
}

/// The study's perceptron of digits, 784 inputs and ten outputs, with random weights.
pub fn perceptron() -> Graph {
    zkassay_testing::mlp(&[784, 10], None, SEED)
}
