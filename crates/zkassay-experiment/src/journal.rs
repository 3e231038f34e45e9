//! What a run found, on disk as soon as it is found.
//!
//! A journal is a file of JSON lines: a [`Header`] that says what is run, then a [`Line`] for
//! every finished cell. Each is written at once and is on disk before the next cell begins, so a
//! run that is killed loses the running cell at most. [`Journal::open`] cuts off a last line that
//! is not complete; anything else that is no line of a journal, or a round that is there twice, is an
//! error with its number.
//!
//! Whoever writes holds a lock on the folder, which the system releases when the process ends,
//! however it ends.

mod rounds;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zkassay_models::ModelSpec;
use zkassay_report::{AuditRecord, DataRecord, Failure, Host, RECORD_VERSION};

use crate::Plan;
use crate::cell::{AccuracyRound, ProvingRound};
use crate::folder::Lock;

use rounds::Rounds;

/// Name of the journal in a run's folder.
pub const FILE: &str = "journal.jsonl";
/// The most bytes that are read of a journal; `paper` writes some megabytes.
const LARGEST: u64 = 1 << 30;
/// Characters of a value that an error quotes.
const QUOTED: usize = 80;

/// The first line: what is run, on what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Version of the records, [`RECORD_VERSION`].
    pub version: u32,
    /// Name of the run.
    pub id: String,
    /// When it began, RFC 3339.
    pub created: String,
    /// The plan.
    pub plan: Plan,
    /// The data of the round whose models are proved.
    pub data: DataRecord,
    /// SHA-256 of all rounds' rows, labels and splits, hex.
    pub rows_sha256: String,
    /// The leak audit, if there is one.
    pub audit: Option<AuditRecord>,
    /// What speaks against the data.
    pub warnings: Vec<String>,
}

/// One thing that a run found, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Seconds since this part of the run began.
    pub seconds: f64,
    /// What it is.
    pub entry: Entry,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// The run begins, or goes on, on this machine.
    Begun {
        /// The machine and the revision.
        host: Host,
    },
    /// How often a model is right in one round.
    Accuracy {
        /// The model.
        model: ModelSpec,
        /// The round.
        round: AccuracyRound,
    },
    /// The file that is proved was written.
    Exported {
        /// The model.
        model: ModelSpec,
        /// SHA-256 of the ONNX file, hex.
        onnx_sha256: String,
        /// Trained parameters of the model.
        parameters: usize,
    },
    /// What other programs took while proofs were made, where the system tells.
    Load {
        /// Cores that they kept busy, on average.
        others: f64,
        /// The machine's cores.
        cores: usize,
    },
    /// One round of a prover.
    Proving {
        /// The model.
        model: ModelSpec,
        /// Who proved.
        prover: String,
        /// Version of the prover.
        version: String,
        /// The round.
        round: Box<ProvingRound>,
    },
    /// What failed of a model before a prover began with it.
    Failed(Failure),
    /// A prover that failed on a model tries again: that failure is no longer one.
    Retried {
        /// Name of the model.
        model: String,
        /// The prover.
        prover: String,
    },
    /// There is nothing left to do.
    Finished,
}

/// What a journal says.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// The first line.
    pub header: Header,
    /// All others, in the order they were written.
    pub lines: Vec<Line>,
}

/// An open journal, which nobody else writes.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    started: Instant,
    contents: Contents,
    /// Bytes of the lines that are complete.
    length: u64,
    /// Why a line could not be written: then none is any more.
    broken: Option<(ErrorKind, String)>,
    /// Released when this is dropped.
    _lock: Lock,
}

impl Contents {
    /// Reads the journal in a run's folder, which may be in use.
    ///
    /// # Errors
    /// There is none, or it was not written by this version; a line that is not one of a journal.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = read(&path)?;
        Self::parse(&text)
            .map(|(contents, _)| contents)
            .with_context(|| in_file(&path))
    }

    /// Whether nothing is left to do.
    pub fn is_finished(&self) -> bool {
        // What was appended since goes on.
        let last = self.lines.last();
        last.is_some_and(|line| matches!(line.entry, Entry::Finished))
    }

    /// The entries, in order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.lines.iter().map(|line| &line.entry)
    }

    /// The contents of all complete lines, and their length in bytes.
    fn parse(text: &[u8]) -> Result<(Self, usize)> {
        let end = text.iter().rposition(|byte| *byte == b'\n');
        let length = end.map_or(0, |end| end + 1);
        let complete = text.get(..length).unwrap_or_default();
        let mut lines = complete.split_inclusive(|byte| *byte == b'\n').zip(1..);
        let (first, _) = lines.next().context("the first line is missing")?;
        let header = Header::parse(first).context("line 1")?;
        let mut rounds = Rounds::default();
        let lines = lines.map(|(line, number): (&[u8], usize)| {
            let line: Line = serde_json::from_slice(line)
                .with_context(|| format!("line {number} is not one of a journal"))?;
            rounds
                .add(&header.plan, &line.entry)
                .with_context(|| format!("line {number}"))?;
            Ok(line)
        });
        let lines = lines.collect::<Result<_>>()?;
        Ok((Self { header, lines }, length))
    }
}

impl Header {
    fn parse(line: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_slice(line)?;
        ensure!(
            version == RECORD_VERSION,
            "its version is {version}, and this program writes {RECORD_VERSION}: \
             use the revision that began the run, or begin a new one"
        );
        Ok(serde_json::from_slice(line)?)
    }

    /// Checks that a run that began with `self` can go on with what is `now`.
    ///
    /// # Errors
    /// The plan or the rows are others; what of them differs.
    pub fn check(&self, now: &Self) -> Result<()> {
        let values = |header: &Self| -> Result<Value> {
            Ok(serde_json::json!({
                "plan": header.plan,
                "data": header.data,
                "rows": header.rows_sha256,
            }))
        };
        let mut found = Vec::new();
        differences("", &values(self)?, &values(now)?, &mut found);
        ensure!(
            found.is_empty(),
            "run {} began with another plan or other data; begin a new run instead. {}",
            self.id,
            found.join("; ")
        );
        Ok(())
    }
}

impl Journal {
    /// Begins the journal of a new run in `folder`. `started` is when the run began.
    ///
    /// # Errors
    /// The folder is in use or cannot be written to.
    pub fn create(folder: &Path, header: Header, started: Instant) -> Result<Self> {
        let lock = Lock::take(folder)?;
        let path = folder.join(FILE);
        ensure!(!path.exists(), "{} is there already", path.display());
        let mut line = serde_json::to_vec(&header)?;
        line.push(b'\n');
        // A journal has its header from the start.
        let written = zkassay_file::write(&path, &line).and_then(|()| sync_folder(folder));
        written.with_context(|| unwritable(&path))?;
        Self::of(path, lock, started)
    }

    /// Goes on with the journal in `folder`. A last line that was not written to its end is gone.
    ///
    /// # Errors
    /// As [`Contents::read`] and [`Journal::create`].
    pub fn open(folder: &Path, started: Instant) -> Result<Self> {
        let path = folder.join(FILE);
        // Without a journal the folder is none of a run, and gets no lock file.
        ensure!(
            path.is_file(),
            "{} has no {FILE}: it is not the folder of a run",
            folder.display()
        );
        let lock = Lock::take(folder)?;
        Self::of(path, lock, started)
    }

    fn of(path: PathBuf, lock: Lock, started: Instant) -> Result<Self> {
        let text = read(&path)?;
        let (contents, length) = Contents::parse(&text).with_context(|| in_file(&path))?;
        let file = File::options().write(true).open(&path);
        let mut journal = Self {
            file: file.with_context(|| unwritable(&path))?,
            path,
            started,
            contents,
            length: length as u64,
            broken: None,
            _lock: lock,
        };
        journal.cut().with_context(|| unwritable(&journal.path))?;
        Ok(journal)
    }

    /// Writes a line; it is on disk when this returns.
    ///
    /// # Errors
    /// It could not be written. The journal ends with the line before, and takes no more.
    pub fn append(&mut self, entry: Entry) -> Result<()> {
        if let Some((kind, reason)) = &self.broken {
            return Err(io::Error::new(*kind, reason.clone())).context(unwritable(&self.path));
        }
        let line = Line {
            seconds: self.started.elapsed().as_secs_f64(),
            entry,
        };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        // As whoever reads it will see it: JSON may change the last bit of a number.
        let line = serde_json::from_slice(&text)?;
        let written = self
            .file
            .write_all(&text)
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.broken = Some((error.kind(), error.to_string()));
            // If this fails as well, half a line is left, and cut off by whoever goes on.
            let _ = self.cut();
            return Err(error).with_context(|| unwritable(&self.path));
        }
        self.length += text.len() as u64;
        self.contents.lines.push(line);
        Ok(())
    }

    /// What it says so far.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Removes what is behind the complete lines.
    fn cut(&mut self) -> io::Result<()> {
        if self.file.metadata()?.len() > self.length {
            self.file.set_len(self.length)?;
        }
        self.file.seek(SeekFrom::Start(self.length)).map(drop)
    }
}

/// The newest run in the folder `out` that is neither finished nor going on.
///
/// # Errors
/// The folder cannot be read. What in it is no run is passed over.
pub(crate) fn newest_unfinished(out: &Path) -> Result<Option<PathBuf>> {
    let entries =
        fs::read_dir(out).with_context(|| format!("there are no runs in {}", out.display()))?;
    let mut newest: Option<(String, PathBuf)> = None;
    for entry in entries {
        let folder = entry?.path();
        let Ok(contents) = Contents::read(&folder) else {
            continue;
        };
        let begun = contents.header.created.clone() + &contents.header.id;
        let is_newer = newest.as_ref().is_none_or(|(newest, _)| *newest < begun);
        if is_newer && !contents.is_finished() && !Lock::is_taken(&folder) {
            newest = Some((begun, folder));
        }
    }
    Ok(newest.map(|(_, folder)| folder))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let failed = || format!("{} cannot be read", path.display());
    // Opening a pipe waits for whoever writes to it.
    let is_file = fs::metadata(path).with_context(failed)?.is_file();
    ensure!(is_file, "{} is not a file", path.display());
    let file = File::open(path).with_context(failed)?;
    let mut text = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut text)
        .with_context(failed)?;
    if text.len() as u64 > LARGEST {
        bail!("{} has more than {LARGEST} bytes", path.display());
    }
    Ok(text)
}

/// Makes sure that the folder still has its files after a loss of power.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match cfg!(unix) {
        true => File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}

fn in_file(path: &Path) -> String {
    format!("the journal {}", path.display())
}

fn unwritable(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}

/// Where two values differ, with both.
fn differences(path: &str, then: &Value, now: &Value, found: &mut Vec<String>) {
    if let (Value::Object(then), Value::Object(now)) = (then, now) {
        let new = now.keys().filter(|key| !then.contains_key(*key));
        for key in then.keys().chain(new) {
            let value =
                |of: &serde_json::Map<String, Value>| of.get(key).cloned().unwrap_or_default();
            let path = match path {
                "" => key.clone(),
                path => format!("{path}.{key}"),
            };
            differences(&path, &value(then), &value(now), found);
        }
    } else if then != now {
        let quote = |value: &Value| {
            let text = value.to_string();
            match text.char_indices().nth(QUOTED) {
                Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
                None => text,
            }
        };
        found.push(format!("{path} was {}, is {}", quote(then), quote(now)));
    }
}

#[cfg(test)]
pub(crate) mod tests;
