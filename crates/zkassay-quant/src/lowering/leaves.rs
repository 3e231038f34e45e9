//! What the leaves of a [plan](super::forest) are as integers, and the step that they become.
//!
//! Sums of leaves are exact where they can be: if all weights are multiples of one number, integers count
//! that, and what ties in float32 ties here. Only otherwise weights are rounded, at the finest scale that
//! the worst case has room for.

use std::collections::HashMap;

use zkassay_fixed::Scale;

use super::forest::{Ensemble, Plan};
use super::form::{Element, Form, Value};
use super::state::{COARSEST, Lowering, lowest_bit, quantize};
use super::{FINER, FINEST_GRID, Folded};
use crate::QuantError;
use crate::calibrate::ceil_log2;
use crate::program::{Child, Finish, Forest, Kind, Step};

/// Float32 holds all integers up to this.
const FLOAT_INTEGERS: f64 = (1 << 24) as f64;

/// The scores of a plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    /// Number of scores that are not constant: the wires.
    pub(crate) count: usize,
    /// Of each ensemble.
    ensembles: Vec<Column>,
}

/// Those of an ensemble.
#[derive(Clone, Debug)]
struct Column {
    /// Which wire each score is.
    wires: Vec<Option<usize>>,
    /// The greatest common divisor of all weights, if there is one.
    grid: Option<Grid>,
    /// What no sum exceeds, nor a partial one.
    worst: f64,
    /// Number of trees.
    trees: usize,
}

/// The multiples of `steps 2^-bits`, for an odd number of steps.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Grid {
    bits: i32,
    steps: f64,
}

/// What an integer is worth: `factor 2^-scale`.
#[derive(Clone, Copy, Debug)]
struct Unit {
    scale: i32,
    factor: f64,
    /// Whether all weights are multiples.
    exact: bool,
}

impl Columns {
    /// Of a plan without columns.
    pub(super) fn of(plan: &Plan) -> Self {
        let mut columns = Self {
            count: 0,
            ensembles: Vec::with_capacity(plan.ensembles.len()),
        };
        let mut leaves = plan.leaves.iter().peekable();
        for (at, ensemble) in plan.ensembles.iter().enumerate() {
            let mut weights: Vec<f64> = Vec::new();
            let mut worst: HashMap<u32, f64> = HashMap::new();
            let mut trees = 0;
            // Leaves stand together by ensemble and tree.
            while let Some(tree) = leaves.peek().filter(|l| l.ensemble == at).map(|l| l.tree) {
                let mut most: HashMap<u32, f64> = HashMap::new();
                while let Some(leaf) = leaves.next_if(|l| l.ensemble == at && l.tree == tree) {
                    for (score, weight) in total(&leaf.weights) {
                        let most = most.entry(score).or_default();
                        *most = most.max(weight.abs());
                        weights.push(weight);
                    }
                }
                for (score, most) in most {
                    *worst.entry(score).or_default() += most;
                }
                trees += 1;
            }
            let wire = |score: usize| {
                let is_open = worst.get(&(score as u32)).is_some_and(|worst| *worst > 0.0);
                is_open.then(|| {
                    columns.count += 1;
                    columns.count - 1
                })
            };
            let wires: Vec<Option<usize>> = (0..ensemble.base.len()).map(wire).collect();
            for (score, weight) in total(&ensemble.constants) {
                *worst.entry(score).or_default() += weight.abs();
                weights.push(weight);
            }
            let worst = worst.iter().map(|(score, worst)| {
                let base = ensemble.base.get(*score as usize).copied().unwrap_or(0.0);
                worst + f64::from(base.abs())
            });
            columns.ensembles.push(Column {
                wires,
                worst: worst.fold(0.0, f64::max),
                grid: Grid::of(&weights),
                trees,
            });
        }
        columns
    }
}

impl Grid {
    fn of(weights: &[f64]) -> Option<Self> {
        let mut bits = None;
        for weight in weights {
            if let Some(bit) = lowest_bit(*weight)? {
                bits = Some(bits.map_or(-bit, |bits: i32| bits.max(-bit)));
            }
        }
        let bits = bits?;
        let mut divisor = 0u64;
        for weight in weights {
            let integer = libm::ldexp(weight.abs(), bits);
            // More than a table can hold.
            if integer >= libm::ldexp(1.0, 60) {
                return None;
            }
            let (mut a, mut b) = (divisor, integer as u64);
            while b != 0 {
                (a, b) = (b, a % b);
            }
            divisor = a;
        }
        let steps = divisor as f64;
        Some(Self { bits, steps })
    }

    /// What it takes to add up to `worst` exactly in powers of two: bits, sign included.
    fn needed(&self, worst: f64) -> u32 {
        ceil_log2(libm::ldexp(worst, self.bits.max(0)) + 1.0).max(0) as u32 + 1
    }

    /// Whether float32 adds up to `worst` without rounding.
    fn is_exact_in_float(&self, worst: f64) -> bool {
        self.bits <= FINEST_GRID && libm::ldexp(worst, self.bits) <= FLOAT_INTEGERS
    }
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
        let name = names.join(" + ");
        let columns = &plan.columns;
        let units = columns
            .ensembles
            .iter()
            .map(|column| self.unit(&name, column, columns.count));
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
                value.nodes = vec![name.clone()];
            }
        }
        Ok(values)
    }

    /// What the integers of an ensemble's leaves are worth.
    fn unit(&self, name: &str, column: &Column, count: usize) -> Result<Unit, QuantError> {
        let limbs = self.program.limbs;
        let room = limbs.range(Finish::Exact).1 as f64;
        let worst = column.worst;
        if let Some(grid) = column.grid {
            let plain = Unit {
                scale: grid.bits.max(0),
                factor: 1.0,
                exact: true,
            };
            if plain.scale <= FINEST_GRID && worst / plain.size() <= room {
                return Ok(plain);
            }
            // A scale at which the factor is about one, and rounding keeps multiples apart.
            let size = libm::ldexp(grid.steps, -grid.bits);
            let scale = (-ceil_log2(size)).max(0);
            if grid.steps > 1.0 && scale + 2 <= self.fraction() && worst / size <= room {
                return Ok(Unit {
                    scale,
                    factor: libm::ldexp(size, scale),
                    exact: true,
                });
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
        let rounding = column.trees as f64 + 1.0;
        let mut scale = finest;
        while scale > COARSEST && libm::ldexp(worst, scale) + rounding > room {
            scale -= 1;
        }
        Ok(Unit {
            scale,
            factor: 1.0,
            exact: false,
        })
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

/// The weights of a leaf, each score once.
fn total(weights: &[(u32, f32)]) -> Vec<(u32, f64)> {
    let mut sums: Vec<(u32, f64)> = Vec::with_capacity(weights.len());
    let mut sorted = weights.to_vec();
    sorted.sort_by_key(|(score, _)| *score);
    for (score, weight) in sorted {
        match sums.last_mut() {
            Some((last, sum)) if *last == score => *sum += f64::from(weight),
            _ => sums.push((score, f64::from(weight))),
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_are_greatest_common_divisors() {
        let of = |weights: &[f64]| Grid::of(weights).map(|grid| (grid.bits, grid.steps));
        assert_eq!(of(&[0.75, -0.5, 0.0]), Some((2, 1.0)));
        assert_eq!(of(&[0.75, -1.5, 0.0]), Some((2, 3.0)));
        assert_eq!(of(&[12.0, 20.0]), Some((-2, 1.0)));
        let hundredth = f64::from(0.01f32);
        let (bits, steps) = of(&[hundredth, 0.0, hundredth]).unwrap();
        assert_eq!(libm::ldexp(steps, -bits), hundredth);
        // None that a row has room for.
        assert_eq!(of(&[1.0, 1e-30]), None);
        assert_eq!(of(&[f64::INFINITY]), None);
        assert_eq!(of(&[0.0]), None);
    }
}
