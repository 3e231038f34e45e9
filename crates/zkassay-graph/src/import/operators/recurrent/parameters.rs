//! What recurrent layers have in common: shapes, directions, lengths, weights.

use ndarray::{Array1, Array2};

use super::activation::Activation;
use super::{Builder, NodeRef, Tensor};
use crate::op::{Dense, Function, Source};
use crate::{GraphError, Op};

/// The longest sequence.
const MAX_STEPS: usize = 1 << 12;

/// One layer, as its node says.
pub(super) struct Layer {
    /// Of each direction, whether it begins at the end.
    pub(super) directions: Vec<bool>,
    /// Sequences beside each other.
    pub(super) batch: usize,
    /// Numbers that a step reads.
    pub(super) inputs: usize,
    /// Numbers of a state.
    pub(super) hidden: usize,
    /// How many states there are: the hidden one, and the cell's.
    pub(super) states: usize,
    /// Whether the batch is the first axis, not the second.
    pub(super) batch_first: bool,
    /// The length of each sequence, each at least one and at most `steps`.
    pub(super) lens: Vec<usize>,
    steps: usize,
    gates: usize,
    activations: Vec<Activation>,
    clip: Option<f32>,
}

/// The weights and functions of one direction.
pub(super) struct Part {
    /// `[gates * hidden, inputs]`.
    input: Vec<f32>,
    /// `[gates * hidden, hidden]`.
    recurrent: Vec<f32>,
    /// Of the input, then of the state; `gates * hidden` each.
    biases: [Vec<f32>; 2],
    inputs: usize,
    pub(super) hidden: usize,
    /// Of the cell's state, for the gates that read it: three times `hidden`, or none.
    pub(super) peepholes: Option<Vec<f32>>,
    /// The greatest magnitude in the first hidden state, if that is known.
    pub(super) initial: Option<f32>,
    activations: Vec<Activation>,
    clip: Option<f32>,
}

/// Gates that are computed together.
pub(super) struct Gates {
    weights: Array2<f32>,
    bias: Array1<f32>,
    hidden: usize,
}

/// A gate's number, and whether it reads the input and the state.
pub(super) type Reads = (usize, bool, bool);

impl Layer {
    /// Reads a layer of so many gates and states; `functions` are those of a direction that names
    /// none.
    pub(super) fn of(
        node: &NodeRef<'_>,
        gates: usize,
        functions: &[&str],
        states: usize,
    ) -> Result<Self, GraphError> {
        let directions = match node.string("direction", "forward")?.as_str() {
            "forward" => vec![false],
            "reverse" => vec![true],
            "bidirectional" => vec![false, true],
            other => {
                return Err(node.unsupported(format!(
                    "direction is {other}, expected forward, reverse or bidirectional"
                )));
            }
        };
        let batch_first = node.flag("layout", false)?;
        let x = node.input(0)?;
        let (steps, batch, inputs) = match (x.shape.as_slice(), batch_first) {
            (&[steps, batch, inputs], false) => (steps, batch, inputs),
            (&[batch, steps, inputs], true) => (steps, batch, inputs),
            (found, _) => {
                return Err(node.mismatch("the operand", found, "[steps, batch, inputs]"));
            }
        };
        if steps > MAX_STEPS {
            return Err(node.unsupported(format!(
                "its sequence has {steps} steps, expected at most {MAX_STEPS}"
            )));
        }
        let count = directions.len();
        let recurrent = node.input(2)?;
        let hidden = match *recurrent.shape.as_slice() {
            [d, rows, hidden]
                if d == count && hidden > 0 && hidden.checked_mul(gates) == Some(rows) =>
            {
                hidden
            }
            _ => {
                let expected = format!("[{count}, {gates} hidden, hidden]");
                return Err(node.mismatch("the recurrent weights", &recurrent.shape, expected));
            }
        };
        if usize::try_from(node.int("hidden_size", hidden as i64)?) != Ok(hidden) {
            return Err(node.unsupported(format!(
                "hidden_size is not {hidden}, as the recurrent weights are"
            )));
        }
        if [steps, batch, inputs].contains(&0) {
            return Err(node.mismatch("the operand", &x.shape, "no empty axis"));
        }
        let rows = gates * hidden;
        let expect = |index: usize, what: &'static str, shape: &[usize]| match node.optional(index)
        {
            Some(tensor) if tensor.shape != shape => {
                Err(node.mismatch(what, &tensor.shape, format!("{shape:?}")))
            }
            _ => Ok(()),
        };
        expect(1, "the weights", &[count, rows, inputs])?;
        expect(3, "the biases", &[count, 2 * rows])?;
        if states == 2 {
            expect(7, "the peepholes", &[count, 3 * hidden])?;
        }
        let clip = match node.has("clip") {
            true => Some(node.float("clip", 0.0)?),
            false => None,
        };
        if clip.is_some_and(|clip| clip <= 0.0) {
            return Err(node.unsupported("clip is not positive"));
        }
        Ok(Self {
            batch,
            inputs,
            hidden,
            states,
            batch_first,
            lens: lens(node, steps, batch)?,
            steps,
            gates,
            activations: Activation::all(node, functions, count)?,
            clip,
            directions,
        })
    }

    /// The time that a step of a direction reads of a sequence; `None` if the sequence is over.
    pub(super) fn time(&self, direction: usize, step: usize, row: usize) -> Option<usize> {
        let left = self.lens[row].checked_sub(step + 1)?;
        Some(if self.directions[direction] {
            left
        } else {
            step
        })
    }

    /// Which of the operand's rows is that of a sequence at a time.
    pub(super) fn row_of(&self, time: usize, row: usize) -> usize {
        match self.batch_first {
            true => row * self.steps + time,
            false => time * self.batch + row,
        }
    }

    /// Which of a state's rows is that of a sequence in a direction.
    pub(super) fn state_row(&self, direction: usize, row: usize) -> usize {
        match self.batch_first {
            true => row * self.directions.len() + direction,
            false => direction * self.batch + row,
        }
    }

    /// The shape of the states of all directions.
    pub(super) fn state_shape(&self) -> Vec<usize> {
        let count = self.directions.len();
        match self.batch_first {
            true => vec![self.batch, count, self.hidden],
            false => vec![count, self.batch, self.hidden],
        }
    }

    /// The shape of the hidden states of all steps.
    pub(super) fn sequence_shape(&self) -> Vec<usize> {
        let count = self.directions.len();
        match self.batch_first {
            true => vec![self.batch, self.steps, count, self.hidden],
            false => vec![self.steps, count, self.batch, self.hidden],
        }
    }

    /// The weights and functions of a direction.
    pub(super) fn part(&self, node: &NodeRef<'_>, direction: usize) -> Result<Part, GraphError> {
        let rows = self.gates * self.hidden;
        let of = |index: usize, each: usize| -> Result<Option<Vec<f32>>, GraphError> {
            let Some(all) = node.weights(index)? else {
                return Ok(None);
            };
            let own = all.get(direction * each..(direction + 1) * each);
            Ok(own.map(<[f32]>::to_vec))
        };
        let needed = |weights: Option<Vec<f32>>| {
            weights.ok_or_else(|| node.unsupported("it has no weights for a direction"))
        };
        let biases = of(3, 2 * rows)?.unwrap_or_else(|| vec![0.0; 2 * rows]);
        let (of_input, of_state) = biases.split_at(rows);
        let functions = self.activations.len() / self.directions.len();
        let own = direction * functions..(direction + 1) * functions;
        Ok(Part {
            input: needed(of(1, rows * self.inputs)?)?,
            recurrent: needed(of(2, rows * self.hidden)?)?,
            biases: [of_input.to_vec(), of_state.to_vec()],
            inputs: self.inputs,
            hidden: self.hidden,
            peepholes: match self.states {
                2 => of(7, 3 * self.hidden)?,
                _ => None,
            },
            initial: match node.optional(5) {
                None => Some(0.0),
                Some(given) => given
                    .numbers()
                    .map(|all| all.iter().fold(0.0f32, |most, x| most.max(x.abs()))),
            },
            activations: self.activations[own].to_vec(),
            clip: self.clip,
        })
    }
}

/// The length of each sequence.
fn lens(node: &NodeRef<'_>, steps: usize, batch: usize) -> Result<Vec<usize>, GraphError> {
    match node.optional(4) {
        None => return Ok(vec![steps; batch]),
        Some(lens) if lens.is_constant() => {}
        Some(_) => {
            return Err(node.unsupported(
                "its sequence_lens depend on the input: export the model for sequences of one length",
            ));
        }
    }
    let lens = node.sizes(4)?;
    if lens.len() != batch || lens.iter().any(|len| !(1..=steps).contains(len)) {
        return Err(node.unsupported(format!(
            "its sequence_lens are not {batch} numbers from 1 to {steps}"
        )));
    }
    Ok(lens)
}

impl Part {
    /// The weights of some gates over the input and the state side by side.
    pub(super) fn gates(&self, gates: &[Reads]) -> Gates {
        let (inputs, hidden) = (self.inputs, self.hidden);
        let row = |at: usize| {
            let (gate, of_input, of_state) = gates[at / hidden];
            (gate * hidden + at % hidden, of_input, of_state)
        };
        let weight = |(at, column): (usize, usize)| {
            let (row, of_input, of_state) = row(at);
            match column.checked_sub(inputs) {
                None if of_input => self.input[row * inputs + column],
                Some(column) if of_state => self.recurrent[row * hidden + column],
                _ => 0.0,
            }
        };
        let bias = |at: usize| {
            let (row, of_input, of_state) = row(at);
            let own = |is_read: bool, bias: &[f32]| if is_read { bias[row] } else { 0.0 };
            own(of_input, &self.biases[0]) + own(of_state, &self.biases[1])
        };
        let rows = gates.len() * hidden;
        Gates {
            weights: Array2::from_shape_fn((rows, inputs + hidden), weight),
            bias: Array1::from_shape_fn(rows, bias),
            hidden,
        }
    }

    /// The interval of the direction's function number `index`, if that is narrow.
    pub(super) fn range(&self, index: usize) -> Option<(f32, f32)> {
        self.activations[index].range()
    }

    /// The direction's function number `index` of a sum, which is cut off first.
    pub(super) fn activate(
        &self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        index: usize,
        x: &Tensor,
    ) -> Result<Tensor, GraphError> {
        match self.clip {
            Some(clip) => {
                let cut = builder.map(node, Function::Clip(-clip, clip), x)?;
                self.function(node, builder, index, &cut)
            }
            None => self.function(node, builder, index, x),
        }
    }

    /// The same without cutting off.
    pub(super) fn function(
        &self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        index: usize,
        x: &Tensor,
    ) -> Result<Tensor, GraphError> {
        self.activations[index].apply(node, builder, x)
    }
}

impl Gates {
    /// What is added up for each gate, `[batch, hidden]`.
    pub(super) fn sums(
        &self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        x: &Tensor,
        state: &Tensor,
    ) -> Result<Vec<Tensor>, GraphError> {
        let (rows, columns) = self.weights.dim();
        let hidden = self.hidden;
        let inputs = columns - hidden;
        let batch = state.len() / hidden;
        // The weights are the step's own.
        builder.charge(node, self.weights.len())?;
        let beside = |at: usize| {
            let (row, column) = (at / columns, at % columns);
            let (operand, index) = match column.checked_sub(inputs) {
                None => (0, row * inputs + column),
                Some(column) => (1, row * hidden + column),
            };
            Source::Element {
                operand,
                index: index as u32,
            }
        };
        builder.charge_places(node, &[batch, columns])?;
        let sources = (0..batch * columns).map(beside).collect();
        let both = builder.rearrange(node, &[x, state], sources, vec![batch, columns])?;
        let dense = Op::Dense(Dense {
            weights: self.weights.clone(),
            bias: self.bias.clone(),
        });
        let sums = builder.push(node, dense, &[&both], vec![batch, rows])?;
        let gate = |gate: usize| {
            let positions =
                (0..batch * hidden).map(|at| at / hidden * rows + gate * hidden + at % hidden);
            builder.select(node, &sums, positions, vec![batch, hidden])
        };
        (0..rows / hidden).map(gate).collect()
    }
}
