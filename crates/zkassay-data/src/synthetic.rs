//! Synthetic tables and digits: generated, seeded, small, and honest.
//!
//! The real tables live in a bucket that may be gone tomorrow. These stand in
//! for them: the same layout, schemas, token, pool and project names, and the
//! same pathologies (late starters, missing days, nulls, duplicated rows,
//! columns that differ by partition, pools that only look like the target's).
//!
//! The numbers are made up around one idea. A latent *sentiment* drifts in
//! waves of about three weeks; it sets the expected move of ether over the
//! *next* day and shows, noisily, in *today's* pool yields and past prices
//! (see below). Nothing else connects a row of day `t` to
//! what happens after `t`, so a model can learn something, but not much, and
//! not by looking ahead.
//!
//! # The signal
//!
//! With sentiment `z(t)` of unit variance and noise `e(t)`, both normal, the
//! log return is `r(t, t+1) = volatility * (SIGNAL * z(t) + e(t))` plus a slight
//! pull towards an anchor price. Whoever knew `z(t)` exactly would call the
//! direction right with probability `1/2 + atan(SIGNAL) / pi`, about 0.69:
//! the ceiling for every model on these tables.
//!
//! # Repeatable
//!
//! All draws come from named streams of one seed, all transcendental
//! functions from `libm`, and values are rounded to a few digits, so the
//! bytes are the same on every platform. [`check`] holds the committed files
//! to that.

mod digits;
mod draw;
mod frame;
mod market;
mod ohlc;
mod pools;
mod prices;
mod value_locked;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use polars::prelude::DataFrame;

use crate::manifest::{MANIFEST, Manifest, sha256_hex};
use crate::schema::{OHLC_LOCATION, POOLS, PRICES, VALUE_LOCKED};
use crate::{DataError, Day, Result, parquet};

/// The seed of the committed fixtures.
pub const DEFAULT_SEED: u64 = 1;

/// First day of the price table.
const FIRST_DAY: Day = Day::from_ymd(2021, 7, 1);
/// Last day of the price and value-locked tables.
const LAST_DAY: Day = Day::from_ymd(2024, 2, 5);

/// The directory of the handwritten digits, beside those of the tables.
pub const DIGITS: &str = "digits";

/// The command behind [`write`].
const COMMAND: &str = "cargo xtask fixtures";

/// A part of the synthetic data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The token tables, or those whose path starts with the text.
    Tables(&'static str),
    /// Open, high, low and close over four days per token.
    Ohlc,
    /// Digits in the four files of MNIST.
    Digits,
}

impl Part {
    /// The files of `seed`: content by path.
    pub(crate) fn generate(self, seed: u64) -> Result<BTreeMap<String, Vec<u8>>> {
        match self {
            Self::Tables(prefix) => {
                let mut files = tables(seed)?;
                files.retain(|path, _| path.starts_with(prefix));
                Ok(files)
            }
            Self::Ohlc => {
                let quotes = prices::Quotes::simulate(&market::Market::simulate(seed), seed);
                let table = parquet::encode(&mut ohlc::table(&quotes)?)?;
                Ok(BTreeMap::from([(OHLC_LOCATION.to_owned(), table)]))
            }
            Self::Digits => Ok(digits::files(seed)),
        }
    }
}

/// Generates the tables and digits of `seed` into `dir`, with manifests beside them.
///
/// Every file appears complete or not at all; equal files of an earlier run
/// are replaced by equal bytes.
///
/// # Errors
///
/// [`DataError::ForeignFile`] if one of the table directories holds a parquet file
/// that is not part of the synthetic tables; [`DataError::Io`].
pub fn write(dir: &Path, seed: u64) -> Result<Manifest> {
    let files = generate(seed)?;
    if let Some(path) = foreign_files(dir, &files)?.into_iter().next() {
        return Err(DataError::ForeignFile {
            path: dir.join(path),
        });
    }
    for (path, bytes) in &files {
        parquet::write_atomic(&dir.join(path), bytes)?;
    }
    Ok(Manifest::describe(
        COMMAND,
        seed,
        &without_manifests(&files),
    ))
}

/// Generates the data of `seed` again and compares it with that in `dir`.
///
/// # Errors
///
/// [`DataError::FixturesDiffer`] with one line for each file that is missing,
/// foreign or of other content, the manifests included.
pub fn check(dir: &Path, seed: u64) -> Result<Manifest> {
    let files = generate(seed)?;
    let mut differences = Vec::new();
    for (path, bytes) in &files {
        match fs::read(dir.join(path)) {
            Ok(found) if found == *bytes => {}
            Ok(found) => differences.push(describe_difference(path, bytes, &found)),
            Err(error) => differences.push(format!("{path}: {error}")),
        }
    }
    for path in foreign_files(dir, &files)? {
        differences.push(format!("{path}: not one of the synthetic tables"));
    }
    if differences.is_empty() {
        Ok(Manifest::describe(
            COMMAND,
            seed,
            &without_manifests(&files),
        ))
    } else {
        Err(DataError::FixturesDiffer { seed, differences })
    }
}

/// Everything that [`write`] writes: the tables and the digits, each with a manifest, which
/// comes after the files that it lists.
fn generate(seed: u64) -> Result<Vec<(String, Vec<u8>)>> {
    let mut all = Vec::new();
    for (folder, part) in [("", Part::Tables("")), ("digits/", Part::Digits)] {
        let files = part.generate(seed)?;
        let manifest = Manifest::describe(COMMAND, seed, &files).to_json();
        let files = files.into_iter();
        all.extend(files.map(|(path, bytes)| (format!("{folder}{path}"), bytes)));
        all.push((format!("{folder}{MANIFEST}"), manifest.into_bytes()));
    }
    Ok(all)
}

fn without_manifests(files: &[(String, Vec<u8>)]) -> BTreeMap<String, Vec<u8>> {
    let files = files.iter().filter(|(path, _)| !path.ends_with(MANIFEST));
    files.cloned().collect()
}

/// The token tables of `seed` as parquet, by path relative to their directory.
fn tables(seed: u64) -> Result<BTreeMap<String, Vec<u8>>> {
    let market = market::Market::simulate(seed);
    let quotes = prices::Quotes::simulate(&market, seed);

    let mut files = BTreeMap::new();
    let mut add = |path: String, mut table: DataFrame| -> Result<()> {
        files.insert(path, parquet::encode(&mut table)?);
        Ok(())
    };
    add(PRICES.location.to_owned(), prices::table(&quotes, seed)?)?;
    for (project, table) in pools::tables(&market, seed)? {
        add(partition_path(POOLS.location, project), table)?;
    }
    for (project, table) in value_locked::tables(&quotes, seed)? {
        add(partition_path(VALUE_LOCKED.location, project), table)?;
    }
    Ok(files)
}

fn partition_path(location: &str, project: &str) -> String {
    format!("{location}/project={project}/part-0.parquet")
}

/// Parquet files under the table directories of `dir` that are not in `files`.
fn foreign_files(dir: &Path, files: &[(String, Vec<u8>)]) -> Result<Vec<String>> {
    let mut foreign = Vec::new();
    for location in [POOLS.location, VALUE_LOCKED.location] {
        for found in parquet::files_under(&dir.join(location))? {
            let relative = found.strip_prefix(dir).unwrap_or(&found);
            let relative = relative
                .components()
                .map(|part| part.as_os_str().to_string_lossy())
                .collect::<Vec<_>>()
                .join("/");
            if !files.iter().any(|(path, _)| *path == relative) {
                foreign.push(relative);
            }
        }
    }
    Ok(foreign)
}

fn describe_difference(path: &str, expected: &[u8], found: &[u8]) -> String {
    format!(
        "{path}: sha256 {} ({} bytes) expected, {} ({} bytes) found",
        sha256_hex(expected),
        expected.len(),
        sha256_hex(found),
        found.len()
    )
}
