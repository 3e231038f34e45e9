//! What proofs show of input and output, and unbound parameters.

use serde_json::{Value, json};

use crate::folder::{Folder, assert_says};

/// The verdict of a whole run with the given flags, and what `verify` prints.
fn verdict(folder: &Folder, flags: &[&str]) -> (Value, String) {
    folder.ok(&[&["gen-settings"], flags].concat());
    folder.ok(&["calibrate-settings", "--max-error", "0.2"]);
    folder.ok(&["compile-circuit"]);
    folder.ok(&["setup", "--unsafe-local-srs"]);
    folder.ok(&["gen-witness"]);
    folder.ok(&["mock"]);
    folder.ok(&["prove"]);
    (folder.json(&["verify"]), folder.ok(&["verify"]))
}

#[test]
fn public_inputs_stand_in_the_proof_negative_ones_included() {
    let folder = Folder::new();
    folder.write("input.json", br#"{"input_data": [[0.5, -0.25, 1]]}"#);
    let (verdict, said) = verdict(&folder, &["--input-visibility", "public"]);
    let values = verdict["input"]["values"].as_array().unwrap();
    let reals: Vec<f64> = values
        .iter()
        .map(|value| value["real"].as_f64().unwrap())
        .collect();
    assert_eq!(reals, [0.5, -0.25, 1.0]);
    assert!(values[1]["integer"].as_i64().unwrap() < 0);
    // p - |x|, where p starts like this.
    assert_says(
        values[1]["field"].as_str().unwrap(),
        &["0x30644e72e131a029"],
    );
    assert_says(&said, &["input       -0.25 (0x30644e72e131a029"]);
}

#[test]
fn hashes_say_which_input_without_showing_it() {
    let folder = Folder::new();
    let flags = [
        "--input-visibility",
        "hashed",
        "--output-visibility",
        "hashed",
    ];
    let hashes = |input: &[u8]| {
        folder.write("input.json", input);
        let (verdict, said) = verdict(&folder, &flags);
        assert!(verdict["input"]["values"].is_null() && verdict["output"]["values"].is_null());
        assert_says(&said, &["input       hashed, 0x", "output      hashed, 0x"]);
        [&verdict["input"]["hash"], &verdict["output"]["hash"]]
            .map(|hash| hash.as_str().unwrap().to_owned())
    };
    let first = hashes(br#"{"input_data": [[0.5, -0.25, 1]]}"#);
    assert_eq!(hashes(br#"{"input_data": [[0.5, -0.25, 1]]}"#), first);
    let second = hashes(br#"{"input_data": [[0.5, -0.25, 0.75]]}"#);
    assert!(first[0] != second[0] && first[1] != second[1]);
}

#[test]
fn private_outputs_are_not_shown() {
    let folder = Folder::new();
    let (verdict, _) = verdict(&folder, &["--output-visibility", "private"]);
    assert_eq!(verdict["output"], json!({ "visibility": "private" }));
}

#[test]
fn private_parameters_are_called_unbound() {
    let folder = Folder::new();
    assert_says(
        &folder.ok(&["gen-settings", "--param-visibility", "private"]),
        &["unbound"],
    );
    let (verdict, said) = verdict(&folder, &["--param-visibility", "private"]);
    assert_eq!(
        verdict["params"],
        json!({ "visibility": "private", "bound": false })
    );
    assert_says(&said, &["model       unbound"]);
    let setup = folder.ok(&["setup", "--unsafe-local-srs"]);
    assert_says(&setup, &["unbound"]);
}

#[test]
fn a_key_of_another_visibility_refuses_the_proof() {
    let folder = Folder::new();
    verdict(&folder, &["--input-visibility", "public"]);
    let proof = folder.read("proof.zkp");
    verdict(&folder, &["--input-visibility", "private"]);
    folder.write("proof.zkp", &proof);
    folder.fails(6, &["verify"]);
}

#[test]
fn every_layout_proves() {
    for layout in ["speed", "size", "evm"] {
        // Each in a folder of its own: they need parameters for different tables.
        let (verdict, _) = verdict(&Folder::new(), &["--layout", layout]);
        assert_eq!(verdict["verified"], json!(true));
    }
}
