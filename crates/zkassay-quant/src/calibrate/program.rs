//! The search over the schemes of a program.
//!
//! Cheapest first: a row of a proof holds the limbs of one integer, so fewer limbs in total come
//! before everything, then fewer wires. For each number of limbs, the search tries how many of
//! them a rescale divides by, and how fine the tensors are; everything else follows from these.

use std::ops::RangeInclusive;

use ndarray::{ArrayView2, Axis};
use zkassay_fixed::Scale;
use zkassay_graph::{Binary, Function, Graph, Op};

use super::ranges::reads_each_alone;
use super::{
    CalibrationParams, Exponents, Target, USUAL_RANGE, ceil_log2, check_rows, choice, range,
};
use crate::fidelity::{Decision, FloatOutputs};
use crate::integer::{IntegerCalibration, IntegerModel, IntegerScheme, IntegerTrial};
use crate::lowering::{Limit, LoweredProgram, Prepared, ProgramScheme};
use crate::program::ProgramLimbs;
use crate::{FidelityReport, QuantError};

/// Rows that a setting has to survive before all of them are evaluated.
const FIRST_ROWS: usize = 8;
/// Settings whose error is measured on all rows where no setting is good enough.
const COMPLETED: usize = 6;
/// How far beyond the calibration rows a limit lies, as a factor; of exponents.
const LIMIT_MARGIN: f32 = 4.0;
const EXPONENT_MARGIN: f32 = 1.25;
/// Bits of rescales that are worth trying: weights have about as many.
const SHIFTS: RangeInclusive<u32> = 8..=30;
/// Fraction bits that are tried.
const FRACTIONS: [i32; 8] = [16, 14, 13, 12, 11, 10, 8, 6];

struct Found {
    lowered: LoweredProgram,
    scheme: ProgramScheme,
    fidelity: FidelityReport,
}

/// What the schemes of a search have in common.
struct Search<'a> {
    prepared: &'a Prepared<'a>,
    rows: ArrayView2<'a, f32>,
    floats: &'a FloatOutputs,
    limits: &'a [Limit],
    params: &'a CalibrationParams,
}

/// How inputs become integers.
enum Inputs {
    /// Scaled, for a range.
    Scaled(f32),
    /// The same, where each has a range of its own.
    Shifted(f32, Exponents),
    /// Ranks, with so many limbs.
    Ranks(u32),
}

/// Chooses a scheme for `graph` on calibration rows, shape `[rows, inputs]`.
///
/// # Errors
/// No rows, rows of the wrong length, a graph with an unsupported node, weights that have to be
/// secret, or no setting that meets the target.
pub fn calibrate_program(
    graph: &Graph,
    rows: ArrayView2<'_, f32>,
    params: &CalibrationParams,
) -> Result<IntegerCalibration, QuantError> {
    check_rows(graph, rows)?;
    if params.weight_bits.is_some() {
        return Err(QuantError::Unsupported {
            node: graph.output.name.clone(),
            op: "the model".into(),
            reason: "secret weights are only possible for dense layers with ReLU between them; \
                     fix the weights in the key"
                .into(),
        });
    }
    let prepared = Prepared::new(graph)?;
    let floats = FloatOutputs::of(graph, rows)?;
    floats.check_finite()?;
    let limits = limits(&prepared.graph, rows)?;
    let search = Search {
        prepared: &prepared,
        rows,
        floats: &floats,
        limits: &limits,
        params,
    };
    let Some(plan) = &prepared.plan else {
        let range = range(rows, params)?;
        let mut ways = vec![Inputs::Scaled(range)];
        let exponents = Exponents::of_rows(rows, params);
        if !exponents.is_empty() && reads_each_alone(graph) {
            ways.push(Inputs::Shifted(range, exponents));
        }
        return search.run(graph, &ways);
    };
    let ranks = Inputs::Ranks(plan.input_limbs(params.limb_bits));
    let ranked = search.run(graph, &[ranks]);
    match ranked {
        // Perhaps because a proof packs all scores into one number.
        Err(QuantError::NoSetting { .. }) if plan.is_wide(params.limb_bits) => {
            let scaled = range(rows, params);
            let scaled = scaled.and_then(|range| search.run(graph, &[Inputs::Scaled(range)]));
            scaled.or(ranked)
        }
        done => done,
    }
}

impl Search<'_> {
    /// The best of all settings. With fewest resources in mind, each of the ways that inputs become
    /// integers is for as many limbs as the ones before it are not good enough with.
    fn run(&self, graph: &Graph, ways: &[Inputs]) -> Result<IntegerCalibration, QuantError> {
        let params = self.params;
        let mut trials = Vec::new();
        let mut best: Option<Found> = None;
        let totals = 2..=(60 / params.limb_bits).min(12);
        let attempts = totals.flat_map(|total| ways.iter().map(move |inputs| (total, inputs)));
        for (total, inputs) in attempts {
            for scheme in self.schemes(total, inputs) {
                let mut trial = IntegerTrial {
                    scheme: IntegerScheme::Program(scheme.clone()),
                    integers: None,
                    fidelity: None,
                    rejected: None,
                };
                let (lowered, scheme) = match self.prepared.quantize(&scheme) {
                    Ok(found) => found,
                    Err(
                        error @ (QuantError::Overflow { .. }
                        | QuantError::Parameter { .. }
                        | QuantError::Invalid { .. }),
                    ) => {
                        trial.rejected = Some(choice::reason(&error));
                        trials.push(trial);
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                // Scores alone do not depend on how later values are rounded.
                let is_bare =
                    matches!(inputs, Inputs::Ranks(_)) && lowered.program.steps.len() == 1;
                let found = self.try_out(graph, lowered, scheme, &mut trial);
                trials.push(trial);
                best = match (found, best) {
                    (Some(found), best) if found.is_better(params.target, best.as_ref()) => {
                        Some(found)
                    }
                    (_, best) => best,
                };
                if is_bare {
                    break;
                }
            }
            if best.is_some() && matches!(params.target, Target::Resources { .. }) {
                break;
            }
        }
        let Some(found) = best else {
            self.complete(graph, &mut trials);
            let (rows, outputs) = (self.floats.rows(), self.floats.range());
            return Err(choice::no_setting(params.target, trials, rows, outputs));
        };
        Ok(IntegerCalibration {
            scheme: IntegerScheme::Program(found.scheme),
            model: IntegerModel::Program(found.lowered.program),
            fidelity: found.fidelity,
            trials,
            folded: found.lowered.folded,
        })
    }

    /// Evaluates a program on the calibration rows; `None` if it is rejected, for what the trial
    /// then says.
    fn try_out(
        &self,
        graph: &Graph,
        lowered: LoweredProgram,
        scheme: ProgramScheme,
        trial: &mut IntegerTrial,
    ) -> Option<Found> {
        let target = self.params.target;
        trial.scheme = IntegerScheme::Program(scheme.clone());
        trial.integers = Some(lowered.program.wires());
        let model = IntegerModel::Program(lowered.program);
        let decision = Decision::of(graph, model.threshold());
        let first = FIRST_ROWS.min(self.rows.nrows());
        let (first_rows, _) = self.rows.split_at(Axis(0), first);
        let measured = FidelityReport::of(graph, self.floats, decision, &model, first_rows)
            .and_then(|report| match choice::rejection(target, &report.overall) {
                Some(_) => Ok(report),
                None => FidelityReport::of(graph, self.floats, decision, &model, self.rows),
            });
        let fidelity = match measured {
            Ok(fidelity) => fidelity,
            Err(error) => {
                trial.rejected = Some(choice::reason(&error));
                return None;
            }
        };
        trial.fidelity = Some(fidelity.overall);
        trial.rejected = choice::rejection(target, &fidelity.overall);
        let IntegerModel::Program(program) = model else {
            return None;
        };
        trial.rejected.is_none().then_some(Found {
            lowered: LoweredProgram {
                program,
                folded: lowered.folded,
            },
            scheme,
            fidelity,
        })
    }

    /// Measures rejected settings on all rows, those of least error first, until the least is known
    /// or a few are.
    fn complete(&self, graph: &Graph, trials: &mut [IntegerTrial]) {
        for _ in 0..COMPLETED {
            let Some(trial) = choice::least(trials).and_then(|at| trials.get_mut(at)) else {
                return;
            };
            let IntegerScheme::Program(scheme) = &trial.scheme else {
                return;
            };
            let is_complete = trial
                .fidelity
                .is_some_and(|of| of.rows == self.rows.nrows());
            if is_complete {
                return;
            }
            let measured = self.prepared.quantize(scheme).and_then(|(lowered, _)| {
                let model = IntegerModel::Program(lowered.program);
                let decision = Decision::of(graph, model.threshold());
                FidelityReport::of(graph, self.floats, decision, &model, self.rows)
            });
            match measured {
                Ok(report) => {
                    trial.fidelity = Some(report.overall);
                    trial.rejected = choice::rejection(self.params.target, &report.overall);
                }
                Err(error) => {
                    trial.fidelity = None;
                    trial.rejected = Some(choice::reason(&error));
                }
            }
        }
    }

    /// Settings with so many limbs in a row.
    fn schemes(&self, total: u32, inputs: &Inputs) -> Vec<ProgramScheme> {
        let bits = self.params.limb_bits;
        let mut schemes = Vec::new();
        for shift in (1..total).filter(|shift| SHIFTS.contains(&(bits * shift))) {
            for fraction_bits in FRACTIONS {
                let none = Exponents::default();
                let (range, exponents, input) = match inputs {
                    Inputs::Scaled(range) => {
                        let limbs = scaled_limbs(*range, fraction_bits, bits, total);
                        (*range, &none, limbs)
                    }
                    Inputs::Shifted(range, exponents) => {
                        let usual = Scale(USUAL_RANGE).factor() as f32;
                        let limbs = scaled_limbs(usual, fraction_bits, bits, total);
                        (*range, exponents, limbs)
                    }
                    Inputs::Ranks(limbs) => (0.0, &none, *limbs..=(*limbs).min(total)),
                };
                for input in input {
                    let limbs = ProgramLimbs {
                        bits,
                        input,
                        shift,
                        table: 1,
                        total,
                    };
                    // Nothing fits the magnitude but the fraction itself.
                    if limbs.magnitude_bits() as i32 > fraction_bits {
                        schemes.push(ProgramScheme {
                            limbs,
                            range,
                            exponents: exponents.clone(),
                            ranks: matches!(inputs, Inputs::Ranks(_)),
                            fraction_bits,
                            fold: self.params.fold,
                            limits: self.limits.to_vec(),
                        });
                    }
                }
            }
        }
        schemes
    }
}

/// How many limbs of inputs are worth trying: inputs are about as fine as other values.
fn scaled_limbs(range: f32, fraction_bits: i32, bits: u32, total: u32) -> RangeInclusive<u32> {
    let exponent = ceil_log2(f64::from(range).max(1e-6));
    let input_bits = (fraction_bits + exponent + 1).max(2) as u32;
    let finer = input_bits.div_ceil(bits).clamp(1, total);
    let coarser = (input_bits / bits).clamp(1, total);
    coarser..=finer
}

impl Found {
    fn is_better(&self, target: Target, best: Option<&Self>) -> bool {
        let Some(best) = best else {
            return true;
        };
        let error = |found: &Self| found.fidelity.overall.mean;
        let (ours, theirs) = (self.fidelity.overall, best.fidelity.overall);
        let cost = |found: &Self| (found.scheme.limbs.total, found.lowered.program.wires());
        match target {
            Target::Resources { .. } => {
                cost(self) < cost(best) || cost(self) == cost(best) && error(self) < error(best)
            }
            // Settings of fewer limbs come first.
            Target::Accuracy => {
                choice::is_finer(&ours, &theirs)
                    || ours.max_parts <= theirs.max_parts && cost(self) < cost(best)
            }
        }
    }
}

/// The bounds that calibration rows suggest for the values that some operations need bounds of.
fn limits(graph: &Graph, rows: ArrayView2<'_, f32>) -> Result<Vec<Limit>, QuantError> {
    let mut values: Vec<usize> = Vec::new();
    let mut exponents: Vec<usize> = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        if matches!(node.op, Op::Map(Function::Exp)) {
            exponents.extend(node.inputs.first());
        }
        if matches!(node.op, Op::Binary(Binary::Divide)) {
            values.push(index + 1);
        }
        let operand = match node.op {
            Op::Binary(Binary::Divide) => node.inputs.get(1),
            Op::Map(Function::Reciprocal | Function::Log | Function::Exp | Function::Sqrt) => {
                node.inputs.first()
            }
            _ => None,
        };
        values.extend(operand);
    }
    values.sort_unstable();
    values.dedup();
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let mut limits: Vec<Limit> = values
        .iter()
        .map(|value| Limit {
            value: *value,
            low: f32::INFINITY,
            high: f32::NEG_INFINITY,
        })
        .collect();
    for row in rows.outer_iter() {
        let trace = graph.trace(row)?;
        for limit in &mut limits {
            for x in &trace[limit.value] {
                limit.low = limit.low.min(*x);
                limit.high = limit.high.max(*x);
            }
        }
    }
    for limit in &mut limits {
        // Away from zero by the margin on both sides, in the direction that the sign says.
        let margin = match exponents.contains(&limit.value) {
            true => EXPONENT_MARGIN,
            false => LIMIT_MARGIN,
        };
        let outward = |x: f32| x * margin;
        let inward = |x: f32| x / LIMIT_MARGIN;
        limit.low = if limit.low > 0.0 {
            inward(limit.low)
        } else {
            outward(limit.low)
        };
        limit.high = if limit.high < 0.0 {
            inward(limit.high)
        } else {
            outward(limit.high)
        };
    }
    limits
        .retain(|limit| limit.low.is_finite() && limit.high.is_finite() && limit.low <= limit.high);
    Ok(limits)
}
