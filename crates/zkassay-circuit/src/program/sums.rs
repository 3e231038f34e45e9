//! The advice columns of phase 2: factors, sums, lookups.

use std::collections::HashMap;

use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::halo2_proofs::halo2curves::group::ff::BatchInvert as _;
use zkassay_gadgets::halo2_proofs::plonk::{Advice, Column};
use zkassay_gadgets::program::{ProgramColumns, ProgramShape, forest, lookups};
use zkassay_gadgets::{Field, field, logup};
use zkassay_quant::{Finish, Kind};

use super::layout::{CompiledProgram, Producer, Weights, id};
use super::trees::Trees;
use super::witness::{Lane, ProgramWitness};
use crate::hash::{self, Place};
use crate::layout::Cells;

/// The challenges of a program's phase 2.
#[derive(Clone, Copy, Debug)]
pub struct Challenges {
    /// Linear steps and places within them.
    pub r: Field,
    /// Lanes; any number if there is one.
    pub rho: Field,
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
        let trees = TreeCells::of(compiled, columns);
        let dot = self.dot(compiled, challenges, &factor, trees.as_ref());
        let combination = self.combination(compiled, challenges);
        let mut all = vec![(columns.dot, dot), (columns.combination, combination)];
        all.extend(columns.factor.map(|column| (column, factor)));
        let flows = self.flows(compiled, challenges);
        let rows = compiled.shape().last_row();
        let total = |row| {
            flows
                .iter()
                .flatten()
                .map(|flow: &Vec<Field>| flow[row])
                .sum()
        };
        let totals: Vec<Field> = match compiled.trees() {
            Some(_) => (0..rows).map(total).collect(),
            None => vec![],
        };
        let (numerators, denominators) = self.fractions(compiled, challenges);
        let per_row = lookups::fractions(compiled.shape());
        let sums = columns
            .lookups
            .assign(&numerators, denominators, per_row, &totals);
        for (lane, flows) in columns.lanes.iter().zip(flows) {
            all.extend(lane.flows.iter().copied().zip(flows));
        }
        let helpers = columns.lookups.helpers.iter();
        let targets = std::iter::once(&columns.lookups.sum).chain(helpers);
        all.extend(targets.copied().zip(sums));
        if let Some(hash) = &columns.hash {
            all.push((hash.packed, self.packed(compiled, challenges)));
            all.push((hash.absorbed, self.absorbed(compiled, challenges)));
        }
        all
    }

    /// The Horner sum of the packed inputs and outputs.
    fn packed(&self, compiled: &CompiledProgram, challenges: &Challenges) -> Vec<Field> {
        let shape = compiled.shape();
        let shifted = |places: Vec<Place>, bits: u32| {
            let half = zkassay_gadgets::power_of_two(bits - 1);
            places.into_iter().map(move |place| {
                let of_lane = |lane: &Lane| lane.value[place.row] + half;
                (place, mixed(&self.lanes, challenges.rho, of_lane))
            })
        };
        let [outputs, inputs] = compiled.packed_places();
        let outputs = shifted(outputs, shape.output_bits());
        let inputs = shifted(inputs, shape.input_bits());
        hash::packed(shape.last_row(), challenges.r, outputs.chain(inputs))
    }

    /// The Horner sum of what the hashes absorb.
    fn absorbed(&self, compiled: &CompiledProgram, challenges: &Challenges) -> Vec<Field> {
        let lanes: Vec<_> = self.lanes.iter().map(|l| l.rounds.as_slice()).collect();
        let challenges = (challenges.r, challenges.rho);
        let last = compiled.shape().last_row();
        hash::absorbed(last, challenges, &lanes, &compiled.sponges())
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
        trees: Option<&TreeCells>,
    ) -> Vec<Field> {
        let starts = compiled.shape().starts.iter();
        let starts = starts.map(|outputs| challenges.r.pow_vartime([u64::from(*outputs)]));
        let starts: Vec<Field> = starts.collect();
        let mut sums = vec![Field::ZERO; factors.len()];
        let mut sum = Field::ZERO;
        for row in 0..factors.len() {
            sums[row] = sum;
            let Some(consumer) = compiled.consumers().get(row) else {
                continue;
            };
            if let Some(start) = consumer.start {
                sum *= starts[start];
            }
            if consumer.operand.is_some() {
                let operand = mixed(&self.lanes, challenges.rho, |lane| lane.operand[row]);
                sum += operand * factors[row];
            }
            if let Some(trees) = trees {
                sum += self.trees(trees, challenges, row, factors[row]);
            }
        }
        sums
    }

    /// What the trees add to `dot` in a row.
    fn trees(
        &self,
        trees: &TreeCells,
        challenges: &Challenges,
        row: usize,
        factor: Field,
    ) -> Field {
        let Some(cells) = trees.rows.get(&row) else {
            return Field::ZERO;
        };
        let of_lane = |lane: &Lane| {
            let operand = match cells.reads {
                true => lane.operand[row],
                false => Field::ONE,
            };
            let (mut ranks, mut scores) = (Field::ZERO, -cells.score * operand);
            for (slot, [rank, no, turn]) in cells.slots.iter().enumerate() {
                let (below, edge) = (lane.below[slot][row], lane.edges[slot][row]);
                ranks += below * rank;
                if !bool::from(edge.is_zero()) {
                    scores += edge * (*no + below * turn);
                }
            }
            factor * ranks + challenges.beta * scores
        };
        mixed(&self.lanes, challenges.rho, of_lane)
    }

    /// The sums of fractions of nodes, for each lane and group of slots.
    fn flows(&self, compiled: &CompiledProgram, challenges: &Challenges) -> Vec<Vec<Vec<Field>>> {
        let shape = compiled.shape();
        let Some(trees) = compiled.trees() else {
            return vec![];
        };
        let square = challenges.gamma.square();
        let per_flow = forest::nodes_per_flow(shape);
        let groups = trees.slots.div_ceil(per_flow);
        let of_lane = |(index, lane): (usize, &Lane)| {
            let common = challenges.beta + challenges.gamma * forest::nodes_id(index);
            let mut places = vec![];
            let mut inverses = vec![];
            for place in 0..trees.entries.len() {
                let (row, slot) = trees.cell(place);
                let edge = lane.edges[slot][row];
                if !bool::from(edge.is_zero()) {
                    let from = common + square * field(trees.number(place).into());
                    inverses.extend([from, from + square * edge]);
                    places.push((row, slot));
                }
            }
            inverses.iter_mut().batch_invert();
            let mut flows = vec![vec![Field::ZERO; shape.last_row() + 1]; groups];
            for ((row, slot), ends) in places.into_iter().zip(inverses.chunks_exact(2)) {
                flows[slot / per_flow][row] += ends[1] - ends[0];
            }
            flows
        };
        self.lanes.iter().enumerate().map(of_lane).collect()
    }

    fn combination(&self, compiled: &CompiledProgram, challenges: &Challenges) -> Vec<Field> {
        let (shape, program) = (compiled.shape(), compiled.program());
        let weights: Vec<Field> = (0..shape.limbs)
            .map(|limb| zkassay_gadgets::power_of_two(limb * shape.limb_bits))
            .collect();
        let mut sums = vec![Field::ZERO; shape.last_row() + 1];
        let mut sum = Field::ZERO;
        for (row, producer) in compiled.producers().iter().enumerate() {
            sums[row] = sum;
            let of_lane: &dyn Fn(&Lane) -> Field = match *producer {
                Producer::Free { cells: 1, .. } => &|lane| lane.value[row],
                Producer::Free { .. } => {
                    let cells = |lane: &Lane| {
                        let cells = lane.limbs.iter().map(|column| column[row]);
                        cells.fold(lane.value[row], |sum, cell| sum * challenges.r + cell)
                    };
                    let power = challenges.r.pow_vartime([u64::from(shape.limbs) + 1]);
                    sum = sum * power + mixed(&self.lanes, challenges.rho, cells);
                    continue;
                }
                Producer::Input(wire) => {
                    let Some(count) = compiled.thresholds(wire) else {
                        continue;
                    };
                    &move |lane| lane.value[row] - Field::from(u64::from(count))
                }
                Producer::Wire { step, index } => {
                    let step = &program.steps[step];
                    let Some(bias) = linear_bias(step, index) else {
                        continue;
                    };
                    let weights = &weights;
                    &move |lane| {
                        let limbs = |from: u32, to: u32| {
                            let range = from as usize..to as usize;
                            let cells = lane.limbs[range].iter().zip(weights);
                            cells.fold(Field::ZERO, |sum, (limb, weight)| sum + limb[row] * weight)
                        };
                        accumulator(shape, step.finish, lane.value[row], limbs) - field(bias.into())
                    }
                }
                _ => continue,
            };
            let accumulator = mixed(&self.lanes, challenges.rho, of_lane);
            sum = sum * challenges.r + accumulator;
        }
        for cell in &mut sums[compiled.producers().len()..] {
            *cell = sum;
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
            let producer = compiled.producers().get(row);
            let produces = producer.is_some_and(|producer| {
                matches!(producer, Producer::Input(_) | Producer::Wire { .. })
            });
            let is_limb = match producer.is_some_and(Producer::is_wide) {
                true => Field::ZERO,
                false => Field::ONE,
            };
            let is_function = matches!(producer, Some(Producer::Function { .. }));
            let made = if produces {
                field(id(row))
            } else {
                Field::ZERO
            };
            let sent = Field::from(readers.get(row).copied().unwrap_or(0));
            let wire = compiled.consumers().get(row).and_then(|c| c.operand);
            let (received, read) = match wire {
                Some(wire) => (-Field::ONE, field(id(compiled.rows.row_of[wire]))),
                None => (Field::ZERO, Field::ZERO),
            };
            for (index, lane) in self.lanes.iter().enumerate() {
                let first = lookups::first_id(index);
                for limb in &lane.limbs {
                    numerators.push(is_limb);
                    denominators.push(beta + limb[row]);
                }
                let sides = [
                    (sent, made, lane.value[row]),
                    (received, read, lane.operand[row]),
                ];
                for (count, number, cell) in sides {
                    numerators.push(count);
                    denominators.push(beta + (number + first) * gamma + cell * square);
                }
                if let [segment, c0, c1] = lane.segment.as_slice() {
                    numerators.push(Field::from(u64::from(is_function)));
                    denominators.push(function([segment[row], c0[row], c1[row]]));
                }
            }
            let entry = logup::table_entry(row, shape.limb_bits);
            numerators.push(-self.multiplicity[row]);
            denominators.push(beta + Field::from(entry));
            if let Some(used) = self.function.get(row) {
                let (number, (first, second)) = compiled.segment(row);
                numerators.push(-*used);
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

/// The fixed cells of trees, row by row.
struct TreeCells {
    rows: HashMap<usize, RowCells>,
}

/// The fixed cells of trees in a row.
#[derive(Default)]
struct RowCells {
    /// Place in the packed scores.
    score: Field,
    /// Of an operand, not of a constant.
    reads: bool,
    /// What answers add to the rank, and edges to the scores: after no, and the difference after yes.
    slots: Vec<[Field; 3]>,
}

impl TreeCells {
    fn of(compiled: &CompiledProgram, columns: &ProgramColumns) -> Option<Self> {
        let (trees, forest) = (compiled.trees()?, columns.forest.as_ref()?);
        let (_, model) = Trees::of(compiled.program())?;
        let mut cells = Cells::default();
        trees.fixed_cells(model, compiled.shape().total_bits(), forest, &mut cells);
        // Which column of which slot.
        let mut places = HashMap::new();
        for (slot, columns) in forest.slots.iter().enumerate() {
            for (part, column) in [columns.rank, columns.no_score, columns.turn_score]
                .iter()
                .enumerate()
            {
                places.insert(column.index(), (slot, part));
            }
        }
        let mut rows: HashMap<usize, RowCells> = HashMap::new();
        for (column, row, value) in cells.0 {
            let cells = rows.entry(row).or_insert_with(|| RowCells {
                reads: compiled
                    .consumers()
                    .get(row)
                    .is_some_and(|consumer| consumer.operand.is_some()),
                slots: vec![[Field::ZERO; 3]; trees.slots],
                ..RowCells::default()
            });
            if column == forest.score {
                cells.score = value;
            } else if let Some((slot, part)) = places.get(&column.index()) {
                cells.slots[*slot][*part] = value;
            }
        }
        Some(Self { rows })
    }
}

/// `sum_l rho^l of_l` over the lanes.
fn mixed(lanes: &[Lane], rho: Field, of: impl Fn(&Lane) -> Field) -> Field {
    let lanes = lanes.iter().rev();
    lanes.fold(Field::ZERO, |sum, lane| sum * rho + of(lane))
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
