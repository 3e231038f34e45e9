//! Sums, extremes and norms of groups.

use zkassay_graph::{Node, Reduction};

use super::form::{Element, Form, Value};
use super::names::Names;
use super::state::{Commit, Lowering, Promise};
use crate::QuantError;

impl Lowering<'_> {
    pub(super) fn reduce(
        &mut self,
        node: &Node,
        reduction: Reduction,
        groups: &[Vec<u32>],
        x: &Value,
    ) -> Result<Value, QuantError> {
        let sums = |forms: &[Form], factor: &dyn Fn(usize) -> f64| -> Vec<Element> {
            let sum = |group: &Vec<u32>| {
                let factor = factor(group.len());
                Element::Form(Form::sum(
                    group.iter().map(|i| (&forms[*i as usize], factor)),
                ))
            };
            groups.iter().map(sum).collect()
        };
        match reduction {
            Reduction::Sum | Reduction::Mean | Reduction::MeanOf(_) => {
                let forms = self.forms(x, &node.name)?;
                let elements = match reduction {
                    Reduction::Sum => sums(&forms, &|_| 1.0),
                    Reduction::MeanOf(count) => sums(&forms, &|_| 1.0 / f64::from(count.max(1))),
                    _ => sums(&forms, &|len| 1.0 / len as f64),
                };
                Ok(Value {
                    elements,
                    nodes: x.nodes.and(&node.name),
                })
            }
            Reduction::Max | Reduction::Min => {
                let sign = if reduction == Reduction::Max {
                    1.0
                } else {
                    -1.0
                };
                let forms = self.settle(x, &node.name)?;
                let group = |group: &Vec<u32>| -> Vec<Form> {
                    group
                        .iter()
                        .map(|i| forms[*i as usize].scaled(sign))
                        .collect()
                };
                let greatest = self.greatest(node, groups.iter().map(group).collect())?;
                Ok(Value::settled(
                    greatest.iter().map(|form| form.scaled(sign)),
                ))
            }
            Reduction::L1 => {
                let magnitudes = self.magnitudes(node, x)?;
                Ok(Value {
                    elements: sums(&magnitudes, &|_| 1.0),
                    nodes: Names::of(&node.name),
                })
            }
            Reduction::L2 => {
                let squares = self.products(node, x, x)?;
                let sums = Value {
                    elements: sums(&squares, &|_| 1.0),
                    nodes: Names::of(&node.name),
                };
                Ok(Value::settled(self.roots(&node.name, &sums)?))
            }
        }
    }

    /// The greatest of each group, exactly: `max(a, b) = b + relu(a - b)`, in pairs. Each is a
    /// wire, or the form itself where it is alone.
    pub(super) fn greatest(
        &mut self,
        node: &Node,
        groups: Vec<Vec<Form>>,
    ) -> Result<Vec<Form>, QuantError> {
        let forms = || groups.iter().flatten();
        let bound = |this: &Self| {
            let ranges = forms().map(|form| this.form_range(form));
            ranges.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (a, b)| {
                (low.min(a), high.max(b))
            })
        };
        let (low, high) = bound(self);
        let width = (high - low).max(0.0);
        let was_single: Vec<bool> = groups.iter().map(|group| group.len() == 1).collect();
        let mut rounds = groups.clone();
        while rounds.iter().any(|group| group.len() > 1) {
            let pairs = rounds.iter().flat_map(|group| group.chunks_exact(2));
            let differences = pairs.map(|pair| pair[0].minus(&pair[1])).collect();
            let within = Promise::Within(width);
            let mut rectified = self
                .relu_exactly(differences, &node.name, within)?
                .into_iter();
            for group in &mut rounds {
                let mut next = Vec::with_capacity(group.len().div_ceil(2));
                for pair in group.chunks(2) {
                    next.push(match pair {
                        [_, b] => b.plus(&rectified.next().unwrap_or_default()),
                        [alone] => alone.clone(),
                        _ => continue,
                    });
                }
                *group = next;
            }
        }
        let results: Vec<Form> = rounds
            .into_iter()
            .filter_map(|mut group| group.pop())
            .collect();
        let open = results
            .iter()
            .zip(&was_single)
            .filter(|(_, single)| !**single);
        let open = Value::settled(open.map(|(form, _)| form.clone()));
        let how = Commit {
            exact: i32::MAX,
            promise: Promise::Within((-low).max(high)),
            ..self.rule()
        };
        let mut wires = self.commit(&open, &node.name, how)?.into_iter();
        let result = |(form, is_single): (Form, bool)| match is_single {
            true => form,
            false => wires.next().map(Form::of).unwrap_or_default(),
        };
        Ok(results.into_iter().zip(was_single).map(result).collect())
    }
}
