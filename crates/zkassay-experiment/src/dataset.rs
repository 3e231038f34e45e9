//! Tables to rows, split and standardised.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use ndarray::{Array2, Axis};
use rayon::prelude::*;
use zkassay_data::{Day, Manifest, OwnTable, Tables, load_table};
use zkassay_features::audit::{self, Audit, AuditSettings, LogisticRegression};
use zkassay_features::{
    FeatureMatrix, FeaturePipeline, FittedPipeline, RawTable, Split, Splitter, own,
};
use zkassay_report::{DataRecord, FileRecord};

use crate::folder::Folder;

/// How features are made of token tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// What was known on each day, learned from the training rows; split in time.
    #[default]
    Honest,
    /// The study's notebook to the letter; split at random.
    Paper,
}

/// Where the rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Token tables: a folder laid out as the bucket is, or a CSV file of prices.
    Tokens {
        /// The folder or file.
        path: PathBuf,
        /// How features are made.
        mode: Mode,
    },
    /// A CSV or parquet file whose columns are features and a label.
    Table {
        /// The file.
        path: PathBuf,
        /// The column of the label.
        label: String,
        /// The column that orders the rows; they are split at random without one.
        time: Option<String>,
    },
}

/// The rows of an experiment, and how they were made.
#[derive(Clone, Debug)]
pub struct Dataset {
    name: String,
    manifest: Option<Manifest>,
    pipeline: Option<FittedPipeline>,
    audit: Option<Audit>,
    sampling: String,
    /// Whether models are fitted on the calibration rows, too.
    trains_on_calibration: bool,
    /// Standardised rows with labels.
    pub matrix: FeatureMatrix,
    /// Which rows train, calibrate and test.
    pub split: Split,
}

/// Some rows of a [`Dataset`].
#[derive(Clone, Debug)]
pub struct Rows {
    /// Values, `[rows, features]`.
    pub values: Array2<f32>,
    /// Labels: classes, from 0.
    pub labels: Vec<u8>,
}

/// The rows of one round: one way to split the rows of a data set.
#[derive(Clone, Debug)]
pub struct RoundRows {
    /// To fit models on.
    pub train: Rows,
    /// To choose the scales of an integer model; a model may be trained on them, too.
    pub calibration: Rows,
    /// To measure accuracies on.
    pub test: Rows,
}

impl Source {
    /// Whether rows are split in time, rather than at random.
    pub fn is_in_time(&self) -> bool {
        match self {
            Self::Tokens { mode, .. } => *mode == Mode::Honest,
            Self::Table { time, .. } => time.is_some(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tokens { path, mode } => {
                let mode = mode.to_possible_value();
                let mode = mode.as_ref().map_or("", |value| value.get_name());
                write!(f, "--data {} --mode {mode}", word(&path.to_string_lossy()))
            }
            Self::Table { path, label, time } => {
                let path = path.to_string_lossy();
                write!(f, "--table {} --label {}", word(&path), word(label))?;
                match time {
                    Some(time) => write!(f, " --time {}", word(time)),
                    None => Ok(()),
                }
            }
        }
    }
}

/// `text` as one word of a shell's command line.
pub(crate) fn word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:,+=@%".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.into(),
        false => format!("'{}'", text.replace('\'', r"'\''")).into(),
    }
}

/// Tables that are read, and of which features are yet to be made.
struct Loaded {
    name: String,
    manifest: Option<Manifest>,
    is_in_time: bool,
    rows: Unfitted,
}

/// Rows whose features have to be fitted on some of them.
enum Unfitted {
    Tokens(Box<Tokens>),
    Table(OwnTable),
}

struct Tokens {
    tables: Tables,
    pipeline: FeaturePipeline,
    raw: RawTable,
}

impl Loaded {
    fn open(source: &Source) -> Result<Self> {
        match source {
            Source::Tokens { path, mode } => Self::tokens(path, *mode)
                .with_context(|| format!("no rows can be made of {}", path.display())),
            Source::Table { path, label, time } => Ok(Self {
                name: name(path),
                manifest: None,
                is_in_time: time.is_some(),
                rows: Unfitted::Table(load_table(path, label, time.as_deref())?),
            }),
        }
    }

    fn tokens(path: &Path, mode: Mode) -> Result<Self> {
        let tables = match path.is_file() {
            true => Tables::load_prices_csv(path)?,
            false => Tables::load(path)?,
        };
        let pipeline = match mode {
            Mode::Honest => FeaturePipeline::honest(),
            Mode::Paper => FeaturePipeline::paper(),
        };
        Ok(Self {
            name: name(path),
            manifest: if path.is_dir() {
                Manifest::read(path)?
            } else {
                None
            },
            is_in_time: mode == Mode::Honest,
            rows: Unfitted::Tokens(Box::new(Tokens {
                raw: pipeline.raw_table(&tables)?,
                tables,
                pipeline,
            })),
        })
    }

    fn len(&self) -> usize {
        match &self.rows {
            Unfitted::Tokens(tokens) => tokens.raw.rows(),
            Unfitted::Table(table) => table.rows(),
        }
    }

    /// The days that the rows stand for; of a table of one's own, their position.
    fn days(&self) -> Vec<Day> {
        match &self.rows {
            Unfitted::Tokens(tokens) => tokens.raw.days().to_vec(),
            Unfitted::Table(table) => {
                let first = Day::from_ymd(2000, 1, 1);
                (0..table.rows() as i32).map(|row| first + row).collect()
            }
        }
    }

    /// The rows with features fitted on the training rows of `split`; `sampling` says how rows were
    /// split.
    fn fit(&self, split: Split, sampling: &str) -> Result<Dataset> {
        let (matrix, pipeline) = match &self.rows {
            Unfitted::Tokens(tokens) => {
                let fitted = tokens.pipeline.fit(&tokens.raw, &split.train)?;
                (fitted.transform(&tokens.raw)?, Some(fitted))
            }
            Unfitted::Table(table) => (own::standardize(table, &split.train)?, None),
        };
        Ok(Dataset {
            name: self.name.clone(),
            manifest: self.manifest.clone(),
            pipeline,
            audit: None,
            sampling: sampling.to_owned(),
            trains_on_calibration: !self.is_in_time,
            matrix,
            split,
        })
    }

    fn audit(&self, dataset: &Dataset, seed: u64) -> Result<Option<Audit>> {
        let (Unfitted::Tokens(tokens), Some(fitted)) = (&self.rows, &dataset.pipeline) else {
            return Ok(None);
        };
        let settings = AuditSettings {
            seed,
            ..AuditSettings::default()
        };
        let trainer = LogisticRegression::default();
        Ok(Some(audit::run(
            fitted,
            &tokens.tables,
            &trainer,
            &settings,
        )?))
    }
}

impl Dataset {
    /// Loads the tables and makes the rows, split once.
    ///
    /// # Errors
    /// A missing or malformed table, or too few rows.
    pub fn load(source: &Source, seed: u64) -> Result<Self> {
        let loaded = Loaded::open(source)?;
        let (split, sampling) = match source.is_in_time() {
            true => (Split::chronological(loaded.len())?, "split once in time"),
            false => (Split::random(loaded.len(), seed)?, "split once at random"),
        };
        let mut dataset = loaded.fit(split, sampling)?;
        dataset.audit = loaded.audit(&dataset, seed)?;
        Ok(dataset)
    }

    /// Loads the tables and splits their rows `rounds` times: rows in time into
    /// folds of a walk forward with 30 days between two sets, others at random. Features are
    /// fitted on each round's own training rows.
    ///
    /// # Errors
    /// A missing or malformed table, too few rows, or no rounds.
    pub fn rounds(source: &Source, rounds: usize, seed: u64) -> Result<(Splitter, Vec<Self>)> {
        let loaded = Loaded::open(source)?;
        let splitter = match source.is_in_time() {
            true => Splitter::WalkForward {
                folds: rounds,
                embargo: 30,
            },
            false => Splitter::Random { rounds, seed },
        };
        let sampling = match splitter {
            Splitter::WalkForward { folds, embargo } => {
                format!("{folds} folds of a walk forward with {embargo} days between")
            }
            _ => format!("{rounds} random splits"),
        };
        let splits = splitter.split(&loaded.days())?;
        let fit = |split| loaded.fit(split, &sampling);
        let datasets: Vec<Result<Self>> = splits.into_par_iter().map(fit).collect();
        Ok((splitter, datasets.into_iter().collect::<Result<_>>()?))
    }

    /// What the folder or file is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The leak audit, of token tables.
    pub fn audit(&self) -> Option<&Audit> {
        self.audit.as_ref()
    }

    /// The rows of the given indices.
    pub fn rows(&self, indices: &[usize]) -> Rows {
        Rows {
            values: self.matrix.values.select(Axis(0), indices),
            labels: indices.iter().map(|row| self.matrix.labels[*row]).collect(),
        }
    }

    /// The rows that models are fitted on, scaled on and tested on. Of rows that are split at random, a model
    /// is fitted on the calibration rows, too, as in the study.
    pub fn round_rows(&self) -> RoundRows {
        RoundRows {
            train: self.rows(&self.train_rows()),
            calibration: self.rows(&self.split.calibration),
            test: self.rows(&self.split.test),
        }
    }

    /// Indices of the rows that models are fitted on.
    fn train_rows(&self) -> Vec<usize> {
        let mut train = self.split.train.clone();
        if self.trains_on_calibration {
            train.extend(&self.split.calibration);
        }
        train
    }

    /// The hash of the feature manifest; of the ordered names, if there are only names.
    pub fn feature_hash(&self) -> String {
        match &self.pipeline {
            Some(pipeline) => pipeline.manifest_hash(),
            None => self.matrix.names_hash(),
        }
    }

    /// One line about it.
    pub fn summary(&self) -> String {
        let (rows, features) = self.matrix.values.dim();
        format!(
            "{rows} rows x {features} features: {} to train, {} to calibrate, {} to test",
            self.train_rows().len(),
            self.split.calibration.len(),
            self.split.test.len()
        )
    }

    /// Whether the tables were generated, as the manifest beside them says.
    pub fn is_synthetic(&self) -> bool {
        let manifest = self.manifest.as_ref();
        manifest.is_some_and(|manifest| manifest.seed.is_some())
    }

    /// What the run's record says about it.
    pub fn record(&self) -> DataRecord {
        let files = self.manifest.iter().flat_map(|manifest| &manifest.files);
        DataRecord {
            name: self.name.clone(),
            sampling: self.sampling.clone(),
            rows: self.matrix.values.nrows(),
            features: self.matrix.values.ncols(),
            train_rows: self.train_rows().len(),
            calibration_rows: self.split.calibration.len(),
            test_rows: self.split.test.len(),
            feature_hash: self.feature_hash(),
            files: files
                .map(|file| FileRecord {
                    name: file.path.clone(),
                    bytes: file.bytes,
                    sha256: file.sha256.clone(),
                })
                .collect(),
        }
    }

    /// Leaves the fitted pipeline and the split in the run's folder.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn write(&self, folder: &Folder) -> Result<()> {
        if let Some(pipeline) = &self.pipeline {
            folder.write_json("pipeline.json", pipeline)?;
        }
        folder.write_json("split.json", &self.split)
    }
}

/// What a folder or file is called.
pub(crate) fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_written_as_a_shell_reads_them() {
        let table = |label: &str, time: Option<&str>| Source::Table {
            path: "my loans/all.csv".into(),
            label: label.into(),
            time: time.map(Into::into),
        };
        assert_eq!(
            table("repaid", Some("opened")).to_string(),
            "--table 'my loans/all.csv' --label repaid --time opened"
        );
        assert_eq!(
            table("who's late?", None).to_string(),
            r"--table 'my loans/all.csv' --label 'who'\''s late?'"
        );
    }
}
