//! `cargo xtask experiment`: builds the experiment and runs it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::cargo;
use crate::ezkl;

// The program's own flags: `--help` and mistakes are answered before anything is built.
#[path = "../../crates/zkassay-experiment/src/plan/flags.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "most flags are read by the program alone, where this is a public module"
)]
mod flags;

/// Train, prove and verify a family of models and report accuracy beside cost.
///
/// Builds the experiment in release mode and runs it. It prints a table and leaves the record, CSV
/// files, plots and a report (HTML and Markdown) in a folder of its own. A run that is interrupted
/// goes on with --resume. With --peers ezkl, EZKL's environment is made first; that needs CPython
/// 3.11, and without it the run goes on without EZKL, and says so.
#[derive(Debug, Args)]
#[command(after_long_help = flags::EXAMPLES)]
pub(crate) struct Experiment {
    #[command(flatten)]
    flags: flags::Flags,
}

impl Experiment {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        // As they were typed, after the program and the subcommand; they are known to be right.
        let mut arguments: Vec<OsString> = std::env::args_os().skip(2).collect();
        let here = std::env::current_dir().context("the working folder is not known")?;
        arguments.extend(["--relative-to".into(), here.into_os_string()]);
        let program = build()?;
        if self.flags.ezkl.is_none() && self.may_have_peers() && has_peers(&program, &arguments) {
            arguments.extend(environment(self.flags.dry_run)?);
        }
        cargo::pass_through(with(&program, &arguments))
    }

    /// Whether a plan may have peers: those of profiles have none unless they are asked for.
    fn may_have_peers(&self) -> bool {
        self.flags.peers.is_some() || self.flags.plan.is_some() || self.flags.resume.is_some()
    }
}

/// Builds the experiment and returns the command that runs it with `arguments`.
pub(crate) fn command(arguments: &[&str]) -> Result<Command> {
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    Ok(with(&build()?, &arguments))
}

/// Builds the experiment together with the prover that it starts, and returns its path.
fn build() -> Result<PathBuf> {
    let programs = ["zkassay-experiment", "zkassay-worker"].map(cargo::Program::Binary);
    let [program, _] = cargo::programs(programs)?;
    Ok(program.get_program().into())
}

fn with(program: &Path, arguments: &[OsString]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(cargo::root());
    command
}

/// Whether the plan has peers, wherever it comes from. If that cannot be told, the run itself says
/// why.
fn has_peers(program: &Path, arguments: &[OsString]) -> bool {
    let mut command = with(program, arguments);
    command.arg("--list-peers");
    cargo::output(command).is_ok_and(|peers| peers.lines().any(|peer| peer == "ezkl"))
}

/// The flags that say where EZKL's environment is, or why there is none. It is made if need be,
/// unless nothing is to be written.
fn environment(is_dry: bool) -> Result<[OsString; 2]> {
    let made = match is_dry {
        true => Ok(cargo::target_directory()?.join("peers/ezkl")),
        false => ezkl::environment(None),
    };
    Ok(match made {
        Ok(environment) => ["--ezkl".into(), environment.into_os_string()],
        Err(error) => {
            eprintln!("EZKL is left out: {error:#}");
            ["--ezkl-missing".into(), format!("{error:#}").into()]
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        experiment: Experiment,
    }

    fn parse(arguments: &[&str]) -> Result<Experiment, clap::Error> {
        let line = ["xtask"].iter().chain(arguments);
        Ok(Line::try_parse_from(line)?.experiment)
    }

    #[test]
    fn the_programs_flags_are_ours() {
        let experiment = parse(&["-n", "3", "--models", "mlp-*", "--profile", "full"]).unwrap();
        assert_eq!(experiment.flags.proofs, Some(3));
        assert_eq!(experiment.flags.profile.as_deref(), Some("full"));
        assert!(!experiment.may_have_peers());
        assert!(parse(&["--peers", "ezkl"]).unwrap().may_have_peers());
        assert!(parse(&["--resume"]).unwrap().may_have_peers());
        assert!(parse(&["--resume", "runs/a"]).unwrap().may_have_peers());
    }

    #[test]
    fn mistakes_are_answered_without_the_program() {
        for arguments in [
            &["-n", "many"][..],
            &["-n", "0"],
            &["--seed", "-1"],
            &["--profile", "ful"],
            &["--peers", "ezkll"],
            &["--proof", "3", "--unknown"],
            &["--table", "a.csv"],
            &["--table", "a.csv", "--label", "b", "--mode", "paper"],
            &["--plan", "a.toml", "--profile", "full"],
            &["--peer-limit", "0"],
        ] {
            assert!(parse(arguments).is_err(), "{arguments:?}");
        }
        let message = parse(&["--profile", "ful"]).unwrap_err().to_string();
        assert!(message.contains("full"), "{message}");
    }

    #[test]
    fn a_failure_of_the_question_is_left_to_the_run() {
        assert!(!has_peers(Path::new("zkassay-no-such-program"), &[]));
        let shell = |script: &str| has_peers(Path::new("/bin/sh"), &["-c".into(), script.into()]);
        assert!(shell("echo ezkl"));
        assert!(!shell("echo ezkl; exit 1"));
        assert!(!shell("echo"));
    }

    #[test]
    fn a_dry_run_makes_no_environment() {
        let [flag, folder] = environment(true).unwrap();
        assert_eq!(flag, "--ezkl");
        let target = cargo::target_directory().unwrap();
        assert_eq!(PathBuf::from(folder), target.join("peers/ezkl"));
    }
}
