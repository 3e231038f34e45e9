//! How rows are named in plan files and journals: the keys are those of the command line's flags.

use std::path::PathBuf;

use clap::ValueEnum as _;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::dataset::{Mode, Source};

/// A [`Source`] by its flags.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    table: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<String>,
}

pub(super) fn serialize<S: Serializer>(source: &Source, to: S) -> Result<S::Ok, S::Error> {
    let keys = match source.clone() {
        Source::Tokens { path, mode } => Keys {
            data: Some(path),
            mode: Some(mode_name(mode)),
            table: None,
            label: None,
            time: None,
        },
        Source::Table { path, label, time } => Keys {
            data: None,
            mode: None,
            table: Some(path),
            label: Some(label),
            time,
        },
    };
    keys.serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Source, D::Error> {
    let keys = Keys::deserialize(from)?;
    match (keys.data, keys.table, keys.label) {
        (Some(path), None, None) if keys.time.is_none() => {
            let mode = keys.mode.unwrap_or_default();
            let mode = parse_mode(&mode)
                .ok_or_else(|| D::Error::custom(format!("mode `{mode}` is not honest or paper")))?;
            Ok(Source::Tokens { path, mode })
        }
        (None, Some(path), Some(label)) if keys.mode.is_none() => Ok(Source::Table {
            path,
            label,
            time: keys.time,
        }),
        _ => Err(D::Error::custom(
            "a source has `data` and `mode`, or `table`, `label` and perhaps `time`",
        )),
    }
}

/// The name of a mode, as flags and plan files have it.
pub(super) fn mode_name(mode: Mode) -> String {
    let value = mode.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The mode of a name.
pub(super) fn parse_mode(name: &str) -> Option<Mode> {
    Mode::from_str(name, false).ok()
}
