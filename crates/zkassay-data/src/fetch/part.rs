//! A file that is being downloaded, and what it is a part of.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::FetchError;
use super::target::Target;
use crate::manifest::sha256_hex;

/// The bytes so far, beside a note of what they belong to.
pub(super) struct Part {
    /// The bytes.
    pub(super) path: PathBuf,
    note: PathBuf,
}

/// What the bytes belong to.
#[derive(PartialEq, Serialize, Deserialize)]
struct Note {
    target: Target,
    /// What the server called this version, in a strong entity tag.
    etag: Option<String>,
}

impl Part {
    /// The part of a target, in the directory of all parts.
    pub(super) fn new(parts: &Path, target: &Target) -> Self {
        let name = sha256_hex(target.path.as_bytes());
        Self {
            path: parts.join(format!("{}.part", &name[..32])),
            note: parts.join(format!("{}.json", &name[..32])),
        }
    }

    /// How many bytes of `target` are there to go on from, and the entity tag they came with.
    ///
    /// None are if they belong to another version, or if nothing would tell that the rest does
    /// not fit: neither a checksum nor an entity tag.
    pub(super) fn resumable(&self, target: &Target) -> (u64, Option<String>) {
        let note = fs::read(&self.note).ok();
        let note: Option<Note> = note.and_then(|text| serde_json::from_slice(&text).ok());
        match note {
            Some(note)
                if note.target == *target && (target.checksum.is_some() || note.etag.is_some()) =>
            {
                (self.bytes(), note.etag)
            }
            _ => (0, None),
        }
    }

    /// How many bytes there are.
    pub(super) fn bytes(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |found| found.len())
    }

    /// Opens the part to go on after the bytes that are there.
    pub(super) fn append(&self) -> Result<File, FetchError> {
        let open = OpenOptions::new().append(true).open(&self.path);
        open.map_err(FetchError::io("open", &self.path))
    }

    /// Starts the part over; only a strong entity tag is kept.
    pub(super) fn restart(&self, target: &Target, etag: Option<&str>) -> Result<File, FetchError> {
        let file = File::create(&self.path).map_err(FetchError::io("create", &self.path))?;
        let note = Note {
            target: target.clone(),
            etag: etag.filter(|etag| etag.starts_with('"')).map(str::to_owned),
        };
        // Texts and numbers only: serialisation has nothing to fail on.
        let note = serde_json::to_vec(&note).unwrap_or_default();
        zkassay_file::write(&self.note, &note).map_err(FetchError::io("write", &self.note))?;
        Ok(file)
    }

    /// Forgets what is there.
    pub(super) fn discard(&self) -> Result<(), FetchError> {
        for path in [&self.note, &self.path] {
            if path.exists() {
                fs::remove_file(path).map_err(FetchError::io("remove", path))?;
            }
        }
        Ok(())
    }

    /// Moves the complete part to its place.
    pub(super) fn finish(&self, place: &Path) -> Result<(), FetchError> {
        zkassay_file::promote(&self.path, place).map_err(FetchError::io("complete", place))?;
        self.discard()
    }
}
