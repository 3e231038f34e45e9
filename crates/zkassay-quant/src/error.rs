//! What can go wrong between a float graph and its integer model.

use std::fmt::{Display, LowerExp};

use crate::calibrate::choice::refusals;
use crate::integer::IntegerTrial;

/// An error of calibration or of integer evaluation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuantError {
    /// The graph has a shape that cannot be quantised yet.
    #[error("node '{node}' ({op}): {reason}")]
    Unsupported {
        /// The node.
        node: String,
        /// Its operator.
        op: String,
        /// What is expected instead.
        reason: String,
    },
    /// A parameter of the calibration is out of range.
    #[error("calibration: {what} is {found}, expected {expected}")]
    Parameter {
        /// Which parameter.
        what: &'static str,
        /// Its value.
        found: String,
        /// The allowed values.
        expected: &'static str,
    },
    /// There is nothing to calibrate on.
    #[error("calibration needs at least one row")]
    NoRows,
    /// A row has the wrong number of values.
    #[error("a row has {found} values, but the model's input '{input}' takes {expected}")]
    RowLength {
        /// The model's input.
        input: String,
        /// Its length.
        expected: usize,
        /// The row's length.
        found: usize,
    },
    /// An input value lies outside the range that the circuit accepts.
    #[error(
        "value {index} of input '{input}' is {}, outside its calibrated range [{}, {}]; \
         recalibrate with rows that reach it, or a larger margin",
        number(*value), number(*low), number(*high)
    )]
    OutOfRange {
        /// The model's input.
        input: String,
        /// Which value, from 0.
        index: usize,
        /// The value.
        value: f32,
        /// The least value accepted.
        low: f64,
        /// The greatest value accepted.
        high: f64,
    },
    /// The worst case of a node does not fit the bits it is given.
    #[error(
        "node '{node}': its worst case needs {needed} bits, but there are {available}; \
         narrow the input range or give it more limbs"
    )]
    Overflow {
        /// The node.
        node: String,
        /// Bits of the worst case.
        needed: u32,
        /// Bits available.
        available: u32,
    },
    /// An input leads to a value that the model has no proof for.
    #[error(
        "node '{node}': this input leads beyond what the calibration rows let expect there (a divisor near \
         zero, or an exponential too large); calibrate with rows like it"
    )]
    Violated {
        /// The node.
        node: String,
    },
    /// An integer model, from a file perhaps, that no calibration makes.
    #[error("the integer model is not valid: {what}")]
    Invalid {
        /// What is wrong with it.
        what: String,
    },
    /// No combination of scales met the target.
    #[error(
        "no setting of {tried} is good enough: {}",
        no_setting(*max_error, (*best, *absolute), *outputs, trials)
    )]
    NoSetting {
        /// The allowed error, in parts of the greater of 1 and the output's greatest magnitude.
        max_error: f64,
        /// Settings tried.
        tried: usize,
        /// The least error reached on all rows, in the same parts: allowed, it is met. Infinite if
        /// every setting was refused earlier.
        best: f64,
        /// The greatest absolute error of that setting.
        absolute: f64,
        /// The least and the greatest of all outputs of the rows.
        outputs: [f64; 2],
        /// Every setting, and why it was refused.
        trials: Vec<IntegerTrial>,
    },
    /// Evaluating the float graph failed.
    #[error(transparent)]
    Graph(#[from] zkassay_graph::GraphError),
    /// The output map is not valid.
    #[error(transparent)]
    Output(#[from] zkassay_fixed::OutputMapError),
}

fn no_setting(
    max_error: f64,
    (best, absolute): (f64, f64),
    [low, high]: [f64; 2],
    trials: &[IntegerTrial],
) -> String {
    if best.is_finite() {
        return format!(
            "the least of their maximum errors is {} parts of the output's magnitude ({absolute:.2e} \
             absolute; outputs lie from {} to {}), allowed are {max_error}; allow more (--max-error {} is \
             met), or calibrate on rows closer to the inputs to expect",
            upwards(best),
            number(low),
            number(high),
            upwards(best),
        );
    }
    let kinds = refusals(trials).into_iter();
    let kinds = kinds.map(|of| match of.last.as_str() {
        "" => format!("{} {}", of.count, of.kind),
        last => format!("{} {} (the last: {last})", of.count, of.kind),
    });
    format!(
        "every one is refused: {}. Calibrate on rows without outliers, or with a smaller margin; a model so \
         deep or with weights so large needs smaller inputs, or fewer layers",
        kinds.collect::<Vec<_>>().join("; ")
    )
}

/// A positive number to three digits, rounded up: what is allowed so much is allowed that number.
fn upwards(x: f64) -> String {
    let nearest = format!("{x:.2e}");
    let is_enough = |text: &String| text.parse::<f64>().is_ok_and(|found| found >= x);
    let further = || format!("{:.2e}", x * 1.006);
    Some(nearest).filter(is_enough).unwrap_or_else(further)
}

/// A number, short however large or small it is.
fn number(x: impl Copy + Into<f64> + Display + LowerExp) -> String {
    let size: f64 = x.into().abs();
    match size == 0.0 || (1e-4..1e7).contains(&size) {
        true => x.to_string(),
        false => format!("{x:e}"),
    }
}
