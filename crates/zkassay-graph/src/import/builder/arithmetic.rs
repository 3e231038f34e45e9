//! Arithmetic of tensors: broadcasting, and the short forms that constants allow.

use super::Builder;
use crate::import::node::NodeRef;
use crate::import::shape;
use crate::import::tensor::{DataType, Kind, Tensor};
use crate::op::{Arithmetic, Binary, Function, Source};
use crate::{GraphError, Op};

impl Builder {
    /// A function of every element.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(crate) fn map(
        &mut self,
        node: &NodeRef<'_>,
        function: Function,
        x: &Tensor,
    ) -> Result<Tensor, GraphError> {
        let op = Op::Map(function);
        if let Some((value, view)) = self.unmoved(x) {
            let shape = value.shape.clone();
            let result = self.push(node, op, &[&value], shape)?;
            return self.moved(node, result, &view, x.shape.clone());
        }
        self.push(node, op, &[x], x.shape.clone())
    }

    /// `x + c`, `x c`, ... with one constant for all elements.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(crate) fn with_scalar(
        &mut self,
        node: &NodeRef<'_>,
        arithmetic: Arithmetic,
        x: &Tensor,
        c: f32,
    ) -> Result<Tensor, GraphError> {
        let len = self.charge_shape(node, &x.shape)?;
        self.with_constants(node, arithmetic, x, vec![c; len])
    }

    /// `x + c`, `x c`, ... with a constant for each element; nothing happens if it leaves `x` as
    /// it is.
    ///
    /// # Errors
    /// As [`push`](Self::push), or if it divides by zero.
    pub(crate) fn with_constants(
        &mut self,
        node: &NodeRef<'_>,
        arithmetic: Arithmetic,
        x: &Tensor,
        constants: Vec<f32>,
    ) -> Result<Tensor, GraphError> {
        let neutral = match arithmetic {
            Arithmetic::Add | Arithmetic::Subtract => 0.0,
            Arithmetic::Multiply | Arithmetic::Divide => 1.0,
        };
        if constants.iter().all(|c| *c == neutral) && constants.len() == x.len() {
            return Ok(x.clone());
        }
        if arithmetic == Arithmetic::Divide && constants.contains(&0.0) {
            return Err(node.unsupported("it divides by zero"));
        }
        if constants.len() == x.len()
            && let Some((value, view)) = self.unmoved(x)
        {
            let mut constant = vec![neutral; constants.len()];
            for (source, c) in view.sources.iter().zip(constants) {
                if let Source::Element { index, .. } = source {
                    constant[*index as usize] = c;
                }
            }
            let constant = constant.into();
            let op = Op::Elementwise {
                arithmetic,
                constant,
            };
            let shape = value.shape.clone();
            let result = self.push(node, op, &[&value], shape)?;
            return self.moved(node, result, &view, x.shape.clone());
        }
        let op = Op::Elementwise {
            arithmetic,
            constant: constants.into(),
        };
        self.push(node, op, &[x], x.shape.clone())
    }

    /// An operation on two tensors, broadcast to each other.
    ///
    /// The result has the element type of `a`, or is of truth values where it compares.
    /// Quotients of integers are cut off, as ONNX does it.
    ///
    /// # Errors
    /// If the shapes do not fit, if it divides by a constant zero, and as [`push`](Self::push).
    pub(crate) fn binary(
        &mut self,
        node: &NodeRef<'_>,
        binary: Binary,
        a: &Tensor,
        b: &Tensor,
    ) -> Result<Tensor, GraphError> {
        let element = match binary {
            Binary::Equal
            | Binary::Less
            | Binary::LessOrEqual
            | Binary::And
            | Binary::Or
            | Binary::Xor => DataType::Bool,
            _ => a.element,
        };
        let shape = shape::broadcast(&a.shape, &b.shape).ok_or_else(|| {
            let expected = format!("a shape that broadcasts with {:?}", a.shape);
            node.mismatch("the second operand", &b.shape, expected)
        })?;
        let (a, b) = (
            self.broadcast(node, a, &shape)?,
            self.broadcast(node, b, &shape)?,
        );
        let result = match (a.numbers(), b.numbers()) {
            (Some(_), Some(_)) => self.push(node, Op::Binary(binary), &[&a, &b], shape)?,
            (None, Some(c)) => self.with_right(node, binary, &a, &b, c)?,
            (Some(c), None) => self.with_left(node, binary, &a, c, &b)?,
            (None, None) => self.push(node, Op::Binary(binary), &[&a, &b], shape)?,
        };
        if binary == Binary::Divide && a.kind() == Kind::Int {
            let quotient = self.map(node, Function::Truncate, &result)?;
            return Ok(quotient.typed(element));
        }
        Ok(result.typed(element))
    }

    /// `x` and constants of the same shape.
    fn with_right(
        &mut self,
        node: &NodeRef<'_>,
        binary: Binary,
        x: &Tensor,
        constant: &Tensor,
        c: &[f32],
    ) -> Result<Tensor, GraphError> {
        let arithmetic = match binary {
            Binary::Add => Arithmetic::Add,
            Binary::Subtract => Arithmetic::Subtract,
            Binary::Multiply => Arithmetic::Multiply,
            Binary::Divide => Arithmetic::Divide,
            _ => match (binary, uniform(c)) {
                (Binary::Max, Some(0.0)) => return self.map(node, Function::Relu, x),
                (Binary::Max, Some(low)) => {
                    return self.map(node, Function::Clip(low, f32::INFINITY), x);
                }
                (Binary::Min, Some(high)) => {
                    return self.map(node, Function::Clip(f32::NEG_INFINITY, high), x);
                }
                _ => {
                    return self.push(node, Op::Binary(binary), &[x, constant], x.shape.clone());
                }
            },
        };
        self.with_constants(node, arithmetic, x, c.to_vec())
    }

    /// Constants and `x` of the same shape.
    fn with_left(
        &mut self,
        node: &NodeRef<'_>,
        binary: Binary,
        constant: &Tensor,
        c: &[f32],
        x: &Tensor,
    ) -> Result<Tensor, GraphError> {
        match binary {
            Binary::Subtract => {
                let negative = self.with_scalar(node, Arithmetic::Multiply, x, -1.0)?;
                self.with_constants(node, Arithmetic::Add, &negative, c.to_vec())
            }
            Binary::Divide => {
                let inverse = self.map(node, Function::Reciprocal, x)?;
                self.with_constants(node, Arithmetic::Multiply, &inverse, c.to_vec())
            }
            Binary::Less | Binary::LessOrEqual => {
                self.push(node, Op::Binary(binary), &[constant, x], x.shape.clone())
            }
            // The others commute.
            _ => self.with_right(node, binary, x, constant, c),
        }
    }
}

/// The number that all constants are, if they are all the same and no NaN.
fn uniform(constants: &[f32]) -> Option<f32> {
    let first = *constants.first()?;
    constants.iter().all(|c| *c == first).then_some(first)
}
