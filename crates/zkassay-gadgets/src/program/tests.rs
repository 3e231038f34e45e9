//! What constraint systems of programs have, whatever their shape.

use std::time::Instant;

use halo2_proofs::arithmetic::Field as _;
use halo2_proofs::plonk::{Advice, Column, ConstraintSystem};
use zkassay_fixed::{DataVisibility, ParamsVisibility, Visibility};

use super::*;
use crate::{Field, Shape, TableShape, field};

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
        wide: has(8),
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
        starts: (1..=strides + 1).map(|power| power * power).collect(),
        kinds: kinds(mask),
        degree,
        inputs: 3,
        first_input: 30,
        outputs: 2,
        first_output: 0,
        output_stride: 1,
        used_rows: 40,
        lanes: 1,
        totals: false,
        slots: 0,
        visibility: Visibility::default(),
    }
}

/// Lanes, totals, and nodes of trees.
const SIZES: [(u32, bool, u32); 9] = [
    (1, false, 0),
    (2, false, 0),
    (5, true, 0),
    (1, false, 1),
    (1, false, 2),
    (1, true, 3),
    (2, false, 7),
    (5, true, 3),
    (3, false, 2),
];

/// All kinds of rows, on and off, with both degrees, few and many limbs, weights and strides; lanes, totals and
/// nodes of trees with all of these, but not with each.
fn shapes() -> Vec<ProgramShape> {
    let mut shapes = Vec::new();
    let mut sizes = SIZES.into_iter().cycle();
    for mask in 0..512 {
        for degree in [3, 5] {
            for (limbs, block_width, strides) in [(2, 1, 0), (3, 5, 1), (4, 2, 2), (10, 16, 7)] {
                let mut shape = shape(mask, degree, limbs, block_width, strides);
                if let Some((lanes, totals, slots)) = sizes.next() {
                    (shape.lanes, shape.totals, shape.slots) = (lanes, totals, slots);
                }
                // The sum of so many integers has to be public.
                shape.totals &= limbs < 10;
                shapes.push(shape);
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
        let mut committed = vec![lookups.multiplicity];
        assert_eq!(columns.factor.is_some(), !shape.strides.is_empty());
        let mut sums: Vec<_> = columns.factor.into_iter().collect();
        for lane in &columns.lanes {
            committed.extend([lane.value, lane.operand]);
            committed.extend(&lane.limbs);
            committed.extend(lane.segment.into_iter().flatten());
            let nodes = lane.nodes.iter();
            committed.extend(nodes.flat_map(|node| [node.below, node.edge]));
            sums.extend(&lane.flows);
        }
        committed.extend(columns.function.iter().map(|f| f.multiplicity));
        sums.extend([columns.dot, columns.combination, lookups.sum]);
        sums.extend(&lookups.helpers);
        assert!(
            committed.iter().all(|column| phase(column) == 0),
            "{shape:?}"
        );
        assert!(sums.iter().all(|column| phase(column) == 1), "{shape:?}");
        // None is forgotten.
        assert_eq!(committed.len() + sums.len(), phases.len(), "{shape:?}");
        assert!(system.challenge_phase().iter().all(|phase| *phase == 0));
        let challenges = [columns.r, lookups.beta, lookups.gamma];
        assert_eq!(columns.rho.is_some(), shape.lanes > 1);
        let all = challenges.into_iter().chain(columns.rho);
        let mut indices: Vec<usize> = all.map(|challenge| challenge.index()).collect();
        indices.sort_unstable();
        let count = 3 + usize::from(shape.lanes > 1);
        assert_eq!(indices, (0..count).collect::<Vec<_>>());
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
            let fixed = 1100 + 5 * ProgramShape::MAX_SLOTS as usize;
            assert!(system.num_fixed_columns() < fixed);
            assert!(system.num_advice_columns() < 3 * ProgramShape::MAX_COLUMNS as usize);
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
    let refused: [(&str, Change); 29] = [
        ("logrows", |shape| shape.logrows = 4),
        ("logrows", |shape| shape.logrows = Shape::MAX_LOGROWS + 1),
        ("rows of all lanes", |shape| {
            (shape.logrows, shape.lanes) = (16, ProgramShape::MAX_LANES);
        }),
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
        ("stride", |shape| shape.strides[0] = 6),
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
        ("lanes", |shape| shape.lanes = 0),
        ("lanes", |shape| shape.lanes = ProgramShape::MAX_LANES + 1),
        ("nodes per row", |shape| {
            shape.slots = ProgramShape::MAX_SLOTS + 1
        }),
        // What a verifier builds a key for is bounded.
        ("columns of all lanes", |shape| {
            (shape.lanes, shape.slots) = (64, 64);
        }),
        ("columns of all lanes", |shape| {
            (shape.lanes, shape.slots) = (ProgramShape::MAX_LANES, 2);
        }),
        // A total is a public integer of 62 bits.
        ("lanes of a total", |shape| {
            (shape.totals, shape.lanes, shape.limbs) = (true, 5, 10);
        }),
        ("rows with hashes", |shape| {
            let hashed = DataVisibility::Hashed;
            shape.logrows = 7;
            (shape.visibility.input, shape.visibility.output) = (hashed, hashed);
        }),
        ("visibility", |shape| {
            shape.totals = true;
            shape.visibility.output = DataVisibility::Hashed;
        }),
        ("visibility", |shape| {
            shape.visibility.params = ParamsVisibility::Private;
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
    let column = |shape: &ProgramShape| {
        let columns = instance(shape, &[5, -6, 7], &[1, -2]);
        assert_eq!(columns.len(), 1);
        columns[0].clone()
    };
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

#[test]
fn lanes_show_their_values_in_columns_of_their_own() {
    let mut shape = shape(255, 3, 4, 5, 2);
    shape.lanes = 3;
    let (inputs, outputs): (Vec<i64>, Vec<i64>) = ((10..19).collect(), (1..7).collect());
    let fields = |values: std::ops::Range<i64>| -> Vec<Field> {
        values.map(|value| field(value.into())).collect()
    };
    let columns = instance(&shape, &inputs, &outputs);
    assert_eq!(columns, [fields(1..3), fields(3..5), fields(5..7)]);
    shape.visibility.input = DataVisibility::Public;
    let columns = instance(&shape, &inputs, &outputs);
    assert!(columns.iter().all(|column| column.len() == 33));
    assert_eq!(columns[2][30..], fields(16..19));
    // Totals are in the first column, inputs in each.
    shape.totals = true;
    let columns = instance(&shape, &inputs, &[100, 200]);
    assert_eq!(columns[0][..2], [100, 200].map(field));
    assert_eq!(columns[0][30..], fields(10..13));
    assert_eq!(columns[1][..2], [Field::ZERO; 2]);
    assert_eq!(columns[1][30..], fields(13..16));
    shape.visibility.input = DataVisibility::Private;
    let columns = instance(&shape, &inputs, &[100, 200]);
    assert_eq!(columns, [[100, 200].map(field).to_vec(), vec![], vec![]]);
    // Values of lanes that there are not have no place.
    assert_eq!(instance(&shape, &inputs, &[1; 600]).len(), 3);
}

#[test]
fn the_largest_shapes_are_built_on_a_small_stack() {
    // Sums over lanes and nodes are not nested as deep as they are long, and do not take long.
    for (lanes, limbs, slots, degree) in [
        (1024, 2, 2, 3),
        (1024, 2, 2, 5),
        (31, 2, 85, 3),
        (10, 3, 256, 3),
        (819, 10, 0, 3),
    ] {
        let mut shape = shape(255, degree, limbs, 1024, 0);
        (shape.logrows, shape.limb_bits, shape.lanes) = (15, 5, lanes);
        (shape.totals, shape.slots) = (true, slots);
        shape.strides = (993..=1024).collect();
        (shape.used_rows, shape.table_limbs) = ((1 << 15) - 7, 1);
        shape.input_limbs = 1;
        shape.validate().unwrap();
        let build = move || {
            let start = Instant::now();
            let mut system = ConstraintSystem::<Field>::default();
            ProgramColumns::configure(&mut system, &shape);
            assert!(system.degree() <= degree as usize);
            // All that goes through expressions of gates when a key is made or a proof is checked.
            assert!(format!("{:?}", system.pinned()).len() > 1000);
            start.elapsed()
        };
        let small = std::thread::Builder::new().stack_size(2 << 20);
        let elapsed = small.spawn(build).unwrap().join().unwrap();
        assert!(elapsed.as_secs() < 30, "{lanes} lanes: {elapsed:?}");
    }
}
