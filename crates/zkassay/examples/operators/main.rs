//! Takes every model of `fixtures/operators` through all stages and writes the table of
//! `docs/operators.md`: import, floats beside onnxruntime, integers, proof, forgeries.
//!
//! ```text
//! cargo run --release -p zkassay --example operators -- [--only TEXT] [--no-proofs] [--out FILE]
//! ```
//!
//! `cargo xtask operators` calls this.

mod fixture;
mod measure;
mod page;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Parser;

use fixture::Fixture;
use measure::Measured;

/// Every exporter's operators through all stages.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only models whose `exporter/name` contains this.
    #[arg(long)]
    only: Option<String>,
    /// Import and compare, but prove nothing.
    #[arg(long)]
    no_proofs: bool,
    /// File for the table.
    #[arg(long, default_value = "docs/operators.md")]
    out: PathBuf,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let folder = Path::new("fixtures/operators");
    let mut fixtures = fixture::all(folder)?;
    if let Some(only) = &arguments.only {
        fixtures.retain(|fixture| fixture.path.contains(only));
    }
    let start = Instant::now();
    let mut measured: Vec<(Fixture, Measured)> = Vec::with_capacity(fixtures.len());
    for fixture in fixtures {
        let result = measure::measure(&fixture, !arguments.no_proofs);
        eprintln!("{:45} {}", fixture.path, result.line());
        measured.push((fixture, result));
    }
    let page = page::page(&measured, !arguments.no_proofs, start.elapsed());
    zkassay_file::write(&arguments.out, page.as_bytes())
        .with_context(|| format!("cannot write {}", arguments.out.display()))?;
    Ok(())
}
