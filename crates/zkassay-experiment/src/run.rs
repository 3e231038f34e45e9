//! A run: accuracies first, then proofs, and a journal of all that was found.
//!
//! Accuracies are measured side by side on all threads, proofs one process at a time, so that
//! nothing else runs while they are timed. What fails of a model or of a prover is written down, and
//! the run goes on without it. What fails of the run itself, such as a full disk, ends it; it goes on
//! from there with [`RunOptions::resume`].
//!
//! Going on, nothing that was finished is run again, and a failure is a result like others. Only
//! provers that did not start are tried again: that says nothing about a model.

mod data;
mod models;
mod provers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Error, Result, anyhow, ensure};
use zkassay_report::{Failure, Proving, RunRecord};

use crate::assemble;
use crate::cell::Exported;
use crate::folder::Folder;
use crate::journal::{Contents, Entry, Journal};
use crate::load::Load;
use crate::plan::{Plan, RunOptions};
use crate::progress::Progress;
use crate::{host, remaining, train};

use data::Data;

/// What our prover has for all stages of a model.
const LIMIT: Duration = Duration::from_secs(3600);
/// The stage of a prover that did not start: that says nothing about the model, so it is tried
/// again when the run goes on.
const START: &str = "start";
/// The file with the rows that provers get.
const ROWS: &str = "rows.json";
/// The folder of the parameters that all models share.
const PARAMETERS: &str = "parameters";
/// Runs a plan, or what is left of it, and writes its folder.
///
/// What fails of a model is in [`RunRecord::failures`].
///
/// # Errors
/// There is no data, or the run cannot go on, and why. What was finished is kept.
pub fn run(plan: &Plan, options: &RunOptions, progress: &Progress) -> Result<(RunRecord, PathBuf)> {
    run_within(plan, options, LIMIT, progress)
}

/// As [`run`], where our prover has `limit` for all stages of a model instead of an hour.
///
/// # Errors
/// As [`run`].
pub fn run_within(
    plan: &Plan,
    options: &RunOptions,
    limit: Duration,
    progress: &Progress,
) -> Result<(RunRecord, PathBuf)> {
    let started = Instant::now();
    if let Some(folder) = &options.resume {
        let contents = Contents::read(folder)?;
        if contents.is_finished() && retriable(&contents, options).is_empty() {
            progress.done(
                "run",
                &format!("{} is finished; nothing is left to do", contents.header.id),
            );
            progress.finish();
            let record = write(&contents, folder)?;
            return Ok((record, folder.clone()));
        }
    }
    ensure!(
        options.worker.is_file(),
        "the program {} is missing; `cargo xtask experiment` builds it",
        options.worker.display()
    );
    // Whether another process has the run is known before anything is loaded.
    let resumed = match &options.resume {
        Some(path) => Some((path, Journal::open(path, started)?)),
        None => None,
    };
    progress.update("data", "loading tables, making features");
    let data = Data::load(plan)?;
    progress.done("data", &data.proved()?.summary());
    if let Some(audit) = &data.audit {
        progress.done("leak audit", &data::audit_line(audit));
    }
    let (folder, journal) = match resumed {
        Some((path, journal)) => (resume(path, plan, &data, &journal)?, journal),
        None => begin(&options.out, plan, &data, started)?,
    };
    let path = folder.path().to_path_buf();
    let shown = path.display();
    progress.done(
        "run",
        &format!("{shown} (if it is interrupted: cargo xtask experiment --resume {shown})"),
    );
    if options.resume.is_some() {
        progress.done("", &remaining::summary(journal.contents()));
    }
    let run = Run {
        plan,
        options,
        limit,
        progress,
        data: &data,
        folder: &folder,
        journal: Mutex::new(journal),
        exported: Mutex::default(),
    };
    let done = run.go();
    progress.finish();
    match done {
        Ok(record) => Ok((record, path)),
        Err(error) => Err(stopped(&error, &path)),
    }
}

/// Why a run could not go on, and what to do about it.
fn stopped(error: &Error, folder: &Path) -> Error {
    let folder = folder.display();
    anyhow!(
        "{error:#}\nWhat was finished is kept in {folder}. \
         To go on: cargo xtask experiment --resume {folder}"
    )
}

fn begin(out: &Path, plan: &Plan, data: &Data, started: Instant) -> Result<(Folder, Journal)> {
    let folder = Folder::create(out)?;
    let header = data.header(plan, folder.id(), folder.created())?;
    match Journal::create(folder.path(), header, started) {
        Ok(journal) => Ok((folder, journal)),
        Err(error) => {
            folder.remove_unused();
            Err(error)
        }
    }
}

fn resume(path: &Path, plan: &Plan, data: &Data, journal: &Journal) -> Result<Folder> {
    let header = &journal.contents().header;
    header.check(&data.header(plan, &header.id, &header.created)?)?;
    Ok(Folder::existing(path, &header.id, &header.created))
}

/// The failures of provers that did not start, and may now.
fn retriable(contents: &Contents, options: &RunOptions) -> Vec<Failure> {
    let mut failures = assemble::failures(contents);
    failures.retain(|failure| {
        let can_start = failure.prover == Proving::ZKASSAY || options.ezkl.is_some();
        failure.stage == START && can_start
    });
    failures
}

/// Everything that a run's report says, made of its journal.
fn write(contents: &Contents, folder: &Path) -> Result<RunRecord> {
    let record = assemble::record(contents)?;
    zkassay_report::write(folder, &record).context("the report cannot be written")?;
    Ok(record)
}

/// A run that goes on.
struct Run<'a> {
    plan: &'a Plan,
    options: &'a RunOptions,
    limit: Duration,
    progress: &'a Progress,
    data: &'a Data,
    folder: &'a Folder,
    journal: Mutex<Journal>,
    /// The files of models that this part of the run has written, by name.
    exported: Mutex<BTreeMap<String, Exported>>,
}

impl Run<'_> {
    fn go(&self) -> Result<RunRecord> {
        self.append(Entry::Begun {
            host: host::host(self.plan.threads),
        })?;
        let retried = retriable(self.journal().contents(), self.options);
        for Failure { model, prover, .. } in retried {
            self.append(Entry::Retried { model, prover })?;
        }
        self.data.write(self.folder)?;
        train::write_rows(self.data.proved()?, &self.folder.path().join(ROWS))?;
        self.accuracies()?;
        let before = Load::now();
        self.proofs()?;
        if let Some((others, cores)) = before.and_then(Load::others) {
            self.append(Entry::Load { others, cores })?;
        }
        self.progress.update("report", "tables and plots");
        let record = write(self.journal().contents(), self.folder.path())?;
        self.append(Entry::Finished)?;
        Ok(record)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        // A line is there or not, whoever panicked.
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, entry: Entry) -> Result<()> {
        self.journal().append(entry)
    }

    /// Writes down that a model or prover failed.
    fn fail(&self, model: String, prover: &str, stage: &str, message: String) -> Result<()> {
        self.progress
            .failed(&model, prover, &format!("{stage}: {message}"));
        self.append(Entry::Failed(Failure {
            model,
            prover: prover.into(),
            stage: stage.into(),
            message,
        }))
    }

    /// What failed of a model so far.
    fn failure(&self, model: &str, prover: &str) -> Option<Failure> {
        let mut failures = assemble::failures(self.journal().contents()).into_iter();
        failures.find(|failure| failure.model == model && failure.prover == prover)
    }
}
