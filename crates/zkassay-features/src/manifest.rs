//! What each feature is: the canonical list that travels with a model.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The features of a model in the order of its inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureManifest {
    /// One entry per input.
    pub features: Vec<FeatureSpec>,
}

/// One feature: where it comes from, in what unit, and when it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSpec {
    /// Name of the feature, unique in a manifest.
    pub name: String,
    /// The table it is made from.
    pub table: SourceTable,
    /// Which rows of the table: a token, a project, or a pool's key.
    pub key: String,
    /// The column it is made from.
    pub column: String,
    /// Unit of the value before scaling.
    pub unit: Unit,
    /// Days from the date of a source row to the first day that can use it.
    pub lag: u16,
    /// Days after that on which it can still be used.
    pub max_age: u16,
}

/// A source table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceTable {
    /// Token prices.
    Prices,
    /// Pool yields.
    Pools,
    /// Value locked per project.
    ValueLocked,
}

/// Unit of a feature before scaling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// US dollars.
    Dollars,
    /// 1 for yes, 0 for no.
    Flag,
    /// Percent a year.
    PercentPerYear,
    /// Day of the week, Monday = 1.
    Weekday,
    /// Calendar year.
    Year,
}

impl FeatureManifest {
    /// SHA-256 of every field in order, lower-case hexadecimal.
    pub fn hash(&self) -> String {
        let mut digest = Digest::new("zkassay-feature-manifest/1");
        digest.count(self.features.len());
        for feature in &self.features {
            digest.bytes(feature.name.as_bytes());
            digest.bytes(feature.table.name().as_bytes());
            digest.bytes(feature.key.as_bytes());
            digest.bytes(feature.column.as_bytes());
            digest.bytes(feature.unit.name().as_bytes());
            digest.count(feature.lag.into());
            digest.count(feature.max_age.into());
        }
        digest.finish()
    }
}

impl SourceTable {
    const fn name(self) -> &'static str {
        match self {
            Self::Prices => "prices",
            Self::Pools => "pools",
            Self::ValueLocked => "value-locked",
        }
    }
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Dollars => "dollars",
            Self::Flag => "flag",
            Self::PercentPerYear => "percent-per-year",
            Self::Weekday => "weekday",
            Self::Year => "year",
        }
    }
}

impl fmt::Display for SourceTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature() -> FeatureSpec {
        FeatureSpec {
            name: "aura".to_owned(),
            table: SourceTable::ValueLocked,
            key: "aura".to_owned(),
            column: "WETH".to_owned(),
            unit: Unit::Dollars,
            lag: 1,
            max_age: 3,
        }
    }

    #[test]
    fn the_hash_sees_every_field_and_the_order() {
        let hash = |features: &[FeatureSpec]| {
            let features = features.to_vec();
            FeatureManifest { features }.hash()
        };
        let usual = feature();
        let changes: [fn(&mut FeatureSpec); 7] = [
            |feature| feature.name.push('x'),
            |feature| feature.table = SourceTable::Pools,
            |feature| feature.key.push('x'),
            |feature| feature.column.push('x'),
            |feature| feature.unit = Unit::Flag,
            |feature| feature.lag = 0,
            |feature| feature.max_age = 0,
        ];
        for change in changes {
            let mut other = feature();
            change(&mut other);
            assert_ne!(hash(std::slice::from_ref(&other)), hash(&[feature()]));
            assert_ne!(
                hash(&[usual.clone(), other.clone()]),
                hash(&[other, feature()])
            );
        }
        assert_ne!(hash(&[]), hash(&[feature()]));
    }
}
