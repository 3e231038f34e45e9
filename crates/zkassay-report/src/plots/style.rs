//! The look of the figures: measures, colours, markers, title and legend.

use kuva::render::render::{PathData, Primitive, Scene, TextAnchor};

use crate::record::{Family, ModelRecord};

/// Width of every figure.
pub(super) const WIDTH: f64 = 960.0;
/// Height of title, subtitle and a legend of one line.
const HEADER: f64 = 96.0;
/// Font size of tick labels.
pub(super) const TICK_SIZE: u32 = 11;
/// Half the extent of a marker.
pub(super) const MARKER_RADIUS: f64 = 4.5;

pub(super) const INK: &str = "#1a1a1a";
pub(super) const MUTED: &str = "#5f6368";
pub(super) const GRID: &str = "#e3e5e8";
pub(super) const AXIS: &str = "#80868b";
pub(super) const BASELINE_DASH: &str = "7,4";

/// Verdana has nearly the widths of DejaVu Sans, which the PNG uses.
const FONTS: &str = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";

/// What has a colour and a shape of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// Networks, by number of hidden layers.
    Hidden(usize),
    /// Kernel machines.
    Kernel,
    /// Decision trees.
    Trees,
}

impl Group {
    /// The group of a model.
    pub(super) fn of(model: &ModelRecord) -> Self {
        match model.family {
            Family::Network => Self::Hidden(model.hidden.len()),
            Family::Kernel => Self::Kernel,
            Family::Trees => Self::Trees,
        }
    }

    /// What the legend calls it.
    pub(super) fn name(self) -> String {
        match self {
            Self::Hidden(0) => "no hidden layer".to_owned(),
            Self::Hidden(1) => "1 hidden layer".to_owned(),
            Self::Hidden(more) => format!("{more} hidden layers"),
            Self::Kernel => "kernel machine".to_owned(),
            Self::Trees => "decision trees".to_owned(),
        }
    }

    fn index(self) -> usize {
        match self {
            // The last two colours are those of the other groups.
            Self::Hidden(depth) => depth % (COLORS.len() - 2),
            Self::Kernel => COLORS.len() - 2,
            Self::Trees => COLORS.len() - 1,
        }
    }
}

/// Colours by group, told apart by colour-blind readers
/// (Okabe and Ito), and a lighter tint of each for error bars.
const COLORS: [(&str, &str); 6] = [
    ("#3c4043", "#a6a9ac"),
    ("#0072b2", "#80b9d9"),
    ("#d55e00", "#eaaf80"),
    ("#009e73", "#80cfb9"),
    ("#cc79a7", "#e6bcd3"),
    ("#8a6d00", "#c5b680"),
];

/// Part of a figure, in pixels from its top left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

/// The colour of a marker and the tint of its error bar.
pub(super) fn color(group: Group) -> (&'static str, &'static str) {
    COLORS[group.index()]
}

/// An upper bound for the width of `text` in DejaVu Sans: digits are 0.64 em
/// wide, hyphens and spaces less, few letters more.
pub(super) fn text_width(text: &str, size: u32) -> f64 {
    let ems: f64 = text
        .chars()
        .map(|character| match character {
            ',' | '.' | ' ' | 'i' | 'j' | 'l' | '(' | ')' | '-' => 0.40,
            'm' | 'w' | 'M' | 'W' | '%' | '@' => 1.0,
            'A'..='Z' => 0.78,
            character if character.is_ascii() => 0.64,
            _ => 1.0,
        })
        .sum();
    ems * f64::from(size)
}

/// An empty figure of the common width.
pub(super) fn scene(height: f64) -> Scene {
    let mut scene = Scene::new(WIDTH, height);
    scene.font_family = Some(FONTS.into());
    scene.text_color = Some(INK.into());
    scene
}

/// Whose proofs a marker stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Series {
    /// Ours: filled.
    Ours,
    /// A peer, by its place among the run's: hollow, tinted, hollow again.
    Peer(usize),
}

/// An entry of the legend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A colour and a shape.
    Group(Group),
    /// A peer and its name.
    Peer(usize, String),
    /// The dashed line's name.
    Dashed(&'static str),
}

impl Entry {
    fn name(&self) -> String {
        match self {
            Self::Group(group) => group.name(),
            Self::Peer(_, name) => name.clone(),
            Self::Dashed(name) => (*name).to_owned(),
        }
    }

    /// Width of what stands before the name.
    fn sample(&self) -> f64 {
        match self {
            Self::Dashed(_) => 35.0,
            _ => 15.0,
        }
    }
}

const LEFT: f64 = 24.0;
/// Baseline of the first line of the legend, and from each to the next.
const LEGEND: (f64, f64) = (80.0, 22.0);
const LEGEND_SIZE: u32 = 12;

/// Where the entries of a legend start, in as many lines as they need, and how many these are.
fn legend(entries: &[Entry]) -> (Vec<(f64, f64)>, usize) {
    const GAP: f64 = 22.0;
    let (mut x, mut line) = (LEFT, 0);
    let mut places = Vec::with_capacity(entries.len());
    for entry in entries {
        let width = entry.sample() + text_width(&entry.name(), LEGEND_SIZE);
        if x > LEFT && x + width > WIDTH - LEFT {
            (x, line) = (LEFT, line + 1);
        }
        places.push((x, LEGEND.0 + LEGEND.1 * line as f64));
        x += width + GAP;
    }
    (places, line + 1)
}

/// Height of title, subtitle and legend.
pub(super) fn header_height(entries: &[Entry]) -> f64 {
    let lines = legend(entries).1;
    HEADER + LEGEND.1 * lines.saturating_sub(1) as f64
}

/// Title, subtitle and legend.
pub(super) fn header(scene: &mut Scene, title: &str, subtitle: &str, entries: &[Entry]) {
    scene.add(Primitive::Text {
        x: LEFT,
        y: 32.0,
        content: title.into(),
        size: 18,
        anchor: TextAnchor::Start,
        rotate: None,
        bold: true,
        color: None,
    });
    let size = LEGEND_SIZE;
    scene.add(text(LEFT, 53.0, subtitle, size, TextAnchor::Start, MUTED));
    for (entry, (x, y)) in entries.iter().zip(legend(entries).0) {
        let (at, middle) = (x + MARKER_RADIUS, y - 4.0);
        match entry {
            Entry::Group(group) => scene.add(marker(at, middle, *group, Series::Ours)),
            Entry::Peer(index, _) => {
                scene.add(marker(at, middle, Group::Hidden(0), Series::Peer(*index)));
            }
            Entry::Dashed(_) => scene.add(dashed_line((x, middle), (x + 28.0, middle))),
        }
        let name = entry.name();
        scene.add(text(
            x + entry.sample(),
            y,
            &name,
            size,
            TextAnchor::Start,
            INK,
        ));
    }
}

/// A line of text whose baseline is at `y`.
pub(super) fn text(
    x: f64,
    y: f64,
    content: &str,
    size: u32,
    anchor: TextAnchor,
    color: &str,
) -> Primitive {
    Primitive::Text {
        x,
        y,
        content: content.into(),
        size,
        anchor,
        rotate: None,
        bold: false,
        color: Some(color.into()),
    }
}

/// A straight line.
pub(super) fn line(from: (f64, f64), to: (f64, f64), color: &str, width: f64) -> Primitive {
    Primitive::Line {
        x1: from.0,
        y1: from.1,
        x2: to.0,
        y2: to.1,
        stroke: color.into(),
        stroke_width: width,
        stroke_dasharray: None,
    }
}

/// A line of the kind that marks a baseline.
pub(super) fn dashed_line(from: (f64, f64), to: (f64, f64)) -> Primitive {
    Primitive::Line {
        x1: from.0,
        y1: from.1,
        x2: to.0,
        y2: to.1,
        stroke: INK.into(),
        stroke_width: 1.2,
        stroke_dasharray: Some(BASELINE_DASH.into()),
    }
}

/// Corners of the markers after the circle, in units of its radius: square,
/// triangle, diamond, of about the same area; then a triangle that stands on its corner, and a flat
/// diamond.
const POLYGONS: [&[(f64, f64)]; 5] = [
    &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
    &[(0.0, -1.15), (1.15, 0.92), (-1.15, 0.92)],
    &[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
    &[(0.0, 1.15), (-1.15, -0.92), (1.15, -0.92)],
    &[(0.0, -0.8), (1.6, 0.0), (0.0, 0.8), (-1.6, 0.0)],
];

/// The marker of a group: colours and shapes both differ, so that it can be
/// told in print and without colour vision. Peers' are outlined, theirs alone.
pub(super) fn marker(x: f64, y: f64, group: Group, series: Series) -> Primitive {
    const WHITE: &str = "#ffffff";
    let (full, tint) = color(group);
    let (fill, stroke, width) = match series {
        Series::Ours => (full, WHITE, 0.8),
        Series::Peer(index) if index % 2 == 1 => (tint, full, 1.4),
        Series::Peer(_) => (WHITE, full, 1.4),
    };
    let shape = group.index();
    let Some(corners) = shape.checked_sub(1).map(|index| POLYGONS[index]) else {
        return Primitive::Circle {
            cx: x,
            cy: y,
            r: MARKER_RADIUS,
            fill: fill.into(),
            fill_opacity: None,
            stroke: Some(stroke.into()),
            stroke_width: Some(width),
        };
    };
    let corners: Vec<String> = corners
        .iter()
        .map(|(dx, dy)| {
            let (x, y) = (x + dx * MARKER_RADIUS, y + dy * MARKER_RADIUS);
            format!("{x:.2} {y:.2}")
        })
        .collect();
    Primitive::Path(Box::new(PathData {
        d: format!("M {} Z", corners.join(" L ")),
        fill: Some(fill.into()),
        stroke: stroke.into(),
        stroke_width: width,
        opacity: None,
        stroke_dasharray: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_legend_takes_more_lines() {
        let few = [Entry::Group(Group::Trees), Entry::Dashed("baseline")];
        assert_eq!(legend(&few).1, 1);
        assert_eq!(header_height(&few), HEADER);
        let many: Vec<Entry> = (0..12)
            .map(|depth| Entry::Group(Group::Hidden(depth)))
            .collect();
        let (places, lines) = legend(&many);
        assert_eq!(lines, 2);
        assert_eq!(header_height(&many), HEADER + LEGEND.1);
        for (entry, (x, _)) in many.iter().zip(places) {
            assert!(
                x + text_width(&entry.name(), LEGEND_SIZE) < WIDTH,
                "{entry:?}"
            );
        }
    }
}
