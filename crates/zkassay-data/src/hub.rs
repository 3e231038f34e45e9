//! The catalogue of data sets: what there is, and where it comes from.
//!
//! Built in are the three tables of the study, each partition of the
//! value-locked table by itself, the four-day candles, MNIST, and a generated
//! stand-in for each of them whose name starts with `fixtures`. Users add
//! their own in a TOML file ([`Catalogue::with_file`]).

mod builtin;
mod user;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::FetchError;
use crate::synthetic::Part;

/// The data sets that can be fetched by name.
#[derive(Clone, Debug)]
pub struct Catalogue {
    entries: Vec<Entry>,
}

/// One data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is fetched by: lower-case letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// One line about it.
    pub summary: String,
    /// What may be done with it, and by whom it was made.
    pub licence: String,
    /// Where it comes from.
    pub source: Source,
}

/// Where a data set comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Every object of a public Google Cloud Storage bucket whose name starts with one of the
    /// prefixes; sizes and checksums come from the bucket's listing.
    Bucket {
        /// Name of the bucket.
        bucket: String,
        /// Starts of object names, directories ending in `/`.
        prefixes: Vec<String>,
    },
    /// Files by their addresses.
    Files(Vec<RemoteFile>),
    /// Generated on this machine.
    Synthetic(Part),
    /// A file or directory of the user's, used where it is.
    Local(PathBuf),
}

/// A file at an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemoteFile {
    /// Where it is, with `https://` or `http://`.
    pub url: String,
    /// Where it goes, relative to the data set's directory, with `/`.
    pub path: String,
    /// Its size, if known beforehand.
    pub bytes: Option<u64>,
    /// Its SHA-256, if known beforehand: 64 hexadecimal digits.
    pub sha256: Option<String>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::builtin()
    }
}

impl Catalogue {
    /// The data sets that come with the program.
    pub fn builtin() -> Self {
        Self {
            entries: builtin::entries(),
        }
    }

    /// These data sets and those of a user's TOML file:
    ///
    /// ```toml
    /// [datasets.my-files]
    /// summary = "Loans of 2024"
    /// files = [{ url = "https://example.org/loans.csv", sha256 = "...", bytes = 123456 }]
    ///
    /// [datasets.my-bucket]
    /// bucket = "name-of-a-public-gcs-bucket"
    /// prefix = "directory/"
    ///
    /// [datasets.my-disk]
    /// path = "/data/loans.parquet"
    /// ```
    ///
    /// A file's `path` defaults to the last part of its address. Relative local paths start at
    /// the TOML file's directory.
    ///
    /// # Errors
    ///
    /// [`FetchError::Catalogue`] if the file cannot be read, is not such TOML, or has an entry
    /// without exactly one source, with an unusable name, or with the name of a built-in one.
    pub fn with_file(mut self, file: &Path) -> Result<Self, FetchError> {
        for entry in user::read(file)? {
            if self.get(&entry.name).is_ok() {
                return Err(FetchError::Catalogue {
                    path: file.to_path_buf(),
                    reason: format!(
                        "`{}` is the name of a built-in data set; choose another",
                        entry.name
                    ),
                });
            }
            self.entries.push(entry);
        }
        Ok(self)
    }

    /// Where a user's own entries are looked for: `zkassay/datasets.toml` in
    /// `$XDG_CONFIG_HOME`, else in `~/.config`; none without a home directory.
    pub fn user_file() -> Option<PathBuf> {
        let config = crate::cache::directory_of("XDG_CONFIG_HOME", ".config")?;
        Some(config.join("zkassay/datasets.toml"))
    }

    /// The data sets, built-in ones first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The data set of a name.
    ///
    /// # Errors
    ///
    /// [`FetchError::UnknownDataset`], with names that resemble it.
    pub fn get(&self, name: &str) -> Result<&Entry, FetchError> {
        let entry = self.entries.iter().find(|entry| entry.name == name);
        entry.ok_or_else(|| FetchError::UnknownDataset {
            name: name.to_owned(),
            similar: self.similar(name),
        })
    }

    /// Names that contain `name`, or that it contains, or that share its last word.
    fn similar(&self, name: &str) -> Vec<String> {
        let wanted = name.to_ascii_lowercase().replace('_', "-");
        let word = wanted.rsplit('-').next().unwrap_or_default();
        let names = self.entries.iter().map(|entry| &entry.name);
        let close = names.filter(|name| {
            name.contains(&wanted)
                || wanted.contains(name.as_str())
                || (word.len() > 2 && name.contains(word))
        });
        close.take(6).cloned().collect()
    }
}

impl Source {
    /// What kind of source this is, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bucket { .. } => "bucket",
            Self::Files(_) => "files",
            Self::Synthetic(_) => "generated",
            Self::Local(_) => "local",
        }
    }

    /// Where the data comes from: one address or path per line of a description.
    pub fn locations(&self) -> Vec<String> {
        match self {
            Self::Bucket { bucket, prefixes } => {
                let prefixes = prefixes.iter();
                prefixes
                    .map(|prefix| format!("gs://{bucket}/{prefix}"))
                    .collect()
            }
            Self::Files(files) => files.iter().map(|file| file.url.clone()).collect(),
            Self::Synthetic(_) => vec!["the generator of this program, seed 1".to_owned()],
            Self::Local(path) => vec![path.display().to_string()],
        }
    }
}

/// Whether a name can be a data set's: it becomes a directory.
fn is_valid_name(name: &str) -> bool {
    let usual =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    name.bytes().all(usual) && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}

/// Whether a relative path with `/` stays inside the directory it is joined to.
pub(crate) fn is_inside(path: &str) -> bool {
    let harmless = |part: &str| {
        !matches!(part, "" | "." | "..")
            && !part.contains(['\\', ':', '\0'])
            && !part.chars().any(char::is_control)
    };
    path.split('/').all(harmless)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_data_set_has_a_usable_name_of_its_own_and_a_generated_twin() {
        let catalogue = Catalogue::builtin();
        for (index, entry) in catalogue.entries().iter().enumerate() {
            assert!(is_valid_name(&entry.name), "{}", entry.name);
            assert!(
                !catalogue.entries()[..index]
                    .iter()
                    .any(|other| other.name == entry.name)
            );
            if !matches!(entry.source, Source::Synthetic(_)) {
                let twin = format!("fixtures-{}", entry.name);
                let twin = catalogue.get(&twin).unwrap();
                assert!(matches!(twin.source, Source::Synthetic(_)), "{}", twin.name);
            }
        }
        // Three tables, the three together, 19 partitions, candles and MNIST, each twice.
        assert_eq!(catalogue.entries().len(), 2 * (3 + 1 + 19 + 1 + 1));
    }

    #[test]
    fn an_unknown_name_brings_similar_ones() {
        let error = Catalogue::builtin().get("lido").unwrap_err().to_string();
        assert!(error.contains("`tvl-lido`"), "{error}");
        let error = Catalogue::builtin()
            .get("tvl_per_project_tokens")
            .unwrap_err()
            .to_string();
        assert!(error.contains("`tvl-per-project-tokens`"), "{error}");
        let error = Catalogue::builtin().get("zzz").unwrap_err().to_string();
        assert!(error.contains("zkassay data list"), "{error}");
    }

    #[test]
    fn paths_stay_inside() {
        assert!(is_inside("TVL/project=lido/part 0.parquet"));
        for path in [
            "",
            "/etc/passwd",
            "a/../b",
            "./a",
            "a//b",
            "a/",
            "C:\\x",
            "a\\b",
            "a\nb",
        ] {
            assert!(!is_inside(path), "{path}");
        }
    }
}
