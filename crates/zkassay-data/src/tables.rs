//! The three tables, read from a directory and validated.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use polars::prelude::{Column, DataFrame, DataType, IntoColumn, Series};

use crate::schema::{POOLS, PRICES, TableSchema, VALUE_LOCKED};
use crate::{DataError, Manifest, Result, parquet};

/// The three tables of the study; every instance satisfies its schemas.
#[derive(Clone, Debug)]
pub struct Tables {
    prices: DataFrame,
    pools: DataFrame,
    value_locked: DataFrame,
}

impl Tables {
    /// Validates three tables that are already in memory.
    ///
    /// # Errors
    ///
    /// A column that is missing or of another type, a null key, no rows.
    pub fn new(prices: &DataFrame, pools: &DataFrame, value_locked: &DataFrame) -> Result<Self> {
        let check =
            |schema: &TableSchema, table| schema.validate(table, &format!("{} table", schema.name));
        Ok(Self {
            prices: check(&PRICES, prices)?,
            pools: check(&POOLS, pools)?,
            value_locked: check(&VALUE_LOCKED, value_locked)?,
        })
    }

    /// Reads and validates the tables of `dir`, laid out as in the bucket.
    ///
    /// Partitions are read in the order of their paths, so the row order does
    /// not depend on the file system. Where a [`Manifest`] lies beside the tables, the files that
    /// it lists must have the sizes and hashes it states.
    ///
    /// # Errors
    ///
    /// A missing, truncated, damaged or malformed file, a column that is missing or of
    /// another type, a null key, a row in the wrong partition, no rows. Each
    /// names the file and says what to do.
    pub fn load(dir: &Path) -> Result<Self> {
        if let Some(manifest) = Manifest::read(dir)? {
            manifest.verify(dir)?;
        }
        let prices_path = dir.join(PRICES.location);
        if !prices_path.is_file() {
            return Err(DataError::MissingTable {
                table: PRICES.name,
                path: prices_path,
            });
        }
        let prices = parquet::read(&prices_path)?;
        Ok(Self {
            prices: PRICES.validate(&prices, &prices_path.display().to_string())?,
            pools: load_partitions(dir, &POOLS)?,
            value_locked: load_partitions(dir, &VALUE_LOCKED)?,
        })
    }

    /// Token prices: the columns of [`PRICES`].
    pub fn prices(&self) -> &DataFrame {
        &self.prices
    }

    /// Pool yields: the columns of [`POOLS`].
    pub fn pools(&self) -> &DataFrame {
        &self.pools
    }

    /// Value locked: one column per token of any partition, sorted by name,
    /// then the columns of [`VALUE_LOCKED`].
    pub fn value_locked(&self) -> &DataFrame {
        &self.value_locked
    }
}

/// A parquet file and the value after `project=` in its directory's name.
struct Partition {
    path: PathBuf,
    project: Option<String>,
}

/// Reads every partition of a table and stacks them over the union of columns.
fn load_partitions(dir: &Path, schema: &TableSchema) -> Result<DataFrame> {
    let root = dir.join(schema.location);
    let partitions = find_partitions(&root, schema)?;
    let mut tables = Vec::with_capacity(partitions.len());
    for partition in &partitions {
        let table = parquet::read(&partition.path)?;
        let table = schema.validate(&table, &partition.path.display().to_string())?;
        check_project(partition, &table)?;
        tables.push(table);
    }
    let stacked = stack(&tables, schema)?;
    schema.validate(&stacked, &root.display().to_string())
}

/// The parquet files of a table's directory, sorted by path.
fn find_partitions(root: &Path, schema: &TableSchema) -> Result<Vec<Partition>> {
    let files = parquet::files_under(root)?;
    if files.is_empty() {
        return Err(DataError::MissingTable {
            table: schema.name,
            path: root.to_path_buf(),
        });
    }
    let partitions = files.into_iter().map(|path| Partition {
        project: hive_value(&path, "project="),
        path,
    });
    Ok(partitions.collect())
}

/// What follows `key` in the name of the directory that holds `path`.
fn hive_value(path: &Path, key: &str) -> Option<String> {
    let directory = path.parent()?.file_name()?.to_str()?;
    directory.strip_prefix(key).map(str::to_owned)
}

/// Every row of a `project=` partition must carry that project.
fn check_project(partition: &Partition, table: &DataFrame) -> Result<()> {
    let Some(expected) = &partition.project else {
        return Ok(());
    };
    let found = table
        .column("project")
        .and_then(Column::str)
        .map_err(DataError::polars("read the column `project`"))?;
    let stray = found
        .iter()
        .enumerate()
        .find(|(_, project)| *project != Some(expected.as_str()));
    match stray {
        None => Ok(()),
        Some((row, project)) => Err(DataError::Partition {
            path: partition.path.clone(),
            expected: expected.clone(),
            found: project.unwrap_or("null").to_owned(),
            row,
        }),
    }
}

/// Stacks tables row-wise; a column that one of them lacks is null there.
fn stack(tables: &[DataFrame], schema: &TableSchema) -> Result<DataFrame> {
    let names: BTreeSet<&str> = tables
        .iter()
        .flat_map(DataFrame::columns)
        .map(|column| column.name().as_str())
        .collect();
    let filler = schema.others.as_ref().unwrap_or(&DataType::Null);
    let mut stacked = DataFrame::empty();
    for table in tables {
        let columns = names
            .iter()
            .map(|name| match table.column(name) {
                Ok(column) => column.clone(),
                Err(_) => Series::full_null((*name).into(), table.height(), filler).into_column(),
            })
            .collect();
        let widened = DataFrame::new(table.height(), columns)
            .map_err(DataError::polars("widen a partition"))?;
        stacked
            .vstack_mut_owned(widened)
            .map_err(DataError::polars("stack the partitions"))?;
    }
    stacked.rechunk_mut();
    Ok(stacked)
}
