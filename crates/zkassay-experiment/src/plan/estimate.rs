//! About how long a plan takes.
//!
//! The constants are for two cores of an AMD EPYC; what each rests on stands beside it. Training is
//! from recorded runs, EZKL's stages from a quiet machine. Our prover's are from one run of `quick`
//! while the machine had other work, with all its times divided by 1.9, which is how much longer its
//! proofs took than those of the README's table. Rows are taken to be like the study's, 600 with 162 features. A short
//! calculation says how fast this machine is beside that one. No prediction was compared with a run
//! on an idle machine, so it is an order of magnitude and no more.

use std::hint::black_box;
use std::time::Instant;

use zkassay_ezkl::Configuration;
use zkassay_models::{MlpSpec, ModelSpec};

use super::Plan;
use crate::dataset::Source;

/// Features of a row.
const FEATURES: usize = 162;
/// Epochs of a network's training.
const EPOCHS: f64 = 1000.0;
/// Floating-point operations per second of a network's training (docs/training.md).
const TRAINING_RATE: f64 = 110e9;
/// Seconds for each layer of a network's training in a round, beside products (docs/training.md).
const LAYER_SECONDS: f64 = 0.025;
/// Reading tables, making features of a round, and the leak audit of token tables: 1.6 s together in
/// the busy run of `quick`; how they share it is assumed.
const DATA_SECONDS: f64 = 0.4;
const ROUND_SECONDS: f64 = 0.05;
const AUDIT_SECONDS: f64 = 0.8;
/// Tables, plots and pages, and for each model: assumed, above the 0.2 s of the busy run of `quick`.
const REPORT_SECONDS: f64 = 0.5;
const REPORT_MODEL_SECONDS: f64 = 0.02;
/// Starting a prover's process and making its parameters: assumed.
const START_SECONDS: f64 = 0.1;
/// Parameters of the study's largest network.
const LARGEST: f64 = 31_233.0;
/// Threads of the machine that the constants are from.
const THREADS: f64 = 2.0;
/// Its multiplications in [`multiplications`] per second, on one thread.
const MULTIPLICATIONS: f64 = 7.3e8;

/// One line of a prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Who or what, such as a prover's name.
    pub name: String,
    /// What of it, such as `49 models x 5 rounds`.
    pub what: String,
    /// Cells of the record: rounds of models.
    pub cells: Option<usize>,
    /// Predicted time.
    pub seconds: f64,
}

/// The parts of a plan, in the order they are run. `speed` is how fast the machine is, 1 as the
/// one that the constants are from.
pub fn estimate(plan: &Plan, speed: f64) -> Vec<Part> {
    let models = plan.models.len();
    let sum = |cost: &dyn Fn(&ModelSpec) -> f64| plan.models.iter().map(cost).sum::<f64>();
    let count = |count: usize, unit: &str| match count {
        1 => format!("1 {unit}"),
        count => format!("{count} {unit}s"),
    };
    let per_model = |models: usize, times: usize, unit: &str| {
        format!("{} x {}", count(models, "model"), count(times, unit))
    };
    let rounds = |models: usize, setups: usize, proofs: usize| {
        format!(
            "{} and {}",
            per_model(models, setups, "setup"),
            count(proofs, "proof")
        )
    };
    let mut parts = vec![
        Part {
            name: "data".into(),
            what: match plan.source {
                Source::Tokens { .. } => "tables, features, leak audit".into(),
                Source::Table { .. } => "table".into(),
            },
            cells: None,
            seconds: data(plan),
        },
        Part {
            name: "accuracy".into(),
            what: per_model(models, plan.rounds, "round"),
            cells: Some(models * plan.rounds),
            seconds: sum(&|spec| training(spec, plan)),
        },
        Part {
            name: "zkassay".into(),
            what: rounds(models, plan.setups, plan.proofs),
            cells: Some(models * plan.proofs.max(plan.setups)),
            // One round more warms up.
            seconds: sum(&|spec| {
                let Cost { setup, prove } = ours(spec);
                let setups = (plan.setups + 1) as f64 * setup;
                START_SECONDS + setups + (plan.proofs + 1) as f64 * prove
            }),
        },
    ];
    if let Some(peer) = &plan.peer {
        let limit = peer.limit_seconds as f64;
        for configuration in &peer.configurations {
            let seconds = peer.models.iter().map(|spec| {
                let cost = ezkl(spec, *configuration);
                let setups = peer.setups as f64 * cost.setup;
                (START_SECONDS + setups + (peer.proofs + 1) as f64 * cost.prove).min(limit)
            });
            parts.push(Part {
                name: configuration.prover().into(),
                what: rounds(peer.models.len(), peer.setups, peer.proofs),
                cells: Some(peer.models.len() * peer.proofs.max(peer.setups)),
                seconds: seconds.sum(),
            });
        }
    }
    parts.push(Part {
        name: "report".into(),
        what: "tables, plots, pages".into(),
        cells: None,
        seconds: REPORT_SECONDS + REPORT_MODEL_SECONDS * models as f64,
    });
    let speed = if speed.is_finite() {
        speed.max(1e-3)
    } else {
        1.0
    };
    for part in &mut parts {
        part.seconds /= speed;
    }
    parts
}

/// Seconds for a setup round and for a proof with its witness and verification.
#[derive(Clone, Copy, Debug)]
struct Cost {
    setup: f64,
    prove: f64,
}

fn data(plan: &Plan) -> f64 {
    let audit = match plan.source {
        Source::Tokens { .. } => AUDIT_SECONDS,
        Source::Table { .. } => 0.0,
    };
    DATA_SECONDS + audit + ROUND_SECONDS * plan.rounds as f64
}

/// Seconds for the training in all rounds, and for the accuracies.
fn training(spec: &ModelSpec, plan: &Plan) -> f64 {
    // Rows trained on, on average over the rounds (docs/accuracy.md).
    let rows = match (plan.source.is_in_time(), plan.rounds) {
        (true, 1) => 408.0,
        (true, _) => 215.0,
        (false, _) => 453.0,
    };
    // Per round of 453 rows (docs/accuracy-paper.json); they grow faster than the rows.
    let growth: f64 = rows / 453.0;
    let classical = |seconds: f64| seconds * growth.powi(2);
    let seconds = match spec {
        ModelSpec::Mlp(network) => {
            let layers = network.hidden.len() + 1;
            let operations = rows * operations(network) * EPOCHS;
            operations / TRAINING_RATE + LAYER_SECONDS * layers as f64
        }
        ModelSpec::LogisticL2 | ModelSpec::Svm => classical(0.07),
        ModelSpec::SvmRbf => classical(0.03),
        ModelSpec::Forest => classical(0.17),
        ModelSpec::Boosted => classical(0.14),
        _ => classical(0.01),
    };
    // There is an integer model of every round.
    (seconds + 0.5 * ours(spec).setup) * plan.rounds as f64
}

/// Floating-point operations of a network's training, per row and epoch: products forwards, and
/// two backwards but for the first layer's inputs.
fn operations(network: &MlpSpec) -> f64 {
    let widths = [FEATURES].into_iter().chain(network.hidden.iter().copied());
    let next = network.hidden.iter().copied().chain([1]);
    let products: Vec<f64> = widths.zip(next).map(|(a, b)| (a * b) as f64).collect();
    let all: f64 = products.iter().sum();
    let first = products.first().copied().unwrap_or(0.0);
    2.0 * (2.0 * all + (all - first))
}

/// Our prover: the busy run of `quick`, scaled to the proofs of the README's table.
fn ours(spec: &ModelSpec) -> Cost {
    let (setup, prove) = match spec {
        ModelSpec::Mlp(network) => {
            let parameters = network.parameters(FEATURES, 1) as f64;
            // Calibration goes with the parameters, proofs with the neurons, up to a step.
            let neurons: usize = network.hidden.iter().sum();
            (
                0.017 + 4.5e-6 * parameters,
                0.012 + 4e-4 * neurons.min(50) as f64,
            )
        }
        ModelSpec::SvmRbf => (1.2, 0.22),
        ModelSpec::Tree => (0.013, 0.014),
        ModelSpec::Forest => (0.24, 0.065),
        ModelSpec::Boosted => (0.065, 0.040),
        _ => (0.017, 0.012),
    };
    Cost { setup, prove }
}

/// EZKL on the study's rows. The range of lookups that it calibrates makes circuits of 2^16 rows of any
/// network: a quiet machine took about 2 s to calibrate, 8 s for keys and 10 s for a proof. The search
/// for tuned settings took 25 to 60 s, and a proof with them 0.5 to 4 s; that both grow with the
/// parameters up to those of the study's largest network, and that EZKL refuses at once what is no
/// network, is assumed.
fn ezkl(spec: &ModelSpec, configuration: Configuration) -> Cost {
    let ModelSpec::Mlp(network) = spec else {
        return Cost {
            setup: 2.0,
            prove: 0.0,
        };
    };
    match configuration {
        Configuration::Fixed | Configuration::Private => Cost {
            setup: 10.0,
            prove: 10.0,
        },
        Configuration::Tuned => {
            let share = (network.parameters(FEATURES, 1) as f64 / LARGEST).min(1.0);
            Cost {
                setup: 25.0 + 35.0 * share,
                prove: 0.5 + 3.5 * share,
            }
        }
    }
}

/// How fast this machine is with `threads`, beside the one that the constants are from; takes some
/// hundredths of a second.
///
/// The best of several short measurements on one thread, so that other work does not count. More
/// threads help less than in proportion: proofs are short.
pub fn speed(threads: usize) -> f64 {
    let rates = (0..8).map(|_| {
        let start = Instant::now();
        let count = multiplications();
        count as f64 / start.elapsed().as_secs_f64().max(1e-9)
    });
    let best = rates.fold(0.0, f64::max);
    best / MULTIPLICATIONS * (threads.max(1) as f64 / THREADS).sqrt()
}

/// Does as many multiplications of 64 bits by 64 bits, one after the other as in a field's
/// arithmetic, and returns how many.
fn multiplications() -> usize {
    const COUNT: usize = 1 << 20;
    let mut state: u128 = black_box(0x9e37_79b9_7f4a_7c15);
    for _ in 0..COUNT {
        let low = state as u64;
        let high = (state >> 64) as u64;
        state = u128::from(low | 1) * u128::from(high ^ 0xd6e8_feb8_6659_fd93);
    }
    black_box(state);
    COUNT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::parse;

    fn seconds(flags: &[&str]) -> f64 {
        let parts = estimate(&parse(flags).unwrap(), 1.0);
        parts.iter().map(|part| part.seconds).sum()
    }

    #[test]
    fn predictions_for_profiles_are_within_their_aims() {
        // Less than a minute, half an hour, 20 minutes: the aims, which are no measurements.
        assert!(seconds(&[]) < 60.0);
        assert!(seconds(&["--profile", "full"]) < 1800.0);
        let paper = seconds(&["--profile", "paper"]);
        assert!((120.0..1200.0).contains(&paper), "{paper}");
        let peer = seconds(&["--profile", "full", "--peers", "ezkl"]);
        assert!(peer > seconds(&["--profile", "full"]) + 120.0, "{peer}");
    }

    #[test]
    fn training_takes_what_was_recorded() {
        // 20 rounds at once, docs/training.md.
        let plan = parse(&["--profile", "paper"]).unwrap();
        for (name, recorded) in [
            ("logistic", 0.55),
            ("32", 1.55),
            ("64-32", 3.64),
            ("128-64-32", 12.3),
        ] {
            let spec: ModelSpec = name.parse().unwrap();
            let predicted = training(&spec, &plan);
            let ratio = predicted / recorded;
            assert!(
                (0.5..3.0).contains(&ratio),
                "{name}: {predicted} s, {recorded} s"
            );
        }
    }

    #[test]
    fn more_work_takes_longer() {
        let base = seconds(&[]);
        for flags in [
            &["--rounds", "9"][..],
            &["--proofs", "50"],
            &["--setups", "50"],
            &["--models", "study"],
            &["--peers", "ezkl"],
        ] {
            assert!(seconds(flags) > base, "{flags:?}");
        }
        let tuned = [
            "--peers",
            "ezkl",
            "--peer-configurations",
            "tuned",
            "--peer-models",
            "logistic",
        ];
        let limited = [&tuned[..], &["--peer-limit", "1"]].concat();
        assert!(seconds(&limited) <= base + 1.001);
        assert!(seconds(&tuned) > seconds(&limited));
    }

    #[test]
    fn cells_are_rounds_of_models() {
        let plan = parse(&[
            "--models", "4,8", "--rounds", "3", "-n", "7", "--peers", "ezkl",
        ])
        .unwrap();
        let parts = estimate(&plan, 1.0);
        let cells = |name: &str| -> usize {
            let parts = parts.iter().filter(|part| part.name == name);
            parts.filter_map(|part| part.cells).sum()
        };
        assert_eq!((cells("accuracy"), cells("zkassay")), (6, 14));
        assert_eq!((cells("EZKL fixed"), cells("EZKL tuned")), (6, 6));
        let what: Vec<&str> = parts.iter().map(|part| part.what.as_str()).collect();
        assert!(
            what.contains(&"2 models x 3 rounds")
                && what.contains(&"2 models x 3 setups and 7 proofs")
        );
    }

    #[test]
    fn a_machine_twice_as_fast_takes_half_the_time() {
        let plan = parse(&[]).unwrap();
        let total = |speed| {
            estimate(&plan, speed)
                .iter()
                .map(|part| part.seconds)
                .sum::<f64>()
        };
        assert!((total(1.0) / total(2.0) - 2.0).abs() < 1e-9);
        assert!(total(0.0).is_finite() && total(f64::NAN).is_finite());
        let measured = speed(2);
        assert!(measured.is_finite() && measured > 0.0);
        let start = Instant::now();
        speed(4);
        assert!(start.elapsed().as_secs_f64() < 1.0);
    }
}
