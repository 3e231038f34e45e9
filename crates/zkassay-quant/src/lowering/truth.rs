//! Comparisons, exactly on integers; truth values are 0 and 1.
//!
//! For an integer `x`, `1 - relu(1 - relu(x))` is 1 if `x >= 1` and 0 if `x <= 0`.

use zkassay_graph::{Binary, Node};

use super::form::{Form, Value};
use super::state::Lowering;
use crate::QuantError;
use crate::program::{Finish, Sum, Wire};

impl Lowering<'_> {
    /// Integers that are positive, zero or negative with the forms, and their wires after `relu`.
    fn rectified(
        &mut self,
        node: &str,
        forms: &[Form],
    ) -> Result<(Vec<Sum>, Vec<Wire>), QuantError> {
        let sums: Vec<Sum> = forms
            .iter()
            .map(|form| {
                let scale = self.exact_scale(form).unwrap_or(0);
                self.integers(node, form, scale)
            })
            .collect::<Result<_, _>>()?;
        let wires = self.sums(node, sums.clone(), Finish::ExactRelu, (0, None))?;
        Ok((sums, wires))
    }

    /// `[x > 0]` for forms that are exact at some scale.
    pub(super) fn is_positive(
        &mut self,
        node: &str,
        forms: Vec<Form>,
    ) -> Result<Vec<Form>, QuantError> {
        let (_, above) = self.rectified(node, &forms)?;
        let complement = |wire: &Wire| Sum {
            terms: vec![(*wire, -1)],
            bias: 1,
        };
        let sums = above.iter().map(complement).collect();
        let not = self.sums(node, sums, Finish::ExactRelu, (0, None))?;
        Ok(not
            .into_iter()
            .map(|wire| Form::of(wire).scaled(-1.0).shifted(1.0))
            .collect())
    }

    /// `[x = 0]`: `relu(1 - |x|)`, where `|x| = 2 relu(x) - x`.
    pub(super) fn is_zero(
        &mut self,
        node: &str,
        forms: Vec<Form>,
    ) -> Result<Vec<Form>, QuantError> {
        let (sums, above) = self.rectified(node, &forms)?;
        let tests: Vec<Sum> = sums
            .into_iter()
            .zip(&above)
            .map(|(sum, wire)| one_minus(&sum, *wire, 2))
            .collect();
        let wires = self.up_to_one(node, tests)?;
        Ok(wires.into_iter().map(Form::of).collect())
    }

    /// -1, 0 or 1: `[x >= 0] - [x <= 0]`.
    pub(super) fn signs(&mut self, node: &str, forms: Vec<Form>) -> Result<Vec<Form>, QuantError> {
        let (sums, above) = self.rectified(node, &forms)?;
        let not_positive = |wire: &Wire| Sum {
            terms: vec![(*wire, -1)],
            bias: 1,
        };
        let not_positive = above.iter().map(not_positive).collect();
        let not_positive = self.sums(node, not_positive, Finish::ExactRelu, (0, None))?;
        // `relu(-x) = relu(x) - x`.
        let tests: Vec<Sum> = sums
            .into_iter()
            .zip(&above)
            .map(|(sum, wire)| one_minus(&sum, *wire, 1))
            .collect();
        let not_negative = self.up_to_one(node, tests)?;
        let pairs = not_negative.into_iter().zip(not_positive);
        Ok(pairs
            .map(|(a, b)| Form::of(a).minus(&Form::of(b)))
            .collect())
    }

    /// `relu` of sums that are at most one, though their intervals do not say so.
    pub(super) fn up_to_one(
        &mut self,
        node: &str,
        sums: Vec<Sum>,
    ) -> Result<Vec<Wire>, QuantError> {
        for sum in &sums {
            // The promise is about values only: accumulators have to fit without it.
            let (low, _) = sum.bounds(&self.bounds);
            let (_, most) = self.program.limbs.range(Finish::ExactRelu);
            if -low > i128::from(most) {
                return Err(QuantError::Overflow {
                    node: node.to_owned(),
                    needed: 129 - low.unsigned_abs().leading_zeros(),
                    available: self.program.limbs.total_bits(),
                });
            }
        }
        self.sums(node, sums, Finish::ExactRelu, (0, Some(1)))
    }

    /// Truth values; of numbers, whether they are not zero.
    pub(super) fn truths(&mut self, node: &Node, x: &Value) -> Result<Vec<Form>, QuantError> {
        let forms = self.settle(x, &node.name)?;
        match forms.iter().all(|form| self.is_truth(form)) {
            true => Ok(forms),
            false => {
                let zero = self.is_zero(&node.name, forms)?;
                Ok(zero
                    .iter()
                    .map(|form| form.scaled(-1.0).shifted(1.0))
                    .collect())
            }
        }
    }

    /// Whether a form is an integer from 0 to 1.
    fn is_truth(&self, form: &Form) -> bool {
        let (low, high) = self.form_range(form);
        low >= 0.0 && high <= 1.0 && self.exact_scale(form).is_some_and(|scale| scale <= 0)
    }

    /// Of truth values.
    pub(super) fn logic(
        &mut self,
        node: &str,
        binary: Binary,
        a: &[Form],
        b: &[Form],
    ) -> Result<Vec<Form>, QuantError> {
        // `a and b = relu(a + b - 1)`, `a or b = 1 - relu(1 - a - b)`, `a xor b = a + b - 2 (a and b)`.
        let sums: Vec<Form> = a.iter().zip(b).map(|(a, b)| a.plus(b)).collect();
        let sum = |form: &Form| match binary {
            Binary::Or => form.scaled(-1.0).shifted(1.0),
            _ => form.shifted(-1.0),
        };
        let rectified: Vec<Sum> = sums
            .iter()
            .map(|form| self.integers(node, &sum(form), 0))
            .collect::<Result<_, _>>()?;
        let wires = self.sums(node, rectified, Finish::ExactRelu, (0, None))?;
        let result = |(wire, sum): (Wire, &Form)| match binary {
            Binary::Or => Form::of(wire).scaled(-1.0).shifted(1.0),
            Binary::Xor => sum.plus(&Form::of(wire).scaled(-2.0)),
            _ => Form::of(wire),
        };
        let results = wires.into_iter().zip(&sums).map(result).collect();
        match binary {
            // Its interval does not show that it is a truth value.
            Binary::Xor => self.promised_truths(node, results),
            _ => Ok(results),
        }
    }

    fn promised_truths(&mut self, node: &str, forms: Vec<Form>) -> Result<Vec<Form>, QuantError> {
        let sums: Vec<Sum> = forms
            .iter()
            .map(|form| self.integers(node, form, 0))
            .collect::<Result<_, _>>()?;
        let wires = self.up_to_one(node, sums)?;
        Ok(wires.into_iter().map(Form::of).collect())
    }
}

/// `1 - (factor wire - sum)`.
fn one_minus(sum: &Sum, wire: Wire, factor: i64) -> Sum {
    let mut terms = sum.terms.clone();
    terms.push((wire, -factor));
    Sum {
        terms,
        bias: sum.bias + 1,
    }
}
