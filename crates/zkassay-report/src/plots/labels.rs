//! Places for the labels of crowded points.
//!
//! Greedy and deterministic: every label tries places around its point, near
//! ones first, and takes the cheapest that covers no marker, no other label and
//! no leader; leaders do not cross. Points in the thick of a crowd choose first.
//! A label that finds no place is left out.

use std::f64::consts::TAU;

use super::style::Area;

/// A point that wants a label.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    pub(super) x: f64,
    pub(super) y: f64,
    /// Half the extent of the point's marker.
    pub(super) radius: f64,
    /// Extent of the label.
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A label that found its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label {
    pub(super) area: Area,
    /// The line from the marker to a label that is not beside it.
    pub(super) leader: Option<Segment>,
}

/// The ends of a straight line.
pub(super) type Segment = ((f64, f64), (f64, f64));

/// Distances that are tried, in pixels from the marker's edge.
const DISTANCES: [f64; 14] = [
    2.0, 6.0, 12.0, 18.0, 25.0, 33.0, 42.0, 52.0, 63.0, 75.0, 90.0, 110.0, 130.0, 155.0,
];
const DIRECTIONS: u32 = 24;
/// A label further away than this needs a leader.
const BESIDE: f64 = 7.0;
/// How many pixels of distance it is worth to cover one line less.
const LINE_COST: f64 = 4.0;
/// The same for a marker that the leader passes under.
const MARKER_COST: f64 = 12.0;
const GAP: f64 = 1.5;

/// A place within `frame` for the label of every anchor, or `None` where there
/// is no room. `lines` (areas without width or height) are covered only if the
/// alternative is much further away.
pub(super) fn place(anchors: &[Anchor], lines: &[Area], frame: Area) -> Vec<Option<Label>> {
    let mut order: Vec<usize> = (0..anchors.len()).collect();
    let crowding: Vec<f64> = anchors.iter().map(|own| crowding(anchors, own)).collect();
    order.sort_by(|a, b| crowding[*b].total_cmp(&crowding[*a]));
    let mut labels: Vec<Option<Label>> = vec![None; anchors.len()];
    for index in order {
        let anchor = &anchors[index];
        let candidates = DISTANCES.iter().flat_map(|distance| {
            (0..DIRECTIONS).map(move |direction| {
                let angle = TAU * f64::from(direction) / f64::from(DIRECTIONS);
                (candidate(anchor, *distance, angle), *distance)
            })
        });
        let allowed = candidates.filter(|(label, _)| {
            contains(&frame, &label.area)
                && anchors
                    .iter()
                    .all(|other| !overlap(&label.area, &marker(other)))
                && labels.iter().flatten().all(|other| !clash(label, other))
        });
        let priced = allowed.map(|(label, distance)| {
            let covered = lines.iter().filter(|line| overlap(&label.area, line));
            let passed = anchors.iter().enumerate().filter(|(other, anchor)| {
                let leader = label.leader.filter(|_| *other != index);
                leader.is_some_and(|leader| crosses(&marker(anchor), leader))
            });
            let cost = LINE_COST * covered.count() as f64 + MARKER_COST * passed.count() as f64;
            (label, distance + cost)
        });
        let best = priced.min_by(|(_, a), (_, b)| a.total_cmp(b));
        labels[index] = best.map(|(label, _)| label);
    }
    labels
}

/// How close the others are: the sum of their inverse distances.
fn crowding(anchors: &[Anchor], own: &Anchor) -> f64 {
    let distances = anchors
        .iter()
        .map(|other| (other.x - own.x).hypot(other.y - own.y));
    distances.map(|distance| 1.0 / (1.0 + distance)).sum()
}

fn candidate(anchor: &Anchor, distance: f64, angle: f64) -> Label {
    let (sin, cos) = angle.sin_cos();
    let reach = anchor.radius + distance;
    let x = anchor.x + cos * (reach + anchor.width / 2.0);
    let y = anchor.y + sin * (reach + anchor.height / 2.0);
    let area = Area {
        left: x - anchor.width / 2.0,
        top: y - anchor.height / 2.0,
        right: x + anchor.width / 2.0,
        bottom: y + anchor.height / 2.0,
    };
    let leader = (distance > BESIDE).then(|| {
        let from = (
            anchor.x + cos * anchor.radius,
            anchor.y + sin * anchor.radius,
        );
        let to = (
            anchor.x.clamp(area.left, area.right),
            anchor.y.clamp(area.top, area.bottom),
        );
        (from, to)
    });
    Label { area, leader }
}

fn marker(anchor: &Anchor) -> Area {
    Area {
        left: anchor.x - anchor.radius,
        top: anchor.y - anchor.radius,
        right: anchor.x + anchor.radius,
        bottom: anchor.y + anchor.radius,
    }
}

fn clash(a: &Label, b: &Label) -> bool {
    let grown = Area {
        left: a.area.left - GAP,
        top: a.area.top - GAP,
        right: a.area.right + GAP,
        bottom: a.area.bottom + GAP,
    };
    overlap(&grown, &b.area)
        || b.leader.is_some_and(|leader| crosses(&grown, leader))
        || a.leader.is_some_and(|leader| crosses(&b.area, leader))
        || matches!((a.leader, b.leader), (Some(a), Some(b)) if intersect(a, b))
}

fn contains(frame: &Area, area: &Area) -> bool {
    frame.left <= area.left
        && area.right <= frame.right
        && frame.top <= area.top
        && area.bottom <= frame.bottom
}

fn overlap(a: &Area, b: &Area) -> bool {
    a.left < b.right.max(b.left + f64::EPSILON)
        && b.left < a.right
        && a.top < b.bottom.max(b.top + f64::EPSILON)
        && b.top < a.bottom
}

/// Whether the segment has a point in the area.
fn crosses(area: &Area, segment: Segment) -> bool {
    let inside =
        |(x, y): (f64, f64)| area.left <= x && x <= area.right && area.top <= y && y <= area.bottom;
    let diagonals = [
        ((area.left, area.top), (area.right, area.bottom)),
        ((area.left, area.bottom), (area.right, area.top)),
    ];
    // A segment from one side of a rectangle to another crosses a diagonal.
    inside(segment.0)
        || inside(segment.1)
        || diagonals
            .into_iter()
            .any(|diagonal| intersect(segment, diagonal))
}

fn intersect((a, b): Segment, (c, d): Segment) -> bool {
    let side = |p: (f64, f64), q: (f64, f64), r: (f64, f64)| {
        (q.0 - p.0) * (r.1 - p.1) - (q.1 - p.1) * (r.0 - p.0)
    };
    side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Area = Area {
        left: 0.0,
        top: 0.0,
        right: 800.0,
        bottom: 500.0,
    };

    fn anchor(x: f64, y: f64) -> Anchor {
        Anchor {
            x,
            y,
            radius: 4.0,
            width: 50.0,
            height: 10.0,
        }
    }

    #[test]
    fn a_lone_label_stands_beside_its_point() {
        let labels = place(&[anchor(400.0, 250.0)], &[], FRAME);
        let label = labels[0].unwrap();
        assert!(label.leader.is_none());
        assert_eq!(label.area.left, 400.0 + 4.0 + DISTANCES[0]);
    }

    #[test]
    fn a_label_avoids_the_edge_and_a_line() {
        let point = anchor(790.0, 250.0);
        let bar = Area {
            left: 790.0,
            top: 100.0,
            right: 790.0,
            bottom: 400.0,
        };
        let label = place(&[point], &[bar], FRAME)[0].unwrap();
        assert!(label.area.right < 790.0, "{label:?}");
    }

    #[test]
    fn crowded_labels_do_not_touch_each_other_or_any_marker() {
        // Twelve points in a patch narrower than one label.
        let anchors: Vec<Anchor> = (0..12)
            .map(|i| {
                anchor(
                    400.0 + f64::from(i % 3) * 14.0,
                    250.0 + f64::from(i / 3) * 14.0,
                )
            })
            .collect();
        let labels = place(&anchors, &[], FRAME);
        assert!(labels.iter().all(Option::is_some));
        for (index, label) in labels.iter().flatten().enumerate() {
            assert!(contains(&FRAME, &label.area));
            for other in labels.iter().flatten().skip(index + 1) {
                assert!(!overlap(&label.area, &other.area));
            }
            for point in &anchors {
                assert!(!overlap(&label.area, &marker(point)));
            }
        }
    }

    #[test]
    fn without_room_a_label_is_left_out() {
        let narrow = Area {
            right: 40.0,
            ..FRAME
        };
        assert!(place(&[anchor(20.0, 20.0)], &[], narrow)[0].is_none());
    }

    #[test]
    fn a_segment_through_an_area_crosses_it() {
        let area = Area {
            left: 10.0,
            top: 10.0,
            right: 20.0,
            bottom: 20.0,
        };
        assert!(crosses(&area, ((0.0, 12.0), (30.0, 13.0))));
        assert!(crosses(&area, ((15.0, 11.0), (15.0, 40.0))));
        assert!(crosses(&area, ((0.0, 11.0), (12.0, 11.0))));
        assert!(!crosses(&area, ((0.0, 0.0), (9.0, 30.0))));
    }
}
