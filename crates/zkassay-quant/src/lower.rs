//! From a float graph to dense layers and an output activation.

use std::borrow::Cow;

use ndarray::{Array1, Array2, Axis};
use zkassay_fixed::Activation;
use zkassay_graph::{Arithmetic, Function, Graph, Node, Op, Source};

use crate::QuantError;
use crate::lowering::name_of;

/// A dense layer of the float graph: one node, or several affine ones in a row.
pub(crate) struct FloatLayer<'a> {
    /// Names of the nodes, joined by ` + `.
    pub(crate) name: String,
    /// The same, one by one.
    pub(crate) nodes: Vec<String>,
    pub(crate) weights: Cow<'a, Array2<f32>>,
    pub(crate) bias: Cow<'a, Array1<f32>>,
}

/// `factor x + offset`, element by element, in float64.
struct Elementwise {
    nodes: Vec<String>,
    factor: Array1<f64>,
    offset: Array1<f64>,
}

impl Elementwise {
    fn identity(len: usize) -> Self {
        Self {
            nodes: Vec::new(),
            factor: Array1::ones(len),
            offset: Array1::zeros(len),
        }
    }

    fn then(mut self, node: &Node, arithmetic: Arithmetic, constant: &Array1<f32>) -> Self {
        self.nodes.push(node.name.clone());
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
    /// The weights for inputs that are the more by `2^offset`, each by its own: exactly those, unless they
    /// leave float32.
    pub(crate) fn read_shifted(&mut self, offsets: &[i32]) {
        let mut weights = self.weights.mapv(f64::from);
        for (mut column, offset) in weights.axis_iter_mut(Axis(1)).zip(offsets) {
            column.mapv_inplace(|w| libm::ldexp(w, -offset));
        }
        self.weights = Cow::Owned(weights.mapv(|w| w as f32));
    }

    /// `W (f x + o) + b = (W f) x + (W o + b)`
    fn after(self, before: &Elementwise) -> FloatLayer<'a> {
        let weights = self.weights.mapv(f64::from);
        let bias = weights.dot(&before.offset) + self.bias.mapv(f64::from);
        self.replaced(&before.nodes, weights * &before.factor, bias, true)
    }

    /// `f (W x + b) + o = (f W) x + (f b + o)`
    fn scaled(self, after: &Elementwise) -> FloatLayer<'a> {
        let factor = after.factor.view().insert_axis(Axis(1));
        let weights = self.weights.mapv(f64::from) * factor;
        let bias = self.bias.mapv(f64::from) * &after.factor + &after.offset;
        self.replaced(&after.nodes, weights, bias, false)
    }

    /// `V (W x + b) + c = (V W) x + (V b + c)`
    fn then(self, next: &FloatLayer<'_>) -> FloatLayer<'a> {
        let outer = next.weights.mapv(f64::from);
        let weights = outer.dot(&self.weights.mapv(f64::from));
        let bias = outer.dot(&self.bias.mapv(f64::from)) + next.bias.mapv(f64::from);
        self.replaced(&next.nodes, weights, bias, false)
    }

    fn replaced(
        mut self,
        nodes: &[String],
        weights: Array2<f64>,
        bias: Array1<f64>,
        is_before: bool,
    ) -> FloatLayer<'a> {
        match is_before {
            true => drop(self.nodes.splice(0..0, nodes.iter().cloned())),
            false => self.nodes.extend_from_slice(nodes),
        }
        FloatLayer {
            name: self.name,
            nodes: self.nodes,
            weights: Cow::Owned(weights.mapv(|w| w as f32)),
            bias: Cow::Owned(bias.mapv(|b| b as f32)),
        }
    }
}

/// Input length, then the outputs of each dense layer.
///
/// # Errors
/// A graph that is no chain, see [`is_chain`].
pub fn widths(graph: &Graph) -> Result<Vec<usize>, QuantError> {
    let (layers, _) = lower(graph)?;
    let outputs = layers.iter().map(|layer| layer.weights.nrows());
    Ok(std::iter::once(graph.inputs()).chain(outputs).collect())
}

/// Whether a graph is a chain of dense layers with ReLU between them and at most a sigmoid at the
/// end, so that it becomes a [`QuantizedModel`](crate::QuantizedModel). Every other graph becomes
/// a [`Program`](crate::Program).
pub fn is_chain(graph: &Graph) -> bool {
    lower(graph).is_ok()
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
    let mut len = graph.inputs();
    for (index, node) in graph.nodes.iter().enumerate() {
        let is_last = index + 1 == graph.nodes.len();
        if node.inputs != [index] || (is_last && graph.output.value != index + 1) {
            return Err(refused(
                node,
                "it does not read what the node before it writes",
            ));
        }
        match &node.op {
            Op::Dense(dense) if dense.inputs() == len => {
                let layer = FloatLayer {
                    name: String::new(),
                    nodes: vec![node.name.clone()],
                    weights: Cow::Borrowed(&dense.weights),
                    bias: Cow::Borrowed(&dense.bias),
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
            } if constant.len() == len => {
                let so_far = waiting.take().unwrap_or_else(|| Elementwise::identity(len));
                let all = so_far.then(node, *arithmetic, constant);
                match open.take() {
                    Some(layer) => open = Some(layer.scaled(&all)),
                    None => waiting = Some(all),
                }
            }
            Op::Rearrange(sources) if is_identity(sources, len) => {}
            Op::Map(Function::Relu) if !is_last && open.is_some() => layers.extend(open.take()),
            Op::Map(Function::Sigmoid) if is_last && open.is_some() => {
                activation = Activation::Sigmoid;
            }
            _ => return Err(unsupported(node, is_last)),
        }
        len = node.len();
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
    // Not before: a layer may grow node by node.
    for layer in &mut layers {
        let nodes: Vec<&str> = layer.nodes.iter().map(String::as_str).collect();
        layer.name = name_of(&nodes);
    }
    Ok((layers, activation))
}

/// Whether elements stay where they are.
fn is_identity(sources: &[Source], len: usize) -> bool {
    let stays = |(at, source): (usize, &Source)| match source {
        Source::Element { operand: 0, index } => *index as usize == at,
        _ => false,
    };
    sources.len() == len && sources.iter().enumerate().all(stays)
}

fn unsupported(node: &Node, is_last: bool) -> QuantError {
    let reason = match (&node.op, is_last) {
        (Op::Map(Function::Relu), true) => {
            "an output ReLU; end the model with a dense layer or a sigmoid"
        }
        (Op::Map(Function::Sigmoid), false) => {
            "a sigmoid inside the model; it can only be the last node"
        }
        (Op::Map(Function::Relu | Function::Sigmoid), _) => "it has to follow a dense layer",
        _ => "a chain has dense layers, ReLU between them, and perhaps a sigmoid at the end",
    };
    refused(node, reason)
}

fn refused(node: &Node, reason: &str) -> QuantError {
    QuantError::Unsupported {
        node: node.name.clone(),
        op: node.op.name().into(),
        reason: reason.into(),
    }
}
