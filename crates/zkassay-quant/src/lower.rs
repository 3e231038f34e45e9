//! From a float graph to dense layers and an output activation.

use ndarray::{Array1, Array2};
use zkassay_fixed::Activation;
use zkassay_graph::{Graph, Node, Op};

use crate::QuantError;

/// A dense layer of the float graph.
pub(crate) struct FloatLayer<'a> {
    pub(crate) name: &'a str,
    pub(crate) weights: &'a Array2<f32>,
    pub(crate) bias: &'a Array1<f32>,
}

/// Input length, then the outputs of each dense layer.
///
/// # Errors
/// A graph with an unsupported node.
pub fn widths(graph: &Graph) -> Result<Vec<usize>, QuantError> {
    let (layers, _) = lower(graph)?;
    let outputs = layers.iter().map(|layer| layer.weights.nrows());
    Ok(std::iter::once(graph.input.len).chain(outputs).collect())
}

/// The graph as `dense (relu dense)* activation`.
pub(crate) fn lower(graph: &Graph) -> Result<(Vec<FloatLayer<'_>>, Activation), QuantError> {
    let mut layers: Vec<FloatLayer<'_>> = Vec::new();
    let mut activation = Activation::Identity;
    // What may come next: a dense layer at the start and after a ReLU.
    let mut expects_dense = true;
    for (index, node) in graph.nodes.iter().enumerate() {
        let is_last = index + 1 == graph.nodes.len();
        match &node.op {
            Op::Dense { weights, bias } if expects_dense => {
                layers.push(FloatLayer {
                    name: &node.name,
                    weights,
                    bias,
                });
                expects_dense = false;
            }
            Op::Relu if !expects_dense && !is_last => expects_dense = true,
            Op::Sigmoid if !expects_dense && is_last => activation = Activation::Sigmoid,
            _ => return Err(unsupported(node, is_last)),
        }
    }
    if expects_dense {
        return Err(QuantError::Unsupported {
            node: graph.output.name.clone(),
            op: "output".into(),
            reason: "the model has no dense layer before its output".into(),
        });
    }
    Ok((layers, activation))
}

fn unsupported(node: &Node, is_last: bool) -> QuantError {
    let (op, reason) = match (&node.op, is_last) {
        (Op::Dense { .. }, _) => (
            "Dense",
            "two dense layers without an activation between them; merge them into one",
        ),
        (Op::Relu, true) => (
            "Relu",
            "an output ReLU; end the model with a dense layer or a sigmoid",
        ),
        (Op::Sigmoid, false) => (
            "Sigmoid",
            "a sigmoid inside the model; it can only be the last node",
        ),
        _ => ("activation", "it has to follow a dense layer"),
    };
    QuantError::Unsupported {
        node: node.name.clone(),
        op: op.into(),
        reason: reason.into(),
    }
}
