//! The loop: each case by itself, with a limit of time, and batches with a limit of memory.

mod panics;
mod watchdog;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use zkassay_seed::Stream;

use crate::journal::{Journal, replay};
use crate::report::{Failure, Report};
use crate::{Case, Outcome, Target, memory};
use watchdog::Watchdog;

/// Cases between two looks at the memory.
const BATCH: u64 = 256;
/// A case that takes this many times the limit is not waited for.
const HANG: u32 = 10;
/// Failures of one kind whose bytes are kept.
const KEPT: u64 = 3;

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The seed of all cases.
    pub seed: u64,
    /// Numbers of the cases.
    pub cases: Range<u64>,
    /// Where failing cases are kept.
    pub folder: PathBuf,
    /// The most time for a case.
    pub time: Duration,
    /// The most memory for a case, in bytes.
    pub memory: u64,
}

/// The case of a number.
pub fn case(target: &dyn Target, seed: u64, number: u64) -> Case {
    let name = format!("fuzz/{}/{number}", target.name());
    target.case(&mut Stream::new(seed, &name))
}

/// Checks one case; a panic is an outcome like others.
pub fn check(target: &dyn Target, case: &Case) -> Outcome {
    panics::caught(|| target.check(case))
        .unwrap_or_else(|message| Outcome::Wrong(format!("a panic: {message}")))
}

/// Runs the cases of one target; `progress` is told of every batch that is done.
///
/// # Errors
/// The folder cannot be written to. What goes wrong in a case is in the report.
pub fn run(
    target: &dyn Target,
    options: &Options,
    mut progress: impl FnMut(&Report),
) -> Result<Report> {
    let folder = options.folder.display();
    let in_folder = || format!("cannot write to the folder {folder}");
    let mut journal =
        Journal::new(&options.folder, target.name(), options.seed).with_context(in_folder)?;
    let (name, seed, kept) = (target.name(), options.seed, options.folder.clone());
    let watchdog = Watchdog::new(options.time * HANG, move |number, case| {
        let file = keep(&kept, name, seed, number, case);
        eprintln!("error: {name}: case {number} does not end{}", saved(&file));
        eprintln!("  {}", replay(name, seed, number));
    });
    let mut report = Report::new(target.name(), options.seed);
    let fail = |report: &mut Report, number, what: String, case: &Case| {
        let file = match report.failures_like(&what) < KEPT {
            true => keep(&options.folder, name, seed, number, case),
            false => None,
        };
        report.fail(Failure {
            case: number,
            what,
            file,
        });
    };
    let mut peak = memory::peak();
    let began = Instant::now();
    for start in options.cases.clone().step_by(BATCH as usize) {
        let batch = start..options.cases.end.min(start + BATCH);
        for number in batch.clone() {
            journal.note(number).with_context(in_folder)?;
            let case = Arc::new(case(target, seed, number));
            watchdog.watch(number, &case);
            let checking = Instant::now();
            let outcome = check(target, &case);
            let took = checking.elapsed();
            report.count(number, took, &outcome);
            if let Outcome::Wrong(what) = outcome {
                fail(&mut report, number, what, &case);
            }
            if took > options.time {
                let what = format!("it takes {:.1} s", took.as_secs_f64());
                fail(&mut report, number, what, &case);
            }
        }
        watchdog.rest();
        report.time = began.elapsed();
        let now = memory::peak();
        if let (Some(before), Some(now)) = (peak, now) {
            report.memory = report.memory.max(now.saturating_sub(before));
            if now.saturating_sub(before) > options.memory {
                let (number, grown) = most_memory(target, seed, batch);
                let what = format!("it takes {} MiB of memory", grown.max(now - before) >> 20);
                fail(&mut report, number, what, &case(target, seed, number));
            }
        }
        peak = now;
        progress(&report);
    }
    journal.finish().with_context(in_folder)?;
    Ok(report)
}

/// The case of a batch that takes most memory, and how much; the first one if the system does not
/// forget old peaks.
fn most_memory(target: &dyn Target, seed: u64, batch: Range<u64>) -> (u64, u64) {
    let mut most = (batch.start, 0);
    for number in batch {
        if !memory::reset() {
            break;
        }
        let before = memory::peak();
        let _ = check(target, &case(target, seed, number));
        if let (Some(before), Some(after)) = (before, memory::peak()) {
            let grown = after.saturating_sub(before);
            if grown > most.1 {
                most = (number, grown);
            }
        }
    }
    most
}

/// Writes the bytes of a case to a file; `None` if that fails, since the case is what matters.
fn keep(folder: &Path, target: &str, seed: u64, number: u64, case: &Case) -> Option<PathBuf> {
    let path = folder.join(format!("{target}-{seed}-{number}"));
    zkassay_file::write(&path, &case.bytes).ok().map(|()| path)
}

/// Where a case was kept, for messages.
pub(crate) fn saved(file: &Option<PathBuf>) -> String {
    match file {
        Some(path) => format!(" (bytes in {})", path.display()),
        None => String::new(),
    }
}
