//! `zkassay data`: the data sets, and what of them is on this machine.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde_json::json;
use zkassay_data::cache::Status;
use zkassay_data::{Cache, Catalogue, Entry, FetchOptions, Manifest, describe, fetch};

use crate::commands::print;
use crate::progress::Bar;

/// List, describe and fetch data sets.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Data {
    #[command(subcommand)]
    command: Command,
    /// Your own data sets, in TOML [default: zkassay/datasets.toml in $XDG_CONFIG_HOME or
    /// ~/.config, if there].
    #[arg(long, global = true, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// Where data is kept [default: $ZKASSAY_DATA_DIR, or zkassay in $XDG_CACHE_HOME or ~/.cache].
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All data sets, and which of them are cached.
    List,
    /// Where a data set comes from, what may be done with it, and what is in it.
    Describe {
        /// Name of the data set.
        name: String,
    },
    /// Download or generate a data set, unless it is cached and whole.
    #[command(after_help = "\
Examples:
  zkassay data fetch fixtures-giza
  zkassay data fetch mnist --mirror https://mirror.example.org
  zkassay data fetch giza --refresh --threads 8")]
    Fetch(Fetch),
    /// Print the directory of a cached data set.
    Path {
        /// Name of the data set.
        name: String,
    },
    /// Remove a data set from the cache, or all of them.
    Clear {
        /// Name of the data set; all if left out.
        name: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Fetch {
    /// Name of the data set.
    name: String,
    /// Do not use the network: check what is cached, or generate.
    #[arg(long)]
    offline: bool,
    /// Fetch again, keeping files that have not changed.
    #[arg(long, conflicts_with = "offline")]
    refresh: bool,
    /// Another server with the same paths, instead of the start of each address.
    #[arg(long, value_name = "URL", value_parser = mirror)]
    mirror: Option<String>,
    /// Downloads at a time.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    threads: u8,
    /// Attempts in a row without a byte of progress.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    attempts: u32,
    /// Seconds to wait for the next bytes.
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

const EXAMPLES: &str = r#"Examples:
  zkassay data list
  zkassay data fetch fixtures-giza       # generated here, no network
  zkassay data describe giza
  ls "$(zkassay data path fixtures-giza)"
  zkassay data clear mnist

Your own data sets, in a TOML file:
  [datasets.loans]
  summary = "Loans of 2024"
  files = [{ url = "https://example.org/loans.csv", sha256 = "...", bytes = 123456 }]

  [datasets.pools]
  bucket = "name-of-a-public-gcs-bucket"
  prefix = "directory/"

  [datasets.on-disk]
  path = "/data/loans.parquet""#;

pub(crate) fn mirror(url: &str) -> Result<String, String> {
    match url.starts_with("https://") || url.starts_with("http://") {
        true => Ok(url.to_owned()),
        false => Err("must start with https:// or http://".to_owned()),
    }
}

impl Data {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let catalogue = match (&self.catalogue, Catalogue::user_file()) {
            (Some(file), _) => Catalogue::builtin().with_file(file)?,
            (None, Some(file)) if file.is_file() => Catalogue::builtin().with_file(&file)?,
            _ => Catalogue::builtin(),
        };
        let cache = match &self.data_dir {
            Some(root) => Cache::new(root),
            None => Cache::from_environment()?,
        };
        match &self.command {
            Command::List => list(json, &catalogue, &cache),
            Command::Describe { name } => describe_entry(json, catalogue.get(name)?, &cache),
            Command::Fetch(fetch) => fetch_entry(json, catalogue.get(&fetch.name)?, &cache, fetch),
            Command::Path { name } => {
                let path = cache.path(catalogue.get(name)?)?;
                print(json, &json!({ "name": name, "path": path }), || {
                    path.display().to_string()
                })
            }
            Command::Clear { name } => clear(json, &catalogue, &cache, name.as_deref()),
        }
    }
}

fn list(json: bool, catalogue: &Catalogue, cache: &Cache) -> Result<()> {
    let mut listed = Vec::new();
    let mut lines = Vec::new();
    for entry in catalogue.entries() {
        let status = cache.status(entry)?;
        listed.push(json!({
            "name": entry.name,
            "summary": entry.summary,
            "source": entry.source.kind(),
            "status": status.word(),
        }));
        lines.push(format!(
            "{:<40} {:<8} {}",
            entry.name,
            status.word(),
            entry.summary
        ));
    }
    print(json, &json!(listed), || lines.join("\n"))
}

fn describe_entry(json: bool, entry: &Entry, cache: &Cache) -> Result<()> {
    let status = cache.status(entry)?;
    let path = cache.location(entry);
    let contents = match &status {
        Status::Cached(manifest) => {
            let summary = describe::contents(&path, manifest);
            Some(summary.with_context(|| format!("the data set `{}`", entry.name))?)
        }
        _ => None,
    };
    let manifest = match &status {
        Status::Cached(manifest) => Some(manifest),
        _ => None,
    };
    let record = json!({
        "name": entry.name,
        "summary": entry.summary,
        "licence": entry.licence,
        "source": entry.source.kind(),
        "locations": entry.source.locations(),
        "path": path,
        "status": status.word(),
        "manifest": manifest,
        "contents": contents,
    });
    print(json, &record, || {
        let mut lines = vec![
            format!("{}: {}", entry.name, entry.summary),
            format!("licence   {}", entry.licence),
        ];
        lines.extend(
            entry
                .source
                .locations()
                .iter()
                .map(|place| format!("from      {place}")),
        );
        lines.push(format!("status    {}", status_line(&status)));
        lines.push(format!("path      {}", path.display()));
        lines.extend(
            contents
                .iter()
                .flatten()
                .map(|table| format!("contents  {table}")),
        );
        lines.join("\n")
    })
}

fn fetch_entry(json: bool, entry: &Entry, cache: &Cache, arguments: &Fetch) -> Result<()> {
    let options = FetchOptions {
        offline: arguments.offline,
        refresh: arguments.refresh,
        mirror: arguments.mirror.clone(),
        threads: arguments.threads.into(),
        attempts: arguments.attempts,
        read_timeout: Duration::from_secs(arguments.timeout),
        ..FetchOptions::default()
    };
    let bar = match json {
        true => Bar::new(&entry.name),
        false => Bar::stderr(&entry.name),
    };
    let fetched = fetch(cache, entry, &options, &bar);
    bar.finish();
    let fetched = fetched?;
    let record = json!({
        "name": entry.name,
        "path": fetched.path,
        "was_cached": fetched.was_cached,
        "manifest": fetched.manifest,
    });
    print(json, &record, || {
        let verb = match fetched.was_cached {
            true => "was there already",
            false => "fetched",
        };
        format!(
            "{}: {}, {verb}\n{}",
            entry.name,
            size(&fetched.manifest),
            fetched.path.display()
        )
    })
}

fn clear(json: bool, catalogue: &Catalogue, cache: &Cache, name: Option<&str>) -> Result<()> {
    let entries = match name {
        Some(name) => std::slice::from_ref(catalogue.get(name)?),
        None => catalogue.entries(),
    };
    let mut cleared = Vec::new();
    for entry in entries {
        if cache.clear(entry)? {
            cleared.push(entry.name.as_str());
        }
    }
    print(json, &json!({ "cleared": cleared }), || match cleared[..] {
        [] => "nothing to clear".to_owned(),
        _ => format!("cleared {}", cleared.join(", ")),
    })
}

fn status_line(status: &Status) -> String {
    match status {
        Status::Cached(manifest) => format!("cached, {}", size(manifest)),
        Status::Broken(reason) => format!("broken: {reason}"),
        _ => status.word().to_owned(),
    }
}

fn size(manifest: &Manifest) -> String {
    format!(
        "{} files, {:.2} MB",
        manifest.files.len(),
        manifest.bytes as f64 / 1e6
    )
}
