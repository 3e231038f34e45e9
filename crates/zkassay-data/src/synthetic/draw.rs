//! Shapes of randomness that the tables share.

use zkassay_seed::Stream;

/// A stationary first-order autoregression, started in its stationary law.
///
/// `x(t+1) = memory * x(t) + noise`, scaled to standard deviation `deviation`.
pub(super) struct Autoregression {
    memory: f64,
    innovation: f64,
    value: f64,
}

impl Autoregression {
    /// A process of the given one-step correlation and standard deviation.
    pub(super) fn new(memory: f64, deviation: f64, stream: &mut Stream) -> Self {
        Self {
            memory,
            innovation: deviation * libm::sqrt(1.0 - memory * memory),
            value: deviation * stream.normal(),
        }
    }

    /// The current value; then steps on.
    pub(super) fn step(&mut self, stream: &mut Stream) -> f64 {
        let current = self.value;
        self.value = self.memory * current + self.innovation * stream.normal();
        current
    }
}

/// `value` with `digits` significant decimal digits.
///
/// Goes through the decimal text, which Rust formats and parses exactly, so
/// the result is the same on every platform.
pub(super) fn significant(value: f64, digits: usize) -> f64 {
    let text = format!("{value:.*e}", digits.saturating_sub(1));
    text.parse().unwrap_or(value)
}

/// `value` rounded to `digits` decimal places, by the same route.
pub(super) fn decimals(value: f64, digits: usize) -> f64 {
    format!("{value:.digits$}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_keeps_the_leading_digits() {
        assert_eq!(significant(1_234_567.0, 6), 1_234_570.0);
        assert_eq!(significant(0.000_123_456_7, 3), 0.000_123);
        assert_eq!(significant(0.0, 6), 0.0);
        assert_eq!(decimals(2.345_67, 3), 2.346);
    }

    #[test]
    fn autoregression_has_the_stated_deviation() {
        let mut stream = Stream::new(1, "test");
        let mut process = Autoregression::new(0.9, 2.0, &mut stream);
        let draws: Vec<f64> = (0..50_000).map(|_| process.step(&mut stream)).collect();
        let square = draws.iter().map(|x| x * x).sum::<f64>() / draws.len() as f64;
        assert!((square.sqrt() - 2.0).abs() < 0.1, "{}", square.sqrt());
    }
}
