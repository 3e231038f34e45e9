//! Sizes that are promised from a shape alone are those of real proofs and keys.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../src/prove/tests/programs.rs"]
mod programs;

use std::sync::Arc;

use zkassay_circuit::cost::{Cost, Dimensions, Machine};
use zkassay_circuit::{
    CompileOptions, Compiled, CompiledModel, CompiledProgram, LayoutTarget, Plan,
};
use zkassay_fixed::{ParamsVisibility, Visibility};
use zkassay_graph::Op;
use zkassay_prover::{Circuit, ProvingKey, Srs};
use zkassay_quant::{CalibrationParams, Target, calibrate};
use zkassay_testing::{mlp, rows};

/// Proves one row of a random model and compares.
fn check(srs: &Srs, widths: &[usize], plan: Plan, options: &CompileOptions) {
    let graph = mlp(widths, Some(Op::SIGMOID), 8);
    let mut params = CalibrationParams::new(plan.limb_bits).unwrap();
    if options.visibility.params == ParamsVisibility::Private {
        // Secret weights are limbs: coarse in a small table.
        params = params.with_weight_bits(plan.limb_bits).unwrap();
        params = params
            .with_target(Target::Resources { max_error: 0.5 })
            .unwrap();
    }
    let rows = rows(10, widths[0], 8);
    let model = calibrate(&graph, rows.view(), &params).unwrap().model;
    let compiled = Arc::new(CompiledModel::with_plan(model, plan, options).unwrap());
    let key = ProvingKey::setup_circuit(
        srs,
        Circuit {
            compiled: Arc::clone(&compiled).into(),
            model: [0; 32],
            settings: [0; 32],
            interface: Default::default(),
        },
    )
    .unwrap();
    let witness = compiled.witness(&rows.row(0).to_vec()).unwrap();
    let proof = key.prove(srs, &witness).unwrap();
    key.verifying_key().verify_any(&proof).unwrap();

    let cost = Cost::new(compiled.shape(), &Machine::default());
    let what = format!("{widths:?} {plan:?} {options:?}");
    assert_eq!(proof.transcript.len(), cost.proof_bytes, "{what}");
    let key = key.verifying_key().to_bytes();
    assert_eq!(key.len(), cost.verifying_key_bytes, "{what}");
    assert_eq!(cost.dimensions, Dimensions::new(compiled.shape()));
}

#[test]
fn planned_layouts_have_the_promised_sizes() {
    let srs = Srs::unsafe_local(11);
    for visibility in Visibility::all() {
        for target in [LayoutTarget::Speed, LayoutTarget::Size] {
            let options = CompileOptions {
                visibility,
                target,
                ..CompileOptions::default()
            };
            for widths in [&[5, 1][..], &[7, 3], &[6, 9, 2]] {
                let plan = Plan::with_options(widths, &options).unwrap();
                check(&srs, widths, plan, &options);
            }
        }
    }
}

#[test]
fn layouts_of_every_kind_have_the_promised_sizes() {
    let srs = Srs::unsafe_local(9);
    let widths = [6, 9, 2];
    for (block_width, degree) in [(9, 3), (9, 5), (5, 3), (2, 5), (1, 3)] {
        for params in ParamsVisibility::ALL {
            let plan = Plan {
                logrows: 9,
                block_width,
                limb_bits: 8,
                degree,
            };
            let visibility = Visibility {
                params,
                ..Visibility::default()
            };
            let options = CompileOptions {
                visibility,
                ..CompileOptions::default()
            };
            check(&srs, &widths, plan, &options);
        }
    }
}

/// Programs in several lanes, with outputs or totals.
fn in_lanes() -> Vec<Compiled> {
    let mut all = vec![];
    for (batch, totals) in [(2, false), (5, true)] {
        for compiled in programs::compiled() {
            let compiled = compiled.program().unwrap();
            let options = CompileOptions {
                batch,
                totals,
                ..*compiled.options()
            };
            let program = compiled.program().clone();
            all.push(
                CompiledProgram::with_options(program, &options)
                    .unwrap()
                    .into(),
            );
        }
    }
    all
}

#[test]
fn programs_have_the_promised_sizes() {
    let srs = Srs::unsafe_local(9);
    for compiled in programs::compiled()
        .into_iter()
        .chain([programs::every_kind()])
        .chain(in_lanes())
    {
        let shape = compiled.shape();
        let rows = rows(compiled.batch(), compiled.row_length(), 8);
        let rows: Vec<Vec<f32>> = rows.outer_iter().map(|row| row.to_vec()).collect();
        let key = ProvingKey::setup(&srs, compiled, [0; 32]).unwrap();
        let witness = key.compiled().witness_batch(&rows).unwrap();
        let proof = key.prove(&srs, &witness).unwrap();
        key.verifying_key().verify_any(&proof).unwrap();
        let cost = Cost::of(&shape, &Machine::default());
        assert_eq!(proof.transcript.len(), cost.proof_bytes, "{shape:?}");
        let key = key.verifying_key().to_bytes();
        assert_eq!(key.len(), cost.verifying_key_bytes, "{shape:?}");
    }
}
