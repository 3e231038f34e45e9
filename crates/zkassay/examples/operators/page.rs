//! The page: operator by exporter, then what is not done and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use crate::fixture::Fixture;
use crate::measure::{Imported, Measured};

type Row<'a> = (&'a Fixture, &'a Measured);

/// The folders and what they are called.
const EXPORTERS: [(&str, &str); 9] = [
    ("torchscript", "PyTorch, TorchScript"),
    ("dynamo", "PyTorch, dynamo"),
    ("sklearn", "scikit-learn, skl2onnx"),
    ("hummingbird", "scikit-learn, Hummingbird"),
    ("keras", "Keras on TensorFlow"),
    ("keras-torch", "Keras on PyTorch"),
    ("tensorflow", "TensorFlow, tf2onnx"),
    ("onnxruntime", "onnxruntime's quantiser"),
    ("onnx", "by hand"),
];

/// What several models have in common.
#[derive(Debug, Default)]
struct Group {
    models: usize,
    imported: usize,
    float: f64,
    quantised: usize,
    integer: f64,
    proved: usize,
    logrows: Option<(u32, u32)>,
    times: Vec<(Duration, Duration)>,
    forged: usize,
    caught: usize,
}

impl Group {
    fn of<'a>(rows: impl Iterator<Item = Row<'a>>) -> Self {
        let mut group = Self::default();
        for (_, measured) in rows {
            group.models += 1;
            if let Measured::Imported(imported) = measured {
                group.add(imported);
            }
        }
        group.times.sort();
        group
    }

    fn add(&mut self, imported: &Imported) {
        self.imported += 1;
        if let Ok(float) = imported.float {
            self.float = self.float.max(float);
        }
        if let Some(Ok(integer)) = imported.integer {
            self.quantised += 1;
            self.integer = self.integer.max(integer);
        }
        if let Some(Ok(proved)) = imported.proof {
            self.proved += 1;
            let (low, high) = self.logrows.unwrap_or((proved.logrows, proved.logrows));
            self.logrows = Some((low.min(proved.logrows), high.max(proved.logrows)));
            self.times.push((proved.prove, proved.verify));
            self.forged += proved.forged;
            self.caught += proved.caught;
        }
    }

    /// The cells of a row, without its head.
    fn cells(&self, proofs: bool) -> String {
        let mut cells = format!(
            "{} | {} | {} |",
            of(self.imported, self.models),
            error(self.imported, self.float),
            error(self.quantised, self.integer)
        );
        if proofs {
            let forged = match self.forged {
                0 => "-".to_owned(),
                forged => of(self.caught, forged),
            };
            let _ = write!(cells, " {} | {forged} |", of(self.proved, self.models));
        }
        cells
    }
}

/// `a` if it is all of `b`, otherwise how many of how many.
fn of(a: usize, b: usize) -> String {
    match a == b {
        true => a.to_string(),
        false => format!("{a} of {b}"),
    }
}

fn error(models: usize, error: f64) -> String {
    match models {
        0 => "-".to_owned(),
        _ if error == 0.0 => "0".to_owned(),
        _ => format!("{error:.1e}"),
    }
}

/// The whole page.
pub(crate) fn page(measured: &[(Fixture, Measured)], proofs: bool, took: Duration) -> String {
    let mut page = "# What exporters write, and what becomes of it\n\n".to_owned();
    let _ = writeln!(
        page,
        "Made by `cargo xtask operators{}` in {:.1} minutes from the {} models of \
         [fixtures/operators](../fixtures/operators/README.md), which are as their exporters wrote them. Each is imported as it \
         is and evaluated on its rows. *Float difference* is the greatest difference from onnxruntime, in parts of the \
         greater of 1 and the result; *integer error* is that of the model with integers, which a proof is about, from our floats, \
         in parts of the greater of 1 and the output's greatest magnitude on the rows. \
         A model with several operators counts for each of them. (Of `SVMClassifier`'s probabilities, onnxruntime has those at \
         which libsvm's iteration stops, and this project those that it converges to; they differ by up to 0.005.){}\n",
        if proofs { "" } else { " --no-proofs" },
        took.as_secs_f64() / 60.0,
        measured.len(),
        if proofs {
            " *Proved* says that the first row was proved and the proof verified from its bytes; *forgeries* are \
             proofs with outputs one greater or less, or with changed bytes, and how many of them were refused. (That no \
             cell of the circuit can be changed is another test, in `zkassay-circuit`.)"
        } else {
            ""
        }
    );
    let rows: Vec<Row<'_>> = measured.iter().map(|(f, m)| (f, m)).collect();
    exporters(&mut page, &rows, proofs);
    operators(&mut page, &rows, proofs);
    refused(&mut page, &rows);
    failures(
        &mut page,
        "Not calibrated",
        &rows,
        |imported| match &imported.integer {
            Some(Err(reason)) => Some(reason),
            _ => None,
        },
    );
    failures(&mut page, "Not proved", &rows, |imported| {
        match &imported.proof {
            Some(Err(reason)) => Some(reason),
            _ => None,
        }
    });
    page
}

fn head(page: &mut String, first: &str, proofs: bool) {
    let (names, lines) = match proofs {
        true => (" proved | forgeries refused |", "---:|---:|"),
        false => ("", ""),
    };
    let columns = first.matches('|').count();
    let _ = writeln!(
        page,
        "{first} imported | float difference | integer error |{names}\n{}|---:|---:|---:|{lines}",
        "|---".repeat(columns.saturating_sub(1))
    );
}

fn exporters(page: &mut String, rows: &[Row<'_>], proofs: bool) {
    let _ = writeln!(page, "## Exporters\n");
    head(page, "| exporter | versions | models |", proofs);
    for (folder, name) in EXPORTERS {
        let own = || rows.iter().copied().filter(|(f, _)| f.exporter == folder);
        let group = Group::of(own());
        // Versions of operator sets, which vary among those by hand, come after the first comma.
        let versions: BTreeSet<&str> = own().map(|(f, _)| version(f)).collect();
        let versions: Vec<&str> = versions.into_iter().collect();
        if group.models > 0 {
            let (versions, models) = (versions.join("; "), group.models);
            let cells = group.cells(proofs);
            let _ = writeln!(page, "| {name} | {versions} | {models} | {cells}");
        }
    }
    let all = Group::of(rows.iter().copied());
    let _ = writeln!(page, "| all | | {} | {}", all.models, all.cells(proofs));
    if let (Some((low, high)), Some((prove, verify))) =
        (all.logrows, all.times.get(all.times.len() / 2))
    {
        let _ = writeln!(
            page,
            "\nTables of 2^{low} to 2^{high} rows; the median proof took {prove:.0?}, and {verify:.1?} to verify."
        );
    }
    page.push('\n');
}

fn version(fixture: &Fixture) -> &str {
    match fixture.exporter.as_str() {
        "onnx" => fixture.version.split(',').next().unwrap_or_default(),
        _ => &fixture.version,
    }
}

fn operators(page: &mut String, rows: &[Row<'_>], proofs: bool) {
    let _ = writeln!(page, "## Operators\n");
    head(page, "| operator | exporter |", proofs);
    let mut found: BTreeMap<(bool, &str), Vec<Row<'_>>> = BTreeMap::new();
    for row in rows {
        for operator in &row.0.operators {
            // Those of other domains after ONNX's own.
            let key = (operator.contains('.'), operator.as_str());
            found.entry(key).or_default().push(*row);
        }
    }
    for ((_, operator), rows) in found {
        for (folder, name) in EXPORTERS {
            let own = rows.iter().copied().filter(|(f, _)| f.exporter == folder);
            let group = Group::of(own);
            if group.models > 0 {
                let _ = writeln!(page, "| {operator} | {name} | {}", group.cells(proofs));
            }
        }
    }
    page.push('\n');
}

fn refused(page: &mut String, rows: &[Row<'_>]) {
    let _ = writeln!(page, "## Refused\n\n| model | message |\n|---|---|");
    for (fixture, measured) in rows {
        if let Measured::Refused(reason) = measured {
            // The list of what is supported, a hundred operators, is in each of these messages.
            let (reason, more) = match reason.split_once("; supported:") {
                Some((reason, _)) => (reason, "; supported: ..."),
                None => (reason.as_str(), ""),
            };
            let _ = writeln!(page, "| {} | {}{more} |", fixture.path, cell(reason));
        }
    }
    page.push('\n');
}

fn failures<'a>(
    page: &mut String,
    title: &str,
    rows: &[Row<'a>],
    reason: impl Fn(&'a Imported) -> Option<&'a String>,
) {
    let failed: Vec<_> = rows
        .iter()
        .filter_map(|(fixture, measured)| match measured {
            Measured::Imported(imported) => Some((&fixture.path, reason(imported)?)),
            Measured::Refused(_) => None,
        })
        .collect();
    if failed.is_empty() {
        return;
    }
    let _ = writeln!(page, "## {title}\n\n| model | message |\n|---|---|");
    for (path, reason) in failed {
        let _ = writeln!(page, "| {path} | {} |", cell(reason));
    }
    page.push('\n');
}

/// A message as a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
