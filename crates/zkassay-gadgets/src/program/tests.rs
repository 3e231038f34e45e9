//! What constraint systems of programs have, whatever their shape.

use halo2_proofs::plonk::{Advice, Column, ConstraintSystem};
use zkassay_fixed::{DataVisibility, Visibility};

use super::*;
use crate::{Shape, TableShape};

/// The kinds that the bits of `mask` name.
fn kinds(mask: u32) -> Kinds {
    let has = |bit: u32| mask >> bit & 1 == 1;
    Kinds {
        round: has(0),
        relu: has(1),
        exact_relu: has(2),
        exact: has(3),
        nonnegative: has(4),
        free: has(5),
        product: has(6),
        table: has(7),
    }
}

/// A shape with `limbs` limbs, strides up to the width of a block, and the kinds of `mask`.
fn shape(mask: u32, degree: u32, limbs: u32, block_width: u32, strides: u32) -> ProgramShape {
    ProgramShape {
        logrows: 8,
        limb_bits: 6,
        limbs,
        input_limbs: 2,
        shift_limbs: 1,
        table_limbs: limbs - 1,
        block_width,
        strides: (1..=strides).collect(),
        kinds: kinds(mask),
        degree,
        inputs: 3,
        first_input: 30,
        outputs: 2,
        first_output: 0,
        output_stride: 1,
        used_rows: 40,
        visibility: Visibility::default(),
    }
}

/// All kinds of rows, on and off, with both degrees, few and many limbs, weights and strides.
fn shapes() -> Vec<ProgramShape> {
    let mut shapes = Vec::new();
    for mask in 0..256 {
        for degree in [3, 5] {
            for (limbs, block_width, strides) in [(2, 1, 0), (3, 5, 1), (4, 2, 2), (10, 16, 7)] {
                shapes.push(shape(mask, degree, limbs, block_width, strides));
            }
        }
    }
    for shape in &shapes {
        shape.validate().unwrap();
    }
    shapes
}

#[test]
fn challenges_come_after_what_they_test() {
    for shape in shapes() {
        let mut system = ConstraintSystem::default();
        let columns = ProgramColumns::configure(&mut system, &shape);
        let phases = system.advice_column_phase();
        let phase = |column: &Column<Advice>| phases[column.index()];
        let lookups = &columns.lookups;
        let mut committed = vec![columns.value, columns.operand, lookups.multiplicity];
        committed.extend(&columns.limbs);
        if let Some(function) = &columns.function {
            committed.extend([function.segment, function.multiplicity]);
            committed.extend(function.coefficients);
        }
        let mut sums = vec![columns.factor, columns.dot, columns.horner];
        sums.extend([columns.combination, lookups.sum]);
        sums.extend(&lookups.helpers);
        assert!(
            committed.iter().all(|column| phase(column) == 0),
            "{shape:?}"
        );
        assert!(sums.iter().all(|column| phase(column) == 1), "{shape:?}");
        // None is forgotten.
        assert_eq!(committed.len() + sums.len(), phases.len(), "{shape:?}");
        assert!(system.challenge_phase().iter().all(|phase| *phase == 0));
        let challenges = [columns.r, columns.lambda, lookups.beta, lookups.gamma];
        let mut indices = challenges.map(|challenge| challenge.index());
        indices.sort_unstable();
        assert_eq!(indices, [0, 1, 2, 3]);
    }
}

#[test]
fn shapes_promise_the_degree_and_rows_that_halo2_finds() {
    for shape in shapes() {
        let mut system = ConstraintSystem::<Field>::default();
        ProgramColumns::configure(&mut system, &shape);
        let gates = system.gates().iter().flat_map(|gate| gate.polynomials());
        let degree = gates.map(|gate| gate.degree()).max().unwrap();
        assert!(degree <= shape.degree as usize, "{degree}: {shape:?}");
        assert_eq!(
            shape.rows() - (system.blinding_factors() + 1),
            shape.last_row() + 1
        );
    }
}

#[test]
fn no_cell_is_opened_twice_at_one_point() {
    // The same query twice would confuse the multi-open argument.
    for shape in shapes() {
        let mut system = ConstraintSystem::<Field>::default();
        ProgramColumns::configure(&mut system, &shape);
        let advice = system.advice_queries();
        let fixed = system.fixed_queries();
        assert!((1..advice.len()).all(|i| !advice[..i].contains(&advice[i])));
        assert!((1..fixed.len()).all(|i| !fixed[..i].contains(&fixed[i])));
    }
}

#[test]
fn every_column_is_opened() {
    // What is in no gate could hold anything.
    for shape in shapes() {
        let mut system = ConstraintSystem::<Field>::default();
        ProgramColumns::configure(&mut system, &shape);
        let advice = system
            .advice_queries()
            .iter()
            .map(|(column, _)| column.index());
        let fixed = system
            .fixed_queries()
            .iter()
            .map(|(column, _)| column.index());
        let all = |found: Vec<usize>, count| (0..count).all(|index| found.contains(&index));
        assert!(
            all(advice.collect(), system.num_advice_columns()),
            "{shape:?}"
        );
        assert!(
            all(fixed.collect(), system.num_fixed_columns()),
            "{shape:?}"
        );
    }
}

#[test]
fn shapes_are_read_as_they_were_written() {
    let mut shapes = shapes();
    for input in [DataVisibility::Private, DataVisibility::Public] {
        for output in [DataVisibility::Private, DataVisibility::Public] {
            let mut other = shape(200, 5, 4, 3, 2);
            other.visibility.input = input;
            other.visibility.output = output;
            shapes.push(other);
        }
    }
    let mut written = Vec::new();
    for shape in shapes {
        let bytes = shape.to_bytes();
        assert_eq!(ProgramShape::from_bytes(&bytes), Ok(shape.clone()));
        // And as either kind of shape, which the first word tells apart.
        let first = bytes[..4].try_into().unwrap();
        assert_eq!(TableShape::byte_length(first), bytes.len());
        assert_eq!(
            TableShape::from_bytes(&bytes),
            Ok(TableShape::Program(shape))
        );
        written.push(bytes);
    }
    let count = written.len();
    written.sort_unstable();
    written.dedup();
    assert_eq!(written.len(), count, "two shapes have the same bytes");
    let chain = TableShape::default().to_bytes();
    assert_eq!(
        TableShape::byte_length(chain[..4].try_into().unwrap()),
        Shape::BYTES
    );
}

#[test]
fn hostile_bytes_are_refused_without_a_panic() {
    let honest = shape(255, 5, 4, 5, 3);
    let bytes = honest.to_bytes();
    let words = ProgramShape::BYTES / 4;
    let mut accepted = 0;
    for word in 0..words {
        let values = (0..32).flat_map(|bit| [1u32 << bit, (1 << bit) - 1, u32::MAX << bit]);
        for value in values.chain([u32::MAX]) {
            let mut changed = bytes;
            changed[4 * word..4 * word + 4].copy_from_slice(&value.to_le_bytes());
            let Ok(read) = ProgramShape::from_bytes(&changed) else {
                continue;
            };
            // One encoding for each shape, so that a key has one, too.
            assert_eq!(read.to_bytes(), changed, "word {word}: {value}");
            if read.validate().is_err() {
                continue;
            }
            // What is valid can be built at once: nothing in it is large.
            let mut system = ConstraintSystem::<Field>::default();
            ProgramColumns::configure(&mut system, &read);
            assert!(system.num_fixed_columns() < 1100 && system.num_advice_columns() < 64);
            accepted += 1;
        }
    }
    assert!(accepted > 50, "{accepted}: the test finds no valid shape");
    for length in [
        0,
        4,
        Shape::BYTES + 4,
        ProgramShape::BYTES - 1,
        ProgramShape::BYTES + 1,
    ] {
        let some = vec![0xff; length];
        assert!(TableShape::from_bytes(&some).is_err(), "{length} bytes");
    }
    let none = [0xff; ProgramShape::BYTES];
    assert!(ProgramShape::from_bytes(&none).is_err());
}

#[test]
fn unsound_shapes_are_refused() {
    type Change = fn(&mut ProgramShape);
    let refused: [(&str, Change); 20] = [
        ("logrows", |shape| shape.logrows = 4),
        ("logrows", |shape| shape.logrows = Shape::MAX_LOGROWS + 1),
        ("limb bits", |shape| shape.limb_bits = 0),
        ("limb bits", |shape| shape.limb_bits = 8),
        // Integers of more than 60 bits could be those of another modulo the field's order, in the end.
        ("bits of a row's limbs", |shape| shape.limbs = 11),
        ("limbs", |shape| shape.limbs = u32::MAX),
        ("input limbs", |shape| shape.input_limbs = 5),
        ("remainder limbs", |shape| shape.shift_limbs = 4),
        ("table limbs", |shape| shape.table_limbs = 0),
        ("block width", |shape| {
            shape.block_width = Shape::MAX_BLOCK_WIDTH + 1;
        }),
        ("stride", |shape| shape.strides[0] = 0),
        ("stride", |shape| shape.strides[0] = u32::MAX),
        ("used rows", |shape| shape.used_rows = 250),
        ("inputs", |shape| shape.inputs = 0),
        ("outputs", |shape| shape.outputs = 41),
        ("rows from output to output", |shape| {
            shape.output_stride = 0
        }),
        ("row of the last output", |shape| {
            (shape.output_stride, shape.first_output) = (2, 38);
        }),
        ("row of the first input", |shape| shape.first_input = 38),
        ("visibility", |shape| {
            shape.visibility.input = DataVisibility::Hashed;
        }),
        ("degree", |shape| shape.degree = 4),
    ];
    for (what, change) in refused {
        let mut changed = shape(255, 3, 4, 5, 2);
        changed.validate().unwrap();
        change(&mut changed);
        let error = changed.validate().unwrap_err();
        assert_eq!(error.what, what, "{error}");
    }
}

#[test]
fn public_values_are_in_their_rows() {
    let mut shape = shape(255, 3, 4, 5, 2);
    let column = |shape: &ProgramShape| instance(shape, &[5, -6, 7], &[1, -2]);
    assert_eq!(column(&shape), [1, -2].map(field));
    shape.visibility.input = DataVisibility::Public;
    let both = column(&shape);
    assert_eq!(both.len(), 33);
    assert_eq!(both[..2], [1, -2].map(field));
    assert_eq!(both[30..], [5, -6, 7].map(field));
    assert!(both[2..30].iter().all(|cell| *cell == Field::ZERO));
    shape.visibility.output = DataVisibility::Private;
    let inputs = column(&shape);
    assert!(inputs[..30].iter().all(|cell| *cell == Field::ZERO));
    assert_eq!(inputs[30..], [5, -6, 7].map(field));
    shape.visibility.input = DataVisibility::Private;
    assert!(column(&shape).is_empty());
    // Outputs whose rows have others between them.
    shape.visibility.output = DataVisibility::Public;
    shape.output_stride = 2;
    assert_eq!(column(&shape), [1, 0, -2].map(field));
}
