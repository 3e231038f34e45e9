//! Honest features of a day do not change with what became known after it.

use polars::prelude::DataFrame;
use zkassay_data::{Day, Tables};
use zkassay_features::{FeaturePipeline, RawTable};
use zkassay_seed::Stream;

use crate::support::{dates, fixtures, with_numbers, with_rows};

/// Changes, clears or removes about half of the rows stamped `from` or later.
fn disturb(table: &DataFrame, numbers: &[&str], from: Day, stream: &mut Stream) -> DataFrame {
    let days = dates(table);
    let mut table = table.clone();
    for name in numbers {
        table = with_numbers(&table, name, |row, value| {
            if days[row] < from || stream.unit() < 0.5 {
                return value;
            }
            if stream.unit() < 0.2 {
                return None;
            }
            Some((value.unwrap_or(1.0) * (0.2 + 2.0 * stream.unit())).floor())
        });
    }
    with_rows(&table, |row| days[row] < from || stream.unit() < 0.9)
}

/// Everything that became available after `day` changed at random: prices
/// stamped later, pool and value-locked rows of the day itself and later.
fn with_another_future(tables: &Tables, day: Day, stream: &mut Stream) -> Tables {
    let prices = disturb(
        tables.prices(),
        &["price", "volumes_last_24h"],
        day + 1,
        stream,
    );
    let pools = disturb(tables.pools(), &["tvlUsd", "apy"], day, stream);
    let locked = disturb(tables.value_locked(), &["WETH"], day, stream);
    Tables::new(&prices, &pools, &locked).unwrap()
}

/// The bits of every feature of the rows up to `last`.
fn bits(raw: &RawTable, last: Day) -> Vec<(String, Vec<Option<u64>>)> {
    let rows = raw.days().partition_point(|day| *day <= last);
    let columns = raw.columns().iter();
    columns
        .map(|column| {
            let values = column.values[..rows].iter();
            let bits = values.map(|value| value.map(f64::to_bits)).collect();
            (column.spec.name.clone(), bits)
        })
        .collect()
}

#[test]
fn later_rows_do_not_change_honest_features() {
    let tables = fixtures();
    let honest = FeaturePipeline::honest();
    let usual = honest.raw_table(&tables).unwrap();
    for seed in 0..25 {
        let mut stream = Stream::new(seed, "test/causality");
        // The last days are too few to leave a future.
        let row = 20 + stream.below(usual.rows() - 40);
        let day = usual.days()[row];
        let other_tables = with_another_future(&tables, day, &mut stream);
        let changed = honest.raw_table(&other_tables).unwrap();
        assert_ne!(changed, usual);

        // The label of `day` itself is of the future: its row may be gone.
        let has_row = changed.days().get(row) == Some(&day);
        let last = if has_row { day } else { day + -1 };
        assert_eq!(
            bits(&changed, last),
            bits(&usual, last),
            "seed {seed}, {day}"
        );
        assert_eq!(changed.labels()[..row], usual.labels()[..row]);

        // What is learned from the rows up to then is the same as well.
        let train: Vec<usize> = (0..row).collect();
        let fit = |raw: &RawTable| honest.fit(raw, &train).unwrap();
        assert_eq!(fit(&changed), fit(&usual), "seed {seed}, {day}");
        assert_eq!(fit(&changed).hash(), fit(&usual).hash());
    }
}

#[test]
fn the_notebook_does_not_pass_this_test() {
    let tables = fixtures();
    let paper = FeaturePipeline::paper();
    let usual = paper.raw_table(&tables).unwrap();
    let day = usual.days()[300];
    let mut stream = Stream::new(0, "test/causality");
    let changed = paper
        .raw_table(&with_another_future(&tables, day, &mut stream))
        .unwrap();
    assert_ne!(bits(&changed, day), bits(&usual, day));
}
