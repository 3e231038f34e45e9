//! From token tables to features that a model could have known.
//!
//! ```text
//! Tables -> FeaturePipeline -> RawTable -> fit(training rows) -> FittedPipeline -> FeatureMatrix
//! ```
//!
//! A [`FeaturePipeline`] says which token, which horizons, which start date, and
//! by which [`Rules`]. Applied to the tables it gives a [`RawTable`]: one row per
//! day, columns with nulls, and the label "does the price rise by tomorrow?". What
//! is learned from data (which tokens move with the target, which columns are too
//! empty to keep, the means that fill gaps, the means and deviations of the
//! z-scores) is kept in a [`FittedPipeline`], a value that is stored with the
//! model. Its output is a [`FeatureMatrix`] of `f32` without gaps; what each of
//! its columns means is said by the [`FeatureManifest`].
//!
//! There are two modes. [`FeaturePipeline::honest`], the default, uses what was
//! known on each day and learns from training rows alone.
//! [`FeaturePipeline::paper`] is the study's notebook to the letter, for comparison.
//! Each fault of the notebook is one typed choice in [`rules`], so it can be
//! switched by itself. On the synthetic fixtures:
//!
//! | | paper | honest |
//! |---|---|---|
//! | features | 162 (10 of 172 too empty) | 162 (8 of 170: the two of `WETH.E` are not there to begin with) |
//! | rows | 599 | 604 |
//! | first, last day | 2 June 2022, 21 January 2024 | 2 June 2022, 26 January 2024 |
//!
//! Honest mode keeps the last joined row (22 January), can use the last pool rows
//! when they are known (the 23rd), and for three more days.
//!
//! | module | what it holds |
//! |---|---|
//! | [`pipeline`] | [`FeaturePipeline`], the configuration |
//! | [`rules`] | [`Rules`]: one choice per fault of the notebook |
//! | [`raw`] | [`RawTable`], the joined sources |
//! | [`fitted`] | [`FittedPipeline`] |
//! | [`manifest`] | [`FeatureManifest`]: source, unit and availability of each feature |
//! | [`matrix`] | [`FeatureMatrix`] |
//! | [`own`] | a table of one's own, standardised |
//! | [`split`] | [`Split`] and [`Splitter`]: rows to fit on, to calibrate on, to test on |
//! | [`audit`] | does a score rest on what was not yet known? |
//!
//! Everything is computed in one fixed order, so the same tables give the same bytes
//! on any number of threads.
//!
//! ```
//! use zkassay_data::{Tables, synthetic};
//! use zkassay_features::{FeaturePipeline, Splitter};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # synthetic::write(dir.path(), synthetic::DEFAULT_SEED)?;
//! # let dir = dir.path();
//! let tables = Tables::load(dir)?;
//! let pipeline = FeaturePipeline::honest();
//! let raw = pipeline.raw_table(&tables)?;
//! let splits = Splitter::WalkForward { folds: 3, embargo: 30 }.split(raw.days())?;
//! let fitted = pipeline.fit(&raw, &splits[2].train)?;
//! let matrix = fitted.transform(&raw)?;
//!
//! assert_eq!(matrix.values.dim(), (604, 162));
//! assert_eq!(matrix.names[0], "volumes_last_24h");
//! assert_eq!(fitted.manifest().features[0].table.to_string(), "prices");
//!
//! // Later, with other tables: the same tokens, pools and scales.
//! let again = fitted.transform(&fitted.raw_table(&tables)?)?;
//! assert_eq!(again, matrix);
//! # Ok(())
//! # }
//! ```

pub mod audit;
mod block;
mod digest;
mod error;
mod exact;
pub mod fitted;
pub mod manifest;
pub mod matrix;
pub mod own;
pub mod pipeline;
mod pools;
mod prices;
mod ranking;
pub mod raw;
pub mod rules;
mod series;
pub mod split;
mod stored;
mod value_locked;

pub use error::FeatureError;
pub use fitted::FittedPipeline;
pub use manifest::FeatureManifest;
pub use matrix::FeatureMatrix;
pub use pipeline::FeaturePipeline;
pub use raw::RawTable;
pub use rules::Rules;
pub use split::{Split, Splitter};

/// Results of this crate.
pub type Result<T, E = FeatureError> = std::result::Result<T, E>;
