//! What the page's script knows: every model's figures as text, and the budget form's limits.

use serde_json::{Value, json};

use super::group::{self, Group};
use super::headline;
use crate::record::{ModelRecord, Proving, RunRecord, Stage};
use crate::{table, units};

/// Labels of a model's figures, in the order of [`figures`].
const LABELS: [&str; 11] = [
    "Parameters",
    "Float accuracy",
    "Quantised accuracy",
    "Setup",
    "Prove",
    "Verify",
    "Proof",
    "Proving key",
    "Verifying key",
    "Memory",
    "Logrows",
];
/// Labels of another prover's figures, in the order of [`peer_figures`].
const PEER_LABELS: [&str; 9] = [
    "Setup",
    "Prove",
    "Verify",
    "Proof",
    "Proving key",
    "Memory",
    "Logrows",
    "x CPU",
    "x time",
];

/// The data as JSON.
pub(super) fn data(record: &RunRecord) -> Value {
    let provers = group::peers(record);
    let models: Vec<Value> = record
        .models
        .iter()
        .map(|model| {
            let accuracy = model.accuracy.quantized.as_ref().map(|rate| rate.value);
            let proof = model.proving.sizes.proof_bytes;
            let peers: Vec<Value> = model
                .peers
                .iter()
                .filter_map(|peer| {
                    let index = provers.iter().position(|name| *name == peer.prover)?;
                    Some(json!([index, peer_figures(model, peer)]))
                })
                .collect();
            json!({
                "tag": model.tag,
                "group": Group::of(model).name(),
                "rows": figures(model),
                "accuracy": accuracy,
                "prove": model.prove_ms(),
                "proof": proof,
                "peers": peers,
            })
        })
        .collect();
    json!({
        "labels": LABELS,
        "peerLabels": PEER_LABELS,
        "provers": provers,
        "models": models,
        "limits": headline::limits(record),
    })
}

fn figures(model: &ModelRecord) -> [String; LABELS.len()] {
    let proving = &model.proving;
    [
        units::count(model.parameters),
        table::with_interval(&model.accuracy.float),
        table::optional_interval(model.accuracy.quantized.as_ref()),
        time(proving, Stage::Setup),
        time(proving, Stage::Prove),
        time(proving, Stage::Verify),
        table::bytes(proving.sizes.proof_bytes),
        table::bytes(proving.sizes.pk_bytes),
        table::bytes(proving.sizes.vk_bytes),
        table::bytes(proving.memory.peak()),
        table::logrows(proving),
    ]
}

fn peer_figures(model: &ModelRecord, peer: &Proving) -> [String; PEER_LABELS.len()] {
    let ratio = |ratio: Option<f64>| ratio.map_or_else(|| table::NONE.to_owned(), units::ratio);
    [
        time(peer, Stage::Setup),
        time(peer, Stage::Prove),
        time(peer, Stage::Verify),
        table::bytes(peer.sizes.proof_bytes),
        table::bytes(peer.sizes.pk_bytes),
        table::bytes(peer.memory.peak()),
        table::logrows(peer),
        ratio(peer.cpu_ratio(&model.proving)),
        ratio(peer.time_ratio(&model.proving)),
    ]
}

/// The median, and the interval around it if there is one.
fn time(proving: &Proving, stage: Stage) -> String {
    let samples = proving.timings.of(stage);
    let median = table::median(proving, stage);
    match samples.median_interval() {
        Some((low, high)) => format!("{median} [{}, {}]", units::time(low), units::time(high)),
        None => median,
    }
}
