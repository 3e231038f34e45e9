//! Every stage of trees, and of many inferences at once.
//!
//! ```text
//! cargo bench -p zkassay-benches --bench trees
//! cargo bench -p zkassay-benches --bench trees -- tree-8
//! ```
//!
//! Trees are grown by this project's own models on rows like the study's, 449 of 162 features.
//! After `@` stands the number of inferences of a proof; times are those of the whole proof. The
//! argument is part of the names to measure, and no other models are compiled.

#![allow(clippy::expect_used, reason = "a benchmark stops at the first failure")]
#![allow(missing_docs, reason = "criterion's macros make items without docs")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use zkassay_benches::subject::Subject;
use zkassay_benches::trees::TREES;
use zkassay_prover::Srs;

/// Models and inferences of a proof.
const BATCHES: [&str; 9] = [
    "162-128-64-32-1@1",
    "162-128-64-32-1@8",
    "162-128-64-32-1@32",
    "162-128-64-32-1@128",
    "cnn@1",
    "cnn@4",
    "cnn@16",
    "forest-100@1",
    "forest-100@16",
];

/// What is measured of each.
const STAGES: [&str; 5] = ["calibrate", "setup", "witness", "prove", "verify"];

fn trees(criterion: &mut Criterion) {
    measure(criterion, "trees", &TREES);
}

fn batches(criterion: &mut Criterion) {
    measure(criterion, "batch", &BATCHES);
}

fn measure(criterion: &mut Criterion, group: &str, names: &[&str]) {
    let filters: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    for name in names {
        let ids = STAGES.map(|stage| format!("{group}/{stage}/{name}"));
        let is_wanted = |filter: &String| ids.iter().any(|id| id.contains(filter));
        if filters.is_empty() || filters.iter().any(is_wanted) {
            one(criterion, group, name);
        }
    }
}

fn one(criterion: &mut Criterion, group: &str, name: &str) {
    let subject = Subject::named(name).expect("the model is made");
    let circuit = subject.compile().expect("the model compiles");
    let srs = Srs::unsafe_local(circuit.compiled.logrows());
    let setup = || zkassay::setup(&srs, &circuit).expect("keys are made");
    let key = setup();
    let rows = subject.batch_rows();
    let witness = || {
        let witness = circuit.compiled.witness_batch(&rows);
        witness.expect("the rows are in range")
    };
    let made = witness();
    let proof = key.prove(&srs, &made).expect("the rows are proved");
    println!(
        "{group}/{name}: {}, {:?}, proof {} bytes",
        subject.size,
        circuit.compiled.shape(),
        proof.transcript.len()
    );
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Elements(subject.batch.into()));
    for stage in STAGES {
        group.bench_function(BenchmarkId::new(stage, name), |b| match stage {
            // From the file to the circuit.
            "calibrate" => b.iter(|| black_box(subject.compile().expect("the model compiles"))),
            "setup" => b.iter(|| black_box(setup())),
            "witness" => b.iter(|| black_box(witness())),
            "prove" => b.iter(|| black_box(key.prove(&srs, &made).expect("the rows are proved"))),
            _ => b.iter(|| {
                key.verifying_key()
                    .verify(black_box(&proof))
                    .expect("the proof is valid")
            }),
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500));
    targets = trees, batches
}
criterion_main!(benches);
