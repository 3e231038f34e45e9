//! Monotone output maps and their preimages.
//!
//! A model's last step maps the accumulator `y` of its last dense layer (an
//! integer at scale `f_y`) to the public output `z` (an integer at scale
//! `f_z`): a rescale, or a sigmoid. Both are monotone, so the accumulators that
//! give one `z` are an *interval* of integers. A circuit therefore proves
//! `z = map(y)` for a public `z` by proving `lo <= y <= hi`, where anyone
//! computes `lo` and `hi` from `z`: two range checks, no table, and the output
//! is the correctly rounded one.
//!
//! For the sigmoid, `z` is the number of thresholds `t_j <= y`, `j = 1..=2^f_z`, with
//!
//! ```text
//! t_j = ceil(2^f_y * ln(p / (1 - p))),   p = (j - 1/2) / 2^f_z
//! ```
//!
//! so `z` is `sigmoid(y / 2^f_y) * 2^f_z` rounded to nearest. The logarithm is
//! `libm`'s, in IEEE double precision without contraction: the same everywhere.

use crate::scale::{Scale, shift_round};

/// The function applied to the last accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Activation {
    /// `z = y`, rescaled.
    Identity,
    /// `z = 1 / (1 + exp(-y))`.
    Sigmoid,
}

/// An inclusive interval of accumulator values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The least accumulator.
    pub lo: i64,
    /// The greatest accumulator.
    pub hi: i64,
}

/// Why an output map, or a public output, is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutputMapError {
    /// The scales or the bound lie outside what the map is exact for.
    #[error("output map: {what} is {found}, expected {expected}")]
    Parameter {
        /// Which parameter.
        what: &'static str,
        /// Its value.
        found: i64,
        /// The allowed values.
        expected: String,
    },
    /// No accumulator within the bound gives this output.
    #[error("output {output} is not one that this model can produce")]
    Unreachable {
        /// The public output, an integer at the output scale.
        output: i64,
    },
}

/// A monotone map from the accumulator `y` to the public output `z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Parameters"))]
pub struct OutputMap {
    activation: Activation,
    accumulator_scale: Scale,
    output_scale: Scale,
    /// `|y| <= bound` for every input in range.
    bound: i64,
}

/// An output map as it is read, before it is checked.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct Parameters {
    activation: Activation,
    accumulator_scale: Scale,
    output_scale: Scale,
    bound: i64,
}

#[cfg(feature = "serde")]
impl TryFrom<Parameters> for OutputMap {
    type Error = OutputMapError;

    fn try_from(from: Parameters) -> Result<Self, OutputMapError> {
        Self::new(
            from.activation,
            from.accumulator_scale,
            from.output_scale,
            from.bound,
        )
    }
}

impl OutputMap {
    /// The largest sigmoid output scale: thresholds stay far apart in double precision.
    pub const MAX_SIGMOID_SCALE: i32 = 24;
    /// The largest accumulator bound, in bits.
    pub const MAX_BOUND_BITS: u32 = 60;

    /// A map of accumulators at `accumulator_scale`, at most `bound` in
    /// absolute value, to outputs at `output_scale`.
    ///
    /// # Errors
    /// A scale or bound outside the range for which the map is exact.
    pub fn new(
        activation: Activation,
        accumulator_scale: Scale,
        output_scale: Scale,
        bound: i64,
    ) -> Result<Self, OutputMapError> {
        let in_range = |what, found: i64, low: i64, high: i64| {
            if (low..=high).contains(&found) {
                return Ok(());
            }
            Err(OutputMapError::Parameter {
                what,
                found,
                expected: format!("{low} to {high}"),
            })
        };
        in_range("bound", bound, 0, 1 << Self::MAX_BOUND_BITS)?;
        in_range("accumulator scale", accumulator_scale.0.into(), 0, 50)?;
        let highest = match activation {
            Activation::Identity => accumulator_scale.0,
            Activation::Sigmoid => Self::MAX_SIGMOID_SCALE,
        };
        let lowest = i64::from(activation == Activation::Sigmoid);
        in_range(
            "output scale",
            output_scale.0.into(),
            lowest,
            highest.into(),
        )?;
        Ok(Self {
            activation,
            accumulator_scale,
            output_scale,
            bound,
        })
    }

    /// The function.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The scale of the accumulator.
    pub fn accumulator_scale(&self) -> Scale {
        self.accumulator_scale
    }

    /// The scale of the output.
    pub fn output_scale(&self) -> Scale {
        self.output_scale
    }

    /// The proven bound on the accumulator's absolute value.
    pub fn bound(&self) -> i64 {
        self.bound
    }

    /// The same map with its bound rounded up to a power of two, which tells less about the
    /// parameters that it was computed from.
    ///
    /// # Errors
    /// None, for a bound that is valid.
    pub fn widened(self) -> Result<Self, OutputMapError> {
        let bound = self.bound.unsigned_abs().next_power_of_two() as i64;
        Self::new(
            self.activation,
            self.accumulator_scale,
            self.output_scale,
            bound,
        )
    }

    /// All accumulators within the bound.
    pub fn range(&self) -> Interval {
        Interval {
            lo: -self.bound,
            hi: self.bound,
        }
    }

    /// The output for the accumulator `y`.
    pub fn apply(&self, y: i64) -> i64 {
        match self.activation {
            Activation::Identity => shift_round(y.into(), self.rescale()) as i64,
            Activation::Sigmoid => {
                let one = 1i64 << self.output_scale.0;
                let guess = one as f64 / (1.0 + libm::exp(-self.accumulator_scale.real(y)));
                let mut z = (guess as i64).clamp(0, one);
                while z < one && self.threshold(z + 1) <= y {
                    z += 1;
                }
                while z > 0 && self.threshold(z) > y {
                    z -= 1;
                }
                z
            }
        }
    }

    /// The accumulators within the bound that give `output`.
    ///
    /// # Errors
    /// [`OutputMapError::Unreachable`] if there are none.
    pub fn preimage(&self, output: i64) -> Result<Interval, OutputMapError> {
        let unreachable = OutputMapError::Unreachable { output };
        let bound = i128::from(self.bound);
        let (lo, hi): (i128, i128) = match self.activation {
            Activation::Identity => {
                let step = 1i128 << self.rescale();
                let lo = i128::from(output) * step - step / 2;
                (lo, lo + step - 1)
            }
            Activation::Sigmoid => {
                let one = 1i64 << self.output_scale.0;
                if !(0..=one).contains(&output) {
                    return Err(unreachable);
                }
                let lo = (output > 0).then(|| self.threshold(output).into());
                let hi = (output < one).then(|| i128::from(self.threshold(output + 1)) - 1);
                (lo.unwrap_or(-bound), hi.unwrap_or(bound))
            }
        };
        let (lo, hi) = (lo.max(-bound), hi.min(bound));
        if lo > hi {
            return Err(unreachable);
        }
        Ok(Interval {
            lo: lo as i64,
            hi: hi as i64,
        })
    }

    /// How far the identity shifts: accumulator scale minus output scale.
    fn rescale(&self) -> u32 {
        (self.accumulator_scale.0 - self.output_scale.0) as u32
    }

    /// `t_j` of the module's documentation, for `1 <= j <= 2^f_z`.
    fn threshold(&self, j: i64) -> i64 {
        let odds = (2 * j - 1) as f64 / ((2i64 << self.output_scale.0) - (2 * j - 1)) as f64;
        libm::ceil(libm::log(odds) * self.accumulator_scale.factor()) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sigmoid(fy: i32, fz: i32) -> OutputMap {
        OutputMap::new(Activation::Sigmoid, Scale(fy), Scale(fz), 1 << 40).unwrap()
    }

    #[test]
    fn sigmoid_is_correctly_rounded() {
        let map = sigmoid(20, 13);
        for i in -20_000..20_000i64 {
            let y = i * 733;
            let exact = 8192.0 / (1.0 + (-(y as f64) / 1_048_576.0).exp());
            let error = (map.apply(y) as f64 - exact).abs();
            assert!(error <= 0.5 + 1e-9, "y = {y}: {error}");
        }
    }

    #[test]
    fn preimages_partition_the_accumulators() {
        // A coarse accumulator too (f_y < f_z), where some outputs have no preimage.
        for map in [sigmoid(12, 5), sigmoid(3, 8)] {
            let mut next = -map.bound();
            for z in 0..=1i64 << map.output_scale().0 {
                match map.preimage(z) {
                    Ok(interval) => {
                        assert_eq!(interval.lo, next);
                        assert_eq!(map.apply(interval.lo), z);
                        assert_eq!(map.apply(interval.hi), z);
                        next = interval.hi + 1;
                    }
                    Err(error) => assert_eq!(error, OutputMapError::Unreachable { output: z }),
                }
            }
            assert_eq!(next, map.bound() + 1);
        }
    }

    #[test]
    fn identity_rescales_half_up_and_back() {
        let map = OutputMap::new(Activation::Identity, Scale(6), Scale(4), 1000).unwrap();
        for y in -1000..=1000 {
            let interval = map.preimage(map.apply(y)).unwrap();
            assert!(interval.lo <= y && y <= interval.hi);
            assert!(interval.hi - interval.lo < 4);
        }
        assert_eq!(map.apply(2), 1);
        assert_eq!(map.apply(-2), 0);
        assert!(map.preimage(1 << 40).is_err());
        assert!(map.preimage(i64::MAX).is_err());
    }

    #[test]
    fn outputs_no_model_can_produce_are_refused() {
        let map = sigmoid(20, 13);
        for z in [-1, 8193, i64::MIN, i64::MAX] {
            assert_eq!(
                map.preimage(z),
                Err(OutputMapError::Unreachable { output: z })
            );
        }
    }

    #[test]
    fn parameters_outside_the_exact_range_are_refused() {
        let new = |activation, fy, fz, bound| {
            OutputMap::new(activation, Scale(fy), Scale(fz), bound).is_err()
        };
        assert!(new(Activation::Sigmoid, 20, 25, 1));
        assert!(new(Activation::Sigmoid, 20, 0, 1));
        assert!(new(Activation::Identity, 4, 5, 1));
        assert!(new(Activation::Identity, 51, 5, 1));
        assert!(new(Activation::Identity, -1, -1, 1));
        assert!(new(Activation::Identity, 20, 5, i64::MAX));
    }
}
