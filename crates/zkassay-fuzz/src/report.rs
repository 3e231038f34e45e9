//! What a run has found.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use crate::Outcome;
use crate::journal::replay;
use crate::run::saved;

/// Kinds of outcomes that are printed.
const SHOWN: usize = 12;
/// Kinds of outcomes that are told apart.
const KINDS: usize = 500;
/// Failures of one kind that are printed.
const FAILURES: u64 = 3;

/// Something that must not happen.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The number of the case.
    pub case: u64,
    /// What happened.
    pub what: String,
    /// Where its bytes are.
    pub file: Option<PathBuf>,
}

/// What the cases of a target came to.
#[derive(Clone, Debug)]
pub struct Report {
    target: String,
    seed: u64,
    cases: u64,
    accepted: u64,
    slowest: (Duration, u64),
    kinds: BTreeMap<String, u64>,
    failures: Vec<Failure>,
    failure_kinds: BTreeMap<String, u64>,
    /// How long making and checking all cases took.
    pub time: Duration,
    /// By how much a batch of cases raised the greatest memory, in bytes.
    pub memory: u64,
}

impl Report {
    /// Nothing yet.
    pub fn new(target: &str, seed: u64) -> Self {
        Self {
            target: target.to_owned(),
            seed,
            cases: 0,
            accepted: 0,
            time: Duration::ZERO,
            slowest: (Duration::ZERO, 0),
            kinds: BTreeMap::new(),
            failures: Vec::new(),
            failure_kinds: BTreeMap::new(),
            memory: 0,
        }
    }

    /// The target's name.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Cases run.
    pub fn cases(&self) -> u64 {
        self.cases
    }

    /// Cases that were read.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How often each kind of outcome came up.
    pub fn kinds(&self) -> &BTreeMap<String, u64> {
        &self.kinds
    }

    /// Some failures of each kind.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// How many cases failed, whether kept or not.
    pub fn failed(&self) -> u64 {
        self.failure_kinds.values().sum()
    }

    /// How many failures are of the same kind as `what`.
    pub fn failures_like(&self, what: &str) -> u64 {
        self.failure_kinds.get(&kind(what)).copied().unwrap_or(0)
    }

    /// Counts a case.
    pub fn count(&mut self, case: u64, took: Duration, outcome: &Outcome) {
        self.cases += 1;
        self.slowest = self.slowest.max((took, case));
        let label = match outcome {
            Outcome::Accepted(how_far) => {
                self.accepted += 1;
                format!("accepted: {}", kind(how_far))
            }
            Outcome::Refused(error) => kind(error),
            Outcome::Wrong(_) => "WRONG, see below".to_owned(),
        };
        let label = match self.kinds.len() < KINDS || self.kinds.contains_key(&label) {
            true => label,
            false => "(other)".to_owned(),
        };
        *self.kinds.entry(label).or_default() += 1;
    }

    /// Counts a failure, and keeps it if it is not one of many.
    pub fn fail(&mut self, failure: Failure) {
        let count = self.failure_kinds.entry(kind(&failure.what)).or_default();
        *count += 1;
        if *count <= FAILURES {
            self.failures.push(failure);
        }
    }

    /// Seconds that a million cases take at this rate.
    pub fn million(&self) -> f64 {
        self.time.as_secs_f64() / self.cases.max(1) as f64 * 1e6
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time.as_secs_f64();
        let refused = self.cases - self.accepted;
        writeln!(
            f,
            "{}: {} cases in {}, {} accepted, {refused} refused; a million takes {}\n  slowest \
             {:.1} ms (case {}), memory +{} MiB",
            self.target,
            self.cases,
            duration(seconds),
            self.accepted,
            duration(self.million()),
            self.slowest.0.as_secs_f64() * 1e3,
            self.slowest.1,
            self.memory >> 20,
        )?;
        let mut kinds: Vec<(&String, &u64)> = self.kinds.iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (kind, count) in kinds.iter().take(SHOWN) {
            writeln!(f, "  {count:>9}  {kind}")?;
        }
        let rest = kinds.get(SHOWN..).unwrap_or_default();
        if !rest.is_empty() {
            let cases: u64 = rest.iter().map(|(_, count)| **count).sum();
            writeln!(f, "  {cases:>9}  of {} other kinds", rest.len())?;
        }
        for Failure { case, what, file } in &self.failures {
            let many = self.failures_like(what);
            writeln!(f, "  FAILED, case {case}{}: {what}", saved(file))?;
            writeln!(
                f,
                "    one of {many} of this kind; {}",
                replay(&self.target, self.seed, case)
            )?;
        }
        Ok(())
    }
}

/// Seconds as people say them.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 100.0 => format!("{s:.1} s"),
        s if s < 6000.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// An error without what differs from case to case: numbers, and what is quoted.
fn kind(error: &str) -> String {
    const LENGTH: usize = 100;
    let mut kind = String::new();
    let mut length = 0;
    let mut characters = error.chars().peekable();
    while let (Some(character), true) = (characters.next(), length < LENGTH) {
        length += 1;
        match character {
            '0'..='9' => {
                while characters.next_if(char::is_ascii_digit).is_some() {}
                kind.push('#');
            }
            '`' | '"' => {
                let _ = write!(kind, "{character}..{character}");
                for skipped in characters.by_ref() {
                    if skipped == character {
                        break;
                    }
                }
            }
            other if other.is_control() => kind.push(' '),
            other => kind.push(other),
        }
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_forget_what_differs() {
        assert_eq!(kind("row 12 of `x\"y` is 1e39"), "row # of `..` is #e#");
        assert_eq!(kind("it `does not end"), "it `..`");
    }

    #[test]
    fn many_failures_of_one_kind_are_counted_and_not_kept() {
        let mut report = Report::new("proof", 1);
        for case in 0..10 {
            let what = format!("a panic at {case}");
            report.count(
                case,
                Duration::from_millis(1),
                &Outcome::Wrong(what.clone()),
            );
            report.fail(Failure {
                case,
                what,
                file: None,
            });
        }
        assert_eq!((report.failed(), report.failures().len()), (10, 3));
        let text = report.to_string();
        assert!(
            text.contains(
                "one of 10 of this kind; cargo xtask fuzz --target proof --seed 1 --case 0"
            ),
            "{text}"
        );
        assert!(text.contains("10  WRONG"), "{text}");
    }
}
