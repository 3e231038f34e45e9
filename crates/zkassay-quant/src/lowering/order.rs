//! Greatest and least elements of groups, exactly.
//!
//! For the positions of a group of up to `2^k` elements, integers become different keys: `2^k x`
//! plus what orders equal ones. The position is then what the key leaves over `2^k`.

use zkassay_fixed::Scale;
use zkassay_graph::{Node, Order};

use super::form::{Element, Form, Value};
use super::names::Names;
use super::state::{Commit, Lowering, Promise};
use super::unsupported;
use crate::QuantError;
use crate::calibrate::ceil_log2;

/// The most comparisons of one node.
const MOST: usize = 1 << 18;
/// Forms with more terms are committed while elements change places.
const LONG: usize = 8;

/// Keys of groups, with `bits` of each for the position.
struct Keys {
    groups: Vec<Vec<Form>>,
    bits: i32,
    scale: i32,
}

impl Lowering<'_> {
    pub(super) fn arg_max(
        &mut self,
        node: &Node,
        groups: &[Vec<u32>],
        (order, last): (Order, bool),
        x: &Value,
    ) -> Result<Value, QuantError> {
        let keys = self.keys(node, groups, order, last, x)?;
        let lens: Vec<usize> = groups.iter().map(Vec::len).collect();
        let greatest = self.greatest(node, keys.groups)?;
        let scale = keys.scale + keys.bits;
        let positions = self.positions(node, &greatest, keys.bits, scale)?;
        let most = Scale(keys.bits).factor() - 1.0;
        let results: Vec<Form> = positions
            .into_iter()
            .zip(&lens)
            .map(|((_, rest), len)| match (*len, last) {
                (1, _) => Form::constant(0.0),
                (_, true) => rest,
                (_, false) => rest.scaled(-1.0).shifted(most),
            })
            .collect();
        let largest = lens.iter().max().copied().unwrap_or(1) as f64;
        self.whole(node, results, largest)
    }

    pub(super) fn top_k(
        &mut self,
        node: &Node,
        groups: &[Vec<u32>],
        k: usize,
        (order, positions): (Order, bool),
        x: &Value,
    ) -> Result<Value, QuantError> {
        let count: usize = groups
            .iter()
            .map(|group| group.len().saturating_mul(k))
            .sum();
        if count > MOST {
            let reason = format!("{count} comparisons; {MOST} are possible");
            return Err(unsupported(node, reason));
        }
        let sign = if order == Order::Greatest { 1.0 } else { -1.0 };
        if !positions {
            let forms = self.settle(x, &node.name)?;
            let group = |group: &Vec<u32>| {
                group
                    .iter()
                    .map(|i| forms[*i as usize].scaled(sign))
                    .collect()
            };
            let top = self.top(node, groups.iter().map(group).collect(), k)?;
            let elements = top.iter().map(|form| Element::Form(form.scaled(sign)));
            return Ok(Value {
                elements: elements.collect(),
                nodes: Names::of(&node.name),
            });
        }
        let keys = self.keys(node, groups, order, false, x)?;
        let top = self.top(node, keys.groups, k)?;
        let scale = keys.scale + keys.bits;
        let places = self.positions(node, &top, keys.bits, scale)?;
        let most = Scale(keys.bits).factor() - 1.0;
        let results = places
            .into_iter()
            .map(|(_, rest)| rest.scaled(-1.0).shifted(most));
        let largest = groups.iter().map(Vec::len).max().unwrap_or(1) as f64;
        self.whole(node, results.collect(), largest)
    }

    /// Keys that are the greater the earlier they come in the order.
    fn keys(
        &mut self,
        node: &Node,
        groups: &[Vec<u32>],
        order: Order,
        last: bool,
        x: &Value,
    ) -> Result<Keys, QuantError> {
        let sign = if order == Order::Greatest { 1.0 } else { -1.0 };
        let forms = self.settle(x, &node.name)?;
        let largest = groups.iter().map(Vec::len).max().unwrap_or(1);
        let bits = ceil_log2(largest as f64).max(1);
        let scales = forms.iter().map(|form| self.exact_scale(form).unwrap_or(0));
        let scale = scales.max().unwrap_or(0).max(0);
        let unit = Scale(-scale - bits).factor();
        let most = Scale(bits).factor() - 1.0;
        let key = |(at, i): (usize, &u32)| {
            let rank = if last { at as f64 } else { most - at as f64 };
            forms[*i as usize].scaled(sign).shifted(rank * unit)
        };
        let group = |group: &Vec<u32>| group.iter().enumerate().map(key).collect();
        Ok(Keys {
            groups: groups.iter().map(group).collect(),
            bits,
            scale,
        })
    }

    /// Of keys, what their integers are over `2^bits`, and what is left.
    fn positions(
        &mut self,
        node: &Node,
        keys: &[Form],
        bits: i32,
        scale: i32,
    ) -> Result<Vec<(Form, Form)>, QuantError> {
        let sums: Vec<_> = keys
            .iter()
            .map(|key| self.integers(&node.name, key, scale))
            .collect::<Result<_, _>>()?;
        let floors = self.shifted_down(&node.name, sums, bits as u32)?;
        let pair = |(key, floor): (&Form, usize)| {
            let floor = Form::of(floor);
            let whole = Scale(scale).factor();
            let rest = Form::sum([(key, whole), (&floor, -Scale(bits).factor())]);
            (floor, rest)
        };
        Ok(keys.iter().zip(floors).map(pair).collect())
    }

    /// Wires for integers from zero up to a bound that their intervals do not show.
    fn whole(&mut self, node: &Node, forms: Vec<Form>, most: f64) -> Result<Value, QuantError> {
        let how = Commit {
            exact: 0,
            least: 0,
            promise: Promise::Within(most),
            ..self.rule()
        };
        Ok(Value::settled(self.committed(
            &Value::settled(forms),
            &node.name,
            how,
        )?))
    }

    /// The `k` greatest of each group, in order: the greatest is carried through the group, the
    /// lesser of each pair stays behind.
    fn top(
        &mut self,
        node: &Node,
        mut groups: Vec<Vec<Form>>,
        k: usize,
    ) -> Result<Vec<Form>, QuantError> {
        let ranges = groups.iter().flatten().map(|form| self.form_range(form));
        let (low, high) = ranges.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (a, b)| {
            (low.min(a), high.max(b))
        });
        let width = Promise::Within((high - low).max(0.0));
        let exactly = Commit {
            exact: i32::MAX,
            promise: Promise::Within((-low).max(high)),
            ..self.rule()
        };
        let longest = groups.iter().map(Vec::len).max().unwrap_or(0);
        for from in 0..k {
            for at in (from + 1..longest).rev() {
                // The greater of `at - 1` and `at` moves to the front.
                let has = |group: &&mut Vec<Form>| at < group.len();
                let differences = groups
                    .iter()
                    .filter(|group| at < group.len())
                    .map(|group| group[at].minus(&group[at - 1]))
                    .collect();
                let rectified = self.relu_exactly(differences, &node.name, width)?;
                for (group, above) in groups.iter_mut().filter(has).zip(rectified) {
                    group[at - 1] = group[at - 1].plus(&above);
                    group[at] = group[at].minus(&above);
                }
                let long: Vec<Form> = groups
                    .iter()
                    .flatten()
                    .filter(|form| form.terms.len() > LONG)
                    .cloned()
                    .collect();
                let wires = self.committed(&Value::settled(long), &node.name, exactly)?;
                let mut wires = wires.into_iter();
                for form in groups
                    .iter_mut()
                    .flatten()
                    .filter(|form| form.terms.len() > LONG)
                {
                    *form = wires.next().unwrap_or_default();
                }
            }
        }
        let first = groups
            .into_iter()
            .flat_map(|group| group.into_iter().take(k));
        let first = Value::settled(first);
        self.committed(&first, &node.name, exactly)
    }
}
