//! Decision trees, random forests, boosted trees.
//!
//! ```
//! use ndarray::array;
//! use zkassay_models::trees::{self, ForestParams};
//! use zkassay_models::{Classifier, Export, Hyperparameters, TrainingSet};
//!
//! let rows = array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
//! let training = TrainingSet::new(rows.view(), &[0, 1, 1, 0])?;
//! let params = ForestParams { trees: 10, seed: 7, bootstrap: false, ..ForestParams::default() };
//!
//! let forest = trees::fit_forest(&training, &params.check()?)?;
//! assert_eq!(forest.predict(rows.view())?.classes(), [0, 1, 1, 0]);
//! let bytes = forest.to_onnx(&Export::new("forest").with("seed", 7))?;
//! # assert!(!bytes.is_empty());
//! # Ok::<(), zkassay_models::ModelError>(())
//! ```
//!
//! All three are grown by the same code, are a [`TreeEnsemble`] when done, and
//! are grown here rather than by a crate, for what was found in these:
//!
//! - smartcore 0.7 passes over a split wherever the labels of the rows before
//!   and after it, in the order of the feature, are equal, also if several rows
//!   share the values on its sides. The rows `(1: A), (1: B), (2: B)` have no
//!   split at all, and whether a feature of two values can be used depends on
//!   which rows happen to meet. Its trees are private, their leaves hold no
//!   shares of classes, draws come from a generator that differs between
//!   platforms, and boosting minimises squared errors only.
//! - linfa-trees 0.8 splits at `x <= t` in training and at `x < t` in
//!   prediction, and breaks ties in the order of a hash map.

mod boosted;
mod columns;
mod ensemble;
mod exact;
mod export;
mod forest;
mod grow;
mod node;
mod order;
mod params;
mod rank;

pub use boosted::fit_boosted;
pub use ensemble::{Link, TreeEnsemble};
pub use forest::{fit_forest, fit_tree};
pub use node::{Node, Tree};
pub use params::{BoostedParams, ForestParams, MaxFeatures, TreeParams};
