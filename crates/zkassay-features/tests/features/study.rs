//! The notebook with its undefined steps made definite: shapes, names, values.

use std::collections::BTreeSet;

use zkassay_data::{Day, Tables};
use zkassay_features::rules::Lags;
use zkassay_features::{FeatureMatrix, FeaturePipeline, RawTable, Rules, Split};

use crate::support::{fixtures, raw, study};

fn matrix() -> FeatureMatrix {
    let raw = raw();
    let split = Split::chronological(raw.rows()).unwrap();
    let fitted = study().fit(&raw, &split.train).unwrap();
    fitted.transform(&raw).unwrap()
}

#[test]
fn the_study_has_599_rows_and_162_features() {
    let raw = raw();
    assert_eq!((raw.rows(), raw.names().len()), (599, 170));
    let matrix = matrix();
    assert_eq!(matrix.values.dim(), (599, 162));
    assert_eq!(matrix.labels.len(), 599);
    assert_eq!(matrix.dates[0], "2022-06-02");
    assert_eq!(matrix.dates[598], "2024-01-21");
    assert!(matrix.dates.is_sorted());
    // Any training rows give the same 162.
    for seed in 0..5 {
        let split = Split::random(raw.rows(), seed).unwrap();
        let fitted = study().fit(&raw, &split.train).unwrap();
        assert_eq!(
            fitted.transform(&raw).unwrap().names_hash(),
            matrix.names_hash()
        );
    }
}

#[test]
fn names_follow_the_notebook() {
    let names = matrix().names;
    let unique: BTreeSet<&String> = names.iter().collect();
    assert_eq!(unique.len(), 162);
    assert_eq!(
        names[..15],
        [
            "volumes_last_24h",
            "price_diff_1_days",
            "price_diff_3_days",
            "price_diff_7_days",
            "price_diff_15_days",
            "price_diff_30_days",
            "trend_1_days",
            "trend_3_days",
            "trend_7_days",
            "trend_15_days",
            "trend_30_days",
            "day",
            "year",
            "price_diff_WBTC_1",
            "price_diff_WBTC_3",
        ]
    );
    assert_eq!(names[18], "price_trend_WBTC_1");
    assert_eq!(
        names[63..74],
        [
            "aave-v2",
            "aave-v3",
            "aura",
            "balancer-v2",
            "beefy",
            "convex-finance",
            "curve-dex",
            "pendle",
            "rocket-pool",
            "sushiswap",
            "uniswap-v3",
        ]
    );
    assert_eq!(names[74], "tvlUsd_project_aave-v2_EthereumWETH");
    assert_eq!(names[118], "apy_project_aave-v2_EthereumWETH");
    assert_eq!(names[161], "apy_project_yearn-finance_EthereumWETH");
    assert!(
        names
            .iter()
            .all(|name| !name.contains("WETH.E") && !name.contains("SWETH"))
    );
}

/// Scaled values computed with Python polars from the fixture files alone:
/// (feature, row, value). Zeros are gaps.
const REFERENCE: [(&str, usize, f64); 17] = [
    ("volumes_last_24h", 0, -1.13339658),
    ("price_diff_1_days", 0, 0.0631696045),
    ("price_diff_30_days", 598, 0.620805403),
    ("trend_7_days", 100, 1.21444139),
    ("day", 4, -1.5004689),
    ("year", 300, 1.0547146),
    ("price_diff_RETH_3", 275, 0.0),
    ("price_diff_WBTC_15", 333, -0.157778486),
    ("price_trend_GNO_1", 450, 1.04429792),
    ("aave-v2", 92, 0.126104659),
    ("pendle", 0, 0.0),
    ("pendle", 500, -1.70719823),
    ("curve-dex", 598, -1.21309616),
    (
        "tvlUsd_project_uniswap-v3_ArbitrumWETH-USDC",
        10,
        1.74669463,
    ),
    ("tvlUsd_project_sushiswap_EthereumCVX-WETH", 2, 0.0),
    ("apy_project_aave-v2_EthereumWETH", 598, -0.0485669484),
    ("apy_project_yearn-finance_EthereumWETH", 401, 1.17911936),
];
/// Sum of all squared values, from the same source.
const SUM_OF_SQUARES: f64 = 109_523.136_908_945_66;

#[test]
fn values_agree_with_an_independent_computation() {
    let matrix = matrix();
    for (name, row, expected) in REFERENCE {
        let column = matrix.names.iter().position(|found| found == name).unwrap();
        let found = f64::from(matrix.values[[row, column]]);
        assert!(
            (found - expected).abs() < 1e-6,
            "{name} on row {row}: {found}, not {expected}"
        );
    }
    let squares: f64 = matrix
        .values
        .iter()
        .map(|value| f64::from(*value).powi(2))
        .sum();
    assert!((squares / SUM_OF_SQUARES - 1.0).abs() < 1e-7, "{squares}");
    let rises = |rows: &[u8]| rows.iter().filter(|label| **label == 1).count();
    assert_eq!(
        (rises(&matrix.labels), rises(&matrix.labels[449..])),
        (286, 70)
    );
}

#[test]
fn the_ranking_agrees_with_an_independent_computation() {
    let ranking = raw().rank_tokens(&[]).unwrap();
    let expected = [
        ("WBTC", 0.8569337300017642),
        ("RETH", 0.8522884343493985),
        ("WSTETH", 0.8475634992204668),
        ("ETH", 0.8452584882296366),
        ("GNO", 0.844164386445696),
        ("STETH", 0.8217170475579765),
    ];
    for ((name, correlation), (found, value)) in expected.iter().zip(&ranking) {
        assert_eq!(name, found);
        assert!((correlation - value).abs() < 1e-9, "{name}: {value}");
    }
    assert_eq!(ranking.len(), 17);
}

#[test]
fn merged_rows_are_counted() {
    let duplicates = raw().duplicates();
    // One LINK row; the second aave-v3 market on each 15th; three days of two projects.
    assert_eq!(duplicates.prices, 1);
    assert!(duplicates.pools > 10, "{duplicates:?}");
    assert_eq!(duplicates.value_locked, 6);
}

#[test]
fn delayed_sources_move_by_whole_days() {
    let same_day = raw();
    let pipeline = FeaturePipeline {
        rules: Rules {
            lags: Lags {
                pools: 1,
                value_locked: 1,
                ..study().rules.lags
            },
            ..study().rules
        },
        ..study()
    };
    let delayed = pipeline.raw_table(&fixtures()).unwrap();
    assert_eq!(delayed.rows(), 599);
    assert_eq!(delayed.days()[0], same_day.days()[0] + 1);
    let yields = "apy_project_aave-v2_EthereumWETH";
    assert_eq!(delayed.column(yields), same_day.column(yields));
    // Prices are known at once: they stay with their day.
    let moves = |raw: &RawTable| raw.column("price_diff_1_days").unwrap().to_vec();
    assert_eq!(moves(&delayed)[..598], moves(&same_day)[1..]);
}

#[test]
fn row_order_does_not_matter() {
    let tables = fixtures();
    let reversed = Tables::new(
        &tables.prices().reverse(),
        &tables.pools().reverse(),
        tables.value_locked(),
    )
    .unwrap();
    let pipeline = study();
    assert_eq!(pipeline.raw_table(&reversed).unwrap(), raw());
}

#[test]
fn of_two_markets_under_one_name_the_larger_counts() {
    // Late enough for the pool with a second market on each 15th.
    let pipeline = FeaturePipeline {
        start: Day::from_ymd(2022, 9, 1),
        ..study()
    };
    let raw = pipeline.raw_table(&fixtures()).unwrap();
    let day = Day::from_ymd(2022, 9, 15);
    let row = raw.days().binary_search(&day).unwrap();
    let around = |column: &str| {
        let values = raw.column(column).unwrap();
        (values[row - 1].unwrap(), values[row].unwrap())
    };
    // The second market holds 0.3 of the first and yields 1.5 as much.
    let (eve, tvl) = around("tvlUsd_project_aave-v3_OptimismWETH");
    assert!((0.8..1.2).contains(&(tvl / eve)), "{eve} to {tvl}");
    let (eve, apy) = around("apy_project_aave-v3_OptimismWETH");
    assert!((apy - eve).abs() < 0.3 * eve, "{eve} to {apy}");
}
