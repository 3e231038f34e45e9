//! Plan files: settings in TOML.
//!
//! Keys are read one by one, so that a mistake is told with the file, the key, what was found and
//! what would do.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};
use toml::{Table, Value};

use super::flags::{MAX_COUNT, MAX_SECONDS, MAX_THREADS};
use super::near::did_you_mean;
use super::profile::Profile;
use super::settings::{PeerSettings, Settings};
use super::source::parse_mode;

/// Longer files are none of plans.
const LONGEST: u64 = 1 << 20;
/// Keys of a plan file.
pub(super) const KEYS: [&str; 14] = [
    "extends", "models", "rounds", "proofs", "setups", "data", "mode", "table", "label", "time",
    "seed", "threads", "peers", "ezkl",
];
/// Keys of its table `ezkl`.
pub(super) const EZKL_KEYS: [&str; 5] = ["models", "configurations", "proofs", "setups", "limit"];

/// What a plan file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PlanFile {
    /// The profile that it changes.
    pub(super) extends: Option<Profile>,
    /// What it says itself.
    pub(super) settings: Settings,
}

/// Reads a plan file; relative paths in it start at its folder.
pub(super) fn read(path: &Path) -> Result<PlanFile> {
    let name = path.display().to_string();
    let mut text = String::new();
    let file = File::open(path).with_context(|| format!("the plan {name} cannot be read"))?;
    file.take(LONGEST + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("the plan {name} cannot be read"))?;
    ensure!(
        text.len() as u64 <= LONGEST,
        "the plan {name} is longer than {LONGEST} bytes"
    );
    let mut file = parse(&name, &text)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    file.settings.rows.start_at(folder);
    Ok(file)
}

/// Reads the text of the plan file `name`.
pub(super) fn parse(name: &str, text: &str) -> Result<PlanFile> {
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| anyhow!("{name} is not TOML: {error}"))?;
    let mut file = PlanFile::default();
    for (key, value) in &table {
        file.set(key, value)
            .with_context(|| format!("the plan {name}"))?;
    }
    Ok(file)
}

impl PlanFile {
    fn set(&mut self, key: &str, value: &Value) -> Result<()> {
        let settings = &mut self.settings;
        let rows = &mut settings.rows;
        match key {
            "extends" => {
                let name = string(key, value, "the name of a profile")?;
                self.extends = Some(name.parse().context("key `extends`")?);
            }
            "models" => settings.models = Some(list(key, value)?),
            "rounds" => settings.rounds = Some(count(key, value, MAX_COUNT)?),
            "proofs" => settings.proofs = Some(count(key, value, MAX_COUNT)?),
            "setups" => settings.setups = Some(count(key, value, MAX_COUNT)?),
            "data" => rows.data = Some(string(key, value, "a name or a path")?.into()),
            "mode" => {
                let expected = "\"honest\" or \"paper\"";
                let mode = parse_mode(&string(key, value, expected)?);
                rows.mode = Some(mode.ok_or_else(|| wrong(key, value, expected))?);
            }
            "table" => rows.table = Some(string(key, value, "a path")?.into()),
            "label" => rows.label = Some(string(key, value, "the name of a column")?),
            "time" => rows.time = Some(string(key, value, "the name of a column")?),
            "seed" => settings.seed = Some(number(key, value, 0, i64::MAX as u64)?),
            "threads" => settings.threads = Some(count(key, value, MAX_THREADS)?),
            "peers" => settings.ezkl = Some(peers(key, value)?),
            "ezkl" => {
                let table = value.as_table();
                let table = table.ok_or_else(|| wrong(key, value, "a table, [ezkl]"))?;
                for (key, value) in table {
                    set_ezkl(&mut settings.peer, key, value).context("table [ezkl]")?;
                }
            }
            key => return Err(unknown(key, &KEYS)),
        }
        Ok(())
    }
}

fn set_ezkl(peer: &mut PeerSettings, key: &str, value: &Value) -> Result<()> {
    match key {
        "models" => {
            peer.models = Some(list(key, value)?);
            peer.models_are_meant = true;
        }
        "configurations" => {
            let words = words(key, value)?;
            let parse = |name: &String| name.parse().map_err(Error::new);
            let parsed: Result<_> = words.iter().map(parse).collect();
            peer.configurations = Some(parsed.with_context(|| format!("key `{key}`"))?);
        }
        "proofs" => peer.proofs = Some(count(key, value, MAX_COUNT)?),
        "setups" => peer.setups = Some(count(key, value, MAX_COUNT)?),
        "limit" => peer.limit = Some(count(key, value, MAX_SECONDS)?),
        key => return Err(unknown(key, &EZKL_KEYS)),
    }
    Ok(())
}

/// `peers = ["ezkl"]`: whether EZKL is among them.
fn peers(key: &str, value: &Value) -> Result<bool> {
    let peers = words(key, value)?;
    if let Some(other) = peers.iter().find(|peer| *peer != "ezkl") {
        let hint = did_you_mean(other, ["ezkl"]);
        bail!("key `{key}`: there is no peer `{other}`, only `ezkl`{hint}");
    }
    Ok(!peers.is_empty())
}

fn unknown(key: &str, keys: &[&str]) -> Error {
    let hint = did_you_mean(key, keys.iter().copied());
    let keys = keys.join(", ");
    anyhow!("there is no key `{key}`{hint} (the keys are {keys})")
}

fn wrong(key: &str, value: &Value, expected: &str) -> Error {
    let mut found = shown(value);
    if found.chars().count() > 60 {
        found = found.chars().take(60).chain("...".chars()).collect();
    }
    let kind = value.type_str();
    anyhow!("key `{key}`: found {found} (of type {kind}), expected {expected}")
}

/// A value as it may be written.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(answer) => answer.to_string(),
        Value::Datetime(time) => time.to_string(),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(shown).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Table(_) => "a table".into(),
    }
}

fn string(key: &str, value: &Value, expected: &str) -> Result<String> {
    match value.as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(wrong(key, value, expected)),
    }
}

fn number(key: &str, value: &Value, least: u64, most: u64) -> Result<u64> {
    let number = value
        .as_integer()
        .and_then(|number| u64::try_from(number).ok());
    number
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| {
            let expected = format!("a whole number from {least} to {most}");
            wrong(key, value, &expected)
        })
}

fn count(key: &str, value: &Value, most: usize) -> Result<usize> {
    // Not beyond `most`, which is a `usize`.
    Ok(number(key, value, 1, most as u64)? as usize)
}

/// `["a", "b"]`.
fn words(key: &str, value: &Value) -> Result<Vec<String>> {
    let expected = "a list of names, such as [\"one\", \"another\"]";
    let values = value
        .as_array()
        .ok_or_else(|| wrong(key, value, expected))?;
    let word = |value: &Value| value.as_str().map(str::to_owned);
    let words: Option<Vec<String>> = values.iter().map(word).collect();
    words.ok_or_else(|| wrong(key, value, expected))
}

/// A list of models, as of `--models`; checked by itself.
fn list(key: &str, value: &Value) -> Result<String> {
    let list = match value.as_str() {
        Some(list) => list.to_owned(),
        None => words(key, value)?.join(","),
    };
    super::Plan::parse_models(&list).with_context(|| format!("key `{key}`"))?;
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Mode;
    use std::fs;

    fn error(text: &str) -> String {
        format!("{:#}", parse("mine.toml", text).unwrap_err())
    }

    #[test]
    fn every_key_is_read() {
        let file = parse(
            "mine.toml",
            r#"
            extends = "paper"
            models = ["64-32", "mlp-4*"]
            rounds = 2
            proofs = 3
            setups = 4
            data = "giza"
            mode = "paper"
            seed = 0
            threads = 6
            peers = ["ezkl"]
            [ezkl]
            models = "64-32"
            configurations = ["tuned"]
            proofs = 7
            setups = 8
            limit = 9
            "#,
        )
        .unwrap();
        assert_eq!(file.extends, Some(Profile::Paper));
        let settings = file.settings;
        assert_eq!(settings.models.as_deref(), Some("64-32,mlp-4*"));
        assert_eq!(
            [
                settings.rounds,
                settings.proofs,
                settings.setups,
                settings.threads
            ],
            [Some(2), Some(3), Some(4), Some(6)]
        );
        assert_eq!((settings.seed, settings.ezkl), (Some(0), Some(true)));
        assert_eq!(settings.rows.mode, Some(Mode::Paper));
        assert_eq!(settings.peer.models.as_deref(), Some("64-32"));
        assert_eq!(
            [
                settings.peer.proofs,
                settings.peer.setups,
                settings.peer.limit
            ],
            [Some(7), Some(8), Some(9)]
        );
        let table = "table = 'a.csv'\nlabel = 'b'\ntime = 'c'";
        let rows = parse("mine.toml", table).unwrap().settings.rows;
        assert_eq!(rows.table.as_deref(), Some(Path::new("a.csv")));
        assert_eq!(
            (rows.label.as_deref(), rows.time.as_deref()),
            (Some("b"), Some("c"))
        );
    }

    #[test]
    fn mistakes_are_told_with_file_key_found_and_expected() {
        for (text, parts) in [
            (
                "proof = 3",
                &["mine.toml", "`proof`", "did you mean `proofs`?"][..],
            ),
            (
                "[ezkl]\nlimits = 3",
                &["mine.toml", "[ezkl]", "did you mean `limit`?"],
            ),
            (
                "wholly_other = 3",
                &["`wholly_other`", "the keys are extends, models"],
            ),
            (
                "proofs = \"many\"",
                &["`proofs`", "\"many\"", "string", "from 1 to 10000"],
            ),
            ("proofs = 0", &["`proofs`", "found 0", "from 1 to 10000"]),
            ("rounds = 2.5", &["`rounds`", "2.5", "float"]),
            ("seed = -1", &["`seed`", "-1", "from 0 to"]),
            ("threads = 99999", &["`threads`", "from 1 to 1024"]),
            (
                "mode = \"honst\"",
                &["`mode`", "honst", "\"honest\" or \"paper\""],
            ),
            ("data = \"\"", &["`data`", "a name or a path"]),
            ("extends = \"ful\"", &["`extends`", "did you mean `full`?"]),
            ("models = [1]", &["`models`", "[1]", "a list of names"]),
            (
                "models = [\"forrest\"]",
                &["`models`", "did you mean `forest`?"],
            ),
            ("models = []", &["`models`", "no model is given"]),
            (
                "peers = [\"jstprove\"]",
                &["`peers`", "`jstprove`", "only `ezkl`"],
            ),
            ("peers = \"ezkl\"", &["`peers`", "a list"]),
            ("ezkl = 3", &["`ezkl`", "a table, [ezkl]"]),
            (
                "[ezkl]\nconfigurations = [\"best\"]",
                &["`configurations`", "'best'"],
            ),
            ("proofs = ", &["mine.toml is not TOML", "line 1"]),
            (
                "proofs = 1\nproofs = 2",
                &["mine.toml is not TOML", "duplicate key"],
            ),
        ] {
            let error = error(text);
            for part in parts {
                assert!(error.contains(part), "{text}: {error} has no {part}");
            }
        }
        // What is found may be long.
        let long = error(&format!("proofs = \"{}\"", "x".repeat(5000)));
        assert!(long.len() < 300, "{long}");
    }

    #[test]
    fn paths_start_at_the_folder_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        let rows = |text: &str| {
            fs::write(&path, text).unwrap();
            read(&path).unwrap().settings.rows
        };
        let prices = rows("data = 'prices.csv'").data.unwrap();
        assert_eq!(prices, folder.path().join("prices.csv"));
        let table = rows("table = 'loans.csv'\nlabel = 'repaid'").table.unwrap();
        assert_eq!(table, folder.path().join("loans.csv"));
        // Names of data sets, and absolute paths, stay.
        let data = |text| rows(text).data.unwrap();
        assert_eq!(data("data = 'giza'"), Path::new("giza"));
        assert_eq!(data("data = '/data'"), Path::new("/data"));
    }

    #[test]
    fn files_that_are_no_plans_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = |path: &Path| format!("{:#}", read(path).unwrap_err());
        let none = folder.path().join("none.toml");
        assert!(error(&none).contains("none.toml cannot be read"));
        assert!(error(folder.path()).contains("cannot be read"));
        let path = folder.path().join("long.toml");
        fs::write(&path, "# ".repeat(1 << 20)).unwrap();
        assert!(error(&path).contains("longer than"));
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(error(&path).contains("long.toml cannot be read"));
    }
}
