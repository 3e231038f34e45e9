//! What can go wrong when a report is read or written.

use std::io;
use std::path::PathBuf;

/// Why a report could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The folder for the report could not be made.
    #[error("cannot create the folder {}", path.display())]
    CreateFolder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the report could not be written; no part of it was left.
    #[error("cannot write {}", path.display())]
    WriteFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no record where one was looked for.
    #[error(
        "{} is neither a run's folder nor its record.json: `cargo xtask experiment` makes runs",
        path.display()
    )]
    NoRecord {
        /// What was given.
        path: PathBuf,
    },
    /// A run that has been started, and has no record yet.
    #[error("the run {run} is not finished: `cargo xtask experiment --resume {run}`")]
    Unfinished {
        /// The run's folder.
        run: String,
    },
    /// No run in a folder of runs.
    #[error("no run in {}: `cargo xtask experiment` makes one, or name a run's folder", path.display())]
    NoRuns {
        /// The folder of runs.
        path: PathBuf,
    },
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    ReadFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A record that is too large to be one.
    #[error("{} has more than {limit} {what}: no experiment makes such a record", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How much it may have.
        limit: u64,
        /// Of what.
        what: &'static str,
    },
    /// A file that holds no record.
    #[error("{}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Why it is none.
        source: Box<ReportError>,
    },
    /// The record is not JSON, or not a run record.
    #[error("not a run record in JSON")]
    Json(#[from] serde_json::Error),
    /// The record has another layout.
    #[error(
        "the run record has version {found}, this program reads version {expected}: \
         use the zkassay version that wrote it, or run the experiment again"
    )]
    Version {
        /// The version in the record.
        found: u32,
        /// The version this crate reads.
        expected: u32,
    },
    /// A plot could not be drawn as an image.
    #[error("cannot draw the plot as PNG: {0}")]
    Png(String),
}
