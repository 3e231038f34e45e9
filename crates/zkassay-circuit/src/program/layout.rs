//! What halves of rows hold, and the fixed columns.

use std::sync::Arc;

use zkassay_gadgets::halo2_proofs::plonk::{Column, Fixed};
use zkassay_gadgets::poseidon::Sponge;
use zkassay_gadgets::program::{ProgramColumns, ProgramShape};
use zkassay_gadgets::{Field, field, logup, power_of_two};
use zkassay_quant::{Finish, Kind, Program, Step, Sum, Wire};

use super::plan::{ProgramPlan, too_large};
use super::rows::Rows;
use super::trees::Trees;
use super::witness::ProgramWitness;
use crate::hash::{self, Place};
use crate::layout::Cells;
use crate::{CircuitError, CompileOptions};

/// Bits between the numbers of the segments of two functions: beyond any wire.
const FUNCTION_BITS: u32 = 64;

/// What the producer half of a row holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Producer {
    /// Nothing.
    #[default]
    Idle,
    /// An input.
    Input(Wire),
    /// A wire of a step.
    Wire {
        /// Which step.
        step: usize,
        /// Which of its wires.
        index: usize,
    },
    /// The limbs of a function; the next row has the wire.
    Function {
        /// Which step.
        step: usize,
        /// Which of its wires.
        index: usize,
    },
    /// What a convolution gives where it has no output, in one cell or in the limbs' cells, too.
    Free {
        /// Which step.
        step: usize,
        /// The output channel of the first cell.
        channel: usize,
        /// The position of the first cell.
        position: usize,
        /// Number of cells. From one to the next the channel is one more, or the first of its
        /// block again and the position one less.
        cells: usize,
    },
}

impl Producer {
    /// Whether the limbs' cells hold numbers that are no limbs.
    pub fn is_wide(&self) -> bool {
        matches!(self, Self::Free { cells: 2.., .. })
    }
}

/// What the consumer half of a row holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consumer {
    /// The wire that is read.
    pub operand: Option<Wire>,
    /// The weights that are added to its factor.
    pub weights: Weights,
    /// Which stride the factor steps by; none if it starts anew.
    pub stride: Option<usize>,
    /// How many outputs of a step that begins here there are to make room for.
    pub start: Option<usize>,
}

/// The weights of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    /// None.
    #[default]
    None,
    /// One weight.
    One(i64),
    /// Of a dense step: those of an input, for a block of outputs.
    Dense {
        /// Which step.
        step: usize,
        /// Which input.
        input: usize,
        /// Which block of outputs, from the last.
        block: usize,
    },
    /// Of a convolution: those of an input channel and an element of the kernel.
    Conv {
        /// Which step.
        step: usize,
        /// The first output channel.
        first: usize,
        /// The input channel.
        channel: usize,
        /// The element of the kernel.
        element: (usize, usize),
    },
}

/// A program laid out in a table.
#[derive(Clone, Debug)]
pub struct CompiledProgram {
    shape: ProgramShape,
    program: Arc<Program>,
    options: CompileOptions,
    pub(super) rows: Rows,
}

impl CompiledProgram {
    /// Lays out a program as is best for the options.
    ///
    /// # Errors
    /// A program that is not [valid](Program::validate) or fits no table, options that programs do not
    /// have.
    pub fn with_options(program: Program, options: &CompileOptions) -> Result<Self, CircuitError> {
        program.validate()?;
        let program = with_plain_outputs(program);
        program.validate()?;
        let plan = ProgramPlan::best(&program, options)?;
        Self::with_plan(program, &plan, options)
    }

    fn with_plan(
        program: Program,
        plan: &ProgramPlan,
        options: &CompileOptions,
    ) -> Result<Self, CircuitError> {
        let Some(rows) = Rows::new(&program, plan.block_width, plan.slots) else {
            return Err(too_large(&program, Rows::MOST));
        };
        let shape = rows.shape(&program, plan, options);
        shape.validate()?;
        Ok(Self {
            shape,
            program: Arc::new(program),
            options: *options,
            rows,
        })
    }

    /// What it was compiled for.
    pub fn options(&self) -> &CompileOptions {
        &self.options
    }

    /// The table's shape.
    pub fn shape(&self) -> &ProgramShape {
        &self.shape
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What the producer halves of rows hold, from row 0.
    pub fn producers(&self) -> &[Producer] {
        &self.rows.producers
    }

    /// What the consumer halves of rows hold, from row 0.
    pub fn consumers(&self) -> &[Consumer] {
        &self.rows.consumers
    }

    /// Where the nodes of trees are.
    pub fn trees(&self) -> Option<&Trees> {
        self.rows.trees.as_ref()
    }

    /// The table filled for one row of real inputs.
    ///
    /// # Errors
    /// A row of the wrong length, a value outside the input range, or a table for several rows.
    pub fn witness(&self, row: &[f32]) -> Result<ProgramWitness, CircuitError> {
        self.witness_batch(&[row])
    }

    /// The table filled for as many rows of real inputs as it has lanes.
    ///
    /// # Errors
    /// Too many or too few rows; a row of the wrong length, or a value outside the input range.
    pub fn witness_batch<R: AsRef<[f32]>>(
        &self,
        rows: &[R],
    ) -> Result<ProgramWitness, CircuitError> {
        let expected = self.shape.lanes as usize;
        if rows.len() != expected {
            let found = rows.len();
            return Err(CircuitError::BatchLength { expected, found });
        }
        let traces = rows.iter().map(|row| self.program.evaluate(row.as_ref()));
        let traces: Vec<_> = traces.collect::<Result<_, _>>()?;
        Ok(ProgramWitness::new(self, &traces))
    }

    /// The number of thresholds of an input that trees ask about.
    pub(super) fn thresholds(&self, wire: Wire) -> Option<u32> {
        let (_, forest) = Trees::of(&self.program)?;
        forest.features.get(wire).copied()
    }

    /// The hashes of each lane, from the top.
    pub(super) fn sponges(&self) -> Vec<Sponge> {
        let sponges = [self.shape.output_sponge(), self.shape.input_sponge()];
        sponges.into_iter().flatten().collect()
    }

    /// Where outputs and inputs stand that are hashed.
    pub(super) fn packed_places(&self) -> [Vec<Place>; 2] {
        let shape = &self.shape;
        let places = |sponge: Option<Sponge>, row: &dyn Fn(usize) -> usize| {
            let rows = |index| row(index)..row(index) + 1;
            sponge.map_or(vec![], |sponge| hash::places(sponge, 0, rows))
        };
        let outputs = places(shape.output_sponge(), &|index| shape.output_row(index));
        let inputs = places(shape.input_sponge(), &|index| shape.input_row(index));
        [outputs, inputs]
    }

    /// The `(channel, position)` of the cells of a row of kind free, from its first.
    pub(super) fn free_cells(
        &self,
        step: usize,
        channel: usize,
        position: usize,
    ) -> impl Iterator<Item = (usize, usize)> {
        let width = self.shape.block_width as usize;
        let channels = match &self.program.steps[step].kind {
            Kind::Conv(conv) => conv.bias.len(),
            _ => 0,
        };
        let first = channel / width * width;
        let end = channels.min(first + width);
        std::iter::successors(
            Some((channel, position)),
            move |(channel, position)| match channel + 1 < end {
                true => Some((channel + 1, *position)),
                false => Some((first, position.checked_sub(1)?)),
            },
        )
    }

    /// The weights of a row: `(column, weight)`.
    pub(super) fn weights(&self, weights: Weights) -> Vec<(usize, i64)> {
        let width = self.shape.block_width as usize;
        match weights {
            Weights::None => vec![],
            Weights::One(weight) => vec![(0, weight)],
            Weights::Dense { step, input, block } => {
                let Kind::Dense { weights, .. } = &self.program.steps[step].kind else {
                    return vec![];
                };
                let outputs = weights.nrows();
                let exponents = block * width..outputs.min((block + 1) * width);
                exponents
                    .map(|e| (e - block * width, weights[[outputs - 1 - e, input]]))
                    .collect()
            }
            Weights::Conv {
                step,
                first,
                channel,
                element,
            } => {
                let Kind::Conv(conv) = &self.program.steps[step].kind else {
                    return vec![];
                };
                let count = width.min(conv.bias.len() - first);
                let weight = |c: usize| conv.weights[[first + c, channel, element.0, element.1]];
                (0..count).map(|c| (count - 1 - c, weight(c))).collect()
            }
        }
    }

    /// The values of the fixed columns, by their index.
    pub fn fixed_columns(&self, columns: &ProgramColumns, count: usize) -> Vec<Vec<Field>> {
        let mut values = vec![vec![Field::zero(); self.shape.rows()]; count];
        for (column, row, value) in self.fixed_cells(columns) {
            values[column.index()][row] = value;
        }
        values
    }

    /// The cells of the fixed columns that are not zero: `(column, row, value)`.
    pub(crate) fn fixed_cells(
        &self,
        columns: &ProgramColumns,
    ) -> Vec<(Column<Fixed>, usize, Field)> {
        let mut cells = Cells::default();
        let last = self.shape.last_row();
        for row in 0..last {
            cells.set(columns.active, row, 1);
            let entry = logup::table_entry(row, self.shape.limb_bits);
            cells.set(columns.lookups.range, row, entry.into());
        }
        cells.set(columns.boundary, 0, 1);
        cells.set(columns.boundary, last, 2);
        let mut readers = vec![0; self.rows.producers.len()];
        for (row, consumer) in self.rows.consumers.iter().enumerate() {
            self.consumer_cells(columns, &mut cells, row, consumer);
            if let Some(wire) = consumer.operand {
                readers[self.rows.row_of[wire]] += 1;
            }
        }
        for (row, readers) in readers.into_iter().enumerate() {
            cells.set(columns.send, row, readers);
        }
        for (row, producer) in self.rows.producers.iter().enumerate() {
            self.producer_cells(columns, &mut cells, row, producer);
        }
        self.function_cells(columns, &mut cells);
        if let (Some(trees), Some((_, forest)), Some(columns)) =
            (&self.rows.trees, Trees::of(&self.program), &columns.forest)
        {
            trees.fixed_cells(forest, self.shape.total_bits(), columns, &mut cells);
        }
        if let Some(hash) = &columns.hash {
            let [outputs, inputs] = self.packed_places();
            hash::round_cells(hash, &self.sponges(), &mut cells);
            hash::packing_cells(hash, hash.pack_output, &outputs, &mut cells);
            hash::packing_cells(hash, hash.pack_input, &inputs, &mut cells);
        }
        let mut shown = vec![];
        if let Some(total) = columns.total.filter(|_| self.shape.reveals_outputs()) {
            for index in 0..self.program.outputs {
                cells.set(total, self.shape.output_row(index), 1);
            }
        } else if self.shape.reveals_outputs() {
            shown.extend((0..self.program.outputs).map(|index| self.shape.output_row(index)));
        }
        if self.shape.reveals_inputs() {
            shown.extend((0..self.program.inputs).map(|index| self.shape.input_row(index)));
        }
        for row in shown {
            cells.set(columns.shown, row, 1);
        }
        cells.0
    }

    fn consumer_cells(
        &self,
        columns: &ProgramColumns,
        cells: &mut Cells,
        row: usize,
        consumer: &Consumer,
    ) {
        if let Some(wire) = consumer.operand {
            cells.set(columns.receive, row, 1);
            cells.set(columns.operand_id, row, id(self.rows.row_of[wire]));
        }
        for (column, weight) in self.weights(consumer.weights) {
            cells.set(columns.weights[column], row, weight.into());
        }
        if let Some(stride) = consumer.stride {
            cells.set(columns.strides[stride], row, 1);
        }
        if let Some(start) = consumer.start {
            cells.set(columns.starts[start], row, 1);
        }
    }

    fn producer_cells(
        &self,
        columns: &ProgramColumns,
        cells: &mut Cells,
        row: usize,
        producer: &Producer,
    ) {
        let kinds = &columns.kinds;
        let mut mark = |column: Option<Column<Fixed>>| {
            if let Some(column) = column {
                cells.set(column, row, 1);
            }
        };
        match *producer {
            Producer::Idle => return,
            Producer::Input(wire) => {
                mark(Some(kinds.input));
                if let Some(count) = self.thresholds(wire) {
                    mark(Some(columns.linear));
                    cells.set(columns.bias, row, count.into());
                }
            }
            Producer::Function { step, .. } => {
                mark(kinds.table);
                if let Kind::Table { table, .. } = self.program.steps[step].kind {
                    // The argument from the start of its function, plus the function's number.
                    let offset = field(-i128::from(self.program.tables[table].first));
                    let width = FUNCTION_BITS + self.shape.limb_bits;
                    let number = Field::from(table as u64) * power_of_two(width);
                    cells.0.push((columns.bias, row, offset + number));
                }
                return;
            }
            Producer::Free { cells: 1, .. } => {
                mark(kinds.free);
                mark(Some(columns.linear));
            }
            Producer::Free { .. } => mark(kinds.wide),
            Producer::Wire { step, index } => {
                let step = &self.program.steps[step];
                mark(finish_column(kinds, step.finish));
                match &step.kind {
                    Kind::Table { .. } | Kind::Hints(_) | Kind::Forest(_) => {}
                    Kind::Products(_) => mark(kinds.product),
                    Kind::Dense { .. } | Kind::Conv(_) | Kind::Sums(_) => {
                        mark(Some(columns.linear));
                        cells.set(columns.bias, row, step_bias(step, index).into());
                    }
                }
            }
        }
        cells.set(columns.value_id, row, id(row));
    }

    fn function_cells(&self, columns: &ProgramColumns, cells: &mut Cells) {
        let Some(function) = &columns.function else {
            return;
        };
        let [number, first, second] = function.table;
        for row in 0..self.shape.last_row() {
            let (segment, (c0, c1)) = self.segment(row);
            cells.0.push((number, row, segment));
            cells.set(first, row, c0.into());
            cells.set(second, row, c1.into());
        }
    }

    /// The entry of the table of functions in a row: the number of a segment, and its coefficients.
    /// Rows beyond the last repeat the first.
    pub(super) fn segment(&self, row: usize) -> (Field, (i64, i64)) {
        let mut row = row;
        for (table, function) in self.program.tables.iter().enumerate() {
            if let Some(coefficients) = function.segments.get(row) {
                return (segment_number(table, row), *coefficients);
            }
            row -= function.segments.len();
        }
        let first = self.program.tables.first().and_then(|f| f.segments.first());
        (segment_number(0, 0), first.copied().unwrap_or_default())
    }

    /// The row of the table of functions that holds a segment.
    pub(super) fn segment_row(&self, table: usize, segment: usize) -> usize {
        let before = self.program.tables[..table].iter();
        before
            .map(|function| function.segments.len())
            .sum::<usize>()
            + segment
    }
}

/// The number of a segment among those of all functions.
pub(super) fn segment_number(table: usize, segment: usize) -> Field {
    Field::from(table as u64) * power_of_two(FUNCTION_BITS) + Field::from(segment as u64)
}

/// The number of the wire that a row produces.
pub(super) fn id(row: usize) -> i128 {
    row as i128 + 1
}

fn finish_column(
    kinds: &zkassay_gadgets::program::columns::KindColumns,
    finish: Finish,
) -> Option<Column<Fixed>> {
    match finish {
        Finish::Round => kinds.round,
        Finish::Relu => kinds.relu,
        Finish::Exact => kinds.exact,
        Finish::ExactRelu => kinds.exact_relu,
        Finish::Nonnegative => kinds.nonnegative,
    }
}

/// What is added to an accumulator.
pub(super) fn step_bias(step: &Step, index: usize) -> i64 {
    match &step.kind {
        Kind::Dense { bias, .. } => bias[index],
        Kind::Sums(sums) => sums[index].bias,
        Kind::Conv(conv) => conv.bias[index / (conv.output[0] * conv.output[1])],
        _ => 0,
    }
}

/// The program with outputs in order, in every row or every second: other steps get a copy.
fn with_plain_outputs(mut program: Program) -> Program {
    let is_plain = |step: &Step| !matches!(step.kind, Kind::Conv(_) | Kind::Hints(_));
    if !program.steps.last().is_some_and(is_plain) {
        let wires = program.wires();
        let copies = (wires - program.outputs..wires).map(Sum::of).collect();
        program.steps.push(Step {
            name: "output".to_owned(),
            kind: Kind::Sums(copies),
            finish: Finish::Exact,
            bound: None,
        });
    }
    program
}
