//! Hostile keys: the greatest shapes that a key may have.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use zkassay_fixed::{Activation, DataVisibility, OutputMap, ParamsVisibility, Scale, Visibility};
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{G1Affine, G2Affine};
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_gadgets::program::{Kinds, ProgramShape};
use zkassay_gadgets::{Field, TableShape};
use zkassay_verifier::{Proof, PublicData, SrsOrigin, Statement, VerifyError, VerifyingKey};

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
        kinds: Kinds {
            round: true,
            relu: true,
            exact_relu: true,
            exact: true,
            nonnegative: true,
            free: true,
            product: true,
            table: true,
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
    let shape = TableShape::Program(shape);
    let mut system = ConstraintSystem::<Field>::default();
    shape.configure(&mut system);
    let statement = Statement {
        model: [1; 32],
        circuit: [2; 32],
        srs: SrsOrigin::UnsafeLocal,
        shape,
        input_scale: Scale(0),
        output: OutputMap::new(Activation::Identity, Scale(0), Scale(0), 1 << 20).unwrap(),
    };
    let fixed = vec![G1Affine::generator(); system.num_fixed_columns()];
    VerifyingKey::new(statement, G2Affine::generator(), &fixed).unwrap()
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
