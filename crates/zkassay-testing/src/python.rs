//! Python's libraries as oracles: the ONNX checker, onnxruntime, scikit-learn.
//!
//! Tests ask for an [`Oracle`], and end early if there is none: the environment is made by
//! `cargo xtask python`, and what runs in it is `fixtures/oracle/run.py`.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::{env, fs};

use ndarray::{Array2, ArrayView2};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The project's Python environment.
#[derive(Clone, Debug)]
pub struct Oracle {
    interpreter: PathBuf,
    script: PathBuf,
}

/// What onnxruntime makes of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The output `output`, `[rows, n]`; further axes of a row are made one.
    pub scores: Array2<f32>,
    /// The output `label`, if the model has it.
    pub labels: Option<Vec<i64>>,
}

/// What a model that scikit-learn trained makes of test rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The class of each row.
    pub classes: Vec<u8>,
    /// `decision_function`, `[rows, n]`, where the estimator has it.
    pub decisions: Option<Array2<f64>>,
    /// `predict_proba`, `[rows, classes]`, where the estimator has it.
    pub probabilities: Option<Array2<f64>>,
}

impl Oracle {
    /// The environment in cargo's target folder, if it is there and up to date.
    ///
    /// Otherwise it says on standard error that the test is skipped.
    pub fn find() -> Option<Self> {
        let found = Self::of(&env::current_exe().ok()?);
        if found.is_none() {
            eprintln!(
                "skipped: no Python environment, or an old one; make it with `cargo xtask python`"
            );
        }
        found
    }

    /// The environment of the target folder that `program` is in.
    fn of(program: &Path) -> Option<Self> {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/oracle");
        let wanted = fs::read_to_string(fixtures.join("requirements.txt")).ok()?;
        let mut environments = program
            .ancestors()
            .map(|folder| folder.join("python/oracle"));
        let environment = environments.find(|environment| environment.is_dir())?;
        let installed = fs::read_to_string(environment.join("installed.txt")).ok()?;
        (installed == wanted).then(|| Self {
            interpreter: environment.join("bin/python"),
            script: fixtures.join("run.py"),
        })
    }

    /// Checks the bytes of an `.onnx` file with the ONNX checker, shape inference included, and
    /// runs it in onnxruntime on the rows `[rows, inputs]`, bit for bit as they are here.
    ///
    /// # Errors
    /// If the model is not sound, its outputs are not of the declared shapes, or there are others
    /// than `output` and `label`; with Python's reason.
    pub fn onnxruntime(&self, model: &[u8], rows: ArrayView2<'_, f32>) -> io::Result<Outputs> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Answer {
            output: Matrix,
            label: Option<Vec<i64>>,
        }
        let request = json!({"onnx": {"model": hex(model), "rows": matrix(rows)}});
        let answer: Answer = self.ask(&request)?;
        Ok(Outputs {
            scores: answer.output.decode()?,
            labels: answer.label,
        })
    }

    /// Trains scikit-learn's `estimator` with `parameters`, an object of keyword arguments, on the rows `train` and their `labels`, and applies it to the rows `test`.
    ///
    /// # Errors
    /// If `run.py` does not know the estimator, or training fails; with Python's reason.
    pub fn scikit_learn(
        &self,
        estimator: &str,
        parameters: &Value,
        (train, labels): (ArrayView2<'_, f32>, &[u8]),
        test: ArrayView2<'_, f32>,
    ) -> io::Result<Fitted> {
        #[derive(Deserialize)]
        struct Answer {
            classes: Vec<u8>,
            decisions: Option<Vec<Vec<f64>>>,
            probabilities: Option<Vec<Vec<f64>>>,
        }
        let request = json!({"sklearn": {
            "estimator": estimator,
            "parameters": parameters,
            "train": matrix(train),
            "labels": labels,
            "test": matrix(test),
        }});
        let answer: Answer = self.ask(&request)?;
        let stacked = |rows: Vec<Vec<f64>>| {
            let shape = (rows.len(), rows.first().map_or(0, Vec::len));
            Array2::from_shape_vec(shape, rows.concat()).map_err(io::Error::other)
        };
        Ok(Fitted {
            classes: answer.classes,
            decisions: answer.decisions.map(stacked).transpose()?,
            probabilities: answer.probabilities.map(stacked).transpose()?,
        })
    }

    fn ask<T: DeserializeOwned>(&self, request: &Value) -> io::Result<T> {
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut worker = match idle.take() {
            Some(worker) => worker,
            None => self.start()?,
        };
        let answer = worker.ask(request)?;
        *idle = Some(worker);
        let answer: Result<T, String> = serde_json::from_str(&answer)?;
        answer.map_err(io::Error::other)
    }

    fn start(&self) -> io::Result<Worker> {
        let mut child = Command::new(&self.interpreter)
            // Without files of compiled scripts in the source tree.
            .arg("-B")
            .arg(&self.script)
            .envs([("OMP_NUM_THREADS", "1"), ("OPENBLAS_NUM_THREADS", "1")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let pipe = || io::Error::other("Python has no standard input or output");
        Ok(Worker {
            requests: child.stdin.take().ok_or_else(pipe)?,
            answers: child.stdout.take().map(BufReader::new).ok_or_else(pipe)?,
            child,
        })
    }
}

/// The process of this program's tests, between two requests: most of the time is spent on loading
/// the libraries. It ends with the program, when its standard input does.
static IDLE: Mutex<Option<Worker>> = Mutex::new(None);

struct Worker {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// The answer to one request, a line of JSON.
    fn ask(&mut self, request: &Value) -> io::Result<String> {
        let sent = writeln!(self.requests, "{request}");
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        if answer.is_empty() {
            let status = self.child.wait()?;
            return Err(io::Error::other(format!("Python has ended ({status})")));
        }
        sent.map(|()| answer)
    }
}

/// A matrix of float32 whose bits are in little-endian hexadecimal.
#[derive(Deserialize)]
struct Matrix {
    shape: (usize, usize),
    hex: String,
}

impl Matrix {
    fn decode(&self) -> io::Result<Array2<f32>> {
        let value = |digits: &[u8]| {
            let digits = std::str::from_utf8(digits).map_err(io::Error::other)?;
            let bits = u32::from_str_radix(digits, 16).map_err(io::Error::other)?;
            Ok(f32::from_bits(bits.swap_bytes()))
        };
        let digits = self.hex.as_bytes().chunks(8);
        let values = digits.map(value).collect::<io::Result<_>>()?;
        Array2::from_shape_vec(self.shape, values).map_err(io::Error::other)
    }
}

fn matrix(rows: ArrayView2<'_, f32>) -> Value {
    let bytes: Vec<u8> = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
    json!({"shape": rows.dim(), "hex": hex(&bytes)})
}

fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn matrices_keep_every_bit() {
        let rows = array![
            [1.0, -0.0, f32::MIN_POSITIVE],
            [f32::NAN, 0.1, f32::INFINITY]
        ];
        let sent = matrix(rows.view());
        assert_eq!(sent["hex"].as_str().map(|hex| &hex[..8]), Some("0000803f"));
        let received: Matrix = serde_json::from_value(sent).unwrap();
        let received = received.decode().unwrap();
        assert_eq!(received.mapv(f32::to_bits), rows.mapv(f32::to_bits));
    }

    #[test]
    fn a_folder_without_the_environment_has_no_oracle() {
        assert!(Oracle::of(Path::new("/zkassay-no-such-folder/release/deps/test")).is_none());
    }
}
