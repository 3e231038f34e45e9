//! Models of the columns of a table, as skl2onnx writes them, from rows with strings to a verified
//! proof; and models that are made for a batch of rows.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use ndarray::Array2;
use zkassay::{
    CalibrationOptions, Circuit, CompileOptions, DataVisibility, ImportOptions, InputRows, Model,
    PublicData, Settings, Srs, Visibility, Witness, prove, random_rows_of, setup, verify,
};

fn model(name: &str) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/operators");
    let bytes = fs::read(folder.join(name).with_extension("onnx")).unwrap();
    let options = ImportOptions {
        output: name
            .starts_with("sklearn")
            .then(|| "output_probability".to_owned()),
        ..ImportOptions::default()
    };
    Model::from_onnx_with(&bytes, &options).unwrap()
}

fn rows(model: &Model, json: &str) -> Result<Array2<f32>, String> {
    let interface = &model.graph().interface;
    let text = format!("{{\"input_data\": {json}}}");
    let rows = InputRows::for_interface(text.as_bytes(), model.inputs(), interface);
    rows.map(Into::into).map_err(|error| error.to_string())
}

/// The circuit with public inputs, calibrated on rows that have one category each.
fn circuit(model: &Model, rows: &Array2<f32>) -> Circuit {
    let compile = CompileOptions {
        visibility: Visibility {
            input: DataVisibility::Public,
            ..Visibility::default()
        },
        ..CompileOptions::default()
    };
    let settings = Settings::new(model, &compile);
    let settings = settings.calibrate(model, rows.view(), &CalibrationOptions::default());
    let settings = Settings::from_json(&settings.unwrap().to_json()).unwrap();
    let circuit = settings.compile(model).unwrap();
    // As a file, too.
    let read = Circuit::from_bytes(&circuit.to_bytes().unwrap()).unwrap();
    assert_eq!(read.interface, circuit.interface);
    read
}

#[test]
fn strings_are_proved_and_read_from_public_inputs() {
    let model = model("sklearn/columns-onehot");
    // The range of categories does not depend on the rows.
    let row = |i: i32| {
        let score = f64::from(i % 7) / 2.0 - 1.5;
        format!("[{}, {score}, \"oslo\", \"clerk\"]", 20 + 2 * i)
    };
    let some: Vec<String> = (0..24).map(row).collect();
    let calibration = rows(&model, &format!("[{}]", some.join(", ")));
    let circuit = circuit(&model, &calibration.unwrap());
    let srs = Srs::unsafe_local(circuit.compiled.logrows());
    let key = setup(&srs, &circuit).unwrap();
    for (row, city) in [
        (
            r#"[{"age": 41.5, "score": 0.25, "city": "são paulo", "job": "nurse"}]"#,
            Some("são paulo"),
        ),
        (r#"[[41.5, 0.25, "atlantis", "nurse"]]"#, None),
    ] {
        let row = rows(&model, row).unwrap().row(0).to_vec();
        let witness = Witness::new(&circuit, &row).unwrap();
        let expected = model
            .graph()
            .evaluate(ndarray::ArrayView1::from(&row))
            .unwrap();
        for (found, expected) in witness.output().iter().zip(expected) {
            assert!(
                (found - f64::from(expected)).abs() < 2e-2,
                "{found} {expected}"
            );
        }
        let proof = prove(&srs, &key, &witness).unwrap();
        let verdict = verify(key.verifying_key(), &proof);
        assert_eq!(verdict.unwrap().outputs, witness.output());
        let PublicData::Values(values) = &proof.input else {
            unreachable!("inputs are public");
        };
        // The key alone has the position; the circuit has the string.
        assert_eq!(circuit.interface.word(2, values[2].real), city);
        assert_eq!(circuit.interface.word(3, values[3].real), Some("nurse"));
        // Another category is another statement.
        let mut integers = proof.input.integers();
        integers[3] -= integers[3] / 2;
        assert_ne!(integers, proof.input.integers());
        let mut forged = proof.clone();
        let scales = &key.verifying_key().statement().input_scales;
        forged.input = PublicData::values(&integers, scales);
        assert!(verify(key.verifying_key(), &forged).is_err());
    }
}

#[test]
fn numbers_that_are_no_category_are_refused() {
    let model = model("sklearn/columns-onehot-error");
    let calibration = rows(
        &model,
        r#"[[30, -1, "oslo", "clerk"], [60, 1, "rome", "cook"]]"#,
    );
    let circuit = circuit(&model, &calibration.unwrap());
    let message = rows(&model, r#"[[30, -1, "oslo", "pilot"]]"#).unwrap_err();
    assert!(message.contains("`job` is \"pilot\""), "{message}");
    for row in [
        [30.0, -1.0, 4.0, 0.0],
        [30.0, -1.0, 0.5, 0.0],
        [30.0, -1.0, 0.0, -1.0],
    ] {
        let error = Witness::new(&circuit, &row).unwrap_err().to_string();
        assert!(
            error.contains("`city` is") || error.contains("`job` is"),
            "{error}"
        );
    }
    let error = Witness::new(&circuit, &[1e6, 0.0, 0.0, 0.0]).unwrap_err();
    assert!(
        error.to_string().contains("value 0 of input 'age'"),
        "{error}"
    );
}

#[test]
fn every_column_has_random_rows() {
    for name in ["columns-onehot", "columns-onehot-error", "columns-integers"] {
        let model = model(&format!("sklearn/{name}"));
        let interface = &model.graph().interface;
        let random = random_rows_of(interface, model.inputs(), 50, 1);
        for row in random.outer_iter() {
            assert_eq!(interface.check(&row.to_vec()), Ok(()));
        }
        let bytes = zkassay::input::to_json_of(interface, random.view());
        let read = InputRows::for_interface(&bytes, model.inputs(), interface).unwrap();
        assert_eq!(read.view(), random);
    }
}

#[test]
fn a_fixed_batch_is_in_the_settings() {
    let model = model("torchscript/batch-mlp");
    let settings = Settings::new(&model, &CompileOptions::default());
    assert_eq!(settings.rows_of_file(), Some(4));
    let read = Settings::from_json(&settings.to_json()).unwrap();
    assert_eq!(read.rows_of_file(), Some(4));
    assert_eq!(model.inputs(), 8);
}
