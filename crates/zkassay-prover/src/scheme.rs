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

/// log2 of the rows up to which bases are precomputed: about 10 MB, and as much
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

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;
    use zkassay_circuit::{CompiledModel, ModelCircuit, Plan, Witness};
    use zkassay_gadgets::halo2_proofs::halo2curves::ff::Field as _;
    use zkassay_gadgets::halo2_proofs::plonk::{
        ProvingKey, create_proof, keygen_pk, keygen_vk, verify_proof,
    };
    use zkassay_gadgets::halo2_proofs::poly::kzg::multiopen::VerifierSHPLONK;
    use zkassay_gadgets::halo2_proofs::poly::kzg::strategy::SingleStrategy;
    use zkassay_gadgets::halo2_proofs::transcript::{
        Blake2bRead, Blake2bWrite, Challenge255, TranscriptReadBuffer as _,
        TranscriptWriterBuffer as _,
    };
    use zkassay_graph::Op;
    use zkassay_quant::{CalibrationParams, calibrate};
    use zkassay_seed::Stream;
    use zkassay_testing::{mlp, rows};

    use super::*;

    fn rng(name: &str) -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(Stream::new(1, name).bits())
    }

    #[test]
    fn commitments_are_those_of_halo2() {
        let blind = Blind::default();
        for logrows in [3, 6, 9] {
            let kzg = ParamsKZG::<Bn256>::setup(logrows, rng("srs"));
            let params = ProverParams::precompute(kzg.clone());
            let domain = EvaluationDomain::new(1, logrows);
            let mut rng = rng("columns");
            let mut random = || Fr::random(&mut rng);
            let columns: [Vec<Fr>; 4] = [
                (0..kzg.n()).map(|_| random()).collect(),
                (0..kzg.n()).map(|row| Fr::from(row % 256)).collect(),
                (0..kzg.n()).map(|row| -Fr::from(row % 3)).collect(),
                vec![Fr::ZERO; 1 << logrows],
            ];
            for column in columns {
                let values = domain.lagrange_from_vec(column);
                let expected = kzg.commit_lagrange(&values, blind);
                assert_eq!(params.commit_lagrange(&values, blind), expected);
                let coefficients = domain.lagrange_to_coeff(values);
                assert_eq!(params.commit(&coefficients, blind), expected);
            }
            let short = Polynomial::new(vec![random(); 5]);
            assert_eq!(params.commit(&short, blind), kzg.commit(&short, blind));
        }
    }

    fn compiled(widths: &[usize], last: Option<Op>) -> CompiledModel {
        let plan = Plan::new(widths).unwrap();
        let params = CalibrationParams::new(plan.limb_bits).unwrap();
        let rows = rows(20, widths[0], 2);
        let calibration = calibrate(&mlp(widths, last, 3), rows.view(), &params).unwrap();
        CompiledModel::new(calibration.model).unwrap()
    }

    /// A proof whose blinding factors come from a fixed seed.
    fn prove<'params, Scheme, P>(
        params: &'params Scheme::ParamsProver,
        key: &ProvingKey<G1Affine>,
        circuit: ModelCircuit,
        witness: &Witness,
    ) -> Vec<u8>
    where
        Scheme: CommitmentScheme<Scalar = Fr, Curve = G1Affine, ParamsProver: Sync>,
        P: Prover<'params, Scheme>,
    {
        let mut transcript = Blake2bWrite::<_, G1Affine, Challenge255<_>>::init(Vec::new());
        create_proof::<Scheme, P, _, _, _, _>(
            params,
            key,
            &[circuit],
            &[&[&witness.instance]],
            rng("blinding"),
            &mut transcript,
        )
        .unwrap();
        transcript.finalize()
    }

    /// halo2 draws one polynomial from the thread's own generator, so that proofs of one
    /// seed agree up to there: in the commitments of all advice columns. What comes after
    /// is commitments to polynomials that the verifier checks openings of.
    #[test]
    fn keys_and_proofs_are_those_of_halo2() {
        let shapes: [(&[usize], Option<Op>); 3] = [
            (&[5, 1], Some(Op::Sigmoid)),
            (&[6, 5, 3, 2], None),
            (&[20, 60, 3], None),
        ];
        for (widths, last) in shapes {
            let compiled = Arc::new(compiled(widths, last));
            let row = rows(1, widths[0], 2).row(0).to_vec();
            let witness = Arc::new(compiled.witness(&row).unwrap());
            let kzg = ParamsKZG::<Bn256>::setup(compiled.shape().logrows, rng("srs"));
            let params = ProverParams::precompute(kzg.clone());

            let circuit = ModelCircuit::keys(Arc::clone(&compiled));
            let key = keygen_vk(&kzg, &circuit).unwrap();
            let bytes = |key: &ProvingKey<G1Affine>| key.to_bytes(SerdeFormat::RawBytes);
            let key = keygen_pk(&kzg, key, &circuit).unwrap();
            let ours = keygen_vk(&params, &circuit).unwrap();
            let ours = keygen_pk(&params, ours, &circuit).unwrap();
            assert!(bytes(&ours) == bytes(&key), "keys differ");

            let circuit = || ModelCircuit::proof(Arc::clone(&compiled), Arc::clone(&witness));
            let stock = prove::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>>(
                &kzg,
                &key,
                circuit(),
                &witness,
            );
            let proof = prove::<FixedBaseKzg, Opening<'_>>(&params, &key, circuit(), &witness);
            let advice = 32 * key.get_vk().cs().num_advice_columns();
            assert_eq!(proof[..advice], stock[..advice]);
            assert_eq!(proof.len(), stock.len());

            let mut bytes = proof.as_slice();
            let mut transcript = Blake2bRead::<_, G1Affine, Challenge255<_>>::init(&mut bytes);
            verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
                &kzg,
                key.get_vk(),
                SingleStrategy::new(&kzg),
                &[&[&witness.instance]],
                &mut transcript,
            )
            .unwrap();
        }
    }
}
