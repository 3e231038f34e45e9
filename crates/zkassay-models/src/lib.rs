//! Models trained with candle, and their metrics.
//!
//! The models are multi-layer perceptrons for binary classification: dense
//! layers, an activation between them, a sigmoid at the end. Without a hidden
//! layer that is logistic regression. A [`MlpSpec`] says which one,
//! [`Params`] how it is trained; [`fit`] returns an [`Mlp`] that predicts,
//! and that writes itself as ONNX.
//!
//! ```text
//! rows, labels, MlpSpec, ValidParams -> fit -> Mlp -> predict_proba -> metrics
//!                                                    -> to_onnx -> bytes
//! ```
//!
//! The same inputs give the same model bit for bit, on any number of threads:
//! initial weights come from [`zkassay_seed`], and every step sees all rows.
//! Bits may differ between machines whose vector units differ.
//!
//! ```
//! use ndarray::array;
//! use zkassay_models::{MlpSpec, Params, fit, metrics};
//!
//! let rows = array![[-2.0, 0.1], [-1.0, -0.3], [1.0, 0.2], [2.0, -0.1]];
//! let labels = [0, 0, 1, 1];
//! let spec: MlpSpec = "logistic".parse()?;
//! let params = Params { learning_rate: 0.1, ..Params::study(&spec, 7) }.check()?;
//!
//! let model = fit(rows.view(), &labels, &spec, &params, None)?;
//! let accuracy = metrics::accuracy(&model.predict_proba(rows.view())?, &labels)?;
//! assert_eq!(accuracy.value, 1.0);
//! # Ok::<(), zkassay_models::ModelError>(())
//! ```

mod classifier;
mod error;
pub mod kernel;
pub mod linear;
pub mod metrics;
pub mod mlp;
mod predictions;
mod standardization;
mod training_set;
pub mod trees;
mod valid;

pub use classifier::{Classifier, Export};
pub use error::ModelError;
pub use mlp::{Activation, DenseLayer, Mlp, MlpSpec, Params, Progress, ValidParams, fit};
pub use predictions::{Predictions, ScoreKind, class};
pub use standardization::Standardization;
pub use training_set::TrainingSet;
pub use valid::{Hyperparameters, Valid};
