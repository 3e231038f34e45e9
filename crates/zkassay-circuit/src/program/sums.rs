//! The advice columns of phase 2: factors, sums, lookups.

use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::halo2_proofs::plonk::{Advice, Column};
use zkassay_gadgets::program::{ProgramColumns, ProgramShape, lookups};
use zkassay_gadgets::{Field, field, logup};
use zkassay_quant::{Finish, Kind};

use super::layout::{CompiledProgram, Producer, Weights, id};
use super::witness::ProgramWitness;

/// The challenges of a program's phase 2.
#[derive(Clone, Copy, Debug)]
pub struct Challenges {
    /// Places within a step.
    pub r: Field,
    /// Steps.
    pub lambda: Field,
    /// Lookups.
    pub beta: Field,
    /// Kinds of lookups.
    pub gamma: Field,
}

impl ProgramWitness {
    /// The columns of phase 2.
    pub fn second_phase(
        &self,
        compiled: &CompiledProgram,
        columns: &ProgramColumns,
        challenges: &Challenges,
    ) -> Vec<(Column<Advice>, Vec<Field>)> {
        let factor = self.factors(compiled, challenges);
        let dot = self.dot(compiled, challenges, &factor);
        let horner = self.horner(compiled, challenges);
        let combination = self.combination(compiled, challenges, &horner);
        let mut all = vec![
            (columns.factor, factor),
            (columns.dot, dot),
            (columns.horner, horner),
            (columns.combination, combination),
        ];
        let (numerators, denominators) = self.fractions(compiled, challenges);
        let per_row = lookups::fractions(compiled.shape());
        let sums = columns.lookups.assign(&numerators, denominators, per_row);
        let helpers = columns.lookups.helpers.iter();
        let targets = std::iter::once(&columns.lookups.sum).chain(helpers);
        all.extend(targets.copied().zip(sums));
        all
    }

    fn factors(&self, compiled: &CompiledProgram, challenges: &Challenges) -> Vec<Field> {
        let shape = compiled.shape();
        let r = challenges.r;
        let powers: Vec<Field> = std::iter::successors(Some(Field::ONE), |power| Some(power * r))
            .take(shape.block_width as usize)
            .collect();
        let steps: Vec<Field> = shape
            .strides
            .iter()
            .map(|stride| r.pow_vartime([u64::from(*stride)]))
            .collect();
        let mut factors = vec![Field::ZERO; shape.last_row() + 1];
        let mut factor = Field::ZERO;
        for (row, consumer) in compiled.consumers().iter().enumerate() {
            factor = match consumer.stride {
                Some(stride) => factor * steps[stride],
                None => Field::ZERO,
            };
            match consumer.weights {
                Weights::None => {}
                Weights::One(weight) => factor += field(weight.into()),
                weights => {
                    for (column, weight) in compiled.weights(weights) {
                        factor += powers[column] * field(weight.into());
                    }
                }
            }
            factors[row] = factor;
        }
        factors
    }

    fn dot(
        &self,
        compiled: &CompiledProgram,
        challenges: &Challenges,
        factors: &[Field],
    ) -> Vec<Field> {
        let mut sums = vec![Field::ZERO; factors.len()];
        let mut sum = Field::ZERO;
        for row in 0..factors.len() {
            sums[row] = sum;
            let Some(consumer) = compiled.consumers().get(row) else {
                continue;
            };
            if consumer.start {
                sum *= challenges.lambda;
            }
            if consumer.operand.is_some() {
                sum += self.operand[row] * factors[row];
            }
        }
        sums
    }

    fn horner(&self, compiled: &CompiledProgram, challenges: &Challenges) -> Vec<Field> {
        let (shape, program) = (compiled.shape(), compiled.program());
        let weights: Vec<Field> = (0..shape.limbs)
            .map(|limb| zkassay_gadgets::power_of_two(limb * shape.limb_bits))
            .collect();
        let mut sums = vec![Field::ZERO; shape.last_row() + 1];
        let mut sum = Field::ZERO;
        for (row, place) in compiled.rows.places.iter().enumerate() {
            let accumulator = match compiled.producers()[row] {
                Producer::Free { .. } => self.value[row],
                Producer::Wire { step, index } => {
                    let step = &program.steps[step];
                    let Some(bias) = linear_bias(step, index) else {
                        continue;
                    };
                    let limbs = |from: u32, to: u32| {
                        let range = from as usize..to as usize;
                        let cells = self.limbs[range].iter().zip(&weights);
                        cells.fold(Field::ZERO, |sum, (limb, weight)| sum + limb[row] * weight)
                    };
                    let value = self.value[row];
                    accumulator(shape, step.finish, value, limbs) - field(bias.into())
                }
                _ => continue,
            };
            sum = match place.more {
                true => sum * challenges.r + accumulator,
                false => accumulator,
            };
            sums[row] = sum;
        }
        sums
    }

    fn combination(
        &self,
        compiled: &CompiledProgram,
        challenges: &Challenges,
        horner: &[Field],
    ) -> Vec<Field> {
        let mut sums = vec![Field::ZERO; horner.len()];
        let mut sum = Field::ZERO;
        for (row, cell) in sums.iter_mut().enumerate() {
            *cell = sum;
            if compiled
                .rows
                .places
                .get(row)
                .is_some_and(|place| place.last)
            {
                sum = sum * challenges.lambda + horner[row];
            }
        }
        sums
    }

    /// Numerators and denominators of the lookups, row by row, in the order of the gates.
    fn fractions(
        &self,
        compiled: &CompiledProgram,
        challenges: &Challenges,
    ) -> (Vec<Field>, Vec<Field>) {
        let shape = compiled.shape();
        let Challenges { beta, gamma, .. } = *challenges;
        let square = gamma.square();
        let fourth = square.square();
        let (tag, powers) = (square * gamma, [fourth, fourth * gamma, fourth * square]);
        let function = |[segment, c0, c1]: [Field; 3]| {
            beta + tag + segment * powers[0] + c0 * powers[1] + c1 * powers[2]
        };
        let mut readers = vec![0u64; compiled.producers().len()];
        for wire in compiled
            .consumers()
            .iter()
            .filter_map(|consumer| consumer.operand)
        {
            readers[compiled.rows.row_of[wire]] += 1;
        }
        let rows = shape.last_row();
        let per_row = lookups::fractions(shape);
        let mut numerators = Vec::with_capacity(rows * per_row);
        let mut denominators = Vec::with_capacity(rows * per_row);
        for row in 0..rows {
            for limb in &self.limbs {
                numerators.push(Field::ONE);
                denominators.push(beta + limb[row]);
            }
            let entry = logup::table_entry(row, shape.limb_bits);
            numerators.push(-self.multiplicity[row]);
            denominators.push(beta + Field::from(entry));

            let producer = compiled.producers().get(row);
            let produces = producer.is_some_and(|producer| {
                matches!(producer, Producer::Input(_) | Producer::Wire { .. })
            });
            let number = if produces {
                field(id(row))
            } else {
                Field::ZERO
            };
            let sent = readers.get(row).copied().unwrap_or(0);
            numerators.push(Field::from(sent));
            denominators.push(beta + number * gamma + self.value[row] * square);

            let wire = compiled.consumers().get(row).and_then(|c| c.operand);
            let (count, number) = match wire {
                Some(wire) => (-Field::ONE, field(id(compiled.rows.row_of[wire]))),
                None => (Field::ZERO, Field::ZERO),
            };
            numerators.push(count);
            denominators.push(beta + number * gamma + self.operand[row] * square);

            if let [segment, c0, c1, used] = self.function.as_slice() {
                let is_function = matches!(producer, Some(Producer::Function { .. }));
                numerators.push(Field::from(u64::from(is_function)));
                denominators.push(function([segment[row], c0[row], c1[row]]));
                let (number, (first, second)) = compiled.segment(row);
                numerators.push(-used[row]);
                denominators.push(function([
                    number,
                    field(first.into()),
                    field(second.into()),
                ]));
            }
        }
        (numerators, denominators)
    }
}

/// The accumulator that the cells of a row stand for, as the gates have it.
fn accumulator(
    shape: &ProgramShape,
    finish: Finish,
    value: Field,
    limbs: impl Fn(u32, u32) -> Field,
) -> Field {
    let shift = zkassay_gadgets::power_of_two(shape.shift());
    let half = zkassay_gadgets::power_of_two(shape.shift() - 1);
    let remainder = || limbs(0, shape.shift_limbs) - half;
    match finish {
        Finish::Round => value * shift + remainder(),
        Finish::Relu => {
            (value.double() - limbs(shape.shift_limbs, shape.limbs)) * shift + remainder()
        }
        Finish::ExactRelu => value.double() - limbs(0, shape.limbs),
        Finish::Exact | Finish::Nonnegative => value,
    }
}

/// The bias of a wire of a linear step; `None` for other steps.
fn linear_bias(step: &zkassay_quant::Step, index: usize) -> Option<i64> {
    match step.kind {
        Kind::Dense { .. } | Kind::Conv(_) | Kind::Sums(_) => {
            Some(super::layout::step_bias(step, index))
        }
        _ => None,
    }
}
