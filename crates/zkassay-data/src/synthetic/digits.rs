//! Digits drawn with a jittery pen, in the four files of MNIST.
//!
//! Each class is a few straight strokes; every image moves, scales and slants
//! them, shakes their ends and varies the pen. They are easier than
//! handwriting: enough to exercise a pipeline, not to judge a model.

use std::collections::BTreeMap;

use zkassay_seed::Stream;

use crate::idx::{self, FILES};

/// Rows and columns of an image.
const SIDE: usize = 28;
/// Images to train on and to test on.
const IMAGES: [usize; 2] = [600, 150];
/// Grey levels of the pen, few so that the files stay small.
const LEVELS: f64 = 8.0;

type Point = (f64, f64);

/// The strokes of each class, in a box one wide and two high, `y` downwards.
const STROKES: [&[&[Point]]; 10] = [
    &[&[
        (0.3, 0.0),
        (0.8, 0.1),
        (1.0, 1.0),
        (0.7, 2.0),
        (0.2, 1.9),
        (0.0, 1.0),
        (0.3, 0.0),
    ]],
    &[&[(0.2, 0.4), (0.6, 0.0), (0.5, 2.0)]],
    &[&[
        (0.0, 0.4),
        (0.4, 0.0),
        (0.9, 0.2),
        (0.9, 0.7),
        (0.0, 2.0),
        (1.0, 1.9),
    ]],
    &[&[
        (0.0, 0.1),
        (0.8, 0.0),
        (0.9, 0.6),
        (0.3, 0.9),
        (1.0, 1.3),
        (0.8, 1.9),
        (0.0, 2.0),
    ]],
    &[
        &[(0.2, 0.0), (0.0, 1.1), (1.0, 1.1)],
        &[(0.8, 0.3), (0.7, 2.0)],
    ],
    &[&[
        (1.0, 0.0),
        (0.1, 0.0),
        (0.0, 0.9),
        (0.8, 0.9),
        (1.0, 1.5),
        (0.6, 2.0),
        (0.0, 1.9),
    ]],
    &[&[
        (0.8, 0.0),
        (0.2, 0.8),
        (0.0, 1.6),
        (0.5, 2.0),
        (1.0, 1.5),
        (0.6, 1.1),
        (0.0, 1.4),
    ]],
    &[&[(0.0, 0.1), (1.0, 0.0), (0.4, 2.0)]],
    &[
        &[(0.5, 0.9), (0.0, 0.5), (0.5, 0.0), (1.0, 0.5), (0.5, 0.9)],
        &[(0.5, 0.9), (0.0, 1.5), (0.5, 2.0), (1.0, 1.5), (0.5, 0.9)],
    ],
    &[&[
        (0.9, 0.6),
        (0.4, 1.0),
        (0.0, 0.5),
        (0.5, 0.0),
        (0.9, 0.6),
        (0.7, 2.0),
    ]],
];

/// The four gzip files of `seed`, by name.
pub(super) fn files(seed: u64) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for ((name, count), [image_file, label_file]) in ["train", "test"].iter().zip(IMAGES).zip(FILES)
    {
        let mut stream = Stream::new(seed, &format!("synthetic/digits/{name}"));
        let mut labels: Vec<u8> = (0..count).map(|index| (index % 10) as u8).collect();
        stream.shuffle(&mut labels);
        let pixels: Vec<u8> = labels
            .iter()
            .flat_map(|label| draw(*label, &mut stream))
            .collect();
        files.insert(
            image_file.to_owned(),
            idx::encode(&[count, SIDE, SIDE], &pixels),
        );
        files.insert(label_file.to_owned(), idx::encode(&[count], &labels));
    }
    files
}

/// One image of the class `label`: 784 grey values, 0 for the paper.
fn draw(label: u8, stream: &mut Stream) -> Vec<u8> {
    let mut spread = |middle: f64, width: f64| middle + width * (2.0 * stream.unit() - 1.0);
    let scale = (spread(8.0, 1.5), spread(8.5, 1.0));
    let corner = (spread(10.0, 1.5), spread(5.5, 1.5));
    let slant = spread(0.1, 0.25);
    let pen = spread(1.0, 0.35);
    let mut segments: Vec<(Point, Point)> = Vec::new();
    for stroke in STROKES[usize::from(label)] {
        let mut place = |(x, y): Point| {
            let (x, y) = (spread(x, 0.1), spread(y, 0.1));
            (
                corner.0 + scale.0 * (x + slant * (1.0 - y)),
                corner.1 + scale.1 * y,
            )
        };
        let points: Vec<Point> = stroke.iter().map(|point| place(*point)).collect();
        segments.extend(points.windows(2).map(|ends| (ends[0], ends[1])));
    }
    let centre = |index: usize| index as f64 + 0.5;
    (0..SIDE * SIDE)
        .map(|pixel| {
            let point = (centre(pixel % SIDE), centre(pixel / SIDE));
            let nearest = segments
                .iter()
                .map(|segment| distance(point, *segment))
                .fold(f64::INFINITY, f64::min);
            // The edge of the stroke fades over one pixel.
            let ink = (pen + 0.5 - nearest).clamp(0.0, 1.0);
            (255.0 * (ink * LEVELS).round() / LEVELS) as u8
        })
        .collect()
}

/// Distance from a point to a segment.
fn distance((x, y): Point, ((ax, ay), (bx, by)): (Point, Point)) -> f64 {
    let (dx, dy) = (bx - ax, by - ay);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 {
        (((x - ax) * dx + (y - ay) * dy) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let (ex, ey) = (x - ax - along * dx, y - ay - along * dy);
    (ex * ex + ey * ey).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_has_ink_inside_a_margin() {
        let mut stream = Stream::new(3, "test");
        for label in (0..10).cycle().take(200) {
            let image = draw(label, &mut stream);
            let ink = image.iter().filter(|grey| **grey > 127).count();
            assert!((15..300).contains(&ink), "{label}: {ink}");
            assert!(
                image[..SIDE].iter().all(|grey| *grey == 0),
                "{label}: the first row has ink"
            );
        }
    }
}
