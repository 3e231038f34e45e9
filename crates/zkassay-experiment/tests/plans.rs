//! What the program says about plans, before it runs any.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the program in `folder`.
fn experiment(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zkassay-experiment"))
        .args(arguments)
        .current_dir(folder)
        .env("ZKASSAY_DATA_DIR", folder.join("cache"))
        .output()
        .unwrap()
}

/// What is printed, of a call that does well.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = experiment(folder, arguments);
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {messages}");
    String::from_utf8(output.stdout).unwrap()
}

/// The message of a call that fails with `code`.
fn failed(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = experiment(folder, arguments);
    let messages = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {messages}"
    );
    messages
}

#[test]
fn a_dry_run_says_everything_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("mine.toml"),
        "extends = 'full'\npeers = ['ezkl']\n[ezkl]\nmodels = ['64-32']",
    )
    .unwrap();
    let text = printed(
        folder.path(),
        &["--plan", "mine.toml", "--dry-run", "--seed", "7"],
    );
    for part in [
        "cargo xtask experiment --profile full --seed 7 --peers ezkl --peer-models 64-32",
        "Models (49): study,classical",
        "49 models x 5 rounds",
        "EZKL tuned",
        "in all",
        // Neither the fixtures nor EZKL are in this folder.
        "no file or folder fixtures",
        "cargo xtask ezkl",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["mine.toml"]);
}

#[test]
fn peers_are_listed_for_whoever_makes_their_environment() {
    let folder = tempfile::tempdir().unwrap();
    let peers =
        |arguments: &[&str]| printed(folder.path(), &[&["--list-peers"][..], arguments].concat());
    assert_eq!(peers(&[]), "");
    assert_eq!(peers(&["--peers", "ezkl", "--profile", "full"]), "ezkl\n");
    assert_eq!(peers(&["--peers", "none"]), "");
    fs::write(folder.path().join("mine.toml"), "peers = ['ezkl']").unwrap();
    assert_eq!(peers(&["--plan", "mine.toml"]), "ezkl\n");
    assert_eq!(peers(&["--plan", "mine.toml", "--peers", "none"]), "");
}

#[test]
fn models_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let text = printed(folder.path(), &["--models", "help"]);
    for part in ["128-64-32", "svm-rbf", "study:none", "'mlp-*'"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn mistakes_are_answered_before_anything_is_run() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.toml"), "proof = 3").unwrap();
    for (arguments, parts) in [
        (
            &["--models", "forrest"][..],
            &["did you mean `forest`?"][..],
        ),
        (&["--models", "mlp-7*"], &["no model matches 'mlp-7*'"]),
        (
            &["--plan", "mine.toml"],
            &["mine.toml", "did you mean `proofs`?"],
        ),
        (&["--plan", "none.toml"], &["none.toml cannot be read"]),
        (&["--data", "giza"], &["`giza`", "zkassay data fetch giza"]),
        (
            &["--data", "gizza"],
            &["did you mean `giza`?", "zkassay data list"],
        ),
        (
            &["--table", "a.csv", "--label", "b"],
            &["there is no table a.csv"],
        ),
        (&["--resume"], &["there are no runs in runs"]),
        (&["--resume", "a"], &["there is no run a"]),
        (&["--peer-models", "64-32"], &["--peers ezkl is missing"]),
    ] {
        let message = failed(folder.path(), arguments, 1);
        for part in parts {
            assert!(message.contains(part), "{arguments:?}: {message}");
        }
    }
    // What clap refuses is another matter.
    failed(folder.path(), &["--proofs", "0"], 2);
    failed(folder.path(), &["--profile", "ful"], 2);
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn a_data_set_is_found_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let cached = folder.path().join("cache/giza");
    fs::create_dir_all(&cached).unwrap();
    // It is there, but no fetch made it.
    let message = failed(folder.path(), &["--data", "giza"], 1);
    assert!(message.contains("no manifest"), "{message}");
    // A file of that name comes first.
    fs::write(folder.path().join("giza"), "date\n").unwrap();
    let text = printed(folder.path(), &["--data", "giza", "--dry-run"]);
    assert!(
        text.contains("--data giza") && !text.contains("Missing"),
        "{text}"
    );
}
