//! `MANIFEST.json`: what the files beside it are, where they come from, their
//! hashes.
//!
//! A parquet decoder trusts its input: a flipped bit may go unnoticed or end in an
//! absurd allocation. Hashes are checked before anything is decoded.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{DataError, Result};

/// Name of the manifest in the directory of the tables.
pub const MANIFEST: &str = "MANIFEST.json";

/// Layout of the manifest itself.
const FORMAT: u32 = 1;

/// What a command wrote into a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this description.
    pub format: u32,
    /// The command that makes these files.
    pub command: String,
    /// The seed of every random draw; none if the files were not generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Size of all files together, in bytes.
    pub bytes: u64,
    /// Every file, sorted by path.
    pub files: Vec<FileEntry>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path relative to the manifest, with `/`.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the content, lower-case hexadecimal.
    pub sha256: String,
    /// Where it was fetched from; none if it was generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Where and when a file was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The address it came from.
    pub url: String,
    /// Version of the object in its bucket, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
    /// What the content was compared with: `sha256`, `md5` or `size`; none if the
    /// source stated nothing, and the hash above is only that of the first fetch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<String>,
    /// When the download was complete, in UTC: `YYYY-MM-DDThh:mm:ssZ`.
    pub time: String,
    /// Modification time of the file then, in nanoseconds since 1970; a file
    /// that still has it, and its size, need not be hashed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<u64>,
}

impl Manifest {
    /// Describes `files` (path to content), generated from `seed` by `command`.
    pub(crate) fn describe(command: &str, seed: u64, files: &BTreeMap<String, Vec<u8>>) -> Self {
        let files: Vec<FileEntry> = files
            .iter()
            .map(|(path, content)| FileEntry {
                path: path.clone(),
                bytes: content.len() as u64,
                sha256: sha256_hex(content),
                origin: None,
            })
            .collect();
        Self {
            seed: Some(seed),
            ..Self::of_files(command, files)
        }
    }

    /// A manifest of files that `command` fetched.
    pub(crate) fn of_files(command: &str, mut files: Vec<FileEntry>) -> Self {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self {
            format: FORMAT,
            command: command.to_owned(),
            seed: None,
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
        self.files
            .iter()
            .try_for_each(|file| self.verify_content(&dir.join(&file.path), file))
    }

    /// As [`Self::verify`], but hashes only files whose modification time is not
    /// the recorded one.
    ///
    /// # Errors
    ///
    /// As [`Self::verify`].
    pub fn verify_quickly(&self, dir: &Path) -> Result<()> {
        for file in &self.files {
            let path = dir.join(&file.path);
            let recorded = file.origin.as_ref().and_then(|origin| origin.modified);
            let untouched = fs::metadata(&path).is_ok_and(|found| {
                found.len() == file.bytes && recorded.is_some() && modified(&found) == recorded
            });
            if !untouched {
                self.verify_content(&path, file)?;
            }
        }
        Ok(())
    }

    /// Whether the manifest lists the file at `path`, relative to it.
    pub fn lists(&self, path: &Path) -> bool {
        self.files.iter().any(|file| Path::new(&file.path) == path)
    }

    fn verify_content(&self, path: &Path, file: &FileEntry) -> Result<()> {
        let (bytes, found) = match sha256_of(path) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(DataError::MissingFile {
                    path: path.to_path_buf(),
                    command: self.command.clone(),
                });
            }
            Err(error) => return Err(DataError::io("read", path)(error)),
        };
        if bytes != file.bytes || found != file.sha256 {
            return Err(DataError::Damaged {
                path: path.to_path_buf(),
                expected: format!("{} bytes, sha256 {}", file.bytes, file.sha256),
                found: format!("{bytes} bytes, sha256 {found}"),
                command: self.command.clone(),
            });
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
    hex(&Sha256::digest(bytes))
}

/// Size and SHA-256 of a file, read piece by piece.
fn sha256_of(path: &Path) -> io::Result<(u64, String)> {
    let mut hasher = Sha256::new();
    let bytes = read_in_pieces(path, |piece| hasher.update(piece))?;
    Ok((bytes, hex(&hasher.finalize())))
}

/// Hands a file's content to `take`, piece by piece; returns its size.
pub(crate) fn read_in_pieces(path: &Path, mut take: impl FnMut(&[u8])) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let mut piece = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(bytes),
            length => {
                take(&piece[..length]);
                bytes += length as u64;
            }
        }
    }
}

/// Modification time in nanoseconds since 1970; none where there is none.
pub(crate) fn modified(metadata: &Metadata) -> Option<u64> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
