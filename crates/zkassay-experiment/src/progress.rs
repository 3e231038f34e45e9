//! What is seen meanwhile: a line for every finished stage, and a live one for
//! the stage that runs.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
// Numbers are as in the tables.
pub(crate) use zkassay_report::units::{count, time};

/// Progress on standard error; the live line only on a terminal.
#[derive(Clone, Debug)]
pub struct Progress {
    bar: ProgressBar,
    lines: bool,
}

impl Progress {
    /// Progress on standard error.
    pub fn stderr() -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {prefix:<22} {msg} {elapsed:.dim}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, lines: true }
    }

    /// No output, for tests.
    pub fn hidden() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            lines: false,
        }
    }

    /// Changes the live line.
    pub fn update(&self, subject: &str, stage: impl Into<String>) {
        self.bar.set_prefix(subject.to_string());
        self.bar.set_message(stage.into());
    }

    /// Leaves a line about something finished.
    pub fn done(&self, subject: &str, result: &str) {
        if self.lines {
            self.bar.suspend(|| eprintln!("{subject:<22}  {result}"));
        }
    }

    /// Leaves a line about a prover that failed on a model; the run goes on.
    pub fn failed(&self, subject: &str, prover: &str, message: &str) {
        self.done(subject, &format!("{prover} failed: {message}"));
    }

    /// Removes the live line.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_in_the_tables() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (31_233, "31,233"),
            (1_000_000, "1,000,000"),
        ] {
            assert_eq!(count(value), text);
        }
        for (milliseconds, text) in [
            (0.8124, "812 µs"),
            (14.94, "14.9 ms"),
            (99.96, "100 ms"),
            (999.6, "1.00 s"),
            (12_345.0, "12.3 s"),
        ] {
            assert_eq!(time(milliseconds), text);
        }
    }
}
