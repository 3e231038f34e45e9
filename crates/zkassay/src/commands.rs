//! The commands, one module for each stage.

pub(crate) mod accuracy;
pub(crate) mod batch;
pub(crate) mod circuit;
pub(crate) mod data;
pub(crate) mod files;
pub(crate) mod keys;
pub(crate) mod options;
pub(crate) mod parameters;
pub(crate) mod proof;
pub(crate) mod prove_model;
pub(crate) mod random;
pub(crate) mod settings;
pub(crate) mod srs;
pub(crate) mod table;
pub(crate) mod witness;

use anyhow::Result;
use serde_json::Value;

/// Prints a record as JSON, or as text.
pub(crate) fn print(json: bool, record: &Value, text: impl FnOnce() -> String) -> Result<()> {
    use std::io::Write as _;

    let text = match json {
        true => serde_json::to_string_pretty(record)?,
        false => text(),
    };
    // Not println, which panics where nobody reads any more: that is no error, as in `| head`.
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}
