//! What was measured, as it is written down.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;
use zkassay_data::Day;
use zkassay_experiment::host::host;
use zkassay_report::{Host, Samples};

use crate::products;

/// A whole run.
pub(crate) struct Record {
    pub(crate) run: Run,
    pub(crate) networks: Vec<Network>,
}

/// What holds for every network.
#[derive(Serialize)]
pub(crate) struct Run {
    format: u32,
    pub(crate) command: String,
    pub(crate) date: String,
    pub(crate) host: Host,
    /// Of the system: before, and after.
    pub(crate) load: Vec<f64>,
    pub(crate) seconds: u64,
    pub(crate) rounds: usize,
    pub(crate) epochs: usize,
    /// See [`products::flops`].
    formula: &'static str,
    /// GFLOP/s of a large product: on one thread, and on all.
    pub(crate) peak: [f64; 2],
    pub(crate) torch: Option<TorchRun>,
    /// Why PyTorch is not there.
    pub(crate) skipped: Option<String>,
}

/// The other side.
#[derive(Serialize)]
pub(crate) struct TorchRun {
    pub(crate) versions: Value,
    /// The greatest relative difference of training losses, over all networks.
    pub(crate) loss_difference: f64,
}

/// One network, trained in all ways.
#[derive(Serialize)]
pub(crate) struct Network {
    pub(crate) model: String,
    pub(crate) parameters: usize,
    /// Of one epoch of one round.
    pub(crate) flops: f64,
    /// All rounds, in full.
    pub(crate) at_once: Timing,
    /// One round after the other.
    pub(crate) one_by_one: Timing,
    /// The matrix products of all rounds and nothing else.
    pub(crate) products: Timing,
    pub(crate) torch: Option<TorchTimings>,
}

/// See [`Way`](crate::torch::Way).
#[derive(Serialize)]
pub(crate) struct TorchTimings {
    pub(crate) one_thread: Timing,
    pub(crate) all_threads: Timing,
    pub(crate) batched: Timing,
}

/// How long all epochs of all rounds take.
#[derive(Serialize)]
pub(crate) struct Timing {
    pub(crate) seconds: f64,
    /// Microseconds of one epoch of one round.
    samples: Samples,
    #[serde(skip)]
    all_epochs: usize,
}

impl Timing {
    /// No samples yet, of epochs of which there are `all_epochs`.
    pub(crate) fn new(all_epochs: usize) -> Self {
        Self {
            seconds: 0.0,
            samples: Samples::new(),
            all_epochs,
        }
    }

    /// Adds a sample of `epochs` epochs of one round.
    pub(crate) fn add(&mut self, seconds: f64, epochs: usize) {
        self.samples.push(rounded(1e6 * seconds / epochs as f64));
        let median = self.samples.median().unwrap_or(0.0);
        self.seconds = rounded(median * self.all_epochs as f64 / 1e6);
    }
}

impl Run {
    /// At the start of a run.
    pub(crate) fn new(command: String, rounds: usize, epochs: usize) -> Result<Self> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let days = since.context("the clock is before 1970")?.as_secs() / 86_400;
        Ok(Self {
            format: 1,
            command,
            date: Day::from_epoch_days(i32::try_from(days)?).to_string(),
            host: host(None),
            load: load().into_iter().collect(),
            seconds: 0,
            rounds,
            epochs,
            formula: products::FORMULA,
            peak: [false, true].map(|all_threads| rounded(products::peak(all_threads))),
            torch: None,
            skipped: None,
        })
    }

    /// At its end.
    pub(crate) fn finish(&mut self, seconds: u64) {
        self.load.extend(load());
        self.seconds = seconds;
    }
}

impl Record {
    /// One line for the run, and one for each network.
    pub(crate) fn json(&self) -> Result<String> {
        let networks: Vec<String> = self
            .networks
            .iter()
            .map(serde_json::to_string)
            .collect::<Result<_, _>>()?;
        let run = serde_json::to_string(&self.run)?;
        let networks = networks.join(",\n  ");
        Ok(format!(
            "{{\n \"run\": {run},\n \"networks\": [\n  {networks}\n ]\n}}\n"
        ))
    }
}

/// To thousandths: more would only be long.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// Programs that want to run, on the mean of a minute, where the system says so.
fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A network whose samples take as many microseconds.
    pub(crate) fn network(model: &str, microseconds: [f64; 3], torch: Option<[f64; 3]>) -> Network {
        // 20 rounds of 1000 epochs.
        let timing = |microseconds: f64| {
            let mut timing = Timing::new(20_000);
            timing.add(microseconds / 1e6, 1);
            timing
        };
        let [at_once, one_by_one, products] = microseconds.map(timing);
        Network {
            model: model.to_owned(),
            parameters: 163,
            flops: 300_000.0,
            at_once,
            one_by_one,
            products,
            torch: torch.map(|torch| {
                let [one_thread, all_threads, batched] = torch.map(timing);
                TorchTimings {
                    one_thread,
                    all_threads,
                    batched,
                }
            }),
        }
    }

    pub(crate) fn record(networks: Vec<Network>) -> Record {
        let run = Run {
            load: vec![0.5, 1.5],
            seconds: 90,
            peak: [100.0, 180.0],
            ..Run::new("cargo xtask training".into(), 20, 1000).unwrap()
        };
        Record { run, networks }
    }

    #[test]
    fn medians_are_scaled_to_all_epochs() {
        let mut timing = Timing::new(20_000);
        for (seconds, epochs) in [(0.1, 100), (0.9, 300), (0.004, 2)] {
            timing.add(seconds, epochs);
        }
        // 1, 3 and 2 ms per epoch.
        assert_eq!(timing.samples.as_slice(), [1000.0, 3000.0, 2000.0]);
        assert_eq!(timing.seconds, 40.0);
    }

    #[test]
    fn the_record_is_json_with_a_line_per_network() {
        let network = |model| network(model, [10.0, 20.0, 5.0], None);
        let text = record(vec![network("logistic"), network("4")])
            .json()
            .unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["run"]["rounds"], 20);
        assert_eq!(value["networks"][1]["model"], "4");
        assert_eq!(value["networks"][1]["one_by_one"]["seconds"], 0.4);
        assert_eq!(text.lines().count(), 7);
    }
}
