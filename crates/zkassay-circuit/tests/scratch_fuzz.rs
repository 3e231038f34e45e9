//! scratch
#[path = "circuit/common.rs"]
#[allow(dead_code)]
mod common;
use std::sync::Arc;
use common::{check, graph, rows};
use zkassay_circuit::{CompiledModel, Plan};
use zkassay_fixed::{Activation, OutputMap, Scale};
use zkassay_graph::Op;
use zkassay_quant::{CalibrationParams, Target, calibrate};
use zkassay_seed::Stream;

#[test]
fn completeness_fuzz() {
    let mut s = Stream::new(99, "scratch");
    let (mut done, mut refused, mut failed) = (0, 0, 0);
    let start = std::time::Instant::now();
    let mut seed = 0;
    while start.elapsed().as_secs() < 150 {
        seed += 1;
        let mut u = |n: f64| ((s.normal().abs() * n) as usize) + 1;
        let depth = u(1.5).min(4);
        let mut widths = vec![u(8.0).min(40)];
        for _ in 0..depth { widths.push(u(10.0).min(200)); }
        let sig = u(1.0) % 2 == 0;
        let w_scale = 10f64.powf(s.normal() * 1.5);
        let b_scale = 10f64.powf(s.normal() * 2.0);
        let r_scale = 10f64.powf(s.normal() * 1.0);
        let mut g = graph(&widths, sig.then_some(Op::Sigmoid), seed);
        let zero = seed % 17 == 0;
        for node in &mut g.nodes {
            if let Op::Dense { weights, bias } = &mut node.op {
                weights.mapv_inplace(|w| if zero { 0.0 } else { (f64::from(w) * w_scale) as f32 });
                bias.mapv_inplace(|w| if zero && seed % 2 == 0 { 0.0 } else { (f64::from(w) * b_scale) as f32 });
            }
        }
        let calib = rows(6, widths[0], seed).mapv(|x| (f64::from(x) * r_scale) as f32);
        let plan = Plan::new(&widths).unwrap();
        let params = CalibrationParams::new(plan.limb_bits).unwrap().with_target(if seed % 3 == 0 { Target::Accuracy } else { Target::Resources { max_error: 1e6 } }).unwrap();
        let model = match calibrate(&g, calib.view(), &params) { Ok(c) => c.model, Err(e) => { refused += 1; if refused < 6 { println!("refused {widths:?} w {w_scale:.1e} b {b_scale:.1e}: {e}"); } continue; } };
        let compiled = match CompiledModel::new(model) { Ok(c) => Arc::new(c), Err(e) => { failed += 1; println!("COMPILE {widths:?}: {e}"); continue; } };
        let (low, high) = compiled.model().input_range();
        let [low, high] = [low, high].map(|x| compiled.model().input_scale().real(x) as f32);
        let mut inputs: Vec<Vec<f32>> = vec![calib.row(0).to_vec(), vec![low; widths[0]], vec![high; widths[0]], vec![0.0; widths[0]]];
        // worst corners of output 0 for a linear model; random corners
        inputs.push((0..widths[0]).map(|_| if s.normal() > 0.0 { low } else { high }).collect());
        if let Op::Dense { weights, .. } = &g.nodes[0].op {
            inputs.push(weights.row(0).iter().map(|w| if *w > 0.0 { high } else { low }).collect());
            inputs.push(weights.row(0).iter().map(|w| if *w > 0.0 { low } else { high }).collect());
        }
        for input in inputs {
            match compiled.witness(&input) {
                Ok(w) => if let Err(e) = check(&compiled, w) { failed += 1; println!("FAIL {widths:?} sig {sig} seed {seed}: {:?}", e.first().map(|e| e.to_string())); },
                Err(e) => { let e = e.to_string(); if !e.contains("range") { failed += 1; println!("WITNESS {widths:?} seed {seed}: {e}"); } else { println!("range: {e}"); } }
            }
            done += 1;
        }
    }
    println!("{done} witnesses, {refused} refused, {failed} failed, {seed} models");
}

#[test]
fn maps() {
    // adjacency for every pair of neighbours at extremes
    for (fy, fz) in [(50, 24), (30, 16), (0, 24), (0, 1), (50, 1), (24, 24), (36, 16)] {
        for bound in [1i64 << 60, (1 << 57) - 3, 12345, 0] {
            let m = OutputMap::new(Activation::Sigmoid, Scale(fy), Scale(fz), bound).unwrap();
            let one = 1i64 << fz;
            let mut prev: Option<i64> = None;
            for z in 0..=one {
                if fz == 24 && bound != 1 << 60 && z % 64 > 1 { prev = None; continue; }
                if let Ok(i) = m.preimage(z) {
                    assert!(i.lo <= i.hi);
                    if let Some(p) = prev { assert_eq!(p + 1, i.lo, "z {z} {fy} {fz}"); }
                    prev = Some(i.hi);
                    if z % 997 == 0 || z == one { assert_eq!(m.apply(i.lo), z); assert_eq!(m.apply(i.hi), z); }
                }
            }
        }
        println!("ok {fy} {fz}");
    }
}
