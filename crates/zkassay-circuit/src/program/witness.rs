//! The advice columns of a program.

use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::halo2_proofs::plonk::{Advice, Column};
use zkassay_gadgets::poseidon::{Sponge, WIDTH};
use zkassay_gadgets::program::{ProgramColumns, ProgramShape, Public};
use zkassay_gadgets::{Field, field};
use zkassay_quant::{Finish, IntegerConv, Kind, ProgramTrace};

use super::grid::Grid;
use super::layout::{CompiledProgram, Producer, segment_number};
use super::trees::Trees;
use crate::hash;

/// The advice columns of phase 1 and the public values.
///
/// Phase 2 is a function of these and the challenges, computed while proving: a dishonest
/// phase 1 gets an honest phase 2, which is what soundness tests want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramWitness {
    /// One inference each.
    pub lanes: Vec<Lane>,
    /// How often each entry of the range table is used.
    pub multiplicity: Vec<Field>,
    /// How often each entry of the table of functions is used; empty without functions.
    pub function: Vec<Field>,
    /// The instance columns.
    pub instance: Vec<Vec<Field>>,
    /// The integers of the input, lane after lane.
    pub inputs: Vec<i64>,
    /// The outputs at their scale, lane after lane; or their totals.
    pub outputs: Vec<i64>,
}

/// The advice columns of one inference, rows `0..=last_row`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// What rows produce.
    pub value: Vec<Field>,
    /// What rows read.
    pub operand: Vec<Field>,
    /// One column per limb.
    pub limbs: Vec<Vec<Field>>,
    /// Segment of a function, `c0` and `c1`; none without functions.
    pub segment: Vec<Vec<Field>>,
    /// The answers at nodes of trees, one column per slot.
    pub below: Vec<Vec<Field>>,
    /// The edges that are taken.
    pub edges: Vec<Vec<Field>>,
    /// The rounds of the hashes; none if nothing is hashed.
    pub rounds: Vec<Vec<Field>>,
    /// The hash of the inputs, if they are hashed.
    pub input_hash: Option<Field>,
    /// The hash of the outputs, if they are hashed.
    pub output_hash: Option<Field>,
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
    /// Fills the table from evaluations, one per lane.
    pub(super) fn new(compiled: &CompiledProgram, traces: &[ProgramTrace]) -> Self {
        let (shape, program) = (compiled.shape(), compiled.program());
        let mut counts = Counts {
            limbs: vec![0; shape.last_row() + 1],
            segments: vec![0; shape.last_row() + 1],
        };
        let lanes = traces.iter();
        let lanes = lanes.map(|trace| Lane::new(compiled, trace, &mut counts));
        let lanes: Vec<Lane> = lanes.collect();
        let elements = |numbers: Vec<u64>| numbers.into_iter().map(Field::from).collect();
        let inputs: Vec<i64> = traces
            .iter()
            .flat_map(|trace| &trace.wires[..program.inputs])
            .copied()
            .collect();
        let outputs: Vec<i64> = match shape.totals {
            true => (0..program.outputs)
                .map(|output| traces.iter().map(|trace| trace.outputs[output]).sum())
                .collect(),
            false => traces.iter().flat_map(|t| &t.outputs).copied().collect(),
        };
        let public = Public {
            inputs,
            outputs,
            input_hashes: lanes.iter().filter_map(|lane| lane.input_hash).collect(),
            output_hashes: lanes.iter().filter_map(|lane| lane.output_hash).collect(),
        };
        Self {
            lanes,
            multiplicity: elements(counts.limbs),
            function: match shape.kinds.table {
                true => elements(counts.segments),
                false => vec![],
            },
            instance: public.columns(shape),
            inputs: public.inputs,
            outputs: public.outputs,
        }
    }

    /// Whether it has the columns and rows of a shape.
    pub fn fits(&self, shape: &ProgramShape) -> bool {
        let length = shape.last_row() + 1;
        let (lanes, limbs) = (shape.lanes as usize, shape.limbs as usize);
        let (slots, segment) = (shape.slots as usize, if shape.kinds.table { 3 } else { 0 });
        let rounds = if shape.hashes() { 3 * WIDTH } else { 0 };
        let lane_fits = |lane: &Lane| {
            lane.limbs.len() == limbs
                && lane.rounds.len() == rounds
                && lane.segment.len() == segment
                && [&lane.below, &lane.edges].map(Vec::len) == [slots; 2]
                && lane.columns().all(|column| column.len() == length)
        };
        self.lanes.len() == lanes
            && self.lanes.iter().all(lane_fits)
            && self.multiplicity.len() == length
            && self.function.len() == if shape.kinds.table { length } else { 0 }
            && self.instance.len() == lanes
            && self.instance.iter().all(|column| column.len() <= length)
    }

    /// The columns of phase 1.
    pub fn first_phase(&self, columns: &ProgramColumns) -> Vec<(Column<Advice>, &[Field])> {
        let mut all: Vec<(Column<Advice>, &[Field])> =
            vec![(columns.lookups.multiplicity, &self.multiplicity)];
        if let Some(function) = &columns.function {
            all.push((function.multiplicity, &self.function));
        }
        let hashes = columns.hash.iter().flat_map(|hash| hash.rounds());
        let rounds = self.lanes.iter().flat_map(|lane| &lane.rounds);
        all.extend(hashes.zip(rounds.map(Vec::as_slice)));
        for (lane, columns) in self.lanes.iter().zip(&columns.lanes) {
            let nodes = columns.nodes.iter();
            let columns = [columns.value, columns.operand]
                .into_iter()
                .chain(columns.limbs.iter().copied())
                .chain(columns.segment.into_iter().flatten())
                .chain(nodes.clone().map(|node| node.below))
                .chain(nodes.map(|node| node.edge));
            all.extend(columns.zip(lane.values().map(Vec::as_slice)));
        }
        all
    }
}

/// How often entries of tables are used, over all lanes.
struct Counts {
    limbs: Vec<u64>,
    segments: Vec<u64>,
}

impl Lane {
    /// All columns.
    fn columns(&self) -> impl Iterator<Item = &Vec<Field>> {
        self.values().chain(&self.rounds)
    }

    /// Value, operand, limbs, segment, answers, edges.
    fn values(&self) -> impl Iterator<Item = &Vec<Field>> {
        let others = [&self.limbs, &self.segment, &self.below, &self.edges];
        [&self.value, &self.operand]
            .into_iter()
            .chain(others.into_iter().flatten())
    }

    fn new(compiled: &CompiledProgram, trace: &ProgramTrace, counts: &mut Counts) -> Self {
        let (shape, program) = (compiled.shape(), compiled.program());
        let length = shape.last_row() + 1;
        let columns = |count: usize| vec![vec![Field::ZERO; length]; count];
        let mut limbs = LimbCells {
            bits: shape.limb_bits,
            columns: vec![vec![0; length]; shape.limbs as usize],
        };
        let [mut value, mut operand] = [(); 2].map(|()| vec![Field::ZERO; length]);
        let mut function = columns(if shape.kinds.table { 3 } else { 0 });
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
        // Cells of limbs that are no limbs: `(limb, row, number)`.
        let mut others: Vec<(usize, usize, Field)> = vec![];
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
                    cells,
                } => {
                    let Some(full) = &full[step] else { continue };
                    let places = compiled.free_cells(step, channel, position).take(cells);
                    let mut numbers = places.map(|(channel, at)| field(full.at(channel, at)));
                    value[row] = numbers.next().unwrap_or_default();
                    others.extend(numbers.enumerate().map(|(limb, cell)| (limb, row, cell)));
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
                    counts.segments[compiled.segment_row(*table, segment)] += 1;
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
                    limbs.set(
                        row,
                        0,
                        limb_number(shape, finish, v, trace.accumulators[wire]),
                    );
                }
            }
        }
        for column in &limbs.columns {
            for (row, limb) in column[..shape.last_row()].iter().enumerate() {
                let producer = compiled.producers().get(row);
                let is_limb = !producer.is_some_and(Producer::is_wide);
                counts.limbs[*limb as usize] += u64::from(is_limb);
            }
        }
        let slots = shape.slots as usize;
        let (mut below, mut edges) = (columns(slots), columns(slots));
        if let (Some(trees), Some((_, forest))) = (compiled.trees(), Trees::of(program)) {
            for (place, answer) in trees.answers(&trace.wires).into_iter().enumerate() {
                let (row, slot) = trees.cell(place);
                below[slot][row] = Field::from(u64::from(answer));
            }
            for (place, edge) in trees.path(forest, &trace.wires) {
                let (row, slot) = trees.cell(place);
                edges[slot][row] = field(edge.into());
            }
        }
        let elements = |column: Vec<u32>| {
            let limbs = column.into_iter();
            limbs.map(|limb| Field::from(u64::from(limb))).collect()
        };
        let mut limbs: Vec<Vec<Field>> = limbs.columns.into_iter().map(elements).collect();
        for (limb, row, cell) in others {
            limbs[limb][row] = cell;
        }
        let lane = Self {
            value,
            operand,
            limbs,
            segment: function,
            below,
            edges,
            ..Self::default()
        };
        lane.hashed(shape, &trace.wires[..program.inputs], &trace.outputs)
    }

    /// The lane with the hashes of its integers.
    fn hashed(mut self, shape: &ProgramShape, inputs: &[i64], outputs: &[i64]) -> Self {
        let (input, output) = (shape.input_sponge(), shape.output_sponge());
        let sides = [(output, outputs), (input, inputs)];
        let message = |(sponge, integers): (Option<Sponge>, &[i64])| {
            let sponge = sponge?;
            let half = 1i128 << (sponge.bits - 1);
            let shifted = integers.iter().map(|v| field(i128::from(*v) + half));
            Some((sponge, shifted.collect::<Vec<Field>>()))
        };
        let messages: Vec<_> = sides.into_iter().filter_map(message).collect();
        if !messages.is_empty() {
            self.rounds = hash::rounds(shape.last_row() + 1, &messages);
        }
        let digest = |sponge: Sponge| self.rounds[1][sponge.digest_row()];
        (self.input_hash, self.output_hash) = (input.map(digest), output.map(digest));
        self
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
                        let terms = conv.inputs[(channel * height + y) * width + x].iter();
                        let x: i128 = terms.map(|wire| i128::from(wires[*wire])).sum();
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
