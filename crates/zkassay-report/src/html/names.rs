//! Names beside the points of a plot, where they stand on nothing else.

use std::fmt::Write as _;

use super::chart::{Area, Level, Place};
use super::text::Text;

/// Half the extent of a marker.
const RADIUS: f64 = 5.5;
/// Height of a name in a plot.
const NAME_HEIGHT: f64 = 13.0;
/// With more names than that only the important ones are written.
const MANY: usize = 14;

/// Names beside their points, the important ones first, where they stand on nothing else.
pub(super) fn names(
    places: &[Place],
    line: &[(f64, f64)],
    levels: &[Level],
    to_y: &dyn Fn(f64) -> Option<f64>,
    area: Area,
) -> String {
    let (left, top, right, bottom) = area;
    let mut out = String::new();
    let mut taken: Vec<Area> = places
        .iter()
        .map(|place| around(place.x, place.y, RADIUS))
        .collect();
    taken.extend(line.iter().zip(line.iter().skip(1)).map(|(from, to)| {
        let (left, right) = (from.0.min(to.0), from.0.max(to.0));
        let (top, bottom) = (from.1.min(to.1), from.1.max(to.1));
        (left - 2.0, top - 2.0, right + 2.0, bottom + 2.0)
    }));
    for level in levels {
        let Some(line_y) = to_y(level.y) else {
            continue;
        };
        let width = text_width(&level.name);
        // Below the line where there is no room above it.
        let y = if line_y - top > NAME_HEIGHT + 4.0 {
            line_y - 5.0
        } else {
            line_y + NAME_HEIGHT
        };
        taken.push((right - width, y - NAME_HEIGHT, right, y));
        taken.push((left, line_y - 1.5, right, line_y + 1.5));
        let _ = write!(
            out,
            "<text class=\"end\" x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
            right - 2.0,
            Text(&level.name)
        );
    }
    let named: Vec<&Place> = places
        .iter()
        .filter(|place| !place.dot.name.is_empty())
        .collect();
    let mut order = named.clone();
    order.sort_by_key(|place| !place.dot.is_important);
    for place in order {
        if named.len() > MANY && !place.dot.is_important {
            continue;
        }
        let Place { dot, x, y } = *place;
        let shown: String = dot.name.chars().take(28).collect();
        let width = text_width(&shown);
        // Right, left, above, below, then the corners.
        let candidates = [
            (x + 9.0, y + 4.0),
            (x - 9.0 - width, y + 4.0),
            (x - width / 2.0, y - 10.0),
            (x - width / 2.0, y + 20.0),
            (x + 6.0, y - 8.0),
            (x - 6.0 - width, y - 8.0),
            (x + 6.0, y + 17.0),
            (x - 6.0 - width, y + 17.0),
        ];
        let free = candidates.into_iter().find(|(x, y)| {
            let name = (*x, *y - NAME_HEIGHT + 2.0, *x + width, *y + 2.0);
            let is_inside =
                name.0 >= left && name.1 >= top - 6.0 && name.2 <= right && name.3 <= bottom;
            is_inside && !taken.iter().any(|other| overlap(name, *other))
        });
        if let Some((x, y)) = free {
            taken.push((x, y - NAME_HEIGHT + 2.0, x + width, y + 2.0));
            let _ = write!(
                out,
                "<text data-m=\"{}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
                dot.model,
                Text(&shown)
            );
        }
    }
    out
}

fn around(x: f64, y: f64, radius: f64) -> Area {
    (x - radius, y - radius, x + radius, y + radius)
}

pub(super) fn overlap(a: Area, b: Area) -> bool {
    a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3
}

/// An upper bound for the width of `text` in a system font of 12 units.
pub(super) fn text_width(text: &str) -> f64 {
    let ems = text.chars().map(|character| match character {
        ',' | '.' | ' ' | 'i' | 'j' | 'l' | '(' | ')' | '-' => 0.36,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.95,
        'A'..='Z' => 0.72,
        character if character.is_ascii() => 0.6,
        _ => 1.0,
    });
    ems.sum::<f64>() * 12.0
}
