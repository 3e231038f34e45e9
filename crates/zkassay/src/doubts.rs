//! What a calibration should make one doubt.
//!
//! A setting meets its target where its errors are small beside 1, or beside the greatest output. That
//! says little of outputs that are all tiny, or of classes that are a near thing.

use crate::settings::Calibrated;

/// Fewer rows with the same class are worth a warning.
const LEAST_AGREEMENT: f64 = 0.95;
/// So is an error of more than this part of an output's spread.
const OF_SPREAD: f64 = 0.1;
/// With fewer rows, a spread says nothing.
const LEAST_ROWS: usize = 2;

impl Calibrated {
    /// Warnings, in sentences; none of a calibration that is as good as it should be.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let fidelity = &self.fidelity;
        if fidelity.rows > 0 && fidelity.agreement < LEAST_AGREEMENT {
            warnings.push(format!(
                "integers and floats predict the same class in {:.2} % of the calibration rows only: \
                 allow a smaller error with --max-error, or calibrate with --target accuracy",
                100.0 * fidelity.agreement,
            ));
        }
        if fidelity.rows < LEAST_ROWS {
            return warnings;
        }
        let outputs = self.per_output.iter().enumerate();
        let of_spread = outputs.filter_map(|(at, of)| Some((at, of, of.of_spread()?)));
        let mut doubtful: Vec<_> = of_spread.filter(|(.., part)| *part > OF_SPREAD).collect();
        doubtful.sort_by(|(.., a), (.., b)| b.total_cmp(a));
        if let Some((at, of, part)) = doubtful.first() {
            let [low, high] = of.range;
            warnings.push(format!(
                "output {at} lies from {low:.3e} to {high:.3e} on the calibration rows, and its greatest \
                 error, {:.2e}, is {:.0} % of that spread{}: scale the outputs up, allow a smaller error \
                 with --max-error, or calibrate with --target accuracy",
                of.absolute.max,
                100.0 * part,
                match doubtful.len() - 1 {
                    0 => String::new(),
                    more => format!(
                        " ({more} more of {} outputs have errors above {:.0} %)",
                        self.per_output.len(),
                        100.0 * OF_SPREAD
                    ),
                },
            ));
        }
        warnings
    }
}
