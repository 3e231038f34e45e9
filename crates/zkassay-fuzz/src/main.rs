//! The binary behind `cargo xtask fuzz`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use zkassay_fuzz::corpus::Corpus;
use zkassay_fuzz::report::{Report, duration};
use zkassay_fuzz::run::{self, Options};
use zkassay_fuzz::target::NAMES;
use zkassay_fuzz::{Case, Outcome, Target, target};

/// Change honest files and check what their readers make of them.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Reader to test; may be given several times [default: all].
    #[arg(long, value_name = "NAME", value_parser = NAMES)]
    target: Vec<String>,
    /// Cases of each target.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    cases: u64,
    /// Seed of all cases.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Run only this case, and say what becomes of it.
    #[arg(long, value_name = "N", conflicts_with = "cases")]
    case: Option<u64>,
    /// Check the bytes of this file instead, with each model of the corpus.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cases", "case", "seed"])]
    file: Option<PathBuf>,
    /// Where failing cases are kept.
    #[arg(long, value_name = "DIR", default_value = "target/fuzz")]
    out: PathBuf,
    /// The most seconds for a case.
    #[arg(long, value_name = "S", default_value_t = 10)]
    time: u64,
    /// The most memory for a case, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    memory: u64,
}

fn main() -> ExitCode {
    // One thread, so that a panic is caught where it happens, and small work is not handed around.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let outcome = match pool {
        Ok(pool) => pool.install(|| fuzz(&Arguments::parse())),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing failed.
fn fuzz(arguments: &Arguments) -> Result<bool> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let corpus = Arc::new(Corpus::new(&fixtures)?);
    let mut targets = target::all(&corpus);
    targets.retain(|target| {
        let is_wanted = |name| name == target.name();
        arguments.target.is_empty() || arguments.target.iter().any(is_wanted)
    });
    if arguments.case.is_some() || arguments.file.is_some() {
        let [target] = targets.as_slice() else {
            anyhow::bail!("a case belongs to a target: name one with --target");
        };
        return replay(target.as_ref(), arguments, corpus.members.len());
    }
    ensure!(arguments.cases > 0, "at least one case is needed (--cases)");
    let options = Options {
        seed: arguments.seed,
        cases: 0..arguments.cases,
        folder: arguments.out.clone(),
        time: Duration::from_secs(arguments.time),
        memory: arguments.memory << 20,
    };
    let mut out = std::io::stdout();
    writeln!(out, "seed {}", options.seed)?;
    let mut failed = 0;
    for target in &targets {
        let mut last = Instant::now();
        let report = run::run(target.as_ref(), &options, |report| {
            if last.elapsed() > Duration::from_secs(2) {
                last = Instant::now();
                progress(report, arguments.cases);
            }
        })?;
        write!(out, "{report}")?;
        failed += report.failed();
    }
    if failed > 0 {
        eprintln!("error: {failed} cases failed");
    }
    Ok(failed == 0)
}

fn progress(report: &Report, all: u64) {
    let left = (all - report.cases()) as f64 * report.million() / 1e6;
    eprintln!(
        "{}: {} of {all} cases, {} failed, about {} left",
        report.target(),
        report.cases(),
        report.failed(),
        duration(left)
    );
}

/// Checks one case, and says what becomes of it; whether it did not fail.
fn replay(target: &dyn Target, arguments: &Arguments, members: usize) -> Result<bool> {
    let cases: Vec<Case> = match (&arguments.file, arguments.case) {
        (Some(file), _) => {
            let bytes =
                std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let with = |member| Case {
                bytes: bytes.clone(),
                member,
            };
            (0..members).map(with).collect()
        }
        (None, number) => vec![run::case(target, arguments.seed, number.unwrap_or(0))],
    };
    let mut out = std::io::stdout();
    let mut is_good = true;
    for case in cases {
        let began = Instant::now();
        let outcome = run::check(target, &case);
        let took = began.elapsed();
        writeln!(
            out,
            "{} bytes, model {}, {:.1} ms: {outcome:?}",
            case.bytes.len(),
            case.member,
            took.as_secs_f64() * 1e3
        )?;
        if arguments.file.is_none() {
            let path = arguments.out.join(format!("{}-case", target.name()));
            std::fs::create_dir_all(&arguments.out)
                .and_then(|()| zkassay_file::write(&path, &case.bytes))
                .with_context(|| format!("cannot write {}", path.display()))?;
            writeln!(out, "bytes in {}", path.display())?;
        }
        let is_slow = took > Duration::from_secs(arguments.time);
        is_good &= !is_slow && !matches!(outcome, Outcome::Wrong(_));
    }
    Ok(is_good)
}
