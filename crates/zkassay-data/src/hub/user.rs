//! A user's own entries, from a TOML file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Entry, RemoteFile, Source, is_inside, is_valid_name};
use crate::FetchError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    datasets: BTreeMap<String, Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    summary: String,
    #[serde(default)]
    licence: String,
    files: Option<Vec<FileTable>>,
    bucket: Option<String>,
    prefix: Option<String>,
    path: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTable {
    url: String,
    path: Option<String>,
    bytes: Option<u64>,
    sha256: Option<String>,
}

/// The entries of a file, sorted by name.
pub(super) fn read(file: &Path) -> Result<Vec<Entry>, FetchError> {
    let unusable = |reason: String| FetchError::Catalogue {
        path: file.to_path_buf(),
        reason,
    };
    let text = std::fs::read_to_string(file).map_err(|error| unusable(error.to_string()))?;
    let parsed: File = toml::from_str(&text).map_err(|error| unusable(error.to_string()))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let entries = parsed.datasets.into_iter();
    entries
        .map(|(name, table)| {
            entry(&name, table, folder)
                .map_err(|reason| unusable(format!("datasets.{name}: {reason}")))
        })
        .collect()
}

fn entry(name: &str, table: Table, folder: &Path) -> Result<Entry, String> {
    if !is_valid_name(name) {
        return Err("a name has lower-case letters, digits, `-`, `_` and `.`, and starts with a letter or digit".to_owned());
    }
    let source = match (table.files, table.bucket, table.prefix, table.path) {
        (Some(files), None, None, None) => Source::Files(self::files(files)?),
        (None, Some(bucket), prefix, None) => Source::Bucket {
            bucket: valid_bucket(bucket)?,
            prefixes: vec![prefix.unwrap_or_default()],
        },
        (None, None, None, Some(path)) => Source::Local(folder.join(path)),
        _ => {
            return Err(
                "one source is needed: `files`, or `bucket` with `prefix`, or `path`".to_owned(),
            );
        }
    };
    Ok(Entry {
        name: name.to_owned(),
        summary: table.summary,
        licence: table.licence,
        source,
    })
}

fn files(tables: Vec<FileTable>) -> Result<Vec<RemoteFile>, String> {
    let mut files: Vec<RemoteFile> = Vec::with_capacity(tables.len());
    for FileTable {
        url,
        path,
        bytes,
        sha256,
    } in tables
    {
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(format!("`{url}` must start with https:// or http://"));
        }
        let last_part = || {
            let address = url.split(['?', '#']).next().unwrap_or_default();
            address.rsplit('/').next().unwrap_or_default().to_owned()
        };
        let path = path.unwrap_or_else(last_part);
        if !is_inside(&path) {
            return Err(format!(
                "`{path}` is no path inside the data set's directory; give one as `path`"
            ));
        }
        if files.iter().any(|other| other.path == path) {
            return Err(format!(
                "two files go to `{path}`; give them different `path`s"
            ));
        }
        let is_hash =
            |hash: &String| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if let Some(wrong) = sha256.as_ref().filter(|hash| !is_hash(hash)) {
            return Err(format!("sha256 `{wrong}` must be 64 hexadecimal digits"));
        }
        let sha256 = sha256.map(|hash| hash.to_ascii_lowercase());
        files.push(RemoteFile {
            url,
            path,
            bytes,
            sha256,
        });
    }
    match files.is_empty() {
        true => Err("`files` is empty".to_owned()),
        false => Ok(files),
    }
}

fn valid_bucket(bucket: String) -> Result<String, String> {
    let usual =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    match !bucket.is_empty() && bucket.bytes().all(usual) {
        true => Ok(bucket),
        false => Err(format!("`{bucket}` is no name of a bucket")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalogue;

    fn read_text(text: &str) -> Result<Vec<Entry>, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("datasets.toml");
        std::fs::write(&file, text).unwrap();
        let catalogue = Catalogue::builtin().with_file(&file).map_err(|error| {
            let message = error.to_string();
            assert!(message.contains("datasets.toml"), "{message}");
            message
        })?;
        let builtin = Catalogue::builtin().entries().len();
        Ok(catalogue.entries()[builtin..].to_vec())
    }

    #[test]
    fn three_kinds_of_entries() {
        let entries = read_text(
            r#"
            [datasets.a]
            files = [{ url = "https://example.org/x/loans.csv?v=2" }]
            [datasets.b]
            bucket = "some-bucket"
            prefix = "dir/"
            [datasets.c]
            summary = "on disk"
            path = "loans.parquet"
            "#,
        )
        .unwrap();
        let [a, b, c] = &entries[..] else {
            panic!("{entries:?}")
        };
        assert!(matches!(&a.source, Source::Files(files) if files[0].path == "loans.csv"));
        assert!(matches!(&b.source, Source::Bucket { prefixes, .. } if prefixes == &["dir/"]));
        assert!(matches!(&c.source, Source::Local(path) if path.is_absolute()));
        assert_eq!(c.summary, "on disk");
    }

    #[test]
    fn unusable_entries_are_named() {
        let url = "https://example.org/a";
        for (text, expected) in [
            ("[datasets.a]\n".to_owned(), "one source is needed"),
            ("[datasets.mnist]\npath = \"x\"".to_owned(), "built-in"),
            ("[datasets.\"../x\"]\npath = \"x\"".to_owned(), "a name has"),
            ("[datasets.a]\nfils = []".to_owned(), "unknown field `fils`"),
            (
                format!("[datasets.a]\nfiles = [{{ url = \"{url}\", sha256 = \"12\" }}]"),
                "64 hexadecimal",
            ),
            (
                format!("[datasets.a]\nfiles = [{{ url = \"{url}\" }}, {{ url = \"{url}\" }}]"),
                "two files",
            ),
            (
                format!("[datasets.a]\nfiles = [{{ url = \"{url}\", path = \"../b\" }}]"),
                "inside",
            ),
            (
                "[datasets.a]\nfiles = [{ url = \"ftp://x/y\" }]".to_owned(),
                "https://",
            ),
            ("[datasets.a]\nbucket = \"a/b\"".to_owned(), "bucket"),
            ("[datasets.a".to_owned(), "TOML"),
        ] {
            let error = read_text(&text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
