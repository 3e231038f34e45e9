//! Rows of numbers from a JSON file, as EZKL's users have them.
//!
//! ```text
//! { "input_data": [[0.1, -2, 3e-1], [1.5, 0, 0.25]] }
//! ```
//!
//! Each element of `input_data` is a row; lists within it are flattened, so an image may keep its
//! shape. An element with a multiple of the model's inputs is as many rows, which is how EZKL
//! writes a batch. Other keys are ignored. Numbers are read as float64 and rounded to float32,
//! the type of the model's input. Everything else is an error that says where: `NaN`, text, a row of
//! another length, a number beyond float32.
//!
//! A model of several inputs, or of other than numbers, takes rows in three ways: all values of a
//! row, one after the other; an object from names to values; or, as EZKL has it, one list for each
//! of the inputs. (A list that is as long as a row is taken for one.) Strings and truth values stand
//! where the model takes them:
//!
//! ```text
//! { "input_data": [[34, 51000, "paris"]] }
//! { "input_data": [{"age": 34, "income": 51000, "city": "paris"}] }
//! { "input_data": [[34], [51000], ["paris"]] }
//! ```

//!
//! A missing value is written `null`. It is taken where the model itself says what stands for it: where
//! an imputer of missing values is all that reads a feature. Then the row is read with the imputed
//! number, and what is proved is about that row: nothing tells it from one that held the number.

mod columns;

use std::fmt;

use ndarray::{Array2, ArrayView2};
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use zkassay_graph::{Column, Interface};

/// The key that holds the rows.
const KEY: &str = "input_data";

/// Why bytes are not rows for a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// More bytes than are read.
    #[error("it has {found} bytes, more than the {limit} that are read; split it")]
    TooLarge {
        /// Its size.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// The JSON is not what it should be.
    #[error("expected {{\"input_data\": [[...]]}}, but {reason}")]
    Json {
        /// What is wrong, and where.
        reason: String,
    },
    /// The JSON is no labelled data set.
    #[error("expected {{\"input_data\": [[...], ...], \"labels\": [0, 1, ...]}}, but {reason}")]
    Labels {
        /// What is wrong, and where.
        reason: String,
    },
    /// A value is not what an input of the model takes.
    #[error("{reason}")]
    Column {
        /// What is wrong, and where.
        reason: String,
    },
    /// There is no row.
    #[error("`input_data` has no rows: expected [[...]] with one list per row")]
    NoRows,
    /// A row has the wrong number of values.
    #[error("row {row} of `input_data` has {found} values, but the model takes {expected}")]
    RowLength {
        /// Which element of `input_data`, from 0.
        row: usize,
        /// The model's inputs.
        expected: usize,
        /// Values found.
        found: usize,
    },
    /// A proof without a batch is about one row.
    #[error(
        "`input_data` has {found} rows, but a proof is about one: keep one row in the file, prove \
         all of them with --batch, or use them for calibrate-settings"
    )]
    SeveralRows {
        /// Rows found.
        found: usize,
    },
}

/// Rows for a model, `[rows, inputs]`; at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct InputRows(Array2<f32>);

impl InputRows {
    /// The largest file that is read, in bytes.
    pub const MAX_BYTES: u64 = 256 << 20;

    /// Reads rows of `inputs` values. Any bytes are safe to pass.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn from_json(bytes: &[u8], inputs: usize) -> Result<Self, InputError> {
        let plain = Interface::default();
        Rows::read(bytes, &[])?
            .filled(inputs, &plain)?
            .split(inputs)
    }

    /// Reads rows of `inputs` values for a model with the inputs that `interface` says. Any bytes
    /// are safe to pass.
    ///
    /// # Errors
    /// What is wrong, and where; with the strings that the model knows, where it has no answer for
    /// others.
    pub fn for_interface(
        bytes: &[u8],
        inputs: usize,
        interface: &Interface,
    ) -> Result<Self, InputError> {
        if interface.columns.is_empty() {
            let rows = Rows::read(bytes, &[])?;
            return rows.filled(inputs, interface)?.split(inputs);
        }
        let rows = Rows::read(bytes, &interface.columns)?;
        columns::encoded(rows, interface)?.split(inputs)
    }

    /// Reads rows of any lengths: each element of `input_data` is one.
    pub(crate) fn of_any_length(bytes: &[u8]) -> Result<Vec<Vec<f32>>, InputError> {
        let rows = Rows::read(bytes, &[])?.filled(usize::MAX, &Interface::default())?;
        let starts = [0].into_iter().chain(rows.ends.iter().copied());
        let spans = starts.zip(&rows.ends);
        let rows = spans.map(|(start, end)| rows.values[start..*end].to_vec());
        let rows: Vec<Vec<f32>> = rows.collect();
        match rows.is_empty() {
            true => Err(InputError::NoRows),
            false => Ok(rows),
        }
    }

    /// The rows.
    pub fn view(&self) -> ArrayView2<'_, f32> {
        self.0.view()
    }

    /// The only row.
    ///
    /// # Errors
    /// [`InputError::SeveralRows`].
    pub fn single(&self) -> Result<Vec<f32>, InputError> {
        match self.0.nrows() {
            1 => Ok(self.0.iter().copied().collect()),
            found => Err(InputError::SeveralRows { found }),
        }
    }
}

impl From<InputRows> for Array2<f32> {
    fn from(rows: InputRows) -> Self {
        rows.0
    }
}

/// Refuses a file before it is read.
///
/// # Errors
/// [`InputError::TooLarge`].
pub fn check_size(found: u64) -> Result<(), InputError> {
    let limit = InputRows::MAX_BYTES;
    match found <= limit {
        true => Ok(()),
        false => Err(InputError::TooLarge { found, limit }),
    }
}

/// The rows as the bytes of a file that [`InputRows::from_json`] reads.
pub fn to_json(rows: ArrayView2<'_, f32>) -> Vec<u8> {
    let rows: Vec<Vec<f32>> = rows.outer_iter().map(|row| row.to_vec()).collect();
    // A map, not a JSON value, which would widen the numbers. Numbers always have a JSON form.
    let file = std::collections::BTreeMap::from([(KEY, rows)]);
    let mut bytes = serde_json::to_vec(&file).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Rows of a model with the inputs that `interface` says, as the bytes of a file that
/// [`InputRows::for_interface`] reads.
pub fn to_json_of(interface: &Interface, rows: ArrayView2<'_, f32>) -> Vec<u8> {
    match interface.columns.is_empty() {
        true => to_json(rows),
        false => columns::to_json(interface, rows),
    }
}

/// Adds what is commonly behind an error.
fn explain(bytes: &[u8], error: &serde_json::Error) -> InputError {
    let line = bytes
        .split(|byte| *byte == b'\n')
        .nth(error.line().saturating_sub(1));
    let from = error.column().saturating_sub(1);
    let at = line.and_then(|line| line.get(from..)).unwrap_or_default();
    let before = line.and_then(|line| line.get(..from)).unwrap_or_default();
    let is_nan = |text: &[u8]| {
        ["NaN", "nan", "Inf", "inf"]
            .iter()
            .any(|word| text.starts_with(word.as_bytes()))
    };
    let reason = match error.classify() {
        Category::Eof => format!("the file ends too early: {error}"),
        Category::Syntax
            if is_nan(at)
                || is_nan(
                    before
                        .get(before.len().saturating_sub(1)..)
                        .unwrap_or_default(),
                ) =>
        {
            format!("{error}: NaN and infinity are no inputs of a model")
        }
        _ => error.to_string(),
    };
    InputError::Json { reason }
}

/// Why a value may not be missing.
const MISSING: &str = "a missing value, for which the model does not say what stands";

/// All values of a file, and where its rows end.
#[derive(Debug, Default)]
struct Rows {
    values: Vec<f32>,
    ends: Vec<usize>,
    /// Strings and their places among the values; only of models with columns.
    texts: Vec<(usize, String)>,
    /// The places of truth values; only of models with columns.
    truths: Vec<usize>,
    /// The places of missing values, in order.
    nulls: Vec<usize>,
}

impl Rows {
    fn read(bytes: &[u8], columns: &[Column]) -> Result<Self, InputError> {
        check_size(bytes.len() as u64)?;
        let mut json = serde_json::Deserializer::from_slice(bytes);
        File { columns }
            .deserialize(&mut json)
            .and_then(|rows| json.end().map(|()| rows))
            .map_err(|error| explain(bytes, &error))
    }

    /// The rows with imputed numbers in place of missing ones, without columns.
    fn filled(mut self, inputs: usize, interface: &Interface) -> Result<Self, InputError> {
        for at in &self.nulls {
            let row = self.ends.partition_point(|end| end <= at);
            let start = row.checked_sub(1).and_then(|before| self.ends.get(before));
            let value = at - start.copied().unwrap_or(0);
            let imputed = interface.imputed(value.checked_rem(inputs).unwrap_or(value));
            match (imputed, self.values.get_mut(*at)) {
                (Some(imputed), Some(number)) => *number = imputed,
                _ => {
                    let what = format!("value {value} of row {row} of `input_data` is null");
                    let reason = format!("{what}, {MISSING}");
                    return Err(InputError::Column { reason });
                }
            }
        }
        Ok(self)
    }

    fn split(self, inputs: usize) -> Result<InputRows, InputError> {
        let mut start = 0;
        for (row, end) in self.ends.iter().enumerate() {
            let found = end - start;
            if found == 0 || inputs == 0 || found % inputs != 0 {
                return Err(InputError::RowLength {
                    row,
                    expected: inputs,
                    found,
                });
            }
            start = *end;
        }
        let shape = (self.values.len().checked_div(inputs).unwrap_or(0), inputs);
        match Array2::from_shape_vec(shape, self.values) {
            Ok(rows) if rows.nrows() > 0 => Ok(InputRows(rows)),
            _ => Err(InputError::NoRows),
        }
    }
}

/// The object with the key.
struct File<'a> {
    columns: &'a [Column],
}

impl<'de> DeserializeSeed<'de> for File<'_> {
    type Value = Rows;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Rows, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for File<'_> {
    type Value = Rows;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the key `{KEY}`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Rows, A::Error> {
        let mut rows = None;
        while let Some(key) = map.next_key::<String>()? {
            if key != KEY {
                map.next_value::<IgnoredAny>()?;
            } else if rows.is_none() {
                let columns = self.columns;
                rows = Some(map.next_value_seed(List { columns })?);
            } else {
                return Err(de::Error::custom(format!("the key `{KEY}` appears twice")));
            }
        }
        rows.ok_or_else(|| de::Error::custom(format!("the key `{KEY}` is missing")))
    }
}

/// The list of rows.
struct List<'a> {
    columns: &'a [Column],
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Rows;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Rows, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Rows;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Rows, A::Error> {
        let mut rows = Rows::default();
        loop {
            let row = rows.ends.len();
            let start = rows.values.len();
            let place = Place {
                rows: &mut rows,
                columns: self.columns,
                row,
                start,
                is_row: true,
            };
            match list.next_element_seed(place)? {
                Some(()) => rows.ends.push(rows.values.len()),
                None => return Ok(rows),
            }
        }
    }
}

/// Where the next value goes: a row, or a number or list within one.
struct Place<'a> {
    rows: &'a mut Rows,
    /// The model's columns; without any, everything is a number.
    columns: &'a [Column],
    row: usize,
    /// Where the row starts.
    start: usize,
    is_row: bool,
}

impl Place<'_> {
    fn number<E: de::Error>(self, number: f64) -> Result<(), E> {
        let (row, value) = (self.row, self.rows.values.len() - self.start);
        if self.is_row {
            return Err(de::Error::custom(format!(
                "row {row} is the number {number}, expected a list: write [[...]] with one list per row"
            )));
        }
        let rounded = number as f32;
        if !rounded.is_finite() {
            return Err(de::Error::custom(format!(
                "value {value} of row {row} is {number:e}, beyond float32"
            )));
        }
        self.rows.values.push(rounded);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (row, value) = (self.row, self.rows.values.len() - self.start);
        match (self.is_row, self.columns.is_empty()) {
            (true, true) => write!(f, "a list of numbers for row {row}"),
            (true, false) => write!(f, "a list of values, or an object, for row {row}"),
            (false, true) => write!(f, "a number for value {value} of row {row}"),
            (false, false) => write!(f, "a value for value {value} of row {row}"),
        }
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<(), E> {
        self.number(number)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<(), E> {
        self.number(number as f64)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<(), E> {
        self.number(number as f64)
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        if self.is_row {
            return Err(E::invalid_type(de::Unexpected::Unit, &self));
        }
        self.rows.nulls.push(self.rows.values.len());
        self.rows.values.push(0.0);
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<(), E> {
        if self.columns.is_empty() || self.is_row {
            return Err(E::invalid_type(de::Unexpected::Bool(truth), &self));
        }
        self.rows.truths.push(self.rows.values.len());
        self.rows.values.push(f32::from(u8::from(truth)));
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        if self.columns.is_empty() || self.is_row {
            return Err(E::invalid_type(de::Unexpected::Str(text), &self));
        }
        self.rows
            .texts
            .push((self.rows.values.len(), text.to_owned()));
        self.rows.values.push(0.0);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        if self.columns.is_empty() || !self.is_row {
            return Err(de::Error::invalid_type(de::Unexpected::Map, &self));
        }
        columns::record(self, map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        loop {
            let within = Place {
                rows: &mut *self.rows,
                columns: self.columns,
                row: self.row,
                start: self.start,
                is_row: false,
            };
            if list.next_element_seed(within)?.is_none() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Vec<f32>>, String> {
        let rows = InputRows::from_json(text.as_bytes(), 2).map_err(|error| error.to_string())?;
        Ok(rows.view().outer_iter().map(|row| row.to_vec()).collect())
    }

    #[test]
    fn rows_are_read_as_ezkl_writes_them() {
        let one = Ok(vec![vec![1.0, -2.5]]);
        assert_eq!(read(r#"{"input_data": [[1, -2.5]]}"#), one);
        // Shapes are flattened, other keys ignored.
        let shaped = r#"{"input_shapes": [[1, 2]], "input_data": [[[1], [-25e-1]]], "x": null}"#;
        assert_eq!(read(shaped), one);
        let two = Ok(vec![vec![1.0, 2.0], vec![3.0, 4.0]]);
        assert_eq!(read(r#"{"input_data": [[1, 2], [3, 4]]}"#), two);
        // A batch in one list.
        assert_eq!(read(r#"{"input_data": [[1, 2, 3, 4]]}"#), two);
    }

    #[test]
    fn a_single_row_is_asked_for_by_number() {
        let rows = InputRows::from_json(br#"{"input_data": [[1, 2], [3, 4]]}"#, 2).unwrap();
        let error = rows.single().unwrap_err();
        assert!(
            error
                .to_string()
                .contains("has 2 rows, but a proof is about one"),
            "{error}"
        );
    }

    #[test]
    fn what_is_written_is_read_back_bit_for_bit() {
        let mut stream = zkassay_seed::Stream::new(1, "zkassay/input-test");
        let rows =
            Array2::from_shape_simple_fn((300, 7), || f32::from_bits((stream.bits() >> 32) as u32));
        let rows = rows.mapv(|x| if x.is_finite() { x } else { 0.5 });
        let read = InputRows::from_json(&to_json(rows.view()), 7).unwrap();
        assert!(
            read.view()
                .iter()
                .zip(&rows)
                .all(|(a, b)| a.to_bits() == b.to_bits())
        );
    }

    #[test]
    fn errors_say_what_and_where() {
        let cases = [
            ("", "ends too early"),
            (r#"{"input_data": [[1, 2"#, "ends too early"),
            (
                r#"{"input_data": [[1, 2]]} x"#,
                "trailing characters at line 1",
            ),
            ("[[1, 2]]", "an object with the key `input_data`"),
            (r#"{"data": [[1, 2]]}"#, "the key `input_data` is missing"),
            (
                r#"{"input_data": [[1, 2]], "input_data": [[1, 2]]}"#,
                "appears twice",
            ),
            (r#"{"input_data": 7}"#, "a list of rows"),
            (r#"{"input_data": []}"#, "no rows"),
            (
                r#"{"input_data": [[]]}"#,
                "row 0 of `input_data` has 0 values, but the model takes 2",
            ),
            (
                r#"{"input_data": [[1, 2], [1, 2, 3]]}"#,
                "row 1 of `input_data` has 3 values",
            ),
            (
                r#"{"input_data": [1, 2]}"#,
                "row 0 is the number 1, expected a list",
            ),
            (
                r#"{"input_data": [[1, "2"]]}"#,
                "expected a number for value 1 of row 0 at line 1 column 23",
            ),
            (
                r#"{"input_data": [[1, true]]}"#,
                "a number for value 1 of row 0",
            ),
            (
                r#"{"input_data": [[1, 2], {"a": 1}]}"#,
                "a list of numbers for row 1",
            ),
            (
                r#"{"input_data": [[1, null]]}"#,
                "value 1 of row 0 of `input_data` is null, a missing value",
            ),
            (
                "{\"input_data\": [[1,\n NaN]]}",
                "NaN and infinity are no inputs",
            ),
            (r#"{"input_data": [[1, -Infinity]]}"#, "no inputs"),
            (
                r#"{"input_data": [[1, 1e39]]}"#,
                "value 1 of row 0 is 1e39, beyond float32",
            ),
            (r#"{"input_data": [[1, 1e999]]}"#, "number out of range"),
        ];
        for (text, expected) in cases {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn deep_nesting_and_every_truncation_are_refused() {
        let deep = format!("{{\"input_data\": {}", "[".repeat(1_000_000));
        assert!(read(&deep).unwrap_err().contains("recursion limit"));
        let good = r#"{"input_data": [[1, -2.5e0]]}"#;
        for length in 0..good.len() {
            assert!(read(&good[..length]).is_err(), "{length}");
        }
        assert!(InputRows::from_json(b"\xff\xfe{", 2).is_err());
        assert!(InputRows::from_json(b"{\"input_data\": [[1]]}", 0).is_err());
    }

    #[test]
    fn large_files_are_refused_before_they_are_read() {
        assert!(check_size(InputRows::MAX_BYTES).is_ok());
        let error = check_size(InputRows::MAX_BYTES + 1).unwrap_err();
        assert!(error.to_string().contains("split it"), "{error}");
    }
}
