//! What goes wrong before a worker answers.

use std::path::PathBuf;

use crate::WorkerError;

/// Why EZKL cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EzklError {
    /// The folder is no environment with the pinned packages.
    #[error("{}: {reason}; `cargo xtask ezkl` makes the environment", folder.display())]
    Environment {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such configuration.
    #[error("no configuration '{name}': there are fixed, private and tuned")]
    Configuration {
        /// What was asked for.
        name: String,
    },
    /// A file or folder that the worker needs cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The worker did not start.
    #[error(transparent)]
    Worker(#[from] WorkerError),
}
