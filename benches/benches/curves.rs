//! What proofs of trees and of many inferences cost: by depth, number of trees, and batch.
//!
//! ```text
//! cargo bench -p zkassay-benches --bench curves                       # all curves
//! cargo bench -p zkassay-benches --bench curves -- --short            # three points of each
//! cargo bench -p zkassay-benches --bench curves -- --docs             # into docs/trees.md, too
//! cargo bench -p zkassay-benches --bench curves -- tree-8 cnn@16      # these models only
//! ```
//!
//! Each model has a process of its own, so that its memory can be told. Times are medians;
//! processor time is that of all threads, and says more than the time on the clock where other
//! programs run. `docs/trees.md` is written anew after each model.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use serde_json::{Value, json};
use zkassay_benches::stopwatch::{cpu_milliseconds, forget_peak, median, milliseconds, peak_bytes};
use zkassay_benches::subject::Subject;
use zkassay_circuit::cost::{Cost, Machine};
use zkassay_prover::Srs;

/// Proofs that a median is of: as many as take so long, at least and at most so many.
const PROVE_MILLISECONDS: f64 = 2e3;
const PROOFS: (f64, f64) = (2.0, 30.0);
/// Verifications that a median is of.
const VERIFICATIONS: usize = 10;
/// The page of `--docs`.
const PAGE: &str = "docs/trees.md";

/// Models that differ in one number.
struct Curve {
    title: &'static str,
    models: &'static [&'static str],
    /// Positions of the models that `--short` measures.
    short: [usize; 3],
}

const CURVES: [Curve; 7] = [
    Curve {
        title: "Depth: one tree",
        models: &[
            "tree-2", "tree-4", "tree-6", "tree-8", "tree-10", "tree-12", "tree-14", "tree-16",
        ],
        short: [0, 3, 7],
    },
    Curve {
        title: "Depth: a forest of 100 trees",
        models: &[
            "forest-100:2",
            "forest-100:4",
            "forest-100:6",
            "forest-100:8",
            "forest-100:10",
            "forest-100:12",
            "forest-100:14",
            "forest-100:16",
        ],
        short: [0, 3, 7],
    },
    Curve {
        title: "Trees: forests",
        models: &[
            "forest-1",
            "forest-3",
            "forest-10",
            "forest-30",
            "forest-100",
            "forest-200",
            "forest-300",
            "forest-500",
            "forest-500x3",
        ],
        short: [0, 2, 4],
    },
    Curve {
        title: "Trees: boosted, depth 4",
        models: &[
            "boosted-10",
            "boosted-50",
            "boosted-100",
            "boosted-200",
            "boosted-500",
        ],
        short: [0, 2, 3],
    },
    Curve {
        title: "Batch: 162-128-64-32-1",
        models: &[
            "162-128-64-32-1@1",
            "162-128-64-32-1@2",
            "162-128-64-32-1@4",
            "162-128-64-32-1@8",
            "162-128-64-32-1@16",
            "162-128-64-32-1@32",
            "162-128-64-32-1@64",
            "162-128-64-32-1@128",
            "162-128-64-32-1@256",
        ],
        short: [0, 3, 5],
    },
    Curve {
        title: "Batch: CNN on 28x28",
        models: &["cnn@1", "cnn@2", "cnn@4", "cnn@8", "cnn@16", "cnn@32"],
        short: [0, 2, 3],
    },
    Curve {
        title: "Batch: a forest of 100 trees",
        models: &[
            "forest-100@1",
            "forest-100@2",
            "forest-100@4",
            "forest-100@8",
            "forest-100@16",
            "forest-100@32",
            "forest-100@64",
            "forest-100@128",
            "forest-100@256",
        ],
        short: [0, 2, 4],
    },
];

/// Measure what proofs of trees and batches cost.
#[derive(Debug, Parser)]
struct Arguments {
    /// Models instead of the curves; after `@` the inferences of a proof.
    models: Vec<String>,
    /// Three points of each curve.
    #[arg(long, conflicts_with = "models")]
    short: bool,
    /// Write docs/trees.md, too.
    #[arg(long, conflicts_with = "models")]
    docs: bool,
    /// Measures one model in this process, and answers in JSON.
    #[arg(long, hide = true, value_name = "MODEL")]
    one: Option<String>,
    /// What `cargo bench` passes.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(name) = &arguments.one {
        let found = Subject::named(name).and_then(|subject| measure(&subject));
        let answer = found.unwrap_or_else(|error| json!({ "error": format!("{error:#}") }));
        println!("{answer}");
        return Ok(());
    }
    let mut page = Page::default();
    if !arguments.models.is_empty() {
        page.begin("Models");
        for model in &arguments.models {
            page.add(model);
        }
        return Ok(());
    }
    for curve in &CURVES {
        page.begin(curve.title);
        for (index, model) in curve.models.iter().enumerate() {
            if arguments.short && !curve.short.contains(&index) {
                continue;
            }
            page.add(model);
            if arguments.docs {
                page.write(&workspace().join(PAGE))?;
            }
        }
    }
    Ok(())
}

/// Tables in Markdown, printed as they grow.
#[derive(Default)]
struct Page {
    tables: String,
    failures: String,
}

impl Page {
    fn begin(&mut self, title: &str) {
        self.print(&format!(
            "\n## {title}\n\n\
             | model | nodes or parameters | depth | k | advice/fixed | setup, ms | prove, ms | prove CPU, ms \
             | verify, ms | proof, B | memory, MB | per inference: prove, ms | verify, ms | proof, B |\n\
             |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
        ));
    }

    /// Measures a model and adds its line, or why there is none.
    fn add(&mut self, model: &str) {
        match in_process(model) {
            Ok(found) => self.print(&line(model, &found)),
            Err(error) => {
                let columns = " |".repeat(12);
                self.print(&format!("| {model} | fails, see below |{columns}\n"));
                let failure = format!("- {model}: {error:#}\n");
                eprint!("{failure}");
                self.failures += &failure;
            }
        }
    }

    fn print(&mut self, text: &str) {
        print!("{text}");
        self.tables += text;
    }

    fn write(&self, file: &Path) -> Result<()> {
        let mut text = format!(
            "# Trees and batches\n\n\
             One run of `cargo bench -p zkassay-benches --bench curves -- --docs`: private input, public \
             output, fixed\nmodel, on {}; one process per model, medians of a few proofs. Trees are \
             grown on 449 rows of 162\nfeatures; `forest-100:6` has no tree deeper than 6, `x3` is for \
             three classes, and the number after `@`\nis that of inferences in one proof. Witnesses \
             are part of proving; keys are in memory.\n{}",
            machine(),
            self.tables
        );
        if !self.failures.is_empty() {
            text += &format!("\n## What fails\n\n{}", self.failures);
        }
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
    }
}

fn line(model: &str, found: &Value) -> String {
    let number = |name: &str| found[name].as_f64().unwrap_or(f64::NAN);
    let batch = number("batch");
    let size = &found["size"];
    let count = size["nodes"].as_u64().or(size["parameters"].as_u64());
    let depth = size["depth"]
        .as_u64()
        .map_or_else(|| "–".to_owned(), |d| d.to_string());
    format!(
        "| {model} | {} | {depth} | {} | {}/{} | {:.1} | {:.1} | {:.1} | {:.2} | {} | {:.1} | {:.2} | {:.3} | {:.0} |\n",
        count.unwrap_or(0),
        number("logrows"),
        number("advice"),
        number("fixed"),
        number("setup_ms"),
        number("prove_ms"),
        number("prove_cpu_ms"),
        number("verify_ms"),
        number("proof_bytes"),
        number("peak_bytes") / 1e6,
        number("prove_ms") / batch,
        number("verify_ms") / batch,
        number("proof_bytes") / batch,
    )
}

/// The measurements of a model, made by a process of its own.
fn in_process(model: &str) -> Result<Value> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--one", model])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        bail!("its process ended with {}", output.status);
    }
    let found: Value = serde_json::from_slice(&output.stdout).context("its measurements")?;
    match found["error"].as_str() {
        Some(error) => bail!("{error}"),
        None => Ok(found),
    }
}

/// Keys, proofs and verifications of one model, as JSON.
fn measure(subject: &Subject) -> Result<Value> {
    let circuit = subject.compile()?;
    let logrows = circuit.compiled.logrows();
    let srs = Srs::unsafe_local(logrows);
    let rows = subject.batch_rows();
    // From here on: the peak before was that of the calibration.
    forget_peak();
    let start = Instant::now();
    let key = zkassay::setup(&srs, &circuit)?;
    let setup = milliseconds(start);
    let prove = || -> Result<_> { Ok(key.prove(&srs, key.compiled().witness_batch(&rows)?)?) };
    let start = Instant::now();
    let proof = prove()?;
    let repetitions = (PROVE_MILLISECONDS / milliseconds(start)).clamp(PROOFS.0, PROOFS.1) as usize;
    let cpu = cpu_milliseconds();
    let times = (0..repetitions).map(|_| {
        let start = Instant::now();
        prove().map(|_| milliseconds(start))
    });
    let times = times.collect::<Result<Vec<_>>>()?;
    let cpu = (cpu_milliseconds() - cpu) / repetitions as f64;
    let verify = (0..VERIFICATIONS).map(|_| {
        let start = Instant::now();
        zkassay::verify(key.verifying_key(), &proof).map(|_| milliseconds(start))
    });
    let verify = verify.collect::<Result<Vec<_>, _>>()?;
    let dimensions = Cost::of(&circuit.compiled.shape(), &Machine::default()).dimensions;
    Ok(json!({
        "batch": subject.batch,
        "size": subject.size,
        "logrows": logrows,
        "advice": dimensions.advice(),
        "fixed": dimensions.fixed,
        "setup_ms": setup,
        "prove_ms": median(times),
        "prove_cpu_ms": cpu,
        "verify_ms": median(verify),
        "proof_bytes": proof.transcript.len(),
        "peak_bytes": peak_bytes(),
    }))
}

/// Processors and their name.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| {
        let (key, name) = line.split_once(':')?;
        (key.trim() == "model name").then(|| name.trim().to_owned())
    });
    let name = name.unwrap_or_else(|| "an unknown processor".to_owned());
    format!("{cores} cores of {name}")
}

fn workspace() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}
