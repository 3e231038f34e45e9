//! The look of the figures: measures, colours, markers, title and legend.

use kuva::render::render::{PathData, Primitive, Scene, TextAnchor};

use crate::record::{Family, ModelRecord};

/// Width of every figure.
pub(super) const WIDTH: f64 = 960.0;
/// Height of title, subtitle and legend.
pub(super) const HEADER: f64 = 96.0;
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

/// Title, subtitle and one line of legend: an entry per group and, if there is
/// one, the dashed line's name.
pub(super) fn header(
    scene: &mut Scene,
    title: &str,
    subtitle: &str,
    groups: &[Group],
    dashed: Option<&str>,
) {
    const LEFT: f64 = 24.0;
    const LEGEND: f64 = 80.0;
    const SIZE: u32 = 12;
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
    scene.add(text(LEFT, 53.0, subtitle, SIZE, TextAnchor::Start, MUTED));
    let mut x = LEFT;
    for group in groups {
        let name = group.name();
        scene.add(marker(x + MARKER_RADIUS, LEGEND - 4.0, *group));
        scene.add(text(x + 15.0, LEGEND, &name, SIZE, TextAnchor::Start, INK));
        x += 15.0 + text_width(&name, SIZE) + 22.0;
    }
    if let Some(name) = dashed {
        scene.add(dashed_line((x, LEGEND - 4.0), (x + 28.0, LEGEND - 4.0)));
        scene.add(text(x + 35.0, LEGEND, name, SIZE, TextAnchor::Start, INK));
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
/// told in print and without colour vision.
pub(super) fn marker(x: f64, y: f64, group: Group) -> Primitive {
    const OUTLINE: &str = "#ffffff";
    const OUTLINE_WIDTH: f64 = 0.8;
    let fill = color(group).0;
    let shape = group.index();
    let Some(corners) = shape.checked_sub(1).map(|index| POLYGONS[index]) else {
        return Primitive::Circle {
            cx: x,
            cy: y,
            r: MARKER_RADIUS,
            fill: fill.into(),
            fill_opacity: None,
            stroke: Some(OUTLINE.into()),
            stroke_width: Some(OUTLINE_WIDTH),
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
        stroke: OUTLINE.into(),
        stroke_width: OUTLINE_WIDTH,
        opacity: None,
        stroke_dasharray: None,
    }))
}
