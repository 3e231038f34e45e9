//! From data to verified proofs in one command.
//!
//! The frame around every stage: a [`Plan`] says which models on which data,
//! [`run()`] takes each from training to verified proofs through the files that a
//! user would have (the ONNX model, the keys, the proofs), and the result is
//! a [`RunRecord`](zkassay_report::RunRecord) in a folder of its own.
//!
//! What is measured at a time is a cell: a model in one round of accuracy, or one round of
//! a prover on it. Each is written to the run's journal when it is finished, and the record
//! is made of the journal alone. So a run that was stopped, however it was stopped, goes on from
//! where it was, and what fails of one model is a line of the report.
//!
//! | module | what |
//! |---|---|
//! | [`plan`] | what to run |
//! | [`run`](mod@run) | accuracies, then proofs, and what to do when something fails |
//! | [`journal`] | what was found, on disk as soon as it is found |
//! | [`assemble`] | journal -> record |
//! | [`remaining`] | how much of a run is there |
//! | [`dataset`] | tables to rows, split and standardised |
//! | [`train`] | a model in its rounds: trained, scored, exported |
//! | [`prove`] | the driver of a prover: keys and proofs in rounds |
//! | [`cell`] | what is measured at a time |
//! | [`integer`] | the integer model of a graph, and how often it is right |
//! | [`accuracy`] | many models over many rounds, without proofs |
//! | [`folder`] | where a run's files go, and who may write there |
//! | [`host`] | the machine and the revision |
//! | `load` | what other programs take of the machine |
//! | [`arguments`] | command-line arguments that programs share |
//! | [`progress`] | what is seen meanwhile |
//!
//! # A run's folder
//!
//! | file | what |
//! |---|---|
//! | `journal.jsonl` | everything that was measured; `lock` says who writes it |
//! | `record.json`, `report.*`, `*.csv`, `plots/` | made of the journal at the end |
//! | `pipeline.json`, `split.json` | features and split of the proved round |
//! | `audit.json`, `audit.txt` | the leak audit of the data |
//! | `rows.json` | the rows that provers get, to calibrate on and to prove |
//! | `parameters/` | structured reference strings, shared by all models |
//! | `MODEL/` | `model.onnx`, and what our prover leaves: settings, keys, proofs |
//! | `MODEL/ezkl-*/` | what EZKL leaves, but for its proving key |
//!
//! Keys are kept whatever their size: a proof can be verified, and another one made, without
//! running anything again. EZKL's proving keys are the exception: at hundreds of megabytes each
//! they would be most of the folder.

pub mod accuracy;
pub mod arguments;
pub mod assemble;
pub mod cell;
pub mod dataset;
pub mod folder;
pub mod host;
pub mod integer;
pub mod journal;
mod load;
pub mod plan;
pub mod progress;
pub mod prove;
pub mod remaining;
pub mod run;
pub mod train;

pub use plan::{PeerPlan, Plan, RunOptions};
pub use run::{run, run_within};

/// The examples of the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
