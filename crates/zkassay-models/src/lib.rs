//! The model zoo: networks, linear models, support vector machines, trees; and
//! their metrics.
//!
//! A [`TrainingSet`] is rows and labels that can be trained on, [`zoo::Params`]
//! say which model and how, [`zoo::fit`] trains it. What comes out is a
//! [`Classifier`]: it predicts, and it writes itself as ONNX. [`metrics`] say
//! how good it is and whether it is better than another.
//!
//! | module | models | trained by |
//! |---|---|---|
//! | [`mlp`] | logistic regression, multi-layer perceptrons | candle's tensors |
//! | [`cnn`] | convolutional networks for images | candle |
//! | [`linear`] | penalised logistic regression, ridge | smartcore |
//! | [`kernel`] | support vector machines | this crate |
//! | [`trees`] | trees, forests, boosted trees | this crate |
//!
//! Each module has the functions and types of its family; [`zoo`] has all of
//! them under one name, and trains many rounds at once.
//!
//! ```
//! use ndarray::array;
//! use zkassay_graph::reference::Reference;
//! use zkassay_models::zoo::{self, Params};
//! use zkassay_models::{Export, Hyperparameters, ModelSpec, TrainingSet, metrics};
//!
//! let rows = array![[-2.0, 0.1], [-1.0, -0.3], [1.0, 0.2], [2.0, -0.1]];
//! let labels = [0, 0, 1, 1];
//! let spec: ModelSpec = "forest".parse()?;
//! let params = Params::study(&spec, 7).check()?;
//!
//! let model = zoo::fit(&TrainingSet::new(rows.view(), &labels)?, &params)?;
//! let predictions = model.predict(rows.view())?;
//! assert_eq!(metrics::accuracy(&predictions, &labels)?.value, 1.0);
//!
//! let onnx = model.to_onnx(&Export::new(spec.tag()).with("seed", 7))?;
//! let elsewhere = Reference::unrestricted(&onnx, "output")?.run(rows.view())?;
//! assert_eq!(elsewhere, predictions.scores);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The same rows, parameters and seed give the same model bit for bit, on any
//! number of threads: every draw comes from [`zkassay_seed`]. Bits may differ
//! between machines whose vector units differ.

mod classifier;
pub mod cnn;
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
pub mod zoo;

pub use classifier::{Classifier, Export};
pub use error::ModelError;
pub use mlp::{Activation, DenseLayer, EarlyStopping, Mlp, MlpParams, MlpSpec};
pub use predictions::{Predictions, ScoreKind, class};
pub use standardization::Standardization;
pub use training_set::{Round, TrainingSet};
pub use valid::{Hyperparameters, Valid};
pub use zoo::ModelSpec;
