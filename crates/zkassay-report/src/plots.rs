//! The run's figures: accuracy and cost against the number of parameters, and against each other.
//!
//! The layout (axes, legend, labels that avoid each other) is ours; `kuva`
//! turns the drawn scene into SVG and, with its bundled font, into PNG. The
//! SVG names the models in tooltips.

mod axis;
mod chart;
mod labels;
mod style;

use kuva::PngBackend;
use kuva::backend::svg::SvgBackend;
use kuva::render::render::Scene;

use crate::record::{ModelRecord, Proving, RunRecord, Stage};
use crate::{ReportError, Samples, table, units};
use axis::Axis;
pub(crate) use axis::{bounds, nice_step};
use chart::{Baseline, Chart, Point};
use style::{Area, Entry, Group, Series, WIDTH};

/// Folder of the plots inside a run's folder.
pub const FOLDER: &str = "plots";

/// What most horizontal axes show.
const PARAMETERS: &str = "Parameters";
/// Most groups, and most peers, that are told apart.
const LEGEND: usize = 12;
/// Pixels of the PNG per unit of the SVG.
const PNG_SCALE: f32 = 2.0;

/// A figure, ready to be written.
#[derive(Debug)]
pub struct Plot {
    name: &'static str,
    title: &'static str,
    scene: Scene,
}

impl Plot {
    /// The figure's file in a run's folder, `plots/<name>.<extension>`.
    pub fn path(&self, extension: &str) -> String {
        format!("{FOLDER}/{}.{extension}", self.name)
    }

    /// What the figure shows, in one line.
    pub fn title(&self) -> &str {
        self.title
    }

    /// The figure as an SVG document that scales to the width it is given.
    pub fn svg(&self) -> String {
        let (width, height) = (self.scene.width, self.scene.height);
        let svg = SvgBackend::new()
            .with_pretty(true)
            .render_scene(&self.scene);
        svg.replacen(
            "<svg ",
            &format!(r#"<svg viewBox="0 0 {width} {height}" role="img" "#),
            1,
        )
    }

    /// The figure as a PNG image, two pixels per unit of the SVG.
    ///
    /// # Errors
    /// [`ReportError::Png`] with what the encoder said.
    pub fn png(&self) -> Result<Vec<u8>, ReportError> {
        let backend = PngBackend::new().with_scale(PNG_SCALE);
        backend.render_scene(&self.scene).map_err(ReportError::Png)
    }
}

/// Every figure of a run.
pub fn all(record: &RunRecord) -> [Plot; 3] {
    [accuracy(record), cost(record), frontier(record)]
}

/// Accuracy of the quantised models against their parameters, with 95 %
/// intervals, tags, and the majority baseline as a dashed line.
pub fn accuracy(record: &RunRecord) -> Plot {
    const TITLE: &str = "Accuracy of the quantised models against their size";
    let subtitle = format!(
        "{}, {}; bars are 95 % intervals",
        record.data.name,
        tested(record)
    );
    let points: Vec<Point> = record.models.iter().filter_map(accuracy_point).collect();
    let scene = accuracies(record, (TITLE, &subtitle), PARAMETERS, &points, &[]);
    Plot {
        name: "accuracy",
        title: TITLE,
        scene,
    }
}

/// A figure of accuracies with their intervals, majority baselines, and a line of steps.
fn accuracies(
    record: &RunRecord,
    (title, subtitle): (&str, &str),
    x_name: &'static str,
    points: &[Point],
    steps: &[(f64, f64)],
) -> Scene {
    let baseline = Baseline {
        values: majorities(record),
        name: "majority baseline",
    };
    let mut entries = groups(record);
    entries.push(Entry::Dashed(baseline.name));
    let top = style::header_height(&entries) + 24.0;
    let area = Area {
        left: 60.0,
        top,
        right: WIDTH - 24.0,
        bottom: top + 480.0,
    };
    let values = points.iter().flat_map(|point| [point.low, point.high]);
    let chart = Chart {
        area,
        x: Axis::log(points.iter().map(|point| point.x), area.right - area.left),
        x_name,
        y: Axis::linear(values.chain(baseline.values.iter().copied())),
        heading: "Accuracy on the test rows (%)".into(),
    };
    let mut scene = style::scene(area.bottom + 56.0);
    style::header(&mut scene, title, subtitle, &entries);
    chart.draw_frame(&mut scene);
    chart.draw_baseline(&mut scene, &baseline);
    chart.draw_steps(&mut scene, steps);
    chart.draw_points(&mut scene, points);
    chart.draw_labels(&mut scene, points, &baseline, steps);
    scene
}

/// A model's accuracy with its interval, at its parameters; `None` without a quantised model.
fn accuracy_point(model: &ModelRecord) -> Option<Point> {
    let rate = model.accuracy.quantized.as_ref()?;
    Some(Point {
        y: rate.value * 100.0,
        low: rate.low * 100.0,
        high: rate.high * 100.0,
        tooltip: format!("{}: {}", describe(model), table::with_interval(rate)),
        ..Point::of(model)
    })
}

/// What the accuracies were measured on.
fn tested(record: &RunRecord) -> String {
    let rows = units::count(record.data.test_rows);
    let models = record.models.iter();
    let rounds = models.map(|model| model.accuracy.float.rounds.len()).max();
    match rounds {
        Some(several) if several > 1 => format!("{several} rounds of {rows} test rows"),
        _ => format!("{rows} test rows"),
    }
}

/// The accuracies of majority baselines, each once.
fn majorities(record: &RunRecord) -> Vec<f64> {
    let mut majorities: Vec<f64> = Vec::new();
    for model in &record.models {
        let value = model.accuracy.majority.value * 100.0;
        if !majorities.contains(&value) {
            majorities.push(value);
        }
    }
    majorities
}

/// Accuracy of the quantised models against the median time of a proof, with
/// the models that no other is quicker and more accurate than as a line of
/// steps.
pub fn frontier(record: &RunRecord) -> Plot {
    const TITLE: &str = "What accuracy costs to prove";
    let points: Vec<Point> = record
        .models
        .iter()
        .filter_map(|model| {
            let milliseconds = model.prove_ms()?;
            let point = accuracy_point(model)?;
            Some(Point {
                x: milliseconds,
                tooltip: format!("{}, prove {}", point.tooltip, units::time(milliseconds)),
                ..point
            })
        })
        .collect();
    let subtitle = format!(
        "{}, {}; {}, {} threads; bars are 95 % intervals, the line is the frontier",
        record.data.name,
        tested(record),
        record.host.cpu,
        record.host.threads
    );
    let steps = best(&points);
    let scene = accuracies(
        record,
        (TITLE, &subtitle),
        "Time of a proof (ms)",
        &points,
        &steps,
    );
    Plot {
        name: "frontier",
        title: TITLE,
        scene,
    }
}

/// The points that no other one beats, from left to right.
fn best(points: &[Point]) -> Vec<(f64, f64)> {
    let mut sorted: Vec<(f64, f64)> = points.iter().map(|point| (point.x, point.y)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let mut best: Vec<(f64, f64)> = Vec::new();
    for point in sorted {
        if best.last().is_none_or(|last| point.1 > last.1) {
            best.push(point);
        }
    }
    best
}

/// Setup, proving and verification time and logrows against parameters, as a
/// panel of two by two charts; times are medians as in the tables, with the bars that the subtitle names.
/// Peers' are there as well, in outline, and then times are on logarithmic axes.
pub fn cost(record: &RunRecord) -> Plot {
    const TITLE: &str = "Cost of the proofs against the size of the models";
    const HEIGHT: f64 = 240.0;
    let peers = peers(record);
    let mut entries = groups(record);
    let names = peers.iter().enumerate();
    entries.extend(names.map(|(index, name)| Entry::Peer(index, (*name).to_owned())));
    let header = style::header_height(&entries);
    let mut scene = style::scene(header + 2.0 * (HEIGHT + 80.0));
    let subtitle = format!(
        "{}, {} threads; times are medians, bars {}{}",
        record.host.cpu,
        record.host.threads,
        bars(record),
        match peers.is_empty() {
            true => "",
            false => "; filled: zkassay",
        }
    );
    style::header(&mut scene, TITLE, &subtitle, &entries);
    let panels = [
        ("Setup (ms)", Some(Stage::Setup)),
        ("Prove (ms)", Some(Stage::Prove)),
        ("Verify (ms)", Some(Stage::Verify)),
        ("Logrows k (circuit of 2^k rows)", None),
    ];
    for (index, (heading, stage)) in panels.into_iter().enumerate() {
        let (column, row) = ((index % 2) as f64, (index / 2) as f64);
        let middle = WIDTH / 2.0;
        let top = header + 24.0 + row * (HEIGHT + 80.0);
        let area = Area {
            left: 60.0 + column * middle,
            top,
            right: middle - 24.0 + column * middle,
            bottom: top + HEIGHT,
        };
        let points = cost_points(record, stage, &peers);
        let values = points.iter().flat_map(|point| [point.low, point.high]);
        let has_peers = points.iter().any(|point| point.series != Series::Ours);
        let y = match stage {
            Some(_) if has_peers => Axis::log(values, area.bottom - area.top),
            Some(_) => Axis::linear(values.chain([0.0])),
            None => Axis::integer(values),
        };
        let chart = Chart {
            area,
            x: parameters_axis(record, &area),
            x_name: PARAMETERS,
            y,
            heading: heading.into(),
        };
        chart.draw_frame(&mut scene);
        chart.draw_points(&mut scene, &points);
    }
    Plot {
        name: "cost",
        title: TITLE,
        scene,
    }
}

/// The names of the peers of which there are times, in the order they appear.
fn peers(record: &RunRecord) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for peer in record.models.iter().flat_map(|model| &model.peers) {
        let is_timed = Stage::ALL
            .iter()
            .any(|stage| !peer.timings.of(*stage).is_empty());
        if is_timed && names.len() < LEGEND && !names.contains(&peer.prover.as_str()) {
            names.push(&peer.prover);
        }
    }
    names
}

/// The points of a panel: the peers' first, so that ours are on top.
fn cost_points(record: &RunRecord, stage: Option<Stage>, peers: &[&str]) -> Vec<Point> {
    let theirs = record.models.iter().flat_map(|model| {
        let proofs = model.peers.iter();
        proofs.filter_map(move |proving| {
            let index = peers.iter().position(|name| *name == proving.prover)?;
            Some(Point {
                series: Series::Peer(index),
                ..cost_point(model, proving, stage)?
            })
        })
    });
    let models = record.models.iter();
    let ours = models.filter_map(|model| cost_point(model, &model.proving, stage));
    theirs.chain(ours).collect()
}

/// The ends of the bar around a median: its 95 % interval, or with fewer than six samples, which
/// have none, the least and the greatest of them.
fn bar(samples: &Samples) -> Option<(f64, f64)> {
    let range = || samples.min().zip(samples.max());
    samples.median_interval().or_else(range)
}

/// What the bars of the run are, in words.
fn bars(record: &RunRecord) -> &'static str {
    let proofs = record
        .models
        .iter()
        .flat_map(|model| std::iter::once(&model.proving).chain(&model.peers));
    let timed = proofs.flat_map(|proving| {
        let stages = [Stage::Setup, Stage::Prove, Stage::Verify].into_iter();
        stages.map(|stage| proving.timings.of(stage))
    });
    let (mut has_intervals, mut has_ranges) = (false, false);
    for samples in timed.filter(|samples| !samples.is_empty()) {
        match samples.median_interval() {
            Some(_) => has_intervals = true,
            None => has_ranges = true,
        }
    }
    match (has_intervals, has_ranges) {
        (true, true) => "their 95 % intervals (ranges below six samples)",
        (true, false) => "their 95 % intervals",
        (false, _) => "the ranges of the samples",
    }
}

/// The median of a stage with its bar, or logrows without a stage; `None` if the stage was not
/// timed.
fn cost_point(model: &ModelRecord, proving: &Proving, stage: Option<Stage>) -> Option<Point> {
    let (value, (low, high), text) = match stage {
        Some(stage) => {
            let samples = proving.timings.of(stage);
            let value = samples.median()?;
            let text = format!("{} {}", stage.name(), units::time(value));
            (value, bar(samples)?, text)
        }
        None => {
            let logrows = proving.circuit?.logrows;
            let value = f64::from(logrows);
            (value, (value, value), format!("k = {logrows}"))
        }
    };
    let prover = match proving.prover.as_str() {
        Proving::ZKASSAY => String::new(),
        peer => format!("{peer}: "),
    };
    Some(Point {
        y: value,
        low,
        high,
        tooltip: format!("{prover}{}: {text}", describe(model)),
        ..Point::of(model)
    })
}

fn parameters_axis(record: &RunRecord, area: &Area) -> Axis {
    let parameters = record.models.iter().map(|model| model.parameters as f64);
    Axis::log(parameters, area.right - area.left)
}

/// The groups that occur, in the order of the legend.
fn groups(record: &RunRecord) -> Vec<Entry> {
    let mut groups: Vec<Group> = record.models.iter().map(Group::of).collect();
    groups.sort_unstable();
    groups.dedup();
    groups.truncate(LEGEND);
    groups.into_iter().map(Entry::Group).collect()
}

fn describe(model: &ModelRecord) -> String {
    format!(
        "{} ({} parameters)",
        model.tag,
        units::count(model.parameters)
    )
}

#[cfg(test)]
mod tests;
