//! Calibration, keys, witness, proof and verification, by model size.

#![allow(clippy::expect_used, reason = "a benchmark stops at the first failure")]
#![allow(missing_docs, reason = "criterion's macros make items without docs")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use zkassay_benches::{HIDDEN, INPUTS, mlp, rows};
use zkassay_circuit::{CompiledModel, Plan};
use zkassay_prover::{ProvingKey, Srs};
use zkassay_quant::{CalibrationParams, calibrate};

fn inference(criterion: &mut Criterion) {
    for hidden in HIDDEN {
        let graph = mlp(hidden);
        let widths: Vec<usize> = [&[INPUTS], hidden, &[1]].concat();
        let plan = Plan::new(&widths).expect("the model fits a table");
        let params = CalibrationParams::new(plan.limb_bits).expect("limbs are in range");
        let calibration_rows = rows(45);
        let calibrated = || {
            calibrate(&graph, calibration_rows.view(), &params)
                .expect("a setting is found")
                .model
        };
        let compiled = CompiledModel::new(calibrated()).expect("the model compiles");
        let srs = Srs::unsafe_local(compiled.shape().logrows);
        let setup = || ProvingKey::setup(&srs, compiled.clone(), [0; 32]).expect("keys are made");
        let key = setup();
        let row = rows(1).row(0).to_vec();
        let witness = compiled.witness(&row).expect("the row is in range");
        let proof = key.prove(&srs, &witness).expect("the row is proved");

        let parameters = graph.parameters();
        println!(
            "{parameters} parameters: {:?}, proof {} bytes, verifying key {} bytes",
            compiled.shape(),
            proof.transcript.len(),
            key.verifying_key().to_bytes().len(),
        );
        let mut group = criterion.benchmark_group("inference");
        let id = |stage: &str| BenchmarkId::new(stage, parameters);
        group.bench_function(id("calibrate"), |b| b.iter(|| black_box(calibrated())));
        group.bench_function(id("setup"), |b| b.iter(|| black_box(setup())));
        group.bench_function(id("witness"), |b| {
            b.iter(|| black_box(compiled.witness(&row)))
        });
        group.bench_function(id("prove"), |b| {
            b.iter(|| black_box(key.prove(&srs, &witness)))
        });
        group.bench_function(id("verify"), |b| {
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
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = inference
}
criterion_main!(benches);
