//! Proofs of accuracy as a library: what they count, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::LazyLock;

use ndarray::{Array1, Array2};
use zkassay::accuracy::{
    self, AccuracyProof, AccuracyVerdict, Expected, Salt, TestData, TestRows, committed_hash,
};
use zkassay::{
    CalibrationOptions, Circuit, CompileOptions, Count, Counting, DataVisibility, Error, Model,
    ProvingKey, Settings, Srs, VerifyingKey, Visibility, setup,
};
use zkassay_onnx::{ModelBuilder, TreeNode, WeightedTree};
use zkassay_seed::Stream;
use zkassay_verifier::VerifyError;
use zkassay_verifier::accuracy::Counted;

const LANES: u32 = 4;
const FEATURES: usize = 3;

/// 3 inputs, 5 hidden values, 3 classes.
fn network(seed: u64) -> Vec<u8> {
    let mut stream = Stream::new(seed, "zkassay/accuracy-test");
    let mut draw = || stream.normal() as f32;
    let [w0, w1] = [(5, FEATURES), (3, 5)].map(|s| Array2::from_shape_simple_fn(s, &mut draw));
    let [b0, b1] = [5, 3].map(|length| Array1::from_shape_simple_fn(length, &mut draw));
    ModelBuilder::new("network", FEATURES)
        .and_then(|model| model.dense("hidden", w0.view(), b0.view()))
        .and_then(|model| model.relu("relu"))
        .and_then(|model| model.dense("out", w1.view(), b1.view()))
        .and_then(|model| model.softmax("softmax"))
        .and_then(ModelBuilder::encode)
        .unwrap()
}

/// Three small trees for three classes; feature 1 is asked about by none of them.
fn forest() -> Vec<u8> {
    let tree = |feature: usize, threshold: f32, order: [usize; 3]| {
        let leaf = |class: usize| {
            let mut weights = vec![0.0; 3];
            weights[class] = 0.5;
            TreeNode::Leaf { weights }
        };
        let branch = |feature, threshold, at_most, above| TreeNode::Branch {
            feature,
            threshold,
            at_most,
            above,
        };
        WeightedTree {
            class: 0,
            nodes: vec![
                branch(feature, threshold, 1, 2),
                leaf(order[0]),
                branch(2 - feature, 0.25, 3, 4),
                leaf(order[1]),
                leaf(order[2]),
            ],
        }
    };
    let trees = [
        tree(0, -0.5, [0, 1, 2]),
        tree(2, 1e6, [2, 0, 1]),
        tree(0, 0.75, [1, 2, 0]),
    ];
    ModelBuilder::new("forest", FEATURES)
        .and_then(|model| model.tree_ensemble("trees", 3, &trees))
        .and_then(ModelBuilder::encode)
        .unwrap()
}

/// Rows with labels that are mostly the model's class.
fn test_rows(model: &Model, rows: usize, seed: u64) -> TestRows {
    let mut stream = Stream::new(seed, "zkassay/accuracy-test-rows");
    let (mut values, mut labels) = (vec![], vec![]);
    for _ in 0..rows {
        let row = Array1::from_shape_simple_fn(FEATURES, || stream.normal() as f32);
        let scores = model.graph().evaluate(row.view()).unwrap();
        let class = (0..3).max_by(|a, b| scores[*a].total_cmp(&scores[*b]).then(b.cmp(a)));
        labels.push(match stream.below(3) {
            0 => stream.below(3) as u32,
            _ => class.unwrap() as u32,
        });
        values.extend(row);
    }
    TestRows::new(FEATURES, values, labels).unwrap()
}

/// A row and its label.
type Row = (Vec<f32>, u32);

/// A model with everything up to its keys.
struct Case {
    circuit: Circuit,
    srs: Srs,
    key: ProvingKey,
    test: TestRows,
    /// The plain integer model's counts, label by label.
    counts: Vec<Vec<u64>>,
}

fn options(input: DataVisibility) -> CompileOptions {
    CompileOptions {
        visibility: Visibility {
            input,
            ..Visibility::default()
        },
        batch: LANES,
        ..CompileOptions::default()
    }
}

const COUNTING: Counting = Counting {
    count: Count::Correct,
    classes: 3,
};

impl Case {
    fn new(onnx: &[u8], input: DataVisibility, counting: Counting) -> Self {
        let model = Model::from_onnx(onnx).unwrap();
        let test = test_rows(&model, 10, 5);
        let rows = test.rows().flat_map(|(row, _)| row.to_vec()).collect();
        let rows = Array2::from_shape_vec((10, FEATURES), rows).unwrap();
        let plain = Settings::new(&model, &options(input))
            .calibrate(&model, rows.view(), &CalibrationOptions::default())
            .unwrap();
        let settings = Settings::new(&model, &options(input))
            .with_count(counting)
            .unwrap()
            .calibrate(&model, rows.view(), &CalibrationOptions::default())
            .unwrap();
        let circuit = settings.compile(&model).unwrap();
        let plain = plain.compile(&model).unwrap();
        let program = plain.compiled.program().unwrap().program();
        let mut counts = vec![vec![0; 3]; 3];
        for (row, label) in test.rows() {
            let scores = program.evaluate(row).unwrap().outputs;
            let greatest = scores.iter().max().unwrap();
            let class = scores.iter().position(|z| z == greatest).unwrap();
            counts[label as usize][class] += 1;
        }
        let srs = Srs::unsafe_local(circuit.compiled.logrows());
        let key = setup(&srs, &circuit).unwrap();
        Self {
            circuit,
            srs,
            key,
            test,
            counts,
        }
    }

    fn verifying_key(&self) -> &VerifyingKey {
        self.key.verifying_key()
    }

    fn correct(&self) -> u64 {
        (0..3).map(|class| self.counts[class][class]).sum()
    }

    fn prove(&self, test: &TestRows, salt: Option<&Salt>) -> AccuracyProof {
        let mut told = vec![];
        let proof = accuracy::prove(&self.srs, &self.key, test, salt, |done, total| {
            told.push((done, total));
        });
        let proof = proof.unwrap();
        let total = test.len().div_ceil(LANES as usize);
        let expected: Vec<_> = (0..=total).map(|done| (done, total)).collect();
        assert_eq!(told, expected);
        proof
    }

    fn verify(&self, proof: &AccuracyProof) -> Result<AccuracyVerdict, Error> {
        // As a verifier reads them.
        let key = VerifyingKey::from_bytes(&self.verifying_key().to_bytes())?;
        let proof = AccuracyProof::from_bytes(&proof.to_bytes())?;
        accuracy::verify(&key, &proof, &Expected::default(), None)
    }

    /// A proof of a row, filled up with others, whose totals are taken as they come.
    fn counted(&self, rows: &[Vec<f32>]) -> (Counted, Vec<zkassay_gadgets::Field>) {
        let witness = self.key.compiled().witness_batch(rows).unwrap();
        let totals = witness.outputs().to_vec();
        let hashes = witness.input_hashes();
        let transcript = self.key.prove(&self.srs, witness).unwrap().transcript;
        (Counted { totals, transcript }, hashes)
    }
}

static PUBLIC: LazyLock<Case> =
    LazyLock::new(|| Case::new(&network(1), DataVisibility::Public, COUNTING));
static COMMITTED: LazyLock<Case> =
    LazyLock::new(|| Case::new(&network(1), DataVisibility::Hashed, COUNTING));
static PUBLIC_PROOF: LazyLock<AccuracyProof> = LazyLock::new(|| PUBLIC.prove(&PUBLIC.test, None));
static SALT: LazyLock<Salt> = LazyLock::new(|| Salt::from_text(&"5c".repeat(32)).unwrap());
static COMMITTED_PROOF: LazyLock<AccuracyProof> =
    LazyLock::new(|| COMMITTED.prove(&COMMITTED.test, Some(&SALT)));

fn rejected(result: Result<AccuracyVerdict, Error>) -> VerifyError {
    match result {
        Err(Error::Verify(error)) => Some(error),
        _ => None,
    }
    .unwrap()
}

#[test]
fn the_count_is_that_of_the_integer_model() {
    let verdict = PUBLIC.verify(&PUBLIC_PROOF).unwrap();
    assert_eq!((verdict.rows, verdict.correct), (10, PUBLIC.correct()));
    assert!((1..10).contains(&verdict.correct), "{verdict:?}");
    assert_eq!((verdict.proofs, &verdict.confusion), (3, &None));
    assert_eq!(verdict.data, PUBLIC.test.hash());
    assert_eq!(verdict.model, PUBLIC.circuit.model);
    // The circuit of the key says the same of the rows.
    let expected = Expected {
        data: Some(PUBLIC.test.hash()),
        correct: PUBLIC.correct(),
    };
    let (key, circuit) = (PUBLIC.verifying_key(), &PUBLIC.circuit);
    let again = accuracy::verify(key, &PUBLIC_PROOF, &expected, Some(circuit));
    assert_eq!(again.unwrap(), verdict);
}

#[test]
fn committed_rows_are_not_in_the_proof() {
    let verdict = COMMITTED.verify(&COMMITTED_PROOF).unwrap();
    assert_eq!((verdict.rows, verdict.correct), (10, COMMITTED.correct()));
    assert_eq!(verdict.visibility, DataVisibility::Hashed);
    assert!(matches!(&COMMITTED_PROOF.data, TestData::Hashes(hashes) if hashes.len() == 10));
    let hash = |test: &TestRows, salt: &Salt| committed_hash(&COMMITTED.circuit, test, salt);
    assert_eq!(hash(&COMMITTED.test, &SALT).unwrap(), verdict.data);
    // Another salt, another hash, even of each row; equal rows have different ones.
    let other = Salt::from_text(&"5d".repeat(32)).unwrap();
    assert_ne!(hash(&COMMITTED.test, &other).unwrap(), verdict.data);
    let twice = TestRows::new(FEATURES, [0.5; 2 * FEATURES].to_vec(), vec![1, 1]).unwrap();
    let TestData::Hashes(hashes) = COMMITTED.prove(&twice, Some(&SALT)).data else {
        unreachable!("hashed inputs");
    };
    assert_ne!(hashes[0], hashes[1]);
    let missing = accuracy::prove(&COMMITTED.srs, &COMMITTED.key, &twice, None, |_, _| ());
    assert!(matches!(missing, Err(Error::NoSalt)), "{missing:?}");
}

#[test]
fn the_confusion_matrix_is_label_by_label() {
    let counting = Counting {
        count: Count::Confusion,
        classes: 3,
    };
    let case = Case::new(&network(1), DataVisibility::Public, counting);
    let verdict = case.verify(&case.prove(&case.test, None)).unwrap();
    assert_eq!(verdict.confusion.as_ref(), Some(&case.counts));
    assert_eq!(verdict.correct, case.correct());
    // A label that is no class is in no cell.
    let values = vec![0.5; 2 * FEATURES];
    let test = TestRows::new(FEATURES, values, vec![3, 7]).unwrap();
    let verdict = case.verify(&case.prove(&test, None)).unwrap();
    assert_eq!((verdict.rows, verdict.correct), (2, 0));
    assert_eq!(verdict.confusion, Some(vec![vec![0; 3]; 3]));
}

#[test]
fn trees_need_their_circuit_only_if_rows_are_public() {
    let case = Case::new(&forest(), DataVisibility::Public, COUNTING);
    assert!(case.circuit.compiled.program().unwrap().trees().is_some());
    let proof = case.prove(&case.test, None);
    let error = rejected(case.verify(&proof));
    assert_eq!(error, VerifyError::Encoding);
    let key = case.verifying_key();
    let verify = |proof: &AccuracyProof, circuit| {
        accuracy::verify(key, proof, &Expected::default(), Some(circuit))
    };
    let verdict = verify(&proof, &case.circuit).unwrap();
    assert_eq!((verdict.rows, verdict.correct), (10, case.correct()));
    // That of another key has other thresholds, perhaps.
    let error = verify(&proof, &PUBLIC.circuit).unwrap_err();
    assert!(error.is_mismatch(), "{error}");
    // Numbers with the same ranks are another data set, but one with the same proof.
    let moved = |by: f32| {
        let rows = case.test.rows();
        let values = rows.flat_map(|(row, _)| row.iter().map(|x| x + by).collect::<Vec<_>>());
        let labels = case.test.labels().to_vec();
        let test = TestRows::new(FEATURES, values.collect(), labels).unwrap();
        let mut moved = proof.clone();
        moved.data = TestData::Rows(test);
        verify(&moved, &case.circuit)
    };
    assert!(moved(0.0).is_ok());
    assert!(moved(3.0).is_err());

    let case = Case::new(&forest(), DataVisibility::Hashed, COUNTING);
    let proof = case.prove(&case.test, Some(&SALT));
    let verdict = case.verify(&proof).unwrap();
    assert_eq!((verdict.rows, verdict.correct), (10, case.correct()));
    let hash = committed_hash(&case.circuit, &case.test, &SALT).unwrap();
    assert_eq!(hash, verdict.data);
}

/// Everything that a file can claim of another data set, or of other counts.
fn forgeries(proof: &AccuracyProof) -> Vec<(&'static str, AccuracyProof)> {
    let mut all = vec![];
    let mut forge = |what, change: &dyn Fn(&mut AccuracyProof)| {
        let mut forged = proof.clone();
        change(&mut forged);
        assert_ne!(&forged, proof, "{what}");
        all.push((what, forged));
    };
    forge("one more correct", &|p| p.proofs[0].totals[0] += 1);
    forge("one less correct", &|p| p.proofs[1].totals[0] -= 1);
    forge("counts beyond any", &|p| p.proofs[2].totals[0] = i64::MIN);
    forge("two totals", &|p| p.proofs[0].totals.push(0));
    forge("no total", &|p| p.proofs[0].totals.clear());
    forge("a proof less", &|p| drop(p.proofs.pop()));
    forge("no proofs", &|p| p.proofs.clear());
    forge("a proof twice", &|p| p.proofs.push(p.proofs[0].clone()));
    forge("proofs in another order", &|p| p.proofs.swap(0, 1));
    forge("a good proof in place of another", &|p| {
        p.proofs[1] = p.proofs[0].clone();
    });
    forge("the transcript of another proof", &|p| {
        p.proofs[1].transcript = p.proofs[0].transcript.clone();
    });
    forge("a longer transcript", &|p| p.proofs[0].transcript.push(0));
    forge("another key", &|p| p.key[5] ^= 1);
    all
}

#[test]
fn forged_proofs_of_public_rows_are_rejected() {
    let mut forged = forgeries(&PUBLIC_PROOF);
    let rows: Vec<Row> = PUBLIC
        .test
        .rows()
        .map(|(row, label)| (row.to_vec(), label))
        .collect();
    let mut forge = |what, rows: &[Row]| {
        let values = rows.iter().flat_map(|(row, _)| row.clone()).collect();
        let labels = rows.iter().map(|(_, label)| *label).collect();
        let data = TestData::Rows(TestRows::new(FEATURES, values, labels).unwrap());
        let proof = AccuracyProof {
            data,
            ..PUBLIC_PROOF.clone()
        };
        forged.push((what, proof));
    };
    let change = |by: &dyn Fn(&mut Vec<Row>)| {
        let mut rows = rows.clone();
        by(&mut rows);
        rows
    };
    forge("a row less", &rows[..9]);
    forge("a proof's rows less", &rows[..8]);
    forge("a row more", &change(&|rows| rows.push(rows[9].clone())));
    forge("rows in another order", &change(&|rows| rows.swap(0, 1)));
    forge("rows of other proofs", &change(&|rows| rows.swap(0, 9)));
    forge(
        "another label",
        &change(&|rows| rows[3].1 = (rows[3].1 + 1) % 3),
    );
    forge("a label that is no class", &change(&|rows| rows[9].1 = 3));
    forge("another number", &change(&|rows| rows[2].0[1] += 0.5));
    for (what, forged) in forged {
        let error = PUBLIC.verify(&forged).unwrap_err();
        let is_refused = error.is_rejection() || error.is_mismatch();
        assert!(is_refused, "{what}: {error}");
    }
}

#[test]
fn forged_proofs_of_committed_rows_are_rejected() {
    let mut forged = forgeries(&COMMITTED_PROOF);
    let TestData::Hashes(hashes) = &COMMITTED_PROOF.data else {
        unreachable!("hashed inputs");
    };
    let mut forge = |what, hashes: Vec<_>| {
        let data = TestData::Hashes(hashes);
        let proof = AccuracyProof {
            data,
            ..COMMITTED_PROOF.clone()
        };
        forged.push((what, proof));
    };
    forge("a row less", hashes[..9].to_vec());
    forge("a row more", [&hashes[..], &hashes[9..]].concat());
    let mut swapped = hashes.clone();
    swapped.swap(0, 1);
    forge("rows in another order", swapped);
    let mut other = hashes.clone();
    other[4] += zkassay_gadgets::Field::one();
    forge("another hash", other);
    for (what, forged) in forged {
        let error = COMMITTED.verify(&forged).unwrap_err();
        let is_refused = error.is_rejection() || error.is_mismatch();
        assert!(is_refused, "{what}: {error}");
    }
    // The rows themselves in place of their hashes, and the other way round.
    let shown = AccuracyProof {
        data: TestData::Rows(COMMITTED.test.clone()),
        ..COMMITTED_PROOF.clone()
    };
    let error = rejected(COMMITTED.verify(&shown));
    assert!(matches!(error, VerifyError::Visibility { .. }), "{error}");
    let hidden = AccuracyProof {
        data: COMMITTED_PROOF.data.clone(),
        ..PUBLIC_PROOF.clone()
    };
    let error = rejected(PUBLIC.verify(&hidden));
    assert!(matches!(error, VerifyError::Visibility { .. }), "{error}");
}

/// A prover who fills the last proof up with rows that count.
#[test]
fn what_fills_up_the_last_proof_counts_nowhere() {
    for (case, proof) in [(&*PUBLIC, &*PUBLIC_PROOF), (&*COMMITTED, &*COMMITTED_PROOF)] {
        let program = case.circuit.compiled.program().unwrap().program();
        let others = program.row_length() - 1;
        let (row, label) = (0..10)
            .filter_map(|index| case.test.rows().nth(index))
            .find(|(row, label)| {
                let mut row = row.to_vec();
                row.resize(others, 0.0);
                row.push(*label as f32);
                program.evaluate(&row).unwrap().outputs == [1]
            })
            .unwrap();
        let row_of = |label: f32| {
            let mut row = row.to_vec();
            row.resize(others, 0.0);
            row.push(label);
            row
        };
        let test = TestRows::new(FEATURES, row.to_vec(), vec![label]).unwrap();
        for (fill, totals) in [(label as f32, 4), (-1.0, 1), (-2.0, 1), (3.0, 1)] {
            let mut rows = vec![row_of(fill); LANES as usize];
            rows[0] = row_of(label as f32);
            let (counted, hashes) = case.counted(&rows);
            assert_eq!(counted.totals, [totals], "{fill}");
            let data = match &proof.data {
                TestData::Rows(_) => TestData::Rows(test.clone()),
                TestData::Hashes(_) => TestData::Hashes(hashes[..1].to_vec()),
            };
            let key = proof.key;
            let proofs = vec![counted];
            let forged = AccuracyProof { key, data, proofs };
            let result = case.verify(&forged);
            // Public rows are filled up with the last one.
            let is_right = fill == -1.0 && matches!(forged.data, TestData::Rows(_));
            match is_right {
                true => assert_eq!(result.unwrap().correct, 1),
                false => assert!(rejected(result).to_string().contains("not valid"), "{fill}"),
            }
        }
    }
}

#[test]
fn the_verifier_says_which_data_set_and_how_many() {
    let key = PUBLIC.verifying_key();
    let verify =
        |data, correct| accuracy::verify(key, &PUBLIC_PROOF, &Expected { data, correct }, None);
    let (hash, correct) = (PUBLIC.test.hash(), PUBLIC.correct());
    assert!(verify(Some(hash), correct).is_ok());
    let error = verify(Some(hash), correct + 1).unwrap_err();
    assert!(error.is_rejection());
    let expected = format!(
        "{correct} of 10 rows are classified correctly, fewer than {}",
        correct + 1
    );
    assert_eq!(error.to_string(), expected);
    let other = test_rows(&Model::from_onnx(&network(1)).unwrap(), 10, 6).hash();
    let error = verify(Some(other), 0).unwrap_err();
    assert!(error.is_rejection());
    assert!(error.to_string().contains("about data set"), "{error}");
    let error = verify(
        Some(
            COMMITTED_PROOF
                .data
                .hash(&COMMITTED.circuit.digest().unwrap()),
        ),
        0,
    )
    .unwrap_err();
    assert!(error.is_rejection(), "{error}");
}

#[test]
fn keys_of_other_models_and_purposes_are_refused() {
    let other = Case::new(&network(2), DataVisibility::Public, COUNTING);
    let error = other.verify(&PUBLIC_PROOF).unwrap_err();
    assert!(error.is_mismatch(), "{error}");
    // Even if the file says that it belongs to that key.
    let renamed = AccuracyProof {
        key: other.verifying_key().digest(),
        ..PUBLIC_PROOF.clone()
    };
    let error = other.verify(&renamed).unwrap_err();
    assert!(error.is_rejection(), "{error}");

    let model = Model::from_onnx(&network(1)).unwrap();
    let rows = Array2::from_shape_fn((5, FEATURES), |(i, j)| i as f32 - j as f32);
    let settings = Settings::new(&model, &options(DataVisibility::Public))
        .calibrate(&model, rows.view(), &CalibrationOptions::default())
        .unwrap();
    let circuit = settings.compile(&model).unwrap();
    let srs = Srs::unsafe_local(circuit.compiled.logrows());
    let key = setup(&srs, &circuit).unwrap();
    let result = accuracy::prove(&srs, &key, &PUBLIC.test, None, |_, _| ());
    assert!(matches!(result, Err(Error::NotAccuracy)), "{result:?}");
    let mut claimed = PUBLIC_PROOF.clone();
    claimed.key = key.verifying_key().digest();
    let error = accuracy::verify(key.verifying_key(), &claimed, &Expected::default(), None);
    assert!(
        rejected(error)
            .to_string()
            .contains("not for proofs of accuracy"),
        "not counts"
    );
    assert!(committed_hash(&circuit, &PUBLIC.test, &SALT).is_err());
}

#[test]
fn rows_that_cannot_be_proved_are_named() {
    let prove = |test: &TestRows| {
        let (srs, key) = (&PUBLIC.srs, &PUBLIC.key);
        accuracy::prove(srs, key, test, None, |_, _| unreachable!("no proof")).unwrap_err()
    };
    let mut values = vec![0.0; 2 * FEATURES];
    values[4] = 1e9;
    let far = TestRows::new(FEATURES, values, vec![0, 1]).unwrap();
    let error = prove(&far).to_string();
    assert!(error.starts_with("row 1: value 1 "), "{error}");
    let long = TestRows::new(FEATURES + 1, vec![0.0; FEATURES + 1], vec![0]).unwrap();
    let error = prove(&long).to_string();
    assert!(
        error.contains("has 4 values") && error.contains("takes 3"),
        "{error}"
    );
}

#[test]
fn labels_that_are_no_class_are_noticed() {
    let test = TestRows::new(1, vec![0.0; 5], vec![0, 2, 3, 1, 1 << 20]).unwrap();
    let confusion = Counting {
        count: Count::Confusion,
        classes: 3,
    };
    let others = [
        Case::new(&forest(), DataVisibility::Public, COUNTING),
        Case::new(&network(1), DataVisibility::Hashed, confusion),
    ];
    for case in others.iter().chain([&*PUBLIC, &*COMMITTED]) {
        let compiled = &case.circuit.compiled;
        assert_eq!(accuracy::classes(compiled), Some(3));
        assert_eq!(accuracy::rows_without_class(compiled, &test), 2);
    }
    let model = Model::from_onnx(&network(1)).unwrap();
    let rows = Array2::from_shape_fn((5, FEATURES), |(i, j)| i as f32 - j as f32);
    let plain = Settings::new(&model, &options(DataVisibility::Public))
        .calibrate(&model, rows.view(), &CalibrationOptions::default())
        .unwrap();
    let plain = plain.compile(&model).unwrap().compiled;
    assert_eq!(accuracy::classes(&plain), None);
    assert_eq!(accuracy::rows_without_class(&plain, &test), 0);
}

#[test]
fn settings_say_what_is_counted() {
    let model = Model::from_onnx(&network(1)).unwrap();
    let plain = Settings::new(&model, &options(DataVisibility::Public));
    let text = String::from_utf8(plain.to_json()).unwrap();
    assert!(!text.contains("count"), "as before: {text}");
    let settings = plain.with_count(COUNTING).unwrap();
    assert_eq!(settings.count(), Some(COUNTING));
    assert!(settings.options().totals);
    let again = Settings::from_json(&settings.to_json()).unwrap();
    assert_eq!((&again, again.digest()), (&settings, settings.digest()));

    let says = |result: Result<Settings, Error>, part: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(part), "'{part}' is not in: {error}");
    };
    let private = Settings::new(&model, &options(DataVisibility::Private));
    says(private.with_count(COUNTING), "make inputs public");
    let mut hashed = options(DataVisibility::Public);
    hashed.visibility.output = DataVisibility::Hashed;
    says(
        Settings::new(&model, &hashed).with_count(COUNTING),
        "make outputs public",
    );
    let many = Counting {
        classes: 1001,
        ..COUNTING
    };
    says(again.clone().with_count(many), "2 to 1000");
    // Files are checked, too.
    let json = |change: [&str; 2]| {
        let text = String::from_utf8(settings.to_json()).unwrap();
        assert!(text.contains(change[0]), "{text}");
        Settings::from_json(text.replace(change[0], change[1]).as_bytes())
    };
    says(json(["\"classes\": 3", "\"classes\": 1"]), "2 to 1000");
    says(
        json(["\"input\": \"public\"", "\"input\": \"private\""]),
        "make inputs public",
    );
    // The number of classes has to be the model's.
    let rows = Array2::from_shape_fn((5, FEATURES), |(i, j)| i as f32 - j as f32);
    let two = again
        .with_count(Counting {
            classes: 2,
            ..COUNTING
        })
        .unwrap();
    let calibrated = two.calibrate(&model, rows.view(), &CalibrationOptions::default());
    says(calibrated, "3 score(s)");
}

#[test]
fn data_sets_are_read_with_their_labels() {
    let read = |text: &str| accuracy::from_json(text.as_bytes());
    let test = read(r#"{"labels": [1, 0.0], "input_data": [[1, 2], [[3], [-0.0]]], "more": 1}"#);
    let test = test.unwrap();
    assert_eq!((test.len(), test.features()), (2, 2));
    let rows: Vec<Row> = test.rows().map(|(r, l)| (r.to_vec(), l)).collect();
    assert_eq!(rows, [(vec![1.0, 2.0], 1), (vec![3.0, 0.0], 0)]);
    // The hash is of numbers, not of how they are written.
    let same = read(r#"{"input_data": [[1.0, 2e0], [3, 0]], "labels": [1, 0]}"#).unwrap();
    assert_eq!(same.hash(), test.hash());
    for other in [
        r#"{"input_data": [[1, 2], [3, 0]], "labels": [0, 1]}"#,
        r#"{"input_data": [[3, 0], [1, 2]], "labels": [0, 1]}"#,
        r#"{"input_data": [[1, 2, 3, 0]], "labels": [1]}"#,
        r#"{"input_data": [[1], [2], [3], [0]], "labels": [1, 0, 1, 0]}"#,
    ] {
        assert_ne!(read(other).unwrap().hash(), test.hash(), "{other}");
    }
    for (text, part) in [
        (r#"{"input_data": [[1, 2]]}"#, "`labels` is missing"),
        (
            r#"{"input_data": [[1, 2]], "labels": []}"#,
            "1 rows, but 0 labels",
        ),
        (
            r#"{"input_data": [[1, 2], [3]], "labels": [0, 1]}"#,
            "row 1 of `input_data` has 1 values, and row 0 has 2",
        ),
        (
            r#"{"input_data": [[1, 2], [3], [4]], "labels": [0, 1]}"#,
            "3 rows, but 2 labels",
        ),
        (r#"{"input_data": [[1]], "labels": [-1]}"#, "label 0 is -1"),
        (
            r#"{"input_data": [[1]], "labels": [0.5]}"#,
            "label 0 is 0.5",
        ),
        (r#"{"input_data": [[1]], "labels": [1e9]}"#, "no class"),
        (r#"{"input_data": [[1]], "labels": ["cat"]}"#, "labels"),
        (r#"{"input_data": [[]], "labels": [1]}"#, "no values"),
        (r#"{"input_data": [], "labels": []}"#, "no rows"),
        (r#"{"labels": [1]}"#, "\"labels\": [0, 1, ...]}, but"),
        (r#"{"labels": [1]}"#, "`input_data` is missing"),
        (r#"{"input_data": [[1]], "labels": [1]} more"#, "trailing"),
        ("", "ends too early"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(part), "'{part}' is not in: {error}");
    }
}
