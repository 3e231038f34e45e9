//! Every family of models, under one name and one function.

use std::fmt;
use std::str::FromStr;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::cnn::{self, CnnParams};
use crate::kernel::{self, SvmParams};
use crate::linear::{self, LogisticParams, RidgeParams};
use crate::mlp;
use crate::trees::{self, BoostedParams, ForestParams, TreeParams};
use crate::{
    Classifier, Hyperparameters, MlpParams, MlpSpec, ModelError, Round, TrainingSet, Valid,
};

/// Which model, by name.
///
/// ```
/// use zkassay_models::ModelSpec;
///
/// for name in ["64-32", "logistic", "ridge", "svm-rbf", "forest"] {
///     let spec: ModelSpec = name.parse()?;
///     assert_eq!(spec.to_string(), name);
/// }
/// # Ok::<(), zkassay_models::ModelError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum ModelSpec {
    /// A multi-layer perceptron; `logistic` without hidden layers.
    Mlp(MlpSpec),
    /// `cnn`: a convolutional network for digits of 28 by 28.
    Cnn,
    /// `logistic-l2`: logistic regression with a penalty on the weights.
    LogisticL2,
    /// `ridge`: least squares on -1 and 1 with a penalty on the weights.
    Ridge,
    /// `svm`: a support vector machine with a linear kernel.
    Svm,
    /// `svm-rbf`: a support vector machine with a Gaussian kernel.
    SvmRbf,
    /// `tree`: a decision tree.
    Tree,
    /// `forest`: a random forest.
    Forest,
    /// `boosted`: gradient-boosted trees.
    Boosted,
}

impl ModelSpec {
    /// The models that are no networks.
    pub const CLASSICAL: [Self; 7] = [
        Self::LogisticL2,
        Self::Ridge,
        Self::Svm,
        Self::SvmRbf,
        Self::Tree,
        Self::Forest,
        Self::Boosted,
    ];

    /// The name of the exported model: the study's tag of a network, otherwise as displayed.
    pub fn tag(&self) -> String {
        match self {
            Self::Mlp(spec) => spec.tag(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for ModelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mlp(spec) => return spec.fmt(f),
            Self::Cnn => "cnn",
            Self::LogisticL2 => "logistic-l2",
            Self::Ridge => "ridge",
            Self::Svm => "svm",
            Self::SvmRbf => "svm-rbf",
            Self::Tree => "tree",
            Self::Forest => "forest",
            Self::Boosted => "boosted",
        })
    }
}

impl FromStr for ModelSpec {
    type Err = ModelError;

    fn from_str(name: &str) -> Result<Self, ModelError> {
        let mut named = Self::CLASSICAL.into_iter().chain([Self::Cnn]);
        match named.find(|spec| spec.to_string() == name) {
            Some(spec) => Ok(spec),
            None => Ok(Self::Mlp(name.parse()?)),
        }
    }
}

impl TryFrom<String> for ModelSpec {
    type Error = ModelError;

    fn try_from(name: String) -> Result<Self, ModelError> {
        name.parse()
    }
}

impl From<ModelSpec> for String {
    fn from(spec: ModelSpec) -> Self {
        spec.to_string()
    }
}

/// What a model is, and how it is trained: all that a run has to record of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Params {
    /// A multi-layer perceptron.
    Mlp(MlpParams),
    /// A convolutional network.
    Cnn(CnnParams),
    /// Logistic regression with a penalty.
    Logistic(LogisticParams),
    /// A ridge classifier.
    Ridge(RidgeParams),
    /// A support vector machine.
    Svm(SvmParams),
    /// A decision tree.
    Tree(TreeParams),
    /// A random forest.
    Forest(ForestParams),
    /// Gradient-boosted trees.
    Boosted(BoostedParams),
}

impl Params {
    /// The study's choice: networks as in [`MlpParams::study`], the others with
    /// scikit-learn's defaults.
    pub fn study(spec: &ModelSpec, seed: u64) -> Self {
        match spec {
            ModelSpec::Mlp(spec) => Self::Mlp(MlpParams::study(spec.clone(), seed)),
            ModelSpec::Cnn => Self::Cnn(CnnParams::digits(seed)),
            ModelSpec::LogisticL2 => Self::Logistic(LogisticParams::default()),
            ModelSpec::Ridge => Self::Ridge(RidgeParams::default()),
            ModelSpec::Svm => Self::Svm(SvmParams::study()),
            ModelSpec::SvmRbf => Self::Svm(SvmParams::default()),
            ModelSpec::Tree => Self::Tree(TreeParams::default()),
            ModelSpec::Forest => Self::Forest(ForestParams {
                seed,
                ..ForestParams::default()
            }),
            ModelSpec::Boosted => Self::Boosted(BoostedParams {
                seed,
                ..BoostedParams::default()
            }),
        }
    }

    /// For handwritten digits: networks as in [`MlpParams::digits`] and
    /// [`CnnParams::digits`], the others as in [`study`](Self::study).
    pub fn digits(spec: &ModelSpec, seed: u64) -> Self {
        match spec {
            ModelSpec::Mlp(spec) => Self::Mlp(MlpParams::digits(spec.clone(), seed)),
            other => Self::study(other, seed),
        }
    }

    /// The same with another seed; without effect on models that draw nothing.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        match &mut self {
            Self::Mlp(params) => params.seed = seed,
            Self::Cnn(params) => params.seed = seed,
            Self::Forest(params) => params.seed = seed,
            Self::Boosted(params) => params.seed = seed,
            Self::Logistic(_) | Self::Ridge(_) | Self::Svm(_) | Self::Tree(_) => {}
        }
        self
    }
}

impl Hyperparameters for Params {
    fn validate(&self) -> Result<(), ModelError> {
        match self {
            Self::Mlp(params) => params.validate(),
            Self::Cnn(params) => params.validate(),
            Self::Logistic(params) => params.validate(),
            Self::Ridge(params) => params.validate(),
            Self::Svm(params) => params.validate(),
            Self::Tree(params) => params.validate(),
            Self::Forest(params) => params.validate(),
            Self::Boosted(params) => params.validate(),
        }
    }
}

/// Trains any model.
///
/// # Errors
/// As the family's own function.
pub fn fit(
    set: &TrainingSet<'_>,
    params: &Valid<Params>,
) -> Result<Box<dyn Classifier>, ModelError> {
    Ok(match (**params).clone() {
        Params::Mlp(params) => Box::new(mlp::fit(set, &params.check()?)?),
        Params::Cnn(params) => Box::new(cnn::fit(set, &params.check()?)?),
        Params::Logistic(params) => Box::new(linear::fit_logistic(set, &params.check()?)?),
        Params::Ridge(params) => Box::new(linear::fit_ridge(set, &params.check()?)?),
        Params::Svm(params) => Box::new(kernel::fit_svm(set, &params.check()?)?),
        Params::Tree(params) => Box::new(trees::fit_tree(set, &params.check()?)?),
        Params::Forest(params) => Box::new(trees::fit_forest(set, &params.check()?)?),
        Params::Boosted(params) => Box::new(trees::fit_boosted(set, &params.check()?)?),
    })
}

/// Trains one model for each round, with the round's seed; each is the same as
/// if it had been trained alone.
///
/// # Errors
/// As [`fit`], for the first round that has one.
pub fn fit_rounds(
    rounds: &[Round<'_>],
    params: &Valid<Params>,
) -> Result<Vec<Box<dyn Classifier>>, ModelError> {
    if let Params::Mlp(params) = &**params {
        let models = mlp::fit_rounds(rounds, &params.clone().check()?)?.into_iter();
        return Ok(models.map(|model| Box::new(model) as _).collect());
    }
    let alone = |round: &Round<'_>| {
        let params = (**params).clone().with_seed(round.seed);
        fit(&round.set, &params.check()?)
    };
    let trained: Vec<Result<_, ModelError>> = rounds.par_iter().map(alone).collect();
    trained.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_trained_in_one_epoch_of_batches_of_32() {
        let digits = |name: &str| Params::digits(&name.parse().unwrap(), 7);
        for (name, learning_rate) in [("logistic", 0.01), ("128", 0.001)] {
            let Params::Mlp(params) = digits(name) else {
                panic!("{name} is a network");
            };
            assert_eq!((params.epochs, params.batch_size), (1, Some(32)));
            assert_eq!((params.learning_rate, params.seed), (learning_rate, 7));
        }
        assert_eq!(digits("cnn"), Params::Cnn(CnnParams::digits(7)));
        let forest = ModelSpec::Forest;
        assert_eq!(digits("forest"), Params::study(&forest, 7));
    }
}
