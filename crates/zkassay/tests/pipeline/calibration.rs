//! What a calibration says of what it tried, and what `table` says of a model.

use serde_json::Value;
use zkassay::InputRows;

use crate::folder::{Folder, assert_says};

/// What a failed command prints as JSON.
fn failed(folder: &Folder, arguments: &[&str]) -> Value {
    let output = folder.run(&[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_failed_calibration_shows_what_it_tried() {
    let folder = Folder::new();
    folder.ok(&["gen-settings"]);
    let refused = ["calibrate-settings", "--max-error", "1e-12"];
    let record = failed(&folder, &refused);
    let trials = record["trials"].as_array().unwrap();
    assert_eq!(record["calibrated"], false);
    assert_eq!(record["tried"], trials.len());
    assert!(trials.iter().all(|trial| trial["rejected"].is_string()));
    let output = folder.run(&refused);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_says(
        &text,
        &[
            "tried",
            "0 met the target",
            "nearest",
            "refused",
            "not accurate enough",
        ],
    );
    assert!(text.lines().count() < 20, "{text}");

    let model = [
        "prove-model",
        "network.onnx",
        "input.json",
        "--unsafe-local-srs",
    ];
    let record = failed(&folder, &[&model[..], &["--max-error", "1e-12"]].concat());
    assert!(!record["trials"].as_array().unwrap().is_empty());

    // What the refusal says is enough.
    let errors = String::from_utf8(output.stderr).unwrap();
    let (_, rest) = errors.split_once("--max-error ").unwrap();
    let enough = rest.split_whitespace().next().unwrap();
    folder.ok(&["calibrate-settings", "--max-error", enough]);
}

#[test]
fn doubtful_calibrations_are_warned_of() {
    let folder = Folder::new();
    folder.ok(&["gen-settings"]);
    let record = folder.json(&["calibrate-settings"]);
    assert_eq!(record["warnings"].as_array().unwrap().len(), 0);
    // Rows that are all but the same: no error is small beside what they differ by.
    folder.write(
        "close.json",
        br#"{"input_data": [[1.0, 0.5, 0.25], [1.00001, 0.5, 0.25], [1.0, 0.50001, 0.25]]}"#,
    );
    let arguments = ["calibrate-settings", "-D", "close.json"];
    let record = folder.json(&arguments);
    let warnings = record["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].as_str().unwrap().contains("of that spread"));
    assert_says(&folder.ok(&arguments), &["warning", "output 0 lies from"]);
}

#[test]
fn sizes_of_dimensions_that_are_not_there_are_refused() {
    let folder = Folder::new();
    for command in ["gen-settings", "table"] {
        let error = folder.fails(1, &[command, "--variable", "nosuch=4"]);
        assert_says(&error, &["no input has a symbolic dimension `nosuch`"]);
    }
}

#[test]
fn tables_say_what_is_merged_and_how_large_values_get() {
    let folder = Folder::compiled();
    let before = folder.json(&["table"]);
    let apart = folder.json(&["table", "--no-fold"]);
    let after = folder.json(&["table", "-S", "settings.json"]);
    let steps = |table: &Value| table["steps"].as_array().unwrap().len();
    assert_eq!(steps(&before), steps(&after));
    assert_eq!(before["folded"], after["folded"]);
    assert!(steps(&before) <= steps(&apart));
    assert_eq!(apart["folded"].as_array().unwrap().len(), 0);
    assert!(before["steps"][0]["bits"].is_null());
    for step in after["steps"].as_array().unwrap() {
        assert!((1..=60).contains(&step["bits"].as_u64().unwrap()));
    }
    let text = folder.ok(&["table", "-S", "settings.json"]);
    assert_says(&text, &["bits", "before: ", "after: "]);
    let refused = folder.run(&["table", "-S", "settings.json", "--no-fold"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn large_numbers_are_short_in_messages() {
    let folder = Folder::compiled();
    let row = br#"{"input_data": [[1e30, 0.0, 0.0]]}"#;
    assert!(InputRows::from_json(row, 3).is_ok());
    folder.write("far.json", row);
    let error = folder.fails(1, &["gen-witness", "-D", "far.json"]);
    assert_says(&error, &["is 1e30, outside its calibrated range"]);
}
