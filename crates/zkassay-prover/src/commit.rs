//! KZG commitments.
//!
//! Columns are committed by [`FixedBases`] in the Lagrange basis. So are polynomials given by
//! coefficients, after a Fourier transform: that costs a fiftieth of the multiplication, and
//! saves the table of a second basis.

use zkassay_gadgets::halo2_proofs::SerdeFormat;
use zkassay_gadgets::halo2_proofs::arithmetic::best_multiexp;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{Bn256, Fr, G1, G1Affine};
use zkassay_gadgets::halo2_proofs::halo2curves::serde::SerdeObject as _;
use zkassay_gadgets::halo2_proofs::poly::commitment::{Params as _, ParamsProver as _};
use zkassay_gadgets::halo2_proofs::poly::kzg::commitment::ParamsKZG;

use crate::msm::FixedBases;
use crate::prove::domain::Domain;

/// log2 of the rows up to which multiples of the bases are precomputed: some 50 MB, and as
/// much time as the first proof then saves.
const LARGEST_TABLE: u32 = 15;

/// The Lagrange basis of the parameters, for a table of one size.
#[derive(Debug)]
pub(crate) enum Committer {
    /// With multiples of every point.
    Precomputed(FixedBases),
    /// Large tables: the points alone.
    Plain(Vec<G1Affine>),
}

impl Committer {
    /// For tables of as many rows as the parameters have points.
    pub(crate) fn new(params: &ParamsKZG<Bn256>) -> Self {
        let basis = lagrange_basis(params);
        match params.k() <= LARGEST_TABLE {
            true => Self::Precomputed(FixedBases::new(&basis)),
            false => Self::Plain(basis),
        }
    }

    /// The commitment to a column given by its values.
    pub(crate) fn commit_values(&self, values: &[Fr]) -> G1 {
        match self {
            Self::Precomputed(bases) => bases.msm(values),
            Self::Plain(basis) => best_multiexp(values, &basis[..values.len()]),
        }
    }

    /// The commitment to a polynomial given by its coefficients.
    pub(crate) fn commit_coefficients(&self, domain: &Domain, coefficients: &[Fr]) -> G1 {
        let mut values = coefficients.to_vec();
        values.resize(domain.rows(), Fr::zero());
        domain.evaluate(&mut values);
        self.commit_values(&values)
    }
}

/// The Lagrange basis, which halo2 shows only by writing it: `k`, the powers of the
/// secret, the Lagrange basis, two points of G2.
fn lagrange_basis(params: &ParamsKZG<Bn256>) -> Vec<G1Affine> {
    /// Bytes of a point as it lies in memory.
    const POINT: usize = 64;
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = params.write_custom(&mut bytes, SerdeFormat::RawBytesUnchecked);
    let rows = params.get_g().len();
    let (powers, mut rest) = (size_of::<u32>() + rows * POINT, bytes.as_slice());
    rest = rest.get(powers..).unwrap_or_default();
    rest.chunks_exact(POINT)
        .take(rows)
        .map(G1Affine::from_raw_bytes_unchecked)
        .collect()
}
