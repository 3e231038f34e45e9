//! Reading the records of runs back.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use crate::{ReportError, RunRecord};

/// A run's record, in its folder.
const RECORD: &str = "record.json";
/// What a run has measured so far, in its folder from the start.
const JOURNAL: &str = "journal.jsonl";
/// Largest record in bytes; the study's 42 models with 50 proofs each take about one megabyte.
const MAX_BYTES: u64 = 64 << 20;
/// Most models of a record, for what is made of it takes time by their square.
const MAX_MODELS: usize = 5_000;

/// Reads the record of the run at `path`: the run's folder, or the file itself.
///
/// # Errors
/// [`ReportError::Unfinished`] if the run is not yet done, [`ReportError::NoRecord`] if there is no
/// other, [`ReportError::ReadFile`] if it cannot be read,
/// [`ReportError::TooLarge`] beyond 64 MiB or 5000 models, and [`ReportError::Record`] naming the
/// file if it holds something else, or a record of another version.
pub fn read(path: &Path) -> Result<RunRecord, ReportError> {
    let path = match path.is_dir() {
        true => path.join(RECORD),
        false => path.to_owned(),
    };
    let failed = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => match unfinished(&path) {
            Some(unfinished) => unfinished,
            None => ReportError::NoRecord { path: path.clone() },
        },
        _ => ReportError::ReadFile {
            path: path.clone(),
            source,
        },
    };
    let file = File::open(&path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let too_large = |limit, what| ReportError::TooLarge {
        path: path.clone(),
        limit,
        what,
    };
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_large(MAX_BYTES, "bytes"));
    }
    let json = String::from_utf8_lossy(&bytes);
    let record = RunRecord::from_json(&json).map_err(|source| ReportError::Record {
        path: path.clone(),
        source: Box::new(source),
    })?;
    let entries = record
        .models
        .iter()
        .map(|model| 1 + model.peers.len())
        .sum::<usize>();
    if entries.max(record.failures.len()) > MAX_MODELS {
        return Err(too_large(
            MAX_MODELS as u64,
            "models, proofs of peers, or failures",
        ));
    }
    Ok(record)
}

/// The run whose record would be at `path`, if it was started: its journal is there.
fn unfinished(path: &Path) -> Option<ReportError> {
    let folder = path.parent()?;
    let is_record = path.file_name()? == RECORD;
    (is_record && folder.join(JOURNAL).is_file()).then(|| ReportError::Unfinished {
        // A name without its folder stands for the working directory.
        run: match folder == Path::new("") {
            true => ".".to_owned(),
            false => folder.display().to_string(),
        },
    })
}

/// The newest run of the folder `runs`: runs are named by when they started, so it is the last
/// name that starts with a digit and holds a record.
///
/// # Errors
/// [`ReportError::NoRuns`] if there is none, [`ReportError::Unfinished`] if one was started.
pub fn newest(runs: &Path) -> Result<PathBuf, ReportError> {
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    let named = entries.filter(|entry| {
        let name = entry.file_name();
        name.to_string_lossy()
            .starts_with(|c: char| c.is_ascii_digit())
    });
    let paths: Vec<PathBuf> = named.map(|entry| entry.path()).collect();
    let with_record = paths.iter().filter(|path| path.join(RECORD).is_file());
    if let Some(newest) = with_record.max() {
        return Ok(newest.clone());
    }
    let started = paths.iter().max().map(|path| path.join(RECORD));
    let unfinished = started.and_then(|path| unfinished(&path));
    Err(unfinished.unwrap_or_else(|| ReportError::NoRuns {
        path: runs.to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_record;

    #[test]
    fn a_run_is_its_folder_or_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let record = run_record();
        let file = dir.path().join(RECORD);
        fs::write(&file, record.to_json().unwrap()).unwrap();
        assert_eq!(read(dir.path()).unwrap(), record);
        assert_eq!(read(&file).unwrap(), record);
    }

    #[test]
    fn what_is_no_record_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = read(dir.path()).unwrap_err();
        assert!(matches!(&error, ReportError::NoRecord { path } if path.ends_with(RECORD)));
        fs::write(dir.path().join(RECORD), [0xff, b'{']).unwrap();
        let error = read(dir.path()).unwrap_err();
        assert!(error.to_string().ends_with(RECORD), "{error}");
        fs::write(dir.path().join(RECORD), r#"{"version": 2}"#).unwrap();
        let ReportError::Record { source, .. } = read(dir.path()).unwrap_err() else {
            unreachable!("another error");
        };
        assert!(matches!(*source, ReportError::Version { found: 2, .. }));
    }

    #[test]
    fn a_run_that_is_not_finished_is_resumed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(JOURNAL), "{}").unwrap();
        for path in [dir.path().to_owned(), dir.path().join(RECORD)] {
            let error = read(&path).unwrap_err().to_string();
            let run = dir.path().display();
            let expected =
                format!("the run {run} is not finished: `cargo xtask experiment --resume {run}`");
            assert_eq!(error, expected);
        }
        let other = read(&dir.path().join("other.json")).unwrap_err();
        assert!(matches!(other, ReportError::NoRecord { .. }));
    }

    #[test]
    fn a_record_of_too_many_models_or_bytes_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(RECORD);
        let mut record = run_record();
        let model = record.models.pop().unwrap();
        record.models = vec![model; MAX_MODELS + 1];
        fs::write(&file, record.to_json().unwrap()).unwrap();
        let error = read(&file).unwrap_err();
        assert!(
            matches!(error, ReportError::TooLarge { limit: 5000, .. }),
            "{error}"
        );
        let empty = File::create(&file).unwrap();
        empty.set_len(MAX_BYTES + 1).unwrap();
        let error = read(&file).unwrap_err();
        assert!(matches!(error, ReportError::TooLarge { what: "bytes", .. }));
    }

    #[test]
    fn the_newest_run_is_the_last_that_has_a_record() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            newest(dir.path()),
            Err(ReportError::NoRuns { .. })
        ));
        let started = dir.path().join("2022-05-31-000000");
        fs::create_dir(&started).unwrap();
        fs::write(started.join(JOURNAL), "{}").unwrap();
        let error = newest(dir.path()).unwrap_err();
        assert!(matches!(error, ReportError::Unfinished { .. }), "{error}");
        for (name, has_record) in [
            ("2022-06-01-000000", true),
            ("2022-06-02-000000", true),
            ("2022-06-03-000000", false),
            ("training", true),
        ] {
            fs::create_dir(dir.path().join(name)).unwrap();
            if has_record {
                fs::write(dir.path().join(name).join(RECORD), "{}").unwrap();
            }
        }
        assert_eq!(
            newest(dir.path()).unwrap(),
            dir.path().join("2022-06-02-000000")
        );
    }
}
