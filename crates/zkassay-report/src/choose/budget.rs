//! What a proof may cost, and how accurate its model has to be.

use serde::{Deserialize, Serialize};

use super::{Candidate, Miss};
use crate::units;

/// What a proof may cost at most, and how accurate the model has to be; what is absent is not
/// limited. All limits are met by what is equal to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Median time of a proof in milliseconds.
    pub max_prove_ms: Option<f64>,
    /// Median time to verify a proof in milliseconds.
    pub max_verify_ms: Option<f64>,
    /// Median time to make the keys in milliseconds.
    pub max_setup_ms: Option<f64>,
    /// Size of a proof in bytes.
    pub max_proof_bytes: Option<u64>,
    /// Size of the proving key in bytes.
    pub max_pk_bytes: Option<u64>,
    /// Most memory of the prover's process in bytes.
    pub max_memory_bytes: Option<u64>,
    /// Accuracy of the quantised model, in `[0, 1]`.
    pub min_accuracy: Option<f64>,
}

/// What a budget limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Time of a proof.
    Prove,
    /// Time of verifying one.
    Verify,
    /// Time of making the keys.
    Setup,
    /// Size of a proof.
    Proof,
    /// Size of the proving key.
    Key,
    /// Memory of the prover.
    Memory,
    /// Accuracy of the quantised model.
    Accuracy,
}

impl Limit {
    /// The flag of `zkassay choose` that sets it.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Prove => "--max-prove",
            Self::Verify => "--max-verify",
            Self::Setup => "--max-setup",
            Self::Proof => "--max-proof",
            Self::Key => "--max-key",
            Self::Memory => "--max-memory",
            Self::Accuracy => "--min-accuracy",
        }
    }

    /// What it limits, in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prove => "time of a proof",
            Self::Verify => "time to verify",
            Self::Setup => "time of the setup",
            Self::Proof => "size of a proof",
            Self::Key => "size of the proving key",
            Self::Memory => "memory",
            Self::Accuracy => "accuracy",
        }
    }

    /// A value of this kind as people read it.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Prove | Self::Verify | Self::Setup => units::time(value),
            // Sizes are whole numbers; a cast saturates.
            Self::Proof | Self::Key | Self::Memory => units::bytes(value as u64),
            Self::Accuracy => units::percent(value),
        }
    }
}

impl Limit {
    /// A value of this kind as the flag takes it, rounded so that what has the value is within.
    pub fn argument(self, value: f64) -> String {
        match self {
            Self::Prove | Self::Verify | Self::Setup => {
                // Four digits of the value, rounded up: 8.0141 ms as 8.015ms.
                let digits = 3.0 - value.max(1e-3).log10().floor();
                let scale = 10_f64.powf(digits.clamp(0.0, 6.0));
                let rounded = (value * scale).ceil() / scale;
                format!("{}ms", if rounded >= value { rounded } else { value })
            }
            Self::Proof | Self::Key | Self::Memory => format!("{}B", value as u64),
            Self::Accuracy => format!("{}", (value * 1e4).floor() / 1e4),
        }
    }
}

impl Budget {
    /// The limits that are set, with what they allow.
    pub fn limits(&self) -> Vec<(Limit, f64)> {
        let bytes = |limit: Option<u64>| limit.map(|bytes| bytes as f64);
        let all = [
            (Limit::Prove, self.max_prove_ms),
            (Limit::Verify, self.max_verify_ms),
            (Limit::Setup, self.max_setup_ms),
            (Limit::Proof, bytes(self.max_proof_bytes)),
            (Limit::Key, bytes(self.max_pk_bytes)),
            (Limit::Memory, bytes(self.max_memory_bytes)),
            (Limit::Accuracy, self.min_accuracy),
        ];
        let set = all.into_iter();
        set.filter_map(|(limit, allowed)| Some((limit, allowed?)))
            .collect()
    }

    /// The budget in words: `time of a proof at most 50.0 ms, accuracy at least 60.0 %`.
    pub fn describe(&self) -> String {
        let limits = self.limits();
        let words: Vec<String> = limits
            .iter()
            .map(|(limit, allowed)| {
                let bound = match limit {
                    Limit::Accuracy => "at least",
                    _ => "at most",
                };
                format!("{} {bound} {}", limit.name(), limit.show(*allowed))
            })
            .collect();
        match words.is_empty() {
            true => "no limits".to_owned(),
            false => words.join(", "),
        }
    }

    /// The limits that `model` misses. Without an accuracy or a time of a proof there is nothing
    /// to choose, whatever is limited.
    pub(super) fn misses(&self, model: &Candidate) -> Vec<Miss> {
        let bytes = |size: Option<u64>| size.map(|bytes| bytes as f64);
        let limits = self.limits();
        let mut misses = Vec::new();
        for (limit, found) in [
            (Limit::Prove, model.prove_ms),
            (Limit::Verify, model.verify_ms),
            (Limit::Setup, model.setup_ms),
            (Limit::Proof, bytes(model.proof_bytes)),
            (Limit::Key, bytes(model.pk_bytes)),
            (Limit::Memory, bytes(model.memory_bytes)),
            (Limit::Accuracy, model.accuracy),
        ] {
            let mut set = limits.iter();
            let allowed = set
                .find(|(of, _)| *of == limit)
                .map(|(_, allowed)| *allowed);
            let is_met = match (allowed, found) {
                (Some(allowed), Some(found)) if limit == Limit::Accuracy => found >= allowed,
                (Some(allowed), Some(found)) => found <= allowed,
                (Some(_), None) => false,
                (None, Some(_)) => true,
                (None, None) => !matches!(limit, Limit::Prove | Limit::Accuracy),
            };
            if !is_met {
                misses.push(Miss {
                    limit,
                    allowed,
                    found,
                });
            }
        }
        misses
    }
}
