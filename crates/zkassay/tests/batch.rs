//! Batches as a library: splitting, filling up, and what is refused.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::path::Path;
use std::sync::LazyLock;

use ndarray::{Array1, Array2, Array4, ArrayView2};
use serde_json::Value;
use zkassay::{
    Batch, BatchVerdict, CalibrationOptions, Circuit, CompileOptions, DataVisibility, Error, Model,
    ModelTable, Parameters, ProveOptions, ProvingKey, PublicData, Settings, Srs, Target,
    VerifyingKey, Visibility, Witness, prove_batch, prove_model_batch, random_rows, setup,
    verify_batch,
};
use zkassay_circuit::cost::Machine;
use zkassay_onnx::ModelBuilder;
use zkassay_seed::Stream;
use zkassay_verifier::VerifyError;

/// 5 inputs, 4 hidden values, 2 outputs; weights by seed.
fn dense(seed: u64) -> Vec<u8> {
    let mut stream = Stream::new(seed, "zkassay/batch-test");
    let mut draw = || (stream.normal() * 0.7) as f32;
    let [w0, w1] = [(4, 5), (2, 4)].map(|shape| Array2::from_shape_simple_fn(shape, &mut draw));
    let [b0, b1] = [4, 2].map(|length| Array1::from_shape_simple_fn(length, &mut draw));
    ModelBuilder::new("dense", 5)
        .and_then(|model| model.dense("hidden", w0.view(), b0.view()))
        .and_then(|model| model.relu("relu"))
        .and_then(|model| model.dense("out", w1.view(), b1.view()))
        .and_then(ModelBuilder::encode)
        .unwrap()
}

/// Images of 6x6, a convolution, three classes.
fn conv() -> Vec<u8> {
    let mut stream = Stream::new(3, "zkassay/batch-test-conv");
    let mut draw = || (stream.normal() * 0.4) as f32;
    let kernel = Array4::from_shape_simple_fn((2, 1, 3, 3), &mut draw);
    let weights = Array2::from_shape_simple_fn((3, 2 * 4 * 4), &mut draw);
    let bias = Array1::from_shape_simple_fn(5, &mut draw);
    let (first, second) = bias.view().split_at(ndarray::Axis(0), 2);
    ModelBuilder::new("conv", 36)
        .and_then(|model| model.reshape("image", &[1, 6, 6]))
        .and_then(|model| model.conv2d("conv", kernel.view(), first, 1, 0))
        .and_then(|model| model.relu("relu"))
        .and_then(|model| model.flatten("flat"))
        .and_then(|model| model.dense("out", weights.view(), second))
        .and_then(ModelBuilder::encode)
        .unwrap()
}

/// A model of scikit-learn with rows, and what onnxruntime makes of them.
fn fixture(name: &str) -> (Vec<u8>, Array2<f32>, Vec<Vec<f64>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/operators/sklearn");
    let onnx = std::fs::read(folder.join(format!("{name}.onnx"))).unwrap();
    let record = std::fs::read(folder.join(format!("{name}.json"))).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    let list = |key: &str| -> Vec<Vec<f64>> {
        let rows = record[key].as_array().unwrap().iter();
        let row = |row: &Value| {
            let numbers = row.as_array().unwrap().iter();
            numbers.map(|number| number.as_f64().unwrap()).collect()
        };
        rows.map(row).collect()
    };
    let rows = list("rows");
    let shape = (rows.len(), rows[0].len());
    let flat = rows.iter().flatten().map(|number| *number as f32);
    let rows = Array2::from_shape_vec(shape, flat.collect()).unwrap();
    (onnx, rows, list("expected"))
}

/// A circuit with so many inferences in a proof.
fn circuit(onnx: &[u8], rows: ArrayView2<'_, f32>, options: &CompileOptions) -> Circuit {
    let model = Model::from_onnx(onnx).unwrap();
    let calibration = CalibrationOptions {
        target: Target::Resources { max_error: 0.02 },
        ..CalibrationOptions::default()
    };
    let settings = Settings::new(&model, options)
        .calibrate(&model, rows, &calibration)
        .unwrap();
    let read = Settings::from_json(&settings.to_json()).unwrap();
    assert_eq!((&read, read.digest()), (&settings, settings.digest()));
    settings.compile(&model).unwrap()
}

fn of(batch: u32, input: DataVisibility) -> CompileOptions {
    CompileOptions {
        batch,
        visibility: Visibility {
            input,
            ..Visibility::default()
        },
        ..CompileOptions::default()
    }
}

/// The keys of a circuit, as they are read from files.
fn keys(circuit: &Circuit) -> (Srs, ProvingKey, VerifyingKey) {
    let srs = Srs::unsafe_local(circuit.compiled.logrows());
    let key = setup(&srs, circuit).unwrap();
    let key = ProvingKey::from_bytes(&key.to_bytes().unwrap()).unwrap();
    let verifying = VerifyingKey::from_bytes(&key.verifying_key().to_bytes()).unwrap();
    (srs, key, verifying)
}

/// Proves rows, and verifies them from the bytes of key and batch.
fn proved(circuit: &Circuit, rows: ArrayView2<'_, f32>) -> (Batch, BatchVerdict) {
    let (srs, key, verifying) = keys(circuit);
    let mut calls = vec![];
    let batch = prove_batch(&srs, &key, rows, |done, total| calls.push((done, total))).unwrap();
    let total = batch.proofs.len();
    assert!(calls.into_iter().eq((0..=total).map(|done| (done, total))));
    let batch = Batch::from_bytes(&batch.to_bytes()).unwrap();
    let verdict = verify_batch(&verifying, &batch).unwrap();
    (batch, verdict)
}

/// What the integer model gives for a row.
fn integers(circuit: &Circuit, row: &[f32]) -> Vec<i64> {
    match (circuit.compiled.chain(), circuit.compiled.program()) {
        (Some(chain), _) => chain.model().evaluate(row).unwrap().outputs,
        (_, Some(program)) => program.program().evaluate(row).unwrap().outputs,
        _ => unreachable!(),
    }
}

#[test]
fn seven_rows_of_any_model_are_three_proofs_of_three() {
    let (trees, tree_rows, _) = fixture("forest-classifier-3");
    for (name, onnx, rows) in [
        ("dense", dense(1), random_rows(5, 20, 1)),
        ("conv", conv(), random_rows(36, 20, 2)),
        ("trees", trees, tree_rows),
    ] {
        let circuit = circuit(&onnx, rows.view(), &of(3, DataVisibility::Private));
        let seven = rows.slice_axis(ndarray::Axis(0), (0..7).into());
        let (batch, verdict) = proved(&circuit, seven);
        assert_eq!((batch.rows, batch.proofs.len()), (7, 3), "{name}");
        assert_eq!((verdict.proofs, verdict.lanes), (3, 3));
        assert_eq!(verdict.rows.len(), 7);
        for (row, said) in seven.outer_iter().zip(&verdict.rows) {
            let expected = integers(&circuit, &row.to_vec());
            assert_eq!(said.output.integers(), expected, "{name}");
            assert_eq!(said.input, PublicData::Private);
        }
        // They are not all the same.
        assert!(verdict.rows.iter().any(|row| *row != verdict.rows[0]));
    }
}

#[test]
fn outputs_of_trees_are_those_of_onnxruntime() {
    for name in ["forest-classifier-3", "tree-classifier-2", "tree-regressor"] {
        let (onnx, rows, expected) = fixture(name);
        let circuit = circuit(&onnx, rows.view(), &of(5, DataVisibility::Private));
        let (_, verdict) = proved(&circuit, rows.view());
        assert_eq!(verdict.rows.len(), expected.len());
        for (said, expected) in verdict.rows.iter().zip(&expected) {
            let said = said.output.reals();
            assert_eq!(said.len(), expected.len());
            let near = |(a, b): (&f64, &f64)| (a - b).abs() < 0.02;
            assert!(
                said.iter().zip(expected).all(near),
                "{name}: {said:?}, {expected:?}"
            );
        }
    }
}

#[test]
fn with_a_key_for_one_inference_each_row_has_its_proof() {
    let rows = random_rows(5, 4, 1);
    let circuit = circuit(&dense(1), rows.view(), &of(1, DataVisibility::Public));
    assert!(circuit.compiled.chain().is_some());
    let (batch, verdict) = proved(&circuit, rows.view());
    assert_eq!((batch.proofs.len(), verdict.lanes), (4, 1));
    // Each is a proof like any other.
    let (srs, key, verifying) = keys(&circuit);
    let witness = Witness::new(&circuit, &rows.row(2).to_vec()).unwrap();
    let alone = zkassay::prove(&srs, &key, &witness).unwrap();
    let mixed = Batch {
        rows: 1,
        proofs: vec![alone],
    };
    let verdict_of_one = verify_batch(&verifying, &mixed).unwrap();
    assert_eq!(verdict_of_one.rows[0], verdict.rows[2]);
}

#[test]
fn a_batch_may_be_full_or_of_a_single_row() {
    let rows = random_rows(5, 6, 1);
    let circuit = circuit(&dense(1), rows.view(), &of(3, DataVisibility::Public));
    for (count, proofs) in [(1, 1), (3, 1), (6, 2)] {
        let some = rows.slice_axis(ndarray::Axis(0), (0..count).into());
        let (batch, verdict) = proved(&circuit, some);
        assert_eq!((batch.proofs.len(), verdict.rows.len()), (proofs, count));
        for (row, said) in some.outer_iter().zip(&verdict.rows) {
            assert_eq!(said.output.integers(), integers(&circuit, &row.to_vec()));
            let inputs = said.input.reals();
            let near = |(a, b): (&f64, &f32)| (a - f64::from(*b)).abs() < 0.02;
            assert!(inputs.iter().zip(row).all(near), "{inputs:?}, {row:?}");
        }
    }
}

/// Seven rows in proofs of three, under a key with public inputs and under one with private inputs.
static SEVEN: LazyLock<[(VerifyingKey, Batch); 2]> = LazyLock::new(|| {
    let rows = random_rows(5, 7, 1);
    [DataVisibility::Public, DataVisibility::Private].map(|visibility| {
        let circuit = circuit(&dense(1), rows.view(), &of(3, visibility));
        let (_, key, verifying) = keys(&circuit);
        let srs = Srs::unsafe_local(circuit.compiled.logrows());
        // Other parameters: both keys are made again.
        assert!(prove_batch(&srs, &key, rows.view(), |_, _| ()).is_err());
        let (srs, key, again) = keys(&circuit);
        assert_ne!(again.digest(), verifying.digest());
        let batch = prove_batch(&srs, &key, rows.view(), |_, _| ()).unwrap();
        verify_batch(&again, &batch).unwrap();
        (again, batch)
    })
});

/// How a changed batch is refused.
fn refused(which: usize, change: impl FnOnce(&mut Batch)) -> VerifyError {
    let (key, batch) = &SEVEN[which];
    let mut changed = batch.clone();
    change(&mut changed);
    assert_ne!(changed, *batch);
    match verify_batch(key, &changed).unwrap_err() {
        Error::Verify(error) => error,
        error => panic!("{error}"),
    }
}

#[test]
fn other_numbers_of_rows_or_proofs_are_refused() {
    let is_count = |error: VerifyError| matches!(error, VerifyError::BatchCount { .. });
    for which in [0, 1] {
        for rows in [0, 1, 6 * 7, u32::MAX] {
            assert!(is_count(refused(which, |batch| batch.rows = rows)));
        }
        assert!(is_count(refused(which, |batch| drop(batch.proofs.pop()))));
        assert!(is_count(refused(which, |batch| drop(
            batch.proofs.remove(0)
        ))));
        assert!(is_count(refused(which, |batch| {
            let again = batch.proofs[1].clone();
            batch.proofs.insert(1, again);
        })));
        assert!(is_count(refused(which, |batch| batch.proofs.clear())));
    }
    let error = refused(0, |batch| batch.rows = 10);
    assert_eq!(
        error.to_string(),
        "the batch has 10 rows, which take 4 proof(s) of 3 row(s) each, and 3 proof(s)"
    );
}

#[test]
fn proofs_of_other_rows_are_refused_by_number() {
    for which in [0, 1] {
        // Outputs of the second proof's first row in place of those of its second.
        let error = refused(which, |batch| {
            if let PublicData::Values(values) = &mut batch.proofs[1].output {
                let (first, second) = (values[0], values[2]);
                (values[0], values[2]) = (second, first);
            }
        });
        assert!(
            matches!(&error, VerifyError::InBatch { proof: 1, first: 3, last: 5, error }
                if matches!(**error, VerifyError::Rejected { .. })),
            "{error}"
        );
        // The transcript of another proof.
        let error = refused(which, |batch| {
            batch.proofs[1].transcript = batch.proofs[0].transcript.clone();
        });
        assert!(matches!(error, VerifyError::InBatch { proof: 1, .. }));
        // The last row is in the last proof.
        let error = refused(which, |batch| batch.proofs[2].transcript[40] ^= 1);
        let text = error.to_string();
        assert!(
            text.contains("proof 2 of the batch, rows 6 to 6: "),
            "{text}"
        );
        // Of several that are wrong, the first is named.
        let error = refused(which, |batch| {
            for proof in &mut batch.proofs[1..] {
                proof.transcript[70] ^= 1;
            }
        });
        assert!(matches!(error, VerifyError::InBatch { proof: 1, .. }));
    }
}

#[test]
fn what_fills_up_the_last_proof_is_the_last_row() {
    // The last proof has one row and two copies of it: elsewhere its rows differ.
    for which in [0, 1] {
        let error = refused(which, |batch| batch.proofs.swap(0, 2));
        assert!(matches!(error, VerifyError::Padding { .. }), "{error}");
    }
    let what = refused(0, |batch| batch.proofs.swap(1, 2)).to_string();
    assert!(
        what.contains("another input than that of the last row"),
        "{what}"
    );
    let what = refused(1, |batch| batch.proofs.swap(1, 2)).to_string();
    assert!(
        what.contains("another output than that of the last row"),
        "{what}"
    );
}

/// What the documentation of [`Batch`] says that a batch does not say.
#[test]
fn a_batch_does_not_bind_which_rows_there_are() {
    let accepted = |which: usize, change: &dyn Fn(&mut Batch)| {
        let (key, batch) = &SEVEN[which];
        let mut changed = batch.clone();
        change(&mut changed);
        let [rows, changed] = [batch, &changed].map(|batch| verify_batch(key, batch).unwrap().rows);
        (rows, changed)
    };
    for which in [0, 1] {
        // Copies of the last row, counted as rows.
        for count in [8, 9] {
            let (rows, changed) = accepted(which, &|batch| batch.rows = count);
            assert_eq!(changed[..7], rows);
            assert!(changed[7..].iter().all(|row| *row == rows[6]));
        }
        // Whole proofs left out, or in another order.
        let (rows, changed) = accepted(which, &|batch| {
            batch.proofs.remove(0);
            batch.rows = 4;
        });
        assert_eq!(changed, rows[3..]);
        let (rows, changed) = accepted(which, &|batch| batch.proofs.swap(0, 1));
        assert_eq!(changed, [&rows[3..6], &rows[..3], &rows[6..]].concat());
    }
}

#[test]
fn proofs_of_another_key_are_refused() {
    let [(public, ours), (private, theirs)] = &*SEVEN;
    let error = verify_batch(public, theirs).unwrap_err();
    assert!(error.is_mismatch() && !error.is_rejection(), "{error}");
    assert!(
        error
            .to_string()
            .starts_with("the batch belongs to verifying key"),
        "{error}"
    );
    let mut mixed = ours.clone();
    mixed.proofs[1] = theirs.proofs[1].clone();
    let error = verify_batch(public, &mixed).unwrap_err();
    assert!(error.is_mismatch() && !error.is_rejection(), "{error}");
    assert!(
        error
            .to_string()
            .contains("proof 1 of the batch, rows 3 to 5"),
        "{error}"
    );
    // The name of the key alone does not help.
    mixed.proofs[1].key = public.digest();
    assert!(verify_batch(public, &mixed).unwrap_err().is_rejection());
    assert!(verify_batch(private, theirs).is_ok());
}

#[test]
fn rows_that_cannot_be_proved_are_named_before_anything_is_proved() {
    let mut rows = random_rows(5, 7, 1);
    let circuit = circuit(&dense(1), rows.view(), &of(3, DataVisibility::Private));
    let (srs, key, _) = keys(&circuit);
    rows[[6, 2]] = 1e6;
    let mut calls = 0;
    let error = prove_batch(&srs, &key, rows.view(), |_, _| calls += 1).unwrap_err();
    assert!(matches!(error, Error::Row { row: 6, .. }), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("row 6: value 2 of input"), "{text}");
    assert_eq!(calls, 0);
    let none = Array2::zeros((0, 5));
    let error = prove_batch(&srs, &key, none.view(), |_, _| ()).unwrap_err();
    assert!(matches!(error, Error::BatchRows { found: 0 }), "{error}");
    let short = random_rows(4, 2, 1);
    let error = prove_batch(&srs, &key, short.view(), |_, _| ()).unwrap_err();
    assert!(matches!(error, Error::Row { row: 0, .. }), "{error}");
}

#[test]
fn circuits_for_several_rows_have_no_witness_of_one() {
    let rows = random_rows(5, 7, 1);
    let circuit = circuit(&dense(1), rows.view(), &of(3, DataVisibility::Private));
    let error = Witness::new(&circuit, &rows.row(0).to_vec()).unwrap_err();
    assert!(matches!(error, Error::Witness { batch: 3 }), "{error}");
    assert!(
        error.to_string().contains("prove --batch rows.json"),
        "{error}"
    );
}

#[test]
fn impossible_numbers_of_inferences_are_refused_with_the_limit() {
    let model = Model::from_onnx(&dense(1)).unwrap();
    let rows = random_rows(5, 7, 1);
    for batch in [0, 1025, u32::MAX] {
        let options = of(batch, DataVisibility::Private);
        let error = ModelTable::planned(&model, &options, &Machine::default()).unwrap_err();
        assert!(error.to_string().contains("expected 1 to 1024"), "{error}");
        let settings = Settings::new(&model, &options);
        let calibration = CalibrationOptions::default();
        let error = settings
            .calibrate(&model, rows.view(), &calibration)
            .unwrap_err();
        assert!(error.to_string().contains("expected 1 to 1024"), "{error}");
    }
}

#[test]
fn a_model_is_proved_for_many_rows_in_one_call() {
    let rows = random_rows(5, 4, 1);
    let options = ProveOptions {
        compile: of(3, DataVisibility::Private),
        parameters: Parameters::UnsafeLocal,
        ..ProveOptions::default()
    };
    let proved = prove_model_batch(&dense(1), rows.view(), &options, |_| ()).unwrap();
    assert_eq!((proved.verdict.rows.len(), proved.verdict.proofs), (4, 2));
    for (row, said) in rows.outer_iter().zip(&proved.verdict.rows) {
        let expected = integers(&proved.circuit, &row.to_vec());
        assert_eq!(said.output.integers(), expected);
    }
}

/// Files of batches with a few bytes changed: an error, never a panic, and never another verdict.
#[test]
fn changed_files_are_refused_without_panicking() {
    use zkassay_verifier::Kind;
    use zkassay_verifier::artefact::{open, seal};

    let (key, batch) = &SEVEN[0];
    let verdict = verify_batch(key, batch).unwrap();
    let payload = open(Kind::Batch, &batch.to_bytes()).unwrap().to_vec();
    let mut stream = Stream::new(1, "zkassay/changed-batches");
    for _ in 0..300 {
        let mut changed = payload.clone();
        let at = stream.below(changed.len());
        match stream.below(4) {
            0 => changed.truncate(at),
            1 => changed[at] ^= 1 << stream.below(8),
            2 => changed[stream.below(24)] = stream.below(256) as u8,
            _ => drop(changed.splice(at..(at + 9).min(payload.len()), [])),
        }
        // With a checksum, as whoever changes a file on purpose makes it.
        let read = Batch::from_bytes(&seal(Kind::Batch, &changed));
        match read
            .map_err(Error::from)
            .and_then(|batch| verify_batch(key, &batch))
        {
            Ok(said) => {
                // Of the last proof any number of copies can be counted as rows.
                let common = said.rows.len().min(verdict.rows.len());
                assert_eq!(said.rows[..common], verdict.rows[..common]);
                let last = verdict.rows.last();
                assert!(said.rows[common..].iter().all(|row| Some(row) == last));
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    let whole = batch.to_bytes();
    for length in [0, 8, 17, 40, whole.len() / 2, whole.len() - 1] {
        assert!(Batch::from_bytes(&whole[..length]).is_err());
    }
}
