//! Ours and EZKL's proofs of the same model and rows, alternately, for `cargo xtask bench-compare`.
//!
//! Both are processes of their own; a round is a proof of each, the first of them in turns, so that
//! what disturbs the machine disturbs both. The ratio of a round is EZKL's time by ours; what is
//! printed is the median of the rounds' ratios, and the interval between two of them that holds the
//! true median with 95 % whatever their distribution (order statistics; from six rounds on). Our keys
//! are in memory when a proof starts; EZKL reads its own at every proof and verification, for its
//! library has no other way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use serde_json::{Value, json};
use zkassay_benches::subject::Subject;
use zkassay_ezkl::{Answer, Configuration, Environment, Worker};
use zkassay_report::Samples;

/// Prove with zkassay and EZKL alternately and print the ratios of their times.
#[derive(Debug, Parser)]
struct Arguments {
    /// Models by their widths.
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "162-1,162-64-32-1"
    )]
    models: Vec<String>,
    /// EZKL's settings: fixed, private, tuned.
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "fixed,tuned"
    )]
    configurations: Vec<Configuration>,
    /// Rounds: a proof of each prover.
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Seconds that a stage may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// The program that answers for zkassay.
    #[arg(long, value_name = "FILE")]
    worker: PathBuf,
    /// EZKL's environment.
    #[arg(long, value_name = "DIR")]
    ezkl: PathBuf,
    /// Folder for keys and proofs.
    #[arg(long, value_name = "DIR")]
    work: PathBuf,
    /// Print one JSON object instead.
    #[arg(long)]
    json: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let environment = Environment::open(&arguments.ezkl)?;
    let mut found = Vec::new();
    if !arguments.json {
        println!("{}", heading());
    }
    for model in &arguments.models {
        for configuration in &arguments.configurations {
            let compared = compare(&arguments, &environment, model, *configuration)
                .with_context(|| format!("{model}, {}", configuration.prover()))?;
            match arguments.json {
                true => found.push(compared.json()),
                false => println!("{}", compared.line()),
            }
        }
    }
    if arguments.json {
        let version = environment.version();
        println!(
            "{}",
            json!({ "ezkl": version, "rounds": arguments.rounds, "models": found })
        );
    }
    Ok(())
}

/// Both provers' times of one model.
struct Compared {
    model: String,
    prover: &'static str,
    /// Wall times, CPU times and verifications: ours, theirs, by round and in milliseconds.
    kinds: [(&'static str, Pairs); 3],
}

/// One time of each prover per round.
#[derive(Default)]
struct Pairs {
    ours: Samples,
    theirs: Samples,
}

impl Pairs {
    fn push(&mut self, ours: f64, theirs: f64) {
        self.ours.push(ours * 1e3);
        self.theirs.push(theirs * 1e3);
    }

    fn ratios(&self) -> Samples {
        let rounds = self.ours.as_slice().iter().zip(self.theirs.as_slice());
        rounds.map(|(ours, theirs)| theirs / ours).collect()
    }
}

fn compare(
    arguments: &Arguments,
    environment: &Environment,
    model: &str,
    configuration: Configuration,
) -> Result<Compared> {
    let subject = Subject::named(model)?;
    ensure!(subject.batch == 1, "one inference per proof is compared");
    let folder = arguments.work.join(model);
    let (onnx, rows) = files(&subject, &folder)?;
    let limit = Duration::from_secs(arguments.limit);
    let mut ours = Prover::start(limit, zkassay(arguments, &onnx, &rows, &folder)?)?;
    let theirs = folder.join(configuration.to_string());
    fs::create_dir_all(&theirs)?;
    let log = theirs.join("log.txt");
    let theirs = zkassay_ezkl::worker(
        environment,
        configuration,
        &onnx,
        &rows,
        &theirs,
        &arguments.work,
        &log,
    )?;
    let mut theirs = Prover::start(limit, theirs)?;
    let mut kinds = ["prove", "prove, CPU", "verify"].map(|kind| (kind, Pairs::default()));
    for round in 0..arguments.rounds {
        let row = round as usize % ROWS;
        let (first, second) = match round % 2 {
            0 => (&mut ours, &mut theirs),
            _ => (&mut theirs, &mut ours),
        };
        let (a, b) = (first.prove(row)?, second.prove(row)?);
        let (ours, theirs) = if round % 2 == 0 { (a, b) } else { (b, a) };
        let [wall, cpu, verify] = &mut kinds;
        wall.1.push(ours.0.seconds, theirs.0.seconds);
        cpu.1.push(ours.0.cpu_seconds, theirs.0.cpu_seconds);
        verify.1.push(ours.1.seconds, theirs.1.seconds);
    }
    Ok(Compared {
        model: model.to_owned(),
        prover: configuration.prover(),
        kinds,
    })
}

/// Test rows; rounds go through them again and again.
const ROWS: usize = 16;

/// Writes the model and its rows.
fn files(subject: &Subject, folder: &Path) -> Result<(PathBuf, PathBuf)> {
    fs::create_dir_all(folder)?;
    let (onnx, rows) = (folder.join("model.onnx"), folder.join("rows.json"));
    fs::write(&onnx, &subject.onnx)?;
    let all: Vec<Vec<f32>> = subject.rows.outer_iter().map(|row| row.to_vec()).collect();
    ensure!(all.len() > ROWS, "{} rows are too few", all.len());
    let test = &all[..ROWS];
    fs::write(
        &rows,
        json!({ "calibration": all, "test": test }).to_string(),
    )?;
    Ok((onnx, rows))
}

fn zkassay(arguments: &Arguments, onnx: &Path, rows: &Path, folder: &Path) -> Result<Worker> {
    let own = folder.join("zkassay");
    fs::create_dir_all(&own)?;
    let mut command = Command::new(&arguments.worker);
    command.args([onnx, rows, &own]);
    command.arg("--parameters").arg(&arguments.work);
    Ok(Worker::start(command, &own.join("log.txt"))?)
}

/// A prover whose keys are made.
struct Prover {
    worker: Worker,
    limit: Duration,
}

impl Prover {
    /// Makes keys, and a first proof that is not counted.
    fn start(limit: Duration, worker: Worker) -> Result<Self> {
        let mut prover = Self { worker, limit };
        for stage in ["settings", "calibrate", "compile", "parameters", "setup"] {
            prover.worker.ask(stage, 0, limit)?;
        }
        prover.prove(0)?;
        Ok(prover)
    }

    /// A proof of a row, and its verification. Both provers' witnesses are made before, and are not
    /// part of either.
    fn prove(&mut self, row: usize) -> Result<(Answer, Answer)> {
        let mut ask = |stage: &str| self.worker.ask(stage, row, self.limit);
        ask("witness")?;
        Ok((ask("prove")?, ask("verify")?))
    }
}

/// Widths of the columns.
const WIDTHS: [usize; 3] = [18, 14, 12];

fn heading() -> String {
    let [model, prover, kind] = WIDTHS;
    format!(
        "{:<model$}{:<prover$}{:<kind$}{:>12}{:>12}  ratio, 95 % interval",
        "model", "peer", "", "zkassay", "peer"
    )
}

impl Compared {
    fn line(&self) -> String {
        let [model, prover, kind] = WIDTHS;
        let lines = self.kinds.iter().map(|(name, pairs)| {
            let median = |samples: &Samples| samples.median().unwrap_or(f64::NAN);
            let ratios = pairs.ratios();
            let interval = match ratios.median_interval() {
                Some((low, high)) => format!("[{low:.1}, {high:.1}]"),
                None => "too few rounds for an interval".into(),
            };
            format!(
                "{:<model$}{:<prover$}{name:<kind$}{:>9.2} ms{:>9.1} ms  {:.1} {interval}",
                self.model,
                self.prover,
                median(&pairs.ours),
                median(&pairs.theirs),
                median(&ratios),
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn json(&self) -> Value {
        let kinds = self.kinds.iter().map(|(name, pairs)| {
            let ratios = pairs.ratios();
            json!({
                "what": name,
                "zkassay_ms": pairs.ours,
                "peer_ms": pairs.theirs,
                "ratio": ratios.median(),
                "interval": ratios.median_interval(),
            })
        });
        json!({ "model": self.model, "peer": self.prover, "times": kinds.collect::<Vec<_>>() })
    }
}
