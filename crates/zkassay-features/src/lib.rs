//! From token tables to the study's 162 features.
//!
//! ```text
//! Tables -> FeaturePipeline -> RawTable -> fit(training rows) -> FittedPipeline -> FeatureMatrix
//! ```
//!
//! A [`FeaturePipeline`] says which token, which horizons, which start date.
//! Applied to the tables it gives a [`RawTable`]: one row per day, columns with
//! nulls, and the label "does the price rise by tomorrow?". What is learned
//! from data (which columns are too empty to keep, the means that fill gaps, the
//! means and deviations of the z-scores) is learned from the training rows alone and
//! kept in a [`FittedPipeline`], a value that can be stored with the model.
//! Its output is a [`FeatureMatrix`] of `f32` without gaps.
//!
//! | module | what it holds |
//! |---|---|
//! | [`pipeline`] | [`FeaturePipeline`], the configuration, and how the study's steps are read |
//! | [`raw`] | [`RawTable`], the joined sources |
//! | [`fitted`] | [`FittedPipeline`] |
//! | [`matrix`] | [`FeatureMatrix`] |
//! | [`split`] | [`Split`]: rows to fit on, to calibrate on, to test on |
//!
//! Everything is computed in one fixed order, so the same tables give the same bytes
//! on any number of threads.
//!
//! ```
//! use zkassay_data::{Tables, synthetic};
//! use zkassay_features::{FeaturePipeline, Split};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # synthetic::write(dir.path(), synthetic::DEFAULT_SEED)?;
//! # let dir = dir.path();
//! let tables = Tables::load(dir)?;
//! let pipeline = FeaturePipeline::default();
//! let raw = pipeline.raw_table(&tables)?;
//! let split = Split::chronological(raw.rows())?;
//! let fitted = pipeline.fit(&raw, &split.train)?;
//! let matrix = fitted.transform(&raw)?;
//!
//! assert_eq!(matrix.values.dim(), (599, 162));
//! assert_eq!(matrix.names[0], "volumes_last_24h");
//! # Ok(())
//! # }
//! ```

mod block;
mod error;
mod exact;
pub mod fitted;
pub mod matrix;
pub mod pipeline;
mod pools;
mod prices;
pub mod raw;
pub mod split;
mod value_locked;

pub use error::FeatureError;
pub use fitted::FittedPipeline;
pub use matrix::FeatureMatrix;
pub use pipeline::FeaturePipeline;
pub use raw::RawTable;
pub use split::Split;

/// Results of this crate.
pub type Result<T, E = FeatureError> = std::result::Result<T, E>;
