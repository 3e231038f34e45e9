//! Calibration, keys, witness, proof and verification: by model size, by visibility, and of models
//! that are no chains of dense layers.

#![allow(clippy::expect_used, reason = "a benchmark stops at the first failure")]
#![allow(missing_docs, reason = "criterion's macros make items without docs")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use zkassay::{CalibrationOptions, Model, Settings};
use zkassay_benches::programs::{self, PROGRAMS};
use zkassay_benches::{HIDDEN, mlp, perceptron};
use zkassay_circuit::{CompileOptions, CompiledModel, Plan};
use zkassay_fixed::{DataVisibility, ParamsVisibility, Visibility};
use zkassay_graph::Graph;
use zkassay_prover::{ProvingKey, Srs};
use zkassay_quant::{CalibrationParams, Target, calibrate};
use zkassay_testing::rows;

/// Rows that models are calibrated on.
const CALIBRATION_ROWS: usize = 45;
/// What depends on the visibility of inputs and outputs most.
const PROOFS: &[&str] = &["witness", "prove", "verify"];

fn by_size(criterion: &mut Criterion) {
    let models = HIDDEN
        .iter()
        .map(|hidden| mlp(hidden))
        .chain([perceptron()]);
    for graph in models {
        let name = graph.parameters().to_string();
        let stages = &["calibrate", "setup", "load", "witness", "prove", "verify"];
        let visibility = Visibility::default();
        measure(criterion, "inference", &name, &graph, visibility, stages);
    }
}

fn by_visibility(criterion: &mut Criterion) {
    let graph = mlp(&[16]);
    for input in [
        DataVisibility::Private,
        DataVisibility::Public,
        DataVisibility::Hashed,
    ] {
        let visibility = Visibility {
            input,
            ..Visibility::default()
        };
        let name = format!("input-{input}");
        measure(criterion, "visibility", &name, &graph, visibility, PROOFS);
    }
    let hashed = Visibility {
        output: DataVisibility::Hashed,
        ..Visibility::default()
    };
    let name = "output-hashed";
    measure(criterion, "visibility", name, &graph, hashed, PROOFS);
    let unbound = Visibility {
        params: ParamsVisibility::Private,
        ..Visibility::default()
    };
    let name = "params-private";
    measure(criterion, "visibility", name, &graph, unbound, PROOFS);
}

fn measure(
    criterion: &mut Criterion,
    group: &str,
    name: &str,
    graph: &Graph,
    visibility: Visibility,
    stages: &[&str],
) {
    let options = CompileOptions {
        visibility,
        ..CompileOptions::default()
    };
    let plan = Plan::for_graph_with(graph, &options).expect("the model fits a table");
    let mut params = CalibrationParams::new(plan.limb_bits).expect("limbs are in range");
    if visibility.is_unbound() {
        // Secret weights have the bits of a limb, and so a larger error.
        let coarse = Target::Resources { max_error: 0.2 };
        params = params
            .with_weight_bits(plan.limb_bits)
            .expect("a limb's bits");
        params = params.with_target(coarse).expect("a positive error");
    }
    let calibration_rows = rows(CALIBRATION_ROWS, graph.inputs(), zkassay_benches::SEED);
    let calibrated = || {
        calibrate(graph, calibration_rows.view(), &params)
            .expect("a setting is found")
            .model
    };
    let compiled = CompiledModel::with_options(calibrated(), &options).expect("the model compiles");
    let srs = Srs::unsafe_local(compiled.shape().logrows);
    let setup = || ProvingKey::setup(&srs, compiled.clone(), [0; 32]).expect("keys are made");
    let key = setup();
    let row = calibration_rows.row(0).to_vec();
    let witness = compiled.witness(&row).expect("the row is in range");
    let proof = key.prove(&srs, &witness).expect("the row is proved");
    let bytes = key.to_bytes().expect("keys are written");

    println!(
        "{group}/{name}: {:?}, proof {} bytes, verifying key {} bytes, proving key {} bytes",
        compiled.shape(),
        proof.transcript.len(),
        key.verifying_key().to_bytes().len(),
        bytes.len(),
    );
    let mut group = criterion.benchmark_group(group);
    for stage in stages {
        group.bench_function(BenchmarkId::new(*stage, name), |b| match *stage {
            "calibrate" => b.iter(|| black_box(calibrated())),
            "setup" => b.iter(|| black_box(setup())),
            "load" => {
                b.iter(|| ProvingKey::from_bytes(black_box(&bytes)).expect("the key is read"))
            }
            "witness" => b.iter(|| black_box(compiled.witness(&row))),
            "prove" => b.iter(|| black_box(key.prove(&srs, &witness))),
            _ => b.iter(|| {
                key.verifying_key()
                    .verify(black_box(&proof))
                    .expect("the proof is valid")
            }),
        });
    }
}

/// From ONNX files, through the stages as users have them.
fn by_program(criterion: &mut Criterion) {
    for name in PROGRAMS {
        let program = programs::named(name)
            .expect("its layers fit")
            .expect("it has this name");
        let model = Model::from_onnx(&program.onnx).expect("the model is imported");
        let rows = program.rows(CALIBRATION_ROWS);
        let circuit = Settings::new(&model, &CompileOptions::default())
            .calibrate(&model, rows.view(), &CalibrationOptions::default())
            .and_then(|settings| settings.compile(&model))
            .expect("the model compiles");
        let srs = Srs::unsafe_local(circuit.compiled.logrows());
        let key = zkassay::setup(&srs, &circuit).expect("keys are made");
        let row = rows.row(0).to_vec();
        let witness = || circuit.compiled.witness(&row).expect("the row is in range");
        let made = witness();
        let proof = key.prove(&srs, &made).expect("the row is proved");
        println!(
            "program/{name}: {:?}, proof {} bytes",
            circuit.compiled.shape(),
            proof.transcript.len()
        );
        let mut group = criterion.benchmark_group("program");
        group.bench_function(BenchmarkId::new("witness", name), |b| {
            b.iter(|| black_box(witness()));
        });
        group.bench_function(BenchmarkId::new("prove", name), |b| {
            b.iter(|| black_box(key.prove(&srs, &made)));
        });
        group.bench_function(BenchmarkId::new("verify", name), |b| {
            b.iter(|| {
                key.verifying_key()
                    .verify(black_box(&proof))
                    .expect("the proof is valid")
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500));
    targets = by_size, by_visibility, by_program
}
criterion_main!(benches);
