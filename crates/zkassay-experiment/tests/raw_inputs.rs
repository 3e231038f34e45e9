//! Models that standardise raw features themselves, from training to a verified proof.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use ndarray::{Array1, Array2, ArrayView1, Axis};
use zkassay_circuit::{CompileOptions, Compiled};
use zkassay_experiment::dataset::Rows;
use zkassay_experiment::integer;
use zkassay_graph::Graph;
use zkassay_models::zoo::{self, Params};
use zkassay_models::{Classifier, Export, Hyperparameters, Standardization, TrainingSet};
use zkassay_prover::{ProvingKey, Srs};
use zkassay_quant::IntegerModel;
use zkassay_seed::Stream;
use zkassay_verifier::artefact::digest;
use zkassay_verifier::{Proof, VerifyingKey};

/// Rows as they are measured, some to train on, some to calibrate on, some to test on.
struct Raw {
    train: Rows,
    calibration: Rows,
    test: Rows,
}

impl Raw {
    /// Normally distributed features of the given means and deviations; the label depends on all
    /// of them alike.
    fn new(moments: &[(f32, f32)]) -> Self {
        let mut stream = Stream::new(11, "test/raw-inputs");
        let mut rows = |count| {
            let z = Array2::from_shape_fn((count, moments.len()), |_| stream.normal() as f32);
            let label = |row: ArrayView1<'_, f32>| {
                let signs = [1.0, -1.0].into_iter().cycle();
                let sum: f32 = row.iter().zip(signs).map(|(z, sign)| z * sign).sum();
                u8::from(sum + 0.5 * stream.normal() as f32 > 0.0)
            };
            let labels = z.outer_iter().map(label).collect();
            let values = Array2::from_shape_fn(z.dim(), |(row, feature)| {
                let (mean, deviation) = moments[feature];
                mean + deviation * z[[row, feature]]
            });
            Rows { values, labels }
        };
        Self {
            train: rows(400),
            calibration: rows(100),
            test: rows(500),
        }
    }

    /// Mean and deviation of the training rows.
    fn standardization(&self) -> Standardization {
        let rows = self.train.values.mapv(f64::from);
        let mean = rows.mean_axis(Axis(0)).unwrap();
        let deviation = rows.std_axis(Axis(0), 1.0);
        let float = |values: Array1<f64>| values.mapv(|value| value as f32).to_vec();
        Standardization::new(float(mean), float(deviation)).unwrap()
    }
}

/// A model trained on standardised features, and its file that takes raw ones.
fn train(name: &str, raw: &Raw) -> (Box<dyn Classifier>, Vec<u8>) {
    let by = raw.standardization();
    let rows = by.apply(raw.train.values.view()).unwrap();
    let set = TrainingSet::new(rows.view(), &raw.train.labels).unwrap();
    let params = Params::study(&name.parse().unwrap(), 3).check().unwrap();
    let model = zoo::fit(&set, &params).unwrap();
    let onnx = model.to_onnx(&Export::new(name).standardized(by)).unwrap();
    (model, onnx)
}

#[test]
fn a_proof_covers_the_model_from_raw_features() {
    let moments = [
        (-3.0, 0.5),
        (2.0, 4.0),
        (0.3, 1.0),
        (3.0, 2.5),
        (-1.0, 0.8),
        (0.0, 1.7),
    ];
    let raw = Raw::new(&moments);
    for (name, layers) in [("logistic", 1), ("16", 2)] {
        let (float, onnx) = train(name, &raw);
        let graph = Graph::from_onnx(&onnx).unwrap();
        let model = integer::calibrated(&graph, raw.calibration.values.view())
            .unwrap()
            .model;
        let IntegerModel::Chain(chain) = &model else {
            panic!("{name} is a chain of dense layers");
        };
        assert_eq!(
            chain.layers.len(),
            layers,
            "the standardisation is no layer of its own"
        );

        // The file's classes of raw rows are the model's of standardised ones.
        let values = raw.test.values.clone();
        let standardized = raw.standardization().apply(values.view()).unwrap();
        let expected = float.predict(standardized.view()).unwrap();
        let labels = expected.classes();
        let agreeing = integer::score(&model, &Rows { values, labels }).unwrap();
        assert!(agreeing.accuracy().unwrap().value >= 0.98, "{name}");

        let compiled = Compiled::new(model, &CompileOptions::default()).unwrap();
        let srs = Srs::unsafe_local(compiled.logrows());
        let key = ProvingKey::setup(&srs, compiled, digest(&onnx)).unwrap();
        let witness = key
            .compiled()
            .witness(&raw.test.values.row(0).to_vec())
            .unwrap();
        let proof = key.prove(&srs, &witness).unwrap().to_bytes();
        let verifying = VerifyingKey::from_bytes(&key.verifying_key().to_bytes()).unwrap();
        let verdict = verifying
            .verify(&Proof::from_bytes(&proof).unwrap())
            .unwrap();
        assert_eq!(verdict.model, Some(digest(&onnx)));
        let difference = verdict.outputs[0] - f64::from(expected.scores[[0, 0]]);
        assert!(difference.abs() < 0.02, "{name}: {difference}");
    }
}

/// Weights on large features are small: prices in cents, volumes in thousands.
#[test]
fn features_of_one_large_magnitude_are_as_good_as_small_ones() {
    let raw = Raw::new(&[(3e3, 1e3), (-1e3, 2e3), (0.0, 5e2), (9e2, 1e3)]);
    for name in ["logistic", "16"] {
        let (float, onnx) = train(name, &raw);
        let graph = Graph::from_onnx(&onnx).unwrap();
        let model = integer::calibrated(&graph, raw.calibration.values.view())
            .unwrap()
            .model;
        let values = raw.test.values.clone();
        let standardized = raw.standardization().apply(values.view()).unwrap();
        let labels = float.predict(standardized.view()).unwrap().classes();
        let agreeing = integer::score(&model, &Rows { values, labels }).unwrap();
        assert!(agreeing.accuracy().unwrap().value >= 0.98, "{name}");
    }
}

/// Features of very different magnitude have input scales of their own, and what the least of them says
/// is not lost.
#[test]
fn features_of_different_magnitude_have_scales_of_their_own() {
    let raw = Raw::new(&[(0.0, 1e-3), (5.0, 1.0), (-20.0, 1e3)]);
    for name in ["logistic", "16"] {
        let (float, onnx) = train(name, &raw);
        let graph = Graph::from_onnx(&onnx).unwrap();
        let model = integer::calibrated(&graph, raw.calibration.values.view())
            .unwrap()
            .model;
        let scales = model.input_scales();
        let exponents: Vec<i32> = scales.as_slice().iter().map(|scale| scale.0).collect();
        assert_eq!(exponents.len(), 3, "{name}: {exponents:?}");
        // Each feature is about a thousand times the one before it.
        assert!(
            exponents.windows(2).all(|pair| pair[0] >= pair[1] + 5),
            "{name}: {exponents:?}"
        );
        let values = raw.test.values.clone();
        let standardized = raw.standardization().apply(values.view()).unwrap();
        let labels = float.predict(standardized.view()).unwrap().classes();
        let agreeing = integer::score(&model, &Rows { values, labels }).unwrap();
        assert!(agreeing.accuracy().unwrap().value >= 0.98, "{name}");
    }
}
