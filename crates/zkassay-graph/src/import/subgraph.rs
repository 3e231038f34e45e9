//! Graphs inside of nodes: branches of `If`, bodies of `Scan` and `Loop`.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb;

use super::builder::Builder;
use super::constants::Constants;
use super::node::NodeRef;
use super::shape;
use super::tensor::{DataType, Tensor};
use super::walk::{MAX_DEPTH, Scope};
use crate::op::Source;
use crate::{GraphError, Op};

/// The operators that are read here, since they need what is around them.
pub(super) const OPERATORS: [&str; 3] = ["If", "Scan", "Loop"];

/// The most rounds of a loop.
const MAX_ROUNDS: usize = 1 << 12;

/// The names that a node reads: its operands, and what its graphs read from around it.
pub(super) fn reads(node: &pb::NodeProto) -> Vec<&str> {
    let mut names: Vec<&str> = node.input.iter().map(String::as_str).collect();
    for graph in node.attribute.iter().filter_map(|a| a.g.as_ref()) {
        names.extend(free_names(graph));
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The names that a graph reads but does not define.
fn free_names(graph: &pb::GraphProto) -> Vec<&str> {
    let inputs = graph.input.iter().map(|input| input.name.as_str());
    let constants = graph.initializer.iter().map(|tensor| tensor.name.as_str());
    let computed = graph.node.iter().flat_map(|node| &node.output);
    let defined: HashSet<&str> = inputs
        .chain(constants)
        .chain(computed.map(String::as_str))
        .collect();
    let outputs = graph.output.iter().map(|output| output.name.as_str());
    let read = graph.node.iter().flat_map(reads).chain(outputs);
    read.filter(|name| !defined.contains(name)).collect()
}

impl Scope<'_> {
    /// Reads a node that holds graphs; `known` is what is around it.
    pub(super) fn read_subgraphs(
        &self,
        node: &NodeRef<'_>,
        known: &mut HashMap<String, Tensor>,
        builder: &mut Builder,
    ) -> Result<Vec<Tensor>, GraphError> {
        match node.operator() {
            "If" => self.branch(node, known, builder),
            "Loop" => self.repeat(node, known, builder),
            _ => self.scan(node, known, builder),
        }
    }

    /// The branch that a constant condition chooses; else both, and a choice between them.
    fn branch(
        &self,
        node: &NodeRef<'_>,
        known: &mut HashMap<String, Tensor>,
        builder: &mut Builder,
    ) -> Result<Vec<Tensor>, GraphError> {
        let condition = node.input(0)?;
        if condition.is_constant() {
            let holds = node.scalar(0)?.unwrap_or(0.0) != 0.0;
            let branch = if holds { "then_branch" } else { "else_branch" };
            return self.run(node, node.graph(branch)?, vec![], known, builder);
        }
        let then = self.run(node, node.graph("then_branch")?, vec![], known, builder)?;
        let other = self.run(node, node.graph("else_branch")?, vec![], known, builder)?;
        let choose = |(a, b): (&Tensor, &Tensor)| {
            if a.shape != b.shape || condition.len() != 1 {
                let expected = format!("{:?} as in the other branch", a.shape);
                return Err(node.mismatch("an output of a branch", &b.shape, expected));
            }
            let repeated = std::iter::repeat_n(0, builder.charge_shape(node, &a.shape)?);
            let condition = builder.select(node, condition, repeated, a.shape.clone())?;
            let chosen = builder.push(node, Op::Select, &[&condition, a, b], a.shape.clone())?;
            Ok(chosen.typed(a.element))
        };
        then.iter().zip(&other).map(choose).collect()
    }

    /// The body once for each slice of the scanned inputs along their first axes.
    fn scan(
        &self,
        node: &NodeRef<'_>,
        known: &mut HashMap<String, Tensor>,
        builder: &mut Builder,
    ) -> Result<Vec<Tensor>, GraphError> {
        let body = node.graph("body")?;
        let operands = node.inputs()?;
        let scanned = usize::try_from(node.int("num_scan_inputs", 0)?).unwrap_or(0);
        let lists = ["scan_input_axes", "scan_output_axes"];
        let directions = ["scan_input_directions", "scan_output_directions"];
        for name in lists.into_iter().chain(directions) {
            if node
                .ints(name)?
                .is_some_and(|list| list.iter().any(|i| *i != 0))
            {
                let reason = format!("{name} is set: expected first axes, from front to back");
                return Err(node.unsupported(reason));
            }
        }
        let states = operands.len().checked_sub(scanned).filter(|_| scanned > 0);
        let fits = |states: &usize| node.opset >= 9 && body.output.len() >= *states;
        let states = states.filter(fits).ok_or_else(|| {
            node.unsupported("its operands do not fit its body, as of operator set 9")
        })?;
        let (first, slices) = operands.split_at(states);
        let len = slices[0].shape.first().copied().unwrap_or(0);
        if len == 0 || slices.iter().any(|x| x.shape.first() != Some(&len)) {
            return Err(node.unsupported("its scanned operands are not of the same length"));
        }
        builder.charge(node, len.saturating_mul(64 + 16 * body.node.len()))?;

        let mut state: Vec<Tensor> = first.iter().map(|x| (*x).clone()).collect();
        let mut rows: Vec<Vec<Tensor>> = vec![Vec::new(); body.output.len() - states];
        for step in 0..len {
            let mut given = state;
            for x in slices {
                let shape = x.shape[1..].to_vec();
                let row: usize = shape.iter().product();
                given.push(builder.select(node, x, step * row..(step + 1) * row, shape)?);
            }
            let mut written = self.run(node, body, given, known, builder)?;
            let outputs = written.split_off(states.min(written.len()));
            state = written;
            rows.iter_mut()
                .zip(outputs)
                .for_each(|(rows, row)| rows.push(row));
        }
        for rows in rows {
            state.push(stacked(node, builder, &rows)?);
        }
        Ok(state)
    }

    /// The body as often as a constant count says, or as long as a condition holds that follows from
    /// constants, as that of a counter does.
    fn repeat(
        &self,
        node: &NodeRef<'_>,
        known: &mut HashMap<String, Tensor>,
        builder: &mut Builder,
    ) -> Result<Vec<Tensor>, GraphError> {
        let body = node.graph("body")?;
        let constant = |x: Option<&Tensor>, what: &str| {
            match x {
            None => Ok(None),
            Some(x) => match x.numbers() {
                Some([number]) => Ok(Some(*number)),
                _ => Err(node.unsupported(format!(
                    "its {what} depends on the input: export the model for sequences of one length, or with its \
                     loop unrolled"
                ))),
            },
        }
        };
        let rounds = constant(node.optional(0), "number of rounds")?;
        let mut goes_on = constant(node.optional(1), "condition")?.is_none_or(|c| c != 0.0);
        let first = node.operands.len().max(2);
        let states = (2..first).map(|index| node.input(index).cloned());
        let mut states: Vec<Tensor> = states.collect::<Result<_, _>>()?;
        let Some(lists) = body.output.len().checked_sub(1 + states.len()) else {
            return Err(node.unsupported("its operands do not fit its body"));
        };
        let mut rows: Vec<Vec<Tensor>> = vec![Vec::new(); lists];
        let mut round = 0;
        while goes_on && rounds.is_none_or(|rounds| (round as f32) < rounds) {
            if round == MAX_ROUNDS {
                return Err(node.unsupported(format!("it has more than {MAX_ROUNDS} rounds")));
            }
            builder.charge(node, 64 + 16 * body.node.len())?;
            let scalar = |element, x| Tensor::constant(vec![], element, vec![x]);
            let mut given = vec![
                scalar(DataType::Int64, round as f32),
                scalar(DataType::Bool, 1.0),
            ];
            given.append(&mut states);
            let mut written = self.run(node, body, given, known, builder)?.into_iter();
            let condition = written.next();
            goes_on = constant(condition.as_ref(), "condition")?.is_some_and(|c| c != 0.0);
            states = written.by_ref().take(first - 2).collect();
            rows.iter_mut()
                .zip(written)
                .for_each(|(rows, row)| rows.push(row));
            round += 1;
        }
        for rows in rows {
            states.push(stacked(node, builder, &rows)?);
        }
        Ok(states)
    }

    /// What a graph inside of a node writes.
    fn run(
        &self,
        node: &NodeRef<'_>,
        graph: &pb::GraphProto,
        given: Vec<Tensor>,
        known: &mut HashMap<String, Tensor>,
        builder: &mut Builder,
    ) -> Result<Vec<Tensor>, GraphError> {
        if self.depth >= MAX_DEPTH {
            return Err(node.unsupported(format!("graphs stand more than {MAX_DEPTH} deep")));
        }
        if graph.input.len() != given.len() {
            let (found, expected) = (graph.input.len(), given.len());
            return Err(
                node.unsupported(format!("its graph has {found} inputs, expected {expected}"))
            );
        }
        let mut inner = HashMap::new();
        for name in free_names(graph) {
            if let Some(tensor) = self.find(name, known)? {
                inner.insert(name.to_owned(), tensor);
            }
        }
        let inputs = graph.input.iter().map(|input| input.name.clone());
        inner.extend(inputs.zip(given));
        let scope = Scope {
            constants: Constants::of(graph),
            opsets: self.opsets,
            functions: self.functions,
            depth: self.depth + 1,
        };
        let outputs: Vec<&str> = graph.output.iter().map(|o| o.name.as_str()).collect();
        scope.read(&graph.node, &mut inner, &outputs, builder)?;
        let written = outputs.iter().map(|name| {
            let found = scope.find(name, &mut inner)?;
            found.ok_or_else(|| GraphError::UndefinedValue {
                place: format!("the graph of node `{}`", node.name),
                value: (*name).to_owned(),
            })
        });
        written.collect()
    }
}

/// Tensors of one shape along a new first axis.
fn stacked(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    rows: &[Tensor],
) -> Result<Tensor, GraphError> {
    let row = rows
        .first()
        .map(|row| row.shape.clone())
        .unwrap_or_default();
    if let Some(other) = rows.iter().find(|other| other.shape != row) {
        return Err(node.mismatch("an output of its body", &other.shape, format!("{row:?}")));
    }
    let shape = [&[rows.len()], row.as_slice()].concat();
    builder.charge_shape(node, &shape)?;
    let len = shape::len(&row).unwrap_or(0) as u32;
    let of = |operand| (0..len).map(move |index| Source::Element { operand, index });
    let sources = (0..rows.len() as u32).flat_map(of).collect();
    let operands: Vec<&Tensor> = rows.iter().collect();
    builder.rearrange(node, &operands, sources, shape)
}
