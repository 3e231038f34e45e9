//! The advice columns of a program.

use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::halo2_proofs::plonk::{Advice, Column};
use zkassay_gadgets::program::{ProgramColumns, ProgramShape, instance, lookups};
use zkassay_gadgets::{Field, field, logup};
use zkassay_quant::{Finish, IntegerConv, Kind, ProgramTrace};

use super::grid::Grid;
use super::layout::{CompiledProgram, Producer, Weights, id, segment_number};

/// The advice columns of phase 1 and the public values, for one input.
///
/// Phase 2 is a function of these and the challenges, computed while proving: a dishonest
/// phase 1 gets an honest phase 2, which is what soundness tests want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramWitness {
    /// What rows produce, rows `0..=last_row`.
    pub value: Vec<Field>,
    /// What rows read.
    pub operand: Vec<Field>,
    /// One column per limb.
    pub limbs: Vec<Vec<Field>>,
    /// How often each entry of the range table is used.
    pub multiplicity: Vec<Field>,
    /// Segment, `c0`, `c1` and how often each entry of the table of functions is used; none without
    /// functions.
    pub function: Vec<Vec<Field>>,
    /// The instance column.
    pub instance: Vec<Vec<Field>>,
    /// The integers of the input.
    pub inputs: Vec<i64>,
    /// The outputs, at their scale.
    pub outputs: Vec<i64>,
}

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

/// Limbs of all rows, before they are field elements.
struct LimbCells {
    bits: u32,
    columns: Vec<Vec<u32>>,
}

impl LimbCells {
    /// Writes a number to the limbs from `first` on, in `row`.
    fn set(&mut self, row: usize, first: u32, number: u128) {
        let mask = (1u128 << self.bits) - 1;
        for (position, column) in self.columns[first as usize..].iter_mut().enumerate() {
            let skip = self.bits * position as u32;
            column[row] = (number.checked_shr(skip).unwrap_or(0) & mask) as u32;
        }
    }
}

impl ProgramWitness {
    /// Fills the table from an evaluation.
    pub(super) fn new(compiled: &CompiledProgram, trace: &ProgramTrace) -> Self {
        let (shape, program) = (compiled.shape(), compiled.program());
        let length = shape.last_row() + 1;
        let columns = |count: usize| vec![vec![Field::ZERO; length]; count];
        let mut limbs = LimbCells {
            bits: shape.limb_bits,
            columns: vec![vec![0; length]; shape.limbs as usize],
        };
        let [mut value, mut operand] = [(); 2].map(|()| vec![Field::ZERO; length]);
        let mut function = columns(if shape.kinds.table { 4 } else { 0 });
        let mut used = vec![0u64; length];
        let mut firsts = vec![program.inputs];
        for step in &program.steps {
            firsts.push(firsts[firsts.len() - 1] + step.len());
        }
        let full: Vec<Option<Full>> = (compiled.rows.grids.iter().zip(&program.steps))
            .map(|(grid, step)| match (grid, &step.kind) {
                (Some(grid), Kind::Conv(conv)) => Some(Full::new(conv, grid, &trace.wires)),
                _ => None,
            })
            .collect();

        for (row, consumer) in compiled.consumers().iter().enumerate() {
            if let Some(wire) = consumer.operand {
                operand[row] = field(trace.wires[wire].into());
            }
        }
        for (row, producer) in compiled.producers().iter().enumerate() {
            match *producer {
                Producer::Idle => {}
                Producer::Input(wire) => {
                    let x = trace.wires[wire];
                    value[row] = field(x.into());
                    let half = 1i128 << (shape.input_bits() - 1);
                    limbs.set(row, 0, (i128::from(x) + half).unsigned_abs());
                }
                Producer::Free {
                    step,
                    channel,
                    position,
                    ..
                } => {
                    if let Some(full) = &full[step] {
                        value[row] = field(full.at(channel, position));
                    }
                }
                Producer::Function { step, index } => {
                    let Kind::Table { table, inputs } = &program.steps[step].kind else {
                        continue;
                    };
                    let v = trace.wires[firsts[step] + index];
                    let x = trace.wires[inputs[index]];
                    let (segment, place) = program.tables[*table].locate(x, &program.limbs);
                    let (c0, c1) = program.tables[*table].segments[segment];
                    let number = segment_number(*table, segment);
                    let cells = [number, field(c0.into()), field(c1.into())];
                    for (column, cell) in function.iter_mut().zip(cells) {
                        column[row] = cell;
                    }
                    used[compiled.segment_row(*table, segment)] += 1;
                    let half = 1i128 << (shape.table_bits() - 1);
                    let interpolated = i128::from(c0) + i128::from(c1) * i128::from(place);
                    let rest = interpolated + half - (i128::from(v) << shape.table_bits());
                    let place = u128::from(place.unsigned_abs());
                    limbs.set(row, 0, place | rest.unsigned_abs() << shape.limb_bits);
                }
                Producer::Wire { step, index } => {
                    let wire = firsts[step] + index;
                    let v = trace.wires[wire];
                    value[row] = field(v.into());
                    let finish = program.steps[step].finish;
                    limbs.set(row, 0, limb_number(shape, finish, v, trace.accumulators[wire]));
                }
            }
        }
        let mut multiplicity = vec![0u64; length];
        for column in &limbs.columns {
            for limb in &column[..shape.last_row()] {
                multiplicity[*limb as usize] += 1;
            }
        }
        let elements = |numbers: Vec<u64>| numbers.into_iter().map(Field::from).collect();
        if let Some(column) = function.last_mut() {
            *column = elements(used);
        }
        let outputs = &trace.outputs;
        Self {
            instance: vec![instance(shape, &trace.wires[..program.inputs], outputs)],
            value,
            operand,
            limbs: limbs.columns.into_iter().map(|column| {
                column.into_iter().map(|limb| Field::from(u64::from(limb))).collect()
            }).collect(),
            multiplicity: elements(multiplicity),
            function,
            inputs: trace.wires[..program.inputs].to_vec(),
            outputs: outputs.clone(),
        }
    }

    /// Whether it has the columns and rows of a shape.
    pub fn fits(&self, shape: &ProgramShape) -> bool {
        let length = shape.last_row() + 1;
        let all = [&self.value, &self.operand, &self.multiplicity];
        self.limbs.len() == shape.limbs as usize
            && self.function.len() == if shape.kinds.table { 4 } else { 0 }
            && all.into_iter().chain(&self.limbs).chain(&self.function).all(|c| c.len() == length)
            && self.instance.len() == 1
            && self.instance[0].len() <= length
    }

    /// The columns of phase 1.
    pub fn first_phase(&self, columns: &ProgramColumns) -> Vec<(Column<Advice>, &[Field])> {
        let mut all: Vec<(Column<Advice>, &[Field])> = vec![
            (columns.value, &self.value),
            (columns.operand, &self.operand),
            (columns.lookups.multiplicity, &self.multiplicity),
        ];
        let limbs = columns.limbs.iter().zip(&self.limbs);
        all.extend(limbs.map(|(column, cells)| (*column, cells.as_slice())));
        if let Some(function) = &columns.function {
            let [c0, c1] = function.coefficients;
            let columns = [function.segment, c0, c1, function.multiplicity];
            let cells = columns.into_iter().zip(&self.function);
            all.extend(cells.map(|(column, cells)| (column, cells.as_slice())));
        }
        all
    }

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
            if compiled.rows.places.get(row).is_some_and(|place| place.last) {
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
        for wire in compiled.consumers().iter().filter_map(|consumer| consumer.operand) {
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
            let number = if produces { field(id(row)) } else { Field::ZERO };
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
                denominators.push(function([number, field(first.into()), field(second.into())]));
            }
        }
        (numerators, denominators)
    }
}

/// What the limbs of a row stand for, together, that holds `v` for the accumulator `y`.
fn limb_number(shape: &ProgramShape, finish: Finish, v: i64, y: i128) -> u128 {
    let shift = shape.shift();
    let half = |bits: u32| 1i128 << (bits - 1);
    let rounded = y + half(shift);
    let (remainder, quotient) = (rounded & ((1 << shift) - 1), rounded >> shift);
    let with_remainder = |magnitude: u128| remainder.unsigned_abs() | magnitude << shift;
    match finish {
        Finish::Round => with_remainder((quotient + half(shape.magnitude_bits())).unsigned_abs()),
        Finish::Relu => with_remainder(quotient.unsigned_abs()),
        Finish::ExactRelu => y.unsigned_abs(),
        Finish::Exact => (i128::from(v) + half(shape.total_bits())).unsigned_abs(),
        Finish::Nonnegative => v.unsigned_abs().into(),
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

/// What a convolution gives at every position, without biases.
struct Full {
    positions: usize,
    sums: Vec<i128>,
}

impl Full {
    fn new(conv: &IntegerConv, grid: &Grid, wires: &[i64]) -> Self {
        let positions = grid.len;
        let mut sums = vec![0; conv.bias.len() * positions];
        let [channels, height, width] = conv.input;
        for (o, sums) in sums.chunks_exact_mut(positions).enumerate() {
            for channel in 0..channels {
                for class in &grid.classes {
                    for &(v, y, x) in &class.pixels {
                        let Some(wire) = conv.inputs[(channel * height + y) * width + x] else {
                            continue;
                        };
                        let x = i128::from(wires[wire]);
                        // By place; those beyond the pixel's contribute to no position.
                        let taps = class.taps.iter().take_while(|(m, ..)| *m <= v);
                        for &(m, qy, qx) in taps {
                            sums[v - m] += x * i128::from(conv.weights[[o, channel, qy, qx]]);
                        }
                    }
                }
            }
        }
        Self { positions, sums }
    }

    fn at(&self, channel: usize, position: usize) -> i128 {
        self.sums[channel * self.positions + position]
    }
}
