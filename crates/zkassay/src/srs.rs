//! Parameters of the public ceremony: from the cache, or downloaded into it.
//!
//! The ceremony's files are cached like data sets, each in a directory of its own:
//!
//! ```text
//! <cache>/srs-16/perpetual-powers-of-tau-raw-16
//! ```
//!
//! A file that was put there by hand counts as well. Whatever is read is checked to be powers of
//! one secret, and this secret to be the ceremony's; a download moreover has to have the pinned
//! SHA-256.
//!
//! ```no_run
//! use zkassay::srs::{GetOptions, get};
//!
//! let srs = get(16, &GetOptions::default())?;
//! assert_eq!(srs.origin(), zkassay::SrsOrigin::Ceremony);
//! # Ok::<(), zkassay::srs::GetError>(())
//! ```

use std::path::PathBuf;

use zkassay_data::fetch::Progress;
use zkassay_data::hub::{RemoteFile, Source};
use zkassay_data::manifest::MANIFEST;
use zkassay_data::{Cache, Entry, FetchError, FetchOptions, fetch};
use zkassay_prover::ceremony::CeremonyFile;
use zkassay_prover::{Ceremony, ProverError, Srs, SrsError};
use zkassay_verifier::SrsOrigin;
use zkassay_verifier::artefact::{digest, hex};

/// How to get parameters.
#[derive(Clone, Debug, Default)]
pub struct GetOptions {
    /// The cache's directory; by default that of data sets ([`Cache::from_environment`]).
    pub data_dir: Option<PathBuf>,
    /// How to download.
    pub fetch: FetchOptions,
}

/// Parameters, and where they were found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The parameters, for as many rows as were asked for.
    pub srs: Srs,
    /// The file they were read from, which may be for more rows.
    pub path: PathBuf,
    /// Whether it was there already.
    pub was_cached: bool,
}

/// Parameters that are not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GetError {
    /// The ceremony has no such file.
    #[error(
        "the ceremony has parameters for 2^1 to 2^{largest} rows, not for 2^{logrows}: the model \
         is too large, or the number wrong"
    )]
    NoSuchFile {
        /// log2 of the rows asked for.
        logrows: u32,
        /// The largest there is.
        largest: u32,
    },
    /// Neither in the cache nor to be had from a server.
    #[error(
        "the ceremony's parameters for 2^{k} rows are not in the cache {} (nor any for more \
         rows), and {tried}. To go on: fetch them where there is a network, or from a copy on \
         another server with `--mirror URL`; or put {}, or one for more rows, by hand where \
         get-srs would: {} ({} bytes, SHA-256 {}). For tests only, `zkassay gen-srs --logrows {k} \
         --srs-path kzg.srs` makes parameters here: whoever makes parameters can forge proofs",
        root.display(), file.url, place.display(), file.bytes, file.sha256, k = file.logrows
    )]
    Unavailable {
        /// The file that is missing.
        file: Box<CeremonyFile>,
        /// The cache.
        root: PathBuf,
        /// Where the file belongs.
        place: PathBuf,
        /// What became of the download.
        tried: String,
        /// Whether a server was asked.
        network: bool,
    },
    /// A file in the cache that is not the ceremony's.
    #[error(
        "{} is not the ceremony's file: {reason}; remove it, or put {} (SHA-256 {}) in its place",
        place.display(), file.url, file.sha256
    )]
    Damaged {
        /// What it should be.
        file: Box<CeremonyFile>,
        /// The file in the cache.
        place: PathBuf,
        /// Why it is not.
        reason: String,
    },
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(FetchError),
}

impl GetError {
    /// Whether a server was asked, and could not be used.
    pub fn is_network(&self) -> bool {
        matches!(self, Self::Unavailable { network: true, .. })
    }

    /// Whether the parameters are not in the cache, or damaged there, and no server was asked.
    pub fn is_missing(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { network: false, .. } | Self::Damaged { .. }
        )
    }
}

/// The ceremony's parameters for `2^logrows` rows: from the cache, if need be out of a file for
/// more rows; else downloaded.
///
/// # Errors
/// No such parameters, no network, a server that sends something else, a cache that cannot be used.
pub fn get(logrows: u32, options: &GetOptions) -> Result<Srs, GetError> {
    Ok(find(logrows, options, &())?.srs)
}

/// The ceremony's parameters for `2^logrows` rows, if the usual cache has them.
///
/// # Errors
/// As [`get`] without a network.
pub fn cached(logrows: u32) -> Result<Srs, crate::Error> {
    let mut options = GetOptions::default();
    options.fetch.offline = true;
    get(logrows, &options).map_err(|error| match error {
        GetError::Unavailable { .. } => crate::Error::NoParameters { logrows },
        error => error.into(),
    })
}

/// As [`get`], with the file they were found in; `progress` is told of a download.
///
/// # Errors
/// As [`get`].
pub fn find(
    logrows: u32,
    options: &GetOptions,
    progress: &dyn Progress,
) -> Result<Found, GetError> {
    find_of(&Ceremony::default(), logrows, options, progress)
}

fn find_of(
    ceremony: &Ceremony,
    logrows: u32,
    options: &GetOptions,
    progress: &dyn Progress,
) -> Result<Found, GetError> {
    let largest = ceremony.largest();
    let file = ceremony
        .file(logrows)
        .ok_or(GetError::NoSuchFile { logrows, largest })?;
    let cache = match &options.data_dir {
        Some(root) => Cache::new(root),
        None => Cache::from_environment().map_err(GetError::Cache)?,
    };
    let search = Search {
        ceremony,
        cache: &cache,
        file: &file,
    };
    let place = search.place(&file);
    let damage = match search.read(&file) {
        None => None,
        Some(Ok(srs)) => return Ok(Found::cached(srs, place)),
        Some(Err(reason)) => Some(reason),
    };
    for larger in (logrows + 1..=largest).filter_map(|logrows| ceremony.file(logrows)) {
        if let Some(Ok(srs)) = search.read(&larger) {
            search.keep(&srs);
            return Ok(Found::cached(srs, search.place(&larger)));
        }
    }
    let mut fetch = options.fetch.clone();
    if let Some(reason) = damage {
        // What was put there by hand is not replaced.
        if fetch.offline || !place.with_file_name(MANIFEST).is_file() {
            return Err(search.damaged(reason));
        }
        // Though its size and time may be as recorded.
        fetch.refresh = true;
    }
    search.download(&fetch, progress)
}

impl Found {
    fn cached(srs: Srs, path: PathBuf) -> Self {
        Self {
            srs,
            path,
            was_cached: true,
        }
    }
}

/// Looking for one of the ceremony's files.
struct Search<'a> {
    ceremony: &'a Ceremony,
    cache: &'a Cache,
    file: &'a CeremonyFile,
}

impl Search<'_> {
    /// Where a file is, or would be.
    fn place(&self, file: &CeremonyFile) -> PathBuf {
        self.cache.location(&entry(file)).join(&file.name)
    }

    /// The parameters that are looked for, out of this file or a larger one; none if it is not
    /// there.
    fn read(&self, file: &CeremonyFile) -> Option<Result<Srs, String>> {
        let place = self.place(file);
        if !place.exists() {
            return None;
        }
        let read = Srs::from_file_of(&place, Some(self.file.logrows), self.ceremony);
        Some(match read {
            Ok(srs) if srs.origin() == SrsOrigin::Ceremony => Ok(srs),
            Ok(_) => Err("its parameters are somebody else's".to_owned()),
            // The path is named anyway.
            Err(ProverError::Srs(SrsError::File { error, .. })) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        })
    }

    /// Keeps parameters out of a larger file, which took long to make. They are a file of the
    /// ceremony, bit for bit. Where the cache cannot be written to, they are made again next time.
    fn keep(&self, srs: &Srs) {
        let (bytes, place) = (srs.to_raw(), self.place(self.file));
        if place.exists() || hex(&digest(&bytes)) != self.file.sha256 {
            return;
        }
        if let Some(folder) = place.parent()
            && std::fs::create_dir_all(folder).is_ok()
        {
            zkassay_file::write(&place, &bytes).unwrap_or_default();
        }
    }

    fn download(&self, options: &FetchOptions, progress: &dyn Progress) -> Result<Found, GetError> {
        let logrows = self.file.logrows;
        let options = FetchOptions {
            command: Some(format!("zkassay get-srs --logrows {logrows}")),
            ..options.clone()
        };
        let fetched = fetch(self.cache, &entry(self.file), &options, progress);
        let fetched = fetched.map_err(|error| match error {
            FetchError::NotCached { .. } => {
                self.unavailable("must not be fetched (offline)".to_owned(), false)
            }
            FetchError::Failed { url, reason, .. } => {
                self.unavailable(format!("{url} could not be fetched: {reason}"), true)
            }
            FetchError::Refused { url, status, .. } => {
                self.unavailable(format!("{url} was refused with status {status}"), true)
            }
            error => GetError::Cache(error),
        })?;
        match self.read(self.file) {
            Some(Ok(srs)) => Ok(Found {
                srs,
                path: self.place(self.file),
                was_cached: fetched.was_cached,
            }),
            Some(Err(reason)) => Err(self.damaged(reason)),
            None => Err(self.damaged("it is gone".to_owned())),
        }
    }

    fn unavailable(&self, tried: String, network: bool) -> GetError {
        GetError::Unavailable {
            file: Box::new(self.file.clone()),
            root: self.cache.root().to_path_buf(),
            place: self.place(self.file),
            tried,
            network,
        }
    }

    fn damaged(&self, reason: String) -> GetError {
        GetError::Damaged {
            file: Box::new(self.file.clone()),
            place: self.place(self.file),
            reason,
        }
    }
}

/// The file as a data set of its own.
fn entry(file: &CeremonyFile) -> Entry {
    Entry {
        name: format!("srs-{}", file.logrows),
        summary: format!("Perpetual Powers of Tau for 2^{} rows", file.logrows),
        licence: "public parameters".to_owned(),
        source: Source::Files(vec![RemoteFile {
            url: file.url.clone(),
            path: file.name.clone(),
            bytes: Some(file.bytes),
            sha256: Some(file.sha256.clone()),
        }]),
    }
}

#[cfg(test)]
mod tests;
