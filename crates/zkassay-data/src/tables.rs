//! The three tables, read from a directory and validated.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use polars::prelude::{Column, DataFrame, DataType, IntoColumn, Series};

use crate::schema::{POOLS, PRICES, TableSchema, VALUE_LOCKED};
use crate::{DataError, Duplicates, Manifest, Result, csv, parquet};

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
    /// it lists must have the sizes and hashes it states, and no partition may lie beside them.
    ///
    /// # Errors
    ///
    /// A missing, truncated, damaged or malformed file, a column that is missing or of
    /// another type, a null key, a row in the wrong partition, no rows. Each
    /// names the file and says what to do.
    pub fn load(dir: &Path) -> Result<Self> {
        let manifest = verified_manifest(dir)?;
        Ok(Self {
            prices: load_prices(dir)?,
            pools: load_partitions(dir, &POOLS, manifest.as_ref())?,
            value_locked: load_partitions(dir, &VALUE_LOCKED, manifest.as_ref())?,
        })
    }

    /// Reads the tables of `dir` that are there: as [`Self::load`], except that pools and
    /// value locked are empty where their directories are missing.
    ///
    /// # Errors
    ///
    /// As [`Self::load`], except for a missing pool or value-locked table.
    pub fn load_present(dir: &Path) -> Result<Self> {
        let manifest = verified_manifest(dir)?;
        let or_empty = |schema: &TableSchema| match dir.join(schema.location).exists() {
            true => load_partitions(dir, schema, manifest.as_ref()),
            false => Ok(schema.empty()),
        };
        Ok(Self {
            prices: load_prices(dir)?,
            pools: or_empty(&POOLS)?,
            value_locked: or_empty(&VALUE_LOCKED)?,
        })
    }

    /// A data set of prices alone: pools and value locked are empty.
    ///
    /// # Errors
    ///
    /// As [`Self::new`], of the price table.
    pub fn prices_only(prices: &DataFrame) -> Result<Self> {
        Ok(Self {
            prices: PRICES.validate(prices, &format!("{} table", PRICES.name))?,
            pools: POOLS.empty(),
            value_locked: VALUE_LOCKED.empty(),
        })
    }

    /// A data set of the prices in a CSV file: the columns of [`PRICES`] by name, in any order.
    ///
    /// An empty field is null. Further columns are dropped.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, a row of another length, a missing column, a field that is
    /// not a date or number (each with its line), a null key, no rows.
    pub fn load_prices_csv(path: &Path) -> Result<Self> {
        let prices = PRICES.validate(&csv::read(path, &PRICES)?, &path.display().to_string())?;
        Self::prices_only(&prices)
    }

    /// How many rows of each table share their key with an earlier row: prices, pools and value
    /// locked, in this order.
    ///
    /// # Errors
    ///
    /// None for tables that were loaded; [`DataError::Polars`] if a column cannot be read.
    pub fn duplicates(&self) -> Result<[Duplicates; 3]> {
        Ok([
            Duplicates::count(&self.prices, &PRICES)?,
            Duplicates::count(&self.pools, &POOLS)?,
            Duplicates::count(&self.value_locked, &VALUE_LOCKED)?,
        ])
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

/// The manifest of `dir`, if it has one, once its files were found to be as it says.
fn verified_manifest(dir: &Path) -> Result<Option<Manifest>> {
    let manifest = Manifest::read(dir)?;
    if let Some(manifest) = &manifest {
        manifest.verify(dir)?;
    }
    Ok(manifest)
}

fn load_prices(dir: &Path) -> Result<DataFrame> {
    let path = dir.join(PRICES.location);
    if !path.is_file() {
        return Err(DataError::MissingTable {
            table: PRICES.name,
            path,
        });
    }
    PRICES.validate(&parquet::read(&path)?, &path.display().to_string())
}

/// A parquet file and the value after `project=` in its directory's name.
struct Partition {
    path: PathBuf,
    project: Option<String>,
}

/// Reads every partition of a table and stacks them over the union of columns.
fn load_partitions(
    dir: &Path,
    schema: &TableSchema,
    manifest: Option<&Manifest>,
) -> Result<DataFrame> {
    let root = dir.join(schema.location);
    let partitions = find_partitions(&root, schema)?;
    for Partition { path, .. } in &partitions {
        let relative = path.strip_prefix(dir).unwrap_or(path);
        if manifest.is_some_and(|manifest| !manifest.lists(relative)) {
            return Err(DataError::ForeignFile { path: path.clone() });
        }
    }
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
