//! What a name of the ONNX graph stands for during the import.

use std::cell::OnceCell;
use std::rc::Rc;

pub(crate) use tract_onnx::pb::tensor_proto::DataType;

use crate::op::Source;

/// Kinds of element types that the importer tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Floats of any width.
    Float,
    /// Integers of any width.
    Int,
    /// Truth values: 0 and 1.
    Bool,
    /// Strings; only as constants.
    Text,
}

/// A tensor: shape, element type, and either a constant or something that the graph computes.
///
/// Numbers are float32 whatever the element type says.
#[derive(Clone, Debug)]
pub(crate) struct Tensor {
    pub(crate) shape: Vec<usize>,
    /// The element type in the ONNX model.
    pub(crate) element: DataType,
    pub(crate) content: Content,
}

/// Where the elements come from.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// They are known.
    Constant(Rc<Vec<f32>>),
    /// They are known strings.
    Text(Rc<Vec<String>>),
    /// A value of the graph: 0 for the input, `i + 1` for what node `i` writes.
    Value(usize),
    /// Elements of values, in new places: a `Rearrange` that has no node yet.
    View(Rc<View>),
}

/// A pending [`Rearrange`](crate::Op::Rearrange).
///
/// It becomes a node when something else than a further rearrangement reads it; so that
/// consecutive ones are one node, and those that only a rearrangement reads are none.
#[derive(Debug)]
pub(crate) struct View {
    /// The values it reads.
    pub(crate) values: Vec<usize>,
    /// Where each element comes from; operands are positions in `values`.
    pub(crate) sources: Vec<Source>,
    /// Name and operator of the ONNX node.
    pub(crate) origin: (String, String),
    /// The value that it has become.
    pub(crate) made: OnceCell<usize>,
}

impl Tensor {
    /// A constant of numbers; there must be as many as the shape says.
    pub(crate) fn constant(shape: Vec<usize>, element: DataType, elements: Vec<f32>) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), elements.len());
        Self {
            shape,
            element,
            content: Content::Constant(Rc::new(elements)),
        }
    }

    /// A constant of integers along one axis.
    pub(crate) fn integers(elements: impl IntoIterator<Item = usize>) -> Self {
        let elements: Vec<f32> = elements.into_iter().map(|i| i as f32).collect();
        Self::constant(vec![elements.len()], DataType::Int64, elements)
    }

    /// A constant of strings; there must be as many as the shape says.
    pub(crate) fn text(shape: Vec<usize>, elements: Vec<String>) -> Self {
        Self {
            shape,
            element: DataType::String,
            content: Content::Text(Rc::new(elements)),
        }
    }

    /// A value of the graph.
    pub(crate) fn value(shape: Vec<usize>, element: DataType, value: usize) -> Self {
        Self {
            shape,
            element,
            content: Content::Value(value),
        }
    }

    /// A part of the graph's input: the input `name` of a model that has several.
    pub(crate) fn part(
        shape: Vec<usize>,
        element: DataType,
        range: std::ops::Range<usize>,
        name: &str,
    ) -> Self {
        let element_of = |index| Source::Element {
            operand: 0,
            index: index as u32,
        };
        let view = View {
            values: vec![0],
            sources: range.map(element_of).collect(),
            origin: (name.to_owned(), "Split".to_owned()),
            made: OnceCell::new(),
        };
        Self {
            shape,
            element,
            content: Content::View(Rc::new(view)),
        }
    }

    /// The same with another element type.
    pub(crate) fn typed(mut self, element: DataType) -> Self {
        self.element = element;
        self
    }

    /// The same elements in another shape of the same length; `None` if it has another length.
    pub(crate) fn reshaped(&self, shape: Vec<usize>) -> Option<Self> {
        (super::shape::len(&shape)? == self.len()).then(|| Self {
            shape,
            element: self.element,
            content: self.content.clone(),
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        kind_of(self.element)
    }

    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub(crate) fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Its numbers, if it is a constant of numbers.
    pub(crate) fn numbers(&self) -> Option<&[f32]> {
        match &self.content {
            Content::Constant(elements) => Some(elements),
            _ => None,
        }
    }

    /// Its strings, if it is a constant of strings.
    pub(crate) fn strings(&self) -> Option<&[String]> {
        match &self.content {
            Content::Text(elements) => Some(elements),
            _ => None,
        }
    }

    /// Whether all of it is known at import.
    pub(crate) fn is_constant(&self) -> bool {
        matches!(self.content, Content::Constant(_) | Content::Text(_))
    }
}

/// The kind of an element type.
pub(crate) fn kind_of(element: DataType) -> Kind {
    match element {
        DataType::Bool => Kind::Bool,
        DataType::String => Kind::Text,
        DataType::Float | DataType::Double | DataType::Float16 | DataType::Bfloat16 => Kind::Float,
        DataType::Uint8
        | DataType::Int8
        | DataType::Uint16
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Uint32
        | DataType::Uint64
        | DataType::Uint4
        | DataType::Int4 => Kind::Int,
        _ => Kind::Float,
    }
}
