//! Reading the nodes that the output needs, each after those that it reads.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use tract_onnx::pb;

use super::arity;
use super::builder::Builder;
use super::constants::Constants;
use super::images;
use super::node::NodeRef;
use super::operators;
use super::subgraph;
use super::tensor::Tensor;
use super::{is_default_domain, list};
use crate::GraphError;

/// How deeply functions of the model may call each other, and graphs stand in nodes.
pub(super) const MAX_DEPTH: usize = 16;

/// What the nodes of a graph or of a function refer to.
pub(super) struct Scope<'a> {
    /// The initializers.
    pub(super) constants: Constants<'a>,
    /// Operator sets: domains and versions.
    pub(super) opsets: &'a [pb::OperatorSetIdProto],
    /// The model's own functions.
    pub(super) functions: &'a [pb::FunctionProto],
    /// Calls of functions around this one.
    pub(super) depth: usize,
}

impl Scope<'_> {
    fn opset(&self, domain: &str) -> i64 {
        let same = |set: &&pb::OperatorSetIdProto| {
            set.domain == domain || is_default_domain(&set.domain) && is_default_domain(domain)
        };
        self.opsets.iter().find(same).map_or(1, |set| set.version)
    }

    fn function(&self, node: &pb::NodeProto) -> Option<&pb::FunctionProto> {
        let named = |f: &&pb::FunctionProto| f.name() == node.op_type && f.domain() == node.domain;
        self.functions.iter().find(named)
    }

    fn knows(&self, node: &pb::NodeProto) -> bool {
        holds_graphs(node)
            || operators::find(&node.domain, &node.op_type).is_some()
            || self.function(node).is_some()
    }

    /// Reads what `outputs` need of `nodes`; `known` holds the inputs, and what was read after.
    ///
    /// Names have been checked: every value has exactly one definition.
    pub(super) fn read(
        &self,
        nodes: &[pb::NodeProto],
        known: &mut HashMap<String, Tensor>,
        outputs: &[&str],
        builder: &mut Builder,
    ) -> Result<(), GraphError> {
        let mut refs = NodeRef::all(nodes);
        let needed = needed(nodes, outputs);
        let unknown = needed.iter().filter(|i| !self.knows(&nodes[**i]));
        let unknown: Vec<&NodeRef<'_>> = unknown.map(|i| &refs[*i]).collect();
        if let Some(first) = unknown.first() {
            return Err(unknown_operator(first, &unknown));
        }
        let reads = needed
            .iter()
            .flat_map(|index| subgraph::reads(&nodes[*index]));
        let read: HashSet<&str> = reads.chain(outputs.iter().copied()).collect();
        for index in sorted(&refs, &needed)? {
            let node = &mut refs[index];
            arity::check(node)?;
            node.opset = self.opset(&node.proto.domain);
            node.operands = self.operands(node, known)?;
            let written = match operators::find(&node.proto.domain, &node.proto.op_type) {
                Some(read) => images::each(node, builder, read)?,
                None if holds_graphs(node.proto) => self.read_subgraphs(node, known, builder)?,
                None => self.call(node, builder)?,
            };
            node.operands = Vec::new();
            let node = &refs[index];
            for (position, name) in node.proto.output.iter().enumerate() {
                if name.is_empty() {
                    continue;
                }
                match written.get(position) {
                    Some(tensor) => {
                        known.insert(name.clone(), tensor.clone());
                    }
                    // What nobody reads need not be.
                    None if !read.contains(name.as_str()) => {}
                    None => {
                        let why = operators::why_missing(node.operator());
                        let reason = format!("its output {position} (`{name}`) {why}");
                        return Err(node.unsupported(reason));
                    }
                }
            }
        }
        Ok(())
    }

    fn operands(
        &self,
        node: &NodeRef<'_>,
        known: &mut HashMap<String, Tensor>,
    ) -> Result<Vec<Option<Tensor>>, GraphError> {
        let find = |name: &String| {
            if name.is_empty() {
                return Ok(None);
            }
            self.find(name, known)?
                .map(Some)
                .ok_or_else(|| GraphError::UndefinedValue {
                    place: format!("node `{}`", node.name),
                    value: name.clone(),
                })
        };
        node.proto.input.iter().map(find).collect()
    }

    /// The tensor of a name: constants are decoded when they are first read.
    pub(super) fn find(
        &self,
        name: &str,
        known: &mut HashMap<String, Tensor>,
    ) -> Result<Option<Tensor>, GraphError> {
        if let Some(tensor) = known.get(name) {
            return Ok(Some(tensor.clone()));
        }
        let constant = self.constants.get(name)?;
        if let Some(tensor) = &constant {
            known.insert(name.to_owned(), tensor.clone());
        }
        Ok(constant)
    }

    /// Reads the body of one of the model's functions in place of a call.
    fn call(&self, node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
        let Some(function) = self.function(node.proto) else {
            return Err(unknown_operator(node, &[node]));
        };
        arity::check_against(node, (function.input.len(), function.output.len()))?;
        if self.depth >= MAX_DEPTH {
            let reason = format!("functions call each other more than {MAX_DEPTH} deep");
            return Err(node.unsupported(reason));
        }
        builder.charge(node, 512 + 64 * function.node.len())?;
        let inputs = function.input.iter().zip(&node.operands);
        let given = inputs.filter_map(|(name, operand)| Some((name.clone(), operand.clone()?)));
        let mut known: HashMap<String, Tensor> = given.collect();
        // An input that the call leaves out is left out wherever the body reads it.
        let missing = |name: &String| function.input.contains(name) && !known.contains_key(name);
        let body: Vec<pb::NodeProto> = function
            .node
            .iter()
            .map(|inner| {
                let mut inner = bind_attributes(inner, node.proto);
                let absent = inner.input.iter_mut().filter(|name| missing(name));
                absent.for_each(String::clear);
                inner.name = match inner.name.as_str() {
                    "" => format!("{}/{}", node.name, inner.op_type),
                    name => format!("{}/{name}", node.name),
                };
                inner
            })
            .collect();
        let scope = Scope {
            constants: Constants::none(),
            opsets: &function.opset_import,
            functions: self.functions,
            depth: self.depth + 1,
        };
        let wanted: Vec<&str> = function.output.iter().map(String::as_str).collect();
        scope.read(&body, &mut known, &wanted, builder)?;
        let written = wanted.iter().map(|name| {
            let found = known.get(*name).cloned();
            found.ok_or_else(|| GraphError::UndefinedValue {
                place: format!("function `{}`", node.operator()),
                value: (*name).to_owned(),
            })
        });
        written.collect()
    }
}

/// Whether a node is one of those that hold graphs.
fn holds_graphs(node: &pb::NodeProto) -> bool {
    is_default_domain(&node.domain) && subgraph::OPERATORS.contains(&node.op_type.as_str())
}

/// The node of a function's body with the attributes that refer to those of the call.
fn bind_attributes(inner: &pb::NodeProto, call: &pb::NodeProto) -> pb::NodeProto {
    let mut bound = inner.clone();
    let attributes = inner.attribute.iter().filter_map(|attribute| {
        if attribute.ref_attr_name.is_empty() {
            return Some(attribute.clone());
        }
        let given = call
            .attribute
            .iter()
            .find(|a| a.name == attribute.ref_attr_name)?;
        Some(pb::AttributeProto {
            name: attribute.name.clone(),
            ..given.clone()
        })
    });
    bound.attribute = attributes.collect();
    bound
}

/// The nodes that `outputs` need, in the order of the file.
fn needed(nodes: &[pb::NodeProto], outputs: &[&str]) -> Vec<usize> {
    let writers = writers(nodes);
    let mut is_needed = vec![false; nodes.len()];
    let mut open: Vec<&str> = outputs.to_vec();
    while let Some(name) = open.pop() {
        if let Some(&writer) = writers.get(name)
            && !is_needed[writer]
        {
            is_needed[writer] = true;
            open.extend(subgraph::reads(&nodes[writer]));
        }
    }
    (0..nodes.len()).filter(|index| is_needed[*index]).collect()
}

/// Which node writes a name.
fn writers(nodes: &[pb::NodeProto]) -> HashMap<&str, usize> {
    let mut writers = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        let named = node.output.iter().filter(|name| !name.is_empty());
        writers.extend(named.map(|name| (name.as_str(), index)));
    }
    writers
}

/// The needed nodes, each behind those that it reads, otherwise in the order of the file.
fn sorted(refs: &[NodeRef<'_>], needed: &[usize]) -> Result<Vec<usize>, GraphError> {
    let mut writers: HashMap<&str, usize> = HashMap::new();
    for &index in needed {
        let named = refs[index]
            .proto
            .output
            .iter()
            .filter(|name| !name.is_empty());
        writers.extend(named.map(|name| (name.as_str(), index)));
    }
    let mut readers: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut waiting: HashMap<usize, usize> = HashMap::new();
    let mut ready = BinaryHeap::new();
    for &index in needed {
        let reads = subgraph::reads(refs[index].proto).into_iter();
        let reads: Vec<usize> = reads
            .filter_map(|name| writers.get(name).copied())
            .collect();
        if reads.is_empty() {
            ready.push(Reverse(index));
        }
        waiting.insert(index, reads.len());
        for writer in reads {
            readers.entry(writer).or_default().push(index);
        }
    }
    let mut order = Vec::with_capacity(needed.len());
    while let Some(Reverse(index)) = ready.pop() {
        order.push(index);
        for reader in readers.remove(&index).unwrap_or_default() {
            if let Some(left) = waiting.get_mut(&reader) {
                *left -= 1;
                if *left == 0 {
                    ready.push(Reverse(reader));
                }
            }
        }
    }
    match needed
        .iter()
        .find(|index| waiting.get(index).is_some_and(|left| *left > 0))
    {
        Some(index) => Err(GraphError::Cycle {
            node: refs[*index].name.clone(),
        }),
        None => Ok(order),
    }
}

/// The error for operators that are not known: the first in full, the others by name.
fn unknown_operator(first: &NodeRef<'_>, all: &[&NodeRef<'_>]) -> GraphError {
    let mut others: Vec<String> = all.iter().map(|node| node.full_operator()).collect();
    others.sort();
    others.dedup();
    others.retain(|operator| *operator != first.full_operator());
    let also = match others.is_empty() {
        true => String::new(),
        false => format!(", nor is {}", list(others.iter().map(String::as_str))),
    };
    GraphError::UnknownOp {
        node: first.name.clone(),
        op: first.full_operator(),
        also,
        hint: operators::hint(first.operator()),
    }
}
