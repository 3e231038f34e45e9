//! The rows of every round.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use ndarray::{Array2, Axis, Slice};
use serde::Serialize;
use zkassay_data::mnist::{Digits, Images};
use zkassay_features::Splitter;
use zkassay_models::ModelSpec;
use zkassay_models::zoo::Params;

use super::AccuracyPlan;
use crate::dataset::{self, Dataset, Mode, RoundRows, Rows, Source};

/// The most training digits that scales of an integer model are chosen on.
const CALIBRATION_DIGITS: usize = 1000;

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Tables whose rows are split, into two classes.
    Tables(Source),
    /// A folder with the four files of MNIST, or with those of its test part alone.
    Digits(PathBuf),
}

/// Which rows the rounds have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// Each its own, in this way.
    Splits(Splitter),
    /// All the same, the data set's own parts.
    Parts,
    /// All the same: the first four fifths of the data set's test part train, the others test.
    TestPart,
}

/// All rounds' rows, and what they are.
pub(super) struct Rounds {
    pub(super) name: String,
    pub(super) feature_hash: Option<String>,
    pub(super) sampling: Sampling,
    /// Of each round; never empty.
    pub(super) rows: Vec<Arc<RoundRows>>,
}

impl Data {
    /// Models unless others are asked for; those without activation are the
    /// study's, to the letter.
    pub fn models(&self) -> &'static str {
        match self {
            Self::Tables(Source::Tokens {
                mode: Mode::Paper, ..
            }) => "study:none,classical",
            Self::Tables(_) => "study,classical",
            Self::Digits(_) => "logistic,128,cnn",
        }
    }

    /// Rounds unless another number is asked for.
    pub fn rounds(&self) -> usize {
        match self {
            Self::Tables(source) if source.is_in_time() => 5,
            Self::Tables(_) => 20,
            Self::Digits(_) => 3,
        }
    }

    /// How a model is trained on such rows.
    pub fn params(&self, spec: &ModelSpec, seed: u64) -> Params {
        match self {
            Self::Tables(_) => Params::study(spec, seed),
            Self::Digits(_) => Params::digits(spec, seed),
        }
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tables(source) => source.fmt(f),
            Self::Digits(dir) => write!(f, "--digits {}", dataset::word(&dir.to_string_lossy())),
        }
    }
}

impl Rounds {
    pub(super) fn load(plan: &AccuracyPlan) -> Result<Self> {
        match &plan.data {
            Data::Tables(source) => Self::tables(source, plan),
            Data::Digits(dir) => Self::digits(dir, plan.rounds)
                .with_context(|| format!("no digits can be read from {}", dir.display())),
        }
    }

    fn tables(source: &Source, plan: &AccuracyPlan) -> Result<Self> {
        let (splitter, datasets) = Dataset::rounds(source, plan.rounds, plan.seed)?;
        let first = datasets.first().context("there are no rounds")?;
        Ok(Self {
            name: first.name().to_owned(),
            feature_hash: Some(first.feature_hash()),
            sampling: Sampling::Splits(splitter),
            rows: datasets
                .iter()
                .map(|dataset| Arc::new(dataset.round_rows()))
                .collect(),
        })
    }

    fn digits(dir: &Path, rounds: usize) -> Result<Self> {
        let [images, labels] = ["images-idx3-ubyte.gz", "labels-idx1-ubyte.gz"];
        let has = |part: &str| dir.join(format!("{part}-{images}")).exists();
        let (train, test, sampling) = if has("t10k") && !has("train") {
            let file = |name: &str| dir.join(format!("t10k-{name}"));
            let all = rows(&Images::load(&file(images), &file(labels))?)?;
            let (train, test) = all.split_at(all.labels.len() * 4 / 5);
            (train, test, Sampling::TestPart)
        } else {
            let digits = Digits::load(dir)?;
            (rows(&digits.train)?, rows(&digits.test)?, Sampling::Parts)
        };
        let calibrated = train.labels.len().saturating_sub(CALIBRATION_DIGITS);
        let (_, calibration) = train.split_at(calibrated);
        let same = Arc::new(RoundRows {
            train,
            calibration,
            test,
        });
        Ok(Self {
            name: dataset::name(dir),
            feature_hash: None,
            sampling,
            rows: vec![same; rounds],
        })
    }

    /// A count for each round.
    pub(super) fn each(&self, count: impl Fn(&RoundRows) -> usize) -> Vec<usize> {
        self.rows.iter().map(|rows| count(rows)).collect()
    }
}

/// Standardised pixels and classes.
fn rows(images: &Images) -> Result<Rows> {
    let shape = (images.len(), images.features());
    Ok(Rows {
        values: Array2::from_shape_vec(shape, images.standardised())?,
        labels: images.labels().to_vec(),
    })
}

impl Rows {
    /// The first `count` rows, and the others.
    fn split_at(&self, count: usize) -> (Self, Self) {
        let part = |slice: Slice, labels: &[u8]| Self {
            values: self.values.slice_axis(Axis(0), slice).to_owned(),
            labels: labels.to_vec(),
        };
        let (first, others) = self.labels.split_at(count);
        (
            part(Slice::from(..count), first),
            part(Slice::from(count..), others),
        )
    }
}
