//! Which setting a search takes, and what it says of the others.

use super::Target;
use crate::integer::IntegerTrial;
use crate::{Fidelity, QuantError};

/// Errors of settings that differ by no more than this factor are as good as equal.
const NEAR: f64 = 1.05;
/// So are all errors below the resolution of float32, in parts of the output's magnitude.
const UNRESOLVED: f64 = 1.0 / 16_777_216.0;

/// The number of settings refused for the same kind of reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusals {
    /// The kind, in a few words.
    pub kind: String,
    /// How many.
    pub count: usize,
    /// What the last of them says besides.
    pub last: String,
}

/// Settings that were refused, by kind of reason, the most frequent first.
pub fn refusals(trials: &[IntegerTrial]) -> Vec<Refusals> {
    let mut kinds: Vec<Refusals> = Vec::new();
    for reason in trials.iter().filter_map(|trial| trial.rejected.as_deref()) {
        let (kind, rest) = reason.split_once(": ").unwrap_or((reason, ""));
        match kinds.iter_mut().find(|of| of.kind == kind) {
            Some(of) => {
                of.count += 1;
                of.last = rest.to_owned();
            }
            None => kinds.push(Refusals {
                kind: kind.to_owned(),
                count: 1,
                last: rest.to_owned(),
            }),
        }
    }
    kinds.sort_by_key(|of| std::cmp::Reverse(of.count));
    kinds
}

/// Whether the greatest error of a setting is less than that of another by more than a little.
pub(super) fn is_finer(ours: &Fidelity, theirs: &Fidelity) -> bool {
    theirs.max_parts > UNRESOLVED && ours.max_parts * NEAR < theirs.max_parts
}

/// Why the errors of a setting are too large; `None` if they are not.
pub(super) fn rejection(target: Target, fidelity: &Fidelity) -> Option<String> {
    match target {
        Target::Resources { max_error } if fidelity.max_parts > max_error => Some(format!(
            "not accurate enough: greatest error {:.2e} parts of the output's magnitude on {} rows \
             ({:.2e} absolute), allowed {max_error}",
            fidelity.max_parts, fidelity.rows, fidelity.max,
        )),
        _ => None,
    }
}

/// Why a setting gives no integer model, beginning with the kind of reason.
pub(super) fn reason(error: &QuantError) -> String {
    match error {
        QuantError::Overflow {
            node,
            needed,
            available,
        } => format!(
            "too few limbs: in the worst case node '{node}' needs {needed} bits, but has {available}"
        ),
        QuantError::Parameter { what, found, .. } if *what == "a weight scale" => format!(
            "too coarse: values would have less precision than the weights that they come from \
             (these would have a scale of {found})"
        ),
        QuantError::Parameter { what, found, .. } if *what == "the scale of leaves" => {
            format!("too coarse: sums of leaves would be the same ({found})")
        }
        QuantError::Parameter { what, found, .. } if *what == "the segments of a function" => {
            format!("too fine: a function would need {found} pieces, at most 4096 are possible")
        }
        QuantError::Violated { .. } => format!("beyond a bound: {error}"),
        _ => format!("not possible: {error}"),
    }
}

/// The evaluated setting of least error; with first rows alone, that is less than on all of them.
pub(super) fn least(trials: &[IntegerTrial]) -> Option<usize> {
    let error = |at: &usize| trials.get(*at)?.fidelity.map(|of| of.max_parts);
    let evaluated = (0..trials.len()).filter(|at| error(at).is_some());
    evaluated.min_by(|a, b| match (error(a), error(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => std::cmp::Ordering::Equal,
    })
}

/// That no setting met the target; `rows` is how many there are, `outputs` the least and the greatest
/// of all float outputs.
pub(super) fn no_setting(
    target: Target,
    trials: Vec<IntegerTrial>,
    rows: usize,
    outputs: [f64; 2],
) -> QuantError {
    // Others are known on some rows only.
    let complete = trials.iter().filter_map(|trial| trial.fidelity);
    let complete = complete.filter(|of| of.rows + of.out_of_range == rows);
    let best = complete.min_by(|a, b| a.max_parts.total_cmp(&b.max_parts));
    QuantError::NoSetting {
        max_error: match target {
            Target::Resources { max_error } => max_error,
            Target::Accuracy => f64::INFINITY,
        },
        tried: trials.len(),
        best: best.map_or(f64::INFINITY, |of| of.max_parts),
        absolute: best.map_or(f64::INFINITY, |of| of.max),
        outputs,
        trials,
    }
}
