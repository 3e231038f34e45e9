//! How much of a run is there.

use std::collections::BTreeSet;

use crate::assemble;
use crate::journal::Contents;

/// The cells of a plan that a journal has, as `6 of 6 accuracy and 5 of 240 proving cells are
/// there`. A prover that failed has fewer, and does not go on.
pub fn summary(contents: &Contents) -> String {
    let plan = &contents.header.plan;
    let (mut accuracies, mut rounds, mut all) = (0, 0, 0);
    for spec in &plan.models {
        let known = assemble::accuracy_rounds(contents, spec);
        let known: BTreeSet<usize> = known.iter().map(|round| round.round).collect();
        accuracies += known.len();
        let mut count = |prover: &str, setups: usize, proofs: usize| {
            all += setups.max(proofs);
            rounds += assemble::proving_rounds(contents, spec, prover).0.len();
        };
        count(zkassay_report::Proving::ZKASSAY, plan.setups, plan.proofs);
        let peer = plan.peer.iter().filter(|peer| peer.models.contains(spec));
        for peer in peer {
            for configuration in &peer.configurations {
                count(configuration.prover(), peer.setups, peer.proofs);
            }
        }
    }
    let models = plan.models.len() * plan.rounds;
    let mut text =
        format!("{accuracies} of {models} accuracy and {rounds} of {all} proving cells are there");
    match assemble::failures(contents).len() {
        0 => {}
        1 => text.push_str(", and 1 failure"),
        failures => text.push_str(&format!(", and {failures} failures")),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::tests::half;

    #[test]
    fn cells_that_are_there_are_counted() {
        assert_eq!(
            summary(&half()),
            "2 of 2 accuracy and 3 of 4 proving cells are there, and 1 failure"
        );
    }
}
