//! `cargo xtask peers`: zkassay beside EZKL and JSTprove, on the same models and rows.
//!
//! The comparison itself is `benches/peers/run.py`. This makes what it needs: zkassay's worker, and
//! an environment with pinned packages for each peer, in cargo's target folder. A peer that cannot be installed is left out, and the record says why.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::cargo::{self, Program};
use crate::ezkl;
use crate::python::{check_python, exporters, install, interpreter};

/// Every model, and the names of the groups that they are in.
const MODELS: [&str; 21] = [
    "networks",
    "162-1",
    "162-64-32-1",
    "162-128-64-32-1",
    "perceptron",
    "300-256-256-10",
    "cnn",
    "cnn-softmax",
    "lenet",
    "trees",
    "tree-8",
    "forest-10",
    "forest-100",
    "boosted-200",
    "forest-500x3",
    "batches",
    "162-128-64-32-1@1",
    "162-128-64-32-1@8",
    "162-128-64-32-1@16",
    "162-128-64-32-1@32",
    "162-128-64-32-1@128",
];
const GROUPS: [&str; 3] = ["networks", "trees", "batches"];
const PEERS: [&str; 2] = ["ezkl", "jstprove"];
const SCRIPTS: &str = "benches/peers";
const JSTPROVE_REQUIREMENTS: &str = "benches/peers/requirements-jstprove.txt";

/// Measure zkassay beside EZKL and JSTprove, on the same models and rows.
///
/// Makes an environment with pinned packages for each peer (JSTprove's takes 6 GB, because of
/// PyTorch, and needs Open MPI; trees for the peers are written by Hummingbird in that of `cargo
/// xtask python --exporters`, another 6 GB), runs all provers alternately, and leaves a record and
/// tables in Markdown, written anew after each model. Networks take some 15 minutes, batches ten,
/// trees half an hour, most of it until EZKL fails. Needs CPython 3.11 on Linux x86-64. Leave the
/// machine alone meanwhile, or read only the CPU times.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  cargo xtask peers
  cargo xtask peers --models trees,batches --peers ezkl --docs peers-trees
  cargo xtask peers --models tree-8 --peers ezkl --proofs 1 --limit 60 --out /tmp/peers
  cargo xtask peers --resume
  cargo xtask peers --python /usr/bin/python3.11 --docs")]
pub(crate) struct Peers {
    /// Models to measure, or groups of them; after @ stands the number of inferences in one proof.
    /// The perceptron is the study's, read from ../shared/seed/results.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = MODELS, default_values = GROUPS)]
    models: Vec<String>,
    /// Peers to measure beside zkassay.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = PEERS, default_values = PEERS)]
    peers: Vec<String>,
    /// Rounds of proofs per model; a quick prover makes several proofs per round.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    proofs: u32,
    /// What one prover has for one model, from calibration to the last proof.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Memory that one prover may have [default: three quarters of the machine's].
    #[arg(long, value_name = "GB", value_parser = clap::value_parser!(u32).range(1..))]
    memory: Option<u32>,
    /// Go on with the record in the folder: what it has is not measured again.
    #[arg(long)]
    resume: bool,
    /// The Python that the environments are made with.
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// Folder for the record and the tables.
    #[arg(long, value_name = "DIR", default_value = "runs/peers")]
    out: PathBuf,
    /// Write docs/NAME.md and docs/NAME.json, too [name: peers].
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "peers")]
    docs: Option<String>,
}

impl Peers {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        check_python(&self.python)?;
        let folder = cargo::target_directory()?.join("peers");
        // onnxruntime, which every error is measured against, is in EZKL's.
        let reference = ezkl::make(&self.python)?;
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
        let mut trees = None;
        if self.has_trees() && !peers.is_empty() {
            match exporters(&self.python) {
                Ok(environment) => trees = Some(environment),
                Err(error) => {
                    eprintln!("trees are left out for the peers: {error:#}");
                    skipped.push(format!("trees for the peers: {error:#}"));
                }
            }
        }
        let worker = cargo::program(Program::Binary("zkassay-worker"))?;

        let out = std::path::absolute(&self.out)
            .with_context(|| format!("the path {}", self.out.display()))?;
        let mut command = Command::new(interpreter(&reference));
        command.current_dir(cargo::root());
        // Without files of compiled scripts in the source tree.
        command.arg("-B").arg(format!("{SCRIPTS}/run.py"));
        let mut flag = |name: &str, value: OsString| {
            command.arg(name).arg(value);
        };
        flag("--worker", worker.get_program().to_owned());
        flag("--models", self.models.join(",").into());
        flag("--peers", peers.join(",").into());
        flag("--proofs", self.proofs.to_string().into());
        flag("--limit", self.limit.to_string().into());
        flag("--work", folder.join("work").into());
        flag("--out", out.clone().into());
        for reason in skipped {
            flag("--skipped", reason.into());
        }
        if let Some(environment) = jstprove {
            flag("--jstprove", environment.into());
        }
        if let Some(environment) = trees {
            flag("--exporters", environment.into());
        }
        if let Some(memory) = self.memory {
            flag("--memory", memory.to_string().into());
        }
        if self.resume {
            command.arg("--resume");
        }
        cargo::check(command)?;
        if let Some(name) = &self.docs {
            for extension in ["md", "json"] {
                let from = out.join("peers").with_extension(extension);
                let to = cargo::root()
                    .join("docs")
                    .join(format!("{name}.{extension}"));
                fs::copy(from, &to).with_context(|| format!("cannot write {}", to.display()))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Whether models are measured that Hummingbird writes for the peers.
    fn has_trees(&self) -> bool {
        let is_tree = |model: &String| {
            let families = ["trees", "tree-", "forest-", "boosted-"];
            families.iter().any(|family| model.starts_with(family))
        };
        self.models.iter().any(is_tree)
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
    let environment = folder.join("jstprove");
    install(
        python,
        &environment,
        &cargo::root().join(JSTPROVE_REQUIREMENTS),
    )?;
    Ok(environment)
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
        assert_eq!(parse(&[]).unwrap().models, GROUPS);
        assert!(parse(&["--models", "162-2"]).is_err());
        assert!(parse(&["--proofs", "0"]).is_err());
    }

    #[test]
    fn docs_are_written_under_a_name() {
        let name = |line: &[&str]| parse(line).unwrap().docs;
        assert_eq!(name(&[]), None);
        assert_eq!(name(&["--docs"]).as_deref(), Some("peers"));
        let trees = name(&["--docs", "peers-trees", "--models", "tree-8"]);
        assert_eq!(trees.as_deref(), Some("peers-trees"));
    }

    #[test]
    fn hummingbird_is_needed_for_trees_alone() {
        let has_trees = |models| parse(&["--models", models]).unwrap().has_trees();
        assert!(has_trees("162-1,forest-10") && has_trees("trees"));
        assert!(!has_trees("networks,162-128-64-32-1@16"));
        assert!(parse(&[]).unwrap().has_trees());
    }

    #[test]
    fn the_scripts_know_the_models_and_the_peers() {
        let read = |file: &str| fs::read_to_string(cargo::root().join(SCRIPTS).join(file)).unwrap();
        let batches = "[1, 8, 16, 32, 128]";
        assert!(read("models.py").contains(batches));
        for model in MODELS {
            let (base, batch) = model.split_once('@').unwrap_or((model, "1"));
            assert!(read("models.py").contains(&format!("\"{base}\"")), "{base}");
            let is_batch = |of: &str| of.trim_matches(['[', ']']) == batch;
            assert!(batches.split(", ").any(is_batch), "{model}");
        }
        assert_pinned(JSTPROVE_REQUIREMENTS, "jstprove");
        for package in ["ezkl", "onnxruntime", "scikit-learn", "skl2onnx"] {
            assert_pinned(ezkl::REQUIREMENTS, package);
        }
    }

    #[test]
    fn trees_are_read_by_the_scikit_learn_that_wrote_them() {
        // What is fitted in the one environment is exported in the other.
        let version = |file: &str| {
            let text = fs::read_to_string(cargo::root().join(file)).unwrap();
            let lines = text.lines();
            let found = lines.filter(|line| line.starts_with("scikit-learn=="));
            found.map(str::to_owned).collect::<Vec<_>>()
        };
        let exporters = version("fixtures/exporters/requirements.txt");
        assert_eq!(exporters.len(), 1);
        assert_eq!(exporters, version(ezkl::REQUIREMENTS));
    }
}
