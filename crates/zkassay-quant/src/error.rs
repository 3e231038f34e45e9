//! What can go wrong between a float graph and its integer model.

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
        "value {index} of input '{input}' is {value}, outside the calibrated range [{low}, {high}]; \
         recalibrate with rows that reach it, or a larger margin"
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
        no_setting(*max_error, *best, last)
    )]
    NoSetting {
        /// The allowed error.
        max_error: f64,
        /// Settings tried.
        tried: usize,
        /// The least error reached; infinite if every setting was refused earlier.
        best: f64,
        /// Why the last setting was refused, with the most limbs.
        last: String,
    },
    /// Evaluating the float graph failed.
    #[error(transparent)]
    Graph(#[from] zkassay_graph::GraphError),
    /// The output map is not valid.
    #[error(transparent)]
    Output(#[from] zkassay_fixed::OutputMapError),
}

fn no_setting(max_error: f64, best: f64, last: &str) -> String {
    match best.is_finite() {
        true => format!(
            "the least of their maximum errors is {best:.2e}, allowed are {max_error}; allow more, \
             calibrate on rows closer to the inputs to expect, or bring features of very different \
             magnitude closer together: all inputs have one scale"
        ),
        false => format!(
            "every one is refused, the last because of this: {last}. A model so deep or with weights \
             so large needs smaller inputs, or fewer layers"
        ),
    }
}
