//! Smooth functions: linear on segments, constant or the identity beyond the interesting range.
//!
//! The argument is cut to the range by two rectifiers, whose intervals are proved: `a = relu(x -
//! low)` and `b = relu(high - low - a)`, so that `x = high - b` inside of it. Where the function goes
//! on as the identity above, `a + b - (high - low)` is what `x` exceeds it by, at no cost.
//!
//! Between the ends of a segment the function is interpolated; the slope is rounded towards zero,
//! so that a monotone function stays monotone. With segments of width `h` the error is at most
//! `h^2 / 8` times the greatest second derivative, plus two units of the result's last place.

use zkassay_fixed::Scale;
use zkassay_graph::Function;

use super::form::{Element, Form, Value};
use super::names::Names;
use super::state::{Commit, Lowering};
use crate::QuantError;
use crate::program::{Finish, Kind, Step, Table, Wire};

/// The most segments that precision is worth.
const MOST_SEGMENTS: f64 = 512.0;
/// The most segments of a table at all.
const LIMIT: i128 = 4096;
/// Arguments have at most so many bits more than other values.
const FINER: i32 = 12;

/// A function to be tabulated.
pub(super) struct Curve<'a> {
    /// Its name, the same for the same function.
    pub(super) name: String,
    /// The function.
    pub(super) value: &'a dyn Fn(f64) -> f64,
    /// What it is far below zero.
    pub(super) left: Tail,
    /// What it is far above zero.
    pub(super) right: Tail,
    /// Scale of the result, if there is room.
    pub(super) scale: i32,
}

/// A function of one number.
pub(super) type Real = Box<dyn Fn(f64) -> f64>;

/// What a function is beyond the interesting range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Tail {
    /// Nothing simple.
    None,
    /// A constant.
    Constant(f64),
    /// Its argument.
    Identity,
}

impl Tail {
    fn at(self, x: f64) -> Option<f64> {
        match self {
            Self::None => None,
            Self::Constant(value) => Some(value),
            Self::Identity => Some(x),
        }
    }
}

/// How arguments of a function follow from the integers that a table is read at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Argument {
    /// `offset + x`.
    From(f64),
    /// `offset - x`.
    Down(f64),
}

impl Argument {
    fn real(self, x: f64) -> f64 {
        match self {
            Self::From(offset) => offset + x,
            Self::Down(offset) => offset - x,
        }
    }
}

impl Curve<'_> {
    /// Beyond this, in a direction, the tail is within `tolerance`.
    fn end(&self, tail: Tail, direction: f64, tolerance: f64) -> f64 {
        let differs = |distance: f64| {
            let x = direction * distance;
            tail.at(x)
                .is_none_or(|tail| ((self.value)(x) - tail).abs() > tolerance)
        };
        if tail == Tail::None {
            return f64::INFINITY;
        }
        let mut radius = 4.0;
        while radius < 1e6
            && [1.0, 2.0, 4.0]
                .iter()
                .any(|factor| differs(radius * factor))
        {
            radius *= 2.0;
        }
        let unit = (radius / 256.0f64).max(0.25);
        let mut end = radius;
        while end > unit && !differs(end - unit) {
            end -= unit;
        }
        end
    }

    /// The greatest second derivative in a range, from second differences.
    fn curvature(&self, low: f64, high: f64) -> f64 {
        let step = ((high - low) / 2048.0).max(1e-4);
        let mut greatest = 0f64;
        let mut x = low + step;
        while x < high {
            let sides = (self.value)(x + step) + (self.value)(x - step);
            let second = (sides - 2.0 * (self.value)(x)) / (step * step);
            if second.is_finite() {
                greatest = greatest.max(second.abs());
            }
            x += step;
        }
        greatest
    }
}

impl Lowering<'_> {
    /// A function of each element.
    pub(super) fn curve(
        &mut self,
        node: &str,
        x: &Value,
        curve: &Curve<'_>,
    ) -> Result<Vec<Form>, QuantError> {
        let tolerance = Scale(-curve.scale - 2).factor();
        let (least, greatest) = self.hull(&x.elements);
        let mut low = -curve.end(curve.left, -1.0, tolerance);
        let mut high = curve.end(curve.right, 1.0, tolerance);
        if greatest <= low || least >= high {
            // All of it in one tail.
            let tail = if greatest <= low {
                curve.left
            } else {
                curve.right
            };
            return match tail {
                Tail::Constant(value) => Ok(vec![Form::constant(value); x.elements.len()]),
                _ => self.settle(x, node),
            };
        }
        let mut cuts = (least < low, greatest > high);
        // What exceeds the range above is known if both cuts are made.
        cuts.0 |= cuts.1 && curve.right == Tail::Identity;
        if !cuts.0 || low < least {
            low = libm::floor(least * 4.0) / 4.0;
        }
        if !cuts.1 {
            high = libm::ceil(greatest * 4.0) / 4.0;
        }
        let scale = self.argument_scale(curve, low, high, tolerance);
        let width = high - low;
        if cuts == (false, false) {
            let wires = self.at_scale(x, node, scale)?;
            return self.table(node, curve, &wires, Argument::From(0.0));
        }
        let how = Commit {
            relu: true,
            scale,
            least: scale,
            exact: scale,
            keep: false,
            ..self.rule()
        };
        let shifted = |by: f64, add: f64| Value {
            elements: x.elements.iter().map(|e| e.affine(by, add)).collect(),
            nodes: x.nodes.clone(),
        };
        if cuts == (false, true) {
            let below = self.commit(&shifted(-1.0, high), node, how)?;
            return self.table(node, curve, &below, Argument::Down(high));
        }
        let above = self.commit(&shifted(1.0, -low), node, how)?;
        if cuts == (true, false) {
            return self.table(node, curve, &above, Argument::From(low));
        }
        let rest = above
            .iter()
            .map(|wire| Form::of(*wire).scaled(-1.0).shifted(width));
        let rest = Value::settled(rest);
        let exactly = Commit {
            exact: i32::MAX,
            ..how
        };
        let below = self.commit(&rest, node, exactly)?;
        let values = self.table(node, curve, &below, Argument::Down(high))?;
        if curve.right != Tail::Identity {
            return Ok(values);
        }
        let excess =
            |above: &Wire, below: &Wire| Form::of(*above).plus(&Form::of(*below)).shifted(-width);
        let wires = above.iter().zip(&below);
        let sums = wires
            .zip(&values)
            .map(|((a, b), value)| value.plus(&excess(a, b)));
        Ok(sums.collect())
    }

    /// The scale of arguments at which segments are narrow enough, or as narrow as they may be.
    pub(super) fn argument_scale(
        &self,
        curve: &Curve<'_>,
        low: f64,
        high: f64,
        tolerance: f64,
    ) -> i32 {
        let curvature = curve.curvature(low, high);
        let bits = self.program.limbs.bits as i32;
        let width = |scale: i32| Scale(bits - scale).factor();
        let mut scale = self.fraction();
        while scale < self.fraction() + FINER
            && width(scale) * width(scale) / 8.0 * curvature > tolerance
        {
            scale += 1;
        }
        while scale > 4 && (high - low) / width(scale) > MOST_SEGMENTS {
            scale -= 1;
        }
        scale
    }

    /// A step that reads a table at each wire; the wires have one scale.
    pub(super) fn table(
        &mut self,
        node: &str,
        curve: &Curve<'_>,
        wires: &[Wire],
        argument: Argument,
    ) -> Result<Vec<Form>, QuantError> {
        let Some(wire) = wires.first() else {
            return Ok(Vec::new());
        };
        let unit = Scale(-self.scales[*wire]).factor();
        let least = wires
            .iter()
            .map(|wire| self.bounds[*wire].0)
            .min()
            .unwrap_or(0);
        let most = wires
            .iter()
            .map(|wire| self.bounds[*wire].1)
            .max()
            .unwrap_or(0);
        let bits = self.program.limbs.bits;
        let count = ((most - least) >> bits) + 1;
        if count > LIMIT {
            return Err(QuantError::Parameter {
                what: "the segments of a function",
                found: format!("{count} in node '{node}'"),
                expected: "at most 4096: coarser scales, or a narrower input range",
            });
        }
        let first = least as i64;
        let at = |segment: i128| {
            let x = (least + (segment << bits)) as f64 * unit;
            (curve.value)(argument.real(x))
        };
        let mut ends: Vec<f64> = (0..=count).map(at).collect();
        // What lies beyond the range is read nowhere, but may not exist.
        for index in 1..ends.len() {
            if !ends[index].is_finite() {
                ends[index] = ends[index - 1];
            }
        }
        let greatest = ends.iter().fold(0f64, |max, y| max.max(y.abs()));
        let room = self.program.limbs.range(Finish::Exact).1 as f64;
        let denominator = self.program.limbs.table_bits() as i32;
        let mut scale = curve.scale;
        let fits = |scale: i32| {
            let value = greatest * Scale(scale).factor();
            value < room && value * Scale(denominator).factor() < libm::ldexp(1.0, 49)
        };
        while scale > -24 && !fits(scale) {
            scale -= 1;
        }
        let integers: Option<Vec<i64>> = ends
            .iter()
            .map(|y| Scale(scale + denominator).quantize(*y))
            .collect();
        let Some(integers) = integers.filter(|_| fits(scale)) else {
            return Err(QuantError::Overflow {
                node: node.to_owned(),
                needed: self.program.limbs.total_bits() + 1,
                available: self.program.limbs.total_bits(),
            });
        };
        // Division rounds towards zero.
        let segments = integers
            .windows(2)
            .map(|pair| (pair[0], (pair[1] - pair[0]) / (1 << bits)));
        let table = Table {
            name: curve.name.clone(),
            first,
            segments: segments.collect(),
        };
        let index = match self.program.tables.iter().position(|other| *other == table) {
            Some(index) => index,
            None => {
                self.program.tables.push(table);
                self.program.tables.len() - 1
            }
        };
        let step = Step {
            name: node.to_owned(),
            kind: Kind::Table {
                table: index,
                inputs: wires.to_vec(),
            },
            finish: Finish::Exact,
            bound: None,
        };
        let first = self.push(step, scale)?;
        Ok((first..first + wires.len()).map(Form::of).collect())
    }

    /// The natural logarithm of positive elements: of the square root, twice, of the square root
    /// of that, ..., until the range is narrow enough for a table.
    pub(super) fn logarithm(&mut self, node: &str, x: &Value) -> Result<Vec<Form>, QuantError> {
        // What a table of 512 segments spans with an error that suits the scale.
        let mut x = x.clone();
        let mut roots = 0;
        loop {
            let (low, high) = self.hull(&x.elements);
            if low <= 0.0 {
                return Err(QuantError::Overflow {
                    node: node.to_owned(),
                    needed: 1,
                    available: 0,
                });
            }
            let most = Scale(5 - (self.fraction() - 8) / 2).factor().max(2.0);
            if high / low <= most || roots == 5 {
                break;
            }
            x = Value::settled(self.roots(node, &x)?);
            roots += 1;
        }
        let factor = Scale(roots).factor();
        let curve = Curve {
            name: format!("{factor} Log"),
            value: &|x| factor * libm::log(x),
            left: Tail::None,
            right: Tail::None,
            scale: self.fraction(),
        };
        let (low, high) = self.hull(&x.elements);
        let tolerance = Scale(-curve.scale - 2).factor();
        let scale = self.argument_scale(&curve, low, high, tolerance);
        let wires = self.at_scale(&x, node, scale)?;
        self.table(node, &curve, &wires, Argument::From(0.0))
    }

    /// Elements that are proved to be at most `most`: `most - w` for a wire that must not be
    /// negative.
    pub(super) fn at_most(
        &mut self,
        node: &str,
        x: &Value,
        most: f64,
    ) -> Result<Value, QuantError> {
        let forms = self.settle(x, node)?;
        let scales = forms
            .iter()
            .map(|form| self.exact_scale(form).unwrap_or(0).max(2));
        let scale = scales.max().unwrap_or(2);
        let most = libm::ceil(most * 4.0) / 4.0;
        let sum = |form: &Form| self.integers(node, &form.scaled(-1.0).shifted(most), scale);
        let sums = forms.iter().map(sum).collect::<Result<Vec<_>, _>>()?;
        let wires = self.sums(node, sums, Finish::Nonnegative, (scale, None))?;
        let element = |wire| Element::of(wire).affine(-1.0, most);
        Ok(Value {
            elements: wires.into_iter().map(element).collect(),
            nodes: Names::default(),
        })
    }
}

/// Functions that become a table and, beyond it, tails; the same on every platform.
pub(super) fn smooth(function: Function) -> Option<(Real, Tail, Tail)> {
    let constant = Tail::Constant;
    let half_erf = |x: f64| 0.5 * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2));
    Some(match function {
        Function::Sigmoid => (Box::new(sigmoid), constant(0.0), constant(1.0)),
        Function::Tanh => (Box::new(libm::tanh), constant(-1.0), constant(1.0)),
        Function::Erf => (Box::new(libm::erf), constant(-1.0), constant(1.0)),
        Function::Exp => (Box::new(libm::exp), constant(0.0), Tail::None),
        Function::Gelu => (
            Box::new(move |x| x * half_erf(x)),
            constant(0.0),
            Tail::Identity,
        ),
        Function::GeluTanh => {
            let gelu = |x: f64| {
                let inner = libm::sqrt(2.0 / std::f64::consts::PI) * (x + 0.044715 * x * x * x);
                0.5 * x * (1.0 + libm::tanh(inner))
            };
            (Box::new(gelu), constant(0.0), Tail::Identity)
        }
        Function::Silu(alpha) if alpha > 0.0 => {
            let alpha = f64::from(alpha);
            (
                Box::new(move |x| x * sigmoid(alpha * x)),
                constant(0.0),
                Tail::Identity,
            )
        }
        Function::Softplus => (Box::new(softplus), constant(0.0), Tail::Identity),
        Function::Mish => {
            let mish = |x: f64| x * libm::tanh(softplus(x));
            (Box::new(mish), constant(0.0), Tail::Identity)
        }
        _ => return None,
    })
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}
