//! Against halo2's own commitments, keys, prover and verifier.

mod programs;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use zkassay_circuit::{CompileOptions, Compiled, CompiledModel, ModelCircuit, Plan, TableWitness};
use zkassay_fixed::{DataVisibility, Visibility};
use zkassay_gadgets::TableColumns;
use zkassay_gadgets::halo2_proofs::SerdeFormat;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::Bn256;
use zkassay_gadgets::halo2_proofs::plonk::{
    Challenge, ConstraintSystem, create_proof, keygen_pk, keygen_vk, verify_proof,
};
use zkassay_gadgets::halo2_proofs::poly::commitment::{Blind, Params as _, ParamsProver as _};
use zkassay_gadgets::halo2_proofs::poly::kzg::commitment::{KZGCommitmentScheme, ParamsKZG};
use zkassay_gadgets::halo2_proofs::poly::kzg::multiopen::{ProverSHPLONK, VerifierSHPLONK};
use zkassay_gadgets::halo2_proofs::poly::kzg::strategy::SingleStrategy;
use zkassay_gadgets::halo2_proofs::poly::{EvaluationDomain, Polynomial};
use zkassay_gadgets::halo2_proofs::transcript::{
    Blake2bRead, TranscriptReadBuffer as _, TranscriptWriterBuffer as _,
};
use zkassay_graph::Op;
use zkassay_quant::{CalibrationParams, calibrate};
use zkassay_seed::Stream;
use zkassay_testing::{mlp, rows};

use super::domain::Domain;
use super::*;

fn rng(name: &str) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(Stream::new(1, name).bits())
}

#[test]
fn commitments_are_those_of_halo2() {
    let blind = Blind::default();
    for logrows in [3, 6, 9] {
        let kzg = ParamsKZG::<Bn256>::setup(logrows, rng("srs"));
        let committer = Committer::new(&kzg);
        let halo2 = EvaluationDomain::new(1, logrows);
        let domain = Domain::new(logrows, 3);
        let mut rng = rng("columns");
        let mut random = || Fr::random(&mut rng);
        let columns: [Vec<Fr>; 4] = [
            (0..kzg.n()).map(|_| random()).collect(),
            (0..kzg.n()).map(|row| Fr::from(row % 256)).collect(),
            (0..kzg.n()).map(|row| -Fr::from(row % 3)).collect(),
            vec![Fr::ZERO; 1 << logrows],
        ];
        for column in columns {
            let values = halo2.lagrange_from_vec(column.clone());
            let expected = kzg.commit_lagrange(&values, blind);
            assert_eq!(committer.commit_values(&column), expected);
            let coefficients = halo2.lagrange_to_coeff(values);
            let found = committer.commit_coefficients(&domain, coefficients.values());
            assert_eq!(found, expected);
        }
        let short = Polynomial::new(vec![random(); 5]);
        let found = committer.commit_coefficients(&domain, short.values());
        assert_eq!(found, kzg.commit(&short, blind));
    }
}

/// Chains with and without hidden layers, with several outputs and blocks, and with hashes; and
/// programs.
fn models() -> Vec<Compiled> {
    let hashed = Visibility {
        input: DataVisibility::Hashed,
        output: DataVisibility::Hashed,
        ..Visibility::default()
    };
    let shapes: [(&[usize], Option<Op>, Visibility); 4] = [
        (&[5, 1], Some(Op::SIGMOID), Visibility::default()),
        (&[6, 5, 3, 2], None, Visibility::default()),
        (&[20, 60, 3], None, Visibility::default()),
        (&[6, 20, 2], None, hashed),
    ];
    let compile = |(widths, last, visibility): (&[usize], Option<Op>, _)| {
        let options = CompileOptions {
            visibility,
            ..CompileOptions::default()
        };
        let plan = Plan::with_options(widths, &options).unwrap();
        let params = CalibrationParams::new(plan.limb_bits).unwrap();
        let rows = rows(20, widths[0], 2);
        let calibration = calibrate(&mlp(widths, last, 3), rows.view(), &params).unwrap();
        let compiled = CompiledModel::with_options(calibration.model, &options);
        Compiled::from(compiled.unwrap())
    };
    let chains = shapes.map(compile).into_iter();
    chains.chain(programs::compiled()).collect()
}

/// A model's keys and a witness.
struct Case {
    compiled: Compiled,
    kzg: ParamsKZG<Bn256>,
    witness: TableWitness,
    key: VerifyingKey<G1Affine>,
    columns: TableColumns,
    fixed: FixedColumns,
}

impl Case {
    fn new(compiled: Compiled) -> Self {
        let inputs = rows(compiled.batch(), compiled.row_length(), 2);
        let inputs: Vec<Vec<f32>> = inputs.outer_iter().map(|row| row.to_vec()).collect();
        let witness = compiled.witness_batch(&inputs).unwrap();
        let kzg = ParamsKZG::<Bn256>::setup(compiled.logrows(), rng("srs"));
        let circuit = ModelCircuit::keys(compiled.clone());
        let key = keygen_vk(&kzg, &circuit).unwrap();
        let (columns, values) = fixed_values(&compiled);
        let fixed = FixedColumns::new(key.cs(), compiled.logrows(), values);
        Self {
            compiled,
            kzg,
            witness,
            key,
            columns,
            fixed,
        }
    }

    fn prove(&self) -> Vec<u8> {
        self.prove_from(rng("blinding"))
    }

    fn prove_from(&self, rng: ChaCha20Rng) -> Vec<u8> {
        let second = |challenges: &[Field]| {
            let value = |challenge: Challenge| challenges[challenge.index()];
            let phase = self
                .witness
                .second_phase(&self.compiled, &self.columns, value);
            phase
                .into_iter()
                .map(|(column, cells)| (column.index(), cells))
                .collect()
        };
        let first = self.witness.first_phase(&self.columns).into_iter();
        let statement = Statement {
            instance: self.witness.instance(),
            first: first
                .map(|(column, cells)| (column.index(), cells.to_vec()))
                .collect(),
            second: &second,
        };
        let mut transcript = Writer::init(Vec::new());
        let committer = Committer::new(&self.kzg);
        prove(
            &committer,
            &self.key,
            &self.fixed,
            statement,
            rng,
            &mut transcript,
        )
        .unwrap();
        transcript.finalize()
    }

    /// A proof by halo2's own prover.
    fn prove_with_halo2(&self) -> Vec<u8> {
        let circuit = ModelCircuit::keys(self.compiled.clone());
        let key = keygen_pk(&self.kzg, self.key.clone(), &circuit).unwrap();
        let circuit = ModelCircuit::proof(self.compiled.clone(), &self.witness);
        let mut transcript = Writer::init(Vec::new());
        create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, _>(
            &self.kzg,
            &key,
            &[circuit],
            &[&self.instance()],
            rng("blinding"),
            &mut transcript,
        )
        .unwrap();
        transcript.finalize()
    }

    fn verify(&self, proof: &[u8]) -> bool {
        let mut bytes = proof;
        let mut transcript = Blake2bRead::<_, G1Affine, Challenge255<_>>::init(&mut bytes);
        verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
            &self.kzg,
            &self.key,
            SingleStrategy::new(&self.kzg),
            &[&self.instance()],
            &mut transcript,
        )
        .is_ok()
    }

    fn instance(&self) -> Vec<&[Fr]> {
        self.witness.instance().iter().map(Vec::as_slice).collect()
    }
}

fn fixed_values(compiled: &Compiled) -> (TableColumns, Vec<Vec<Fr>>) {
    let mut system = ConstraintSystem::default();
    let columns = compiled.shape().configure(&mut system);
    let values = compiled.fixed_columns(&columns, system.num_fixed_columns());
    (columns, values)
}

#[test]
fn halo2s_verifier_accepts_proofs_of_both_provers() {
    for compiled in models() {
        let case = Case::new(compiled);
        let (ours, theirs) = (case.prove(), case.prove_with_halo2());
        assert_eq!(ours.len(), theirs.len());
        assert!(case.verify(&theirs));
        assert!(case.verify(&ours));
        let mut changed = ours.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        assert!(!case.verify(&changed));
    }
}

#[test]
fn keys_are_those_of_halo2() {
    for compiled in models() {
        let case = Case::new(compiled.clone());
        let committer = Committer::new(&case.kzg);
        let (_, values) = fixed_values(&compiled);
        let points = commit(&values, |values| committer.commit_values(values));
        assert_eq!(&points, case.key.fixed_commitments());
        let read = VerifyingKey::<G1Affine>::from_bytes::<ModelCircuit>(
            &case.key.to_bytes(SerdeFormat::Processed),
            SerdeFormat::Processed,
            compiled.shape(),
        );
        assert_eq!(read.unwrap().fixed_commitments(), &points);
    }
}

/// A chain with several layers, and a program with every kind of step.
fn with_everything() -> [Compiled; 2] {
    let mut models = models();
    [models.swap_remove(1), programs::every_kind()]
}

#[test]
fn proofs_depend_on_their_randomness_and_not_on_threads() {
    for compiled in with_everything() {
        let case = Case::new(compiled);
        let with_threads = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| case.prove())
        };
        let proof = with_threads(1);
        assert!(case.verify(&proof));
        for threads in [2, 3, 5] {
            assert!(with_threads(threads) == proof, "{threads} threads");
        }
    }
}

#[test]
fn every_advice_column_is_blinded() {
    // Equal witnesses, different randomness: no commitment and no evaluation of advice, nor of
    // the quotient, in common. (Fixed columns are public, and some are zero everywhere.)
    for compiled in with_everything() {
        let case = Case::new(compiled);
        let [first, second] = ["blinding", "other blinding"].map(|name| case.prove_from(rng(name)));
        assert!(case.verify(&first) && case.verify(&second));
        let system = case.key.cs();
        let commitments = system.num_advice_columns() + 1 + case.fixed.pieces();
        let hidden = commitments + system.advice_queries().len();
        let pairs = first.chunks(32).zip(second.chunks(32)).take(hidden);
        for (index, (a, b)) in pairs.enumerate() {
            assert_ne!(a, b, "element {index}");
        }
    }
}
