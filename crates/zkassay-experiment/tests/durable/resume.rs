//! Runs that are stopped, and go on.

use std::process::Stdio;
use std::time::Duration;

use zkassay_experiment::journal::{self, Contents, Entry};
use zkassay_experiment::progress::Progress;
use zkassay_experiment::run;
use zkassay_seed::Stream;

use super::*;

const MODELS: &str = "logistic,4,tree";

/// Killed at moments that are drawn at random, and gone on with until it is finished, a run has
/// the results of one that was not.
#[test]
fn a_run_that_is_killed_again_and_again_has_the_same_results() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [whole, killed] = folders.each_ref().map(|folder| folder.path());
    let peers = [
        "--peers",
        "ezkl",
        "--peer-models",
        "4",
        "--peer-configurations",
        "fixed",
    ];
    let environments = [whole, killed].map(|folder| {
        points(folder, 240);
        environment(
            folder,
            &serve(r#"prove) sleep 0.1; echo '{"seconds": 0.1, "cpu_seconds": 0.1}';;"#),
        )
    });
    let mut command = begin(whole, MODELS);
    command.args(peers).arg("--ezkl").arg(&environments[0]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let [whole] = runs(whole).try_into().unwrap();

    let mut stream = Stream::new(3, "test/kill");
    let mut kills = 0;
    // Longer and longer, so that it is finished some day.
    for limit in (0..).map(|attempt| 40 + 25 * attempt) {
        let begun = runs(killed)
            .into_iter()
            .find(|run| run.join(journal::FILE).exists());
        let mut command = match &begun {
            Some(run) => go_on(killed, run),
            None => begin(killed, MODELS),
        };
        if begun.is_none() {
            command.args(peers);
        }
        command.arg("--ezkl").arg(&environments[1]);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let patience = Duration::from_millis(stream.below(limit) as u64 + 10);
        std::thread::sleep(patience);
        match process.try_wait().unwrap() {
            Some(status) => {
                assert!(status.success(), "{status}");
                break;
            }
            None => {
                process.kill().unwrap();
                process.wait().unwrap();
                kills += 1;
            }
        }
    }
    assert!(kills > 3, "killed {kills} times only");
    let run = runs(killed)
        .into_iter()
        .find(|run| run.join("record.json").exists())
        .unwrap();
    let parts = Contents::read(&run).unwrap();
    let parts = parts
        .entries()
        .filter(|entry| matches!(entry, Entry::Begun { .. }))
        .count();
    assert!(parts > 1, "it went on {parts} times");
    let (mut whole_record, mut record) =
        (without_times(record(&whole)), without_times(record(&run)));
    for record in [&mut whole_record, &mut record] {
        record.data.name.clear();
        record.command.clear();
    }
    assert_eq!(record, whole_record);
    assert_eq!(record.models[1].peers[0].timings.of(Stage::Prove).len(), 3);
    for model in &record.models {
        assert_eq!(model.proving.timings.of(Stage::Prove).len(), 3);
        assert_eq!(model.proving.timings.of(Stage::Setup).len(), 2);
        let file = |run: &Path| fs::read(run.join(&model.tag).join("model.onnx")).unwrap();
        assert_eq!(file(&run), file(&whole));
    }
}

#[test]
fn two_runs_in_the_same_second_do_not_collide() {
    let folder = tempfile::tempdir().unwrap();
    points(folder.path(), 240);
    let start = |_| {
        let mut command = begin(folder.path(), "logistic");
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..2).map(start).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    let [one, other] = runs(folder.path()).try_into().unwrap();
    assert_eq!(without_times(record(&one)), without_times(record(&other)));
}

#[test]
fn a_finished_run_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    points(folder.path(), 240);
    assert!(
        begin(folder.path(), "logistic")
            .output()
            .unwrap()
            .status
            .success()
    );
    let [run] = runs(folder.path()).try_into().unwrap();
    let journal = || fs::read(run.join(journal::FILE)).unwrap();
    let (before, first) = (journal(), record(&run));
    // The report is made again.
    fs::remove_file(run.join("record.json")).unwrap();
    let output = go_on(folder.path(), &run).output().unwrap();
    assert!(output.status.success());
    assert!(
        said(&output).contains("is finished; nothing is left to do"),
        "{}",
        said(&output)
    );
    assert_eq!(journal(), before);
    assert_eq!(record(&run), first);
    assert_eq!(runs(folder.path()).len(), 1);
}

#[test]
fn a_run_that_goes_on_is_left_to_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), "logistic");
    // A process that dies when the other was tried.
    let waits = "while [ ! -e \"$0.done\" ]; do sleep 0.01; done; exit 1";
    let mut options = options(folder.path());
    options.worker = script(folder.path(), "worker.sh", waits);
    let (record, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| run(&plan, &options, &Progress::hidden()).unwrap());
        let begun = || {
            let contents = Contents::read(runs(folder.path()).first()?).ok()?;
            contents
                .entries()
                .any(|entry| matches!(entry, Entry::Exported { .. }))
                .then_some(())
        };
        while begun().is_none() {
            assert!(!first.is_finished());
            std::thread::sleep(Duration::from_millis(5));
        }
        let [run] = runs(folder.path()).try_into().unwrap();
        let second = go_on(folder.path(), &run).output().unwrap();
        fs::write(folder.path().join("worker.sh.done"), "").unwrap();
        (first.join().unwrap().0, second)
    });
    assert_eq!(second.status.code(), Some(1));
    let owner = format!("process {}", std::process::id());
    let said = said(&second);
    assert!(
        said.contains("is going on") && said.contains(&owner),
        "{said}"
    );
    assert_eq!(record.failures.len(), 1, "the worker died");
}

#[test]
fn a_run_goes_on_with_its_own_rows_only() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), "logistic");
    let mut options = options(folder.path());
    let (_, run_folder) = run(&plan, &options, &Progress::hidden()).unwrap();
    // As if it had been killed before its end.
    let journal = run_folder.join(journal::FILE);
    let text = fs::read_to_string(&journal).unwrap();
    let lines = text.lines().count();
    let part: String = text.split_inclusive('\n').take(lines - 2).collect();
    fs::write(&journal, &part).unwrap();
    options.resume = Some(run_folder.clone());
    let table = fs::read_to_string(folder.path().join("points.csv")).unwrap();
    fs::write(
        folder.path().join("points.csv"),
        table.replacen("0.", "0.0", 1),
    )
    .unwrap();
    let error = format!(
        "{:#}",
        run(&plan, &options, &Progress::hidden()).unwrap_err()
    );
    assert!(
        error.contains("other data") && error.contains("rows was"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&journal).unwrap(), part);
    fs::write(folder.path().join("points.csv"), table).unwrap();
    let mut other = plan.clone();
    other.proofs = 3;
    let error = format!(
        "{:#}",
        run(&other, &options, &Progress::hidden()).unwrap_err()
    );
    assert!(error.contains("plan.proofs was 2, is 3"), "{error}");
    let (record, same) = run(&plan, &options, &Progress::hidden()).unwrap();
    assert_eq!(same, run_folder);
    assert_eq!(record.models[0].proving.proved_rows.len(), 2);
}

/// What is half written is cut off; a journal that is damaged otherwise is left alone.
#[test]
fn a_journal_that_was_torn_goes_on_and_a_damaged_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    points(folder.path(), 240);
    assert!(begin(folder.path(), "4").output().unwrap().status.success());
    let [run] = runs(folder.path()).try_into().unwrap();
    let path = run.join(journal::FILE);
    let (text, first) = (fs::read(&path).unwrap(), without_times(record(&run)));
    fs::write(&path, &text[..text.len() * 2 / 3]).unwrap();
    let output = go_on(folder.path(), &run).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(without_times(record(&run)), first);
    let mut damaged = text.clone();
    damaged[text.len() / 3] = b'\n';
    fs::write(&path, &damaged).unwrap();
    let output = go_on(folder.path(), &run).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(
        said.contains(journal::FILE) && said.contains("line "),
        "{said}"
    );
    assert_eq!(fs::read(&path).unwrap(), damaged);
}
