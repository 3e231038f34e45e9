//! What to compile a model for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use zkassay_fixed::Visibility;

/// What a layout minimises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayoutTarget {
    /// The time to prove, and a little the time to verify.
    #[default]
    Speed,
    /// The bytes of a proof.
    Size,
    /// The time to prove, among layouts whose Solidity verifier fits a contract of 24,576 bytes
    /// (EIP-170).
    Evm,
}

/// What to compile a model for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompileOptions {
    /// What proofs reveal, and whether they bind the weights.
    pub visibility: Visibility,
    /// What the layout minimises.
    pub target: LayoutTarget,
    /// Inferences in one proof. Only programs have more than one.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub batch: u32,
    /// Whether public outputs are the sums of the outputs of all inferences, instead of those of
    /// each.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub totals: bool,
}

impl Default for CompileOptions {
    fn default() -> Self {
        Self {
            visibility: Visibility::default(),
            target: LayoutTarget::default(),
            batch: 1,
            totals: false,
        }
    }
}

fn one() -> u32 {
    1
}

fn is_one(batch: &u32) -> bool {
    *batch == 1
}

/// A word that names no layout target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown layout target '{found}', expected speed, size or evm")]
pub struct LayoutTargetError {
    /// The word.
    pub found: String,
}

impl LayoutTarget {
    const ALL: [Self; 3] = [Self::Speed, Self::Size, Self::Evm];
}

impl fmt::Display for LayoutTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Speed => "speed",
            Self::Size => "size",
            Self::Evm => "evm",
        })
    }
}

impl FromStr for LayoutTarget {
    type Err = LayoutTargetError;

    fn from_str(word: &str) -> Result<Self, LayoutTargetError> {
        let named = Self::ALL.into_iter().find(|t| t.to_string() == word);
        named.ok_or_else(|| LayoutTargetError {
            found: word.to_owned(),
        })
    }
}
