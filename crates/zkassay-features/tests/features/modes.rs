//! Each difference between the modes, switched by itself.

use zkassay_data::{Day, Tables};
use zkassay_features::manifest::{SourceTable, Unit};
use zkassay_features::rules::{
    CorrelationBasis, FitScope, Join, Lags, LastRow, PoolDuplicates, PoolMatch, Shift,
};
use zkassay_features::{FeatureError, FeaturePipeline, FittedPipeline, RawTable, Rules, Split};

use crate::support::{dates, fixtures, with_rows};

/// Honest but for the changes made to its rules.
fn honest_but(change: impl FnOnce(&mut Rules)) -> FeaturePipeline {
    let mut pipeline = FeaturePipeline::honest();
    change(&mut pipeline.rules);
    pipeline
}

fn raw(pipeline: &FeaturePipeline) -> RawTable {
    pipeline.raw_table(&fixtures()).unwrap()
}

fn fit(pipeline: &FeaturePipeline) -> FittedPipeline {
    let raw = raw(pipeline);
    let split = Split::chronological(raw.rows()).unwrap();
    pipeline.fit(&raw, &split.train).unwrap()
}

fn value(raw: &RawTable, column: &str, day: Day) -> Option<f64> {
    let row = raw.days().binary_search(&day).unwrap();
    raw.column(column).unwrap()[row]
}

const YIELD: &str = "apy_project_sushiswap_EthereumUSDC-WETH";

#[test]
fn honest_is_the_default() {
    assert_eq!(FeaturePipeline::default(), FeaturePipeline::honest());
    assert_eq!(Rules::default(), Rules::honest());
}

#[test]
fn lags_move_a_source_by_whole_days() {
    let hasty = honest_but(|rules| rules.lags = Rules::paper().lags);
    let (hasty, honest) = (raw(&hasty), raw(&FeaturePipeline::honest()));
    let day = Day::from_ymd(2023, 5, 9);
    for column in ["aura", YIELD] {
        assert_eq!(value(&hasty, column, day), value(&honest, column, day + 1));
        assert_ne!(value(&hasty, column, day), value(&honest, column, day));
    }
    let change = "price_diff_1_days";
    assert_eq!(value(&hasty, change, day), value(&honest, change, day));
    // Prices can be late too; the calendar cannot.
    let late = honest_but(|rules| rules.lags.prices = 2);
    let late = raw(&late);
    assert_eq!(value(&late, change, day + 2), value(&honest, change, day));
    assert_eq!(value(&late, "day", day), Some(2.0));
}

#[test]
fn an_as_of_join_bridges_outages_for_a_while() {
    let within = |max_age| {
        let pipeline = honest_but(|rules| rules.join = Join::AsOf { max_age });
        let raw = raw(&pipeline);
        // The provider had no rows for 4 and 5 June 2022, known on 5 and 6 June.
        [4, 5, 6, 7].map(|of_june| value(&raw, YIELD, Day::from_ymd(2022, 6, of_june)))
    };
    let [before, gap, gap_too, after] = within(3);
    assert!(before.is_some() && before == gap && gap == gap_too && after != before);
    assert_eq!(within(1), [before, before, None, after]);
    assert_eq!(within(0), [before, None, None, after]);
    // The last pool row is of 22 January 2024, known on the 23rd.
    let last = |join| {
        *raw(&honest_but(|rules| rules.join = join))
            .days()
            .last()
            .unwrap()
    };
    assert_eq!(last(Join::AsOf { max_age: 0 }), Day::from_ymd(2024, 1, 23));
    assert_eq!(last(Join::AsOf { max_age: 3 }), Day::from_ymd(2024, 1, 26));
    assert_eq!(last(Join::SameDay), Day::from_ymd(2024, 1, 23));
}

#[test]
fn calendar_days_leave_a_gap_null() {
    // RETH has no rows from 1 to 5 March 2023.
    let by_rows = raw(&honest_but(|rules| rules.shift = Shift::Rows));
    let by_days = raw(&FeaturePipeline::honest());
    let of_march = |of_march| Day::from_ymd(2023, 3, of_march);
    let change = "price_diff_RETH_1";
    assert!(value(&by_rows, change, of_march(6)).is_some());
    assert_eq!(value(&by_days, change, of_march(6)), None);
    assert_eq!(value(&by_rows, change, of_march(3)), None);
    assert_eq!(
        value(&by_rows, change, of_march(7)),
        value(&by_days, change, of_march(7))
    );
    // Thirty rows from before the gap are thirty-five days.
    let month = "price_diff_RETH_30";
    assert_ne!(
        value(&by_rows, month, of_march(20)),
        value(&by_days, month, of_march(20))
    );
}

#[test]
fn levels_correlate_where_returns_do_not() {
    let strongest = |pipeline: &FeaturePipeline, token: &str| {
        let raw = raw(pipeline);
        let train = Split::chronological(raw.rows()).unwrap().train;
        let ranking = raw.rank_tokens(&train).unwrap();
        ranking
            .into_iter()
            .find(|(name, _)| name == token)
            .unwrap()
            .1
    };
    let lagged = FeaturePipeline {
        correlation_lag: 15,
        ..FeaturePipeline::honest()
    };
    let levels = FeaturePipeline {
        rules: Rules {
            correlation_basis: CorrelationBasis::Levels,
            ..Rules::honest()
        },
        ..lagged.clone()
    };
    assert!(strongest(&lagged, "ETH").abs() < 0.15);
    assert!(strongest(&levels, "ETH") > 0.5);
}

#[test]
fn the_whole_history_chooses_before_the_split() {
    let early = raw(&honest_but(|rules| {
        rules.correlation_scope = FitScope::WholeHistory
    }));
    assert_eq!(early.tokens().len(), 5);
    assert_eq!(early.names().len(), 13 + 50 + 19 + 88);
    let honest = raw(&FeaturePipeline::honest());
    assert_eq!(honest.tokens().len(), 17);
    assert_eq!(honest.names().len(), 13 + 170 + 19 + 88);
    // A token without a price on a fifth of the training days is no candidate.
    let ranking = honest.rank_tokens(&(0..200).collect::<Vec<_>>()).unwrap();
    assert!(ranking.iter().all(|(token, _)| token != "PENDLE"));
}

#[test]
fn statistics_come_from_the_rows_asked_for() {
    let pipeline = honest_but(|rules| rules.statistics_scope = FitScope::WholeHistory);
    let raw = raw(&pipeline);
    let fit = |rows: &[usize]| pipeline.fit(&raw, rows).unwrap();
    let all: Vec<usize> = (0..raw.rows()).collect();
    let chosen_alike = fit(&all[..300]).correlated() == fit(&all).correlated();
    assert!(chosen_alike);
    assert_eq!(fit(&all[..300]).features(), fit(&all).features());
    let honest = FeaturePipeline::honest();
    let raw = honest.raw_table(&fixtures()).unwrap();
    let fit = |rows: &[usize]| honest.fit(&raw, rows).unwrap();
    assert_ne!(fit(&all[..300]).features(), fit(&all).features());
}

#[test]
fn a_part_of_a_name_takes_other_tokens_pools() {
    let loose = raw(&honest_but(|rules| rules.pool_match = PoolMatch::Substring));
    let honest = raw(&FeaturePipeline::honest());
    let more: Vec<&str> = loose
        .names()
        .filter(|name| honest.column(name).is_none())
        .collect();
    assert_eq!(
        more,
        [
            "tvlUsd_project_aave-v2_AvalancheWETH.E",
            "apy_project_aave-v2_AvalancheWETH.E"
        ]
    );
}

#[test]
fn repeated_pools_are_refused_where_the_notebook_fails() {
    // Late enough for the pool with a second market on each 15th.
    let start = Day::from_ymd(2022, 9, 1);
    let strict = FeaturePipeline {
        start,
        ..honest_but(|rules| rules.pool_duplicates = PoolDuplicates::Refuse)
    };
    let error = strict.raw_table(&fixtures()).unwrap_err();
    assert!(
        matches!(&error, FeatureError::RepeatedPool { pool, day }
            if pool == "aave-v3_OptimismWETH" && *day == Day::from_ymd(2022, 8, 15)),
        "{error}"
    );
    let honest = FeaturePipeline {
        start,
        ..FeaturePipeline::honest()
    };
    assert!(honest.raw_table(&fixtures()).is_ok());
}

#[test]
fn the_last_row_stays_if_it_has_a_label() {
    let honest = raw(&FeaturePipeline::honest());
    let shorter = raw(&honest_but(|rules| rules.last_row = LastRow::Drop));
    assert_eq!(shorter.days(), &honest.days()[..603]);
    // Prices that end with the pools leave the last day without a label.
    let tables = fixtures();
    let last = Day::from_ymd(2024, 1, 22);
    let days = dates(tables.prices());
    let prices = with_rows(tables.prices(), |row| days[row] <= last);
    let tables = Tables::new(&prices, tables.pools(), tables.value_locked()).unwrap();
    let ends = FeaturePipeline::honest().raw_table(&tables).unwrap();
    assert_eq!(ends.days().last(), Some(&(last + -1)));
}

#[test]
fn prices_alone_are_enough() {
    let tables = Tables::prices_only(fixtures().prices()).unwrap();
    for (pipeline, rows, first) in [
        (FeaturePipeline::honest(), 613, Day::from_ymd(2022, 6, 2)),
        (FeaturePipeline::paper(), 765, Day::from_ymd(2022, 1, 1)),
    ] {
        let raw = pipeline.raw_table(&tables).unwrap();
        assert_eq!((raw.rows(), raw.days()[0]), (rows, first));
        let fitted = pipeline.fit(&raw, &(0..400).collect::<Vec<_>>()).unwrap();
        assert_eq!(fitted.features().len(), 63);
    }
}

#[test]
fn the_manifest_says_where_each_feature_comes_from() {
    let fitted = fit(&FeaturePipeline::honest());
    let manifest = fitted.manifest();
    let find = |name: &str| {
        manifest
            .features
            .iter()
            .find(|spec| spec.name == name)
            .unwrap()
    };
    let pool = find(YIELD);
    assert_eq!(
        (pool.table, pool.unit),
        (SourceTable::Pools, Unit::PercentPerYear)
    );
    assert_eq!(
        (pool.key.as_str(), pool.column.as_str()),
        ("sushiswap_EthereumUSDC-WETH", "apy")
    );
    assert_eq!((pool.lag, pool.max_age), (1, 3));
    let locked = find("aura");
    assert_eq!(
        (locked.table, locked.unit),
        (SourceTable::ValueLocked, Unit::Dollars)
    );
    assert_eq!(
        (locked.key.as_str(), locked.column.as_str()),
        ("aura", "WETH")
    );
    let trend = find("price_trend_GNO_7");
    assert_eq!((trend.table, trend.unit), (SourceTable::Prices, Unit::Flag));
    assert_eq!(
        (trend.key.as_str(), trend.lag, trend.max_age),
        ("GNO", 0, 0)
    );

    // The same tables give the same manifest; another lag is another manifest.
    assert_eq!(
        fitted.manifest_hash(),
        fit(&FeaturePipeline::honest()).manifest_hash()
    );
    let lags = Lags {
        pools: 2,
        ..Rules::honest().lags
    };
    let later = fit(&honest_but(|rules| rules.lags = lags));
    assert_eq!(later.manifest().features.len(), manifest.features.len());
    assert_ne!(later.manifest_hash(), fitted.manifest_hash());
}
