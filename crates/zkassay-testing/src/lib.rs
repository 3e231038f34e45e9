//! Random models and rows for tests and benchmarks, fixed by a seed; and Python's libraries, to
//! compare with.

pub mod engines;
pub mod python;

use ndarray::{Array1, Array2};
use zkassay_graph::{Dense, Graph, Node, Op};
use zkassay_seed::Stream;

/// A dense network with ReLU between its layers and random weights, for the
/// given widths: input length, then the outputs of each layer. `last`, if any, is applied to
/// the outputs.
///
/// Weights are normal with a deviation of `1.5 / sqrt(inputs)`, so that values
/// neither vanish nor explode. Nodes are named `dense0`, `relu0`, `dense1`, ..., `last`.
pub fn mlp(widths: &[usize], last: Option<Op>, seed: u64) -> Graph {
    let mut stream = Stream::new(seed, "testing/weights");
    let mut nodes = Vec::new();
    for (layer, pair) in widths.windows(2).enumerate() {
        if layer > 0 {
            nodes.push(node(&format!("relu{}", layer - 1), Op::RELU, pair[0]));
        }
        nodes.push(dense(
            &format!("dense{layer}"),
            pair[0],
            pair[1],
            &mut stream,
        ));
    }
    let outputs = widths.last().copied().unwrap_or(0);
    nodes.extend(last.map(|op| node("last", op, outputs)));
    graph(widths.first().copied().unwrap_or(0), nodes)
}

/// A dense layer with random weights.
pub fn dense(name: &str, inputs: usize, outputs: usize, stream: &mut Stream) -> Node {
    let deviation = 1.5 / (inputs as f64).sqrt();
    let mut draw = || (stream.normal() * deviation) as f32;
    let weights = Array2::from_shape_simple_fn((outputs, inputs), &mut draw);
    let bias = Array1::from_shape_simple_fn(outputs, &mut draw);
    node(name, Op::Dense(Dense { weights, bias }), outputs)
}

/// A node that writes `len` elements per row; [`graph`] says what it reads.
pub fn node(name: &str, op: Op, len: usize) -> Node {
    Node {
        name: name.into(),
        operator: op.name().into(),
        op,
        inputs: Vec::new(),
        shape: vec![1, len],
    }
}

/// A chain of the given nodes, from `input` to `output`.
pub fn graph(inputs: usize, nodes: Vec<Node>) -> Graph {
    let nodes = nodes.into_iter().map(|node| {
        let len = node.len();
        (node.name, node.op, len)
    });
    Graph::chain("test", inputs, nodes.collect())
}

/// Standard normal rows, `[count, inputs]`.
pub fn rows(count: usize, inputs: usize, seed: u64) -> Array2<f32> {
    let mut stream = Stream::new(seed, "testing/rows");
    Array2::from_shape_simple_fn((count, inputs), || stream.normal() as f32)
}
