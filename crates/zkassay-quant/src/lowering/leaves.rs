//! What the leaves of a [plan](super::forest) are as integers, and the step that they become.
//!
//! Sums of leaves are exact where they can be: if all weights are multiples of one number, integers count
//! that, and what ties in float32 ties here. Only otherwise weights are rounded, at the finest scale that
//! the worst case has room for.

use std::collections::HashMap;

use zkassay_fixed::Scale;

use super::columns::{Column, total};
use super::forest::{Ensemble, Plan};
use super::form::{Element, Form, Value};
use super::names::{Names, name_of};
use super::state::{COARSEST, Lowering, quantize};
use super::{FINER, FINEST_GRID, Folded};
use crate::QuantError;
use crate::calibrate::ceil_log2;
use crate::program::{Child, Finish, Forest, Kind, Step};

/// The finest scale that fractions have, for votes that are counted.
const FINEST_VOTES: i32 = 16;
/// How much the rounding of leaves may change sums, as a part of the worst case.
const PRECISION: f64 = 1.0 / 1024.0;

/// What an integer is worth: `factor 2^-scale`.
#[derive(Clone, Copy, Debug)]
struct Unit {
    scale: i32,
    factor: f64,
    /// Whether all weights are multiples.
    exact: bool,
}

impl Unit {
    fn size(&self) -> f64 {
        libm::ldexp(self.factor, -self.scale)
    }

    fn integer(&self, node: &str, real: f64) -> Result<i64, QuantError> {
        match self.exact {
            true => quantize(node, Scale(0), real / self.size()),
            false => quantize(node, Scale(self.scale), real),
        }
    }
}

impl Lowering<'_> {
    /// Pushes the step of a plan; the values of the graph that its scores are.
    pub(super) fn forest(&mut self, plan: &Plan) -> Result<HashMap<usize, Value>, QuantError> {
        let mut names = plan.names.clone();
        names.dedup();
        let listed: Vec<&str> = names.iter().map(String::as_str).collect();
        let name = name_of(&listed);
        let columns = &plan.columns;
        let units = columns
            .ensembles
            .iter()
            .map(|column| self.unit(&name, column, (columns.count, plan.are_outputs)));
        let units = units.collect::<Result<Vec<Unit>, _>>()?;

        let mut forest = Forest {
            features: plan
                .ranks
                .iter()
                .map(|ranks| ranks.thresholds.len() as u32)
                .collect(),
            nodes: plan.nodes.clone(),
            roots: plan.roots.clone(),
            leaves: Vec::new(),
            bias: vec![0; columns.count],
        };
        let mut index: HashMap<Vec<i64>, u32> = HashMap::new();
        let mut numbers = Vec::with_capacity(plan.leaves.len());
        for leaf in &plan.leaves {
            let mut integers = vec![0; columns.count];
            let wires = &columns.ensembles[leaf.ensemble].wires;
            for (score, weight) in total(&leaf.weights) {
                if let Some(wire) = wires.get(score as usize).copied().flatten() {
                    integers[wire] = units[leaf.ensemble].integer(&name, weight)?;
                }
            }
            let next = index.len() as u32;
            numbers.push(*index.entry(integers).or_insert(next));
        }
        forest.leaves = vec![Vec::new(); index.len()];
        for (integers, number) in index {
            forest.leaves[number as usize] = integers;
        }
        let renumber = |child: &mut Child| {
            if let Child::Leaf(leaf) = child {
                *leaf = numbers[*leaf as usize];
            }
        };
        for node in &mut forest.nodes {
            renumber(&mut node.yes);
            renumber(&mut node.no);
        }
        let mut scores = Vec::with_capacity(plan.ensembles.len());
        for ((ensemble, column), unit) in plan.ensembles.iter().zip(&columns.ensembles).zip(&units)
        {
            scores.push(ensemble.scores(&name, column, unit, &mut forest.bias)?);
        }
        let step = Step {
            name: name.clone(),
            kind: Kind::Forest(forest),
            finish: Finish::Exact,
            bound: None,
        };
        let first = self.push(step, 0)?;
        self.scores = first..first + columns.count;
        if names.len() > 1 {
            self.folded.push(Folded {
                nodes: names,
                into: name.clone(),
            });
        }

        let mut values: HashMap<usize, Value> = HashMap::new();
        for (((ensemble, column), unit), offsets) in plan
            .ensembles
            .iter()
            .zip(&columns.ensembles)
            .zip(&units)
            .zip(scores)
        {
            let value = values.entry(ensemble.value).or_default();
            for (wire, offset) in column.wires.iter().zip(offsets) {
                let Some(wire) = wire.map(|wire| first + wire) else {
                    value.elements.push(Element::constant(offset));
                    continue;
                };
                self.scales[wire] = unit.scale;
                let factor = unit.factor / ensemble.divisor;
                let form = Form::of(wire).scaled(factor).shifted(offset);
                value.elements.push(Element::Form(form));
            }
        }
        for value in values.values_mut() {
            if value
                .elements
                .iter()
                .any(|element| element.wire().is_none())
            {
                value.nodes = Names::of(&name);
            }
        }
        Ok(values)
    }

    /// What the integers of an ensemble's leaves are worth.
    fn unit(
        &self,
        name: &str,
        column: &Column,
        (count, are_outputs): (usize, bool),
    ) -> Result<Unit, QuantError> {
        let limbs = self.program.limbs;
        let room = limbs.range(Finish::Exact).1 as f64;
        let worst = column.worst;
        if let Some(grid) = column.grid {
            let plain = Unit {
                scale: grid.bits.max(0),
                factor: 1.0,
                exact: true,
            };
            let plain =
                (plain.scale <= FINEST_GRID && worst / plain.size() <= room).then_some(plain);
            // Votes that are counted, at a scale at which the factor is about one.
            let size = libm::ldexp(grid.steps, -grid.bits);
            let scale = (-ceil_log2(size)).max(0);
            let votes = Unit {
                scale,
                factor: libm::ldexp(size, scale),
                exact: true,
            };
            let counts = grid.steps > 1.0 && scale + 2 <= FINEST_VOTES && worst / size <= room;
            // Rounding keeps them apart.
            let is_fine = counts && scale + 2 <= self.fraction();
            match plain {
                Some(plain) if are_outputs || !is_fine => return Ok(plain),
                _ if is_fine => return Ok(votes),
                _ if counts => return Err(coarse(name, self.fraction())),
                _ => {}
            }
            let needed = grid.needed(worst);
            let packed = needed.next_multiple_of(limbs.bits) as usize * count;
            if grid.is_exact_in_float(worst) && packed <= Forest::MAX_PACKED_BITS as usize {
                // Worth its limbs: rounded sums could tie where those of the model do not.
                return Err(QuantError::Overflow {
                    node: name.to_owned(),
                    needed,
                    available: limbs.total_bits(),
                });
            }
        }
        // Comparisons take forms as they are up to here.
        let finest = self.fraction() + FINER;
        let trees = column.trees as f64;
        let mut scale = finest;
        while scale > COARSEST && libm::ldexp(worst, scale) + trees + 1.0 > room {
            scale -= 1;
        }
        // Each leaf is off by half a unit.
        if libm::ldexp(trees, -scale - 1) > worst * PRECISION {
            return Err(coarse(name, scale));
        }
        Ok(Unit {
            scale,
            factor: 1.0,
            exact: false,
        })
    }
}

fn coarse(name: &str, scale: i32) -> QuantError {
    QuantError::Parameter {
        what: "the scale of leaves",
        found: format!("2^{scale} in node '{name}'"),
        expected: "one that tells the sums apart",
    }
}

impl Ensemble {
    /// What is left to add to each score, once what fits the integers is in the bias of its wire.
    fn scores(
        &self,
        name: &str,
        column: &Column,
        unit: &Unit,
        bias: &mut [i64],
    ) -> Result<Vec<f64>, QuantError> {
        let mut constants = vec![0.0; self.base.len()];
        for (score, weight) in total(&self.constants) {
            if let Some(constant) = constants.get_mut(score as usize) {
                *constant = weight;
            }
        }
        let mut offsets = Vec::with_capacity(self.base.len());
        for ((wire, constant), base) in column.wires.iter().zip(constants).zip(&self.base) {
            let base = f64::from(*base);
            let Some(bias) = wire.and_then(|wire| bias.get_mut(wire)) else {
                offsets.push(constant / self.divisor + base);
                continue;
            };
            let fits = !unit.exact || (base / unit.size()).fract() == 0.0;
            let inside = self.divisor == 1.0 && fits;
            let sum = if inside { constant + base } else { constant };
            *bias = unit.integer(name, sum)?;
            offsets.push(if inside { 0.0 } else { base });
        }
        Ok(offsets)
    }
}
