//! As much of JSON as the fixtures' rows need.

use std::collections::BTreeMap;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    pub(crate) fn parse(text: &str) -> Self {
        let mut rest = text;
        let value = value(&mut rest);
        assert_eq!(rest.trim(), "", "after the value");
        value
    }

    /// The member `key` of an object.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(key),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            other => panic!("{other:?} is not a text"),
        }
    }

    pub(crate) fn list(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            other => panic!("{other:?} is not a list"),
        }
    }
}

fn value(rest: &mut &str) -> Json {
    *rest = rest.trim_start();
    match rest.chars().next() {
        Some('{') => {
            let member = |rest: &mut &str| {
                let Json::Text(key) = value(rest) else {
                    panic!("expected a key before {rest:.40}");
                };
                assert!(skip(rest, ':'), "expected a colon before {rest:.40}");
                (key, value(rest))
            };
            Json::Object(items(rest, '}', member).into_iter().collect())
        }
        Some('[') => Json::List(items(rest, ']', value)),
        Some('"') => {
            let (text, after) = rest[1..].split_once('"').expect("a closing quote");
            assert!(!text.contains('\\'), "no escapes in {text}");
            *rest = after;
            Json::Text(text.to_owned())
        }
        _ => {
            let end = rest.find([',', ']', '}']).unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            *rest = after;
            Json::Number(number.trim().parse().expect("a number"))
        }
    }
}

/// What stands between an opening bracket and `close`.
fn items<T>(rest: &mut &str, close: char, item: impl Fn(&mut &str) -> T) -> Vec<T> {
    *rest = &rest[1..];
    let mut found = Vec::new();
    if skip(rest, close) {
        return found;
    }
    loop {
        found.push(item(rest));
        if skip(rest, close) {
            return found;
        }
        assert!(skip(rest, ','), "expected a comma before {rest:.40}");
    }
}

/// Whether `wanted` comes next; it is then passed over.
fn skip(rest: &mut &str, wanted: char) -> bool {
    *rest = rest.trim_start();
    let after = rest.strip_prefix(wanted);
    *rest = after.unwrap_or(rest);
    after.is_some()
}
