//! The leak audit: silent on honest data, loud on a look ahead.

use std::collections::BTreeMap;

use ndarray::ArrayView2;
use zkassay_data::{Day, Tables};
use zkassay_features::audit::{self, Audit, AuditSettings, Form, LogisticRegression};
use zkassay_features::{FeatureError, FeaturePipeline, FittedPipeline, Split};

use crate::support::{dates, fixtures, with_numbers};

fn fit(pipeline: &FeaturePipeline, tables: &Tables) -> FittedPipeline {
    let raw = pipeline.raw_table(tables).unwrap();
    let split = Split::chronological(raw.rows()).unwrap();
    pipeline.fit(&raw, &split.train).unwrap()
}

fn audit(pipeline: &FeaturePipeline, tables: &Tables) -> Audit {
    let fitted = fit(pipeline, tables);
    let learner = LogisticRegression::default();
    audit::run(&fitted, tables, &learner, &AuditSettings::default()).unwrap()
}

/// The fixtures with 0.96 of the move that begins `ahead` days after a pool
/// row's date in its value: 0 is the rest of the same day, as in rows stamped
/// at the end of their day.
fn leaky(ahead: i32) -> Tables {
    let tables = fixtures();
    let tokens = tables.prices().column("token").unwrap().str().unwrap();
    let prices = tables.prices().column("price").unwrap().f64().unwrap();
    let target: BTreeMap<Day, f64> = dates(tables.prices())
        .into_iter()
        .zip(tokens.iter().zip(prices.iter()))
        .filter(|(_, (token, _))| *token == Some("WETH"))
        .filter_map(|(day, (_, price))| Some((day, price?)))
        .collect();
    let days = dates(tables.pools());
    let pools = with_numbers(tables.pools(), "tvlUsd", |row, value| {
        let day = days[row] + ahead;
        let growth = target.get(&(day + 1))? / target.get(&day)?;
        Some((value? * growth.powf(0.96)).floor())
    });
    Tables::new(tables.prices(), &pools, tables.value_locked()).unwrap()
}

#[test]
fn the_fixtures_are_not_suspected() {
    for pipeline in [FeaturePipeline::paper(), FeaturePipeline::honest()] {
        let audit = audit(&pipeline, &fixtures());
        assert_eq!(audit.warning, None, "{audit}");
        assert_eq!(audit.suspects().count(), 0, "{audit}");
        // There is a signal, and it lasts.
        assert!(
            audit.scores.as_given.mean > audit.scores.majority + 0.05,
            "{audit}"
        );
        let strongest = &audit.findings[0];
        assert!(strongest.same_day.is_significant() && strongest.day_after.is_significant());
    }
}

#[test]
fn a_look_ahead_is_found() {
    let audit = audit(&FeaturePipeline::paper(), &leaky(0));
    let warning = audit.warning.as_deref().unwrap();
    assert!(
        warning.contains("same-day information explains the score"),
        "{warning}"
    );
    assert!(warning.contains("tvlUsd_project"), "{warning}");
    let scores = audit.scores;
    assert!(scores.as_given.mean > 0.8, "{audit}");
    assert!(scores.delayed.mean < 0.66, "{audit}");
    let strongest = &audit.findings[0];
    assert_eq!(strongest.form, Form::Change);
    assert!(
        strongest.is_suspect() && strongest.same_day.value > 0.5,
        "{audit}"
    );
    let suspects = audit
        .suspects()
        .filter(|finding| finding.feature.starts_with("tvlUsd"));
    assert!(suspects.count() >= 40, "{audit}");
    assert!(audit.to_string().contains("WARNING: same-day"), "{audit}");
}

#[test]
fn a_day_of_lag_mends_a_day_of_leak_and_no_more() {
    let mended = audit(&FeaturePipeline::honest(), &leaky(0));
    assert_eq!(mended.warning, None, "{mended}");
    // Rows stamped a further day too early leak through the honest lag.
    let leaking = audit(&FeaturePipeline::honest(), &leaky(1));
    assert!(leaking.warning.is_some(), "{leaking}");
}

#[test]
fn audits_are_reproducible_and_survive_storage() {
    let settings = AuditSettings {
        splits: 3,
        ..AuditSettings::default()
    };
    let tables = fixtures();
    let fitted = fit(&FeaturePipeline::honest(), &tables);
    let run = || audit::run(&fitted, &tables, &LogisticRegression::default(), &settings).unwrap();
    let first = run();
    assert_eq!(first, run());
    let text = serde_json::to_string(&first).unwrap();
    let read: Audit = serde_json::from_str(&text).unwrap();
    assert_eq!(read.findings.len(), first.findings.len());
    assert_eq!(read.warning, first.warning);
}

#[test]
fn without_other_sources_there_is_nothing_to_delay() {
    let tables = Tables::prices_only(fixtures().prices()).unwrap();
    for pipeline in [FeaturePipeline::paper(), FeaturePipeline::honest()] {
        let audit = audit(&pipeline, &tables);
        assert_eq!(audit.scores.as_given, audit.scores.prices_only);
        assert_eq!(audit.scores.as_given, audit.scores.delayed);
        assert_eq!(audit.warning, None, "{audit}");
        assert_eq!(audit.findings.len(), 63);
    }
}

#[test]
fn any_learner_will_do() {
    let tables = fixtures();
    let fitted = fit(&FeaturePipeline::honest(), &tables);
    let rising =
        |_: ArrayView2<'_, f32>, _: &[u8], test: ArrayView2<'_, f32>| vec![1; test.nrows()];
    let settings = AuditSettings::default();
    let audit = audit::run(&fitted, &tables, &rising, &settings).unwrap();
    // Whatever the features, it is right on the days that rise.
    assert_eq!(audit.scores.as_given, audit.scores.delayed);
    assert_eq!(audit.scores.cost_of_a_day.mean, 0.0);
    assert!((audit.scores.as_given.mean - 0.477).abs() < 0.03, "{audit}");

    let refused = |settings: AuditSettings| {
        let error = audit::run(&fitted, &tables, &rising, &settings).unwrap_err();
        assert!(matches!(error, FeatureError::Setting { .. }), "{error}");
    };
    refused(AuditSettings {
        splits: 1,
        ..settings
    });
    refused(AuditSettings {
        significance: f64::NAN,
        ..settings
    });
}
