//! Inputs that cannot be proved, and rows that cannot be calibrated on.

use crate::folder::{Folder, assert_says};

#[test]
fn an_input_outside_the_calibrated_range_is_refused_at_once() {
    let folder = Folder::compiled();
    folder.write("input.json", br#"{"input_data": [[0.5, -123.5, 0.25]]}"#);
    let error = folder.fails(1, &["gen-witness"]);
    assert_says(
        &error,
        &[
            "input.json",
            "value 1 of input 'input' is -123.5",
            "outside its calibrated range [",
            "margin",
        ],
    );
    let arguments = [
        "prove-model",
        "network.onnx",
        "input.json",
        "--unsafe-local-srs",
    ];
    let error = folder.fails(
        1,
        &[&arguments[..], &["--calibration", "calibration.json"]].concat(),
    );
    assert_says(&error, &["value 1 of input 'input' is -123.5"]);
    // What the message advises.
    folder.ok(&["calibrate-settings", "--margin", "100"]);
    folder.ok(&["compile-circuit"]);
    folder.ok(&["gen-witness"]);
}

#[test]
fn unusable_input_files_say_what_and_where() {
    let folder = Folder::compiled();
    let cases: [(&str, &[&str]); 7] = [
        (
            r#"{"input_data": [[1, 2, 3], [1, 2, 3]]}"#,
            &["2 rows", "a proof is about one"],
        ),
        (
            r#"{"input_data": [[1, 2]]}"#,
            &["row 0", "2 values", "takes 3"],
        ),
        (
            r#"{"input_data": [[1, 2, "3"]]}"#,
            &["value 2 of row 0", "line 1"],
        ),
        (r#"{"input_data": [[1, NaN, 3]]}"#, &["NaN and infinity"]),
        (r#"{"input": [[1, 2, 3]]}"#, &["`input_data` is missing"]),
        ("", &["ends too early"]),
        ("[]", &["an object with the key"]),
    ];
    for (text, parts) in cases {
        folder.write("input.json", text.as_bytes());
        let error = folder.fails(1, &["gen-witness"]);
        assert_says(&error, &["input.json"]);
        assert_says(&error, parts);
    }
    folder.write(
        "calibration.json",
        br#"{"input_data": [[1, 2, 3], [1, 2]]}"#,
    );
    assert_says(
        &folder.fails(1, &["calibrate-settings"]),
        &["calibration.json", "row 1"],
    );
}

#[cfg(unix)]
#[test]
fn files_without_an_end_are_not_read_for_ever() {
    let folder = Folder::compiled();
    std::os::unix::fs::symlink("/dev/zero", folder.path("endless")).unwrap();
    assert_says(
        &folder.fails(1, &["verify", "--vk-path", "endless"]),
        &["endless", "too large"],
    );
}

#[test]
fn targets_out_of_reach_say_how_close_they_came() {
    let folder = Folder::new();
    folder.ok(&["gen-settings"]);
    let error = folder.fails(1, &["calibrate-settings", "--max-error", "1e-12"]);
    assert_says(
        &error,
        &[
            "good enough: the least of their maximum errors is",
            "allow more",
        ],
    );
}

#[test]
fn a_circuit_needs_calibrated_settings() {
    let folder = Folder::new();
    folder.ok(&["gen-settings"]);
    assert_says(
        &folder.fails(1, &["compile-circuit"]),
        &["calibrate-settings"],
    );
}

#[test]
fn models_that_cannot_be_proved_are_refused_at_the_first_stage() {
    let folder = Folder::new();
    folder.write("network.onnx", b"not a model");
    assert_says(
        &folder.fails(1, &["gen-settings"]),
        &["network.onnx", "not an ONNX model"],
    );
    assert!(!folder.path("settings.json").exists());
}
