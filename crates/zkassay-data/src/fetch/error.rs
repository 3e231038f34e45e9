//! Why a data set could not be fetched, and how to go on without it.

use std::io;
use std::path::{Path, PathBuf};

use crate::DataError;

/// A data set that is not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No such data set.
    #[error(
        "there is no data set `{name}`{}; `zkassay data list` shows all of them",
        suggestion(similar)
    )]
    UnknownDataset {
        /// What was asked for.
        name: String,
        /// Names that resemble it.
        similar: Vec<String>,
    },

    /// A file of a user's own entries that cannot be used.
    #[error("{} is not a usable catalogue: {reason}", path.display())]
    Catalogue {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// Nowhere to keep data.
    #[error("there is no home directory to keep data in; set ZKASSAY_DATA_DIR to a directory")]
    NoDirectory,

    /// Not in the cache, or not as its manifest says.
    #[error(
        "the data set `{name}` is not in the cache: {reason}; get it with \
         `zkassay data fetch {name}`, or use generated data, which needs no network: \
         `zkassay data fetch fixtures-giza`"
    )]
    NotCached {
        /// The data set.
        name: String,
        /// Why what is there does not count.
        reason: String,
    },

    /// A local data set whose file or directory is gone.
    #[error(
        "the data set `{name}` is local, but there is nothing at {}; correct its `path`",
        path.display()
    )]
    MissingLocal {
        /// The data set.
        name: String,
        /// Where it should be.
        path: PathBuf,
    },

    /// A directory in the cache that no fetch made.
    #[error(
        "{} holds files but no manifest, so no fetch made it; move it away, or choose another \
         directory with ZKASSAY_DATA_DIR",
        path.display()
    )]
    Foreign {
        /// The directory.
        path: PathBuf,
    },

    /// The server answered that it will not deliver.
    #[error("{url} was refused with status {status}{}. {}", meaning(*status), ways_on(dataset))]
    Refused {
        /// The data set.
        dataset: String,
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
    },

    /// Nothing usable came, however often it was asked for.
    #[error("{url} could not be fetched: {reason}. {}", ways_on(dataset))]
    Failed {
        /// The data set.
        dataset: String,
        /// The address.
        url: String,
        /// The last failure, and how many there were.
        reason: String,
    },

    /// The bucket's listing names nothing, or something that cannot be stored.
    #[error("the listing {url} cannot be used: {reason}. {}", ways_on(dataset))]
    Listing {
        /// The data set.
        dataset: String,
        /// Its address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },

    /// The object was replaced in its bucket meanwhile.
    #[error("{url} was replaced while it was being fetched; run the command again")]
    Replaced {
        /// The address.
        url: String,
    },

    /// Nothing tells whether a download is whole.
    #[error(
        "{url} states neither its size nor a checksum, so a broken download could not be told \
         from a whole one; add `bytes` or `sha256` to the entry of `{dataset}`"
    )]
    Unverifiable {
        /// The data set.
        dataset: String,
        /// The address.
        url: String,
    },

    /// Another download of the data set failed, so this one was given up.
    #[error("{url}: given up, as another file failed")]
    Stopped {
        /// The address.
        url: String,
    },

    /// The file system refused.
    #[error("failed to {action} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },

    /// A manifest, table or generated file.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl FetchError {
    /// Whether the data is missing because a server could not be used.
    pub fn is_network(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. }
                | Self::Failed { .. }
                | Self::Listing { .. }
                | Self::Replaced { .. }
        )
    }

    /// Wraps an I/O error with what was attempted, and on what.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

fn suggestion(similar: &[String]) -> String {
    match similar {
        [] => String::new(),
        names => format!(", but {}", crate::error::list(names)),
    }
}

fn meaning(status: u16) -> &'static str {
    match status {
        401 | 403 => " (not public any more?)",
        404 | 410 => " (gone, or moved)",
        _ => "",
    }
}

/// What somebody without this data set can do.
fn ways_on(dataset: &str) -> String {
    let generated = match dataset.strip_prefix("fixtures-") {
        Some(_) => dataset.to_owned(),
        None if is_builtin(dataset) => format!("fixtures-{dataset}"),
        None => "fixtures-giza".to_owned(),
    };
    format!(
        "To go on: `zkassay data fetch {generated}` generates data of the same shape without a \
         network; `--mirror URL` fetches from a copy on another server; a file on this machine \
         becomes a data set by an entry with `path` in the catalogue \
         (`zkassay data --help`)"
    )
}

fn is_builtin(dataset: &str) -> bool {
    crate::Catalogue::builtin().get(dataset).is_ok()
}
