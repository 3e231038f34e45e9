//! The constraint system, pinned: a change here changes every key and is a
//! breaking change of the circuit.

use sha2::{Digest as _, Sha256};
use zkassay_circuit::{CompiledModel, Plan};
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_gadgets::{Columns, Field, Shape};
use zkassay_graph::Op;
use zkassay_testing::mlp;

use crate::common::quantize;

/// Advice and fixed columns, degree, and a hash of the gates.
type Fingerprint = (usize, usize, usize, String);

fn fingerprint(shape: &Shape) -> Fingerprint {
    let mut system = ConstraintSystem::<Field>::default();
    Columns::configure(&mut system, shape);
    let hash = Sha256::digest(format!("{:?}", system.pinned()));
    (
        system.num_advice_columns(),
        system.num_fixed_columns(),
        system.degree(),
        hash[..8].iter().map(|byte| format!("{byte:02x}")).collect(),
    )
}

#[test]
fn gates_of_the_studys_models_are_pinned() {
    let cases: [(&[usize], usize, Fingerprint); 3] = [
        (&[162, 1], 168, (8, 8, 3, "3f587dd13505f6b1".into())),
        (
            &[162, 64, 32, 1],
            424,
            (11, 45, 5, "f88b54e30f10143e".into()),
        ),
        (
            &[162, 128, 64, 32, 1],
            390,
            (11, 138, 5, "6cf657ce9eaac6de".into()),
        ),
    ];
    let mut found = Vec::new();
    for (widths, _, _) in &cases {
        let plan = Plan::new(widths).unwrap();
        let model = quantize(&mlp(widths, Some(Op::SIGMOID), 3), plan.limb_bits);
        let compiled = CompiledModel::new(model).unwrap();
        found.push((
            *widths,
            compiled.rows().len(),
            fingerprint(compiled.shape()),
        ));
    }
    assert_eq!(found, cases);
}
