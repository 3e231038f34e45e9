//! Hyper-parameters that have been checked.

use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::ModelError;

/// What a family of models is trained with.
pub trait Hyperparameters: Sized {
    /// An error that names the first value out of range.
    ///
    /// # Errors
    /// [`ModelError::Parameter`].
    fn validate(&self) -> Result<(), ModelError>;

    /// Checks every value.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] names the first one out of range.
    fn check(self) -> Result<Valid<Self>, ModelError> {
        self.validate()?;
        Ok(Valid(self))
    }
}

/// Hyper-parameters whose values are all in range: only
/// [`check`](Hyperparameters::check) and deserialisation make one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Valid<P>(P);

impl<P> Deref for Valid<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.0
    }
}

impl<'de, P: Hyperparameters + Deserialize<'de>> Deserialize<'de> for Valid<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        P::deserialize(deserializer)?
            .check()
            .map_err(de::Error::custom)
    }
}

/// [`ModelError::Parameter`] if a network of so many weights and biases would
/// be larger than what memory is for: training takes some 16 bytes for each.
pub(crate) fn require_parameters(count: usize) -> Result<(), ModelError> {
    let name = "number of weights and biases";
    require(count <= 1 << 26, name, count, "at most 67108864")
}

/// [`ModelError::Parameter`] unless `holds`.
pub(crate) fn require(
    holds: bool,
    name: &'static str,
    found: impl ToString,
    expected: &'static str,
) -> Result<(), ModelError> {
    if holds {
        return Ok(());
    }
    Err(ModelError::Parameter {
        name,
        found: found.to_string(),
        expected,
    })
}
