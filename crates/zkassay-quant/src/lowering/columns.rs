//! The scores of a [plan](super::forest): which are wires, and what sums they are.

use std::collections::HashMap;

use super::FINEST_GRID;
use super::forest::Plan;
use super::state::lowest_bit;
use crate::calibrate::ceil_log2;

/// Float32 holds all integers up to this.
const FLOAT_INTEGERS: f64 = (1 << 24) as f64;

/// The scores of a plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    /// Number of scores that are not constant: the wires.
    pub(crate) count: usize,
    /// Of each ensemble.
    pub(super) ensembles: Vec<Column>,
}

/// Those of an ensemble.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// Which wire each score is.
    pub(super) wires: Vec<Option<usize>>,
    /// The greatest common divisor of all weights, if there is one.
    pub(super) grid: Option<Grid>,
    /// What no sum exceeds, nor a partial one.
    pub(super) worst: f64,
    /// Number of trees.
    pub(super) trees: usize,
}

/// The multiples of `steps 2^-bits`, for an odd number of steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    pub(super) bits: i32,
    pub(super) steps: f64,
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
    pub(super) fn needed(&self, worst: f64) -> u32 {
        ceil_log2(libm::ldexp(worst, self.bits.max(0)) + 1.0).max(0) as u32 + 1
    }

    /// Whether float32 adds up to `worst` without rounding.
    pub(super) fn is_exact_in_float(&self, worst: f64) -> bool {
        self.bits <= FINEST_GRID && libm::ldexp(worst, self.bits) <= FLOAT_INTEGERS
    }
}

/// The weights of a leaf, each score once.
pub(super) fn total(weights: &[(u32, f32)]) -> Vec<(u32, f64)> {
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
