//! `cargo xtask peers`: zkassay beside EZKL and JSTprove, on the same models and rows.
//!
//! The comparison itself is `benches/peers/run.py`. This makes what it needs: the program that
//! measures zkassay, and an environment with pinned packages for each peer, in cargo's target
//! folder. A peer that cannot be installed is left out, and the record says why.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::cargo::{self, Program};
use crate::python::{check_python, install, interpreter};

const MODELS: [&str; 8] = [
    "162-1",
    "162-64-32-1",
    "162-128-64-32-1",
    "perceptron",
    "300-256-256-10",
    "cnn",
    "cnn-softmax",
    "lenet",
];
const PEERS: [&str; 2] = ["ezkl", "jstprove"];
const SCRIPTS: &str = "benches/peers";

/// Measure zkassay beside EZKL and JSTprove, on the same models and rows.
///
/// Makes an environment with pinned packages for each peer (JSTprove's takes 6 GB, because of
/// PyTorch, and needs Open MPI), runs all provers alternately for some 15 minutes, and leaves a
/// record and tables in Markdown. Needs CPython 3.11 on Linux x86-64. Leave the machine alone
/// meanwhile, or read only the CPU times.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  cargo xtask peers
  cargo xtask peers --models 162-1 --peers ezkl --proofs 2
  cargo xtask peers --python /usr/bin/python3.11 --docs")]
pub(crate) struct Peers {
    /// Models to measure; the perceptron is the study's, read from ../shared/seed/results.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = MODELS, default_values = MODELS)]
    models: Vec<String>,
    /// Peers to measure beside zkassay.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = PEERS, default_values = PEERS)]
    peers: Vec<String>,
    /// Rounds of proofs per model; a quick prover makes several proofs per round.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    proofs: u32,
    /// The Python that the environments are made with.
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// Folder for the record and the tables.
    #[arg(long, value_name = "DIR", default_value = "runs/peers")]
    out: PathBuf,
    /// Write docs/peers.md and docs/peers.json, too.
    #[arg(long)]
    docs: bool,
}

impl Peers {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        check_python(&self.python)?;
        let folder = cargo::target_directory()?.join("peers");
        // onnxruntime, which every error is measured against, is in EZKL's.
        let reference = environment(&self.python, &folder, "ezkl")?;
        let mut peers = self.peers.clone();
        let mut skipped = Vec::new();
        let mut jstprove = None;
        if peers.iter().any(|peer| peer == "jstprove") {
            match jstprove_environment(&self.python, &folder) {
                Ok(environment) => jstprove = Some(environment),
                Err(error) => {
                    eprintln!("JSTprove is left out: {error:#}");
                    skipped.push(format!("JSTprove: {error:#}"));
                    peers.retain(|peer| peer != "jstprove");
                }
            }
        }
        let measure = cargo::program(Program::Binary("measure"))?;

        let out = std::path::absolute(&self.out)
            .with_context(|| format!("the path {}", self.out.display()))?;
        let mut command = Command::new(interpreter(&reference));
        command.current_dir(cargo::root());
        // Without files of compiled scripts in the source tree.
        command.arg("-B").arg(format!("{SCRIPTS}/run.py"));
        let mut flag = |name: &str, value: OsString| {
            command.arg(name).arg(value);
        };
        flag("--measure", measure.get_program().to_owned());
        flag("--models", self.models.join(",").into());
        flag("--peers", peers.join(",").into());
        flag("--proofs", self.proofs.to_string().into());
        flag("--work", folder.join("work").into());
        flag("--out", out.clone().into());
        for reason in skipped {
            flag("--skipped", reason.into());
        }
        if let Some(environment) = jstprove {
            flag("--jstprove", environment.into());
        }
        cargo::check(command)?;
        if self.docs {
            for file in ["peers.md", "peers.json"] {
                let to = cargo::root().join("docs").join(file);
                fs::copy(out.join(file), &to)
                    .with_context(|| format!("cannot write {}", to.display()))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// JSTprove's environment, if it can run here.
fn jstprove_environment(python: &Path, folder: &Path) -> Result<PathBuf> {
    // Before gigabytes are downloaded in vain.
    let mut command = Command::new(python);
    command.args([
        "-c",
        "import ctypes.util; print(ctypes.util.find_library('mpi'))",
    ]);
    if cargo::output(command)?.trim() == "None" {
        bail!("it needs Open MPI: install it (Debian and Ubuntu: apt install openmpi-bin)");
    }
    environment(python, folder, "jstprove")
}

/// The environment of `tool` below `folder`, made anew if its requirements have changed.
fn environment(python: &Path, folder: &Path, tool: &str) -> Result<PathBuf> {
    let environment = folder.join(tool);
    install(
        python,
        &environment,
        &cargo::root().join(requirements(tool)),
    )?;
    Ok(environment)
}

fn requirements(tool: &str) -> String {
    format!("{SCRIPTS}/requirements-{tool}.txt")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::tests::assert_pinned;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        peers: Peers,
    }

    fn parse(arguments: &[&str]) -> Result<Peers, clap::Error> {
        let line = ["xtask"].iter().chain(arguments);
        Line::try_parse_from(line).map(|line| line.peers)
    }

    #[test]
    fn lists_are_checked_against_what_there_is() {
        let peers = parse(&["--models", "162-1,perceptron", "--peers", "ezkl"]).unwrap();
        assert_eq!(peers.models, ["162-1", "perceptron"]);
        assert_eq!(peers.peers, ["ezkl"]);
        assert_eq!(parse(&[]).unwrap().models, MODELS);
        assert!(parse(&["--models", "162-2"]).is_err());
        assert!(parse(&["--proofs", "0"]).is_err());
    }

    #[test]
    fn the_scripts_know_the_models_and_the_peers() {
        let read = |file: &str| fs::read_to_string(cargo::root().join(SCRIPTS).join(file)).unwrap();
        for model in MODELS {
            assert!(
                read("models.py").contains(&format!("\"{model}\"")),
                "{model}"
            );
            assert!(read("run.py").contains(&format!("\"{model}\"")), "{model}");
        }
        for peer in PEERS {
            assert_pinned(&requirements(peer), peer);
        }
    }
}
