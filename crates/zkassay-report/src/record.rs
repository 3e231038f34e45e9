//! The record of one run: what was measured, on what, with which settings.
//!
//! Everything the tables, plots and report show is computed from this record,
//! and nothing else: `record.json` is enough to make them again. Units are in
//! the field names; numbers are finite (JSON has no others).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ReportError, Samples};

/// The version of the record's layout that this crate writes and reads.
pub const RECORD_VERSION: u32 = 2;

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
    /// The seed every random draw of the run derives from.
    pub seed: u64,
    /// The machine and revision it ran on.
    pub host: Host,
    /// The data set and its split.
    pub data: DataRecord,
    /// What speaks against the results, such as a leak in the data; empty if nothing does.
    pub warnings: Vec<String>,
    /// The structured reference string of the proofs.
    pub srs: SrsRecord,
    /// The models, in the order they were run.
    pub models: Vec<ModelRecord>,
}

impl RunRecord {
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
}

/// The data set of a run and how its rows were split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataRecord {
    /// Name of the data set.
    pub name: String,
    /// Labelled rows in all.
    pub rows: usize,
    /// Features per row.
    pub features: usize,
    /// Rows the models were fitted on.
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

/// What was measured of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Name of the model, such as `64-32`.
    pub tag: String,
    /// What kind of model it is.
    #[serde(default)]
    pub family: Family,
    /// Widths of a network's hidden layers; empty for models without.
    pub hidden: Vec<usize>,
    /// Activation between the layers.
    pub activation: String,
    /// Trained parameters (weights and biases).
    pub parameters: usize,
    /// How it was trained.
    pub training: Training,
    /// How often it is right on the test rows.
    pub accuracy: Accuracy,
    /// How far the quantised model is from the float one.
    pub fidelity: Fidelity,
    /// The shape of its circuit.
    pub circuit: CircuitShape,
    /// Time of every stage.
    pub timings: Timings,
    /// Size of every artefact.
    pub sizes: Sizes,
    /// Indices of the proved rows among the test rows.
    pub proved_rows: Vec<usize>,
    /// SHA-256 of the ONNX file that was quantised and proved, hex.
    pub onnx_sha256: String,
    /// The calibrated settings (scales, bits) as the compiler saw them.
    pub settings: serde_json::Value,
}

/// Kinds of models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Dense layers; linear models are networks without hidden layers.
    #[default]
    Network,
    /// Kernel machines.
    Kernel,
    /// Decision trees.
    Trees,
}

/// How a model was trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// The hyper-parameters of the model's family, all of them.
    pub params: serde_json::Value,
    /// Seed of every draw of the training.
    pub seed: u64,
    /// Wall-clock time of the training.
    pub seconds: f64,
}

/// How often a model is right on the test rows, and what guessing achieves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// The trained model in floating point.
    pub float: Proportion,
    /// The quantised model, which is the one that is proved.
    pub quantized: Proportion,
    /// Always answering with the training rows' majority label.
    pub majority: Proportion,
}

/// A share of counted rows with its two-sided 95 % interval; all in `[0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// `correct / total`.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Rows counted as right.
    pub correct: usize,
    /// Rows in all.
    pub total: usize,
}

/// How far the quantised model's output is from the float model's, over the
/// test rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fidelity {
    /// Share of rows to which both give the same label, in `[0, 1]`.
    pub label_agreement: f64,
    /// Mean absolute difference of the outputs.
    pub mean_abs_error: f64,
    /// Largest absolute difference of the outputs.
    pub max_abs_error: f64,
}

/// The shape of a model's circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitShape {
    /// Base-2 logarithm of the rows that the proof system allots (k).
    pub logrows: u32,
    /// Rows in use, of the `2^logrows`.
    pub rows: usize,
    /// Advice columns (the witness).
    pub advice_columns: usize,
    /// Fixed columns (weights, tables and selectors).
    pub fixed_columns: usize,
    /// Instance columns (public values).
    pub instance_columns: usize,
}

/// Sizes of a model's artefacts in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// One proof.
    pub proof_bytes: u64,
    /// The proving key.
    pub pk_bytes: u64,
    /// The verifying key.
    pub vk_bytes: u64,
    /// The structured reference string for this `logrows`.
    pub srs_bytes: u64,
}

/// A timed stage of the pipeline, in the order the stages run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Choice of the fixed-point scales on the calibration rows.
    Calibrate,
    /// From the quantised graph to the circuit.
    Compile,
    /// Proving and verifying keys.
    Setup,
    /// Integer evaluation and assignment of one row.
    Witness,
    /// One proof.
    Prove,
    /// Verification of one proof.
    Verify,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Self; 6] = [
        Self::Calibrate,
        Self::Compile,
        Self::Setup,
        Self::Witness,
        Self::Prove,
        Self::Verify,
    ];

    /// The stage's name in records and CSV files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calibrate => "calibrate",
            Self::Compile => "compile",
            Self::Setup => "setup",
            Self::Witness => "witness",
            Self::Prove => "prove",
            Self::Verify => "verify",
        }
    }
}

/// Wall-clock samples of every stage, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timings(BTreeMap<Stage, Samples>);

impl Timings {
    /// Adds one sample of `stage`.
    pub fn push(&mut self, stage: Stage, milliseconds: f64) {
        self.0.entry(stage).or_default().push(milliseconds);
    }

    /// The samples of `stage`; empty if it was not timed.
    pub fn of(&self, stage: Stage) -> &Samples {
        const NONE: &Samples = &Samples::new();
        self.0.get(&stage).unwrap_or(NONE)
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
        let error = RunRecord::from_json(r#"{"version": 2, "id": "a"}"#).unwrap_err();
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
