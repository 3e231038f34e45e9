//! How elements become wires.

use std::collections::{BTreeMap, HashMap};

use zkassay_fixed::Scale;

use super::Folded;
use super::form::{Block, Element, Form, Value};
use super::names::name_of;
use super::state::{COARSEST, Commit, Lowering, Promise};
use super::steps::Wired;
use crate::QuantError;
use crate::program::{Finish, Interval, Kind, Step, Sum, Wire};

/// A step that is not pushed yet, its wires' intervals, and the elements that its wires are.
type Attempt = (Step, Vec<Interval>, Vec<Option<usize>>);

impl Lowering<'_> {
    /// The wires that elements are: those that they are already, or new ones.
    pub(crate) fn commit(
        &mut self,
        value: &Value,
        node: &str,
        how: Commit,
    ) -> Result<Vec<Wire>, QuantError> {
        let value = &self.even(value, node)?;
        let mut positions: HashMap<Vec<u64>, usize> = HashMap::new();
        let mut unique: Vec<&Element> = Vec::new();
        let mut wires: Vec<Option<Wire>> = Vec::new();
        let mut places = Vec::with_capacity(value.elements.len());
        for element in &value.elements {
            let is_row = matches!(element, Element::Row { .. });
            let mut key = element.key();
            key.push(is_row.into());
            let place = *positions.entry(key).or_insert_with(|| {
                let wire = element.wire().filter(|_| how.keep);
                wires.push(wire.filter(|wire| !how.relu || self.bounds[*wire].0 >= 0));
                unique.push(element);
                unique.len() - 1
            });
            places.push(place);
        }
        let open: Vec<usize> = (0..unique.len())
            .filter(|at| wires[*at].is_none())
            .collect();
        if !open.is_empty() {
            let name = self.name(value, node, how.relu);
            let elements: Vec<&Element> = open.iter().map(|at| unique[*at]).collect();
            let committed = self.commit_all(&name, &elements, how)?;
            for (at, wire) in open.into_iter().zip(committed) {
                wires[at] = Some(wire);
            }
        }
        Ok(places
            .into_iter()
            .filter_map(|place| wires[place])
            .collect())
    }

    /// Forms of the wires of [`commit`](Self::commit).
    pub(crate) fn committed(
        &mut self,
        value: &Value,
        node: &str,
        how: Commit,
    ) -> Result<Vec<Form>, QuantError> {
        let wires = self.commit(value, node, how)?;
        Ok(wires.into_iter().map(Form::of).collect())
    }

    /// The name of a step, and a note of the nodes that it merges.
    fn name(&mut self, value: &Value, node: &str, relu: bool) -> String {
        let mut names = value.nodes.list(&mut self.room);
        let count = names.len();
        if (relu || names.is_empty()) && !names.contains(&node) {
            names.push(node);
        }
        let into = name_of(&names);
        if count > 1 && self.merged.insert(into.clone()) {
            self.folded.push(Folded {
                nodes: names[..count]
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect(),
                into: into.clone(),
            });
        }
        into
    }

    fn commit_all(
        &mut self,
        name: &str,
        elements: &[&Element],
        how: Commit,
    ) -> Result<Vec<Wire>, QuantError> {
        if let Some(wires) = self.commit_exactly(name, elements, how)? {
            return Ok(wires);
        }
        let finish = match how.relu {
            true => Finish::Relu,
            false => Finish::Round,
        };
        let worst = match how.promise {
            Promise::Within(bound) => bound,
            _ => {
                let (low, high) = self.hull(elements.iter().copied());
                (-low).max(high)
            }
        };
        let room = self.program.limbs.range(finish).1 as f64;
        let mut scale = how.scale;
        while scale > COARSEST && worst * Scale(scale).factor() > room {
            scale -= 1;
        }
        loop {
            match self.attempt(name, elements, how, (finish, scale)) {
                Ok(steps) => return self.append_all(steps, elements.len(), scale),
                Err(QuantError::Overflow { .. }) if scale > COARSEST => scale -= 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Without rounding, if all elements are forms that allow it.
    fn commit_exactly(
        &mut self,
        name: &str,
        elements: &[&Element],
        how: Commit,
    ) -> Result<Option<Vec<Wire>>, QuantError> {
        let mut scale = how.least;
        let mut forms = Vec::with_capacity(elements.len());
        for element in elements {
            let Element::Form(form) = element else {
                return Ok(None);
            };
            match self.exact_scale(form) {
                Some(exact) if exact <= how.exact => scale = scale.max(exact),
                _ => return Ok(None),
            }
            forms.push(form);
        }
        let sums = forms.iter().map(|form| self.integers(name, form, scale));
        let Ok(sums) = sums.collect::<Result<Vec<Sum>, _>>() else {
            return Ok(None);
        };
        let finish = match how.relu {
            true => Finish::ExactRelu,
            false => Finish::Exact,
        };
        let step = Step {
            name: name.to_owned(),
            kind: Kind::Sums(sums),
            finish,
            bound: None,
        };
        let Ok((step, bounds)) = self.promised(step, how.promise, scale) else {
            return Ok(None);
        };
        let first = self.append(step, bounds, scale)?;
        Ok(Some((first..first + elements.len()).collect()))
    }

    /// A step with its promise, and the intervals of its wires.
    fn promised(
        &self,
        mut step: Step,
        promise: Promise,
        scale: i32,
    ) -> Result<(Step, Vec<Interval>), QuantError> {
        let bound = |real: f64| {
            let bound = libm::ceil(real * Scale(scale).factor()) + 1.0;
            Some(bound.clamp(0.0, libm::ldexp(1.0, 61)) as i64)
        };
        step.bound = match promise {
            Promise::None => None,
            Promise::Within(real) => bound(real),
            Promise::UpTo(real) => {
                self.program.bounds_of(&step, &self.bounds)?;
                bound(real)
            }
        };
        let bounds = self.program.bounds_of(&step, &self.bounds)?;
        Ok((step, bounds))
    }

    fn append_all(
        &mut self,
        steps: Vec<Attempt>,
        count: usize,
        scale: i32,
    ) -> Result<Vec<Wire>, QuantError> {
        let mut wires = vec![0; count];
        for (step, bounds, elements) in steps {
            let first = self.append(step, bounds, scale)?;
            for (offset, element) in elements.into_iter().enumerate() {
                if let Some(element) = element {
                    wires[element] = first + offset;
                }
            }
        }
        Ok(wires)
    }

    /// The steps for elements at a scale.
    fn attempt(
        &mut self,
        name: &str,
        elements: &[&Element],
        how: Commit,
        (finish, scale): (Finish, i32),
    ) -> Result<Vec<Attempt>, QuantError> {
        let accumulator = scale + self.program.limbs.shift_bits() as i32;
        let coarser = self.make_coarser(name, elements, accumulator)?;
        let mut rows: BTreeMap<usize, Vec<(usize, f64, f64, usize)>> = BTreeMap::new();
        let mut forms: Vec<(usize, &Form)> = Vec::new();
        for (at, element) in elements.iter().enumerate() {
            match element {
                Element::Form(form) => forms.push((at, form)),
                Element::Row {
                    block,
                    row,
                    factor,
                    offset,
                } => rows
                    .entry(*block)
                    .or_default()
                    .push((*row, *factor, *offset, at)),
            }
        }
        let mut kinds: Vec<Wired> = Vec::new();
        for (block, rows) in rows {
            kinds.push(match &self.blocks[block].0 {
                Block::Dense {
                    inputs, weights, ..
                } => {
                    self.dense_step(name, (block, inputs, weights), &rows, accumulator, &coarser)?
                }
                Block::Conv(_) => self.conv_step(name, block, &rows, accumulator, &coarser)?,
            });
        }
        if !forms.is_empty() {
            kinds.push(self.sums_step(name, &forms, accumulator, &coarser)?);
        }
        let complete = |(kind, elements): Wired| {
            let step = Step {
                name: name.to_owned(),
                kind,
                finish,
                bound: None,
            };
            let (step, bounds) = self.promised(step, how.promise, scale)?;
            Ok((step, bounds, elements))
        };
        kinds.into_iter().map(complete).collect()
    }

    /// Every element a wire of one scale, at most this.
    pub(crate) fn at_scale(
        &mut self,
        value: &Value,
        node: &str,
        scale: i32,
    ) -> Result<Vec<Wire>, QuantError> {
        let is_there = |e: &Element| e.wire().is_some_and(|wire| self.scales[wire] == scale);
        let how = Commit {
            keep: value.elements.iter().all(is_there),
            scale,
            least: scale,
            exact: scale,
            ..self.rule()
        };
        self.commit(value, node, how)
    }

    /// Every element a wire.
    pub(crate) fn wires(&mut self, value: &Value, node: &str) -> Result<Vec<Wire>, QuantError> {
        let rule = self.rule();
        self.commit(value, node, rule)
    }
}
