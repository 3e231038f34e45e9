//! What proofs and keys disclose, forged hashes and weights under real challenges, and other
//! encodings of what a proof shows.

use zkassay_circuit::{CompiledModel, Witness};
use zkassay_fixed::{DataVisibility, ParamsVisibility, Scale, Visibility};
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::G1Affine;
use zkassay_gadgets::halo2_proofs::halo2curves::ff::{Field as _, PrimeField as _};
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_gadgets::halo2_proofs::transcript::{
    Blake2bRead, Challenge255, Transcript as _, TranscriptRead as _, TranscriptReadBuffer as _,
};
use zkassay_gadgets::{Columns, Field, field};
use zkassay_prover::ProvingKey;
use zkassay_testing::rows;
use zkassay_verifier::artefact::{Kind, open, seal};
use zkassay_verifier::{Proof, PublicData, VerifyError, VerifyingKey};

use crate::common::{chain, compiled, compiled_with, srs};
use DataVisibility::{Hashed, Private, Public};

fn keys(
    widths: &[usize],
    input: DataVisibility,
    output: DataVisibility,
    params: ParamsVisibility,
) -> ProvingKey {
    let visibility = Visibility {
        input,
        output,
        params,
    };
    ProvingKey::setup(srs(), compiled_with(widths, visibility, 7), [3; 32]).unwrap()
}

fn witness(key: &ProvingKey, seed: u64) -> Witness {
    let row = rows(1, chain(key).model().inputs(), seed);
    chain(key).witness(&row.row(0).to_vec()).unwrap()
}

/// What a proof opens, as the verifier reads it.
struct Opened {
    /// The point.
    x: Field,
    /// Of advice columns, in the order of their queries.
    advice: Vec<Field>,
    /// Of fixed columns: `(column, value)`.
    fixed: Vec<(usize, Field)>,
}

impl Opened {
    fn read(key: &VerifyingKey, proof: &Proof) -> Self {
        let system = key.halo2().cs();
        let mut bytes = proof.transcript.as_slice();
        let mut transcript = Blake2bRead::<_, G1Affine, Challenge255<_>>::init(&mut bytes);
        transcript.common_scalar(key.domain_separator()).unwrap();
        key.halo2().hash_into(&mut transcript).unwrap();
        for value in key.instance(&proof.input, &proof.output).unwrap().concat() {
            transcript.common_scalar(value).unwrap();
        }
        for phase in [0, 1] {
            for _ in system
                .advice_column_phase()
                .iter()
                .filter(|of| **of == phase)
            {
                transcript.read_point().unwrap();
            }
            for _ in system.challenge_phase().iter().filter(|of| **of == phase) {
                transcript.squeeze_challenge_scalar::<()>();
            }
        }
        // Challenges of arguments that there are none of; the random polynomial; y; the quotient.
        for _ in 0..3 {
            transcript.squeeze_challenge_scalar::<()>();
        }
        transcript.read_point().unwrap();
        transcript.squeeze_challenge_scalar::<()>();
        for _ in 1..system.degree() {
            transcript.read_point().unwrap();
        }
        let x = *transcript.squeeze_challenge_scalar::<()>();
        let mut scalar = || transcript.read_scalar().unwrap();
        let advice = system.advice_queries().iter().map(|_| scalar()).collect();
        let fixed = system.fixed_queries().iter();
        let fixed = fixed
            .map(|(column, _)| (column.index(), scalar()))
            .collect();
        Self { x, advice, fixed }
    }

    fn fixed(&self, column: usize) -> Field {
        self.fixed
            .iter()
            .find(|(index, _)| *index == column)
            .unwrap()
            .1
    }
}

/// The Lagrange polynomial of `row` at `x`, for a table of `2^logrows` rows.
fn lagrange(logrows: u32, row: usize, x: Field) -> Field {
    let root = (logrows..Field::S).fold(Field::ROOT_OF_UNITY, |root, _| root.square());
    let (rows, point) = (1u64 << logrows, root.pow_vartime([row as u64]));
    let denominator = Field::from(rows) * (x - point);
    point * (x.pow_vartime([rows]) - Field::ONE) * denominator.invert().unwrap()
}

/// The integer of at most `bits` bits that an element stands for.
fn small(element: Field, bits: u32) -> Option<i64> {
    let magnitude = |element: Field| {
        let repr = element.to_repr();
        let (low, high) = repr.as_ref().split_at(8);
        let low = u64::from_le_bytes(low.try_into().unwrap());
        (high.iter().all(|byte| *byte == 0) && low < 1 << bits).then_some(low as i64)
    };
    magnitude(element).or_else(|| magnitude(-element).map(|magnitude| -magnitude))
}

#[test]
fn one_proof_discloses_the_fixed_weights_of_a_small_model() {
    // Fixed weights are bound, not secret: an opening is one linear equation over the field in
    // integers of a few bits, and has room for a dozen of them.
    let key = ProvingKey::setup(srs(), compiled(&[2, 1], true, 5), [1; 32]).unwrap();
    let proof = key.prove(srs(), witness(&key, 3)).unwrap();
    let public = VerifyingKey::from_bytes(&key.verifying_key().to_bytes()).unwrap();
    let opened = Opened::read(&public, &proof);
    let shape = public.statement().shape.chain().unwrap();
    let columns = Columns::configure(&mut ConstraintSystem::default(), shape);
    let basis = |row: usize| lagrange(shape.logrows, row, opened.x);

    // The bias stands in the first row of either side.
    let both = basis(shape.output_row(0, 0)) + basis(shape.output_row(1, 0));
    let bias = opened.fixed(columns.bias.index()) * both.invert().unwrap();
    let model = chain(&key).model();
    assert_eq!(small(bias, 60), Some(model.layers[0].bias[0]));

    // value = w_0 L_0 + w_1 L_1: try every w_0, and see whether w_1 is small.
    let inverse = basis(shape.input_row(1)).invert().unwrap();
    let step = basis(shape.input_row(0)) * inverse;
    let limit = 1i64 << 18;
    let mut rest = opened.fixed(columns.weights[0].index()) * inverse + step * field(limit.into());
    let mut found = Vec::new();
    for weight in -limit..=limit {
        found.extend(small(rest, 18).map(|other| vec![weight, other]));
        rest -= step;
    }
    assert_eq!(found, [model.layers[0].weights.row(0).to_vec()]);
}

#[test]
fn nothing_of_a_witness_is_in_two_of_its_proofs() {
    // Hashes and secret weights: no commitment and no evaluation of advice in common.
    let key = keys(&[3, 2], Hashed, Hashed, ParamsVisibility::Private);
    let witness = witness(&key, 3);
    let proofs = [(); 2].map(|()| key.prove(srs(), &witness).unwrap());
    let system = key.verifying_key().halo2().cs();
    // Advice, the random polynomial, the quotient.
    let commitments = system.num_advice_columns() + system.degree();
    let [a, b] = &proofs;
    let pairs = a.transcript.chunks(32).zip(b.transcript.chunks(32));
    for (index, (a, b)) in pairs.enumerate().take(commitments) {
        assert_ne!(a, b, "commitment {index}");
    }
    let [a, b] = [a, b].map(|proof| Opened::read(key.verifying_key(), proof));
    assert_eq!(a.advice.len(), system.advice_queries().len());
    for (index, (a, b)) in a.advice.iter().zip(&b.advice).enumerate() {
        assert_ne!(a, b, "evaluation {index}");
    }
    // More blinding rows than a column has openings, its commitment, and its share in SHPLONK's.
    let openings = |column| {
        system
            .advice_queries()
            .iter()
            .filter(move |(c, _)| *c == column)
    };
    let columns = system.advice_queries().iter().map(|(column, _)| *column);
    let most = columns
        .map(|column| openings(column).count())
        .max()
        .unwrap();
    assert!(system.blinding_factors() + 1 >= most + 3, "{most} openings");
}

#[test]
fn the_hash_of_another_input_is_rejected_with_real_challenges() {
    let key = keys(&[3, 2], Hashed, Hashed, ParamsVisibility::Fixed);
    let (first, second) = (witness(&key, 1), witness(&key, 2));
    let forged = Witness {
        rounds: second.rounds.clone(),
        instance: vec![second.instance[0].clone(), first.instance[1].clone()],
        input_hash: second.input_hash,
        output_hash: second.output_hash,
        ..first.clone()
    };
    let verify = |witness: &Witness| {
        let proof = key.prove(srs(), witness).unwrap();
        key.verifying_key().verify(&proof)
    };
    assert!(verify(&first).is_ok());
    let verdict = verify(&forged);
    assert!(
        matches!(verdict, Err(VerifyError::Rejected { .. })),
        "{verdict:?}"
    );
    // A word of the last state that is not the hash.
    let row = chain(&key).shape().input_sponge().unwrap().digest_row();
    for word in [0, 2] {
        let mut forged = first.clone();
        let digest = forged.rounds[word][row];
        forged.instance[0][row] = digest;
        forged.input_hash = Some(digest);
        assert!(verify(&forged).is_err(), "word {word}");
    }
}

#[test]
fn unbound_keys_take_other_weights_in_range_and_none_out_of_it() {
    let key = keys(&[3, 4, 1], Private, Public, ParamsVisibility::Private);
    let mut model = chain(&key).model().clone();
    let weight = &mut model.layers[0].weights[[2, 1]];
    *weight -= weight.signum();
    let other = CompiledModel::with_options(model, chain(&key).options()).unwrap();
    assert_eq!(other.shape(), chain(&key).shape());
    let row = rows(1, 3, 3).row(0).to_vec();
    let honest = other.witness(&row).unwrap();
    let verify = |witness: &Witness| {
        let proof = key.prove(srs(), witness).unwrap();
        key.verifying_key().verify(&proof)
    };
    assert_eq!(verify(&honest).unwrap().params, ParamsVisibility::Private);
    // A weight of a row that holds no value: it counts for nothing, and yet has to be in range.
    let half = 1i128 << (chain(&key).shape().limb_bits - 1);
    for (weight, in_range) in [(-half, true), (half, false), (-half - 1, false)] {
        let mut forged = honest.clone();
        assert_eq!(forged.weights[0][0], Field::ZERO);
        forged.weights[0][0] = field(weight);
        forged.multiplicity[half as usize] -= Field::ONE;
        if let Some(cell) = usize::try_from(weight + half).ok().filter(|_| in_range) {
            forged.multiplicity[cell] += Field::ONE;
        }
        assert_eq!(verify(&forged).is_ok(), in_range, "{weight}");
    }
}

#[test]
fn a_public_value_has_one_encoding() {
    let key = keys(&[3, 2], Public, Hashed, ParamsVisibility::Fixed);
    let proof = key.prove(srs(), witness(&key, 3)).unwrap();
    let bytes = proof.to_bytes();
    let payload = open(Kind::Proof, &bytes).unwrap();
    // After the key's hash, visibility and count: the first input. After three: the hash.
    let first = 32 + 1 + 4;
    let hash = first + 3 * 40 + 1;
    for at in [first, hash] {
        let mut other = payload.to_vec();
        let element = &mut other[at..at + 32];
        // The same element plus the modulus: -1 plus 1, without the reduction.
        let mut carry = 1u16;
        for (byte, less_one) in element.iter_mut().zip((-Field::ONE).to_repr().as_ref()) {
            carry += u16::from(*byte) + u16::from(*less_one);
            *byte = carry as u8;
            carry >>= 8;
        }
        assert_eq!(carry, 0);
        let read = Proof::from_bytes(&seal(Kind::Proof, &other));
        assert!(read.is_err(), "byte {at}");
    }
}

#[test]
fn a_real_number_has_one_encoding() {
    // Zero has two, NaN many.
    let key = keys(&[3, 2], Public, Private, ParamsVisibility::Fixed);
    let witness = chain(&key).witness(&[0.0, 0.5, 0.25]).unwrap();
    let proof = key.prove(srs(), &witness).unwrap();
    assert!(key.verifying_key().verify(&proof).is_ok());
    for real in [-0.0, f64::NAN, f64::MIN_POSITIVE] {
        let mut changed = proof.clone();
        if let PublicData::Values(values) = &mut changed.input {
            assert_eq!(values[0].integer, 0);
            values[0].real = real;
        }
        let verdict = key.verifying_key().verify(&changed);
        assert!(
            matches!(verdict, Err(VerifyError::Real { .. })),
            "{real}: {verdict:?}"
        );
    }
    // Integers of the field's size, which a proof in memory can hold.
    for integer in [i64::MIN, i64::MAX] {
        let scale = chain(&key).model().input_scale();
        let changed = Proof {
            input: PublicData::values(&[integer, 0, 0], scale),
            ..proof.clone()
        };
        assert!(key.verifying_key().verify(&changed).is_err(), "{integer}");
    }
    let wrong_scale = PublicData::values(&[0, 1, 1], Scale(1));
    assert!(
        key.verifying_key()
            .verify(&Proof {
                input: wrong_scale,
                ..proof
            })
            .is_err()
    );
}
