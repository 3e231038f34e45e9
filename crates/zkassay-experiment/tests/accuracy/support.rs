//! Plans, and what every record has.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use zkassay_experiment::accuracy::{
    AccuracyPlan, AccuracyRecord, Data, IntegerAccuracy, ModelAccuracy, run,
};
use zkassay_experiment::dataset::{Mode, Source};
use zkassay_experiment::plan::parse_models;
use zkassay_experiment::progress::Progress;

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

pub(crate) fn tokens(mode: Mode) -> Data {
    Data::Tables(Source::Tokens {
        path: fixtures(),
        mode,
    })
}

pub(crate) fn plan(data: Data, models: &str, rounds: usize) -> AccuracyPlan {
    AccuracyPlan {
        models: parse_models(models).unwrap(),
        data,
        rounds,
        seed: 5,
        threads: None,
    }
}

pub(crate) fn record(data: Data, models: &str, rounds: usize) -> AccuracyRecord {
    run(&plan(data, models, rounds), &Progress::hidden()).unwrap()
}

pub(crate) fn error(plan: &AccuracyPlan) -> String {
    format!("{:#}", run(plan, &Progress::hidden()).unwrap_err())
}

/// A table of two overlapping clouds with some gaps; `side` is the label, `day` ascends.
pub(crate) fn table(dir: &Path, labels: [&str; 2]) -> PathBuf {
    let mut text = String::from("left,right,side,day\n");
    for i in 0..300_u32 {
        let x = f64::from(i * 37 % 101) / 50.0 - 1.0;
        let y = f64::from(i * 53 % 97) / 48.0 - 1.0;
        let label = labels[usize::from(x + y + f64::from(i % 7) / 20.0 > 0.15)];
        let gap = if i % 29 == 0 {
            String::new()
        } else {
            y.to_string()
        };
        writeln!(text, "{x},{gap},{label},{i}").unwrap();
    }
    let path = dir.join("points.csv");
    fs::write(&path, text).unwrap();
    path
}

pub(crate) fn own(path: PathBuf, time: Option<&str>) -> Data {
    Data::Tables(Source::Table {
        path,
        label: "side".into(),
        time: time.map(Into::into),
    })
}

pub(crate) fn assert_has_integers(model: &ModelAccuracy, rounds: usize) {
    let IntegerAccuracy::Scored {
        accuracy,
        label_agreement,
        ..
    } = &model.integer
    else {
        panic!("{:?}", model.integer);
    };
    assert_eq!(accuracy.rounds, rounds);
    let difference = accuracy.mean - model.accuracy.mean;
    assert!(difference.abs() < 0.05, "{}: {difference}", model.model);
    assert!(*label_agreement > 0.95, "{label_agreement}");
}

/// Of a model that jumps: inputs that are rounded can fall on the other side of a threshold.
pub(crate) fn assert_is_scored(model: &ModelAccuracy) {
    let IntegerAccuracy::Scored {
        label_agreement, ..
    } = &model.integer
    else {
        panic!("{:?}", model.integer);
    };
    assert!(*label_agreement > 0.9, "{label_agreement}");
}
