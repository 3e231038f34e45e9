//! Digits: the generated ones, damaged ones, and MNIST's own where they are at hand.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use zkassay_data::mnist::{Digits, Images};
use zkassay_data::{DataError, Manifest};

const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/digits")
}

/// A copy of the fixtures without their manifest, so that the loader itself is asked.
fn copy() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in NAMES {
        fs::copy(fixtures().join(name), dir.path().join(name)).unwrap();
    }
    dir
}

#[test]
fn the_fixtures_are_small_balanced_and_standardised() {
    let manifest = Manifest::read(&fixtures()).unwrap().unwrap();
    assert!(manifest.bytes < 300_000, "{}", manifest.bytes);
    let digits = Digits::load(&fixtures()).unwrap();
    assert_eq!((digits.train.len(), digits.test.len()), (600, 150));
    assert_eq!(digits.train.shape(), [28, 28]);
    for images in [&digits.train, &digits.test] {
        for class in 0..10 {
            let count = images
                .labels()
                .iter()
                .filter(|label| **label == class)
                .count();
            assert_eq!(count, images.len() / 10);
        }
        let values = images.standardised();
        assert_eq!(values.len(), images.len() * 784);
        for (value, pixel) in values.iter().zip(images.pixels()) {
            let expected = (f64::from(*pixel) / 255.0 - 0.1307) / 0.3081;
            assert!((f64::from(*value) - expected).abs() < 1e-6);
        }
        // About as much ink as MNIST's, so that the constants of MNIST fit.
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        assert!(mean.abs() < 0.3, "{mean}");
    }
}

/// Whoever looks at the digits can tell them apart, though not all of them.
#[test]
fn the_nearest_mean_image_is_mostly_the_right_one() {
    let digits = Digits::load(&fixtures()).unwrap();
    let mut means = vec![[0.0_f32; 784]; 10];
    let pixels = |images: &Images, index: usize| {
        images.standardised()[index * 784..(index + 1) * 784].to_vec()
    };
    for (index, label) in digits.train.labels().iter().enumerate() {
        for (mean, value) in means[usize::from(*label)]
            .iter_mut()
            .zip(pixels(&digits.train, index))
        {
            *mean += value / 60.0;
        }
    }
    let right = (0..digits.test.len()).filter(|index| {
        let image = pixels(&digits.test, *index);
        let distance = |mean: &[f32; 784]| {
            mean.iter()
                .zip(&image)
                .map(|(a, b)| (a - b).powi(2))
                .sum::<f32>()
        };
        let nearest = (0..10).min_by(|a, b| distance(&means[*a]).total_cmp(&distance(&means[*b])));
        nearest == Some(usize::from(digits.test.labels()[*index]))
    });
    let accuracy = right.count() as f64 / digits.test.len() as f64;
    assert!((0.6..0.99).contains(&accuracy), "{accuracy}");
}

#[test]
fn damaged_files_are_named() {
    for name in NAMES {
        let dir = copy();
        let path = dir.path().join(name);
        let whole = fs::read(&path).unwrap();
        for length in [0, 5, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            let error = Digits::load(dir.path()).unwrap_err();
            assert!(matches!(error, DataError::Idx { .. }), "{error}");
            assert!(error.to_string().contains(name), "{error}");
        }
        fs::remove_file(&path).unwrap();
        assert!(matches!(
            Digits::load(dir.path()),
            Err(DataError::Io { .. })
        ));
    }
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let dir = copy();
    let swap = |from: &str, to: &str| fs::copy(fixtures().join(from), dir.path().join(to)).unwrap();
    swap(NAMES[3], NAMES[1]);
    let error = Digits::load(dir.path()).unwrap_err().to_string();
    assert!(error.contains("150 labels for 600 images"), "{error}");
    swap(NAMES[0], NAMES[1]);
    let error = Digits::load(dir.path()).unwrap_err().to_string();
    assert!(
        error.contains("magic number 0x00000803 found, 0x00000801"),
        "{error}"
    );
}

#[test]
fn a_manifest_beside_the_files_is_held_against_them() {
    let dir = copy();
    let manifest = "MANIFEST.json";
    fs::copy(fixtures().join(manifest), dir.path().join(manifest)).unwrap();
    Digits::load(dir.path()).unwrap();
    fs::copy(fixtures().join(NAMES[3]), dir.path().join(NAMES[1])).unwrap();
    let error = Digits::load(dir.path()).unwrap_err();
    assert!(matches!(error, DataError::Damaged { .. }), "{error}");
}

#[test]
fn the_test_images_of_mnist_load() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/mnist_t10k");
    if !dir.exists() {
        eprintln!("skipped: no {}", dir.display());
        return;
    }
    let test = Images::load(&dir.join(NAMES[2]), &dir.join(NAMES[3])).unwrap();
    assert_eq!((test.len(), test.shape()), (10_000, [28, 28]));
    assert_eq!(test.labels()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    let mean = test
        .standardised()
        .iter()
        .map(|value| f64::from(*value))
        .sum::<f64>()
        / 7_840_000.0;
    assert!(mean.abs() < 0.01, "{mean}");
}
