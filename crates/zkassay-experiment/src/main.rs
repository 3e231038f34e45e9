//! The binary behind `cargo xtask experiment`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use zkassay_experiment::arguments::use_threads;
use zkassay_experiment::journal::Contents;
use zkassay_experiment::plan::flags::EXAMPLES;
use zkassay_experiment::plan::{Flags, Plan, RunOptions, estimate, models};
use zkassay_experiment::progress::Progress;
use zkassay_experiment::{remaining, run};
use zkassay_report::RunRecord;

/// The run finished, but something of it failed.
const FAILURES: u8 = 3;

/// Train, prove and verify a family of models and report accuracy beside cost.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask experiment", version, after_long_help = EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
}

fn main() -> ExitCode {
    match experiment(Arguments::parse().flags) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn experiment(mut flags: Flags) -> Result<ExitCode> {
    if flags.is_list_of_models() {
        say(&models::help())?;
        return Ok(ExitCode::SUCCESS);
    }
    flags.settle()?;
    let resume = flags.resume_folder()?;
    let plan = match &resume {
        Some(folder) => flags.resumed(folder)?,
        None => flags.plan()?,
    };
    if flags.list_peers {
        if plan.peer.is_some() {
            say("ezkl\n")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let options = RunOptions {
        out: flags.out_folder(),
        resume,
        worker: worker()?,
        ezkl: flags.ezkl,
        ezkl_missing: flags.ezkl_missing,
    };
    if flags.dry_run {
        say(&preview(&plan, &options)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(missing) = plan.missing_rows() {
        bail!("{missing}");
    }
    use_threads(plan.threads)?;
    let started = Instant::now();
    let (record, folder) = run(&plan, &options, &Progress::stderr())?;
    let seconds = started.elapsed().as_secs_f64();
    say(&format!(
        "\n{}Finished in {seconds:.1} s.\n",
        closing(&record, &folder)
    ))?;
    Ok(match record.failures.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(FAILURES),
    })
}

/// Prints on standard output, which may be closed or full.
fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("standard output cannot be written")
}

/// The program that proves, which is built beside this one.
fn worker() -> Result<PathBuf> {
    let this = std::env::current_exe().context("the folder of this program is not known")?;
    let name = format!("zkassay-worker{}", std::env::consts::EXE_SUFFIX);
    Ok(this.with_file_name(name))
}

fn preview(plan: &Plan, options: &RunOptions) -> Result<String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = plan.threads.unwrap_or(cores).min(cores);
    let mut text = plan.preview(options, estimate::speed(threads));
    if let Some(folder) = &options.resume {
        text.push_str(&format!(
            "\nThe run in {}: {}. They are not run again.\n",
            folder.display(),
            remaining::summary(&Contents::read(folder)?)
        ));
    }
    Ok(text)
}

/// What is said at the end of a run.
fn closing(record: &RunRecord, folder: &Path) -> String {
    let mut text = format!("{}\n", zkassay_report::table::text(record));
    let times = match record.failures.len() {
        0 => None,
        1 => Some("1 time".to_owned()),
        failures => Some(format!("{failures} times")),
    };
    text.push_str(&match times {
        None => "Every proof was verified.".to_owned(),
        Some(times) => format!(
            "Something failed ({times}, above and in the report), and the run went on. Every proof \
             that is counted was verified."
        ),
    });
    let folder = folder.display();
    text.push_str(&format!(" Parameters: {}.\n", record.srs.kind));
    for warning in &record.warnings {
        text.push_str(&format!("Warning: {warning}\n"));
    }
    text.push_str(&format!("Report: {folder}/report.html\n"));
    text.push_str(&format!(
        "Choose: cargo run -q --release --workspace --bin zkassay -- choose {folder} --max-prove 50ms \
         --max-proof 4kB\n"
    ));
    text.push_str(&format!("Repeat: {}\n", record.command));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;
    use zkassay_report::{DataRecord, Failure, Host, RECORD_VERSION, SrsRecord};

    fn record() -> RunRecord {
        RunRecord {
            version: RECORD_VERSION,
            id: "a".into(),
            created: "2026-11-22T09:30:00Z".into(),
            command: "cargo xtask experiment --seed 7".into(),
            profile: "quick".into(),
            seconds: 1.0,
            seed: 7,
            host: Host {
                cpu: "a processor".into(),
                cores: 2,
                threads: 2,
                ram_bytes: 1,
                os: "linux".into(),
                revision: None,
                packages: Default::default(),
            },
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
            audit: None,
            warnings: vec!["a leak".into()],
            srs: SrsRecord {
                kind: SrsRecord::UNSAFE_LOCAL.into(),
            },
            models: Vec::new(),
            failures: Vec::new(),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        let help = Arguments::command().render_long_help().to_string();
        assert!(help.contains("Examples:\n  cargo xtask experiment"));
        assert!(!help.contains("--list-peers"), "{help}");
    }

    #[test]
    fn the_end_says_what_failed_and_what_to_do_next() {
        let mut record = record();
        let text = closing(&record, Path::new("runs/a"));
        for part in [
            "Every proof was verified. Parameters: unsafe-local.",
            "Warning: a leak\n",
            "runs/a/report.html\n",
            "--bin zkassay -- choose runs/a --max-prove",
            "--seed 7\n",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        record.failures.push(Failure {
            model: "64-32".into(),
            prover: "EZKL fixed".into(),
            stage: "setup".into(),
            message: "no such operator".into(),
        });
        let text = closing(&record, Path::new("runs/a"));
        assert!(text.contains("no such operator"), "{text}");
        assert!(text.contains("Something failed (1 time"), "{text}");
        assert!(!text.contains("Every proof was verified."), "{text}");
    }
}
