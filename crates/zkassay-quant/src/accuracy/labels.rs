//! Outputs that are labels: which numbers an element of a graph can be.
//!
//! Exporters write labels in many ways: the position of the greatest score, a comparison, a table of
//! the classes' names looked up by either. What they have in common is that an element has few
//! values, whatever the input is. Those are found here from the operations that decide something
//! (`ArgMax`, `Less`, ...), through all that is computed from them.

use std::collections::HashMap;
use std::rc::Rc;

use zkassay_graph::{Binary, Function, Graph, Op, Reduction, Source};

/// The most numbers that are kept, of all elements together.
const MAX_NUMBERS: usize = 1 << 22;
/// The most operands that are computed with.
const MAX_WORK: usize = 1 << 24;
/// The most elements that are looked at.
const MAX_ELEMENTS: usize = 1 << 18;
/// The most values that several decisions have together.
const MAX_PAIRED: usize = 1 << 12;
/// How far back from the output decisions may lie, in nodes.
const MAX_DEPTH: usize = 128;
/// Integers up to here are exact in float32.
const EXACT: f32 = 16_777_216.0;

/// An element of a value.
type Element = (usize, usize);

/// What an element can be.
#[derive(Clone, Debug)]
struct Finite {
    /// The decision that it depends on; none for constants.
    base: Option<Element>,
    /// Its value for each outcome of the decision.
    table: Rc<[f32]>,
}

struct Search<'a> {
    graph: &'a Graph,
    known: HashMap<Element, Option<Finite>>,
    numbers: usize,
    work: usize,
}

/// The least and the greatest label, if the only output of a graph is one: one of a few integers.
pub(crate) fn labels(graph: &Graph) -> Option<(i32, i32)> {
    if graph.output.value > graph.nodes.len() || graph.outputs() != 1 {
        return None;
    }
    let mut search = Search {
        graph,
        known: HashMap::new(),
        numbers: 0,
        work: 0,
    };
    let output = search.element((graph.output.value, 0), 0)?;
    let is_label = |x: &f32| x.fract() == 0.0 && x.abs() <= EXACT;
    if output.base.is_none() || !output.table.iter().all(is_label) {
        return None;
    }
    let fold = |from: f32, by: fn(f32, f32) -> f32| output.table.iter().copied().fold(from, by);
    let (least, greatest) = (
        fold(f32::INFINITY, f32::min),
        fold(f32::NEG_INFINITY, f32::max),
    );
    Some((least as i32, greatest as i32))
}

impl Search<'_> {
    /// What an element can be; `None` if that is not few numbers, or too far away to see.
    fn element(&mut self, at: Element, depth: usize) -> Option<Finite> {
        if let Some(known) = self.known.get(&at) {
            return known.clone();
        }
        if depth >= MAX_DEPTH || self.known.len() >= MAX_ELEMENTS {
            return None;
        }
        let found = self.compute(at, depth);
        self.known.insert(at, found.clone());
        found
    }

    fn compute(&mut self, at: Element, depth: usize) -> Option<Finite> {
        let (value, index) = at;
        let graph = self.graph;
        let node = graph.nodes.get(value.checked_sub(1)?)?;
        let operand = |search: &mut Self, operand: usize, index: usize| {
            let input = *node.inputs.get(operand)?;
            // Nodes read what stands before them.
            (input < value).then(|| search.element((input, index), depth + 1))?
        };
        match &node.op {
            Op::ArgMax { groups, .. } => self.decision(at, groups.get(index)?.len()),
            Op::TopK {
                groups,
                k,
                positions: true,
                ..
            } => self.decision(at, groups.get(index.checked_div(*k)?)?.len()),
            Op::Rearrange(sources) => match *sources.get(index)? {
                Source::Constant(constant) => self.table(None, vec![constant]),
                Source::Element { operand: o, index } => operand(self, o as usize, index as usize),
            },
            Op::Elementwise {
                arithmetic,
                constant,
            } => {
                let c = *constant.get(index)?;
                let x = operand(self, 0, index)?;
                self.combine(at, &[x], |x| arithmetic.apply(x[0], c))
            }
            Op::Map(function) => match (operand(self, 0, index), function) {
                // Scores of a kind: zero lies between them.
                (_, Function::Sign) => None,
                (Some(x), _) => self.combine(at, &[x], |x| function.apply(x[0])),
                (None, Function::IsNonzero | Function::Not) => self.decision(at, 2),
                (None, _) => None,
            },
            Op::Binary(binary) => {
                let pair = operand(self, 0, index).zip(operand(self, 1, index));
                let found = pair.and_then(|(a, b)| {
                    self.combine(at, &[a, b], |pair| binary.apply(pair[0], pair[1]))
                });
                match (found, is_truth(*binary)) {
                    (None, true) => self.decision(at, 2),
                    (found, _) => found,
                }
            }
            Op::Select => {
                let (a, b) = operand(self, 1, index).zip(operand(self, 2, index))?;
                let choose = |x: &[f32]| if x[0] == 0.0 { x[2] } else { x[1] };
                match operand(self, 0, index) {
                    Some(c) => self.combine(at, &[c, a, b], choose),
                    None => {
                        let either = a.table.iter().chain(b.table.iter()).copied();
                        let either = distinct(either.collect());
                        self.table(Some(at), either)
                    }
                }
            }
            Op::Reduce { reduction, groups } => {
                let group = groups.get(index)?.iter();
                let elements: Option<Vec<Finite>> =
                    group.map(|i| operand(self, 0, *i as usize)).collect();
                self.combine(at, &elements?, |x| reduce(*reduction, x))
            }
            Op::Dense(dense) => {
                let row = index % dense.outputs().max(1);
                let start = (index / dense.outputs().max(1)).checked_mul(dense.inputs())?;
                let bias = f64::from(*dense.bias.get(row)?);
                let mut weights = Vec::new();
                let mut elements = Vec::new();
                for column in 0..dense.inputs() {
                    let weight = f64::from(*dense.weights.get((row, column))?);
                    if weight != 0.0 {
                        elements.push(operand(self, 0, start.checked_add(column)?)?);
                        weights.push(weight);
                    }
                }
                self.combine(at, &elements, |x| {
                    let products = weights.iter().zip(x);
                    let sum: f64 = products.map(|(w, x)| w * f64::from(*x)).sum();
                    (sum + bias) as f32
                })
            }
            _ => None,
        }
    }

    /// A number from 0 to below `count`.
    fn decision(&mut self, at: Element, count: usize) -> Option<Finite> {
        // Before they are listed.
        (count <= MAX_NUMBERS).then_some(())?;
        self.table(Some(at), (0..count).map(|x| x as f32).collect())
    }

    fn table(&mut self, base: Option<Element>, table: Vec<f32>) -> Option<Finite> {
        self.numbers = self.numbers.checked_add(table.len())?;
        let is_finite = !table.is_empty() && table.iter().all(|x| x.is_finite());
        let table = Rc::from(table);
        (is_finite && self.numbers <= MAX_NUMBERS).then_some(Finite { base, table })
    }

    /// A function of several elements.
    ///
    /// Those of one decision go together. Several decisions have all outcomes together, and become
    /// one; sums of theirs that can be negative are scores.
    fn combine(
        &mut self,
        at: Element,
        elements: &[Finite],
        function: impl Fn(&[f32]) -> f32,
    ) -> Option<Finite> {
        let mut bases: Vec<(Element, usize)> = elements
            .iter()
            .filter_map(|element| Some((element.base?, element.table.len())))
            .filter(|(_, outcomes)| *outcomes > 1)
            .collect();
        bases.sort_unstable();
        bases.dedup();
        let outcomes = bases
            .iter()
            .try_fold(1usize, |product, (_, len)| product.checked_mul(*len))?;
        if outcomes > MAX_NUMBERS || bases.len() > 1 && outcomes > MAX_PAIRED {
            return None;
        }
        let work = outcomes.checked_mul(elements.len().max(1))?;
        self.work = self.work.checked_add(work)?;
        if self.work > MAX_WORK {
            return None;
        }
        let mut operands = vec![0.0; elements.len()];
        let mut table = Vec::with_capacity(outcomes);
        for outcome in 0..outcomes {
            for (operand, element) in operands.iter_mut().zip(elements) {
                let mut rest = outcome;
                let mut own = 0;
                for (base, len) in &bases {
                    if element.base == Some(*base) {
                        own = rest % len;
                    }
                    rest /= len;
                }
                *operand = *element.table.get(own)?;
            }
            // No negative zero.
            table.push(function(&operands) + 0.0);
        }
        match bases.as_slice() {
            [] => self.table(None, table),
            [(base, _)] => self.table(Some(*base), table),
            _ => {
                let values = distinct(table);
                let is_score = values.iter().any(|x| *x < 0.0);
                (!is_score).then(|| self.table(Some(at), values))?
            }
        }
    }
}

fn is_truth(binary: Binary) -> bool {
    use Binary::{And, Equal, Less, LessOrEqual, Or, Xor};
    matches!(binary, Equal | Less | LessOrEqual | And | Or | Xor)
}

fn distinct(mut values: Vec<f32>) -> Vec<f32> {
    values.sort_by(f32::total_cmp);
    values.dedup();
    values
}

fn reduce(reduction: Reduction, x: &[f32]) -> f32 {
    let reals = x.iter().map(|x| f64::from(*x));
    let result = match reduction {
        Reduction::Sum => reals.sum(),
        Reduction::Mean => reals.sum::<f64>() / x.len().max(1) as f64,
        Reduction::MeanOf(count) => reals.sum::<f64>() / f64::from(count),
        Reduction::Max => reals.fold(f64::NEG_INFINITY, f64::max),
        Reduction::Min => reals.fold(f64::INFINITY, f64::min),
        Reduction::L1 => reals.map(f64::abs).sum(),
        Reduction::L2 => reals.map(|x| x * x).sum::<f64>().sqrt(),
    };
    result as f32
}
