//! Two runs side by side: what changed, and whether it is more than noise.
//!
//! Everything is of the second run against the first: a ratio above 1 is slower or larger in the
//! second. Ratios of times are those of the medians, with the percentile interval of a seeded
//! bootstrap of the samples of both runs; differences of accuracy are as in [`crate::stats`].
//! These intervals know how the samples of a run scatter, and nothing of what changes from run to run,
//! such as the load and the clock.

mod setting;
mod show;

use serde::Serialize;

use crate::Samples;
use crate::record::{ModelRecord, Proving, RunRecord, Stage};
use crate::stats::{self, Difference, Interval};

pub use setting::Deviation;

/// Most pairs whose ratios get an interval, for the bootstrap takes its time.
const INTERVALS: usize = 500;

/// Two runs, and what differs between them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Name of the first run.
    pub first: String,
    /// Name of the second run.
    pub second: String,
    /// What differs so much that figures are not comparable, in sentences; read these first.
    pub warnings: Vec<String>,
    /// What else differs in machine, revision, data, seed and settings.
    pub deviations: Vec<Deviation>,
    /// The models of both runs and what was measured of each, prover by prover.
    pub models: Vec<Pair>,
    /// Models, or provers on a model, of the first run only.
    pub only_first: Vec<String>,
    /// The same of the second.
    pub only_second: Vec<String>,
}

/// One prover on one model in both runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// Name of the model.
    pub tag: String,
    /// Who proved.
    pub prover: String,
    /// Whether both proved the same ONNX file.
    pub is_same_model: bool,
    /// Accuracy of the quantised model in `[0, 1]`; absent for peers, and where there is none.
    pub accuracy: Option<Change>,
    /// The second's accuracy minus the first's; absent where both are of the same file on the
    /// same rows, and equal.
    pub accuracy_difference: Option<Difference>,
    /// Median time of a proof in milliseconds.
    pub prove: Option<Change>,
    /// Median CPU time of a proof in milliseconds, over all threads.
    pub cpu: Option<Change>,
    /// Median time to verify one.
    pub verify: Option<Change>,
    /// Median time to make the keys.
    pub setup: Option<Change>,
    /// Size of a proof in bytes.
    pub proof: Option<Change>,
    /// Size of the proving key in bytes.
    pub key: Option<Change>,
    /// Most memory of the prover's process in bytes.
    pub memory: Option<Change>,
}

impl Pair {
    /// Which way the proof's time clearly changed: longer, or less. Wall and CPU time must both have
    /// an interval without 1, on the same side; `None` otherwise.
    pub fn clear_change(&self) -> Option<std::cmp::Ordering> {
        let side = |change: Option<Change>| {
            let change = change.filter(Change::is_clear)?;
            change.ratio?.partial_cmp(&1.0)
        };
        side(self.prove).filter(|wall| side(self.cpu) == Some(*wall))
    }
}

/// A figure in both runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// In the first run.
    pub first: f64,
    /// In the second run.
    pub second: f64,
    /// The second over the first; the ends are those of the ratio itself where nothing was
    /// repeated, such as for sizes. Absent if the first is 0.
    pub ratio: Option<f64>,
    /// The ratio's interval, of times with at least three samples in either run.
    pub interval: Option<Interval>,
}

impl Change {
    fn of(first: Option<f64>, second: Option<f64>) -> Option<Self> {
        let (first, second) = (first?, second?);
        let ratio = second / first;
        Some(Self {
            first,
            second,
            ratio: ratio.is_finite().then_some(ratio),
            interval: None,
        })
    }

    /// Whether the ratio's interval excludes 1; never without one.
    pub fn is_clear(&self) -> bool {
        self.interval
            .is_some_and(|interval| !interval.contains(1.0))
    }
}

/// What the run `second` has, against `first`.
pub fn compare(first: &RunRecord, second: &RunRecord) -> Comparison {
    let mut models = Vec::new();
    let (mut only_first, mut only_second) = (Vec::new(), Vec::new());
    for ours in &first.models {
        let Some(theirs) = second.models.iter().find(|model| model.tag == ours.tag) else {
            only_first.push(ours.tag.clone());
            continue;
        };
        let seed = |pairs: &[Pair]| (pairs.len() < INTERVALS).then_some(first.seed);
        let proofs = (&ours.proving, &theirs.proving);
        let mut pair = pair(seed(&models), ours, theirs, proofs);
        accuracies(&mut pair, (first, ours), (second, theirs));
        models.push(pair);
        for peer in &ours.peers {
            match prover(theirs, &peer.prover) {
                Some(other) => {
                    let seed = seed(&models);
                    models.push(self::pair(seed, ours, theirs, (peer, other)));
                }
                None => only_first.push(format!("{} on {}", peer.prover, ours.tag)),
            }
        }
        let unknown = theirs.peers.iter();
        let unknown = unknown.filter(|peer| prover(ours, &peer.prover).is_none());
        only_second.extend(unknown.map(|peer| format!("{} on {}", peer.prover, theirs.tag)));
    }
    let is_known = |tag: &str| first.models.iter().any(|model| model.tag == tag);
    let new = second.models.iter().filter(|model| !is_known(&model.tag));
    only_second.extend(new.map(|model| model.tag.clone()));
    Comparison {
        first: first.id.clone(),
        second: second.id.clone(),
        warnings: setting::warnings(first, second),
        deviations: setting::deviations(first, second),
        models,
        only_first,
        only_second,
    }
}

fn prover<'a>(model: &'a ModelRecord, name: &str) -> Option<&'a Proving> {
    model.peers.iter().find(|peer| peer.prover == name)
}

/// One prover's figures in both runs; without a seed there are no intervals.
fn pair(
    seed: Option<u64>,
    ours: &ModelRecord,
    theirs: &ModelRecord,
    (first, second): (&Proving, &Proving),
) -> Pair {
    let ratio = |a: &Samples, b: &Samples, what: &str| -> Option<Change> {
        let name = format!("compare/{}/{}/{what}", ours.tag, first.prover);
        let interval =
            seed.and_then(|seed| stats::median_ratio(b.as_slice(), a.as_slice(), seed, &name));
        let change = Change::of(a.median(), b.median())?;
        Some(Change { interval, ..change })
    };
    let time = |stage: Stage| {
        let (a, b) = (first.timings.of(stage), second.timings.of(stage));
        ratio(a, b, stage.name())
    };
    let size = |of: fn(&Proving) -> Option<u64>| {
        let value = |proving: &Proving| of(proving).map(|bytes| bytes as f64);
        Change::of(value(first), value(second))
    };
    Pair {
        tag: ours.tag.clone(),
        prover: first.prover.clone(),
        is_same_model: ours.onnx_sha256 == theirs.onnx_sha256,
        accuracy: None,
        accuracy_difference: None,
        prove: time(Stage::Prove),
        cpu: ratio(
            first.cpu.of(Stage::Prove),
            second.cpu.of(Stage::Prove),
            "prove cpu",
        ),
        verify: time(Stage::Verify),
        setup: time(Stage::Setup),
        proof: size(|proving| proving.sizes.proof_bytes),
        key: size(|proving| proving.sizes.pk_bytes),
        memory: size(|proving| proving.memory.peak()),
    }
}

fn accuracies(
    pair: &mut Pair,
    (first, ours): (&RunRecord, &ModelRecord),
    (second, theirs): (&RunRecord, &ModelRecord),
) {
    let rates = (&ours.accuracy.quantized, &theirs.accuracy.quantized);
    let (Some(a), Some(b)) = rates else {
        return;
    };
    pair.accuracy = Change::of(Some(a.value), Some(b.value));
    // Rounds are the same rows only if both data and draws are the same.
    let is_same_rows = first.data == second.data && first.seed == second.seed;
    if is_same_rows && pair.is_same_model && a == b {
        return;
    }
    pair.accuracy_difference = match is_same_rows {
        true => stats::difference(b, a, first.data.train_rows, first.data.test_rows),
        false => stats::unpaired(b, a),
    };
}

#[cfg(test)]
mod tests;
