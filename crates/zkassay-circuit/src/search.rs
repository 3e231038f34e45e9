//! The calibration of a model for its circuit.

use ndarray::ArrayView2;
use zkassay_gadgets::TableShape;
use zkassay_graph::Graph;
use zkassay_quant::{
    CalibrationParams, IntegerCalibration, IntegerModel, calibrate_model, calibrate_program,
    is_chain,
};

use crate::cost::{Cost, Machine};
use crate::program::plan::ProgramPlan;
use crate::{CircuitError, CompileOptions, Compiled, Plan};

/// Bits of a limb to begin with, for a model whose table is not known beforehand.
const DRAFT_BITS: u32 = 9;
/// Limbs of fewer bits are not worth a try.
const LEAST_BITS: u32 = 5;

/// Scales chosen on calibration rows, shape `[rows, inputs]`, with limbs of as many bits as suit the
/// model's table: those of `params` are replaced.
///
/// For a chain of dense layers the table is known beforehand. For any other model it is known once the
/// model has been calibrated with some number of bits; the model that is proved fastest is taken.
///
/// # Errors
/// As [`calibrate_model`], or a model that fits no table.
pub fn calibrate(
    graph: &Graph,
    rows: ArrayView2<'_, f32>,
    params: &CalibrationParams,
    options: &CompileOptions,
) -> Result<IntegerCalibration, CircuitError> {
    let with_bits = |bits: u32| -> Result<IntegerCalibration, CircuitError> {
        let mut params = params.with_limb_bits(bits)?;
        if options.visibility.is_unbound() {
            // Secret weights are range-checked as limbs are.
            params = params.with_weight_bits(bits)?;
        }
        Ok(match options.batch == 1 && !options.totals {
            true => calibrate_model(graph, rows, &params)?,
            // Chains have one inference per proof.
            false => calibrate_program(graph, rows, &params)?,
        })
    };
    if is_chain(graph) && params.fold() && options.batch == 1 && !options.totals {
        return with_bits(Plan::for_graph_with(graph, options)?.limb_bits);
    }
    let draft = with_bits(DRAFT_BITS)?;
    let IntegerModel::Program(program) = &draft.model else {
        return Ok(draft);
    };
    let most = ProgramPlan::limb_bits(program, options)?;
    let laid_out = |calibration: &IntegerCalibration| -> Result<(f64, TableShape), CircuitError> {
        let shape = Compiled::new(calibration.model.clone(), options)?.shape();
        Ok((Cost::of(&shape, &Machine::default()).prove_seconds, shape))
    };
    let (seconds, shape) = laid_out(&draft)?;
    let mut best = (seconds, draft);
    // Fewer bits make room for a smaller table, down to the one that the rows need without limbs.
    let rows = match &shape {
        TableShape::Program(shape) => shape.needed_rows(),
        TableShape::Chain(_) => 1 << most,
    };
    let least = (rows.max(2).ilog2() - 1).max(LEAST_BITS).min(most);
    for bits in (least..=most).rev() {
        if bits == DRAFT_BITS {
            continue;
        }
        let Ok(other) = with_bits(bits) else {
            continue;
        };
        let other = (laid_out(&other)?.0, other);
        if other.0 < best.0 {
            best = other;
        }
    }
    Ok(best.1)
}
