//! Trees over the model's input, as questions about ranks.
//!
//! Where nothing but trees reads the input, a program needs none of its numbers: only how many of a
//! feature's thresholds lie below it. Every question becomes `rank <= r`, exactly, whatever the magnitudes.
//! This is done once for a graph; what the leaves are as integers depends on the [scheme](super::leaves).

use std::collections::{BTreeMap, HashMap};

use zkassay_graph::{Aggregate, Graph, Op, TreeNode, Trees};

use super::columns::Columns;
use super::questions::{Ask, Asked, Questions, Way};
use super::{features, needed};
use crate::program::{Child, Encoding, Forest, ForestNode, Ranks};

/// The most questions.
const MOST_NODES: usize = 1 << 20;
/// The most numbers at leaves.
const MOST_LEAVES: usize = 1 << 22;
/// The most scores: each has two limbs at least.
const MOST_COLUMNS: usize = Forest::MAX_PACKED_BITS as usize / 2;
/// The most steps that thresholds may take to find.
const MOST_WORK: usize = 1 << 28;

/// The trees of a graph, all of which read its input.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Numbers in a row.
    features: usize,
    /// The inputs of the program.
    pub(super) ranks: Vec<Ranks>,
    /// Leaves are positions in `leaves`.
    pub(super) nodes: Vec<ForestNode>,
    pub(super) roots: Vec<u32>,
    /// The leaves of all ensembles; each belongs to one of them.
    pub(super) leaves: Vec<Leaf>,
    pub(super) ensembles: Vec<Ensemble>,
    pub(super) columns: Columns,
    /// Which values of the graph are features, or scores of the trees: none is left to compute.
    pub(super) done: Vec<bool>,
    /// Whether the scores are the model's outputs.
    pub(super) are_outputs: bool,
    /// The names of the nodes that it stands for.
    pub(super) names: Vec<String>,
}

/// A leaf of an ensemble.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) ensemble: usize,
    /// The tree, among all of the plan.
    pub(super) tree: usize,
    /// What is added to which score.
    pub(super) weights: Vec<(u32, f32)>,
}

/// The trees of a node, for one run of features.
#[derive(Clone, Debug)]
pub(super) struct Ensemble {
    /// The value of the graph that its scores are part of: those of one run after the other.
    pub(super) value: usize,
    pub(super) base: Vec<f32>,
    /// What sums are divided by.
    pub(super) divisor: f64,
    /// The weights of trees without a question.
    pub(super) constants: Vec<(u32, f32)>,
}

/// The nodes of a tree that some row reaches: what they ask; leaves ask nothing.
type Reached = BTreeMap<u32, Option<Asked>>;

/// Where the way from a node ends if no question is on it.
#[derive(Clone, Copy, Debug)]
enum End {
    /// At a leaf.
    Leaf(u32),
    /// At a question of a node.
    Question(u32, usize),
}

impl Plan {
    /// The plan of a graph that has been [checked](super::check); `None` if something else than trees
    /// reads its input, or if its trees are not of a kind that a proof has paths through.
    pub(crate) fn of(graph: &Graph) -> Option<Self> {
        let needed = needed(graph);
        let mut done = features::values(graph);
        if done[graph.output.value] {
            return None;
        }
        let mut plan = Self {
            features: graph.inputs(),
            ranks: Vec::new(),
            nodes: Vec::new(),
            roots: Vec::new(),
            leaves: Vec::new(),
            ensembles: Vec::new(),
            columns: Columns::default(),
            done: Vec::new(),
            are_outputs: false,
            names: Vec::new(),
        };
        let (mut asks, mut scores) = (Vec::new(), Vec::new());
        let mut work = MOST_WORK;
        for (index, node) in graph.nodes.iter().enumerate() {
            if !needed[index + 1] {
                continue;
            }
            if done[index + 1] {
                // What it changes becomes part of the thresholds.
                if !matches!(node.op, Op::Rearrange(_)) {
                    plan.names.push(node.name.clone());
                }
                continue;
            }
            if !node.inputs.iter().any(|input| done[*input]) {
                continue;
            }
            let (Op::Trees(trees), [value]) = (&node.op, node.inputs.as_slice()) else {
                return None;
            };
            let len: usize = graph.shape_of(*value).iter().product();
            for run in 0..len / trees.inputs.max(1) {
                let questions = Questions::new(graph, (*value, run * trees.inputs), &mut work);
                plan.add(trees, questions, index + 1, &mut asks)?;
            }
            plan.names.push(node.name.clone());
            scores.push(index + 1);
        }
        scores.into_iter().for_each(|value| done[value] = true);
        plan.are_outputs = done[moved(graph)];
        plan.done = done;
        plan.rank(&asks);
        plan.columns = Columns::of(&plan);
        let columns = plan.columns.count;
        let leaves = plan.leaves.len().saturating_mul(columns);
        let is_possible = (1..=MOST_COLUMNS).contains(&columns) && leaves <= MOST_LEAVES;
        is_possible.then_some(plan)
    }

    /// Limbs of so many bits that hold any rank.
    pub(crate) fn input_limbs(&self, bits: u32) -> u32 {
        let most = self.ranks.iter().map(|ranks| ranks.thresholds.len()).max();
        let needed = usize::BITS - most.unwrap_or(0).leading_zeros() + 1;
        needed.div_ceil(bits.max(1))
    }

    /// Whether a few limbs of so many bits for each score are more than a proof packs.
    pub(crate) fn is_wide(&self, bits: u32) -> bool {
        const FEW: usize = 6;
        let packed = self.columns.count.saturating_mul(bits as usize * FEW);
        packed > Forest::MAX_PACKED_BITS as usize
    }

    /// How the rows of the program are encoded.
    pub(super) fn encoding(&self) -> Encoding {
        Encoding::Ranks {
            features: self.features,
            ranks: self.ranks.clone(),
        }
    }

    /// Adds the trees of an ensemble.
    fn add(
        &mut self,
        trees: &Trees,
        mut questions: Questions<'_>,
        value: usize,
        asks: &mut Vec<Ask<Child>>,
    ) -> Option<()> {
        let divisor = match trees.aggregate {
            Aggregate::Sum => 1.0,
            Aggregate::Average => trees.roots.len().max(1) as f64,
            Aggregate::Min | Aggregate::Max => return None,
        };
        questions.spend(trees.nodes.len())?;
        let scores = trees.base.len();
        if trees.base.iter().any(|base| !base.is_finite()) {
            return None;
        }
        let mut constants = Vec::new();
        let mut tree_of = vec![None; trees.nodes.len()];
        for (tree, root) in trees.roots.iter().enumerate() {
            let reached = reached(trees, &mut questions, *root, tree, &mut tree_of)?;
            let ends = ends(trees, &reached)?;
            if let End::Leaf(leaf) = ends.get(root)? {
                constants.extend(weights(trees, *leaf)?);
                continue;
            }
            // Where the first question of each node will be, and each leaf.
            let (mut next, mut leaf) = (asks.len(), self.leaves.len());
            let mut places = HashMap::with_capacity(reached.len());
            for (at, asked) in &reached {
                let (place, count) = match asked {
                    Some(asked) => (&mut next, asked.asks().count()),
                    None => (&mut leaf, 1),
                };
                places.insert(*at, *place);
                *place += count;
            }
            if next > MOST_NODES || leaf.saturating_mul(scores) > MOST_LEAVES {
                return None;
            }
            let child = |at: u32, way: Way| {
                let end = match way {
                    Way::Ask(ask) => End::Question(at, ask),
                    way => *ends.get(&follow(trees, at, way)?)?,
                };
                Some(match end {
                    End::Leaf(leaf) => Child::Leaf(*places.get(&leaf)? as u32),
                    End::Question(at, ask) => {
                        let before = reached.get(&at)?.as_ref()?.before(ask);
                        Child::Node((places.get(&at)? + before) as u32)
                    }
                })
            };
            self.roots.push(asks.len() as u32);
            for (at, asked) in &reached {
                let Some(asked) = asked else {
                    self.leaves.push(Leaf {
                        ensemble: self.ensembles.len(),
                        tree: self.roots.len() - 1,
                        weights: weights(trees, *at)?.to_vec(),
                    });
                    continue;
                };
                for ask in asked.asks() {
                    asks.push(Ask {
                        number: ask.number,
                        threshold: ask.threshold,
                        at_most: child(*at, ask.at_most)?,
                        above: child(*at, ask.above)?,
                    });
                }
            }
        }
        self.ensembles.push(Ensemble {
            value,
            base: trees.base.clone(),
            divisor,
            constants,
        });
        Some(())
    }

    /// Makes questions about ranks of questions about numbers.
    fn rank(&mut self, asks: &[Ask<Child>]) {
        let mut thresholds: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
        for ask in asks {
            thresholds
                .entry(ask.number)
                .or_default()
                .push(ask.threshold);
        }
        let sorted = thresholds.into_iter().map(|(feature, mut thresholds)| {
            thresholds.sort_unstable_by(f32::total_cmp);
            thresholds.dedup();
            Ranks {
                feature,
                thresholds,
            }
        });
        self.ranks = sorted.collect();
        let inputs = self.ranks.iter().enumerate();
        let inputs: HashMap<usize, usize> = inputs.map(|(at, r)| (r.feature, at)).collect();
        let node = |ask: &Ask<Child>| {
            let feature = *inputs.get(&ask.number)?;
            Some(ForestNode {
                feature: feature as u32,
                rank: self.ranks[feature].of(ask.threshold) as u32,
                yes: ask.at_most,
                no: ask.above,
            })
        };
        self.nodes = asks.iter().filter_map(node).collect();
    }
}

/// The value whose elements are the output, in whatever order.
fn moved(graph: &Graph) -> usize {
    let mut value = graph.output.value;
    while let Some(node) = value.checked_sub(1).and_then(|at| graph.nodes.get(at)) {
        match (&node.op, node.inputs.as_slice()) {
            (Op::Rearrange(_), [input]) => value = *input,
            _ => break,
        }
    }
    value
}

/// The nodes that some row reaches from a root; `None` if another tree has one of them, too.
fn reached(
    trees: &Trees,
    questions: &mut Questions<'_>,
    root: u32,
    tree: usize,
    tree_of: &mut [Option<usize>],
) -> Option<Reached> {
    let mut reached = Reached::new();
    let mut open = vec![root];
    while let Some(at) = open.pop() {
        match tree_of.get_mut(at as usize)?.replace(tree) {
            None => {}
            // On several ways of one tree.
            Some(other) if other == tree => continue,
            Some(_) => return None,
        }
        let asked = match trees.nodes.get(at as usize)? {
            TreeNode::Leaf(_) => None,
            TreeNode::Inner {
                feature,
                threshold,
                branch,
                ..
            } => Some(questions.asked(*feature, *threshold, *branch)?),
        };
        for way in [Way::Yes, Way::No] {
            if asked.is_some_and(|asked| asked.leads(way)) {
                open.push(follow(trees, at, way)?);
            }
        }
        reached.insert(at, asked);
    }
    Some(reached)
}

/// Where the way from each node ends; children stand behind their parents.
fn ends(trees: &Trees, reached: &Reached) -> Option<HashMap<u32, End>> {
    let mut ends = HashMap::with_capacity(reached.len());
    for (at, asked) in reached.iter().rev() {
        let end = match asked.map(|asked| asked.entry) {
            None => End::Leaf(*at),
            Some(Way::Ask(ask)) => End::Question(*at, ask),
            Some(way) => *ends.get(&follow(trees, *at, way)?)?,
        };
        ends.insert(*at, end);
    }
    Some(ends)
}

/// The child of a node.
fn follow(trees: &Trees, at: u32, way: Way) -> Option<u32> {
    match (trees.nodes.get(at as usize)?, way) {
        (TreeNode::Inner { yes, .. }, Way::Yes) => Some(*yes),
        (TreeNode::Inner { no, .. }, Way::No) => Some(*no),
        _ => None,
    }
}

/// What a leaf adds; `None` if that is not finite.
fn weights(trees: &Trees, leaf: u32) -> Option<&[(u32, f32)]> {
    match trees.nodes.get(leaf as usize)? {
        TreeNode::Leaf(weights) if weights.iter().all(|(_, weight)| weight.is_finite()) => {
            Some(weights)
        }
        _ => None,
    }
}
