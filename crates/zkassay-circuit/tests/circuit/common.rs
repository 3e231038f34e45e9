//! Small models and a mock prover for the circuit's tests.

use std::sync::Arc;

use zkassay_circuit::{CompileOptions, CompiledModel, ModelCircuit, Plan, Witness};
use zkassay_fixed::{DataVisibility, ParamsVisibility, Visibility};
use zkassay_gadgets::Field;
use zkassay_gadgets::halo2_proofs::dev::{MockProver, VerifyFailure};
use zkassay_graph::{Graph, Op};
use zkassay_quant::{CalibrationParams, QuantizedModel, Target, calibrate};
use zkassay_testing::{mlp, rows};

/// `graph` quantised with limbs of `limb_bits` bits.
pub(crate) fn quantize(graph: &Graph, limb_bits: u32) -> QuantizedModel {
    let rows = rows(20, graph.inputs(), 1);
    let params = CalibrationParams::new(limb_bits).unwrap();
    calibrate(graph, rows.view(), &params).unwrap().model
}

/// A random model with the given visibility and a sigmoid at its end.
pub(crate) fn compile(
    widths: &[usize],
    input: DataVisibility,
    output: DataVisibility,
    params: ParamsVisibility,
) -> Arc<CompiledModel> {
    let options = CompileOptions {
        visibility: Visibility {
            input,
            output,
            params,
        },
        ..CompileOptions::default()
    };
    compiled(&mlp(widths, Some(Op::SIGMOID), 31), &options)
}

/// `graph` quantised and laid out for the given options.
pub(crate) fn compiled(graph: &Graph, options: &CompileOptions) -> Arc<CompiledModel> {
    let rows = rows(20, graph.inputs(), 1);
    let plan = Plan::for_graph_with(graph, options).unwrap();
    let mut params = CalibrationParams::new(plan.limb_bits).unwrap();
    if options.visibility.is_unbound() {
        let coarse = Target::Resources { max_error: 0.2 };
        params = params.with_weight_bits(plan.limb_bits).unwrap();
        params = params.with_target(coarse).unwrap();
    }
    let model = calibrate(graph, rows.view(), &params).unwrap().model;
    Arc::new(CompiledModel::with_options(model, options).unwrap())
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
    instance: Vec<Vec<Field>>,
) -> Result<(), Vec<VerifyFailure>> {
    let logrows = compiled.shape().logrows;
    MockProver::run(logrows, circuit, instance)
        .unwrap()
        .verify()
}

/// The names of the equations that fail.
pub(crate) fn failing(failures: &[VerifyFailure]) -> Vec<String> {
    let mut names: Vec<String> = failures
        .iter()
        .map(|failure| match failure {
            VerifyFailure::ConstraintNotSatisfied { constraint, .. } => constraint.to_string(),
            other => other.to_string(),
        })
        .map(|text| text.split('\'').nth(1).unwrap_or(&text).to_string())
        .collect();
    names.sort();
    names.dedup();
    names
}
