//! The chain from model to verdict, in stages and at once.

use serde_json::json;
use zkassay::{InputRows, Model};

use crate::folder::{Folder, assert_says};

#[test]
fn the_whole_chain_runs_on_defaults() {
    let folder = Folder::new();
    assert_says(
        &folder.ok(&["table"]),
        &["hidden", "Dense", "Sigmoid", "21 parameters", "planned"],
    );
    assert_says(
        &folder.ok(&["gen-settings"]),
        &["settings.json", "parameters fixed"],
    );
    assert_says(
        &folder.ok(&["calibrate-settings"]),
        &["50 rows", "inputs", "error", "tried"],
    );
    assert_says(
        &folder.ok(&["table", "-S", "settings.json"]),
        &["advice", "in use", "prove"],
    );
    assert_says(&folder.ok(&["compile-circuit"]), &["model.compiled"]);
    assert_says(
        &folder.ok(&["setup", "--unsafe-local-srs"]),
        &["unsafe-local", "kzg.srs"],
    );
    assert_says(
        &folder.ok(&["gen-witness"]),
        &["witness.json", "the model's output"],
    );
    assert_says(&folder.ok(&["mock"]), &["every gate holds"]);
    assert_says(&folder.ok(&["prove"]), &["proof.zkp", "unsafe-local"]);
    let said = folder.ok(&["verify", "--model", "network.onnx"]);
    assert_says(
        &said,
        &["proof.zkp: accepted", "input       private", "unsafe-local"],
    );
}

#[test]
fn the_proved_output_is_the_models() {
    let folder = Folder::proved();
    let verdict = folder.json(&["verify"]);
    let model = Model::from_onnx(&folder.read("network.onnx")).unwrap();
    let row = InputRows::from_json(&folder.read("input.json"), 3).unwrap();
    let float = model.graph().evaluate(row.view().row(0)).unwrap();
    let values = verdict["output"]["values"].as_array().unwrap();
    let real = values[0]["real"].as_f64().unwrap();
    assert!(
        (real - f64::from(float[0])).abs() < 1e-2,
        "{real} for {float:?}"
    );
    let field = format!("0x{:064x}", values[0]["integer"].as_i64().unwrap());
    assert_eq!(values[0]["field"], json!(field));
}

#[test]
fn every_command_prints_one_json_object() {
    let folder = Folder::new();
    let random = folder.json(&["gen-random-data", "--data", "other.json"]);
    assert_eq!((&random["rows"], &random["inputs"]), (&json!(1), &json!(3)));
    let planned = folder.json(&["table"]);
    assert_eq!(planned["nodes"][0]["op"], json!("Dense"));
    assert_eq!(planned["layout"]["exact"], json!(false));
    assert!(planned["cost"]["prove_seconds"].as_f64().unwrap() > 0.0);
    let settings = folder.json(&["gen-settings", "--layout", "speed"]);
    assert_eq!(
        settings["settings"]["visibility"]["input"],
        json!("private")
    );
    let settings = folder.json(&["calibrate-settings"]);
    assert_eq!(settings["rows"], json!(50));
    let circuit = folder.json(&["compile-circuit"]);
    assert_eq!(circuit["settings"], settings["sha256"]);
    assert_eq!(circuit["model"], settings["settings"]["model"]);
    let compiled = folder.json(&["table", "-S", "settings.json"]);
    assert_eq!(compiled["layout"], circuit["layout"]);
    assert_eq!(compiled["layout"]["exact"], json!(true));
    let setup = folder.json(&["setup", "--unsafe-local-srs"]);
    assert_eq!(setup["circuit"], circuit["sha256"]);
    assert_eq!(setup["srs"], json!("unsafe-local"));
    let witness = folder.json(&["gen-witness"]);
    assert_eq!(witness["circuit"], circuit["sha256"]);
    assert_eq!(folder.json(&["mock"])["satisfied"], json!(true));
    let proof = folder.json(&["prove"]);
    assert_eq!(proof["verifying_key"], setup["verifying_key"]);
    // Sizes are predicted exactly: of the transcript, to which the file adds what is public.
    assert_eq!(compiled["cost"]["verifying_key_bytes"], setup["vk_bytes"]);
    let transcript = compiled["cost"]["proof_bytes"].as_u64().unwrap();
    assert!((1..200).contains(&(proof["bytes"].as_u64().unwrap() - transcript)));
    let verdict = folder.json(&["verify"]);
    assert_eq!(verdict["verified"], json!(true));
    assert_eq!(verdict["output"], proof["output"]);
    assert_eq!(verdict["input"], json!({ "visibility": "private" }));
    assert_eq!(
        verdict["params"],
        json!({ "visibility": "fixed", "bound": true })
    );
    assert_eq!(verdict["model"], circuit["model"]);
    let all = folder.json(&[
        "prove-model",
        "network.onnx",
        "input.json",
        "--unsafe-local-srs",
    ]);
    assert_eq!(all["verified"], json!(true));
    assert_eq!(all["stages"].as_array().unwrap().len(), 8);
}

#[test]
fn prove_model_leaves_artefacts_that_the_stages_take_up() {
    let folder = Folder::new();
    let arguments = [
        "prove-model",
        "network.onnx",
        "input.json",
        "--unsafe-local-srs",
    ];
    let said = folder.ok(&[
        &arguments[..],
        &["--calibration", "calibration.json", "--out", "out"],
    ]
    .concat());
    assert_says(
        &said,
        &[
            "setup",
            "prove",
            "verify",
            "calibrated on 50 rows",
            "accepted",
            "out/proof.zkp",
        ],
    );
    let paths = |names: &[&'static str]| -> Vec<String> {
        names
            .iter()
            .flat_map(|name| {
                let (flag, file) = name.split_once('=').unwrap();
                [format!("--{flag}"), format!("out/{file}")]
            })
            .collect()
    };
    let run = |command: &str, names: &[&'static str]| {
        let paths = paths(names);
        let arguments: Vec<&str> = std::iter::once(command)
            .chain(paths.iter().map(String::as_str))
            .collect();
        folder.ok(&arguments)
    };
    run("verify", &["vk-path=vk.key", "proof-path=proof.zkp"]);
    run(
        "mock",
        &["witness=witness.json", "compiled-circuit=model.compiled"],
    );
    run(
        "compile-circuit",
        &[
            "settings-path=settings.json",
            "compiled-circuit=again.compiled",
        ],
    );
    assert_eq!(
        folder.read("out/again.compiled"),
        folder.read("out/model.compiled")
    );
    run(
        "prove",
        &[
            "witness=witness.json",
            "pk-path=pk.key",
            "srs-path=kzg.srs",
            "proof-path=again.zkp",
        ],
    );
    run("verify", &["vk-path=vk.key", "proof-path=again.zkp"]);
}

#[test]
fn prove_model_without_rows_says_where_the_range_comes_from() {
    let folder = Folder::new();
    let arguments = [
        "prove-model",
        "network.onnx",
        "input.json",
        "--unsafe-local-srs",
    ];
    assert_says(
        &folder.ok(&arguments),
        &["calibrated on the input alone", "--calibration"],
    );
    let record = folder.json(&arguments);
    assert_eq!(
        record["calibration"],
        json!({ "rows": 1, "from_input": true })
    );
}

#[test]
fn settings_and_circuit_are_the_same_each_time() {
    let [a, b] = [Folder::compiled(), Folder::compiled()];
    for name in ["settings.json", "model.compiled"] {
        assert_eq!(a.read(name), b.read(name), "{name}");
    }
}

#[test]
fn the_most_accurate_settings_are_at_least_as_accurate() {
    let folder = Folder::new();
    folder.ok(&["gen-settings"]);
    let mean = |arguments: &[&str]| {
        let record = folder.json(&[&["calibrate-settings"], arguments].concat());
        record["settings"]["calibration"]["fidelity"]["mean"]
            .as_f64()
            .unwrap()
    };
    assert!(
        mean(&["--target", "accuracy"]) < mean(&["--target", "resources", "--max-error", "0.1"])
    );
}

#[test]
fn parameters_made_here_are_marked_and_refused_on_request() {
    let folder = Folder::proved();
    let error = folder.fails(5, &["verify", "--require-ceremony"]);
    assert_says(&error, &["vk.key", "unsafe-local", "get-srs"]);
    // The same parameters serve the next setup, and the keys stay the same.
    let (key, srs) = (folder.read("vk.key"), folder.read("kzg.srs"));
    folder.ok(&["setup", "--unsafe-local-srs"]);
    folder.ok(&["setup", "--srs-path", "kzg.srs"]);
    assert_eq!((folder.read("vk.key"), folder.read("kzg.srs")), (key, srs));
}

#[test]
fn random_data_are_fixed_by_their_seed() {
    let folder = Folder::new();
    let draw = |seed: &str| {
        folder.ok(&[
            "gen-random-data",
            "--rows",
            "7",
            "--seed",
            seed,
            "--data",
            "rows.json",
        ]);
        folder.read("rows.json")
    };
    let first = draw("3");
    assert_eq!(draw("3"), first);
    assert_ne!(draw("4"), first);
    assert_eq!(
        InputRows::from_json(&first, 3).unwrap().view().dim(),
        (7, 3)
    );
}

#[test]
fn parameters_of_gen_srs_serve_setup_and_proof() {
    let folder = Folder::compiled();
    folder.json(&["gen-srs", "--logrows", "9", "--srs-path", "large.srs"]);
    let setup = folder.json(&["setup", "--srs-path", "large.srs"]);
    assert_eq!(setup["srs"], json!("unsafe-local"));
    folder.ok(&["gen-witness"]);
    assert_says(
        &folder.fails(1, &["prove"]),
        &["unsafe-local", "--srs-path"],
    );
    folder.ok(&["prove", "--srs-path", "large.srs"]);
    folder.ok(&["verify"]);
    folder.ok(&["gen-srs", "--logrows", "2", "--srs-path", "small.srs"]);
    assert_says(
        &folder.fails(1, &["setup", "--srs-path", "small.srs"]),
        &["small.srs", "2^2", "2^7"],
    );
}

/// PyTorch's default: the key is bound to both files.
#[test]
fn weights_in_a_second_file_are_part_of_the_model() {
    let folder = Folder::new();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/models");
    let (model, weights) = ("dynamo-external.onnx", "dynamo-external.onnx.data");
    for name in [model, weights, "input.json", "calibration.json"] {
        folder.write(name, &std::fs::read(fixtures.join(name)).unwrap());
    }
    let chain = ["prove-model", model, "input.json", "--unsafe-local-srs"];
    let calibration = ["--calibration", "calibration.json", "--out", "."];
    folder.ok(&[&chain[..], &calibration[..]].concat());
    let verify = ["verify", "--model", model];
    assert_says(&folder.ok(&verify), &["accepted"]);

    let mut bytes = folder.read(weights);
    bytes[0] ^= 1;
    folder.write(weights, &bytes);
    assert_eq!(folder.run(&verify).status.code(), Some(6));
    std::fs::remove_file(folder.path(weights)).unwrap();
    let output = folder.run(&["gen-settings", "-M", model]);
    assert_says(
        &String::from_utf8(output.stderr).unwrap(),
        &[weights, "cannot be read"],
    );
}
