//! Rounds of digits, which differ in their seed.

use std::fs;
use std::path::Path;

use zkassay_experiment::accuracy::{Comparison, Data, Sampling};

use crate::support::{assert_has_integers, fixtures, record};

#[test]
fn digits_have_parts_of_their_own_and_rounds_are_seeds() {
    let data = Data::Digits(fixtures().join("digits"));
    let record = record(data, "logistic,128,cnn,ridge", 2);
    assert_eq!(record.sampling, Sampling::Parts);
    assert_eq!(
        (&record.train_rows, &record.test_rows),
        (&vec![600; 2], &vec![150; 2])
    );
    assert_eq!(
        (&record.features, &record.feature_hash),
        (&vec![784; 2], &None)
    );
    let [perceptron, network, cnn, ridge] = record.models.as_slice() else {
        panic!("{} models", record.models.len());
    };
    for model in &record.models {
        assert!(
            model.accuracy.mean > 0.4,
            "{}: {:?}",
            model.model,
            model.accuracy
        );
    }
    assert_eq!((perceptron.parameters, cnn.parameters), (7850, 3226));
    // Networks draw by their seed; ridge regression draws nothing.
    assert_ne!(network.rounds[0], network.rounds[1]);
    assert_eq!(ridge.rounds[0], ridge.rounds[1]);
    assert_has_integers(ridge, 2);
    for model in [network, cnn, ridge] {
        let Some(Comparison::McNemar { difference, .. }) = model.against_first else {
            panic!("{:?}", model.against_first);
        };
        let expected = model.rounds[0] - perceptron.rounds[0];
        assert!((difference - expected).abs() < 1e-12, "{}", model.model);
    }
    let params = serde_json::to_value(&perceptron.params).unwrap();
    assert_eq!(
        (&params["batch_size"], &params["epochs"]),
        (&32.into(), &1.into())
    );
    assert!(record.markdown().contains("2 seeds, tested on 150 rows."));
}

#[test]
fn the_test_part_of_digits_alone_is_split_in_order() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"] {
        fs::copy(fixtures().join("digits").join(name), dir.path().join(name)).unwrap();
    }
    let record = record(Data::Digits(dir.path().into()), "logistic", 1);
    assert_eq!(record.sampling, Sampling::TestPart);
    assert_eq!((record.train_rows[0], record.test_rows[0]), (120, 30));
    let page = record.markdown();
    assert!(page.contains("one seed, tested on 30 rows: "), "{page}");
    assert!(
        page.contains("first four fifths of the test part train"),
        "{page}"
    );
}

#[test]
fn the_test_images_of_mnist_are_learned() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/mnist_t10k");
    if !dir.exists() {
        eprintln!("skipped: no {}", dir.display());
        return;
    }
    let record = record(Data::Digits(dir), "logistic,128,cnn", 1);
    assert_eq!((record.train_rows[0], record.test_rows[0]), (8000, 2000));
    let [perceptron, network, cnn] = [0, 1, 2].map(|at| record.models[at].accuracy.mean);
    assert!((0.82..=0.93).contains(&perceptron), "{perceptron}");
    assert!(network > perceptron, "{network} {perceptron}");
    assert!(cnn >= 0.85, "{cnn}");
}
