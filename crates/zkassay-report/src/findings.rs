//! What a run says about the study's conclusion: *accuracy grows with the number of neurons, cost
//! grows linearly with it*.
//!
//! Computed from the record's figures alone; the sentences follow from the numbers, whatever these
//! are.

use serde::Serialize;

use crate::record::{Family, ModelRecord, RunRecord};
use crate::stats::{self, Line};
use crate::units;

/// What the figures of a run's networks say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Findings {
    /// Networks with an accuracy as integers.
    pub networks: usize,
    /// Fewest and most parameters of these.
    pub parameters: Option<(usize, usize)>,
    /// Accuracy in points (hundredths) against the base-10 logarithm of the parameters.
    pub accuracy: Option<Line>,
    /// Base-10 logarithm of a proof's median time against that of the parameters: the slope is the
    /// exponent of the growth.
    pub growth: Option<Line>,
    /// A proof's median time in milliseconds against the parameters.
    pub linear: Option<Line>,
    /// Median times of a proof of the smallest and the largest network in milliseconds.
    pub prove_ms: Option<(f64, f64)>,
    /// Models of all families with an accuracy as integers.
    pub models: usize,
    /// Those whose whole interval is above what the majority label achieves.
    pub above_majority: usize,
}

/// Computes the findings of a run.
pub fn findings(record: &RunRecord) -> Findings {
    let rated = |model: &&ModelRecord| model.accuracy.quantized.is_some();
    let models: Vec<&ModelRecord> = record.models.iter().filter(rated).collect();
    let mut networks = models.clone();
    networks.retain(|model| model.family == Family::Network && model.parameters > 0);
    networks.sort_by_key(|model| model.parameters);
    let size = |model: &ModelRecord| model.parameters as f64;
    let accuracies: Vec<(f64, f64)> = networks
        .iter()
        .filter_map(|model| {
            let rate = model.accuracy.quantized.as_ref()?;
            Some((size(model).log10(), rate.value * 100.0))
        })
        .collect();
    let times: Vec<(f64, f64)> = networks
        .iter()
        .filter_map(|model| Some((size(model), model.prove_ms()?)))
        .filter(|(_, time)| *time > 0.0)
        .collect();
    let logarithms: Vec<(f64, f64)> = times
        .iter()
        .map(|(size, time)| (size.log10(), time.log10()))
        .collect();
    let ends = networks.first().zip(networks.last());
    Findings {
        networks: networks.len(),
        parameters: ends.map(|(first, last)| (first.parameters, last.parameters)),
        accuracy: stats::line(&accuracies),
        growth: stats::line(&logarithms),
        linear: stats::line(&times),
        prove_ms: ends.and_then(|(first, last)| Some((first.prove_ms()?, last.prove_ms()?))),
        models: models.len(),
        above_majority: models.iter().filter(|model| model.beats_majority()).count(),
    }
}

impl Findings {
    /// The findings in sentences, each a paragraph: accuracy, cost, baseline.
    pub fn sentences(&self) -> Vec<String> {
        vec![self.accuracy_text(), self.cost_text(), self.baseline_text()]
    }

    fn accuracy_text(&self) -> String {
        let (Some(line), Some((least, most))) = (&self.accuracy, self.parameters) else {
            return format!(
                "Whether accuracy grows with the parameters cannot be told from the {} of this run.",
                networks(self.networks)
            );
        };
        let slope = line.slope;
        let verdict = match (slope.low > 0.0, slope.high < 0.0) {
            (true, _) => "Accuracy grows with the parameters",
            (_, true) => "Accuracy falls with the parameters",
            _ => "That accuracy grows with the parameters cannot be told from noise",
        };
        format!(
            "{verdict}: over {} of {} to {} parameters, ten times the parameters go with {} points of \
             quantised accuracy, 95 % interval [{}, {}] (correlation with their logarithm {} [{}, {}]). All networks are tested on the same rows, so that the luck of the \
             draw is shared and not in these intervals.",
            networks(line.points),
            units::count(least),
            units::count(most),
            signed(slope.value),
            signed(slope.low),
            signed(slope.high),
            signed(line.correlation.value),
            signed(line.correlation.low),
            signed(line.correlation.high)
        )
    }

    fn cost_text(&self) -> String {
        let lines = self.growth.as_ref().zip(self.linear.as_ref());
        let ends = self.parameters.zip(self.prove_ms);
        let (Some((growth, linear)), Some(((least, most), (first, last)))) = (lines, ends) else {
            return format!(
                "How the time of a proof grows cannot be told from the {} of this run.",
                networks(self.networks)
            );
        };
        let exponent = growth.slope;
        let verdict = if exponent.high < 0.0 {
            "A proof takes less time the larger the network"
        } else if exponent.low <= 0.0 {
            "That the time of a proof grows with the parameters cannot be told from noise"
        } else if exponent.high < 1.0 {
            "The time of a proof grows more slowly than the parameters"
        } else if exponent.low > 1.0 {
            "The time of a proof grows faster than the parameters"
        } else {
            "The time of a proof grows as the parameters do, as far as can be told"
        };
        format!(
            "{verdict}: with their power {:.2}, 95 % interval [{:.2}, {:.2}]; the largest network has \
             {} times the parameters of the smallest and takes {} times as long ({} and {}). A \
             straight line through the times rises by {} for 10,000 parameters (correlation {}{}).",
            exponent.value,
            exponent.low,
            exponent.high,
            units::ratio(most as f64 / least as f64),
            units::ratio(last / first),
            units::time(last),
            units::time(first),
            units::time(linear.slope.value * 1e4),
            signed(linear.correlation.value),
            // Both are true of a large fixed cost: one must not seem to refute the other.
            match exponent.contains(0.0) {
                true =>
                    "; the few largest networks decide about this line, while all weigh alike in \
                         the power",
                false => "",
            }
        )
    }

    fn baseline_text(&self) -> String {
        format!(
            "Above the majority baseline with their whole 95 % interval: {} of {} of all families.",
            self.above_majority,
            units::models(self.models)
        )
    }
}

fn networks(count: usize) -> String {
    match count {
        1 => "1 network".to_owned(),
        _ => format!("{count} networks (linear models are those without hidden layers)"),
    }
}

/// With its sign, and no minus before zero.
fn signed(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    format!("{:+.2}", rounded + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stage;
    use crate::testing::{family, run_record};

    /// The 42 networks with accuracies and times as functions of the parameters.
    fn made(accuracy: fn(f64) -> f64, time: fn(f64) -> f64) -> Findings {
        let mut record = family();
        for (index, model) in record.models.iter_mut().enumerate() {
            let size = model.parameters as f64;
            // Some noise of mean zero, not related to the size.
            let noise = 1.0 + 0.01 * ((index * 37 % 11) as f64 - 5.0);
            model.accuracy.quantized.as_mut().unwrap().value = accuracy(size) * noise;
            model.proving.timings = crate::Timings::default();
            model.proving.timings.push(Stage::Prove, time(size) * noise);
        }
        findings(&record)
    }

    #[test]
    fn growth_is_told_from_none() {
        let growing = made(|size| 0.5 + 0.05 * size.log10(), |size| 3.0 * size);
        let slope = growing.accuracy.unwrap().slope;
        assert!(slope.contains(5.0), "{slope:?}");
        let exponent = growing.growth.unwrap().slope;
        assert!((exponent.value - 1.0).abs() < 0.02, "{exponent:?}");
        let [accuracy, cost, _] = growing.sentences().try_into().unwrap();
        assert!(accuracy.starts_with("Accuracy grows with"), "{accuracy}");
        assert!(
            accuracy.contains("over 42 networks (linear")
                && accuracy.contains("of 163 to 31,233 parameters")
        );
        assert!(cost.contains("as the parameters do"), "{cost}");

        let flat = made(|_| 0.6, |size| 10.0 + size.sqrt());
        let [accuracy, cost, _] = flat.sentences().try_into().unwrap();
        assert!(accuracy.contains("cannot be told from noise"), "{accuracy}");
        assert!(cost.contains("more slowly than the parameters"), "{cost}");

        let falling = made(|size| 0.9 - 0.05 * size.log10(), |size| size * size);
        let [accuracy, cost, _] = falling.sentences().try_into().unwrap();
        assert!(accuracy.starts_with("Accuracy falls"), "{accuracy}");
        assert!(cost.contains("faster than the parameters"), "{cost}");
        assert!((falling.growth.unwrap().slope.value - 2.0).abs() < 0.02);

        let odd = made(|_| 0.6, |size| 1e6 / size);
        let odd_text = odd.sentences()[1].clone();
        assert!(odd_text.starts_with("A proof takes less time"));
        let wild = Findings {
            growth: odd.growth.map(|line| Line {
                slope: stats::Interval {
                    value: 0.5,
                    low: -1.0,
                    high: 2.0,
                },
                ..line
            }),
            ..odd
        };
        assert!(wild.sentences()[1].contains("cannot be told from noise"));
        let constant = made(|_| 0.6, |_| 20.0);
        assert!(constant.sentences()[1].contains("cannot be told from noise"));
        assert!(constant.sentences()[1].contains("; the few largest networks decide"));
        assert!(!odd_text.contains("the few largest"), "{odd_text}");
    }

    #[test]
    fn the_straight_line_is_that_of_the_times() {
        let found = made(|_| 0.6, |size| 10.0 + 0.002 * size);
        let slope = found.linear.unwrap().slope;
        assert!((slope.value - 0.002).abs() < 1e-4, "{slope:?}");
        let text = &found.sentences()[1];
        assert!(text.contains("192 times the parameters"), "{text}");
    }

    #[test]
    fn zero_has_no_minus() {
        assert_eq!(
            [signed(-0.004), signed(0.0), signed(-0.006)],
            ["+0.00", "+0.00", "-0.01"]
        );
    }

    #[test]
    fn few_models_say_nothing_about_growth() {
        let record = run_record();
        let found = findings(&record);
        assert_eq!(
            (found.networks, found.models, found.above_majority),
            (2, 2, 2)
        );
        assert_eq!((found.accuracy, found.growth), (None, None));
        let [accuracy, cost, baseline] = found.sentences().try_into().unwrap();
        assert!(accuracy.contains("cannot be told from the 2 networks"));
        assert!(cost.contains("cannot be told from the 2 networks"));
        assert!(baseline.contains("2 of 2 models"));
    }

    #[test]
    fn trees_and_unproved_models_are_not_among_the_networks() {
        let mut record = run_record();
        record.models[0].family = Family::Trees;
        record.models[1].accuracy.quantized = None;
        let found = findings(&record);
        assert_eq!((found.networks, found.models), (0, 1));
        record.models.clear();
        assert_eq!(findings(&record).sentences().len(), 3);
    }
}
