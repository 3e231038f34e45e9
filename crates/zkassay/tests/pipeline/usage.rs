//! Command lines that cannot be understood: exit code 2; and help.

use crate::folder::{Folder, assert_says};

#[test]
fn wrong_flags_are_refused_before_anything_is_read() {
    let folder = Folder::new();
    let cases: [&[&str]; 21] = [
        &["proof"],
        &["gen-settings", "--colour"],
        &["gen-settings", "--input-visibility", "secret"],
        &["gen-settings", "--output-visibility", "Public"],
        &["gen-settings", "--param-visibility", "hashed"],
        &["gen-settings", "--layout", "fast"],
        &["calibrate-settings", "--target", "speed"],
        &["calibrate-settings", "--max-error", "0"],
        &["calibrate-settings", "--max-error", "nan"],
        &["calibrate-settings", "--margin", "0.5"],
        &["calibrate-settings", "--margin", "inf"],
        &["gen-random-data", "--rows", "0"],
        &["gen-random-data", "--rows", "many"],
        &["gen-random-data", "--seed", "-1"],
        &["setup", "--srs-path", "kzg.srs", "--unsafe-local-srs"],
        &["setup", "--pk-path"],
        &["prove", "--unsafe-local-srs"],
        &["verify", "--require-ceremony", "yes"],
        &["prove-model", "network.onnx"],
        &["prove-model"],
        &["table", "-S", "settings.json", "--layout", "size"],
    ];
    for arguments in cases {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    assert_eq!(folder.run(&[]).status.code(), Some(2));
    assert!(!folder.path("settings.json").exists());
}

#[test]
fn help_has_examples_and_exit_codes() {
    let folder = Folder::new();
    assert_says(
        &folder.ok(&["--help"]),
        &["prove-model", "Exit codes", "the proof is rejected"],
    );
    let commands = [
        "table",
        "gen-settings",
        "calibrate-settings",
        "compile-circuit",
        "gen-witness",
        "mock",
        "setup",
        "prove",
        "verify",
        "gen-random-data",
        "get-srs",
        "gen-srs",
        "prove-model",
    ];
    for command in commands {
        let help = folder.ok(&[command, "--help"]);
        assert_says(
            &help,
            &["Examples:", &format!("zkassay {command}"), "--json"],
        );
    }
}

#[test]
fn without_parameters_setup_says_how_to_get_them() {
    let folder = Folder::compiled();
    let error = folder.fails(3, &["setup"]);
    assert_says(&error, &["get-srs"]);
    assert!(!folder.path("pk.key").exists());
    let error = folder.fails(3, &["prove-model", "network.onnx", "input.json"]);
    assert_says(&error, &["get-srs", "--unsafe-local-srs"]);
}

#[test]
fn folders_that_are_not_there_are_named() {
    let folder = Folder::compiled();
    let error = folder.fails(1, &["gen-witness", "-O", "no/witness.json"]);
    assert_says(&error, &["cannot write no/witness.json"]);
    folder.write("file", b"");
    let arguments = [
        "prove-model",
        "network.onnx",
        "input.json",
        "--unsafe-local-srs",
    ];
    let error = folder.fails(1, &[&arguments[..], &["--out", "file"]].concat());
    assert_says(&error, &["cannot make the folder file"]);
}
