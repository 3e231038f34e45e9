//! Every model by its name: what it says of itself, that it repeats itself, and
//! what becomes of rows and hyper-parameters that are out of the ordinary.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod extremes;
mod rounds;

use ndarray::{Array2, ArrayView1};
use serde_json::{Value, json};
use zkassay_graph::reference::Reference;
use zkassay_models::cnn::CnnParams;
use zkassay_models::zoo::{self, Params};
use zkassay_models::{
    Activation, Classifier, Export, Hyperparameters, MlpSpec, ModelError, ModelSpec, TrainingSet,
    Valid,
};
use zkassay_onnx::proto::ModelProto;
use zkassay_seed::Stream;

/// Every kind of model.
const NAMES: [&str; 12] = [
    "logistic",
    "8",
    "8-4:tanh",
    "8-4:none",
    "cnn",
    "logistic-l2",
    "ridge",
    "svm",
    "svm-rbf",
    "tree",
    "forest",
    "boosted",
];
/// Height and width of the rows, as images.
const SIDE: usize = 5;

fn spec(name: &str) -> ModelSpec {
    name.parse().unwrap()
}

/// The study's parameters, for little time and small images.
fn params(name: &str, seed: u64) -> Params {
    let mut params = Params::study(&spec(name), seed);
    match &mut params {
        Params::Mlp(params) => (params.epochs, params.learning_rate) = (20, 0.01),
        Params::Logistic(params) => params.tolerance = 1e-4,
        Params::Forest(params) => params.trees = 8,
        Params::Boosted(params) => (params.stages, params.subsample) = (4, 0.7),
        Params::Cnn(params) => {
            *params = CnnParams {
                image: [1, SIDE, SIDE],
                channels: vec![3, 2],
                kernel: 2,
                stride: 1,
                ..params.clone()
            }
        }
        _ => {}
    }
    params
}

fn fit(
    rows: &Array2<f32>,
    labels: &[u8],
    params: Params,
) -> Result<Box<dyn Classifier>, ModelError> {
    zoo::fit(&TrainingSet::new(rows.view(), labels)?, &params.check()?)
}

/// Images of noise that is lighter on one side, more or less; the classes say on which.
fn images(count: usize, classes: u8, seed: u64) -> (Array2<f32>, Vec<u8>) {
    let mut stream = Stream::new(seed, "images");
    let rows = Array2::from_shape_simple_fn((count, SIDE * SIDE), || stream.normal() as f32);
    let class = |row: ArrayView1<'_, f32>| {
        let light: f32 = row.iter().take(2 * SIDE).sum();
        let class = f32::from(classes) * (0.5 + light / 12.0);
        class.clamp(0.0, f32::from(classes) - 1.0) as u8
    };
    let mut labels: Vec<u8> = rows.outer_iter().map(class).collect();
    // All classes occur.
    for class in 0..classes {
        labels[usize::from(class)] = class;
    }
    (rows, labels)
}

#[test]
fn names_and_tags_are_read_as_they_are_written() {
    let study = [Activation::Relu, Activation::Tanh, Activation::None].map(MlpSpec::study);
    let networks = study.into_iter().flatten().map(ModelSpec::Mlp);
    let all: Vec<ModelSpec> = NAMES.into_iter().map(spec).chain(networks).collect();
    for spec in &all {
        assert_eq!(&spec.to_string().parse::<ModelSpec>().unwrap(), spec);
        assert_eq!(&spec.tag().parse::<ModelSpec>().unwrap(), spec);
        let json = serde_json::to_string(spec).unwrap();
        assert_eq!(json, format!("\"{spec}\""));
        assert_eq!(&serde_json::from_str::<ModelSpec>(&json).unwrap(), spec);
    }
    for classical in ModelSpec::CLASSICAL {
        assert!(all.contains(&classical), "{classical}");
    }
    let error = "svm-poly".parse::<ModelSpec>().unwrap_err().to_string();
    assert!(
        error.contains("`svm-poly`") && error.contains("`svm-rbf`"),
        "{error}"
    );
}

#[test]
fn models_say_what_they_are_and_are_what_they_say() {
    for classes in [2, 3] {
        let (rows, labels) = images(60, classes, 1);
        for name in NAMES {
            let model = fit(&rows, &labels, params(name, 7)).unwrap();
            assert_eq!(
                (model.inputs(), model.classes()),
                (25, usize::from(classes)),
                "{name}"
            );
            assert!(model.parameters() > 0, "{name}");
            let predictions = model.predict(rows.view()).unwrap();
            assert_eq!(predictions.class_count(), usize::from(classes), "{name}");

            let tag = spec(name).tag();
            // What the model says of itself is not for others to say.
            let export = Export::new(&tag)
                .with("seed", 7)
                .with("seed", 8)
                .with("model", "mine");
            let onnx = model.to_onnx(&export).unwrap();
            let proto = ModelProto::from_bytes(&onnx).unwrap();
            assert_eq!(proto.producer_name, "zkassay");
            let classes = classes.to_string();
            for (key, value) in [
                ("model", tag.as_str()),
                ("classes", &classes),
                ("seed", "8"),
            ] {
                assert_eq!(proto.metadata(key), Some(value), "{name}: {key}");
            }
            assert_eq!(proto.metadata_props.len(), 3, "{name}");
            let graph = proto.graph.unwrap();
            assert_eq!(graph.name, tag);
            let outputs: Vec<&str> = graph.output.iter().map(|o| o.name.as_str()).collect();
            let is_tree = ["tree", "forest", "boosted"].contains(&name);
            assert_eq!(
                outputs,
                if is_tree {
                    vec!["output", "label"]
                } else {
                    vec!["output"]
                }
            );

            let found = Reference::unrestricted(&onnx, "output")
                .unwrap()
                .run(rows.view())
                .unwrap();
            for (found, expected) in found.iter().zip(&predictions.scores) {
                assert!(
                    (found - expected).abs() < 1e-5,
                    "{name}: {found}, {expected}"
                );
            }
            let unnamed = model.to_onnx(&Export::new("")).unwrap_err().to_string();
            assert!(unnamed.contains("name is empty"), "{name}: {unnamed}");
        }
    }
}

#[test]
fn parameters_are_the_same_when_read_and_train_the_same() {
    let (rows, labels) = images(40, 2, 1);
    for name in NAMES {
        let written = params(name, 7).check().unwrap();
        let json = serde_json::to_value(&written).unwrap();
        let read: Valid<Params> = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(read, written, "{json}");
        let bytes = |params: &Valid<Params>| {
            let set = TrainingSet::new(rows.view(), &labels).unwrap();
            let model = zoo::fit(&set, params).unwrap();
            model.to_onnx(&Export::new(name)).unwrap()
        };
        assert!(bytes(&read) == bytes(&written), "{name}");
    }
}

#[test]
fn parameters_that_are_misspelt_or_no_numbers_are_refused() {
    let read = serde_json::from_value::<Valid<Params>>;
    for name in NAMES {
        let stored = serde_json::to_value(params(name, 7)).unwrap();
        let refused = |field: &str, value: Value| {
            let mut stored = stored.clone();
            stored[field] = value;
            read(stored).unwrap_err().to_string()
        };
        assert!(
            refused("batchsize", json!(32)).contains("batchsize"),
            "{name}"
        );
        assert!(
            refused("family", json!("oracle")).contains("oracle"),
            "{name}"
        );
        for (field, value) in stored.as_object().unwrap() {
            if value.is_f64() {
                for value in [Value::Null, json!("1"), json!(-1.0), json!(1e300)] {
                    assert!(!refused(field, value).is_empty(), "{name}: {field}");
                }
            }
        }
    }
    let spelt = json!({"share": 0.2, "patience": 3, "patients": 4});
    let mut stored = serde_json::to_value(params("8", 7)).unwrap();
    stored["early_stopping"] = spelt;
    assert!(read(stored).unwrap_err().to_string().contains("patients"));
}
