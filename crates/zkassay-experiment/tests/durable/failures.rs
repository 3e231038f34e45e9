//! What fails of a model is told and the run goes on; what fails of the run ends it.

use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use zkassay_experiment::journal::{self, Contents};
use zkassay_experiment::progress::Progress;
use zkassay_experiment::{PeerPlan, run, run_within};
use zkassay_report::Failure;

use super::*;

/// A run of `logistic`, whose worker is the script, and of `4`, whose worker is real: what failed.
fn failure_of(text: &str, limit: Duration) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), "logistic,4");
    let mut options = options(folder.path());
    options.worker = worker_but(folder.path(), "logistic", text);
    let (record, run) = run_within(&plan, &options, limit, &Progress::hidden()).unwrap();
    let [logistic, four]: &[ModelRecord; 2] = record.models.as_slice().try_into().unwrap();
    assert!(logistic.accuracy.quantized.is_some() && logistic.proving.proved_rows.is_empty());
    assert_eq!(four.proving.proved_rows.len(), 2, "the run goes on");
    let [failure]: &[Failure; 1] = record.failures.as_slice().try_into().unwrap();
    assert_eq!(
        (failure.model.as_str(), failure.prover.as_str()),
        ("logistic", "zkassay")
    );
    let report = fs::read_to_string(run.join("report.md")).unwrap();
    let first = failure.message.split('(').next().unwrap();
    assert!(report.contains(first), "{first}\n{report}");
    // It is a result: it is not tried again.
    options.resume = Some(run);
    options.worker = env!("CARGO_BIN_EXE_zkassay-worker").into();
    let (again, _) = zkassay_experiment::run(&plan, &options, &Progress::hidden()).unwrap();
    assert_eq!(again, record);
    (failure.stage.clone(), failure.message.clone())
}

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_model_that_does_not_compile_is_a_failure() {
    let refuses = serve(r#"compile) echo '{"error": "too many rows for the table"}';;"#);
    let (stage, message) = failure_of(&refuses, PATIENCE);
    assert_eq!(
        (stage.as_str(), message.as_str()),
        ("compile", "too many rows for the table")
    );
}

#[test]
fn a_worker_that_dies_is_a_failure_with_its_last_words() {
    let dies = serve("setup) echo 'out of memory' >&2; kill -9 $$;;");
    let (stage, message) = failure_of(&dies, PATIENCE);
    assert_eq!(stage, "setup");
    assert!(
        message.contains("signal: 9") && message.contains("out of memory"),
        "{message}"
    );
}

#[test]
fn a_worker_that_hangs_is_stopped() {
    let started = Instant::now();
    let (stage, message) = failure_of(&serve("prove) exec sleep 600;;"), Duration::from_secs(2));
    assert_eq!(stage, "prove");
    assert!(message.contains("of 2 s for all stages"), "{message}");
    assert!(started.elapsed() < PATIENCE);
}

#[test]
fn a_worker_that_talks_nonsense_is_a_failure() {
    let (stage, message) = failure_of(&serve("calibrate) echo 'it went well';;"), PATIENCE);
    assert_eq!(stage, "calibrate");
    assert!(message.contains("it went well"), "{message}");
}

/// A support vector machine takes no more than 10,000 rows.
#[test]
fn a_model_that_cannot_be_trained_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    points(folder.path(), 20_000);
    let table = folder.path().join("points.csv").display().to_string();
    let flags = [
        "--models",
        "svm-rbf,tree",
        "--label",
        "side",
        "-n",
        "1",
        "--setups",
        "1",
    ];
    let mut command = experiment(folder.path(), &flags);
    let output = command.arg("--table").arg(table).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let [run] = runs(folder.path()).try_into().unwrap();
    let record = record(&run);
    let tags: Vec<&str> = record
        .models
        .iter()
        .map(|model| model.tag.as_str())
        .collect();
    assert_eq!(tags, ["tree"]);
    let failure = record.failure("svm-rbf", "zkassay").unwrap();
    assert_eq!(failure.stage, "train");
    assert!(failure.message.contains("10000"), "{}", failure.message);
    assert!(
        said(&output).contains(&failure.message),
        "{}",
        said(&output)
    );
    assert!(Contents::read(&run).unwrap().is_finished());
}

/// A plan with two of EZKL's configurations beside ours.
fn plan_with_peers(folder: &Path) -> Plan {
    let plan = plan(folder, "logistic,4");
    let configurations = ["fixed", "tuned"].map(|name| name.parse().unwrap());
    Plan {
        peer: Some(PeerPlan {
            configurations: configurations.to_vec(),
            models: Plan::parse_models("logistic").unwrap(),
            proofs: 2,
            setups: 1,
            limit_seconds: 2,
        }),
        ..plan
    }
}

#[test]
fn a_peer_that_hangs_is_stopped_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    points(folder.path(), 240);
    // Only with the setting that is called tuned.
    let hangs = format!(
        "case \"$*\" in *tune*) hang=1;; esac\n{}",
        serve("setup) [ $hang ] && exec sleep 600; echo '{\"seconds\": 1, \"cpu_seconds\": 1}';;")
    );
    let environment = environment(folder.path(), &hangs);
    let table = folder.path().join("points.csv").display().to_string();
    let mut command = experiment(
        folder.path(),
        &["--models", "logistic,4", "-n", "1", "--setups", "1"],
    );
    command.args([
        "--table",
        &table,
        "--label",
        "side",
        "--peers",
        "ezkl",
        "--peer-models",
        "logistic",
    ]);
    command.args([
        "--peer-configurations",
        "tuned,fixed",
        "--peer-limit",
        "3",
        "--peer-proofs",
        "2",
    ]);
    let output = command.arg("--ezkl").arg(environment).output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    let [run] = runs(folder.path()).try_into().unwrap();
    let record = record(&run);
    assert_eq!(record.failures.len(), 1, "{:?}", record.failures);
    let failure = record.failure("logistic", "EZKL tuned").unwrap();
    assert_eq!(failure.stage, "setup");
    assert!(
        failure.message.contains("of 3 s for all stages"),
        "{}",
        failure.message
    );
    assert!(said.contains(&failure.message), "{said}");
    let logistic = &record.models[0];
    let fixed = logistic
        .peers
        .iter()
        .find(|peer| peer.prover == "EZKL fixed")
        .unwrap();
    assert_eq!(fixed.proved_rows.len(), 2);
    assert_eq!(fixed.timings.of(Stage::Prove).as_slice(), [1.0, 1.0]);
    assert_eq!(fixed.fidelity.unwrap().rows, 2);
    assert_eq!(
        record.models[1].proving.proved_rows.len(),
        1,
        "the next model is proved"
    );
}

/// An installation is no property of a model: when it is there, the run catches up.
#[test]
fn a_peer_that_is_not_installed_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan_with_peers(folder.path());
    let mut options = options(folder.path());
    options.ezkl_missing = Some("there is no Python 3.11".into());
    let (record, run_folder) = run(&plan, &options, &Progress::hidden()).unwrap();
    assert_eq!(record.failures.len(), 2);
    for failure in &record.failures {
        assert_eq!(
            (failure.model.as_str(), failure.stage.as_str()),
            ("logistic", "start")
        );
        assert_eq!(failure.message, "there is no Python 3.11");
    }
    assert_eq!(record.models[0].proving.proved_rows.len(), 2);
    options.resume = Some(run_folder);
    let (still, _) = run(&plan, &options, &Progress::hidden()).unwrap();
    assert_eq!(still, record, "nothing has changed");
    options.ezkl = Some(environment(folder.path(), &serve("")));
    options.ezkl_missing = None;
    let (later, _) = run(&plan, &options, &Progress::hidden()).unwrap();
    assert_eq!(later.failures, []);
    assert_eq!(later.models[0].peers[1].proved_rows.len(), 2);
    assert_eq!(
        later.models[0].proving, record.models[0].proving,
        "ours is not measured again"
    );
}

#[test]
fn where_no_folder_can_be_the_run_does_not_begin() {
    let folder = tempfile::tempdir().unwrap();
    points(folder.path(), 240);
    fs::write(folder.path().join("runs"), "a file").unwrap();
    let output = begin(folder.path(), "logistic").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let out = folder.path().join("runs").display().to_string();
    assert!(said(&output).contains(&out), "{}", said(&output));
    let mut options = options(folder.path());
    options.worker = folder.path().join("no-worker");
    options.out = folder.path().join("others");
    let plan = plan(folder.path(), "logistic");
    let error = run(&plan, &options, &Progress::hidden())
        .unwrap_err()
        .to_string();
    assert!(error.contains("no-worker is missing"), "{error}");
    assert!(!options.out.exists());
}

/// A folder that cannot be written is no fault of the model whose turn it is.
#[test]
fn a_folder_that_is_lost_ends_the_run_and_it_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), "logistic,4");
    let mut options = options(folder.path());
    let (whole, _) = run(&plan, &options, &Progress::hidden()).unwrap();
    // The worker of the second model finds its folder gone.
    let real = options.worker.clone();
    let spoil = "rm -r \"$3\"; echo > \"$3\"; echo '{\"error\": \"no folder\"}'";
    options.worker = worker_but(folder.path(), "4", &serve(&format!("setup) {spoil};;")));
    let error = format!(
        "{:#}",
        run(&plan, &options, &Progress::hidden()).unwrap_err()
    );
    let lost = runs(folder.path()).pop().unwrap();
    for part in [
        format!("{} cannot be written", lost.join("4").display()),
        format!("cargo xtask experiment --resume {}", lost.display()),
        format!("What was finished is kept in {}", lost.display()),
    ] {
        assert!(error.contains(&part), "{part}: {error}");
    }
    assert!(!lost.join("record.json").exists());
    options.resume = Some(lost.clone());
    // It is still a file.
    let error = format!(
        "{:#}",
        run(&plan, &options, &Progress::hidden()).unwrap_err()
    );
    assert!(
        error.contains(&lost.join("4").display().to_string()),
        "{error}"
    );
    fs::remove_file(lost.join("4")).unwrap();
    options.worker = real;
    let (record, _) = run(&plan, &options, &Progress::hidden()).unwrap();
    assert_eq!(without_times(record), without_times(whole));
}

/// A shell's limit of the size of files, in blocks of 512 bytes, is a disk that is full for every
/// larger file.
fn with_limit(folder: &Path, blocks: u32, ignores_signal: bool) -> Command {
    let trap = if ignores_signal { "trap '' XFSZ; " } else { "" };
    let run = begin(folder, "logistic");
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{trap}ulimit -f {blocks}; exec \"$@\""))
        .arg("sh");
    command.arg(run.get_program()).args(run.get_args());
    command
}

#[test]
fn a_full_disk_ends_the_run_and_it_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    points(folder.path(), 240);
    // Not even the journal can be begun.
    let output = with_limit(folder.path(), 1, true).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    assert!(
        text.contains(journal::FILE) && text.contains("File too large"),
        "{text}"
    );
    // The parameters are too large.
    let output = with_limit(folder.path(), 32, true).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let text = said(&output);
    let run = runs(folder.path()).pop().unwrap();
    let command = format!("cargo xtask experiment --resume {}", run.display());
    assert!(
        text.contains("File too large") && text.contains(&command),
        "{text}"
    );
    assert!(!Contents::read(&run).unwrap().is_finished());
    let output = go_on(folder.path(), &run).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(record(&run).failures, []);
}

/// Whoever does not ignore the signal that comes with the limit is ended by it.
#[test]
fn a_run_that_the_system_ends_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    points(folder.path(), 240);
    let output = with_limit(folder.path(), 32, false).output().unwrap();
    let is_ended = output.status.signal().is_some() || output.status.code() == Some(1);
    assert!(is_ended, "{}", said(&output));
    let [run] = runs(folder.path()).try_into().unwrap();
    let output = go_on(folder.path(), &run).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(record(&run).failures, []);
}
