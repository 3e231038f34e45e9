//! Changes of ONNX files that keep to the syntax of protobuf, and to which field holds what.
//!
//! Files of exporters have fields that the project never writes, such as graphs within attributes. So this knows
//! the wire format, and of the standard only which fields are messages; everything else stays as
//! it was.

use zkassay_seed::Stream;

use super::{count, interesting, mutate, one_in, pick};

/// Deeper messages are bytes: no file has them.
const DEPTH: usize = 24;

/// What a field holds that is a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Model,
    OperatorSet,
    Function,
    Graph,
    Node,
    Attribute,
    Tensor,
    Value,
    Type,
    TensorType,
    Shape,
    Dimension,
}

/// A message: its fields in their order.
#[derive(Clone, Debug, PartialEq)]
struct Message {
    kind: Kind,
    fields: Vec<(u64, Field)>,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
enum Field {
    Integer(u64),
    Double([u8; 8]),
    Single([u8; 4]),
    Bytes(Vec<u8>),
    Message(Message),
}

impl Kind {
    /// The kind of a field of this message, if it is a message.
    fn of_field(self, number: u64) -> Option<Self> {
        Some(match (self, number) {
            (Self::Model, 7) | (Self::Attribute, 6 | 11) => Self::Graph,
            (Self::Model, 8) | (Self::Function, 9) => Self::OperatorSet,
            (Self::Model, 25) => Self::Function,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) => Self::Tensor,
            (Self::Graph, 11..=13) => Self::Value,
            (Self::Node, 5) | (Self::Function, 11) => Self::Attribute,
            (Self::Value, 2) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::TensorType, 2) => Self::Shape,
            (Self::Shape, 1) => Self::Dimension,
            _ => return None,
        })
    }
}

/// A file changed in one to eight places; `donors` are other files. Bytes that are no message are
/// changed as bytes.
pub fn mutated(bytes: &[u8], donors: &[&[u8]], stream: &mut Stream) -> Vec<u8> {
    let Some(mut model) = Message::read(bytes, Kind::Model, DEPTH) else {
        let mut bytes = bytes.to_vec();
        mutate(&mut bytes, donors, stream);
        return bytes;
    };
    let mut texts = Vec::new();
    model.texts(&mut texts);
    for _ in 0..count(stream) {
        let donor = pick(donors, stream).unwrap_or_default();
        change(&mut model, donor, &texts, stream);
    }
    model.to_bytes()
}

impl Message {
    fn read(mut bytes: &[u8], kind: Kind, depth: usize) -> Option<Self> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let tag = integer(&mut bytes)?;
            let number = tag >> 3;
            let field = match tag & 7 {
                0 => Field::Integer(integer(&mut bytes)?),
                1 => Field::Double(take(&mut bytes, 8)?.try_into().ok()?),
                5 => Field::Single(take(&mut bytes, 4)?.try_into().ok()?),
                2 => {
                    let length = usize::try_from(integer(&mut bytes)?).ok()?;
                    let part = take(&mut bytes, length)?;
                    let inner = kind.of_field(number).filter(|_| depth > 0);
                    let message = inner.and_then(|kind| Self::read(part, kind, depth - 1));
                    message.map_or_else(|| Field::Bytes(part.to_vec()), Field::Message)
                }
                _ => return None,
            };
            fields.push((number, field));
        }
        Some(Self { kind, fields })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, field) in &self.fields {
            let mut write = |wire: u64, content: &[u8]| {
                put(&mut bytes, number << 3 | wire);
                if wire == 2 {
                    put(&mut bytes, content.len() as u64);
                }
                bytes.extend_from_slice(content);
            };
            match field {
                Field::Integer(value) => {
                    let mut content = Vec::new();
                    put(&mut content, *value);
                    write(0, &content);
                }
                Field::Double(content) => write(1, content),
                Field::Single(content) => write(5, content),
                Field::Bytes(content) => write(2, content),
                Field::Message(message) => write(2, &message.to_bytes()),
            }
        }
        bytes
    }

    /// Everything in it that reads as a short text: names, operators, attributes.
    fn texts(&self, found: &mut Vec<Vec<u8>>) {
        for (_, field) in &self.fields {
            match field {
                Field::Message(message) => message.texts(found),
                Field::Bytes(bytes) if is_text(bytes) => found.push(bytes.clone()),
                _ => {}
            }
        }
    }

    /// Changes a message in it, or itself: each level ends the descent with probability a quarter.
    fn somewhere(&mut self, stream: &mut Stream, change: &dyn Fn(&mut Self, &mut Stream)) {
        let fields = self.fields.iter_mut();
        let inner = fields.filter_map(|(_, field)| match field {
            Field::Message(message) => Some(message),
            _ => None,
        });
        let mut inner: Vec<&mut Self> = inner.collect();
        if inner.is_empty() || one_in(4, stream) {
            return change(self, stream);
        }
        let chosen = stream.below(inner.len());
        inner.swap_remove(chosen).somewhere(stream, change);
    }

    /// The messages of a kind in it.
    fn of_kind<'a>(&'a self, kind: Kind, found: &mut Vec<&'a Self>) {
        if self.kind == kind {
            found.push(self);
        }
        for (_, field) in &self.fields {
            if let Field::Message(message) = field {
                message.of_kind(kind, found);
            }
        }
    }
}

/// Changes one field of one message.
fn change(model: &mut Message, donor: &[u8], texts: &[Vec<u8>], stream: &mut Stream) {
    model.somewhere(stream, &|message, stream| {
        let fields = message.fields.len();
        let (at, other) = (stream.below(fields), stream.below(fields));
        match stream.below(12) {
            0 if at < fields => {
                message.fields.remove(at);
            }
            1 if at < fields => {
                let copy = message.fields[at].clone();
                message.fields.insert(other, copy);
            }
            2 if at < fields => message.fields.swap(at, other),
            // A part of another file, of the same kind.
            3 => {
                let donor = Message::read(donor, Kind::Model, DEPTH);
                let mut found = Vec::new();
                if let Some(donor) = &donor {
                    donor.of_kind(message.kind, &mut found);
                }
                if let Some(part) = pick(&found, stream) {
                    let field = part.fields.get(stream.below(part.fields.len())).cloned();
                    match field {
                        Some(field) if one_in(2, stream) => message.fields.insert(at, field),
                        Some(_) => *message = (*part).clone(),
                        None => {}
                    }
                }
            }
            // A field that was not there.
            4 => {
                let number = 1 + stream.below(30) as u64;
                let field = match stream.below(3) {
                    0 => Field::Integer(interesting(stream)),
                    1 => Field::Single(number_of(stream).to_le_bytes()),
                    _ => Field::Bytes(
                        texts
                            .get(stream.below(texts.len()))
                            .cloned()
                            .unwrap_or_default(),
                    ),
                };
                message.fields.insert(at, (number, field));
            }
            _ => {
                if let Some((_, field)) = message.fields.get_mut(at) {
                    replace(field, texts, stream);
                }
            }
        }
    });
}

/// Another content for a field, of the same type.
fn replace(field: &mut Field, texts: &[Vec<u8>], stream: &mut Stream) {
    match field {
        Field::Integer(value) => {
            *value = match stream.below(3) {
                0 => interesting(stream),
                1 => stream.below(16) as u64,
                _ => value.wrapping_add(stream.below(5) as u64).wrapping_sub(2),
            }
        }
        Field::Single(bytes) => *bytes = number_of(stream).to_le_bytes(),
        Field::Double(bytes) => *bytes = f64::from(number_of(stream)).to_le_bytes(),
        Field::Bytes(bytes) if is_text(bytes) && !one_in(8, stream) => {
            if let Some(text) = texts.get(stream.below(texts.len())) {
                bytes.clone_from(text);
            }
        }
        // Numbers, in most cases.
        Field::Bytes(bytes) => match bytes.len() % 4 {
            0 if one_in(2, stream) && !bytes.is_empty() => {
                let at = 4 * stream.below(bytes.len() / 4);
                bytes[at..at + 4].copy_from_slice(&number_of(stream).to_le_bytes());
            }
            _ => mutate(bytes, &[], stream),
        },
        Field::Message(message) => message.fields.clear(),
    }
}

/// A number at which functions go wrong, or any.
fn number_of(stream: &mut Stream) -> f32 {
    const NUMBERS: [f32; 10] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        f32::MAX,
        f32::MIN_POSITIVE,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
    ];
    match stream.below(3) {
        0 => NUMBERS[stream.below(NUMBERS.len())],
        1 => stream.normal() as f32,
        _ => f32::from_bits(stream.bits() as u32),
    }
}

fn is_text(bytes: &[u8]) -> bool {
    (1..64).contains(&bytes.len()) && bytes.iter().all(|byte| (b' '..=b'~').contains(byte))
}

/// The first `count` bytes.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (part, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(part)
}

/// An integer of seven bits per byte.
fn integer(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = *take(bytes, 1)? else {
            return None;
        };
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use zkassay_graph::Graph;

    use super::*;

    #[test]
    fn files_are_written_as_they_were_read() {
        for file in &crate::corpus::tests::corpus().onnx {
            let model = Message::read(file, Kind::Model, DEPTH).unwrap();
            assert_eq!(model.to_bytes(), *file);
            let mut nodes = Vec::new();
            model.of_kind(Kind::Node, &mut nodes);
            assert!(!nodes.is_empty());
        }
    }

    #[test]
    fn changes_are_fixed_by_the_stream_and_often_leave_a_model() {
        let corpus = crate::corpus::tests::corpus();
        let files = &corpus.onnx;
        let donors: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        let case = |seed: u64| {
            let file = &files[seed as usize % files.len()];
            mutated(file, &donors, &mut Stream::new(seed, "fuzz/test"))
        };
        let all: Vec<Vec<u8>> = (0..400).map(case).collect();
        assert_eq!(all, (0..400).map(case).collect::<Vec<_>>());
        let is_new = |(seed, bytes): &(usize, &Vec<u8>)| **bytes != files[seed % files.len()];
        let changed = all.iter().enumerate().filter(is_new).count();
        assert!(changed > 300, "{changed}");
        let imported = all
            .iter()
            .filter(|bytes| Graph::from_onnx(bytes).is_ok())
            .count();
        assert!((40..360).contains(&imported), "{imported}");
    }

    #[test]
    fn what_is_no_message_is_changed_as_bytes() {
        for seed in 0..200 {
            let mut stream = Stream::new(seed, "fuzz/test");
            mutated(&[0xff; 9], &[], &mut stream);
            mutated(&[], &[&[0xff; 9]], &mut stream);
        }
    }
}
