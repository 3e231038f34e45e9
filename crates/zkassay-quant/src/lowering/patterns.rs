//! Functions that exporters write as several nodes.

use std::borrow::Cow;

use ndarray::Array1;
use zkassay_graph::{Arithmetic, Function, Graph, Op};

use super::guards::guarded;
use super::readers;

/// The graph with guarded arguments, and with `1 / (1 + exp(x))` as `sigmoid(-x)`: exponentials have
/// no bound, sigmoids do. Values may get other numbers.
pub(super) fn recognised(graph: &Graph) -> Cow<'_, Graph> {
    let mut found = guarded(graph).map_or(Cow::Borrowed(graph), Cow::Owned);
    let graph = found.clone();
    let graph = graph.as_ref();
    let readers = readers(graph, &vec![true; graph.nodes.len() + 1]);
    for (at, node) in graph.nodes.iter().enumerate() {
        let (Op::Map(Function::Reciprocal), [sum]) = (&node.op, node.inputs.as_slice()) else {
            continue;
        };
        if readers[*sum] != 1 || graph.output.value == *sum {
            continue;
        }
        let Some(exponent) = one_plus_exponential(graph, *sum) else {
            continue;
        };
        let len = node.len();
        let nodes = &mut found.to_mut().nodes;
        nodes[sum - 1].op = Op::Elementwise {
            arithmetic: Arithmetic::Multiply,
            constant: Array1::from_elem(len, -1.0),
        };
        nodes[sum - 1].inputs = vec![exponent];
        nodes[at].op = Op::Map(Function::Sigmoid);
    }
    found
}

/// `x`, if a value is `1 + exp(x)`.
fn one_plus_exponential(graph: &Graph, value: usize) -> Option<usize> {
    let sum = graph.nodes.get(value.checked_sub(1)?)?;
    let (
        Op::Elementwise {
            arithmetic: Arithmetic::Add,
            constant,
        },
        [exponential],
    ) = (&sum.op, sum.inputs.as_slice())
    else {
        return None;
    };
    let exponential = graph.nodes.get(exponential.checked_sub(1)?)?;
    match (&exponential.op, exponential.inputs.as_slice()) {
        (Op::Map(Function::Exp), [x]) if constant.iter().all(|c| *c == 1.0) => Some(*x),
        _ => None,
    }
}
