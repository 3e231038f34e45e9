//! Getting a data set into the cache: over HTTPS, or by generating it.
//!
//! A fetch lists the files (from the bucket, or as the entry says), downloads
//! them in parallel next to the data set's place, checks each against the size
//! and checksum that its source states, writes a manifest, and only then moves
//! the directory to its place. Whatever goes wrong before leaves the cache as it
//! was; what was downloaded is kept aside, and the next fetch goes on from there.
//!
//! ```
//! use zkassay_data::{Cache, Catalogue, FetchOptions, fetch};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let cache = Cache::new(dir.path());
//! let catalogue = Catalogue::builtin();
//! let digits = catalogue.get("fixtures-mnist")?;
//!
//! assert!(cache.path(digits).is_err(), "not fetched yet");
//! let fetched = fetch(&cache, digits, &FetchOptions::default(), &())?;
//! assert_eq!(fetched.manifest.files.len(), 4);
//! assert_eq!(cache.path(digits)?, fetched.path);
//! # Ok(())
//! # }
//! ```

mod backoff;
mod checksum;
mod client;
mod download;
mod error;
mod listing;
mod part;
mod target;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub use error::FetchError;

use crate::cache::{self, Cache, Lock, Status};
use crate::hub::{Entry, Source};
use crate::manifest::{FileEntry, MANIFEST};
use crate::synthetic::{DEFAULT_SEED, Part};
use crate::{Manifest, parquet};
use client::Client;
use target::Target;

/// How to fetch.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Never use the network: what is not cached, nor generated, is an error.
    pub offline: bool,
    /// Fetch again even if cached; files that have not changed are kept.
    pub refresh: bool,
    /// Start of the addresses to use instead of `https://<host>`: the paths stay the same.
    pub mirror: Option<String>,
    /// Downloads at a time, at least 1.
    pub threads: usize,
    /// How often in a row a request may fail without a byte of progress, at least 1.
    pub attempts: u32,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for the next bytes.
    pub read_timeout: Duration,
    /// The pause after the first failure; it doubles with each further one, up to 30 s.
    pub pause: Duration,
    /// Seed of the pauses' jitter.
    pub seed: u64,
    /// What the manifest names as the command that fetches the data set, if it is not
    /// `zkassay data fetch` with its name.
    pub command: Option<String>,
}

impl Default for FetchOptions {
    /// Four downloads at a time, five attempts, 10 s to connect, 30 s between bytes, pauses from
    /// half a second, and jitter that differs between processes.
    fn default() -> Self {
        Self {
            offline: false,
            refresh: false,
            mirror: None,
            threads: 4,
            attempts: 5,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            pause: Duration::from_millis(500),
            seed: u64::from(std::process::id()),
            command: None,
        }
    }
}

/// Is told how a fetch goes on, from several threads. `()` ignores it.
pub trait Progress: Sync {
    /// Another process fetches or clears the data set; this one waits for it.
    fn waiting(&self) {}
    /// The files are known; `bytes` is their size together as far as the source states it.
    fn begin(&self, _files: usize, _bytes: u64) {}
    /// So many more bytes are there, downloaded or kept from before; fewer if negative, when
    /// a file has to be started over.
    fn advance(&self, _bytes: i64) {}
    /// A request failed and will be made again after the pause.
    fn retry(&self, _url: &str, _reason: &str, _pause: Duration) {}
}

impl Progress for () {}

/// A data set that is in the cache.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Its directory, or the path of a local one.
    pub path: PathBuf,
    /// What it holds; empty for a local one.
    pub manifest: Manifest,
    /// Whether it was there already.
    pub was_cached: bool,
}

/// Gets a data set into the cache, unless it is there, whole and unchanged.
///
/// # Errors
///
/// [`FetchError`]: no network, a server that refuses, sends something else than its source
/// states, or stops sending; the file system; a data set that is not there with
/// [`FetchOptions::offline`]. The cache is as before then.
pub fn fetch(
    cache: &Cache,
    entry: &Entry,
    options: &FetchOptions,
    progress: &dyn Progress,
) -> Result<Fetched, FetchError> {
    let path = cache.location(entry);
    let usual = || format!("zkassay data fetch {}", entry.name);
    let command = options.command.clone().unwrap_or_else(usual);
    if matches!(entry.source, Source::Local(_)) {
        return Ok(Fetched {
            path: cache.path(entry)?,
            manifest: Manifest::of_files(&command, Vec::new()),
            was_cached: true,
        });
    }
    // Looked at before anything is locked: a cache on a read-only disk can be used.
    if let Some(fetched) = cached(cache, entry, options)? {
        return Ok(fetched);
    }
    let lock = cache.lock(&entry.name, || progress.waiting())?;
    // Again, as another process may have fetched it while this one waited.
    if let Some(fetched) = cached(cache, entry, options)? {
        return Ok(fetched);
    }
    let status = cache.status(entry)?;
    let old = match &status {
        Status::Cached(manifest) => Some((path.as_path(), manifest)),
        _ => None,
    };
    let staged = cache.partial(&entry.name).join("files");
    cache::create(&staged)?;
    let manifest = match &entry.source {
        Source::Synthetic(part) => generate(*part, &command, &staged)?,
        _ => {
            let fetch = Fetch {
                cache,
                entry,
                options,
                progress,
                old,
                staged: &staged,
            };
            Manifest::of_files(&command, fetch.run()?)
        }
    };
    let manifest = place(cache, entry, &staged, manifest, &lock)?;
    Ok(Fetched {
        path,
        manifest,
        was_cached: false,
    })
}

/// The data set if it is cached and that is all that is wanted.
///
/// # Errors
///
/// [`FetchError::NotCached`] if it is not, but must not be fetched.
fn cached(
    cache: &Cache,
    entry: &Entry,
    options: &FetchOptions,
) -> Result<Option<Fetched>, FetchError> {
    let reason = match cache.status(entry)? {
        Status::Cached(manifest) if !options.refresh => {
            return Ok(Some(Fetched {
                path: cache.location(entry),
                manifest,
                was_cached: true,
            }));
        }
        Status::Broken(reason) => reason,
        _ => "it was not fetched yet, and must not be now (offline)".to_owned(),
    };
    if options.offline && !matches!(entry.source, Source::Synthetic(_)) {
        return Err(FetchError::NotCached {
            name: entry.name.clone(),
            reason,
        });
    }
    Ok(None)
}

/// Generates the files of a synthetic data set into `staged`.
fn generate(part: Part, command: &str, staged: &Path) -> Result<Manifest, FetchError> {
    let files = part.generate(DEFAULT_SEED)?;
    for (path, content) in &files {
        parquet::write_atomic(&staged.join(path), content)?;
    }
    Ok(Manifest::describe(command, DEFAULT_SEED, &files))
}

/// Writes the manifest into `staged`, drops what it does not list, and moves all to its place.
fn place(
    cache: &Cache,
    entry: &Entry,
    staged: &Path,
    manifest: Manifest,
    lock: &Lock,
) -> Result<Manifest, FetchError> {
    drop_unlisted(staged, staged, &manifest)?;
    parquet::write_atomic(&staged.join(MANIFEST), manifest.to_json().as_bytes())?;
    cache.publish(entry, staged, lock)?;
    Ok(manifest)
}

/// Removes files that an earlier, unfinished fetch of another listing left in `dir`.
fn drop_unlisted(dir: &Path, staged: &Path, manifest: &Manifest) -> Result<(), FetchError> {
    for item in std::fs::read_dir(dir).map_err(FetchError::io("read", dir))? {
        let path = item.map_err(FetchError::io("read", dir))?.path();
        if path.is_dir() {
            drop_unlisted(&path, staged, manifest)?;
        } else if !manifest.lists(path.strip_prefix(staged).unwrap_or(&path)) {
            std::fs::remove_file(&path).map_err(FetchError::io("remove", &path))?;
        }
    }
    Ok(())
}

/// One fetch over the network.
struct Fetch<'a> {
    cache: &'a Cache,
    entry: &'a Entry,
    options: &'a FetchOptions,
    progress: &'a dyn Progress,
    /// The data set as it is cached now, with its directory.
    old: Option<(&'a Path, &'a Manifest)>,
    /// Where finished files go.
    staged: &'a Path,
}

impl Fetch<'_> {
    /// Downloads every file of the entry, several at a time.
    fn run(&self) -> Result<Vec<FileEntry>, FetchError> {
        let client = Client::new(&self.entry.name, self.options, self.progress);
        let targets = match &self.entry.source {
            Source::Bucket { bucket, prefixes } => listing::targets(&client, bucket, prefixes)?,
            Source::Files(files) => files.iter().map(Target::of_file).collect(),
            Source::Synthetic(_) | Source::Local(_) => Vec::new(),
        };
        let bytes = targets.iter().filter_map(|target| target.bytes).sum();
        self.progress.begin(targets.len(), bytes);
        let parts = self.cache.partial(&self.entry.name).join("parts");
        cache::create(&parts)?;

        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::with_capacity(targets.len()));
        let failed = Mutex::new(None);
        let work = || {
            while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                match self.get(&client, target, &parts) {
                    Ok(file) => lock(&done).push(file),
                    Err(error) => {
                        client.stop();
                        // The first failure is the cause; those after it are its consequences.
                        lock(&failed).get_or_insert(error);
                    }
                }
                if client.is_stopped() {
                    break;
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.options.threads.min(targets.len()) {
                scope.spawn(work);
            }
            work();
        });
        match failed
            .into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
        {
            Some(error) => Err(error),
            None => Ok(done
                .into_inner()
                .unwrap_or_else(|poisoned| poisoned.into_inner())),
        }
    }

    /// One file: kept if it is there already, else downloaded.
    fn get(
        &self,
        client: &Client<'_>,
        target: &Target,
        parts: &Path,
    ) -> Result<FileEntry, FetchError> {
        let staged = self.staged.join(&target.path);
        if let Some(parent) = staged.parent() {
            cache::create(parent)?;
        }
        if let Some((dir, manifest)) = self.old.filter(|_| !staged.exists()) {
            let unchanged = manifest.files.iter().any(|file| file.path == target.path);
            // A copy, so that nothing done to one directory ever reaches the other.
            if unchanged && target.matches(&dir.join(&target.path)) {
                let from = dir.join(&target.path);
                std::fs::copy(&from, &staged).map_err(FetchError::io("copy", &from))?;
            }
        }
        if target.matches(&staged) {
            self.progress
                .advance(target.bytes.unwrap_or_default() as i64);
        } else {
            download::download(client, target, parts, &staged)?;
        }
        target.describe(&staged)
    }
}

/// A poisoned lock only means that another thread panicked: the data is whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
