//! The advice columns.

use std::borrow::Cow;
use std::ops::Range;

use zkassay_fixed::{DataVisibility, OutputMapError};
use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::halo2_proofs::plonk::{Advice, Column};
use zkassay_gadgets::hash::Hash;
use zkassay_gadgets::instance::Public;
use zkassay_gadgets::poseidon::{Sponge, WIDTH};
use zkassay_gadgets::{Columns, Field, Shape, field, power_of_two};
use zkassay_quant::Trace;

use crate::CompiledModel;
use crate::hash;
use crate::layout::{End, Row, packed_places};

/// The advice columns of phase 1 and the public values, for one input.
///
/// Phase 2 is a function of these and the challenges, computed while proving: a dishonest
/// phase 1 gets an honest phase 2, which is what soundness tests want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The value column, rows `0..=last_row`; empty if the table has none.
    pub value: Vec<Field>,
    /// One column per limb.
    pub limbs: Vec<Vec<Field>>,
    /// How often each table entry is used.
    pub multiplicity: Vec<Field>,
    /// One column per secret weight of a row; none if weights are fixed.
    pub weights: Vec<Vec<Field>>,
    /// The rounds of the hashes; none if nothing is hashed.
    pub rounds: Vec<Vec<Field>>,
    /// The instance columns.
    pub instance: Vec<Vec<Field>>,
    /// The integers of the input.
    pub inputs: Vec<i64>,
    /// The outputs, at the output map's scale.
    pub outputs: Vec<i64>,
    /// The hash of the inputs, if they are hashed.
    pub input_hash: Option<Field>,
    /// The hash of the outputs' accumulators, if they are hashed.
    pub output_hash: Option<Field>,
}

impl Witness {
    /// Fills the table from an evaluation.
    ///
    /// # Errors
    /// An output without a preimage, which no evaluation within bounds has.
    pub fn new(compiled: &CompiledModel, trace: &Trace) -> Result<Self, OutputMapError> {
        let (shape, model) = (compiled.shape(), compiled.model());
        let length = shape.last_row() + 1;
        let per_row = shape.limbs() as usize;
        let mut cells = LimbCells {
            bits: shape.limb_bits,
            columns: vec![vec![0; length]; per_row],
        };
        let mut value = vec![Field::ZERO; if shape.has_values() { length } else { 0 }];
        let last = &trace.accumulators[trace.accumulators.len() - 1];
        let bound = model.output.bound();
        let intervals = trace
            .outputs
            .iter()
            .map(|z| match shape.visibility.output {
                DataVisibility::Public => model.output.preimage(*z),
                _ => Ok(model.output.range()),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let half = 1i64 << (shape.input_bits() - 1);

        for (row, kind) in compiled.rows().iter().enumerate() {
            match *kind {
                Row::Output { end, output, digit } => {
                    let distance = match end {
                        End::Upper => intervals[output].hi - last[output],
                        End::Lower => last[output] - intervals[output].lo,
                    };
                    let skip = shape.limb_bits * per_row as u32 * digit as u32;
                    cells.set(
                        row,
                        0..per_row,
                        distance.unsigned_abs().checked_shr(skip).unwrap_or(0),
                    );
                }
                Row::Value {
                    layer,
                    index,
                    block,
                } => {
                    let x = trace.values[layer][index];
                    if let Some(cell) = value.get_mut(row) {
                        *cell = field(x.into());
                    }
                    if block > 0 {
                        continue;
                    }
                    if layer == 0 {
                        cells.set(
                            row,
                            0..shape.input_limbs as usize,
                            (x + half).unsigned_abs(),
                        );
                        continue;
                    }
                    let y = trace.accumulators[layer - 1][index];
                    let (remainder, quotient) = divide(y, shape.shift());
                    let split = shape.remainder_limbs as usize;
                    let end = split + shape.magnitude_limbs as usize;
                    cells.set(row, 0..split, remainder);
                    cells.set(row, split..end, quotient.unsigned_abs());
                }
                Row::Bias { digit, .. } => {
                    if let Some(cell) = value.get_mut(row) {
                        *cell = compiled.bias_constant(digit);
                    }
                }
            }
        }
        let weights = SecretWeights::new(compiled);
        let integers = |offset: i64, values: &[i64]| -> Vec<Field> {
            let shifted = values.iter().map(|value| field((value + offset).into()));
            shifted.collect()
        };
        let inputs = &trace.values[0];
        let messages = [
            shape.output_sponge().map(|s| (s, integers(bound, last))),
            shape.input_sponge().map(|s| (s, integers(half, inputs))),
        ];
        let messages: Vec<_> = messages.into_iter().flatten().collect();
        let rounds = match shape.hashes() {
            true => hash::rounds(length, &messages),
            false => vec![],
        };
        let [output_hash, input_hash] = [shape.output_sponge(), shape.input_sponge()]
            .map(|sponge| sponge.map(|sponge| rounds[1][sponge.digest_row()]));
        let public = Public {
            intervals,
            inputs: inputs.clone(),
            input_hash,
            output_hash,
        };
        Ok(Self {
            value,
            multiplicity: multiplicity(shape, &cells, &weights),
            limbs: cells.into_fields(),
            weights: weights.into_fields(),
            rounds,
            instance: public.columns(shape),
            inputs: inputs.clone(),
            outputs: trace.outputs.clone(),
            input_hash,
            output_hash,
        })
    }

    /// Whether the columns have the lengths that a circuit of the given shape takes.
    pub fn fits(&self, shape: &Shape) -> bool {
        let length = shape.last_row() + 1;
        let value = if shape.has_values() { length } else { 0 };
        let secrets = if shape.unbound() {
            shape.block_width
        } else {
            0
        };
        let rounds = if shape.hashes() { 3 * WIDTH } else { 0 };
        let expected = Public::default().columns(shape);
        self.value.len() == value
            && self.limbs.len() == shape.limbs() as usize
            && self.weights.len() == secrets as usize
            && self.rounds.len() == rounds
            && self
                .limbs
                .iter()
                .chain(&self.weights)
                .chain(&self.rounds)
                .chain([&self.multiplicity])
                .all(|column| column.len() == length)
            && (self.instance.iter().map(Vec::len)).eq(expected.iter().map(Vec::len))
            && self.inputs.len() == shape.inputs as usize
            && self.outputs.len() == shape.outputs as usize
    }

    /// The columns of phase 1, rows `0..=last_row`.
    pub fn first_phase<'a>(&'a self, columns: &Columns) -> Vec<(Column<Advice>, &'a [Field])> {
        let targets = columns.value.iter().chain(&columns.limbs).copied();
        let targets = targets
            .chain([columns.logup.multiplicity])
            .chain(columns.secret_weights.iter().copied())
            .chain(columns.hash.iter().flat_map(Hash::rounds));
        let value = (!self.value.is_empty()).then_some(&self.value);
        let cells = value
            .into_iter()
            .chain(&self.limbs)
            .chain([&self.multiplicity]);
        let cells = cells.chain(&self.weights).chain(&self.rounds);
        targets.zip(cells.map(Vec::as_slice)).collect()
    }

    /// The columns of phase 2, rows `0..=last_row`, for the challenges `r` and `beta`.
    pub fn second_phase(
        &self,
        compiled: &CompiledModel,
        columns: &Columns,
        r: Field,
        beta: Field,
    ) -> Vec<(Column<Advice>, Vec<Field>)> {
        let shape = compiled.shape();
        let last = shape.last_row();
        let half = power_of_two(shape.limb_bits - 1);
        let shifted: Vec<Vec<Field>> = self
            .weights
            .iter()
            .map(|column| column.iter().map(|weight| weight + half).collect())
            .collect();
        let limbs: Vec<&[Field]> = self
            .limbs
            .iter()
            .chain(&shifted)
            .map(Vec::as_slice)
            .collect();
        let logup = &columns.logup;
        let sums = logup.assign(&limbs, &self.multiplicity, shape.limb_bits, last, beta);
        let mut phase = vec![
            (columns.dot, self.dot(compiled, r)),
            (columns.combination, self.combination(compiled, r)),
        ];
        phase.extend(
            [logup.sum]
                .into_iter()
                .chain(logup.helpers.iter().copied())
                .zip(sums),
        );
        if let Some(hash) = &columns.hash {
            phase.push((hash.packed, self.packed(shape, r)));
            phase.push((hash.absorbed, self.absorbed(shape, r)));
        }
        phase
    }

    /// The Horner sum of the packed values.
    fn packed(&self, shape: &Shape, r: Field) -> Vec<Field> {
        let base = power_of_two(shape.limb_bits);
        let half = power_of_two(shape.input_bits() - 1);
        let values = self.values(shape);
        let limbs = |row: usize| self.recompose(row, 0..shape.limbs() as usize, base);
        let [outputs, inputs] = packed_places(shape);
        let outputs = outputs.iter().map(|place| (*place, limbs(place.row)));
        let inputs = inputs.iter().map(|p| (*p, values[p.row] + half));
        hash::packed(shape.last_row(), r, outputs.chain(inputs))
    }

    /// The Horner sum of what the hashes absorb.
    fn absorbed(&self, shape: &Shape, r: Field) -> Vec<Field> {
        let sponges = [shape.output_sponge(), shape.input_sponge()];
        let sponges: Vec<Sponge> = sponges.into_iter().flatten().collect();
        hash::absorbed(
            shape.last_row(),
            (r, Field::ZERO),
            &[&self.rounds],
            &sponges,
        )
    }

    /// The running sums of `value * u`, from each segment's end upwards.
    fn dot(&self, compiled: &CompiledModel, r: Field) -> Vec<Field> {
        let shape = compiled.shape();
        let powers = powers(r, shape.block_width as usize);
        let block_powers = powers_of_block(&powers, r, shape.blocks as usize);
        let values = self.values(shape);
        let mut dot = vec![Field::ZERO; shape.last_row() + 1];
        let mut sum = Field::ZERO;
        let mut segment = None;
        for (row, kind) in compiled.rows().iter().enumerate().rev() {
            match *kind {
                Row::Value { layer, block, .. } | Row::Bias { layer, block, .. } => {
                    if segment != Some(layer) {
                        (segment, sum) = (Some(layer), Field::ZERO);
                    }
                    let mut u = Field::ZERO;
                    match self.weights.is_empty() {
                        true => {
                            for (column, weight) in compiled.weights(*kind) {
                                u += powers[column] * field(weight.into());
                            }
                        }
                        false => {
                            for (power, column) in powers.iter().zip(&self.weights) {
                                u += *power * column[row];
                            }
                        }
                    }
                    sum += values[row] * u * block_powers[block];
                }
                Row::Output {
                    end: End::Lower, ..
                } => {}
                Row::Output {
                    end: End::Upper, ..
                } => sum = Field::ZERO,
            }
            dot[row] = sum;
        }
        dot
    }

    /// The Horner sums of outputs, from the top of each segment downwards.
    fn combination(&self, compiled: &CompiledModel, r: Field) -> Vec<Field> {
        let shape = compiled.shape();
        let last_layer = compiled.model().layers.len() - 1;
        let mut combination = vec![Field::ZERO; shape.last_row() + 1];
        let mut sum = Field::ZERO;
        let base = power_of_two(shape.limb_bits);
        let recompose = |row: usize, limbs| self.recompose(row, limbs, base);
        let fold = |sum: Field, index: usize| if index == 0 { Field::ZERO } else { sum * r };
        let split = shape.remainder_limbs as usize;
        let end_of_limbs = split + shape.magnitude_limbs as usize;
        let shift = power_of_two(shape.shift());
        let half = if shape.has_hidden() {
            power_of_two(shape.shift() - 1)
        } else {
            Field::ZERO
        };
        // The ends come after the hashes, if there are any.
        let ends = &self.instance[usize::from(shape.hashes())];
        for (row, kind) in compiled.rows().iter().enumerate() {
            combination[row] = sum;
            sum = match *kind {
                Row::Output { end, output, digit } => {
                    let weight = power_of_two(shape.limbs() * shape.limb_bits * digit as u32);
                    let limbs = recompose(row, 0..shape.limbs() as usize) * weight;
                    let limbs = if end == End::Upper { -limbs } else { limbs };
                    if digit > 0 {
                        sum + limbs
                    } else {
                        let bias = field(compiled.fixed_bias(last_layer, output).into());
                        fold(sum, output) + limbs + ends[row] - bias
                    }
                }
                Row::Value { block, .. } if block > 0 => sum,
                Row::Bias { .. } => sum,
                Row::Value { layer: 0, .. } => Field::ZERO,
                Row::Value { layer, index, .. } => {
                    let remainder = recompose(row, 0..split);
                    let magnitude = recompose(row, split..end_of_limbs);
                    let y = (self.value[row].double() - magnitude) * shift + remainder - half;
                    let bias = field(compiled.fixed_bias(layer - 1, index).into());
                    fold(sum, index) + y - bias
                }
            };
        }
        combination
    }

    /// The integer that some limbs of a row stand for, in the given base.
    fn recompose(&self, row: usize, limbs: Range<usize>, base: Field) -> Field {
        let limbs = limbs.rev().map(|limb| self.limbs[limb][row]);
        limbs.fold(Field::ZERO, |sum, limb| sum * base + limb)
    }

    /// The values of all rows, from their column or from their limbs.
    fn values(&self, shape: &Shape) -> Cow<'_, [Field]> {
        if shape.has_values() {
            return Cow::Borrowed(&self.value);
        }
        let offset = power_of_two(shape.input_bits() - 1);
        let mut values = vec![-offset; shape.last_row() + 1];
        for (limb, i) in self.limbs.iter().zip(0..shape.input_limbs) {
            let factor = power_of_two(i * shape.limb_bits);
            for (value, limb) in values.iter_mut().zip(limb) {
                *value += *limb * factor;
            }
        }
        Cow::Owned(values)
    }
}

/// `(remainder, quotient)` of `y + 2^(shift-1)` by `2^shift`.
fn divide(y: i64, shift: u32) -> (u64, i64) {
    let raised = i128::from(y) + (1 << (shift - 1));
    let quotient = raised >> shift;
    ((raised - (quotient << shift)) as u64, quotient as i64)
}

/// `1, r, r^2, ...`, `count` of them.
fn powers(r: Field, count: usize) -> Vec<Field> {
    std::iter::successors(Some(Field::ONE), |power| Some(*power * r))
        .take(count)
        .collect()
}

/// `1, r^C, r^2C, ...` for blocks of `C = powers.len()` outputs.
fn powers_of_block(block: &[Field], r: Field, count: usize) -> Vec<Field> {
    powers(block.last().map_or(Field::ONE, |last| *last * r), count)
}

/// Limb cells as small integers, before they become field elements.
struct LimbCells {
    bits: u32,
    columns: Vec<Vec<u32>>,
}

impl LimbCells {
    /// Puts the low limbs of `value` into the given columns of `row`.
    fn set(&mut self, row: usize, columns: std::ops::Range<usize>, mut value: u64) {
        let mask = (1u64 << self.bits) - 1;
        for column in columns {
            self.columns[column][row] = (value & mask) as u32;
            value = value.checked_shr(self.bits).unwrap_or(0);
        }
    }

    fn into_fields(self) -> Vec<Vec<Field>> {
        let convert = |column: Vec<u32>| {
            column
                .into_iter()
                .map(|limb| Field::from(u64::from(limb)))
                .collect()
        };
        self.columns.into_iter().map(convert).collect()
    }
}

/// The cells of secret weights; none if weights are fixed.
struct SecretWeights(Vec<Vec<i64>>);

impl SecretWeights {
    fn new(compiled: &CompiledModel) -> Self {
        let shape = compiled.shape();
        if !shape.unbound() {
            return Self(vec![]);
        }
        let mut columns = vec![vec![0; shape.last_row() + 1]; shape.block_width as usize];
        for (row, kind) in compiled.rows().iter().enumerate() {
            for (column, weight) in compiled.weights(*kind) {
                columns[column][row] = weight;
            }
        }
        Self(columns)
    }

    fn into_fields(self) -> Vec<Vec<Field>> {
        let convert = |column: Vec<i64>| column.into_iter().map(|w| field(w.into())).collect();
        self.0.into_iter().map(convert).collect()
    }
}

/// How often each entry of the range table is used.
fn multiplicity(shape: &Shape, limbs: &LimbCells, weights: &SecretWeights) -> Vec<Field> {
    let last = shape.last_row();
    let half = 1i64 << (shape.limb_bits - 1);
    let mut counts = vec![0u64; last + 1];
    for column in &limbs.columns {
        for limb in &column[..last] {
            counts[*limb as usize] += 1;
        }
    }
    for column in &weights.0 {
        for weight in &column[..last] {
            counts[(weight + half) as usize] += 1;
        }
    }
    counts.into_iter().map(Field::from).collect()
}
