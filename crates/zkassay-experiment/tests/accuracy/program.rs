//! The program: what it is asked, and what it leaves.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use zkassay_experiment::accuracy::Data;
use zkassay_experiment::dataset::Mode;

use crate::support::{fixtures, own, table, tokens};

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zkassay-accuracy"))
        .args(arguments)
        .output()
        .unwrap()
}

/// The record that the program leaves in `out`, without the machine and times.
fn left(out: &Path) -> Value {
    let json = fs::read_to_string(out.join("accuracy.json")).unwrap();
    let mut record: Value = serde_json::from_str(&json).unwrap();
    record["host"] = Value::Null;
    for model in record["models"].as_array_mut().unwrap() {
        model["training_seconds"] = Value::Null;
    }
    record
}

#[test]
fn the_command_in_the_record_repeats_it() {
    let dir = tempfile::tempdir().unwrap();
    let points = table(dir.path(), ["down", "up"]);
    let (fixtures, points) = (fixtures(), points.to_str().unwrap().to_owned());
    let fixtures = fixtures.to_str().unwrap();
    let digits = format!("{fixtures}/digits");
    for (index, source) in [
        ["--data", fixtures, "--mode", "paper"].as_slice(),
        &["--table", &points, "--label", "side", "--time", "day"],
        &["--digits", &digits, "--threads", "1"],
    ]
    .into_iter()
    .enumerate()
    {
        let out = [0, 1].map(|run| dir.path().join(format!("{index}-{run}")));
        let [first, second] = out.each_ref().map(|out| ["--out", out.to_str().unwrap()]);
        let asked = ["--models", "logistic,tree", "--rounds", "2", "--seed", "7"];
        let printed = program(&[&asked, source, &first].concat());
        assert!(printed.status.success(), "{printed:?}");
        let page = fs::read_to_string(out[0].join("accuracy.md")).unwrap();
        let printed = String::from_utf8(printed.stdout).unwrap();
        assert!(printed.starts_with(&page), "{printed}");

        let record = left(&out[0]);
        let command = record["command"].as_str().unwrap();
        let words = command.strip_prefix("cargo xtask accuracy ").unwrap();
        let words: Vec<&str> = words.split(' ').chain(second).collect();
        assert!(program(&words).status.success(), "{command}");
        assert_eq!(left(&out[1]), record, "{command}");
        let integer = &record["models"][1]["integer"];
        assert!(integer["scored"]["accuracy"].is_object(), "{integer}");
    }
}

#[test]
fn help_names_the_defaults() {
    let help = String::from_utf8(program(&["--help"]).stdout).unwrap();
    let help: Vec<&str> = help.split_whitespace().collect();
    let help = help.join(" ");
    let own = |time| own("points.csv".into(), time);
    for data in [
        tokens(Mode::Honest),
        tokens(Mode::Paper),
        own(None),
        own(Some("day")),
    ] {
        assert!(help.contains(data.models()), "{help}");
        let rounds = format!("[default: {}]", data.rounds());
        assert!(help.contains(&rounds), "{help}");
    }
    let digits = Data::Digits("mnist".into());
    assert!(help.contains("logistic,128,cnn of digits") && digits.models() == "logistic,128,cnn");
    assert!(help.contains("as many seeds [default: 3]") && digits.rounds() == 3);
    for flag in [
        "--table <FILE>",
        "--digits <DIR>",
        "--threads <T>",
        "--out <DIR>",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
}

#[test]
fn wrong_arguments_are_refused_before_anything_runs() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let out = out.to_str().unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&["--models", "resnet"], "unknown model `resnet`"),
        (&["--models", " , "], "no model is given"),
        (&["--threads", "0"], "at least one thread"),
        (&["--digits", "d", "--data", "t"], "cannot be used with"),
        (&["--digits", "d", "--mode", "paper"], "cannot be used with"),
        (&["--table", "t.csv"], "--label <COLUMN>"),
    ];
    for (arguments, expected) in cases {
        let output = program(&[arguments, &["--out", out]].concat());
        assert!(!output.status.success(), "{arguments:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains(expected), "{message}");
        assert!(!Path::new(out).exists());
    }
}
