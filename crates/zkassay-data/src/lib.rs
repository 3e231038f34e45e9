//! The token tables: their schemas, loading them from disk, and a synthetic
//! stand-in that anyone can generate.
//!
//! Three tables describe decentralised finance day by day: token prices, the
//! yield and size of liquidity pools, and the value locked per project and
//! token. They are laid out as in the public `datasets-giza` bucket:
//!
//! ```text
//! tokens_daily_prices_mcap_volume/tokens_daily_prices_mcap_volume.parquet
//! top_pools_APY_per_protocol/project=<name>/*.parquet
//! TVL_per_project_tokens/project=<name>/*.parquet
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`schema`] | column names, types and keys of each table |
//! | [`tables`] | [`Tables`]: the three tables, read and validated |
//! | [`synthetic`] | the seeded generator behind `cargo xtask fixtures` |
//! | [`manifest`] | [`Manifest`]: what the files are, and their hashes |
//! | [`day`] | [`Day`]: a calendar date without a clock |
//!
//! A table that is missing, cut short or of another shape is an error that
//! names the file and the column, and says what to do; nothing is guessed.
//!
//! ```
//! use zkassay_data::{Tables, synthetic};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let dir = tempfile::tempdir()?;
//! synthetic::write(dir.path(), synthetic::DEFAULT_SEED)?;
//!
//! let tables = Tables::load(dir.path())?;
//! assert_eq!(tables.prices().get_column_names()[0].as_str(), "date");
//! # Ok(())
//! # }
//! ```

pub mod day;
mod error;
pub mod manifest;
mod parquet;
pub mod schema;
pub mod synthetic;
pub mod tables;

pub use day::Day;
pub use error::DataError;
pub use manifest::Manifest;
pub use tables::Tables;

/// Results of this crate.
pub type Result<T, E = DataError> = std::result::Result<T, E>;
