//! The project's commands: `cargo xtask <command>`, from anywhere inside the
//! workspace.
//!
//! This package compiles in seconds, because it depends on no other crate of
//! the workspace: what needs them is started through cargo.

mod accuracy;
mod bench_compare;
mod browser;
mod cargo;
mod ci;
mod experiment;
mod ezkl;
mod fixtures;
mod fuzz;
mod operators;
mod peers;
mod python;
mod test;
mod tidy;
mod training;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Experiments, tests and checks of the zkassay workspace.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Experiment(Box<experiment::Experiment>),
    Accuracy(Box<accuracy::Accuracy>),
    BenchCompare(bench_compare::BenchCompare),
    Browser(browser::Browser),
    Test(test::Test),
    Fixtures(fixtures::Fixtures),
    Ezkl(ezkl::Ezkl),
    Fuzz(fuzz::Fuzz),
    Operators(operators::Operators),
    Peers(peers::Peers),
    Python(python::Python),
    Tidy(tidy::Tidy),
    Training(training::Training),
    Ci(ci::Ci),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Experiment(command) => command.run(),
        Command::Accuracy(command) => command.run(),
        Command::BenchCompare(command) => command.run(),
        Command::Browser(command) => command.run(),
        Command::Test(command) => command.run(),
        Command::Fixtures(command) => command.run(),
        Command::Ezkl(command) => command.run(),
        Command::Fuzz(command) => command.run(),
        Command::Operators(command) => command.run(),
        Command::Peers(command) => command.run(),
        Command::Python(command) => command.run(),
        Command::Tidy(command) => command.run(),
        Command::Training(command) => command.run(),
        Command::Ci(command) => command.run(),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example_in_its_help() {
        for command in Cli::command().get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            assert!(help.contains("Examples:\n  cargo xtask "), "{help}");
        }
    }
}
