//! The plots of the page: what they show of a record.

use std::fmt::Write as _;

use super::axis::Scale;
use super::chart::{AxisSpec, Chart, Dot, Level, Look, Size};
use super::group::{self, Group};
use super::quantity::{Quantity, Unit};
use crate::record::{ModelRecord, Proving, RunRecord, Stage};
use crate::{table, units};

/// A plot across the page.
const WIDE: Size = Size {
    class: "wide",
    width: 1000.0,
    height: 450.0,
};
/// A plot beside the budget form.
const MIDDLE: Size = Size {
    class: "wide",
    width: 740.0,
    height: 470.0,
};
/// Any of them on a phone.
const NARROW: Size = Size {
    class: "narrow",
    width: 360.0,
    height: 360.0,
};
/// One of two plots side by side.
const HALF: Size = Size {
    class: "wide half",
    width: 500.0,
    height: 320.0,
};
/// The same on a phone.
const NARROW_HALF: Size = Size {
    height: 280.0,
    ..NARROW
};

const ACCURACY: AxisSpec = AxisSpec {
    title: "Quantised accuracy",
    scale: Scale::Linear,
    unit: Unit::Percent,
};

/// The figures of a record; what is drawn more than once is computed once.
#[derive(Debug)]
pub(super) struct Figures<'a> {
    record: &'a RunRecord,
    levels: Vec<Level>,
}

impl<'a> Figures<'a> {
    pub(super) fn new(record: &'a RunRecord) -> Self {
        Self {
            record,
            levels: majorities(record),
        }
    }

    /// Accuracy against `cost` with the frontier; `None` if no model has both.
    pub(super) fn frontier(&self, cost: Quantity) -> Option<String> {
        let mut dots = self.accuracies(cost);
        if dots.is_empty() {
            return None;
        }
        mark_best(&mut dots);
        let chart = Chart {
            label: format!("Accuracy of the models against: {}", cost.title()),
            x: AxisSpec {
                title: cost.title(),
                scale: Scale::Log,
                unit: cost.unit(),
            },
            y: ACCURACY,
            dots: &dots,
            levels: &self.levels,
            has_steps: true,
            has_diagonal: false,
        };
        Some(chart.svg(MIDDLE) + &chart.svg(NARROW))
    }

    /// The article's first figure: accuracy against parameters.
    pub(super) fn accuracy(&self) -> String {
        let mut dots = self.accuracies(Quantity::Parameters);
        mark_best(&mut dots);
        let chart = Chart {
            label: "Accuracy of the models against their number of parameters".into(),
            x: AxisSpec {
                title: "Parameters",
                scale: Scale::Log,
                unit: Unit::Count,
            },
            y: ACCURACY,
            dots: &dots,
            levels: &self.levels,
            has_steps: false,
            has_diagonal: false,
        };
        chart.svg(WIDE) + &chart.svg(NARROW)
    }

    /// The article's second figure: one of setup, prove and verify times against parameters, or
    /// logrows without a stage; with other provers' points. Times and parameters are both linear or both
    /// logarithmic, so that a straight line is a proportion.
    pub(super) fn cost(&self, stage: Option<Stage>, scale: Scale) -> String {
        let peers = group::peers(self.record);
        let mut dots = Vec::new();
        for (index, model) in self.record.models.iter().enumerate() {
            let group = Group::of(model).index();
            for proving in &model.peers {
                let peer = peers.iter().position(|name| *name == proving.prover);
                let look = Look::Peer(group, peer.unwrap_or(0));
                dots.extend(cost_dot(index, model, proving, stage, look));
            }
            dots.extend(cost_dot(
                index,
                model,
                &model.proving,
                stage,
                Look::Ours(group),
            ));
        }
        let (title, label, unit, scale) = match stage {
            Some(Stage::Setup) => ("Setup", "Setup time", Unit::Time, scale),
            Some(Stage::Prove) => ("Prove", "Time of a proof", Unit::Time, scale),
            Some(Stage::Verify) => ("Verify", "Time of a verification", Unit::Time, scale),
            Some(_) => ("Time", "Time", Unit::Time, scale),
            None => ("Logrows k", "Logrows", Unit::Count, Scale::Whole),
        };
        let chart = Chart {
            label: format!("{label} against the number of parameters"),
            x: AxisSpec {
                title: "Parameters",
                scale: match scale {
                    Scale::FromZero => scale,
                    _ => Scale::Log,
                },
                unit: Unit::Count,
            },
            y: AxisSpec { title, scale, unit },
            dots: &dots,
            levels: &[],
            has_steps: false,
            has_diagonal: false,
        };
        chart.svg(HALF) + &chart.svg(NARROW_HALF)
    }

    /// Accuracy of the quantised models against that of the trained ones.
    pub(super) fn diagonal(&self) -> String {
        let mut dots: Vec<Dot> = self
            .models()
            .filter_map(|(index, model)| {
                let quantized = model.accuracy.quantized.as_ref()?;
                let float = &model.accuracy.float;
                Some(Dot {
                    model: index,
                    look: Look::Ours(Group::of(model).index()),
                    x: float.value * 100.0,
                    y: quantized.value * 100.0,
                    interval: None,
                    title: format!(
                        "{}: float {}, quantised {}",
                        model.tag,
                        units::percent(float.value),
                        units::percent(quantized.value)
                    ),
                    name: model.tag.clone(),
                    is_important: false,
                })
            })
            .collect();
        mark_farthest(&mut dots);
        let axis = |title| AxisSpec { title, ..ACCURACY };
        let chart = Chart {
            label: "Accuracy of the quantised models against that of the trained ones".into(),
            x: axis("Float accuracy"),
            y: axis("Quantised accuracy"),
            dots: &dots,
            levels: &[],
            has_steps: false,
            has_diagonal: true,
        };
        let size = Size {
            height: 460.0,
            ..HALF
        };
        chart.svg(size) + &chart.svg(NARROW)
    }

    fn models(&self) -> impl Iterator<Item = (usize, &'a ModelRecord)> {
        self.record.models.iter().enumerate()
    }

    /// A point per model with an accuracy and that cost.
    fn accuracies(&self, cost: Quantity) -> Vec<Dot> {
        let dots = self.models().filter_map(|(index, model)| {
            let rate = model.accuracy.quantized.as_ref()?;
            let x = cost.of(model).filter(|x| *x > 0.0)?;
            let mut title = format!("{}: {}", model.tag, table::with_interval(rate));
            let _ = write!(title, ", {}", cost.unit().show(x));
            Some(Dot {
                model: index,
                look: Look::Ours(Group::of(model).index()),
                x,
                y: rate.value * 100.0,
                interval: Some((rate.low * 100.0, rate.high * 100.0)),
                title,
                name: model.tag.clone(),
                is_important: false,
            })
        });
        dots.collect()
    }
}

/// The median of a stage with its 95 % interval, or logrows; with fewer than six samples, which have no
/// such interval, with their range.
fn cost_dot(
    index: usize,
    model: &ModelRecord,
    proving: &Proving,
    stage: Option<Stage>,
    look: Look,
) -> Option<Dot> {
    let (y, interval, text) = match stage {
        Some(stage) => {
            let samples = proving.timings.of(stage);
            let median = samples.median()?;
            let range = || samples.min().zip(samples.max());
            let (low, high) = samples.median_interval().or_else(range)?;
            let text = match samples.len() {
                1 => units::time(median),
                count => format!(
                    "median {} of {count} [{}, {}]",
                    units::time(median),
                    units::time(low),
                    units::time(high)
                ),
            };
            (median, Some((low, high)), text)
        }
        None => {
            let k = proving.circuit?.logrows;
            (f64::from(k), None, format!("k = {k}"))
        }
    };
    Some(Dot {
        model: index,
        look,
        x: model.parameters as f64,
        y,
        interval,
        title: format!("{}, {}: {text}", model.tag, proving.prover),
        name: String::new(),
        is_important: false,
    })
}

/// Marks what no other point beats, for its name to be written.
fn mark_best(dots: &mut [Dot]) {
    let points: Vec<(f64, f64)> = dots.iter().map(|dot| (dot.x, dot.y)).collect();
    for dot in dots {
        let beaten =
            |(x, y): &(f64, f64)| (*x <= dot.x && *y > dot.y) || (*x < dot.x && *y >= dot.y);
        dot.is_important = !points.iter().any(beaten);
    }
}

/// Marks the few points that are the farthest from equal values, for their names to be written.
fn mark_farthest(dots: &mut [Dot]) {
    const MOST: usize = 5;
    let distance = |dot: &Dot| (dot.x - dot.y).abs();
    let mut distances: Vec<f64> = dots.iter().map(distance).collect();
    distances.sort_by(|a, b| b.total_cmp(a));
    let least = distances.get(MOST).copied().unwrap_or(0.0);
    for dot in dots {
        dot.is_important = distance(dot) > least;
    }
}

/// The accuracies of majority baselines, each once, at most three.
fn majorities(record: &RunRecord) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::new();
    for rate in record.models.iter().map(|model| &model.accuracy.majority) {
        let name = format!("majority {}", units::percent(rate.value));
        if levels.len() < 3 && !levels.iter().any(|level| level.name == name) {
            let y = rate.value * 100.0;
            levels.push(Level { y, name });
        }
    }
    levels
}
