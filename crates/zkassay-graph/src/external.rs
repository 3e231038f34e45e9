//! Weights in files of their own.
//!
//! Exporters put large tensors beside the model; PyTorch does so by default since 2.9. A tensor
//! then names a file, an offset and a length. [`inline_external`] puts the bytes back where they
//! would be otherwise, so that one sequence of bytes is the whole model: what is imported, and
//! what is hashed into a key.
//!
//! The protobuf is rewritten field by field, and only such tensors change: everything else keeps
//! its bytes, known to this crate or not, so that the result does not depend on its version.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path, PathBuf};

use crate::GraphError;
use wire::fields;

/// The most bytes that a model may have, weights included: protobuf's own limit.
const MAX_BYTES: u64 = 2 << 30;

// Fields of onnx.proto3.
const MODEL_GRAPH: u64 = 7;
const GRAPH_INITIALIZER: u64 = 5;
const TENSOR_NAME: u64 = 8;
const TENSOR_RAW_DATA: u64 = 9;
const TENSOR_EXTERNAL_DATA: u64 = 13;
const TENSOR_DATA_LOCATION: u64 = 14;
const ENTRY_KEY: u64 = 1;
const ENTRY_VALUE: u64 = 2;

/// The bytes of an `.onnx` file, with the weights inside that it keeps in other files of its
/// folder.
///
/// # Errors
/// [`GraphError::Io`] if it cannot be read; otherwise as [`inline_external`].
pub fn read_onnx(path: impl AsRef<Path>) -> Result<Vec<u8>, GraphError> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|source| GraphError::Io {
        path: path.to_owned(),
        source,
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Ok(inline_external(&bytes, folder)?.into_owned())
}

/// The model with the weights inside that it keeps in other files of `folder`; `bytes` as they
/// are if there are none.
///
/// Any bytes are safe to pass. Files outside of `folder` are never read.
///
/// # Errors
/// [`GraphError::Decode`] if the bytes are not protobuf, [`GraphError::External`] if a file
/// cannot be read, is too short, or lies elsewhere.
pub fn inline_external<'a>(bytes: &'a [u8], folder: &Path) -> Result<Cow<'a, [u8]>, GraphError> {
    let mut inliner = Inliner {
        folder,
        total: bytes.len() as u64,
        changed: false,
    };
    let inlined = inliner.message(bytes, MODEL_GRAPH, |inliner, graph| {
        inliner.message(graph, GRAPH_INITIALIZER, Inliner::tensor)
    })?;
    Ok(match inliner.changed {
        true => Cow::Owned(inlined),
        false => Cow::Borrowed(bytes),
    })
}

struct Inliner<'a> {
    folder: &'a Path,
    /// Bytes of the model so far.
    total: u64,
    changed: bool,
}

impl Inliner<'_> {
    /// The message with every field `number` replaced by what `replace` makes of it.
    fn message(
        &mut self,
        bytes: &[u8],
        number: u64,
        replace: impl Fn(&mut Self, &[u8]) -> Result<Vec<u8>, GraphError>,
    ) -> Result<Vec<u8>, GraphError> {
        let mut out = Vec::with_capacity(bytes.len());
        for field in fields(bytes) {
            let field = field?;
            match field.message(number) {
                Some(message) => wire::push(&mut out, number, &replace(self, message)?),
                None => out.extend_from_slice(field.whole),
            }
        }
        Ok(out)
    }

    fn tensor(&mut self, bytes: &[u8]) -> Result<Vec<u8>, GraphError> {
        let mut rest = Vec::with_capacity(bytes.len());
        let mut place = Place::default();
        let mut is_external = false;
        for field in fields(bytes) {
            let field = field?;
            if let Some(entry) = field.message(TENSOR_EXTERNAL_DATA) {
                place.read(entry)?;
                is_external = true;
            } else if field.number == TENSOR_DATA_LOCATION {
                is_external |= field.varint() == Some(1);
            } else {
                if let Some(name) = field.message(TENSOR_NAME) {
                    place.tensor = String::from_utf8_lossy(name).into_owned();
                }
                rest.extend_from_slice(field.whole);
            }
        }
        if !is_external {
            return Ok(bytes.to_vec());
        }
        self.changed = true;
        let data = place.data(self.folder, MAX_BYTES.saturating_sub(self.total))?;
        self.total += data.len() as u64;
        wire::push(&mut rest, TENSOR_RAW_DATA, &data);
        Ok(rest)
    }
}

/// Where a tensor's data is.
#[derive(Default)]
struct Place {
    tensor: String,
    location: String,
    offset: String,
    length: String,
}

impl Place {
    fn read(&mut self, entry: &[u8]) -> Result<(), GraphError> {
        let (mut key, mut value) = (String::new(), String::new());
        for field in fields(entry) {
            let field = field?;
            for (number, text) in [(ENTRY_KEY, &mut key), (ENTRY_VALUE, &mut value)] {
                if let Some(bytes) = field.message(number) {
                    *text = String::from_utf8_lossy(bytes).into_owned();
                }
            }
        }
        match key.as_str() {
            "location" => self.location = value,
            "offset" => self.offset = value,
            "length" => self.length = value,
            // A checksum, and what exporters may add.
            _ => {}
        }
        Ok(())
    }

    /// The tensor's bytes, at most `limit`.
    fn data(&self, folder: &Path, limit: u64) -> Result<Vec<u8>, GraphError> {
        let offset = self.number("offset", &self.offset)?.unwrap_or(0);
        let length = self.number("length", &self.length)?;
        let path = self.path(folder)?;
        let io = |error: std::io::Error| self.refuse(format!("it cannot be read: {error}"));
        let mut file = File::open(&path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        let available = size.saturating_sub(offset);
        let length = length.unwrap_or(available);
        if length > available || offset > size {
            return Err(self.refuse(format!(
                "it has {size} bytes, expected {length} from byte {offset} on"
            )));
        }
        if length > limit {
            return Err(self.refuse(format!("the model would have more than {MAX_BYTES} bytes")));
        }
        file.seek(SeekFrom::Start(offset)).map_err(io)?;
        let mut data = Vec::new();
        let read = file.take(length).read_to_end(&mut data).map_err(io)?;
        match read as u64 == length {
            true => Ok(data),
            false => Err(self.refuse(format!("it ends after {read} of {length} bytes"))),
        }
    }

    fn number(&self, name: &str, text: &str) -> Result<Option<u64>, GraphError> {
        match text {
            "" => Ok(None),
            text => match text.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(self.refuse(format!("its {name} is `{text}`, expected a number"))),
            },
        }
    }

    /// The file, which must lie in the folder, links followed.
    fn path(&self, folder: &Path) -> Result<PathBuf, GraphError> {
        let relative = Path::new(&self.location);
        let mut components = relative.components();
        let is_inside =
            components.all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if self.location.is_empty() || !is_inside {
            return Err(self.refuse("expected a file in the model's folder"));
        }
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        let real = |path: &Path| {
            let io = |error| self.refuse(format!("it cannot be read: {error}"));
            path.canonicalize().map_err(io)
        };
        let (path, folder) = (real(&folder.join(relative))?, real(folder)?);
        match path.starts_with(folder) && path.is_file() {
            true => Ok(path),
            false => Err(self.refuse("expected a file in the model's folder")),
        }
    }

    fn refuse(&self, reason: impl Into<String>) -> GraphError {
        GraphError::External {
            tensor: self.tensor.clone(),
            file: self.location.clone(),
            reason: reason.into(),
        }
    }
}

/// The little of protobuf's wire format that this takes.
mod wire {
    use crate::GraphError;

    /// One field of a message.
    pub(super) struct Field<'a> {
        pub(super) number: u64,
        /// Key and value as they are.
        pub(super) whole: &'a [u8],
        value: Value<'a>,
    }

    enum Value<'a> {
        Varint(u64),
        Bytes(&'a [u8]),
        Fixed,
    }

    impl<'a> Field<'a> {
        /// The value, if this is field `number` and a message, string or bytes.
        pub(super) fn message(&self, number: u64) -> Option<&'a [u8]> {
            match self.value {
                Value::Bytes(bytes) if self.number == number => Some(bytes),
                _ => None,
            }
        }

        pub(super) fn varint(&self) -> Option<u64> {
            match self.value {
                Value::Varint(value) => Some(value),
                _ => None,
            }
        }
    }

    /// The fields of a message, up to the first that is malformed.
    pub(super) fn fields(bytes: &[u8]) -> impl Iterator<Item = Result<Field<'_>, GraphError>> {
        let mut rest = bytes;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let field = next(&mut rest).ok_or_else(|| GraphError::Decode {
                reason: "it is not protobuf".to_owned(),
            });
            if field.is_err() {
                rest = &[];
            }
            Some(field)
        })
    }

    fn next<'a>(rest: &mut &'a [u8]) -> Option<Field<'a>> {
        let start = *rest;
        let key = varint(rest)?;
        let value = match key & 7 {
            0 => Value::Varint(varint(rest)?),
            1 => take(rest, 8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(varint(rest)?).ok()?;
                Value::Bytes(take(rest, length)?)
            }
            5 => take(rest, 4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        Some(Field {
            number: key >> 3,
            whole: start.get(..start.len() - rest.len())?,
            value,
        })
    }

    fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
        let (taken, left) = rest.split_at_checked(length)?;
        *rest = left;
        Some(taken)
    }

    fn varint(rest: &mut &[u8]) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *take(rest, 1)?.first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// Appends a field of bytes.
    pub(super) fn push(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
        for mut value in [number << 3 | 2, bytes.len() as u64] {
            while value >= 0x80 {
                out.push(value as u8 | 0x80);
                value >>= 7;
            }
            out.push(value as u8);
        }
        out.extend_from_slice(bytes);
    }
}
