//! The operators that can be imported: a file for each family.

mod activations;
mod arithmetic;
mod arrange;
mod cast;
mod constant;
mod conv;
mod dense;
mod einsum;
mod functions;
mod gather;
mod logic;
mod lookup;
mod ml;
mod normalization;
mod order;
mod pool;
mod quantize;
mod reduce;
mod reshape;
mod resize;
mod slice;
mod softmax;

use super::builder::Builder;
use super::node::NodeRef;
use super::tensor::Tensor;
use crate::GraphError;

/// Reads a node: pushes what it does, and returns what it writes, as many as it names or more.
pub(super) type Read = fn(&NodeRef<'_>, &mut Builder) -> Result<Vec<Tensor>, GraphError>;

/// Operators of one domain that belong together.
type Family = &'static [(&'static str, Read)];

/// The domain of the operators that need not name one.
const DEFAULT: &str = "";
/// The domain of classical machine learning.
pub(super) const ML: &str = "ai.onnx.ml";

/// The domain of onnxruntime's own operators.
const MICROSOFT: &str = "com.microsoft";

const FAMILIES: &[(&str, Family)] = &[
    (DEFAULT, activations::OPERATORS),
    (DEFAULT, arithmetic::OPERATORS),
    (DEFAULT, arrange::OPERATORS),
    (DEFAULT, cast::OPERATORS),
    (DEFAULT, constant::OPERATORS),
    (DEFAULT, conv::OPERATORS),
    (DEFAULT, dense::OPERATORS),
    (DEFAULT, einsum::OPERATORS),
    (DEFAULT, functions::OPERATORS),
    (DEFAULT, gather::OPERATORS),
    (DEFAULT, logic::OPERATORS),
    (DEFAULT, lookup::OPERATORS),
    (DEFAULT, normalization::OPERATORS),
    (DEFAULT, order::OPERATORS),
    (DEFAULT, pool::OPERATORS),
    (DEFAULT, quantize::OPERATORS),
    (DEFAULT, reduce::OPERATORS),
    (DEFAULT, reshape::OPERATORS),
    (DEFAULT, resize::OPERATORS),
    (DEFAULT, slice::OPERATORS),
    (DEFAULT, softmax::OPERATORS),
    (ML, ml::OPERATORS),
    (MICROSOFT, activations::MICROSOFT),
];

/// How an operator is read; `None` if it is not supported.
pub(super) fn find(domain: &str, operator: &str) -> Option<Read> {
    let domain = if domain == "ai.onnx" { DEFAULT } else { domain };
    let families = FAMILIES.iter().filter(|(of, _)| *of == domain);
    let mut operators = families.flat_map(|(_, family)| family.iter());
    let found = operators.find(|(name, _)| *name == operator);
    found.map(|(_, read)| *read)
}

/// The names of all operators, for errors.
pub(super) fn supported() -> String {
    let of = |domain: &str| {
        let families = FAMILIES.iter().filter(|(of, _)| *of == domain);
        let mut names: Vec<&str> = families
            .flat_map(|(_, family)| family.iter())
            .map(|(name, _)| *name)
            .collect();
        names.sort_unstable();
        names.join(", ")
    };
    format!("{}; of {ML}: {}", of(DEFAULT), of(ML))
}
