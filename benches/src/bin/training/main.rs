//! Every network of the study in many rounds: all rounds at once, one by one, and in PyTorch.
//!
//! `cargo xtask training` makes PyTorch's environment and starts this. It leaves `training.json`
//! and `training.md`, and prints the table.
//!
//! Networks are measured one after the other, and the ways take turns on each, so that what
//! disturbs the machine disturbs all. All rounds at once are trained in full, once; of the other
//! ways there are samples, whose median is scaled to as many rounds and epochs: epochs are all
//! alike.

mod data;
mod products;
mod record;
mod report;
mod torch;

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use zkassay_benches::INPUTS;
use zkassay_models::{Activation, Hyperparameters as _, MlpParams, MlpSpec, Round, mlp};

use data::Data;
use record::{Network, Record, Run, Timing, TorchRun, TorchTimings};
use torch::{Torch, Way};

/// Samples of every way that is not trained in full.
const SAMPLES: usize = 3;

/// Train every network of the study in many rounds, and time it.
#[derive(Debug, Parser)]
struct Arguments {
    /// Trainings of each network, each with rows and a seed of its own.
    #[arg(long, value_name = "N", default_value_t = 20)]
    rounds: usize,
    /// Epochs of each, full-batch.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    epochs: usize,
    /// Hidden widths, such as `64-32`; `logistic` has none [default: the study's 42 networks].
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    models: Vec<MlpSpec>,
    /// A Python that has PyTorch; the comparison is left out without it.
    #[arg(long, value_name = "PROGRAM", conflicts_with = "skipped")]
    torch: Option<PathBuf>,
    /// Why there is none, for the record.
    #[arg(long, value_name = "REASON")]
    skipped: Option<String>,
    /// Folder for what PyTorch reads.
    #[arg(long, value_name = "DIR")]
    work: PathBuf,
    /// Folder for the record and the table.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    ensure!(arguments.rounds > 0, "--rounds is 0: one at least");
    let networks = networks(&arguments.models)?;
    let started = Instant::now();
    let mut run = Run::new(command(&arguments), arguments.rounds, arguments.epochs)?;
    run.skipped = arguments.skipped.clone();
    let data = Data::new(arguments.rounds);
    let rounds = data.rounds()?;
    let mut torch = match &arguments.torch {
        Some(python) => {
            let work = &arguments.work;
            fs::create_dir_all(work).with_context(|| format!("the folder {}", work.display()))?;
            Some(Torch::start(python, work, &data, &networks)?)
        }
        None => None,
    };
    if let Some(torch) = &mut torch {
        eprintln!("Do both sides compute the same?");
        let mut greatest = 0.0f64;
        for (index, spec) in networks.iter().enumerate() {
            greatest = greatest.max(torch.check(index, spec, &rounds)?);
        }
        eprintln!("They do: losses differ by {greatest:.1e}, relative to the loss.");
        run.torch = Some(TorchRun {
            versions: torch.versions()?,
            loss_difference: greatest,
        });
    }
    let mut measured = Vec::new();
    for (index, spec) in networks.iter().enumerate() {
        let own = torch.as_mut().map(|torch| (torch, index));
        let network = measure(spec, &rounds, arguments.epochs, own)?;
        eprintln!(
            "{:>2} of {}: {spec}, {:.1} s",
            index + 1,
            networks.len(),
            network.at_once.seconds
        );
        measured.push(network);
    }
    run.finish(started.elapsed().as_secs());
    let record = Record {
        run,
        networks: measured,
    };
    fs::create_dir_all(&arguments.out)?;
    let write = |name: &str, text: String| {
        let path = arguments.out.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("training.json", record.json()?)?;
    write("training.md", record.page())?;
    print!("{}", record.tables());
    eprintln!("All figures are in {}.", arguments.out.display());
    Ok(())
}

/// What a person would type for this run.
fn command(arguments: &Arguments) -> String {
    let mut command = format!(
        "cargo xtask training --rounds {} --epochs {}",
        arguments.rounds, arguments.epochs
    );
    if !arguments.models.is_empty() {
        let models: Vec<String> = arguments.models.iter().map(MlpSpec::to_string).collect();
        command.push_str(&format!(" --models {}", models.join(",")));
    }
    command
}

/// The networks of a list, or the study's.
fn networks(models: &[MlpSpec]) -> Result<Vec<MlpSpec>> {
    if models.is_empty() {
        return Ok(MlpSpec::study(Activation::Relu));
    }
    for spec in models {
        let is_relu = spec.activation == Activation::Relu;
        ensure!(is_relu, "`{spec}`: networks are compared with ReLU");
    }
    Ok(models.to_vec())
}

/// Times all ways of training one network; `torch` is the worker, and the network's position.
fn measure(
    spec: &MlpSpec,
    rounds: &[Round<'_>],
    epochs: usize,
    mut torch: Option<(&mut Torch, usize)>,
) -> Result<Network> {
    let params = MlpParams {
        epochs,
        ..MlpParams::study(spec.clone(), 0)
    };
    let all = rounds.len() * epochs;
    let valid = params.clone().check()?;
    let start = Instant::now();
    mlp::fit_rounds(rounds, &valid)?;
    let mut at_once = Timing::new(all);
    at_once.add(start.elapsed().as_secs_f64(), all);

    let [mut one_by_one, mut alone] = [(); 2].map(|()| Timing::new(all));
    let mut in_torch = [(); 3].map(|()| Timing::new(all));
    for round in rounds.iter().cycle().take(SAMPLES) {
        let own = MlpParams {
            seed: round.seed,
            ..params.clone()
        };
        let own = own.check()?;
        let start = Instant::now();
        mlp::fit(&round.set, &own)?;
        one_by_one.add(start.elapsed().as_secs_f64(), epochs);
        let (seconds, in_products) = products::alone(spec);
        alone.add(seconds, in_products);
        if let Some((torch, index)) = &mut torch {
            for (way, timing) in Way::ALL.into_iter().zip(&mut in_torch) {
                let (seconds, sampled) = torch.sample(way, *index)?;
                timing.add(seconds, sampled);
            }
        }
    }
    let [one_thread, all_threads, batched] = in_torch;
    Ok(Network {
        model: spec.to_string(),
        parameters: spec.parameters(INPUTS, 1),
        flops: products::flops(spec),
        at_once,
        one_by_one,
        products: alone,
        torch: torch.map(|_| TorchTimings {
            one_thread,
            all_threads,
            batched,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_networks_are_the_studys_unless_others_are_named() {
        assert_eq!(networks(&[]).unwrap().len(), 42);
        let parse = |models: &str| {
            let folders = ["--work", "work", "--out", "out"];
            let line = [&["training", "--models", models], folders.as_slice()].concat();
            Arguments::try_parse_from(line)
        };
        let arguments = parse("64-32,logistic").unwrap();
        assert_eq!(
            command(&arguments),
            "cargo xtask training --rounds 20 --epochs 1000 --models 64-32,logistic"
        );
        assert_eq!(networks(&arguments.models).unwrap(), arguments.models);
        let tanh = networks(&parse("16:tanh").unwrap().models).unwrap_err();
        assert_eq!(
            tanh.to_string(),
            "`16:tanh`: networks are compared with ReLU"
        );
        assert!(parse("forest").is_err());
    }
}
