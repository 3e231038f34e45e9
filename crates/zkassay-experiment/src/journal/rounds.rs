//! Whether the rounds in a journal are those of its plan, each once.
//!
//! A journal that was edited or glued together might count a round twice, which nobody sees in an
//! average.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use zkassay_report::Proving;

use super::Entry;
use crate::Plan;
use crate::assemble::provers;

/// The rounds that were read so far.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// Rounds of accuracy, by model.
    accuracy: BTreeSet<(String, usize)>,
    /// By model and prover, how many rounds there are, and whether the last one failed.
    proving: BTreeMap<(String, String), (usize, bool)>,
}

impl Rounds {
    /// Takes an entry that follows those before it.
    ///
    /// # Errors
    /// It is a round that is not one of the plan, or that is there already, or follows another than
    /// the one before it.
    pub(super) fn add(&mut self, plan: &Plan, entry: &Entry) -> Result<()> {
        match entry {
            Entry::Accuracy { model, round } => {
                ensure!(
                    plan.models.contains(model) && round.round < plan.rounds,
                    "accuracy round {} of {model} is not one of the plan",
                    round.round
                );
                ensure!(
                    self.accuracy.insert((model.to_string(), round.round)),
                    "accuracy round {} of {model} is there twice",
                    round.round
                );
            }
            Entry::Proving {
                model,
                prover,
                round,
                ..
            } => {
                ensure!(
                    plan.models.contains(model)
                        && provers(plan).contains(&prover.as_str())
                        && round.round < most(plan, prover),
                    "round {} of {prover} on {model} is not one of the plan",
                    round.round
                );
                let key = (model.to_string(), prover.clone());
                let (next, has_failed) = self.proving.entry(key).or_default();
                ensure!(
                    round.round == *next && !*has_failed,
                    "round {} of {prover} on {model} is there {}",
                    round.round,
                    match round.round < *next {
                        true => "twice",
                        false => "without the one before it",
                    }
                );
                (*next, *has_failed) = (*next + 1, round.failure.is_some());
            }
            Entry::Retried { model, prover } => {
                let key = (model.clone(), prover.clone());
                if let Some((next, has_failed)) = self.proving.get_mut(&key)
                    && std::mem::take(has_failed)
                {
                    // The one that failed is not counted.
                    *next -= 1;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// How many rounds a prover has at most.
fn most(plan: &Plan, prover: &str) -> usize {
    match (&plan.peer, prover) {
        (_, Proving::ZKASSAY) | (None, _) => plan.setups.max(plan.proofs),
        (Some(peer), _) => peer.setups.max(peer.proofs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::{AccuracyRound, Failure, ProvingRound};
    use crate::dataset::Mode;
    use crate::journal::tests::header;
    use zkassay_report::Proportion;

    /// A plan of `logistic`, two rounds of accuracy and two of our prover.
    fn plan() -> Plan {
        header("logistic", 2, Mode::Paper).plan
    }

    fn accuracy(model: &str, round: usize) -> Entry {
        let counted = Proportion {
            correct: 1,
            total: 2,
        };
        Entry::Accuracy {
            model: model.parse().unwrap(),
            round: AccuracyRound {
                round,
                parameters: 3,
                float: counted,
                quantized: None,
                majority: counted,
                fidelity: None,
                out_of_range: 0,
                training_seconds: 0.1,
                failure: None,
            },
        }
    }

    fn proving(prover: &str, round: usize, fails: bool) -> Entry {
        Entry::Proving {
            model: "logistic".parse().unwrap(),
            prover: prover.into(),
            version: "1".into(),
            round: Box::new(ProvingRound {
                round,
                failure: fails.then(|| Failure {
                    stage: "start".into(),
                    message: "none".into(),
                }),
                ..ProvingRound::default()
            }),
        }
    }

    /// Why the last of the entries is refused; all others have to be taken.
    fn refused(entries: &[Entry]) -> String {
        let (last, before) = entries.split_last().unwrap();
        let mut rounds = Rounds::default();
        for entry in before {
            rounds.add(&plan(), entry).unwrap();
        }
        rounds.add(&plan(), last).unwrap_err().to_string()
    }

    #[test]
    fn a_round_counts_once() {
        let again = [
            accuracy("logistic", 1),
            accuracy("logistic", 0),
            accuracy("logistic", 1),
        ];
        assert_eq!(
            refused(&again),
            "accuracy round 1 of logistic is there twice"
        );
        let again = [proving("zkassay", 0, false), proving("zkassay", 0, false)];
        assert_eq!(
            refused(&again),
            "round 0 of zkassay on logistic is there twice"
        );
        let gap = refused(&[proving("zkassay", 1, false)]);
        assert!(gap.ends_with("without the one before it"), "{gap}");
        // Nothing follows a failure.
        let after = [proving("zkassay", 0, true), proving("zkassay", 1, false)];
        refused(&after);
    }

    #[test]
    fn rounds_are_those_of_the_plan() {
        for (entry, name) in [
            (accuracy("tree", 0), "accuracy round 0 of tree"),
            (accuracy("logistic", 2), "accuracy round 2 of logistic"),
            (accuracy("logistic", usize::MAX), "accuracy round"),
            (
                proving("EZKL fixed", 0, false),
                "round 0 of EZKL fixed on logistic",
            ),
            (
                proving("zkassay", 2, false),
                "round 2 of zkassay on logistic",
            ),
        ] {
            let error = refused(&[entry]);
            assert!(error.starts_with(name), "{error}");
            assert!(error.ends_with("is not one of the plan"), "{error}");
        }
    }

    #[test]
    fn a_round_that_is_retried_takes_the_place_of_the_one_that_failed() {
        let retried = Entry::Retried {
            model: "logistic".into(),
            prover: "zkassay".into(),
        };
        let mut rounds = Rounds::default();
        for entry in [
            &retried,
            &proving("zkassay", 0, false),
            &proving("zkassay", 1, true),
            &retried,
            &retried,
            &proving("zkassay", 1, false),
        ] {
            rounds.add(&plan(), entry).unwrap();
        }
    }
}
