//! The advice columns.

use std::borrow::Cow;

use zkassay_fixed::OutputMapError;
use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::{Columns, Field, Shape, field, power_of_two};
use zkassay_quant::Trace;

use crate::CompiledModel;
use crate::layout::{End, Row};

/// The advice columns of phase 1 and the public values, for one input.
///
/// Phase 2 is a function of these and the challenges, computed while proving: a dishonest
/// phase 1 gets an honest phase 2, which is what soundness tests want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The value column, rows `0..=last_row`; empty without hidden layers.
    pub value: Vec<Field>,
    /// One column per limb.
    pub limbs: Vec<Vec<Field>>,
    /// How often each table entry is used.
    pub multiplicity: Vec<Field>,
    /// The instance column: ends of the outputs' intervals.
    pub instance: Vec<Field>,
    /// The public outputs, at the output map's scale.
    pub outputs: Vec<i64>,
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
        let mut value = vec![Field::ZERO; if shape.has_hidden() { length } else { 0 }];
        let last = &trace.accumulators[trace.accumulators.len() - 1];
        let intervals = trace
            .outputs
            .iter()
            .map(|z| model.output.preimage(*z))
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
            }
        }
        Ok(Self {
            value,
            multiplicity: cells.multiplicity(shape),
            limbs: cells.into_fields(),
            instance: instance(shape, &intervals),
            outputs: trace.outputs.clone(),
        })
    }

    /// Whether the columns have the lengths that a circuit of the given shape takes.
    pub fn fits(&self, shape: &Shape) -> bool {
        let length = shape.last_row() + 1;
        let value = if shape.has_hidden() { length } else { 0 };
        self.value.len() == value
            && self.limbs.len() == shape.limbs() as usize
            && self
                .limbs
                .iter()
                .chain([&self.multiplicity])
                .all(|column| column.len() == length)
            && self.instance.len() == shape.output_block()
            && self.outputs.len() == shape.outputs as usize
    }

    /// The columns of phase 2, rows `0..=last_row`: `dot`, `combination`, then the
    /// columns of [`LogUp::assign`](zkassay_gadgets::logup::LogUp::assign).
    pub(crate) fn second_phase(
        &self,
        compiled: &CompiledModel,
        columns: &Columns,
        r: Field,
        beta: Field,
    ) -> Vec<Vec<Field>> {
        let shape = compiled.shape();
        let last = shape.last_row();
        let limbs: Vec<&[Field]> = self.limbs.iter().map(Vec::as_slice).collect();
        let mut phase = vec![self.dot(compiled, r), self.combination(compiled, r)];
        phase.extend(
            columns
                .logup
                .assign(&limbs, &self.multiplicity, shape.limb_bits, last, beta),
        );
        phase
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
                Row::Value {
                    layer,
                    index,
                    block,
                } => {
                    if segment != Some(layer) {
                        (segment, sum) = (Some(layer), Field::ZERO);
                    }
                    let mut u = Field::ZERO;
                    for (column, weight) in compiled.weights(layer, index, block) {
                        u += powers[column] * field(weight.into());
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
        let (shape, model) = (compiled.shape(), compiled.model());
        let mut combination = vec![Field::ZERO; shape.last_row() + 1];
        let mut sum = Field::ZERO;
        let limb_factors: Vec<Field> = (0..shape.limbs())
            .map(|i| power_of_two(i * shape.limb_bits))
            .collect();
        let recompose = |row: usize, limbs: std::ops::Range<usize>| {
            let start = limbs.start;
            limbs.fold(Field::ZERO, |sum, i| {
                sum + self.limbs[i][row] * limb_factors[i - start]
            })
        };
        let fold = |sum: Field, index: usize| if index == 0 { Field::ZERO } else { sum * r };
        let split = shape.remainder_limbs as usize;
        let end_of_limbs = split + shape.magnitude_limbs as usize;
        let shift = power_of_two(shape.shift());
        let half = if shape.has_hidden() {
            power_of_two(shape.shift() - 1)
        } else {
            Field::ZERO
        };
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
                        let layer = &model.layers[model.layers.len() - 1];
                        let bias = field(layer.bias[output].into());
                        fold(sum, output) + limbs + self.instance[row] - bias
                    }
                }
                Row::Value { block, .. } if block > 0 => sum,
                Row::Value { layer: 0, .. } => Field::ZERO,
                Row::Value { layer, index, .. } => {
                    let remainder = recompose(row, 0..split);
                    let magnitude = recompose(row, split..end_of_limbs);
                    let y = (self.value[row].double() - magnitude) * shift + remainder - half;
                    let bias = field(model.layers[layer - 1].bias[index].into());
                    fold(sum, index) + y - bias
                }
            };
        }
        combination
    }

    /// The values of all rows, from their column or from their limbs.
    fn values(&self, shape: &Shape) -> Cow<'_, [Field]> {
        if shape.has_hidden() {
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

/// The instance column of the given interval ends.
fn instance(shape: &Shape, intervals: &[zkassay_fixed::Interval]) -> Vec<Field> {
    let mut instance = vec![Field::ZERO; shape.output_block()];
    for (index, interval) in intervals.iter().enumerate() {
        instance[shape.output_row(0, index)] = field(interval.hi.into());
        instance[shape.output_row(1, index)] = field(interval.lo.into());
    }
    instance
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

    fn multiplicity(&self, shape: &Shape) -> Vec<Field> {
        let last = shape.last_row();
        let mut counts = vec![0u64; last + 1];
        for column in &self.columns {
            for limb in &column[..last] {
                counts[*limb as usize] += 1;
            }
        }
        counts.into_iter().map(Field::from).collect()
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
