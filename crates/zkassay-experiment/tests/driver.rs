//! The driver of provers, with provers that are shell scripts.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::json;
use zkassay_experiment::cell::{Expected, Failure, ProvingRound, Refused, Subject};
use zkassay_experiment::prove::{Effort, rounds};
use zkassay_ezkl::{Worker, WorkerError};
use zkassay_report::{CircuitShape, Sizes, Stage};

/// Answers of a prover that works; `$row` is the row asked for.
const ANSWERS: [(&str, &str); 8] = [
    ("settings", r#"{"seconds":0.001,"cpu_seconds":0.002}"#),
    ("calibrate", r#"{"seconds":0.25,"cpu_seconds":0.5}"#),
    (
        "compile",
        r#"{"seconds":0.5,"cpu_seconds":1,"circuit":{"logrows":7},"settings":{"scale":9}}"#,
    ),
    (
        "parameters",
        r#"{"seconds":9,"cpu_seconds":9,"srs_bytes":4}"#,
    ),
    (
        "setup",
        r#"{"seconds":2,"cpu_seconds":3,"pk_bytes":50,"vk_bytes":6}"#,
    ),
    ("witness", r#"{"seconds":0.001,"cpu_seconds":0.001}"#),
    (
        "prove",
        r#"{"seconds":1,"cpu_seconds":1.5,"proof_bytes":70}"#,
    ),
    (
        "verify",
        r#"{"seconds":0.125,"cpu_seconds":0.25,"outputs":[0.$row]}"#,
    ),
];

const ORDER: [usize; 5] = [4, 0, 2, 1, 3];

/// A prover that is a script, and what it was asked.
struct Fake {
    folder: tempfile::TempDir,
}

impl Fake {
    /// A prover that works, but for some requests, `STAGE` or `STAGE ROW`, for which it does
    /// something else.
    fn new(special: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut script = String::from("while read stage row; do\n");
        script += "echo \"$stage $row\" >> \"$1\"\ncase \"$stage $row\" in\n";
        for (request, does) in special {
            let pattern = request.replace(' ', "\\ ");
            let any = if request.contains(' ') { "" } else { "*" };
            script += &format!("{pattern}{any}) {does} ;;\n");
        }
        for (stage, answer) in ANSWERS {
            let answer = answer.replace('"', "\\\"");
            script += &format!("{stage}*) echo \"{answer}\" ;;\n");
        }
        script += "esac\ndone\n";
        fs::write(folder.path().join("prover.sh"), script).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self) -> Result<Worker, WorkerError> {
        let mut command = Command::new("sh");
        command.args([self.path("prover.sh"), self.path("requests")]);
        Worker::start(command, &self.path("log.txt"))
    }

    fn requests(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("requests")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// All new rounds, and how they ended.
    fn run(&self, effort: Effort, done: &[ProvingRound]) -> (Vec<ProvingRound>, Option<Failure>) {
        let mut kept = Vec::new();
        let failure = rounds(
            || self.start(),
            &subject(&expected()),
            &effort,
            done,
            &mut |round| {
                kept.push(round);
                Ok(())
            },
        );
        (kept, failure.unwrap())
    }
}

/// Scores of 0.45 and 0.55 alternately.
fn expected() -> Expected {
    Expected {
        outputs: (0..5)
            .map(|row| vec![0.45 + 0.1 * f64::from(row % 2)])
            .collect(),
        threshold: 0.5,
    }
}

fn subject(expected: &Expected) -> Subject<'_> {
    Subject {
        tag: "test",
        onnx: Path::new("model.onnx"),
        rows: Path::new("rows.json"),
        test_rows: &ORDER,
        expected,
        folder: Path::new("."),
    }
}

fn effort(setups: usize, proofs: usize) -> Effort {
    Effort {
        setups,
        proofs,
        limit: Duration::from_secs(20),
    }
}

fn failure(stage: &str, message: &str) -> Option<Failure> {
    Some(Failure {
        stage: stage.into(),
        message: message.into(),
    })
}

#[test]
fn keys_and_proofs_are_measured_in_rounds() {
    let fake = Fake::new(&[]);
    let (rounds, failure) = fake.run(effort(2, 3), &[]);
    assert_eq!(failure, None);
    let setup = "settings 0,calibrate 0,compile 0,parameters 0,setup 0";
    let row = |row: usize| format!("witness {row},prove {row},verify {row}");
    // The first proof is made twice, and the first of them is not counted.
    let expected = [setup.into(), row(4), row(4), setup.into(), row(0), row(2)];
    assert_eq!(fake.requests().join(","), expected.join(","));

    assert_eq!(rounds.len(), 3);
    for (index, round) in rounds.iter().enumerate() {
        assert_eq!((round.round, round.row), (index, Some(ORDER[index])));
        for stage in Stage::ALL {
            let is_proof = stage >= Stage::Witness;
            let samples = usize::from(is_proof || index < 2);
            assert_eq!(round.wall.of(stage).len(), samples, "{stage:?}");
            assert_eq!(round.cpu.of(stage).len(), samples, "{stage:?}");
        }
        let makes_keys = index < 2;
        assert_eq!(round.memory.setup_bytes.is_some(), makes_keys);
        assert!(round.memory.prove_bytes.unwrap() > 0);
        let bytes = |size| makes_keys.then_some(size);
        assert_eq!(
            round.sizes,
            Sizes {
                proof_bytes: Some(70),
                pk_bytes: bytes(50),
                vk_bytes: bytes(6),
                srs_bytes: bytes(4),
            }
        );
    }
    let first = &rounds[0];
    let logrows = 7;
    assert_eq!(
        first.circuit.unwrap(),
        CircuitShape {
            logrows,
            ..CircuitShape::default()
        }
    );
    assert_eq!(first.settings, json!({ "scale": 9 }));
    assert_eq!(first.wall.of(Stage::Calibrate).median(), Some(250.0));
    assert_eq!(first.cpu.of(Stage::Prove).median(), Some(1500.0));
    // 0.4 beside 0.45 in the first, 0.0 in the second, 0.2 in the third.
    let errors = rounds.iter().map(|round| round.comparison.unwrap());
    for (error, expected) in errors.zip([0.05, 0.45, 0.25]) {
        assert!((error.max_abs_error - expected).abs() < 1e-12, "{error:?}");
        assert!(error.same_label);
    }
}

#[test]
fn rows_that_are_refused_are_left_out() {
    let refuses = r#"printf '%s\n' '{"error": "too\nlarge", "refused": true}'"#;
    let fake = Fake::new(&[("witness 4", refuses), ("prove 2", refuses)]);
    let (rounds, failure) = fake.run(effort(1, 3), &[]);
    assert_eq!(failure, None);
    let refused = |row| Refused {
        row,
        message: "too large".into(),
    };
    let rows: Vec<_> = rounds.iter().map(|round| round.row).collect();
    assert_eq!(rows, [Some(0), Some(1), Some(3)]);
    assert_eq!(rounds[0].refused, [refused(4)]);
    assert_eq!(rounds[1].refused, [refused(2)]);
    for stage in [Stage::Witness, Stage::Prove, Stage::Verify] {
        assert_eq!(rounds[1].wall.of(stage).len(), 1, "{stage:?}");
    }
}

#[test]
fn too_few_rows_are_a_failure() {
    let refuses = r#"echo '{"error": "too large", "refused": true}'"#;
    let fake = Fake::new(&[("witness", refuses)]);
    let (rounds, ended) = fake.run(effort(1, 1), &[]);
    assert_eq!(
        ended,
        failure(
            "witness",
            "there are only 0 of 5 test rows that can be proved; the last: too large"
        )
    );
    assert_eq!(rounds[0].failure, ended);
    assert_eq!(rounds[0].refused.len(), 5);
    let (_, ended) = Fake::new(&[]).run(effort(0, 6), &[]);
    assert_eq!(
        ended,
        failure("witness", "there are only 5 test rows to prove")
    );
}

#[test]
fn refused_rows_take_from_the_limit() {
    let refuses = r#"sleep 0.2; echo '{"error": "too large", "refused": true}'"#;
    let limited = Effort {
        limit: Duration::from_millis(500),
        ..effort(1, 1)
    };
    let (rounds, ended) = Fake::new(&[("witness", refuses)]).run(limited, &[]);
    assert_eq!(ended.unwrap().stage, "witness");
    assert!(rounds[0].refused.len() < 4, "{:?}", rounds[0].refused);
}

#[test]
fn a_run_goes_on_where_it_was() {
    let refuses = r#"echo '{"error": "too large", "refused": true}'"#;
    let special = [("witness 0", refuses)];
    // Where memory is measured depends on the process; all else is the same.
    let all = |fake: &Fake, effort, done: &[ProvingRound]| {
        let (mut rounds, failure) = fake.run(effort, done);
        assert_eq!(failure, None);
        for round in &mut rounds {
            round.memory = Default::default();
        }
        rounds
    };
    let fake = Fake::new(&special);
    let whole = all(&fake, effort(2, 4), &[]);
    for done in 0..=4 {
        let resumed = Fake::new(&special);
        let rest = all(&resumed, effort(2, 4), &whole[..done]);
        assert_eq!(rest, whole[done..], "{done}");
        // Keys are needed, if there is something left to prove.
        let setups = resumed
            .requests()
            .iter()
            .filter(|request| *request == "setup 0")
            .count();
        assert_eq!(setups, [2, 1, 1, 1, 0][done], "{done}");
        assert!(!resumed.requests().contains(&"settings 0".into()) || done < 4);
    }
    // More proofs than keys, after a run that made keys only.
    let keys = all(&Fake::new(&[]), effort(2, 0), &[]);
    assert!(keys.iter().all(|round| round.row.is_none()));
}

#[test]
fn what_was_measured_before_a_failure_is_kept() {
    let fails = r#"printf '%s\n' '{"error": "no\n  luck"}'"#;
    let fake = Fake::new(&[("prove 0", fails)]);
    let (rounds, ended) = fake.run(effort(3, 3), &[]);
    assert_eq!(ended, failure("prove", "no luck"));
    assert_eq!(rounds.len(), 2);
    assert_eq!(rounds[0].failure, None);
    let last = &rounds[1];
    assert_eq!((last.row, &last.failure), (None, &ended));
    assert_eq!(last.wall.of(Stage::Setup).len(), 1);
    assert_eq!(last.wall.of(Stage::Prove).len(), 0);
    // It is not tried again.
    let again = Fake::new(&[]);
    assert_eq!(again.run(effort(3, 3), &rounds), (vec![], ended));
    assert_eq!(again.requests(), [""; 0]);
}

#[test]
fn a_prover_has_a_limit_for_all_stages() {
    let slow = r#"sleep 0.3; echo '{"seconds":0.3,"cpu_seconds":0}'"#;
    let limit = Duration::from_millis(700);
    let short = |setups, proofs| Effort {
        setups,
        proofs,
        limit,
    };
    let hangs = Fake::new(&[("setup", "exec sleep 600")]);
    let started = Instant::now();
    let (rounds, ended) = hangs.run(short(1, 1), &[]);
    assert!(started.elapsed() < Duration::from_secs(20));
    let Failure { stage, message } = ended.unwrap();
    assert_eq!(stage, "setup");
    let end = " s of this stage, of 0.7 s for all stages";
    assert!(
        message.starts_with("stopped after 0.") && message.ends_with(end),
        "{message}"
    );
    assert_eq!(rounds[0].circuit.unwrap().logrows, 7);

    let (rounds, ended) = Fake::new(&[("calibrate", slow)]).run(short(9, 0), &[]);
    assert!(ended.is_some() && rounds.len() < 5, "{ended:?}");

    // What an earlier run took counts.
    let mut done = ProvingRound::default();
    done.wall.push(Stage::Settings, 800.0);
    let (_, ended) = Fake::new(&[]).run(short(9, 0), &[done]);
    assert_eq!(
        ended,
        failure("settings", "not begun after 0.7 s for all stages")
    );
}

#[test]
fn provers_that_end_or_talk_nonsense_are_failures() {
    let ends = |does: &str| {
        let (rounds, ended) = Fake::new(&[("prove", does)]).run(effort(1, 2), &[]);
        let failure = ended.unwrap();
        assert_eq!(
            (rounds.len(), failure.stage.as_str()),
            (1, "prove"),
            "{does}"
        );
        failure.message
    };
    let died = ends("echo out of luck >&2; kill -9 $$");
    assert!(
        died.contains("signal: 9") && died.contains("out of luck"),
        "{died}"
    );
    let said = ends("echo hello");
    assert!(said.contains("'hello' is no answer"), "{said}");
    let said = ends(r#"echo '{"seconds": -1, "cpu_seconds": 0}'"#);
    assert!(said.contains("is no answer"), "{said}");
    let long = ends(r#"printf '{"error": "%0100000d"}\n' 0"#);
    assert_eq!(long.len(), 600);

    let times = r#""seconds":1,"cpu_seconds":1"#;
    for (outputs, message) in [
        ("", "the answer has no list of `outputs`"),
        (
            r#","outputs":["0.5"]"#,
            "the answer has no list of `outputs`",
        ),
        (
            r#","outputs":[0.5,0.5]"#,
            "the proof has 2 outputs, the model 1",
        ),
    ] {
        let does = format!("echo '{{{times}{outputs}}}'");
        let (_, ended) = Fake::new(&[("verify", &does)]).run(effort(1, 1), &[]);
        assert_eq!(ended, failure("verify", message));
    }
    let does = format!("echo '{{{times},\"circuit\":{{\"logrows\":\"many\"}}}}'");
    let (_, ended) = Fake::new(&[("compile", &does)]).run(effort(1, 1), &[]);
    assert_eq!(ended.unwrap().stage, "compile");
}

/// JSON has no infinite numbers, and a journal is made of it: this is the prover's failure, not the
/// end of the run.
#[test]
fn figures_beyond_all_bounds_are_a_failure() {
    for (stage, answer) in [
        ("setup", r#"{"seconds":1e306,"cpu_seconds":1}"#),
        ("prove", r#"{"seconds":1,"cpu_seconds":1.7e308}"#),
    ] {
        let does = format!("echo '{answer}'");
        let (rounds, ended) = Fake::new(&[(stage, &does)]).run(effort(1, 1), &[]);
        let ended = ended.unwrap();
        assert_eq!(ended.stage, stage);
        assert!(ended.message.contains("too large"), "{ended}");
        let [round] = rounds.try_into().unwrap();
        assert_eq!(round.failure, Some(ended));
        let json = serde_json::to_string(&round).unwrap();
        serde_json::from_str::<ProvingRound>(&json).unwrap();
    }
}

#[test]
fn a_prover_that_does_not_start_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let program = folder.path().join("nowhere");
        Worker::start(Command::new(program), &folder.path().join("log.txt"))
    };
    let mut kept = Vec::new();
    let mut keep = |round| {
        kept.push(round);
        Ok(())
    };
    let expected = expected();
    let ended = rounds(start, &subject(&expected), &effort(1, 1), &[], &mut keep).unwrap();
    let Failure { stage, message } = ended.clone().unwrap();
    assert_eq!(stage, "start");
    assert!(
        message.contains("nowhere") && message.contains("No such file"),
        "{message}"
    );
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].failure, ended);
}

#[test]
fn a_round_that_cannot_be_kept_ends_it_all() {
    let fake = Fake::new(&[]);
    let mut keep = |_| bail!("the disk is full");
    let expected = expected();
    let error = rounds(
        || fake.start(),
        &subject(&expected),
        &effort(3, 3),
        &[],
        &mut keep,
    );
    assert_eq!(error.unwrap_err().to_string(), "the disk is full");
    let setups = fake
        .requests()
        .iter()
        .filter(|request| *request == "setup 0")
        .count();
    assert_eq!(setups, 1);
}
