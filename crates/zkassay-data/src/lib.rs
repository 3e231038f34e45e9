//! Data sets: a hub that fetches and checks them, the token tables and their
//! schemas, digits, tables of one's own, and a synthetic stand-in that anyone
//! can generate.
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
//! | [`hub`] | which data sets there are, and where they come from |
//! | [`mod@fetch`] | getting them, over HTTPS or by generating them |
//! | [`cache`] | where they lie on this machine, whole or not at all |
//! | [`schema`] | column names, types and keys of each table |
//! | [`tables`] | [`Tables`]: the three tables, read and validated |
//! | [`describe`] | rows, columns and duplicates of what is in a directory |
//! | [`duplicates`] | rows that a table holds more than once |
//! | [`table`] | [`OwnTable`]: a CSV or parquet file with a label column |
//! | [`mnist`] | digits in the format of MNIST |
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

pub mod cache;
mod csv;
pub mod day;
pub mod describe;
pub mod duplicates;
mod error;
pub mod fetch;
pub mod hub;
mod idx;
pub mod manifest;
pub mod mnist;
mod number;
mod page;
mod parquet;
pub mod schema;
pub mod synthetic;
pub mod table;
pub mod tables;

pub use cache::Cache;
pub use day::Day;
pub use duplicates::Duplicates;
pub use error::DataError;
pub use fetch::{FetchError, FetchOptions, fetch};
pub use hub::{Catalogue, Entry};
pub use manifest::Manifest;
pub use table::{OwnTable, TableError, load_table};
pub use tables::Tables;

/// Results of this crate.
pub type Result<T, E = DataError> = std::result::Result<T, E>;
