//! What a row of a model means where it is more than numbers.
//!
//! A graph computes with numbers alone. Exporters of tables write models with an input for each
//! column, some of integers, truth values or strings: [`Interface`] says which numbers of a row
//! are whose, and which number stands for which string. It follows from the ONNX file and the
//! options of its import, so that whoever has these has it.

use serde::{Deserialize, Serialize};

/// Inputs, batch and labels of a model; the default is that of one input of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Interface {
    /// The model's inputs, in the order of their numbers in a row; none of a model that has a
    /// single one of numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    /// How many rows the file is made for, if it is made for a fixed batch of several: it treats
    /// each of them alone and alike, and the graph is what it does to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// What the model reads in place of numbers that are missing, at places of a row where an imputer
    /// reads them first and alone; in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub imputed: Vec<Imputed>,
    /// What the outputs stand for, if they are positions in a list of strings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// The number that stands for a missing one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imputed {
    /// Place in the row.
    pub place: usize,
    /// A finite number.
    pub value: f32,
}

// JSON has no NaN.
impl Eq for Imputed {}

/// An input of a model: a run of numbers of its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Name in the ONNX graph.
    pub name: String,
    /// How many numbers.
    pub len: usize,
    /// What they are.
    pub kind: ColumnKind,
}

/// What the numbers of an input are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Real numbers.
    Number,
    /// Integers.
    Integer,
    /// 0 or 1.
    Boolean,
    /// Positions of strings, each in a list of its own.
    Text(Vec<Vocabulary>),
}

/// The strings that a model knows at one place of its input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vocabulary {
    /// The strings; each stands for its position.
    pub words: Vec<String>,
    /// Whether the model has no answer for others. Otherwise all of these stand for the position
    /// behind the last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

impl Interface {
    /// Whether there is nothing to say: one input of numbers, no fixed batch, no labels.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The column of a place of a row, and the place in it; `None` if there are no columns.
    pub fn column(&self, place: usize) -> Option<(&Column, usize)> {
        let mut start = 0usize;
        for column in &self.columns {
            let within = place.checked_sub(start)?;
            if within < column.len {
                return Some((column, within));
            }
            start = start.checked_add(column.len)?;
        }
        None
    }

    /// Whether it can be that of rows of so many numbers. (A row may have a label besides, and what
    /// hides it.)
    pub fn fits(&self, numbers: usize) -> bool {
        let mut lens = self.columns.iter().map(|column| column.len);
        let total = lens.try_fold(0usize, |sum, len| sum.checked_add(len));
        let fits = |column: &Column| match &column.kind {
            ColumnKind::Text(places) => places.len() == column.len,
            _ => true,
        };
        let is_imputed = |imputed: &Imputed| imputed.place < numbers && imputed.value.is_finite();
        total.is_some_and(|total| total <= numbers)
            && self.columns.iter().all(fits)
            && self.imputed.iter().all(is_imputed)
    }

    /// Checks that a row, or its start, holds integers, truth values and positions of strings where
    /// it should.
    ///
    /// # Errors
    /// The first number that cannot be; in words.
    pub fn check(&self, row: &[f32]) -> Result<(), String> {
        let mut rest = row;
        for column in &self.columns {
            let Some((own, others)) = rest.split_at_checked(column.len) else {
                return Ok(());
            };
            for (within, number) in own.iter().enumerate() {
                column.check(within, *number)?;
            }
            rest = others;
        }
        Ok(())
    }

    /// What the model reads in place of a number that is missing at a place of a row; `None` if none
    /// may be missing there.
    pub fn imputed(&self, place: usize) -> Option<f32> {
        let found = self
            .imputed
            .binary_search_by_key(&place, |imputed| imputed.place);
        found
            .ok()
            .and_then(|at| self.imputed.get(at))
            .map(|imputed| imputed.value)
    }

    /// Whether some numbers of a row stand for strings.
    pub fn has_texts(&self) -> bool {
        let is_text = |column: &Column| matches!(column.kind, ColumnKind::Text(_));
        self.columns.iter().any(is_text)
    }

    /// The string that the number at a place of a row stands for; `None` if it is no string's
    /// place, or the number that of no known string.
    pub fn word(&self, place: usize, number: f64) -> Option<&str> {
        let (column, within) = self.column(place)?;
        let ColumnKind::Text(places) = &column.kind else {
            return None;
        };
        let words = &places.get(within)?.words;
        let is_position = number >= 0.0 && number.fract() == 0.0 && number < words.len() as f64;
        is_position.then(|| words.get(number as usize).map(String::as_str))?
    }

    /// The number that a string stands for at a place of a row.
    ///
    /// # Errors
    /// If the place is not one of strings, or the model has no answer for this one; in words.
    pub fn code(&self, place: usize, word: &str) -> Result<f32, String> {
        let Some((column, within)) = self.column(place) else {
            return Err(format!("value {place} is no string of the model's inputs"));
        };
        let ColumnKind::Text(places) = &column.kind else {
            return Err(format!("`{}` takes {}", column.name, column.kind.words()));
        };
        let Some(vocabulary) = places.get(within) else {
            return Err(format!("`{}` has no value {within}", column.name));
        };
        let known = vocabulary.words.iter().position(|known| known == word);
        match known {
            Some(code) => Ok(code as f32),
            None => vocabulary.code_of_unknown(&column.name, within, word),
        }
    }
}

impl Column {
    /// Integers from here on are not exact in float32.
    const LARGEST: f32 = 16_777_216.0;

    /// Checks that the number at a place of the column can be one of it.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self, within: usize, number: f32) -> Result<(), String> {
        let is_integer = number.fract() == 0.0 && number.abs() <= Self::LARGEST;
        let (is_valid, expected) = match &self.kind {
            ColumnKind::Number => (true, String::new()),
            ColumnKind::Integer => (
                is_integer,
                format!("an integer up to {} in magnitude", Self::LARGEST),
            ),
            ColumnKind::Boolean => {
                let is_truth = number == 0.0 || number == 1.0;
                (is_truth, "a truth value, 0 or 1".to_owned())
            }
            ColumnKind::Text(places) => {
                let known = places.get(within);
                let last = known.map_or(0, |known| known.words.len());
                let is_open = known.is_some_and(|known| !known.closed);
                let end = (last + usize::from(is_open)) as f32;
                let is_code = is_integer && (0.0..end).contains(&number);
                (is_code, format!("a string, as its position below {end}"))
            }
        };
        match is_valid {
            true => Ok(()),
            false => {
                let name = &self.name;
                let found = format!("value {within} of `{name}` is {number}");
                Err(format!("{found}: expected {expected}"))
            }
        }
    }
}

impl ColumnKind {
    /// What it takes, in words.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Number => "numbers",
            Self::Integer => "integers",
            Self::Boolean => "truth values",
            Self::Text(_) => "strings",
        }
    }
}

impl Vocabulary {
    /// The number that a string stands for which is none of [`words`](Self::words), at place
    /// `within` of the column `name`.
    ///
    /// # Errors
    /// If it is closed; in words.
    pub fn code_of_unknown(&self, name: &str, within: usize, word: &str) -> Result<f32, String> {
        match self.closed {
            false => Ok(self.words.len() as f32),
            true => Err(format!(
                "value {within} of `{name}` is {}, which the model does not know: expected {}",
                shown(word),
                self.shown()
            )),
        }
    }

    /// The first few strings, in quotes.
    pub fn shown(&self) -> String {
        const SHOWN: usize = 12;
        let some: Vec<String> = self.words.iter().take(SHOWN).map(|w| shown(w)).collect();
        match self.words.len() {
            0 => "none".to_owned(),
            count if count > SHOWN => format!("one of {count}: {}, ...", some.join(", ")),
            _ => some.join(", "),
        }
    }
}

/// A string in quotes; of a long one, the start.
fn shown(word: &str) -> String {
    const SHOWN: usize = 40;
    let start: String = word.chars().take(SHOWN).collect();
    match start.len() == word.len() {
        true => format!("{word:?}"),
        false => format!("{start:?}..."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(words: &[&str], closed: bool) -> Vocabulary {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Vocabulary { words, closed }
    }

    fn interface() -> Interface {
        let column = |name: &str, len, kind| Column {
            name: name.to_owned(),
            len,
            kind,
        };
        let open = vocabulary(&["oslo", "rome"], false);
        let closed = vocabulary(&["a", "b", "c"], true);
        Interface {
            columns: vec![
                column("age", 1, ColumnKind::Number),
                column("city", 2, ColumnKind::Text(vec![open, closed])),
            ],
            ..Interface::default()
        }
    }

    #[test]
    fn strings_stand_for_their_positions() {
        let interface = interface();
        assert!(interface.fits(3) && interface.fits(4) && !interface.fits(2));
        for row in [[0.5, 0.0, 0.0], [1e30, 2.0, 2.0]] {
            assert_eq!(interface.check(&row), Ok(()));
        }
        for row in [
            [0.5, 3.0, 0.0],
            [0.5, 0.5, 0.0],
            [0.5, 0.0, 3.0],
            [0.5, -1.0, 0.0],
        ] {
            assert!(interface.check(&row).unwrap_err().contains("of `city` is"));
        }
        assert_eq!(interface.code(1, "rome"), Ok(1.0));
        assert_eq!(interface.code(1, "paris"), Ok(2.0));
        assert_eq!(interface.code(2, "c"), Ok(2.0));
        assert_eq!(interface.word(1, 1.0), Some("rome"));
        assert_eq!(interface.word(1, 2.0), None);
        for number in [-1.0, 0.5, f64::NAN, f64::INFINITY] {
            assert_eq!(interface.word(1, number), None, "{number}");
        }
        assert_eq!(interface.word(0, 0.0), None);
        assert_eq!(interface.word(9, 0.0), None);
    }

    #[test]
    fn what_the_model_does_not_know_is_said() {
        let interface = interface();
        let long = "x".repeat(1000);
        let message = interface.code(2, &long).unwrap_err();
        for word in ["value 1 of `city`", "...", "\"a\", \"b\", \"c\""] {
            assert!(message.contains(word), "{word} in {message}");
        }
        assert!(message.len() < 200, "{message}");
        assert!(interface.code(0, "a").unwrap_err().contains("numbers"));
        assert!(interface.code(7, "a").is_err());
        let many = vocabulary(&["word"; 1000], true);
        assert!(many.shown().len() < 200, "{}", many.shown());
    }

    #[test]
    fn columns_of_a_file_may_have_any_size() {
        let mut interface = interface();
        interface.columns[0].len = usize::MAX;
        assert!(!interface.fits(3));
        assert!(interface.column(3).is_some());
        interface.columns[1].len = usize::MAX;
        assert!(!interface.fits(1));
        interface.columns[0].len = 1;
        interface.columns[1].len = 3;
        assert!(!interface.fits(4));
        assert!(interface.code(3, "a").is_err());
    }
}
