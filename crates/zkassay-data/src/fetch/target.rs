//! One file to fetch, and how to tell that it is the right one.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::FetchError;
use super::checksum::{Checksum, Digests};
use crate::Day;
use crate::hub::RemoteFile;
use crate::manifest::{FileEntry, Origin, modified};

/// A file to fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Target {
    pub(super) url: String,
    /// Relative to the data set's directory.
    pub(super) path: String,
    pub(super) bytes: Option<u64>,
    pub(super) checksum: Option<Checksum>,
    /// Version of the object in its bucket.
    pub(super) generation: Option<String>,
}

impl Target {
    /// A file of the catalogue.
    pub(super) fn of_file(file: &RemoteFile) -> Self {
        Self {
            url: file.url.clone(),
            path: file.path.clone(),
            bytes: file.bytes,
            checksum: file.sha256.clone().map(Checksum::Sha256),
            generation: None,
        }
    }

    /// Why a file with these digests is not this one.
    pub(super) fn mismatch(&self, found: &Digests) -> Option<String> {
        if let Some(bytes) = self.bytes.filter(|bytes| *bytes != found.bytes) {
            return Some(format!("{} bytes found, {bytes} expected", found.bytes));
        }
        let checksum = self.checksum.as_ref()?;
        let (expected, found) = checksum.difference(found)?;
        let algorithm = checksum.algorithm();
        Some(format!("{algorithm} {found} found, {expected} expected"))
    }

    /// Whether a file is known to be this one; never without a checksum.
    pub(super) fn matches(&self, file: &Path) -> bool {
        let digests = || Digests::of(file).ok();
        self.checksum.is_some() && digests().is_some_and(|found| self.mismatch(&found).is_none())
    }

    /// The manifest's entry for a file that was just completed.
    pub(super) fn describe(&self, file: &Path) -> Result<FileEntry, FetchError> {
        let digests = Digests::of(file).map_err(FetchError::io("read", file))?;
        let metadata = std::fs::metadata(file).map_err(FetchError::io("read", file))?;
        let checked = match (&self.checksum, self.bytes) {
            (Some(checksum), _) => Some(checksum.algorithm()),
            (None, Some(_)) => Some("size"),
            (None, None) => None,
        };
        Ok(FileEntry {
            path: self.path.clone(),
            bytes: digests.bytes,
            sha256: digests.sha256,
            origin: Some(Origin {
                url: self.url.clone(),
                generation: self.generation.clone(),
                checked: checked.map(str::to_owned),
                time: utc_now(),
                modified: modified(&metadata),
            }),
        })
    }
}

/// The time in UTC, to the second.
fn utc_now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    let day = Day::from_epoch_days((seconds / 86_400) as i32);
    let [hour, minute, second] = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60];
    format!("{day}T{hour:02}:{minute:02}:{second:02}Z")
}
