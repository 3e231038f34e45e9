//! The functions that recurrent layers name.

use super::super::activations::{hard_sigmoid, thresholded};
use super::{Builder, NodeRef, Tensor};
use crate::GraphError;
use crate::op::{Arithmetic, Function};

/// A function of a gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Activation {
    /// One of the graph's.
    Plain(Function),
    /// `alpha x + beta`.
    Affine(f32, f32),
    /// `alpha tanh(beta x)`.
    ScaledTanh(f32, f32),
    /// `alpha x + beta`, between 0 and 1.
    HardSigmoid(f32, f32),
    /// `x` above `alpha`, else 0.
    Thresholded(f32),
}

/// Parameters that functions take one after the other.
struct Parameters<'a> {
    left: &'a [f32],
}

impl Parameters<'_> {
    fn next(&mut self, default: f32) -> f32 {
        match self.left.split_first() {
            Some((first, rest)) => {
                self.left = rest;
                *first
            }
            None => default,
        }
    }
}

impl Activation {
    /// The functions of all directions; each has those of `default` if none are named.
    pub(super) fn all(
        node: &NodeRef<'_>,
        default: &[&str],
        directions: usize,
    ) -> Result<Vec<Self>, GraphError> {
        let names = match node.strings("activations")? {
            Some(names) if !names.is_empty() => names,
            _ => default
                .repeat(directions)
                .into_iter()
                .map(String::from)
                .collect(),
        };
        if names.len() != default.len() * directions {
            return Err(node.unsupported(format!(
                "it names {} activations, expected {} for each of {directions} directions",
                names.len(),
                default.len()
            )));
        }
        let list =
            |name| -> Result<&[f32], GraphError> { Ok(node.floats(name)?.unwrap_or_default()) };
        let (alphas, betas) = (list("activation_alpha")?, list("activation_beta")?);
        if alphas.iter().chain(betas).any(|x| !x.is_finite()) {
            return Err(node.unsupported("a parameter of its activations is not finite"));
        }
        let mut alpha = Parameters { left: alphas };
        let mut beta = Parameters { left: betas };
        let of = |name: &String| {
            let plain = |function| -> Result<Self, GraphError> { Ok(Self::Plain(function)) };
            match name.to_ascii_lowercase().as_str() {
                "relu" => plain(Function::Relu),
                "tanh" => plain(Function::Tanh),
                "sigmoid" => plain(Function::Sigmoid),
                "softsign" => plain(Function::Softsign),
                "softplus" => plain(Function::Softplus),
                "leakyrelu" => plain(Function::LeakyRelu(alpha.next(0.01))),
                "elu" => plain(Function::Elu {
                    alpha: alpha.next(1.0),
                    beta: 1.0,
                }),
                "affine" => Ok(Self::Affine(alpha.next(1.0), beta.next(0.0))),
                "scaledtanh" => Ok(Self::ScaledTanh(alpha.next(1.0), beta.next(1.0))),
                "hardsigmoid" => Ok(Self::HardSigmoid(alpha.next(0.2), beta.next(0.5))),
                "thresholdedrelu" => Ok(Self::Thresholded(alpha.next(1.0))),
                _ => Err(node.unsupported(format!(
                    "its activation {name} is not known: expected Sigmoid, Tanh, Relu, LeakyRelu, Elu, \
                     Softsign, Softplus, Affine, ScaledTanh, HardSigmoid or ThresholdedRelu"
                ))),
            }
        };
        names.iter().map(of).collect()
    }

    /// Between which numbers its results lie, if neither is far away.
    pub(super) fn range(self) -> Option<(f32, f32)> {
        match self {
            Self::Plain(Function::Sigmoid) | Self::HardSigmoid(..) => Some((0.0, 1.0)),
            Self::Plain(Function::Tanh | Function::Softsign) => Some((-1.0, 1.0)),
            Self::ScaledTanh(alpha, _) => Some((-alpha.abs(), alpha.abs())),
            _ => None,
        }
    }

    pub(super) fn apply(
        self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        x: &Tensor,
    ) -> Result<Tensor, GraphError> {
        match self {
            Self::Plain(function) => builder.map(node, function, x),
            Self::Affine(alpha, beta) => {
                let line = builder.with_scalar(node, Arithmetic::Multiply, x, alpha)?;
                builder.with_scalar(node, Arithmetic::Add, &line, beta)
            }
            Self::ScaledTanh(alpha, beta) => {
                let inner = builder.with_scalar(node, Arithmetic::Multiply, x, beta)?;
                let tanh = builder.map(node, Function::Tanh, &inner)?;
                builder.with_scalar(node, Arithmetic::Multiply, &tanh, alpha)
            }
            Self::HardSigmoid(alpha, beta) => hard_sigmoid(node, builder, x, (alpha, beta)),
            Self::Thresholded(alpha) => thresholded(node, builder, x, alpha),
        }
    }
}
