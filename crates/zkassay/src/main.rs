//! `zkassay`: assay a model, and prove it, from the command line.

mod commands;
mod exit;
mod progress;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{
    accuracy, choose, circuit, data, keys, proof, prove_model, random, report, settings, srs,
    table, witness,
};

/// How much does each point of accuracy cost to prove? Data sets, models, proofs.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print one JSON object on stdout, for scripts.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List, describe and fetch data sets.
    Data(data::Data),
    /// Prove an ONNX model: all stages in one command.
    ProveModel(prove_model::ProveModel),
    /// Show a model's nodes, and the size of its circuit.
    Table(table::Table),
    /// Write rows of random numbers for a model.
    GenRandomData(random::GenRandomData),
    /// Choose what a proof reveals, and what the layout is for.
    GenSettings(settings::GenSettings),
    /// Choose the scales on rows like the inputs to expect.
    CalibrateSettings(settings::CalibrateSettings),
    /// Lay out the circuit of a model and its calibrated settings.
    CompileCircuit(circuit::CompileCircuit),
    GetSrs(srs::GetSrs),
    GenSrs(srs::GenSrs),
    /// Evaluate a circuit on one input.
    GenWitness(witness::GenWitness),
    /// Check a witness against every gate, without keys.
    Mock(witness::Mock),
    /// Make the keys of a circuit.
    Setup(keys::Setup),
    Prove(proof::Prove),
    Verify(proof::Verify),
    /// Prove how many rows of a labelled data set a model classifies correctly.
    ProveAccuracy(accuracy::ProveAccuracy),
    /// Verify how many rows of a labelled data set a model classifies correctly.
    VerifyAccuracy(accuracy::VerifyAccuracy),
    /// Print the hash of a labelled data set.
    HashData(accuracy::HashData),
    Choose(choose::Choose),
    Report(report::Report),
}

const AFTER_HELP: &str = "\
From a model to a verified proof, in one command or in stages:
  zkassay prove-model network.onnx input.json --calibration calibration.json --out proof/

  zkassay gen-settings                  # network.onnx -> settings.json
  zkassay calibrate-settings            # calibration.json -> settings.json
  zkassay compile-circuit               # -> model.compiled
  zkassay get-srs                       # parameters of a public ceremony, into the cache
  zkassay setup                         # -> pk.key, vk.key
  zkassay gen-witness                   # input.json -> witness.json
  zkassay prove                         # -> proof.zkp
  zkassay verify                        # proof.zkp, vk.key -> verdict

Many inferences in one proof:
  zkassay gen-settings --batch 128      # and the stages up to setup
  zkassay prove --batch rows.json       # any number of rows -> proof.zkp

The accuracy of a model on a labelled data set:
  zkassay gen-settings --count correct --classes 2 --input-visibility public --batch 32
  zkassay prove-accuracy                # test.json -> accuracy.zkp
  zkassay verify-accuracy --data test.json --min-correct 100

What accuracy costs to prove, from the runs of the experiment:
  zkassay choose --max-prove 50ms --max-proof 4kB --min-accuracy 60%
  zkassay report runs/A runs/B          # two runs side by side

Exit codes:
  0  done
  1  something is wrong with a file, the data or a directory
  2  the command line cannot be understood
  3  the data set or the parameters are not in the cache, or not whole
  4  a server could not be reached, refused, or sent something else
  5  the proof is rejected
  6  artefacts do not belong together: another model, circuit, key or parameters
  7  no model is within the budget";

impl Command {
    fn run(self, json: bool) -> anyhow::Result<()> {
        match self {
            Self::Data(command) => command.run(json),
            Self::ProveModel(command) => command.run(json),
            Self::Table(command) => command.run(json),
            Self::GenRandomData(command) => command.run(json),
            Self::GenSettings(command) => command.run(json),
            Self::CalibrateSettings(command) => command.run(json),
            Self::CompileCircuit(command) => command.run(json),
            Self::GetSrs(command) => command.run(json),
            Self::GenSrs(command) => command.run(json),
            Self::GenWitness(command) => command.run(json),
            Self::Mock(command) => command.run(json),
            Self::Setup(command) => command.run(json),
            Self::Prove(command) => command.run(json),
            Self::Verify(command) => command.run(json),
            Self::ProveAccuracy(command) => command.run(json),
            Self::VerifyAccuracy(command) => command.run(json),
            Self::HashData(command) => command.run(json),
            Self::Choose(command) => command.run(json),
            Self::Report(command) => command.run(json),
        }
    }
}

fn main() -> ExitCode {
    let Arguments { command, json } = Arguments::parse();
    match command.run(json) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            exit::code(&error)
        }
    }
}
