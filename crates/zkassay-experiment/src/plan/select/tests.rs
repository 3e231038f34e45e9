//! Flags, files and profiles over each other, and runs that go on.

use super::*;
use crate::journal::{Entry, Header, Journal};
use crate::plan::testing::flags;
use std::time::Instant;
use zkassay_report::{DataRecord, RECORD_VERSION};

/// Leaves the journal of a run in `folder`.
fn begin(folder: &Path, plan: &Plan, created: &str, is_finished: bool) {
    std::fs::create_dir_all(folder).unwrap();
    let header = Header {
        version: RECORD_VERSION,
        id: folder.file_name().unwrap().to_str().unwrap().into(),
        created: created.into(),
        plan: plan.clone(),
        data: DataRecord {
            name: "fixtures".into(),
            sampling: "split once in time".into(),
            rows: 3,
            features: 1,
            train_rows: 1,
            calibration_rows: 1,
            test_rows: 1,
            feature_hash: "00".into(),
            files: Vec::new(),
        },
        rows_sha256: "00".into(),
        audit: None,
        warnings: Vec::new(),
    };
    let mut journal = Journal::create(folder, header, Instant::now()).unwrap();
    if is_finished {
        journal.append(Entry::Finished).unwrap();
    }
}

#[test]
fn flags_stand_above_files_and_files_above_profiles() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(
        &path,
        "extends = 'full'\nproofs = 9\nrounds = 8\nmode = 'paper'",
    )
    .unwrap();
    let plan = flags(&["--plan", path.to_str().unwrap(), "-n", "7"])
        .unwrap()
        .plan()
        .unwrap();
    assert_eq!((plan.proofs, plan.rounds, plan.setups), (7, 8, 3));
    assert_eq!((plan.profile.as_str(), plan.models.len()), ("full", 49));
    // What is repeated does not need the file.
    let again = super::super::testing::split(&plan.command());
    let again: Vec<&str> = again[3..].iter().map(String::as_str).collect();
    assert_eq!(flags(&again).unwrap().plan().unwrap(), plan);
}

#[test]
fn the_issues_command_is_understood() {
    let line = "--profile full --models mlp-*,forest-* --rounds 20 --proofs 50 --peers ezkl";
    let line: Vec<&str> = line.split(' ').collect();
    let plan = flags(&line).unwrap().plan().unwrap();
    assert_eq!((plan.models.len(), plan.rounds, plan.proofs), (43, 20, 50));
    let peer = plan.peer.unwrap();
    // The classical models of the profile that are left out are no mistake.
    assert_eq!(peer.models.len(), 5);
    assert_eq!((peer.proofs, peer.setups, peer.limit_seconds), (3, 1, 180));
}

#[test]
fn peers_prove_models_of_the_plan() {
    let plan = |line: &[&str]| flags(line).unwrap().plan();
    // None of the profile's: all there are.
    let peer = plan(&["--models", "32,8", "--peers", "ezkl"])
        .unwrap()
        .peer
        .unwrap();
    assert_eq!(peer.models, Plan::parse_models("32,8").unwrap());
    // In the order of the plan.
    let asked = [
        "--models",
        "32,8,4",
        "--peers",
        "ezkl",
        "--peer-models",
        "4,32",
    ];
    let peer = plan(&asked).unwrap().peer.unwrap();
    assert_eq!(peer.models, Plan::parse_models("32,4").unwrap());
    let error = |line: &[&str]| format!("{:#}", plan(line).unwrap_err());
    let other = error(&["--models", "32", "--peers", "ezkl", "--peer-models", "8"]);
    assert!(
        other.contains("'8'") && other.contains("not among the models"),
        "{other}"
    );
    assert!(error(&["--peer-limit", "3"]).contains("--peers ezkl is missing"));
    assert!(error(&["--peers", "none,ezkl"]).contains("stands alone"));
    let twice = ["--peers", "ezkl", "--peer-configurations", "tuned,tuned"];
    assert!(error(&twice).contains("'tuned' is given twice"));
    assert!(plan(&["--peers", "none"]).unwrap().peer.is_none());
}

#[test]
fn a_run_goes_on_with_its_own_plan() {
    let out = tempfile::tempdir().unwrap();
    let plan = flags(&["--profile", "full", "-n", "9"])
        .unwrap()
        .plan()
        .unwrap();
    let folder = out.path().join("a");
    begin(&folder, &plan, "2026-11-22T09:30:00Z", false);
    let resumed = |line: &[&str]| flags(line).unwrap().resumed(&folder);
    for agreeing in [
        &[][..],
        &["-n", "9"],
        &["--profile", "full", "-n", "9"],
        &["--models", "study,classical", "--seed", "20220601"],
        &["--data", "fixtures", "--mode", "honest", "--peers", "none"],
    ] {
        assert_eq!(resumed(agreeing).unwrap(), plan, "{agreeing:?}");
    }
    for (other, part) in [
        (&["-n", "8"][..], "proofs is 9 there, not 8"),
        (&["--profile", "full"], "proofs is 9 there, not 5"),
        (&["--seed", "1"], "seed is 20220601 there, not 1"),
        (&["--threads", "1"], "threads is all cores there, not 1"),
        (&["--mode", "paper"], "rows"),
        (&["--table", "a.csv", "--label", "b"], "rows"),
        (&["--models", "64"], "its models are others"),
        (&["--peers", "ezkl"], "peers"),
    ] {
        let error = resumed(other).unwrap_err().to_string();
        assert!(error.contains(part), "{other:?}: {error}");
        assert!(error.contains("leave the flag out"), "{error}");
    }
    let none = flags(&[]).unwrap().resumed(out.path()).unwrap_err();
    assert!(none.to_string().contains("no run to resume"), "{none}");
}

#[test]
fn the_newest_unfinished_run_is_found() {
    let out = tempfile::tempdir().unwrap();
    let plan = Profile::Quick.plan().unwrap();
    let text = out.path().to_str().unwrap();
    let find = |run: &[&str]| {
        let line = [&["--out", text, "--resume"][..], run].concat();
        flags(&line).unwrap().resume_folder()
    };
    let error = |run: &[&str]| find(run).unwrap_err().to_string();
    assert!(error(&[]).contains("no run in"), "{}", error(&[]));
    for (name, created, is_finished) in [
        ("late-finished", "2026-11-23T09:30:00Z", true),
        ("early", "2026-11-22T08:30:00Z", false),
        ("middle", "2026-11-22T09:30:00Z", false),
    ] {
        begin(&out.path().join(name), &plan, created, is_finished);
    }
    std::fs::create_dir(out.path().join("no-run")).unwrap();
    assert_eq!(find(&[]).unwrap().unwrap(), out.path().join("middle"));
    // By name, or by folder.
    let early = out.path().join("early");
    assert_eq!(find(&["early"]).unwrap().unwrap(), early);
    assert_eq!(find(&[early.to_str().unwrap()]).unwrap().unwrap(), early);
    assert!(error(&["never"]).contains("there is no run never"));
    assert_eq!(
        flags(&["--out", text]).unwrap().resume_folder().unwrap(),
        None
    );
}

#[test]
fn paths_start_where_they_were_typed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("prices.csv"), "").unwrap();
    let here = folder.path().to_str().unwrap();
    let settled = |line: &[&str]| {
        let mut flags = flags(&[&["--relative-to", here][..], line].concat()).unwrap();
        flags.settle().unwrap();
        flags
    };
    let at = |name: &str| Some(folder.path().join(name));
    assert_eq!(settled(&["--data", "prices.csv"]).data, at("prices.csv"));
    assert_eq!(settled(&["--data", "none.csv"]).data, at("none.csv"));
    assert_eq!(settled(&["--data", "giza"]).data, Some("giza".into()));
    assert_eq!(settled(&["--data", "/data"]).data, Some("/data".into()));
    assert_eq!(settled(&["--table", "a", "--label", "b"]).table, at("a"));
    assert_eq!(settled(&["--plan", "a.toml"]).plan, at("a.toml"));
    assert_eq!(settled(&["--out", "runs"]).out, at("runs"));
    // Nothing given, nothing changed.
    let none = settled(&[]);
    assert_eq!((none.out_folder(), none.data), ("runs".into(), None));
    assert_eq!(settled(&["--resume", "a"]).resume, Some(Some("a".into())));
    // From the working folder, paths stay as they are, and so do commands that repeat them.
    let here = std::env::current_dir().unwrap();
    let mut same = flags(&["--out", "a", "--relative-to", here.to_str().unwrap()]).unwrap();
    same.settle().unwrap();
    assert_eq!(same.out, Some("a".into()));
}
