//! From a float graph to an integer program.
//!
//! While a graph is lowered, a value is a vector of *affine forms* over wires that are already
//! there. Affine operations only compose forms, so that adjacent ones merge and data movement
//! costs nothing; an operation that is not affine *commits* the forms that it reads: they become
//! wires, at a scale of their own. Each operation has a file of the name that it has in
//! `zkassay-graph`.
//!
//! | file | what |
//! |---|---|
//! | `form` | affine forms, blocks of many |
//! | `state` | the program so far |
//! | `names` | which nodes a value comes from |
//! | `commit`, `steps` | how forms become wires |
//! | `operand` | what operations take of their operands |
//! | `check` | that operations fit their operands |
//! | `patterns` | functions that exporters write as several nodes |
//! | `guards` | arguments that nothing reads |
//! | `product`, `quotient`, `truth`, `curve` | what operations have in common |
//! | `forest`, `features`, `questions`, `columns`, `leaves` | trees over the model's input |
//! | `trigonometry` | circular and hyperbolic functions |
//! | `trees` | all others |

mod categories;
mod check;
mod columns;
mod commit;
mod conv;
mod curve;
mod dense;
mod elementwise;
mod features;
mod forest;
mod form;
mod guards;
mod leaves;
mod map;
mod matmul;
mod names;
mod operand;
mod order;
mod patterns;
mod product;
mod questions;
mod quotient;
mod rearrange;
mod reduce;
mod round;
mod select;
mod softmax;
mod state;
mod steps;
mod trees;
mod trigonometry;
mod truth;

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use zkassay_fixed::Scale;
use zkassay_graph::{Function, Graph, Node, Op};

use crate::QuantError;
use crate::calibrate::{Exponents, WIDEST_RANGE, ceil_log2};
use crate::program::{Encoding, Finish, Kind, Program, ProgramLimbs, Sum, Wire};
use forest::Plan;
use form::{Element, Form, Value};
use names::Names;
pub(crate) use names::name_of;
use state::Lowering;

/// Outputs are no finer.
const FINEST_OUTPUT: i32 = 20;
/// How much finer than usual forms may be that operations take as they are.
const FINER: i32 = 8;
/// The finest scale of scores that are exact: that of sums that float32 does not round.
const FINEST_GRID: i32 = 24;

/// What a calibration decides about a program; a graph and its scheme determine the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramScheme {
    /// Limb widths.
    pub limbs: ProgramLimbs,
    /// Inputs lie within plus or minus this, rounded up to a power of two. A float32, because
    /// its decimal form is read back exactly. Ranks have no range: 0.
    pub range: f32,
    /// The ranges of inputs, if each has one of its own.
    #[serde(default, skip_serializing_if = "Exponents::is_empty")]
    pub exponents: Exponents,
    /// Whether the inputs are [ranks](Encoding::Ranks): only of a graph whose input is read by
    /// trees alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ranks: bool,
    /// The scale of every tensor that has room for it.
    pub fraction_bits: i32,
    /// Whether adjacent affine operations are merged.
    pub fold: bool,
    /// Bounds of values that the input range does not imply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
}

/// A bound that is enforced: an input that leads beyond it has no proof.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Which value of the graph.
    pub value: usize,
    /// All its elements are at least this.
    pub low: f32,
    /// All its elements are at most this.
    pub high: f32,
}

/// Affine nodes that became one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded {
    /// Their names.
    pub nodes: Vec<String>,
    /// The name of the step.
    pub into: String,
}

/// A program, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoweredProgram {
    /// The program.
    pub program: Program,
    /// What was merged.
    pub folded: Vec<Folded>,
}

/// The program of `graph` that `scheme` determines.
///
/// # Errors
/// An operation without integer form, a scheme that no calibration gives, or a worst case that
/// the scheme has no room for; each names the node.
pub fn quantize_program(
    graph: &Graph,
    scheme: &ProgramScheme,
) -> Result<LoweredProgram, QuantError> {
    Ok(Prepared::new(graph)?.quantize(scheme)?.0)
}

/// A graph, and what all its schemes have in common.
pub(crate) struct Prepared<'a> {
    pub(crate) graph: Cow<'a, Graph>,
    /// Trees over its input.
    pub(crate) plan: Option<Plan>,
}

impl<'a> Prepared<'a> {
    /// # Errors
    /// A graph whose parts do not fit each other.
    pub(crate) fn new(graph: &'a Graph) -> Result<Self, QuantError> {
        check::graph(graph)?;
        let graph = patterns::recognised(graph);
        let plan = Plan::of(graph.as_ref());
        Ok(Self { graph, plan })
    }

    /// The program, and the scheme with no more limits than are used: it gives the same program.
    ///
    /// # Errors
    /// As [`quantize_program`].
    pub(crate) fn quantize(
        &self,
        scheme: &ProgramScheme,
    ) -> Result<(LoweredProgram, ProgramScheme), QuantError> {
        scheme.check(&self.graph)?;
        let plan = match (scheme.ranks, &self.plan) {
            (false, _) => None,
            (true, Some(plan)) => Some(plan),
            (true, None) => {
                return Err(QuantError::Parameter {
                    what: "a scheme",
                    found: "of ranks".into(),
                    expected: "one of scaled inputs: not only trees read the model's",
                });
            }
        };
        lowered(&self.graph, scheme, plan)
    }
}

fn lowered(
    graph: &Graph,
    scheme: &ProgramScheme,
    plan: Option<&Plan>,
) -> Result<(LoweredProgram, ProgramScheme), QuantError> {
    let limbs = scheme.limbs;
    let room = (limbs.bits * limbs.input) as i32 - 1;
    let exponent = ceil_log2(f64::from(scheme.range).max(1e-6));
    let (inputs, input_scale, encoding) = match plan {
        None if !scheme.exponents.is_empty() => {
            let (common, offsets) = scheme.exponents.scales(room);
            (graph.inputs(), common, Encoding::Shifted { offsets })
        }
        None => (graph.inputs(), Scale(room - exponent), Encoding::Scaled),
        Some(plan) => (plan.ranks.len(), Scale(0), plan.encoding()),
    };
    if let Some(needed) = plan.map(|plan| plan.input_limbs(limbs.bits))
        && needed > limbs.input
    {
        return Err(QuantError::Overflow {
            node: graph.input.name.clone(),
            needed: needed.saturating_mul(limbs.bits),
            available: limbs.bits * limbs.input,
        });
    }
    if plan.is_none() {
        let own = |place: usize| scheme.exponents.as_slice().get(place);
        categories::check(
            graph,
            |place| encoding.scale_of(place, input_scale),
            |place| own(place).map_or(exponent, |own| i32::from(*own)),
        )?;
    }
    let program = Program {
        name: graph.name.clone(),
        input: graph.input.name.clone(),
        inputs,
        input_scale,
        encoding,
        labelled: false,
        limbs,
        tables: Vec::new(),
        steps: Vec::new(),
        outputs: graph.outputs(),
        output_scale: input_scale,
        probability: false,
    };
    let mut lowering = Lowering::new(scheme, program);
    let mut scores = match plan {
        Some(plan) => lowering.forest(plan)?,
        None => HashMap::new(),
    };
    let is_done = |value: usize| plan.is_some_and(|plan| plan.done[value]);
    // Nothing reads ranks but the trees.
    let input = match (plan, &lowering.program.encoding) {
        (Some(_), _) => Vec::new(),
        (None, Encoding::Shifted { offsets }) => {
            let shifted = |(wire, offset): (Wire, &i32)| {
                let factor = Scale(-offset).factor();
                Element::Form(Form::of(wire).scaled(factor))
            };
            offsets.iter().enumerate().map(shifted).collect()
        }
        (None, _) => (0..inputs).map(Element::of).collect(),
    };
    let mut values = vec![Rc::new(Value {
        elements: input,
        nodes: Names::default(),
    })];
    let needed = needed(graph);
    let readers = readers(graph, &needed);
    for (index, node) in graph.nodes.iter().enumerate() {
        let mut value = scores.remove(&(index + 1)).unwrap_or_default();
        if needed[index + 1] && !is_done(index + 1) {
            let operands: Vec<Rc<Value>> = node.inputs.iter().map(|i| values[*i].clone()).collect();
            lowering.at = index + 1;
            value = lowering.node(node, operands)?;
            // What several nodes read is computed once.
            let has_rows = value
                .elements
                .iter()
                .any(|e| matches!(e, Element::Row { .. }));
            if readers[index + 1] > 1 && has_rows {
                let wires = lowering.wires(&value, &node.name)?;
                value = Value {
                    elements: wires.into_iter().map(Element::of).collect(),
                    nodes: Names::default(),
                };
            }
        }
        values.push(Rc::new(value));
    }
    let used = lowering.used_limits.clone();
    let mut scheme = scheme.clone();
    scheme.limits.retain(|limit| used.contains(&limit.value));
    let lowered = lowering.finish(graph, &values[graph.output.value])?;
    Ok((lowered, scheme))
}

/// Which values the output depends on.
fn needed(graph: &Graph) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes.len() + 1];
    needed[graph.output.value] = true;
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        if needed[index + 1] {
            node.inputs.iter().for_each(|input| needed[*input] = true);
        }
    }
    needed
}

/// How many nodes read each value.
fn readers(graph: &Graph, needed: &[bool]) -> Vec<usize> {
    let mut readers = vec![0; graph.nodes.len() + 1];
    for (node, _) in graph
        .nodes
        .iter()
        .zip(&needed[1..])
        .filter(|(_, needed)| **needed)
    {
        node.inputs.iter().for_each(|input| readers[*input] += 1);
    }
    readers
}

impl ProgramScheme {
    fn check(&self, graph: &Graph) -> Result<(), QuantError> {
        self.limbs.check()?;
        let parameter = |what, found: String, expected| {
            Err(QuantError::Parameter {
                what,
                found,
                expected,
            })
        };
        if !(0.0..=WIDEST_RANGE).contains(&f64::from(self.range)) {
            return parameter("input range", self.range.to_string(), "0 to 10^9");
        }
        if self.ranks && (self.range != 0.0 || !self.exponents.is_empty()) {
            return parameter("input range", self.range.to_string(), "0 for ranks");
        }
        self.exponents.check(graph.inputs())?;
        if !(2..=24).contains(&self.fraction_bits) {
            let found = self.fraction_bits.to_string();
            return parameter("fraction bits", found, "2 to 24");
        }
        let fits = |limit: &Limit| {
            limit.value <= graph.nodes.len()
                && limit.low.is_finite()
                && limit.high.is_finite()
                && limit.low <= limit.high
        };
        match self.limits.iter().find(|limit| !fits(limit)) {
            Some(limit) => parameter("a limit", format!("{limit:?}"), "an interval of a value"),
            None => Ok(()),
        }
    }
}

impl Lowering<'_> {
    fn node(&mut self, node: &Node, mut operands: Vec<Rc<Value>>) -> Result<Value, QuantError> {
        let is_affine = matches!(
            node.op,
            Op::Dense(_) | Op::Conv(_) | Op::Elementwise { .. } | Op::Binary(_) | Op::Reduce { .. }
        );
        if !self.scheme.fold && is_affine {
            for operand in operands.iter_mut().filter(|value| !value.nodes.is_empty()) {
                let wires = self.wires(operand, &node.name)?;
                let elements = wires.into_iter().map(Element::of).collect();
                *operand = Rc::new(Value {
                    elements,
                    nodes: Names::default(),
                });
            }
        }
        let operand = |at: usize| {
            operands
                .get(at)
                .map(Rc::as_ref)
                .ok_or_else(|| QuantError::Unsupported {
                    node: node.name.clone(),
                    op: node.op.name().into(),
                    reason: format!("it has no operand {at}"),
                })
        };
        let first = operand(0);
        match &node.op {
            Op::Dense(dense) => self.dense(node, dense, first?),
            Op::Conv(conv) => self.conv(node, conv, first?),
            Op::Elementwise {
                arithmetic,
                constant,
            } => Ok(elementwise::with_constant(
                node,
                *arithmetic,
                constant,
                first?,
            )),
            Op::Binary(binary) => self.binary(node, *binary, first?, operand(1)?),
            Op::Map(function) => self.map(node, *function, first?),
            Op::Rearrange(sources) => self.rearrange(node, sources, &operands),
            Op::Reduce { reduction, groups } => self.reduce(node, *reduction, groups, first?),
            Op::MatMul(matmul) => self.matmul(node, matmul, first?, operand(1)?),
            Op::Select => self.select(node, first?, operand(1)?, operand(2)?),
            Op::Softmax { groups, log } => self.softmax(node, groups, *log, first?),
            Op::ArgMax {
                groups,
                order,
                last,
            } => self.arg_max(node, groups, (*order, *last), first?),
            Op::TopK {
                groups,
                k,
                order,
                positions,
            } => self.top_k(node, groups, *k, (*order, *positions), first?),
            Op::Trees(trees) => self.trees(node, trees, first?),
            _ => Err(unsupported(node, "it has no integer form")),
        }
    }

    /// Makes the output the last step.
    fn finish(mut self, graph: &Graph, output: &Value) -> Result<LoweredProgram, QuantError> {
        let rule = self.rule();
        let mut wires = self.commit(output, &graph.output.name, rule)?;
        let count = self.bounds.len();
        let is_last_step = self.program.steps.last().is_some_and(|step| {
            // The circuit has the outputs of these in other orders, or among other rows.
            let is_plain = !matches!(step.kind, Kind::Hints(_) | Kind::Conv(_));
            is_plain
                && wires.iter().all(|wire| self.scales[*wire] >= 0)
                && wires
                    .windows(2)
                    .all(|w| self.scales[w[0]] == self.scales[w[1]])
                && step.len() == wires.len()
                && wires.iter().copied().eq(count - wires.len()..count)
        });
        let scale = wires
            .iter()
            .map(|wire| self.scales[*wire])
            .max()
            .unwrap_or(0);
        if !is_last_step {
            // Copies, at the finest of their scales unless that is finer than anybody needs.
            let forms = wires.iter().map(|wire| Element::of(*wire)).collect();
            let copies = Value {
                elements: forms,
                nodes: Names::of(&graph.output.name),
            };
            let coarsest = scale - self.program.limbs.shift_bits() as i32;
            let scale = scale.min(FINEST_OUTPUT.max(coarsest)).max(0);
            wires = self.copies(&graph.output.name, &copies, scale)?;
        }
        let scale = self.scales[wires[0]];
        self.program.output_scale = Scale(scale);
        self.program.outputs = wires.len();
        let ends_in_sigmoid = graph.output.value > 0
            && matches!(
                graph.nodes[graph.output.value - 1].op,
                Op::Map(Function::Sigmoid)
            );
        self.program.probability = wires.len() == 1 && ends_in_sigmoid;
        self.program.validate()?;
        Ok(LoweredProgram {
            program: self.program,
            folded: self.folded,
        })
    }
}

impl Lowering<'_> {
    /// A step of its own for each element, repeated ones too, at a scale.
    fn copies(
        &mut self,
        node: &str,
        value: &Value,
        mut scale: i32,
    ) -> Result<Vec<Wire>, QuantError> {
        let forms = self.forms(value, node)?;
        let is_exact = |form: &Form| self.exact_scale(form).is_some_and(|own| own <= scale);
        let exact = forms.iter().all(is_exact);
        let shift = self.program.limbs.shift_bits() as i32;
        loop {
            let (finish, accumulator) = match exact {
                true => (Finish::Exact, scale),
                false => (Finish::Round, scale + shift),
            };
            let sums = forms
                .iter()
                .map(|form| self.integers(node, form, accumulator));
            let sums = sums.collect::<Result<Vec<Sum>, _>>()?;
            match self.sums(node, sums, finish, (scale, None)) {
                Err(QuantError::Overflow { .. }) if !exact && scale > 2 => scale -= 1,
                done => return done,
            }
        }
    }
}

fn unsupported(node: &Node, reason: impl Into<String>) -> QuantError {
    QuantError::Unsupported {
        node: node.name.clone(),
        op: node.op.name().into(),
        reason: reason.into(),
    }
}
