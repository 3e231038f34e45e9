//! Honest witnesses are accepted, and say what integer evaluation says.

use std::sync::Arc;

use crate::common::{check, quantize};
use zkassay_circuit::layout::Row;
use zkassay_circuit::{CompiledModel, Plan};
use zkassay_gadgets::field;
use zkassay_graph::Op;
use zkassay_testing::{mlp, rows};

fn compile(widths: &[usize], last: Option<Op>, seed: u64) -> Arc<CompiledModel> {
    let plan = Plan::new(widths).unwrap();
    let model = quantize(&mlp(widths, last, seed), plan.limb_bits);
    Arc::new(CompiledModel::new(model).unwrap())
}

#[test]
fn models_of_many_shapes_are_accepted() {
    let shapes: [(&[usize], Option<Op>); 7] = [
        (&[5, 1], Some(Op::SIGMOID)),
        (&[5, 1], None),
        (&[4, 3], None),
        (&[6, 4, 1], Some(Op::SIGMOID)),
        (&[6, 5, 3, 2], None),
        (&[3, 40, 20, 4], Some(Op::SIGMOID)),
        (&[162, 64, 32, 1], Some(Op::SIGMOID)),
    ];
    for (widths, last) in shapes {
        let compiled = compile(widths, last, 3);
        for row in rows(3, widths[0], 2).outer_iter() {
            let witness = compiled.witness(&row.to_vec()).unwrap();
            assert_eq!(check(&compiled, witness), Ok(()), "{widths:?}");
        }
    }
}

#[test]
fn layers_wider_than_a_block_are_accepted() {
    // Many inputs into a wide layer: cheaper in several blocks than in one wide one.
    let compiled = compile(&[20, 400, 3], None, 4);
    assert!(compiled.shape().blocks > 1, "{:?}", compiled.shape());
    for row in rows(2, 20, 5).outer_iter() {
        let witness = compiled.witness(&row.to_vec()).unwrap();
        assert_eq!(check(&compiled, witness), Ok(()));
    }
}

#[test]
fn the_corners_of_the_input_range_are_accepted() {
    // The bounds are proved for every input in range: try the ones that reach them.
    for (widths, last) in [
        (&[5usize, 1][..], Some(Op::SIGMOID)),
        (&[6, 4, 3, 1], Some(Op::SIGMOID)),
        (&[6, 4, 2], None),
    ] {
        let compiled = compile(widths, last, 7);
        let model = compiled.model();
        let (low, high) = model.input_range();
        let [low, high] = [low, high].map(|x| model.input_scale().real(x) as f32);
        for pattern in 0..1u32 << widths[0] {
            let row: Vec<f32> = (0..widths[0])
                .map(|i| if pattern >> i & 1 == 1 { high } else { low })
                .collect();
            let witness = compiled.witness(&row).unwrap();
            assert_eq!(check(&compiled, witness), Ok(()), "{widths:?} {pattern:b}");
        }
    }
}

#[test]
fn the_table_holds_integer_evaluation_bit_for_bit() {
    let compiled = compile(&[6, 5, 4, 1], Some(Op::SIGMOID), 9);
    for row in rows(10, 6, 11).outer_iter() {
        let row = row.to_vec();
        let trace = compiled.model().evaluate(&row).unwrap();
        let witness = compiled.witness(&row).unwrap();
        assert_eq!(witness.outputs, trace.outputs);
        for (kind, cell) in compiled.rows().iter().zip(&witness.value) {
            let expected = match *kind {
                Row::Value { layer, index, .. } => trace.values[layer][index],
                Row::Output { .. } | Row::Bias { .. } => 0,
            };
            assert_eq!(*cell, field(expected.into()), "{kind:?}");
        }
    }
}

#[test]
fn inputs_out_of_range_are_named() {
    let compiled = compile(&[5, 1], Some(Op::SIGMOID), 3);
    let error = compiled
        .witness(&[0.0, 0.0, 1e6, 0.0, 0.0])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("value 2 of input 'input' is 1000000"),
        "{error}"
    );
    let error = compiled
        .witness(&[0.0, f32::NAN, 0.0, 0.0, 0.0])
        .unwrap_err()
        .to_string();
    assert!(error.contains("value 1 of input 'input' is NaN"), "{error}");
    let error = compiled.witness(&[0.0; 4]).unwrap_err().to_string();
    assert!(
        error.contains("has 4 values") && error.contains("takes 5"),
        "{error}"
    );
}
