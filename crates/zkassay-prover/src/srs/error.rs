//! Why a file is not usable as parameters.

use std::io;
use std::path::{Path, PathBuf};

use zkassay_verifier::ArtefactError;

use super::raw::LARGEST;

/// An error of reading parameters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SrsError {
    /// A file that cannot be read, or is not usable.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: Box<Self>,
    },
    /// The file system refused.
    #[error("the parameters cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A file of this project that is none of parameters, or damaged.
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
    /// Neither of the formats.
    #[error(
        "not a file of parameters: neither zkassay's own format, nor halo2's raw one, which starts \
         with the log2 of the rows (1 to {LARGEST}) in 4 bytes"
    )]
    Unknown,
    /// More or fewer points than the header says.
    #[error(
        "parameters for 2^{logrows} rows in halo2's raw format have {expected} bytes, these have \
         {found}: the file is {}; get it again",
        if found < expected { "not complete" } else { "longer than that" }
    )]
    Length {
        /// log2 of the rows, as the file says.
        logrows: u32,
        /// Bytes of such a file.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// A point that is none.
    #[error(
        "the parameters' {group} {index} is not a point of its curve, or not in the encoding that \
         halo2 writes (`RawBytes`, Montgomery form): the file is damaged or of another format"
    )]
    Point {
        /// Which points: `power`, `Lagrange point` or `point of G2`.
        group: &'static str,
        /// Which of them, from 0.
        index: usize,
    },
    /// Points that do not belong together.
    #[error(
        "the parameters cannot be used, {0}: the file is damaged, or was made to deceive; get it \
         again"
    )]
    Structure(&'static str),
    /// Somebody else's parameters that say they are a ceremony's.
    #[error(
        "the parameters say that they are the Perpetual Powers of Tau, but their secret is \
         another: whoever made the file can forge proofs; `zkassay get-srs` gets the ceremony's"
    )]
    NotCeremony,
    /// Fewer rows than needed.
    #[error(
        "the parameters are for 2^{found} rows, 2^{needed} are needed; `zkassay get-srs --logrows \
         {needed}` gets as many"
    )]
    TooFewRows {
        /// log2 of the rows needed.
        needed: u32,
        /// log2 of the rows there are.
        found: u32,
    },
}

impl SrsError {
    /// The error with the file it is about.
    pub(super) fn of(path: &Path) -> impl FnOnce(Self) -> Self {
        let path = path.to_path_buf();
        move |error| Self::File {
            path,
            error: Box::new(error),
        }
    }
}
