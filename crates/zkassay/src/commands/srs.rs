//! `zkassay get-srs` and `zkassay gen-srs`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use zkassay::srs::{GetOptions, find};
use zkassay::{Error, Srs};
use zkassay_data::FetchOptions;
use zkassay_prover::srs::LARGEST_LOGROWS;

use crate::commands::{data, files, print};
use crate::progress::{Bar, Spinner};

/// Get the parameters of a public ceremony.
///
/// They come from the Perpetual Powers of Tau, to which many people contributed: proofs can be
/// forged only if all of them kept and shared their secrets. A file is downloaded once, checked
/// against its pinned SHA-256, and kept in the cache. One that is there for more rows is used as
/// well.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay get-srs                              # what settings.json needs, into the cache
  zkassay get-srs --logrows 15 --srs-path kzg.srs
  zkassay get-srs -M model.compiled --mirror https://mirror.example.org
  zkassay get-srs --logrows 15 --offline       # is it there?

Other parameters in the format of halo2 or EZKL need no import: setup and prove read them with
--srs-path. Keys made with them are marked `imported`.")]
pub(crate) struct GetSrs {
    /// log2 of the rows [default: what the circuit or the settings need].
    #[arg(long, value_name = "K")]
    logrows: Option<u32>,
    /// Calibrated settings, read if neither rows nor a circuit are given.
    #[arg(long, value_name = "FILE", default_value = "settings.json")]
    settings_path: PathBuf,
    /// A compiled circuit, read if no rows are given.
    #[arg(short = 'M', long, visible_alias = "circuit", value_name = "FILE")]
    compiled_circuit: Option<PathBuf>,
    /// Also write them to a file, in the format of halo2 and EZKL.
    #[arg(long, value_name = "FILE")]
    srs_path: Option<PathBuf>,
    /// Another server with files of the same names, instead of the start of the address.
    #[arg(long, value_name = "URL", value_parser = data::mirror)]
    mirror: Option<String>,
    /// Do not use the network.
    #[arg(long)]
    offline: bool,
    /// Where data is kept [default: $ZKASSAY_DATA_DIR, or zkassay in $XDG_CACHE_HOME or ~/.cache].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Attempts in a row without a byte of progress.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    attempts: u32,
    /// Seconds to wait for the next bytes.
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

impl GetSrs {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let logrows = self.logrows()?;
        let name = format!("parameters for 2^{logrows} rows");
        let bar = match json {
            true => Bar::new(&name),
            false => Bar::stderr(&name),
        };
        let options = GetOptions {
            data_dir: self.data_dir,
            fetch: FetchOptions {
                offline: self.offline,
                mirror: self.mirror,
                attempts: self.attempts,
                read_timeout: Duration::from_secs(self.timeout),
                ..FetchOptions::default()
            },
        };
        let found = find(logrows, &options, &bar);
        bar.finish();
        let found = found?;
        if let Some(path) = &self.srs_path {
            files::write(path, &found.srs.to_raw())?;
        }
        let record = json!({
            "logrows": logrows,
            "srs": found.srs.origin().to_string(),
            "path": found.path,
            "was_cached": found.was_cached,
            "srs_path": self.srs_path,
        });
        print(json, &record, || {
            let verb = match found.was_cached {
                true => "were there already",
                false => "fetched and checked",
            };
            let mut lines = vec![
                format!("the ceremony's {name}, {verb}"),
                found.path.display().to_string(),
            ];
            if let Some(path) = &self.srs_path {
                lines.push(format!("written to {}", path.display()));
            }
            lines.join("\n")
        })
    }

    fn logrows(&self) -> Result<u32> {
        if let Some(logrows) = self.logrows {
            return Ok(logrows);
        }
        if let Some(circuit) = &self.compiled_circuit {
            return Ok(files::circuit(circuit)?.compiled.logrows());
        }
        let settings = files::settings(&self.settings_path)?;
        let calibration = settings.calibration().ok_or(Error::NotCalibrated)?;
        Ok(calibration.logrows)
    }
}

/// Make parameters here, for tests: whoever makes parameters can forge proofs.
///
/// The secret behind them is drawn and dropped, but nobody else can know that it was dropped. They
/// are marked `unsafe-local`, and so is every key made with them; `verify --require-ceremony`
/// refuses those. 2^16 rows take some ten seconds on two cores, and twice as long for each one
/// more.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay gen-srs --logrows 15 --srs-path kzg.srs
  zkassay setup --srs-path kzg.srs")]
pub(crate) struct GenSrs {
    /// log2 of the rows.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=i64::from(LARGEST_LOGROWS)))]
    logrows: u32,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    srs_path: PathBuf,
}

impl GenSrs {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let logrows = self.logrows;
        let spinner = Spinner::new(json, &format!("making parameters for 2^{logrows} rows"));
        let srs = Srs::unsafe_local(logrows);
        let bytes = srs.to_bytes();
        files::write(&self.srs_path, &bytes)?;
        spinner.finish();
        let warning = "whoever made these parameters can forge proofs: use them for tests only, \
                       and get-srs for proofs that others rely on";
        let record = json!({
            "logrows": logrows,
            "srs": srs.origin().to_string(),
            "srs_path": self.srs_path,
            "bytes": bytes.len(),
            "warning": warning,
        });
        print(json, &record, || {
            format!(
                "{}: {} parameters for 2^{logrows} rows\nwarning: {warning}",
                self.srs_path.display(),
                srs.origin()
            )
        })
    }
}
