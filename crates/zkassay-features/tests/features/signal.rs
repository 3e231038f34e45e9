//! The signal in the fixtures: there, weak, and without a look ahead.

use ndarray::{Array1, ArrayView2};
use zkassay_features::{RawTable, Split};

use crate::support::{raw, study};

/// Tomorrow's price change and today's, by row.
fn moves(raw: &RawTable) -> Vec<(f64, f64)> {
    let changes = raw.column("price_diff_1_days").unwrap();
    changes
        .windows(2)
        .map(|pair| (pair[1].unwrap(), pair[0].unwrap()))
        .collect()
}

/// Pools' columns that start with `prefix`.
fn pools<'a>(raw: &'a RawTable, prefix: &str) -> Vec<&'a [Option<f64>]> {
    raw.columns()
        .iter()
        .filter(|column| column.spec.name.starts_with(prefix))
        .map(|column| column.values.as_slice())
        .collect()
}

fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mx, my) = (mean(x), mean(y));
    let product = |a: &[f64], ma: f64, b: &[f64], mb: f64| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum()
    };
    product(x, mx, y, my) / (product(x, mx, x, mx) * product(y, my, y, my)).sqrt()
}

/// Correlation of `x` and `y` that is not due to `z`.
fn partial(x: &[f64], y: &[f64], z: &[f64]) -> f64 {
    let (xy, xz, yz) = (correlation(x, y), correlation(x, z), correlation(y, z));
    (xy - xz * yz) / ((1.0 - xz * xz) * (1.0 - yz * yz)).sqrt()
}

/// How much the pools' growth from row `t - 1 + ahead` to `t + ahead` says about
/// tomorrow's move beyond what today's move says; mean over the pools.
fn look_ahead(raw: &RawTable, ahead: usize) -> f64 {
    let moves = moves(raw);
    let pools = pools(raw, "tvlUsd_");
    let per_pool = pools.iter().map(|pool| {
        let rows = (1..moves.len() - 1).filter_map(|row| {
            let growth = (pool[row + ahead]? / pool[row + ahead - 1]?).ln();
            Some((growth, moves[row]))
        });
        let (growth, moves): (Vec<f64>, Vec<(f64, f64)>) = rows.unzip();
        let (tomorrow, today): (Vec<f64>, Vec<f64>) = moves.into_iter().unzip();
        partial(&growth, &tomorrow, &today)
    });
    per_pool.sum::<f64>() / pools.len() as f64
}

#[test]
fn the_value_in_pools_knows_nothing_of_tomorrow() {
    let raw = raw();
    let honest = look_ahead(&raw, 0);
    assert!(honest.abs() < 0.05, "{honest}");
    // The same check on rows stamped a day late must fire.
    let leaky = look_ahead(&raw, 1);
    assert!(leaky > 0.7, "{leaky}");
}

#[test]
fn yields_say_almost_as_much_a_day_later() {
    let raw = raw();
    let moves = moves(&raw);
    let mean_correlation = |delay: usize| {
        let pools = pools(&raw, "apy_");
        let per_pool = pools.iter().map(|pool| {
            let rows = (1..moves.len()).filter_map(|row| Some((pool[row - delay]?, moves[row].0)));
            let (yields, tomorrow): (Vec<f64>, Vec<f64>) = rows.unzip();
            correlation(&yields, &tomorrow)
        });
        per_pool.sum::<f64>() / pools.len() as f64
    };
    let (same_day, day_late) = (mean_correlation(0), mean_correlation(1));
    assert!(same_day > 0.1 && same_day < 0.4, "{same_day}");
    assert!(day_late > 0.75 * same_day, "{day_late} against {same_day}");
}

/// Logistic regression by gradient descent: weights and bias.
fn fit(values: ArrayView2<'_, f32>, labels: &[u8]) -> (Array1<f32>, f32) {
    const STEPS: usize = 300;
    const RATE: f32 = 0.02;
    let targets: Array1<f32> = labels.iter().map(|label| f32::from(*label)).collect();
    let mut weights = Array1::zeros(values.ncols());
    let mut bias = 0.0;
    for _ in 0..STEPS {
        let scores = values.dot(&weights) + bias;
        let errors = scores.mapv(|score: f32| 1.0 / (1.0 + (-score).exp())) - &targets;
        let step = RATE / targets.len() as f32;
        bias -= step * errors.sum();
        weights = weights - values.t().dot(&errors) * step;
    }
    (weights, bias)
}

#[test]
fn a_linear_model_beats_the_majority_but_not_by_much() {
    let raw = raw();
    let split = Split::chronological(raw.rows()).unwrap();
    let fitted = study().fit(&raw, &split.train).unwrap();
    let matrix = fitted.transform(&raw).unwrap();
    let [train, test] = [&split.train, &split.test].map(|rows| matrix.select(rows).unwrap());

    let (weights, bias) = fit(train.values.view(), &train.labels);
    let scores = test.values.dot(&weights) + bias;
    let right = scores
        .iter()
        .zip(&test.labels)
        .filter(|(score, label)| (**score > 0.0) == (**label == 1))
        .count();
    let accuracy = right as f64 / 150.0;
    let rises = test.labels.iter().filter(|label| **label == 1).count();
    let majority = rises.max(150 - rises) as f64 / 150.0;
    assert!((0.5..=0.55).contains(&majority), "majority {majority}");
    assert!(
        accuracy > majority + 0.06 && accuracy < 0.75,
        "accuracy {accuracy}, majority {majority}"
    );
}
