//! The rows and the fixed columns.

use std::collections::HashMap;
use std::sync::Arc;

use zkassay_gadgets::halo2_proofs::plonk::{Column, Fixed};
use zkassay_gadgets::{Columns, Field, Shape, field, logup};
use zkassay_quant::QuantizedModel;
use zkassay_quant::bounds::bits;

use crate::plan::{Plan, value_rows};
use crate::{CircuitError, Witness};

/// One end of an output's interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The greatest accumulator that gives the output.
    Upper,
    /// The least accumulator that gives the output.
    Lower,
}

/// What a row of the table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// Limbs of the distance of output `output` to one end of its interval:
    /// the `digit`-th group of limbs.
    Output {
        /// Which end.
        end: End,
        /// Which output.
        output: usize,
        /// Which group of limbs, from the least significant.
        digit: usize,
    },
    /// Input `index` of dense layer `layer`, for the `block`-th block of its outputs.
    Value {
        /// The layer that consumes the value.
        layer: usize,
        /// Which of its inputs.
        index: usize,
        /// Which block of its outputs.
        block: usize,
    },
}

/// A quantised model laid out in a table.
#[derive(Clone, Debug)]
pub struct CompiledModel {
    shape: Shape,
    model: Arc<QuantizedModel>,
    rows: Vec<Row>,
}

impl CompiledModel {
    /// Lays out `model` as planned for its widths.
    ///
    /// # Errors
    /// A model that is not [valid](QuantizedModel::validate), is quantised for other limbs
    /// than [`Plan`] asks for, or whose shape is refused.
    pub fn new(model: QuantizedModel) -> Result<Self, CircuitError> {
        model.validate()?;
        let widths = model.widths();
        let plan = Plan::new(&widths)?;
        if model.limbs.bits != plan.limb_bits {
            return Err(CircuitError::LimbBits {
                expected: plan.limb_bits,
                found: model.limbs.bits,
            });
        }
        Self::with_plan(model, plan)
    }

    /// Lays out `model` in the given table, or a larger one if its outputs need more rows.
    pub(crate) fn with_plan(model: QuantizedModel, plan: Plan) -> Result<Self, CircuitError> {
        let widths = model.widths();
        let widest = widths[1..].iter().copied().max().unwrap_or(1) as u32;
        let limbs = model.limbs;
        let has_hidden = model.layers.len() > 1;
        // Distances reach from one end of the bounds to the other.
        let distance = 2 * model.output.bound().unsigned_abs();
        let per_row = limbs.per_row() * limbs.bits;
        let mut shape = Shape {
            logrows: plan.logrows,
            limb_bits: limbs.bits,
            input_limbs: limbs.input,
            remainder_limbs: limbs.remainder,
            magnitude_limbs: limbs.magnitude,
            block_width: plan.block_width,
            blocks: widest.div_ceil(plan.block_width),
            outputs: model.outputs() as u32,
            output_rows: bits(distance.into()).max(1).div_ceil(per_row),
            // Without hidden layers there are few columns, and fewer still make a smaller proof.
            degree: if has_hidden { 3 } else { 5 },
        };
        let needed = shape.output_block() + value_rows(&widths, plan.block_width as usize);
        while shape.last_row() < needed {
            shape.logrows += 1;
            if shape.logrows > Shape::MAX_LOGROWS {
                return Err(CircuitError::TooLarge {
                    needed,
                    block_width: plan.block_width,
                    max_logrows: Shape::MAX_LOGROWS,
                });
            }
        }
        shape.validate()?;
        let rows = rows(&shape, &widths);
        Ok(Self {
            shape,
            model: Arc::new(model),
            rows,
        })
    }

    /// The table's shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The model.
    pub fn model(&self) -> &QuantizedModel {
        &self.model
    }

    /// What each used row holds, from row 0.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The table filled for one row of real inputs.
    ///
    /// # Errors
    /// A row of the wrong length, or a value outside the input range.
    pub fn witness(&self, row: &[f32]) -> Result<Witness, CircuitError> {
        let trace = self.model.evaluate(row)?;
        Ok(Witness::new(self, &trace)?)
    }

    /// How many rows each value of `layer` takes.
    pub(crate) fn blocks(&self, layer: usize) -> usize {
        blocks(&self.shape, self.model.layers[layer].outputs())
    }

    /// The weights of a value's row, by exponent of `r`: `(column, weight)`.
    pub(crate) fn weights(
        &self,
        layer: usize,
        index: usize,
        block: usize,
    ) -> impl Iterator<Item = (usize, i64)> {
        let width = self.shape.block_width as usize;
        let layer = &self.model.layers[layer];
        let exponents = block * width..layer.outputs().min((block + 1) * width);
        exponents.map(move |exponent| {
            let output = layer.outputs() - 1 - exponent;
            (exponent - block * width, layer.weights[[output, index]])
        })
    }

    /// Every non-zero cell of the fixed columns: `(column, row, value)`.
    pub(crate) fn fixed_cells(&self, columns: &Columns) -> Vec<(Column<Fixed>, usize, Field)> {
        let mut cells = Cells::default();
        let last = self.shape.last_row();
        for row in 0..last {
            cells.set(columns.active, row, 1);
            let entry = logup::table_entry(row, self.shape.limb_bits);
            cells.set(columns.logup.table, row, entry.into());
        }
        cells.set(columns.boundary, 0, 1);
        cells.set(columns.boundary, last, 1);
        let mut meetings = HashMap::new();
        for (row, kind) in self.rows.iter().enumerate() {
            match *kind {
                Row::Output { end, output, digit } => {
                    self.output_cells(columns, &mut cells, row, (end, output, digit));
                    if end == End::Lower {
                        meetings.entry(None).or_insert(row);
                    }
                }
                Row::Value {
                    layer,
                    index,
                    block,
                } => {
                    self.value_cells(columns, &mut cells, row, (layer, index, block));
                    meetings.entry(Some(layer)).or_insert(row);
                }
            }
        }
        for row in meetings.into_values() {
            cells.set(columns.boundary, row, 2);
        }
        cells.0
    }

    fn output_cells(
        &self,
        columns: &Columns,
        cells: &mut Cells,
        row: usize,
        (end, output, digit): (End, usize, usize),
    ) {
        let per_row = self.shape.limbs() * self.shape.limb_bits;
        let weight = 1i128 << (per_row * digit as u32);
        match end {
            End::Upper => cells.set(columns.limb_weight, row, -weight),
            End::Lower => {
                cells.set(columns.limb_weight, row, weight);
                cells.set(columns.carry, row, 1);
            }
        }
        if digit > 0 {
            cells.set(columns.keep, row, 1);
            return;
        }
        if let (Some(fold), true) = (columns.fold, output > 0) {
            cells.set(fold, row, 1);
        }
        let last = &self.model.layers[self.model.layers.len() - 1];
        cells.set(columns.bias, row, last.bias[output].into());
    }

    fn value_cells(
        &self,
        columns: &Columns,
        cells: &mut Cells,
        row: usize,
        (layer, index, block): (usize, usize, usize),
    ) {
        let model = &self.model;
        let is_last = index + 1 == model.layers[layer].inputs() && block + 1 == self.blocks(layer);
        cells.set(columns.carry, row, i128::from(!is_last));
        if let Some(column) = columns.blocks.get(block) {
            cells.set(*column, row, 1);
        }
        for (column, weight) in self.weights(layer, index, block) {
            cells.set(columns.weights[column], row, weight.into());
        }
        if block > 0 {
            cells.set(columns.keep, row, 1);
            if let Some(repeat) = columns.repeat {
                cells.set(repeat, row, 1);
            }
        } else if layer == 0 {
            if let Some(input) = columns.input {
                cells.set(input, row, 1);
            }
        } else {
            if let Some(hidden) = columns.hidden {
                cells.set(hidden, row, 1);
            }
            if let (Some(fold), true) = (columns.fold, index > 0) {
                cells.set(fold, row, 1);
            }
            let half = 1i128 << (self.shape.shift() - 1);
            let bias = i128::from(model.layers[layer - 1].bias[index]);
            cells.set(columns.bias, row, bias + half);
        }
    }
}

/// Non-zero cells of fixed columns.
#[derive(Default)]
struct Cells(Vec<(Column<Fixed>, usize, Field)>);

impl Cells {
    fn set(&mut self, column: Column<Fixed>, row: usize, value: i128) {
        if value != 0 {
            self.0.push((column, row, field(value)));
        }
    }
}

fn blocks(shape: &Shape, outputs: usize) -> usize {
    outputs.div_ceil(shape.block_width as usize)
}

/// Outputs, then the layers' inputs from the last layer to the first.
fn rows(shape: &Shape, widths: &[usize]) -> Vec<Row> {
    let mut rows = Vec::with_capacity(shape.last_row());
    for end in [End::Upper, End::Lower] {
        for output in 0..shape.outputs as usize {
            rows.extend((0..shape.output_rows as usize).map(|digit| Row::Output {
                end,
                output,
                digit,
            }));
        }
    }
    for (layer, pair) in widths.windows(2).enumerate().rev() {
        let blocks = blocks(shape, pair[1]);
        for index in 0..pair[0] {
            rows.extend((0..blocks).map(|block| Row::Value {
                layer,
                index,
                block,
            }));
        }
    }
    rows
}
