//! A small model with keys, made once.

use std::sync::{Arc, OnceLock};

use zkassay_circuit::{CompileOptions, CompiledModel, Plan};
use zkassay_fixed::Visibility;
use zkassay_graph::Op;
use zkassay_prover::{ProvingKey, Srs};
use zkassay_quant::{CalibrationParams, Target, calibrate};
use zkassay_testing::{mlp, rows};

/// A random model of the given widths, compiled; `sigmoid` at its end.
pub(crate) fn compiled(widths: &[usize], sigmoid: bool, seed: u64) -> CompiledModel {
    let graph = mlp(widths, sigmoid.then_some(Op::SIGMOID), seed);
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

/// The model of a key, which is a chain of dense layers.
pub(crate) fn chain(key: &ProvingKey) -> &Arc<CompiledModel> {
    key.compiled().chain().unwrap()
}

/// A random model of the given widths with the given visibility.
pub(crate) fn compiled_with(widths: &[usize], visibility: Visibility, seed: u64) -> CompiledModel {
    let options = CompileOptions {
        visibility,
        ..CompileOptions::default()
    };
    let graph = mlp(widths, Some(Op::SIGMOID), seed);
    let plan = Plan::for_graph_with(&graph, &options).unwrap();
    let mut params = CalibrationParams::new(plan.limb_bits).unwrap();
    if visibility.is_unbound() {
        let coarse = Target::Resources { max_error: 0.2 };
        params = params.with_weight_bits(plan.limb_bits).unwrap();
        params = params.with_target(coarse).unwrap();
    }
    let calibration = calibrate(&graph, rows(20, widths[0], 2).view(), &params).unwrap();
    CompiledModel::with_options(calibration.model, &options).unwrap()
}
