//! SHPLONK: all openings at once (Boneh, Drake, Fisch and Gabizon, ePrint 2020/081), as halo2's
//! verifier wants them.
//!
//! Polynomials are grouped by their sets of points `T_i`. With `S_i = sum_j y^j P_ij` and `R_i`
//! the interpolation of its values on `T_i`, the prover commits to
//!
//! ```text
//! H = sum_i v^i (S_i - R_i) / Z_i                              Z_i vanishes on T_i
//! W = (sum_i v^i z_i (S_i - R_i(u)) - Z(u) H) / (z_0 (X - u))  z_i = Z(u) / Z_i(u)
//! ```
//!
//! for challenges `y, v` before, and `u` between the two; `Z` vanishes on all points.

use zkassay_gadgets::halo2_proofs::arithmetic::lagrange_interpolate;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::Fr;
use zkassay_gadgets::halo2_proofs::halo2curves::ff::Field as _;
use zkassay_gadgets::halo2_proofs::halo2curves::group::Curve as _;

use super::domain::{Domain, evaluate};
use super::polynomial::{Polynomial, combine};
use super::{Writer, squeeze, write_points};
use crate::ProverError;
use crate::commit::Committer;

/// A polynomial's value at a point.
pub(crate) struct Opened<'a> {
    pub(crate) polynomial: Polynomial<'a>,
    pub(crate) point: Fr,
    pub(crate) value: Fr,
}

/// A polynomial's values at points, `(point, value)`.
type PointValues = Vec<(Fr, Fr)>;

/// Polynomials that are opened at the same points.
struct Set<'a> {
    points: Vec<Fr>,
    polynomials: Vec<(Polynomial<'a>, Vec<Fr>)>,
}

/// Writes the proof that all values are right.
pub(crate) fn open(
    committer: &Committer,
    domain: &Domain,
    queries: &[Opened<'_>],
    transcript: &mut Writer,
) -> Result<(), ProverError> {
    let y = squeeze(transcript);
    let v = squeeze(transcript);
    let sets = sets(queries);
    let rows = domain.rows();
    let combined: Vec<(Vec<Fr>, Vec<Fr>)> =
        sets.iter().map(|set| set.combined(domain, y)).collect();

    let mut h = vec![Fr::ZERO; rows];
    let mut power = Fr::ONE;
    for ((sum, remainder), set) in combined.iter().zip(&sets) {
        let mut quotient = sum.clone();
        for (coefficient, less) in quotient.iter_mut().zip(remainder) {
            *coefficient -= less;
        }
        for point in &set.points {
            divide(&mut quotient, *point);
        }
        add(&mut h, &quotient, power);
        power *= v;
    }
    write_points(
        transcript,
        &[committer.commit_coefficients(domain, &h).to_affine()],
    )?;
    let u = squeeze(transcript);

    let mut points: Vec<Fr> = Vec::new();
    for point in sets.iter().flat_map(|set| &set.points) {
        if !points.contains(point) {
            points.push(*point);
        }
    }
    let vanishing = |points: &mut dyn Iterator<Item = &Fr>| {
        points.fold(Fr::ONE, |product, point| product * (u - point))
    };
    let mut w = vec![Fr::ZERO; rows];
    let mut power = Fr::ONE;
    let mut first = None;
    for ((sum, remainder), set) in combined.iter().zip(&sets) {
        let mut others = points.iter().filter(|point| !set.points.contains(point));
        let z = vanishing(&mut others);
        first.get_or_insert(z);
        add(&mut w, sum, power * z);
        w[0] -= power * z * evaluate(remainder, u);
        power *= v;
    }
    add(&mut w, &h, -vanishing(&mut points.iter()));
    divide(&mut w, u);
    let scale = first
        .and_then(|z| Option::from(z.invert()))
        .unwrap_or(Fr::ZERO);
    for coefficient in &mut w {
        *coefficient *= scale;
    }
    write_points(
        transcript,
        &[committer.commit_coefficients(domain, &w).to_affine()],
    )
}

/// Groups polynomials by their points, both in the order of their first query: what the
/// verifier does with their commitments.
fn sets<'a>(queries: &[Opened<'a>]) -> Vec<Set<'a>> {
    let mut polynomials: Vec<(Polynomial<'a>, PointValues)> = Vec::new();
    for query in queries {
        let known = polynomials
            .iter_mut()
            .find(|(polynomial, _)| polynomial.is(&query.polynomial));
        match known {
            Some((_, values)) => values.push((query.point, query.value)),
            None => polynomials.push((query.polynomial, vec![(query.point, query.value)])),
        }
    }
    let mut sets: Vec<Set<'a>> = Vec::new();
    for (polynomial, values) in polynomials {
        let is_same = |set: &&mut Set<'_>| {
            set.points.len() == values.len()
                && values.iter().all(|(point, _)| set.points.contains(point))
        };
        let in_order = |points: &[Fr]| {
            let at = |point: &Fr| {
                values
                    .iter()
                    .find(|(p, _)| p == point)
                    .map(|(_, value)| *value)
            };
            points.iter().filter_map(at).collect()
        };
        match sets.iter_mut().find(is_same) {
            Some(set) => {
                let values = in_order(&set.points);
                set.polynomials.push((polynomial, values));
            }
            None => {
                let points: Vec<Fr> = values.iter().map(|(point, _)| *point).collect();
                let values = in_order(&points);
                sets.push(Set {
                    points,
                    polynomials: vec![(polynomial, values)],
                });
            }
        }
    }
    sets
}

impl Set<'_> {
    /// `S_i` and `R_i`.
    fn combined(&self, domain: &Domain, y: Fr) -> (Vec<Fr>, Vec<Fr>) {
        let powers = std::iter::successors(Some(Fr::ONE), |power| Some(*power * y));
        let polynomials = self.polynomials.iter().map(|(polynomial, _)| *polynomial);
        let terms: Vec<_> = polynomials.zip(powers).collect();
        let values: Vec<Fr> = (0..self.points.len())
            .map(|point| {
                let values = self.polynomials.iter().rev();
                let values = values.map(|(_, values)| values[point]);
                values.fold(Fr::ZERO, |sum, value| sum * y + value)
            })
            .collect();
        let sum = combine(domain, &terms);
        (sum, lagrange_interpolate(&self.points, &values))
    }
}

/// Adds `factor` times a polynomial.
fn add(sum: &mut [Fr], polynomial: &[Fr], factor: Fr) {
    for (sum, coefficient) in sum.iter_mut().zip(polynomial) {
        *sum += *coefficient * factor;
    }
}

/// Divides by `X - point` without remainder; the highest coefficient becomes zero.
fn divide(polynomial: &mut [Fr], point: Fr) {
    let mut carry = Fr::ZERO;
    for coefficient in polynomial.iter_mut().rev() {
        let quotient = carry;
        carry = *coefficient + carry * point;
        *coefficient = quotient;
    }
}
