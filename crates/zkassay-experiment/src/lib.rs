//! From data to verified proofs in one command.
//!
//! The frame around every stage: a [`Plan`] says which models on which data,
//! [`run`] takes each from training to verified proofs through the files that a
//! user would have (the ONNX model, the keys, the proofs), and the result is
//! a [`RunRecord`] in a folder of its own.
//!
//! | module | what |
//! |---|---|
//! | [`plan`] | what to run |
//! | [`dataset`] | tables to rows, split and standardised |
//! | [`model`] | one model through all stages |
//! | [`integer`] | the integer model of a graph, and how often it is right |
//! | [`accuracy`] | many models over many rounds, without proofs |
//! | [`folder`] | where a run's files go |
//! | [`host`] | the machine and the revision |
//! | [`arguments`] | command-line arguments that programs share |
//! | [`progress`] | what is seen meanwhile |

pub mod accuracy;
pub mod arguments;
pub mod dataset;
pub mod folder;
pub mod host;
pub mod integer;
pub mod model;
pub mod plan;
pub mod progress;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use zkassay_features::audit::Audit;
use zkassay_report::{RECORD_VERSION, RunRecord, SrsRecord};

pub use plan::Plan;

use crate::dataset::Dataset;
use crate::folder::Folder;
use crate::progress::Progress;

/// Runs a plan and writes its folder.
///
/// # Errors
/// What failed, and in which stage of which model. The folder then holds what
/// was finished before, and no report.
pub fn run(plan: &Plan, progress: &Progress) -> Result<(RunRecord, PathBuf)> {
    let host = host::host(plan.threads);
    progress.update("data", "loading tables, making features");
    let dataset = Dataset::load(&plan.source, plan.seed)?;
    progress.done("data", &dataset.summary());
    if let Some(audit) = dataset.audit() {
        progress.done("leak audit", &audit_line(audit));
    }
    let folder = Folder::create(&plan.out)?;
    dataset.write(&folder)?;

    let mut models = Vec::with_capacity(plan.models.len());
    for spec in &plan.models {
        let stages = model::Stages {
            plan,
            dataset: &dataset,
            folder: &folder,
            progress,
        };
        let record = stages.run(spec).with_context(|| format!("model {spec}"))?;
        models.push(record);
    }
    let record = RunRecord {
        version: RECORD_VERSION,
        id: folder.id().into(),
        created: folder.created().into(),
        command: plan.command(),
        seed: plan.seed,
        host,
        data: dataset.record(),
        warnings: dataset
            .audit()
            .and_then(|audit| audit.warning.clone())
            .into_iter()
            .collect(),
        srs: SrsRecord {
            kind: zkassay_verifier::SrsOrigin::UnsafeLocal.to_string(),
        },
        models,
    };
    progress.update("report", "tables and plots");
    zkassay_report::write(folder.path(), &record).context("the report cannot be written")?;
    progress.finish();
    Ok((record, folder.path().to_path_buf()))
}

/// One line about an audit.
fn audit_line(audit: &Audit) -> String {
    let scores = &audit.scores;
    let verdict = audit.warning.as_deref().unwrap_or("no sign of a leak");
    format!(
        "logistic regression scores {:.3} on prices, {:.3} on all sources, {:.3} with the others a day later: {verdict}",
        scores.prices_only.mean, scores.as_given.mean, scores.delayed.mean
    )
}

/// The examples of the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
