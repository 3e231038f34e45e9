//! Time and memory against model size, predicted and measured; where it breaks.
//!
//! ```text
//! cargo bench -p zkassay-benches --bench scaling
//! cargo bench -p zkassay-benches --bench scaling -- 162-64-32-1 162-64-32-1/10/16/9/3 lenet
//! ```
//!
//! Without arguments: the models of the other benchmarks, and dense models of up to five million
//! parameters, until one is refused or would need more memory than [`MEMORY_LIMIT`]. An
//! argument is a model's widths, laid out as planned, or with log2 of the rows, weights per
//! row, bits of a limb and degree: the layouts to which the cost model was fitted. After `@`
//! come the visibilities of input, output and parameters: `162-16-1@hashed,public,private`.
//! [`PROGRAMS`] go by name, and are compiled as the library does it for users.
//!
//! Each model has a process of its own, so that its memory can be told. Times are medians; processor
//! time is that of all threads, and says more than the time on the clock where other programs run.

#![allow(clippy::expect_used, reason = "a benchmark stops at the first failure")]

use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use zkassay::{CalibrationOptions, Model, Settings};
use zkassay_benches::programs::{self, PROGRAMS, Program};
use zkassay_benches::stopwatch::{cpu_milliseconds, forget_peak, median, milliseconds, peak_bytes};
use zkassay_benches::{HIDDEN, INPUTS, SEED};
use zkassay_circuit::cost::{Cost, Machine};
use zkassay_circuit::{CompileOptions, CompiledModel, Plan};
use zkassay_fixed::Visibility;
use zkassay_gadgets::TableShape;
use zkassay_graph::Op;
use zkassay_prover::{Circuit, ProvingKey, Srs};
use zkassay_quant::{CalibrationParams, Target, calibrate};
use zkassay_testing::{mlp, rows};

/// Bytes of memory that no model may be predicted to exceed.
const MEMORY_LIMIT: usize = 16 << 30;
/// Marks the process of one model.
const ONE: &str = "--one";

/// Dense models by size. The bounds of the deep one, which calibration proves for the worst
/// input, grow beyond any limbs.
const GROWING: [&[usize]; 12] = [
    &[162, 6, 1],
    &[162, 16, 16, 1],
    &[162, 50, 50, 1],
    &[162, 200, 200, 1],
    &[162, 500, 500, 1],
    &[784, 512, 128, 10],
    &[162, 900, 900, 1],
    &[162, 1500, 1500, 1],
    &[5000, 1000, 1],
    &[162, 2150, 2150, 1],
    &[162, 700, 700, 700, 700, 700, 700, 700, 700, 700, 700, 1],
    &[162, 30000, 1],
];
/// A model without hidden layers that is too wide, and one with too many values.
const REFUSED: [&[usize]; 2] = [&[4096, 1200], &[50_000, 50_000, 1]];

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let [flag, machine, model] = arguments.as_slice()
        && flag == ONE
    {
        let machine = serde_json::from_str(machine)?;
        let found = subject(model).and_then(|subject| measure(&subject, &machine));
        let answer = found.unwrap_or_else(|error| json!({ "error": format!("{error:#}") }));
        println!("{answer}");
        return Ok(ExitCode::SUCCESS);
    }
    let named = |widths: &[usize]| {
        let words: Vec<String> = widths.iter().map(usize::to_string).collect();
        words.join("-")
    };
    let benchmarks = HIDDEN.map(|hidden| named(&[&[INPUTS], hidden, &[1]].concat()));
    let growing = GROWING.iter().chain(&REFUSED).map(|widths| named(widths));
    let models = match arguments.is_empty() {
        true => {
            let programs = PROGRAMS.map(str::to_owned);
            benchmarks
                .into_iter()
                .chain(programs)
                .chain(growing)
                .collect()
        }
        false => arguments,
    };
    let machine = Machine::measure();
    println!("{machine:?}\n(the planner's: {:?})\n", Machine::default());
    println!("predicted and measured; proof bytes are predicted exactly");
    println!(
        "{:<24} {:>9} {:>3} {:>5} {:>8} {:>16} {:>16} {:>16} {:>14} {:>8} {:>14}",
        "model",
        "params",
        "k",
        "width",
        "adv/fix",
        "setup ms",
        "prove ms",
        "prove CPU ms",
        "verify ms",
        "proof B",
        "peak MB"
    );
    let mut ratios = vec![];
    for model in models {
        match compare(&model, &machine) {
            Ok(row) => ratios.push(row),
            Err(error) => println!("{model}: {error:#}"),
        }
    }
    for (index, what) in [
        "setup",
        "prove",
        "prove, processor time",
        "verify",
        "memory",
    ]
    .into_iter()
    .enumerate()
    {
        summarise(what, ratios.iter().map(|ratios| ratios[index]));
    }
    Ok(ExitCode::SUCCESS)
}

/// Predicts and measures one model, prints its line, and returns what was predicted as multiples
/// of what was measured: setup, prove (time, processor time), verify, memory.
fn compare(model: &str, machine: &Machine) -> Result<[f64; 5]> {
    if let Subject::Dense(layout) = subject(model)? {
        let shape = layout.plan()?.shape(&layout.widths, &layout.options);
        let planned = Cost::new(&shape, machine);
        if planned.memory_bytes > MEMORY_LIMIT {
            bail!(
                "needs about {} MB, more than the {} MB of this benchmark",
                planned.memory_bytes >> 20,
                MEMORY_LIMIT >> 20
            );
        }
    }
    let output = Command::new(std::env::current_exe()?)
        .args([ONE, &serde_json::to_string(machine)?, model])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        bail!("its process ended with {}", output.status);
    }
    let found: Value = serde_json::from_slice(&output.stdout).context("its measurements")?;
    if let Some(error) = found["error"].as_str() {
        bail!("{error}");
    }
    let number = |name: &str| found[name].as_f64().unwrap_or(f64::NAN);
    let cost: Value = found["cost"].clone();
    let predicted = |name: &str| cost[name].as_f64().unwrap_or(f64::NAN);
    // Seconds of the machine at hand, for the shape that calibration gave.
    let seconds = |name: &str| predicted(name) * 1e3;
    let memory = [predicted("memory_bytes"), number("peak_bytes")].map(|bytes| bytes / 1e6);
    let pair = |a: f64, b: f64| format!("{a:.1} / {b:.1}");
    println!(
        "{:<24} {:>9} {:>3} {:>5} {:>8} {:>16} {:>16} {:>16} {:>14} {:>8} {:>14}",
        model,
        number("parameters"),
        number("logrows"),
        number("block_width"),
        format!("{}/{}", number("advice"), number("fixed")),
        pair(seconds("setup_seconds"), number("setup_ms")),
        pair(seconds("prove_seconds"), number("prove_ms")),
        pair(number("one_thread_seconds") * 1e3, number("prove_cpu_ms")),
        pair(seconds("verify_seconds"), number("verify_ms")),
        number("proof_bytes"),
        pair(memory[0], memory[1]),
    );
    if predicted("proof_bytes") != number("proof_bytes") {
        bail!(
            "a proof of {} bytes was predicted",
            predicted("proof_bytes")
        );
    }
    Ok([
        seconds("setup_seconds") / number("setup_ms"),
        seconds("prove_seconds") / number("prove_ms"),
        number("one_thread_seconds") * 1e3 / number("prove_cpu_ms"),
        seconds("verify_seconds") / number("verify_ms"),
        memory[0] / memory[1],
    ])
}

/// Prints how far predictions are from measurements.
fn summarise(what: &str, ratios: impl Iterator<Item = f64>) {
    let logs: Vec<f64> = ratios.filter(|r| r.is_finite()).map(f64::ln).collect();
    if logs.is_empty() {
        return;
    }
    let count = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / count;
    let worst = logs
        .iter()
        .copied()
        .fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
    println!(
        "{what}: predicted / measured {:.2}, geometric spread {:.2}, worst {:.2}",
        mean.exp(),
        variance.sqrt().exp(),
        worst.exp()
    );
}

/// A model, and its table if it is not the planned one.
struct Layout {
    widths: Vec<usize>,
    plan: Option<Plan>,
    options: CompileOptions,
}

impl Layout {
    fn parse(text: &str) -> Result<Self> {
        let (layout, visibility) = text
            .split_once('@')
            .unwrap_or((text, "private,public,fixed"));
        let visibility = match visibility.split(',').collect::<Vec<_>>().as_slice() {
            [input, output, params] => Visibility {
                input: input.parse()?,
                output: output.parse()?,
                params: params.parse()?,
            },
            _ => bail!("`{visibility}` is not the visibilities of input, output and parameters"),
        };
        let (widths, rest) = layout.split_once('/').unwrap_or((layout, ""));
        let widths: Result<_, _> = widths.split('-').map(str::parse).collect();
        let rest: Result<Vec<u32>, _> = rest
            .split('/')
            .filter(|x| !x.is_empty())
            .map(str::parse)
            .collect();
        Ok(Self {
            widths: widths.with_context(|| format!("widths of `{text}`"))?,
            plan: match rest
                .with_context(|| format!("layout of `{text}`"))?
                .as_slice()
            {
                [] => None,
                [logrows, block_width, limb_bits, degree] => Some(Plan {
                    logrows: *logrows,
                    block_width: *block_width,
                    limb_bits: *limb_bits,
                    degree: *degree,
                }),
                _ => bail!("`{text}` is not WIDTHS or WIDTHS/LOGROWS/WIDTH/LIMB-BITS/DEGREE"),
            },
            options: CompileOptions {
                visibility,
                ..CompileOptions::default()
            },
        })
    }

    fn plan(&self) -> Result<Plan> {
        match self.plan {
            Some(plan) => Ok(plan),
            None => Ok(Plan::with_options(&self.widths, &self.options)?),
        }
    }
}

/// What is measured.
enum Subject {
    Dense(Layout),
    Program(Box<Program>),
}

fn subject(name: &str) -> Result<Subject> {
    Ok(match programs::named(name)? {
        Some(program) => Subject::Program(Box::new(program)),
        None => Subject::Dense(Layout::parse(name)?),
    })
}

/// A model compiled, and an input.
struct Prepared {
    circuit: Circuit,
    parameters: usize,
    row: Vec<f32>,
}

/// A dense model in its layout.
fn dense(layout: &Layout) -> Result<Prepared> {
    let widths = &layout.widths;
    let plan = layout.plan()?;
    let graph = mlp(widths, Some(Op::SIGMOID), SEED);
    let parameters = graph.parameters();
    let samples = rows(4, widths[0], SEED);
    let mut params = CalibrationParams::new(plan.limb_bits)?;
    if layout.options.visibility.is_unbound() {
        // Secret weights are limbs, and coarse in small tables.
        params = params.with_weight_bits(plan.limb_bits)?;
        params = params.with_target(Target::Resources { max_error: 0.5 })?;
    }
    let model = calibrate(&graph, samples.view(), &params)?.model;
    let compiled = CompiledModel::with_plan(model, plan, &layout.options)?;
    Ok(Prepared {
        circuit: Circuit {
            compiled: compiled.into(),
            model: [0; 32],
            settings: [0; 32],
            interface: Default::default(),
        },
        parameters,
        row: samples.row(0).to_vec(),
    })
}

/// A program as the library compiles it.
fn program(program: &Program) -> Result<Prepared> {
    let model = Model::from_onnx(&program.onnx)?;
    let samples = program.rows(4);
    let circuit = Settings::new(&model, &CompileOptions::default())
        .calibrate(&model, samples.view(), &CalibrationOptions::default())?
        .compile(&model)?;
    Ok(Prepared {
        circuit,
        parameters: model.graph().parameters(),
        row: samples.row(0).to_vec(),
    })
}

/// Keys, proofs and verifications of one model, as JSON.
fn measure(subject: &Subject, machine: &Machine) -> Result<Value> {
    let Prepared {
        circuit,
        parameters,
        row,
    } = match subject {
        Subject::Dense(layout) => dense(layout)?,
        Subject::Program(of) => program(of)?,
    };
    let shape = circuit.compiled.shape();
    let srs = Srs::unsafe_local(circuit.compiled.logrows());
    // From here on: the peak before was that of the calibration.
    forget_peak();
    let start = Instant::now();
    let setup_cpu = cpu_milliseconds();
    let key = ProvingKey::setup_circuit(&srs, circuit)?;
    let setup = milliseconds(start);
    let setup_cpu = cpu_milliseconds() - setup_cpu;
    let prove = || -> Result<_> { Ok(key.prove(&srs, &key.compiled().witness(&row)?)?) };
    let start = Instant::now();
    let proof = prove()?;
    let repetitions = (2e3 / milliseconds(start)).clamp(2.0, 30.0) as usize;
    let cpu = cpu_milliseconds();
    let times = (0..repetitions).map(|_| {
        let start = Instant::now();
        prove().map(|_| milliseconds(start))
    });
    let times = times.collect::<Result<Vec<_>>>()?;
    let cpu = (cpu_milliseconds() - cpu) / repetitions as f64;
    let verify_cpu = cpu_milliseconds();
    let verify = (0..30).map(|_| {
        let start = Instant::now();
        key.verifying_key()
            .verify(&proof)
            .map(|_| milliseconds(start))
    });
    let verify = verify.collect::<Result<Vec<_>, _>>()?;
    let verify_cpu = (cpu_milliseconds() - verify_cpu) / 30.0;
    let cost = Cost::of(&shape, machine);
    let one_thread = Machine {
        threads: 1,
        ..*machine
    };
    Ok(json!({
        "cost": cost,
        "one_thread_seconds": Cost::of(&shape, &one_thread).prove_seconds,
        "parameters": parameters,
        "logrows": cost.dimensions.logrows,
        "block_width": block_width(&shape),
        "advice": cost.dimensions.advice(),
        "fixed": cost.dimensions.fixed,
        "shape": shape_numbers(&shape),
        "setup_ms": setup,
        "setup_cpu_ms": setup_cpu,
        "prove_ms": median(times),
        "prove_cpu_ms": cpu,
        "verify_ms": median(verify),
        "verify_cpu_ms": verify_cpu,
        "proof_bytes": proof.transcript.len(),
        "peak_bytes": peak_bytes(),
    }))
}

/// Weights per row.
fn block_width(shape: &TableShape) -> u32 {
    match shape {
        TableShape::Chain(shape) => shape.block_width,
        TableShape::Program(shape) => shape.block_width,
    }
}

/// What the cost model is fitted to: log2 of the rows, weights per row, bits of a limb, limbs, rows in use.
fn shape_numbers(shape: &TableShape) -> Value {
    match shape {
        TableShape::Chain(shape) => json!([
            shape.logrows,
            shape.block_width,
            shape.limb_bits,
            shape.limbs(),
            shape.needed_rows()
        ]),
        TableShape::Program(shape) => json!([
            shape.logrows,
            shape.block_width,
            shape.limb_bits,
            shape.limbs,
            shape.used_rows
        ]),
    }
}
