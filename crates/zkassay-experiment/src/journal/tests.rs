//! Journals that are cut short, damaged, locked, or of another plan.

use super::*;
use crate::dataset::{Mode, Source};

/// The header of a run of `models`, in time or not.
pub(crate) fn header(models: &str, rounds: usize, mode: Mode) -> Header {
    Header {
        version: RECORD_VERSION,
        id: "20220601-000000".into(),
        created: "2022-06-01T00:00:00Z".into(),
        plan: Plan {
            profile: "quick".into(),
            models: Plan::parse_models(models).unwrap(),
            rounds,
            proofs: 2,
            setups: 1,
            source: Source::Tokens {
                path: "fixtures".into(),
                mode,
            },
            seed: 5,
            threads: Some(2),
            peer: None,
        },
        data: DataRecord {
            name: "fixtures".into(),
            sampling: "split once in time".into(),
            rows: 600,
            features: 162,
            train_rows: 449,
            calibration_rows: 50,
            test_rows: 150,
            feature_hash: "ab".repeat(32),
            files: vec![],
        },
        rows_sha256: "cd".repeat(32),
        audit: None,
        warnings: vec![],
    }
}

/// A machine.
pub(crate) fn host() -> Host {
    Host {
        cpu: "Example 9000".into(),
        cores: 2,
        threads: 2,
        ram_bytes: 24_000_000_000,
        os: "Linux".into(),
        revision: Some("0123abc".into()),
        packages: [("zkassay".to_owned(), "0.1.0".to_owned())].into(),
    }
}

fn failure(message: &str) -> Entry {
    Entry::Failed(Failure {
        model: "logistic".into(),
        prover: "zkassay".into(),
        stage: "compile".into(),
        message: message.into(),
    })
}

/// A journal with a header and these lines.
fn journal(folder: &Path, entries: &[Entry]) -> Journal {
    let header = header("logistic", 1, Mode::Honest);
    let mut journal = Journal::create(folder, header, Instant::now()).unwrap();
    for entry in entries {
        journal.append(entry.clone()).unwrap();
    }
    journal
}

fn open(folder: &Path) -> Result<Journal> {
    Journal::open(folder, Instant::now())
}

#[test]
fn what_was_appended_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let entries = [Entry::Begun { host: host() }, failure("too large")];
    let mut written = journal(folder.path(), &entries);
    assert_eq!(&Contents::read(folder.path()).unwrap(), written.contents());
    assert!(written.contents().entries().eq(&entries));
    assert!(!written.contents().is_finished());
    written.append(Entry::Finished).unwrap();
    assert!(Contents::read(folder.path()).unwrap().is_finished());
    let before = written.contents().clone();
    drop(written);
    assert_eq!(open(folder.path()).unwrap().contents(), &before);
}

/// Wherever a write was cut short, all lines before it are there, and the next goes behind them.
#[test]
fn a_line_that_is_not_complete_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [failure("first"), failure("second: ü")];
    drop(journal(folder.path(), &lines));
    let path = folder.path().join(FILE);
    let whole = fs::read(&path).unwrap();
    let ends: Vec<usize> = (1..=whole.len())
        .filter(|end| whole[end - 1] == b'\n')
        .collect();
    assert_eq!(ends.len(), 3);
    for length in ends[0]..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let complete = ends.iter().filter(|end| **end <= length).count() - 1;
        let seen = Contents::read(folder.path()).unwrap();
        assert!(seen.entries().eq(&lines[..complete]), "{length}");
        let mut journal = open(folder.path()).unwrap();
        assert_eq!(journal.contents(), &seen);
        assert_eq!(fs::metadata(&path).unwrap().len(), ends[complete] as u64);
        journal.append(failure("later")).unwrap();
        drop(journal);
        let contents = Contents::read(folder.path()).unwrap();
        let expected = lines[..complete].iter().chain([&lines[0]]);
        assert_eq!(contents.lines.len(), expected.count());
        assert_eq!(contents.lines.last().unwrap().entry, failure("later"));
    }
}

#[test]
fn any_other_damage_is_an_error_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    drop(journal(
        folder.path(),
        &[failure("one"), failure("two"), failure("three")],
    ));
    let path = folder.path().join(FILE);
    let text = fs::read_to_string(&path).unwrap();
    let error = |text: String| {
        fs::write(&path, text).unwrap();
        let errors = [
            open(folder.path()).map(drop),
            Contents::read(folder.path()).map(drop),
        ];
        let [first, second] = errors.map(|result| format!("{:#}", result.unwrap_err()));
        assert_eq!(first, second);
        first
    };
    let found = error(text.replace("two\"", "two"));
    assert!(found.contains(FILE) && found.contains("line 3"), "{found}");
    let found = error(text.replacen("\"seconds\"", "\"minutes\"", 1));
    assert!(found.contains("line 2"), "{found}");
    let found = error(text.replacen('{', "[", 1));
    assert!(found.contains("line 1"), "{found}");
    let found = error(text.replacen("\"version\":3", "\"version\":4", 1));
    assert!(
        found.contains("its version is 4") && found.contains("writes 3"),
        "{found}"
    );
    let header = text.lines().next().unwrap();
    let found = error(header.into());
    assert!(found.contains("the first line is missing"), "{found}");
    // Nothing is cut off where there is an error.
    let zeros = format!("{text}\0\0\n");
    assert!(error(zeros.clone()).contains("line 5"));
    assert_eq!(fs::read_to_string(&path).unwrap(), zeros);
}

#[test]
fn one_process_writes_and_others_are_told_which() {
    let folder = tempfile::tempdir().unwrap();
    let first = journal(folder.path(), &[]);
    let error = open(folder.path()).unwrap_err().to_string();
    let owner = format!("process {}", std::process::id());
    assert!(
        error.contains("is going on") && error.contains(&owner),
        "{error}"
    );
    assert!(Lock::is_taken(folder.path()));
    drop(first);
    assert!(!Lock::is_taken(folder.path()));
    open(folder.path()).unwrap();
}

#[test]
fn a_folder_of_no_run_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("not the folder of a run"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let error = Contents::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains(FILE), "{error}");
    // Reading a device, or a pipe, might never end.
    #[cfg(unix)]
    {
        let device = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/zero", device.path().join(FILE)).unwrap();
        let error = Contents::read(device.path()).unwrap_err().to_string();
        assert!(error.contains("is not a file"), "{error}");
    }
    drop(journal(folder.path(), &[]));
    let header = header("logistic", 1, Mode::Honest);
    let again = Journal::create(folder.path(), header, Instant::now()).unwrap_err();
    assert!(again.to_string().contains("is there already"), "{again}");
}

#[cfg(target_os = "linux")]
#[test]
fn after_a_full_disk_nothing_more_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path(), &[failure("kept")]);
    let before = journal.contents().clone();
    journal.file = File::options().write(true).open("/dev/full").unwrap();
    let error = format!("{:#}", journal.append(failure("lost")).unwrap_err());
    assert!(
        error.contains(FILE) && error.contains("No space left on device"),
        "{error}"
    );
    // Whoever comes later is told why, too, and that it is no fault of a model.
    let later = journal.append(failure("later")).unwrap_err();
    assert!(later.chain().any(|cause| cause.is::<io::Error>()));
    assert_eq!(format!("{later:#}"), error);
    assert_eq!(journal.contents(), &before);
    drop(journal);
    assert_eq!(open(folder.path()).unwrap().contents(), &before);
}

/// JSON has no such number: what cannot be read back is not written.
#[test]
fn figures_that_are_no_numbers_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path(), &[]);
    let round = ProvingRound {
        outputs: vec![f64::NAN],
        ..ProvingRound::default()
    };
    let entry = Entry::Proving {
        model: "logistic".parse().unwrap(),
        prover: "zkassay".into(),
        version: "0.1.0".into(),
        round: Box::new(round),
    };
    assert!(journal.append(entry).is_err());
    journal.append(failure("after it")).unwrap();
    assert_eq!(Contents::read(folder.path()).unwrap().lines.len(), 1);
}

#[test]
fn a_run_goes_on_only_with_its_own_plan_and_rows() {
    let then = header("logistic,4", 1, Mode::Honest);
    then.check(&then.clone()).unwrap();
    // What is found anew may be told otherwise.
    let mut now = then.clone();
    now.warnings.push("a leak".into());
    then.check(&now).unwrap();
    now.plan.seed = 6;
    now.plan.models.pop();
    now.rows_sha256 = "ef".repeat(32);
    let error = then.check(&now).unwrap_err().to_string();
    for part in [
        "plan.seed was 5, is 6",
        "plan.models was [\"logistic\",\"4\"], is [\"logistic\"]",
        "rows was \"cdcd",
        "begin a new run",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let mut now = then.clone();
    now.plan.peer = Some(crate::PeerPlan {
        configurations: vec![],
        models: vec![],
        proofs: 1,
        setups: 1,
        limit_seconds: 60,
    });
    let error = then.check(&now).unwrap_err().to_string();
    assert!(error.contains("plan.peer was null, is {"), "{error}");
}

#[test]
fn the_newest_run_that_is_neither_finished_nor_going_on_is_found() {
    let out = tempfile::tempdir().unwrap();
    assert_eq!(newest_unfinished(out.path()).unwrap(), None);
    let run = |name: &str, created: &str| {
        let folder = out.path().join(name);
        fs::create_dir(&folder).unwrap();
        let mut header = header("logistic", 1, Mode::Honest);
        header.id = name.into();
        header.created = created.into();
        Journal::create(&folder, header, Instant::now()).unwrap()
    };
    drop(run("b", "2022-06-01T00:00:00Z"));
    drop(run("a", "2022-06-02T00:00:00Z"));
    let mut finished = run("c", "2022-06-03T00:00:00Z");
    finished.append(Entry::Finished).unwrap();
    let going_on = run("d", "2022-06-04T00:00:00Z");
    fs::create_dir(out.path().join("accuracy")).unwrap();
    fs::write(out.path().join("notes.txt"), "").unwrap();
    let newest = || newest_unfinished(out.path()).unwrap();
    assert_eq!(newest(), Some(out.path().join("a")));
    drop(going_on);
    assert_eq!(newest(), Some(out.path().join("d")));
    assert!(newest_unfinished(&out.path().join("missing")).is_err());
}
