//! Many rows in one file of proofs.

use serde_json::{Value, json};
use zkassay::{Batch, InputRows};

use crate::folder::{Folder, assert_says};

/// A folder with keys for so many inferences in a proof, and `rows.json` of seven rows.
fn keys(batch: &str, flags: &[&str]) -> Folder {
    let folder = Folder::new();
    let random = ["gen-random-data", "--seed", "2", "--data", "rows.json"];
    folder.ok(&[&random[..], &["--rows", "7"]].concat());
    folder.ok(&[&["gen-settings", "--batch", batch], flags].concat());
    folder.ok(&["calibrate-settings"]);
    folder.ok(&["compile-circuit"]);
    folder.ok(&["setup", "--unsafe-local-srs"]);
    folder
}

/// The first output of each row, as a record has them.
fn outputs(record: &Value) -> Vec<f64> {
    let rows = record["rows"].as_array().unwrap().iter().enumerate();
    let output = |(index, row): (usize, &Value)| {
        assert_eq!(row["row"], json!(index));
        row["output"]["values"][0]["real"].as_f64().unwrap()
    };
    rows.map(output).collect()
}

/// What the model gives for each row, in floating point.
fn floats(folder: &Folder) -> Vec<f64> {
    let model = zkassay::Model::from_onnx(&folder.read("network.onnx")).unwrap();
    let rows = InputRows::from_json(&folder.read("rows.json"), 3).unwrap();
    let rows = rows.view();
    let evaluate = |row| f64::from(model.graph().evaluate(row).unwrap()[0]);
    rows.outer_iter().map(evaluate).collect()
}

fn near(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    let is_near = |(a, b): (&f64, &f64)| (a - b).abs() < 2e-2;
    assert!(a.iter().zip(b).all(is_near), "{a:?}, {b:?}");
}

#[test]
fn seven_rows_are_proved_three_at_a_time() {
    let folder = keys("3", &[]);
    let said = folder.ok(&["prove", "--batch", "rows.json", "--proof-path", "batch.zkp"]);
    assert_says(
        &said,
        &[
            "batch.zkp",
            "7 inferences in 3 proofs of 3; the last is filled up with 2",
            "input       private",
            "row 6       output ",
            "ms for each inference",
            "zkassay verify --proof-path batch.zkp",
        ],
    );
    let verify = [
        "verify",
        "--proof-path",
        "batch.zkp",
        "--model",
        "network.onnx",
    ];
    let said = folder.ok(&verify);
    assert_says(
        &said,
        &[
            "batch.zkp: accepted",
            "7 inferences in 3 proofs of 3",
            "row 0       output ",
            "ms for each inference",
            "unsafe-local",
        ],
    );
    let record = folder.json(&verify);
    assert_eq!(record["verified"], json!(true));
    assert_eq!(
        [
            &record["inferences"],
            &record["proofs"],
            &record["inferences_per_proof"]
        ],
        [&json!(7), &json!(3), &json!(3)]
    );
    assert!(record["seconds_per_inference"].as_f64().unwrap() > 0.0);
    assert_eq!(record["params"]["bound"], json!(true));
    assert_eq!(
        record["rows"][0]["input"],
        json!({ "visibility": "private" })
    );
    near(&outputs(&record), &floats(&folder));
    let error = folder.fails(5, &[&verify[..], &["--require-ceremony"]].concat());
    assert_says(&error, &["vk.key", "unsafe-local"]);
    // Scripts read of a rejection on stdout.
    let rejected = folder.run(&[&verify[..], &["--require-ceremony", "--json"]].concat());
    assert_eq!(rejected.status.code(), Some(5));
    let record: Value = serde_json::from_slice(&rejected.stdout).unwrap();
    assert_eq!(record["verified"], json!(false));
    assert_says(record["reason"].as_str().unwrap(), &["unsafe-local"]);
}

#[test]
fn a_key_for_one_inference_makes_a_proof_for_each_row() {
    let folder = keys("1", &[]);
    let said = folder.ok(&["prove", "--batch", "rows.json"]);
    assert_says(
        &said,
        &["7 inferences in 7 proofs of 1", "gen-settings --batch N"],
    );
    folder.ok(&["prove", "--batch", "input.json", "--proof-path", "one.zkp"]);
    let said = folder.ok(&["verify", "--proof-path", "one.zkp"]);
    assert_says(&said, &["1 inference in 1 proof of 1"]);
    let error = folder.fails(1, &["prove", "--batch", "nope.json"]);
    assert_says(&error, &["nope.json", "pass it with --batch"]);
    let record = folder.json(&["prove", "--batch", "rows.json"]);
    assert_eq!(
        (&record["proofs"], &record["inferences_per_proof"]),
        (&json!(7), &json!(1))
    );
    let bytes = folder.read("proof.zkp").len();
    assert_eq!(record["bytes"], json!(bytes));
    let verdict = folder.json(&["verify"]);
    assert_eq!(verdict["rows"], record["rows"]);
    near(&outputs(&verdict), &floats(&folder));
    // The same key proves single rows, and the same command verifies these.
    folder.ok(&["gen-witness"]);
    folder.ok(&["prove"]);
    assert_says(&folder.ok(&["verify"]), &["proof.zkp: accepted"]);
}

#[test]
fn public_and_hashed_inputs_are_shown_row_by_row() {
    let folder = keys("3", &["--input-visibility", "public"]);
    folder.ok(&["prove", "--batch", "rows.json"]);
    let verdict = folder.json(&["verify"]);
    let rows = InputRows::from_json(&folder.read("rows.json"), 3).unwrap();
    for (index, row) in rows.view().outer_iter().enumerate() {
        let values = verdict["rows"][index]["input"]["values"]
            .as_array()
            .unwrap();
        let values: Vec<f64> = values.iter().map(|v| v["real"].as_f64().unwrap()).collect();
        let row: Vec<f64> = row.iter().map(|x| f64::from(*x)).collect();
        near(&values, &row);
    }
    assert_says(
        &folder.ok(&["verify"]),
        &["row 0       input ", "; output "],
    );

    let folder = keys("3", &["--input-visibility", "hashed"]);
    folder.ok(&["prove", "--batch", "rows.json"]);
    let verdict = folder.json(&["verify"]);
    let hash = |index: usize| {
        let hash = verdict["rows"][index]["input"]["hash"].as_str().unwrap();
        assert_says(hash, &["0x"]);
        hash.to_owned()
    };
    let mut hashes: Vec<String> = (0..7).map(hash).collect();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 7);
    assert_says(&folder.ok(&["verify"]), &["row 0       input hashed, 0x"]);
}

#[test]
fn the_size_of_a_batch_is_shown_before_anything_is_proved() {
    let folder = Folder::new();
    let said = folder.ok(&["gen-settings", "--batch", "16"]);
    assert_says(&said, &["16 inferences in one proof"]);
    assert_says(
        &folder.ok(&["table", "--batch", "16"]),
        &["after calibrate-settings"],
    );
    folder.ok(&["calibrate-settings"]);
    let said = folder.ok(&["table", "-S", "settings.json"]);
    assert_says(
        &said,
        &["16 inferences in one proof", "for each of 16 inferences"],
    );
    let table = folder.json(&["table", "-S", "settings.json"]);
    assert_eq!(table["inferences"], json!(16));
    assert_eq!(table["layout"]["inferences"], json!(16));
    assert_says(
        &folder.ok(&["compile-circuit"]),
        &[
            "16 inferences in one proof",
            "zkassay prove --batch rows.json",
        ],
    );
    let setup = folder.ok(&["setup", "--unsafe-local-srs"]);
    assert_says(&setup, &["next: zkassay prove --batch rows.json"]);
}

/// A forest of scikit-learn, in a batch: features of any magnitude, and its trees in the table.
#[test]
fn trees_take_rows_of_any_magnitude() {
    let folder = Folder::new();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixtures = fixtures.join("../../fixtures/operators/sklearn");
    let forest =
        |end: &str| std::fs::read(fixtures.join(format!("forest-classifier-3.{end}"))).unwrap();
    folder.write("network.onnx", &forest("onnx"));
    let fixture: Value = serde_json::from_slice(&forest("json")).unwrap();
    let file = json!({ "input_data": fixture["rows"] });
    folder.write("calibration.json", file.to_string().as_bytes());
    let rows = "{\"input_data\": [[-1e30, 1e30, 0, 1e-30, 5e8, -7], [1e9, -3, 2, 0.5, 4, 1e20]]}";
    folder.write("rows.json", rows.as_bytes());

    folder.ok(&["gen-settings", "--batch", "2"]);
    assert_says(
        &folder.ok(&["calibrate-settings"]),
        &["inputs   any number"],
    );
    let said = folder.ok(&["table", "-S", "settings.json"]);
    assert_says(&said, &["Forest", "5 trees of 32 nodes about 6 features"]);
    let table = folder.json(&["table", "-S", "settings.json"]);
    assert_eq!(
        (&table["trees"]["trees"], &table["inferences"]),
        (&json!(5), &json!(2))
    );
    folder.ok(&["compile-circuit"]);
    folder.ok(&["setup", "--unsafe-local-srs"]);
    folder.ok(&["prove", "--batch", "rows.json"]);
    let verdict = folder.json(&["verify", "--model", "network.onnx"]);
    let model = zkassay::Model::from_onnx(&folder.read("network.onnx")).unwrap();
    let rows = InputRows::from_json(rows.as_bytes(), 6).unwrap();
    for (row, said) in rows
        .view()
        .outer_iter()
        .zip(verdict["rows"].as_array().unwrap())
    {
        let said = said["output"]["values"].as_array().unwrap().iter();
        let said: Vec<f64> = said.map(|value| value["real"].as_f64().unwrap()).collect();
        let float = model.graph().evaluate(row).unwrap();
        let float: Vec<f64> = float.iter().map(|x| f64::from(*x)).collect();
        near(&said, &float);
    }
}

#[test]
fn impossible_batches_are_refused() {
    let folder = Folder::new();
    for batch in ["0", "1025", "-1", "many"] {
        let output = folder.run(&["gen-settings", "--batch", batch]);
        assert_eq!(output.status.code(), Some(2), "{batch}");
    }
    let output = folder.run(&["gen-settings", "--batch", "1025"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_says(&errors, &["1025 is not in 1..=1024"]);
    let arguments = ["prove", "--batch", "rows.json", "--witness", "witness.json"];
    assert_eq!(folder.run(&arguments).status.code(), Some(2));
    // In a file of settings.
    folder.ok(&["gen-settings", "--batch", "5"]);
    let text = String::from_utf8(folder.read("settings.json")).unwrap();
    for batch in ["0", "1025", "4294967295"] {
        let changed = text.replace("\"batch\": 5", &format!("\"batch\": {batch}"));
        assert_ne!(changed, text);
        folder.write("settings.json", changed.as_bytes());
        let error = folder.fails(1, &["calibrate-settings"]);
        assert_says(&error, &["expected 1 to 1024"]);
    }
}

#[test]
fn keys_for_several_rows_have_no_witness() {
    let folder = keys("3", &[]);
    for command in ["gen-witness", "prove"] {
        let error = folder.fails(1, &[command]);
        assert_says(&error, &["3 inferences", "zkassay prove --batch rows.json"]);
    }
    // Nor has a file of several rows, with a key for one.
    let folder = keys("1", &[]);
    let error = folder.fails(1, &["gen-witness", "-D", "rows.json"]);
    assert_says(&error, &["7 rows", "--batch"]);
}

#[test]
fn rows_that_cannot_be_proved_are_named() {
    let folder = keys("3", &[]);
    let cases: [(&str, &[&str]); 3] = [
        (
            r#"{"input_data": [[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 4e5, 0]]}"#,
            &["row 3: value 1 of input 'input' is 400000"],
        ),
        (
            r#"{"input_data": [[0, 0, 0], [0, 0]]}"#,
            &["row 1", "2 values", "takes 3"],
        ),
        (r#"{"input_data": []}"#, &["no rows"]),
    ];
    for (text, parts) in cases {
        folder.write("bad.json", text.as_bytes());
        let error = folder.fails(1, &["prove", "--batch", "bad.json"]);
        assert_says(&error, &["bad.json"]);
        assert_says(&error, parts);
    }
    let error = folder.fails(1, &["prove", "--batch", "none.json"]);
    assert_says(&error, &["none.json", "input data"]);
    assert!(!folder.path("proof.zkp").exists());
}

#[test]
fn changed_batches_are_refused() {
    let folder = keys("3", &[]);
    folder.ok(&["prove", "--batch", "rows.json"]);
    let whole = folder.read("proof.zkp");
    for length in [0, 1, 9, 30, whole.len() / 2, whole.len() - 2] {
        folder.write("proof.zkp", &whole[..length]);
        assert_says(&folder.fails(1, &["verify"]), &["proof.zkp"]);
    }
    let honest = Batch::from_bytes(&whole).unwrap();
    let rejected = |change: &dyn Fn(&mut Batch), said: &[&str]| {
        let mut batch = honest.clone();
        change(&mut batch);
        folder.write("proof.zkp", &batch.to_bytes());
        let error = folder.fails(5, &["verify"]);
        assert_says(&error, &["proof.zkp"]);
        assert_says(&error, said);
    };
    rejected(&|batch| batch.rows = 0, &["0 rows", "at least one"]);
    rejected(&|batch| batch.rows = 10, &["10 rows", "take 4 proof(s)"]);
    rejected(&|batch| batch.rows = 6, &["take 2 proof(s)"]);
    rejected(&|batch| drop(batch.proofs.remove(1)), &["and 2 proof(s)"]);
    rejected(
        &|batch| batch.proofs.push(batch.proofs[0].clone()),
        &["and 4 proof(s)"],
    );
    rejected(&|batch| batch.proofs.rotate_left(1), &["filled up"]);
    rejected(
        &|batch| batch.proofs[1].transcript[7] ^= 1,
        &["proof 1 of the batch, rows 3 to 5: the proof is not valid"],
    );
    folder.write("proof.zkp", &whole);
    folder.ok(&["verify"]);
}

#[test]
fn batches_of_another_key_and_files_of_another_kind_are_refused() {
    let folder = keys("3", &[]);
    folder.ok(&["prove", "--batch", "rows.json"]);
    let batch = folder.read("proof.zkp");
    folder.ok(&["gen-settings", "--batch", "2"]);
    folder.ok(&["calibrate-settings"]);
    folder.ok(&["compile-circuit"]);
    folder.ok(&[
        "setup",
        "--unsafe-local-srs",
        "--vk-path",
        "other.key",
        "--pk-path",
        "other.pk",
    ]);
    let error = folder.fails(6, &["verify", "--vk-path", "other.key"]);
    assert_says(&error, &["proof.zkp", "the batch belongs to verifying key"]);
    let error = folder.fails(
        6,
        &["prove", "--batch", "rows.json", "-M", "model.compiled"],
    );
    assert_says(&error, &["run setup for this circuit"]);
    for (name, said) in [
        ("vk.key", "expected a proof, found a verifying key"),
        (
            "model.compiled",
            "expected a proof, found a compiled circuit",
        ),
        ("rows.json", "not a zkassay file"),
    ] {
        let error = folder.fails(1, &["verify", "--proof-path", name]);
        assert_says(&error, &[name, said]);
    }
    folder.write("vk.key", &batch);
    let error = folder.fails(1, &["verify"]);
    assert_says(
        &error,
        &["expected a verifying key, found a batch of proofs"],
    );
}

#[test]
fn prove_model_takes_many_rows() {
    let folder = keys("1", &[]);
    let arguments = [
        "prove-model",
        "network.onnx",
        "rows.json",
        "--batch",
        "4",
        "--calibration",
        "calibration.json",
        "--unsafe-local-srs",
    ];
    let said = folder.ok(&[&arguments[..], &["--out", "many"]].concat());
    assert_says(
        &said,
        &[
            "accepted: many/proof.zkp",
            "7 inferences in 2 proofs of 4; the last is filled up with 1",
            "row 6       output",
            "prove time",
        ],
    );
    let files = ["--vk-path", "many/vk.key", "--proof-path", "many/proof.zkp"];
    let verdict = folder.json(&[&["verify"], &files[..]].concat());
    near(&outputs(&verdict), &floats(&folder));
    assert!(!folder.path("many/witness.json").exists());
    let record = folder.json(&[&arguments[..], &["--out", "again"]].concat());
    assert_eq!(record["rows"], verdict["rows"]);
    assert_eq!(record["stages"].as_array().unwrap().len(), 8);
    // Without --batch a proof is about one row.
    let error = folder.fails(
        1,
        &[
            "prove-model",
            "network.onnx",
            "rows.json",
            "--unsafe-local-srs",
        ],
    );
    assert_says(&error, &["7 rows", "--batch"]);
}
