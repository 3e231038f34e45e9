//! Honest witnesses are accepted.

use zkassay_quant::{Finish, Wire};

use crate::common::{Builder, check, compile, every_kind, rows};

#[test]
fn every_kind_of_step_is_accepted() {
    let program = every_kind();
    program.validate().unwrap();
    let compiled = compile(program);
    for row in rows(5, 6) {
        let witness = compiled.witness(&row).unwrap();
        assert!(witness.fits(compiled.shape()));
        check(&compiled, &witness).unwrap();
    }
}

#[test]
fn a_dense_layer_is_accepted() {
    for (inputs, outputs, finish) in [
        (3, 2, Finish::Exact),
        (2, 1, Finish::Round),
        (1, 1, Finish::Relu),
        (4, 9, Finish::ExactRelu),
    ] {
        let mut builder = Builder::new(inputs, 1);
        let wires: Vec<Wire> = (0..inputs).collect();
        builder.dense(&wires, outputs, finish);
        let compiled = compile(builder.finish());
        for row in rows(2, inputs) {
            let failures = check(&compiled, &compiled.witness(&row).unwrap());
            assert!(failures.is_ok(), "{inputs} {outputs} {finish:?}");
        }
    }
}

#[test]
fn convolutions_of_all_shapes_are_accepted() {
    let ones = [1, 1];
    for (shape, kernel, geometry) in [
        ([1, 5, 5], [2, 3, 3], (ones, ones, [0, 0])),
        ([2, 5, 4], [3, 3, 2], ([2, 2], ones, [1, 1])),
        ([1, 7, 6], [2, 3, 3], ([2, 1], ones, [1, 2])),
        ([1, 8, 8], [1, 3, 3], ([3, 2], [2, 1], [2, 0])),
        ([2, 1, 9], [2, 1, 4], ([1, 2], ones, [0, 3])),
        ([1, 3, 1], [2, 3, 3], (ones, ones, [1, 1])),
        ([3, 4, 4], [20, 1, 1], ([2, 2], ones, [0, 0])),
        ([1, 2, 2], [1, 2, 2], ([1, 1], ones, [3, 4])),
    ] {
        for finish in [Finish::Relu, Finish::Round] {
            let inputs: Vec<Wire> = (0..shape.iter().product()).collect();
            let mut builder = Builder::new(inputs.len(), 5);
            builder.conv(&inputs, shape, kernel, geometry, finish);
            let compiled = compile(builder.finish());
            for row in rows(2, inputs.len()) {
                let witness = compiled.witness(&row).unwrap();
                if let Err(failures) = check(&compiled, &witness) {
                    panic!("{shape:?} {kernel:?} {geometry:?}: {}", failures[0]);
                }
            }
        }
    }
}
