//! Axes of the page's plots: from values to positions, with ticks that read well.

use super::quantity::Unit;
use crate::plots::{bounds, nice_step};

/// Most ticks an axis has, whatever the values are.
const MOST: usize = 64;

/// How values lie on an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Evenly.
    Linear,
    /// Evenly, with the ends at the outermost ticks and zero as the lower one.
    FromZero,
    /// At whole numbers.
    Whole,
    /// By their logarithm; what is not positive has no place.
    Log,
}

/// An axis from `low` to `high` with its ticks; logarithms of values on a logarithmic one.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    is_log: bool,
    low: f64,
    high: f64,
    /// Values with a label, ascending.
    pub(super) ticks: Vec<(f64, String)>,
    /// Values with a finer line, ascending.
    pub(super) minor: Vec<f64>,
}

impl Axis {
    /// An axis around `values`, which is `length` units long; `room` is what the label of a tick
    /// needs of it.
    pub(super) fn new(
        values: impl Iterator<Item = f64>,
        scale: Scale,
        unit: Unit,
        length: f64,
        room: fn(&str) -> f64,
    ) -> Self {
        // Beyond that, sums and ratios of values would overflow.
        let values = values.filter(|value| value.is_finite() && value.abs() < 1e150);
        match scale {
            Scale::Log => {
                let positive = values.filter(|value| *value > 1e-150);
                let bounds = bounds(positive.map(f64::log10)).unwrap_or((0.0, 0.0));
                Self::log(bounds, unit, length, room)
            }
            Scale::FromZero => Self::linear(bounds(values.chain([0.0])), 0.0, unit, length, room),
            Scale::Linear => Self::linear(bounds(values), 0.0, unit, length, room),
            Scale::Whole => {
                let around = bounds(values).map(|(low, high)| (low - 0.6, high + 0.6));
                Self::linear(around, 1.0, unit, length, room)
            }
        }
    }

    /// Where `value` stands: 0 at the low end, 1 at the high end; `None` if it has no place.
    pub(super) fn position(&self, value: f64) -> Option<f64> {
        let value = if self.is_log { value.log10() } else { value };
        let position = (value - self.low) / (self.high - self.low);
        (position.is_finite() && (-1.0..=2.0).contains(&position)).then_some(position)
    }

    fn log((low, high): (f64, f64), unit: Unit, length: f64, room: fn(&str) -> f64) -> Self {
        let span = high - low;
        // At least two thirds of a decade, and air on both sides.
        let air = (0.06 * span).max((0.67 - span) / 2.0);
        let mut axis = Self {
            is_log: true,
            low: low - air,
            high: high + air,
            ticks: Vec::new(),
            minor: Vec::new(),
        };
        axis.minor = axis.decades(&[1, 2, 3, 4, 5, 6, 7, 8, 9], 1);
        if axis.high - axis.low < 0.9 {
            // Less than a decade has too few of the powers' multiples.
            let (low, high) = (10_f64.powf(axis.low), 10_f64.powf(axis.high));
            for parts in [7.0, 5.0, 4.0, 3.0, 2.0] {
                let step = nice_step((high - low) / parts);
                let count = ((high - low) / step).clamp(0.0, MOST as f64) as usize;
                let values =
                    (0..=count + 1).map(|index| ((low / step).floor() + index as f64) * step);
                let inside = values.filter(|value| (low..=high).contains(value));
                axis.ticks = inside.map(|value| (value, unit.tick(value))).collect();
                if axis.has_room(length, room) {
                    break;
                }
            }
            return axis;
        }
        let patterns: [(&[u8], usize); 5] = [
            (&[1, 2, 5], 1),
            (&[1, 3], 1),
            (&[1], 1),
            (&[1], 2),
            (&[1], 4),
        ];
        for (multipliers, step) in patterns {
            let values = axis.decades(multipliers, step).into_iter();
            axis.ticks = values.map(|value| (value, unit.tick(value))).collect();
            if axis.has_room(length, room) {
                break;
            }
        }
        axis
    }

    /// `least` is the smallest step between ticks.
    fn linear(
        bounds: Option<(f64, f64)>,
        least: f64,
        unit: Unit,
        length: f64,
        room: fn(&str) -> f64,
    ) -> Self {
        let (low, high) = bounds.unwrap_or((0.0, 1.0));
        let (low, high) = match high > low {
            true => (low, high),
            // One value: some room around it, none below zero.
            false => ((low - 1.0).max(low.min(0.0)), high + 1.0),
        };
        let mut axis = Self {
            is_log: false,
            low,
            high,
            ticks: Vec::new(),
            minor: Vec::new(),
        };
        for parts in [7.0, 5.0, 4.0, 3.0, 2.0] {
            let step = nice_step((high - low) / parts).max(least);
            let (first, last) = match least > 0.0 {
                true => ((low / step).ceil(), (high / step).floor()),
                false => ((low / step).floor(), (high / step).ceil()),
            };
            let count = (last - first).clamp(0.0, MOST as f64) as usize;
            let values = (0..=count).map(|index| (first + index as f64) * step);
            axis.ticks = values.map(|value| (value, unit.tick(value))).collect();
            if least == 0.0 {
                (axis.low, axis.high) = (first * step, last * step);
            }
            if axis.has_room(length, room) {
                break;
            }
        }
        axis
    }

    /// `multipliers` times every `step`-th power of ten within the axis.
    fn decades(&self, multipliers: &[u8], step: usize) -> Vec<f64> {
        let decades = (self.low.floor() as i32..=self.high.ceil() as i32).step_by(step);
        decades
            .flat_map(|decade| {
                let power = 10_f64.powi(decade);
                multipliers.iter().map(move |m| f64::from(*m) * power)
            })
            .filter(|value| (self.low..=self.high).contains(&value.log10()))
            .take(MOST * 9)
            .collect()
    }

    fn has_room(&self, length: f64, room: fn(&str) -> f64) -> bool {
        self.ticks
            .iter()
            .zip(self.ticks.iter().skip(1))
            .all(|(a, b)| {
                let needed = f64::midpoint(room(&a.1), room(&b.1));
                let (Some(from), Some(to)) = (self.position(a.0), self.position(b.0)) else {
                    return true;
                };
                needed <= (to - from) * length
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(label: &str) -> f64 {
        label.chars().count() as f64 * 7.0 + 12.0
    }

    fn labels(values: &[f64], scale: Scale, unit: Unit, length: f64) -> Vec<String> {
        let axis = Axis::new(values.iter().copied(), scale, unit, length, room);
        axis.ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_thin_out_where_room_is_short() {
        let values = [163.0, 31_233.0];
        let ticks = |length| labels(&values, Scale::Log, Unit::Count, length);
        let wide = ["200", "500", "1,000", "2,000", "5,000", "10,000", "20,000"];
        assert_eq!(ticks(900.0), wide);
        assert_eq!(ticks(160.0), ["1,000", "10,000"]);
    }

    #[test]
    fn a_span_below_a_decade_has_more_than_one_tick() {
        let ticks = labels(&[12.0, 17.0], Scale::Log, Unit::Time, 600.0);
        assert!(ticks.len() > 2, "{ticks:?}");
    }

    #[test]
    fn linear_ends_are_ticks_and_zero_is_one_where_wanted() {
        let ticks = labels(&[52.0, 73.4], Scale::Linear, Unit::Percent, 300.0);
        assert_eq!(ticks[0], "50 %");
        assert_eq!(ticks[ticks.len() - 1], "75 %");
        let ticks = labels(&[900.0, 1400.0], Scale::FromZero, Unit::Time, 300.0);
        assert_eq!(ticks[0], "0");
    }

    #[test]
    fn whole_numbers_have_whole_ticks() {
        assert_eq!(labels(&[9.0], Scale::Whole, Unit::Count, 300.0), ["9"]);
        let ticks = labels(&[8.0, 25.0], Scale::Whole, Unit::Count, 300.0);
        assert!(ticks.iter().all(|tick| !tick.contains('.')), "{ticks:?}");
        assert!(ticks.len() > 3);
    }

    #[test]
    fn any_values_have_an_axis() {
        let strange: [&[f64]; 7] = [
            &[],
            &[0.0],
            &[f64::NAN, f64::INFINITY],
            &[-1e308, 1e308],
            &[1e-320, 5.0],
            &[1e17, 1e17 + 64.0],
            &[-5.0, -5.0],
        ];
        for values in strange {
            for scale in [Scale::Linear, Scale::FromZero, Scale::Whole, Scale::Log] {
                let axis = Axis::new(values.iter().copied(), scale, Unit::Time, 300.0, room);
                assert!(axis.ticks.len() <= MOST + 1, "{values:?}");
                for value in values {
                    let position = axis.position(*value);
                    assert!(position.is_none_or(f64::is_finite));
                }
            }
        }
    }
}
