//! Many rows: `zkassay prove --batch`, and what `verify` says of them.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use zkassay::hash::short;
use zkassay::{
    Batch, BatchRow, BatchVerdict, Error, ProvingKey, PublicData, Srs, VerifyingKey, prove_batch,
    verify_batch,
};
use zkassay_verifier::artefact::hex;

use crate::commands::proof::{advised, data, field_hex, statement};
use crate::commands::{count, files, keys, print};
use crate::progress::Spinner;

/// Rows and values that are shown; more of them are in the JSON only.
const SHOWN: usize = 10;

/// Proves the rows of a file, and writes the batch.
pub(crate) fn prove(
    json: bool,
    (key, srs): (&ProvingKey, &Srs),
    rows_path: &Path,
    proof_path: &Path,
    spinner: Spinner,
) -> Result<()> {
    let shown = || rows_path.display().to_string();
    if key.compiled().options().totals {
        return Err(Error::Totals.into());
    }
    let rows = files::rows_of(
        "--batch",
        rows_path,
        key.compiled().row_length(),
        &key.circuit().interface,
    )?;
    let started = Instant::now();
    let batch = prove_batch(srs, key, rows.view(), |done, total| {
        spinner.say(&progress(done, total, started));
    });
    let batch = match batch {
        Err(error @ Error::Row { .. }) => Err(error).with_context(shown)?,
        batch => batch.map_err(advised)?,
    };
    let seconds = started.elapsed().as_secs_f64();
    spinner.finish();
    let bytes = batch.to_bytes();
    files::write(proof_path, &bytes)?;

    let key = key.verifying_key();
    let origin = key.statement().srs;
    let lanes = key.statement().shape.lanes();
    // As a verifier reads them; the proofs were just made.
    let rows = key.batch_rows(&batch)?;
    let mut record = counts(rows.len(), batch.proofs.len(), lanes, seconds);
    record["rows"] = list(&rows);
    record["proof_path"] = json!(proof_path);
    record["bytes"] = json!(bytes.len());
    record["verifying_key"] = json!(hex(&key.digest()));
    record["srs"] = json!(origin.to_string());
    print(json, &record, || {
        let mut lines = vec![format!(
            "{}: {} bytes, {}, for verifying key {}",
            proof_path.display(),
            bytes.len(),
            sizes(rows.len(), batch.proofs.len(), lanes),
            short(&key.digest()),
        )];
        lines.extend(describe(&rows));
        lines.push(time(seconds, rows.len(), "inference"));
        if lanes == 1 && rows.len() > 1 {
            lines.push(
                "note        the key is for one inference in each proof: with settings of gen-settings \
                 --batch N, proofs of N share weights and tables"
                    .to_owned(),
            );
        }
        lines.push(format!("parameters  {}", keys::describe(origin)));
        lines.push(format!(
            "next: zkassay verify --proof-path {}",
            proof_path.display()
        ));
        lines.join("\n")
    })
}

/// Verifies a batch from a file, and prints what it says.
pub(crate) fn verify(
    json: bool,
    key: &VerifyingKey,
    batch: &Batch,
    proof_path: &Path,
) -> Result<()> {
    let started = Instant::now();
    let verdict = verify_batch(key, batch).with_context(|| proof_path.display().to_string())?;
    let seconds = started.elapsed().as_secs_f64();
    let record = record(key, &verdict, seconds);
    print(json, &record, || {
        let mut lines = vec![format!("{}: accepted", proof_path.display())];
        lines.extend(summary(key, &verdict));
        lines.push(time(seconds, verdict.rows.len(), "inference"));
        lines.join("\n")
    })
}

/// What an accepted batch says, for scripts; verified in so many seconds.
pub(crate) fn record(key: &VerifyingKey, verdict: &BatchVerdict, seconds: f64) -> Value {
    let BatchVerdict {
        rows,
        proofs,
        lanes,
        ..
    } = verdict;
    let mut record = counts(rows.len(), *proofs, *lanes, seconds);
    record["rows"] = list(rows);
    statement(key, &mut record);
    record
}

/// What an accepted batch says, in lines.
pub(crate) fn summary(key: &VerifyingKey, verdict: &BatchVerdict) -> Vec<String> {
    let BatchVerdict {
        rows,
        proofs,
        lanes,
        ..
    } = verdict;
    let mut lines = vec![format!(
        "batch       {}",
        sizes(rows.len(), *proofs, *lanes)
    )];
    lines.extend(describe(rows));
    lines.extend(super::proof::origin(key));
    lines
}

/// How many, for scripts.
fn counts(inferences: usize, proofs: usize, lanes: usize, seconds: f64) -> Value {
    json!({
        "inferences": inferences,
        "proofs": proofs,
        "inferences_per_proof": lanes,
        "seconds": seconds,
        "seconds_per_inference": seconds / inferences.max(1) as f64,
    })
}

/// How many, in words.
fn sizes(rows: usize, proofs: usize, lanes: usize) -> String {
    let copies = (proofs * lanes).saturating_sub(rows);
    let filled = match copies {
        0 => String::new(),
        _ => format!("; the last is filled up with {copies}"),
    };
    let [rows, proofs] = [count(rows, "inference"), count(proofs, "proof")];
    format!("{rows} in {proofs} of {lanes}{filled}")
}

/// How long it took, in a line.
pub(crate) fn time(seconds: f64, number: usize, thing: &str) -> String {
    format!(
        "time        {:.1} ms, {:.2} ms for each {thing}",
        1e3 * seconds,
        1e3 * seconds / number.max(1) as f64
    )
}

/// How far the proofs are.
pub(crate) fn progress(done: usize, total: usize, started: Instant) -> String {
    match done {
        0 => format!("proving, {}", count(total, "proof")),
        _ => {
            let each = started.elapsed().as_secs_f64() / done as f64;
            let left = each * total.saturating_sub(done) as f64;
            format!(
                "proving, {done} of {}, {left:.0} s left",
                count(total, "proof")
            )
        }
    }
}

/// The rows, for scripts.
fn list(rows: &[BatchRow]) -> Value {
    let row = |(index, row): (usize, &BatchRow)| json!({ "row": index, "input": data(&row.input), "output": data(&row.output) });
    rows.iter().enumerate().map(row).collect()
}

/// The rows, in lines.
fn describe(rows: &[BatchRow]) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(first) = rows.first() else {
        return lines;
    };
    // What nobody sees is said once.
    for (name, data) in [("input", &first.input), ("output", &first.output)] {
        if *data == PublicData::Private {
            lines.push(format!("{name:<12}private"));
        }
    }
    for (index, row) in rows.iter().take(SHOWN).enumerate() {
        let parts = [
            shown(&row.input).map(|input| format!("input {input}")),
            shown(&row.output).map(|output| format!("output {output}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if !parts.is_empty() {
            lines.push(format!(
                "{:<12}{}",
                format!("row {index}"),
                parts.join("; ")
            ));
        }
    }
    if rows.len() > SHOWN {
        let more = rows.len() - SHOWN;
        lines.push(format!("{:<12}and {more} more rows, see --json", ""));
    }
    lines
}

/// Values of a row in a line; none if they are private.
fn shown(data: &PublicData) -> Option<String> {
    match data {
        PublicData::Private => None,
        PublicData::Hashes(hashes) => {
            let hashes: Vec<String> = hashes.iter().map(field_hex).collect();
            Some(format!("hashed, {}", hashes.join(", ")))
        }
        PublicData::Values(values) => {
            let mut shown: Vec<String> = values
                .iter()
                .take(SHOWN)
                .map(|value| value.real.to_string())
                .collect();
            if values.len() > SHOWN {
                shown.push(format!("and {} more", values.len() - SHOWN));
            }
            Some(shown.join(", "))
        }
    }
}
