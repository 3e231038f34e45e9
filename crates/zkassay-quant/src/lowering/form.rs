//! What values are while a graph is lowered: affine forms over wires.

use std::collections::BTreeMap;
use std::rc::Rc;

use ndarray::{Array1, Array2, Array4};

use super::names::Names;
use crate::program::{Geometry, Wire};

/// `bias + sum coefficient * wire` over the real values of wires.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Form {
    /// Each wire at most once, in order; no coefficient is zero.
    pub(crate) terms: Vec<(Wire, f64)>,
    pub(crate) bias: f64,
}

/// An element of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Element {
    /// A form with few terms.
    Form(Form),
    /// `factor * y + offset` for the row `y` of a block.
    Row {
        block: usize,
        row: usize,
        factor: f64,
        offset: f64,
    },
}

/// A value of the graph.
#[derive(Clone, Debug, Default)]
pub(crate) struct Value {
    pub(crate) elements: Vec<Element>,
    /// The affine nodes that its forms come from.
    pub(crate) nodes: Names,
}

/// Many affine forms with a structure.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    /// `weights x + bias`.
    Dense {
        inputs: Vec<Wire>,
        weights: Array2<f64>,
        bias: Array1<f64>,
    },
    /// A convolution; rows are channel by channel.
    Conv(Rc<FloatConv>),
}

/// A convolution over wires, as in [`IntegerConv`](crate::program::IntegerConv).
#[derive(Clone, Debug)]
pub(crate) struct FloatConv {
    pub(crate) inputs: Vec<Vec<Wire>>,
    pub(crate) input: [usize; 3],
    pub(crate) weights: Array4<f64>,
    pub(crate) bias: Vec<f64>,
    pub(crate) output: [usize; 2],
    pub(crate) strides: [usize; 2],
    pub(crate) dilations: [usize; 2],
    pub(crate) pads: [usize; 2],
}

impl Form {
    pub(crate) fn constant(bias: f64) -> Self {
        Self {
            terms: Vec::new(),
            bias,
        }
    }

    pub(crate) fn of(wire: Wire) -> Self {
        Self {
            terms: vec![(wire, 1.0)],
            bias: 0.0,
        }
    }

    /// The sum of `factor * form`.
    pub(crate) fn sum<'a>(forms: impl IntoIterator<Item = (&'a Self, f64)>) -> Self {
        let mut terms: BTreeMap<Wire, f64> = BTreeMap::new();
        let mut bias = 0.0;
        for (form, factor) in forms {
            bias += form.bias * factor;
            for (wire, coefficient) in &form.terms {
                *terms.entry(*wire).or_default() += coefficient * factor;
            }
        }
        Self {
            terms: terms.into_iter().filter(|(_, c)| *c != 0.0).collect(),
            bias,
        }
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self::sum([(self, 1.0), (other, 1.0)])
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        Self::sum([(self, 1.0), (other, -1.0)])
    }

    pub(crate) fn scaled(&self, factor: f64) -> Self {
        Self::sum([(self, factor)])
    }

    pub(crate) fn shifted(&self, offset: f64) -> Self {
        Self {
            terms: self.terms.clone(),
            bias: self.bias + offset,
        }
    }

    /// The wire, if it is just that.
    pub(crate) fn wire(&self) -> Option<Wire> {
        match (self.terms.as_slice(), self.bias) {
            ([(wire, 1.0)], 0.0) => Some(*wire),
            _ => None,
        }
    }
}

impl Element {
    pub(crate) fn of(wire: Wire) -> Self {
        Self::Form(Form::of(wire))
    }

    pub(crate) fn constant(value: f64) -> Self {
        Self::Form(Form::constant(value))
    }

    /// `factor * self + offset`.
    pub(crate) fn affine(&self, by: f64, add: f64) -> Self {
        match self {
            Self::Form(form) => Self::Form(form.scaled(by).shifted(add)),
            Self::Row { offset, .. } if by == 0.0 => Self::constant(offset * by + add),
            Self::Row {
                block,
                row,
                factor,
                offset,
            } => Self::Row {
                block: *block,
                row: *row,
                factor: factor * by,
                offset: offset * by + add,
            },
        }
    }

    pub(crate) fn wire(&self) -> Option<Wire> {
        match self {
            Self::Form(form) => form.wire(),
            Self::Row { .. } => None,
        }
    }

    /// Equal for equal elements.
    pub(crate) fn key(&self) -> Vec<u64> {
        match self {
            Self::Form(form) => {
                let terms = form.terms.iter();
                let terms = terms.flat_map(|(wire, c)| [*wire as u64, c.to_bits()]);
                std::iter::once(form.bias.to_bits()).chain(terms).collect()
            }
            Self::Row {
                block,
                row,
                factor,
                offset,
            } => vec![
                *block as u64,
                *row as u64,
                factor.to_bits(),
                offset.to_bits(),
            ],
        }
    }
}

impl Value {
    /// Elements that are forms, and belong to no affine node any more.
    pub(crate) fn settled(forms: impl IntoIterator<Item = Form>) -> Self {
        Self {
            elements: forms.into_iter().map(Element::Form).collect(),
            nodes: Names::default(),
        }
    }
}

impl FloatConv {
    /// Number of outputs in each channel.
    pub(crate) fn plane(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Number of products.
    pub(crate) fn products(&self) -> usize {
        self.weights.len().saturating_mul(self.plane())
    }

    /// Calls `each(row, input, weight)` for every product.
    pub(crate) fn for_each(&self, each: impl FnMut(usize, usize, f64)) {
        let geometry = Geometry {
            input: self.input,
            output: self.output,
            strides: self.strides,
            dilations: self.dilations,
            pads: self.pads,
        };
        geometry.for_each(&self.weights, each);
    }
}

impl Block {
    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Dense { bias, .. } => bias.len(),
            Self::Conv(conv) => conv.bias.len() * conv.plane(),
        }
    }

    /// The constant of a row.
    pub(crate) fn bias(&self, row: usize) -> f64 {
        match self {
            Self::Dense { bias, .. } => bias[row],
            Self::Conv(conv) => conv.bias[row / conv.plane().max(1)],
        }
    }
}
