//! Circular and hyperbolic functions, and their inverses.
//!
//! Over a narrow range each is a table, with the error that `curve` states. Beyond it, sines are
//! those of the part of a turn that is left when whole turns are taken off, exactly; inverses follow
//! from roots, quotients and logarithms, whose arguments stay narrow:
//!
//! | function | is |
//! |---|---|
//! | `atan x` | `2 atan(x / (1 + sqrt(1 + x^2)))` |
//! | `asin x` | `2 atan((sqrt(1 + x) - sqrt(1 - x)) / (sqrt(1 + x) + sqrt(1 - x)))` |
//! | `asinh x` | `sign(x) log(abs(x) + sqrt(x^2 + 1))` |
//! | `acosh x` | `log(x + sqrt((x - 1) (x + 1)))` |
//! | `atanh x` | `(log(1 + x) - log(1 - x)) / 2` |
//!
//! The last four have a domain, and it is enforced: an input that leads out of it has no proof.

use std::f64::consts::{FRAC_1_PI, FRAC_PI_2, TAU};

use zkassay_fixed::Scale;
use zkassay_graph::{Function, Node};

use super::curve::{Argument, Curve, Tail};
use super::form::{Form, Value};
use super::state::{Commit, Lowering, Promise};
use super::unsupported;
use crate::QuantError;
use crate::program::{Finish, Sum};

/// A table that reaches so far is narrow: its segments are at most 1/32 wide.
const NARROW: f64 = 8.0;
/// Up to here, the inverse of the hyperbolic tangent is a table.
const STEEP: f64 = 0.9;
/// What the sum of the roots of `1 + x` and `1 - x` is at least, rounding included.
const LEAST_SUM: f64 = 1.25;

impl Lowering<'_> {
    pub(super) fn trigonometric(
        &mut self,
        node: &Node,
        function: Function,
        x: &Value,
    ) -> Result<Vec<Form>, QuantError> {
        let name = node.name.as_str();
        let (low, high) = self.hull(&x.elements);
        let reach = (-low).max(high);
        match function {
            Function::Sin if reach <= NARROW => self.tabulated(name, ("Sin", &libm::sin), x),
            Function::Cos if reach <= NARROW => self.tabulated(name, ("Cos", &libm::cos), x),
            Function::Sin => self.periodic(name, ("Sin of turns", &|t| libm::sin(TAU * t)), x),
            Function::Cos => self.periodic(name, ("Cos of turns", &|t| libm::cos(TAU * t)), x),
            Function::Atan if reach <= NARROW => self.tabulated(name, ("Atan", &libm::atan), x),
            Function::Atan => self.arc_tangents(node, x),
            Function::Asin => self.arc_sines(name, x),
            Function::Acos => {
                let sines = self.arc_sines(name, x)?;
                Ok(sines
                    .iter()
                    .map(|form| form.scaled(-1.0).shifted(FRAC_PI_2))
                    .collect())
            }
            Function::Asinh if reach <= NARROW => self.tabulated(name, ("Asinh", &libm::asinh), x),
            Function::Asinh => self.area_sines(node, x),
            Function::Acosh => self.area_cosines(node, x),
            Function::Atanh if reach <= STEEP => self.tabulated(name, ("Atanh", &libm::atanh), x),
            Function::Atanh => {
                let least = Scale(-self.fraction()).factor();
                let x = self.settle(x, name)?;
                let [above, below] = self.margins(name, &x, least)?;
                let above = self.logarithm(name, &Value::settled(above))?;
                let below = self.logarithm(name, &Value::settled(below))?;
                let pairs = above.iter().zip(&below);
                Ok(pairs.map(|(a, b)| a.minus(b).scaled(0.5)).collect())
            }
            _ => Err(unsupported(node, "it has no integer form")),
        }
    }

    /// A function that has no tails, a bit finer than other values.
    fn endless<'f>(&self, name: &str, value: &'f dyn Fn(f64) -> f64) -> Curve<'f> {
        Curve {
            name: name.to_owned(),
            value,
            left: Tail::None,
            right: Tail::None,
            scale: self.fraction() + 1,
        }
    }

    /// A table over all that the interval reaches.
    fn tabulated(
        &mut self,
        node: &str,
        (name, value): (&str, &dyn Fn(f64) -> f64),
        x: &Value,
    ) -> Result<Vec<Form>, QuantError> {
        let curve = self.endless(name, value);
        self.curve(node, x, &curve)
    }

    /// A function of turns that repeats after each: of `t = u - floor(u + 1/2)` for `u = x / 2 pi`.
    fn periodic(
        &mut self,
        node: &str,
        (name, value): (&str, &dyn Fn(f64) -> f64),
        x: &Value,
    ) -> Result<Vec<Form>, QuantError> {
        let curve = self.endless(name, value);
        let tolerance = Scale(-curve.scale - 2).factor();
        let scale = self.argument_scale(&curve, -0.5, 0.5, tolerance);
        let turns = Value {
            elements: x
                .elements
                .iter()
                .map(|e| e.affine(FRAC_1_PI / 2.0, 0.0))
                .collect(),
            nodes: x.nodes.clone(),
        };
        let wires = self.at_scale(&turns, node, scale)?;
        let turns: Vec<Form> = wires.into_iter().map(Form::of).collect();
        let whole = self.floors(node, &turns, 0.5)?;
        let rest = turns.iter().zip(&whole);
        let rest = Value::settled(rest.map(|(turns, whole)| turns.minus(whole).shifted(0.5)));
        let how = Commit {
            relu: true,
            exact: i32::MAX,
            promise: Promise::UpTo(1.0),
            keep: false,
            ..self.rule()
        };
        let rest = self.commit(&rest, node, how)?;
        self.table(node, &curve, &rest, Argument::From(-0.5))
    }

    /// `x / (1 + sqrt(1 + x^2))` is at most 1.
    fn arc_tangents(&mut self, node: &Node, x: &Value) -> Result<Vec<Form>, QuantError> {
        let name = node.name.as_str();
        let x = Value::settled(self.singles(x, name)?);
        let roots = self.roots_of_squares(node, &x, 1.0)?;
        let numerators = self.settle(&x, name)?;
        let divisors = roots.iter().map(|root| root.shifted(1.0));
        let pairs: Vec<(Form, Form)> = numerators.into_iter().zip(divisors).collect();
        self.doubled_arc_tangents(name, &pairs)
    }

    /// Twice the arc tangents of quotients between -1 and 1.
    fn doubled_arc_tangents(
        &mut self,
        node: &str,
        pairs: &[(Form, Form)],
    ) -> Result<Vec<Form>, QuantError> {
        let scale = self.fraction() + 1;
        let quotients = self.quotients_within(node, pairs, scale, Some(1.0))?;
        let curve = ("2 Atan", &(|x| 2.0 * libm::atan(x)) as &dyn Fn(f64) -> f64);
        self.tabulated(node, curve, &Value::settled(quotients))
    }

    fn arc_sines(&mut self, node: &str, x: &Value) -> Result<Vec<Form>, QuantError> {
        let x = self.settle(x, node)?;
        let [above, below] = self.margins(node, &x, 0.0)?;
        let above = self.roots(node, &Value::settled(above))?;
        let below = self.roots(node, &Value::settled(below))?;
        let roots = || above.iter().zip(&below);
        let sums: Vec<Form> = roots().map(|(a, b)| a.plus(b)).collect();
        let sums = self.at_least(node, &sums, LEAST_SUM)?;
        let differences = roots().map(|(a, b)| a.minus(b));
        let pairs: Vec<(Form, Form)> = differences.zip(sums).collect();
        self.doubled_arc_tangents(node, &pairs)
    }

    fn area_sines(&mut self, node: &Node, x: &Value) -> Result<Vec<Form>, QuantError> {
        let name = node.name.as_str();
        let x = Value::settled(self.singles(x, name)?);
        let roots = self.roots_of_squares(node, &x, 1.0)?;
        let magnitudes = self.magnitudes(node, &x)?;
        let sums = magnitudes.iter().zip(&roots).map(|(x, root)| x.plus(root));
        let logarithms = self.logarithm(name, &Value::settled(sums))?;
        let settled = self.settle(&x, name)?;
        let signs = self.signs(name, settled)?;
        self.products(node, &Value::settled(logarithms), &Value::settled(signs))
    }

    /// With `d = x - 1`, which must not be negative: `log(1 + d + sqrt(d^2 + 2 d))`.
    fn area_cosines(&mut self, node: &Node, x: &Value) -> Result<Vec<Form>, QuantError> {
        let name = node.name.as_str();
        let x = self.settle(x, name)?;
        let scale = self.unit_scale(&x);
        let sums = x
            .iter()
            .map(|form| self.integers(name, &form.shifted(-1.0), scale));
        let sums: Vec<Sum> = sums.collect::<Result<_, _>>()?;
        let wires = self.sums(name, sums, Finish::Nonnegative, (scale, None))?;
        let beyond: Vec<Form> = wires.into_iter().map(Form::of).collect();
        let value = Value::settled(beyond.iter().cloned());
        let squares = self.products(node, &value, &value)?;
        let pairs = squares.iter().zip(&beyond);
        let radicands = pairs.map(|(square, d)| Form::sum([(square, 1.0), (d, 2.0)]));
        let roots = self.roots(name, &Value::settled(radicands))?;
        let sums = beyond
            .iter()
            .zip(&roots)
            .map(|(d, root)| d.plus(root).shifted(1.0));
        self.logarithm(name, &Value::settled(sums))
    }

    /// `sqrt(x^2 + c)`; elements have at most one term.
    fn roots_of_squares(
        &mut self,
        node: &Node,
        x: &Value,
        c: f64,
    ) -> Result<Vec<Form>, QuantError> {
        let squares = self.products(node, x, x)?;
        let sums = squares.iter().map(|square| square.shifted(c));
        self.roots(&node.name, &Value::settled(sums))
    }

    /// `1 + x` and `1 - x`, which must both be at least `least`. Nothing is promised of the first, so
    /// that whatever lies outside is told to do so; then it is what the second leaves of 2.
    fn margins(
        &mut self,
        node: &str,
        x: &[Form],
        least: f64,
    ) -> Result<[Vec<Form>; 2], QuantError> {
        let scale = self.unit_scale(x);
        let units = libm::ceil(least * Scale(scale).factor());
        let least = units * Scale(-scale).factor();
        let mut margin = |sign: f64, bound| {
            let shifted = |form: &Form| form.scaled(sign).shifted(1.0 - least);
            let sums = x
                .iter()
                .map(|form| self.integers(node, &shifted(form), scale));
            let sums: Vec<Sum> = sums.collect::<Result<_, QuantError>>()?;
            self.sums(node, sums, Finish::Nonnegative, (scale, bound))
        };
        margin(1.0, None)?;
        let most = (2i64 << scale.clamp(0, 60)) - 2 * units as i64;
        let below = margin(-1.0, Some(most))?.into_iter();
        let below: Vec<Form> = below.map(|wire| Form::of(wire).shifted(least)).collect();
        let above = below.iter().map(|form| form.scaled(-1.0).shifted(2.0));
        Ok([above.collect(), below])
    }

    /// The scale at which all forms are exact, and so is 1.
    fn unit_scale(&self, x: &[Form]) -> i32 {
        let scales = x.iter().map(|form| self.exact_scale(form).unwrap_or(0));
        scales.max().unwrap_or(0).max(2)
    }
}
