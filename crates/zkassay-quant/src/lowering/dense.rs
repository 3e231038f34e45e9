//! Dense layers: matrices over wires.

use std::collections::HashMap;
use std::rc::Rc;

use ndarray::{Array1, Array2, Axis};
use zkassay_graph::{Dense, Node};

use super::form::{Block, Element, FloatConv, Form, Value};
use super::names::Names;
use super::state::Lowering;
use crate::QuantError;
use crate::program::Wire;

/// The most multiplications for merging one matrix into another.
const MOST_PRODUCTS: usize = 1 << 28;
/// The most terms that the rows of what is merged are written out to.
const MOST_TERMS: usize = 1 << 24;

impl Lowering<'_> {
    pub(super) fn dense(
        &mut self,
        node: &Node,
        dense: &Dense,
        x: &Value,
    ) -> Result<Value, QuantError> {
        let (inputs, outputs) = (dense.inputs(), dense.outputs());
        let runs = x.elements.len() / inputs.max(1);
        let weights = dense.weights.mapv(f64::from);
        let bias = dense.bias.mapv(f64::from);
        let mut nodes = x.nodes.and(&node.name);
        if runs > 1 {
            // A convolution with a kernel of one: runs are positions, elements are channels.
            let by_channel = (0..inputs).flat_map(|c| (0..runs).map(move |run| run * inputs + c));
            let x = Value {
                elements: by_channel.map(|at| x.elements[at].clone()).collect(),
                nodes: x.nodes.clone(),
            };
            let shape = (outputs, inputs, 1, 1);
            let Ok(weights) = weights.into_shape_with_order(shape) else {
                return Err(super::unsupported(node, "its weights are no matrix"));
            };
            let conv = FloatConv {
                inputs: Vec::new(),
                input: [inputs, runs, 1],
                weights,
                bias: bias.to_vec(),
                output: [runs, 1],
                strides: [1, 1],
                dilations: [1, 1],
                pads: [0, 0],
            };
            let (rows, nodes) = self.convolve(node, conv, &x)?;
            let by_run = (0..runs).flat_map(|run| (0..outputs).map(move |o| o * runs + run));
            return Ok(Value {
                elements: by_run.map(|at| rows[at].clone()).collect(),
                nodes,
            });
        }
        let mut x = Rc::new(x.clone());
        let expanded = match self.expand(&x, outputs) {
            Some(forms) => forms,
            None => {
                let wires = self.wires(&x, &node.name)?;
                x = Rc::new(Value::settled(wires.into_iter().map(Form::of)));
                nodes = Names::of(&node.name);
                x.elements.iter().filter_map(form).cloned().collect()
            }
        };
        let mut columns: HashMap<Wire, usize> = HashMap::new();
        let mut wires = Vec::new();
        for (wire, _) in expanded.iter().flat_map(|form| &form.terms) {
            columns.entry(*wire).or_insert_with(|| {
                wires.push(*wire);
                wires.len() - 1
            });
        }
        let mut merged = Array2::zeros((outputs, wires.len()));
        let mut biases: Array1<f64> = bias;
        for (form, weights) in expanded.iter().zip(weights.axis_iter(Axis(1))) {
            for (row, weight) in weights.iter().enumerate() {
                biases[row] += weight * form.bias;
                for (wire, coefficient) in &form.terms {
                    merged[[row, columns[wire]]] += weight * coefficient;
                }
            }
        }
        let elements = self.block(Block::Dense {
            inputs: wires,
            weights: merged,
            bias: biases,
        });
        Ok(Value { elements, nodes })
    }

    /// Every element as a form, unless that is too much to merge with a matrix of so many rows.
    fn expand(&self, x: &Value, outputs: usize) -> Option<Vec<Form>> {
        let mut terms = 0usize;
        let mut convs: HashMap<usize, Vec<Vec<(Wire, f64)>>> = HashMap::new();
        for element in &x.elements {
            terms += match element {
                Element::Form(form) => form.terms.len(),
                Element::Row { block, .. } => match &self.blocks[*block].0 {
                    Block::Dense { inputs, .. } => inputs.len(),
                    Block::Conv(conv) => conv.weights.len() / conv.bias.len().max(1),
                },
            };
        }
        if terms > MOST_TERMS || terms.saturating_mul(outputs) > MOST_PRODUCTS {
            return None;
        }
        let expand = |element: &Element| match element {
            Element::Form(form) => Some(form.clone()),
            Element::Row {
                block,
                row,
                factor,
                offset,
            } => {
                let (of, _) = &self.blocks[*block];
                let bias = factor * of.bias(*row) + offset;
                let terms: Vec<(Wire, f64)> = match of {
                    Block::Dense {
                        inputs, weights, ..
                    } => inputs
                        .iter()
                        .copied()
                        .zip(weights.row(*row).iter().copied())
                        .collect(),
                    Block::Conv(conv) if conv.products() <= MOST_TERMS => {
                        let rows = convs.entry(*block).or_insert_with(|| {
                            let mut rows = vec![Vec::new(); of.rows()];
                            conv.for_each(|row, input, weight| {
                                let wires = conv.inputs[input].iter();
                                rows[row].extend(wires.map(|wire| (*wire, weight)));
                            });
                            rows
                        });
                        rows[*row].clone()
                    }
                    Block::Conv(_) => return None,
                };
                let forms: Vec<(Form, f64)> = terms
                    .into_iter()
                    .map(|(wire, w)| (Form::of(wire), factor * w))
                    .collect();
                Some(Form::sum(forms.iter().map(|(form, w)| (form, *w))).shifted(bias))
            }
        };
        x.elements.iter().map(expand).collect()
    }
}

fn form(element: &Element) -> Option<&Form> {
    match element {
        Element::Form(form) => Some(form),
        Element::Row { .. } => None,
    }
}
