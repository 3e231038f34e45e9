//! Where the nodes of decision trees are.
//!
//! ```text
//! row      operand        slots
//! first    score 0        start
//! ...      score c
//!          (2^248)        nodes of the last feature, by threshold
//!          ...            nodes of the one before
//! ```
//!
//! A feature begins in a row of its own. Every threshold has a node, if only one that no tree has,
//! because a rank is what all answers add up to.

use std::ops::Range;

use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::halo2_proofs::halo2curves::group::ff::BatchInvert as _;
use zkassay_gadgets::program::columns::ForestColumns;
use zkassay_gadgets::program::forest::VISITED_BITS;
use zkassay_gadgets::{Field, field, power_of_two};
use zkassay_quant::{Child, Forest, Program, Wire};

use crate::layout::Cells;

/// A place for a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The node of the forest, if there is one.
    pub node: Option<u32>,
    /// The feature and the rank that it asks about, if it asks.
    pub question: Option<(u32, u32)>,
    /// Whether its answer counts for the feature's rank.
    pub counts: bool,
}

/// The forest of a program, laid out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trees {
    /// The step.
    pub step: usize,
    /// The wire of the first score.
    pub first_score: Wire,
    /// The first row.
    pub first: usize,
    /// Nodes in a row.
    pub slots: usize,
    /// All places, row by row from `first` on. The first is the start.
    pub entries: Vec<Entry>,
    /// The rows of each feature, from the last feature to the first.
    pub features: Vec<Range<usize>>,
    /// The place of each node of the forest.
    pub places: Vec<usize>,
}

/// What an edge is, and the packed scores that it adds.
#[derive(Clone, Copy, Debug, Default)]
struct Edge {
    edge: i64,
    scores: Field,
}

impl Trees {
    /// The forest of a program and its step, if there is one.
    pub fn of(program: &Program) -> Option<(usize, &Forest)> {
        let forests = program.steps.iter().enumerate();
        let mut forests = forests.filter_map(|(step, s)| match &s.kind {
            zkassay_quant::Kind::Forest(forest) => Some((step, forest)),
            _ => None,
        });
        forests.next()
    }

    /// How many rows the features take.
    pub fn rows_of_features(forest: &Forest, slots: usize) -> usize {
        let entries = by_feature(forest);
        entries.iter().map(|e| e.len().div_ceil(slots).max(1)).sum()
    }

    /// Lays a forest out from row `first` on.
    pub fn new(
        forest: &Forest,
        step: usize,
        first_score: Wire,
        first: usize,
        slots: usize,
    ) -> Self {
        let mut trees = Self {
            step,
            first_score,
            first,
            slots,
            entries: vec![Entry::default(); forest.bias.len() * slots],
            features: vec![],
            places: vec![0; forest.nodes.len()],
        };
        for entries in by_feature(forest).into_iter().rev() {
            let from = trees.end();
            let rows = entries.len().div_ceil(slots).max(1);
            for entry in &entries {
                if let Some(node) = entry.node {
                    trees.places[node as usize] = trees.entries.len();
                }
                trees.entries.push(*entry);
            }
            let end = (from - first + rows) * slots;
            trees.entries.resize(end, Entry::default());
            trees.features.push(from..from + rows);
        }
        trees
    }

    /// The row after the last.
    pub fn end(&self) -> usize {
        self.first + self.entries.len() / self.slots.max(1)
    }

    /// The row and the slot of a place.
    pub fn cell(&self, place: usize) -> (usize, usize) {
        (self.first + place / self.slots, place % self.slots)
    }

    /// The number of the node at a place.
    pub fn number(&self, place: usize) -> i64 {
        ((self.first * self.slots) + place + 1) as i64
    }

    /// The answers at all places, for an input.
    pub fn answers(&self, ranks: &[i64]) -> Vec<bool> {
        let mut answers = vec![false; self.entries.len()];
        for rows in &self.features {
            let places =
                (rows.start - self.first) * self.slots..(rows.end - self.first) * self.slots;
            let mut above = false;
            for place in places {
                // A place without a question repeats the answer before it.
                if let Some((feature, rank)) = self.entries[place].question {
                    above = ranks[feature as usize] <= i64::from(rank);
                }
                answers[place] = above;
            }
        }
        answers
    }

    /// The edges that are taken, for an input: the place they come from, and the edge.
    pub fn path(&self, forest: &Forest, ranks: &[i64]) -> Vec<(usize, i64)> {
        let mut path = vec![(0, self.edge(0, self.root(forest, 0)))];
        for (tree, (nodes, _)) in forest.paths(ranks).enumerate() {
            let places = nodes.iter().map(|node| self.places[*node as usize]);
            let next = places.clone().skip(1).chain([self.root(forest, tree + 1)]);
            path.extend(
                places
                    .zip(next)
                    .map(|(from, to)| (from, self.edge(from, to))),
            );
        }
        path
    }

    /// The place of a tree's root; of the start after the last.
    fn root(&self, forest: &Forest, tree: usize) -> usize {
        let root = forest.roots.get(tree);
        root.map_or(0, |root| self.places[*root as usize])
    }

    fn edge(&self, from: usize, to: usize) -> i64 {
        self.number(to) - self.number(from)
    }

    /// The place of an operand in the packed scores; `score_bits` are those of a score.
    pub fn pack(score: usize, score_bits: u32) -> Field {
        power_of_two(score as u32 * score_bits)
    }

    /// Sets the fixed cells.
    pub(crate) fn fixed_cells(
        &self,
        forest: &Forest,
        score_bits: u32,
        columns: &ForestColumns,
        cells: &mut Cells,
    ) {
        for row in self.first..self.end() {
            let number = (row * self.slots + 1) as i128;
            cells.set(columns.position, row, number);
        }
        for rows in &self.features {
            for row in rows.clone().skip(1) {
                cells.set(columns.continues, row, 1);
            }
            cells.set(columns.ends, rows.end - 1, 1);
        }
        for score in 0..forest.bias.len() {
            let pack = Self::pack(score, score_bits);
            cells.0.push((columns.score, self.first + score, pack));
        }
        if let Some(rows) = self.features.first() {
            cells
                .0
                .push((columns.score, rows.start, power_of_two(VISITED_BITS)));
        }
        let tree_of = tree_of_nodes(forest);
        let packed: Vec<Field> = forest
            .leaves
            .iter()
            .map(|leaf| self.packed(leaf, score_bits))
            .collect();
        // Places, with the edges after no and yes.
        let mut edges: Vec<(usize, [Edge; 2])> = Vec::with_capacity(forest.nodes.len() + 1);
        let start = Edge {
            edge: self.edge(0, self.root(forest, 0)),
            // What all inputs have in common comes with the start.
            scores: power_of_two(VISITED_BITS) + self.packed(&forest.bias, score_bits),
        };
        edges.push((0, [start; 2]));
        for (index, node) in forest.nodes.iter().enumerate() {
            let from = self.places[index];
            let edge = |child: Child| match child {
                Child::Node(next) => Edge {
                    edge: self.edge(from, self.places[next as usize]),
                    scores: Field::ZERO,
                },
                Child::Leaf(leaf) => Edge {
                    edge: self.edge(from, self.root(forest, tree_of[index] + 1)),
                    scores: packed[leaf as usize],
                },
            };
            edges.push((from, [edge(node.no), edge(node.yes)]));
        }
        let lengths = edges.iter().flat_map(|(_, both)| both);
        let mut inverses: Vec<Field> = lengths.map(|edge| field(edge.edge.into())).collect();
        inverses.iter_mut().batch_invert();
        for ((place, [no, yes]), inverses) in edges.iter().zip(inverses.chunks_exact(2)) {
            let (row, slot) = self.cell(*place);
            let slot = &columns.slots[slot];
            cells.set(slot.no, row, no.edge.into());
            cells.set(slot.turn, row, (yes.edge - no.edge).into());
            let scores = [no.scores * inverses[0], yes.scores * inverses[1]];
            cells.0.push((slot.no_score, row, scores[0]));
            cells.0.push((slot.turn_score, row, scores[1] - scores[0]));
        }
        for (place, entry) in self.entries.iter().enumerate() {
            if entry.counts {
                let (row, slot) = self.cell(place);
                cells.set(columns.slots[slot].rank, row, -1);
            }
        }
    }

    fn packed(&self, scores: &[i64], score_bits: u32) -> Field {
        let terms = scores.iter().enumerate();
        terms.fold(Field::ZERO, |sum, (score, weight)| {
            sum + field((*weight).into()) * Self::pack(score, score_bits)
        })
    }
}

/// The nodes of each feature by rank, and places for ranks that no node asks about.
fn by_feature(forest: &Forest) -> Vec<Vec<Entry>> {
    let mut nodes: Vec<Vec<(u32, u32)>> = vec![vec![]; forest.features.len()];
    for (index, node) in forest.nodes.iter().enumerate() {
        nodes[node.feature as usize].push((node.rank, index as u32));
    }
    let counts = forest.features.iter().zip(nodes).zip(0..);
    counts
        .map(|((count, mut nodes), feature)| {
            nodes.sort_unstable();
            let mut entries = Vec::with_capacity(nodes.len());
            let mut nodes = nodes.into_iter().peekable();
            for rank in 0..*count {
                let entry = |node, counts| Entry {
                    node,
                    question: Some((feature, rank)),
                    counts,
                };
                let before = entries.len();
                while let Some((_, node)) = nodes.next_if(|(of, _)| *of == rank) {
                    entries.push(entry(Some(node), entries.len() == before));
                }
                if entries.len() == before {
                    entries.push(entry(None, true));
                }
            }
            entries
        })
        .collect()
}

/// The tree of each node.
fn tree_of_nodes(forest: &Forest) -> Vec<usize> {
    let trees = forest.trees().enumerate();
    trees
        .flat_map(|(tree, nodes)| nodes.map(move |_| tree))
        .collect()
}
