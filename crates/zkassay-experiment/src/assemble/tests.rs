//! Journals made by hand, and the records of them.

use zkassay_report::{CircuitShape, Fidelity, Memory};

use super::*;
use crate::cell::{self, RowComparison};
use crate::dataset::Mode;
use crate::journal::Line;
use crate::journal::tests::{header, host};
use crate::plan::PeerPlan;

const MODELS: &str = "logistic,4";

fn counted(correct: usize) -> Proportion {
    Proportion {
        correct,
        total: 150,
    }
}

fn accuracy(model: &str, round: usize, correct: usize) -> Entry {
    Entry::Accuracy {
        model: model.parse().unwrap(),
        round: AccuracyRound {
            round,
            parameters: 163,
            float: counted(correct),
            quantized: Some(counted(correct - 1)),
            majority: counted(78),
            fidelity: Some(Fidelity {
                rows: 150,
                label_agreement: 1.0 - round as f64 / 100.0,
                mean_abs_error: 0.001,
                max_abs_error: 0.01,
            }),
            out_of_range: 0,
            training_seconds: 0.25,
            failure: None,
        },
    }
}

fn round(index: usize, milliseconds: f64) -> ProvingRound {
    let mut round = ProvingRound {
        round: index,
        row: Some(10 + index),
        ..ProvingRound::default()
    };
    round.wall.push(Stage::Prove, milliseconds);
    round.cpu.push(Stage::Prove, 2.0 * milliseconds);
    round.sizes.proof_bytes = Some(1000);
    round.memory.prove_bytes = Some(5_000_000 + index as u64);
    round.comparison = Some(RowComparison {
        same_label: index == 0,
        mean_abs_error: 0.5,
        max_abs_error: 0.5 + index as f64,
    });
    round
}

/// The first round, which makes keys.
fn setup(milliseconds: f64) -> ProvingRound {
    let mut round = round(0, milliseconds);
    round.wall.push(Stage::Setup, 30.0);
    round.circuit = Some(CircuitShape {
        logrows: 8,
        ..CircuitShape::default()
    });
    round.sizes.pk_bytes = Some(2000);
    round.memory.setup_bytes = Some(4_000_000);
    round.settings = serde_json::json!({"scale": 12});
    round
}

fn failed(mut round: ProvingRound, stage: &str, message: &str) -> ProvingRound {
    round.failure = Some(cell::Failure {
        stage: stage.into(),
        message: message.into(),
    });
    round
}

fn proving(model: &str, prover: &str, round: ProvingRound) -> Entry {
    Entry::Proving {
        model: model.parse().unwrap(),
        prover: prover.into(),
        version: "0.1.0".into(),
        round: Box::new(round),
    }
}

fn exported(model: &str) -> Entry {
    Entry::Exported {
        model: model.parse().unwrap(),
        onnx_sha256: "ef".repeat(32),
        parameters: 170,
    }
}

/// A journal whose lines are a second apart.
fn contents(rounds: usize, mode: Mode, entries: Vec<Entry>) -> Contents {
    let begun = Entry::Begun { host: host() };
    let lines = [begun].into_iter().chain(entries).zip(0..);
    Contents {
        header: header(MODELS, rounds, mode),
        lines: lines
            .map(|(entry, second)| Line {
                seconds: f64::from(second),
                entry,
            })
            .collect(),
    }
}

/// Everything of one model, and some of another.
fn entries() -> Vec<Entry> {
    // Keys made after a proof: the process had more memory before.
    let mut second = round(1, 12.0);
    second.memory.setup_bytes = Some(5_000_000);
    vec![
        accuracy("logistic", 0, 99),
        exported("logistic"),
        accuracy("4", 0, 90),
        proving("logistic", "zkassay", setup(10.0)),
        proving("logistic", "zkassay", second),
        exported("4"),
        proving(
            "4",
            "zkassay",
            failed(ProvingRound::default(), "compile", "too many rows"),
        ),
    ]
}

/// A run of which one round of a prover is missing.
pub(crate) fn half() -> Contents {
    contents(1, Mode::Honest, entries())
}

/// What other programs take is a warning from some share of the machine on.
#[test]
fn a_busy_machine_is_told() {
    let warnings = |loads: &[f64]| {
        let loads = loads.iter().map(|others| Entry::Load {
            others: *others,
            cores: 2,
        });
        let lines = entries().into_iter().chain(loads).collect();
        record(&contents(1, Mode::Honest, lines)).unwrap().warnings
    };
    assert!(warnings(&[]).is_empty() && warnings(&[0.2]).is_empty());
    assert_eq!(
        warnings(&[0.1, 1.26, 0.5]),
        ["While proofs were made, other programs kept 1.3 of 2 cores busy: times are too long."]
    );
}

#[test]
fn cells_become_a_record() {
    let record = record(&contents(1, Mode::Honest, entries())).unwrap();
    assert_eq!(record.id, "20220601-000000");
    assert_eq!((record.seconds, record.seed), (7.0, 5));
    assert_eq!(record.host, host());
    assert!(record.srs.is_unsafe());
    let [logistic, four] = record.models.as_slice() else {
        panic!("two models");
    };
    assert_eq!(
        (logistic.tag.as_str(), logistic.parameters),
        ("logistic", 163)
    );
    assert_eq!(logistic.onnx_sha256, "ef".repeat(32));
    assert_eq!(logistic.training.seconds, 0.25);
    assert_eq!(logistic.training.params["family"], "mlp");
    assert_eq!(logistic.activation, "none");
    assert_eq!(
        (four.hidden.as_slice(), four.activation.as_str()),
        (&[4][..], "relu")
    );
    let proving = &logistic.proving;
    assert_eq!(
        (proving.prover.as_str(), proving.version.as_str()),
        ("zkassay", "0.1.0")
    );
    assert_eq!(proving.timings.of(Stage::Prove).as_slice(), [10.0, 12.0]);
    assert_eq!(proving.cpu.of(Stage::Prove).as_slice(), [20.0, 24.0]);
    assert_eq!(proving.timings.of(Stage::Setup).as_slice(), [30.0]);
    assert_eq!(proving.proved_rows, [10, 11]);
    assert_eq!(proving.circuit.unwrap().logrows, 8);
    assert_eq!(proving.settings["scale"], 12);
    assert_eq!(proving.sizes.pk_bytes, Some(2000));
    let memory = Memory {
        setup_bytes: Some(4_000_000),
        prove_bytes: Some(5_000_001),
    };
    assert_eq!(proving.memory, memory);
    // Ours is measured on all test rows.
    assert_eq!(proving.fidelity.unwrap().rows, 150);
    assert!(four.proving.timings.of(Stage::Prove).is_empty());
    let failure = record.failure("4", "zkassay").unwrap();
    assert_eq!(
        (failure.stage.as_str(), failure.message.as_str()),
        ("compile", "too many rows")
    );
    assert_eq!(record.failures.len(), 1);
}

/// Models side by side are written in any order.
#[test]
fn the_order_of_lines_does_not_matter() {
    let forwards = contents(1, Mode::Honest, entries());
    let mut backwards = forwards.clone();
    backwards.lines[1..].reverse();
    backwards.lines.last_mut().unwrap().seconds = 7.0;
    assert_eq!(record(&forwards).unwrap(), record(&backwards).unwrap());
}

#[test]
fn a_record_can_be_made_at_any_time() {
    let all = contents(1, Mode::Honest, entries());
    let models = |lines: usize| {
        let mut part = all.clone();
        part.lines.truncate(lines);
        record(&part).map(|record| record.models.len())
    };
    let counts: Vec<usize> = (1..=8).map(|lines| models(lines).unwrap()).collect();
    assert_eq!(counts, [0, 1, 1, 2, 2, 2, 2, 2]);
    let error = models(0).unwrap_err().to_string();
    assert!(error.contains("on which machine"), "{error}");
}

#[test]
fn one_round_has_the_interval_of_wilson() {
    let rate = rate(&[counted(105)], Some(449)).unwrap();
    assert_eq!((rate.value, rate.standard_error), (0.7, None));
    assert!((rate.low - 0.622).abs() < 1e-3 && (rate.high - 0.768).abs() < 1e-3);
    assert_eq!((rate.correct(), rate.total()), (105, 150));
}

#[test]
fn more_rounds_have_that_of_student() {
    let rounds = [105, 102, 111, 105, 108].map(counted);
    let values = rounds.map(|round| round.correct as f64 / 150.0);
    let plain = rate(&rounds, None).unwrap();
    let summary = Summary::new(&values).unwrap();
    assert_eq!(Some(plain.low), summary.low);
    assert_eq!(plain.standard_error, summary.standard_error);
    // Splits share rows: 1/5 + 150/449 instead of 1/5.
    let splits = rate(&rounds, Some(449)).unwrap();
    assert_eq!(splits.value, plain.value);
    let wider = (splits.high - splits.low) / (plain.high - plain.low);
    let expected = (1.0 + 5.0 * 150.0 / 449.0_f64).sqrt();
    assert!((wider - expected).abs() < 1e-12, "{wider}");
    // An interval ends where shares do.
    let sure = rate(&[150, 150, 120].map(counted), None).unwrap();
    assert_eq!(sure.high, 1.0);
    assert!(rate(&[], None).is_err());
    assert!(rate(&[counted(151)], None).is_err());
}

#[test]
fn the_way_of_splitting_decides_about_interval_and_proved_round() {
    let rounds = |mode| {
        let rounds = [99, 105, 90].into_iter().enumerate();
        let lines = rounds.map(|(round, correct)| accuracy("logistic", round, correct));
        let record = record(&contents(3, mode, lines.collect())).unwrap();
        record.models.into_iter().next().unwrap()
    };
    let (in_time, at_random) = (rounds(Mode::Honest), rounds(Mode::Paper));
    let width = |model: &ModelRecord| model.accuracy.float.high - model.accuracy.float.low;
    assert_eq!(in_time.accuracy.float.value, at_random.accuracy.float.value);
    assert!(width(&in_time) < width(&at_random));
    let agreement = |model: &ModelRecord| model.proving.fidelity.unwrap().label_agreement;
    assert_eq!((agreement(&in_time), agreement(&at_random)), (0.98, 1.0));
    assert_eq!(in_time.training.seconds, 0.75);
    let quantized = in_time.accuracy.quantized.unwrap();
    assert_eq!(quantized.rounds, [98, 104, 89].map(counted));
}

/// A model without integers in one round has no quantised accuracy, and that is a failure.
#[test]
fn a_round_without_integers_is_a_failure() {
    let mut lines: Vec<Entry> = (0..3).map(|round| accuracy("4", round, 99)).collect();
    let Entry::Accuracy { round, .. } = &mut lines[1] else {
        panic!("an accuracy");
    };
    round.quantized = None;
    round.failure = Some("no scales".into());
    let record = record(&contents(3, Mode::Paper, lines)).unwrap();
    assert_eq!(record.models[0].accuracy.quantized, None);
    let failure = record.failure("4", "zkassay").unwrap();
    assert_eq!(failure.stage, QUANTISE);
    assert_eq!(failure.message, "accuracy round 2: no scales");
}

fn with_peers(entries: Vec<Entry>) -> Contents {
    let mut contents = contents(1, Mode::Honest, entries);
    contents.header.plan.peer = Some(PeerPlan {
        configurations: vec![
            zkassay_ezkl::Configuration::Fixed,
            zkassay_ezkl::Configuration::Tuned,
        ],
        models: Plan::parse_models("logistic").unwrap(),
        proofs: 2,
        setups: 1,
        limit_seconds: 60,
    });
    contents
}

#[test]
fn peers_stand_beside_us() {
    let mut lines = entries();
    let timeout = failed(round(1, 90.0), "prove", "took longer than 60 s");
    lines.push(proving("logistic", "EZKL tuned", setup(80.0)));
    lines.push(proving("logistic", "EZKL tuned", timeout));
    let record = record(&with_peers(lines)).unwrap();
    let [fixed, tuned] = record.models[0].peers.as_slice() else {
        panic!("two peers");
    };
    assert_eq!(
        (fixed.prover.as_str(), fixed.fidelity),
        ("EZKL fixed", None)
    );
    assert_eq!(tuned.timings.of(Stage::Prove).as_slice(), [80.0, 90.0]);
    let fidelity = Fidelity {
        rows: 2,
        label_agreement: 0.5,
        mean_abs_error: 0.5,
        max_abs_error: 1.5,
    };
    assert_eq!(tuned.fidelity, Some(fidelity));
    assert!(
        record.models[1].peers.is_empty(),
        "only models of the peers' plan"
    );
    // In the order of models, then provers.
    let failures = record.failures.iter();
    let failures: Vec<_> = failures
        .map(|f| (f.model.as_str(), f.prover.as_str()))
        .collect();
    assert_eq!(failures, [("logistic", "EZKL tuned"), ("4", "zkassay")]);
}

#[test]
fn what_is_tried_again_is_no_failure() {
    let missing = Entry::Failed(Failure {
        model: "logistic".into(),
        prover: "EZKL fixed".into(),
        stage: "start".into(),
        message: "no Python".into(),
    });
    let retried = |prover: &str| Entry::Retried {
        model: "logistic".into(),
        prover: prover.into(),
    };
    let ended = failed(ProvingRound::default(), "start", "killed");
    let mut lines = vec![
        accuracy("logistic", 0, 99),
        missing,
        proving("logistic", "EZKL tuned", ended),
    ];
    assert_eq!(failures(&with_peers(lines.clone())).len(), 2);
    lines.push(retried("EZKL fixed"));
    let left = failures(&with_peers(lines.clone()));
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].prover, "EZKL tuned");
    lines.push(retried("EZKL tuned"));
    let again = with_peers(lines);
    assert!(failures(&again).is_empty());
    let spec = "logistic".parse().unwrap();
    let (rounds, version) = proving_rounds(&again, &spec, "EZKL tuned");
    assert!(rounds.is_empty(), "the round that failed is run again");
    assert_eq!(version.as_deref(), Some("0.1.0"));
}

#[test]
fn parts_of_a_run_add_up_and_changes_between_them_are_told() {
    let mut moved = host();
    moved.cpu = "Example 7000".into();
    let mut changed = host();
    changed.revision = Some("4567def".into());
    let mut lines = entries();
    lines.push(Entry::Begun { host: host() });
    lines.push(Entry::Begun { host: moved });
    lines.push(Entry::Begun {
        host: changed.clone(),
    });
    lines.push(Entry::Begun { host: changed });
    lines.push(Entry::Finished);
    let mut contents = contents(1, Mode::Honest, lines);
    for (line, seconds) in contents.lines[8..]
        .iter_mut()
        .zip([0.0, 0.5, 0.25, 0.125, 60.0])
    {
        line.seconds = seconds;
    }
    let record = record(&contents).unwrap();
    // The last line is written when the record is made already.
    assert_eq!(record.seconds, 7.0 + 0.5 + 0.25 + 0.125);
    let [machine, revision] = record.warnings.as_slice() else {
        panic!("{:?}", record.warnings);
    };
    assert!(
        machine.contains("Example 9000, 2 cores, 24.0 GB"),
        "{machine}"
    );
    assert!(machine.contains("Example 7000"), "{machine}");
    assert!(
        revision.contains("0123abc and went on at revision 4567def"),
        "{revision}"
    );
}
