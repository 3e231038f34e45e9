//! How much longer the peers take than we do.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::record::{Proving, RunRecord};
use crate::stats;

/// A peer's proofs against ours, over all models that both proved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Speed {
    /// The peer, such as `EZKL fixed`.
    pub prover: String,
    /// Models that both proved.
    pub models: usize,
    /// Models that it was asked to prove, and of which it has no proof to compare.
    pub failed: usize,
    /// CPU time of its proof over that of ours; absent if no CPU times are known.
    pub cpu: Option<Spread>,
    /// Time of its proof over that of ours.
    pub time: Option<Spread>,
}

/// Ratios of several models.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The middle one.
    pub median: f64,
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

/// Every peer of the run, in the order they appear.
///
/// A model's ratio is that of the median of the peer's samples to the median of ours.
pub fn speeds(record: &RunRecord) -> Vec<Speed> {
    let mut provers: Vec<&str> = Vec::new();
    let named = record.models.iter().flat_map(|model| &model.peers);
    let failed = record.failures.iter().map(|failure| &failure.prover);
    for prover in named.map(|peer| &peer.prover).chain(failed) {
        if prover != Proving::ZKASSAY && !provers.contains(&prover.as_str()) {
            provers.push(prover);
        }
    }
    provers
        .into_iter()
        .map(|prover| speed(record, prover))
        .collect()
}

fn speed(record: &RunRecord, prover: &str) -> Speed {
    let (mut cpu, mut time, mut proved) = (Vec::new(), Vec::new(), BTreeSet::new());
    for model in &record.models {
        for peer in model.peers.iter().filter(|peer| peer.prover == prover) {
            if let Some(ratio) = peer.time_ratio(&model.proving) {
                time.push(ratio);
                proved.insert(model.tag.as_str());
            }
            cpu.extend(peer.cpu_ratio(&model.proving));
        }
    }
    // One that failed after its first proofs is among the others.
    let failed: BTreeSet<&str> = record
        .failures
        .iter()
        .filter(|failure| failure.prover == prover)
        .map(|failure| failure.model.as_str())
        .filter(|model| !proved.contains(model))
        .collect();
    Speed {
        prover: prover.to_owned(),
        models: time.len(),
        failed: failed.len(),
        cpu: spread(cpu),
        time: spread(time),
    }
}

fn spread(mut ratios: Vec<f64>) -> Option<Spread> {
    let median = stats::median(&mut ratios)?;
    Some(Spread {
        median,
        low: *ratios.first()?,
        high: *ratios.last()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_record;

    #[test]
    fn ratios_are_over_the_models_that_both_proved() {
        let mut record = run_record();
        let mut again = record.models[0].clone();
        again.proving.timings = record.models[1].proving.timings.clone();
        record.models.push(again);
        let speeds = speeds(&record);
        assert_eq!(speeds.len(), 2);
        let fixed = &speeds[0];
        assert_eq!((fixed.prover.as_str(), fixed.models), ("EZKL fixed", 2));
        // 1495 ms against 14.9 ms and 1100 ms.
        let time = fixed.time.unwrap();
        assert_eq!(time.low, 1495.0 / 1100.0);
        assert_eq!(time.high, 1495.0 / 14.9);
        assert_eq!(time.median, (time.low + time.high) / 2.0);
        assert_eq!(fixed.cpu.unwrap().median, 2350.0 / 23.0);
        let tuned = &speeds[1];
        assert_eq!((tuned.models, tuned.failed, tuned.time), (0, 1, None));
    }

    #[test]
    fn a_model_with_a_proof_has_not_failed() {
        let mut record = run_record();
        record.failures.push(crate::Failure {
            model: "logistic".into(),
            prover: "EZKL fixed".into(),
            stage: "prove".into(),
            message: "stopped after 20 s of this stage, of 120 s for all stages".into(),
        });
        let fixed = &speeds(&record)[0];
        assert_eq!((fixed.models, fixed.failed), (1, 0));
    }

    #[test]
    fn without_peers_there_is_nothing_to_compare() {
        let mut record = run_record();
        record
            .models
            .iter_mut()
            .for_each(|model| model.peers.clear());
        record.failures.clear();
        assert_eq!(speeds(&record), []);
    }
}
