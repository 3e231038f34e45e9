//! Axes: from values to positions, and where the ticks stand.

use super::style::{TICK_SIZE, text_width};
use crate::units;

/// An axis from `low` to `high` with its ticks.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    /// Labelled ticks, ascending.
    pub(super) ticks: Vec<Tick>,
    /// Ticks without a label (logarithmic axes only), ascending.
    pub(super) minor: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Linear,
    Log,
}

/// A labelled tick.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    /// Where it stands.
    pub(super) value: f64,
    /// What it says.
    pub(super) label: String,
}

impl Axis {
    /// A logarithmic axis over at least one decade with air on both sides, and
    /// as many labelled ticks as have room on `length` pixels.
    ///
    /// Values that are not positive have no place on it and are ignored.
    pub(super) fn log(values: impl Iterator<Item = f64>, length: f64) -> Self {
        let positive = values.filter(|value| *value > 0.0);
        let (low, high) = bounds(positive).unwrap_or((1.0, 1.0));
        let (low, high) = (low.log10(), high.log10());
        let span = high - low;
        let air = (0.06 * span).max((1.0 - span) / 2.0);
        let mut axis = Self {
            scale: Scale::Log,
            low: low - air,
            high: high + air,
            ticks: Vec::new(),
            minor: Vec::new(),
        };
        axis.minor = axis.decades(&[1, 2, 3, 4, 5, 6, 7, 8, 9], 1);
        let patterns: [(&[u8], usize); 5] = [
            (&[1, 2, 5], 1),
            (&[1, 3], 1),
            (&[1], 1),
            (&[1], 2),
            (&[1], 3),
        ];
        for (multipliers, step) in patterns {
            let values = axis.decades(multipliers, step).into_iter();
            axis.ticks = values
                .map(|value| Tick {
                    value,
                    label: number(value, (-value.log10().floor()).max(0.0) as usize),
                })
                .collect();
            if axis.labels_have_room(length) {
                break;
            }
        }
        axis
    }

    /// A linear axis whose ends are ticks, around `values`.
    pub(super) fn linear(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = bounds(values).unwrap_or((0.0, 0.0));
        let (low, high) = match high - low {
            // One value (or none): some room around it, none below zero.
            0.0 => ((low - 1.0).max(low.min(0.0)), high + 1.0),
            _ => (low, high),
        };
        Self::with_step(low, high, nice_step((high - low) / 5.0))
    }

    /// A linear axis around `values` that are whole numbers: ticks at whole
    /// numbers only, one beyond the values on either side.
    pub(super) fn integer(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = bounds(values).unwrap_or((0.0, 0.0));
        let (low, high) = (low - 1.0, high + 1.0);
        Self::with_step(low, high, nice_step((high - low) / 6.0).max(1.0).ceil())
    }

    /// Where `value` stands: 0 at the low end, 1 at the high end; `None` if it
    /// has no place on the axis.
    pub(super) fn position(&self, value: f64) -> Option<f64> {
        let value = match self.scale {
            Scale::Linear => value,
            Scale::Log => value.log10(),
        };
        let position = (value - self.low) / (self.high - self.low);
        position.is_finite().then_some(position)
    }

    fn with_step(low: f64, high: f64, step: f64) -> Self {
        let first = (low / step).floor();
        let last = (high / step).ceil();
        let decimals = (0..6).find(|places| {
            let scaled = step * 10_f64.powi(*places);
            (scaled - scaled.round()).abs() < 1e-6
        });
        let ticks = (0..=(last - first) as usize).map(|index| {
            let value = (first + index as f64) * step;
            Tick {
                value,
                label: number(value, decimals.unwrap_or(6) as usize),
            }
        });
        Self {
            scale: Scale::Linear,
            low: first * step,
            high: last * step,
            ticks: ticks.collect(),
            minor: Vec::new(),
        }
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
            .collect()
    }

    fn labels_have_room(&self, length: f64) -> bool {
        const GAP: f64 = 10.0;
        self.ticks.windows(2).all(|pair| {
            let half_widths: f64 = pair
                .iter()
                .map(|tick| text_width(&tick.label, TICK_SIZE) / 2.0)
                .sum();
            let places = pair.iter().filter_map(|tick| self.position(tick.value));
            let distance = places.fold(0.0, |previous, place| place - previous);
            half_widths + GAP <= distance * length
        })
    }
}

/// The least and the greatest finite value.
pub(crate) fn bounds(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = values.filter(|value| value.is_finite());
    finite.fold(None, |bounds, value| match bounds {
        None => Some((value, value)),
        Some((low, high)) => Some((value.min(low), value.max(high))),
    })
}

/// The smallest of 1, 2, 2.5, 5 times a power of ten that is not below `rough`; 1 where there is none.
pub(crate) fn nice_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let nice = [1.0, 2.0, 2.5, 5.0].into_iter().map(|step| step * power);
    let step = nice.into_iter().find(|step| *step >= rough * (1.0 - 1e-9));
    let step = step.unwrap_or(10.0 * power);
    if step.is_finite() && step > 0.0 {
        step
    } else {
        1.0
    }
}

fn number(value: f64, decimals: usize) -> String {
    if decimals == 0 && value >= 1.0 {
        units::count(value.round() as usize)
    } else if decimals == 0 && value.fract() != 0.0 {
        value.to_string()
    } else {
        // Adding zero turns -0 into 0.
        format!("{:.decimals$}", value + 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn log_ticks_thin_out_as_room_gets_short() {
        let axis = |length| Axis::log([163.0, 31_233.0].into_iter(), length);
        assert_eq!(
            labels(&axis(900.0)),
            ["200", "500", "1,000", "2,000", "5,000", "10,000", "20,000"]
        );
        assert_eq!(
            labels(&axis(350.0)),
            ["300", "1,000", "3,000", "10,000", "30,000"]
        );
        assert_eq!(labels(&axis(150.0)), ["1,000", "10,000"]);
    }

    #[test]
    fn one_value_still_gets_a_log_axis_with_ticks() {
        let axis = Axis::log([163.0].into_iter(), 900.0);
        assert_eq!(labels(&axis), ["100", "200", "500"]);
        let position = axis.position(163.0).unwrap();
        assert!((position - 0.5).abs() < 1e-12, "{position}");
    }

    #[test]
    fn zero_has_no_place_on_a_log_axis() {
        let axis = Axis::log([0.0, 10.0].into_iter(), 900.0);
        assert_eq!(axis.position(0.0), None);
    }

    #[test]
    fn linear_ends_are_ticks_outside_the_values() {
        let axis = Axis::linear([52.0, 58.1, 73.4].into_iter());
        assert_eq!(labels(&axis), ["50", "55", "60", "65", "70", "75"]);
        assert_eq!(axis.position(50.0), Some(0.0));
        assert_eq!(axis.position(75.0), Some(1.0));
    }

    #[test]
    fn linear_labels_have_the_decimals_of_their_step() {
        assert_eq!(
            labels(&Axis::linear([0.0, 1.1].into_iter())),
            ["0.00", "0.25", "0.50", "0.75", "1.00", "1.25"]
        );
        assert_eq!(
            labels(&Axis::linear([0.0, 11_000.0].into_iter())),
            ["0", "2,500", "5,000", "7,500", "10,000", "12,500"]
        );
    }

    #[test]
    fn integers_get_whole_ticks() {
        assert_eq!(labels(&Axis::integer([9.0].into_iter())), ["8", "9", "10"]);
        let wide = Axis::integer([8.0, 25.0].into_iter());
        assert!(wide.ticks.iter().all(|tick| tick.value.fract() == 0.0));
    }

    #[test]
    fn one_value_at_zero_does_not_reach_below() {
        assert_eq!(labels(&Axis::linear([0.0].into_iter()))[0], "0.0");
    }
}
