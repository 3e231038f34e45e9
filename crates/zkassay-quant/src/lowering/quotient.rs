//! Quotients and square roots: the prover supplies them, and sums that must not be negative show
//! that they are right.

use zkassay_graph::Node;

use super::form::{Element, Form, Value};
use super::state::{Commit, Lowering};
use super::{Limit, unsupported};
use crate::QuantError;
use crate::calibrate::ceil_log2;
use crate::program::{Finish, Hint, Interval, Kind, Step, Sum, Wire};

/// Quotients and roots are at least this fine.
const COARSEST: i32 = 2;
/// Scales of small divisors are finer by at most so many bits.
const FINER: i32 = 12;

/// Bounds of quotients from calibration rows are used if the proved ones are so much greater.
const FAR: f64 = 4.0;

/// The integers of one quotient.
struct Division {
    /// `2 (2^k n + offset d) + d`, to be divided by `2 d`.
    numerator: Sum,
    /// `d = factor * wire + bias`.
    denominator: Sum,
    wire: Wire,
    factor: i64,
    /// A bound on the quotient.
    quotient: i128,
}

impl Lowering<'_> {
    pub(super) fn divide(
        &mut self,
        node: &Node,
        a: &Value,
        b: &Value,
    ) -> Result<Value, QuantError> {
        let (divisors, sign) = self.divisors(node, b, 1)?;
        let numerators = self.settle(a, &node.name)?;
        let pair = |(n, d): (&Form, Form)| (n.scaled(sign), d);
        let pairs: Vec<(Form, Form)> = numerators.iter().zip(divisors).map(pair).collect();
        let within = self.quotient_limit(&pairs);
        let scale = self.fraction();
        Ok(Value::settled(
            self.quotients_within(&node.name, &pairs, scale, within)?,
        ))
    }

    /// `1 / x`.
    pub(super) fn reciprocals(&mut self, node: &Node, x: &Value) -> Result<Value, QuantError> {
        let (divisors, sign) = self.divisors(node, x, 0)?;
        let pair = |d: Form| (Form::constant(sign), d);
        let pairs: Vec<(Form, Form)> = divisors.into_iter().map(pair).collect();
        let scale = self.fraction();
        Ok(Value::settled(self.quotients(&node.name, &pairs, scale)?))
    }

    /// The bound that the scheme has for quotients, if intervals give one that is far greater, as
    /// where a row is divided by its own deviation.
    fn quotient_limit(&mut self, pairs: &[(Form, Form)]) -> Option<f64> {
        let limit = self
            .scheme
            .limits
            .iter()
            .find(|limit| limit.value == self.at)?;
        let within = f64::from(limit.high).max(-f64::from(limit.low));
        let proved = pairs.iter().map(|(n, d)| {
            let ((low, high), (least, _)) = (self.form_range(n), self.form_range(d));
            (-low).max(high) / least
        });
        let proved = proved.fold(0.0, f64::max);
        (proved > FAR * within).then(|| {
            self.used_limits.insert(self.at);
            within
        })
    }

    /// Divisors of one term that are positive, and the sign that they had.
    fn divisors(
        &mut self,
        node: &Node,
        x: &Value,
        operand: usize,
    ) -> Result<(Vec<Form>, f64), QuantError> {
        let (low, high) = self.hull(&x.elements);
        let limit = self.limit(node, operand);
        let (least, sign) = match limit {
            _ if low > 0.0 => (low, 1.0),
            _ if high < 0.0 => (-high, -1.0),
            Some(Limit { low, .. }) if low > 0.0 => (f64::from(low), 1.0),
            Some(Limit { high, .. }) if high < 0.0 => (f64::from(-high), -1.0),
            _ => {
                let reason = format!(
                    "its divisor can be zero: it lies between {low:.3e} and {high:.3e}, as far as the input \
                     range tells, and calibration rows do not keep it away from zero; add a constant to it, \
                     or clip it"
                );
                return Err(unsupported(node, reason));
            }
        };
        let finer = (-ceil_log2(least)).clamp(0, FINER) + 3;
        let how = Commit {
            scale: self.fraction() + finer,
            exact: self.fraction() + finer,
            ..self.rule()
        };
        let signed = Value {
            elements: x.elements.iter().map(|e| e.affine(sign, 0.0)).collect(),
            nodes: x.nodes.clone(),
        };
        let is_fine = |this: &Self, element: &Element| match element {
            Element::Form(form) if form.terms.len() <= 1 => this
                .exact_scale(form)
                .is_some_and(|scale| scale <= how.exact),
            _ => false,
        };
        let others = Value {
            elements: signed
                .elements
                .iter()
                .filter(|e| !is_fine(self, e))
                .cloned()
                .collect(),
            nodes: signed.nodes.clone(),
        };
        let mut wires = self.commit(&others, &node.name, how)?.into_iter();
        let single = |element: &Element| match element {
            Element::Form(form) if is_fine(self, element) => form.clone(),
            _ => wires.next().map(Form::of).unwrap_or_default(),
        };
        let forms: Vec<Form> = signed.elements.iter().map(single).collect();
        let is_positive = |form: &Form| self.form_range(form).0 > 0.0;
        if forms.iter().all(is_positive) {
            return Ok((forms, sign));
        }
        match limit {
            Some(limit) => {
                self.used_limits.insert(limit.value);
                Ok((self.at_least(&node.name, &forms, least)?, sign))
            }
            // Only rounding makes it zero.
            None => Err(QuantError::Overflow {
                node: node.name.clone(),
                needed: 1,
                available: 0,
            }),
        }
    }

    /// The bounds that the scheme has for an operand.
    pub(super) fn limit(&self, node: &Node, operand: usize) -> Option<Limit> {
        let value = node.inputs.get(operand)?;
        self.scheme
            .limits
            .iter()
            .find(|limit| limit.value == *value)
            .cloned()
    }

    /// Forms that are proved to be at least `least`: `least + w` for a wire `w` that must not be
    /// negative.
    pub(super) fn at_least(
        &mut self,
        node: &str,
        forms: &[Form],
        least: f64,
    ) -> Result<Vec<Form>, QuantError> {
        let scales: Vec<i32> = forms
            .iter()
            .map(|form| self.exact_scale(form).unwrap_or(0).max(0))
            .collect();
        let scale = scales.iter().copied().max().unwrap_or(0);
        let unit = zkassay_fixed::Scale(scale).factor();
        let least = libm::floor(least * unit).max(1.0) / unit;
        let sums: Vec<Sum> = forms
            .iter()
            .map(|form| self.integers(node, &form.shifted(-least), scale))
            .collect::<Result<_, _>>()?;
        let wires = self.sums(node, sums, Finish::Nonnegative, (scale, None))?;
        Ok(wires
            .into_iter()
            .map(|wire| Form::of(wire).shifted(least))
            .collect())
    }

    /// `n / d`, rounded to nearest, halves upwards, at a scale of at most `scale`. Divisors have
    /// one term and are proved to be positive; numerators are exact at some scale.
    pub(super) fn quotients(
        &mut self,
        node: &str,
        pairs: &[(Form, Form)],
        scale: i32,
    ) -> Result<Vec<Form>, QuantError> {
        self.quotients_within(node, pairs, scale, None)
    }

    /// The same for quotients of a magnitude that is known from elsewhere.
    pub(super) fn quotients_within(
        &mut self,
        node: &str,
        pairs: &[(Form, Form)],
        scale: i32,
        within: Option<f64>,
    ) -> Result<Vec<Form>, QuantError> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        // An integer that makes quotients positive.
        let mut offset = 0f64;
        for (n, d) in pairs {
            let ((low, _), (least, _)) = (self.form_range(n), self.form_range(d));
            offset = offset.max(libm::ceil(-low / least));
        }
        let offset = within.map_or(offset, |within| offset.min(libm::ceil(within) + 1.0));
        let mut scale = scale;
        loop {
            match self.divisions(node, pairs, scale, (offset, within)) {
                Ok(steps) => return self.push_divisions(node, steps, scale, offset),
                Err(QuantError::Overflow { .. }) if scale > COARSEST => scale -= 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn divisions(
        &self,
        node: &str,
        pairs: &[(Form, Form)],
        scale: i32,
        (offset, within): (f64, Option<f64>),
    ) -> Result<Vec<Division>, QuantError> {
        let overflow = || QuantError::Overflow {
            node: node.to_owned(),
            needed: self.program.limbs.total_bits() + 1,
            available: self.program.limbs.total_bits(),
        };
        let limit = i128::from(self.program.limbs.range(Finish::Exact).1);
        let division = |(n, d): &(Form, Form)| {
            let scale_of_n = self.exact_scale(n).ok_or_else(overflow)?;
            let scale_of_d = self
                .exact_scale(d)
                .ok_or_else(overflow)?
                .max(scale_of_n - scale);
            let k = scale + scale_of_d - scale_of_n;
            let scale_of_n = scale_of_n + k.min(0);
            let numerator = self.integers(node, n, scale_of_n)?;
            let denominator = self.integers(node, d, scale_of_d)?;
            let [(wire, factor)] = denominator.terms.as_slice() else {
                return Err(overflow());
            };
            let (wire, factor) = (*wire, *factor);
            let whole = offset * zkassay_fixed::Scale(scale + 1).factor() + 1.0;
            if !(0..=40).contains(&k) || whole > libm::ldexp(1.0, 43) {
                return Err(overflow());
            }
            let (least, largest) = denominator.bounds(&self.bounds);
            let (_, most) = numerator.bounds(&self.bounds);
            if least < 1 || largest > limit || most > 1 << 70 {
                return Err(overflow());
            }
            let mut quotient = (most.max(0) << k) / least + i128::from(whole as i64) / 2 + 1;
            if let Some(within) = within {
                let most = libm::ceil((within + offset) * zkassay_fixed::Scale(scale).factor());
                quotient = quotient.min(most as i128 + 1);
            }
            if quotient > limit {
                return Err(overflow());
            }
            let numerator = add(&numerator, 1 << (k + 1), &denominator, whole as i64);
            let numerator = numerator.ok_or_else(overflow)?;
            let (_, most) = numerator.bounds(&self.bounds);
            let product = (most / 2).min(quotient * largest)
                + largest
                + quotient * i128::from(denominator.bias.abs());
            if product > limit || 2 * largest > limit {
                return Err(overflow());
            }
            Ok(Division {
                numerator,
                denominator,
                wire,
                factor,
                quotient,
            })
        };
        pairs.iter().map(division).collect()
    }

    /// Quotients, their products with the divisors, and two checks for each.
    fn push_divisions(
        &mut self,
        node: &str,
        divisions: Vec<Division>,
        scale: i32,
        offset: f64,
    ) -> Result<Vec<Form>, QuantError> {
        let hint = |division: &Division| Hint::Quotient {
            numerator: division.numerator.clone(),
            denominator: doubled(&division.denominator),
        };
        let greatest = |this: &Self, of: &dyn Fn(&Division, Interval, Interval) -> i128| {
            let bound = |division: &Division| {
                let numerator = division.numerator.bounds(&this.bounds);
                of(
                    division,
                    numerator,
                    division.denominator.bounds(&this.bounds),
                )
            };
            divisions.iter().map(bound).max().unwrap_or(0) as i64
        };
        let largest = greatest(self, &|division, _, _| division.quotient);
        let step = Step {
            name: node.to_owned(),
            kind: Kind::Hints(divisions.iter().map(hint).collect()),
            finish: Finish::Exact,
            bound: Some(largest),
        };
        let quotients = self.push(step, scale)?;
        // q d <= numerator / 2 + d, and q d = factor (q wire) + bias q.
        let bound = greatest(self, &|division, (_, most), (_, d)| {
            let bias = i128::from(division.denominator.bias.unsigned_abs());
            ((most / 2).min(division.quotient * d) + d + i128::from(largest) * bias)
                / i128::from(division.factor.unsigned_abs())
                + 1
        });
        let pairs = divisions
            .iter()
            .zip(quotients..)
            .map(|(division, q)| (q, division.wire));
        let step = Step {
            name: node.to_owned(),
            kind: Kind::Products(pairs.collect()),
            finish: Finish::Exact,
            bound: Some(bound),
        };
        let products = self.push(step, 0)?;
        let mut checks = Vec::with_capacity(2 * divisions.len());
        for (at, division) in divisions.iter().enumerate() {
            let back = Sum {
                terms: vec![
                    (quotients + at, division.denominator.bias),
                    (products + at, division.factor),
                ],
                bias: 0,
            };
            let remainder = add(&division.numerator, 1, &back, -2);
            let beyond = remainder
                .as_ref()
                .and_then(|r| add(&doubled(&division.denominator), 1, r, -1));
            let (Some(remainder), Some(mut beyond)) = (remainder, beyond) else {
                return Err(QuantError::Overflow {
                    node: node.to_owned(),
                    needed: 64,
                    available: 63,
                });
            };
            beyond.bias -= 1;
            checks.extend([remainder, beyond]);
        }
        let bound = greatest(self, &|_, _, (_, d)| 2 * d);
        self.sums(node, checks, Finish::Nonnegative, (0, Some(bound)))?;
        let form = |at| Form::of(quotients + at).shifted(-offset);
        Ok((0..divisions.len()).map(form).collect())
    }

    /// The square root of each element, rounded down; of what is below zero, zero.
    pub(super) fn roots(&mut self, node: &str, x: &Value) -> Result<Vec<Form>, QuantError> {
        let how = Commit {
            scale: 2 * self.fraction(),
            exact: 2 * self.fraction(),
            ..self.rule()
        };
        let wires = self.commit(x, node, how)?;
        let mut forms: Vec<Form> = wires.into_iter().map(Form::of).collect();
        if forms.iter().any(|form| self.form_range(form).0 < 0.0) {
            forms = self.relu_exactly(forms, node, super::state::Promise::None)?;
        }
        let scales: Vec<i32> = forms
            .iter()
            .map(|form| self.exact_scale(form).unwrap_or(0))
            .collect();
        let finest = scales.iter().copied().max().unwrap_or(0);
        let mut scale = self.fraction().max((finest + 1) / 2);
        loop {
            match self.roots_at(node, &forms, scale) {
                Err(QuantError::Overflow { .. }) if 2 * (scale - 1) >= finest => scale -= 1,
                done => return done,
            }
        }
    }

    fn roots_at(
        &mut self,
        node: &str,
        forms: &[Form],
        scale: i32,
    ) -> Result<Vec<Form>, QuantError> {
        let sums: Vec<Sum> = forms
            .iter()
            .map(|form| self.integers(node, form, 2 * scale))
            .collect::<Result<_, _>>()?;
        let most = sums
            .iter()
            .map(|sum| sum.bounds(&self.bounds).1)
            .max()
            .unwrap_or(0)
            .max(1);
        let limit = i128::from(self.program.limbs.range(Finish::Exact).1);
        if most > limit {
            return Err(QuantError::Overflow {
                node: node.to_owned(),
                needed: 129 - most.leading_zeros(),
                available: self.program.limbs.total_bits(),
            });
        }
        let (most, root) = (most as i64, (most as u128).isqrt() as i64);
        let step = Step {
            name: node.to_owned(),
            kind: Kind::Hints(sums.iter().cloned().map(Hint::Root).collect()),
            finish: Finish::Exact,
            bound: Some(root),
        };
        let roots = self.push(step, scale)?;
        let step = Step {
            name: node.to_owned(),
            kind: Kind::Products((0..sums.len()).map(|at| (roots + at, roots + at)).collect()),
            finish: Finish::Exact,
            bound: Some(most),
        };
        let squares = self.push(step, 2 * scale)?;
        let mut checks = Vec::with_capacity(2 * sums.len());
        for (at, sum) in sums.iter().enumerate() {
            // r^2 <= x, and x <= (r + 1)^2 - 1 = r^2 + 2 r.
            let mut below = sum.clone();
            below.terms.push((squares + at, -1));
            let mut above = Sum {
                terms: sum
                    .terms
                    .iter()
                    .map(|(wire, weight)| (*wire, -weight))
                    .collect(),
                bias: -sum.bias,
            };
            above.terms.extend([(squares + at, 1), (roots + at, 2)]);
            checks.extend([below, above]);
        }
        let bound = Some(root.saturating_mul(2));
        self.sums(node, checks, Finish::Nonnegative, (0, bound))?;
        let results: Vec<Form> = (0..forms.len()).map(|at| Form::of(roots + at)).collect();
        // What a hint is at least, its interval does not say.
        let least = sums
            .iter()
            .map(|sum| sum.bounds(&self.bounds).0)
            .min()
            .unwrap_or(0);
        match u128::try_from(least).map_or(0, u128::isqrt) {
            0 => Ok(results),
            least => {
                let unit = zkassay_fixed::Scale(-scale).factor();
                self.at_least(node, &results, least as f64 * unit)
            }
        }
    }
}

/// `a f + b g`, if it fits.
fn add(a: &Sum, f: i64, b: &Sum, g: i64) -> Option<Sum> {
    let mut terms: std::collections::BTreeMap<Wire, i64> = std::collections::BTreeMap::new();
    for (sum, factor) in [(a, f), (b, g)] {
        for (wire, weight) in &sum.terms {
            let term = terms.entry(*wire).or_default();
            *term = term.checked_add(weight.checked_mul(factor)?)?;
        }
    }
    let bias = a.bias.checked_mul(f)?.checked_add(b.bias.checked_mul(g)?)?;
    Some(Sum {
        terms: terms
            .into_iter()
            .filter(|(_, weight)| *weight != 0)
            .collect(),
        bias,
    })
}

fn doubled(sum: &Sum) -> Sum {
    Sum {
        terms: sum
            .terms
            .iter()
            .map(|(wire, weight)| (*wire, 2 * weight))
            .collect(),
        bias: 2 * sum.bias,
    }
}
