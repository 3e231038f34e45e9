//! How a model is trained.

use serde::{Deserialize, Serialize};

use crate::{MlpSpec, ModelError};

/// Training parameters, not checked yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Params {
    /// Step size of Adam.
    pub learning_rate: f64,
    /// Number of steps; each sees all rows.
    pub epochs: usize,
    /// Share of a weight that AdamW takes away per unit of learning rate.
    pub weight_decay: f64,
    /// Seed of the initial weights.
    pub seed: u64,
}

impl Params {
    /// The study's choice: Adam, 1000 epochs, learning rate 0.001 for logistic
    /// regression and 0.0012 otherwise.
    pub fn study(spec: &MlpSpec, seed: u64) -> Self {
        Self {
            learning_rate: if spec.hidden.is_empty() {
                0.001
            } else {
                0.0012
            },
            epochs: 1000,
            weight_decay: 0.0,
            seed,
        }
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] names the first one out of range.
    pub fn check(self) -> Result<ValidParams, ModelError> {
        let refuse = |name, found: String, expected| {
            Err(ModelError::Parameter {
                name,
                found,
                expected,
            })
        };
        if !(self.learning_rate > 0.0 && self.learning_rate <= 1.0) {
            let found = self.learning_rate.to_string();
            return refuse("learning_rate", found, "a number above 0, at most 1");
        }
        if !(1..=1_000_000).contains(&self.epochs) {
            let found = self.epochs.to_string();
            return refuse("epochs", found, "1 to 1000000");
        }
        // Beyond this, a step flips the sign of the weights.
        if !(self.weight_decay >= 0.0 && self.weight_decay * self.learning_rate < 1.0) {
            let found = self.weight_decay.to_string();
            return refuse("weight_decay", found, "0 or more, below 1 / learning_rate");
        }
        Ok(ValidParams(self))
    }
}

/// Checked training parameters; see [`Params::check`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Params", into = "Params")]
pub struct ValidParams(Params);

impl std::ops::Deref for ValidParams {
    type Target = Params;

    fn deref(&self) -> &Params {
        &self.0
    }
}

impl TryFrom<Params> for ValidParams {
    type Error = ModelError;

    fn try_from(params: Params) -> Result<Self, ModelError> {
        params.check()
    }
}

impl From<ValidParams> for Params {
    fn from(valid: ValidParams) -> Self {
        valid.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn study() -> Params {
        Params::study(&MlpSpec::default(), 7)
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let rate = |learning_rate| Params {
            learning_rate,
            ..study()
        };
        let decay = |weight_decay| Params {
            weight_decay,
            ..study()
        };
        let epochs = |epochs| Params { epochs, ..study() };
        let cases = [
            (rate(0.0), "learning_rate is 0"),
            (rate(f64::NAN), "learning_rate is NaN"),
            (rate(2.0), "learning_rate is 2"),
            (epochs(0), "epochs is 0"),
            (decay(-0.1), "weight_decay is -0.1"),
            (decay(f64::NAN), "weight_decay is NaN"),
            (decay(1e6), "weight_decay is 1000000"),
        ];
        for (params, expected) in cases {
            let error = params.check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn only_valid_parameters_deserialise_as_valid() {
        let valid = study().check().unwrap();
        let json = serde_json::to_string(&valid).unwrap();
        assert_eq!(serde_json::from_str::<ValidParams>(&json).unwrap(), valid);
        let json = json.replace("\"epochs\":1000", "\"epochs\":0");
        let error = serde_json::from_str::<ValidParams>(&json).unwrap_err();
        assert!(error.to_string().contains("epochs is 0"), "{error}");
    }
}
