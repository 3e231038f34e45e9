//! KZG commitments with precomputed bases.
//!
//! [`FixedBaseKzg`] is halo2's `KZGCommitmentScheme` over BN254, computed another
//! way: the same points for the same polynomials, hence the same proofs, for the
//! same verifier. Columns are committed by [`FixedBases`] in the Lagrange basis.
//! So are polynomials given by coefficients, after a Fourier transform: that costs
//! a fiftieth of the multiplication, and saves the table of a second basis.
//!
//! Openings are halo2's own, with its own multiplications: queries show their
//! polynomials to nobody else.

use std::io;
use std::sync::Arc;

use rand_core::RngCore;
use zkassay_gadgets::halo2_proofs::SerdeFormat;
use zkassay_gadgets::halo2_proofs::arithmetic::best_fft;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{Bn256, Fr, G1, G1Affine};
use zkassay_gadgets::halo2_proofs::halo2curves::serde::SerdeObject as _;
use zkassay_gadgets::halo2_proofs::poly::commitment::{
    Blind, CommitmentScheme, Params, ParamsProver, Prover,
};
use zkassay_gadgets::halo2_proofs::poly::kzg::commitment::{KZGCommitmentScheme, ParamsKZG};
use zkassay_gadgets::halo2_proofs::poly::kzg::msm::MSMKZG;
use zkassay_gadgets::halo2_proofs::poly::kzg::multiopen::ProverSHPLONK;
use zkassay_gadgets::halo2_proofs::poly::{
    Coeff, EvaluationDomain, LagrangeCoeff, Polynomial, ProverQuery,
};
use zkassay_gadgets::halo2_proofs::transcript::{EncodedChallenge, TranscriptWrite};

use crate::msm::FixedBases;

/// log2 of the rows up to which bases are precomputed: about 12 MB, and as much
/// time as the first proof then saves.
const LARGEST_TABLE: u32 = 13;

/// KZG over BN254 with [`ProverParams`].
#[derive(Debug)]
pub(crate) struct FixedBaseKzg;

impl CommitmentScheme for FixedBaseKzg {
    type Scalar = Fr;
    type Curve = G1Affine;
    type ParamsProver = ProverParams;
    type ParamsVerifier = ParamsKZG<Bn256>;

    fn new_params(k: u32) -> ProverParams {
        ParamsProver::new(k)
    }

    fn read_params<R: io::Read>(reader: &mut R) -> io::Result<ProverParams> {
        Params::read(reader)
    }
}

/// halo2's parameters for a table of one size, with what speeds them up.
#[derive(Clone, Debug)]
pub(crate) struct ProverParams {
    kzg: ParamsKZG<Bn256>,
    /// None for large tables.
    precomputed: Option<Arc<Precomputed>>,
}

#[derive(Debug)]
struct Precomputed {
    lagrange: FixedBases,
    domain: EvaluationDomain<Fr>,
}

impl ProverParams {
    pub(crate) fn precompute(kzg: ParamsKZG<Bn256>) -> Self {
        let precomputed = (kzg.k() <= LARGEST_TABLE).then(|| {
            Arc::new(Precomputed {
                lagrange: FixedBases::new(&lagrange_basis(&kzg)),
                domain: EvaluationDomain::new(1, kzg.k()),
            })
        });
        Self { kzg, precomputed }
    }

    /// The bases for whole columns, which are all that halo2 commits to.
    fn precomputed_for(&self, rows: usize) -> Option<&Precomputed> {
        let precomputed = self.precomputed.as_deref();
        precomputed.filter(|_| rows as u64 == self.kzg.n())
    }
}

/// The Lagrange basis, which halo2 shows only by writing it: `k`, the powers of the
/// secret, the Lagrange basis, two points of G2.
fn lagrange_basis(kzg: &ParamsKZG<Bn256>) -> Vec<G1Affine> {
    /// Bytes of a point as it lies in memory.
    const POINT: usize = 64;
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = kzg.write_custom(&mut bytes, SerdeFormat::RawBytesUnchecked);
    let rows = kzg.get_g().len();
    let (powers, mut rest) = (size_of::<u32>() + rows * POINT, bytes.as_slice());
    rest = rest.get(powers..).unwrap_or_default();
    rest.chunks_exact(POINT)
        .take(rows)
        .map(G1Affine::from_raw_bytes_unchecked)
        .collect()
}

impl<'params> Params<'params, G1Affine> for ProverParams {
    type MSM = MSMKZG<Bn256>;

    fn k(&self) -> u32 {
        self.kzg.k()
    }

    fn n(&self) -> u64 {
        self.kzg.n()
    }

    fn downsize(&mut self, k: u32) {
        self.kzg.downsize(k);
        *self = Self::precompute(self.kzg.clone());
    }

    fn empty_msm(&'params self) -> Self::MSM {
        self.kzg.empty_msm()
    }

    fn commit_lagrange(&self, poly: &Polynomial<Fr, LagrangeCoeff>, blind: Blind<Fr>) -> G1 {
        match self.precomputed_for(poly.len()) {
            Some(precomputed) => precomputed.lagrange.msm(poly.values()),
            None => self.kzg.commit_lagrange(poly, blind),
        }
    }

    fn write<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        self.kzg.write(writer)
    }

    fn read<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        Ok(Self::precompute(ParamsKZG::read(reader)?))
    }
}

impl<'params> ParamsProver<'params, G1Affine> for ProverParams {
    type ParamsVerifier = ParamsKZG<Bn256>;

    fn new(k: u32) -> Self {
        Self::precompute(ParamsKZG::new(k))
    }

    fn commit(&self, poly: &Polynomial<Fr, Coeff>, blind: Blind<Fr>) -> G1 {
        let Some(Precomputed { lagrange, domain }) = self.precomputed_for(poly.len()) else {
            return self.kzg.commit(poly, blind);
        };
        let mut values = poly.values().to_vec();
        let twiddles = domain.get_fft_data(values.len());
        best_fft(&mut values, domain.get_omega(), domain.k(), twiddles, false);
        lagrange.msm(&values)
    }

    fn get_g(&self) -> &[G1Affine] {
        self.kzg.get_g()
    }

    fn verifier_params(&'params self) -> &'params ParamsKZG<Bn256> {
        &self.kzg
    }
}

/// halo2's SHPLONK prover, for [`FixedBaseKzg`].
#[derive(Debug)]
pub(crate) struct Opening<'params>(ProverSHPLONK<'params, Bn256>);

impl<'params> Prover<'params, FixedBaseKzg> for Opening<'params> {
    const QUERY_INSTANCE: bool = <ProverSHPLONK<'params, Bn256> as Prover<
        'params,
        KZGCommitmentScheme<Bn256>,
    >>::QUERY_INSTANCE;

    fn new(params: &'params ProverParams) -> Self {
        Self(ProverSHPLONK::new(&params.kzg))
    }

    fn create_proof<'com, E, T, R, I>(
        &self,
        rng: R,
        transcript: &mut T,
        queries: I,
    ) -> io::Result<()>
    where
        E: EncodedChallenge<G1Affine>,
        T: TranscriptWrite<G1Affine, E>,
        R: RngCore,
        I: IntoIterator<Item = ProverQuery<'com, G1Affine>> + Clone,
    {
        Prover::<KZGCommitmentScheme<Bn256>>::create_proof(&self.0, rng, transcript, queries)
    }
}
