//! The calibration of a model for its circuit.

use ndarray::ArrayView2;
use zkassay_gadgets::TableShape;
use zkassay_graph::Graph;
use zkassay_quant::{
    CalibrationParams, IntegerCalibration, IntegerModel, IntegerScheme, IntegerTrial, QuantError,
    Target, calibrate_model, calibrate_program, is_chain,
};

use crate::cost::{Cost, Machine};
use crate::program::plan::ProgramPlan;
use crate::{CircuitError, CompileOptions, Compiled, Plan};

/// Bits of a limb in the order in which they are tried, for a model whose table is not known
/// beforehand, until some are good enough: such tables are the most frequent.
const DRAFT_BITS: [u32; 8] = [9, 10, 8, 11, 12, 7, 6, LEAST_BITS];
/// Limbs of fewer bits are not worth a try.
const LEAST_BITS: u32 = 5;
/// Errors that differ by no more than this factor are as good as equal, and so are those below the
/// resolution of float32.
const NEAR: f64 = 1.05;
const UNRESOLVED: f64 = 1.0 / 16_777_216.0;

/// Scales chosen on calibration rows, shape `[rows, inputs]`, with limbs of as many bits as suit the
/// model's table: those of `params` are replaced.
///
/// For a chain of dense layers the table is known beforehand. If no scales are good enough with it, and
/// for any other model, limbs of all bits that may help are tried: the model that is proved fastest
/// is taken, or with [`Target::Accuracy`] the fastest of the most accurate. What was tried with
/// each of them is in the calibration, or in the error.
///
/// # Errors
/// As [`calibrate_model`], or a model that fits no table.
pub fn calibrate(
    graph: &Graph,
    rows: ArrayView2<'_, f32>,
    params: &CalibrationParams,
    options: &CompileOptions,
) -> Result<IntegerCalibration, CircuitError> {
    let mut search = Search {
        graph,
        rows,
        params,
        options,
        tried: Vec::new(),
        refused: None,
        unfit: None,
        found: Vec::new(),
    };
    if is_chain(graph) && options.batch == 1 && !options.totals {
        match search.chain() {
            Ok(Some(calibration)) => return Ok(calibration),
            // As a program it has more settings.
            Ok(None) => {}
            Err(error) => return Err(error),
        }
    }
    search.program()
}

/// A calibration that fits a table, and what is known of it.
struct Found {
    shape: TableShape,
    seconds: f64,
    calibration: IntegerCalibration,
}

/// A search over limb widths.
struct Search<'a> {
    graph: &'a Graph,
    rows: ArrayView2<'a, f32>,
    params: &'a CalibrationParams,
    options: &'a CompileOptions,
    /// Every setting of every width.
    tried: Vec<IntegerTrial>,
    /// That no setting of a width was good enough, with the least error of all widths.
    refused: Option<QuantError>,
    /// Why what was good enough fits no table.
    unfit: Option<CircuitError>,
    found: Vec<Found>,
}

impl Search<'_> {
    /// The calibration of a chain of dense layers; `None` if it has to be a program.
    fn chain(&mut self) -> Result<Option<IntegerCalibration>, CircuitError> {
        let is_unbound = self.options.visibility.is_unbound();
        let bits = match Plan::for_graph_with(self.graph, self.options) {
            Ok(plan) => plan.limb_bits,
            // Without merging, its table is another one.
            Err(_) if !self.params.fold() && !is_unbound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut params = self.params.with_limb_bits(bits)?;
        if is_unbound {
            // Secret weights are range-checked as limbs are.
            params = params.with_weight_bits(bits)?;
        }
        match calibrate_model(self.graph, self.rows, &params) {
            Ok(calibration) => Ok(match calibration.model {
                IntegerModel::Chain(_) => Some(calibration),
                IntegerModel::Program(_) => None,
            }),
            Err(error @ QuantError::NoSetting { .. }) if !is_unbound => {
                self.refuse(error);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The calibration of a program.
    fn program(mut self) -> Result<IntegerCalibration, CircuitError> {
        let is_for_accuracy = self.is_for_accuracy();
        for bits in DRAFT_BITS {
            self.with_bits(bits)?;
            if !is_for_accuracy && !self.found.is_empty() {
                self.others(bits)?;
                break;
            }
        }
        let Self {
            mut tried,
            refused,
            unfit,
            found,
            ..
        } = self;
        let error = |found: &Found| found.calibration.fidelity.overall.max_parts;
        let least = found.iter().map(error).fold(f64::INFINITY, f64::min);
        let allowed = match is_for_accuracy {
            true => (least * NEAR).max(UNRESOLVED),
            false => f64::INFINITY,
        };
        let near = found.into_iter().filter(|found| error(found) <= allowed);
        match near.min_by(|a, b| a.seconds.total_cmp(&b.seconds)) {
            Some(Found { calibration, .. }) => Ok(IntegerCalibration {
                trials: tried,
                ..calibration
            }),
            None => Err(match (unfit, refused) {
                (Some(unfit), _) => unfit,
                (None, Some(mut refused)) => {
                    if let QuantError::NoSetting {
                        tried: count,
                        trials,
                        ..
                    } = &mut refused
                    {
                        *count = tried.len();
                        trials.append(&mut tried);
                    }
                    refused.into()
                }
                (None, None) => QuantError::NoRows.into(),
            }),
        }
    }

    fn is_for_accuracy(&self) -> bool {
        matches!(self.params.target(), Target::Accuracy)
    }

    /// The widths beside the first that is good enough.
    fn others(&mut self, first: u32) -> Result<(), CircuitError> {
        let Some(Found {
            calibration, shape, ..
        }) = self.found.first()
        else {
            return Ok(());
        };
        let IntegerModel::Program(program) = &calibration.model else {
            return Ok(());
        };
        let most = ProgramPlan::limb_bits(program, self.options)?;
        // Fewer bits make room for a smaller table, down to the one that the rows need without limbs.
        let rows = match shape {
            TableShape::Program(shape) => shape.needed_rows(),
            TableShape::Chain(_) => 1 << most,
        };
        let least = (rows.max(2).ilog2() - 1).max(LEAST_BITS).min(most);
        let drafts = DRAFT_BITS.iter().take_while(|bits| **bits != first);
        let drafts: Vec<u32> = drafts.copied().chain([first]).collect();
        for bits in (least..=most).rev().filter(|bits| !drafts.contains(bits)) {
            self.with_bits(bits)?;
        }
        Ok(())
    }

    /// Tries the settings whose limbs have so many bits.
    fn with_bits(&mut self, bits: u32) -> Result<(), CircuitError> {
        let params = match self.options.visibility.is_unbound() {
            // Refused, with what would work.
            true => self.params.with_weight_bits(bits)?,
            false => *self.params,
        };
        let params = params.with_limb_bits(bits)?;
        let mut calibration = match calibrate_program(self.graph, self.rows, &params) {
            Ok(calibration) => calibration,
            Err(error @ QuantError::NoSetting { .. }) => {
                self.refuse(error);
                return Ok(());
            }
            // What is no matter of scales is so for all of them.
            Err(error) => return Err(error.into()),
        };
        let mut trials = std::mem::take(&mut calibration.trials);
        match Compiled::new(calibration.model.clone(), self.options) {
            Ok(compiled) => {
                let shape = compiled.shape();
                self.found.push(Found {
                    seconds: Cost::of(&shape, &Machine::default()).prove_seconds,
                    shape,
                    calibration,
                });
                if !self.is_for_accuracy() {
                    // The first of the fastest.
                    self.found.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
                    self.found.truncate(1);
                }
            }
            // Other limbs have other gates, and a contract of another size.
            Err(error @ (CircuitError::Contract { .. } | CircuitError::Shape(_))) => {
                let chosen = |trial: &&mut IntegerTrial| trial.scheme == calibration.scheme;
                if let Some(trial) = trials.iter_mut().find(chosen) {
                    trial.rejected = Some(format!("no table: {error}"));
                }
                self.unfit.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
        self.tried.extend(trials.into_iter().map(short));
        Ok(())
    }

    /// Keeps what was tried of a width that is not good enough, and the least error of all.
    fn refuse(&mut self, mut error: QuantError) {
        let QuantError::NoSetting { trials, best, .. } = &mut error else {
            return;
        };
        self.tried.extend(trials.drain(..).map(short));
        let is_least = match &self.refused {
            Some(QuantError::NoSetting { best: least, .. }) => *best < *least,
            _ => true,
        };
        if is_least {
            self.refused = Some(error);
        }
    }
}

/// A trial without the bounds of values, which are those of the chosen scheme.
fn short(mut trial: IntegerTrial) -> IntegerTrial {
    if let IntegerScheme::Program(scheme) = &mut trial.scheme {
        scheme.limits = Vec::new();
    }
    trial
}
