//! Operations that are not defined everywhere, where a condition behind them keeps what they make
//! of other arguments away from the result.
//!
//! `where(d == 0, 0, n / d)` reads the quotient only where `d` is not zero, but a circuit computes it
//! everywhere. So `d` becomes 1 where the quotient is not read: nothing changes in what is read, and
//! calibration rows then keep the divisor away from zero. The same for logarithms and
//! reciprocals; for choices by any condition; and for products with a truth value, if what is not a
//! number becomes one before, as in the power transformers that skl2onnx writes.

use std::collections::{BTreeMap, BTreeSet};

use zkassay_graph::{Binary, Function, Graph, Node, Op, Source};

use super::{needed, readers};

/// The most operations that are guarded.
const MOST: usize = 1024;
/// The most elements and nodes that are looked at in search of them: beyond that, operations stay as
/// they are.
const MOST_WORK: usize = 1 << 24;

/// For each element of a value, the element of the condition that says whether it is read.
type Places = Vec<Place>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing reads it.
    Unread,
    /// It is read if this element of the condition holds.
    At(u32),
    /// Several elements of the condition decide.
    Several,
}

/// A condition, and the value that is read only where it has a truth value.
#[derive(Clone, Copy, Debug)]
struct Condition {
    value: usize,
    /// Whether the other value is read where the condition holds, or where it does not.
    holds: bool,
    guarded: usize,
    /// The node that reads both.
    reader: usize,
}

/// An operation whose argument becomes 1 where it is not read.
#[derive(Debug)]
struct Guard {
    /// Position of its node.
    node: usize,
    /// Which of its operands.
    operand: usize,
    condition: Condition,
    places: Places,
}

/// The graph with guarded arguments, if there are any. Values get other numbers.
pub(super) fn guarded(graph: &Graph) -> Option<Graph> {
    if !graph.nodes.iter().any(|node| argument(&node.op).is_some()) {
        return None;
    }
    let (simpler, numbers) = simplified(graph);
    let is_changed = simpler.nodes != graph.nodes;
    let guards = guards(&simpler, &numbers);
    match guards.is_empty() {
        true => is_changed.then_some(simpler),
        false => with_guards(&simpler, &guards).or_else(|| is_changed.then_some(simpler)),
    }
}

/// The operand that is not defined everywhere.
fn argument(op: &Op) -> Option<usize> {
    match op {
        Op::Binary(Binary::Divide) => Some(1),
        Op::Map(Function::Log | Function::Reciprocal) => Some(0),
        _ => None,
    }
}

/// The graph without questions whether integers are numbers, and with `x / x` as 1; and the values
/// that are numbers whatever is read for them.
///
/// Where a float is no number, there is no proof, unless a condition keeps it away.
fn simplified(graph: &Graph) -> (Graph, BTreeSet<usize>) {
    let mut graph = graph.clone();
    let mut numbers = BTreeSet::new();
    for at in 0..graph.nodes.len() {
        let node = &graph.nodes[at];
        let simpler = match (&node.op, node.inputs.as_slice()) {
            (Op::Binary(Binary::Divide), [a, b]) if a == b => Some((ones(node.len()), Vec::new())),
            (Op::Select, [condition, kept, _]) => {
                let (is_number, is_finite) = (
                    asks_for_number(&graph, *condition, *kept),
                    asks_for_finite(&graph, *condition, *kept),
                );
                if is_number {
                    numbers.insert(at + 1);
                }
                (is_number || is_finite).then(|| (copied(node.len()), vec![*kept]))
            }
            _ => None,
        };
        if let Some((op, inputs)) = simpler {
            graph.nodes[at].op = op;
            graph.nodes[at].inputs = inputs;
        }
    }
    (graph, numbers)
}

fn node_of(graph: &Graph, value: usize) -> Option<&Node> {
    graph.nodes.get(value.checked_sub(1)?)
}

fn ones(len: usize) -> Op {
    Op::Rearrange(vec![Source::Constant(1.0); len])
}

fn copied(len: usize) -> Op {
    let element = |index| Source::Element {
        operand: 0,
        index: index as u32,
    };
    Op::Rearrange((0..len).map(element).collect())
}

/// Whether a condition is `x = x`.
fn asks_for_number(graph: &Graph, condition: usize, x: usize) -> bool {
    node_of(graph, condition)
        .is_some_and(|node| matches!(node.op, Op::Binary(Binary::Equal)) && node.inputs == [x, x])
}

/// Whether a condition is `not (largest < x)` or `not (x < -largest)` for the largest float.
fn asks_for_finite(graph: &Graph, condition: usize, x: usize) -> bool {
    let compared = node_of(graph, condition).and_then(|node| match (&node.op, &node.inputs[..]) {
        (Op::Map(Function::Not), [beyond]) => node_of(graph, *beyond),
        _ => None,
    });
    let is_all = |value: usize, c: f32| is_constant(graph, value, c);
    compared.is_some_and(|node| match (&node.op, &node.inputs[..]) {
        (Op::Binary(Binary::Less), [a, b]) => {
            *b == x && is_all(*a, f32::MAX) || *a == x && is_all(*b, -f32::MAX)
        }
        _ => false,
    })
}

/// Whether all elements of a value are the constant `c`.
fn is_constant(graph: &Graph, value: usize, c: f32) -> bool {
    node_of(graph, value).is_some_and(|node| match &node.op {
        Op::Rearrange(sources) => sources.iter().all(|s| *s == Source::Constant(c)),
        _ => false,
    })
}

/// Whether a value is of truth values, whatever it is computed from.
fn is_truth(graph: &Graph, value: usize) -> bool {
    node_of(graph, value).is_some_and(|node| {
        matches!(
            node.op,
            Op::Map(Function::Not | Function::IsNonzero)
                | Op::Binary(
                    Binary::Equal
                        | Binary::Less
                        | Binary::LessOrEqual
                        | Binary::And
                        | Binary::Or
                        | Binary::Xor
                )
        )
    })
}

/// What nodes read only where a condition says so.
fn conditions(graph: &Graph, numbers: &BTreeSet<usize>) -> Vec<Condition> {
    let mut found = Vec::new();
    for (reader, node) in graph.nodes.iter().enumerate() {
        let mut add = |value: usize, holds: bool, guarded: usize| {
            found.push(Condition {
                value,
                holds,
                guarded,
                reader,
            });
        };
        match (&node.op, node.inputs.as_slice()) {
            (Op::Select, [condition, a, b]) => {
                add(*condition, true, *a);
                add(*condition, false, *b);
            }
            (Op::Binary(Binary::Multiply), [a, b]) => {
                for (x, truth) in [(*a, *b), (*b, *a)] {
                    if numbers.contains(&x) && is_truth(graph, truth) {
                        add(truth, true, x);
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// The operations that conditions guard, each once.
fn guards(graph: &Graph, numbers: &BTreeSet<usize>) -> Vec<Guard> {
    let needed = needed(graph);
    let mut search = Search {
        graph,
        readers: readers(graph, &needed),
        work: MOST_WORK,
    };
    let mut guards: BTreeMap<usize, Guard> = BTreeMap::new();
    for condition in conditions(graph, numbers) {
        if needed[condition.reader + 1] {
            for guard in search.cone(condition) {
                if guards.len() < MOST {
                    guards.entry(guard.node).or_insert(guard);
                }
            }
        }
    }
    guards.into_values().collect()
}

struct Search<'a> {
    graph: &'a Graph,
    /// How many needed nodes read each value.
    readers: Vec<usize>,
    /// What is left of [`MOST_WORK`].
    work: usize,
}

impl Search<'_> {
    /// The operations that are read only through the guarded value of a condition, element by
    /// element.
    fn cone(&mut self, condition: Condition) -> Vec<Guard> {
        let graph = self.graph;
        let mut found = Vec::new();
        let len = |value| node_of(graph, value).map(Node::len);
        let (Some(own), Some(of_condition)) = (len(condition.guarded), len(condition.value)) else {
            return found;
        };
        if own != of_condition || !self.afford(own) {
            return found;
        }
        // Places of values, and how often they are read in the cone.
        let mut open: BTreeMap<usize, (Places, usize)> = BTreeMap::new();
        let all = (0..own as u32).map(Place::At).collect();
        open.insert(condition.guarded, (all, 1));
        while let Some((value, (places, reads))) = open.pop_last() {
            let Some(node) = node_of(graph, value) else {
                continue;
            };
            // What others read as well is not the condition's alone.
            if self.readers[value] != reads || graph.output.value == value {
                continue;
            }
            if let Some(operand) = argument(&node.op)
                && !places.contains(&Place::Several)
                && !self.depends(condition.value, value)
            {
                found.push(Guard {
                    node: value - 1,
                    operand,
                    condition,
                    places: places.clone(),
                });
            }
            for (operand, input) in node.inputs.iter().enumerate() {
                if !self.afford(places.len() + len(*input).unwrap_or(0)) {
                    return found;
                }
                let Some(of_input) = places_of(graph, node, operand, &places) else {
                    continue;
                };
                match open.get_mut(input) {
                    None => {
                        open.insert(*input, (of_input, 1));
                    }
                    Some((known, reads)) => {
                        *reads += 1;
                        for (known, new) in known.iter_mut().zip(of_input) {
                            *known = both(*known, new);
                        }
                    }
                }
            }
        }
        found
    }

    /// Whether a value is computed from another, or there is no time to see.
    fn depends(&mut self, value: usize, on: usize) -> bool {
        let mut open = BTreeSet::from([value]);
        // Values are computed from those of lesser numbers.
        while let Some(value) = open.pop_last() {
            if value <= on {
                return value == on;
            }
            if let Some(node) = node_of(self.graph, value) {
                if !self.afford(node.inputs.len() + 1) {
                    return true;
                }
                open.extend(&node.inputs);
            }
        }
        false
    }

    /// Whether there is time for so much.
    fn afford(&mut self, work: usize) -> bool {
        match self.work.checked_sub(work) {
            Some(left) => {
                self.work = left;
                true
            }
            None => {
                self.work = 0;
                false
            }
        }
    }
}

fn both(a: Place, b: Place) -> Place {
    match (a, b) {
        (Place::Unread, other) | (other, Place::Unread) => other,
        (a, b) if a == b => a,
        _ => Place::Several,
    }
}

/// The places of an operand, for those of the result; `None` if elements are mixed.
fn places_of(graph: &Graph, node: &Node, operand: usize, places: &Places) -> Option<Places> {
    match &node.op {
        Op::Elementwise { .. } | Op::Binary(_) | Op::Map(_) | Op::Select => Some(places.clone()),
        Op::Rearrange(sources) => {
            let len = node_of(graph, *node.inputs.get(operand)?)?.len();
            let mut of_input = vec![Place::Unread; len];
            for (source, place) in sources.iter().zip(places) {
                if let Source::Element { operand: of, index } = source
                    && *of as usize == operand
                {
                    let known = of_input.get_mut(*index as usize)?;
                    *known = both(*known, *place);
                }
            }
            Some(of_input)
        }
        _ => None,
    }
}

/// The graph with the guards before their operations; `None` if there is no order for that.
fn with_guards(graph: &Graph, guards: &[Guard]) -> Option<Graph> {
    let mut nodes = graph.nodes.clone();
    for guard in guards {
        let (name, shape) = (
            nodes[guard.node].name.clone(),
            nodes[guard.node].shape.clone(),
        );
        let len = nodes[guard.node].len();
        let mut add = |op: Op, inputs: Vec<usize>| {
            nodes.push(Node {
                name: name.clone(),
                operator: "Where".to_owned(),
                op,
                inputs,
                shape: shape.clone(),
            });
            nodes.len()
        };
        let Condition { value, holds, .. } = guard.condition;
        let x = *graph.nodes[guard.node].inputs.get(guard.operand)?;
        // What nothing reads may be anything: 1, as where it is not read.
        let source = |place: &Place| match place {
            Place::At(index) => Source::Element {
                operand: 0,
                index: *index,
            },
            _ => Source::Constant(f32::from(u8::from(!holds))),
        };
        let sources: Vec<Source> = guard.places.iter().map(source).collect();
        let of_condition = node_of(graph, value).map(Node::len);
        let condition = match Op::Rearrange(sources) {
            same if of_condition == Some(len) && same == copied(len) => value,
            moved => add(moved, vec![value]),
        };
        let guarded = match !holds && condition == value && is_zero_test(graph, value, x) {
            // x + [x = 0]
            true => add(Op::Binary(Binary::Add), vec![x, condition]),
            false => {
                let one = add(ones(len), Vec::new());
                let (a, b) = if holds { (x, one) } else { (one, x) };
                add(Op::Select, vec![condition, a, b])
            }
        };
        nodes[guard.node].inputs[guard.operand] = guarded;
    }
    sorted(graph, nodes)
}

/// Whether a condition is `x = 0`.
fn is_zero_test(graph: &Graph, condition: usize, x: usize) -> bool {
    node_of(graph, condition).is_some_and(|node| match (&node.op, &node.inputs[..]) {
        (Op::Binary(Binary::Equal), [a, b]) => {
            *a == x && is_constant(graph, *b, 0.0) || *b == x && is_constant(graph, *a, 0.0)
        }
        _ => false,
    })
}

/// Nodes in an order in which each stands behind those that it reads.
fn sorted(graph: &Graph, nodes: Vec<Node>) -> Option<Graph> {
    // For each value its new number, once its node has one.
    let mut numbers: Vec<Option<usize>> = vec![None; nodes.len() + 1];
    numbers[0] = Some(0);
    let mut order: Vec<usize> = Vec::with_capacity(nodes.len());
    let mut entered = vec![false; nodes.len() + 1];
    for first in 1..=nodes.len() {
        let mut stack = vec![first];
        while let Some(&value) = stack.last() {
            if numbers[value].is_some() {
                stack.pop();
                continue;
            }
            let open = nodes[value - 1]
                .inputs
                .iter()
                .filter(|input| numbers[**input].is_none());
            let open: Vec<usize> = open.copied().collect();
            if open.is_empty() {
                order.push(value);
                numbers[value] = Some(order.len());
                stack.pop();
            } else if entered[value] {
                return None;
            } else {
                entered[value] = true;
                stack.extend(open);
            }
        }
    }
    let mut nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
    let mut sorted = Vec::with_capacity(nodes.len());
    for value in order {
        let mut node = nodes[value - 1].take()?;
        for input in &mut node.inputs {
            *input = numbers[*input]?;
        }
        sorted.push(node);
    }
    let mut graph = graph.clone();
    graph.output.value = numbers[graph.output.value]?;
    graph.nodes = sorted;
    Some(graph)
}
