//! One epoch of training by model size, full-batch and in batches of 32.
//!
//! `cargo xtask training` measures many rounds at once, and beside PyTorch. Here a model is trained
//! for as many epochs as criterion asks for, so that what comes before the first one hardly counts.

#![allow(clippy::expect_used, reason = "a benchmark stops at the first failure")]
#![allow(missing_docs, reason = "criterion's macros make items without docs")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use zkassay_benches::{HIDDEN, INPUTS, SEED};
use zkassay_models::{Activation, Hyperparameters as _, MlpParams, MlpSpec, TrainingSet, mlp};

/// Rows that a round of the study trains on.
const ROWS: usize = 449;

fn epochs(criterion: &mut Criterion) {
    let rows = zkassay_testing::rows(ROWS, INPUTS, SEED);
    let label = |row: ndarray::ArrayView1<'_, f32>| u8::from(row[0] > 0.0);
    let labels: Vec<u8> = rows.rows().into_iter().map(label).collect();
    let set = TrainingSet::new(rows.view(), &labels).expect("rows and labels are paired");
    let mut group = criterion.benchmark_group("training");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, batch_size) in [("full-batch", None), ("batches-of-32", Some(32))] {
        for hidden in HIDDEN {
            let spec = MlpSpec::new(hidden.to_vec(), Activation::Relu);
            let size = spec.parameters(INPUTS, 1);
            group.bench_function(BenchmarkId::new(name, size), |b| {
                b.iter_custom(|epochs| {
                    let params = MlpParams {
                        epochs: usize::try_from(epochs).expect("epochs can be counted"),
                        batch_size,
                        ..MlpParams::study(spec.clone(), SEED)
                    };
                    let params = params.check().expect("at most a million epochs");
                    let start = Instant::now();
                    black_box(mlp::fit(&set, &params).expect("training ends"));
                    start.elapsed()
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500));
    targets = epochs
}
criterion_main!(benches);
