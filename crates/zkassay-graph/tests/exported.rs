//! What exporters write, from `fixtures/operators`: imported, evaluated on the rows beside each
//! file, compared with what onnxruntime made of them. What is refused is listed, with the words
//! that its message must hold: `cargo xtask operators` prints the whole messages.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may panic"
)]

#[path = "exported/json.rs"]
mod json;

use std::fmt::Write as _;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use json::Json;
use ndarray::ArrayView1;
use zkassay_graph::{Graph, ImportOptions};

/// Greatest difference from onnxruntime's float32, in parts of the greater of 1 and its result.
const TOLERANCE: f64 = 1e-5;

/// Files where onnxruntime itself is no more exact than this, and why.
const INEXACT: &[(&str, f64)] = &[
    // As libsvm does, it stops an iteration that converges to the probabilities of two classes
    // when its residual is below 0.0025; the probabilities that it converges to are known.
    ("sklearn/svc-poly-probability", 5e-3),
    ("sklearn/svc-rbf-probability", 5e-3),
    ("sklearn/svc-rbf-probability-3", 5e-3),
    // It adds large numbers of both signs in float32.
    ("sklearn/gaussian-process", 1e-4),
];

/// Files that are refused, and words of the message: the operator, and what is wrong with it.
const REFUSED: &[(&str, &[&str])] = &[
    (
        "onnx/clip-attributes",
        &["operator set 6", "onnx.version_converter"],
    ),
    ("onnx/random", &["(RandomNormalLike)", "not supported"]),
    (
        "onnx/relu-opset6",
        &["operator set 6", "onnx.version_converter"],
    ),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/operators")
}

/// The models, as `exporter/name`.
fn models() -> Vec<String> {
    let mut found = Vec::new();
    for exporter in fs::read_dir(folder()).unwrap().map(Result::unwrap) {
        if !exporter.path().is_dir() {
            continue;
        }
        for file in fs::read_dir(exporter.path()).unwrap().map(Result::unwrap) {
            let path = file.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "onnx")
            {
                let stem = path.file_stem().unwrap().to_str().unwrap();
                found.push(format!("{}/{stem}", exporter.file_name().to_str().unwrap()));
            }
        }
    }
    found.sort();
    assert!(found.len() > 400, "only {} models", found.len());
    found
}

/// A fixture's rows and the results of onnxruntime.
struct Fixture {
    bytes: Vec<u8>,
    record: Json,
    /// Greatest difference.
    tolerance: f64,
}

impl Fixture {
    fn read(name: &str) -> Self {
        let path = folder().join(name);
        let inexact = INEXACT.iter().find(|(inexact, _)| *inexact == name);
        Self {
            tolerance: inexact.map_or(TOLERANCE, |(_, tolerance)| *tolerance),
            bytes: fs::read(path.with_extension("onnx")).unwrap(),
            record: Json::parse(&fs::read_to_string(path.with_extension("json")).unwrap()),
        }
    }

    fn import(&self, output: &str) -> Result<Graph, String> {
        let Some(Json::Object(variables)) = self.record.get("variables") else {
            panic!("no variables");
        };
        let size = |value: &Json| match value {
            Json::Number(size) => *size as usize,
            other => panic!("{other:?} is no size"),
        };
        let options = ImportOptions {
            variables: variables
                .iter()
                .map(|(k, v)| (k.clone(), size(v)))
                .collect(),
            output: Some(output.to_owned()),
        };
        let imported = catch_unwind(AssertUnwindSafe(|| {
            Graph::from_onnx_with(&self.bytes, &options)
        }));
        match imported {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(_) => panic!("the import panics"),
        }
    }

    fn table(&self, key: &str) -> Vec<&Json> {
        self.record
            .get(key)
            .map_or(&[][..], Json::list)
            .iter()
            .collect()
    }

    /// What is wrong with the output `output`, whose results are `key`.
    fn compare(&self, output: &str, key: &str, exact: bool) -> Result<(), String> {
        let expected = self.table(key);
        let graph = self.import(output)?;
        for (index, (row, expected)) in self.table("rows").into_iter().zip(expected).enumerate() {
            let row = numbers(&graph, row)?;
            let found = graph
                .evaluate(ArrayView1::from(&row))
                .map_err(|e| e.to_string())?;
            let expected = positions(&graph, expected)?;
            if found.len() != expected.len() {
                return Err(format!(
                    "{} elements, expected {}",
                    found.len(),
                    expected.len()
                ));
            }
            for (element, (&found, &expected)) in found.iter().zip(&expected).enumerate() {
                let allowed = if exact {
                    0.0
                } else {
                    self.tolerance * expected.abs().max(1.0)
                };
                let difference = (f64::from(found) - expected).abs();
                if difference.is_nan() || difference > allowed {
                    let place = format!("`{output}` of row {index}, element {element}");
                    return Err(format!("{place} is {found}, expected {expected}"));
                }
            }
        }
        Ok(())
    }

    /// Everything that the fixture says.
    fn check(&self) -> Result<(), String> {
        let output = self.record.get("output").unwrap().text();
        let float = self
            .record
            .get("type")
            .is_none_or(|kind| matches!(kind.text(), "float32" | "map"));
        self.compare(output, "expected", !float)?;
        match self.record.get("labels_output") {
            Some(name) => self.compare(name.text(), "labels", true),
            None => Ok(()),
        }
    }
}

/// A row with the numbers that its texts stand for.
fn numbers(graph: &Graph, row: &Json) -> Result<Vec<f32>, String> {
    let number = |(place, value): (usize, &Json)| match value {
        Json::Text(word) => graph.interface.code(place, word),
        Json::Number(number) => Ok(*number as f32),
        other => panic!("{other:?} is no number or text"),
    };
    row.list().iter().enumerate().map(number).collect()
}

/// Results with the positions of texts among the labels that the model names.
fn positions(graph: &Graph, results: &Json) -> Result<Vec<f64>, String> {
    let labels = &graph.interface.labels;
    let number = |value: &Json| match value {
        Json::Text(word) => {
            let position = labels.iter().position(|label| label == word);
            let position = position.ok_or_else(|| format!("{word:?} is none of {labels:?}"))?;
            Ok(position as f64)
        }
        Json::Number(number) => Ok(*number),
        other => panic!("{other:?} is no number or text"),
    };
    results.list().iter().map(number).collect()
}

/// The words that a file's refusal must hold, if it is one that is refused.
fn words_of_refusal(name: &str) -> Option<&'static [&'static str]> {
    let found = REFUSED.iter().find(|(refused, _)| *refused == name);
    found.map(|(_, words)| *words)
}

#[test]
fn exported_models_give_what_onnxruntime_gives() {
    let models = models();
    let mut failures = String::new();
    let mut failed = 0;
    for name in &models {
        let fixture = Fixture::read(name);
        let checked = catch_unwind(AssertUnwindSafe(|| match words_of_refusal(name) {
            None => fixture.check(),
            Some(words) => {
                let output = fixture.record.get("output").unwrap().text();
                match fixture.import(output) {
                    Ok(_) => Err("is no longer refused: take it off the list".to_owned()),
                    Err(message) => match words.iter().find(|word| !message.contains(*word)) {
                        Some(word) => Err(format!("no {word:?} in: {message}")),
                        None => Ok(()),
                    },
                }
            }
        }));
        let checked = checked.unwrap_or_else(|_| Err("PANIC".to_owned()));
        if let Err(reason) = checked {
            failed += 1;
            writeln!(failures, "{name:45} {reason}").unwrap();
        }
    }
    assert!(
        failures.is_empty(),
        "{failed} of {} models:\n{failures}",
        models.len()
    );
}

#[test]
fn every_exception_is_of_a_file_that_is_there() {
    let models = models();
    let inexact = INEXACT.iter().map(|(name, _)| name);
    for name in inexact.chain(REFUSED.iter().map(|(name, _)| name)) {
        assert!(models.iter().any(|model| model == name), "{name}");
    }
    assert!(REFUSED.iter().all(|(_, words)| !words.is_empty()));
}
