//! What tables with hashes look like.

use DataVisibility::{Hashed, Public};
use zkassay_circuit::cost::Dimensions;
use zkassay_circuit::{CompiledProgram, ProgramWitness};
use zkassay_fixed::DataVisibility;
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_gadgets::program::{ProgramColumns, ProgramShape};
use zkassay_gadgets::{Field, TableShape};

use crate::models::{network, options, products, programs, witness};

/// Tables of every program, for one inference and several.
fn compiled() -> Vec<CompiledProgram> {
    let mut all = Vec::new();
    for program in programs() {
        for batch in [1, 2, 5] {
            for visibility in [(Hashed, Public), (Public, Hashed), (Hashed, Hashed)] {
                let options = options(visibility.0, visibility.1, batch, false);
                all.push(CompiledProgram::with_options(program.clone(), &options).unwrap());
            }
        }
    }
    all
}

#[test]
fn dimensions_are_those_of_halo2() {
    for compiled in compiled() {
        let shape = compiled.shape();
        for degree in [3, 5] {
            let shape = ProgramShape {
                degree,
                ..shape.clone()
            };
            let mut system = ConstraintSystem::<Field>::default();
            ProgramColumns::configure(&mut system, &shape);
            let dimensions = Dimensions::of_program(&shape);
            let phases = system.advice_column_phase();
            let in_phase = |phase: u8| phases.iter().filter(|of| **of == phase).count();
            let found = Dimensions {
                logrows: shape.logrows,
                rows: shape.needed_rows(),
                first_phase: in_phase(0),
                second_phase: in_phase(1),
                fixed: system.num_fixed_columns(),
                instance: system.num_instance_columns(),
                shape_bytes: ProgramShape::BYTES,
                advice_queries: system.advice_queries().len(),
                degree: system.degree(),
            };
            assert_eq!(dimensions, found, "{shape:?}");
            assert_eq!(dimensions.fixed, system.fixed_queries().len(), "{shape:?}");
            // No query twice, and none that reaches beyond the blinding rows.
            let advice = system.advice_queries();
            assert!((1..advice.len()).all(|i| !advice[..i].contains(&advice[i])));
            assert_eq!(
                shape.rows() - (system.blinding_factors() + 1),
                shape.last_row() + 1
            );
        }
    }
}

#[test]
fn challenges_come_after_the_rounds() {
    for compiled in compiled() {
        let mut system = ConstraintSystem::default();
        let columns = ProgramColumns::configure(&mut system, compiled.shape());
        let phases = system.advice_column_phase();
        let hash = columns.hash.unwrap();
        assert_eq!(hash.lanes.len(), compiled.shape().lanes as usize);
        assert_eq!(hash.rounds().count(), 9 * hash.lanes.len());
        assert!(hash.rounds().all(|column| phases[column.index()] == 0));
        for sum in [hash.packed, hash.absorbed] {
            assert_eq!(phases[sum.index()], 1);
        }
        assert!(system.challenge_phase().iter().all(|phase| *phase == 0));
    }
}

#[test]
fn digests_are_in_rows_of_their_own() {
    let mut moved = 0;
    for compiled in compiled() {
        let shape = compiled.shape();
        let mut shown = Vec::new();
        if shape.reveals_outputs() {
            shown.extend((0..shape.outputs as usize).map(|index| shape.output_row(index)));
        }
        if shape.reveals_inputs() {
            shown.extend((0..shape.inputs as usize).map(|index| shape.input_row(index)));
        }
        let sponges = [shape.output_sponge(), shape.input_sponge()];
        for sponge in sponges.into_iter().flatten() {
            shown.push(sponge.digest_row());
            assert!(sponge.digest_row() < shape.needed_rows());
            moved += usize::from(sponge.first_row > 0);
        }
        let count = shown.len();
        shown.sort_unstable();
        shown.dedup();
        assert_eq!(shown.len(), count, "{shape:?}");
        assert!(shape.needed_rows() <= shape.last_row());
    }
    assert!(moved > 10, "{moved}: no digest had to go elsewhere");
}

#[test]
fn the_planner_makes_room_for_rounds() {
    // 3000 inputs are 143 elements, and 72 permutations: more rows than anything else.
    let with = |input| {
        let options = options(input, Public, 1, false);
        CompiledProgram::with_options(network(3000, 1), &options).unwrap()
    };
    let (public, hashed) = (with(Public), with(Hashed));
    let rows = hashed.shape().input_sponge().unwrap().digest_row();
    assert_eq!(rows, 1 + 72 * 65);
    assert!(public.shape().used_rows < 4000 && hashed.shape().last_row() > rows);
    // Where rows are the rounds' anyway, narrower blocks cost nothing.
    assert!(hashed.shape().block_width <= public.shape().block_width);
}

#[test]
fn shapes_are_read_as_they_were_written() {
    for compiled in compiled() {
        let shape = TableShape::Program(compiled.shape().clone());
        assert_eq!(TableShape::from_bytes(&shape.to_bytes()), Ok(shape.clone()));
        assert_eq!(shape.validate(), Ok(()));
    }
}

#[test]
fn unsound_or_huge_shapes_are_refused() {
    let shape = |visibility: (DataVisibility, DataVisibility)| {
        let options = options(visibility.0, visibility.1, 2, false);
        let compiled = CompiledProgram::with_options(products(3), &options).unwrap();
        compiled.shape().clone()
    };
    let mut totals = shape((Hashed, Hashed));
    totals.totals = true;
    assert_eq!(totals.validate().unwrap_err().what, "visibility");
    // A table that the halves fit in, but not the rounds.
    let mut small = shape((Hashed, Public));
    (small.logrows, small.limb_bits) = (5, 4);
    small.used_rows = small.used_rows.min(20);
    assert_eq!(small.validate().unwrap_err().what, "rows with hashes");
    // More columns than any table has, by those of the rounds.
    let mut wide = shape((Hashed, Public));
    wide.lanes = 600;
    assert_eq!(wide.validate().unwrap_err().what, "columns of all lanes");
    wide.visibility.input = Public;
    assert_eq!(wide.validate(), Ok(()));
    // As many integers as there are rows: counted, not allocated.
    let mut long = shape((Hashed, Public));
    (long.logrows, long.used_rows, long.inputs) = (20, 1 << 19, 1 << 18);
    (long.first_input, long.input_limbs) = (100, long.limbs);
    assert_eq!(long.validate().unwrap_err().what, "rows with hashes");
}

#[test]
fn witnesses_of_other_shapes_do_not_fit() {
    let compile = |visibility: (DataVisibility, DataVisibility), batch| {
        let options = options(visibility.0, visibility.1, batch, false);
        CompiledProgram::with_options(network(5, 2), &options).unwrap()
    };
    let hashed = compile((Hashed, Public), 2);
    let honest = witness(&hashed);
    assert!(honest.fits(hashed.shape()));
    assert!(!witness(&compile((Public, Public), 2)).fits(hashed.shape()));
    assert!(!witness(&compile((Hashed, Public), 3)).fits(hashed.shape()));
    let changes: [fn(&mut ProgramWitness); 3] = [
        |witness| witness.lanes[1].rounds.clear(),
        |witness| witness.lanes[0].rounds[4].truncate(9),
        |witness| witness.lanes[0].rounds.push(vec![]),
    ];
    for change in changes {
        let mut witness = honest.clone();
        change(&mut witness);
        assert!(!witness.fits(hashed.shape()));
    }
}
