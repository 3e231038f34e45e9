//! The graph while it is built: operators push nodes, constants fold, rearrangements wait.

mod arithmetic;
mod check;
mod rearrange;
mod texts;

use std::rc::Rc;

use super::imputed::Copies;
use super::node::NodeRef;
use super::shape;
use super::tensor::{Content, Kind, Tensor, View};
use crate::op::{Binary, Function, Source};
use crate::{GraphError, Node, Op};

/// The most that an import may produce, in numbers of 32 bits: values, constants, positions.
const MAX_SIZE: usize = 1 << 24;
/// The most multiplications, about, that folding constants may take.
const MAX_WORK: usize = 1 << 31;
/// The most nodes.
const MAX_NODES: usize = 1 << 18;

/// The nodes so far, and how much room is left.
pub(crate) struct Builder {
    nodes: Vec<Node>,
    /// Whether the value of each node may be NaN or infinite for a finite row.
    undefined: Vec<bool>,
    /// Elements of the input.
    inputs: usize,
    /// What is known about strings.
    texts: texts::Texts,
    /// Copies of the input that imputers read.
    pub(super) copies: Copies,
    /// What is left of [`MAX_SIZE`].
    room: usize,
    /// What is left of [`MAX_WORK`].
    work: usize,
}

impl Builder {
    /// An empty graph over rows of `inputs` elements.
    pub(super) fn new(inputs: usize) -> Self {
        Self {
            nodes: Vec::new(),
            undefined: Vec::new(),
            inputs,
            texts: texts::Texts::default(),
            copies: Copies::new(),
            room: MAX_SIZE,
            work: MAX_WORK,
        }
    }

    /// The nodes.
    pub(super) fn finish(self) -> Vec<Node> {
        self.nodes
    }

    /// Elements of the input.
    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Elements of a value.
    fn len_of(&self, value: usize) -> usize {
        match value.checked_sub(1) {
            None => self.inputs,
            Some(node) => self.nodes[node].len(),
        }
    }

    /// Shape of what a node writes; `None` for the input, which has its shape elsewhere.
    fn shape_of(&self, value: usize) -> Option<&[usize]> {
        let node = value.checked_sub(1)?;
        self.nodes.get(node).map(|node| node.shape.as_slice())
    }

    /// What writes a value; `None` for the input.
    pub(crate) fn op_of(&self, value: usize) -> Option<&Op> {
        let node = value.checked_sub(1)?;
        self.nodes.get(node).map(|node| &node.op)
    }

    /// Accounts for `numbers` numbers of 32 bits, before they are allocated.
    ///
    /// # Errors
    /// If the model has become too large.
    pub(crate) fn charge(&mut self, node: &NodeRef<'_>, numbers: usize) -> Result<(), GraphError> {
        match self.room.checked_sub(numbers) {
            Some(room) => {
                self.room = room;
                Ok(())
            }
            None => Err(node.unsupported(format!(
                "the model's tensors have become larger than {MAX_SIZE} numbers: use smaller ones"
            ))),
        }
    }

    /// Checks a shape that a node is about to write, and accounts for its elements.
    ///
    /// # Errors
    /// If it is empty or too large.
    pub(crate) fn charge_shape(
        &mut self,
        node: &NodeRef<'_>,
        shape: &[usize],
    ) -> Result<usize, GraphError> {
        match shape::len(shape) {
            Some(0) => Err(node.unsupported(format!("its result is empty: of shape {shape:?}"))),
            Some(len) => self.charge(node, len).map(|()| len),
            None => Err(node.unsupported(format!("its result is too large: of shape {shape:?}"))),
        }
    }

    /// Applies an operation; the result has the element type of the first operand.
    ///
    /// If all operands are constants, so is the result, and no node is made.
    ///
    /// # Errors
    /// If the operation does not fit the operands, or its constants are not finite, or the model
    /// becomes too large.
    pub(crate) fn push(
        &mut self,
        node: &NodeRef<'_>,
        op: Op,
        operands: &[&Tensor],
        shape: Vec<usize>,
    ) -> Result<Tensor, GraphError> {
        let len = self.charge_shape(node, &shape)?;
        self.charge(node, check::size(&op))?;
        let Some(first) = operands.first() else {
            return Err(node.unsupported("it has no operand"));
        };
        if operands.iter().any(|x| x.kind() == Kind::Text) {
            return Err(node.unsupported("it is not supported on strings"));
        }
        let lens: Vec<usize> = operands.iter().map(|x| x.len()).collect();
        check::check(&op, &lens, len).map_err(|reason| node.unsupported(reason))?;
        let constants: Option<Vec<&[f32]>> = operands.iter().map(|x| x.numbers()).collect();
        if let Some(constants) = constants {
            self.charge_work(node, check::work(&op, &lens, len))?;
            return Ok(Tensor::constant(shape, first.element, op.apply(&constants)));
        }
        let inputs = operands.iter().map(|x| self.place(node, x));
        let inputs: Vec<usize> = inputs.collect::<Result<_, _>>()?;
        let value = self.add(
            node,
            Node {
                name: node.name.clone(),
                operator: node.operator().to_owned(),
                op,
                inputs,
                shape: shape.clone(),
            },
        )?;
        Ok(Tensor::value(shape, first.element, value))
    }

    fn charge_work(&mut self, node: &NodeRef<'_>, work: usize) -> Result<(), GraphError> {
        match self.work.checked_sub(work) {
            Some(left) => {
                self.work = left;
                Ok(())
            }
            None => Err(node.unsupported(
                "folding its constants takes too long: export the model with constants folded",
            )),
        }
    }

    pub(super) fn add(&mut self, node: &NodeRef<'_>, new: Node) -> Result<usize, GraphError> {
        if self.nodes.len() >= MAX_NODES {
            return Err(node.unsupported(format!("the model has more than {MAX_NODES} nodes")));
        }
        let own = match &new.op {
            Op::Map(function) => matches!(
                function,
                Function::Sqrt
                    | Function::Log
                    | Function::Reciprocal
                    | Function::Asin
                    | Function::Acos
                    | Function::Acosh
                    | Function::Atanh
            ),
            Op::Binary(binary) => *binary == Binary::Divide,
            _ => false,
        };
        let inherited = new.inputs.iter().any(|value| self.is_undefined(*value));
        self.undefined.push(own || inherited);
        self.nodes.push(new);
        Ok(self.nodes.len())
    }

    fn is_undefined(&self, value: usize) -> bool {
        let node = value.checked_sub(1);
        node.and_then(|node| self.undefined.get(node))
            .is_some_and(|undefined| *undefined)
    }

    /// Whether the model itself may make NaN of a finite row here: it takes a root, a logarithm or
    /// a quotient on the way.
    pub(crate) fn may_be_nan(&self, x: &Tensor) -> bool {
        match &x.content {
            Content::Value(value) => self.is_undefined(*value),
            Content::View(view) => view.values.iter().any(|value| self.is_undefined(*value)),
            Content::Constant(elements) => elements.iter().any(|x| x.is_nan()),
            Content::Text(_) => false,
        }
    }

    /// The value that holds a tensor: constants and pending rearrangements become nodes.
    ///
    /// # Errors
    /// If the tensor is of strings, or holds constants that are not finite.
    pub(crate) fn place(&mut self, node: &NodeRef<'_>, x: &Tensor) -> Result<usize, GraphError> {
        match &x.content {
            Content::Value(value) => Ok(*value),
            Content::Text(_) => Err(node.unsupported("it is not supported on strings")),
            Content::Constant(elements) => {
                self.charge(node, 4 * elements.len())?;
                let sources = elements.iter().map(|x| Source::Constant(*x)).collect();
                let view = View {
                    values: Vec::new(),
                    sources,
                    origin: (node.name.clone(), "Constant".to_owned()),
                    made: Default::default(),
                };
                self.place_view(node, &view, &x.shape)
            }
            Content::View(view) => self.place_view(node, &Rc::clone(view), &x.shape),
        }
    }

    fn place_view(
        &mut self,
        node: &NodeRef<'_>,
        view: &View,
        shape: &[usize],
    ) -> Result<usize, GraphError> {
        if let Some(value) = view.made.get() {
            return Ok(*value);
        }
        let op = Op::Rearrange(view.sources.clone());
        self.charge(node, 3 * view.sources.len())?;
        let lens: Vec<usize> = view.values.iter().map(|v| self.len_of(*v)).collect();
        let checked = check::check(&op, &lens, shape.iter().product());
        checked.map_err(|reason| node.unsupported(reason))?;
        let (name, operator) = view.origin.clone();
        let value = self.add(
            node,
            Node {
                name,
                operator,
                op,
                inputs: view.values.clone(),
                shape: shape.to_vec(),
            },
        )?;
        Ok(*view.made.get_or_init(|| value))
    }

    /// A node that copies the input.
    ///
    /// # Errors
    /// If the model is too large.
    pub(super) fn copy_of_input(
        &mut self,
        node: &NodeRef<'_>,
        shape: &[usize],
    ) -> Result<usize, GraphError> {
        self.charge(node, 3 * self.inputs)?;
        let element = |index| Source::Element {
            operand: 0,
            index: index as u32,
        };
        let copy = Node {
            name: node.name.clone(),
            operator: node.operator().to_owned(),
            op: Op::Rearrange((0..self.inputs).map(element).collect()),
            inputs: vec![0],
            shape: shape.to_vec(),
        };
        self.add(node, copy)
    }
}
