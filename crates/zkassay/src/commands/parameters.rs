//! Which parameters of the commitment scheme a command uses.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use zkassay::{ProvingKey, Srs, SrsOrigin};

use crate::commands::files;

/// Where parameters made on the spot are kept.
pub(crate) const LOCAL: &str = "kzg.srs";

/// Which parameters to use.
#[derive(Debug, Args)]
pub(crate) struct ParametersArgs {
    /// Parameters in a file of get-srs, gen-srs, halo2 or EZKL [default: the ceremony's, which
    /// get-srs puts into the cache].
    #[arg(
        long,
        visible_alias = "srs",
        value_name = "FILE",
        conflicts_with = "unsafe_local_srs"
    )]
    pub(crate) srs_path: Option<PathBuf>,
    /// Make parameters here and keep them in kzg.srs. For tests only: keys and proofs are
    /// marked, since whoever makes parameters can forge proofs.
    #[arg(long)]
    pub(crate) unsafe_local_srs: bool,
}

impl ParametersArgs {
    /// Parameters for the keys of a circuit with `2^logrows` rows.
    pub(crate) fn for_setup(&self, logrows: u32) -> Result<Srs> {
        match (&self.srs_path, self.unsafe_local_srs) {
            (Some(path), _) => Ok(Srs::from_file_for(path, logrows)?),
            (None, true) => local(Path::new(LOCAL), logrows),
            (None, false) => Ok(zkassay::srs::cached(logrows)?),
        }
    }
}

/// The parameters that a proving key was made with.
pub(crate) fn for_proof(path: Option<&Path>, key: &ProvingKey) -> Result<Srs> {
    let logrows = key.compiled().logrows();
    of_key(path, key.verifying_key().statement().srs, logrows)
}

/// The parameters of a key for `2^logrows` rows, of the given origin.
pub(crate) fn of_key(path: Option<&Path>, origin: SrsOrigin, logrows: u32) -> Result<Srs> {
    match (path, origin) {
        (Some(path), _) => Ok(Srs::from_file_for(path, logrows)?),
        (None, SrsOrigin::Ceremony) => Ok(zkassay::srs::cached(logrows)?),
        (None, _) if Path::new(LOCAL).exists() => {
            Ok(Srs::from_file_for(Path::new(LOCAL), logrows)?)
        }
        (None, _) => bail!(
            "the key was made with {origin} parameters, and there is no {LOCAL} here: \
             pass the file that setup used with --srs-path"
        ),
    }
}

/// Local parameters from a file, or made and written to it.
fn local(path: &Path, logrows: u32) -> Result<Srs> {
    let shown = path.display();
    if !path.exists() {
        let srs = Srs::unsafe_local(logrows);
        files::write(path, &srs.to_bytes())?;
        return Ok(srs);
    }
    let srs = Srs::from_file(path)?;
    let (origin, found) = (srs.origin(), srs.logrows());
    if origin != SrsOrigin::UnsafeLocal {
        bail!("{shown} holds {origin} parameters: to use those, pass --srs-path {shown}");
    }
    srs.downsized(logrows).with_context(|| {
        format!(
            "{shown} was made for 2^{found} rows: to make new parameters, move it away \
             (keys made with it will need it)"
        )
    })
}
