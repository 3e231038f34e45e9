//! Open, high, low and close prices over four days, from the daily quotes.

use polars::prelude::DataFrame;

use super::draw::significant;
use super::frame;
use super::prices::Quotes;
use crate::{Day, Result};

/// Days of one candle, as in the original table.
const DAYS: usize = 4;

/// One row per token and four days: a candle opens with the first quote, closes with the last,
/// and carries the date of its last day.
pub(super) fn table(quotes: &Quotes) -> Result<DataFrame> {
    let mut days: Vec<Day> = Vec::new();
    let [mut open, mut high, mut low, mut close] = [const { Vec::<f64>::new() }; 4];
    let mut tokens = Vec::new();
    for (token, path) in quotes.listed() {
        for candle in path.chunks_exact(DAYS) {
            let prices = candle.iter().map(|(_, price)| significant(*price, 6));
            days.extend(candle.last().map(|(day, _)| *day));
            open.extend(prices.clone().next());
            close.extend(prices.clone().next_back());
            high.push(prices.clone().fold(f64::NEG_INFINITY, f64::max));
            low.push(prices.fold(f64::INFINITY, f64::min));
            tokens.push(token);
        }
    }
    frame::table(vec![
        frame::date_column("date", &days)?,
        frame::column("open", open),
        frame::column("high", high),
        frame::column("low", low),
        frame::column("close", close),
        frame::column("token", tokens),
    ])
}
