//! Proofs of every model, by every prover, one process at a time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use zkassay_ezkl::{Configuration, Environment, EzklError, Worker, WorkerError};
use zkassay_models::ModelSpec;
use zkassay_report::{Proving, Samples, Stage};

use super::{PARAMETERS, ROWS, Run, START};
use crate::assemble;
use crate::cell::ProvingRound;
use crate::journal::Entry;
use crate::progress::time;
use crate::prove::{self, Effort};

/// The log of a prover, in its folder.
const LOG: &str = "worker.log";
/// EZKL's proving key: hundreds of megabytes of no use to anybody once they were measured.
const PEER_KEY: &str = "proving.key";
/// What a system says of a disk or a folder, not of a model.
const DISK: [&str; 6] = [
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "SIGXFSZ",
    "Read-only file system",
    "Input/output error",
];

/// A prover, and how to start it.
#[derive(Clone, Copy)]
enum Prover<'a> {
    /// This project's.
    Ours,
    /// EZKL, where there is an environment for it, or why there is none.
    Ezkl(Configuration, Result<&'a Environment, &'a str>),
}

/// What a prover is to do for a model.
struct Task<'a> {
    spec: &'a ModelSpec,
    prover: Prover<'a>,
    effort: Effort,
}

impl Prover<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Ours => Proving::ZKASSAY,
            Self::Ezkl(configuration, _) => configuration.prover(),
        }
    }

    fn version(self) -> String {
        match self {
            Self::Ours => env!("CARGO_PKG_VERSION").into(),
            Self::Ezkl(_, Ok(environment)) => environment.version().into(),
            Self::Ezkl(_, Err(_)) => String::new(),
        }
    }

    /// Its folder in that of the model.
    fn folder(self, model: PathBuf) -> PathBuf {
        match self {
            Self::Ours => model,
            Self::Ezkl(configuration, _) => model.join(format!("ezkl-{configuration}")),
        }
    }
}

impl Run<'_> {
    /// Takes every model through every prover, as far as that was not done before.
    pub(super) fn proofs(&self) -> Result<()> {
        let ezkl = self.ezkl();
        let ours = Effort {
            setups: self.plan.setups,
            proofs: self.plan.proofs,
            limit: self.limit,
        };
        for spec in &self.plan.models {
            let mut tasks = vec![(Prover::Ours, ours)];
            for peer in self
                .plan
                .peer
                .iter()
                .filter(|peer| peer.models.contains(spec))
            {
                let effort = Effort {
                    setups: peer.setups,
                    proofs: peer.proofs,
                    limit: Duration::from_secs(peer.limit_seconds),
                };
                let environment = ezkl.as_ref().map_err(String::as_str);
                let peers = peer.configurations.iter();
                tasks.extend(peers.map(|peer| (Prover::Ezkl(*peer, environment), effort)));
            }
            for (prover, effort) in tasks {
                self.prove(&Task {
                    spec,
                    prover,
                    effort,
                })?;
            }
        }
        Ok(())
    }

    /// EZKL's environment, or why there is none.
    fn ezkl(&self) -> Result<Environment, String> {
        match (&self.options.ezkl, &self.options.ezkl_missing) {
            (Some(folder), _) => Environment::open(folder)
                .map(|environment| environment.with_threads(self.plan.threads))
                .map_err(|error| error.to_string()),
            (None, Some(reason)) => Err(reason.clone()),
            (None, None) => Err("there is no environment; `cargo xtask ezkl` makes one".into()),
        }
    }

    fn prove(&self, task: &Task<'_>) -> Result<()> {
        let Task {
            spec,
            prover,
            effort,
        } = task;
        let (tag, name) = (spec.to_string(), prover.name());
        if self.is_untrainable(spec) {
            return Ok(());
        }
        let (done, _) = assemble::proving_rounds(self.journal().contents(), spec, name);
        let all = effort.setups.max(effort.proofs);
        let failure = self.failure(&tag, name);
        // Without integers in another round, there are some in this one, or it fails here.
        let has_failed = failure.is_some_and(|failure| failure.stage != assemble::QUANTISE);
        if has_failed || done.len() >= all {
            return Ok(());
        }
        if let Prover::Ezkl(_, Err(reason)) = prover {
            return self.fail(tag, name, START, (*reason).into());
        }
        let Some(exported) = self.exported(spec)? else {
            return Ok(());
        };
        let folder = prover.folder(self.folder.path().join(&tag));
        fs::create_dir_all(&folder)
            .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        let rows = self.folder.path().join(ROWS);
        let subject = exported.subject(&rows, &folder);
        let showing = |round: usize| {
            let count = format!("{name}, round {} of {all}", (round + 1).min(all));
            self.progress.update(&tag, count);
        };
        showing(done.len());
        let version = prover.version();
        let mut keep = |round: ProvingRound| {
            if let Some(failure) = &round.failure {
                check_disk(&failure.message, &folder)?;
                self.progress.failed(&tag, name, &failure.to_string());
            }
            for refused in &round.refused {
                let line = format!("row {} is left out: {}", refused.row, refused.message);
                self.progress.done(&tag, &line);
            }
            let next = round.round + 1;
            self.append(Entry::Proving {
                model: (*spec).clone(),
                prover: name.into(),
                version: version.clone(),
                round: Box::new(round),
            })?;
            showing(next);
            Ok(())
        };
        let start = || self.start(*prover, &exported.onnx, &folder);
        let failure = prove::rounds(start, &subject, effort, &done, &mut keep)?;
        if matches!(prover, Prover::Ezkl(..)) {
            remove_key(&folder)?;
        }
        if failure.is_none() {
            let (rounds, _) = assemble::proving_rounds(self.journal().contents(), spec, name);
            self.progress
                .done(&tag, &format!("{name}: {}", summary(&rounds)));
        }
        Ok(())
    }

    fn start(&self, prover: Prover<'_>, onnx: &Path, folder: &Path) -> Result<Worker, WorkerError> {
        let rows = self.folder.path().join(ROWS);
        let parameters = self.folder.path().join(PARAMETERS);
        let log = folder.join(LOG);
        let program = || self.options.worker.display().to_string();
        match prover {
            Prover::Ours => {
                let mut command = Command::new(&self.options.worker);
                command.args([onnx, &rows, folder]);
                command.arg("--parameters").arg(parameters);
                if let Some(threads) = self.plan.threads {
                    command.arg("--threads").arg(threads.to_string());
                }
                Worker::start(command, &log)
            }
            Prover::Ezkl(configuration, Ok(environment)) => {
                let worker = zkassay_ezkl::worker(
                    environment,
                    configuration,
                    onnx,
                    &rows,
                    folder,
                    &parameters,
                    &log,
                );
                worker.map_err(|error| match error {
                    EzklError::Worker(error) => error,
                    error => WorkerError::Start {
                        program: environment.python().display().to_string(),
                        source: std::io::Error::other(error),
                    },
                })
            }
            Prover::Ezkl(_, Err(reason)) => Err(WorkerError::Start {
                program: program(),
                source: std::io::Error::other(reason.to_owned()),
            }),
        }
    }
}

/// Whether a prover failed for want of a disk, which is no fault of the model.
///
/// # Errors
/// It did.
fn check_disk(message: &str, folder: &Path) -> Result<()> {
    if DISK.iter().any(|sign| message.contains(sign)) {
        bail!(
            "the prover in {} could not write: {message}",
            folder.display()
        );
    }
    let probe = folder.join("probe");
    let written = zkassay_file::write(&probe, b"probe").and_then(|()| fs::remove_file(&probe));
    written.with_context(|| format!("{} cannot be written", folder.display()))
}

fn remove_key(folder: &Path) -> Result<()> {
    let key = folder.join(PEER_KEY);
    match key.exists() {
        true => {
            fs::remove_file(&key).with_context(|| format!("{} cannot be removed", key.display()))
        }
        false => Ok(()),
    }
}

/// One line about a prover's rounds.
fn summary(rounds: &[ProvingRound]) -> String {
    let median = |stage: Stage| {
        let samples = rounds
            .iter()
            .flat_map(|round| round.wall.of(stage).as_slice());
        let samples: Samples = samples.copied().collect();
        samples.median().map_or_else(|| "-".into(), time)
    };
    let proofs = rounds.iter().filter(|round| round.row.is_some()).count();
    let unit = if proofs == 1 { "proof" } else { "proofs" };
    format!(
        "{proofs} {unit}, setup {}, prove {}, verify {}",
        median(Stage::Setup),
        median(Stage::Prove),
        median(Stage::Verify)
    )
}
