//! The leak audit: does a score rest on what was not yet known?
//!
//! Pool and value-locked rows are stamped near the end of their day. A feature
//! matrix that gives them to the start of that day holds most of the move that
//! it is to predict, and nothing in a train/test split shows it. Two signs do:
//!
//! - *Correlation.* For each feature, and for the day-to-day change of each
//!   feature that is not a price, Spearman's rank correlation of its value on day `t` with
//!   the label of day `t - 1` (a move that is over by then), `t` and `t + 1`.
//!   Of a leak only the middle one is large: a signal fades over days, a
//!   look ahead ends at once. The threshold is that of Fisher's z for
//!   rank correlations, at 1 % over all tests (Bonferroni).
//! - *Accuracy.* A classifier scores the same rows three times: on prices
//!   alone, on all features as given, and with every other source one day
//!   later than given. Each score is a mean over the same seeded splits.
//!
//! The audit warns if the extra day costs more than three standard errors *and* at
//! least half of what the score has over the baseline (prices alone, or the
//! majority label if that is better). An honest signal that lasts for days, as
//! in the synthetic fixtures, does neither.
//!
//! ```
//! use zkassay_data::{Tables, synthetic};
//! use zkassay_features::audit::{self, AuditSettings, LogisticRegression};
//! use zkassay_features::{FeaturePipeline, Split};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # synthetic::write(dir.path(), synthetic::DEFAULT_SEED)?;
//! # let dir = dir.path();
//! let tables = Tables::load(dir)?;
//! let pipeline = FeaturePipeline::honest();
//! let raw = pipeline.raw_table(&tables)?;
//! let fitted = pipeline.fit(&raw, &Split::chronological(raw.rows())?.train)?;
//!
//! let settings = AuditSettings { splits: 4, ..AuditSettings::default() };
//! let audit = audit::run(&fitted, &tables, &LogisticRegression::default(), &settings)?;
//! assert_eq!(audit.warning, None);
//! # Ok(())
//! # }
//! ```

mod correlation;
mod display;
mod learner;
mod score;

use serde::{Deserialize, Serialize};
use zkassay_data::Tables;

pub use correlation::{Correlation, Finding, Form};
pub use learner::{Learner, LogisticRegression};
pub use score::{Accuracy, Scores};

use crate::{FeatureError, FittedPipeline, Result};

/// How an audit is done.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditSettings {
    /// How many random splits each score is the mean of; at least 2.
    pub splits: usize,
    /// Seed of the first split; each further one adds one.
    pub seed: u64,
    /// Chance that any correlation at all crosses its threshold where there
    /// is none.
    pub significance: f64,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            splits: 20,
            seed: 0,
            significance: 0.01,
        }
    }
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// How it was done.
    pub settings: AuditSettings,
    /// One entry per feature and form, largest same-day correlation first.
    pub findings: Vec<Finding>,
    /// The scores with and without the other sources' last day.
    pub scores: Scores,
    /// Why the score is not to be believed; none if nothing speaks against it.
    pub warning: Option<String>,
}

impl Audit {
    /// Findings that know the move of their own day and far less of those
    /// around it: what a look ahead looks like.
    pub fn suspects(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_suspect())
    }
}

/// Audits the features of `fitted` on `tables`.
///
/// `learner` scores them; [`LogisticRegression`] is quick and enough.
///
/// # Errors
///
/// As [`crate::FeaturePipeline::raw_table`]; settings that make no sense, fewer
/// than 40 rows that both variants share.
pub fn run(
    fitted: &FittedPipeline,
    tables: &Tables,
    learner: &impl Learner,
    settings: &AuditSettings,
) -> Result<Audit> {
    let refuse = |setting, found: String, expected| {
        Err(FeatureError::Setting {
            setting,
            found,
            expected,
        })
    };
    if settings.splits < 2 {
        return refuse("splits", settings.splits.to_string(), "at least 2");
    }
    if !(settings.significance > 0.0 && settings.significance < 1.0) {
        let found = settings.significance.to_string();
        return refuse("significance", found, "between 0 and 1");
    }
    let raw = fitted.raw_table(tables)?;
    let findings = correlation::findings(fitted, &raw, settings.significance)?;
    let scores = score::scores(fitted.pipeline(), tables, learner, settings)?;
    Ok(Audit {
        settings: *settings,
        warning: warning(&findings, &scores),
        findings,
        scores,
    })
}

/// The verdict; see the module's description.
fn warning(findings: &[Finding], scores: &Scores) -> Option<String> {
    /// Standard errors that a difference must exceed.
    const SIGNIFICANT: f64 = 3.0;
    /// Share of the edge that the last day must account for.
    const EXPLAINED: f64 = 0.5;
    let baseline = scores.prices_only.mean.max(scores.majority);
    let edge = scores.as_given.mean - baseline;
    let cost = scores.cost_of_a_day;
    if cost.mean <= SIGNIFICANT * cost.standard_error || cost.mean < EXPLAINED * edge {
        return None;
    }
    let mut suspects = findings.iter().filter(|finding| finding.is_suspect());
    let strongest = match suspects.next() {
        Some(finding) => format!(
            "; {} features know the label of their own day but not of those around it, \
             most of all {} ({:+.2})",
            suspects.count() + 1,
            finding.describe(),
            finding.same_day.value
        ),
        None => String::new(),
    };
    Some(format!(
        "same-day information explains the score: accuracy is {:.3} as given, {:.3} with every \
         source but prices one day later, {:.3} on prices alone{strongest}; check when the rows \
         of these sources became available",
        scores.as_given.mean, scores.delayed.mean, scores.prices_only.mean
    ))
}
