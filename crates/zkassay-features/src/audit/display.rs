//! An audit as text for a terminal.

use std::fmt;

use super::Audit;

/// Findings that are printed.
const SHOWN: usize = 10;

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scores = &self.scores;
        writeln!(
            f,
            "Leak audit: {} rows, {} splits, majority label {:.3}",
            scores.rows, self.settings.splits, scores.majority
        )?;
        for (what, score) in [
            ("prices only", scores.prices_only),
            ("all sources as given", scores.as_given),
            ("other sources one day later", scores.delayed),
            ("cost of that day", scores.cost_of_a_day),
        ] {
            writeln!(
                f,
                "  {what:<28} {:>6.3} +- {:.3}",
                score.mean, score.standard_error
            )?;
        }
        writeln!(
            f,
            "Rank correlation with the label of the day before / same day / day after"
        )?;
        for finding in self.findings.iter().take(SHOWN) {
            writeln!(
                f,
                "  {:<52} {:<6} {:+.3} / {:+.3} / {:+.3}{}",
                finding.feature,
                finding.form,
                finding.day_before.value,
                finding.same_day.value,
                finding.day_after.value,
                if finding.is_suspect() {
                    "  <- suspect"
                } else {
                    ""
                }
            )?;
        }
        let threshold = self
            .findings
            .first()
            .map_or(1.0, |first| first.same_day.threshold);
        let (shown, suspects) = (SHOWN.min(self.findings.len()), self.suspects().count());
        writeln!(
            f,
            "  {shown} of {} shown; significant above {threshold:.3}; {suspects} suspect",
            self.findings.len()
        )?;
        match &self.warning {
            Some(warning) => write!(f, "WARNING: {warning}"),
            None => write!(f, "No warning."),
        }
    }
}
