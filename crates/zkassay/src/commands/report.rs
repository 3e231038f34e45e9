//! `zkassay report`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde_json::json;
use zkassay_report::{RunRecord, compare, read, write_report};

use crate::commands::{files, print};

/// Write a run's report anew from its record, or lay two runs side by side.
///
/// With two runs: accuracy, times, sizes and memory of every model in both, ratios with intervals,
/// what differs in machine, revision, data, seed and settings, and the models only one has. Other
/// data or another machine is said first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay report runs/2022-06-01-000000                     # report, tables and plots, in its folder
  zkassay report runs/2022-06-01-000000 runs/2022-06-02-000000
  zkassay report before/record.json after/record.json --out comparison.md")]
pub(crate) struct Report {
    /// A run's folder or its record.json.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Another run, to be compared with the first.
    #[arg(value_name = "RUN")]
    second: Option<PathBuf>,
    /// Write the comparison into this file, too, as Markdown.
    #[arg(long, value_name = "FILE", requires = "second")]
    out: Option<PathBuf>,
}

impl Report {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let record = read(&self.run)?;
        let Some(second) = self.second else {
            return report(json, &self.run, &record);
        };
        let comparison = compare(&record, &read(&second)?);
        if let Some(out) = &self.out {
            files::write(out, comparison.markdown().as_bytes())?;
        }
        print(json, &json!(comparison), || {
            let written = self
                .out
                .iter()
                .map(|out| format!("\n\n-> {}", out.display()));
            let text = comparison.text();
            std::iter::once(text.trim_end().to_owned())
                .chain(written)
                .collect()
        })
    }
}

/// The files of one run's report, beside its record.
fn report(json: bool, run: &Path, record: &RunRecord) -> Result<()> {
    let folder = match (run.is_dir(), run.parent()) {
        (true, _) => run,
        (false, Some(parent)) if parent != Path::new("") => parent,
        (false, _) => Path::new("."),
    };
    let written = write_report(folder, record)?;
    print(json, &json!({ "run": record.id, "files": written }), || {
        let lines = written.iter().map(|path| format!("-> {}", path.display()));
        lines.collect::<Vec<_>>().join("\n")
    })
}
