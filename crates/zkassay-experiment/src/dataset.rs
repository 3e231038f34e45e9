//! Tables to rows, split and standardised.

use std::path::Path;

use anyhow::{Context as _, Result};
use ndarray::{Array2, Axis};
use zkassay_data::{Manifest, Tables};
use zkassay_features::{FeatureMatrix, FeaturePipeline, FittedPipeline, Split};
use zkassay_report::{DataRecord, FileRecord};

use crate::folder::Folder;

/// The rows of an experiment, and how they were made.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The name of the folder it came from.
    name: String,
    manifest: Option<Manifest>,
    pipeline: FittedPipeline,
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
    /// Labels, 0 or 1.
    pub labels: Vec<u8>,
}

impl Dataset {
    /// Loads the tables of a folder and makes the study's features.
    ///
    /// # Errors
    /// A missing or malformed table, or too few rows.
    pub fn load(folder: &Path) -> Result<Self> {
        let tables = Tables::load(folder)
            .with_context(|| format!("the tables in {} cannot be loaded", folder.display()))?;
        let pipeline = FeaturePipeline::default();
        let raw = pipeline.raw_table(&tables)?;
        let split = Split::chronological(raw.rows())?;
        let fitted = pipeline.fit(&raw, &split.train)?;
        Ok(Self {
            name: folder
                .file_name()
                .unwrap_or(folder.as_os_str())
                .to_string_lossy()
                .into(),
            manifest: Manifest::read(folder)?,
            matrix: fitted.transform(&raw)?,
            pipeline: fitted,
            split,
        })
    }

    /// The rows of the given indices.
    pub fn rows(&self, indices: &[usize]) -> Rows {
        Rows {
            values: self.matrix.values.select(Axis(0), indices),
            labels: indices.iter().map(|row| self.matrix.labels[*row]).collect(),
        }
    }

    /// The hash of the ordered feature names.
    pub fn feature_hash(&self) -> String {
        self.matrix.names_hash()
    }

    /// One line about it.
    pub fn summary(&self) -> String {
        let (rows, features) = self.matrix.values.dim();
        format!(
            "{rows} rows x {features} features: {} to train, {} to calibrate, {} to test",
            self.split.train.len(),
            self.split.calibration.len(),
            self.split.test.len()
        )
    }

    /// What the run's record says about it.
    pub fn record(&self) -> DataRecord {
        let files = self.manifest.iter().flat_map(|manifest| &manifest.files);
        DataRecord {
            name: self.name.clone(),
            rows: self.matrix.values.nrows(),
            features: self.matrix.values.ncols(),
            train_rows: self.split.train.len(),
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
        folder.write_json("pipeline.json", &self.pipeline)?;
        folder.write_json("split.json", &self.split)
    }
}
