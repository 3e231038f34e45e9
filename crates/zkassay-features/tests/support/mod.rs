//! What the integration tests share.

use std::path::{Path, PathBuf};

use zkassay_data::Tables;
use zkassay_features::{FeaturePipeline, RawTable};

/// The committed synthetic tables.
pub(crate) fn fixtures() -> Tables {
    Tables::load(&workspace().join("fixtures")).unwrap()
}

/// The study's raw table on the fixtures.
#[allow(dead_code, reason = "not every test binary needs it")]
pub(crate) fn raw() -> RawTable {
    FeaturePipeline::default().raw_table(&fixtures()).unwrap()
}

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
