//! The rows and the fixed columns.

use std::collections::HashMap;
use std::sync::Arc;

use zkassay_gadgets::halo2_proofs::plonk::{Column, Fixed};
use zkassay_gadgets::hash::Hash;
use zkassay_gadgets::poseidon::Sponge;
use zkassay_gadgets::{Columns, Field, Shape, field, logup, power_of_two};
use zkassay_quant::QuantizedModel;
use zkassay_quant::bounds::bits;

use crate::hash::{self, Place};
use crate::plan::{Plan, bias_digits, too_large};
use crate::{CircuitError, CompileOptions, Witness};

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
    /// The constant `2^(limb_bits * digit)`, whose secret weights are a digit of the bias of
    /// dense layer `layer`.
    Bias {
        /// The layer whose bias it is.
        layer: usize,
        /// Which digit, from the least significant.
        digit: usize,
        /// Which block of the layer's outputs.
        block: usize,
    },
}

/// A quantised model laid out in a table.
#[derive(Clone, Debug)]
pub struct CompiledModel {
    shape: Shape,
    model: Arc<QuantizedModel>,
    options: CompileOptions,
    rows: Vec<Row>,
}

impl CompiledModel {
    /// Lays out `model` as planned for its widths.
    ///
    /// # Errors
    /// As [`with_options`](Self::with_options).
    pub fn new(model: QuantizedModel) -> Result<Self, CircuitError> {
        Self::with_options(model, &CompileOptions::default())
    }

    /// Lays out `model` as planned for its widths and the given options.
    ///
    /// # Errors
    /// A model that is not [valid](QuantizedModel::validate), is quantised for other limbs
    /// than [`Plan`] asks for, or whose shape is refused; secret weights that are no limbs.
    pub fn with_options(
        model: QuantizedModel,
        options: &CompileOptions,
    ) -> Result<Self, CircuitError> {
        model.validate()?;
        let widths = model.widths();
        let plan = Plan::with_options(&widths, options)?;
        if model.limbs.bits != plan.limb_bits {
            return Err(CircuitError::LimbBits {
                expected: plan.limb_bits,
                found: model.limbs.bits,
            });
        }
        Self::with_plan(model, plan, options)
    }

    /// Lays out `model` in the given table, or a larger one if its outputs or hashes need more
    /// rows.
    #[doc(hidden)]
    pub fn with_plan(
        model: QuantizedModel,
        plan: Plan,
        options: &CompileOptions,
    ) -> Result<Self, CircuitError> {
        let widths = model.widths();
        let widest = widths[1..].iter().copied().max().unwrap_or(1) as u32;
        let limbs = model.limbs;
        let unbound = options.visibility.is_unbound();
        let mut model = model;
        if unbound {
            check_weights(&model)?;
            // The exact bound would tell about the weights.
            model.output = model.output.widened()?;
        }
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
            degree: plan.degree,
            inputs: widths[0] as u32,
            first_input: 0,
            input_stride: (widths[1] as u32).div_ceil(plan.block_width),
            visibility: options.visibility,
        };
        let rows = rows(&shape, &model, unbound);
        let is_first_input = |row: &Row| matches!(row, Row::Value { layer: 0, .. });
        shape.first_input = rows.iter().position(is_first_input).unwrap_or(0) as u32;
        let needed = rows.len().max(shape.needed_rows());
        while shape.last_row() < needed {
            shape.logrows += 1;
            if shape.logrows > Shape::MAX_LOGROWS {
                return Err(too_large(needed, plan.block_width, &widths));
            }
        }
        shape.validate()?;
        Ok(Self {
            shape,
            model: Arc::new(model),
            options: *options,
            rows,
        })
    }

    /// What it was compiled for.
    pub fn options(&self) -> &CompileOptions {
        &self.options
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

    /// The weights of a row, by exponent of `r` within its block: `(column, weight)`.
    pub(crate) fn weights(&self, row: Row) -> impl Iterator<Item = (usize, i64)> {
        let width = self.shape.block_width as usize;
        let (layer, block) = match row {
            Row::Value { layer, block, .. } | Row::Bias { layer, block, .. } => (layer, block),
            Row::Output { .. } => (0, usize::MAX / width),
        };
        let layer = &self.model.layers[layer];
        let limb_bits = self.shape.limb_bits;
        let exponents = (block * width).min(layer.outputs())
            ..layer
                .outputs()
                .min(block.saturating_add(1).saturating_mul(width));
        exponents.map(move |exponent| {
            let output = layer.outputs() - 1 - exponent;
            let weight = match row {
                Row::Value { index, .. } => layer.weights[[output, index]],
                Row::Bias { digit, .. } => bias_digit(layer.bias[output], limb_bits, digit),
                Row::Output { .. } => 0,
            };
            (exponent - block * width, weight)
        })
    }

    /// The bias that a key fixes; a secret one is in the rows of [`Row::Bias`].
    pub(crate) fn fixed_bias(&self, layer: usize, output: usize) -> i64 {
        match self.shape.unbound() {
            true => 0,
            false => self.model.layers[layer].bias[output],
        }
    }

    /// The value of a row whose secret weights are a digit of a bias.
    pub(crate) fn bias_constant(&self, digit: usize) -> Field {
        power_of_two(self.shape.limb_bits * digit as u32)
    }

    /// The values of the fixed columns, by their index.
    pub fn fixed_columns(&self, columns: &Columns, count: usize) -> Vec<Vec<Field>> {
        let mut values = vec![vec![Field::zero(); self.shape.rows()]; count];
        for (column, row, value) in self.fixed_cells(columns) {
            values[column.index()][row] = value;
        }
        values
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
                Row::Bias { digit, .. } => {
                    cells.set(columns.keep, row, 1);
                    if let Some(column) = columns.constant {
                        cells.0.push((column, row, self.bias_constant(digit)));
                    }
                }
            }
            if let Row::Value { layer, block, .. } | Row::Bias { layer, block, .. } = *kind {
                cells.set(columns.carry, row, i128::from(self.continues(row, layer)));
                if let Some(column) = columns.blocks.get(block) {
                    cells.set(*column, row, 1);
                }
                for (weight, column) in self.weights(*kind).zip(&columns.weights) {
                    cells.set(*column, row, weight.1.into());
                }
            }
        }
        if let Some(hash) = &columns.hash {
            hash_cells(&self.shape, hash, &mut cells);
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
        let bias = self.fixed_bias(self.model.layers.len() - 1, output);
        cells.set(columns.bias, row, bias.into());
    }

    /// Whether the row after `row` belongs to the same layer's inputs.
    fn continues(&self, row: usize, layer: usize) -> bool {
        match self.rows.get(row + 1) {
            Some(Row::Value { layer: next, .. } | Row::Bias { layer: next, .. }) => *next == layer,
            _ => false,
        }
    }

    fn value_cells(
        &self,
        columns: &Columns,
        cells: &mut Cells,
        row: usize,
        (layer, index, block): (usize, usize, usize),
    ) {
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
            let bias = i128::from(self.fixed_bias(layer - 1, index));
            cells.set(columns.bias, row, bias + half);
        }
    }
}

/// Non-zero cells of fixed columns.
#[derive(Default)]
pub(crate) struct Cells(pub(crate) Vec<(Column<Fixed>, usize, Field)>);

impl Cells {
    pub(crate) fn set(&mut self, column: Column<Fixed>, row: usize, value: i128) {
        if value != 0 {
            self.0.push((column, row, field(value)));
        }
    }
}

/// The fixed cells of the hashes.
fn hash_cells(shape: &Shape, hash: &Hash, cells: &mut Cells) {
    let sponges = [shape.output_sponge(), shape.input_sponge()];
    let sponges: Vec<Sponge> = sponges.into_iter().flatten().collect();
    hash::round_cells(hash, &sponges, cells);
    let [outputs, inputs] = packed_places(shape);
    hash::packing_cells(hash, hash.pack_output, &outputs, cells);
    hash::packing_cells(hash, hash.pack_input, &inputs, cells);
}

/// Where outputs and inputs stand that are hashed.
pub(crate) fn packed_places(shape: &Shape) -> [Vec<Place>; 2] {
    let per_row = shape.limbs() * shape.limb_bits;
    let outputs = shape.output_sponge().map_or(vec![], |sponge| {
        hash::places(sponge, per_row, |index| {
            let first = shape.output_row(1, index);
            first..first + shape.output_rows as usize
        })
    });
    let inputs = shape.input_sponge().map_or(vec![], |sponge| {
        hash::places(sponge, per_row, |index| {
            let row = shape.input_row(index);
            row..row + 1
        })
    });
    [outputs, inputs]
}

/// Secret weights are limbs, so that their range can be checked.
fn check_weights(model: &QuantizedModel) -> Result<(), CircuitError> {
    let available = model.limbs.bits;
    for layer in &model.layers {
        let greatest = layer
            .weights
            .iter()
            .map(|weight| weight.unsigned_abs())
            .max();
        let needed = bits(greatest.unwrap_or(0).into()) + 1;
        if needed > available {
            let node = layer.name.clone();
            return Err(CircuitError::WeightBits {
                node,
                needed,
                available,
            });
        }
    }
    Ok(())
}

/// Digit `digit` of a bias in base `2^bits`, digits from `-2^(bits-1)` to `2^(bits-1) - 1`.
fn bias_digit(bias: i64, bits: u32, digit: usize) -> i64 {
    let mut rest = i128::from(bias);
    for _ in 0..digit {
        rest = (rest - signed_digit(rest, bits)) >> bits;
    }
    signed_digit(rest, bits) as i64
}

/// The digit in `-2^(bits-1)` to `2^(bits-1) - 1` that is congruent to `value` modulo `2^bits`.
fn signed_digit(value: i128, bits: u32) -> i128 {
    let half = 1i128 << (bits - 1);
    (value + half).rem_euclid(1 << bits) - half
}

/// Outputs, then the layers' inputs from the last layer to the first.
fn rows(shape: &Shape, model: &QuantizedModel, unbound: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for end in [End::Upper, End::Lower] {
        for output in 0..shape.outputs as usize {
            rows.extend((0..shape.output_rows as usize).map(|digit| Row::Output {
                end,
                output,
                digit,
            }));
        }
    }
    for (layer, of) in model.layers.iter().enumerate().rev() {
        let blocks = of.outputs().div_ceil(shape.block_width as usize);
        for index in 0..of.inputs() {
            rows.extend((0..blocks).map(|block| Row::Value {
                layer,
                index,
                block,
            }));
        }
        // As many for every bias, so that their number does not tell about it.
        let digits = match unbound {
            true => bias_digits(shape.limb_bits),
            false => 0,
        };
        for digit in 0..digits {
            rows.extend((0..blocks).map(|block| Row::Bias {
                layer,
                digit,
                block,
            }));
        }
    }
    rows
}
