//! Budgets against made-up runs.

use super::*;
use crate::testing::{family, run_record};

fn budget(max_prove_ms: f64) -> Budget {
    Budget {
        max_prove_ms: Some(max_prove_ms),
        ..Budget::default()
    }
}

fn tags(models: &[Candidate]) -> Vec<&str> {
    models.iter().map(|model| model.tag.as_str()).collect()
}

#[test]
fn the_best_model_is_the_most_accurate_within_the_budget() {
    let record = run_record();
    let choice = choose(&record, &Budget::default());
    assert_eq!(choice.best.unwrap().tag, "64-32");
    let choice = choose(&record, &budget(50.0));
    assert_eq!(choice.best.unwrap().tag, "logistic");
    assert_eq!(choice.outside.len(), 1);
    let miss = choice.outside[0].misses[0];
    assert_eq!((miss.limit, miss.found), (Limit::Prove, Some(1100.0)));
    assert_eq!(miss.factor(), 22.0);
    assert_eq!(
        miss.describe(),
        "time of a proof 1.10 s instead of 50.0 ms (22.0 times)"
    );
}

#[test]
fn what_is_equal_to_a_limit_is_within() {
    let record = run_record();
    let exact = Budget {
        max_prove_ms: Some(14.9),
        max_verify_ms: Some(1.6),
        max_setup_ms: Some(13.0),
        max_proof_bytes: Some(736),
        max_pk_bytes: Some(201_000),
        max_memory_bytes: Some(24_000_000),
        min_accuracy: Some(0.66),
    };
    assert_eq!(choose(&record, &exact).best.unwrap().tag, "logistic");
    for tighter in [
        Budget {
            max_prove_ms: Some(14.8),
            ..exact
        },
        Budget {
            max_verify_ms: Some(1.5),
            ..exact
        },
        Budget {
            max_setup_ms: Some(12.9),
            ..exact
        },
        Budget {
            max_proof_bytes: Some(735),
            ..exact
        },
        Budget {
            max_pk_bytes: Some(200_999),
            ..exact
        },
        Budget {
            max_memory_bytes: Some(23_999_999),
            ..exact
        },
        Budget {
            min_accuracy: Some(0.661),
            ..exact
        },
    ] {
        let choice = choose(&record, &tighter);
        assert_eq!(choice.best, None, "{tighter:?}");
        let nearest = choice.nearest.unwrap();
        assert_eq!(nearest.model.tag, "logistic");
        assert_eq!(nearest.misses.len(), 1);
        assert_eq!(choice.loosen[0].limit, nearest.misses[0].limit);
        assert_eq!(choice.loosen[0].tag, "logistic");
    }
}

#[test]
fn of_equally_accurate_models_the_cheapest_is_best() {
    let mut record = run_record();
    record.models[0].accuracy = record.models[1].accuracy.clone();
    let choice = choose(&record, &Budget::default());
    assert_eq!(choice.best.unwrap().tag, "logistic");
    assert_eq!(tags(&choice.frontier), ["logistic"]);
    record.models.reverse();
    assert_eq!(
        choose(&record, &Budget::default()).best.unwrap().tag,
        "logistic"
    );
}

#[test]
fn a_cheaper_model_is_named_only_if_it_cannot_be_told_apart() {
    let mut record = run_record();
    // 99 and 149 of 150: worlds apart.
    let choice = choose(&record, &Budget::default());
    let cheapest = choice.cheapest.unwrap();
    assert_eq!(
        (cheapest.model.tag.as_str(), cheapest.difference),
        ("64-32", None)
    );
    let rate = record.models[0].accuracy.quantized.as_mut().unwrap();
    (rate.rounds[0].correct, rate.value) = (146, 146.0 / 150.0);
    let choice = choose(&record, &Budget::default());
    assert_eq!(choice.best.as_ref().unwrap().tag, "64-32");
    let cheapest = choice.cheapest.as_ref().unwrap();
    assert_eq!(cheapest.model.tag, "logistic");
    let difference = cheapest.difference.unwrap();
    assert!((difference.difference.value - 0.02).abs() < 1e-12);
    assert!(!difference.is_clear());
    for text in [choice.text(), choice.markdown()] {
        assert!(
            text.contains("logistic is 2.0 points less, 95 % interval [")
                && text
                    .contains("] (Newcombe 1998, method 10), which holds 0: 150 rows cannot tell"),
            "{text}"
        );
    }
    // What may be guessing is as good as the best only if that may be guessing, too.
    record.models[0].accuracy.quantized.as_mut().unwrap().low = 0.5;
    let cheapest = |record: &crate::RunRecord| choose(record, &Budget::default()).cheapest.unwrap();
    assert_eq!(cheapest(&record).model.tag, "64-32");
    record.models[1].accuracy.quantized.as_mut().unwrap().low = 0.5;
    assert_eq!(cheapest(&record).model.tag, "logistic");
}

#[test]
fn the_frontier_is_that_of_all_pairs() {
    let record = family();
    let choice = choose(&record, &budget(25.0));
    let all: Vec<Candidate> = record.models.iter().map(Candidate::of).collect();
    for (frontier, cost) in [
        (
            &choice.frontier,
            (|m: &Candidate| m.prove_ms.unwrap()) as fn(&Candidate) -> f64,
        ),
        (&choice.size_frontier, |m| m.proof_bytes.unwrap() as f64),
    ] {
        let beats = |a: &Candidate, b: &Candidate| {
            let (x, y) = (a.accuracy.unwrap(), b.accuracy.unwrap());
            cost(a) <= cost(b) && x >= y && (cost(a) < cost(b) || x > y)
        };
        for model in &all {
            let is_beaten = all.iter().any(|other| beats(other, model));
            let figures = |m: &Candidate| (cost(m).to_bits(), m.accuracy.unwrap().to_bits());
            let is_on = frontier.iter().any(|on| figures(on) == figures(model));
            assert_eq!(is_on, !is_beaten, "{}", model.tag);
        }
    }
    let table = choice.frontier_table();
    assert!(table.rows.iter().any(|row| row[9] == "yes"));
    assert!(table.rows.iter().any(|row| row[9] == "no"));
    assert_eq!(
        choose(&record, &Budget::default())
            .frontier_table()
            .headings
            .len(),
        9
    );
    assert_eq!(choice.within.len() + choice.outside.len(), 42);
}

#[test]
fn a_model_without_proofs_is_never_chosen() {
    let mut record = run_record();
    record.models[1].proving = crate::Proving::default();
    let choice = choose(&record, &Budget::default());
    assert_eq!(choice.best.as_ref().unwrap().tag, "logistic");
    assert_eq!(choice.outside[0].misses.len(), 1);
    assert_eq!(
        choice.outside[0].misses[0].describe(),
        "time of a proof is not known"
    );
    record.models[0].accuracy.quantized = None;
    let choice = choose(&record, &Budget::default());
    assert_eq!(choice.best, None);
    assert!(choice.frontier.is_empty() && choice.loosen.is_empty());
    assert!(choice.nearest.is_some());
    assert!(choice.text().contains("None of 2 models"));
}

#[test]
fn several_limits_in_conflict_are_said() {
    let choice = choose(
        &run_record(),
        &Budget {
            max_prove_ms: Some(10.0),
            max_proof_bytes: Some(700),
            ..Budget::default()
        },
    );
    assert_eq!(choice.nearest.as_ref().unwrap().model.tag, "logistic");
    assert!(choice.loosen.is_empty());
    let text = choice.text();
    assert!(text.contains("several limits"));
    assert!(text.contains("- Best without limits: 64-32, 12,545 parameters"));
    assert!(
        !text.contains("Frontier") && !text.contains("Outside the budget"),
        "{text}"
    );
}

#[test]
fn the_least_loosening_comes_first() {
    let choice = choose(
        &run_record(),
        &Budget {
            max_prove_ms: Some(100.0),
            min_accuracy: Some(0.7),
            ..Budget::default()
        },
    );
    let found: Vec<(Limit, &str, f64)> = choice
        .loosen
        .iter()
        .map(|l| (l.limit, l.tag.as_str(), l.to))
        .collect();
    assert_eq!(
        found,
        [
            (Limit::Accuracy, "logistic", 0.66),
            (Limit::Prove, "64-32", 1100.0)
        ]
    );
    let text = choice.text();
    assert!(text.contains("`--min-accuracy 0.66` instead of 70.0 % would let logistic in"));
}

#[test]
fn a_suggested_limit_is_met() {
    for value in [
        8.0141,
        0.000_123_4,
        14.9,
        999.95,
        12_345.678,
        1e9 + 0.1,
        0.0,
    ] {
        let text = Limit::Prove.argument(value);
        let suggested: f64 = text.strip_suffix("ms").unwrap().parse().unwrap();
        assert!(suggested >= value, "{text}");
        assert!(suggested <= value * 1.002 + 1e-6, "{text}");
    }
    assert_eq!(Limit::Prove.argument(8.0141), "8.015ms");
    assert_eq!(Limit::Key.argument(2085.0), "2085B");
    for value in [0.615_894, 0.66, 1.0] {
        let suggested: f64 = Limit::Accuracy.argument(value).parse().unwrap();
        assert!(
            suggested <= value && suggested > value - 2e-4,
            "{suggested}"
        );
    }
}

#[test]
fn extremes_are_no_panic() {
    let mut record = run_record();
    record.models[0].accuracy.quantized.as_mut().unwrap().value = -1e308;
    record.models[1].proving.timings = crate::Timings::default();
    record.models[1]
        .proving
        .timings
        .push(crate::Stage::Prove, 1e308);
    for limit in [0.0, 1e308, f64::MIN_POSITIVE] {
        let choice = choose(
            &record,
            &Budget {
                min_accuracy: Some(limit),
                ..budget(limit)
            },
        );
        serde_json::to_string(&choice).unwrap();
        assert!(!choice.text().is_empty() && !choice.markdown().is_empty());
    }
    record.models.clear();
    let choice = choose(&record, &Budget::default());
    assert_eq!((choice.best, choice.nearest), (None, None));
}
