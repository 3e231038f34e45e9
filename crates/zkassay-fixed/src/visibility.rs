//! What a proof reveals, and what it binds.
//!
//! Values of the model's input and output are private, public or hashed; its
//! parameters are fixed in the key, or a secret of the prover.

use std::fmt;
use std::str::FromStr;

/// How an input or an output appears in a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum DataVisibility {
    /// Not at all.
    Private,
    /// As values, which the verifier reads.
    Public,
    /// As a Poseidon hash of its integers: the values stay secret, but can be shown later, or be
    /// compared with those of another proof whose key has the same scales and bits. Whoever can
    /// guess all values can check the guess.
    Hashed,
}

/// Whose parameters a proof is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ParamsVisibility {
    /// Those of the verifying key: the proof is about one model.
    Fixed,
    /// The prover's: the proof says that *some* parameters in range give the output. It binds
    /// no model ("unbound").
    Private,
}

/// What a proof reveals of input and output, and whether it binds the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Visibility {
    /// The model's input.
    pub input: DataVisibility,
    /// The model's output.
    pub output: DataVisibility,
    /// The model's parameters.
    pub params: ParamsVisibility,
}

/// Input private, output public, parameters fixed.
impl Default for Visibility {
    fn default() -> Self {
        Self {
            input: DataVisibility::Private,
            output: DataVisibility::Public,
            params: ParamsVisibility::Fixed,
        }
    }
}

impl Visibility {
    /// Whether the parameters are private, so that no model is bound.
    pub fn is_unbound(self) -> bool {
        self.params == ParamsVisibility::Private
    }

    /// Every combination.
    pub fn all() -> impl Iterator<Item = Self> {
        let data = DataVisibility::ALL.into_iter();
        let pairs = data.flat_map(|input| DataVisibility::ALL.map(|output| (input, output)));
        pairs.flat_map(|(input, output)| {
            ParamsVisibility::ALL.map(|params| Self {
                input,
                output,
                params,
            })
        })
    }
}

/// A word that names no visibility.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown visibility '{found}', expected {expected}")]
pub struct VisibilityError {
    /// The word.
    pub found: String,
    /// The words that do.
    pub expected: &'static str,
}

impl DataVisibility {
    /// Every variant; its position is its byte in files.
    pub const ALL: [Self; 3] = [Self::Private, Self::Public, Self::Hashed];
}

impl ParamsVisibility {
    /// Every variant; its position is its byte in files.
    pub const ALL: [Self; 2] = [Self::Fixed, Self::Private];
}

impl fmt::Display for DataVisibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Private => "private",
            Self::Public => "public",
            Self::Hashed => "hashed",
        })
    }
}

impl fmt::Display for ParamsVisibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fixed => "fixed",
            Self::Private => "private",
        })
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "input {}, output {}, ", self.input, self.output)?;
        match self.params {
            ParamsVisibility::Fixed => f.write_str("parameters fixed"),
            ParamsVisibility::Private => f.write_str("parameters private (unbound)"),
        }
    }
}

impl FromStr for DataVisibility {
    type Err = VisibilityError;

    fn from_str(word: &str) -> Result<Self, VisibilityError> {
        named(Self::ALL, word, "private, public or hashed")
    }
}

impl FromStr for ParamsVisibility {
    type Err = VisibilityError;

    fn from_str(word: &str) -> Result<Self, VisibilityError> {
        named(Self::ALL, word, "fixed or private")
    }
}

fn named<T: fmt::Display, const N: usize>(
    all: [T; N],
    word: &str,
    expected: &'static str,
) -> Result<T, VisibilityError> {
    let found = word.to_owned();
    all.into_iter()
        .find(|variant| variant.to_string() == word)
        .ok_or(VisibilityError { found, expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for variant in DataVisibility::ALL {
            assert_eq!(variant.to_string().parse(), Ok(variant));
        }
        for variant in ParamsVisibility::ALL {
            assert_eq!(variant.to_string().parse(), Ok(variant));
        }
        let error = "secret".parse::<DataVisibility>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown visibility 'secret', expected private, public or hashed"
        );
    }

    #[test]
    fn all_combinations_differ() {
        let all: std::collections::HashSet<Visibility> = Visibility::all().collect();
        assert_eq!(all.len(), 18);
    }

    #[test]
    fn private_parameters_are_called_unbound() {
        let visibility = Visibility {
            params: ParamsVisibility::Private,
            ..Visibility::default()
        };
        assert_eq!(
            visibility.to_string(),
            "input private, output public, parameters private (unbound)"
        );
    }
}
