//! A run's folder: every file complete or not there at all.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{ReportError, RunRecord, csv, html, markdown, plots};

/// Writes everything a run has to say into the folder `dir`, which is created
/// if need be: `record.json`, `models.csv`, `samples.csv`, `plots/*.svg`,
/// `plots/*.png`, `report.md` and `report.html`. Files of the same name are replaced.
///
/// Each file is written beside its destination and then renamed, so a reader
/// never sees half of one. `record.json` comes first: all else can be made
/// from it. Returns the paths in the order they were written.
///
/// # Errors
/// [`ReportError::CreateFolder`] or [`ReportError::WriteFile`] naming the path,
/// [`ReportError::Png`] if a plot cannot be drawn.
pub fn write(dir: &Path, record: &RunRecord) -> Result<Vec<PathBuf>, ReportError> {
    create(dir)?;
    let mut written = Vec::new();
    put(
        dir,
        "record.json",
        record.to_json()?.as_bytes(),
        &mut written,
    )?;
    written.extend(write_report(dir, record)?);
    Ok(written)
}

/// Writes what can be made from the record: all that [`write()`] writes but `record.json`.
///
/// # Errors
/// As [`write()`].
pub fn write_report(dir: &Path, record: &RunRecord) -> Result<Vec<PathBuf>, ReportError> {
    create(dir)?;
    let mut written = Vec::new();
    let mut put = |name: &str, contents: &[u8]| put(dir, name, contents, &mut written);
    put("models.csv", csv::models(record).as_bytes())?;
    put("samples.csv", csv::samples(record).as_bytes())?;
    for plot in plots::all(record) {
        put(&plot.path("svg"), plot.svg().as_bytes())?;
        put(&plot.path("png"), &plot.png()?)?;
    }
    put("report.md", markdown::report(record).as_bytes())?;
    put("report.html", html::page(record).as_bytes())?;
    Ok(written)
}

/// Makes the folder, and that of the plots in it.
fn create(dir: &Path) -> Result<(), ReportError> {
    let folder = dir.join(plots::FOLDER);
    fs::create_dir_all(&folder).map_err(|source| ReportError::CreateFolder {
        path: folder,
        source,
    })
}

/// Writes one file and notes its path.
fn put(
    dir: &Path,
    name: &str,
    contents: &[u8],
    written: &mut Vec<PathBuf>,
) -> Result<(), ReportError> {
    let path = dir.join(name);
    zkassay_file::write(&path, contents).map_err(|source| ReportError::WriteFile {
        path: path.clone(),
        source,
    })?;
    written.push(path);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_record;

    fn files_below(dir: &Path) -> Vec<String> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                let below = files_below(&path);
                names.extend(below.into_iter().map(|file| format!("{name}/{file}")));
            } else {
                names.push(name);
            }
        }
        names.sort();
        names
    }

    #[test]
    fn a_run_folder_holds_these_files_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("runs/first");
        let record = run_record();
        let written = write(&run, &record).unwrap();
        let expected = [
            "models.csv",
            "plots/accuracy.png",
            "plots/accuracy.svg",
            "plots/cost.png",
            "plots/cost.svg",
            "plots/frontier.png",
            "plots/frontier.svg",
            "record.json",
            "report.html",
            "report.md",
            "samples.csv",
        ];
        assert_eq!(files_below(&run), expected);
        let mut names: Vec<&str> = written
            .iter()
            .map(|path| path.strip_prefix(&run).unwrap().to_str().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, expected);
        let json = fs::read_to_string(run.join("record.json")).unwrap();
        assert_eq!(RunRecord::from_json(&json).unwrap(), record);
    }

    #[test]
    fn a_second_write_replaces_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let mut record = run_record();
        write(dir.path(), &record).unwrap();
        let before = files_below(dir.path());
        record.models.truncate(1);
        write(dir.path(), &record).unwrap();
        assert_eq!(files_below(dir.path()), before);
        let csv = fs::read_to_string(dir.path().join("models.csv")).unwrap();
        assert_eq!(csv.lines().count(), 1 + 3, "a model with two peers");
    }

    #[test]
    fn a_failed_write_names_the_file_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        // A folder where the file should go: the rename fails.
        fs::create_dir(dir.path().join("record.json")).unwrap();
        let error = write(dir.path(), &run_record()).unwrap_err();
        assert!(matches!(
            &error,
            ReportError::WriteFile { path, .. } if path.ends_with("record.json")
        ));
        assert_eq!(files_below(dir.path()), [""; 0]);
    }
}
