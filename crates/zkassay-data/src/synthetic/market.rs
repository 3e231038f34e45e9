//! The latent sentiment and the price of ether that follows it.

use std::f64::consts::TAU;

use zkassay_seed::Stream;

use super::{FIRST_DAY, LAST_DAY};
use crate::Day;

/// Weight of the sentiment in the next day's return, noise having weight 1.
const SIGNAL: f64 = 0.7;
/// Standard deviation of the unpredictable part of a daily log return.
const VOLATILITY: f64 = 0.03;
/// Share of the distance to the anchor price regained each day.
const REVERSION: f64 = 0.01;
/// The price around which ether moves, in US dollars.
const ANCHOR_PRICE: f64 = 1_800.0;
/// Length of a sentiment wave, in days.
const WAVE_DAYS: f64 = 20.0;
/// How much of a wave is left after one day.
const WAVE_MEMORY: f64 = 0.93;

/// What happens to ether on every day of the tables.
pub(super) struct Market {
    /// Consecutive days, [`FIRST_DAY`] to [`LAST_DAY`].
    pub(super) days: Vec<Day>,
    /// Sentiment of each day, mean 0 and variance 1.
    pub(super) sentiment: Vec<f64>,
    /// Price of ether at 00:00 UTC of each day, in US dollars.
    pub(super) ether: Vec<f64>,
}

impl Market {
    /// The market of `seed`.
    pub(super) fn simulate(seed: u64) -> Self {
        let days: Vec<Day> = FIRST_DAY.through(LAST_DAY).collect();
        let sentiment = waves(days.len(), &mut Stream::new(seed, "synthetic/sentiment"));
        let mut noise = Stream::new(seed, "synthetic/ether");

        let anchor = libm::log(ANCHOR_PRICE);
        let mut log_price = anchor;
        let mut ether = Vec::with_capacity(days.len());
        for mood in &sentiment {
            ether.push(libm::exp(log_price));
            // The move from this day to the next.
            log_price +=
                VOLATILITY * (SIGNAL * mood + noise.normal()) + REVERSION * (anchor - log_price);
        }
        Self {
            days,
            sentiment,
            ether,
        }
    }
}

/// A second-order autoregression of unit variance: damped waves, kept alive by noise.
///
/// Waves rather than a plain drift, because their sum stays bounded: a
/// persistent sentiment does not carry the price away over two years.
fn waves(length: usize, stream: &mut Stream) -> Vec<f64> {
    let first = 2.0 * WAVE_MEMORY * libm::cos(TAU / WAVE_DAYS);
    let second = -WAVE_MEMORY * WAVE_MEMORY;
    // Yule-Walker: variance = innovation^2 (1 - b) / ((1 + b) ((1 - b)^2 - a^2)).
    let spread = (1.0 + second) * ((1.0 - second) * (1.0 - second) - first * first);
    let innovation = libm::sqrt(spread / (1.0 - second));

    // Long enough for the start at zero to be forgotten.
    const WARM_UP: usize = 200;
    let (mut current, mut previous) = (0.0, 0.0);
    let mut values = Vec::with_capacity(length);
    for step in 0..WARM_UP + length {
        let next = first * current + second * previous + innovation * stream.normal();
        (previous, current) = (current, next);
        if step >= WARM_UP {
            values.push(current);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentiment_has_unit_variance() {
        let values = waves(100_000, &mut Stream::new(4, "waves"));
        let variance = values.iter().map(|x| x * x).sum::<f64>() / values.len() as f64;
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
    }

    #[test]
    fn knowing_the_sentiment_calls_seven_days_in_ten() {
        let (mut right, mut days) = (0_u32, 0_u32);
        for seed in 0..20 {
            let market = Market::simulate(seed);
            for (pair, mood) in market.ether.windows(2).zip(&market.sentiment) {
                right += u32::from((pair[1] > pair[0]) == (*mood > 0.0));
                days += 1;
            }
        }
        let share = f64::from(right) / f64::from(days);
        let ceiling = 0.5 + libm::atan(SIGNAL) / std::f64::consts::PI;
        assert!((share - ceiling).abs() < 0.02, "{share} against {ceiling}");
    }
}
