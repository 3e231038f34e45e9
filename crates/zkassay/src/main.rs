//! `zkassay`: assay a model, and prove it, from the command line.

mod data;
mod progress;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// How much does each point of accuracy cost to prove? Data sets, models, proofs.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List, describe and fetch data sets.
    Data(data::Data),
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something is wrong with the data, a file or a directory
  2  the command line cannot be understood
  3  the data set is not in the cache, or not whole
  4  a server could not be reached, refused, or sent something else";

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Data(command) => command.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            data::exit_code(&error)
        }
    }
}
