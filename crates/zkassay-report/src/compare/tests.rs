//! Two made-up runs side by side.

use super::*;
use crate::testing::run_record;
use crate::{Proportion, Timings};

/// The run again, twice as slow to prove.
fn slower() -> RunRecord {
    let mut second = run_record();
    second.id = "20220602-000000".into();
    for model in &mut second.models {
        let mut timings = Timings::default();
        for value in model.proving.timings.of(Stage::Prove).as_slice() {
            timings.push(Stage::Prove, value * 2.0);
        }
        model.proving.timings = timings;
        let mut cpu = Timings::default();
        for value in model.proving.cpu.of(Stage::Prove).as_slice() {
            cpu.push(Stage::Prove, value * 2.0);
        }
        model.proving.cpu = cpu;
    }
    second
}

#[test]
fn a_run_against_itself_differs_in_nothing() {
    let run = run_record();
    let found = compare(&run, &run);
    assert_eq!(found.warnings, Vec::<String>::new());
    assert_eq!(found.deviations, []);
    assert!(found.only_first.is_empty() && found.only_second.is_empty());
    // logistic with two peers, and 64-32.
    assert_eq!(found.models.len(), 4);
    for pair in &found.models {
        assert!(pair.is_same_model);
        let changes = [pair.prove, pair.verify, pair.setup, pair.proof, pair.memory];
        for change in changes.into_iter().flatten() {
            assert_eq!(change.ratio, Some(1.0));
            assert!(!change.is_clear());
        }
    }
    let text = found.text();
    assert!(
        !text.contains("!!!") && !text.contains("What differs"),
        "{text}"
    );
    assert!(
        text.contains("736 B, same") && text.contains("66.0 %, same"),
        "{text}"
    );
}

#[test]
fn ratios_are_of_the_second_to_the_first() {
    let found = compare(&run_record(), &slower());
    let logistic = &found.models[0];
    let prove = logistic.prove.unwrap();
    assert_eq!((prove.first, prove.second), (14.9, 29.8));
    assert_eq!(prove.ratio, Some(2.0));
    let interval = prove.interval.unwrap();
    assert!(interval.low >= 29.8 * 0.95 / 15.5 && interval.high <= 31.0 / 14.25);
    assert!(prove.is_clear());
    assert_eq!(logistic.setup, None, "not timed in the second");
    let text = found.text();
    assert!(text.contains("14.9 ms, 29.8 ms: 2.00 ["), "{text}");
    assert!(text.contains("1 takes clearly longer"), "{text}");
    assert_eq!(logistic.cpu.unwrap().second, 46.0);
    assert_eq!(logistic.clear_change(), Some(std::cmp::Ordering::Greater));
    // Two samples have no interval.
    let deep = found
        .models
        .iter()
        .find(|pair| pair.tag == "64-32")
        .unwrap();
    assert_eq!(deep.prove.unwrap().interval, None);
    assert_eq!(
        compare(&run_record(), &slower()),
        found,
        "the bootstrap is seeded"
    );
}

#[test]
fn a_clear_change_is_one_of_wall_and_cpu_time() {
    let (first, mut second) = (run_record(), slower());
    let change = |second: &RunRecord| compare(&first, second).models[0].clear_change();
    second.models[0].proving.cpu = first.models[0].proving.cpu.clone();
    assert!(compare(&first, &second).models[0].prove.unwrap().is_clear());
    assert_eq!(
        change(&second),
        None,
        "another load takes no CPU time of ours"
    );
    let mut cpu = Timings::default();
    for value in [2.0, 2.1, 2.2] {
        cpu.push(Stage::Prove, value);
    }
    second.models[0].proving.cpu = cpu;
    assert_eq!(
        change(&second),
        None,
        "longer by one clock, less by the other"
    );
    second.models[0].proving.cpu = Timings::default();
    assert_eq!(change(&second), None);
    let text = compare(&first, &second).text();
    assert!(text.contains("0 take clearly longer"), "{text}");
    assert!(text.contains("cargo xtask bench-compare"), "{text}");
}

#[test]
fn files_and_numbers_of_measurements_are_one_line_each() {
    let (first, mut second) = (run_record(), run_record());
    let file = second.data.files[0].clone();
    second.data.files = vec![file; 32];
    second.models[0].proving.proved_rows.push(9);
    second.models[1].proving.timings = Timings::default();
    let found = compare(&first, &second).deviations;
    let cells = |what: &str| {
        let of = found
            .iter()
            .find(|deviation| deviation.what == what)
            .unwrap();
        (of.first.clone(), of.second.clone())
    };
    let (one, many) = cells("data files");
    assert!(one.starts_with("1 file, hash ") && one.len() == "1 file, hash ".len() + 12);
    assert!(many.starts_with("32 files, hash "), "{many}");
    assert_eq!(
        cells("proofs of a model"),
        ("2 to 3".into(), "2 to 4".into())
    );
    assert_eq!(cells("setups of a model"), ("1".into(), "0 to 1".into()));
}

#[test]
fn other_data_and_machines_are_said_first() {
    let (first, mut second) = (run_record(), run_record());
    second.host.cpu = "Other 1".into();
    second.data.feature_hash = "00".repeat(32);
    let found = compare(&first, &second);
    assert_eq!(found.warnings.len(), 2);
    let text = found.text();
    assert!(text.starts_with("!!! DIFFERENT DATA"), "{text}");
    assert!(text.contains("!!! DIFFERENT MACHINE"), "{text}");
    let markdown = found.markdown();
    let warning = markdown.find("> **Warning.** DIFFERENT DATA").unwrap();
    assert!(warning < markdown.find("## Models").unwrap());
    let what: Vec<&str> = found.deviations.iter().map(|d| d.what.as_str()).collect();
    assert_eq!(what, ["processor", "feature manifest"]);
    second = first.clone();
    second.data.test_rows += 1;
    let found = compare(&first, &second);
    assert!(found.warnings[0].starts_with("DIFFERENT SPLITS"));
    let method = found.models[0].accuracy_difference.unwrap().method;
    assert_eq!(method, stats::Method::Newcombe);
}

#[test]
fn revisions_seeds_packages_and_settings_are_listed() {
    let (first, mut second) = (run_record(), run_record());
    second.seed += 1;
    second.host.revision = None;
    second.host.packages.insert("halo2".into(), "0.4".into());
    second.models[1].proving.settings = serde_json::json!({ "range_bits": 9 });
    second.models[0].onnx_sha256 = "00".repeat(32);
    second.models[0].peers[0].version = "24".into();
    let found = compare(&first, &second);
    let what: Vec<&str> = found.deviations.iter().map(|d| d.what.as_str()).collect();
    assert_eq!(
        what,
        [
            "seed",
            "revision",
            "package halo2",
            "logistic: ONNX file",
            "logistic: EZKL fixed version",
            "64-32: settings"
        ]
    );
    assert_eq!(found.deviations[1].second, "unknown");
    assert_eq!(found.deviations[2].first, "absent");
    assert!(!found.models[0].is_same_model);
    assert!(found.text().contains("other ONNX files"));
}

#[test]
fn what_only_one_run_has_is_named() {
    let (mut first, mut second) = (run_record(), run_record());
    first.models.remove(1);
    second.models[0].peers.remove(0);
    let found = compare(&first, &second);
    assert_eq!(found.only_first, ["EZKL fixed on logistic"]);
    assert_eq!(found.only_second, ["64-32"]);
    let text = found.text();
    assert!(
        text.contains("Only in 20220601-000000: EZKL fixed on logistic."),
        "{text}"
    );
}

#[test]
fn rounds_are_paired_only_on_the_same_rows() {
    let (mut first, mut second) = (run_record(), run_record());
    second.id = "another file".into();
    for run in [&mut first, &mut second] {
        for model in &mut run.models {
            model.onnx_sha256 = run.id.clone();
            let rate = model.accuracy.quantized.as_mut().unwrap();
            rate.rounds = [90, 100, 95]
                .map(|correct| Proportion {
                    correct,
                    total: 150,
                })
                .to_vec();
        }
    }
    let method = |a: &RunRecord, b: &RunRecord| {
        let found = compare(a, b).models.swap_remove(0);
        found.accuracy_difference.unwrap().method
    };
    assert_eq!(method(&first, &second), stats::Method::PairedRounds);
    second.seed += 1;
    assert_eq!(method(&first, &second), stats::Method::Newcombe);
}

#[test]
fn beyond_many_pairs_there_are_no_intervals() {
    let mut run = run_record();
    let model = run.models.swap_remove(0);
    run.models = (0..=INTERVALS)
        .map(|index| ModelRecord {
            tag: index.to_string(),
            peers: vec![],
            ..model.clone()
        })
        .collect();
    let found = compare(&run, &run);
    let has_interval = |pair: &Pair| pair.prove.unwrap().interval.is_some();
    assert!(has_interval(&found.models[INTERVALS - 1]));
    assert!(!has_interval(&found.models[INTERVALS]));
}

#[test]
fn a_long_warning_is_whole_and_obeys_no_terminal() {
    let (first, mut second) = (run_record(), run_record());
    second.host.cpu = "x".repeat(300) + "\u{1b}[2J";
    let text = compare(&first, &second).text();
    assert!(
        text.contains("Times say nothing about the programs."),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn empty_runs_and_long_values_are_no_panic() {
    let mut empty = run_record();
    empty.models.clear();
    let mut long = run_record();
    long.host.cpu = "µ".repeat(100_000);
    let found = compare(&empty, &long);
    assert!(found.models.is_empty());
    assert!(found.deviations[0].second.chars().count() <= 201);
    assert!(found.markdown().contains("of 0 pairs of a model"));
}
