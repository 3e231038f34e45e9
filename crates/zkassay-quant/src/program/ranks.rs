//! How rows of real numbers become the integers of a program.

use serde::{Deserialize, Serialize};
use zkassay_fixed::Scale;

use crate::QuantError;

/// How a row of real numbers becomes the integers of a program's input.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Encoding {
    /// Every number is rounded to the input scale.
    #[default]
    Scaled,
    /// Every number is rounded to a scale of its own: the input scale plus an offset. What reads the
    /// numbers has the difference in its weights.
    Shifted {
        /// Of each input, a label and a salt included.
        offsets: Vec<i32>,
    },
    /// Numbers are replaced by their ranks among thresholds.
    ///
    /// Decision trees ask for nothing else, so that their decisions are exact for any float32,
    /// whatever the magnitudes of the features; and any ranks are those of some row.
    Ranks {
        /// Numbers in a row.
        features: usize,
        /// The inputs, in order. Features that no question is about are no inputs.
        ranks: Vec<Ranks>,
    },
}

/// The thresholds of a feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranks {
    /// Which number of the row.
    pub feature: usize,
    /// Finite and increasing. The rank of `x` is the number of thresholds below it:
    /// `x <= thresholds[r]` if and only if its rank is at most `r`.
    pub thresholds: Vec<f32>,
}

// Thresholds are finite, so equality is an equivalence.
impl Eq for Encoding {}
impl Eq for Ranks {}

impl Encoding {
    /// Whether numbers are rounded.
    pub fn is_scaled(&self) -> bool {
        matches!(self, Self::Scaled | Self::Shifted { .. })
    }

    /// Whether numbers are rounded to one scale.
    pub(super) fn is_uniform(&self) -> bool {
        *self == Self::Scaled
    }

    /// The scale of an input.
    pub(crate) fn scale_of(&self, index: usize, common: Scale) -> Scale {
        match self {
            Self::Shifted { offsets } => {
                let offset = offsets.get(index).copied().unwrap_or_default();
                Scale(common.0.saturating_add(offset))
            }
            Self::Scaled | Self::Ranks { .. } => common,
        }
    }
}

impl Ranks {
    /// The rank of a number.
    pub fn of(&self, x: f32) -> i64 {
        self.thresholds.partition_point(|threshold| *threshold < x) as i64
    }
}

/// The ranks of a row.
pub(super) fn of_row(input: &str, ranks: &[Ranks], row: &[f32]) -> Result<Vec<i64>, QuantError> {
    if let Some((index, value)) = row.iter().enumerate().find(|(_, x)| x.is_nan()) {
        return Err(QuantError::OutOfRange {
            input: input.to_owned(),
            index,
            value: *value,
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
        });
    }
    let rank = |ranks: &Ranks| {
        let x = row.get(ranks.feature).copied();
        x.map(|x| ranks.of(x)).ok_or_else(|| QuantError::Invalid {
            what: format!("it ranks feature {} of {}", ranks.feature, row.len()),
        })
    };
    ranks.iter().map(rank).collect()
}
