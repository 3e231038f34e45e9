//! What a worker says, and what becomes of one that says nothing, something else, or too much.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zkassay_ezkl::{Worker, WorkerError};

const LIMIT: Duration = Duration::from_secs(20);
const ANSWER: &str = r#"{"seconds": 1.5, "cpu_seconds": 2.5"#;

/// A worker that is a script of the shell, with its log in the folder.
fn start(script: &str) -> (Worker, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    let worker = Worker::start(command, &folder.path().join("log.txt")).unwrap();
    (worker, folder)
}

/// The error of the first question.
fn error(script: &str) -> WorkerError {
    let (mut worker, _folder) = start(script);
    worker.ask("prove", 0, LIMIT).unwrap_err()
}

/// Waits until there is no process of this number.
fn assert_gone(process: &str) {
    let start = Instant::now();
    let status = format!("/proc/{}/status", process.trim());
    while let Ok(text) = fs::read_to_string(&status) {
        // A zombie is only not yet counted.
        if text.contains("State:\tZ") {
            break;
        }
        assert!(start.elapsed() < LIMIT, "{process} is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn questions_are_answered_in_turn() {
    let script = format!(
        r#"while read -r stage row; do echo '{ANSWER}, "stage": "'$stage'", "row": '$row'}}'; done"#
    );
    let (mut worker, _folder) = start(&script);
    for row in [3, 0, 7] {
        let answer = worker.ask("witness", row, LIMIT).unwrap();
        assert_eq!((answer.seconds, answer.cpu_seconds), (1.5, 2.5));
        assert_eq!(answer.details["stage"], "witness");
        assert_eq!(answer.details["row"], row);
    }
    if cfg!(target_os = "linux") {
        assert!(worker.peak_bytes().unwrap() > 10_000);
    }
}

#[test]
fn a_stage_that_fails_leaves_the_worker_alive() {
    let script = format!(
        r#"read -r a; echo '{{"error": "[graph]   no such thing"}}'
           read -r a; echo '{{"error": "too large", "refused": true}}'
           read -r a; echo '{ANSWER}}}'"#
    );
    let (mut worker, _folder) = start(&script);
    let first = worker.ask("compile", 0, LIMIT).unwrap_err();
    assert_eq!(first.to_string(), "compile: [graph] no such thing");
    assert!(matches!(first, WorkerError::Stage { refused: false, .. }));
    let second = worker.ask("witness", 0, LIMIT).unwrap_err();
    assert!(matches!(second, WorkerError::Stage { refused: true, .. }));
    assert!(worker.ask("witness", 1, LIMIT).is_ok());
}

#[test]
fn an_error_with_times_is_an_error() {
    let error = error(&format!("read -r a; echo '{ANSWER}, \"error\": \"no\"}}'"));
    assert_eq!(error.to_string(), "prove: no");
}

#[test]
fn one_that_takes_too_long_is_stopped() {
    let (mut worker, folder) = start("echo $$ >&2; exec sleep 100");
    let start = Instant::now();
    let error = worker
        .ask("prove", 0, Duration::from_millis(300))
        .unwrap_err();
    assert!(matches!(error, WorkerError::Timeout { .. }), "{error}");
    assert!(start.elapsed() < LIMIT);
    assert_gone(&read(folder.path(), "log.txt"));
    // There is none to ask any more.
    let error = worker.ask("prove", 1, LIMIT).unwrap_err();
    assert!(matches!(error, WorkerError::Ended { .. }), "{error}");
}

#[test]
fn one_that_is_dropped_is_stopped() {
    let (mut worker, folder) = start(&format!(
        "echo $$ >&2; read -r a; echo '{ANSWER}}}'; exec sleep 100"
    ));
    worker.ask("settings", 0, LIMIT).unwrap();
    drop(worker);
    assert_gone(&read(folder.path(), "log.txt"));
}

#[test]
fn one_that_dies_says_how_and_its_last_words() {
    let ended = error("echo first >&2; echo 'out of   words' >&2; echo >&2; exit 7");
    assert_eq!(
        ended.to_string(),
        "prove: the process ended (exit status: 7): out of words"
    );
    let memory =
        error("echo 'memory allocation of 5 bytes failed' >&2; echo note >&2; kill -ABRT $$");
    let memory = memory.to_string();
    assert!(memory.contains("signal: 6"), "{memory}");
    assert!(
        memory.ends_with("memory allocation of 5 bytes failed"),
        "{memory}"
    );
    assert!(error("exit 0").to_string().ends_with("without a message"));
}

#[test]
fn one_that_closes_its_output_has_ended() {
    let start = Instant::now();
    let ended = error("exec 1>&-; exec sleep 100");
    assert!(matches!(ended, WorkerError::Ended { .. }), "{ended}");
    assert!(start.elapsed() < LIMIT);
}

/// What it started may have its output for long.
#[test]
fn one_that_ends_is_not_waited_for_because_of_a_child() {
    for ends in ["exit 3", "read -r a; exit 3"] {
        let start = Instant::now();
        let ended = error(&format!("sleep 100 & echo $! >&2; {ends}"));
        let WorkerError::Ended { how, said, .. } = &ended else {
            panic!("{ends}: {ended}");
        };
        assert_eq!(how, "exit status: 3", "{ends}");
        assert!(start.elapsed() < LIMIT, "{ends}");
        let child = Command::new("kill").arg(said).status().unwrap();
        assert!(child.success());
    }
}

#[test]
fn the_last_words_of_one_that_ends_are_its_answer() {
    let (mut worker, _folder) = start(&format!(
        "sleep 3 & read -r a; sleep 1.5; echo '{ANSWER}}}'; exit 0"
    ));
    worker.ask("prove", 0, LIMIT).unwrap();
}

#[test]
fn garbage_is_no_answer() {
    for said in [
        "hello",
        "[]",
        "{}",
        r#"{"seconds": 1}"#,
        r#"{"seconds": -1, "cpu_seconds": 1}"#,
        r#"{"seconds": 1e999, "cpu_seconds": 1}"#,
        r#"{"seconds": "1", "cpu_seconds": 1}"#,
        "",
    ] {
        let error = error(&format!("read -r a; echo '{said}'; sleep 100"));
        let WorkerError::Answer { line, .. } = &error else {
            panic!("{said}: {error}");
        };
        assert_eq!(line, said);
    }
    // Not even text.
    let error = error(r"read -r a; printf '\377\376\n'; sleep 100");
    assert!(matches!(error, WorkerError::Answer { .. }), "{error}");
}

#[test]
fn an_answer_to_no_question_is_refused() {
    let (mut worker, _folder) = start(&format!("echo '{ANSWER}}}'; exec sleep 100"));
    std::thread::sleep(Duration::from_millis(300));
    let error = worker.ask("prove", 0, LIMIT).unwrap_err();
    assert!(matches!(error, WorkerError::Answer { .. }), "{error}");
}

#[test]
fn a_huge_answer_is_cut() {
    // 20 MB without an end of line.
    let error = error("read -r a; head -c 20000000 /dev/zero | tr '\\0' 'x'; sleep 100");
    let WorkerError::Answer { line, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(line.len(), 400);
}

#[test]
fn a_flood_of_lines_waits() {
    // It would print for ever: whoever does not read is not filled with it.
    let (mut worker, _folder) = start("yes '{}'");
    std::thread::sleep(Duration::from_millis(200));
    let error = worker.ask("prove", 0, LIMIT).unwrap_err();
    assert!(matches!(error, WorkerError::Answer { .. }), "{error}");
}

#[test]
fn a_flooded_log_is_cut_and_its_end_remembered() {
    let (mut worker, folder) =
        start("head -c 20000000 /dev/zero | tr '\\0' 'x' >&2; echo >&2; echo the end >&2");
    let error = worker.ask("prove", 0, LIMIT).unwrap_err().to_string();
    assert!(error.ends_with("the end"), "{error}");
    let bytes = fs::metadata(folder.path().join("log.txt")).unwrap().len();
    assert!((1..5_000_000).contains(&bytes), "{bytes}");
}

#[test]
fn what_cannot_be_started_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let start = |program, log: &Path| Worker::start(Command::new(program), log).unwrap_err();
    let error = start("zkassay-no-such-program", &folder.path().join("log.txt"));
    assert_eq!(error.to_string(), "cannot start zkassay-no-such-program");
    let error = start("sh", &folder.path().join("no/folder/log.txt"));
    assert!(matches!(error, WorkerError::Start { .. }), "{error}");
}
