//! Models trained with candle, and their metrics.
//!
//! The models are multi-layer perceptrons for binary classification: dense
//! layers, an activation between them, a sigmoid at the end. Without a hidden
//! layer that is logistic regression. A [`ModelSpec`] says which one,
//! [`Params`] how it is trained; [`fit`] returns an [`Mlp`] that predicts,
//! and that writes itself as ONNX.
//!
//! ```text
//! rows, labels, ModelSpec, ValidParams -> fit -> Mlp -> predict_proba -> metrics
//!                                                    -> to_onnx -> bytes
//! ```
//!
//! The same inputs give the same model bit for bit, on any number of threads:
//! initial weights come from [`zkassay_seed`], and every step sees all rows.
//! Bits may differ between machines whose vector units differ.
//!
//! ```
//! use ndarray::array;
//! use zkassay_models::{ModelSpec, Params, fit, metrics};
//!
//! let rows = array![[-2.0, 0.1], [-1.0, -0.3], [1.0, 0.2], [2.0, -0.1]];
//! let labels = [0, 0, 1, 1];
//! let spec: ModelSpec = "logistic".parse()?;
//! let params = Params { learning_rate: 0.1, ..Params::study(&spec, 7) }.check()?;
//!
//! let model = fit(rows.view(), &labels, &spec, &params, None)?;
//! let accuracy = metrics::accuracy(&model.predict_proba(rows.view())?, &labels)?;
//! assert_eq!(accuracy.value, 1.0);
//! # Ok::<(), zkassay_models::ModelError>(())
//! ```

mod error;
mod loss;
pub mod metrics;
mod mlp;
mod network;
mod params;
mod spec;
mod train;

pub use error::ModelError;
pub use mlp::{DenseLayer, Mlp};
pub use params::{Params, ValidParams};
pub use spec::{Activation, ModelSpec};
pub use train::{Progress, fit};
