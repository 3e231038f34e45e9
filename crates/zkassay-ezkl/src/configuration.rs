//! How EZKL is set up: what its parameters are to the verifier, and who chose its settings.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::EzklError;

/// One way to set EZKL up; inputs are private and outputs public in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Configuration {
    /// Weights are part of the keys, as ours are; settings by EZKL's own calibration.
    Fixed,
    /// Weights are part of the witness, and nothing binds a proof to them; settings by EZKL's own
    /// calibration.
    Private,
    /// Weights are part of the keys; settings by a search for the cheapest proof.
    Tuned,
}

impl Configuration {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fixed, Self::Private, Self::Tuned];

    /// Its name on command lines and in plans.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Private => "private",
            Self::Tuned => "tuned",
        }
    }

    /// The name of EZKL in this configuration, in records.
    pub const fn prover(self) -> &'static str {
        match self {
            Self::Fixed => "EZKL fixed",
            Self::Private => "EZKL private",
            Self::Tuned => "EZKL tuned",
        }
    }
}

impl fmt::Display for Configuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Configuration {
    type Err = EzklError;

    fn from_str(name: &str) -> Result<Self, EzklError> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|configuration| configuration.name() == name);
        found.ok_or_else(|| EzklError::Configuration { name: name.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_everywhere() {
        for configuration in Configuration::ALL {
            let name = configuration.to_string();
            assert_eq!(name.parse::<Configuration>().unwrap(), configuration);
            let json = serde_json::to_string(&configuration).unwrap();
            assert_eq!(json, format!("\"{name}\""));
            assert_eq!(configuration.prover(), format!("EZKL {name}"));
        }
        let error = "hashed".parse::<Configuration>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no configuration 'hashed': there are fixed, private and tuned"
        );
    }
}
