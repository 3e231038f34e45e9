//! What a calibration tried, for people and for scripts.

use anyhow::Result;
use serde_json::json;
use zkassay::Error;
use zkassay_quant::{Exponents, IntegerScheme, IntegerTrial, QuantError, refusals};

use crate::commands::print;

/// How many settings are shown in full.
const SHOWN: usize = 5;

/// What was tried and why it was refused, in lines: the best in full, of the others how many.
pub(crate) fn lines(trials: &[IntegerTrial]) -> Vec<String> {
    let (met, refused): (Vec<_>, Vec<_>) =
        trials.iter().partition(|trial| trial.rejected.is_none());
    let bits = || trials.iter().map(|trial| trial.scheme.limb_bits());
    let mut lines = vec![format!(
        "tried    {} settings with limbs of {} bits, {} met the target",
        trials.len(),
        match (bits().min(), bits().max()) {
            (Some(least), Some(most)) if least < most => format!("{least} to {most}"),
            (least, _) => least.unwrap_or_default().to_string(),
        },
        met.len(),
    )];
    let error = |trial: &IntegerTrial| trial.fidelity.map_or(f64::INFINITY, |of| of.max_parts);
    let best = |mut of: Vec<&IntegerTrial>, word: &str| {
        of.retain(|trial| trial.fidelity.is_some());
        of.sort_by(|a, b| error(a).total_cmp(&error(b)));
        let line = |trial: &&IntegerTrial| {
            let fidelity = trial.fidelity.as_ref();
            let rows = fidelity.map_or(0, |of| of.rows);
            let integers = trial.integers.map(|n| format!(", {n} integers"));
            format!(
                "{word:<8} {}{}: greatest error {:.2e} parts on {rows} rows",
                scales(&trial.scheme),
                integers.unwrap_or_default(),
                error(trial),
            )
        };
        of.iter().take(SHOWN).map(line).collect::<Vec<_>>()
    };
    lines.extend(best(met.clone(), "met"));
    if met.len() > SHOWN {
        lines.push(format!("         and {} more", met.len() - SHOWN));
    }
    if met.is_empty() {
        lines.extend(best(refused, "nearest"));
    }
    for of in refusals(trials) {
        let last = match of.last.as_str() {
            "" => String::new(),
            last => format!("; the last: {last}"),
        };
        lines.push(format!("refused  {} {}{last}", of.count, of.kind));
    }
    lines
}

/// Limbs and scales, in words.
pub(crate) fn scales(scheme: &IntegerScheme) -> String {
    match scheme {
        IntegerScheme::Chain(scheme) => {
            let limbs = scheme.limbs;
            format!(
                "{} bits; {} for an input, {} for a remainder, {} for a magnitude{}",
                limbs.bits,
                limbs.input,
                limbs.remainder,
                limbs.magnitude,
                ranges(&scheme.exponents),
            )
        }
        IntegerScheme::Program(scheme) => {
            let limbs = scheme.limbs;
            format!(
                "{} bits; {} in a row, {} for an input, {} for a remainder; scales up to 2^{}{}",
                limbs.bits,
                limbs.total,
                limbs.input,
                limbs.shift,
                scheme.fraction_bits,
                ranges(&scheme.exponents),
            )
        }
    }
}

/// Whether inputs have ranges of their own.
fn ranges(exponents: &Exponents) -> &'static str {
    match exponents.is_empty() {
        true => "",
        false => "; inputs with ranges of their own",
    }
}

/// The result of a calibration; of one that failed, what it tried is printed first.
pub(crate) fn shown<T>(json: bool, result: Result<T, Error>) -> Result<T> {
    if let Err(Error::Quant(
        error @ QuantError::NoSetting {
            max_error,
            tried,
            best,
            absolute,
            outputs,
            trials,
        },
    )) = &result
    {
        let finite = |x: &f64| x.is_finite().then_some(*x);
        let record = json!({
            "calibrated": false,
            "reason": error.to_string(),
            "max_error": finite(max_error),
            "least_error": finite(best),
            "least_error_absolute": finite(absolute),
            "outputs": outputs,
            "tried": tried,
            "trials": trials,
        });
        print(json, &record, || lines(trials).join("\n"))?;
    }
    Ok(result?)
}
