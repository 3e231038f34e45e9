//! A small model with keys, made once.

use std::sync::OnceLock;

use ndarray::{Array1, Array2};
use zkassay_circuit::{CompiledModel, Plan};
use zkassay_graph::{Graph, Node, Op, Value};
use zkassay_prover::{ProvingKey, Srs};
use zkassay_quant::{CalibrationParams, calibrate};
use zkassay_seed::Stream;

/// Parameters for every test's table.
pub(crate) fn srs() -> &'static Srs {
    static SRS: OnceLock<Srs> = OnceLock::new();
    SRS.get_or_init(|| Srs::unsafe_local(10))
}

/// A random model of the given widths, compiled; `sigmoid` at its end.
pub(crate) fn compiled(widths: &[usize], sigmoid: bool, seed: u64) -> CompiledModel {
    let mut stream = Stream::new(seed, "test-model");
    let mut nodes = Vec::new();
    let node = |name: String, op, len| Node { name, op, len };
    for (layer, pair) in widths.windows(2).enumerate() {
        if layer > 0 {
            nodes.push(node(format!("relu{layer}"), Op::Relu, pair[0]));
        }
        let spread = 1.5 / (pair[0] as f64).sqrt();
        let mut draw = || (stream.normal() * spread) as f32;
        let weights = Array2::from_shape_simple_fn((pair[1], pair[0]), &mut draw);
        let bias = Array1::from_shape_simple_fn(pair[1], &mut draw);
        nodes.push(node(
            format!("fc{layer}"),
            Op::Dense { weights, bias },
            pair[1],
        ));
    }
    let outputs = widths[widths.len() - 1];
    if sigmoid {
        nodes.push(node("sigmoid".into(), Op::Sigmoid, outputs));
    }
    let graph = Graph {
        name: "test".into(),
        input: Value {
            name: "input".into(),
            len: widths[0],
        },
        nodes,
        output: Value {
            name: "output".into(),
            len: outputs,
        },
    };
    let plan = Plan::new(widths).unwrap();
    let params = CalibrationParams::new(plan.limb_bits).unwrap();
    let calibration = calibrate(&graph, rows(20, widths[0]).view(), &params).unwrap();
    CompiledModel::new(calibration.model).unwrap()
}

/// Standard normal rows.
pub(crate) fn rows(count: usize, inputs: usize) -> Array2<f32> {
    let mut stream = Stream::new(2, "test-rows");
    Array2::from_shape_simple_fn((count, inputs), || stream.normal() as f32)
}

/// Keys of a small model with hidden layers.
pub(crate) fn key() -> &'static ProvingKey {
    static KEY: OnceLock<ProvingKey> = OnceLock::new();
    KEY.get_or_init(|| ProvingKey::setup(srs(), compiled(&[3, 4, 1], true, 5), [7; 32]).unwrap())
}
