//! Both modes against an independent computation.
//!
//! The numbers come from a script in Python (polars 1.x and numpy) that shares
//! no code with this crate and reads the fixture files alone. It computes
//! - `paper` as the notebook does: `diff` and `shift` by rows, `pl.corr` of
//!   prices after an inner join by date, `pivot` of the value-locked and pool tables
//!   (repeated rows removed with `unique(keep="first", maintain_order=True)`),
//!   inner joins by date, mean and `ddof=1` deviation of all rows;
//! - `honest` on a calendar grid: left join of each token onto all dates,
//!   `shift` on the grid, `pl.corr` of daily returns over the 408 training
//!   days, `join_asof(strategy="backward", tolerance="3d")` of every value-locked and
//!   pool column on its date plus one day, mean and deviation of the training rows.

use zkassay_features::{FeatureMatrix, FeaturePipeline, FittedPipeline, RawTable, Split};

use crate::support::fixtures;

/// What the script computed of one mode.
struct Reference {
    rows: usize,
    first_and_last: [&'static str; 2],
    rises: usize,
    raw_columns: usize,
    dropped: &'static [&'static str],
    ranking: &'static [(&'static str, f64)],
    /// Name, known values, their sum, sum of value times row.
    columns: [(&'static str, usize, f64, f64); 16],
    /// Name, row, z-score.
    scores: [(&'static str, usize, f64); 15],
    sum_of_squares: f64,
    /// Of `z * ((7 * row + 13 * column) mod 101)`: sees every cell's place.
    weighted_sum: f64,
}

const PAPER: Reference = Reference {
    rows: 599,
    first_and_last: ["2022-06-02", "2024-01-21"],
    rises: 286,
    raw_columns: 172,
    dropped: &[
        "benqi-lending",
        "coinwind",
        "compound-v2",
        "flamincome",
        "lido",
        "pancakeswap-amm",
        "uniswap-v2",
        "yearn-finance",
        "tvlUsd_project_aave-v2_AvalancheWETH.E",
        "apy_project_aave-v2_AvalancheWETH.E",
    ],
    ranking: &[
        ("WBTC", 0.856_933_730_001),
        ("RETH", 0.852_288_434_349),
        ("WSTETH", 0.847_563_499_22),
        ("ETH", 0.845_258_488_229),
        ("GNO", 0.844_164_386_445),
        ("STETH", 0.821_717_047_557),
        ("UNI", 0.756_053_965_197),
        ("PENDLE", 0.700_599_208_559),
        ("CRV", 0.694_797_267_032),
        ("AAVE", 0.664_498_168_373),
        ("LINK", 0.600_653_720_218),
        ("COW", 0.464_413_915_074),
        ("SAVAX", 0.448_397_846_361),
        ("USDT", 0.200_889_158_181),
        ("3CRV", 0.086_247_928_193),
        ("USDC", -0.038_632_399_62),
        ("DAI", -0.148_757_588_813),
    ],
    columns: [
        ("volumes_last_24h", 597, 1_274_132_300.0, 385_831_783_500.0),
        ("price_diff_1_days", 599, -1981.153, -356_353.883_999_999_96),
        (
            "price_diff_30_days",
            599,
            -51_536.185_000_000_01,
            -13_253_723.360_000_001,
        ),
        ("trend_7_days", 599, 256.0, 78_464.0),
        ("day", 599, 2402.0, 718_798.0),
        ("year", 599, 1_211_585.0, 362_311_093.0),
        ("price_diff_RETH_3", 594, -6277.796, -1_125_468.299),
        ("price_trend_GNO_15", 599, 272.0, 79_280.0),
        ("aura", 596, 2_948_422_510.0, 709_446_152_750.0),
        ("pendle", 570, 4_957_548_410.0, 1_309_450_509_940.0),
        ("curve-dex", 599, 16_367_373_000.0, 3_836_840_438_600.0),
        ("yearn-finance", 129, 1_586_697_860.0, 849_688_740_270.0),
        (
            "tvlUsd_project_aave-v2_EthereumWETH",
            599,
            1_098_549_690.0,
            230_388_393_180.0,
        ),
        (
            "tvlUsd_project_sushiswap_EthereumCVX-WETH",
            593,
            2_478_728_500.0,
            564_609_000_200.0,
        ),
        (
            "apy_project_beefy_PolygonWETH-WMATIC",
            590,
            3_309.381,
            1_001_376.538,
        ),
        (
            "apy_project_uniswap-v3_ArbitrumWETH-USDC",
            595,
            4_573.023_000_000_001,
            1_380_918.037,
        ),
    ],
    scores: [
        ("volumes_last_24h", 565, 2.279_919_391_372),
        ("price_diff_1_days", 374, -0.311_030_478_841),
        ("price_diff_30_days", 409, 0.521_016_140_425),
        ("trend_7_days", 537, 1.156_549_587_817),
        ("day", 346, 1.494_385_805_92),
        ("year", 464, 0.596_875_901_096),
        ("price_diff_RETH_3", 499, -0.424_442_757_465),
        ("price_trend_GNO_15", 134, -0.911_271_434_015),
        ("aura", 33, 1.436_587_474_82),
        ("pendle", 179, 0.343_746_581_516),
        ("curve-dex", 170, -0.393_158_415_082),
        (
            "tvlUsd_project_aave-v2_EthereumWETH",
            523,
            -0.902_876_547_24,
        ),
        (
            "tvlUsd_project_sushiswap_EthereumCVX-WETH",
            546,
            -0.906_685_504_329,
        ),
        ("apy_project_beefy_PolygonWETH-WMATIC", 3, 0.0),
        (
            "apy_project_uniswap-v3_ArbitrumWETH-USDC",
            299,
            -0.771_606_039_757,
        ),
    ],
    sum_of_squares: 96_398.0,
    weighted_sum: -859.578_527_534_613,
};

const HONEST: Reference = Reference {
    rows: 604,
    first_and_last: ["2022-06-02", "2024-01-26"],
    rises: 288,
    raw_columns: 170,
    dropped: &[
        "benqi-lending",
        "coinwind",
        "compound-v2",
        "flamincome",
        "lido",
        "pancakeswap-amm",
        "uniswap-v2",
        "yearn-finance",
    ],
    ranking: &[
        ("ETH", 0.999_962_199_444),
        ("WSTETH", 0.998_084_240_505),
        ("RETH", 0.992_258_425_447),
        ("WBTC", 0.940_626_417_8),
        ("GNO", 0.897_887_161_736),
        ("STETH", 0.734_450_219_744),
        ("AAVE", 0.464_510_915_288),
        ("UNI", 0.432_233_203_45),
        ("CRV", 0.389_820_362_631),
        ("LINK", 0.385_228_936_33),
        ("SAVAX", 0.353_044_904_884),
        ("COW", 0.159_927_589_712),
        ("USDC", 0.005_794_283_327),
        ("USDT", -0.000_274_578_002),
        ("DAI", -0.037_456_223_539),
        ("3CRV", -0.109_338_682_572),
    ],
    columns: [
        ("volumes_last_24h", 602, 1_285_808_300.0, 392_846_615_500.0),
        (
            "price_diff_1_days",
            604,
            -1_977.583_999_999_999,
            -354_332.181,
        ),
        (
            "price_diff_30_days",
            604,
            -50_747.706_000_000_006,
            -12_780_121.036_000_002,
        ),
        ("trend_7_days", 604, 261.0, 81_469.0),
        ("day", 604, 2417.0, 727_823.0),
        ("year", 604, 1_221_705.0, 368_393_213.0),
        ("price_diff_RETH_3", 596, -6281.22, -1_062_708.991_000_000_2),
        ("price_trend_GNO_15", 604, 277.0, 82_285.0),
        ("aura", 604, 2_987_930_090.0, 724_816_477_610.0),
        ("pendle", 574, 4_985_591_250.0, 1_331_276_443_420.0),
        ("curve-dex", 604, 16_498_897_000.0, 3_900_387_596_600.0),
        ("yearn-finance", 133, 1_653_136_060.0, 891_238_269_130.0),
        (
            "tvlUsd_project_aave-v2_EthereumWETH",
            604,
            1_106_841_950.0,
            233_552_229_210.0,
        ),
        (
            "tvlUsd_project_sushiswap_EthereumCVX-WETH",
            604,
            2_535_073_800.0,
            576_488_833_600.0,
        ),
        (
            "apy_project_beefy_PolygonWETH-WMATIC",
            604,
            3_389.77,
            1_032_768.205_000_000_1,
        ),
        (
            "apy_project_uniswap-v3_ArbitrumWETH-USDC",
            604,
            4645.824,
            1_406_335.412,
        ),
    ],
    scores: [
        ("volumes_last_24h", 570, -1.229_403_643_32),
        ("price_diff_1_days", 377, -0.690_646_191_454),
        ("price_diff_30_days", 413, 0.272_999_677_229),
        ("trend_7_days", 541, 1.212_071_634_458),
        ("day", 349, -0.501_688_324_883),
        ("year", 468, 1.043_853_661_952),
        ("price_diff_RETH_3", 503, -0.116_353_500_673),
        ("price_trend_GNO_15", 136, -0.887_433_772_002),
        ("aura", 33, 0.978_533_809_732),
        ("pendle", 181, -0.229_300_889_194),
        ("curve-dex", 172, -0.686_841_068_794),
        (
            "tvlUsd_project_aave-v2_EthereumWETH",
            527,
            -1.372_391_812_164,
        ),
        (
            "tvlUsd_project_sushiswap_EthereumCVX-WETH",
            551,
            -1.514_912_396_143,
        ),
        ("apy_project_beefy_PolygonWETH-WMATIC", 3, 1.094_158_717_492),
        (
            "apy_project_uniswap-v3_ArbitrumWETH-USDC",
            301,
            -0.809_250_645_204,
        ),
    ],
    sum_of_squares: 109_900.377_977_772_38,
    weighted_sum: -745_422.323_567_769_1,
};

fn make(pipeline: &FeaturePipeline) -> (RawTable, FittedPipeline, FeatureMatrix, Vec<usize>) {
    let raw = pipeline.raw_table(&fixtures()).unwrap();
    let split = Split::chronological(raw.rows()).unwrap();
    let fitted = pipeline.fit(&raw, &split.train).unwrap();
    let matrix = fitted.transform(&raw).unwrap();
    (raw, fitted, matrix, split.train)
}

fn is_close(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance * expected.abs().max(1.0)
}

fn check(pipeline: &FeaturePipeline, reference: &Reference) {
    let (raw, fitted, matrix, train) = make(pipeline);

    // The join: rows, days, labels.
    assert_eq!(raw.rows(), reference.rows);
    assert_eq!(
        [&matrix.dates[0], &matrix.dates[raw.rows() - 1]],
        reference.first_and_last
    );
    let rises = raw.labels().iter().filter(|label| **label == 1).count();
    assert_eq!(rises, reference.rises);

    // The ranking.
    let ranking = raw.rank_tokens(&train).unwrap();
    assert_eq!(ranking.len(), reference.ranking.len());
    for ((token, found), (name, expected)) in ranking.iter().zip(reference.ranking) {
        assert_eq!(token, name);
        assert!(
            is_close(*found, *expected, 1e-9),
            "{name}: {found}, not {expected}"
        );
    }

    // Every source's columns before scaling.
    for (name, known, sum, by_row) in reference.columns {
        let column = raw.column(name).unwrap();
        let values: Vec<(usize, f64)> = column
            .iter()
            .enumerate()
            .filter_map(|(row, value)| Some((row, (*value)?)))
            .collect();
        assert_eq!(values.len(), known, "{name}");
        let found: f64 = values.iter().map(|(_, value)| value).sum();
        assert!(is_close(found, sum, 1e-9), "{name}: {found}, not {sum}");
        let found: f64 = values.iter().map(|(row, value)| value * *row as f64).sum();
        assert!(
            is_close(found, by_row, 1e-9),
            "{name}: {found}, not {by_row}"
        );
    }

    // The null rule.
    let kept: Vec<&str> = fitted
        .features()
        .iter()
        .map(|feature| feature.spec.name.as_str())
        .collect();
    assert_eq!(kept.len(), 162);
    let dropped: Vec<&str> = raw
        .columns()
        .iter()
        .filter(|column| {
            let key = &column.spec.key;
            let is_other = raw.tokens().contains(key) && !fitted.correlated().contains(key);
            !is_other && !kept.contains(&column.spec.name.as_str())
        })
        .map(|column| column.spec.name.as_str())
        .collect();
    assert_eq!(dropped, reference.dropped);
    assert_eq!(kept.len() + dropped.len(), reference.raw_columns);

    // Means, deviations, gaps.
    for (name, row, expected) in reference.scores {
        let column = kept.iter().position(|kept| *kept == name).unwrap();
        let found = f64::from(matrix.values[[row, column]]);
        assert!(
            is_close(found, expected, 1e-6),
            "{name} on row {row}: {found}, not {expected}"
        );
    }
    let cells = matrix.values.indexed_iter();
    let cells = cells.map(|((row, column), value)| (row, column, f64::from(*value)));
    let squares: f64 = cells.clone().map(|(_, _, z)| z * z).sum();
    assert!(
        is_close(squares, reference.sum_of_squares, 1e-7),
        "{squares}"
    );
    let weighted: f64 = cells
        .map(|(row, column, z)| z * ((7 * row + 13 * column) % 101) as f64)
        .sum();
    assert!(
        is_close(weighted, reference.weighted_sum, 1e-5),
        "{weighted}"
    );
}

#[test]
fn paper_mode_agrees_with_an_independent_computation() {
    check(&FeaturePipeline::paper(), &PAPER);
    let (_, fitted, ..) = make(&FeaturePipeline::paper());
    assert_eq!(
        fitted.correlated(),
        ["WBTC", "RETH", "WSTETH", "ETH", "GNO"]
    );
}

#[test]
fn honest_mode_agrees_with_an_independent_computation() {
    check(&FeaturePipeline::honest(), &HONEST);
    let (_, fitted, ..) = make(&FeaturePipeline::honest());
    assert_eq!(
        fitted.correlated(),
        ["ETH", "WSTETH", "RETH", "WBTC", "GNO"]
    );
    // In the manifest they are sorted.
    let first = |token: &str| {
        let name = format!("price_diff_{token}_1");
        fitted
            .features()
            .iter()
            .position(|feature| feature.spec.name == name)
            .unwrap()
    };
    assert_eq!(
        ["ETH", "GNO", "RETH", "WBTC", "WSTETH"].map(first),
        [13, 23, 33, 43, 53]
    );
}
