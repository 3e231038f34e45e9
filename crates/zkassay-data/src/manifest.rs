//! `MANIFEST.json`: what the files beside it are, where they come from, their
//! hashes.
//!
//! A parquet decoder trusts its input: a flipped bit may go unnoticed or end in an
//! absurd allocation. Hashes are checked before anything is decoded.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{DataError, Result};

/// Name of the manifest in the directory of the tables.
pub const MANIFEST: &str = "MANIFEST.json";

/// Layout of the manifest itself.
const FORMAT: u32 = 1;

/// What a command wrote into a directory of tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this description.
    pub format: u32,
    /// The command that makes these files.
    pub command: String,
    /// The seed of every random draw.
    pub seed: u64,
    /// Size of all files together, in bytes.
    pub bytes: u64,
    /// Every table file, sorted by path.
    pub files: Vec<FileEntry>,
}

/// One table file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path relative to the manifest, with `/`.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the content, lower-case hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// Describes `files` (path to content), generated from `seed`.
    pub(crate) fn describe(seed: u64, files: &BTreeMap<String, Vec<u8>>) -> Self {
        let files: Vec<FileEntry> = files
            .iter()
            .map(|(path, content)| FileEntry {
                path: path.clone(),
                bytes: content.len() as u64,
                sha256: sha256_hex(content),
            })
            .collect();
        Self {
            format: FORMAT,
            command: "cargo xtask fixtures".to_owned(),
            seed,
            bytes: files.iter().map(|file| file.bytes).sum(),
            files,
        }
    }

    /// The manifest of `dir`; none if there is no such file.
    ///
    /// # Errors
    ///
    /// A manifest that cannot be read, is not one, or has another format.
    pub fn read(dir: &Path) -> Result<Option<Self>> {
        let path = dir.join(MANIFEST);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(DataError::io("read", &path)(error)),
        };
        let unusable = |reason: String| DataError::Manifest {
            path: path.clone(),
            reason,
        };
        let manifest: Self =
            serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(unusable(format!(
                "format {} found, {FORMAT} expected",
                manifest.format
            )));
        }
        Ok(Some(manifest))
    }

    /// Compares the listed files of `dir` with their sizes and hashes.
    ///
    /// # Errors
    ///
    /// [`DataError::Damaged`] for the first that differs, [`DataError::MissingFile`]
    /// for one that is not there, [`DataError::Io`] for one that cannot be read.
    pub fn verify(&self, dir: &Path) -> Result<()> {
        for file in &self.files {
            let path = dir.join(&file.path);
            let content = match fs::read(&path) {
                Ok(content) => content,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(DataError::MissingFile {
                        path,
                        command: self.command.clone(),
                    });
                }
                Err(error) => return Err(DataError::io("read", &path)(error)),
            };
            let found = sha256_hex(&content);
            if content.len() as u64 != file.bytes || found != file.sha256 {
                return Err(DataError::Damaged {
                    path,
                    expected: format!("{} bytes, sha256 {}", file.bytes, file.sha256),
                    found: format!("{} bytes, sha256 {found}", content.len()),
                    command: self.command.clone(),
                });
            }
        }
        Ok(())
    }

    /// The manifest's text: indented JSON with a final newline.
    pub(crate) fn to_json(&self) -> String {
        // Strings and integers only: serialisation has nothing to fail on.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// SHA-256 of `bytes`, lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
