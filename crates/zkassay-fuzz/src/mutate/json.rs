//! Changes of JSON: of its text, and of its structure.

use serde_json::Value;
use zkassay_seed::Stream;

use super::{count, mutate, one_in, pick};

/// A JSON value whose objects may have a key twice, and whose numbers are any text.
#[derive(Clone, Debug)]
enum Json {
    /// Numbers, `true`, `null`, strings; or what is none of them.
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// `text` changed: its structure seven times in eight, else its bytes; `donors` are other files.
///
/// What is no JSON has only bytes to change.
pub fn mutated(text: &[u8], donors: &[&[u8]], stream: &mut Stream) -> Vec<u8> {
    let tree = serde_json::from_slice::<Value>(text);
    if let (Ok(tree), false) = (tree, one_in(8, stream)) {
        let mut tree = Json::from(&tree);
        for _ in 0..count(stream) {
            let donor = pick(donors, stream).unwrap_or_default();
            change(&mut tree, donor, stream);
        }
        return tree.to_text().into_bytes();
    }
    let mut bytes = text.to_vec();
    mutate(&mut bytes, donors, stream);
    bytes
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        match value {
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(fields) => Self::Object(
                fields
                    .iter()
                    .map(|(key, value)| (key.clone(), value.into()))
                    .collect(),
            ),
            leaf => Self::Text(leaf.to_string()),
        }
    }
}

impl Json {
    fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Text(leaf) => text.push_str(leaf),
            Self::List(items) => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    item.write(text);
                }
                text.push(']');
            }
            Self::Object(fields) => {
                text.push('{');
                for (index, (key, value)) in fields.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    text.push_str(&Value::from(key.as_str()).to_string());
                    text.push(':');
                    value.write(text);
                }
                text.push('}');
            }
        }
    }

    fn children(&self) -> usize {
        match self {
            Self::Text(_) => 0,
            Self::List(items) => items.len(),
            Self::Object(fields) => fields.len(),
        }
    }
}

/// A part of `tree`: each level ends the descent with probability a fifth.
fn somewhere<'a>(tree: &'a mut Json, stream: &mut Stream) -> &'a mut Json {
    let children = tree.children();
    if children == 0 || one_in(5, stream) {
        return tree;
    }
    let index = stream.below(children);
    match tree {
        Json::List(items) => somewhere(&mut items[index], stream),
        Json::Object(fields) => somewhere(&mut fields[index].1, stream),
        leaf @ Json::Text(_) => leaf,
    }
}

fn change(tree: &mut Json, donor: &[u8], stream: &mut Stream) {
    let part = somewhere(tree, stream);
    let index = stream.below(part.children());
    match (stream.below(8), part) {
        // Drop, double or move an element or a key; or replace a key.
        (0, Json::List(items)) if index < items.len() => {
            items.remove(index);
        }
        (0, Json::Object(fields)) if index < fields.len() => {
            fields.remove(index);
        }
        (1, Json::List(items)) if index < items.len() => items.push(items[index].clone()),
        (1, Json::Object(fields)) if index < fields.len() => fields.push(fields[index].clone()),
        (2, Json::List(items)) if index < items.len() => {
            let last = items.len() - 1;
            items.swap(index, last);
        }
        (2, Json::Object(fields)) if index < fields.len() => {
            let last = fields.len() - 1;
            fields.swap(index, last);
        }
        (3, Json::Object(fields)) if index < fields.len() => {
            fields[index].0 = word(stream);
        }
        (3, Json::List(items)) => {
            let many = items.iter().cycle().take(items.len() * 4).cloned();
            *items = many.collect();
        }
        // A part of another file.
        (4, part) => {
            if let Ok(donor) = serde_json::from_slice::<Value>(donor) {
                *part = somewhere(&mut Json::from(&donor), stream).clone();
            }
        }
        (_, part) => *part = replacement(part, stream),
    }
}

/// Something else in the place of `part`; three times in four of the same type.
fn replacement(part: &Json, stream: &mut Stream) -> Json {
    if let (Json::Text(text), false) = (part, one_in(4, stream)) {
        if text.starts_with('"') {
            return Json::Text(Value::from(word(stream)).to_string());
        }
        if let Ok(integer) = text.parse() {
            return Json::Text(near(integer, stream));
        }
        if text.parse::<f64>().is_ok() {
            return Json::Text(number(stream));
        }
    }
    match stream.below(10) {
        0 => Json::Text("null".into()),
        1 => Json::Text("true".into()),
        2 => Json::List(vec![]),
        3 => Json::Object(vec![]),
        4 => Json::List(vec![part.clone()]),
        5 => Json::Object(vec![(word(stream), part.clone())]),
        6 => {
            // Deep nesting, closed or not.
            let depth = 1 << stream.below(17);
            let (open, close) = [("[", "]"), ("{\"a\":", "}")][stream.below(2)];
            let close = if one_in(4, stream) { "" } else { close };
            Json::Text(open.repeat(depth) + "1" + &close.repeat(depth))
        }
        7 => Json::Text(Value::from(word(stream)).to_string()),
        _ => Json::Text(number(stream)),
    }
}

/// Mostly an integer near `integer`, or near a power of two.
fn near(integer: i64, stream: &mut Stream) -> String {
    let small = stream.below(5) as i128 - 2;
    match stream.below(8) {
        0..=2 => (i128::from(integer) + small).to_string(),
        3 => stream.below(70).to_string(),
        4 | 5 => {
            let power = 1i128 << stream.below(66);
            let sign = 1 - 2 * stream.below(2) as i128;
            (sign * power + small).to_string()
        }
        6 => (-i128::from(integer)).to_string(),
        _ => number(stream),
    }
}

/// A number, at a limit of some type, or none at all.
fn number(stream: &mut Stream) -> String {
    const LIMITS: [&str; 26] = [
        "0",
        "-0",
        "1",
        "-1",
        "0.5",
        "1e308",
        "-1e308",
        "1e309",
        "1e-400",
        "5e-324",
        "3.4028236e38",
        "3.4028235e38",
        "3.4e39",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "4294967296",
        "1152921504606846976",
        "1e22",
        "NaN",
        "Infinity",
        "01",
        "1.",
        "0x10",
    ];
    match stream.below(5) {
        0 => stream.normal().to_string(),
        1 => (stream.normal() as f32).to_string(),
        2 => format!(
            "{:e}",
            stream.normal() * 10f64.powi(stream.below(60) as i32 - 30)
        ),
        3 if one_in(8, stream) => "9".repeat(1 + stream.below(3000)),
        _ => LIMITS[stream.below(LIMITS.len())].to_owned(),
    }
}

/// Words that the project's files use, and others.
fn word(stream: &mut Stream) -> String {
    const WORDS: [&str; 28] = [
        "",
        "a",
        "speed",
        "identity",
        "resources",
        "accuracy",
        "input_data",
        "kind",
        "version",
        "model",
        "circuit",
        "options",
        "layers",
        "limbs",
        "weights",
        "dim",
        "data",
        "v",
        "private",
        "public",
        "hashed",
        "fixed",
        "size",
        "evm",
        "sigmoid",
        "zkassay settings",
        "é\u{0}\u{1F600}",
        "\"\\",
    ];
    match stream.below(8) {
        0 => "x".repeat(1 << stream.below(14)),
        1 => zkassay_verifier::artefact::hex(&[stream.bits() as u8; 32]),
        _ => WORDS[stream.below(WORDS.len())].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = br#"{"input_data": [[1, -2.5], ["a", null]], "b": {"c": true}}"#;

    #[test]
    fn trees_are_written_as_they_were_read() {
        let tree: Value = serde_json::from_slice(TEXT).unwrap();
        let again: Value = serde_json::from_str(&Json::from(&tree).to_text()).unwrap();
        assert_eq!(again, tree);
    }

    #[test]
    fn changes_are_fixed_by_the_stream_and_mostly_keep_the_syntax() {
        let case = |seed| mutated(TEXT, &[TEXT], &mut Stream::new(seed, "fuzz/test"));
        let all: Vec<Vec<u8>> = (0..500).map(case).collect();
        assert_eq!(all, (0..500).map(case).collect::<Vec<_>>());
        let is_json = |text: &&Vec<u8>| serde_json::from_slice::<Value>(text).is_ok();
        let good = all.iter().filter(is_json).count();
        assert!((200..490).contains(&good), "{good}");
    }

    #[test]
    fn keys_may_be_doubled() {
        let doubled = (0..500).any(|seed| {
            let text = mutated(TEXT, &[], &mut Stream::new(seed, "fuzz/test"));
            String::from_utf8_lossy(&text).matches("\"b\":").count() == 2
        });
        assert!(doubled);
    }
}
