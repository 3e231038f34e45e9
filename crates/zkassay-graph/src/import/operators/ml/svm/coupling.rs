//! Probabilities of three classes from those of their pairs.
//!
//! libsvm finds the `p` that minimises `sum_i sum_j (r_ji p_i - r_ij p_j)^2` with `sum_i p_i = 1`,
//! where `r_ij` is the probability of `i` against `j`, by an iteration that it stops when its
//! residual is below 0.005 / 3. For three classes the minimum has a closed form. With
//! `a = r_01`, `b = r_02`, `c = r_12`, and
//!
//! ```text
//! u = a + b - a b      v = 1 - a + a c      w = 1 - b c
//! ```
//!
//! it is
//!
//! ```text
//! p_0 = (a b u       + a c v             + (b - b c) w        ) / (u^2 + v^2 + w^2)
//! p_1 = ((b - a b) u + (c - a c) v       + (c - b c) w        ) / (u^2 + v^2 + w^2)
//! p_2 = ((a - a b) u + (1 - a - c + a c) v + (1 - b - c + b c) w) / (u^2 + v^2 + w^2)
//! ```
//!
//! Nothing cancels: every summand is a product of probabilities. The divisor is never below 1.5.
//! What the iteration stops at lies within 0.004 of it.

use super::super::super::normalization::reduce;
use super::super::super::{Builder, NodeRef, Tensor};
use super::super::linear::dense;
use crate::GraphError;
use crate::import::tensor::DataType;
use crate::op::{Arithmetic, Binary, Function, Reduction};

/// Below the least divisor, with room for rounding.
const LEAST_DIVISOR: f32 = 1.49;

/// The coefficients of `u`, `v` and `w`, for `p_0`, `p_1`, `p_2` each; then `u`, `v`, `w`: the
/// factors of `a`, `b`, `c`, `a b`, `a c`, `b c`, and what is added.
const AFFINE: [([f32; 6], f32); 12] = [
    ([0.0, 0.0, 0.0, 1.0, 0.0, 0.0], 0.0),
    ([0.0, 1.0, 0.0, -1.0, 0.0, 0.0], 0.0),
    ([1.0, 0.0, 0.0, -1.0, 0.0, 0.0], 0.0),
    ([0.0, 0.0, 0.0, 0.0, 1.0, 0.0], 0.0),
    ([0.0, 0.0, 1.0, 0.0, -1.0, 0.0], 0.0),
    ([-1.0, 0.0, -1.0, 0.0, 1.0, 0.0], 1.0),
    ([0.0, 1.0, 0.0, 0.0, 0.0, -1.0], 0.0),
    ([0.0, 0.0, 1.0, 0.0, 0.0, -1.0], 0.0),
    ([0.0, -1.0, -1.0, 0.0, 0.0, 1.0], 1.0),
    ([1.0, 1.0, 0.0, -1.0, 0.0, 0.0], 0.0),
    ([-1.0, 0.0, 0.0, 0.0, 1.0, 0.0], 1.0),
    ([0.0, 0.0, 0.0, 0.0, 0.0, -1.0], 1.0),
];

/// The probabilities `[rows, 3]` from the scores `[rows, 3]` of the pairs 0-1, 0-2, 1-2, each a
/// probability against its class by the sigmoid of `a score + b`.
pub(super) fn of_three(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    scores: &Tensor,
    (a, b): (&[f32], &[f32]),
) -> Result<Tensor, GraphError> {
    let rows = scores.len() / 3;
    let (Some(a), Some(b)) = (a.get(..3), b.get(..3)) else {
        let count = a.len().min(b.len());
        return Err(node.unsupported(format!("it has {count} numbers in prob_a, expected 3")));
    };
    let mut with = |arithmetic, x: &Tensor, constants: Vec<f32>| {
        builder.with_constants(node, arithmetic, x, constants)
    };
    // Of the first class of each pair: the sigmoid of the opposite.
    let negative = |x: &[f32]| x.iter().map(|x| -x).collect::<Vec<f32>>().repeat(rows);
    let scaled = with(Arithmetic::Multiply, scores, negative(a))?;
    let exponents = with(Arithmetic::Add, &scaled, negative(b))?;
    let pairs = builder.map(node, Function::Sigmoid, &exponents)?;

    let picked = |builder: &mut Builder, x: &Tensor, width: usize, places: &[usize]| {
        let positions = (0..rows).flat_map(|row| places.iter().map(move |p| row * width + p));
        let shape = vec![rows, places.len()];
        builder.select(node, x, positions, shape)
    };
    let left = picked(builder, &pairs, 3, &[0, 0, 1])?;
    let right = picked(builder, &pairs, 3, &[1, 2, 2])?;
    let products = builder.binary(node, Binary::Multiply, &left, &right)?;
    let both = beside(node, builder, &pairs, &products)?;
    let weights = AFFINE.iter().flat_map(|(factors, _)| *factors).collect();
    let added = AFFINE.iter().map(|(_, added)| *added).collect();
    let parts = dense(node, builder, &both, rows, weights, added)?;

    let coefficients = picked(builder, &parts, 12, &[0, 1, 2, 3, 4, 5, 6, 7, 8])?;
    let factors = picked(builder, &parts, 12, &[9, 9, 9, 10, 10, 10, 11, 11, 11])?;
    let summands = builder.binary(node, Binary::Multiply, &coefficients, &factors)?;
    let of_class = |class: usize| (0..9).map(move |at| f32::from(u8::from(at % 3 == class)));
    let weights = (0..3).flat_map(of_class).collect();
    let numerators = dense(node, builder, &summands, rows, weights, vec![0.0; 3])?;

    let factors = picked(builder, &parts, 12, &[9, 10, 11])?;
    let squares = builder.map(node, Function::Power(2), &factors)?;
    let divisor = reduce(node, builder, Reduction::Sum, &squares, &[1])?;
    let least = Tensor::constant(vec![], DataType::Float, vec![LEAST_DIVISOR]);
    let divisor = builder.binary(node, Binary::Max, &divisor, &least)?;
    builder.binary(node, Binary::Divide, &numerators, &divisor)
}

/// `[rows, 3]` and `[rows, 3]` as `[rows, 6]`.
fn beside(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    a: &Tensor,
    b: &Tensor,
) -> Result<Tensor, GraphError> {
    use crate::op::Source::Element;

    let rows = (a.len() / 3) as u32;
    let of_row = |row: u32| {
        let of = move |operand| {
            (0..3).map(move |at| Element {
                operand,
                index: 3 * row + at,
            })
        };
        [0, 1].into_iter().flat_map(of)
    };
    let sources = (0..rows).flat_map(of_row).collect();
    builder.rearrange(node, &[a, b], sources, vec![a.len() / 3, 6])
}
