//! Files that are missing, not whole, of another kind or version, or changed.

use zkassay::{Proof, PublicData};

use crate::folder::{Folder, assert_says};

/// Each artefact, and a command that reads it.
const READERS: [(&str, &[&str]); 8] = [
    ("network.onnx", &["table"]),
    ("settings.json", &["compile-circuit"]),
    ("model.compiled", &["gen-witness"]),
    ("witness.json", &["prove"]),
    ("pk.key", &["prove"]),
    ("kzg.srs", &["prove"]),
    ("vk.key", &["verify"]),
    ("proof.zkp", &["verify"]),
];

#[test]
fn missing_files_are_named_with_what_makes_them() {
    let folder = Folder::proved();
    for (name, command) in READERS {
        let bytes = folder.read(name);
        std::fs::remove_file(folder.path(name)).unwrap();
        let error = folder.fails(1, command);
        assert_says(&error, &[name]);
        if !["network.onnx", "kzg.srs"].contains(&name) {
            assert_says(&error, &["there is no", "run `zkassay "]);
        }
        folder.write(name, &bytes);
        folder.ok(command);
    }
    assert_says(
        &folder.fails(1, &["gen-witness", "-D", "no.json"]),
        &["no.json", "gen-random-data"],
    );
}

#[test]
fn truncated_files_are_refused_by_name() {
    let folder = Folder::proved();
    for (name, command) in READERS {
        let bytes = folder.read(name);
        for length in [0, 1, bytes.len() / 2, bytes.len() - 2] {
            folder.write(name, &bytes[..length]);
            assert_says(&folder.fails(1, command), &[name]);
        }
        folder.write(name, &bytes);
        folder.ok(command);
    }
}

#[test]
fn every_file_is_refused_in_place_of_every_other() {
    let folder = Folder::proved();
    for (name, command) in READERS {
        let bytes = folder.read(name);
        for (other, _) in READERS.iter().filter(|(other, _)| *other != name) {
            let foreign = if *other == name {
                bytes.clone()
            } else {
                folder.read(other)
            };
            folder.write(name, &foreign);
            assert_says(&folder.fails(1, command), &[name]);
            folder.write(name, &bytes);
        }
    }
    let error = |name: &str, other: &str, command: &[&str]| {
        let bytes = folder.read(name);
        folder.write(name, &folder.read(other));
        let error = folder.fails(1, command);
        folder.write(name, &bytes);
        error
    };
    assert_says(
        &error("vk.key", "proof.zkp", &["verify"]),
        &["expected a verifying key, found a proof"],
    );
    assert_says(
        &error("witness.json", "settings.json", &["mock"]),
        &["expected a zkassay witness file, found zkassay settings"],
    );
    assert_says(
        &error("settings.json", "vk.key", &["compile-circuit"]),
        &["found a binary zkassay file"],
    );
}

#[test]
fn older_versions_are_refused_by_name() {
    let folder = Folder::proved();
    for (name, command) in READERS {
        let bytes = folder.read(name);
        let (older, said) = match name {
            "network.onnx" => continue,
            "settings.json" | "witness.json" => {
                let text = String::from_utf8(bytes.clone()).unwrap();
                (
                    text.replace("\"version\": 1", "\"version\": 0")
                        .into_bytes(),
                    "version 0, expected 1",
                )
            }
            _ => {
                let mut older = bytes.clone();
                older[9] = 0;
                (older, "version 0, expected")
            }
        };
        folder.write(name, &older);
        assert_says(&folder.fails(1, command), &[name, said]);
        folder.write(name, &bytes);
    }
}

#[test]
fn changed_settings_are_refused_or_give_another_circuit() {
    let folder = Folder::compiled();
    let (settings, circuit) = (folder.read("settings.json"), folder.read("model.compiled"));
    let text = String::from_utf8(settings).unwrap();
    let change = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        folder.write("settings.json", text.replacen(from, to, 1).as_bytes());
    };
    change("\"input\": 2,", "\"input\": 4000000000,");
    assert_says(&folder.fails(1, &["compile-circuit"]), &["settings.json"]);
    change(
        "\"layout\": \"speed\"",
        "\"layout\": \"speed\", \"colour\": 1",
    );
    assert_says(
        &folder.fails(1, &["compile-circuit"]),
        &["unknown field `colour`"],
    );
    change("\"kind\"", "\"sort\"");
    assert_says(
        &folder.fails(1, &["compile-circuit"]),
        &["found a JSON file of something else"],
    );
    change("\"margin\": 2.0", "\"margin\": 3.0");
    folder.ok(&["compile-circuit"]);
    assert_ne!(folder.read("model.compiled"), circuit);
}

#[test]
fn a_changed_witness_is_refused() {
    let folder = Folder::proved();
    let text = String::from_utf8(folder.read("witness.json")).unwrap();
    let mut witness: serde_json::Value = serde_json::from_str(&text).unwrap();
    let output = witness["output_integers"][0].as_i64().unwrap();
    witness["output_integers"][0] = (output + 1).into();
    folder.write("witness.json", witness.to_string().as_bytes());
    for command in ["mock", "prove"] {
        assert_says(
            &folder.fails(1, &[command]),
            &["witness", "not those of its input"],
        );
    }
}

#[test]
fn a_changed_proof_is_rejected() {
    let folder = Folder::proved();
    let honest = Proof::from_bytes(&folder.read("proof.zkp")).unwrap();
    let rejected = |proof: &Proof| {
        folder.write("proof.zkp", &proof.to_bytes());
        assert_says(&folder.fails(5, &["verify"]), &["proof.zkp"]);
    };
    let mut proof = honest.clone();
    proof.transcript[5] ^= 1;
    rejected(&proof);
    let mut proof = honest.clone();
    proof.transcript.pop();
    rejected(&proof);
    // Another output, as integer and real number; and only the real number.
    let scale = 16;
    for (integers, reals) in [(1, 1), (0, 1)] {
        let mut proof = honest.clone();
        if let PublicData::Values(values) = &mut proof.output {
            values[0].integer += integers;
            values[0].real += f64::from(reals) / f64::from(1 << scale);
        }
        rejected(&proof);
    }
    let mut proof = honest.clone();
    proof.input = PublicData::Values(Vec::new());
    rejected(&proof);
    folder.write("proof.zkp", &honest.to_bytes());
    folder.ok(&["verify"]);
}

#[cfg(unix)]
#[test]
fn files_with_secrets_are_for_their_owner() {
    use std::os::unix::fs::PermissionsExt as _;

    for (params, secret) in [("fixed", false), ("private", true)] {
        let folder = Folder::new();
        folder.ok(&["gen-settings", "--param-visibility", params]);
        folder.ok(&["calibrate-settings", "--max-error", "0.5"]);
        folder.ok(&["compile-circuit"]);
        folder.ok(&["setup", "--unsafe-local-srs"]);
        folder.ok(&["gen-witness"]);
        let is_secret = |name: &str| {
            let metadata = std::fs::metadata(folder.path(name)).unwrap();
            metadata.permissions().mode() & 0o077 == 0
        };
        assert!(is_secret("witness.json") && !is_secret("vk.key") && !is_secret("settings.json"));
        for name in ["model.compiled", "pk.key"] {
            assert_eq!(is_secret(name), secret, "{name}, parameters {params}");
        }
    }
}
