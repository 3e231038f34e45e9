//! Whether the loop finds what must not happen.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::Path;
use std::time::Duration;

use zkassay_fuzz::report::Report;
use zkassay_fuzz::run::{self, Options};
use zkassay_fuzz::{Case, Outcome, Target};
use zkassay_seed::Stream;

/// A reader of one byte, which goes wrong at some of them.
struct Faulty {
    panics_at: Option<u8>,
    accepts: Option<u8>,
    sleeps_at: Option<u8>,
    fills_at: Option<u8>,
}

const GOOD: Faulty = Faulty {
    panics_at: None,
    accepts: None,
    sleeps_at: None,
    fills_at: None,
};

impl Target for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn case(&self, stream: &mut Stream) -> Case {
        let bytes = vec![stream.bits() as u8];
        Case { bytes, member: 0 }
    }

    fn check(&self, case: &Case) -> Outcome {
        let byte = case.bytes.first().copied();
        if byte == self.panics_at {
            panic!("planted");
        }
        if byte == self.sleeps_at {
            std::thread::sleep(Duration::from_millis(300));
        }
        if byte == self.fills_at {
            std::hint::black_box(vec![1u8; 96 << 20]);
        }
        match (byte, byte == self.accepts) {
            (Some(0), _) => Outcome::Accepted("zero".into()),
            (_, true) => Outcome::Wrong("a forgery is accepted".into()),
            _ => Outcome::Refused("not zero".into()),
        }
    }
}

fn run(target: &Faulty, folder: &Path, cases: u64) -> Report {
    let options = Options {
        seed: 3,
        cases: 0..cases,
        folder: folder.to_owned(),
        time: Duration::from_secs(100),
        memory: 64 << 20,
    };
    run::run(target, &options, |_| {}).unwrap()
}

/// The byte of a case that is neither the first nor zero.
fn some_byte() -> u8 {
    let bytes = (1..).map(|number| run::case(&GOOD, 3, number).bytes[0]);
    bytes.into_iter().find(|byte| *byte != 0).unwrap()
}

/// That there is one kind of failure, which `what` describes, and whose case repeats it.
fn assert_found(report: &Report, target: &Faulty, what: &str) {
    assert!(report.failed() > 0, "{report}");
    for failure in report.failures() {
        assert!(failure.what.contains(what), "{report}");
        let case = run::case(target, 3, failure.case);
        let kept = std::fs::read(failure.file.as_ref().unwrap()).unwrap();
        assert_eq!(kept, case.bytes);
        let Outcome::Wrong(again) = run::check(target, &case) else {
            panic!("case {} does not repeat", failure.case);
        };
        assert_eq!(again, failure.what);
        let replay = format!("--target faulty --seed 3 --case {}", failure.case);
        assert!(report.to_string().contains(&replay), "{report}");
    }
}

#[test]
fn a_good_reader_passes() {
    let folder = tempfile::tempdir().unwrap();
    let report = run(&GOOD, folder.path(), 2000);
    assert_eq!((report.failed(), report.cases()), (0, 2000), "{report}");
    assert!(report.accepted() > 0);
    let kinds: Vec<&String> = report.kinds().keys().collect();
    assert_eq!(kinds, ["accepted: zero", "not zero"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn cases_are_fixed_by_seed_and_number() {
    let cases = |seed| (0..100).map(move |number| run::case(&GOOD, seed, number));
    assert!(cases(1).eq(cases(1)));
    assert!(!cases(1).eq(cases(2)));
}

#[test]
fn a_panic_is_found() {
    let target = Faulty {
        panics_at: Some(some_byte()),
        ..GOOD
    };
    let folder = tempfile::tempdir().unwrap();
    let report = run(&target, folder.path(), 2000);
    assert_found(&report, &target, "planted");
    assert_eq!(report.cases(), 2000, "the loop goes on");
    assert_eq!(
        report.failures().len(),
        3,
        "the same failure is kept three times"
    );
}

#[test]
fn a_wrong_acceptance_is_found() {
    let target = Faulty {
        accepts: Some(some_byte()),
        ..GOOD
    };
    let folder = tempfile::tempdir().unwrap();
    let report = run(&target, folder.path(), 2000);
    assert_found(&report, &target, "a forgery is accepted");
}

#[test]
fn a_slow_case_is_found() {
    let target = Faulty {
        sleeps_at: Some(some_byte()),
        ..GOOD
    };
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        seed: 3,
        cases: 0..300,
        folder: folder.path().to_owned(),
        time: Duration::from_millis(200),
        memory: u64::MAX,
    };
    let report = run::run(&target, &options, |_| {}).unwrap();
    let is_planted = |case| run::case(&target, 3, case).bytes.first() == target.sleeps_at.as_ref();
    let found = report
        .failures()
        .iter()
        .any(|failure| is_planted(failure.case));
    assert!(found, "{report}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_case_that_takes_much_memory_is_found() {
    let target = Faulty {
        fills_at: Some(some_byte()),
        ..GOOD
    };
    let folder = tempfile::tempdir().unwrap();
    let report = run(&target, folder.path(), 512);
    let found = report
        .failures()
        .iter()
        .any(|failure| failure.what.contains("of memory"));
    assert!(found, "{report}");
}
