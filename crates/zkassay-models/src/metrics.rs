//! How good is a model, and is it better than another?
//!
//! - One model on rows it was not trained on: [`Metrics`].
//! - One configuration over several rounds, each with a split of its own: [`Summary`].
//! - Two models on the same rows: [`mcnemar`]; on the same splits: [`corrected_resampled_t`].
//!
//! Every accuracy stands beside an interval and the baseline of always saying
//! the most frequent class.
//!
//! ```
//! use ndarray::array;
//! use zkassay_models::metrics::{self, Metrics, Summary};
//! use zkassay_models::{Predictions, ScoreKind};
//!
//! // What `Classifier::predict` returns for four rows, and their labels.
//! let predictions = Predictions {
//!     scores: array![[0.9], [0.6], [0.5], [0.2]],
//!     kind: ScoreKind::Probability,
//! };
//! let (labels, training_labels) = ([1, 0, 1, 0], [0, 0, 1]);
//!
//! let found = Metrics::new(&predictions, &labels, &training_labels)?;
//! assert_eq!((found.accuracy.value, found.majority.value), (0.75, 0.5));
//! assert_eq!(found.roc_auc, Some(0.75));
//!
//! // Accuracies of three rounds, and those of another model on the same splits.
//! let (these, others) = ([0.75, 0.80, 0.70], [0.70, 0.70, 0.65]);
//! assert_eq!(Summary::new(&these)?.mean, 0.75);
//! let pair = metrics::corrected_resampled_t(&these, &others, 300, 100)?;
//! assert!(pair.p_value > 0.05, "a few per cent in three rounds say little");
//! # Ok::<(), zkassay_models::ModelError>(())
//! ```

mod compare;
mod proportion;
mod scores;
mod student;
mod summary;

pub use compare::{McNemar, PairedT, corrected_resampled_t, mcnemar};
pub use proportion::Proportion;
pub use scores::{Metrics, accuracy, correct, majority};
pub use summary::Summary;
