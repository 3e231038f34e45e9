//! Hostile keys and files: the greatest shapes that a key may have, and proofs that are none.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use zkassay_fixed::{
    Activation, DataVisibility, InputScales, OutputMap, ParamsVisibility, Scale, Visibility,
};
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{G1Affine, G2Affine};
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_gadgets::program::{Kinds, ProgramShape};
use zkassay_gadgets::{Field, TableShape};
use zkassay_verifier::accuracy::Counted;
use zkassay_verifier::artefact::{ArtefactError, open, seal};
use zkassay_verifier::{
    AccuracyProof, Batch, Expected, Kind, Proof, PublicData, SrsOrigin, Statement, TestData,
    TestRows, VerifyError, VerifyingKey, What,
};

/// A shape with room for everything.
fn shape(lanes: u32, limbs: u32, slots: u32, degree: u32) -> ProgramShape {
    ProgramShape {
        logrows: 10,
        limb_bits: 3,
        limbs,
        input_limbs: 1,
        shift_limbs: 1,
        table_limbs: 1,
        block_width: 1,
        strides: vec![1],
        starts: vec![1],
        kinds: Kinds {
            round: true,
            relu: true,
            exact_relu: true,
            exact: true,
            nonnegative: true,
            free: true,
            product: true,
            table: true,
            wide: true,
        },
        degree,
        inputs: 2,
        first_input: 0,
        outputs: 1,
        first_output: 4,
        output_stride: 1,
        used_rows: 100,
        lanes,
        totals: false,
        slots,
        visibility: Visibility {
            input: DataVisibility::Private,
            output: DataVisibility::Private,
            params: ParamsVisibility::Fixed,
        },
    }
}

/// A key of a shape, whose fixed columns are committed to by the generator.
fn key(shape: ProgramShape) -> VerifyingKey {
    key_with(shape, Scale(0).into()).unwrap()
}

/// The same with scales of the inputs.
fn key_with(shape: ProgramShape, input_scales: InputScales) -> Result<VerifyingKey, ArtefactError> {
    let shape = TableShape::Program(shape);
    let mut system = ConstraintSystem::<Field>::default();
    shape.configure(&mut system);
    let statement = Statement {
        model: [1; 32],
        circuit: [2; 32],
        srs: SrsOrigin::UnsafeLocal,
        shape,
        input_scales,
        output: OutputMap::new(Activation::Identity, Scale(0), Scale(0), 1 << 20).unwrap(),
    };
    let fixed = vec![G1Affine::generator(); system.num_fixed_columns()];
    VerifyingKey::new(statement, G2Affine::generator(), &fixed)
}

/// A transcript of elements that are points and scalars alike.
fn transcript(elements: usize) -> Vec<u8> {
    let mut one = [0; 32];
    one[0] = 1;
    one.repeat(elements)
}

/// Every gate is evaluated, however deep its expression is.
#[test]
fn the_greatest_shapes_are_read_and_evaluated() {
    let mut hashed = shape(700, 2, 0, 3);
    hashed.visibility.input = DataVisibility::Hashed;
    for shape in [shape(10, 2, 256, 3), shape(1024, 2, 2, 5), hashed] {
        shape.validate().unwrap();
        let input = match shape.visibility.input {
            DataVisibility::Hashed => PublicData::Hashes(vec![Field::one(); shape.lanes as usize]),
            _ => PublicData::Private,
        };
        let key = key(shape);
        let again = VerifyingKey::from_bytes(&key.to_bytes()).unwrap();
        assert_eq!(again.digest(), key.digest());
        let proof = Proof {
            key: key.digest(),
            input,
            output: PublicData::Private,
            transcript: transcript(200_000),
        };
        let error = key.verify(&proof).unwrap_err();
        assert!(matches!(error, VerifyError::Rejected { .. }), "{error}");
        // Not for its length: every element was read, and all gates were evaluated.
        assert!(error.to_string().contains("not satisfied"), "{error}");
    }
}

fn is_too_short(error: &VerifyError) -> bool {
    error.to_string().contains("bytes, fewer than")
}

/// Nothing is allocated for the rows of proofs that are too short to be any.
#[test]
fn empty_proofs_of_many_rows_are_refused_for_their_length() {
    let key = key(shape(1024, 2, 0, 3));
    let proof = Proof {
        key: key.digest(),
        input: PublicData::Private,
        output: PublicData::Private,
        transcript: vec![],
    };
    let batch = Batch {
        rows: 1024 * 100,
        proofs: vec![proof; 100],
    };
    let error = key.batch_rows(&batch).unwrap_err();
    assert!(is_too_short(&error), "{error}");
    let error = key.verify_batch(&batch).unwrap_err();
    assert!(is_too_short(&error), "{error}");
}

#[test]
fn an_empty_proof_of_one_long_row_is_refused_for_its_length() {
    let mut shape = shape(1024, 2, 0, 3);
    shape.logrows = 15;
    shape.inputs = 10_000;
    shape.first_input = 100;
    shape.used_rows = 30_000;
    shape.totals = true;
    shape.visibility.input = DataVisibility::Public;
    shape.visibility.output = DataVisibility::Public;
    let key = key(shape);
    let rows = TestRows::new(9_999, vec![0.0; 9_999], vec![1]).unwrap();
    let proof = AccuracyProof {
        key: key.digest(),
        data: TestData::Rows(rows),
        proofs: vec![Counted {
            totals: vec![1],
            transcript: vec![0; 31],
        }],
    };
    let encode = |_: &[f32]| unreachable!("rows are looked at after the length");
    let error = key
        .verify_accuracy_with(&proof, &Expected::default(), encode)
        .unwrap_err();
    assert!(is_too_short(&error), "{error}");
}

#[test]
fn more_public_values_than_a_verifier_can_hold_are_refused() {
    let mut shape = shape(512, 2, 0, 3);
    shape.logrows = 16;
    shape.inputs = 40_000;
    shape.first_input = 100;
    shape.used_rows = 60_000;
    shape.visibility.input = DataVisibility::Public;
    let error = shape.validate().unwrap_err();
    assert_eq!(error.what, "public inputs of all lanes");
    shape.visibility.input = DataVisibility::Private;
    shape.validate().unwrap();
    shape.visibility.output = DataVisibility::Public;
    shape.outputs = 40_000;
    let error = shape.validate().unwrap_err();
    assert_eq!(error.what, "public outputs of all lanes");
    shape.totals = true;
    shape.validate().unwrap();
}

fn own(scales: &[i32]) -> InputScales {
    InputScales::of_each(&scales.iter().map(|s| Scale(*s)).collect::<Vec<_>>())
}

/// A key names one scale for all inputs or one for each, none of them absurd, and in one way only.
#[test]
fn scales_of_inputs_are_those_of_its_inputs() {
    let shape = shape(2, 2, 0, 3);
    assert_eq!(shape.inputs, 2);
    let mut digests = vec![];
    for scales in [&[0][..], &[50], &[-50], &[-50, 50], &[50, -50], &[3, 4]] {
        let key = key_with(shape.clone(), own(scales)).unwrap();
        let again = VerifyingKey::from_bytes(&key.to_bytes()).unwrap();
        assert_eq!(again.statement(), key.statement());
        assert_eq!(again.statement().input_scales, own(scales));
        digests.push(key.digest());
    }
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 6);
    for scales in [
        &[51][..],
        &[-51],
        &[i32::MAX],
        &[i32::MIN],
        &[0, 51],
        &[i32::MIN, 0],
        &[127, -128],
        &[256, 0],
        &[1, 2, 3],
    ] {
        let error = key_with(shape.clone(), own(scales)).unwrap_err();
        let is_named = error.to_string().contains("input scale");
        assert!(is_named, "{scales:?}: {error}");
    }
}

/// Whatever the count and the bytes behind it say, reading is bounded by what is there.
#[test]
fn counts_of_scales_are_bounded() {
    let one = key_with(shape(2, 2, 0, 3), own(&[7, 9])).unwrap();
    let file = one.to_bytes();
    let payload = open(Kind::VerifyingKey, &file).unwrap();
    let at = 65 + one.statement().shape.to_bytes().len();
    assert_eq!(payload[at..at + 6], [2, 0, 0, 0, 7, 9]);
    let read = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut payload = payload.to_vec();
        change(&mut payload);
        VerifyingKey::from_bytes(&seal(Kind::VerifyingKey, &payload))
    };
    assert!(read(&|_| ()).is_ok());
    for count in [0, 1, 3, 4, 1 << 20, 1 << 31, u32::MAX] {
        let changed = read(&|payload| payload[at..at + 4].copy_from_slice(&count.to_le_bytes()));
        assert!(changed.is_err(), "{count}");
    }
    // The same scale twice is written as one.
    assert!(read(&|payload| payload[at + 5] = 7).is_err());
    // Cut off within the scales.
    assert!(read(&|payload| payload.truncate(at + 5)).is_err());
    for byte in 0..=u8::MAX {
        let changed = read(&|payload| payload[at + 5] = byte);
        let is_possible = (-50..=50).contains(&i8::from_le_bytes([byte])) && byte != 7;
        assert_eq!(changed.is_ok(), is_possible, "{byte}");
    }
}

/// What integers stand for is said by the key, input by input and lane by lane.
#[test]
fn public_inputs_are_decoded_with_the_scales_of_the_key() {
    let mut shape = shape(2, 2, 0, 3);
    shape.visibility.input = DataVisibility::Public;
    let key = key_with(shape.clone(), own(&[4, -3])).unwrap();
    let integers = [1, -1, 3, 5];
    let output = PublicData::Private;
    let shown = |scales: &[i32]| PublicData::values(&integers, own(scales));
    let instance = key.instance(&shown(&[4, -3]), &output).unwrap();
    for scales in [&[4][..], &[-3], &[-3, 4], &[4, -2], &[0]] {
        let error = key.instance(&shown(scales), &output).unwrap_err();
        let is_real = matches!(
            error,
            VerifyError::Real {
                what: What::Input,
                ..
            }
        );
        assert!(is_real, "{scales:?}: {error}");
    }
    // The integers are what is proved: another key reads other numbers from them, and has another digest.
    let other = key_with(shape, own(&[-3, 4])).unwrap();
    assert_eq!(other.instance(&shown(&[-3, 4]), &output).unwrap(), instance);
    assert_ne!(other.digest(), key.digest());
    assert_ne!(other.domain_separator(), key.domain_separator());
}
