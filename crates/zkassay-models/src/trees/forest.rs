//! Decision trees and random forests.

use rayon::prelude::*;
use zkassay_seed::Stream;

use super::columns::Columns;
use super::ensemble::{Link, TreeEnsemble};
use super::exact;
use super::grow::{Goal, Grower, Sample};
use super::node::Tree;
use super::params::{ForestParams, MaxFeatures, TreeParams};
use crate::{ModelError, TrainingSet, Valid};

/// Grows one decision tree (CART: Breiman et al., 1984) that splits by Gini
/// impurity; its scores are the shares of the classes in a leaf.
///
/// # Errors
/// [`ModelError::TooManyRows`] from 2^31 rows.
pub fn fit_tree(
    training: &TrainingSet<'_>,
    params: &Valid<TreeParams>,
) -> Result<TreeEnsemble, ModelError> {
    let alone = ForestParams {
        trees: 1,
        tree: **params,
        max_features: MaxFeatures::All,
        bootstrap: false,
        seed: 0,
    };
    forest(training, &alone)
}

/// Grows a random forest (Breiman, 2001), whose scores are the means of its
/// trees' shares.
///
/// Each tree has a random stream of its own, so that the trees can grow in any
/// order, on any number of threads.
///
/// # Errors
/// [`ModelError::Parameter`] if `max_features` exceeds the number of features,
/// [`ModelError::TooManyRows`] from 2^31 rows.
pub fn fit_forest(
    training: &TrainingSet<'_>,
    params: &Valid<ForestParams>,
) -> Result<TreeEnsemble, ModelError> {
    forest(training, params)
}

fn forest(training: &TrainingSet<'_>, params: &ForestParams) -> Result<TreeEnsemble, ModelError> {
    let max_features = params.max_features.of(training.features())?;
    let columns = Columns::new(training.rows())?;
    let columns = match max_features < training.features() {
        true => columns,
        false => columns.sorted(),
    };
    let trees = (0..params.trees).into_par_iter().map(|index| {
        let mut stream = Stream::new(params.seed, &format!("models/forest/tree/{index}"));
        let weights = weights(training.len(), params.bootstrap, &mut stream);
        let pairs = training.labels().iter().zip(weights);
        let samples = pairs.map(|(&label, weight)| Sample {
            component: label.into(),
            gradient: weight,
            hessian: weight,
        });
        let samples: Vec<Sample> = samples.collect();
        let grower = Grower {
            columns: &columns,
            samples: &samples,
            components: training.classes(),
            goal: Goal::Purity,
            limits: params.tree.into(),
            draws: (max_features < training.features()).then_some((max_features, stream)),
        };
        Tree {
            column: 0,
            nodes: grower.grow(|sums| {
                let weights = sums.gradient.iter();
                let share = |&weight| exact::share(weight, sums.hessian, params.trees);
                weights.map(share).collect()
            }),
        }
    });
    let trees = trees.collect();
    TreeEnsemble::new(
        training.features(),
        training.classes(),
        Link::Identity,
        trees,
    )
}

/// How often each row counts.
fn weights(rows: usize, bootstrap: bool, stream: &mut Stream) -> Vec<f64> {
    if !bootstrap {
        return vec![1.0; rows];
    }
    let mut weights = vec![0.0; rows];
    for _ in 0..rows {
        weights[stream.below(rows)] += 1.0;
    }
    weights
}
