//! Features of very different magnitude, from rows to proofs, and attacks on what their integers stand for.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ndarray::{Array2, array};
use zkassay::accuracy::{self, Expected, Salt, TestRows};
use zkassay::{
    CalibrationOptions, Circuit, CompileOptions, Count, Counting, DataVisibility, Error, Model,
    ModelTable, ParamsVisibility, Proof, PublicData, Settings, Srs, VerifyingKey, Visibility,
    Witness, mock, prove, random_rows, setup, verify,
};
use zkassay_circuit::cost::Machine;
use zkassay_fixed::{InputScales, Scale};
use zkassay_onnx::ModelBuilder;
use zkassay_quant::{IntegerModel, QuantError, quantize_model};
use zkassay_verifier::VerifyError;

/// A price, a number, a return.
const MAGNITUDES: [f32; 3] = [60_000.0, 1.0, 0.001];

/// A network behind a division by the magnitudes: with a tanh, it is no chain of dense layers.
fn onnx(is_chain: bool) -> Vec<u8> {
    let first = array![[1.0, -0.5, 0.25], [-0.75, 1.0, 0.5], [0.3, 0.3, -0.9]];
    let last = array![[0.5, -1.0, 0.75], [-0.25, 0.5, 1.0]];
    ModelBuilder::new("raw", 3)
        .and_then(|model| model.divide("divide", array![60_000.0, 1.0, 0.001].view()))
        .and_then(|model| model.dense("first", first.view(), array![0.3, -0.4, 0.1].view()))
        .and_then(|model| match is_chain {
            true => model.relu("middle"),
            false => model.tanh("middle"),
        })
        .and_then(|model| model.dense("last", last.view(), array![0.1, -0.1].view()))
        .and_then(ModelBuilder::encode)
        .unwrap()
}

fn rows(count: usize, seed: u64) -> Array2<f32> {
    random_rows(3, count, seed) * &array![MAGNITUDES[0], MAGNITUDES[1], MAGNITUDES[2]]
}

fn compiled(model: &Model, options: &CompileOptions, count: Option<Count>) -> (Settings, Circuit) {
    let settings = Settings::new(model, options);
    let settings = match count {
        None => settings,
        Some(count) => settings.with_count(Counting { count, classes: 2 }).unwrap(),
    };
    // Secret weights are coarse.
    let max_error = match options.visibility.params {
        ParamsVisibility::Fixed => 0.01,
        ParamsVisibility::Private => 0.05,
    };
    let calibration = CalibrationOptions {
        target: zkassay::Target::Resources { max_error },
        ..CalibrationOptions::default()
    };
    let settings = settings
        .calibrate(model, rows(40, 1).view(), &calibration)
        .unwrap();
    // As a file, they are the same.
    let settings = Settings::from_json(&settings.to_json()).unwrap();
    let circuit = settings.compile(model).unwrap();
    let circuit = Circuit::from_bytes(&circuit.to_bytes().unwrap()).unwrap();
    (settings, circuit)
}

fn visible(input: DataVisibility, params: ParamsVisibility) -> CompileOptions {
    CompileOptions {
        visibility: Visibility {
            input,
            params,
            ..Visibility::default()
        },
        ..CompileOptions::default()
    }
}

#[test]
fn gates_hold_in_all_corners_and_settings_say_the_ranges() {
    for (is_chain, params) in [
        (true, ParamsVisibility::Fixed),
        (true, ParamsVisibility::Private),
        (false, ParamsVisibility::Fixed),
    ] {
        let model = Model::from_onnx(&onnx(is_chain)).unwrap();
        let (settings, circuit) = compiled(&model, &visible(DataVisibility::Public, params), None);
        let calibrated = settings.calibration().unwrap();
        assert_eq!(circuit.compiled.input_scales().as_slice().len(), 3);
        let each = &calibrated.accepted_each;
        assert_eq!(each.len(), 3);
        assert_eq!(each[0], calibrated.accepted);
        for ([low, high], magnitude) in each.iter().zip(MAGNITUDES) {
            assert!(*low < -2.0 * magnitude && *low > -20.0 * magnitude);
            assert!(*high > 2.0 * magnitude && *high < 20.0 * magnitude);
        }
        let integers = quantize_model(model.graph(), &calibrated.scheme).unwrap();
        for corner in 0..9 {
            // The last is an ordinary row.
            let end = |feature: usize| each[feature][corner >> feature & 1];
            let row = match corner {
                8 => rows(1, 3).row(0).to_vec(),
                _ => (0..3).map(end).collect(),
            };
            let witness = Witness::new(&circuit, &row).unwrap();
            mock(&circuit, &witness).unwrap();
            // Bit for bit what the integer model says.
            let trace = integers.evaluate(&row).unwrap();
            assert_eq!(witness.output_integers(), trace.outputs);
        }
        // A range of one's own is a range.
        let mut row = rows(1, 3).row(0).to_vec();
        row[2] = 1.0;
        let error = Witness::new(&circuit, &row).unwrap_err().to_string();
        assert!(
            error.contains("value 2 of input") && error.contains(" is 1,"),
            "{error}"
        );
    }
}

#[test]
fn settings_with_other_ranges_are_refused() {
    let model = Model::from_onnx(&onnx(true)).unwrap();
    let options = visible(DataVisibility::Public, ParamsVisibility::Fixed);
    let (settings, circuit) = compiled(&model, &options, None);
    let json: serde_json::Value = serde_json::from_slice(&settings.to_json()).unwrap();
    let changed = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut json = json.clone();
        change(&mut json["calibration"]);
        Settings::from_json(&serde_json::to_vec(&json).unwrap())
            .and_then(|settings| settings.compile(&model))
    };
    let same = changed(&|_| ()).unwrap();
    assert_eq!(same.to_bytes().unwrap(), circuit.to_bytes().unwrap());
    let exponents = json["calibration"]["scheme"]["exponents"]
        .as_array()
        .unwrap();
    assert_eq!(exponents.len(), 3);
    for exponents in [
        serde_json::json!([]),
        serde_json::json!([1]),
        serde_json::json!([18, 3, -6, 0]),
        serde_json::json!([18, 3, 120]),
        serde_json::json!([18, 3, 1e9]),
        serde_json::json!([19, 4, 0]),
    ] {
        let result = changed(&|calibration| calibration["scheme"]["exponents"] = exponents.clone());
        assert!(result.is_err(), "{exponents}");
    }
    assert!(changed(&|calibration| calibration["accepted_each"][1][0] = (-3.0).into()).is_err());
    assert!(changed(&|calibration| calibration["accepted_each"] = serde_json::json!([])).is_err());
}

/// The same proof, with what its integers stand for read in another way.
#[test]
fn public_inputs_are_those_of_the_key() {
    for is_chain in [true, false] {
        let model = Model::from_onnx(&onnx(is_chain)).unwrap();
        let options = visible(DataVisibility::Public, ParamsVisibility::Fixed);
        let (_, circuit) = compiled(&model, &options, None);
        let srs = Srs::unsafe_local(circuit.compiled.logrows());
        let key = setup(&srs, &circuit).unwrap();
        let row = rows(1, 3).row(0).to_vec();
        let proof = prove(&srs, &key, &Witness::new(&circuit, &row).unwrap()).unwrap();
        let key = VerifyingKey::from_bytes(&key.verifying_key().to_bytes()).unwrap();
        let proof = Proof::from_bytes(&proof.to_bytes()).unwrap();
        let verdict = verify(&key, &proof).unwrap();
        let scales = key.statement().input_scales.clone();
        for (index, (shown, given)) in verdict.inputs.iter().zip(&row).enumerate() {
            let half = 0.5 / scales.of(index).factor();
            assert!((shown - f64::from(*given)).abs() <= half, "{shown} {given}");
        }
        let integers = proof.input.integers();
        let mut others: Vec<InputScales> = scales.as_slice().iter().map(|s| (*s).into()).collect();
        let reversed: Vec<Scale> = scales.as_slice().iter().rev().copied().collect();
        others.push(InputScales::of_each(&reversed));
        for other in others {
            let forged = Proof {
                input: PublicData::values(&integers, other),
                ..proof.clone()
            };
            let result = verify(&key, &forged);
            let is_real = matches!(result, Err(Error::Verify(VerifyError::Real { .. })));
            assert!(is_real, "{result:?}");
        }
        // Integers of other numbers, correctly decoded.
        for index in 0..3 {
            let mut integers = integers.clone();
            integers[index] += 1;
            let forged = Proof {
                input: PublicData::values(&integers, &scales),
                ..proof.clone()
            };
            let result = verify(&key, &forged);
            let is_refused = matches!(result, Err(Error::Verify(VerifyError::Rejected { .. })));
            assert!(is_refused, "{result:?}");
        }
    }
}

/// Whoever changes the scales in a key, and adapts the proof to it, has a proof for no key.
#[test]
fn a_key_with_other_scales_is_another_key() {
    let model = Model::from_onnx(&onnx(true)).unwrap();
    let options = visible(DataVisibility::Public, ParamsVisibility::Fixed);
    let (settings, circuit) = compiled(&model, &options, None);
    let srs = Srs::unsafe_local(circuit.compiled.logrows());
    let key = setup(&srs, &circuit).unwrap();
    let row = rows(1, 3).row(0).to_vec();
    let proof = prove(&srs, &key, &Witness::new(&circuit, &row).unwrap()).unwrap();
    let file = key.verifying_key().to_bytes();
    // Predicted with a byte for each of the scales.
    let table = ModelTable::with_settings(&model, &settings, &Machine::default()).unwrap();
    assert_eq!(table.cost.unwrap().verifying_key_bytes, file.len());
    let scales = key.verifying_key().statement().input_scales.clone();
    let bytes: Vec<u8> = scales
        .as_slice()
        .iter()
        .map(|scale| scale.0 as u8)
        .collect();
    let payload = zkassay_verifier::artefact::open(zkassay_verifier::Kind::VerifyingKey, &file);
    let payload = payload.unwrap();
    let at = payload
        .windows(3)
        .position(|window| window == bytes)
        .unwrap();
    for index in 0..3 {
        let mut payload = payload.to_vec();
        payload[at + index] = payload[at + index].wrapping_add(1);
        let file = zkassay_verifier::artefact::seal(zkassay_verifier::Kind::VerifyingKey, &payload);
        let other = VerifyingKey::from_bytes(&file).unwrap();
        let scales = &other.statement().input_scales;
        assert_ne!(*scales, key.verifying_key().statement().input_scales);
        let result = other.verify(&proof);
        assert!(matches!(result, Err(VerifyError::Key { .. })), "{result:?}");
        let adapted = Proof {
            key: other.digest(),
            input: PublicData::values(&proof.input.integers(), scales),
            ..proof.clone()
        };
        let result = verify(&other, &adapted);
        let is_refused = matches!(result, Err(Error::Verify(VerifyError::Rejected { .. })));
        assert!(is_refused, "{result:?}");
    }
}

/// A hash is that of the integers, which the key says how to make of numbers.
#[test]
fn hashed_inputs_are_the_integers_of_the_key() {
    let model = Model::from_onnx(&onnx(true)).unwrap();
    let options = visible(DataVisibility::Hashed, ParamsVisibility::Fixed);
    let (_, circuit) = compiled(&model, &options, None);
    let srs = Srs::unsafe_local(circuit.compiled.logrows());
    let key = setup(&srs, &circuit).unwrap();
    let row = rows(1, 3).row(0).to_vec();
    let proof = prove(&srs, &key, &Witness::new(&circuit, &row).unwrap()).unwrap();
    let key = key.verifying_key();
    let verdict = verify(key, &proof).unwrap();
    let scales = &key.statement().input_scales;
    let integer = |(index, x): (usize, &f32)| scales.of(index).quantize((*x).into()).unwrap();
    let integers: Vec<i64> = row.iter().enumerate().map(integer).collect();
    assert_eq!(key.hash_of_input(&integers), Some(verdict.input_hashes[0]));
    for index in 0..3 {
        let mut integers = integers.clone();
        integers[index] -= 1;
        assert_ne!(key.hash_of_input(&integers), Some(verdict.input_hashes[0]));
    }
}

#[test]
fn accuracy_on_raw_rows_is_proved_and_bound_to_them() {
    let model = Model::from_onnx(&onnx(true)).unwrap();
    for input in [DataVisibility::Public, DataVisibility::Hashed] {
        let options = CompileOptions {
            batch: 2,
            ..visible(input, ParamsVisibility::Fixed)
        };
        let (settings, circuit) = compiled(&model, &options, Some(Count::Correct));
        assert!(circuit.compiled.input_scales().as_slice().len() > 1);
        let calibrated = settings.calibration().unwrap();
        let IntegerModel::Program(program) =
            quantize_model(model.graph(), &calibrated.scheme).unwrap()
        else {
            panic!("a program");
        };
        let values = rows(5, 8);
        let labels: Vec<u32> = vec![0, 1, 0, 1, 1];
        let class = |row: Vec<f32>| {
            let outputs = program.evaluate(&row).unwrap().outputs;
            u32::from(outputs[1] > outputs[0])
        };
        let classes = values.outer_iter().map(|row| class(row.to_vec()));
        let right = classes
            .zip(&labels)
            .filter(|(class, label)| class == *label)
            .count() as u64;
        let flat: Vec<f32> = values.iter().copied().collect();
        let rows = TestRows::new(3, flat.clone(), labels.clone()).unwrap();
        let salt = Salt::from_text(&"5c".repeat(32)).unwrap();
        let salt = (input == DataVisibility::Hashed).then_some(&salt);
        let srs = Srs::unsafe_local(circuit.compiled.logrows());
        let key = setup(&srs, &circuit).unwrap();
        let proof = accuracy::prove(&srs, &key, &rows, salt, |_, _| ()).unwrap();
        let key = key.verifying_key();
        let expected = Expected::default();
        let verdict = accuracy::verify(key, &proof, &expected, None).unwrap();
        assert_eq!((verdict.rows, verdict.correct), (5, right));
        if input == DataVisibility::Hashed {
            continue;
        }
        // The same integers, had all features the scale of the first.
        let scales = &key.statement().input_scales;
        let factor = (scales.of(1).0 - scales.of(0).0) as f32;
        let mut other = flat;
        other[1] *= factor.exp2();
        let mut forged = proof;
        forged.data = zkassay_verifier::TestData::Rows(TestRows::new(3, other, labels).unwrap());
        assert!(accuracy::verify(key, &forged, &expected, None).is_err());
    }
}

#[test]
fn ranges_are_named_when_no_setting_is_found() {
    let model = Model::from_onnx(&onnx(false)).unwrap();
    let calibration = CalibrationOptions {
        target: zkassay::Target::Resources { max_error: 1e-14 },
        ..CalibrationOptions::default()
    };
    let settings = Settings::new(&model, &CompileOptions::default());
    let error = settings
        .calibrate(&model, rows(20, 1).view(), &calibration)
        .unwrap_err();
    let is_setting = matches!(error, Error::Quant(QuantError::NoSetting { .. }));
    assert!(
        is_setting && !error.to_string().contains("one scale"),
        "{error}"
    );
}
