#![allow(clippy::unwrap_used, dead_code)]
use std::time::Instant;
use zkassay_circuit::cost::{Cost, Machine};
use zkassay_circuit::CompiledProgram;
use zkassay_fixed::DataVisibility::*;
use zkassay_gadgets::TableShape;
use zkassay_prover::{ProvingKey, Srs};
#[path = "../../zkassay-circuit/tests/program/common.rs"]
mod common;
#[path = "../../zkassay-circuit/tests/hashed/models.rs"]
mod models;
use models::*;
#[test]
fn times() {
    let srs = Srs::unsafe_local(12);
    for batch in [1, 8, 32, 128] {
        for (input, output) in [(Private, Public), (Hashed, Public), (Hashed, Hashed)] {
            let compiled = CompiledProgram::with_options(network(162, 1), &options(input, output, batch, false)).unwrap();
            let shape = compiled.shape().clone();
            let cost = Cost::of(&TableShape::Program(shape.clone()), &Machine::default());
            let w = witness(&compiled);
            let key = ProvingKey::setup(&srs, compiled.clone(), [7; 32]).unwrap();
            let mut best = [f64::MAX; 3];
            let mut len = 0;
            for _ in 0..if batch > 30 { 2 } else { 4 } {
                let t = Instant::now();
                let w2 = witness(&compiled);
                best[2] = best[2].min(t.elapsed().as_secs_f64());
                let _ = w2;
                let t = Instant::now();
                let proof = key.prove(&srs, &w).unwrap();
                best[0] = best[0].min(t.elapsed().as_secs_f64());
                len = proof.to_bytes().len();
                let t = Instant::now();
                key.verifying_key().verify(&proof).unwrap();
                best[1] = best[1].min(t.elapsed().as_secs_f64());
            }
            println!("B {batch} {input} {output}: k {} deg {} prove {:.1} ms (est {:.1}) verify {:.2} ms (est {:.2}) witness {:.1} bytes {len}",
                shape.logrows, shape.degree, best[0]*1e3, cost.prove_seconds*1e3, best[1]*1e3, cost.verify_seconds*1e3, best[2]*1e3);
        }
    }
}
