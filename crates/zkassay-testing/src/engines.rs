//! One model in several engines.

use ndarray::ArrayView2;
use zkassay_graph::reference::Reference;

use crate::python::Oracle;

/// Checks that an `.onnx` file gives the scores `expected`, `[rows, outputs]`, for the rows
/// `[rows, inputs]`: in tract, and if the Python environment is there, in onnxruntime, which has to
/// find it sound, too. Returns onnxruntime's labels, if it gives any.
///
/// Scores may differ by `tolerance`, or by this times the score where that is above 1; with 0 they
/// must be equal.
///
/// # Panics
/// With `name` and the first score that differs, or the reason why an engine refuses the model.
pub fn assert_agree(
    name: &str,
    model: &[u8],
    rows: ArrayView2<'_, f32>,
    expected: ArrayView2<'_, f32>,
    tolerance: f32,
) -> Option<Vec<i64>> {
    let compare = |engine: &str, found: ArrayView2<'_, f32>| {
        assert_eq!(found.dim(), expected.dim(), "{name}: shape in {engine}");
        for ((place, &found), &expected) in found.indexed_iter().zip(expected) {
            assert!(
                (found - expected).abs() <= tolerance * expected.abs().max(1.0),
                "{name}: score {place:?} is {found} in {engine}, expected {expected}"
            );
        }
    };
    let tract = Reference::unrestricted(model, "output").and_then(|model| model.run(rows));
    compare("tract", accepted(name, "tract", tract).view());
    let outputs = Oracle::find()?.onnxruntime(model, rows);
    let outputs = accepted(name, "onnxruntime", outputs);
    compare("onnxruntime", outputs.scores.view());
    outputs.labels
}

#[expect(clippy::panic, reason = "it is called by tests")]
fn accepted<T, E: std::fmt::Display>(name: &str, engine: &str, outcome: Result<T, E>) -> T {
    outcome.unwrap_or_else(|error| panic!("{name}: {engine}: {error}"))
}
