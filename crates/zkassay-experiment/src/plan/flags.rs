//! The flags of `cargo xtask experiment`.
//!
//! This file is compiled into `xtask`, too, so that `--help` and mistakes are answered before
//! anything is built: it depends on clap alone.

use std::path::PathBuf;

use clap::Args;
use clap::builder::RangedU64ValueParser;

/// What stands below the flags in `--help`.
pub const EXAMPLES: &str = "\
Examples:
  cargo xtask experiment
  cargo xtask experiment --profile full --peers ezkl --dry-run
  cargo xtask experiment --profile full --models 'mlp-*,forest-*' --rounds 20 --proofs 50
  cargo xtask experiment --models logistic,64-32:tanh,svm-rbf -n 20 --setups 10
  cargo xtask experiment --data giza --mode paper      # zkassay data fetch giza
  cargo xtask experiment --table loans.csv --label repaid --time opened
  cargo xtask experiment --plan mine.toml --seed 7 --threads 1 --out /tmp/runs
  cargo xtask experiment --resume

Profiles:
  quick   nine models, split once in time, 5 proofs each; under a minute
  full    42 networks and seven classical models, five rounds that walk forward in time
  paper   the article's protocol: its 42 networks, 20 random splits, 50 setups and proofs each

A plan file, in TOML (src/profiles of zkassay-experiment has the profiles, with every key explained):
  extends = \"full\"
  models = [\"mlp-64*\", \"forest\"]
  rounds = 10
  peers = [\"ezkl\"]
  [ezkl]
  models = [\"64-32\"]
  configurations = [\"tuned\"]

Exit code: 0 if all went well, 3 if the run finished but something failed (the table and the report say
what), 1 if it could not go on.";

/// What to run, on top of a profile or a plan file, and where to leave it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Flags {
    /// Profile that everything else is a change of [default: quick].
    #[arg(long, value_name = "NAME", value_parser = ["quick", "full", "paper"], help_heading = "Plan")]
    pub profile: Option<String>,
    /// A plan file instead, in TOML.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "profile",
        help_heading = "Plan"
    )]
    pub plan: Option<PathBuf>,
    /// Models: widths of hidden layers (`64-32`, `64-32:tanh`), names (`svm-rbf`), groups (`study`,
    /// `study:none`, `classical`), patterns (`'mlp-*'`); `help` lists them.
    #[arg(long, value_name = "LIST", help_heading = "Plan")]
    pub models: Option<String>,
    /// How often each model is trained and its accuracy measured: in one split, in folds of a walk
    /// forward in time, or in random splits.
    #[arg(long, value_name = "N", value_parser = count(MAX_COUNT), help_heading = "Plan")]
    pub rounds: Option<usize>,
    /// Proofs per model, each of another test row.
    #[arg(short = 'n', long, value_name = "N", value_parser = count(MAX_COUNT), help_heading = "Plan")]
    pub proofs: Option<usize>,
    /// How often settings, calibration, circuit and keys are made anew and timed.
    #[arg(long, value_name = "N", value_parser = count(MAX_COUNT), help_heading = "Plan")]
    pub setups: Option<usize>,
    /// Seed of every random draw.
    #[arg(long, value_name = "S", help_heading = "Plan")]
    pub seed: Option<u64>,
    /// Threads to use [default: all cores].
    #[arg(long, value_name = "T", value_parser = count(MAX_THREADS), help_heading = "Plan")]
    pub threads: Option<usize>,

    /// Token tables: a data set of `zkassay data list`, a folder laid out as the `datasets-giza`
    /// bucket, or a CSV file of prices.
    #[arg(long, value_name = "NAME|PATH", help_heading = "Data")]
    pub data: Option<PathBuf>,
    /// How features are made of token tables: what was known on each day, or as in the study.
    #[arg(long, value_name = "MODE", value_parser = ["honest", "paper"], help_heading = "Data")]
    pub mode: Option<String>,
    /// A table of your own instead, CSV or parquet: every column but label and time is a feature.
    #[arg(long, value_name = "FILE", requires = "label", conflicts_with_all = ["data", "mode"], help_heading = "Data")]
    pub table: Option<PathBuf>,
    /// The column of the label in your table: two classes.
    #[arg(long, value_name = "COLUMN", requires = "table", help_heading = "Data")]
    pub label: Option<String>,
    /// The column that orders the rows of your table; they are split at random without one.
    #[arg(long, value_name = "COLUMN", requires = "table", help_heading = "Data")]
    pub time: Option<String>,

    /// Other provers beside zkassay, on the same files and rows: `ezkl`, or `none`.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = ["ezkl", "none"], help_heading = "Peers")]
    pub peers: Option<Vec<String>>,
    /// Which of the models the peers prove [default: those that the profile names].
    #[arg(long, value_name = "LIST", help_heading = "Peers")]
    pub peer_models: Option<String>,
    /// The peers' settings: weights `fixed` in the key or `private`, by their own calibration;
    /// `tuned`: fixed, the best that a search finds.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = ["fixed", "private", "tuned"], help_heading = "Peers")]
    pub peer_configurations: Option<Vec<String>>,
    /// Proofs of the peers per model.
    #[arg(long, value_name = "N", value_parser = count(MAX_COUNT), help_heading = "Peers")]
    pub peer_proofs: Option<usize>,
    /// How often the peers' keys are made and timed.
    #[arg(long, value_name = "N", value_parser = count(MAX_COUNT), help_heading = "Peers")]
    pub peer_setups: Option<usize>,
    /// What a peer has for a model, all stages together.
    #[arg(long, value_name = "SECONDS", value_parser = count(MAX_SECONDS), help_heading = "Peers")]
    pub peer_limit: Option<usize>,

    /// Folder for the runs' folders [default: runs].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on with a run that was interrupted: a run's folder, or its name in the folder of `--out`;
    /// the newest that is not finished if none is named. Its plan is used.
    #[arg(long, value_name = "RUN", num_args = 0..=1)]
    pub resume: Option<Option<PathBuf>>,
    /// Print what would be run and about how long it takes; write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// EZKL's environment, as `cargo xtask ezkl` makes it.
    #[arg(long, value_name = "DIR")]
    pub ezkl: Option<PathBuf>,

    /// Why EZKL's environment could not be made.
    #[arg(long, value_name = "MESSAGE", hide = true)]
    pub ezkl_missing: Option<String>,
    /// The folder that relative paths given here start from, if it is not the working folder.
    #[arg(long, value_name = "DIR", hide = true)]
    pub relative_to: Option<PathBuf>,
    /// Print the peers of the plan, and do no more.
    #[arg(long, hide = true)]
    pub list_peers: bool,
}

/// The most rounds, proofs and setups.
pub const MAX_COUNT: usize = 10_000;
/// The most threads.
pub const MAX_THREADS: usize = 1024;
/// The longest limit of a peer: a week.
pub const MAX_SECONDS: usize = 7 * 24 * 3600;

/// Whole numbers from 1 to `most`.
fn count(most: usize) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=most as u64)
}

impl Flags {
    /// Whether these ask for the list of models alone.
    pub fn is_list_of_models(&self) -> bool {
        self.models.as_deref() == Some("help")
    }
}
