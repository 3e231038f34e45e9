//! Mathematical functions of every element.

use super::Family;
use super::activations::map;
use crate::op::Function;

pub(super) const OPERATORS: Family = &[
    ("Abs", |node, builder| map(node, builder, Function::Abs)),
    ("Sign", |node, builder| map(node, builder, Function::Sign)),
    ("Floor", |node, builder| map(node, builder, Function::Floor)),
    ("Ceil", |node, builder| map(node, builder, Function::Ceil)),
    ("Round", |node, builder| map(node, builder, Function::Round)),
    ("Sqrt", |node, builder| map(node, builder, Function::Sqrt)),
    ("Reciprocal", |node, builder| {
        map(node, builder, Function::Reciprocal)
    }),
    ("Exp", |node, builder| map(node, builder, Function::Exp)),
    ("Log", |node, builder| map(node, builder, Function::Log)),
    ("Erf", |node, builder| map(node, builder, Function::Erf)),
];
