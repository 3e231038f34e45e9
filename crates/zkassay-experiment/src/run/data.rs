//! The rows of a run.

use anyhow::{Context as _, Result, ensure};
use zkassay_features::audit::Audit;
use zkassay_report::{AuditRecord, AuditScore, RECORD_VERSION};
use zkassay_verifier::artefact::{digest, hex};

use crate::assemble::proved_round;
use crate::dataset::Dataset;
use crate::folder::Folder;
use crate::journal::Header;
use crate::plan::Plan;

/// Suspects of an audit that a record names.
const SUSPECTS: usize = 10;
/// What to know about tables that were generated.
const SYNTHETIC: &str = "The tables are synthetic: accuracies on them say nothing about real markets, \
                         nor about the study's; `zkassay data fetch giza` gets the real ones.";

/// The rows of every round, and what is known of them.
pub(super) struct Data {
    /// Of each round.
    pub(super) datasets: Vec<Dataset>,
    pub(super) audit: Option<Audit>,
    /// Which of the rounds has the models that are proved.
    proved: usize,
}

impl Data {
    /// Loads and splits the rows of a plan.
    ///
    /// # Errors
    /// As [`Dataset::load`]; fewer test rows than proofs.
    pub(super) fn load(plan: &Plan) -> Result<Self> {
        ensure!(plan.rounds > 0, "at least one round is needed (--rounds)");
        let whole = Dataset::load(&plan.source, plan.seed)?;
        let audit = whole.audit().cloned();
        let datasets = match plan.rounds {
            1 => vec![whole],
            rounds => Dataset::rounds(&plan.source, rounds, plan.seed)?.1,
        };
        let data = Self {
            datasets,
            audit,
            proved: proved_round(plan),
        };
        let rows = data.proved()?.split.test.len();
        let peer = plan.peer.as_ref().map_or(0, |peer| peer.proofs);
        let proofs = plan.proofs.max(peer);
        ensure!(
            proofs <= rows,
            "{proofs} proofs are asked for, each of another row, but there are {rows} test rows"
        );
        Ok(data)
    }

    /// The rows of the round whose models are proved.
    pub(super) fn proved(&self) -> Result<&Dataset> {
        let proved = self.datasets.get(self.proved);
        proved.context("there are fewer rounds of rows than planned")
    }

    /// Leaves features, split and leak audit in the run's folder.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub(super) fn write(&self, folder: &Folder) -> Result<()> {
        self.proved()?.write(folder)?;
        if let Some(audit) = &self.audit {
            folder.write_json("audit.json", audit)?;
            folder.write("audit.txt", audit.to_string().as_bytes())?;
        }
        Ok(())
    }

    /// The first line of a run's journal.
    pub(super) fn header(&self, plan: &Plan, id: &str, created: &str) -> Result<Header> {
        let audit = self.audit.as_ref();
        let synthetic = self.proved()?.is_synthetic().then(|| SYNTHETIC.to_owned());
        Ok(Header {
            version: RECORD_VERSION,
            id: id.into(),
            created: created.into(),
            plan: plan.clone(),
            data: self.proved()?.record(),
            rows_sha256: self.sha256(),
            audit: audit.map(audit_record),
            warnings: synthetic
                .into_iter()
                .chain(audit.and_then(|audit| audit.warning.clone()))
                .collect(),
        })
    }

    /// The hash of all rounds' rows, labels and splits.
    fn sha256(&self) -> String {
        let mut rounds = Vec::with_capacity(32 * self.datasets.len());
        for dataset in &self.datasets {
            let split = &dataset.split;
            let mut bytes: Vec<u8> = dataset.matrix.labels.clone();
            bytes.extend(
                dataset
                    .matrix
                    .values
                    .iter()
                    .flat_map(|value| value.to_le_bytes()),
            );
            for rows in [&split.train, &split.calibration, &split.test] {
                bytes.extend((rows.len() as u64).to_le_bytes());
                bytes.extend(rows.iter().flat_map(|row| (*row as u64).to_le_bytes()));
            }
            rounds.extend(digest(&bytes));
        }
        hex(&digest(&rounds))
    }
}

/// What a record says of an audit.
fn audit_record(audit: &Audit) -> AuditRecord {
    let score = |of: zkassay_features::audit::Accuracy| AuditScore {
        mean: of.mean,
        standard_error: of.standard_error,
    };
    let scores = &audit.scores;
    let suspects = audit.suspects().take(SUSPECTS);
    AuditRecord {
        method: format!(
            "logistic regression, {} random splits",
            audit.settings.splits
        ),
        prices_only: score(scores.prices_only),
        as_given: score(scores.as_given),
        delayed: score(scores.delayed),
        suspects: suspects
            .map(|finding| format!("{} ({})", finding.feature, finding.form))
            .collect(),
        verdict: verdict(audit).into(),
    }
}

fn verdict(audit: &Audit) -> &str {
    audit.warning.as_deref().unwrap_or("no sign of a leak")
}

/// One line about an audit.
pub(super) fn audit_line(audit: &Audit) -> String {
    let scores = &audit.scores;
    format!(
        "logistic regression scores {:.3} on prices, {:.3} on all sources, {:.3} with the others a \
         day later: {}",
        scores.prices_only.mean,
        scores.as_given.mean,
        scores.delayed.mean,
        verdict(audit)
    )
}
