//! Small models and a mock prover for the circuit's tests.

use std::sync::Arc;

use ndarray::{Array1, Array2};
use zkassay_circuit::{CompiledModel, ModelCircuit, Witness};
use zkassay_gadgets::Field;
use zkassay_gadgets::halo2_proofs::dev::{MockProver, VerifyFailure};
use zkassay_graph::{Graph, Node, Op, Value};
use zkassay_quant::{CalibrationParams, QuantizedModel, calibrate};
use zkassay_seed::Stream;

/// A float model of the given widths with random weights, ending in `last`.
pub(crate) fn graph(widths: &[usize], last: Option<Op>, seed: u64) -> Graph {
    let mut stream = Stream::new(seed, "test-model");
    let mut nodes = Vec::new();
    for (layer, pair) in widths.windows(2).enumerate() {
        let (inputs, outputs) = (pair[0], pair[1]);
        let spread = 1.5 / (inputs as f64).sqrt();
        let mut draw = |_| (stream.normal() * spread) as f32;
        if layer > 0 {
            nodes.push(node(&format!("relu{layer}"), Op::Relu, inputs));
        }
        let weights = Array2::from_shape_simple_fn((outputs, inputs), || draw(()));
        let bias = Array1::from_shape_simple_fn(outputs, || draw(()));
        nodes.push(node(
            &format!("fc{layer}"),
            Op::Dense { weights, bias },
            outputs,
        ));
    }
    let outputs = widths[widths.len() - 1];
    if let Some(op) = last {
        nodes.push(node("last", op, outputs));
    }
    Graph {
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
    }
}

fn node(name: &str, op: Op, len: usize) -> Node {
    Node {
        name: name.into(),
        op,
        len,
    }
}

/// Standard normal rows.
pub(crate) fn rows(count: usize, inputs: usize, seed: u64) -> Array2<f32> {
    let mut stream = Stream::new(seed, "test-rows");
    Array2::from_shape_simple_fn((count, inputs), || stream.normal() as f32)
}

/// `graph` quantised with limbs of `limb_bits` bits.
pub(crate) fn quantize(graph: &Graph, limb_bits: u32) -> QuantizedModel {
    let rows = rows(20, graph.input.len, 1);
    let params = CalibrationParams::new(limb_bits).unwrap();
    calibrate(graph, rows.view(), &params).unwrap().model
}

/// What halo2's mock prover says about a witness.
pub(crate) fn check(
    compiled: &Arc<CompiledModel>,
    witness: Witness,
) -> Result<(), Vec<VerifyFailure>> {
    let circuit = ModelCircuit::mock(Arc::clone(compiled), Arc::new(witness.clone()));
    check_circuit(compiled, &circuit, witness.instance)
}

/// The same for any circuit and instance.
pub(crate) fn check_circuit(
    compiled: &CompiledModel,
    circuit: &ModelCircuit,
    instance: Vec<Field>,
) -> Result<(), Vec<VerifyFailure>> {
    let logrows = compiled.shape().logrows;
    MockProver::run(logrows, circuit, vec![instance])
        .unwrap()
        .verify()
}

/// The names of the equations that fail.
pub(crate) fn failing(failures: &[VerifyFailure]) -> Vec<String> {
    let mut names: Vec<String> = failures
        .iter()
        .filter_map(|failure| match failure {
            VerifyFailure::ConstraintNotSatisfied { constraint, .. } => {
                Some(constraint.to_string())
            }
            other => Some(other.to_string()),
        })
        .map(|text| text.split('\'').nth(1).unwrap_or(&text).to_string())
        .collect();
    names.sort();
    names.dedup();
    names
}
