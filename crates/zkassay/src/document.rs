//! The JSON files of the pipeline: settings and witnesses.
//!
//! Each is one object that starts with what it is and in which version:
//!
//! ```text
//! { "kind": "zkassay settings", "version": 1, ... }
//! ```
//!
//! Both are read before anything else, so that a file of another kind or version is refused by
//! name. Unknown fields are refused too: they would be silently ignored choices.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

/// What a JSON file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DocumentKind {
    /// The choices that turn a model into a circuit.
    #[serde(rename = "zkassay settings")]
    Settings,
    /// An input and what the circuit makes of it.
    #[serde(rename = "zkassay witness")]
    Witness,
}

impl DocumentKind {
    /// The version that this release writes and reads.
    pub const VERSION: u32 = 1;

    /// The word in the file, and the command that makes such files.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Settings => ("zkassay settings", "gen-settings"),
            Self::Witness => ("zkassay witness", "gen-witness"),
        }
    }
}

/// Why bytes are not the expected JSON file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// Not a JSON file, or not all of it.
    #[error("expected a {expected} file in JSON, but {reason}")]
    Json {
        /// What was asked for.
        expected: &'static str,
        /// What the parser objects to, and where.
        reason: String,
    },
    /// A JSON file of something else.
    #[error("expected a {expected} file, found {found}")]
    Kind {
        /// What was asked for.
        expected: &'static str,
        /// What the file says it is.
        found: String,
    },
    /// A file of another format version.
    #[error(
        "a {kind} file of format version {found}, expected {expected}: \
         make it again with `zkassay {again}`"
    )]
    Version {
        /// What was asked for.
        kind: &'static str,
        /// The version that is understood.
        expected: u32,
        /// The file's version.
        found: String,
        /// The command that makes such a file.
        again: &'static str,
    },
    /// A value in the file is not possible.
    #[error("the {kind} file is not valid: {what}")]
    Invalid {
        /// What was asked for.
        kind: &'static str,
        /// What is wrong.
        what: String,
    },
}

impl DocumentError {
    /// A file of `kind` that is wrong in the way that `what` says.
    pub(crate) fn invalid(kind: DocumentKind, what: impl ToString) -> Self {
        Self::Invalid {
            kind: kind.words().0,
            what: what.to_string(),
        }
    }
}

/// The start of every file.
#[derive(Deserialize)]
struct Header {
    kind: Option<serde_json::Value>,
    version: Option<serde_json::Value>,
}

/// `content`, whose first fields are its kind and version, as the bytes of a file.
pub(crate) fn write<T: Serialize>(content: &T) -> Vec<u8> {
    // Structs of numbers and strings always have a JSON form.
    let mut bytes = serde_json::to_vec_pretty(content).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Reads the content of a file of the given kind.
///
/// # Errors
/// Anything else than one complete file of that kind and the current version.
pub(crate) fn read<T: DeserializeOwned>(
    kind: DocumentKind,
    bytes: &[u8],
) -> Result<T, DocumentError> {
    let (expected, again) = kind.words();
    if bytes.starts_with(b"zkassay\0") {
        let found = "a binary zkassay file".to_owned();
        return Err(DocumentError::Kind { expected, found });
    }
    let json = |error: serde_json::Error| DocumentError::Json {
        expected,
        reason: match error.classify() {
            Category::Eof => format!("it ends too early: {error}"),
            _ => error.to_string(),
        },
    };
    let header: Header = serde_json::from_slice(bytes).map_err(json)?;
    let found = match header.kind {
        Some(serde_json::Value::String(word)) => word.chars().take(80).collect(),
        _ => "a JSON file of something else".to_owned(),
    };
    if found != expected {
        return Err(DocumentError::Kind { expected, found });
    }
    let version = header.version.unwrap_or_default();
    if version != DocumentKind::VERSION {
        return Err(DocumentError::Version {
            kind: expected,
            expected: DocumentKind::VERSION,
            found: version.to_string().chars().take(80).collect(),
            again,
        });
    }
    serde_json::from_slice(bytes).map_err(json)
}
