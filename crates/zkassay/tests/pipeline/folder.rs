//! A folder with a small model, and the binary run in it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use ndarray::{Array1, Array2};
use serde_json::Value;
use tempfile::TempDir;
use zkassay_onnx::ModelBuilder;
use zkassay_seed::Stream;

/// A working folder that is also the home, so that no cache and no settings are found.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// A folder with `network.onnx` (3 inputs, 4 hidden values, a sigmoid) and rows to
    /// calibrate and prove.
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("network.onnx", &onnx(1));
        folder.ok(&[
            "gen-random-data",
            "--rows",
            "50",
            "--data",
            "calibration.json",
        ]);
        folder.ok(&["gen-random-data", "--seed", "1"]);
        folder
    }

    /// As [`new`](Self::new), with settings and circuit.
    pub(crate) fn compiled() -> Self {
        let folder = Self::new();
        folder.ok(&["gen-settings"]);
        folder.ok(&["calibrate-settings"]);
        folder.ok(&["compile-circuit"]);
        folder
    }

    /// As [`new`](Self::new), with every artefact.
    pub(crate) fn proved() -> Self {
        let folder = Self::compiled();
        folder.ok(&["setup", "--unsafe-local-srs"]);
        folder.ok(&["gen-witness"]);
        folder.ok(&["prove"]);
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zkassay"));
        command.args(arguments).current_dir(self.0.path());
        command.env_clear().env("HOME", self.0.path());
        command.output().unwrap()
    }

    /// What a successful command prints.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {errors}");
        assert_eq!(errors, "", "{arguments:?}: progress is for terminals");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The object that a successful command prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ok(&[arguments, &["--json"]].concat());
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(value.is_object(), "{arguments:?}: {text}");
        value
    }

    /// What a command says that fails with the given exit code.
    pub(crate) fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        // These say which stages went well before, and what was tried.
        let speaks = ["prove-model", "calibrate-settings"].contains(&arguments[0]);
        let is_quiet = output.stdout.is_empty() || speaks;
        assert!(is_quiet, "{arguments:?}: errors go to stderr");
        assert!(errors.starts_with("error: "), "{arguments:?}: {errors}");
        errors
    }
}

/// 3 inputs, 4 hidden values, a sigmoid; weights by seed.
pub(crate) fn onnx(seed: u64) -> Vec<u8> {
    let mut stream = Stream::new(seed, "zkassay/pipeline-test");
    let mut draw = || stream.normal() as f32;
    let mut layer = |outputs: usize, inputs: usize| {
        (
            Array2::from_shape_simple_fn((outputs, inputs), &mut draw),
            Array1::from_shape_simple_fn(outputs, &mut draw),
        )
    };
    let [(w0, b0), (w1, b1)] = [layer(4, 3), layer(1, 4)];
    ModelBuilder::new("small", 3)
        .and_then(|model| model.dense("hidden", w0.view(), b0.view()))
        .and_then(|model| model.relu("relu"))
        .and_then(|model| model.dense("out", w1.view(), b1.view()))
        .and_then(|model| model.sigmoid("probability"))
        .and_then(ModelBuilder::encode)
        .unwrap()
}

/// Asserts that a text holds all parts.
pub(crate) fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "'{part}' is not in: {text}");
    }
}
