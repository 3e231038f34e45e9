//! Artefacts that do not belong together: exit code 6, both named.

use zkassay_verifier::artefact::{digest, hex};

use crate::folder::{Folder, assert_says, onnx};

/// A folder with every artefact, and every artefact of another model in `other/`.
fn two_models() -> Folder {
    let folder = Folder::proved();
    folder.write("other.onnx", &onnx(2));
    let arguments = [
        "prove-model",
        "other.onnx",
        "input.json",
        "--calibration",
        "calibration.json",
    ];
    folder.ok(&[&arguments[..], &["--unsafe-local-srs", "--out", "other"]].concat());
    folder
}

fn short(bytes: &[u8]) -> String {
    hex(&digest(bytes)[..6])
}

#[test]
fn settings_of_another_model_are_refused() {
    let folder = two_models();
    let settings = folder.read("settings.json");
    let [ours, theirs] = ["network.onnx", "other.onnx"].map(|name| short(&folder.read(name)));
    for command in ["calibrate-settings", "compile-circuit", "table"] {
        let flag = if command == "calibrate-settings" {
            "-O"
        } else {
            "-S"
        };
        let error = folder.fails(6, &[command, "-M", "other.onnx", flag, "settings.json"]);
        assert_says(&error, &[&ours, &theirs, "run gen-settings"]);
    }
    assert_eq!(folder.read("settings.json"), settings);
}

#[test]
fn a_witness_of_another_circuit_is_refused() {
    let folder = two_models();
    let [ours, theirs] =
        ["model.compiled", "other/model.compiled"].map(|name| short(&folder.read(name)));
    let proof = folder.read("proof.zkp");
    let error = folder.fails(6, &["mock", "-W", "other/witness.json"]);
    assert_says(&error, &[&ours, &theirs, "run gen-witness"]);
    let error = folder.fails(6, &["prove", "-W", "other/witness.json"]);
    assert_says(&error, &[&ours, &theirs, "run gen-witness"]);
    assert_eq!(folder.read("proof.zkp"), proof);
}

#[test]
fn a_proving_key_of_another_circuit_is_refused() {
    let folder = two_models();
    let error = folder.fails(6, &["prove", "--compiled-circuit", "other/model.compiled"]);
    assert_says(
        &error,
        &[&short(&folder.read("other/model.compiled")), "run setup"],
    );
    folder.ok(&["prove", "--compiled-circuit", "model.compiled"]);
}

#[test]
fn a_proof_for_another_key_is_refused() {
    let folder = two_models();
    let [ours, theirs] = ["vk.key", "other/vk.key"].map(|name| {
        let key = zkassay::VerifyingKey::from_bytes(&folder.read(name)).unwrap();
        hex(&key.digest()[..6])
    });
    let error = folder.fails(6, &["verify", "--vk-path", "other/vk.key"]);
    assert_says(&error, &["proof.zkp", &ours, &theirs, "prove again"]);
    let error = folder.fails(6, &["verify", "--proof-path", "other/proof.zkp"]);
    assert_says(&error, &["other/proof.zkp", &ours, &theirs]);
}

#[test]
fn a_key_of_another_model_is_refused() {
    let folder = two_models();
    let [ours, theirs] = ["network.onnx", "other.onnx"].map(|name| short(&folder.read(name)));
    let error = folder.fails(6, &["verify", "--model", "other.onnx"]);
    assert_says(&error, &[&ours, &theirs, "the verifying key"]);
}

#[test]
fn parameters_of_another_setup_are_refused() {
    let folder = two_models();
    let error = folder.fails(6, &["prove", "--srs-path", "other/kzg.srs"]);
    assert_says(
        &error,
        &[
            "--srs-path",
            "not those that this proving key was made with",
        ],
    );
}

#[test]
fn a_key_made_again_with_other_parameters_refuses_the_proof() {
    let folder = Folder::proved();
    std::fs::remove_file(folder.path("kzg.srs")).unwrap();
    folder.ok(&["setup", "--unsafe-local-srs"]);
    folder.fails(6, &["verify"]);
}
