//! Where a run's files go.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use zkassay_data::Day;

/// The folder of one run, `<out>/<id>`, made new for it.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    id: String,
    created: String,
}

impl Folder {
    /// Makes a folder whose name is the time of day, and which nobody else uses.
    ///
    /// # Errors
    /// `out` cannot be made or written to.
    pub fn create(out: &Path) -> Result<Self> {
        let failed = |path: &Path| format!("the folder {} cannot be made", path.display());
        fs::create_dir_all(out).with_context(|| failed(out))?;
        let created = now()?;
        let name = created.replace([':', 'Z'], "").replace('T', "-");
        let (mut id, mut attempt) = (name.clone(), 1);
        loop {
            let path = out.join(&id);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path, id, created }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    attempt += 1;
                    id = format!("{name}-{attempt}");
                }
                Err(error) => return Err(error).with_context(|| failed(&path)),
            }
        }
    }

    /// The folder of a run that exists.
    pub fn existing(path: &Path, id: &str, created: &str) -> Self {
        Self {
            path: path.to_path_buf(),
            id: id.into(),
            created: created.into(),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it was made, in UTC, as RFC 3339 has it.
    pub fn created(&self) -> &str {
        &self.created
    }

    /// Removes a folder in which nothing could be written. What cannot be removed stays.
    pub(crate) fn remove_unused(&self) {
        let _ = fs::remove_file(self.path.join(LOCK));
        // Only if it is empty.
        let _ = fs::remove_dir(&self.path);
    }

    /// The path of `name`, with the folders above it made.
    pub(crate) fn file(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("the folder {} cannot be made", parent.display()))?;
        }
        Ok(path)
    }

    /// Writes a file, complete or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.file(name)?;
        zkassay_file::write(&path, bytes)
            .with_context(|| format!("{} cannot be written", path.display()))
    }

    /// Writes `value` as JSON.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_json(&self, name: &str, value: &impl serde::Serialize) -> Result<()> {
        let mut json = serde_json::to_vec_pretty(value)?;
        json.push(b'\n');
        self.write(name, &json)
    }
}

/// Name of the file that whoever writes into a run's folder has locked.
const LOCK: &str = "lock";
/// Of that file, what an error quotes at most.
const OWNER_BYTES: u64 = 200;

/// The right to write into a run's folder. Its file says who has it; the system takes it away when
/// the process ends, so that a file that is left behind locks nobody out.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Not left to the closing of the file: a process that is being started just now has a copy of it
    /// for a moment, and with it the lock.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// Takes the lock of `folder`.
    ///
    /// # Errors
    /// Another process has it, and which; its file cannot be written.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK);
        let failed = || format!("{} cannot be written", path.display());
        let mut options = File::options();
        // What is in it is another's until it is locked.
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).with_context(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            // Some file systems of networks have no locks.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // It may be about to be written.
                let _ = file.take(OWNER_BYTES).read_to_string(&mut owner);
                let owner = match owner.trim() {
                    "" => "another process",
                    owner => owner,
                };
                bail!(
                    "the run in {} is going on: {owner} has it",
                    folder.display()
                );
            }
            Err(TryLockError::Error(error)) => {
                let locked = format!("{} cannot be locked", path.display());
                return Err(error).context(locked);
            }
        }
        let owner = format!("process {} (since {})\n", std::process::id(), now()?);
        let written = file
            .set_len(0)
            .and_then(|()| file.write_all(owner.as_bytes()));
        written.with_context(failed)?;
        Ok(Self { file })
    }

    /// Whether another process has the lock of `folder`.
    pub fn is_taken(folder: &Path) -> bool {
        let Ok(file) = File::open(folder.join(LOCK)) else {
            return false;
        };
        let is_taken = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        // Ours, if it was not; see above.
        let _ = file.unlock();
        is_taken
    }
}

/// The time of day in UTC, as RFC 3339 has it.
fn now() -> Result<String> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Ok(rfc3339(
        since.context("the clock is before 1970")?.as_secs(),
    ))
}

/// Seconds since 1970 as `2026-11-22T09:30:00Z`.
fn rfc3339(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let day = Day::from_epoch_days(i32::try_from(days).unwrap_or(i32::MAX));
    format!(
        "{day}T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_709_164_799), "2024-02-28T23:59:59Z");
    }

    #[test]
    fn two_runs_never_share_a_folder() {
        let out = tempfile::tempdir().unwrap();
        let folders = [(); 3].map(|()| Folder::create(out.path()).unwrap());
        assert_ne!(folders[0].path(), folders[1].path());
        assert_ne!(folders[1].path(), folders[2].path());
        assert!(folders.iter().all(|folder| folder.path().is_dir()));
    }
}
