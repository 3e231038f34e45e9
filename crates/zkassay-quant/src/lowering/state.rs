//! The program so far: wires, their scales and intervals.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use zkassay_fixed::Scale;

use super::form::{Block, Element, Form};
use super::names::Room;
use super::{Folded, ProgramScheme};
use crate::QuantError;
use crate::program::{Finish, Interval, Kind, Program, Step, Sum, Wire};

/// No tensor is coarser than this.
pub(super) const COARSEST: i32 = -24;
/// More wires than any proof has rows.
const MOST_WIRES: usize = 1 << 21;
/// The most weights of a program.
const MOST_WEIGHTS: usize = 1 << 27;

/// What is known of committed values beyond the intervals of what they are computed from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Promise {
    /// Nothing.
    None,
    /// Values, and the accumulators that they come from, have at most this magnitude.
    Within(f64),
    /// Values of a rectifier reach at most this far; accumulators can be less than minus it.
    UpTo(f64),
}

/// How elements become wires.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Commit {
    /// Whether what is below zero becomes zero.
    pub(crate) relu: bool,
    /// The scale of rounded values, unless that leaves no room.
    pub(crate) scale: i32,
    /// The least scale of exact values, if there is room.
    pub(crate) least: i32,
    /// Forms whose exact scale is at most this are not rounded.
    pub(crate) exact: i32,
    /// What is known of the values.
    pub(crate) promise: Promise,
    /// Whether elements that are wires already stay those.
    pub(crate) keep: bool,
}

/// A program in the making.
pub(crate) struct Lowering<'a> {
    pub(crate) scheme: &'a ProgramScheme,
    pub(crate) program: Program,
    pub(crate) scales: Vec<i32>,
    pub(crate) bounds: Vec<Interval>,
    pub(crate) blocks: Vec<(Block, Vec<(f64, f64)>)>,
    pub(crate) folded: Vec<Folded>,
    /// The names of the steps in it.
    pub(super) merged: HashSet<String>,
    /// How many names of nodes may be listed yet.
    pub(super) room: Room,
    pub(crate) used_limits: HashSet<usize>,
    /// The value that is being computed.
    pub(crate) at: usize,
    pub(super) coarser: HashMap<Wire, Wire>,
    /// The scores of trees.
    pub(super) scores: Range<Wire>,
    weights: usize,
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(scheme: &'a ProgramScheme, program: Program) -> Self {
        let (low, high) = program.limbs.input_range();
        Self {
            scheme,
            scales: vec![program.input_scale.0; program.inputs],
            bounds: vec![(low.into(), high.into()); program.inputs],
            program,
            blocks: Vec::new(),
            folded: Vec::new(),
            merged: HashSet::new(),
            room: Room::default(),
            used_limits: HashSet::new(),
            at: 0,
            coarser: HashMap::new(),
            scores: 0..0,
            weights: 0,
        }
    }

    /// The scale that tensors have if there is room.
    pub(crate) fn fraction(&self) -> i32 {
        self.scheme.fraction_bits
    }

    /// The rule for ordinary values.
    pub(crate) fn rule(&self) -> Commit {
        Commit {
            relu: false,
            scale: self.fraction(),
            least: COARSEST,
            exact: self.fraction(),
            promise: Promise::None,
            keep: true,
        }
    }

    /// Appends a step; its first wire.
    pub(crate) fn push(&mut self, step: Step, scale: i32) -> Result<Wire, QuantError> {
        let bounds = self.program.bounds_of(&step, &self.bounds)?;
        self.append(step, bounds, scale)
    }

    pub(super) fn append(
        &mut self,
        step: Step,
        bounds: Vec<Interval>,
        scale: i32,
    ) -> Result<Wire, QuantError> {
        let first = self.bounds.len();
        self.weights += step.weights().count();
        if first + bounds.len() > MOST_WIRES || self.weights > MOST_WEIGHTS {
            return Err(QuantError::Unsupported {
                node: step.name,
                op: "the model so far".into(),
                reason: format!(
                    "more than {MOST_WIRES} values or {MOST_WEIGHTS} weights; smaller models can be proved"
                ),
            });
        }
        self.scales.resize(first + bounds.len(), scale);
        self.bounds.extend(bounds);
        self.program.steps.push(step);
        Ok(first)
    }

    /// A block, and its rows as elements.
    pub(crate) fn block(&mut self, block: Block) -> Vec<Element> {
        let at = self.blocks.len();
        let mut ranges: Vec<(f64, f64)> = (0..block.rows())
            .map(|row| (block.bias(row), block.bias(row)))
            .collect();
        let mut add = |row: usize, (low, high): (f64, f64), weight: f64| {
            let (a, b) = (weight * low, weight * high);
            ranges[row].0 += a.min(b);
            ranges[row].1 += a.max(b);
        };
        match &block {
            Block::Dense {
                inputs, weights, ..
            } => {
                for ((row, column), weight) in weights.indexed_iter() {
                    add(row, self.reals(inputs[column]), *weight);
                }
            }
            Block::Conv(conv) => {
                let sum = |wires: &Vec<Wire>| {
                    let reals = wires.iter().map(|wire| self.reals(*wire));
                    reals.fold((0.0, 0.0), |sum, real| (sum.0 + real.0, sum.1 + real.1))
                };
                let inputs: Vec<(f64, f64)> = conv.inputs.iter().map(sum).collect();
                conv.for_each(|row, input, weight| add(row, inputs[input], weight));
            }
        }
        let rows = block.rows();
        self.blocks.push((block, ranges));
        let element = |row| Element::Row {
            block: at,
            row,
            factor: 1.0,
            offset: 0.0,
        };
        (0..rows).map(element).collect()
    }

    /// The interval of a wire's real value.
    pub(crate) fn reals(&self, wire: Wire) -> (f64, f64) {
        let (low, high) = self.bounds[wire];
        let unit = Scale(-self.scales[wire]).factor();
        (low as f64 * unit, high as f64 * unit)
    }

    /// The interval of an element.
    pub(crate) fn range(&self, element: &Element) -> (f64, f64) {
        let (low, high) = match element {
            Element::Form(form) => return self.form_range(form),
            Element::Row {
                block,
                row,
                factor,
                offset,
            } => {
                let (low, high) = self.blocks[*block].1[*row];
                (factor * low + offset, factor * high + offset)
            }
        };
        (low.min(high), low.max(high))
    }

    /// The interval of a form.
    pub(crate) fn form_range(&self, form: &Form) -> (f64, f64) {
        let mut range = (form.bias, form.bias);
        for (wire, coefficient) in &form.terms {
            let (low, high) = self.reals(*wire);
            let (a, b) = (coefficient * low, coefficient * high);
            range = (range.0 + a.min(b), range.1 + a.max(b));
        }
        range
    }

    /// The interval of all elements together.
    pub(crate) fn hull<'b>(&self, elements: impl IntoIterator<Item = &'b Element>) -> (f64, f64) {
        let ranges = elements.into_iter().map(|element| self.range(element));
        ranges.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (a, b)| {
            (low.min(a), high.max(b))
        })
    }

    /// The coarsest scale at which a form is an integer sum of its wires' integers.
    pub(crate) fn exact_scale(&self, form: &Form) -> Option<i32> {
        let mut scale = lowest_bit(form.bias)?.map_or(i32::MIN, |bit| -bit);
        for (wire, coefficient) in &form.terms {
            let bit = lowest_bit(*coefficient)?.unwrap_or(0);
            scale = scale.max(self.scales[*wire] - bit);
        }
        Some(scale.max(COARSEST))
    }

    /// The sum that is `form` at a scale where it is exact.
    pub(crate) fn integers(&self, node: &str, form: &Form, scale: i32) -> Result<Sum, QuantError> {
        self.sum(node, form, scale, &HashMap::new())
    }

    pub(super) fn sum(
        &self,
        node: &str,
        form: &Form,
        scale: i32,
        coarser: &HashMap<Wire, Wire>,
    ) -> Result<Sum, QuantError> {
        let mut terms: BTreeMap<Wire, i64> = BTreeMap::new();
        for (wire, coefficient) in &form.terms {
            let wire = *coarser.get(wire).unwrap_or(wire);
            let weight = self.weight(node, wire, *coefficient, scale)?;
            *terms.entry(wire).or_default() += weight;
        }
        Ok(Sum {
            terms: terms
                .into_iter()
                .filter(|(_, weight)| *weight != 0)
                .collect(),
            bias: quantize(node, Scale(scale), form.bias)?,
        })
    }

    /// A coefficient for an accumulator of a scale.
    pub(super) fn weight(
        &self,
        node: &str,
        wire: Wire,
        real: f64,
        scale: i32,
    ) -> Result<i64, QuantError> {
        let scale = Scale(scale - self.scales[wire]);
        if scale.0 < 0 && (real * scale.factor()).fract() != 0.0 {
            return Err(QuantError::Parameter {
                what: "a weight scale",
                found: format!("2^{} in node '{node}'", scale.0),
                expected: "at least 2^0",
            });
        }
        match quantize(node, scale, real)? {
            weight if weight.unsigned_abs() < 1 << 44 => Ok(weight),
            weight => Err(QuantError::Overflow {
                node: node.to_owned(),
                needed: 65 - weight.leading_zeros(),
                available: 44,
            }),
        }
    }

    /// A step of integer sums, whose wires have a scale.
    pub(crate) fn sums(
        &mut self,
        node: &str,
        sums: Vec<Sum>,
        finish: Finish,
        (scale, bound): (i32, Option<i64>),
    ) -> Result<Vec<Wire>, QuantError> {
        let count = sums.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        let step = Step {
            name: node.to_owned(),
            kind: Kind::Sums(sums),
            finish,
            bound,
        };
        let first = self.push(step, scale)?;
        Ok((first..first + count).collect())
    }
}

/// The exponent of the lowest bit of a number: `None` for what is not finite, and none for zero.
#[expect(clippy::option_option, reason = "not finite, or no bit, or a bit")]
pub(super) fn lowest_bit(x: f64) -> Option<Option<i32>> {
    if !x.is_finite() {
        return None;
    }
    if x == 0.0 {
        return Some(None);
    }
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    Some(Some(match exponent {
        0 => fraction.trailing_zeros() as i32 - 1074,
        _ => (fraction | 1 << 52).trailing_zeros() as i32 + exponent - 1075,
    }))
}

/// A real number as an integer.
pub(super) fn quantize(node: &str, scale: Scale, real: f64) -> Result<i64, QuantError> {
    scale.quantize(real).ok_or_else(|| QuantError::Overflow {
        node: node.to_owned(),
        needed: 63,
        available: 62,
    })
}
