//! Serialises `f64` as its shortest exact decimal text.
//!
//! Readers of JSON numbers may be off by a unit in the last place (`serde_json`
//! is, unless told otherwise); a text parsed by `f64::from_str` is not.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::Serializer;

pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(D::Error::custom(format!(
            "expected a finite decimal number as text, found `{text}`"
        ))),
    }
}
