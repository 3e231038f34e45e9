//! A prover for halo2's verifier.
//!
//! The proof system is halo2's, and so is the verifier: KZG over BN254, challenges between two
//! phases of advice, SHPLONK. What is ours is how a proof is computed, for circuits that are
//! gates alone (no permutation, no lookup argument of halo2's), small tables and many fixed
//! columns:
//!
//! - the fixed columns' polynomials are computed once, when a key is made or read;
//! - gates are evaluated on each coset of the domain by a program in which common expressions
//!   appear once. A linear combination of many fixed columns, such as the `u` of a dense
//!   layer, becomes *one* polynomial for the proof's challenges: one Fourier transform instead
//!   of one per column ([`gates`]);
//! - columns are committed in the Lagrange basis by multiplication with fixed bases
//!   ([`commit`](crate::commit));
//! - openings combine the polynomials of each set of points once ([`opening`]).
//!
//! That halo2's own prover and this one are accepted by the same verifier, under equal keys, is
//! a test.
//!
//! | module | what |
//! |---|---|
//! | [`domain`] | Fourier transforms and cosets |
//! | [`gates`] | gate expressions as a program |
//! | [`fixed`] | fixed columns, and the program's columns of them |
//! | [`quotient`] | the quotient of the gates by `X^n - 1` |
//! | [`opening`] | SHPLONK |
//! | [`polynomial`] | columns by coefficients or by cells |

pub(crate) mod domain;
pub(crate) mod fixed;
mod gates;
mod opening;
mod polynomial;
mod quotient;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rand_core::{CryptoRng, RngCore};
use rayon::prelude::*;
use zkassay_gadgets::Field;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{Fr, G1, G1Affine};
use zkassay_gadgets::halo2_proofs::halo2curves::ff::Field as _;
use zkassay_gadgets::halo2_proofs::halo2curves::group::Curve as _;
use zkassay_gadgets::halo2_proofs::halo2curves::group::prime::PrimeCurveAffine as _;
use zkassay_gadgets::halo2_proofs::plonk::VerifyingKey;
use zkassay_gadgets::halo2_proofs::transcript::{
    Blake2bWrite, Challenge255, Transcript, TranscriptWrite as _,
};

use crate::ProverError;
use crate::commit::Committer;
use domain::evaluate;
use fixed::FixedColumns;
use opening::{Opened, open};
use polynomial::{Point, Polynomial};

/// The transcript of a proof.
pub(crate) type Writer = Blake2bWrite<Vec<u8>, G1Affine, Challenge255<G1Affine>>;

/// The advice of one phase: a table's columns by their index.
pub(crate) type Phase = Vec<(usize, Vec<Field>)>;

/// What is proved: the advice of two phases, and the public values.
pub(crate) struct Statement<'a> {
    /// The instance columns.
    pub(crate) instance: &'a [Vec<Field>],
    /// Phase 1.
    pub(crate) first: Phase,
    /// Phase 2, from the challenges in the order of the constraint system.
    pub(crate) second: &'a (dyn Fn(&[Field]) -> Phase + Sync),
}

/// Random values of the polynomial that hides the quotient: any two would do.
const RANDOM_CELLS: usize = 16;

/// Appends a proof to the transcript.
///
/// Cells that a column lacks are zero; the last rows are filled with blinding factors.
pub(crate) fn prove(
    committer: &Committer,
    key: &VerifyingKey<G1Affine>,
    columns: &FixedColumns,
    statement: Statement<'_>,
    mut rng: impl RngCore + CryptoRng,
    transcript: &mut Writer,
) -> Result<(), ProverError> {
    let system = key.cs();
    let domain = columns.domain();
    let rows = domain.rows();
    let blinded = rows - (system.blinding_factors() + 1);

    let Statement {
        instance,
        mut first,
        second,
    } = statement;

    key.hash_into(transcript).map_err(failed)?;
    for value in instance.iter().flatten() {
        transcript.common_scalar(*value).map_err(failed)?;
    }

    let mut advice = vec![Vec::new(); system.num_advice_columns()];
    let mut challenges = vec![Fr::ZERO; system.num_challenges()];
    for phase in [0, 1] {
        let filled = match phase {
            0 => std::mem::take(&mut first),
            _ => second(&challenges),
        };
        let mut indices = Vec::with_capacity(filled.len());
        for (index, mut values) in filled {
            values.resize(rows, Fr::ZERO);
            for cell in &mut values[blinded..] {
                *cell = Fr::random(&mut rng);
            }
            advice[index] = values;
            indices.push(index);
        }
        indices.sort_unstable();
        let points = commit(&indices, |index| committer.commit_values(&advice[*index]));
        write_points(transcript, &points)?;
        for (index, of) in system.challenge_phase().into_iter().enumerate() {
            if of == phase {
                challenges[index] = squeeze(transcript);
            }
        }
    }
    // theta, beta and gamma of arguments that these circuits do not have.
    for _ in 0..3 {
        squeeze(transcript);
    }

    // A random polynomial hides the quotient's evaluation. What is shown of it is its value at two points, the
    // secret of the parameters (in the exponent) and `x`: more random cells than that need not be.
    let mut random = vec![Fr::ZERO; rows];
    for cell in &mut random[..RANDOM_CELLS] {
        *cell = Fr::random(&mut rng);
    }
    write_points(transcript, &[committer.commit_values(&random).to_affine()])?;
    let y = squeeze(transcript);

    let instance = instance.iter().map(|values| {
        let mut values = values.clone();
        values.resize(rows, Fr::ZERO);
        values
    });
    let to_coefficients = |mut values: Vec<Fr>| {
        domain.interpolate(&mut values);
        values
    };
    let all: Vec<Vec<Fr>> = advice.into_iter().chain(instance).chain([random]).collect();
    let mut polynomials: Vec<Vec<Fr>> = all.into_par_iter().map(to_coefficients).collect();
    let random = polynomials.pop().unwrap_or_default();
    let instance = polynomials.split_off(system.num_advice_columns());
    let advice = polynomials;

    let pieces = quotient::quotient(columns, &advice, &instance, &challenges, y);
    let points = commit(&pieces, |piece| {
        committer.commit_coefficients(domain, piece)
    });
    write_points(transcript, &points)?;

    let x = squeeze(transcript);
    let point = |rotation: i32| domain.rotate(x, rotation);
    let advice_queries: Vec<(usize, i32)> = system
        .advice_queries()
        .iter()
        .map(|(column, rotation)| (column.index(), rotation.0))
        .collect();
    let fixed_queries: Vec<(usize, i32)> = system
        .fixed_queries()
        .iter()
        .map(|(column, rotation)| (column.index(), rotation.0))
        .collect();
    let advice_queries = advice_queries
        .iter()
        .map(|(column, rotation)| (Polynomial::Coefficients(&advice[*column]), *rotation));
    let fixed_queries = fixed_queries
        .iter()
        .map(|(column, rotation)| (columns.polynomial(*column), *rotation));
    let opened: Vec<(Polynomial<'_>, i32)> = advice_queries.chain(fixed_queries).collect();
    let mut rotations: Vec<i32> = opened.iter().map(|(_, rotation)| *rotation).collect();
    rotations.sort_unstable();
    rotations.dedup();
    let points: BTreeMap<i32, Point> = rotations
        .into_par_iter()
        .map(|rotation| {
            let with_cells = opened
                .iter()
                .any(|(of, at)| *at == rotation && matches!(of, Polynomial::Cells(_)));
            (rotation, Point::new(domain, point(rotation), with_cells))
        })
        .collect();
    let values: Vec<Fr> = opened
        .par_iter()
        .map(|(polynomial, rotation)| points[rotation].evaluate(polynomial))
        .collect();
    for value in &values {
        transcript.write_scalar(*value).map_err(failed)?;
    }
    let random_value = evaluate(&random, x);
    transcript.write_scalar(random_value).map_err(failed)?;

    // The quotient from its pieces: sum_i x^(n i) piece_i.
    let power = x.pow_vartime([rows as u64]);
    let mut combined = vec![Fr::ZERO; rows];
    for piece in pieces.iter().rev() {
        for (sum, coefficient) in combined.iter_mut().zip(piece) {
            *sum = *sum * power + coefficient;
        }
    }
    let combined_value = evaluate(&combined, x);

    let mut queries: Vec<Opened<'_>> = opened
        .iter()
        .zip(&values)
        .map(|((polynomial, rotation), value)| Opened {
            polynomial: *polynomial,
            point: point(*rotation),
            value: *value,
        })
        .collect();
    queries.extend([(&combined, combined_value), (&random, random_value)].map(
        |(polynomial, value)| Opened {
            polynomial: Polynomial::Coefficients(polynomial),
            point: x,
            value,
        },
    ));
    open(committer, domain, &queries, transcript)
}

/// The commitments to `items`, in their order.
pub(crate) fn commit<T: Sync>(items: &[T], one: impl Fn(&T) -> G1 + Sync + Send) -> Vec<G1Affine> {
    let points: Vec<G1> = items.par_iter().map(one).collect();
    let mut affine = vec![G1Affine::identity(); points.len()];
    G1::batch_normalize(&points, &mut affine);
    affine
}

fn write_points(transcript: &mut Writer, points: &[G1Affine]) -> Result<(), ProverError> {
    points
        .iter()
        .try_for_each(|point| transcript.write_point(*point))
        .map_err(failed)
}

fn squeeze(transcript: &mut Writer) -> Fr {
    *transcript.squeeze_challenge_scalar::<()>()
}

/// A transcript refuses the point at infinity, which no honest proof has.
fn failed(error: std::io::Error) -> ProverError {
    ProverError::Halo2(error.to_string())
}
