//! The stored form of a fitted pipeline: versioned, and sealed by a hash.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::fitted::FittedFeature;
use crate::{FeatureError, FeaturePipeline, FittedPipeline, Result};

/// Layout version of the stored form.
const VERSION: u32 = 2;

/// What a file holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    version: u32,
    pipeline: FeaturePipeline,
    training_rows: usize,
    correlated: Vec<String>,
    features: Vec<FittedFeature>,
    hash: String,
}

/// Everything that determines the transform.
#[derive(Serialize)]
struct Content<'a> {
    version: u32,
    pipeline: &'a FeaturePipeline,
    correlated: &'a [String],
    features: &'a [FittedFeature],
}

/// `fitted` with its hash.
pub(crate) fn seal(fitted: FittedPipeline) -> Result<FittedPipeline> {
    let content = Content {
        version: VERSION,
        pipeline: &fitted.pipeline,
        correlated: &fitted.correlated,
        features: &fitted.features,
    };
    // Struct fields come in one order and floats as exact text: one byte string.
    let bytes = serde_json::to_vec(&content).map_err(FeatureError::Encode)?;
    let mut digest = Digest::new("zkassay-fitted-pipeline/2");
    digest.bytes(&bytes);
    Ok(FittedPipeline {
        hash: digest.finish(),
        ..fitted
    })
}

impl From<FittedPipeline> for Stored {
    fn from(fitted: FittedPipeline) -> Self {
        Self {
            version: VERSION,
            pipeline: fitted.pipeline,
            training_rows: fitted.training_rows,
            correlated: fitted.correlated,
            features: fitted.features,
            hash: fitted.hash,
        }
    }
}

impl TryFrom<Stored> for FittedPipeline {
    type Error = FeatureError;

    fn try_from(stored: Stored) -> Result<Self> {
        if stored.version != VERSION {
            return Err(FeatureError::Version {
                found: stored.version,
                expected: VERSION,
            });
        }
        let fitted = seal(Self {
            pipeline: stored.pipeline,
            training_rows: stored.training_rows,
            correlated: stored.correlated,
            features: stored.features,
            hash: String::new(),
        })?;
        if fitted.hash != stored.hash {
            return Err(FeatureError::HashMismatch {
                stated: stored.hash,
                found: fitted.hash,
            });
        }
        Ok(fitted)
    }
}
