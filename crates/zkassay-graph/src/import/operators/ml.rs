//! Operators of classical machine learning, the domain ai.onnx.ml, as onnxruntime computes them.
//!
//! Where the specification leaves a choice, or onnxruntime has its own way (mostly for two classes
//! with one score), its results are the model's meaning: those are what exporters test against.

mod encoders;
mod features;
mod linear;
mod scores;
mod svm;
mod trees;

use super::{Builder, Family, NodeRef, Tensor};
use crate::GraphError;

pub(super) const OPERATORS: Family = &[
    ("LinearClassifier", linear::classifier),
    ("LinearRegressor", linear::regressor),
    ("SVMClassifier", svm::classifier),
    ("SVMRegressor", svm::regressor),
    ("TreeEnsembleClassifier", trees::classifier),
    ("TreeEnsembleRegressor", trees::regressor),
    ("TreeEnsemble", trees::ensemble),
    ("Scaler", features::scaler),
    ("Normalizer", features::normalizer),
    ("Imputer", features::imputer),
    ("Binarizer", features::binarizer),
    ("FeatureVectorizer", features::vectorizer),
    ("ArrayFeatureExtractor", encoders::extractor),
    ("OneHotEncoder", encoders::one_hot),
    ("LabelEncoder", encoders::label),
    ("CategoryMapper", encoders::mapper),
    // A table from class to score for each row; here the scores themselves.
    ("ZipMap", |node, _| Ok(vec![node.input(0)?.clone()])),
];

/// What a support vector classifier does not give for more than three classes.
pub(super) const PROBABILITIES: &str = "has the probabilities of more than three classes, which are \
     the result of an iteration: choose the label with --output NAME, train with probability=False, \
     or wrap the model in CalibratedClassifierCV";

/// Integers up to here are exact in float32.
const EXACT: i64 = 1 << 24;

/// Operand 0 as `[rows, features]`; a single axis is one row.
fn rows(node: &NodeRef<'_>, builder: &Builder) -> Result<(Tensor, usize, usize), GraphError> {
    let x = node.input(0)?;
    let (rows, features) = match x.shape[..] {
        [features] => (1, features),
        [rows, features] => (rows, features),
        _ => return Err(node.mismatch("the operand", &x.shape, "[rows, features]")),
    };
    if rows == 0 || features == 0 {
        return Err(node.mismatch("the operand", &x.shape, "at least one element"));
    }
    let x = builder.reshape(node, x, vec![rows, features])?;
    Ok((x, rows, features))
}

/// The attribute `name` of several finite floats; empty if it is not there.
fn floats<'a>(node: &NodeRef<'a>, name: &str) -> Result<&'a [f32], GraphError> {
    let found = node.floats(name)?.unwrap_or_default();
    match found.iter().position(|x| !x.is_finite()) {
        None => Ok(found),
        Some(index) => Err(node.unsupported(format!(
            "{name} holds {} at position {index}: expected finite numbers",
            found[index]
        ))),
    }
}

/// An integer of an attribute as a float32 that is exactly it.
fn exact(node: &NodeRef<'_>, name: &str, integer: i64) -> Result<f32, GraphError> {
    match (-EXACT..=EXACT).contains(&integer) {
        true => Ok(integer as f32),
        false => Err(node.unsupported(format!(
            "{name} holds {integer}: expected integers of at most {EXACT}"
        ))),
    }
}
