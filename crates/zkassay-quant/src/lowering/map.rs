//! Functions of one number.

use zkassay_graph::{Function, Node};

use super::curve::{Curve, Tail, smooth};
use super::form::{Element, Form, Value};
use super::names::Names;
use super::state::{Commit, Lowering, Promise};
use super::unsupported;
use crate::QuantError;

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
                    nodes: Names::of(&node.name),
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
            Function::Truncate => self.truncated(node, x)?,
            Function::Round => self.nearest(node, x)?,
            Function::Power(n) => return self.power(node, n, x),
            Function::Sqrt => self.roots(name, x)?,
            Function::Reciprocal => return self.reciprocals(node, x),
            Function::Exp => self.exponentials(node, x)?,
            Function::Log => self.logarithms(node, x)?,
            Function::Softsign => return self.softsign(node, x),
            Function::Sin
            | Function::Cos
            | Function::Asin
            | Function::Acos
            | Function::Atan
            | Function::Asinh
            | Function::Acosh
            | Function::Atanh => self.trigonometric(node, function, x)?,
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
                value.nodes = value.nodes.and(&node.name);
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
            Names::default()
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
        value.nodes = Names::of(&node.name);
        Ok(value)
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
        value.nodes = Names::of(&node.name);
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
