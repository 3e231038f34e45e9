//! Recurrent layers, step by step: a sequence has a length that the model fixes.
//!
//! A layer of two directions is two layers, the second of which reads the sequence from its end.
//! What is added up before a gate's function is one [`Dense`] over the step's input and the
//! hidden state side by side, so that it becomes one number per gate.

mod activation;
mod gru;
mod lstm;
mod parameters;
mod rnn;

use super::{Builder, Family, NodeRef, Tensor};
use crate::GraphError;
use crate::op::Source;
use parameters::{Layer, Part};

pub(super) const OPERATORS: Family = &[
    ("RNN", |node, builder| {
        let layer = Layer::of(node, 1, &["Tanh"], 1)?;
        unrolled(node, builder, &layer, &|part| Box::new(rnn::Cell::of(part)))
    }),
    ("GRU", |node, builder| {
        let layer = Layer::of(node, 3, &["Sigmoid", "Tanh"], 1)?;
        let linear = node.flag("linear_before_reset", false)?;
        unrolled(node, builder, &layer, &|part| {
            Box::new(gru::Cell::of(part, linear))
        })
    }),
    ("LSTM", |node, builder| {
        let layer = Layer::of(node, 4, &["Sigmoid", "Tanh", "Tanh"], 2)?;
        let coupled = node.flag("input_forget", false)?;
        unrolled(node, builder, &layer, &|part| {
            Box::new(lstm::Cell::of(part, coupled))
        })
    }),
];

/// What a layer does at one step.
trait Cell {
    /// The states after a step, the hidden one first, each `[batch, hidden]`; `x` is
    /// `[batch, inputs]`.
    fn step(
        &self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        x: &Tensor,
        states: &[Tensor],
    ) -> Result<Vec<Tensor>, GraphError>;
}

/// What one direction has written.
struct Run {
    /// The hidden state after each step, in the order of the steps.
    hidden: Vec<Tensor>,
    /// All states after the last step.
    last: Vec<Tensor>,
}

/// All hidden states, then each state after the last step, as the layout of the node says.
fn unrolled(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    layer: &Layer,
    cell: &dyn Fn(Part) -> Box<dyn Cell>,
) -> Result<Vec<Tensor>, GraphError> {
    let mut runs = Vec::with_capacity(layer.directions.len());
    for direction in 0..layer.directions.len() {
        let cell = cell(layer.part(node, direction)?);
        runs.push(run(node, builder, layer, direction, cell.as_ref())?);
    }
    let mut written = vec![sequence(node, builder, layer, &runs)?];
    for state in 0..layer.states {
        written.push(last(node, builder, layer, &runs, state)?);
    }
    Ok(written)
}

/// The steps of one direction.
fn run(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    layer: &Layer,
    direction: usize,
    cell: &dyn Cell,
) -> Result<Run, GraphError> {
    let (batch, inputs, hidden) = (layer.batch, layer.inputs, layer.hidden);
    let x = node.input(0)?;
    let mut states = Vec::with_capacity(layer.states);
    for state in 0..layer.states {
        states.push(initial(node, builder, layer, direction, state)?);
    }
    let longest = layer.lens.iter().copied().max().unwrap_or(0);
    let mut run = Run {
        hidden: Vec::with_capacity(longest),
        last: Vec::new(),
    };
    for step in 0..longest {
        builder.charge(node, batch.saturating_mul(inputs + hidden))?;
        let element = |at: usize| {
            let (row, i) = (at / inputs, at % inputs);
            match layer.time(direction, step, row) {
                Some(time) => Source::Element {
                    operand: 0,
                    index: (layer.row_of(time, row) * inputs + i) as u32,
                },
                None => Source::Constant(0.0),
            }
        };
        let sources = (0..batch * inputs).map(element).collect();
        let now = builder.rearrange(node, &[x], sources, vec![batch, inputs])?;
        let mut after = cell.step(node, builder, &now, &states)?;
        run.hidden
            .extend(after.first().map(|hidden| (*hidden).clone()));
        // Sequences that are over keep their states.
        if layer.lens.iter().any(|len| step >= *len) {
            for (after, before) in after.iter_mut().zip(&states) {
                let kept = |at: usize| Source::Element {
                    operand: u32::from(step >= layer.lens[at / hidden]),
                    index: at as u32,
                };
                let sources = (0..batch * hidden).map(kept).collect();
                *after = builder.rearrange(node, &[after, before], sources, vec![batch, hidden])?;
            }
        }
        states = after;
    }
    run.last = states;
    Ok(run)
}

/// A state before the first step: zero, unless the model says what it is.
fn initial(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    layer: &Layer,
    direction: usize,
    state: usize,
) -> Result<Tensor, GraphError> {
    let (batch, hidden) = (layer.batch, layer.hidden);
    let len = builder.charge_shape(node, &[batch, hidden])?;
    let Some(given) = node.optional(5 + state) else {
        let element = node.input(0)?.element;
        return Ok(Tensor::constant(
            vec![batch, hidden],
            element,
            vec![0.0; len],
        ));
    };
    let shape = layer.state_shape();
    if given.shape != shape {
        return Err(node.mismatch("an initial state", &given.shape, format!("{shape:?}")));
    }
    let position = |at: usize| layer.state_row(direction, at / hidden) * hidden + at % hidden;
    builder.select(node, given, (0..len).map(position), vec![batch, hidden])
}

/// The hidden states of all steps and directions; zero where a sequence is over.
fn sequence(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    layer: &Layer,
    runs: &[Run],
) -> Result<Tensor, GraphError> {
    let (directions, hidden) = (runs.len(), layer.hidden);
    let shape = layer.sequence_shape();
    let len = builder.charge_places(node, &shape)?;
    let mut sources = vec![Source::Constant(0.0); len];
    let mut operands = Vec::new();
    for (direction, run) in runs.iter().enumerate() {
        for (step, state) in run.hidden.iter().enumerate() {
            let operand = operands.len() as u32;
            operands.push(state);
            for row in 0..layer.batch {
                let Some(time) = layer.time(direction, step, row) else {
                    continue;
                };
                let place = match layer.batch_first {
                    true => layer.row_of(time, row) * directions + direction,
                    false => (time * directions + direction) * layer.batch + row,
                };
                for i in 0..hidden {
                    sources[place * hidden + i] = Source::Element {
                        operand,
                        index: (row * hidden + i) as u32,
                    };
                }
            }
        }
    }
    builder.rearrange(node, &operands, sources, shape)
}

/// One of the states after the last step, of all directions.
fn last(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    layer: &Layer,
    runs: &[Run],
    state: usize,
) -> Result<Tensor, GraphError> {
    let shape = layer.state_shape();
    let len = builder.charge_places(node, &shape)?;
    let hidden = layer.hidden;
    let mut sources = vec![Source::Constant(0.0); len];
    for direction in 0..runs.len() {
        for at in 0..layer.batch * hidden {
            let place = layer.state_row(direction, at / hidden) * hidden + at % hidden;
            sources[place] = Source::Element {
                operand: direction as u32,
                index: at as u32,
            };
        }
    }
    let operands: Vec<&Tensor> = runs.iter().filter_map(|run| run.last.get(state)).collect();
    builder.rearrange(node, &operands, sources, shape)
}
