//! From a float graph to dense layers and an output activation.

use std::borrow::Cow;

use ndarray::{Array1, Array2, Axis};
use zkassay_fixed::Activation;
use zkassay_graph::{Arithmetic, Graph, Node, Op};

use crate::QuantError;

/// A dense layer of the float graph: one node, or several affine ones in a row.
pub(crate) struct FloatLayer<'a> {
    /// Names of the nodes, joined by ` + `.
    pub(crate) name: String,
    pub(crate) weights: Cow<'a, Array2<f32>>,
    pub(crate) bias: Cow<'a, Array1<f32>>,
}

/// `factor x + offset`, element by element, in float64.
struct Elementwise {
    name: String,
    factor: Array1<f64>,
    offset: Array1<f64>,
}

impl Elementwise {
    fn identity(len: usize) -> Self {
        Self {
            name: String::new(),
            factor: Array1::ones(len),
            offset: Array1::zeros(len),
        }
    }

    fn then(mut self, node: &Node, arithmetic: Arithmetic, constant: &Array1<f32>) -> Self {
        self.name = join(&self.name, &node.name);
        let constant = constant.mapv(f64::from);
        match arithmetic {
            Arithmetic::Add => self.offset += &constant,
            Arithmetic::Subtract => self.offset -= &constant,
            Arithmetic::Multiply => {
                self.factor *= &constant;
                self.offset *= &constant;
            }
            Arithmetic::Divide => {
                self.factor /= &constant;
                self.offset /= &constant;
            }
        }
        self
    }
}

impl<'a> FloatLayer<'a> {
    /// `W (f x + o) + b = (W f) x + (W o + b)`
    fn after(self, before: &Elementwise) -> FloatLayer<'a> {
        let weights = self.weights.mapv(f64::from);
        let bias = weights.dot(&before.offset) + self.bias.mapv(f64::from);
        self.replaced(&before.name, weights * &before.factor, bias, true)
    }

    /// `f (W x + b) + o = (f W) x + (f b + o)`
    fn scaled(self, after: &Elementwise) -> FloatLayer<'a> {
        let factor = after.factor.view().insert_axis(Axis(1));
        let weights = self.weights.mapv(f64::from) * factor;
        let bias = self.bias.mapv(f64::from) * &after.factor + &after.offset;
        self.replaced(&after.name, weights, bias, false)
    }

    /// `V (W x + b) + c = (V W) x + (V b + c)`
    fn then(self, next: &FloatLayer<'_>) -> FloatLayer<'a> {
        let outer = next.weights.mapv(f64::from);
        let weights = outer.dot(&self.weights.mapv(f64::from));
        let bias = outer.dot(&self.bias.mapv(f64::from)) + next.bias.mapv(f64::from);
        self.replaced(&next.name, weights, bias, false)
    }

    fn replaced(
        self,
        name: &str,
        weights: Array2<f64>,
        bias: Array1<f64>,
        is_before: bool,
    ) -> FloatLayer<'a> {
        FloatLayer {
            name: match is_before {
                true => join(name, &self.name),
                false => join(&self.name, name),
            },
            weights: Cow::Owned(weights.mapv(|w| w as f32)),
            bias: Cow::Owned(bias.mapv(|b| b as f32)),
        }
    }
}

fn join(first: &str, second: &str) -> String {
    match first {
        "" => second.to_owned(),
        first => format!("{first} + {second}"),
    }
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
///
/// Affine nodes without an activation between them are merged into one layer,
/// in float64 and rounded once.
pub(crate) fn lower(graph: &Graph) -> Result<(Vec<FloatLayer<'_>>, Activation), QuantError> {
    let mut layers: Vec<FloatLayer<'_>> = Vec::new();
    let mut activation = Activation::Identity;
    // The layer that further affine nodes are merged into; none at the start and after a ReLU.
    let mut open: Option<FloatLayer<'_>> = None;
    // Elementwise nodes since then, which wait for their dense layer.
    let mut waiting: Option<Elementwise> = None;
    let mut len = graph.input.len;
    for (index, node) in graph.nodes.iter().enumerate() {
        let is_last = index + 1 == graph.nodes.len();
        match &node.op {
            Op::Dense { weights, bias } => {
                let layer = FloatLayer {
                    name: node.name.clone(),
                    weights: Cow::Borrowed(weights),
                    bias: Cow::Borrowed(bias),
                };
                open = Some(match (open, waiting.take()) {
                    (Some(before), _) => before.then(&layer),
                    (None, Some(before)) => layer.after(&before),
                    (None, None) => layer,
                });
            }
            Op::Elementwise {
                arithmetic,
                constant,
            } => {
                let so_far = waiting.take().unwrap_or_else(|| Elementwise::identity(len));
                let all = so_far.then(node, *arithmetic, constant);
                match open.take() {
                    Some(layer) => open = Some(layer.scaled(&all)),
                    None => waiting = Some(all),
                }
            }
            Op::Relu if !is_last && open.is_some() => layers.extend(open.take()),
            Op::Sigmoid if is_last && open.is_some() => activation = Activation::Sigmoid,
            _ => return Err(unsupported(node, is_last)),
        }
        len = node.len;
    }
    let expects_dense = open.is_none();
    layers.extend(open);
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
