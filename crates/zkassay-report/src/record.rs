//! The record of one run: what was measured, on what, with which settings.
//!
//! Everything the tables, plots and report show is computed from this record,
//! and nothing else: `record.json` is enough to make them again. Units are in
//! the field names; numbers are finite (JSON has no others).

mod model;
mod proving;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ReportError;

pub use model::{Accuracy, Family, ModelRecord, Proportion, Rate, Training};
pub use proving::{CircuitShape, Fidelity, Memory, Proving, Sizes, Stage, Timings};

/// The version of the record's layout that this crate writes and reads.
pub const RECORD_VERSION: u32 = 3;

/// One run of the experiment: its setting and one [`ModelRecord`] per model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Layout version, [`RECORD_VERSION`].
    pub version: u32,
    /// Name of the run, unique among the runs of a folder.
    pub id: String,
    /// Start of the run, RFC 3339.
    pub created: String,
    /// The command line that repeats the run.
    pub command: String,
    /// Name of the plan's profile, such as `quick`.
    pub profile: String,
    /// Wall-clock time of the whole run in seconds, all its parts if it was resumed.
    pub seconds: f64,
    /// The seed every random draw of the run derives from.
    pub seed: u64,
    /// The machine and revision it ran on.
    pub host: Host,
    /// The data set and its split.
    pub data: DataRecord,
    /// The leak audit of the data; absent where there is none.
    pub audit: Option<AuditRecord>,
    /// What speaks against the results, such as a leak in the data; empty if nothing does.
    pub warnings: Vec<String>,
    /// The structured reference string of the proofs.
    pub srs: SrsRecord,
    /// The models, in the order they were run; those that could not even be trained are
    /// among the failures only.
    pub models: Vec<ModelRecord>,
    /// What failed, with its message; empty if nothing did.
    pub failures: Vec<Failure>,
}

/// A stage that failed for a model; the run went on without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Name of the model.
    pub model: String,
    /// Who failed, as in [`Proving::prover`]; `zkassay` for training, too.
    pub prover: String,
    /// Name of the stage, such as `train` or `prove`.
    pub stage: String,
    /// What was said.
    pub message: String,
}

impl RunRecord {
    /// What failed of `prover` on the model `tag`, if anything did.
    pub fn failure(&self, tag: &str, prover: &str) -> Option<&Failure> {
        let mut failures = self.failures.iter();
        failures.find(|failure| failure.model == tag && failure.prover == prover)
    }

    /// The record as indented JSON, ending in a newline.
    ///
    /// # Errors
    /// [`ReportError::Json`] if a model's `settings` cannot be written as JSON.
    pub fn to_json(&self) -> Result<String, ReportError> {
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        Ok(json)
    }

    /// Reads what [`RunRecord::to_json`] wrote; floating-point numbers may
    /// differ in their last bit.
    ///
    /// # Errors
    /// [`ReportError::Version`] if another version of the layout wrote it,
    /// [`ReportError::Json`] if it is not a run record.
    pub fn from_json(json: &str) -> Result<Self, ReportError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_str(json)?;
        if version != RECORD_VERSION {
            return Err(ReportError::Version {
                found: version,
                expected: RECORD_VERSION,
            });
        }
        Ok(serde_json::from_str(json)?)
    }
}

/// The machine a run was measured on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Processor model.
    pub cpu: String,
    /// Logical cores of the machine.
    pub cores: usize,
    /// Threads the run was allowed to use.
    pub threads: usize,
    /// Main memory in bytes.
    pub ram_bytes: u64,
    /// Operating system and its version.
    pub os: String,
    /// Revision of the source tree, if it is known.
    pub revision: Option<String>,
    /// Versions of the packages that decide about results and times, by name.
    pub packages: BTreeMap<String, String>,
}

/// The data set of a run and how its rows were split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataRecord {
    /// Name of the data set.
    pub name: String,
    /// Which rows each round has, such as `split once in time`.
    pub sampling: String,
    /// Labelled rows in all.
    pub rows: usize,
    /// Features per row.
    pub features: usize,
    /// Rows the models were fitted on, in the round whose models are proved; so are the next two.
    pub train_rows: usize,
    /// Rows on which the fixed-point scales were chosen; none is a test row.
    pub calibration_rows: usize,
    /// Rows the accuracies are measured on; the proved rows are among them.
    pub test_rows: usize,
    /// SHA-256 of the feature manifest (names, order, fitted scaling), hex.
    pub feature_hash: String,
    /// The files the data came from.
    pub files: Vec<FileRecord>,
}

/// A file that the run read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Path, relative to the data folder.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the contents, hex.
    pub sha256: String,
}

/// How a classifier scores with and without what was not yet known on the day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Who was scored, and how.
    pub method: String,
    /// With the features of prices alone.
    pub prices_only: AuditScore,
    /// With all features.
    pub as_given: AuditScore,
    /// With every source but prices one day later.
    pub delayed: AuditScore,
    /// Features that look as if they knew the label, the most suspect first.
    pub suspects: Vec<String>,
    /// What follows.
    pub verdict: String,
}

/// An accuracy over splits, in `[0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditScore {
    /// Mean over the splits.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// Where the structured reference string came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SrsRecord {
    /// `unsafe-local` if its secret was drawn on this machine, else the
    /// ceremony's name.
    pub kind: String,
}

impl SrsRecord {
    /// The kind of parameters whose secret the run itself drew.
    pub const UNSAFE_LOCAL: &str = "unsafe-local";

    /// Whether whoever made the parameters could forge proofs.
    pub fn is_unsafe(&self) -> bool {
        self.kind == Self::UNSAFE_LOCAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_record;

    #[test]
    fn json_round_trip_keeps_every_field() {
        let record = run_record();
        let json = record.to_json().unwrap();
        assert_eq!(RunRecord::from_json(&json).unwrap(), record);
    }

    #[test]
    fn stages_have_the_same_name_in_json_and_csv() {
        for stage in Stage::ALL {
            assert_eq!(
                serde_json::to_value(stage).unwrap(),
                serde_json::json!(stage.name())
            );
        }
    }

    #[test]
    fn another_version_is_refused_by_number() {
        // What else a later version holds must not matter.
        let error = RunRecord::from_json(r#"{"version": 99, "later": []}"#).unwrap_err();
        assert!(matches!(
            error,
            ReportError::Version {
                found: 99,
                expected: RECORD_VERSION
            }
        ));
    }

    #[test]
    fn a_missing_field_is_named() {
        let error = RunRecord::from_json(r#"{"version": 3, "id": "a"}"#).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("missing field `created`"), "{cause}");
    }

    #[test]
    fn a_stage_that_was_not_timed_is_empty() {
        let mut timings = Timings::default();
        timings.push(Stage::Prove, 2.0);
        assert!(timings.of(Stage::Setup).is_empty());
        assert_eq!(timings.of(Stage::Prove).as_slice(), [2.0]);
    }
}
