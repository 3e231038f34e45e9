//! One chart of a figure: frame, grid, error bars, markers, labels.

use kuva::render::render::{Primitive, Scene, TextAnchor};

use super::axis::Axis;
use super::labels::{self, Anchor, Segment};
use super::style::{self, AXIS, Area, GRID, Group, INK, MARKER_RADIUS, MUTED, Series, TICK_SIZE};
use crate::record::ModelRecord;

/// Most points that are labelled; among more no label finds a place, and the search takes long.
const LABELLED: usize = 200;
/// Font size of the labels beside the points.
const LABEL_SIZE: u32 = 10;

/// A chart with a logarithmic or linear axis each way.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    /// The inside of the frame.
    pub(super) area: Area,
    pub(super) x: Axis,
    /// What the horizontal axis shows.
    pub(super) x_name: &'static str,
    pub(super) y: Axis,
    /// What the vertical axis shows; it stands above the frame.
    pub(super) heading: String,
}

/// A model in a chart.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
    /// Lower end of the error bar.
    pub(super) low: f64,
    /// Upper end of the error bar.
    pub(super) high: f64,
    pub(super) group: Group,
    pub(super) series: Series,
    pub(super) label: String,
    /// What an SVG viewer shows when the point is under the mouse.
    pub(super) tooltip: String,
}

impl Point {
    /// A point at the model's parameters, with nothing to show yet.
    pub(super) fn of(model: &ModelRecord) -> Self {
        Self {
            x: model.parameters as f64,
            y: f64::NAN,
            low: f64::NAN,
            high: f64::NAN,
            group: Group::of(model),
            series: Series::Ours,
            label: model.tag.clone(),
            tooltip: String::new(),
        }
    }
}

/// Dashed horizontal lines.
#[derive(Clone, Debug)]
pub(super) struct Baseline {
    pub(super) values: Vec<f64>,
    pub(super) name: &'static str,
}

impl Chart {
    /// Grid, axes, ticks and headings.
    pub(super) fn draw_frame(&self, scene: &mut Scene) {
        let Area {
            left,
            top,
            right,
            bottom,
        } = self.area;
        for tick in &self.x.ticks {
            let Some(x) = self.place_x(tick.value) else {
                continue;
            };
            scene.add(style::line((x, top), (x, bottom), GRID, 1.0));
            scene.add(style::line((x, bottom), (x, bottom + 6.0), AXIS, 1.0));
            let at = bottom + 20.0;
            scene.add(style::text(
                x,
                at,
                &tick.label,
                TICK_SIZE,
                TextAnchor::Middle,
                MUTED,
            ));
        }
        for value in &self.x.minor {
            if let Some(x) = self.place_x(*value) {
                scene.add(style::line((x, bottom), (x, bottom + 3.0), AXIS, 1.0));
            }
        }
        for tick in &self.y.ticks {
            let Some(y) = self.place_y(tick.value) else {
                continue;
            };
            scene.add(style::line((left, y), (right, y), GRID, 1.0));
            let at = y + 4.0;
            scene.add(style::text(
                left - 8.0,
                at,
                &tick.label,
                TICK_SIZE,
                TextAnchor::End,
                MUTED,
            ));
        }
        for value in &self.y.minor {
            if let Some(y) = self.place_y(*value).filter(|y| (top..=bottom).contains(y)) {
                scene.add(style::line((left - 3.0, y), (left, y), AXIS, 1.0));
            }
        }
        scene.add(style::line((left, bottom), (right, bottom), AXIS, 1.2));
        scene.add(style::text(
            left,
            top - 10.0,
            &self.heading,
            12,
            TextAnchor::Start,
            INK,
        ));
        let middle = (left + right) / 2.0;
        scene.add(style::text(
            middle,
            bottom + 40.0,
            self.x_name,
            12,
            TextAnchor::Middle,
            INK,
        ));
    }

    /// The dashed lines of `baseline` across the chart.
    pub(super) fn draw_baseline(&self, scene: &mut Scene, baseline: &Baseline) {
        for y in baseline
            .values
            .iter()
            .filter_map(|value| self.place_y(*value))
        {
            scene.add(style::dashed_line(
                (self.area.left, y),
                (self.area.right, y),
            ));
        }
    }

    /// A line of steps through points that are sorted by x, and on to the frame.
    pub(super) fn draw_steps(&self, scene: &mut Scene, points: &[(f64, f64)]) {
        for (from, to) in self.steps(points) {
            scene.add(style::line(from, to, AXIS, 1.0));
        }
    }

    /// The line of steps, piece by piece: to the right, then up or down.
    fn steps(&self, points: &[(f64, f64)]) -> Vec<Segment> {
        let places: Vec<(f64, f64)> = points
            .iter()
            .filter_map(|(x, y)| Some((self.place_x(*x)?, self.place_y(*y)?)))
            .collect();
        let ends = places.iter().skip(1).copied();
        let right = places.last().map(|last| (self.area.right, last.1));
        let pieces = places.iter().copied().zip(ends.chain(right));
        let pieces = pieces.flat_map(|((x, y), (next_x, next_y))| {
            [((x, y), (next_x, y)), ((next_x, y), (next_x, next_y))]
        });
        pieces.collect()
    }

    /// Error bars, and above all of them the markers.
    pub(super) fn draw_points(&self, scene: &mut Scene, points: &[Point]) {
        for point in points {
            let Some(bar) = self.bar(point) else {
                continue;
            };
            let tint = style::color(point.group).1;
            let ends = [(bar.left, bar.top), (bar.left, bar.bottom)];
            if bar.bottom - bar.top < 0.5 {
                continue;
            }
            scene.add(style::line(ends[0], ends[1], tint, 1.4));
            for (x, y) in ends {
                scene.add(style::line((x - 3.5, y), (x + 3.5, y), tint, 1.4));
            }
        }
        for point in points {
            let Some((x, y)) = self.place(point) else {
                continue;
            };
            scene.add(Primitive::GroupStart {
                transform: None,
                title: Some(point.tooltip.clone()),
                extra_attrs: None,
            });
            scene.add(style::marker(x, y, point.group, point.series));
            scene.add(Primitive::GroupEnd);
        }
    }

    /// The labels of the points, where there is room for them: none covers a
    /// point or another label, and those further away have a thin leader.
    pub(super) fn draw_labels(
        &self,
        scene: &mut Scene,
        points: &[Point],
        baseline: &Baseline,
        steps: &[(f64, f64)],
    ) {
        if points.len() > LABELLED {
            return;
        }
        let height = f64::from(LABEL_SIZE);
        let placed: Vec<(&Point, Anchor)> = points
            .iter()
            .filter_map(|point| {
                let (x, y) = self.place(point)?;
                let anchor = Anchor {
                    x,
                    y,
                    radius: MARKER_RADIUS,
                    width: style::text_width(&point.label, LABEL_SIZE),
                    height,
                };
                Some((point, anchor))
            })
            .collect();
        let anchors: Vec<Anchor> = placed.iter().map(|(_, anchor)| *anchor).collect();
        let mut lines: Vec<Area> = points.iter().filter_map(|point| self.bar(point)).collect();
        for y in baseline
            .values
            .iter()
            .filter_map(|value| self.place_y(*value))
        {
            lines.push(Area {
                top: y,
                bottom: y,
                ..self.area
            });
        }
        lines.extend(self.steps(steps).into_iter().map(|(from, to)| Area {
            left: from.0.min(to.0),
            top: from.1.min(to.1),
            right: from.0.max(to.0),
            bottom: from.1.max(to.1),
        }));
        let labels = labels::place(&anchors, &lines, self.area);
        for ((point, _), label) in placed.iter().zip(&labels) {
            if let Some((from, to)) = label.as_ref().and_then(|label| label.leader) {
                scene.add(style::line(from, to, style::color(point.group).1, 0.8));
            }
        }
        for ((point, _), label) in placed.iter().zip(labels) {
            let Some(Area {
                left,
                top,
                right,
                bottom,
            }) = label.map(|label| label.area)
            else {
                continue;
            };
            // The label stays readable where it covers an error bar.
            scene.add(Primitive::Rect {
                x: left,
                y: top,
                width: right - left,
                height: bottom - top,
                fill: "#ffffff".into(),
                stroke: None,
                stroke_width: None,
                opacity: Some(0.8),
            });
            let (x, y) = ((left + right) / 2.0, bottom - height * 0.14);
            let color = style::color(point.group).0;
            scene.add(style::text(
                x,
                y,
                &point.label,
                LABEL_SIZE,
                TextAnchor::Middle,
                color,
            ));
        }
    }

    fn place(&self, point: &Point) -> Option<(f64, f64)> {
        Some((self.place_x(point.x)?, self.place_y(point.y)?))
    }

    /// The error bar of `point`: an area without width.
    fn bar(&self, point: &Point) -> Option<Area> {
        let x = self.place_x(point.x)?;
        Some(Area {
            left: x,
            top: self.place_y(point.high)?,
            right: x,
            bottom: self.place_y(point.low)?,
        })
    }

    fn place_x(&self, value: f64) -> Option<f64> {
        let Area { left, right, .. } = self.area;
        Some(left + self.x.position(value)? * (right - left))
    }

    fn place_y(&self, value: f64) -> Option<f64> {
        let Area { top, bottom, .. } = self.area;
        Some(bottom - self.y.position(value)? * (bottom - top))
    }
}
