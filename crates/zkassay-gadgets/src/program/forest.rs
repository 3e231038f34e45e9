//! Decision trees, by the path that is taken.
//!
//! The table of nodes is the witness. Nodes are sorted by feature and threshold, `slots` of them in a row, and a feature's
//! nodes begin in a new row. A node is about ranks: `b = [rank <= t]`. Nodes have numbers, and edges are differences of
//! numbers, so that the way through a tree is a set of nodes with `e != 0`, of which each says what comes next:
//!
//! ```text
//! step (step + rank_s) = 0,  step = b - previous      rank_s is -1 at the first node of each threshold, else 0
//! b^2 = b                                             at the last place of a feature
//! rank = count + sum rank_s b_s
//! e^2 = e (no + b turn)                               e is 0, or the edge that the answer leads along
//! flow = sum over nodes with e != 0 of  1/(z + number + e) - 1/(z + number)
//! ```
//!
//! So answers step up only where a threshold begins, by 1, and once; every other place repeats the answer before it.
//! A rank is a number of thresholds, and determines all answers.
//!
//! The flow is part of the running sum of the [lookups](super::lookups) (with a number of wire of its own, as part of
//! `z`), and vanishes if and only if the numbers that are left are those that are reached. A leaf leads to the root of the next tree, the
//! last tree's to a node `start` that leads to the first root. Nodes of a tree lead to nodes behind them, so the
//! visited nodes are either none or one way through every tree: exactly one leaf each. No path can skip a node,
//! change trees, or stop.
//!
//! What a leaf adds is part of the edge to it: `no_score` is the leaf's packed scores divided by the
//! edge. With the scores `S_c` as operands, `pack_c = 2^(c bits of all limbs)`, and `2^248` on the edge from `start`:
//!
//! ```text
//! sum over nodes of e (no_score + b turn_score) = sum_c pack_c S_c + 2^248
//! ```
//!
//! Scores are range-checked to their place, so they are determined; and without a way through the trees the left side is
//! zero, which the right one is not. Both equations enter `dot` ([`linear`](super::linear)): the ranks by powers of `r`, in the column
//! `factor`, as outputs of a linear step whose accumulators are the inputs; the scores by `beta`, which nothing else
//! has in this sum.
//!
//! ```text
//! dot[next] = ... + factor sum_s rank_s b_s + beta (sum_s e_s (no_score_s + b_s turn_score_s) - score (operand + 1 - receive))
//! ```
//!

use halo2_proofs::arithmetic::Field as _;
use halo2_proofs::plonk::{ConstraintSystem, VirtualCells};
use halo2_proofs::poly::Rotation;

use super::lookups::first_id;
use super::{LaneColumns, ProgramColumns, ProgramShape};
use crate::columns::fixed;
use crate::expression::{Expr, constant};
use crate::{Field, power_of_two};

/// Bits of the number of wire that nodes have: beyond that of any row.
const NODES_BITS: u32 = 32;
/// Bits of what the edge from the start adds to the packed scores.
pub const VISITED_BITS: u32 = 248;

/// Nodes whose fractions one column adds up.
pub fn nodes_per_flow(shape: &ProgramShape) -> usize {
    (shape.degree as usize - 1) / 2
}

/// The number of wire of a lane's nodes.
pub fn nodes_id(lane: usize) -> Field {
    first_id(lane) + power_of_two(NODES_BITS)
}

/// What the trees add to `dot` in the current row.
pub(super) fn contribution(meta: &mut VirtualCells<'_, Field>, columns: &ProgramColumns) -> Expr {
    let Some(forest) = &columns.forest else {
        return constant(Field::ZERO);
    };
    let beta = meta.query_challenge(columns.lookups.beta);
    let factor = columns.factor(meta);
    let [score, active, receive] =
        [forest.score, columns.active, columns.receive].map(|column| fixed(meta, column));
    let ranks = columns.mixed(meta, |meta, lane| {
        let nodes = lane.nodes.iter().zip(&forest.slots);
        nodes.fold(constant(Field::ZERO), |sum, (node, slot)| {
            sum + meta.query_advice(node.below, Rotation::cur()) * fixed(meta, slot.rank)
        })
    });
    let scores = columns.mixed(meta, |meta, lane| {
        let operand = meta.query_advice(lane.operand, Rotation::cur());
        let shown = score.clone() * (operand + active.clone() - receive.clone());
        let nodes = lane.nodes.iter().zip(&forest.slots);
        nodes.fold(-shown, |sum, (node, slot)| {
            let [below, edge] =
                [node.below, node.edge].map(|column| meta.query_advice(column, Rotation::cur()));
            let [no, turn] = [slot.no_score, slot.turn_score].map(|column| fixed(meta, column));
            sum + edge * (no + below * turn)
        })
    });
    factor * ranks + beta * scores
}

pub(super) fn configure(
    meta: &mut ConstraintSystem<Field>,
    shape: &ProgramShape,
    columns: &ProgramColumns,
) {
    if columns.forest.is_none() {
        return;
    }
    for (index, lane) in columns.lanes.iter().enumerate() {
        meta.create_gate("answers", |meta| answers(meta, columns, lane));
        meta.create_gate("edges", |meta| edges(meta, columns, lane));
        meta.create_gate("flows", |meta| flows(meta, shape, columns, lane, index));
    }
}

fn answers(
    meta: &mut VirtualCells<'_, Field>,
    columns: &ProgramColumns,
    lane: &LaneColumns,
) -> Vec<(&'static str, Expr)> {
    let (Some(forest), Some(last)) = (&columns.forest, lane.nodes.last()) else {
        return vec![];
    };
    let active = fixed(meta, columns.active);
    let continues = fixed(meta, forest.continues);
    let above = meta.query_advice(last.below, Rotation::prev());
    let mut before: Option<Expr> = None;
    let mut equations = vec![];
    for (node, slot) in lane.nodes.iter().zip(&forest.slots) {
        let below = meta.query_advice(node.below, Rotation::cur());
        let rank = fixed(meta, slot.rank);
        let equation = match before {
            Some(before) => {
                let step = below.clone() - before;
                step.clone() * (active.clone() * step + rank)
            }
            // The step is below - continues above, and continues its own square.
            None => {
                let square = active.clone() * below.clone() + rank.clone();
                let more = below.clone() * Field::from(2) - above.clone() + rank;
                below.clone() * square - continues.clone() * above.clone() * more
            }
        };
        equations.push(("answers step up where thresholds begin", equation));
        before = Some(below);
    }
    if let Some(last) = before {
        let ends = fixed(meta, forest.ends);
        equations.push((
            "answers end with 0 or 1",
            ends * (last.clone() * last.clone() - last),
        ));
    }
    equations
}

fn edges(
    meta: &mut VirtualCells<'_, Field>,
    columns: &ProgramColumns,
    lane: &LaneColumns,
) -> Vec<(&'static str, Expr)> {
    let Some(forest) = &columns.forest else {
        return vec![];
    };
    let active = fixed(meta, columns.active);
    let nodes = lane.nodes.iter().zip(&forest.slots);
    nodes
        .map(|(node, slot)| {
            let [below, edge] =
                [node.below, node.edge].map(|column| meta.query_advice(column, Rotation::cur()));
            let [no, turn] = [slot.no, slot.turn].map(|column| fixed(meta, column));
            (
                "an edge is 0 or as the answer",
                edge.clone() * (active.clone() * edge - no - below * turn),
            )
        })
        .collect()
}

fn flows(
    meta: &mut VirtualCells<'_, Field>,
    shape: &ProgramShape,
    columns: &ProgramColumns,
    lane: &LaneColumns,
    index: usize,
) -> Vec<(&'static str, Expr)> {
    let Some(forest) = &columns.forest else {
        return vec![];
    };
    let beta = meta.query_challenge(columns.lookups.beta);
    let gamma = meta.query_challenge(columns.lookups.gamma);
    let square = gamma.clone() * gamma.clone();
    let active = fixed(meta, columns.active);
    let position = fixed(meta, forest.position);
    // In rows that gates do not use everything is zero.
    let common = active.clone() * (beta + gamma * nodes_id(index));
    let per_flow = nodes_per_flow(shape);
    let mut equations = vec![];
    for (group, (nodes, flow)) in lane.nodes.chunks(per_flow).zip(&lane.flows).enumerate() {
        // Numerator and denominator of the sum so far.
        let flow = meta.query_advice(*flow, Rotation::cur());
        let mut product = constant(Field::ONE);
        let mut numerator = constant(Field::ZERO);
        for (place, node) in nodes.iter().enumerate() {
            let slot = Field::from((group * per_flow + place) as u64);
            let number = position.clone() + active.clone() * slot;
            let edge = meta.query_advice(node.edge, Rotation::cur());
            let from = common.clone() + number * square.clone();
            let to = from.clone() + edge.clone() * square.clone();
            let both = from * to;
            // 1 / to - 1 / from = -edge / both, with everything times active.
            numerator =
                numerator * both.clone() - active.clone() * edge * square.clone() * product.clone();
            product = product * both;
        }
        equations.push(("flow of nodes", flow * product - numerator));
    }
    equations
}
