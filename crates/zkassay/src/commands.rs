//! The commands, one module for each stage.

pub(crate) mod accuracy;
pub(crate) mod batch;
pub(crate) mod choose;
pub(crate) mod circuit;
pub(crate) mod data;
pub(crate) mod files;
pub(crate) mod keys;
pub(crate) mod options;
pub(crate) mod parameters;
pub(crate) mod proof;
pub(crate) mod prove_model;
pub(crate) mod quantity;
pub(crate) mod random;
pub(crate) mod report;
pub(crate) mod settings;
pub(crate) mod srs;
pub(crate) mod table;
pub(crate) mod tried;
pub(crate) mod witness;

use anyhow::Result;
use serde_json::{Value, json};
use zkassay::Error;

/// A command that verifies: where a proof is rejected, scripts read so on stdout, too.
pub(crate) fn verified(json: bool, result: Result<()>) -> Result<()> {
    let Err(error) = &result else {
        return result;
    };
    let reason = error.downcast_ref::<Error>();
    if json && reason.is_some_and(Error::is_rejection) {
        let record = json!({ "verified": false, "reason": format!("{error:#}") });
        print(json, &record, String::new)?;
    }
    result
}

/// So many things, in words.
pub(crate) fn count(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

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
