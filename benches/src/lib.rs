//! Models and inputs of fixed seeds for the benchmarks.

use ndarray::{Array1, Array2};
use zkassay_graph::{Graph, Node, Op, Value};
use zkassay_seed::Stream;

/// The seed of every random number in the benchmarks.
pub const SEED: u64 = 20_220_601;

/// Hidden widths of the models that are measured, on the study's 162 inputs:
/// 163, 2,625, 12,545 and 31,233 parameters.
pub const HIDDEN: [&[usize]; 4] = [&[], &[16], &[64, 32], &[128, 64, 32]];

/// Inputs of every model.
pub const INPUTS: usize = 162;

/// An MLP with a sigmoid output and random weights, as PyTorch initialises them.
pub fn mlp(hidden: &[usize]) -> Graph {
    let mut stream = Stream::new(SEED, "bench-weights");
    let widths: Vec<usize> = [&[INPUTS], hidden, &[1]].concat();
    let mut nodes = Vec::new();
    for (layer, pair) in widths.windows(2).enumerate() {
        let bound = 1.0 / (pair[0] as f64).sqrt();
        let mut draw = || ((2.0 * stream.unit() - 1.0) * bound) as f32;
        let weights = Array2::from_shape_simple_fn((pair[1], pair[0]), &mut draw);
        let bias = Array1::from_shape_simple_fn(pair[1], &mut draw);
        let activation = if layer + 2 == widths.len() {
            Op::Sigmoid
        } else {
            Op::Relu
        };
        for (name, op) in [
            ("dense", Op::Dense { weights, bias }),
            ("activation", activation),
        ] {
            nodes.push(Node {
                name: format!("{name}{layer}"),
                op,
                len: pair[1],
            });
        }
    }
    let value = |name: &str, len| Value {
        name: name.into(),
        len,
    };
    Graph {
        name: "mlp".into(),
        input: value("input", INPUTS),
        nodes,
        output: value("output", 1),
    }
}

/// Standard normal rows.
pub fn rows(count: usize) -> Array2<f32> {
    let mut stream = Stream::new(SEED, "bench-rows");
    Array2::from_shape_simple_fn((count, INPUTS), || stream.normal() as f32)
}
