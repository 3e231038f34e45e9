//! Functions of one number.

use zkassay_graph::{Function, Node};

use super::curve::{Curve, Tail, smooth};
use super::form::{Element, Form, Value};
use super::state::{Commit, Lowering, Promise};
use super::{unsupported, with};
use crate::QuantError;
use crate::program::{Finish, Sum, Wire};

/// Exponentials of more than this have no table, unless calibration rows bound them closer.
const GREATEST_EXPONENT: f64 = 6.0;
/// The greatest exponent of a power.
const GREATEST_POWER: u32 = 64;

impl Lowering<'_> {
    pub(super) fn map(
        &mut self,
        node: &Node,
        function: Function,
        x: &Value,
    ) -> Result<Value, QuantError> {
        let name = node.name.as_str();
        let forms = match function {
            Function::Relu => return self.rectifier(node, x),
            Function::Clip(low, high) => return self.clip(node, low, high, x),
            Function::LeakyRelu(alpha) => {
                let alpha = f64::from(alpha);
                let x = self.settle(x, name)?;
                let above = self.relu_exactly(x.clone(), name, Promise::None)?;
                let pairs = x.iter().zip(&above);
                let sum = |(x, above)| Element::Form(Form::sum([(x, alpha), (above, 1.0 - alpha)]));
                return Ok(Value {
                    elements: pairs.map(sum).collect(),
                    nodes: vec![node.name.clone()],
                });
            }
            Function::Abs => self.magnitudes(node, x)?,
            Function::Sign => {
                let x = self.settle(x, name)?;
                self.signs(name, x)?
            }
            Function::IsNonzero => self.truths(node, x)?,
            Function::Not => {
                let truths = self.truths(node, x)?;
                truths
                    .iter()
                    .map(|form| form.scaled(-1.0).shifted(1.0))
                    .collect()
            }
            Function::Floor => {
                let x = self.settle(x, name)?;
                self.floors(name, &x, 0.0)?
            }
            Function::Ceil => {
                let x = self.settle(x, name)?;
                let back: Vec<Form> = x.iter().map(|form| form.scaled(-1.0)).collect();
                let floors = self.floors(name, &back, 0.0)?;
                floors.iter().map(|form| form.scaled(-1.0)).collect()
            }
            Function::Truncate => {
                // floor(relu(x)) - floor(relu(-x))
                let x = self.settle(x, name)?;
                let above = self.relu_exactly(x.clone(), name, Promise::None)?;
                let below: Vec<Form> = above.iter().zip(&x).map(|(a, x)| a.minus(x)).collect();
                let (above, below) = (
                    self.floors(name, &above, 0.0)?,
                    self.floors(name, &below, 0.0)?,
                );
                above.iter().zip(&below).map(|(a, b)| a.minus(b)).collect()
            }
            Function::Round => {
                let x = self.settle(x, name)?;
                self.round_to_even(name, &x)?
            }
            Function::Power(n) => return self.power(node, n, x),
            Function::Sqrt => self.roots(name, x)?,
            Function::Reciprocal => return self.reciprocals(node, x),
            Function::Exp => self.exponentials(node, x)?,
            Function::Log => self.logarithms(node, x)?,
            Function::Softsign => return self.softsign(node, x),
            Function::Elu { alpha, beta } => self.elu(node, (alpha.into(), beta.into()), x)?,
            Function::Silu(alpha) if alpha <= 0.0 => {
                // x sigmoid(alpha x) = -(-x sigmoid(-alpha (-x)))
                let back = Value {
                    elements: x.elements.iter().map(|e| e.affine(-1.0, 0.0)).collect(),
                    nodes: x.nodes.clone(),
                };
                let mut value = match alpha {
                    0.0 => back,
                    alpha => self.map(node, Function::Silu(-alpha), &back)?,
                };
                let factor = if alpha == 0.0 { -0.5 } else { -1.0 };
                for element in &mut value.elements {
                    *element = element.affine(factor, 0.0);
                }
                value.nodes = with(&value.nodes, node);
                return Ok(value);
            }
            function => self.smooth(node, function, x)?,
        };
        Ok(Value::settled(forms))
    }

    fn rectifier(&mut self, node: &Node, x: &Value) -> Result<Value, QuantError> {
        let rule = self.rule();
        let elements = self.relu(x, &node.name, rule)?;
        let are_wires = elements.iter().all(|e| e.wire().is_some());
        let nodes = if are_wires {
            Vec::new()
        } else {
            x.nodes.clone()
        };
        Ok(Value { elements, nodes })
    }

    /// `|x| = 2 relu(x) - x`.
    pub(super) fn magnitudes(&mut self, node: &Node, x: &Value) -> Result<Vec<Form>, QuantError> {
        let x = self.settle(x, &node.name)?;
        let above = self.relu_exactly(x.clone(), &node.name, Promise::None)?;
        let pairs = above.iter().zip(&x);
        let forms: Vec<Form> = pairs
            .map(|(above, x)| Form::sum([(above, 2.0), (x, -1.0)]))
            .collect();
        // A wire of its own: the interval of the sum reaches far below zero.
        let most = x.iter().map(|form| {
            let (low, high) = self.form_range(form);
            (-low).max(high)
        });
        let most = most.fold(0.0, f64::max);
        let open: Vec<Form> = forms
            .iter()
            .filter(|form| form.terms.len() > 1)
            .cloned()
            .collect();
        let magnitudes = self.relu_exactly(open, &node.name, Promise::Within(most))?;
        let mut magnitudes = magnitudes.into_iter();
        let magnitude = |form: Form| match form.terms.len() {
            0 | 1 => form,
            _ => magnitudes.next().unwrap_or_default(),
        };
        Ok(forms.into_iter().map(magnitude).collect())
    }

    /// `high - relu(high - low - relu(x - low))`.
    fn clip(&mut self, node: &Node, low: f32, high: f32, x: &Value) -> Result<Value, QuantError> {
        let (low, high) = (f64::from(low), f64::from(high));
        if low >= high {
            return Ok(Value::settled(vec![Form::constant(high); x.elements.len()]));
        }
        let rule = self.rule();
        let mut value = x.clone();
        // What is not a number bounds nothing.
        let is_bound = |bound: f64| bound.is_finite();
        let mut offset = 0.0;
        if is_bound(low) {
            let above = Value {
                elements: value.elements.iter().map(|e| e.affine(1.0, -low)).collect(),
                nodes: value.nodes.clone(),
            };
            value.elements = self.relu(&above, &node.name, rule)?;
            offset = low;
        }
        if is_bound(high) {
            let below = Value {
                elements: value
                    .elements
                    .iter()
                    .map(|e| e.affine(-1.0, high - offset))
                    .collect(),
                nodes: value.nodes.clone(),
            };
            let exact = Commit {
                exact: self.fraction() + 8,
                ..rule
            };
            let rest = self.relu(&below, &node.name, exact)?;
            value.elements = rest.iter().map(|e| e.affine(-1.0, high)).collect();
        } else {
            value.elements = value
                .elements
                .iter()
                .map(|e| e.affine(1.0, offset))
                .collect();
        }
        value.nodes = vec![node.name.clone()];
        Ok(value)
    }

    /// The greatest integer up to `x + offset`; exact for forms that are exact at some scale.
    pub(super) fn floors(
        &mut self,
        node: &str,
        x: &[Form],
        offset: f64,
    ) -> Result<Vec<Form>, QuantError> {
        let scales = x
            .iter()
            .map(|form| self.exact_scale(form).unwrap_or(0).max(1));
        let scale = scales.max().unwrap_or(1);
        let sums: Vec<Sum> = x
            .iter()
            .map(|form| self.integers(node, &form.shifted(offset), scale))
            .collect::<Result<_, _>>()?;
        let wires = self.shifted_down(node, sums, scale as u32)?;
        Ok(wires.into_iter().map(Form::of).collect())
    }

    /// `floor(x / 2^bits)` of integers, as wires of scale 0.
    pub(super) fn shifted_down(
        &mut self,
        node: &str,
        mut sums: Vec<Sum>,
        mut bits: u32,
    ) -> Result<Vec<Wire>, QuantError> {
        let shift = self.program.limbs.shift_bits();
        loop {
            // A rescale is round(y / 2^shift) = floor((y + 2^(shift - 1)) / 2^shift).
            let now = bits.min(shift);
            let factor = 1i64 << (shift - now);
            let half = 1i64 << (shift - 1);
            for sum in &mut sums {
                for (_, weight) in &mut sum.terms {
                    *weight = weight.saturating_mul(factor);
                }
                sum.bias = sum.bias.saturating_mul(factor).saturating_sub(half);
            }
            let wires = self.sums(node, sums, Finish::Round, (0, None))?;
            bits -= now;
            if bits == 0 {
                return Ok(wires);
            }
            sums = wires.into_iter().map(Sum::of).collect();
        }
    }

    /// The nearest integer, halves to even: `floor(x + 1/2)`, less 1 where `x + 1/2` is an odd
    /// integer.
    fn round_to_even(&mut self, node: &str, x: &[Form]) -> Result<Vec<Form>, QuantError> {
        let rounded = self.floors(node, x, 0.5)?;
        let halves: Vec<Form> = rounded.iter().map(|form| form.scaled(0.5)).collect();
        let floors = self.floors(node, &halves, 0.0)?;
        let mut ties = Vec::with_capacity(x.len());
        for (x, rounded) in x.iter().zip(&rounded) {
            // The remainder as an integer; not negative.
            let remainder = x.shifted(0.5).minus(rounded);
            let scale = self.exact_scale(&remainder).unwrap_or(0);
            let sum = self.integers(node, &remainder.scaled(-1.0), scale)?;
            ties.push(Sum {
                bias: sum.bias + 1,
                ..sum
            });
        }
        let ties = self.up_to_one(node, ties)?;
        let mut corrections = Vec::with_capacity(x.len());
        for ((tie, rounded), floor) in ties.into_iter().zip(&rounded).zip(&floors) {
            let parity = Form::sum([(rounded, 1.0), (floor, -2.0)]);
            corrections.push(self.integers(node, &parity.plus(&Form::of(tie)).shifted(-1.0), 0)?);
        }
        let corrections = self.up_to_one(node, corrections)?;
        let results = rounded.iter().zip(corrections);
        Ok(results
            .map(|(rounded, wire)| rounded.minus(&Form::of(wire)))
            .collect())
    }

    /// By squaring.
    fn power(&mut self, node: &Node, n: u32, x: &Value) -> Result<Value, QuantError> {
        if n > GREATEST_POWER {
            let reason = format!("the power {n}; up to {GREATEST_POWER} are possible");
            return Err(unsupported(node, reason));
        }
        let mut square = Value::settled(self.singles(x, &node.name)?);
        let mut result: Option<Value> = None;
        let mut rest = n;
        while rest > 0 {
            if rest % 2 == 1 {
                result = Some(match result {
                    None => square.clone(),
                    Some(so_far) => Value::settled(self.products(node, &so_far, &square)?),
                });
            }
            rest /= 2;
            if rest > 0 {
                square = Value::settled(self.products(node, &square, &square)?);
            }
        }
        let ones = || vec![Form::constant(1.0); x.elements.len()];
        let mut value = result.unwrap_or_else(|| Value::settled(ones()));
        value.nodes = vec![node.name.clone()];
        Ok(value)
    }

    fn exponentials(&mut self, node: &Node, x: &Value) -> Result<Vec<Form>, QuantError> {
        let (_, high) = self.hull(&x.elements);
        if high <= GREATEST_EXPONENT {
            return self.smooth(node, Function::Exp, x);
        }
        match self.limit(node, 0) {
            Some(limit) if f64::from(limit.high) < high => {
                self.used_limits.insert(limit.value);
                let most = f64::from(limit.high).max(0.0);
                let bounded = self.at_most(&node.name, x, most)?;
                self.smooth(node, Function::Exp, &bounded)
            }
            _ => self.smooth(node, Function::Exp, x),
        }
    }

    fn logarithms(&mut self, node: &Node, x: &Value) -> Result<Vec<Form>, QuantError> {
        let (low, high) = self.hull(&x.elements);
        if low > 0.0 {
            return self.logarithm(&node.name, x);
        }
        match self.limit(node, 0) {
            Some(limit) if limit.low > 0.0 => {
                self.used_limits.insert(limit.value);
                let forms = self.settle(x, &node.name)?;
                let forms = self.at_least(&node.name, &forms, limit.low.into())?;
                self.logarithm(&node.name, &Value::settled(forms))
            }
            _ => {
                let reason = format!(
                    "its argument can be zero or less: it lies between {low:.3e} and {high:.3e}, as far as the \
                     input range tells, and calibration rows do not keep it above zero; add a constant to it, \
                     or clip it"
                );
                Err(unsupported(node, reason))
            }
        }
    }

    /// `x / (1 + |x|)`.
    fn softsign(&mut self, node: &Node, x: &Value) -> Result<Value, QuantError> {
        let magnitudes = self.magnitudes(node, x)?;
        let numerators = self.settle(x, &node.name)?;
        let divisors = magnitudes.into_iter().map(|form| form.shifted(1.0));
        let pairs: Vec<(Form, Form)> = numerators.into_iter().zip(divisors).collect();
        // The quotient is at most 1, whatever the intervals say.
        let scale = self.fraction();
        Ok(Value::settled(self.quotients_within(
            &node.name,
            &pairs,
            scale,
            Some(1.0),
        )?))
    }

    /// `relu(x) + alpha (exp(min(x, 0) / beta) - 1)`.
    fn elu(
        &mut self,
        node: &Node,
        (alpha, beta): (f64, f64),
        x: &Value,
    ) -> Result<Vec<Form>, QuantError> {
        if !(alpha.is_finite() && beta.is_finite() && beta > 0.0) {
            return Err(unsupported(
                node,
                format!("alpha {alpha}, beta {beta}; beta has to be positive"),
            ));
        }
        let x = self.settle(x, &node.name)?;
        let above = self.relu_exactly(x.clone(), &node.name, Promise::None)?;
        // relu(-x) = relu(x) - x
        let below = x.iter().zip(&above).map(|(x, above)| x.minus(above));
        let curve = Curve {
            name: format!("Elu({alpha}, {beta})"),
            value: &|x| alpha * libm::expm1(x.min(0.0) / beta),
            left: Tail::Constant(-alpha),
            right: Tail::Constant(0.0),
            scale: self.fraction(),
        };
        let below = Value::settled(below);
        let table = self.curve(&node.name, &below, &curve)?;
        Ok(above.iter().zip(&table).map(|(a, b)| a.plus(b)).collect())
    }

    fn smooth(
        &mut self,
        node: &Node,
        function: Function,
        x: &Value,
    ) -> Result<Vec<Form>, QuantError> {
        let Some((value, left, right)) = smooth(function) else {
            return Err(unsupported(node, "it has no integer form"));
        };
        let curve = Curve {
            name: format!("{function:?}"),
            value: &*value,
            left,
            right,
            scale: self.fraction() + 1,
        };
        self.curve(&node.name, x, &curve)
    }
}
