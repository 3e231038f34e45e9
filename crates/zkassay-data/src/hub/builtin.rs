//! The data sets that come with the program.

use super::{Entry, RemoteFile, Source};
use crate::idx;
use crate::schema::{OHLC_LOCATION, POOLS, PRICES, VALUE_LOCKED};
use crate::synthetic::Part;

/// The bucket of the study's tables.
const BUCKET: &str = "datasets-giza";
/// A long-lived copy of MNIST's files.
const MNIST: &str = "https://storage.googleapis.com/cvdf-datasets/mnist";
/// Size and SHA-256 of MNIST's files, in the order of [`idx::FILES`].
const MNIST_PINS: [[(u64, &str); 2]; 2] = [
    [
        (
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        (
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
    ],
    [
        (
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        (
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ],
];

/// Partitions of the value-locked table: entry name and location of each.
macro_rules! partitions {
    ($($project:literal),* $(,)?) => {
        [$((
            concat!("tvl-", $project),
            $project,
            concat!("TVL_per_project_tokens/project=", $project, "/"),
        )),*]
    };
}

const PARTITIONS: [(&str, &str, &str); 19] = partitions![
    "aave-v2",
    "aave-v3",
    "aura",
    "balancer-v2",
    "beefy",
    "benqi-lending",
    "coinwind",
    "compound-v2",
    "convex-finance",
    "curve-dex",
    "flamincome",
    "lido",
    "pancakeswap-amm",
    "pendle",
    "rocket-pool",
    "sushiswap",
    "uniswap-v2",
    "uniswap-v3",
    "yearn-finance",
];

/// Every data set, then the generated stand-in of every one.
pub(super) fn entries() -> Vec<Entry> {
    let mut real = vec![
        table(
            "giza",
            "The three tables of the study together, as the experiment reads them",
            &[
                PRICES.location,
                "top_pools_APY_per_protocol/",
                "TVL_per_project_tokens/",
            ],
        ),
        table(
            "tokens-daily-prices-mcap-volume",
            "Price, market capitalisation and volume per token and day",
            &[PRICES.location],
        ),
        table(
            "top-pools-apy-per-protocol",
            "Value locked and yield per liquidity pool and day",
            &["top_pools_APY_per_protocol/"],
        ),
        table(
            "tvl-per-project-tokens",
            "Value locked per project, token and day, all 19 partitions",
            &["TVL_per_project_tokens/"],
        ),
        table(
            "tokens-ohlc",
            "Open, high, low and close per token and four days",
            &[OHLC_LOCATION],
        ),
        mnist(),
    ];
    let mut generated = vec![
        stand_in(&real[0], Part::Tables("")),
        stand_in(&real[1], Part::Tables(PRICES.location)),
        stand_in(&real[2], Part::Tables(POOLS.location)),
        stand_in(&real[3], Part::Tables(VALUE_LOCKED.location)),
        stand_in(&real[4], Part::Ohlc),
        stand_in(&real[5], Part::Digits),
    ];
    for (name, project, location) in PARTITIONS {
        let summary = format!("Value locked in {project} per token and day");
        let entry = table(name, &summary, &[location]);
        generated.push(stand_in(&entry, Part::Tables(location)));
        real.push(entry);
    }
    real.extend(generated);
    real
}

fn table(name: &str, summary: &str, prefixes: &[&str]) -> Entry {
    Entry {
        name: name.to_owned(),
        summary: summary.to_owned(),
        licence:
            "no licence stated; compiled by Giza from CoinGecko and DefiLlama, whose terms apply"
                .to_owned(),
        source: Source::Bucket {
            bucket: BUCKET.to_owned(),
            prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
        },
    }
}

fn mnist() -> Entry {
    let names = idx::FILES.iter().flatten().zip(MNIST_PINS.iter().flatten());
    let files = names.map(|(name, (bytes, sha256))| RemoteFile {
        url: format!("{MNIST}/{name}"),
        path: (*name).to_owned(),
        bytes: Some(*bytes),
        sha256: Some((*sha256).to_owned()),
    });
    Entry {
        name: "mnist".to_owned(),
        summary: "Handwritten digits: 60,000 images to train on, 10,000 to test on".to_owned(),
        licence: "CC BY-SA 3.0; Y. LeCun, C. Cortes, C. Burges".to_owned(),
        source: Source::Files(files.collect()),
    }
}

fn stand_in(real: &Entry, part: Part) -> Entry {
    Entry {
        name: format!("fixtures-{}", real.name),
        summary: format!("Generated, no network: {}", real.summary),
        licence: "MIT OR Apache-2.0; synthetic, nothing in it is real".to_owned(),
        source: Source::Synthetic(part),
    }
}
