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

use crate::record::{ModelRecord, RunRecord, Stage};
use crate::{ReportError, table, units};
use axis::Axis;
use chart::{Baseline, Chart, Point};
use style::{Area, Group, HEADER, WIDTH};

/// Folder of the plots inside a run's folder.
pub const FOLDER: &str = "plots";

/// What most horizontal axes show.
const PARAMETERS: &str = "Parameters";
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
        "{}, {} test rows; bars are 95 % intervals",
        record.data.name,
        units::count(record.data.test_rows)
    );
    let points: Vec<Point> = record.models.iter().map(accuracy_point).collect();
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
    let area = Area {
        left: 60.0,
        top: HEADER + 24.0,
        right: WIDTH - 24.0,
        bottom: 600.0,
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
    let groups = groups(record);
    style::header(&mut scene, title, subtitle, &groups, Some(baseline.name));
    chart.draw_frame(&mut scene);
    chart.draw_baseline(&mut scene, &baseline);
    chart.draw_steps(&mut scene, steps);
    chart.draw_points(&mut scene, points);
    chart.draw_labels(&mut scene, points, &baseline);
    scene
}

/// A model's accuracy with its interval, at its parameters.
fn accuracy_point(model: &ModelRecord) -> Point {
    let share = model.accuracy.quantized;
    Point {
        y: share.value * 100.0,
        low: share.low * 100.0,
        high: share.high * 100.0,
        tooltip: format!("{}: {}", describe(model), table::with_interval(&share)),
        ..Point::of(model)
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
            let milliseconds = model.timings.of(Stage::Prove).median()?;
            let point = accuracy_point(model);
            Some(Point {
                x: milliseconds,
                tooltip: format!("{}, prove {}", point.tooltip, units::time(milliseconds)),
                ..point
            })
        })
        .collect();
    let subtitle = format!(
        "{}, {} test rows; {}, {} threads; bars are 95 % intervals, the line is the frontier",
        record.data.name,
        units::count(record.data.test_rows),
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
/// panel of two by two charts; times are means with their standard errors.
pub fn cost(record: &RunRecord) -> Plot {
    const TITLE: &str = "Cost of the proofs against the size of the models";
    const HEIGHT: f64 = 240.0;
    let groups = groups(record);
    let mut scene = style::scene(HEADER + 2.0 * (HEIGHT + 80.0));
    let subtitle = format!(
        "{}, {} threads; times are means, bars their standard errors",
        record.host.cpu, record.host.threads
    );
    style::header(&mut scene, TITLE, &subtitle, &groups, None);
    let panels = [
        ("Setup (ms)", Some(Stage::Setup)),
        ("Prove (ms)", Some(Stage::Prove)),
        ("Verify (ms)", Some(Stage::Verify)),
        ("Logrows k (circuit of 2^k rows)", None),
    ];
    for (index, (heading, stage)) in panels.into_iter().enumerate() {
        let (column, row) = ((index % 2) as f64, (index / 2) as f64);
        let middle = WIDTH / 2.0;
        let top = HEADER + 24.0 + row * (HEIGHT + 80.0);
        let area = Area {
            left: 60.0 + column * middle,
            top,
            right: middle - 24.0 + column * middle,
            bottom: top + HEIGHT,
        };
        let points: Vec<Point> = record
            .models
            .iter()
            .filter_map(|model| cost_point(model, stage))
            .collect();
        let values = points.iter().flat_map(|point| [point.low, point.high]);
        let y = match stage {
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

/// The mean of a stage with its standard error, or logrows without a stage;
/// `None` if the stage was not timed.
fn cost_point(model: &ModelRecord, stage: Option<Stage>) -> Option<Point> {
    let (value, error, text) = match stage {
        Some(stage) => {
            let samples = model.timings.of(stage);
            let value = samples.mean()?;
            let error = samples.standard_error().unwrap_or(0.0);
            (
                value,
                error,
                format!("{} {}", stage.name(), units::time(value)),
            )
        }
        None => {
            let logrows = model.circuit.logrows;
            (f64::from(logrows), 0.0, format!("k = {logrows}"))
        }
    };
    Some(Point {
        y: value,
        low: value - error,
        high: value + error,
        tooltip: format!("{}: {text}", describe(model)),
        ..Point::of(model)
    })
}

fn parameters_axis(record: &RunRecord, area: &Area) -> Axis {
    let parameters = record.models.iter().map(|model| model.parameters as f64);
    Axis::log(parameters, area.right - area.left)
}

/// The groups that occur, in the order of the legend.
fn groups(record: &RunRecord) -> Vec<Group> {
    let mut groups: Vec<Group> = record.models.iter().map(Group::of).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

fn describe(model: &ModelRecord) -> String {
    format!(
        "{} ({} parameters)",
        model.tag,
        units::count(model.parameters)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{family, run_record};

    fn texts(svg: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(svg).expect("well-formed XML");
        let nodes = document
            .descendants()
            .filter(|node| node.has_tag_name("text"));
        nodes
            .filter_map(|node| node.text())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn accuracy_names_axes_models_and_baseline() {
        let texts = texts(&accuracy(&run_record()).svg());
        for expected in [
            "Parameters",
            "Accuracy on the test rows (%)",
            "logistic",
            "64-32",
            "majority baseline",
            "no hidden layer",
            "2 hidden layers",
        ] {
            assert!(
                texts.iter().any(|text| text == expected),
                "{expected}: {texts:?}"
            );
        }
        assert!(!texts.iter().any(|text| text == "1 hidden layer"));
    }

    #[test]
    fn cost_has_four_charts_with_a_tooltip_per_model() {
        let record = run_record();
        let svg = cost(&record).svg();
        assert_eq!(
            texts(&svg)
                .iter()
                .filter(|text| *text == "Parameters")
                .count(),
            4
        );
        assert!(
            svg.contains("64-32 (12,545 parameters): prove 1.10 s"),
            "{svg}"
        );
        assert!(svg.contains("logistic (163 parameters): k = 8"), "{svg}");
    }

    #[test]
    fn the_frontier_leaves_out_what_another_model_beats() {
        let at = |x: f64, y: f64| Point {
            x,
            y,
            ..Point::of(&run_record().models[0])
        };
        let points = [at(3.0, 60.0), at(1.0, 50.0), at(2.0, 50.0), at(4.0, 59.0)];
        assert_eq!(best(&points), [(1.0, 50.0), (3.0, 60.0)]);
        assert_eq!(best(&[]), []);
    }

    #[test]
    fn families_have_a_legend_and_the_frontier_names_times() {
        let mut record = run_record();
        record.models[0].family = crate::Family::Trees;
        let svg = frontier(&record).svg();
        let texts = texts(&svg);
        for expected in ["decision trees", "2 hidden layers", "Time of a proof (ms)"] {
            assert!(texts.iter().any(|text| text == expected), "{expected}");
        }
        assert!(svg.contains("prove 1.10 s"), "{svg}");
    }

    #[test]
    fn markup_in_a_tag_is_escaped() {
        let mut record = run_record();
        record.models[0].tag = "<b> & \"c\"".into();
        assert!(texts(&accuracy(&record).svg()).contains(&"<b> & \"c\"".to_owned()));
        texts(&cost(&record).svg());
    }

    #[test]
    fn few_many_and_no_models_can_be_drawn() {
        let mut none = run_record();
        none.models.clear();
        let mut untimed = run_record();
        untimed.models[0].timings = crate::Timings::default();
        for record in [none, untimed, family()] {
            for plot in all(&record) {
                texts(&plot.svg());
                assert_eq!(plot.png().unwrap()[..4], *b"\x89PNG");
            }
        }
    }
}
