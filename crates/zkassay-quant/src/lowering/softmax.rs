//! `exp(x) / sum exp(x)` over groups.
//!
//! With `m` the greatest of a group, `e = exp(x - m)` and `s = sum e`. One of the `e` is 1, so that
//! `s - 1` must not be negative, which is checked: `s` is then proved to be at least 1. One
//! reciprocal of `s` serves the group.

use zkassay_fixed::Scale;
use zkassay_graph::Node;

use super::curve::{Argument, Curve, Tail};
use super::form::{Element, Form, Value};
use super::names::Names;
use super::state::{Commit, Lowering, Promise};
use super::unsupported;
use crate::QuantError;
use crate::program::{Finish, Kind, Step, Wire};

/// Bits that exponentials have more than other values.
const FINER: i32 = 4;

impl Lowering<'_> {
    pub(super) fn softmax(
        &mut self,
        node: &Node,
        groups: &[Vec<u32>],
        log: bool,
        x: &Value,
    ) -> Result<Value, QuantError> {
        let name = node.name.as_str();
        let x = self.settle(x, name)?;
        let group = |group: &Vec<u32>| group.iter().map(|i| x[*i as usize].clone()).collect();
        let greatest = self.greatest(node, groups.iter().map(group).collect())?;
        let scale = (self.fraction() + FINER).min(16);
        // exp(-width) is half a unit.
        let width = libm::ceil((f64::from(scale) + 1.0) * std::f64::consts::LN_2);
        let curve = Curve {
            name: "Exp".into(),
            value: &libm::exp,
            left: Tail::None,
            right: Tail::None,
            scale,
        };
        let tolerance = Scale(-self.fraction() - 3).factor();
        let bits = self.program.limbs.bits as i32;
        let argument = self
            .argument_scale(&curve, -width, 0.0, tolerance)
            .max(bits - 2);
        let mut rest = Vec::with_capacity(x.len());
        for (group, greatest) in groups.iter().zip(&greatest) {
            let below = |i: &u32| x[*i as usize].minus(greatest).shifted(width);
            rest.extend(group.iter().map(below));
        }
        let how = Commit {
            relu: true,
            scale: argument,
            least: argument,
            // Scores of trees may be finer than any table's arguments.
            exact: self.fraction() + super::FINER,
            promise: Promise::UpTo(width),
            keep: false,
        };
        let arguments = self.commit(&Value::settled(rest), name, how)?;
        let terms = self.table(name, &curve, &arguments, Argument::From(-width))?;
        let mut sums = Vec::with_capacity(groups.len());
        let mut from = 0;
        for group in groups {
            let terms = &terms[from..from + group.len()];
            sums.push(Form::sum(terms.iter().map(|form| (form, 1.0))));
            from += group.len();
        }
        let sums = self.at_least(name, &sums, 1.0)?;
        let results = match log {
            true => {
                let logs = self.logarithm(name, &Value::settled(sums))?;
                let mut results = Vec::with_capacity(x.len());
                for ((group, greatest), log) in groups.iter().zip(&greatest).zip(&logs) {
                    let less = greatest.plus(log);
                    results.extend(group.iter().map(|i| x[*i as usize].minus(&less)));
                }
                results
            }
            false => self.shares(node, groups, &terms, sums, scale)?,
        };
        let mut elements = vec![Element::constant(0.0); x.len()];
        for (position, result) in groups.iter().flatten().zip(results) {
            elements[*position as usize] = Element::Form(result);
        }
        Ok(Value {
            elements,
            nodes: Names::of(&node.name),
        })
    }

    /// Each term times the reciprocal of its group's sum.
    fn shares(
        &mut self,
        node: &Node,
        groups: &[Vec<u32>],
        terms: &[Form],
        sums: Vec<Form>,
        scale: i32,
    ) -> Result<Vec<Form>, QuantError> {
        let pairs: Vec<(Form, Form)> = sums
            .into_iter()
            .map(|sum| (Form::constant(1.0), sum))
            .collect();
        // The product of a term and a reciprocal has to fit, too.
        let room = self.program.limbs.total_bits() as i32 - 2 - scale;
        let reciprocals = self.quotients(&node.name, &pairs, scale.min(room))?;
        let wire = |form: &Form| {
            let wire = form.wire();
            wire.ok_or_else(|| unsupported(node, "its exponentials are no wires"))
        };
        let mut products: Vec<(Wire, Wire)> = Vec::with_capacity(terms.len());
        let mut rest = terms.iter();
        for (group, reciprocal) in groups.iter().zip(&reciprocals) {
            let reciprocal = wire(reciprocal)?;
            for term in rest.by_ref().take(group.len()) {
                products.push((wire(term)?, reciprocal));
            }
        }
        let Some((term, reciprocal)) = products.first() else {
            return Ok(Vec::new());
        };
        let (own, other) = (self.scales[*term], self.scales[*reciprocal]);
        // A share is at most 1, and half a unit of the reciprocal more.
        let bound = Scale(own + other).factor() + Scale(own).factor();
        let step = Step {
            name: node.name.clone(),
            kind: Kind::Products(products),
            finish: Finish::Exact,
            bound: Some(bound as i64),
        };
        let first = self.push(step, own + other)?;
        Ok((first..first + terms.len()).map(Form::of).collect())
    }
}
