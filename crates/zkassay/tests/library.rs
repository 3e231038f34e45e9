//! The stages as a library, and readers on any bytes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ndarray::{Array1, Array2};
use zkassay::{
    CalibrationOptions, CompileOptions, Error, InputRows, Model, Parameters, ProveOptions,
    Settings, Srs, Target, Witness, prove_model, random_rows, setup, stages,
};
use zkassay_onnx::ModelBuilder;
use zkassay_seed::Stream;

/// A model with hidden layers of the given widths, weights by seed.
fn onnx(widths: &[usize], seed: u64) -> Vec<u8> {
    let mut stream = Stream::new(seed, "zkassay/library-test");
    let mut model = ModelBuilder::new("model", widths[0]).unwrap();
    for (index, pair) in widths.windows(2).enumerate() {
        if index > 0 {
            model = model.relu(&format!("relu{index}")).unwrap();
        }
        let deviation = 1.5 / (pair[0] as f64).sqrt();
        let mut draw = || (stream.normal() * deviation) as f32;
        let weights = Array2::from_shape_simple_fn((pair[1], pair[0]), &mut draw);
        let bias = Array1::from_shape_simple_fn(pair[1], &mut draw);
        model = model
            .dense(&format!("dense{index}"), weights.view(), bias.view())
            .unwrap();
    }
    model.encode().unwrap()
}

fn calibrated(model: &Model, seed: u64) -> Settings {
    let rows = random_rows(model.inputs(), 20, seed);
    let options = CalibrationOptions {
        target: Target::Resources {
            max_error: 0.123_456_789,
        },
        margin: 1.0 + seed as f64 / 7.0,
        fold: true,
    };
    Settings::new(model, &CompileOptions::default())
        .calibrate(model, rows.view(), &options)
        .unwrap()
}

#[test]
fn settings_keep_their_hash_and_circuit_through_json() {
    for seed in 0..60 {
        let widths: &[usize] = if seed % 2 == 0 { &[5, 4, 2] } else { &[7, 1] };
        let model = Model::from_onnx(&onnx(widths, seed)).unwrap();
        let settings = calibrated(&model, seed);
        let read = Settings::from_json(&settings.to_json()).unwrap();
        assert_eq!(read, settings, "seed {seed}");
        assert_eq!(read.digest(), settings.digest());
        let [a, b] = [settings, read].map(|settings| settings.compile(&model).unwrap());
        assert_eq!(a.to_bytes().unwrap(), b.to_bytes().unwrap());
    }
}

#[test]
fn calibrating_again_replaces_the_calibration() {
    let model = Model::from_onnx(&onnx(&[5, 4, 2], 1)).unwrap();
    let settings = calibrated(&model, 1);
    let rows = random_rows(5, 20, 2);
    let options = CalibrationOptions::default();
    let again = settings.calibrate(&model, rows.view(), &options).unwrap();
    let fresh = Settings::new(&model, &CompileOptions::default());
    assert_eq!(
        again,
        fresh.calibrate(&model, rows.view(), &options).unwrap()
    );
}

#[test]
fn artefacts_of_two_models_are_told_apart() {
    let [a, b] = [1, 2].map(|seed| Model::from_onnx(&onnx(&[5, 4, 2], seed)).unwrap());
    let [settings_a, settings_b] = [&a, &b].map(|model| calibrated(model, 3));
    let error = settings_a.compile(&b).unwrap_err();
    assert!(error.is_mismatch() && !error.is_rejection(), "{error}");
    let [circuit_a, circuit_b] = [
        settings_a.compile(&a).unwrap(),
        settings_b.compile(&b).unwrap(),
    ];
    let row = [0.5, -0.5, 0.25, 1.0, 0.0];
    let [witness_a, witness_b] =
        [&circuit_a, &circuit_b].map(|circuit| Witness::new(circuit, &row).unwrap());
    assert!(stages::mock(&circuit_a, &witness_a).is_ok());
    assert!(
        stages::mock(&circuit_a, &witness_b)
            .unwrap_err()
            .is_mismatch()
    );
    let srs = Srs::unsafe_local(circuit_a.compiled.logrows());
    let [key_a, key_b] = [&circuit_a, &circuit_b].map(|circuit| setup(&srs, circuit).unwrap());
    assert!(
        stages::prove(&srs, &key_a, &witness_b)
            .unwrap_err()
            .is_mismatch()
    );
    let proof = stages::prove(&srs, &key_a, &witness_a).unwrap();
    assert!(
        stages::verify(key_b.verifying_key(), &proof)
            .unwrap_err()
            .is_mismatch()
    );
    // The name of the other key alone does not help.
    let mut forged = proof.clone();
    forged.key = key_b.verifying_key().digest();
    assert!(
        stages::verify(key_b.verifying_key(), &forged)
            .unwrap_err()
            .is_rejection()
    );
    assert_eq!(
        stages::verify(key_a.verifying_key(), &proof)
            .unwrap()
            .outputs,
        witness_a.output()
    );
}

#[test]
fn models_are_proved_with_given_parameters() {
    let onnx = onnx(&[5, 4, 2], 1);
    let srs = Srs::unsafe_local(9);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kzg.srs");
    std::fs::write(&path, srs.to_bytes()).unwrap();
    for parameters in [Parameters::Given(Box::new(srs)), Parameters::File(path)] {
        let options = ProveOptions {
            rows: Some(random_rows(5, 20, 1)),
            parameters,
            ..ProveOptions::default()
        };
        let proved = prove_model(&onnx, &[0.5, -0.5, 0.25, 1.0, 0.0], &options).unwrap();
        assert_eq!(proved.verdict.outputs, proved.witness.output());
        assert!(proved.verdict.outputs.iter().any(|output| *output != 0.0));
    }
    let rows = ProveOptions {
        rows: Some(random_rows(4, 20, 1)),
        ..ProveOptions::default()
    };
    let error = prove_model(&onnx, &[0.5; 5], &rows).unwrap_err();
    assert!(matches!(error, Error::Quant(_)), "{error}");
    assert!(prove_model(&onnx, &[], &ProveOptions::default()).is_err());
}

/// Bytes with a few changes: bits flipped, pieces cut out, doubled or cut off.
fn change(bytes: &[u8], stream: &mut Stream) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    for _ in 0..=stream.below(4) {
        let [a, b] = [stream.below(changed.len()), stream.below(changed.len())];
        let (from, to) = (a.min(b), a.max(b));
        match stream.below(5) {
            0 => changed.truncate(to.max(1)),
            1 => drop(changed.splice(from..to.min(from + 8), [])),
            2 => {
                let piece = changed[from..to.min(from + 16)].to_vec();
                changed.splice(from..from, piece);
            }
            3 => changed[from] = b"0123456789-.eE\"[]{},:"[stream.below(21)],
            _ => changed[from] ^= 1 << stream.below(8),
        }
        if changed.is_empty() {
            changed.push(b'{');
        }
    }
    changed
}

#[test]
fn readers_refuse_changed_files_without_panicking() {
    let model = Model::from_onnx(&onnx(&[3, 2, 1], 1)).unwrap();
    let settings = calibrated(&model, 1);
    let circuit = settings.compile(&model).unwrap();
    let witness = Witness::new(&circuit, &[0.5, -0.25, 1.0]).unwrap();
    let rows = br#"{"input_data": [[0.5, -25e-2, 1], [[1], [2, 3]]], "more": {"a": [1, null]}}"#;
    let mut stream = Stream::new(1, "zkassay/changed-files");
    let mut refused = [0; 3];
    for _ in 0..5000 {
        let bytes = change(&settings.to_json(), &mut stream);
        let compiled = Settings::from_json(&bytes).and_then(|settings| settings.compile(&model));
        refused[0] += usize::from(compiled.is_err());
        let bytes = change(&witness.to_json(), &mut stream);
        let mocked =
            Witness::from_json(&bytes).and_then(|witness| stages::mock(&circuit, &witness));
        refused[1] += usize::from(mocked.is_err());
        let bytes = change(rows, &mut stream);
        refused[2] += usize::from(InputRows::from_json(&bytes, 3).is_err());
    }
    assert!(refused.iter().all(|count| *count > 1000), "{refused:?}");
}
