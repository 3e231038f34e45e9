//! Figures of the study "accuracy against proving cost", for comparison.
//!
//! The study trained 42 small networks on Giza's tables of token prices, pools and locked values, and
//! proved them with EZKL. Quoted here are some of its published lines: mean accuracy over 20 random
//! splits, and means with standard errors over 50 rounds of setup, proof and verification. The
//! machine it ran on is not known.

use serde::Serialize;

use crate::grid::{Grid, Heading};
use crate::record::{ModelRecord, RunRecord, Stage};
use crate::{table, units};

/// Where the figures come from, in a sentence.
pub const SOURCE: &str = "Published results of the study on accuracy against proving cost (42 networks \
     on Giza's data sets, EZKL): accuracy is the mean of 20 random splits, times and logrows are means \
     over 50 rounds with their standard errors (s.e.); times here \
     are medians";

/// What keeps the figures from being compared one to one.
pub const CAVEATS: [&str; 6] = [
    "The study's machine is not known, so no ratio of times is given.",
    "Its weights are private: a proof shows that some weights of this shape give the output. Ours \
     are bound to the verifying key.",
    "Its setup adds up settings, calibration, compilation, parameters, witness and keys; ours beside \
     it is the keys alone (the table of stages has the others).",
    "Its networks have no activation between the layers, so all 42 are one logistic regression; \
     whether ours have is in the table of settings.",
    "Its accuracies are of random splits of a time series, with features that look ahead; `--mode \
     paper` repeats that.",
    "Its circuit was calibrated anew on the very row that was proved, so its logrows vary from round \
     to round.",
];

/// A mean and its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// Its standard error, as published; 0 where it was rounded to that.
    pub standard_error: f64,
}

/// What the study published of one network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Published {
    /// Name of the network, as in our records.
    pub tag: &'static str,
    /// Trained parameters.
    pub parameters: usize,
    /// Mean accuracy on the test rows, in `[0, 1]`.
    pub accuracy: f64,
    /// All stages up to the keys, in milliseconds.
    pub setup_ms: Mean,
    /// One proof, in milliseconds.
    pub prove_ms: Mean,
    /// Verification of one proof, in milliseconds.
    pub verify_ms: Mean,
    /// Base-2 logarithm of the circuit's rows.
    pub logrows: Mean,
}

/// A line as published: seconds, and accuracy in per cent.
const fn line(
    tag: &'static str,
    parameters: usize,
    percent: f64,
    setup: (f64, f64),
    prove: (f64, f64),
    verify: (f64, f64),
    logrows: (f64, f64),
) -> Published {
    const fn milliseconds((mean, standard_error): (f64, f64)) -> Mean {
        Mean {
            mean: mean * 1e3,
            standard_error: standard_error * 1e3,
        }
    }
    Published {
        tag,
        parameters,
        accuracy: percent / 100.0,
        setup_ms: milliseconds(setup),
        prove_ms: milliseconds(prove),
        verify_ms: milliseconds(verify),
        logrows: Mean {
            mean: logrows.0,
            standard_error: logrows.1,
        },
    }
}

#[rustfmt::skip]
const PUBLISHED: [Published; 8] = [
    line("logistic", 163, 68.1, (1.083, 0.103), (1.347, 0.137), (0.015, 0.0), (12.58, 0.098)),
    line("4", 657, 72.96, (1.347, 0.115), (1.593, 0.160), (0.015, 0.0), (12.84, 0.127)),
    line("16", 2_625, 73.76, (2.596, 0.343), (3.054, 0.458), (0.017, 0.0), (13.38, 0.174)),
    line("64", 10_497, 76.66, (4.447, 0.506), (5.019, 0.692), (0.018, 0.0), (14.12, 0.161)),
    line("128", 20_993, 75.16, (6.567, 0.454), (6.862, 0.643), (0.019, 0.0), (14.72, 0.109)),
    line("64-32", 12_545, 75.5, (7.848, 0.983), (9.396, 1.342), (0.020, 0.001), (15.14, 0.187)),
    line("128-64", 29_185, 76.9, (12.15, 1.550), (14.07, 2.117), (0.025, 0.001), (15.66, 0.186)),
    line("128-64-32", 31_233, 76.10, (12.02, 1.798), (13.75, 2.515), (0.024, 0.001), (15.42, 0.211)),
];

/// What the study published of the network `tag` (`logistic`, or the widths of its hidden layers);
/// `None` if its line is not among those quoted here.
pub fn published(tag: &str) -> Option<Published> {
    PUBLISHED.into_iter().find(|line| line.tag == tag)
}

/// The study's line of a model of ours: of the same name and as many parameters, for another
/// number of features makes another network.
pub fn published_of(model: &ModelRecord) -> Option<Published> {
    published(&model.tag).filter(|line| line.parameters == model.parameters)
}

/// The study's figures beside ours, a row per model that is in both; empty if none is.
pub fn table(record: &RunRecord) -> Grid {
    let mut grid = Grid::new([
        Heading::left("Model", ""),
        Heading::right("Accuracy, study", "mean of 20 random splits"),
        Heading::right("Accuracy, here", "quantised, with its 95 % interval"),
        Heading::right("Setup, study", "all stages up to the keys"),
        Heading::right("Setup, here", "the keys"),
        Heading::right("Prove, study", ""),
        Heading::right("Prove, here", ""),
        Heading::right("Verify, study", ""),
        Heading::right("Verify, here", ""),
        Heading::right("k, study", "logrows"),
        Heading::right("k, here", ""),
    ]);
    let pairs = record.models.iter();
    let pairs = pairs.filter_map(|model| Some((model, published_of(model)?)));
    grid.rows = pairs
        .map(|(model, line)| {
            let time = |mean: Mean| {
                let (value, error) = (units::time(mean.mean), units::time(mean.standard_error));
                match mean.standard_error > 0.0 {
                    true => format!("{value} (s.e. {error})"),
                    false => value,
                }
            };
            let proving = &model.proving;
            vec![
                model.tag.clone(),
                units::percent(line.accuracy),
                table::optional_interval(model.accuracy.quantized.as_ref()),
                time(line.setup_ms),
                table::median(proving, Stage::Setup),
                time(line.prove_ms),
                table::median(proving, Stage::Prove),
                time(line.verify_ms),
                table::median(proving, Stage::Verify),
                format!(
                    "{:.2} (s.e. {:.2})",
                    line.logrows.mean, line.logrows.standard_error
                ),
                table::logrows(proving),
            ]
        })
        .collect();
    grid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{family, run_record};

    #[test]
    fn parameters_are_those_of_the_networks_on_162_features() {
        for line in PUBLISHED {
            let hidden: Vec<usize> = line.tag.split('-').filter_map(|w| w.parse().ok()).collect();
            let (mut inputs, mut parameters) = (162, 0);
            for width in hidden.into_iter().chain([1]) {
                parameters += (inputs + 1) * width;
                inputs = width;
            }
            assert_eq!(line.parameters, parameters, "{}", line.tag);
            // Means over 20 splits of 150 rows are multiples of 1/3000.
            let rows = line.accuracy * 3000.0;
            assert!((rows - rows.round()).abs() < 0.31, "{}: {rows}", line.tag);
        }
    }

    #[test]
    fn figures_stand_beside_ours() {
        let grid = table(&run_record());
        assert_eq!(grid.rows.len(), 2);
        assert_eq!(
            grid.rows[0],
            [
                "logistic",
                "68.1 %",
                "66.0 % [58.1, 73.1]",
                "1.08 s (s.e. 103 ms)",
                "13.0 ms",
                "1.35 s (s.e. 137 ms)",
                "14.9 ms",
                "15.0 ms",
                "1.60 ms",
                "12.58 (s.e. 0.10)",
                "8"
            ]
        );
        assert_eq!(table(&family()).rows.len(), PUBLISHED.len());
    }

    #[test]
    fn another_network_of_the_same_name_is_not_compared() {
        let mut record = run_record();
        record.models[0].parameters += 1;
        assert_eq!(table(&record).rows.len(), 1);
        assert_eq!(published("svm"), None);
        assert_eq!(published("64-32").unwrap().prove_ms.mean, 9396.0);
    }
}
