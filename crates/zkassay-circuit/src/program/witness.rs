//! The advice columns of a program.

use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::halo2_proofs::plonk::{Advice, Column};
use zkassay_gadgets::program::{ProgramColumns, ProgramShape, instance};
use zkassay_gadgets::{Field, field};
use zkassay_quant::{Finish, IntegerConv, Kind, ProgramTrace};

use super::grid::Grid;
use super::layout::{CompiledProgram, Producer, segment_number};

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
                    limbs.set(
                        row,
                        0,
                        limb_number(shape, finish, v, trace.accumulators[wire]),
                    );
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
            limbs: limbs
                .columns
                .into_iter()
                .map(|column| {
                    column
                        .into_iter()
                        .map(|limb| Field::from(u64::from(limb)))
                        .collect()
                })
                .collect(),
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
            && all
                .into_iter()
                .chain(&self.limbs)
                .chain(&self.function)
                .all(|c| c.len() == length)
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
