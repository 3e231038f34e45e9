//! Strings: of the input, where each place has a list of those that the model asks about; and
//! those that the model writes, positions in a list that is known.
//!
//! A graph has no strings. One of the input is the position of its word in the list of its place,
//! which grows while operators ask about words; so the constants that it is compared with are
//! positions, too.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use super::Builder;
use crate::import::node::NodeRef;
use crate::import::tensor::{Content, Kind, Tensor};
use crate::op::Source;
use crate::{GraphError, Vocabulary};

/// What no string of a known list stands for.
const NONE: f32 = -1.0;

/// What is known about strings.
#[derive(Default)]
pub(super) struct Texts {
    /// The words of each element of the input that holds a string.
    places: HashMap<usize, Words>,
    /// The strings that values of positions stand for; `None` where there are several answers.
    written: HashMap<usize, Option<Rc<Words>>>,
}

/// Words and their positions.
#[derive(Default, PartialEq)]
struct Words {
    list: Vec<String>,
    positions: HashMap<String, usize>,
    closed: bool,
}

impl Builder {
    /// Says that these elements of the input are strings.
    pub(in crate::import) fn hold_texts(&mut self, elements: Range<usize>) {
        let places = elements.map(|element| (element, Words::default()));
        self.texts.places.extend(places);
    }

    /// The words that the model knows at an element of the input that holds a string.
    pub(in crate::import) fn vocabulary(&self, element: usize) -> Vocabulary {
        let words = self.texts.places.get(&element);
        words.map_or_else(Vocabulary::default, |words| Vocabulary {
            words: words.list.clone(),
            closed: words.closed,
        })
    }

    /// The number that element `at` of the strings `x` has where it is `word`.
    ///
    /// `closed` says that there is no answer for words that are not asked about.
    ///
    /// # Errors
    /// Strings that are neither of the input nor known, or more words than there is room for.
    pub(crate) fn code(
        &mut self,
        node: &NodeRef<'_>,
        x: &Tensor,
        at: usize,
        word: &str,
        closed: bool,
    ) -> Result<f32, GraphError> {
        match source(x, at) {
            Some((0, index)) if self.texts.places.contains_key(&index) => {
                self.charge(node, 16 + word.len() / 2)?;
                let words = self.texts.places.entry(index).or_default();
                words.closed |= closed;
                Ok(words.position(word) as f32)
            }
            Some((value, _)) => match self.texts.written.get(&value) {
                Some(Some(words)) => {
                    let position = words.positions.get(word);
                    Ok(position.map_or(NONE, |position| *position as f32))
                }
                _ => Err(node.unsupported("it reads strings that the model computes otherwise")),
            },
            None => Err(node.unsupported(
                "it reads strings that are constants beside others of the input: expected one or \
                 the other",
            )),
        }
    }

    /// Positions in `words` as strings.
    pub(crate) fn write_texts(&mut self, x: Tensor, words: Vec<String>) -> Tensor {
        if let Content::Value(value) = &x.content {
            let words = Rc::new(Words::of(words));
            let entry = self.texts.written.entry(*value);
            let known = entry.or_insert_with(|| Some(Rc::clone(&words)));
            if known.as_ref() != Some(&words) {
                *known = None;
            }
        }
        x.typed(crate::import::tensor::DataType::String)
    }

    /// The list that the strings `x` are positions in, if all of them are in one.
    ///
    /// # Errors
    /// With strings of the input among them.
    pub(in crate::import) fn written(&self, x: &Tensor) -> Result<Option<&[String]>, String> {
        if x.kind() != Kind::Text || x.is_constant() {
            return Ok(None);
        }
        let mut values: Vec<usize> = Vec::new();
        for at in 0..x.len() {
            match source(x, at) {
                Some((0, _)) => return Err("is a string of the input".to_owned()),
                Some((value, _)) => values.push(value),
                None => return Ok(None),
            }
        }
        values.dedup();
        let [value] = values[..] else { return Ok(None) };
        let words = self.texts.written.get(&value).and_then(Option::as_ref);
        Ok(words.map(|words| words.list.as_slice()))
    }
}

impl Words {
    /// A list; of equal words the first one counts.
    fn of(list: Vec<String>) -> Self {
        let mut positions = HashMap::new();
        for (position, word) in list.iter().enumerate() {
            positions.entry(word.clone()).or_insert(position);
        }
        Self {
            list,
            positions,
            closed: true,
        }
    }

    /// The position of a word, which is added if it is new.
    fn position(&mut self, word: &str) -> usize {
        if let Some(position) = self.positions.get(word) {
            return *position;
        }
        self.list.push(word.to_owned());
        self.positions.insert(word.to_owned(), self.list.len() - 1);
        self.list.len() - 1
    }
}

/// The value that an element is of, and its place in it.
fn source(x: &Tensor, at: usize) -> Option<(usize, usize)> {
    match &x.content {
        Content::Value(value) => Some((*value, at)),
        Content::View(view) => match view.sources.get(at)? {
            Source::Element { operand, index } => {
                let value = view.values.get(*operand as usize)?;
                Some((*value, *index as usize))
            }
            Source::Constant(_) => None,
        },
        Content::Constant(_) | Content::Text(_) => None,
    }
}
