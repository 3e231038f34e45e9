//! Scales, rounding half up, conversion to and from reals.

/// A power-of-two scale: the real `x` is stored as `round(x * 2^exponent)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Scale(pub i32);

impl Scale {
    /// `2^exponent`, exactly.
    pub fn factor(self) -> f64 {
        libm::ldexp(1.0, self.0)
    }

    /// The integer nearest to `real * 2^exponent`, halves upwards; `None` if
    /// `real` is not finite or the result leaves ±2^62.
    pub fn quantize(self, real: f64) -> Option<i64> {
        let scaled = libm::floor(real * self.factor() + 0.5);
        (scaled.abs() < libm::ldexp(1.0, 62)).then_some(scaled as i64)
    }

    /// The real number that `integer` stands for.
    pub fn real(self, integer: i64) -> f64 {
        integer as f64 * libm::ldexp(1.0, -self.0)
    }
}

/// `value / 2^shift` rounded to the nearest integer, halves upwards.
///
/// This is the rescale of the circuit: the quotient of `value + 2^(shift-1)`
/// by `2^shift`, with a remainder in `[0, 2^shift)`.
pub fn shift_round(value: i128, shift: u32) -> i128 {
    match shift {
        0 => value,
        _ => (value + (1 << (shift - 1))) >> shift,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_up() {
        assert_eq!(Scale(1).quantize(0.25), Some(1));
        assert_eq!(Scale(1).quantize(-0.25), Some(0));
        assert_eq!(Scale(0).quantize(-0.51), Some(-1));
        assert_eq!(shift_round(2, 2), 1);
        assert_eq!(shift_round(-2, 2), 0);
        assert_eq!(shift_round(-3, 2), -1);
        assert_eq!(shift_round(-5, 0), -5);
    }

    #[test]
    fn values_without_an_integer_are_refused() {
        assert_eq!(Scale(10).quantize(f64::NAN), None);
        assert_eq!(Scale(10).quantize(f64::INFINITY), None);
        assert_eq!(Scale(40).quantize(1e9), None);
    }

    #[test]
    fn real_inverts_quantize_within_half_a_step() {
        for i in -1000..1000 {
            let x = f64::from(i) * 0.00371;
            let q = Scale(12).quantize(x).unwrap();
            assert!((Scale(12).real(q) - x).abs() <= 0.5 / 4096.0);
        }
    }
}
