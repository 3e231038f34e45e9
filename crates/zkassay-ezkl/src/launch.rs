//! Starting the workers: their scripts, and what they are told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::{Configuration, Environment, EzklError, Worker};

/// The workers and what they import, as files of one folder.
const SCRIPTS: [(&str, &str); 4] = [
    ("ezkl_worker.py", include_str!("../python/ezkl_worker.py")),
    ("reference.py", include_str!("../python/reference.py")),
    ("tuning.py", include_str!("../python/tuning.py")),
    ("worker.py", include_str!("../python/worker.py")),
];
/// The folder for them, inside the worker's.
const SCRIPTS_FOLDER: &str = "python";

/// Starts EZKL's worker on a model.
///
/// `model` is an ONNX file, `rows` a JSON file `{"calibration": [[...]], "test": [[...]]}`. Keys,
/// proofs and the worker's scripts are written to `folder`, parameters to `srs`, as `kzgK.srs` for
/// `2^K` rows, where all models find them. What EZKL prints is appended to `log`. It gets three
/// quarters of the machine's memory, where the system tells how much that is (Linux).
///
/// # Errors
/// [`EzklError::Write`] if a folder or script cannot be written, [`EzklError::Worker`] if Python
/// does not start.
pub fn worker(
    environment: &Environment,
    configuration: Configuration,
    model: &Path,
    rows: &Path,
    folder: &Path,
    srs: &Path,
    log: &Path,
) -> Result<Worker, EzklError> {
    make(srs)?;
    let mut command = script(environment, folder, "ezkl_worker.py")?;
    command.args([model, rows, folder]);
    let memory = fs::read_to_string("/proc/meminfo").ok();
    let memory = memory.and_then(|text| memory_limit(&text));
    command.arg(options(configuration, srs, memory).to_string());
    Ok(Worker::start(command, log)?)
}

/// Starts onnxruntime as a worker: its stages `calibration` and `test` give a model's `outputs` for a
/// row. Its scripts are written to `folder`; see [`worker()`] for the rest.
///
/// # Errors
/// Those of [`worker()`].
pub fn reference(
    environment: &Environment,
    model: &Path,
    rows: &Path,
    folder: &Path,
    log: &Path,
) -> Result<Worker, EzklError> {
    let mut command = script(environment, folder, "reference.py")?;
    command.args([model, rows]);
    Ok(Worker::start(command, log)?)
}

/// The command that runs the script `name`, after all of them were written below `folder`.
fn script(environment: &Environment, folder: &Path, name: &str) -> Result<Command, EzklError> {
    let scripts = folder.join(SCRIPTS_FOLDER);
    make(&scripts)?;
    for (name, script) in SCRIPTS {
        let path = scripts.join(name);
        let written = fs::write(&path, script);
        written.map_err(|source| EzklError::Write { path, source })?;
    }
    let mut command = Command::new(environment.python());
    // Without files of compiled scripts, and without packages of whoever runs this.
    command.args(["-B", "-s"]).arg(scripts.join(name));
    command.env_remove("PYTHONPATH").env_remove("PYTHONHOME");
    if let Some(threads) = environment.threads() {
        command.env("RAYON_NUM_THREADS", threads.to_string());
    }
    Ok(command)
}

/// What EZKL's worker is told, as JSON.
fn options(configuration: Configuration, srs: &Path, memory: Option<u64>) -> Value {
    let params = match configuration {
        Configuration::Fixed | Configuration::Tuned => "fixed",
        Configuration::Private => "private",
    };
    let mut options = json!({"params": params, "srs": srs, "memory": memory});
    let (name, value) = match configuration {
        Configuration::Fixed | Configuration::Private => ("calibration", json!("resources")),
        Configuration::Tuned => ("tune", json!({})),
    };
    options[name] = value;
    options
}

/// Three quarters of the memory that `/proc/meminfo` tells of, in bytes.
fn memory_limit(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(768)
}

fn make(folder: &Path) -> Result<(), EzklError> {
    fs::create_dir_all(folder).map_err(|source| EzklError::Write {
        path: PathBuf::from(folder),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_scripts_are_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".py"))
            .collect();
        files.sort();
        let names: Vec<_> = SCRIPTS.iter().map(|(name, _)| *name).collect();
        assert_eq!(files, names);
    }

    #[test]
    fn only_private_parameters_are_unbound() {
        let told = |configuration| options(configuration, Path::new("srs"), Some(7));
        let private = told(Configuration::Private);
        assert_eq!(
            private,
            json!({"params": "private", "srs": "srs", "memory": 7, "calibration": "resources"})
        );
        assert_eq!(told(Configuration::Fixed)["params"], "fixed");
        let tuned = told(Configuration::Tuned);
        assert_eq!(tuned["params"], "fixed");
        assert!(tuned.get("tune").is_some() && tuned.get("calibration").is_none());
    }

    #[test]
    fn memory_is_a_share_of_the_machine() {
        let text = "MemTotal:       1000 kB\nMemFree:  10 kB\n";
        assert_eq!(memory_limit(text), Some(768_000));
        assert_eq!(memory_limit("MemTotal: many"), None);
        assert_eq!(memory_limit(""), None);
    }
}
