//! Reading nodes one after the other, from the input to the output.

use std::collections::HashMap;

use ndarray::{Array1, Array2};
use tract_onnx::pb;

use super::constants::Constants;
use super::is_default_domain;
use super::node::NodeRef;
use crate::{Arithmetic, GraphError, Node, Op};

/// The operators that [`Walk::step`] reads.
const OPS: [&str; 11] = [
    "Gemm", "MatMul", "Add", "Sub", "Mul", "Div", "Relu", "Sigmoid", "Identity", "Flatten",
    "Dropout",
];

/// What was read.
pub(super) struct Chain {
    pub(super) nodes: Vec<Node>,
    /// Elements per row of the output.
    pub(super) len: usize,
}

/// Reads the chain of nodes from the value `input` to the value `output`.
///
/// Names have been checked: every value has exactly one definition, so that
/// the walk meets no node twice.
pub(super) fn read(
    proto: &pb::GraphProto,
    constants: &Constants<'_>,
    input: &str,
    shape: &[usize],
    output: &str,
) -> Result<Chain, GraphError> {
    let nodes = NodeRef::all(proto);
    // Before the walk: an unknown operator says more than a broken chain.
    for node in &nodes {
        if !is_default_domain(&node.proto.domain) || !OPS.contains(&node.proto.op_type.as_str()) {
            return Err(node.unsupported("this operator is not supported"));
        }
    }

    let mut readers: HashMap<&str, Vec<&NodeRef<'_>>> = HashMap::new();
    for node in &nodes {
        for value in &node.proto.input {
            readers.entry(value).or_default().push(node);
        }
    }

    let mut walk = Walk {
        constants,
        shape: shape.to_vec(),
        open_bias: false,
        nodes: Vec::new(),
    };
    let mut value = input;
    let mut met = vec![false; nodes.len()];
    while value != output {
        let node = match readers.get(value).map(Vec::as_slice) {
            Some([node]) => node,
            Some(several) => {
                let names: Vec<_> = several.iter().map(|n| format!("`{}`", n.name)).collect();
                return Err(broken(value, format!("is read by {}", names.join(" and "))));
            }
            None => return Err(broken(value, "is read by no node")),
        };
        walk.step(node, value)?;
        met[node.index] = true;
        value = match node.proto.output.first() {
            Some(name) if !name.is_empty() => name,
            _ => return Err(node.unsupported("it has no output")),
        };
    }
    if let Some([node, ..]) = readers.get(output).map(Vec::as_slice) {
        let reason = format!("is the model's output, and is read by `{}`", node.name);
        return Err(broken(output, reason));
    }
    if let Some(node) = nodes.iter().find(|node| !met[node.index]) {
        return Err(GraphError::NotAChain {
            place: format!("node `{}`", node.name),
            reason: "is not on the way from the input to the output".to_owned(),
        });
    }
    if walk.nodes.is_empty() {
        return Err(broken(output, "is the model's input, unchanged"));
    }
    Ok(Chain {
        len: walk.shape.iter().product(),
        nodes: walk.nodes,
    })
}

fn broken(value: &str, reason: impl Into<String>) -> GraphError {
    GraphError::NotAChain {
        place: format!("value `{value}`"),
        reason: reason.into(),
    }
}

/// The state of the walk after some nodes.
struct Walk<'a> {
    constants: &'a Constants<'a>,
    /// Shape of the current value, without the batch dimension.
    shape: Vec<usize>,
    /// Whether the current value is a product that still lacks its bias.
    open_bias: bool,
    nodes: Vec<Node>,
}

impl Walk<'_> {
    /// Reads one node, which takes `value`.
    fn step(&mut self, node: &NodeRef<'_>, value: &str) -> Result<(), GraphError> {
        let op = node.proto.op_type.as_str();
        match op {
            "Add" => return self.elementwise(node, value, Arithmetic::Add),
            "Sub" => return self.elementwise(node, value, Arithmetic::Subtract),
            "Mul" => return self.elementwise(node, value, Arithmetic::Multiply),
            "Div" => return self.elementwise(node, value, Arithmetic::Divide),
            "Gemm" => node.check_signature(value, 2..=3, 1..=1)?,
            "MatMul" => node.check_signature(value, 2..=2, 1..=1)?,
            "Dropout" => node.check_signature(value, 1..=3, 1..=2)?,
            _ => node.check_signature(value, 1..=1, 1..=1)?,
        }
        match op {
            "Gemm" => self.gemm(node)?,
            "MatMul" => self.matmul(node)?,
            "Relu" => self.push(node, Op::Relu),
            "Sigmoid" => self.push(node, Op::Sigmoid),
            "Flatten" => self.flatten(node)?,
            "Dropout" => self.check_dropout(node)?,
            "Identity" => {}
            _ => return Err(node.unsupported("this operator is not supported")),
        }
        Ok(())
    }

    fn push(&mut self, node: &NodeRef<'_>, op: Op) {
        if let Op::Dense { weights, .. } = &op {
            self.shape = vec![weights.nrows()];
        }
        self.open_bias = false;
        self.nodes.push(Node {
            name: node.name.clone(),
            op,
            len: self.shape.iter().product(),
        });
    }

    /// `alpha x op(B) + beta C`.
    fn gemm(&mut self, node: &NodeRef<'_>) -> Result<(), GraphError> {
        if node.int("transA", 0)? != 0 {
            return Err(node.unsupported("transA is set: rows are expected along the first axis"));
        }
        let (alpha, beta) = (node.float("alpha", 1.0)?, node.float("beta", 1.0)?);
        let transposed = node.int("transB", 0)? != 0;
        let mut weights = self.weights(node, transposed)?;
        let mut bias = match node.input(2) {
            Some(name) => self.bias(node, name, weights.nrows())?,
            None => Array1::zeros(weights.nrows()),
        };
        scale(node, "alpha", alpha, &mut weights)?;
        scale(node, "beta", beta, &mut bias)?;
        self.push(node, Op::Dense { weights, bias });
        Ok(())
    }

    /// `x B`.
    fn matmul(&mut self, node: &NodeRef<'_>) -> Result<(), GraphError> {
        let weights = self.weights(node, false)?;
        let bias = Array1::zeros(weights.nrows());
        self.push(node, Op::Dense { weights, bias });
        self.open_bias = true;
        Ok(())
    }

    /// `x + c` and its like; an `Add` after a `MatMul` is that one's bias.
    fn elementwise(
        &mut self,
        node: &NodeRef<'_>,
        value: &str,
        arithmetic: Arithmetic,
    ) -> Result<(), GraphError> {
        let commutes = matches!(arithmetic, Arithmetic::Add | Arithmetic::Multiply);
        let constant = match (node.input(0), node.input(1)) {
            (Some(constant), Some(data)) if commutes && data == value => constant,
            (_, Some(constant)) => {
                node.check_signature(value, 2..=2, 1..=1)?;
                constant
            }
            _ => return Err(node.unsupported("it has no second operand")),
        };
        let constant = self.bias(node, constant, self.shape.iter().product())?;
        if arithmetic == Arithmetic::Divide && constant.iter().any(|c| *c == 0.0) {
            return Err(node.unsupported("it divides by zero"));
        }
        if arithmetic == Arithmetic::Add
            && self.open_bias
            && let Some(Node {
                op: Op::Dense { bias, .. },
                ..
            }) = self.nodes.last_mut()
        {
            *bias = constant;
            self.open_bias = false;
            return Ok(());
        }
        self.push(
            node,
            Op::Elementwise {
                arithmetic,
                constant,
            },
        );
        Ok(())
    }

    fn flatten(&mut self, node: &NodeRef<'_>) -> Result<(), GraphError> {
        let axis = node.int("axis", 1)?;
        let from_the_end = -i64::try_from(self.shape.len()).unwrap_or(i64::MAX);
        if axis != 1 && axis != from_the_end {
            return Err(node.unsupported(format!("axis is {axis}: only whole rows are flattened")));
        }
        self.shape = vec![self.shape.iter().product()];
        Ok(())
    }

    /// In inference, the row passes unchanged.
    fn check_dropout(&self, node: &NodeRef<'_>) -> Result<(), GraphError> {
        if let Some(name) = node.input(1)
            && self.constants.floats(name)?.is_none()
        {
            return Err(node.unsupported("its ratio is not a constant"));
        }
        if let Some(name) = node.input(2)
            && self.constants.switch(name)? != Some(false)
        {
            return Err(node.unsupported("it is in training mode: export the model for inference"));
        }
        Ok(())
    }

    /// The second operand as weights `[out, in]`; it is stored `[out, in]` if
    /// `transposed`, else `[in, out]`.
    fn weights(&self, node: &NodeRef<'_>, transposed: bool) -> Result<Array2<f32>, GraphError> {
        let &[len] = self.shape.as_slice() else {
            return Err(GraphError::ShapeMismatch {
                node: node.name.clone(),
                operand: "a row of the data",
                found: self.shape.clone(),
                expected: "one axis: put a Flatten before it".to_owned(),
            });
        };
        let constant = match node.input(1) {
            Some(name) => self.constants.floats(name)?,
            None => None,
        };
        let Some(constant) = constant else {
            return Err(node.unsupported("its weights are not a constant"));
        };
        let mismatch = |found: Vec<usize>| GraphError::ShapeMismatch {
            node: node.name.clone(),
            operand: "the weights",
            found,
            expected: if transposed {
                format!("[n, {len}]")
            } else {
                format!("[{len}, n]")
            },
        };
        let &[rows, columns] = constant.shape.as_slice() else {
            return Err(mismatch(constant.shape));
        };
        let stored = Array2::from_shape_vec((rows, columns), constant.elements)
            .map_err(|_| mismatch(vec![rows, columns]))?;
        let weights = if transposed {
            stored
        } else {
            stored.reversed_axes()
        };
        if weights.ncols() != len {
            return Err(mismatch(vec![rows, columns]));
        }
        Ok(weights.as_standard_layout().into_owned())
    }

    /// The constant `name`, broadcast to one row of `len` elements.
    fn bias(&self, node: &NodeRef<'_>, name: &str, len: usize) -> Result<Array1<f32>, GraphError> {
        let Some(constant) = self.constants.floats(name)? else {
            return Err(node.unsupported(format!("`{name}` is not a constant")));
        };
        match constant.shape.as_slice() {
            [n] | [1, n] if *n == len && self.shape.len() == 1 => Ok(constant.elements.into()),
            [] | [1] | [1, 1] => Ok(Array1::from_elem(len, constant.elements[0])),
            _ => Err(GraphError::ShapeMismatch {
                node: node.name.clone(),
                operand: "the bias",
                found: constant.shape,
                expected: format!("[{len}], [1, {len}] or a scalar"),
            }),
        }
    }
}

/// Multiplies a constant by `alpha` or `beta`.
fn scale<D: ndarray::Dimension>(
    node: &NodeRef<'_>,
    name: &str,
    factor: f32,
    constant: &mut ndarray::Array<f32, D>,
) -> Result<(), GraphError> {
    if factor == 1.0 {
        return Ok(());
    }
    constant.mapv_inplace(|x| x * factor);
    if constant.iter().all(|x| x.is_finite()) {
        Ok(())
    } else {
        Err(node.unsupported(format!("{name} = {factor} makes a weight infinite")))
    }
}
