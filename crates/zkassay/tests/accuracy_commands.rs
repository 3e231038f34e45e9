//! Proofs of accuracy from the command line.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::{Command, Output};

use ndarray::array;
use serde_json::{Value, json};
use tempfile::TempDir;
use zkassay_onnx::{ModelBuilder, TreeNode, WeightedTree};

/// A working folder that is also the home, with a model and a data set.
struct Folder(TempDir);

/// Class 1 if the first number is at least the second.
fn network() -> Vec<u8> {
    let (weights, bias) = (array![[1.0, -1.0]], array![0.0]);
    ModelBuilder::new("network", 2)
        .and_then(|model| model.dense("out", weights.view(), bias.view()))
        .and_then(|model| model.sigmoid("probability"))
        .and_then(ModelBuilder::encode)
        .unwrap()
}

/// Class 0 if the first number is at most 0.5.
fn tree() -> Vec<u8> {
    let leaf = |weights: [f32; 2]| TreeNode::Leaf {
        weights: weights.to_vec(),
    };
    let branch = TreeNode::Branch {
        feature: 0,
        threshold: 0.5,
        at_most: 1,
        above: 2,
    };
    let tree = WeightedTree {
        class: 0,
        nodes: vec![branch, leaf([1.0, 0.0]), leaf([0.0, 1.0])],
    };
    ModelBuilder::new("tree", 2)
        .and_then(|model| model.tree_ensemble("trees", 2, &[tree]))
        .and_then(ModelBuilder::encode)
        .unwrap()
}

/// Five rows, of which the network and the tree classify four correctly each, not the same ones.
const TEST: &str = r#"{ "input_data": [[1, 0], [0, 1], [0.75, 1], [0.25, 0], [2, 2]],
                        "labels": [1, 0, 0, 0, 1] }"#;

impl Folder {
    fn new(onnx: &[u8]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("network.onnx", onnx);
        folder.write("test.json", TEST.as_bytes());
        folder.write("calibration.json", TEST.as_bytes());
        folder
    }

    /// With keys for proofs of accuracy.
    fn with_keys(onnx: &[u8], count: &str, visibility: &str) -> Self {
        let folder = Self::new(onnx);
        let settings = [
            "gen-settings",
            "--count",
            count,
            "--classes",
            "2",
            "--input-visibility",
            visibility,
            "--batch",
            "2",
        ];
        folder.ok(&settings);
        folder.ok(&["calibrate-settings"]);
        folder.ok(&["compile-circuit"]);
        folder.ok(&["setup", "--unsafe-local-srs"]);
        folder
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.path().join(name), bytes).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        let [from, to] = [from, to].map(|name| self.0.path().join(name));
        fs::rename(from, to).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join(name)).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zkassay"));
        command.args(arguments).current_dir(self.0.path());
        command.env_clear().env("HOME", self.0.path());
        command.output().unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ok(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// Runs the command that the last line names.
    fn follows(&self, said: &str) -> String {
        let last = said.lines().last().unwrap();
        let command = last.strip_prefix("next: zkassay ").unwrap();
        self.ok(&command.split(' ').collect::<Vec<_>>())
    }

    /// What scripts read of a proof that is rejected.
    fn rejects(&self, arguments: &[&str], part: &str) {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(5), "{arguments:?}");
        let record: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(record["verified"], json!(false));
        says(record["reason"].as_str().unwrap(), &[part]);
        assert!(!output.stderr.is_empty());
    }

    fn fails(&self, code: i32, arguments: &[&str], parts: &[&str]) {
        let output = self.run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        says(&errors, parts);
    }
}

/// Where the salt is, and whether it was made.
fn salt_of(record: &Value) -> (Value, Value) {
    (record["salt_path"].clone(), record["salt_created"].clone())
}

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "'{part}' is not in: {text}");
    }
}

#[test]
fn a_public_test_set_from_settings_to_verdict() {
    let folder = Folder::with_keys(&network(), "correct", "public");
    let said = folder.ok(&["prove-accuracy"]);
    says(
        &said,
        &[
            "accuracy.zkp: ",
            "5 rows in 3 proofs of 2",
            "ms for each row",
            "4 of 5 rows (80.00 %) are classified correctly",
            "3 of 0, 2 of 1",
            "unsafe-local",
            "next: zkassay verify-accuracy --data test.json\n",
        ],
    );
    folder.follows(&said);
    let hash = folder.json(&["hash-data"]);
    assert_eq!((&hash["rows"], &hash["features"]), (&json!(5), &json!(2)));
    assert_eq!(hash["labels"], json!({ "0": 3, "1": 2 }));
    let hash = hash["data_set"].as_str().unwrap();
    says(&said, &[hash]);
    says(
        &folder.ok(&["hash-data", "test.json"]),
        &[hash, "public", "5 of 2 numbers"],
    );

    let said = folder.ok(&["verify-accuracy"]);
    says(
        &said,
        &["accepted", "4 of 5", "compare the hash", "unsafe-local"],
    );
    let said = folder.ok(&[
        "verify-accuracy",
        "--data",
        "test.json",
        "--min-correct",
        "4",
    ]);
    says(&said, &["the one asked for"]);
    let verdict = folder.json(&[
        "verify-accuracy",
        "--proof",
        "accuracy.zkp",
        "--data-hash",
        hash,
    ]);
    for (key, value) in [
        ("verified", json!(true)),
        ("data_set_checked", json!(true)),
        ("data_set", json!(hash)),
        ("visibility", json!("public")),
        ("rows", json!(5)),
        ("correct", json!(4)),
        ("accuracy", json!(0.8)),
        ("confusion", Value::Null),
        ("proofs", json!(3)),
        ("srs", json!("unsafe-local")),
    ] {
        assert_eq!(verdict[key], value, "{key}");
    }
    let settings = [
        "--model",
        "network.onnx",
        "--settings-path",
        "settings.json",
    ];
    folder.ok(&[&["verify-accuracy"], &settings[..]].concat());

    folder.fails(
        5,
        &["verify-accuracy", "--min-correct", "5"],
        &["4 of 5", "fewer than 5"],
    );
    folder.rejects(&["verify-accuracy", "--min-correct", "5"], "fewer than 5");
    folder.fails(
        5,
        &["verify-accuracy", "--require-ceremony"],
        &["unsafe-local"],
    );
    folder.fails(2, &["verify-accuracy", "--data-hash", "12"], &["64"]);
    folder.write("other.json", TEST.replace("2, 2", "2, 3").as_bytes());
    let other = ["verify-accuracy", "--data", "other.json"];
    folder.fails(5, &other, &["accuracy.zkp", "about data set"]);
    folder.write("other.onnx", &tree());
    let other = ["verify-accuracy", "--model", "other.onnx"];
    folder.fails(6, &other, &["belongs to model"]);
    // A file for other commands, and the other way round.
    folder.fails(1, &["verify"], &["proof.zkp"]);
    let wrong = ["verify", "--proof-path", "accuracy.zkp"];
    folder.fails(1, &wrong, &["a proof of accuracy"]);
    folder.fails(
        1,
        &["verify-accuracy", "--proof", "vk.key"],
        &["a verifying key"],
    );
    let row = ["prove", "--batch", "test.json"];
    folder.fails(1, &row, &["prove-accuracy"]);

    let mut bytes = folder.read("accuracy.zkp");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    folder.write("accuracy.zkp", &bytes);
    folder.fails(1, &["verify-accuracy"], &["accuracy.zkp", "checksum"]);
}

#[test]
fn a_committed_test_set_needs_its_salt() {
    let folder = Folder::with_keys(&network(), "confusion", "hashed");
    let circuit = ["--compiled-circuit", "model.compiled"];
    let hash = folder.json(&[&["hash-data"], &circuit[..]].concat());
    assert_eq!(hash["visibility"], json!("hashed"));
    assert_eq!(salt_of(&hash), (json!("accuracy.salt"), json!(true)));
    let hash = hash["data_set"].as_str().unwrap().to_owned();
    let again = folder.ok(&[&["hash-data"], &circuit[..]].concat());
    says(&again, &[&hash, "accuracy.salt (read): keep it"]);
    let salt = folder.read("accuracy.salt");
    assert_eq!(salt.len(), 65);
    let record = folder.json(&["prove-accuracy"]);
    assert_eq!(salt_of(&record), (json!("accuracy.salt"), json!(false)));
    let said = folder.ok(&["prove-accuracy"]);
    says(&said, &["accuracy.salt (read): keep it"]);
    says(&folder.follows(&said), &["the one asked for"]);
    let other = ["prove-accuracy", "--salt-path", "more.salt"];
    let other = [&other[..], &["--proof-path", "more.zkp"]].concat();
    let said = folder.ok(&other);
    says(&said, &["more.salt (made now): keep it"]);
    says(&folder.follows(&said), &["more.zkp: accepted"]);
    let public = folder.json(&["hash-data"]);
    assert_eq!(salt_of(&public), (Value::Null, Value::Null));
    let public = public["data_set"].as_str().unwrap();
    let public = ["verify-accuracy", "--data-hash", public];
    folder.fails(5, &public, &["hash of the public data set"]);
    assert_eq!(record["data_set"], json!(hash));
    assert_eq!(record["confusion"], json!([[2, 1], [0, 2]]));
    assert_eq!(folder.read("accuracy.salt"), salt, "kept");
    let said = folder.ok(&[
        "verify-accuracy",
        "--data-hash",
        &hash,
        "--min-correct",
        "4",
    ]);
    says(
        &said,
        &[
            "4 of 5",
            "committed",
            "label 0",
            "label 1",
            "the one asked for",
        ],
    );
    let data = ["verify-accuracy", "--data", "test.json"];
    // Those of this folder, if there are any.
    folder.ok(&data);
    folder.rename("model.compiled", "moved.compiled");
    folder.fails(1, &data, &["pass --compiled-circuit, or"]);
    folder.rename("accuracy.salt", "moved.salt");
    let both = "pass --compiled-circuit and --salt-path, or";
    folder.fails(1, &data, &[both]);
    folder.rename("moved.compiled", "model.compiled");
    folder.fails(1, &data, &["pass --salt-path, or"]);
    folder.rename("moved.salt", "accuracy.salt");
    let with = |salt| [&data[..], &circuit, &["--salt-path", salt]].concat();
    folder.ok(&with("accuracy.salt"));
    folder.write("other.salt", format!("{}\n", "ab".repeat(32)).as_bytes());
    folder.fails(5, &with("other.salt"), &["about data set", "another salt"]);
    folder.fails(1, &with("none.salt"), &["there is no salt none.salt"]);
    folder.write("bad.salt", b"abc");
    folder.fails(1, &with("bad.salt"), &["bad.salt is no salt"]);
}

#[test]
fn trees_with_public_rows_need_their_circuit() {
    let folder = Folder::with_keys(&tree(), "correct", "public");
    let said = folder.ok(&["prove-accuracy"]);
    says(&said, &["4 of 5 rows", "--compiled-circuit model.compiled"]);
    says(&folder.follows(&said), &["4 of 5 rows"]);
    let verify = ["verify-accuracy", "--data", "test.json"];
    says(&folder.ok(&verify), &["4 of 5 rows"]);
    folder.rename("model.compiled", "moved.compiled");
    folder.fails(1, &verify, &["thresholds", "--compiled-circuit"]);
    let circuit = ["--compiled-circuit", "moved.compiled"];
    says(
        &folder.ok(&[&verify[..], &circuit].concat()),
        &["4 of 5 rows"],
    );
    let settings = [
        "--model",
        "network.onnx",
        "--settings-path",
        "settings.json",
    ];
    says(
        &folder.ok(&[&verify[..], &settings].concat()),
        &["4 of 5 rows"],
    );
    // Of another model: noticed before anything is made of it, as a wrong key is.
    let other = Folder::with_keys(&network(), "correct", "public");
    folder.write("model.compiled", &other.read("model.compiled"));
    folder.fails(6, &verify, &["model.compiled", "belongs to circuit"]);
    folder.write("vk.key", &other.read("vk.key"));
    let missing = ["verify-accuracy", "--data", "none.json"];
    folder.fails(6, &missing, &["accuracy.zkp", "belongs to verifying key"]);
}

#[test]
fn settings_and_data_that_cannot_be_are_refused() {
    let folder = Folder::new(&network());
    let count = ["gen-settings", "--count", "correct"];
    folder.fails(2, &count, &["--classes"]);
    let count = [&count[..], &["--classes", "2"]].concat();
    folder.fails(
        1,
        &count,
        &["make inputs public", "--input-visibility public"],
    );
    for classes in ["1", "1001"] {
        let count = ["gen-settings", "--count", "correct", "--classes", classes];
        folder.fails(2, &count, &["2..=1000"]);
    }
    let help = folder.ok(&["hash-data", "--help"]);
    says(&help, &[r#"{"input_data": [[...], ...], "labels""#]);
    let count = [
        "gen-settings",
        "--count",
        "correct",
        "--input-visibility",
        "public",
    ];
    let said = folder.ok(&[&count[..], &["--classes", "3"]].concat());
    says(&said, &["classified correctly, 3 classes"]);
    folder.fails(1, &["calibrate-settings"], &["2 classes", "not of 3"]);

    let folder = Folder::with_keys(&network(), "correct", "public");
    folder.write("test.json", br#"{ "input_data": [[1, 2]] }"#);
    folder.fails(
        1,
        &["prove-accuracy"],
        &["test.json", "`labels` is missing"],
    );
    folder.write(
        "test.json",
        br#"{ "input_data": [[1, 2, 3]], "labels": [1] }"#,
    );
    folder.fails(
        1,
        &["prove-accuracy"],
        &["test.json", "3 values", "takes 2"],
    );
    folder.write(
        "test.json",
        br#"{ "input_data": [[1, 2], [1e6, 0]], "labels": [1, 0] }"#,
    );
    folder.fails(1, &["prove-accuracy"], &["test.json", "row 1", "outside"]);
    folder.write(
        "test.json",
        br#"{ "input_data": [[1, 2], [1, 0]], "labels": [1] }"#,
    );
    let formats = ["\"labels\": [0, 1, ...]}", "2 rows, but 1 labels"];
    folder.fails(1, &["prove-accuracy"], &formats);
    folder.write(
        "test.json",
        br#"{ "input_data": [[1, 2], [1, 0]], "labels": [1, 2] }"#,
    );
    let output = folder.run(&["prove-accuracy", "--json"]);
    let warning = String::from_utf8(output.stderr).unwrap();
    says(&warning, &["1 of 2 rows", "model's outputs, 0 to 1"]);
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(record["rows_without_class"], json!(1));
    fs::remove_file(folder.0.path().join("accuracy.zkp")).unwrap();
    folder.fails(
        1,
        &["prove-accuracy", "--data", "none.json"],
        &["there is no data set none.json"],
    );
    folder.fails(1, &["verify-accuracy"], &["run `zkassay prove-accuracy`"]);

    folder.ok(&["gen-settings"]);
    folder.ok(&["calibrate-settings"]);
    folder.ok(&["compile-circuit"]);
    folder.ok(&["setup", "--unsafe-local-srs"]);
    folder.write("test.json", TEST.as_bytes());
    folder.fails(1, &["prove-accuracy"], &["gen-settings --count correct"]);
}
