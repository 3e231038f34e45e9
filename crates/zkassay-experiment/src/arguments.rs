//! Command-line arguments that the programs of this crate share.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::dataset::{Mode, Source};
use crate::plan::locate;

/// Where the rows come from.
#[derive(Debug, Args)]
pub struct SourceArguments {
    /// Token tables: a data set of `zkassay data list`, a folder laid out as the `datasets-giza`
    /// bucket, or a CSV file of prices.
    #[arg(long, value_name = "NAME|PATH", default_value = "fixtures")]
    data: PathBuf,
    /// How features are made of token tables.
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// A table of your own instead, CSV or parquet: every column but label and time is a feature.
    #[arg(long, value_name = "FILE", requires = "label", conflicts_with_all = ["data", "mode"])]
    table: Option<PathBuf>,
    /// The column of the label in your table: two classes.
    #[arg(long, value_name = "COLUMN", requires = "table")]
    label: Option<String>,
    /// The column that orders the rows of your table; they are split at random without one.
    #[arg(long, value_name = "COLUMN", requires = "table")]
    time: Option<String>,
}

impl From<SourceArguments> for Source {
    fn from(arguments: SourceArguments) -> Self {
        match (arguments.table, arguments.label) {
            (Some(path), Some(label)) => Self::Table {
                path,
                label,
                time: arguments.time,
            },
            _ => Self::Tokens {
                // A name that leads nowhere is an error of reading it.
                path: locate(&arguments.data).unwrap_or(arguments.data),
                mode: arguments.mode,
            },
        }
    }
}

/// Gives rayon as many threads as asked for.
///
/// # Errors
/// None are asked for, or rayon has started already.
pub fn use_threads(threads: Option<usize>) -> Result<()> {
    let Some(threads) = threads else {
        return Ok(());
    };
    ensure!(threads > 0, "at least one thread is needed (--threads)");
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .context("the thread pool cannot be made")
}
