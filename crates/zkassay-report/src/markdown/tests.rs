//! What the page says of made-up runs.

use super::*;
use crate::record::Failure;
use crate::testing::{family, run_record};

#[test]
fn the_best_model_of_each_budget_comes_first() {
    let page = report(&run_record());
    let rows = [
        "| at most 20 ms, 50 ms, 100 ms | logistic | 66.0 % [58.1, 73.1] | 14.9 ms | 1.60 ms | 736 B |",
        "| any | 64-32 | 99.3 % [96.3, 99.9] | 1.10 s | 4.20 ms | 3.58 kB |",
    ];
    for row in rows {
        assert!(page.contains(row), "{row}: {page}");
    }
    let mut slow = run_record();
    slow.models.remove(0);
    assert!(report(&slow).contains("| at most 20 ms, 50 ms, 100 ms | none | - |"));
    let mut quick = run_record();
    quick.models.remove(1);
    assert!(report(&quick).contains("| at most 20 ms, 50 ms, 100 ms, any | logistic |"));
}

#[test]
fn peers_are_summed_up_with_median_and_range() {
    let page = report(&run_record());
    assert!(
        page.contains(
            "- A proof by **EZKL fixed** takes 102 times the CPU time of ours and 100 times as long \
             (1 model)."
        ),
        "{page}"
    );
    assert!(
        page.contains("- EZKL tuned proved no model that zkassay proved; it failed on 1 model.")
    );
    assert!(page.contains("## Other provers"));
    assert!(page.contains("- **x CPU**: CPU time of a proof over ours"));
    let mut two = run_record();
    let peer = two.models[0].peers[0].clone();
    two.models[1].peers.push(peer);
    let page = report(&two);
    assert!(
        page.contains(
            "takes 51.7 [1.18, 102] times the CPU time of ours and 50.8 [1.36, 100] times"
        ),
        "{page}"
    );
    assert!(page.contains("(medians over 2 models, ranges in brackets)"));
    let mut record = run_record();
    record
        .models
        .iter_mut()
        .for_each(|model| model.peers.clear());
    record.failures.clear();
    let page = report(&record);
    assert!(!page.contains("EZKL fixed") && !page.contains("## Failures"));
}

#[test]
fn a_cheaper_model_that_cannot_be_told_apart_is_named() {
    let mut record = run_record();
    assert!(!report(&record).contains("Cheaper, perhaps"));
    let rate = record.models[0].accuracy.quantized.as_mut().unwrap();
    (rate.rounds[0].correct, rate.value) = (146, 146.0 / 150.0);
    let page = report(&record);
    assert!(page.contains("- Cheaper, perhaps as good as the most accurate: **logistic**"));
    assert!(page.contains("logistic is 2.0 points less, 95 % interval ["));
    assert!(page.contains("which holds 0: 150 rows cannot tell the two apart."));
}

#[test]
fn the_conclusion_has_the_runs_own_figures() {
    let record = family();
    let page = report(&record);
    for sentence in findings::findings(&record).sentences() {
        assert!(page.contains(&sentence), "{sentence}");
    }
    assert!(page.contains("of 42 models") && page.contains("best of 42 models"));
    assert!(!report(&run_record()).contains("in part the luckiest"));
}

#[test]
fn the_study_stands_beside_with_its_source_and_what_cannot_be_compared() {
    let page = report(&run_record());
    assert!(page.contains("## Beside the study"));
    assert!(page.contains(article::SOURCE));
    assert!(page.contains("machine is not known"));
    assert!(page.contains("| 64-32 | 75.5 % | 99.3 % [96.3, 99.9] |"));
    let mut record = run_record();
    record
        .models
        .iter_mut()
        .for_each(|model| model.tag.push('x'));
    assert!(!report(&record).contains("Beside the study"));
}

#[test]
fn what_speaks_against_the_results_is_said() {
    let mut record = run_record();
    record.warnings.push("the pools know tomorrow".into());
    let page = report(&record);
    assert!(page.contains("> **Warning.** the pools know tomorrow\n"));
    assert!(page.contains("1 failure, see [below](#failures)"));
    assert!(page.contains("| logistic | EZKL tuned | setup | took longer than 60 s |"));
    assert!(page.contains("| all, as given | 51.0 % | 1.0 % |"));
    assert!(page.contains("\nNo sign of a leak. Accuracy by"));
    assert!(page.contains("tvl\\_lido") || page.contains("tvl_lido (lag 0)"));
}

#[test]
fn the_warning_appears_with_unsafe_parameters_only() {
    let mut record = run_record();
    assert!(report(&record).contains("could forge proofs"));
    record.srs.kind = "perpetual-powers-of-tau".into();
    assert!(!report(&record).contains("forge"));
}

#[test]
fn plots_are_linked_where_they_are_written() {
    let record = run_record();
    let page = report(&record);
    for plot in plots::all(&record) {
        assert!(page.contains(&format!("]({})", plot.path("svg"))));
    }
}

#[test]
fn the_command_and_every_seed_and_setting_are_there() {
    let mut record = run_record();
    for model in &mut record.models {
        model.training.params["spec"] = model.tag.clone().into();
    }
    let page = report(&record);
    for expected in [&record.command, &record.data.feature_hash] {
        assert!(page.contains(expected.as_str()));
    }
    assert!(page.contains("`record.json` has the SHA-256 of each"));
    assert!(page.contains("seed 20220601"));
    assert!(page.contains("| 0, 7, 31 |"));
    assert!(page.contains(r#""range_bits":8"#) && page.contains(r#""input_scale":7"#));
    assert!(page.contains("Packages: zkassay 0.1.0"));
    // One line of hyper-parameters for both models.
    assert_eq!(page.matches(r#""epochs":1000"#).count(), 1);
    assert!(page.contains("logistic (none), 64-32 (relu)"));
}

#[test]
fn many_proved_rows_are_counted() {
    let mut record = run_record();
    record.models[0].proving.proved_rows = (0..50).collect();
    assert!(report(&record).contains("8, 9, ... (50) |"));
}

#[test]
fn differences_of_the_integers_have_a_sign() {
    let page = report(&run_record());
    assert!(page.contains("| 99.3 % [96.3, 99.9] | -0.67 | 150 | 99.3 % | 5.0e-4 | 4.0e-3 |"));
}

#[test]
fn a_run_without_models_still_has_a_report() {
    let mut record = run_record();
    record.models.clear();
    record.failures = vec![Failure {
        model: "64-32".into(),
        prover: "zkassay".into(),
        stage: "train".into(),
        message: "diverged".into(),
    }];
    let page = report(&record);
    assert!(page.contains("0 of 0 models"));
    assert!(page.contains("| 64-32 | zkassay | train | diverged |"));
    assert!(page.contains("| at most 20 ms, 50 ms, 100 ms, any | none |"));
}

#[test]
fn nothing_in_a_record_is_markup() {
    let mut record = run_record();
    let evil = "<script>|`\n# x".to_owned();
    record.models[0].tag = evil.clone();
    record.models[0].onnx_sha256 = evil.clone();
    record.models[0].peers[0].prover = evil.clone();
    record.data.name = evil.clone();
    record.host.cpu = evil.clone();
    record.profile = evil.clone();
    record.warnings = vec![evil.clone()];
    record.command = format!("x\n```\n{evil}");
    record.failures[0].message = evil.clone();
    record.audit.as_mut().unwrap().verdict = evil.clone();
    record.models[0].training.params = serde_json::json!({ "a": evil });
    let page = report(&record);
    for line in page.lines() {
        // In code spans and the fenced command it is only text.
        let is_code = line.contains('`') || line.starts_with("x '''");
        assert!(
            !line.contains("<script>") || line.contains("\\<script>") || is_code,
            "{line}"
        );
        assert!(!line.starts_with("# x"), "{line}");
    }
    assert_eq!(page.matches("```").count(), 2);
    let table_lines = page.lines().filter(|line| line.starts_with("| \\<script>"));
    assert!(table_lines.count() >= 3);
}
