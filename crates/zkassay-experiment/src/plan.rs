//! What to run.
//!
//! A [`Plan`] comes from a profile or a file in TOML, with what flags say on
//! top; it is all that decides about results. Where they go, and with which
//! programs, is in [`RunOptions`].
//!
//! | module | what |
//! |---|---|
//! | [`flags`] | the command line |
//! | `select` | which plan the flags ask for |
//! | [`profile`] | plans that come with the program, and plan files |
//! | `file` | plan files: keys in TOML |
//! | [`settings`] | parts of plans, laid over each other |
//! | [`models`] | lists of models: names, groups, patterns |
//! | `data` | data sets by name |
//! | `source` | where rows come from, in journals |
//! | `command` | the command that repeats a plan |
//! | [`estimate`] | about how long a plan takes |
//! | `dry_run` | what a plan would do |

mod command;
mod data;
mod dry_run;
pub mod estimate;
mod file;
pub mod flags;
pub mod models;
mod near;
pub mod profile;
mod select;
pub mod settings;
mod source;
#[cfg(test)]
mod testing;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zkassay_ezkl::Configuration;
use zkassay_models::ModelSpec;

use crate::dataset::Source;

pub(crate) use data::locate;
pub use flags::Flags;
pub use models::parse_models;
pub use profile::Profile;

/// Models unless others are asked for: logistic regression, one hidden layer, the
/// original GIZA model, the largest of the study, and what is not a network.
pub const MODELS: &str = "logistic,16,64-32,128-64-32,svm,svm-rbf,tree,forest,boosted";
/// The seed unless another is asked for.
pub const SEED: u64 = 20_220_601;

/// Which models to train on which data, how often, and how many proofs to make of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Name of the profile that it is made of, such as `quick`.
    pub profile: String,
    /// Models, in the order they are run.
    pub models: Vec<ModelSpec>,
    /// How often each model is trained and its accuracy measured, on other rows each time.
    pub rounds: usize,
    /// Proofs per model, each of another test row.
    pub proofs: usize,
    /// How often everything up to the keys is made anew and timed.
    pub setups: usize,
    /// Where the rows come from.
    #[serde(with = "source")]
    pub source: Source,
    /// Seed of every random draw.
    pub seed: u64,
    /// Threads; all cores if absent.
    pub threads: Option<usize>,
    /// EZKL beside zkassay.
    pub peer: Option<PeerPlan>,
}

/// What EZKL is to prove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerPlan {
    /// Its settings, one prover of the record each.
    pub configurations: Vec<Configuration>,
    /// Which of the plan's models, in their order.
    pub models: Vec<ModelSpec>,
    /// Proofs per model and configuration.
    pub proofs: usize,
    /// How often its keys are made and timed.
    pub setups: usize,
    /// What a configuration has for a model, all stages together.
    pub limit_seconds: u64,
}

/// What a run needs beside its plan, and what does not change its results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// Folder that gets the run's folder.
    pub out: PathBuf,
    /// Folder of the run to go on with.
    pub resume: Option<PathBuf>,
    /// The program `zkassay-worker`.
    pub worker: PathBuf,
    /// EZKL's environment.
    pub ezkl: Option<PathBuf>,
    /// Why there is no environment, if the plan needs one.
    pub ezkl_missing: Option<String>,
}
