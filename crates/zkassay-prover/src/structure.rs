//! Whether points are the powers of one secret.
//!
//! Parameters from elsewhere are more than points on a curve: with two points exchanged, a
//! verifying key made from them would commit to another model. For `n` rows, a root of unity `w`
//! and a random `r`, in the sense of probability below `n / 2^252`,
//!
//! ```text
//! sum r^i G_i = sum_j p(w^j) L_j             p(X) = sum r^i X^i = ((r X)^n - 1) / (r X - 1):
//!                                            the Lagrange points belong to the powers
//! e(sum r^i G_i - G_0, H) = e(r (sum r^i G_i - r^(n-1) G_(n-1)), s H)
//!                                            each power is s times the one before
//! ```
//!
//! Sums are taken piece by piece, so that checking needs little memory beside the points.

use rand_core::OsRng;
use zkassay_gadgets::Field;
use zkassay_gadgets::halo2_proofs::arithmetic::{Field as _, best_multiexp};
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{Bn256, G1, G1Affine, G2Affine};
use zkassay_gadgets::halo2_proofs::halo2curves::ff::{BatchInvert as _, PrimeField as _};
use zkassay_gadgets::halo2_proofs::halo2curves::group::prime::PrimeCurveAffine as _;
use zkassay_gadgets::halo2_proofs::halo2curves::group::{Curve as _, Group as _};
use zkassay_gadgets::halo2_proofs::halo2curves::pairing::Engine as _;

use crate::srs::raw::Points;

/// Points summed at a time.
const PIECE: usize = 1 << 18;

/// Checks the structure of points that were read from a file and lie on their curves.
///
/// # Errors
/// What does not hold.
pub(crate) fn check(points: &Points) -> Result<(), &'static str> {
    let (powers, s_g2) = (&points.powers, points.s_g2);
    let (&[first, ..], &[.., last]) = (powers.as_slice(), powers.as_slice()) else {
        return Err("it holds no powers");
    };
    if first != G1Affine::generator() || points.g2 != G2Affine::generator() {
        return Err("its first points are not the generators");
    }
    let has_order = |point: G2Affine| (point * -Field::one() + point).is_identity();
    if bool::from(s_g2.is_identity()) || !bool::from(has_order(s_g2)) {
        return Err("its point of G2 is not in the group");
    }

    let r = Field::random(OsRng);
    let rows = powers.len() as u64;
    let sum = combine(powers, |start, count| {
        geometric(r.pow_vartime([start]), r, count)
    });
    let high = sum - first;
    let low = (sum - last * r.pow_vartime([rows - 1])) * r;
    if Bn256::pairing(&high.to_affine(), &points.g2) != Bn256::pairing(&low.to_affine(), &s_g2) {
        return Err("its points are not the powers of one secret");
    }

    let Some(lagrange) = &points.lagrange else {
        return Ok(());
    };
    let w = root_of_unity(points.logrows);
    let quotients = combine(lagrange, |start, count| {
        let mut terms = geometric(r * w.pow_vartime([start]), w, count);
        terms.iter_mut().for_each(|term| *term -= Field::one());
        terms.iter_mut().batch_invert();
        terms
    });
    if quotients * (r.pow_vartime([rows]) - Field::one()) != sum {
        return Err("its Lagrange points do not belong to its powers");
    }
    Ok(())
}

/// The sum of points times factors; `factors` makes so many of them, from an index on.
fn combine(points: &[G1Affine], factors: impl Fn(u64, usize) -> Vec<Field>) -> G1 {
    let starts = (0..).step_by(PIECE);
    let sums = points
        .chunks(PIECE)
        .zip(starts)
        .map(|(piece, start)| best_multiexp(&factors(start, piece.len()), piece));
    sums.fold(G1::identity(), |sum, piece| sum + piece)
}

/// `first`, `first ratio`, `first ratio^2`, ...
fn geometric(first: Field, ratio: Field, count: usize) -> Vec<Field> {
    let terms = std::iter::successors(Some(first), |term| Some(term * ratio));
    terms.take(count).collect()
}

/// The generator of the rows of halo2's tables.
fn root_of_unity(logrows: u32) -> Field {
    (logrows..Field::S).fold(Field::ROOT_OF_UNITY, |root, _| root.square())
}
