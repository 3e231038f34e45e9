//! Fetched data sets on this machine: whole and checked, or not there.
//!
//! ```text
//! <root>/<name>/                  a data set: its files and MANIFEST.json, moved here at once
//! <root>/.partial/<name>/         what an unfinished fetch has so far
//! <root>/.locks/<name>.lock       held while a process fetches or clears it
//! ```
//!
//! That a directory exists says nothing: a data set is cached if it has a
//! manifest and its files are as the manifest says.

use std::env;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::hub::{Entry, Source};
use crate::manifest::MANIFEST;
use crate::{FetchError, Manifest};

/// Where unfinished downloads are.
const PARTIAL: &str = ".partial";
/// Where locks are.
const LOCKS: &str = ".locks";

/// The directory of fetched data sets.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

/// What the cache has of a data set.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Status {
    /// Nothing, or an unfinished fetch.
    Absent,
    /// All of it, with its manifest.
    Cached(Manifest),
    /// Files that are not as the manifest says, and why.
    Broken(String),
    /// The user's own, which is not copied; `true` if it is there.
    Local(bool),
}

impl Status {
    /// The status in a word: `absent`, `cached`, `broken`, `local` or `missing`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Cached(_) => "cached",
            Self::Broken(_) => "broken",
            Self::Local(true) => "local",
            Self::Local(false) => "missing",
        }
    }
}

/// The right to change a data set in the cache, until dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Cache {
    /// The cache in a directory, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The cache in `$ZKASSAY_DATA_DIR`, else in `zkassay` of `$XDG_CACHE_HOME`, else of `~/.cache`.
    ///
    /// # Errors
    ///
    /// [`FetchError::NoDirectory`] if none of the variables is set, nor the home directory known.
    pub fn from_environment() -> Result<Self, FetchError> {
        if let Some(root) = env::var_os("ZKASSAY_DATA_DIR").filter(|root| !root.is_empty()) {
            return Ok(Self::new(root));
        }
        let caches = directory_of("XDG_CACHE_HOME", ".cache").ok_or(FetchError::NoDirectory)?;
        Ok(Self::new(caches.join("zkassay")))
    }

    /// The directory of all data sets.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a data set is, or would be.
    pub fn location(&self, entry: &Entry) -> PathBuf {
        match &entry.source {
            Source::Local(path) => path.clone(),
            _ => self.root.join(&entry.name),
        }
    }

    /// What the cache has of a data set. Files whose size and modification time are as recorded
    /// are not hashed.
    ///
    /// # Errors
    ///
    /// None for what is missing or damaged, which is a status; [`FetchError::Data`] if the
    /// directory cannot be read.
    pub fn status(&self, entry: &Entry) -> Result<Status, FetchError> {
        let dir = self.location(entry);
        if let Source::Local(path) = &entry.source {
            return Ok(Status::Local(path.exists()));
        }
        let manifest = match Manifest::read(&dir) {
            Ok(Some(manifest)) => manifest,
            Ok(None) if dir.exists() => return Ok(Status::Broken("it has no manifest".to_owned())),
            Ok(None) => return Ok(Status::Absent),
            Err(error) => return Ok(Status::Broken(error.to_string())),
        };
        match manifest.verify_quickly(&dir) {
            Ok(()) => Ok(Status::Cached(manifest)),
            Err(error) => Ok(Status::Broken(error.to_string())),
        }
    }

    /// The directory of a data set that is cached (or the path of a local one).
    ///
    /// # Errors
    ///
    /// [`FetchError::NotCached`] if it is not there or not as its manifest says.
    pub fn path(&self, entry: &Entry) -> Result<PathBuf, FetchError> {
        let reason = match self.status(entry)? {
            Status::Cached(_) | Status::Local(true) => return Ok(self.location(entry)),
            Status::Local(false) => {
                return Err(FetchError::MissingLocal {
                    name: entry.name.clone(),
                    path: self.location(entry),
                });
            }
            Status::Absent => "it was not fetched yet".to_owned(),
            Status::Broken(reason) => reason,
        };
        Err(FetchError::NotCached {
            name: entry.name.clone(),
            reason,
        })
    }

    /// Removes a data set, and what an unfinished fetch left of it. Local data is not touched.
    /// Returns whether there was anything.
    ///
    /// # Errors
    ///
    /// [`FetchError::Foreign`] if its directory holds no manifest, [`FetchError::Io`].
    pub fn clear(&self, entry: &Entry) -> Result<bool, FetchError> {
        if matches!(entry.source, Source::Local(_)) || !self.root.exists() {
            return Ok(false);
        }
        let _lock = self.lock(&entry.name, || ())?;
        let dir = self.location(entry);
        self.check_ours(&dir)?;
        let complete = remove(&dir)?;
        Ok(remove(&self.partial(&entry.name))? || complete)
    }

    /// Where an unfinished fetch keeps its files.
    pub(crate) fn partial(&self, name: &str) -> PathBuf {
        self.root.join(PARTIAL).join(name)
    }

    /// Waits for the right to change a data set; calls `waiting` if another process has it.
    pub(crate) fn lock(&self, name: &str, waiting: impl FnOnce()) -> Result<Lock, FetchError> {
        let folder = self.root.join(LOCKS);
        create(&folder)?;
        let path = folder.join(format!("{name}.lock"));
        let file = File::create(&path).map_err(FetchError::io("create", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                waiting();
                file.lock().map_err(FetchError::io("lock", &path))?;
            }
            Err(TryLockError::Error(error)) => return Err(FetchError::io("lock", &path)(error)),
        }
        Ok(Lock { _file: file })
    }

    /// Moves a finished directory to its place; one that is there already is replaced.
    pub(crate) fn publish(
        &self,
        entry: &Entry,
        finished: &Path,
        _lock: &Lock,
    ) -> Result<(), FetchError> {
        let dir = self.location(entry);
        self.check_ours(&dir)?;
        let old = self.partial(&entry.name).join("replaced");
        remove(&old)?;
        if dir.exists() {
            fs::rename(&dir, &old).map_err(FetchError::io("move", &dir))?;
        }
        fs::rename(finished, &dir).map_err(FetchError::io("move", finished))?;
        remove(&self.partial(&entry.name))?;
        Ok(())
    }

    /// A directory without a manifest may be somebody's: it is neither replaced nor removed.
    fn check_ours(&self, dir: &Path) -> Result<(), FetchError> {
        let mut entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(FetchError::io("read", dir)(error)),
        };
        if entries.next().is_none() || dir.join(MANIFEST).is_file() {
            return Ok(());
        }
        Err(FetchError::Foreign {
            path: dir.to_path_buf(),
        })
    }
}

/// The directory of an XDG variable, else `fallback` in the home directory. Relative values are
/// ignored, as the XDG specification demands.
pub(crate) fn directory_of(variable: &str, fallback: &str) -> Option<PathBuf> {
    let set = env::var_os(variable).map(PathBuf::from);
    set.filter(|path| path.is_absolute())
        .or_else(|| Some(env::home_dir()?.join(fallback)))
}

/// Makes a directory and those above it.
pub(crate) fn create(dir: &Path) -> Result<(), FetchError> {
    fs::create_dir_all(dir).map_err(FetchError::io("create", dir))
}

/// Removes a directory with all it holds; false if there was none.
pub(crate) fn remove(dir: &Path) -> Result<bool, FetchError> {
    match fs::remove_dir_all(dir) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FetchError::io("remove", dir)(error)),
    }
}
