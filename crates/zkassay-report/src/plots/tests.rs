//! What is in the figures of made-up runs.

use super::*;
use crate::testing::{family, run_record};

fn texts(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).expect("well-formed XML");
    let nodes = document
        .descendants()
        .filter(|node| node.has_tag_name("text"));
    nodes
        .filter_map(|node| node.text())
        .map(str::to_owned)
        .collect()
}

#[test]
fn accuracy_names_axes_models_and_baseline() {
    let texts = texts(&accuracy(&run_record()).svg());
    for expected in [
        "Parameters",
        "Accuracy on the test rows (%)",
        "logistic",
        "64-32",
        "majority baseline",
        "no hidden layer",
        "2 hidden layers",
    ] {
        assert!(
            texts.iter().any(|text| text == expected),
            "{expected}: {texts:?}"
        );
    }
    assert!(!texts.iter().any(|text| text == "1 hidden layer"));
}

#[test]
fn several_rounds_are_said() {
    let mut record = run_record();
    assert!(accuracy(&record).svg().contains("fixture, 150 test rows;"));
    let rounds = &mut record.models[0].accuracy.float.rounds;
    rounds.extend(rounds.clone());
    for plot in [accuracy(&record), frontier(&record)] {
        assert!(plot.svg().contains("fixture, 2 rounds of 150 test rows;"));
    }
}

#[test]
fn cost_has_four_charts_with_a_tooltip_per_model() {
    let record = run_record();
    let svg = cost(&record).svg();
    assert_eq!(
        texts(&svg)
            .iter()
            .filter(|text| *text == "Parameters")
            .count(),
        4
    );
    assert!(
        svg.contains("64-32 (12,545 parameters): prove 1.10 s"),
        "{svg}"
    );
    assert!(svg.contains("logistic (163 parameters): k = 8"), "{svg}");
}

#[test]
fn costs_are_medians_with_bars_that_are_said() {
    let mut record = run_record();
    let point = |record: &RunRecord| {
        let model = &record.models[0];
        let point = cost_point(model, &model.proving, Some(Stage::Prove)).unwrap();
        (point.low, point.y, point.high)
    };
    assert_eq!(point(&record), (14.25, 14.9, 15.5));
    let said = |record: &RunRecord, bars: &str| {
        let texts = texts(&cost(record).svg());
        let expected = format!("times are medians, bars {bars}");
        assert!(
            texts.iter().any(|text| text.contains(&expected)),
            "{expected}: {texts:?}"
        );
    };
    said(&record, "the ranges of the samples");
    record.models[0].proving.timings = crate::Timings::default();
    for value in [9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0] {
        record.models[0].proving.timings.push(Stage::Prove, value);
    }
    assert_eq!(point(&record), (2.0, 5.0, 8.0));
    said(&record, "their 95 % intervals (ranges below six samples)");
}

#[test]
fn peers_are_outlined_on_logarithmic_axes() {
    let mut record = run_record();
    let svg = cost(&record).svg();
    let texts_of = texts(&svg);
    assert!(
        texts_of.iter().any(|text| text == "EZKL fixed"),
        "{texts_of:?}"
    );
    assert!(
        !texts_of.iter().any(|text| text == "EZKL tuned"),
        "nothing was timed"
    );
    assert!(svg.contains("EZKL fixed: logistic (163 parameters): prove 1.50 s"));
    assert!(
        svg.contains(">logistic (163 parameters): prove 14.9 ms"),
        "{svg}"
    );
    // 15 ms to 1.5 s: decades, not steps from zero.
    for tick in ["10", "100", "1,000"] {
        assert!(
            texts_of.iter().any(|text| text == tick),
            "{tick}: {texts_of:?}"
        );
    }
    record.models[0].peers.clear();
    let without = texts(&cost(&record).svg());
    assert!(without.iter().any(|text| text == "0"));
    assert!(!without.iter().any(|text| text.contains("EZKL")));
}

#[test]
fn a_crowd_of_models_is_drawn_without_labels() {
    let mut record = run_record();
    let model = record.models[1].clone();
    record.models = vec![model; 3_000];
    let texts = texts(&frontier(&record).svg());
    assert!(!texts.iter().any(|text| text == "64-32"));
}

#[test]
fn the_frontier_leaves_out_what_another_model_beats() {
    let at = |x: f64, y: f64| Point {
        x,
        y,
        ..Point::of(&run_record().models[0])
    };
    let points = [at(3.0, 60.0), at(1.0, 50.0), at(2.0, 50.0), at(4.0, 59.0)];
    assert_eq!(best(&points), [(1.0, 50.0), (3.0, 60.0)]);
    assert_eq!(best(&[]), []);
}

#[test]
fn families_have_a_legend_and_the_frontier_names_times() {
    let mut record = run_record();
    record.models[0].family = crate::Family::Trees;
    let svg = frontier(&record).svg();
    let texts = texts(&svg);
    for expected in ["decision trees", "2 hidden layers", "Time of a proof (ms)"] {
        assert!(texts.iter().any(|text| text == expected), "{expected}");
    }
    assert!(svg.contains("prove 1.10 s"), "{svg}");
}

#[test]
fn markup_in_a_tag_is_escaped() {
    let mut record = run_record();
    record.models[0].tag = "<b> & \"c\"".into();
    assert!(texts(&accuracy(&record).svg()).contains(&"<b> & \"c\"".to_owned()));
    texts(&cost(&record).svg());
}

#[test]
fn few_many_and_no_models_can_be_drawn() {
    let mut none = run_record();
    none.models.clear();
    let mut untimed = run_record();
    untimed.models[0].proving = crate::Proving::default();
    untimed.models[0].accuracy.quantized = None;
    for record in [none, untimed, family()] {
        for plot in all(&record) {
            texts(&plot.svg());
            assert_eq!(plot.png().unwrap()[..4], *b"\x89PNG");
        }
    }
}
