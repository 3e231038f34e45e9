//! Rows of models with several inputs, or with other inputs than numbers.

use std::collections::{HashMap, HashSet};

use ndarray::ArrayView2;
use serde::Serialize;
use serde::de::{Error as _, MapAccess};
use zkassay_graph::{Column, ColumnKind, Interface, Vocabulary};

use super::{InputError, KEY, MISSING, Place, Rows};

/// Reads an object from the names of inputs to their values: a row.
pub(super) fn record<'de, A: MapAccess<'de>>(place: Place<'_>, mut map: A) -> Result<(), A::Error> {
    let (columns, row) = (place.columns, place.row);
    let index: HashMap<&str, usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| (column.name.as_str(), index))
        .collect();
    let mut parts: Vec<Option<Rows>> = columns.iter().map(|_| None).collect();
    while let Some(name) = map.next_key::<String>()? {
        let part = index
            .get(name.as_str())
            .and_then(|index| parts.get_mut(*index));
        let Some(part) = part else {
            return Err(A::Error::custom(format!(
                "row {row} has {name:.60?}, which is no input of the model: expected {}",
                names(columns)
            )));
        };
        if part.is_some() {
            let twice = format!("row {row} has {name:.60?} twice");
            return Err(A::Error::custom(twice));
        }
        let mut values = Rows::default();
        map.next_value_seed(Place {
            rows: &mut values,
            columns,
            row,
            start: 0,
            is_row: false,
        })?;
        *part = Some(values);
    }
    for (column, part) in columns.iter().zip(parts) {
        let Some(part) = part else {
            let missing = format!("row {row} has no {:?}", column.name);
            return Err(A::Error::custom(missing));
        };
        if part.values.len() != column.len {
            return Err(A::Error::custom(format!(
                "row {row} has {} values for {:?}, expected {}",
                part.values.len(),
                column.name,
                column.len
            )));
        }
        place.rows.append(part);
    }
    Ok(())
}

impl Rows {
    fn append(&mut self, part: Self) {
        let start = self.values.len();
        let texts = part.texts.into_iter();
        self.texts
            .extend(texts.map(|(at, text)| (start + at, text)));
        self.truths
            .extend(part.truths.into_iter().map(|at| start + at));
        self.nulls
            .extend(part.nulls.into_iter().map(|at| start + at));
        self.values.extend(part.values);
    }
}

/// Where the values of rows come from: element `i` of the result is value `order[i]` of the file.
type Order = Vec<usize>;

/// The rows with numbers in place of strings, each checked against its column.
pub(super) fn encoded(rows: Rows, interface: &Interface) -> Result<Rows, InputError> {
    let columns = &interface.columns;
    let mut lens = columns.iter().map(|column| column.len);
    let total = lens
        .try_fold(0usize, |sum, len| sum.checked_add(len))
        .unwrap_or(0);
    let starts = || [0].into_iter().chain(rows.ends.iter().copied());
    let lists: Vec<usize> = starts()
        .zip(&rows.ends)
        .map(|(from, to)| to - from)
        .collect();
    if lists.is_empty() || total == 0 {
        return Err(InputError::NoRows);
    }
    let places = Places::new(interface);
    let is_rows = lists
        .iter()
        .all(|len| *len > 0 && len.is_multiple_of(total));
    let order = match (is_rows, per_input(columns, &lists)) {
        (true, Some(order)) if places.fit(&rows, &order) => {
            let plain: Order = (0..rows.values.len()).collect();
            match places.fit(&rows, &plain) {
                true => plain,
                false => order,
            }
        }
        (false, Some(order)) => order,
        (true, _) => (0..rows.values.len()).collect(),
        (false, None) => {
            let wrong = lists.iter().position(|len| *len == 0 || len % total != 0);
            let row = wrong.unwrap_or(0);
            let found = lists.get(row).copied().unwrap_or(0);
            return Err(InputError::RowLength {
                row,
                expected: total,
                found,
            });
        }
    };
    places.encode(&rows, &order, interface, total)
}

/// The order of values where there is one list for each input, of as many rows.
fn per_input(columns: &[Column], lists: &[usize]) -> Option<Order> {
    if lists.len() != columns.len() {
        return None;
    }
    let rows = lists.first()?.checked_div(columns.first()?.len)?;
    let fits = |(column, len): (&Column, &usize)| column.len.checked_mul(rows) == Some(*len);
    if rows == 0 || !columns.iter().zip(lists).all(fits) {
        return None;
    }
    let mut order = Vec::with_capacity(lists.iter().sum());
    for row in 0..rows {
        let mut start = 0;
        for (column, len) in columns.iter().zip(lists) {
            let from = start + row * column.len;
            order.extend(from..from + column.len);
            start += len;
        }
    }
    Some(order)
}

/// A place of a row.
struct Spot<'a> {
    column: &'a Column,
    /// Its place in the column.
    within: usize,
    /// The strings that are known there, and their positions.
    words: Option<(&'a Vocabulary, HashMap<&'a str, usize>)>,
}

/// The places of a row.
struct Places<'a>(Vec<Spot<'a>>);

impl<'a> Places<'a> {
    fn new(interface: &'a Interface) -> Self {
        let of = |column: &'a Column| {
            (0..column.len).map(move |within| {
                let known = match &column.kind {
                    ColumnKind::Text(places) => places.get(within),
                    _ => None,
                };
                Spot {
                    column,
                    within,
                    words: known.map(|known| {
                        let words = known.words.iter().enumerate();
                        // Of equal words the first one counts.
                        (
                            known,
                            words.rev().map(|(at, word)| (word.as_str(), at)).collect(),
                        )
                    }),
                }
            })
        };
        Self(interface.columns.iter().flat_map(of).collect())
    }

    /// Whether strings are where strings are expected, and nowhere else.
    fn fit(&self, rows: &Rows, order: &Order) -> bool {
        let texts: HashSet<usize> = rows.texts.iter().map(|(at, _)| *at).collect();
        let spots = self.0.iter().cycle();
        let mut pairs = order.iter().zip(spots);
        pairs.all(|(at, spot)| texts.contains(at) == spot.words.is_some())
    }

    fn encode(
        &self,
        rows: &Rows,
        order: &Order,
        interface: &Interface,
        total: usize,
    ) -> Result<Rows, InputError> {
        let texts: HashMap<usize, &str> = rows
            .texts
            .iter()
            .map(|(at, text)| (*at, text.as_str()))
            .collect();
        let truths: HashSet<usize> = rows.truths.iter().copied().collect();
        let nulls: HashSet<usize> = rows.nulls.iter().copied().collect();
        let mut values = Vec::with_capacity(order.len());
        for (index, (at, spot)) in order.iter().zip(self.0.iter().cycle()).enumerate() {
            let wrong = |what: String| InputError::Column {
                reason: format!("row {} of `input_data`: {what}", index / total),
            };
            let text = texts.get(at).copied();
            let number = rows.values.get(*at).copied().unwrap_or(0.0);
            let number = match nulls.contains(at) {
                true => spot.imputed(interface.imputed(index % total)),
                false => spot.number(text, number, truths.contains(at)),
            };
            values.push(number.map_err(wrong)?);
        }
        let ends = (1..=values.len() / total).map(|row| row * total).collect();
        Ok(Rows {
            values,
            ends,
            ..Rows::default()
        })
    }
}

impl Spot<'_> {
    /// The number that stands for a missing value.
    fn imputed(&self, number: Option<f32>) -> Result<f32, String> {
        let (name, within) = (&self.column.name, self.within);
        let number =
            number.ok_or_else(|| format!("value {within} of `{name}` is null, {MISSING}"))?;
        self.column.check(within, number).map(|()| number)
    }

    /// The number that a value of the file stands for.
    fn number(&self, text: Option<&str>, number: f32, is_truth: bool) -> Result<f32, String> {
        let name = &self.column.name;
        let expected = |found: String| {
            let (within, words) = (self.within, self.column.kind.words());
            Err(format!(
                "value {within} of `{name}` is {found}, but it takes {words}"
            ))
        };
        match (&self.words, text) {
            (Some((known, positions)), Some(word)) => match positions.get(word) {
                Some(position) => Ok(*position as f32),
                None => known.code_of_unknown(name, self.within, word),
            },
            (None, Some(word)) => expected(format!("the string {word:.60?}")),
            (Some(_), None) if is_truth => expected("a truth value".to_owned()),
            (Some(_), None) => expected(format!("the number {number}")),
            (None, None) => {
                if is_truth && self.column.kind == ColumnKind::Number {
                    return expected("a truth value".to_owned());
                }
                self.column.check(self.within, number).map(|()| number)
            }
        }
    }
}

/// The first few names, in quotes.
fn names(columns: &[Column]) -> String {
    const SHOWN: usize = 12;
    let some = columns.iter().take(SHOWN);
    let some: Vec<String> = some.map(|column| format!("{:.60?}", column.name)).collect();
    let more = if columns.len() > SHOWN { ", ..." } else { "" };
    some.join(", ") + more
}

/// Rows as a file, with the strings that numbers stand for.
pub(super) fn to_json(interface: &Interface, rows: ArrayView2<'_, f32>) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Cell<'a> {
        Number(f32),
        Integer(i64),
        Truth(bool),
        Word(&'a str),
    }

    let cell = |(place, number): (usize, &f32)| match interface.column(place) {
        Some((column, _)) => match column.kind {
            ColumnKind::Number => Cell::Number(*number),
            ColumnKind::Integer => Cell::Integer(*number as i64),
            ColumnKind::Boolean => Cell::Truth(*number != 0.0),
            // What is not known is some string that is not.
            ColumnKind::Text(_) => {
                Cell::Word(interface.word(place, f64::from(*number)).unwrap_or(UNKNOWN))
            }
        },
        None => Cell::Number(*number),
    };
    let row = |row: ndarray::ArrayView1<'_, f32>| -> Vec<Cell<'_>> {
        row.iter().enumerate().map(cell).collect()
    };
    let rows: Vec<Vec<Cell<'_>>> = rows.outer_iter().map(row).collect();
    let file = std::collections::BTreeMap::from([(KEY, rows)]);
    let mut bytes = serde_json::to_vec(&file).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// What is written for a string that the model does not know.
const UNKNOWN: &str = "(unknown)";

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::InputRows;

    fn interface() -> Interface {
        let column = |name: &str, kind| Column {
            name: name.to_owned(),
            len: 1,
            kind,
        };
        let vocabulary = |words: [&str; 2], closed| Vocabulary {
            words: words.map(str::to_owned).to_vec(),
            closed,
        };
        let cities = ColumnKind::Text(vec![vocabulary(["oslo", "rome"], false)]);
        let jobs = ColumnKind::Text(vec![vocabulary(["clerk", "cook"], true)]);
        Interface {
            columns: vec![
                column("age", ColumnKind::Number),
                column("rooms", ColumnKind::Integer),
                column("owner", ColumnKind::Boolean),
                column("city", cities),
                column("job", jobs),
            ],
            ..Interface::default()
        }
    }

    fn read(data: &str) -> Result<Vec<Vec<f32>>, String> {
        let text = format!("{{\"input_data\": {data}}}");
        let rows = InputRows::for_interface(text.as_bytes(), 5, &interface());
        let rows = rows.map_err(|error| error.to_string())?;
        Ok(rows.view().outer_iter().map(|row| row.to_vec()).collect())
    }

    #[test]
    fn rows_are_lists_records_or_lists_for_each_input() {
        let one = Ok(vec![vec![1.5, 2.0, 1.0, 1.0, 0.0]]);
        assert_eq!(read(r#"[[1.5, 2, true, "rome", "clerk"]]"#), one);
        assert_eq!(read(r#"[[[1.5], [2], [1], ["rome"], ["clerk"]]]"#), one);
        assert_eq!(read(r#"[[1.5], [2], [true], ["rome"], ["clerk"]]"#), one);
        let record =
            r#"[{"job": "clerk", "city": ["rome"], "owner": true, "age": 1.5, "rooms": 2}]"#;
        assert_eq!(read(record), one);
        // Unknown strings, in a batch of two.
        let two = Ok(vec![
            vec![1.0, 2.0, 0.0, 2.0, 1.0],
            vec![3.0, 4.0, 1.0, 2.0, 0.0],
        ]);
        let rows = r#"[[1, 2, false, "", "cook"], [3, 4, true, "paris", "clerk"]]"#;
        assert_eq!(read(rows), two);
        let inputs = r#"[[1, 3], [2, 4], [0, 1], ["", "paris"], ["cook", "clerk"]]"#;
        assert_eq!(read(inputs), two);
    }

    #[test]
    fn strings_tell_rows_from_lists_for_each_input() {
        // Five rows, or five lists for five rows: both have five values each.
        let row = r#"[1, 2, 0, "oslo", "cook"]"#;
        let rows = format!("[{}]", [row; 5].join(","));
        assert_eq!(read(&rows), Ok(vec![vec![1.0, 2.0, 0.0, 0.0, 1.0]; 5]));
        let of = |value: &str| format!("[{}]", [value; 5].join(","));
        let lists = ["1", "2", "0", "\"oslo\"", "\"cook\""].map(of).join(",");
        let lists = format!("[{lists}]");
        assert_eq!(read(&lists), Ok(vec![vec![1.0, 2.0, 0.0, 0.0, 1.0]; 5]));
    }

    #[test]
    fn errors_name_the_input() {
        let cases = [
            (
                r#"[[1, 2, 1, "oslo", "nurse"]]"#,
                "`job` is \"nurse\", which the model does not know: expected \"clerk\", \"cook\"",
            ),
            (
                r#"[[1, 2, 1, 0, "cook"]]"#,
                "`city` is the number 0, but it takes strings",
            ),
            (
                r#"[["1", 2, 1, "oslo", "cook"]]"#,
                "`age` is the string \"1\", but it takes numbers",
            ),
            (
                r#"[[1, 2.5, 1, "oslo", "cook"]]"#,
                "`rooms` is 2.5: expected an integer",
            ),
            (
                r#"[[1, 2, 2, "oslo", "cook"]]"#,
                "`owner` is 2: expected a truth value",
            ),
            (
                r#"[[true, 2, 1, "oslo", "cook"]]"#,
                "`age` is a truth value, but it takes numbers",
            ),
            (r#"[[1, 2, 1, true, "cook"]]"#, "`city` is a truth value"),
            (
                r#"[[1, 2, 1, "oslo"]]"#,
                "row 0 of `input_data` has 4 values, but the model takes 5",
            ),
            (
                r#"[[1, 2, 1, "oslo", null]]"#,
                "value 0 of `job` is null, a missing value",
            ),
            (r#"["oslo"]"#, "a list of values, or an object, for row 0"),
            (r#"[{"age": 1}]"#, "row 0 has no \"rooms\""),
            (r#"[{"age": 1, "age": 1}]"#, "row 0 has \"age\" twice"),
            (
                r#"[{"aeg": 1}]"#,
                "no input of the model: expected \"age\", \"rooms\"",
            ),
            (
                r#"[{"age": [1, 2], "rooms": 1, "owner": 1, "city": "", "job": ""}]"#,
                "2 values for \"age\", expected 1",
            ),
            (r#"[{"age": {"x": 1}}]"#, "a value for value 0 of row 0"),
            (r#"[]"#, "no rows"),
        ];
        for (data, expected) in cases {
            match read(data) {
                Ok(rows) => panic!("{data} is read as {rows:?}"),
                Err(message) => assert!(message.contains(expected), "{data}: {message}"),
            }
        }
    }

    #[test]
    fn missing_values_are_imputed_where_the_model_does() {
        let interface = Interface {
            imputed: vec![zkassay_graph::Imputed {
                place: 0,
                value: 2.5,
            }],
            ..interface()
        };
        let read = |data: &str| {
            let text = format!("{{\"input_data\": {data}}}");
            let rows = InputRows::for_interface(text.as_bytes(), 5, &interface);
            rows.map(|rows| rows.view().iter().copied().collect::<Vec<f32>>())
                .map_err(|error| error.to_string())
        };
        let row = Ok(vec![2.5, 2.0, 1.0, 1.0, 0.0]);
        assert_eq!(read(r#"[[null, 2, true, "rome", "clerk"]]"#), row);
        assert_eq!(read(r#"[[null], [2], [true], ["rome"], ["clerk"]]"#), row);
        let record =
            r#"[{"job": "clerk", "city": "rome", "owner": true, "age": null, "rooms": 2}]"#;
        assert_eq!(read(record), row);
        let other = read(r#"[[null, null, true, "rome", "clerk"]]"#).unwrap_err();
        assert!(other.contains("value 0 of `rooms` is null"), "{other}");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let rows = array![[0.5, -3.0, 1.0, 1.0, 0.0], [1e-7, 7.0, 0.0, 2.0, 1.0]];
        let bytes = to_json(&interface(), rows.view());
        let read = InputRows::for_interface(&bytes, 5, &interface());
        assert_eq!(read.map(|rows| rows.view().to_owned()).ok(), Some(rows));
    }
}
