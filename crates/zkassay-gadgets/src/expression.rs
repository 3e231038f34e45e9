//! Small helpers for building gate expressions.

use halo2_proofs::arithmetic::Field as _;
use halo2_proofs::plonk::Expression;

use crate::{Field, power_of_two};

/// A gate expression.
pub(crate) type Expr = Expression<Field>;

/// The constant `value`.
pub(crate) fn constant(value: Field) -> Expr {
    Expression::Constant(value)
}

/// `sum_i base^i terms_i` by Horner's rule; zero without terms.
pub(crate) fn horner(base: &Expr, terms: impl DoubleEndedIterator<Item = Expr>) -> Expr {
    terms
        .rev()
        .reduce(|sum, term| sum * base.clone() + term)
        .unwrap_or_else(|| constant(Field::ZERO))
}

/// The sum of terms; as a tree of little depth, however many they are.
pub(crate) fn total(mut terms: Vec<Expr>) -> Expr {
    let rest = terms.split_off(terms.len() / 2);
    match (terms.is_empty(), rest.len()) {
        (true, 0) => constant(Field::ZERO),
        (true, 1) => rest
            .into_iter()
            .next()
            .unwrap_or_else(|| constant(Field::ZERO)),
        _ => total(terms) + total(rest),
    }
}

/// `sum_i 2^(bits * i) limbs_i`: the integer that limbs stand for.
pub(crate) fn recompose(limbs: &[Expr], bits: u32) -> Expr {
    limbs
        .iter()
        .zip(0u32..)
        .map(|(limb, i)| limb.clone() * power_of_two(bits * i))
        .reduce(|sum, term| sum + term)
        .unwrap_or_else(|| constant(Field::ZERO))
}

/// `base^exponent` with few multiplications.
pub(crate) fn power(base: &Expr, exponent: u32) -> Expr {
    match exponent {
        0 => constant(Field::ONE),
        1 => base.clone(),
        _ => {
            let half = power(base, exponent / 2);
            let square = half.clone() * half;
            if exponent.is_multiple_of(2) {
                square
            } else {
                square * base.clone()
            }
        }
    }
}
