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
        (21, 15, 19, 5, "34100c9946ea721e", "e6f787a89dc22695"),
        (63, 15, 21, 5, "177bd5fc1b017416", "78e6776edb435eaf"),
        (127, 20, 29, 5, "d78cd882828ca77a", "a3ec3e3f38c224c9"),
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
