//! The program so far: wires, their scales and intervals; how forms become wires.

use std::collections::{BTreeMap, HashMap, HashSet};

use ndarray::{Array2, Array4};
use zkassay_fixed::Scale;

use super::form::{Block, Element, Form, Value};
use super::{Folded, ProgramScheme};
use crate::QuantError;
use crate::program::{Finish, IntegerConv, Interval, Kind, Program, Step, Sum, Wire};

/// Rows with up to so many inputs are written out as forms.
const SHORT: usize = 16;
/// Weights coarser than this are worth a step that makes their wire coarser first.
const COARSEST_WEIGHTS: i32 = 8;
/// No tensor is coarser than this.
const COARSEST: i32 = -24;
/// Weights in a row of a proof, roughly: what decides between sums and a matrix.
const BLOCK: usize = 8;
/// More wires than any proof has rows.
const MOST_WIRES: usize = 1 << 21;
/// The most weights of a program.
const MOST_WEIGHTS: usize = 1 << 27;

/// What is known of committed values beyond the intervals of what they are computed from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Promise {
    /// Nothing.
    None,
    /// Values, and the accumulators that they come from, have at most this magnitude.
    Within(f64),
    /// Values of a rectifier reach at most this far; accumulators can be less than minus it.
    UpTo(f64),
}

/// How elements become wires.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Commit {
    /// Whether what is below zero becomes zero.
    pub(crate) relu: bool,
    /// The scale of rounded values, unless that leaves no room.
    pub(crate) scale: i32,
    /// The least scale of exact values, if there is room.
    pub(crate) least: i32,
    /// Forms whose exact scale is at most this are not rounded.
    pub(crate) exact: i32,
    /// What is known of the values.
    pub(crate) promise: Promise,
    /// Whether elements that are wires already stay those.
    pub(crate) keep: bool,
}

/// A program in the making.
pub(crate) struct Lowering<'a> {
    pub(crate) scheme: &'a ProgramScheme,
    pub(crate) program: Program,
    pub(crate) scales: Vec<i32>,
    pub(crate) bounds: Vec<Interval>,
    pub(crate) blocks: Vec<(Block, Vec<(f64, f64)>)>,
    pub(crate) folded: Vec<Folded>,
    pub(crate) used_limits: HashSet<usize>,
    coarser: HashMap<Wire, Wire>,
    weights: usize,
}

/// A step that is not pushed yet, its wires' intervals, and the elements that its wires are.
type Attempt = (Step, Vec<Interval>, Vec<Option<usize>>);

impl<'a> Lowering<'a> {
    pub(crate) fn new(scheme: &'a ProgramScheme, program: Program) -> Self {
        let (low, high) = program.limbs.input_range();
        Self {
            scheme,
            scales: vec![program.input_scale.0; program.inputs],
            bounds: vec![(low.into(), high.into()); program.inputs],
            program,
            blocks: Vec::new(),
            folded: Vec::new(),
            used_limits: HashSet::new(),
            coarser: HashMap::new(),
            weights: 0,
        }
    }

    /// The scale that tensors have if there is room.
    pub(crate) fn fraction(&self) -> i32 {
        self.scheme.fraction_bits
    }

    /// The rule for ordinary values.
    pub(crate) fn rule(&self) -> Commit {
        Commit {
            relu: false,
            scale: self.fraction(),
            least: COARSEST,
            exact: self.fraction(),
            promise: Promise::None,
            keep: true,
        }
    }

    /// Appends a step; its first wire.
    pub(crate) fn push(&mut self, step: Step, scale: i32) -> Result<Wire, QuantError> {
        let bounds = self.program.bounds_of(&step, &self.bounds)?;
        self.append(step, bounds, scale)
    }

    fn append(
        &mut self,
        step: Step,
        bounds: Vec<Interval>,
        scale: i32,
    ) -> Result<Wire, QuantError> {
        let first = self.bounds.len();
        self.weights += step.weights().count();
        if first + bounds.len() > MOST_WIRES || self.weights > MOST_WEIGHTS {
            return Err(QuantError::Unsupported {
                node: step.name,
                op: "the model so far".into(),
                reason: format!(
                    "more than {MOST_WIRES} values or {MOST_WEIGHTS} weights; smaller models can be proved"
                ),
            });
        }
        self.scales.resize(first + bounds.len(), scale);
        self.bounds.extend(bounds);
        self.program.steps.push(step);
        Ok(first)
    }

    /// A block, and its rows as elements.
    pub(crate) fn block(&mut self, block: Block) -> Vec<Element> {
        let at = self.blocks.len();
        let mut ranges: Vec<(f64, f64)> = (0..block.rows())
            .map(|row| (block.bias(row), block.bias(row)))
            .collect();
        let mut add = |row: usize, wire: Wire, weight: f64| {
            let (low, high) = self.reals(wire);
            let (a, b) = (weight * low, weight * high);
            ranges[row].0 += a.min(b);
            ranges[row].1 += a.max(b);
        };
        match &block {
            Block::Dense {
                inputs, weights, ..
            } => {
                for ((row, column), weight) in weights.indexed_iter() {
                    add(row, inputs[column], *weight);
                }
            }
            Block::Conv(conv) => conv.for_each(add),
        }
        let rows = block.rows();
        self.blocks.push((block, ranges));
        let element = |row| Element::Row {
            block: at,
            row,
            factor: 1.0,
            offset: 0.0,
        };
        (0..rows).map(element).collect()
    }

    /// The interval of a wire's real value.
    pub(crate) fn reals(&self, wire: Wire) -> (f64, f64) {
        let (low, high) = self.bounds[wire];
        let unit = Scale(-self.scales[wire]).factor();
        (low as f64 * unit, high as f64 * unit)
    }

    /// The interval of an element.
    pub(crate) fn range(&self, element: &Element) -> (f64, f64) {
        let (low, high) = match element {
            Element::Form(form) => return self.form_range(form),
            Element::Row {
                block,
                row,
                factor,
                offset,
            } => {
                let (low, high) = self.blocks[*block].1[*row];
                (factor * low + offset, factor * high + offset)
            }
        };
        (low.min(high), low.max(high))
    }

    /// The interval of a form.
    pub(crate) fn form_range(&self, form: &Form) -> (f64, f64) {
        let mut range = (form.bias, form.bias);
        for (wire, coefficient) in &form.terms {
            let (low, high) = self.reals(*wire);
            let (a, b) = (coefficient * low, coefficient * high);
            range = (range.0 + a.min(b), range.1 + a.max(b));
        }
        range
    }

    /// The interval of all elements together.
    pub(crate) fn hull<'b>(&self, elements: impl IntoIterator<Item = &'b Element>) -> (f64, f64) {
        let ranges = elements.into_iter().map(|element| self.range(element));
        ranges.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (a, b)| {
            (low.min(a), high.max(b))
        })
    }

    /// The coarsest scale at which a form is an integer sum of its wires' integers.
    pub(crate) fn exact_scale(&self, form: &Form) -> Option<i32> {
        let mut scale = lowest_bit(form.bias)?.map_or(i32::MIN, |bit| -bit);
        for (wire, coefficient) in &form.terms {
            let bit = lowest_bit(*coefficient)?.unwrap_or(0);
            scale = scale.max(self.scales[*wire] - bit);
        }
        Some(scale.max(COARSEST))
    }

    /// The sum that is `form` at a scale where it is exact.
    pub(crate) fn integers(&self, node: &str, form: &Form, scale: i32) -> Result<Sum, QuantError> {
        self.sum(node, form, scale, &HashMap::new())
    }

    fn sum(
        &self,
        node: &str,
        form: &Form,
        scale: i32,
        coarser: &HashMap<Wire, Wire>,
    ) -> Result<Sum, QuantError> {
        let mut terms: BTreeMap<Wire, i64> = BTreeMap::new();
        for (wire, coefficient) in &form.terms {
            let wire = *coarser.get(wire).unwrap_or(wire);
            let weight = self.weight(node, wire, *coefficient, scale)?;
            *terms.entry(wire).or_default() += weight;
        }
        Ok(Sum {
            terms: terms.into_iter().filter(|(_, weight)| *weight != 0).collect(),
            bias: quantize(node, Scale(scale), form.bias)?,
        })
    }

    /// A coefficient for an accumulator of a scale.
    fn weight(&self, node: &str, wire: Wire, real: f64, scale: i32) -> Result<i64, QuantError> {
        let scale = Scale(scale - self.scales[wire]);
        if scale.0 < 0 && real.fract() != 0.0 {
            return Err(QuantError::Parameter {
                what: "a weight scale",
                found: format!("2^{} in node '{node}'", scale.0),
                expected: "at least 2^0",
            });
        }
        match quantize(node, scale, real)? {
            weight if weight.unsigned_abs() < 1 << 44 => Ok(weight),
            weight => Err(QuantError::Overflow {
                node: node.to_owned(),
                needed: 65 - weight.leading_zeros(),
                available: 44,
            }),
        }
    }

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
        let open: Vec<usize> = (0..unique.len()).filter(|at| wires[*at].is_none()).collect();
        if !open.is_empty() {
            let name = self.name(value, node, how.relu);
            let elements: Vec<&Element> = open.iter().map(|at| unique[*at]).collect();
            let committed = self.commit_all(&name, &elements, how)?;
            for (at, wire) in open.into_iter().zip(committed) {
                wires[at] = Some(wire);
            }
        }
        Ok(places.into_iter().filter_map(|place| wires[place]).collect())
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
        let mut names: Vec<&str> = Vec::new();
        for name in value.nodes.iter().map(String::as_str) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let count = names.len();
        if (relu || names.is_empty()) && !names.contains(&node) {
            names.push(node);
        }
        let into = names.join(" + ");
        if count > 1 && !self.folded.iter().any(|folded| folded.into == into) {
            self.folded.push(Folded {
                nodes: names[..count].iter().map(|name| (*name).to_owned()).collect(),
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
                } => rows.entry(*block).or_default().push((*row, *factor, *offset, at)),
            }
        }
        let mut kinds: Vec<(Kind, Vec<Option<usize>>)> = Vec::new();
        for (block, rows) in rows {
            kinds.push(match &self.blocks[block].0 {
                Block::Dense {
                    inputs, weights, ..
                } => self.dense_step(name, (block, inputs, weights), &rows, accumulator, &coarser)?,
                Block::Conv(_) => self.conv_step(name, block, &rows, accumulator, &coarser)?,
            });
        }
        if !forms.is_empty() {
            kinds.push(self.sums_step(name, &forms, accumulator, &coarser)?);
        }
        let complete = |(kind, elements): (Kind, Vec<Option<usize>>)| {
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

    fn sums_step(
        &self,
        name: &str,
        forms: &[(usize, &Form)],
        accumulator: i32,
        coarser: &HashMap<Wire, Wire>,
    ) -> Result<(Kind, Vec<Option<usize>>), QuantError> {
        let sums = forms.iter().map(|(_, form)| self.sum(name, form, accumulator, coarser));
        let sums: Vec<Sum> = sums.collect::<Result<_, _>>()?;
        let elements = forms.iter().map(|(at, _)| Some(*at)).collect();
        let read: HashSet<Wire> = sums.iter().flat_map(|sum| &sum.terms).map(|t| t.0).collect();
        let terms: usize = sums.iter().map(|sum| sum.terms.len()).sum();
        let blocks = sums.len().div_ceil(BLOCK);
        if terms <= read.len() * blocks || read.len() * sums.len() > 1 << 22 {
            return Ok((Kind::Sums(sums), elements));
        }
        let mut inputs: Vec<Wire> = read.into_iter().collect();
        inputs.sort_unstable();
        let mut weights = Array2::zeros((sums.len(), inputs.len()));
        for (row, sum) in sums.iter().enumerate() {
            for (wire, weight) in &sum.terms {
                if let Ok(column) = inputs.binary_search(wire) {
                    weights[[row, column]] = *weight;
                }
            }
        }
        let bias = sums.iter().map(|sum| sum.bias).collect();
        let kind = Kind::Dense {
            inputs,
            weights,
            bias,
        };
        Ok((kind, elements))
    }

    fn dense_step(
        &self,
        name: &str,
        (block, inputs, weights): (usize, &[Wire], &Array2<f64>),
        rows: &[(usize, f64, f64, usize)],
        accumulator: i32,
        coarser: &HashMap<Wire, Wire>,
    ) -> Result<(Kind, Vec<Option<usize>>), QuantError> {
        let inputs: Vec<Wire> = inputs.iter().map(|w| *coarser.get(w).unwrap_or(w)).collect();
        let mut integers = Array2::zeros((rows.len(), inputs.len()));
        let mut biases = Vec::with_capacity(rows.len());
        for (at, (row, factor, offset, _)) in rows.iter().enumerate() {
            for (column, wire) in inputs.iter().enumerate() {
                let weight = factor * weights[[*row, column]];
                integers[[at, column]] = self.weight(name, *wire, weight, accumulator)?;
            }
            let bias = factor * self.blocks[block].0.bias(*row) + offset;
            biases.push(quantize(name, Scale(accumulator), bias)?);
        }
        let kind = Kind::Dense {
            inputs,
            weights: integers,
            bias: biases,
        };
        Ok((kind, rows.iter().map(|row| Some(row.3)).collect()))
    }

    /// One convolution for the rows of a block; rows of a channel share factor and offset, see
    /// [`uneven`](Self::uneven).
    fn conv_step(
        &self,
        name: &str,
        block: usize,
        rows: &[(usize, f64, f64, usize)],
        accumulator: i32,
        coarser: &HashMap<Wire, Wire>,
    ) -> Result<(Kind, Vec<Option<usize>>), QuantError> {
        let Block::Conv(conv) = &self.blocks[block].0 else {
            return Err(QuantError::Invalid {
                what: format!("node '{name}' is no convolution"),
            });
        };
        let plane = conv.plane();
        let mut channels: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for (row, factor, offset, _) in rows {
            channels.insert(row / plane, (*factor, *offset));
        }
        let order: Vec<usize> = channels.keys().copied().collect();
        let (_, in_channels, height, width) = conv.weights.dim();
        let mut weights = Array4::zeros((order.len(), in_channels, height, width));
        let mut bias = Vec::with_capacity(order.len());
        let area = conv.input[1] * conv.input[2];
        let read = |wire: &Wire| *coarser.get(wire).unwrap_or(wire);
        let mut inputs: Vec<Option<Wire>> = conv.inputs.clone();
        for channel in inputs.chunks_mut(area.max(1)) {
            // A channel has one scale, so all of it becomes coarser, or nothing.
            if channel.iter().flatten().all(|wire| coarser.contains_key(wire)) {
                for wire in channel.iter_mut().flatten() {
                    *wire = read(wire);
                }
            }
        }
        for (at, (channel, (factor, offset))) in channels.iter().enumerate() {
            for c in 0..in_channels {
                let wires = &inputs[c * area..(c + 1) * area];
                let Some(wire) = wires.iter().flatten().next() else {
                    continue;
                };
                for qy in 0..height {
                    for qx in 0..width {
                        let weight = factor * conv.weights[[*channel, c, qy, qx]];
                        weights[[at, c, qy, qx]] = self.weight(name, *wire, weight, accumulator)?;
                    }
                }
            }
            let real = factor * conv.bias[*channel] + offset;
            bias.push(quantize(name, Scale(accumulator), real)?);
        }
        let mut elements = vec![None; order.len() * plane];
        for (row, _, _, at) in rows {
            if let Ok(channel) = order.binary_search(&(row / plane)) {
                elements[channel * plane + row % plane] = Some(*at);
            }
        }
        let kind = Kind::Conv(IntegerConv {
            inputs,
            input: conv.input,
            weights,
            bias,
            output: conv.output,
            strides: conv.strides,
            dilations: conv.dilations,
            pads: conv.pads,
        });
        Ok((kind, elements))
    }

    /// Coarser copies of the wires that would leave no bits for their weights.
    fn make_coarser(
        &mut self,
        name: &str,
        elements: &[&Element],
        accumulator: i32,
    ) -> Result<HashMap<Wire, Wire>, QuantError> {
        let mut wires: Vec<Wire> = Vec::new();
        let mut blocks = HashSet::new();
        let is_fine = |this: &Self, wire: Wire| {
            this.scales[wire] > this.fraction()
                && accumulator - this.scales[wire] < COARSEST_WEIGHTS
        };
        let is_lost = |this: &Self, wire: Wire, c: f64| {
            let weight = c * Scale(accumulator - this.scales[wire]).factor();
            is_fine(this, wire) && weight.fract() != 0.0
        };
        for element in elements {
            match element {
                Element::Form(form) => {
                    let lost = form.terms.iter().filter(|(w, c)| is_lost(self, *w, *c));
                    wires.extend(lost.map(|(wire, _)| *wire));
                }
                Element::Row { block, .. } => {
                    blocks.insert(*block);
                }
            }
        }
        for block in blocks {
            match &self.blocks[block].0 {
                Block::Dense { inputs, .. } => wires.extend(inputs),
                Block::Conv(conv) => wires.extend(conv.inputs.iter().flatten()),
            }
        }
        wires.retain(|wire| is_fine(self, *wire));
        wires.sort_unstable();
        wires.dedup();
        self.coarsen(name, &wires)?;
        let found = wires.into_iter().filter_map(|w| Some((w, *self.coarser.get(&w)?)));
        Ok(found.collect())
    }

    /// Makes copies at the usual scale of wires that are finer, where there is room.
    fn coarsen(&mut self, name: &str, wires: &[Wire]) -> Result<(), QuantError> {
        let new = wires.iter().copied().filter(|wire| {
            self.scales[*wire] > self.fraction() && !self.coarser.contains_key(wire)
        });
        let shift = self.program.limbs.shift_bits() as i32;
        let scale = |this: &Self, wire: &Wire| this.fraction().max(this.scales[*wire] - shift);
        // Wires of one scale in one step.
        let mut groups: BTreeMap<(i32, i32), Vec<Wire>> = BTreeMap::new();
        for wire in new {
            let group = (self.scales[wire], scale(self, &wire));
            groups.entry(group).or_default().push(wire);
        }
        for ((from, to), wires) in groups {
            let weight = 1i64 << (shift + to - from).clamp(0, 44);
            let sum = |wire: &Wire| Sum {
                terms: vec![(*wire, weight)],
                bias: 0,
            };
            let step = Step {
                name: name.to_owned(),
                kind: Kind::Sums(wires.iter().map(sum).collect()),
                finish: Finish::Round,
                bound: None,
            };
            // Without room for it, weights stay as they are.
            if let Ok(bounds) = self.program.bounds_of(&step, &self.bounds) {
                let first = self.append(step, bounds, to)?;
                for (offset, wire) in wires.into_iter().enumerate() {
                    self.coarser.insert(wire, first + offset);
                }
            }
        }
        Ok(())
    }

    /// The wires at the usual scale, if they are finer and there is room.
    pub(crate) fn coarse(&mut self, name: &str, wires: &[Wire]) -> Result<Vec<Wire>, QuantError> {
        self.coarsen(name, wires)?;
        Ok(wires.iter().map(|wire| *self.coarser.get(wire).unwrap_or(wire)).collect())
    }

    /// The value with rows committed unless they have few terms: forms only.
    pub(crate) fn forms(&mut self, value: &Value, node: &str) -> Result<Vec<Form>, QuantError> {
        let short: Vec<Option<Form>> = value.elements.iter().map(|e| self.short(e)).collect();
        if short.iter().all(Option::is_some) {
            return Ok(short.into_iter().flatten().collect());
        }
        let rule = self.rule();
        self.committed(value, node, rule)
    }

    /// The form of an element, if it has few terms.
    fn short(&self, element: &Element) -> Option<Form> {
        match element {
            Element::Form(form) => Some(form.clone()),
            Element::Row {
                block,
                row,
                factor,
                offset,
            } => match &self.blocks[*block].0 {
                Block::Dense {
                    inputs,
                    weights,
                    bias,
                } if inputs.len() <= SHORT => {
                    let terms = inputs.iter().zip(weights.row(*row));
                    let forms: Vec<(Form, f64)> =
                        terms.map(|(wire, w)| (Form::of(*wire), factor * w)).collect();
                    let sum = Form::sum(forms.iter().map(|(form, w)| (form, *w)));
                    Some(sum.shifted(factor * bias[*row] + offset))
                }
                _ => None,
            },
        }
    }

    /// The value, with the convolutions committed whose channels have several factors or offsets:
    /// the others can take them into their weights.
    fn even(&mut self, value: &Value, node: &str) -> Result<Value, QuantError> {
        let mut seen: HashMap<(usize, usize), (f64, f64)> = HashMap::new();
        let mut uneven = HashSet::new();
        for element in &value.elements {
            if let Element::Row {
                block,
                row,
                factor,
                offset,
            } = element
                && let Block::Conv(conv) = &self.blocks[*block].0
            {
                let channel = (*block, row / conv.plane());
                if *seen.entry(channel).or_insert((*factor, *offset)) != (*factor, *offset) {
                    uneven.insert(*block);
                }
            }
        }
        if uneven.is_empty() {
            return Ok(value.clone());
        }
        let is_uneven = |e: &Element| matches!(e, Element::Row { block, .. } if uneven.contains(block));
        let plain = |element: &Element| match element {
            Element::Row { block, row, .. } => Element::Row {
                block: *block,
                row: *row,
                factor: 1.0,
                offset: 0.0,
            },
            form => form.clone(),
        };
        let rows = Value {
            elements: value.elements.iter().filter(|e| is_uneven(e)).map(plain).collect(),
            nodes: value.nodes.clone(),
        };
        let rule = self.rule();
        let mut wires = self.commit(&rows, node, rule)?.into_iter();
        let replace = |element: &Element| match element {
            Element::Row { factor, offset, .. } if is_uneven(element) => {
                let wire = wires.next().map_or_else(|| element.clone(), Element::of);
                wire.affine(*factor, *offset)
            }
            other => other.clone(),
        };
        Ok(Value {
            elements: value.elements.iter().map(replace).collect(),
            nodes: value.nodes.clone(),
        })
    }

    /// Every element a wire.
    pub(crate) fn wires(&mut self, value: &Value, node: &str) -> Result<Vec<Wire>, QuantError> {
        let rule = self.rule();
        self.commit(value, node, rule)
    }

    /// Forms of few terms that are exact at a scale near the usual one; other elements committed.
    pub(crate) fn settle(&mut self, value: &Value, node: &str) -> Result<Vec<Form>, QuantError> {
        let most = self.fraction() + 8;
        let keeps = |this: &Self, element: &Element| match element {
            Element::Form(form) => {
                form.terms.len() <= 4 && this.exact_scale(form).is_some_and(|s| s <= most)
            }
            Element::Row { .. } => false,
        };
        let others = Value {
            elements: value.elements.iter().filter(|e| !keeps(self, e)).cloned().collect(),
            nodes: value.nodes.clone(),
        };
        let rule = self.rule();
        let mut wires = self.commit(&others, node, rule)?.into_iter();
        let settle = |element: &Element| match element {
            Element::Form(form) if keeps(self, element) => form.clone(),
            _ => wires.next().map(Form::of).unwrap_or_default(),
        };
        Ok(value.elements.iter().map(settle).collect())
    }

    /// `max(0, x)` of each element: one wire, or none where the sign is known.
    pub(crate) fn relu(
        &mut self,
        value: &Value,
        node: &str,
        how: Commit,
    ) -> Result<Vec<Element>, QuantError> {
        let is_open = |this: &Self, element: &Element| {
            let (low, high) = this.range(element);
            low < 0.0 && high > 0.0
        };
        let open = Value {
            elements: value.elements.iter().filter(|e| is_open(self, e)).cloned().collect(),
            nodes: value.nodes.clone(),
        };
        let decided: Vec<bool> = value.elements.iter().map(|e| !is_open(self, e)).collect();
        let how = Commit { relu: true, ..how };
        let mut wires = self.commit(&open, node, how)?.into_iter();
        let finish = |(element, is_decided): (&Element, bool)| match is_decided {
            true if self.range(element).0 >= 0.0 => element.clone(),
            true => Element::constant(0.0),
            false => wires.next().map_or(Element::constant(0.0), Element::of),
        };
        Ok(value.elements.iter().zip(decided).map(finish).collect())
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

    /// A step of integer sums, whose wires have a scale.
    pub(crate) fn sums(
        &mut self,
        node: &str,
        sums: Vec<Sum>,
        finish: Finish,
        (scale, bound): (i32, Option<i64>),
    ) -> Result<Vec<Wire>, QuantError> {
        let count = sums.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        let step = Step {
            name: node.to_owned(),
            kind: Kind::Sums(sums),
            finish,
            bound,
        };
        let first = self.push(step, scale)?;
        Ok((first..first + count).collect())
    }

    /// The same for forms, without rounding.
    pub(crate) fn relu_exactly(
        &mut self,
        forms: Vec<Form>,
        node: &str,
        promise: Promise,
    ) -> Result<Vec<Form>, QuantError> {
        let how = Commit {
            exact: i32::MAX,
            promise,
            ..self.rule()
        };
        let elements = self.relu(&Value::settled(forms), node, how)?;
        let form = |element| match element {
            Element::Form(form) => form,
            Element::Row { .. } => Form::default(),
        };
        Ok(elements.into_iter().map(form).collect())
    }
}

/// The exponent of the lowest bit of a number: `None` for what is not finite, and none for zero.
#[expect(clippy::option_option, reason = "not finite, or no bit, or a bit")]
fn lowest_bit(x: f64) -> Option<Option<i32>> {
    if !x.is_finite() {
        return None;
    }
    if x == 0.0 {
        return Some(None);
    }
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    Some(Some(match exponent {
        0 => fraction.trailing_zeros() as i32 - 1074,
        _ => (fraction | 1 << 52).trailing_zeros() as i32 + exponent - 1075,
    }))
}

/// A real number as an integer.
fn quantize(node: &str, scale: Scale, real: f64) -> Result<i64, QuantError> {
    scale.quantize(real).ok_or_else(|| QuantError::Overflow {
        node: node.to_owned(),
        needed: 63,
        available: 62,
    })
}
