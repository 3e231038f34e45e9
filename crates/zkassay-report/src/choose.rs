//! Which model to prove: the most accurate one within a budget, and the frontier.
//!
//! What counts is the accuracy of the quantised model, for that one is proved, and the medians of
//! what was measured. A model of which a limited figure is unknown is not within the budget.

mod budget;
mod show;

use serde::Serialize;

use crate::record::{ModelRecord, RunRecord};
use crate::stats::{self, Difference};

pub use budget::{Budget, Limit};

/// What there is to choose from: a model's figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// Name of the model.
    pub tag: String,
    /// Trained parameters.
    pub parameters: usize,
    /// Accuracy of the quantised model, in `[0, 1]`.
    pub accuracy: Option<f64>,
    /// Lower end of its 95 % interval.
    pub low: Option<f64>,
    /// Upper end of its 95 % interval.
    pub high: Option<f64>,
    /// Median time of a proof in milliseconds.
    pub prove_ms: Option<f64>,
    /// Median time to verify one.
    pub verify_ms: Option<f64>,
    /// Median time to make the keys.
    pub setup_ms: Option<f64>,
    /// Size of a proof.
    pub proof_bytes: Option<u64>,
    /// Size of the proving key.
    pub pk_bytes: Option<u64>,
    /// Most memory of the prover's process.
    pub memory_bytes: Option<u64>,
}

impl Candidate {
    fn of(model: &ModelRecord) -> Self {
        let rate = model.accuracy.quantized.as_ref();
        let proving = &model.proving;
        let median = |stage| proving.timings.of(stage).median();
        Self {
            tag: model.tag.clone(),
            parameters: model.parameters,
            accuracy: rate.map(|rate| rate.value),
            low: rate.map(|rate| rate.low),
            high: rate.map(|rate| rate.high),
            prove_ms: median(crate::Stage::Prove),
            verify_ms: median(crate::Stage::Verify),
            setup_ms: median(crate::Stage::Setup),
            proof_bytes: proving.sizes.proof_bytes,
            pk_bytes: proving.sizes.pk_bytes,
            memory_bytes: proving.memory.peak(),
        }
    }
}

/// A limit that a model misses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Miss {
    /// Which limit.
    pub limit: Limit,
    /// What the budget allows; absent if the figure only had to be known.
    pub allowed: Option<f64>,
    /// What was measured; absent if it was not.
    pub found: Option<f64>,
}

impl Miss {
    /// By which factor the limit is missed, above 1; infinite where the figure is unknown.
    pub fn factor(&self) -> f64 {
        let (Some(allowed), Some(found)) = (self.allowed, self.found) else {
            return f64::INFINITY;
        };
        let factor = match self.limit {
            Limit::Accuracy => allowed / found,
            _ => found / allowed,
        };
        // A limit of 0 is missed by any factor.
        if factor.is_nan() {
            f64::INFINITY
        } else {
            factor
        }
    }
}

/// A model outside the budget.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outside {
    /// The model.
    pub model: Candidate,
    /// The limits that it misses, at least one.
    pub misses: Vec<Miss>,
}

/// The cheapest model that may be as good as the best, as far as the test rows can tell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cheapest {
    /// The model.
    pub model: Candidate,
    /// The best model's accuracy minus this one's; absent if it is the best itself.
    pub difference: Option<Difference>,
    /// Test rows of all rounds that the best was counted on.
    pub rows: usize,
}

/// A limit that, alone, need only be this loose for a model to fit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Loosening {
    /// Which limit.
    pub limit: Limit,
    /// What the budget allows.
    pub from: f64,
    /// What it would have to allow.
    pub to: f64,
    /// The model that would fit.
    pub tag: String,
}

/// The outcome of [`choose()`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// What was asked for.
    pub budget: Budget,
    /// The most accurate model within the budget; of equal ones the cheapest to prove.
    pub best: Option<Candidate>,
    /// The cheapest to prove within the budget whose accuracy cannot be told apart from the best's;
    /// one that is not clearly above the majority baseline only if the best is not, either.
    pub cheapest: Option<Cheapest>,
    /// All models within the budget, the most accurate first.
    pub within: Vec<Candidate>,
    /// The models of the whole run that no other is both quicker to prove and as accurate as,
    /// the quickest first.
    pub frontier: Vec<Candidate>,
    /// The same for the size of a proof, the smallest first.
    pub size_frontier: Vec<Candidate>,
    /// The models outside the budget, in the run's order.
    pub outside: Vec<Outside>,
    /// If none is within: the one that misses by the smallest factor, all its misses multiplied.
    pub nearest: Option<Outside>,
    /// If none is within: the limits that would do if they alone were looser, the least first.
    pub loosen: Vec<Loosening>,
}

/// The best model of the run within `budget`, and what else there is to know.
pub fn choose(record: &RunRecord, budget: &Budget) -> Choice {
    let (mut within, mut outside) = (Vec::new(), Vec::new());
    for model in &record.models {
        let candidate = Candidate::of(model);
        let misses = budget.misses(&candidate);
        match misses.is_empty() {
            true => within.push((candidate, model)),
            false => outside.push(Outside {
                model: candidate,
                misses,
            }),
        }
    }
    within.sort_by(|(a, _), (b, _)| {
        let accuracy = descending(a.accuracy, b.accuracy);
        accuracy.then(ascending(a.prove_ms, b.prove_ms))
    });
    let cheapest = cheapest(record, &within);
    let within: Vec<Candidate> = within.into_iter().map(|(candidate, _)| candidate).collect();
    let all: Vec<Candidate> = record.models.iter().map(Candidate::of).collect();
    let is_none = within.is_empty();
    Choice {
        budget: *budget,
        best: within.first().cloned(),
        cheapest,
        within,
        frontier: frontier(&all, |model| model.prove_ms),
        size_frontier: frontier(&all, |model| model.proof_bytes.map(|bytes| bytes as f64)),
        nearest: is_none.then(|| nearest(&outside)).flatten(),
        loosen: if is_none { loosen(&outside) } else { vec![] },
        outside,
    }
}

/// Of models sorted by accuracy: the cheapest one that cannot be told apart from the first.
fn cheapest(record: &RunRecord, within: &[(Candidate, &ModelRecord)]) -> Option<Cheapest> {
    let (best, best_model) = within.first()?;
    let best_rate = best_model.accuracy.quantized.as_ref()?;
    let others = within.iter().skip(1).filter_map(|(candidate, model)| {
        let rate = model.accuracy.quantized.as_ref()?;
        let data = &record.data;
        let difference = stats::difference(best_rate, rate, data.train_rows, data.test_rows)?;
        let is_cheaper = candidate.prove_ms? < best.prove_ms?;
        // Few rows cannot tell guessing from the best; that does not make guessing as good.
        let is_eligible = match best_model.beats_majority() {
            true => model.beats_majority(),
            false => rate.value > model.accuracy.majority.value,
        };
        (is_cheaper && is_eligible && !difference.is_clear()).then(|| Cheapest {
            model: candidate.clone(),
            difference: Some(difference),
            rows: best_rate.total(),
        })
    });
    let itself = Cheapest {
        model: best.clone(),
        difference: None,
        rows: best_rate.total(),
    };
    others
        .chain([itself])
        .min_by(|a, b| ascending(a.model.prove_ms, b.model.prove_ms))
}

/// The models that no other one beats in accuracy at the same `cost` or less; the cheapest first.
fn frontier(models: &[Candidate], cost: impl Fn(&Candidate) -> Option<f64>) -> Vec<Candidate> {
    let mut sorted: Vec<(f64, f64, &Candidate)> = models
        .iter()
        .filter_map(|model| Some((cost(model)?, model.accuracy?, model)))
        .collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let mut best = f64::NEG_INFINITY;
    let mut frontier = Vec::new();
    for (_, accuracy, model) in sorted {
        if accuracy > best {
            best = accuracy;
            frontier.push(model.clone());
        }
    }
    frontier
}

fn nearest(outside: &[Outside]) -> Option<Outside> {
    // A sum of logarithms: products of unknown figures would be no order.
    let distance = |of: &&Outside| of.misses.iter().map(|miss| miss.factor().ln()).sum::<f64>();
    let nearest = outside
        .iter()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)));
    nearest.cloned()
}

/// For every limit that alone keeps models out: the least that would let one in.
fn loosen(outside: &[Outside]) -> Vec<Loosening> {
    let mut loosen: Vec<(f64, Loosening)> = Vec::new();
    for Outside { model, misses } in outside {
        let [miss] = misses.as_slice() else {
            continue;
        };
        let (Some(from), Some(to)) = (miss.allowed, miss.found) else {
            continue;
        };
        let entry = Loosening {
            limit: miss.limit,
            from,
            to,
            tag: model.tag.clone(),
        };
        let known = loosen
            .iter_mut()
            .find(|(_, known)| known.limit == miss.limit);
        match known {
            Some(known) if miss.factor() < known.0 => *known = (miss.factor(), entry),
            Some(_) => {}
            None => loosen.push((miss.factor(), entry)),
        }
    }
    loosen.sort_by(|a, b| a.0.total_cmp(&b.0));
    loosen.into_iter().map(|(_, entry)| entry).collect()
}

/// Small first, unknown last.
fn ascending(a: Option<f64>, b: Option<f64>) -> std::cmp::Ordering {
    let key = |value: Option<f64>| value.unwrap_or(f64::INFINITY);
    key(a).total_cmp(&key(b))
}

/// Great first, unknown last.
fn descending(a: Option<f64>, b: Option<f64>) -> std::cmp::Ordering {
    let key = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
    key(b).total_cmp(&key(a))
}

#[cfg(test)]
mod tests;
