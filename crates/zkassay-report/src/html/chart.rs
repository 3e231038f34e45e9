//! One plot as inline SVG: frame, points with intervals, lines, and names that avoid each other.

use std::fmt::Write as _;

use super::axis::{Axis, Scale};
use super::names::{names, text_width};
use super::quantity::Unit;
use super::text::Text;

/// A plot's measures. Plots that need them have a wide and a narrow drawing, of which the style sheet
/// shows one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Its class in the style sheet.
    pub(super) class: &'static str,
    /// Whole width in units of the SVG; the plot fills the width it is given.
    pub(super) width: f64,
    /// Whole height.
    pub(super) height: f64,
}

const LEFT: f64 = 54.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 46.0;

/// What an axis shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct AxisSpec {
    /// What stands beside it.
    pub(super) title: &'static str,
    pub(super) scale: Scale,
    pub(super) unit: Unit,
}

/// A model in a plot.
#[derive(Clone, Debug)]
pub(super) struct Dot {
    /// Index of the model.
    pub(super) model: usize,
    /// Colour, marker and prover.
    pub(super) look: Look,
    pub(super) x: f64,
    pub(super) y: f64,
    /// The interval of `y`.
    pub(super) interval: Option<(f64, f64)>,
    /// What it says without scripts.
    pub(super) title: String,
    /// Its name, if one is to be written beside it where there is room.
    pub(super) name: String,
    /// Whether its name matters more than others.
    pub(super) is_important: bool,
}

/// How a point looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Ours: number of the group.
    Ours(usize),
    /// Another prover's: number of the group, and of the prover.
    Peer(usize, usize),
}

/// A horizontal line with a name.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub(super) y: f64,
    pub(super) name: String,
}

/// A plot that is to be drawn.
#[derive(Debug)]
pub(super) struct Chart<'a> {
    pub(super) label: String,
    pub(super) x: AxisSpec,
    pub(super) y: AxisSpec,
    pub(super) dots: &'a [Dot],
    pub(super) levels: &'a [Level],
    /// Whether the best points are joined by a line of steps: least `x`, greatest `y`.
    pub(super) has_steps: bool,
    /// Whether equal values of both axes are a line.
    pub(super) has_diagonal: bool,
}

/// A rectangle: left, top, right, bottom.
pub(super) type Area = (f64, f64, f64, f64);

/// A point's place.
pub(super) struct Place<'a> {
    pub(super) dot: &'a Dot,
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Chart<'_> {
    /// The plot as an `<svg>` element.
    pub(super) fn svg(&self, size: Size) -> String {
        let area = (LEFT, TOP, size.width - RIGHT, size.height - BOTTOM);
        let (left, top, right, bottom) = area;
        let dots = self.dots.iter();
        let xs = dots.clone().map(|dot| dot.x);
        let ys = dots.flat_map(|dot| {
            let (low, high) = dot.interval.unwrap_or((dot.y, dot.y));
            [dot.y, low, high]
        });
        let ys = ys.chain(self.levels.iter().map(|level| level.y));
        let (x, y) = if self.has_diagonal {
            // The same values on both.
            let both: Vec<f64> = xs.chain(ys).collect();
            let values = || both.iter().copied();
            (
                self.across(values(), right - left),
                self.up(values(), bottom - top),
            )
        } else {
            (self.across(xs, right - left), self.up(ys, bottom - top))
        };
        let to_x = |value| Some(left + x.position(value)? * (right - left));
        let to_y = |value| Some(bottom - y.position(value)? * (bottom - top));

        let mut out = format!(
            "<svg class=\"chart {}\" viewBox=\"0 0 {} {}\" role=\"group\" aria-label=\"{}\">",
            size.class,
            size.width,
            size.height,
            Text(&self.label)
        );
        self.frame(&mut out, size, area, (&x, &to_x), (&y, &to_y));
        if self.has_diagonal {
            let _ = write!(
                out,
                "<path class=\"level\" d=\"M{left} {bottom}L{right} {top}\"/>"
            );
        }
        for level in self.levels {
            if let Some(y) = to_y(level.y) {
                let _ = write!(out, "<path class=\"level\" d=\"M{left} {y:.1}H{right}\"/>");
            }
        }
        let places: Vec<Place> = self
            .dots
            .iter()
            .filter_map(|dot| {
                let (x, y) = (to_x(dot.x)?, to_y(dot.y)?);
                Some(Place { dot, x, y })
            })
            .collect();
        let mut line = Vec::new();
        if self.has_steps {
            line = steps(&places, right);
            let _ = write!(
                out,
                "<path class=\"steps\" data-right=\"{right}\" d=\"{}\"/>",
                path(&line)
            );
        }
        for place in &places {
            draw(&mut out, place, &to_y);
        }
        // Names are above all points, and may not stand on them.
        let names = names(&places, &line, self.levels, &to_y, area);
        let _ = write!(
            out,
            "<g class=\"names\" aria-hidden=\"true\">{names}</g></svg>"
        );
        out
    }

    fn across(&self, values: impl Iterator<Item = f64>, length: f64) -> Axis {
        let room = |label: &str| text_width(label) + 20.0;
        Axis::new(values, self.x.scale, self.x.unit, length, room)
    }

    fn up(&self, values: impl Iterator<Item = f64>, length: f64) -> Axis {
        Axis::new(values, self.y.scale, self.y.unit, length, |_| 30.0)
    }

    /// Grid, ticks and titles.
    fn frame(
        &self,
        out: &mut String,
        size: Size,
        (left, top, right, bottom): Area,
        (x, to_x): (&Axis, &dyn Fn(f64) -> Option<f64>),
        (y, to_y): (&Axis, &dyn Fn(f64) -> Option<f64>),
    ) {
        let (mut fine, mut grid, mut labels) = (String::new(), String::new(), String::new());
        for value in x.minor.iter().filter_map(|value| to_x(*value)) {
            let _ = write!(fine, "M{value:.1} {bottom}v4");
        }
        for value in y.minor.iter().filter_map(|value| to_y(*value)) {
            let _ = write!(fine, "M{left} {value:.1}h-4");
        }
        for (value, label) in &x.ticks {
            let Some(place) = to_x(*value) else { continue };
            let _ = write!(grid, "M{place:.1} {top}V{bottom}");
            let _ = write!(
                labels,
                "<text class=\"tx\" x=\"{place:.1}\" y=\"{}\">{label}</text>",
                bottom + 18.0
            );
        }
        for (value, label) in &y.ticks {
            let Some(place) = to_y(*value) else { continue };
            let _ = write!(grid, "M{left} {place:.1}H{right}");
            let _ = write!(
                labels,
                "<text class=\"ty\" x=\"{}\" y=\"{:.1}\">{label}</text>",
                left - 9.0,
                place + 4.0
            );
        }
        let _ = write!(
            out,
            "<path class=\"grid\" d=\"{grid}\"/><path class=\"axis\" d=\"{fine}M{left} {bottom}H{right}\"/>\
             <g aria-hidden=\"true\">{labels}<text class=\"name\" x=\"2\" y=\"14\">{}</text>\
             <text class=\"name end\" x=\"{right}\" y=\"{}\">{}</text></g>",
            self.y.title,
            size.height - 6.0,
            self.x.title
        );
    }
}

/// A point with its intervals.
fn draw(out: &mut String, Place { dot, x, y }: &Place, to_y: &dyn Fn(f64) -> Option<f64>) {
    let (group, peer, marker) = match dot.look {
        Look::Ours(group) => (group, None, format!("k{group}")),
        Look::Peer(group, peer) => (
            group,
            Some(peer),
            format!("e{}", super::group::hollow(peer)),
        ),
    };
    let ends = dot
        .interval
        .and_then(|(low, high)| Some((to_y(low)?, to_y(high)?)));
    let _ = write!(
        out,
        "<g class=\"pt {}g{group}\" data-m=\"{}\"",
        if peer.is_some() { "peer " } else { "" },
        dot.model
    );
    if let Some(peer) = peer {
        let _ = write!(out, " data-p=\"{peer}\"");
    }
    let _ = write!(out, " transform=\"translate({x:.1} {y:.1})\">");
    // Bars shorter than a marker's outline would only blur it.
    if let Some((low, high)) = ends.filter(|(low, high)| low - high > 1.0) {
        let _ = write!(out, "<path d=\"M0 {:.1}V{:.1}\"/>", low - y, high - y);
    }
    let _ = write!(
        out,
        "<use href=\"#{marker}\"/><title>{}</title></g>",
        Text(&dot.title)
    );
}

/// The corners of the line over the points that no other one beats, from left to right: `x` low, `y`
/// high.
fn steps(places: &[Place], right: f64) -> Vec<(f64, f64)> {
    let mut sorted: Vec<(f64, f64)> = places.iter().map(|place| (place.x, place.y)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for (x, y) in sorted {
        match corners.last() {
            None => corners.push((x, y)),
            // Upwards is less.
            Some((_, best)) if y < *best => {
                let before = *best;
                corners.extend([(x, before), (x, y)]);
            }
            Some(_) => {}
        }
    }
    if let Some((_, y)) = corners.last().copied() {
        corners.push((right, y));
    }
    corners
}

/// A line from corner to corner.
fn path(corners: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (x, y) in corners {
        let letter = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{letter}{x:.1} {y:.1}");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::names::overlap;

    fn dot(model: usize, x: f64, y: f64) -> Dot {
        Dot {
            model,
            look: Look::Ours(0),
            x,
            y,
            interval: None,
            title: format!("model {model}"),
            name: format!("model-{model}"),
            is_important: false,
        }
    }

    fn chart(dots: &[Dot]) -> String {
        let axis = |title, unit| AxisSpec {
            title,
            scale: Scale::Linear,
            unit,
        };
        let chart = Chart {
            label: "a plot".into(),
            x: axis("across", Unit::Time),
            y: axis("up", Unit::Percent),
            dots,
            levels: &[],
            has_steps: true,
            has_diagonal: false,
        };
        chart.svg(Size {
            class: "wide",
            width: 600.0,
            height: 300.0,
        })
    }

    #[test]
    fn steps_join_what_no_other_point_beats() {
        let svg = chart(&[
            dot(0, 3.0, 60.0),
            dot(1, 1.0, 50.0),
            dot(2, 2.0, 50.0),
            dot(3, 4.0, 59.0),
        ]);
        let (_, steps) = svg.split_once("data-right").unwrap();
        let (_, steps) = steps.split_once(" d=\"").unwrap();
        let (steps, _) = steps.split_once('"').unwrap();
        // From one model to the other in two lines, then to the end.
        assert_eq!(steps.matches('L').count(), 3, "{steps}");
    }

    #[test]
    fn names_of_points_in_one_place_do_not_overlap() {
        let dots: Vec<Dot> = (0..12).map(|index| dot(index, 1.0, 50.0)).collect();
        let svg = chart(&dots);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let number = |node: &roxmltree::Node, name: &str| -> f64 {
            node.attribute(name).unwrap().parse().unwrap()
        };
        let boxes: Vec<Area> = document
            .descendants()
            .filter(|node| node.has_tag_name("text") && node.has_attribute("data-m"))
            .map(|node| {
                let (x, y) = (number(&node, "x"), number(&node, "y"));
                (x, y - 11.0, x + text_width(node.text().unwrap()), y + 2.0)
            })
            .collect();
        assert!((3..12).contains(&boxes.len()), "{}", boxes.len());
        for (index, a) in boxes.iter().enumerate() {
            assert!(!boxes.iter().skip(index + 1).any(|b| overlap(*a, *b)));
        }
    }

    #[test]
    fn every_point_has_a_title_and_no_points_are_a_plot_too() {
        let svg = chart(&[dot(0, 1.0, 2.0), dot(1, 2.0, 3.0)]);
        assert_eq!(svg.matches("<title>model ").count(), 2);
        roxmltree::Document::parse(&chart(&[])).unwrap();
    }
}
