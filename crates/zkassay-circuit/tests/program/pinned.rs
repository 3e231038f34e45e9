//! The constraint systems and fixed columns of programs, pinned: a change here changes every key and is a
//! breaking change of the circuit.

use sha2::{Digest as _, Sha256};
use zkassay_circuit::Compiled;
use zkassay_gadgets::Field;
use zkassay_gadgets::halo2_proofs::halo2curves::ff::PrimeField as _;
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_quant::{Finish, Program, Wire};

use crate::common::{Builder, compile, every_kind};

/// Rows, advice and fixed columns, degree, a hash of the gates, and one of the fixed columns.
type Fingerprint = (usize, usize, usize, usize, String, String);

fn fingerprint(program: Program) -> Fingerprint {
    let compiled = compile(program);
    let rows = compiled.shape().used_rows as usize;
    let compiled = Compiled::from(compiled);
    let mut system = ConstraintSystem::<Field>::default();
    let columns = compiled.shape().configure(&mut system);
    let mut fixed = Sha256::new();
    for column in compiled.fixed_columns(&columns, system.num_fixed_columns()) {
        for cell in column {
            fixed.update(cell.to_repr().as_ref());
        }
    }
    let short = |hash: &[u8]| hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    (
        rows,
        system.num_advice_columns(),
        system.num_fixed_columns(),
        system.degree(),
        short(&Sha256::digest(format!("{:?}", system.pinned()))),
        short(&fixed.finalize()),
    )
}

#[test]
fn gates_and_fixed_columns_are_pinned() {
    let mut dense = Builder::new(5, 1);
    let hidden = dense.dense(&(0..5).collect::<Vec<Wire>>(), 6, Finish::Relu);
    dense.dense(&hidden, 2, Finish::Exact);
    let mut conv = Builder::new(16, 2);
    let image: Vec<Wire> = (0..16).collect();
    let geometry = ([2, 1], [1, 1], [1, 1]);
    let hidden = conv.conv(&image, [1, 4, 4], [3, 3, 3], geometry, Finish::Relu);
    conv.dense(&hidden, 2, Finish::Exact);
    let found = [dense.finish(), conv.finish(), every_kind()].map(fingerprint);
    let expected = [
        (13, 13, 21, 5, "a352347607d0a1b8", "5045de7b0b6b467c"),
        (49, 14, 21, 5, "2b0c4a8469dfd44a", "7358a7c35d83a916"),
        (127, 19, 30, 5, "0dcdc7af7d4eee0f", "b2ba1fd677ed3db5"),
    ];
    let expected = expected.map(|(rows, advice, fixed, degree, gates, cells)| {
        (
            rows,
            advice,
            fixed,
            degree,
            gates.to_owned(),
            cells.to_owned(),
        )
    });
    assert_eq!(found, expected);
}
