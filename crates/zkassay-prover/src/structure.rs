//! Whether points are the powers of one secret.
//!
//! Parameters from elsewhere are more than points on a curve: with two points exchanged, a
//! verifying key made from them would commit to another model. For random `v` and `c`, in the
//! sense of probability below `2^-240`,
//!
//! ```text
//! sum v_i L_i = sum v'_i G_i                       the Lagrange points belong to the powers,
//!                                                  v' the coefficients of the polynomial with values v
//! e(sum c_i G_(i+1), H) = e(sum c_i G_i, s H)      each power is s times the one before
//! ```

use rand_core::OsRng;
use zkassay_gadgets::Field;
use zkassay_gadgets::halo2_proofs::arithmetic::{Field as _, best_multiexp};
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{Bn256, G1Affine, G2Affine};
use zkassay_gadgets::halo2_proofs::halo2curves::group::prime::PrimeCurveAffine as _;
use zkassay_gadgets::halo2_proofs::halo2curves::group::{Curve as _, Group as _};
use zkassay_gadgets::halo2_proofs::halo2curves::pairing::Engine as _;
use zkassay_gadgets::halo2_proofs::poly::EvaluationDomain;
use zkassay_gadgets::halo2_proofs::poly::commitment::{Blind, Params as _, ParamsProver as _};
use zkassay_gadgets::halo2_proofs::poly::kzg::commitment::ParamsKZG;

/// Checks the structure of parameters that were read from a file.
///
/// # Errors
/// What does not hold.
pub(crate) fn check(params: &ParamsKZG<Bn256>) -> Result<(), &'static str> {
    let powers = params.get_g();
    let (first, s_g2) = (G1Affine::generator(), params.s_g2());
    if powers.first() != Some(&first) || params.g2() != G2Affine::generator() {
        return Err("its first points are not the generators");
    }
    let has_order = |point: G2Affine| (point * -Field::one() + point).is_identity();
    if bool::from(s_g2.is_identity()) || !bool::from(has_order(s_g2)) {
        return Err("its point of G2 is not in the group");
    }
    let random = |count: usize| (0..count).map(|_| Field::random(OsRng)).collect::<Vec<_>>();

    let domain = EvaluationDomain::<Field>::new(1, params.k());
    let values = domain.lagrange_from_vec(random(powers.len()));
    let lagrange = params.commit_lagrange(&values, Blind::default());
    let monomial = params.commit(&domain.lagrange_to_coeff(values), Blind::default());
    if lagrange != monomial {
        return Err("its Lagrange points do not belong to its powers");
    }

    let factors = random(powers.len() - 1);
    let low = best_multiexp(&factors, &powers[..factors.len()]).to_affine();
    let high = best_multiexp(&factors, &powers[1..]).to_affine();
    if Bn256::pairing(&high, &params.g2()) != Bn256::pairing(&low, &s_g2) {
        return Err("its points are not the powers of one secret");
    }
    Ok(())
}
