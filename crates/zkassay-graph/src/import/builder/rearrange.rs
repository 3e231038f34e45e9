//! Elements that change their places: composed, and dropped where nothing moves.

use std::rc::Rc;

use super::Builder;
use crate::GraphError;
use crate::import::node::NodeRef;
use crate::import::shape;
use crate::import::tensor::{Content, Tensor, View};
use crate::op::Source;

impl Builder {
    /// A tensor whose elements are elements of `operands`, or constants.
    ///
    /// It has the element type of the first operand. It makes no node yet: see [`View`].
    ///
    /// # Errors
    /// If there are not as many sources as the shape says, or they do not exist.
    pub(crate) fn rearrange(
        &mut self,
        node: &NodeRef<'_>,
        operands: &[&Tensor],
        sources: Vec<Source>,
        shape: Vec<usize>,
    ) -> Result<Tensor, GraphError> {
        let refuse = || node.unsupported("it reads elements that do not exist");
        if shape::len(&shape) != Some(sources.len()) {
            return Err(node.unsupported(format!("its result does not have the shape {shape:?}")));
        }
        let Some(first) = operands.first() else {
            return Err(node.unsupported("it has no operand"));
        };
        self.charge(node, 3 * sources.len())?;
        if first.strings().is_some() {
            return rearrange_text(operands, &sources, shape).ok_or_else(refuse);
        }
        let mut values: Vec<usize> = Vec::new();
        let mut position = |value: usize| {
            let known = values.iter().position(|v| *v == value);
            known.unwrap_or_else(|| {
                values.push(value);
                values.len() - 1
            }) as u32
        };
        // Where the operands of each operand stand among the values.
        let places: Vec<Vec<u32>> = operands
            .iter()
            .map(|operand| match &operand.content {
                Content::Value(value) => vec![position(*value)],
                Content::View(view) => view.values.iter().map(|v| position(*v)).collect(),
                Content::Constant(_) | Content::Text(_) => vec![],
            })
            .collect();
        let resolve = |source: &Source| -> Option<Source> {
            let Source::Element { operand, index } = *source else {
                return Some(*source);
            };
            let (which, at) = (operand as usize, index as usize);
            let tensor = operands.get(which)?;
            if at >= tensor.len() {
                return None;
            }
            match &tensor.content {
                Content::Constant(elements) => Some(Source::Constant(*elements.get(at)?)),
                Content::Value(_) => {
                    let operand = places[which][0];
                    Some(Source::Element { operand, index })
                }
                Content::View(view) => match *view.sources.get(at)? {
                    Source::Element { operand, index } => {
                        let operand = *places[which].get(operand as usize)?;
                        Some(Source::Element { operand, index })
                    }
                    constant => Some(constant),
                },
                Content::Text(_) => None,
            }
        };
        let resolved: Option<Vec<Source>> = sources.iter().map(resolve).collect();
        let sources = resolved.ok_or_else(refuse)?;
        let content = self.simplify(node, values, sources);
        Ok(Tensor {
            shape,
            element: first.element,
            content,
        })
    }

    /// A constant, a value or a view: the simplest that it is.
    fn simplify(&self, node: &NodeRef<'_>, values: Vec<usize>, sources: Vec<Source>) -> Content {
        let constant = |source: &Source| match source {
            Source::Constant(x) => Some(*x),
            Source::Element { .. } => None,
        };
        let constants: Option<Vec<f32>> = sources.iter().map(constant).collect();
        if let Some(constants) = constants {
            return Content::Constant(Rc::new(constants));
        }
        // Only the values that are read, in the order in which they are.
        let mut place: Vec<Option<u32>> = vec![None; values.len()];
        let mut read = Vec::new();
        let renumber = |source: Source| match source {
            Source::Element { operand, index } => {
                let which = operand as usize;
                let operand = *place[which].get_or_insert_with(|| {
                    read.push(values[which]);
                    (read.len() - 1) as u32
                });
                Source::Element { operand, index }
            }
            constant => constant,
        };
        let sources: Vec<Source> = sources.into_iter().map(renumber).collect();
        if let [value] = read[..]
            && self.len_of(value) == sources.len()
            && (0u32..).zip(&sources).all(|(i, source)| {
                *source
                    == Source::Element {
                        operand: 0,
                        index: i,
                    }
            })
        {
            return Content::Value(value);
        }
        Content::View(Rc::new(View {
            values: read,
            sources,
            origin: (node.name.clone(), node.operator().to_owned()),
            made: Default::default(),
        }))
    }

    /// A tensor whose element `i` is element `positions[i]` of `x`.
    ///
    /// # Errors
    /// As [`rearrange`](Self::rearrange).
    pub(crate) fn select(
        &mut self,
        node: &NodeRef<'_>,
        x: &Tensor,
        positions: impl IntoIterator<Item = usize>,
        shape: Vec<usize>,
    ) -> Result<Tensor, GraphError> {
        if let Some(numbers) = x.numbers() {
            let moved = positions
                .into_iter()
                .map(|position| numbers.get(position).copied());
            let moved: Option<Vec<f32>> = moved.collect();
            let moved = moved.filter(|moved| shape::len(&shape) == Some(moved.len()));
            let refuse = || node.unsupported("it reads elements that do not exist");
            return Ok(Tensor::constant(
                shape,
                x.element,
                moved.ok_or_else(refuse)?,
            ));
        }
        // A position that does not fit does not exist either: see `shape::len`.
        let element = |position: usize| Source::Element {
            operand: 0,
            index: u32::try_from(position).unwrap_or(u32::MAX),
        };
        let sources = positions.into_iter().map(element).collect();
        self.rearrange(node, &[x], sources, shape)
    }

    /// The value that a tensor is a permutation of, if it is one and nothing reads it in its new
    /// order yet; and the permutation.
    ///
    /// A function of every element may as well be applied before the elements move: so the
    /// transposes that exporters put around them meet, and cancel.
    pub(super) fn unmoved(&self, x: &Tensor) -> Option<(Tensor, Rc<View>)> {
        let Content::View(view) = &x.content else {
            return None;
        };
        let &[value] = view.values.as_slice() else {
            return None;
        };
        let len = self.len_of(value);
        if view.made.get().is_some() || view.sources.len() != len {
            return None;
        }
        let mut met = vec![false; len];
        for source in &view.sources {
            let Source::Element { index, .. } = source else {
                return None;
            };
            if std::mem::replace(met.get_mut(*index as usize)?, true) {
                return None;
            }
        }
        let shape = self.shape_of(value)?.to_vec();
        Some((Tensor::value(shape, x.element, value), Rc::clone(view)))
    }

    /// A value in the order of `view`.
    ///
    /// # Errors
    /// If the model becomes too large.
    pub(super) fn moved(
        &mut self,
        node: &NodeRef<'_>,
        value: Tensor,
        view: &View,
        shape: Vec<usize>,
    ) -> Result<Tensor, GraphError> {
        let Content::Value(at) = value.content else {
            return Err(node.unsupported("it has no value"));
        };
        self.charge(node, 3 * view.sources.len())?;
        let view = View {
            values: vec![at],
            sources: view.sources.clone(),
            origin: view.origin.clone(),
            made: Default::default(),
        };
        Ok(Tensor {
            shape,
            element: value.element,
            content: Content::View(Rc::new(view)),
        })
    }

    /// Checks the shape of a rearrangement, and accounts for what finding its sources takes.
    ///
    /// # Errors
    /// If it is empty or too large.
    pub(crate) fn charge_places(
        &mut self,
        node: &NodeRef<'_>,
        shape: &[usize],
    ) -> Result<usize, GraphError> {
        let len = self.charge_shape(node, shape)?;
        // Positions of 64 bits, some optional, and sources twice.
        self.charge(node, len.saturating_mul(8))?;
        Ok(len)
    }

    /// As [`charge_places`](Self::charge_places), but constants take their elements alone.
    fn charge_moved(
        &mut self,
        node: &NodeRef<'_>,
        x: &Tensor,
        shape: &[usize],
    ) -> Result<usize, GraphError> {
        match x.is_constant() {
            true => self.charge_shape(node, shape),
            false => self.charge_places(node, shape),
        }
    }

    /// The same elements in another shape; no node.
    ///
    /// # Errors
    /// If the shape has another length.
    pub(crate) fn reshape(
        &self,
        node: &NodeRef<'_>,
        x: &Tensor,
        shape: Vec<usize>,
    ) -> Result<Tensor, GraphError> {
        let refuse = || {
            node.mismatch(
                "the operand",
                &x.shape,
                format!("the elements of {shape:?}"),
            )
        };
        x.reshaped(shape.clone()).ok_or_else(refuse)
    }

    /// The tensor broadcast to a shape, as ONNX and numpy do it.
    ///
    /// # Errors
    /// If it cannot be.
    pub(crate) fn broadcast(
        &mut self,
        node: &NodeRef<'_>,
        x: &Tensor,
        shape: &[usize],
    ) -> Result<Tensor, GraphError> {
        if x.shape == shape {
            return Ok(x.clone());
        }
        self.charge_moved(node, x, shape)?;
        let expected = || format!("a shape that can be broadcast to {shape:?}");
        let positions = shape::broadcast_positions(&x.shape, shape)
            .ok_or_else(|| node.mismatch("an operand", &x.shape, expected()))?;
        self.select(node, x, positions, shape.to_vec())
    }

    /// The axes of a tensor in another order: axis `i` of the result is axis `order[i]` of `x`.
    ///
    /// # Errors
    /// If `order` does not name every axis once.
    pub(crate) fn transpose(
        &mut self,
        node: &NodeRef<'_>,
        x: &Tensor,
        order: &[usize],
    ) -> Result<Tensor, GraphError> {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..x.rank()) {
            let rank = x.rank();
            return Err(node.unsupported(format!("{order:?} is no order of {rank} axes")));
        }
        let strides = shape::strides(&x.shape);
        let shape: Vec<usize> = order.iter().map(|axis| x.shape[*axis]).collect();
        let steps: Vec<usize> = order.iter().map(|axis| strides[*axis]).collect();
        self.charge_moved(node, x, &shape)?;
        let positions = shape::walk(&shape, &steps, 0);
        self.select(node, x, positions, shape)
    }
}

fn rearrange_text(operands: &[&Tensor], sources: &[Source], shape: Vec<usize>) -> Option<Tensor> {
    let of = |source: &Source| match source {
        Source::Element { operand, index } => {
            let strings = operands.get(*operand as usize)?.strings()?;
            strings.get(*index as usize).cloned()
        }
        Source::Constant(_) => None,
    };
    let strings: Option<Vec<String>> = sources.iter().map(of).collect();
    strings.map(|strings| Tensor::text(shape, strings))
}
