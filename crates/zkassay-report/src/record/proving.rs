//! What was measured of one prover on one model.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Samples;

/// One prover on one model, from the ONNX file to verified proofs: ours, or a peer's.
///
/// Whatever the prover did not come to, or does not tell, is absent; why is in
/// [`super::RunRecord::failures`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Proving {
    /// Who, and in which configuration: `zkassay`, `EZKL fixed`.
    pub prover: String,
    /// Version of the prover.
    pub version: String,
    /// How far the proved model's output is from the float model's.
    pub fidelity: Option<Fidelity>,
    /// The shape of the circuit.
    pub circuit: Option<CircuitShape>,
    /// Wall-clock time of every stage, in milliseconds.
    pub timings: Timings,
    /// CPU time of every stage over all threads, in milliseconds.
    pub cpu: Timings,
    /// Size of every artefact.
    pub sizes: Sizes,
    /// Memory of the prover's process.
    pub memory: Memory,
    /// Indices of the proved rows among the test rows; each proof was verified.
    pub proved_rows: Vec<usize>,
    /// The calibrated settings (scales, bits) as the compiler saw them.
    pub settings: serde_json::Value,
}

impl Proving {
    /// The name of our own prover.
    pub const ZKASSAY: &str = "zkassay";

    /// Median CPU time of a proof over that of `base`, if both are known.
    pub fn cpu_ratio(&self, base: &Self) -> Option<f64> {
        ratio(&self.cpu, &base.cpu)
    }

    /// Median time of a proof over that of `base`, if both are known.
    pub fn time_ratio(&self, base: &Self) -> Option<f64> {
        ratio(&self.timings, &base.timings)
    }
}

/// The quotient of the medians of a proof.
fn ratio(timings: &Timings, base: &Timings) -> Option<f64> {
    let median = |timings: &Timings| timings.of(Stage::Prove).median();
    let quotient = median(timings)? / median(base)?;
    quotient.is_finite().then_some(quotient)
}

/// How far a proved model's output is from the float model's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fidelity {
    /// Rows compared: test rows of ours, proved rows of a peer's.
    pub rows: usize,
    /// Share of rows to which both give the same label, in `[0, 1]`.
    pub label_agreement: f64,
    /// Mean absolute difference of the outputs.
    pub mean_abs_error: f64,
    /// Largest absolute difference of the outputs.
    pub max_abs_error: f64,
}

/// The shape of a model's circuit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitShape {
    /// Base-2 logarithm of the rows that the proof system allots (k).
    pub logrows: u32,
    /// Rows in use, of the `2^logrows`.
    pub rows: Option<usize>,
    /// Advice columns (the witness).
    pub advice_columns: Option<usize>,
    /// Fixed columns (weights, tables and selectors).
    pub fixed_columns: Option<usize>,
    /// Instance columns (public values).
    pub instance_columns: Option<usize>,
}

/// Sizes of a model's artefacts in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// One proof.
    pub proof_bytes: Option<u64>,
    /// The proving key.
    pub pk_bytes: Option<u64>,
    /// The verifying key.
    pub vk_bytes: Option<u64>,
    /// The structured reference string for this `logrows`.
    pub srs_bytes: Option<u64>,
}

/// Most resident memory of the prover's process in bytes, since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Until the keys were made.
    pub setup_bytes: Option<u64>,
    /// Until the last proof was verified.
    pub prove_bytes: Option<u64>,
}

impl Memory {
    /// The most of both.
    pub fn peak(&self) -> Option<u64> {
        self.setup_bytes.max(self.prove_bytes)
    }
}

/// A timed stage of the pipeline, in the order the stages run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Import of the ONNX file and the default settings for it.
    Settings,
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
    pub const ALL: [Self; 7] = [
        Self::Settings,
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
            Self::Settings => "settings",
            Self::Calibrate => "calibrate",
            Self::Compile => "compile",
            Self::Setup => "setup",
            Self::Witness => "witness",
            Self::Prove => "prove",
            Self::Verify => "verify",
        }
    }
}

/// Samples of every stage, in milliseconds.
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
