//! What every trained model can do.

use std::collections::BTreeMap;

use ndarray::{ArrayView1, ArrayView2};
use zkassay_onnx::ModelBuilder;

use crate::{ModelError, Predictions, Standardization};

/// A trained model.
pub trait Classifier: Send + Sync + std::fmt::Debug {
    /// Number of features of a row.
    fn inputs(&self) -> usize;

    /// Number of classes; at least 2.
    fn classes(&self) -> usize;

    /// Number of values that training chose: weights, biases, thresholds, leaves.
    fn parameters(&self) -> usize;

    /// Scores of the rows `[rows, inputs]`. They are infinite or NaN where sums
    /// on the way to them are beyond float32.
    ///
    /// # Errors
    /// [`ModelError::Columns`] if the rows have another length,
    /// [`ModelError::NonFinite`] if a value is NaN or infinite.
    fn predict(&self, rows: ArrayView2<'_, f32>) -> Result<Predictions, ModelError>;

    /// The model as the bytes of an `.onnx` file; the same calls give the same bytes.
    ///
    /// It computes in float32: features whose mean is far from zero beside their
    /// deviation cost networks and linear models as many digits.
    ///
    /// # Errors
    /// [`ModelError::Onnx`] if the tag is empty or a value not finite;
    /// [`ModelError::Columns`] if the standardisation is of another number of features.
    fn to_onnx(&self, export: &Export) -> Result<Vec<u8>, ModelError>;
}

/// How a model is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// Name of the graph, and the metadata property `model`; not empty.
    pub tag: String,
    /// Further metadata properties: training seed, hash of the feature manifest.
    pub metadata: BTreeMap<String, String>,
    /// If given, the model takes raw features and begins with this.
    pub standardization: Option<Standardization>,
}

impl Export {
    /// A model called `tag`, over features as it was trained on.
    pub fn new(tag: impl Into<String>) -> Self {
        Self {
            tag: tag.into(),
            metadata: BTreeMap::new(),
            standardization: None,
        }
    }

    /// Adds a metadata property; the last value of a key counts, and `model` and
    /// `classes` are always the model's own.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// Takes raw features.
    #[must_use]
    pub fn standardized(mut self, standardization: Standardization) -> Self {
        self.standardization = Some(standardization);
        self
    }
}

/// What an exported model of `outputs` logits ends with: their probabilities.
pub(crate) fn probability(
    builder: ModelBuilder,
    outputs: usize,
) -> Result<ModelBuilder, ModelError> {
    Ok(match outputs {
        1 => builder.sigmoid("probability")?,
        _ => builder.softmax("probability")?,
    })
}

/// What every exported model begins with: its name, its metadata, and the
/// standardisation if it takes raw features.
///
/// # Errors
/// [`ModelError::Columns`] if the standardisation is of another number of features.
pub(crate) fn builder(
    export: &Export,
    inputs: usize,
    classes: usize,
) -> Result<ModelBuilder, ModelError> {
    let mut builder = ModelBuilder::new(&export.tag, inputs)?;
    for (key, value) in &export.metadata {
        builder = builder.metadata(key, value);
    }
    builder = builder
        .metadata("model", &export.tag)
        .metadata("classes", &classes.to_string());
    if let Some(standardization) = &export.standardization {
        standardization.check(inputs)?;
        builder = builder
            .subtract("center", ArrayView1::from(standardization.mean()))?
            .divide("scale", ArrayView1::from(standardization.deviation()))?;
    }
    Ok(builder)
}

/// An error unless rows have `inputs` columns of finite numbers.
pub(crate) fn check_rows(inputs: usize, rows: ArrayView2<'_, f32>) -> Result<(), ModelError> {
    if rows.ncols() != inputs {
        return Err(ModelError::Columns {
            expected: inputs,
            found: rows.ncols(),
        });
    }
    match rows.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), &value)) => Err(ModelError::NonFinite { row, column, value }),
        None => Ok(()),
    }
}
