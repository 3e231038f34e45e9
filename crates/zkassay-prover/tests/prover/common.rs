//! A small model with keys, made once.

use std::sync::OnceLock;

use zkassay_circuit::{CompiledModel, Plan};
use zkassay_graph::Op;
use zkassay_prover::{ProvingKey, Srs};
use zkassay_quant::{CalibrationParams, calibrate};
use zkassay_testing::{mlp, rows};

/// A random model of the given widths, compiled; `sigmoid` at its end.
pub(crate) fn compiled(widths: &[usize], sigmoid: bool, seed: u64) -> CompiledModel {
    let graph = mlp(widths, sigmoid.then_some(Op::Sigmoid), seed);
    let plan = Plan::new(widths).unwrap();
    let params = CalibrationParams::new(plan.limb_bits).unwrap();
    let calibration = calibrate(&graph, rows(20, widths[0], 2).view(), &params).unwrap();
    CompiledModel::new(calibration.model).unwrap()
}

/// Parameters for every test's table.
pub(crate) fn srs() -> &'static Srs {
    static SRS: OnceLock<Srs> = OnceLock::new();
    SRS.get_or_init(|| Srs::unsafe_local(10))
}

/// Keys of a small model with hidden layers.
pub(crate) fn key() -> &'static ProvingKey {
    static KEY: OnceLock<ProvingKey> = OnceLock::new();
    KEY.get_or_init(|| ProvingKey::setup(srs(), compiled(&[3, 4, 1], true, 5), [7; 32]).unwrap())
}
