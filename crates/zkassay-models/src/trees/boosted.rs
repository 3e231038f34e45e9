//! Gradient-boosted trees.

use rayon::prelude::*;
use zkassay_seed::Stream;

use super::columns::Columns;
use super::ensemble::{Link, TreeEnsemble};
use super::exact;
use super::grow::{Goal, Grower, Sample};
use super::node::Tree;
use super::params::BoostedParams;
use crate::{ModelError, TrainingSet, Valid};

/// The least second derivative. A row of which the model is certain still takes
/// part, and differences of sums are not all rounding, whatever `l2` is.
const LEAST_HESSIAN: f64 = 1e-6;

/// Boosts trees: each adds a Newton step on the log loss of those before it.
///
/// For two classes a stage is one tree, for `K` more it is one per class. The
/// model begins with the logarithms of the classes' shares (two classes: with
/// the logit of class 1's), which are part of the first stage's leaves. With a
/// row's probability `p` and label `y` (1 if it is of the class), its gradient
/// is `y - p` and its hessian `p (1 - p)`, at least `1e-6`; trees split for the most gain of
/// such a step (Chen and Guestrin, 2016), and a leaf's value is
/// `learning_rate G / (H + l2)`, for more than two classes times `(K - 1) / K`
/// (Friedman, 2001).
///
/// # Errors
/// [`ModelError::TooManyRows`] from 2^31 rows.
pub fn fit_boosted(
    training: &TrainingSet<'_>,
    params: &Valid<BoostedParams>,
) -> Result<TreeEnsemble, ModelError> {
    let classes = training.classes();
    let columns = Columns::new(training.rows())?.sorted();
    let start = start(training);
    // Of two logits only the difference counts.
    let boosted = if classes == 2 { 1..2 } else { 0..classes };
    let shrink = match classes {
        2 => params.learning_rate,
        _ => params.learning_rate * (classes - 1) as f64 / classes as f64,
    };

    let mut logits: Vec<f64> = (0..training.len())
        .flat_map(|_| start.iter().copied())
        .collect();
    let mut trees: Vec<Tree> = Vec::new();
    for stage in 0..params.stages {
        let probabilities: Vec<f64> = logits.chunks_exact(classes).flat_map(softmax).collect();
        let taking_part = taking_part(training.len(), params, stage);
        let grow = |class: usize| {
            let of_class = probabilities.iter().skip(class).step_by(classes);
            let rows = of_class.zip(training.labels()).zip(&taking_part);
            let samples = rows.map(|((p, &label), &takes_part)| Sample {
                component: 0,
                gradient: f64::from(u8::from(usize::from(label) == class)) - p,
                hessian: match takes_part {
                    true => (p * (1.0 - p)).max(LEAST_HESSIAN),
                    false => 0.0,
                },
            });
            let samples: Vec<Sample> = samples.collect();
            let grower = Grower {
                columns: &columns,
                samples: &samples,
                components: 1,
                goal: Goal::Descent { l2: params.l2 },
                limits: params.limits(),
                draws: None,
            };
            let offset = if stage == 0 { start[class] } else { 0.0 };
            let nodes = grower.grow(|sums| {
                let step = sums.gradient[0] / (sums.hessian + params.l2);
                vec![exact::logit(offset + shrink * step)]
            });
            Tree {
                column: class as u32,
                nodes,
            }
        };
        let grown: Vec<Tree> = boosted.clone().into_par_iter().map(grow).collect();
        for (row, logits) in training
            .rows()
            .outer_iter()
            .zip(logits.chunks_exact_mut(classes))
        {
            for tree in &grown {
                let value = tree.leaf_of(row).first().copied().map_or(0.0, f64::from);
                let logit = &mut logits[tree.first_column()];
                *logit = if stage == 0 { value } else { *logit + value };
            }
        }
        trees.extend(grown);
    }
    exact::align_logits(classes, &mut trees);
    TreeEnsemble::new(training.features(), classes, Link::Softmax, trees)
}

/// The logits that a model without trees would have.
fn start(training: &TrainingSet<'_>) -> Vec<f64> {
    let mut counts = vec![0.0; training.classes()];
    for &label in training.labels() {
        counts[usize::from(label)] += 1.0;
    }
    match counts[..] {
        [zeros, ones] => vec![0.0, f64::ln(ones / zeros)],
        _ => counts
            .iter()
            .map(|count| f64::ln(count / training.len() as f64))
            .collect(),
    }
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|z| (z - highest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

/// Which rows a stage sees.
fn taking_part(rows: usize, params: &BoostedParams, stage: usize) -> Vec<bool> {
    let count = ((rows as f64 * params.subsample) as usize).max(1);
    if count >= rows {
        return vec![true; rows];
    }
    let mut taking_part = vec![false; rows];
    taking_part[..count].fill(true);
    Stream::new(params.seed, &format!("models/boosted/stage/{stage}")).shuffle(&mut taking_part);
    taking_part
}
