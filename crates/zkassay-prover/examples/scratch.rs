#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]
use std::time::Instant;
use zkassay_circuit::*;
use zkassay_fixed::Scale;
use zkassay_quant::*;
use zkassay_prover::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

fn main() {
    let a: Vec<usize> = std::env::args().skip(1).map(|x| x.parse().unwrap()).collect();
    let (trees, inner, scores, batch, reps) = (a[0], a[1], a[2], a[3], a[4]);
    let features = a.get(5).copied().unwrap_or(162);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut rnd = |n: usize| (rng.next_u64() % n as u64) as usize;
    // raw: random binary trees
    let mut nodes = vec![]; let mut roots = vec![]; let mut leaves = vec![];
    let mut thr: Vec<std::collections::BTreeSet<i64>> = vec![Default::default(); features];
    let mut raw = vec![];
    for _ in 0..trees {
        let base = raw.len(); roots.push(base as u32);
        let mut open = vec![];
        for i in 0..inner {
            let f = rnd(features); let t = rnd(3000) as i64; thr[f].insert(t);
            raw.push((f, t, None::<Child>, None::<Child>));
            if i > 0 { let k = rnd(open.len().min(14)); let (p, yes): (usize, bool) = open.swap_remove(k); let c = Some(Child::Node((base + i) as u32)); if yes { raw[p].2 = c } else { raw[p].3 = c } }
            open.push((base + i, true)); open.push((base + i, false));
        }
        for (p, yes) in open { let l = leaves.len() as u32; leaves.push((0..scores).map(|_| rnd(65536) as i64).collect::<Vec<_>>()); if yes { raw[p].2 = Some(Child::Leaf(l)) } else { raw[p].3 = Some(Child::Leaf(l)) } }
    }
    // used features only
    let used: Vec<usize> = (0..features).filter(|f| !thr[*f].is_empty()).collect();
    let index: std::collections::HashMap<usize, usize> = used.iter().enumerate().map(|(i, f)| (*f, i)).collect();
    for (f, t, y, n) in &raw {
        nodes.push(ForestNode { feature: index[f] as u32, rank: thr[*f].iter().position(|x| x == t).unwrap() as u32, yes: y.unwrap(), no: n.unwrap() });
    }
    let ranks: Vec<Ranks> = used.iter().map(|f| Ranks { feature: *f, thresholds: thr[*f].iter().map(|t| *t as f32).collect() }).collect();
    let bits = if trees < 8 { 7 } else { 8 };
    let program = Program { name: "forest".into(), input: "x".into(), inputs: used.len(), input_scale: Scale(0),
        encoding: Encoding::Ranks { features, ranks: ranks.clone() }, labelled: false,
        limbs: ProgramLimbs { bits, input: 2, shift: 1, table: 1, total: 3 }, tables: vec![],
        steps: vec![Step { name: "f".into(), kind: Kind::Forest(Forest { features: ranks.iter().map(|r| r.thresholds.len() as u32).collect(), nodes, roots, leaves, bias: vec![0; scores] }), finish: Finish::Exact, bound: None }],
        outputs: scores, output_scale: Scale(16), probability: false };
    let options = CompileOptions { batch: batch as u32, ..CompileOptions::default() };
    let t = Instant::now();
    let compiled = Compiled::new(IntegerModel::Program(program), &options).unwrap();
    let zkassay_gadgets::TableShape::Program(shape) = compiled.shape() else { panic!() };
    println!("k {} slots {} degree {} rows {} limbs {} compile {:?}", shape.logrows, shape.slots, shape.degree, shape.used_rows, shape.limbs, t.elapsed());
    println!("{:?}", cost::Cost::of(&compiled.shape(), &cost::Machine::default()));
    let rows: Vec<Vec<f32>> = (0..batch).map(|_| (0..features).map(|_| rnd(3000) as f32).collect()).collect();
    let witness = compiled.witness_batch(&rows).unwrap();
    if std::env::var("MOCK").is_ok() {
        let m = zkassay_gadgets::halo2_proofs::dev::MockProver::run(shape.logrows, &ModelCircuit::mock(compiled.clone(), witness.clone()), witness.instance().to_vec()).unwrap();
        match m.verify() { Ok(()) => println!("mock ok"), Err(e) => { println!("{} failures", e.len()); for e in e.iter().take(5) { println!("{e}"); } } }
    }
    let srs = Srs::unsafe_local(shape.logrows);
    let t = Instant::now();
    let key = ProvingKey::setup(&srs, compiled.clone(), [0; 32]).unwrap();
    println!("setup {:?}", t.elapsed());
    let mut proves = vec![]; let mut verifies = vec![]; let mut bytes = 0;
    for _ in 0..reps {
        let t = Instant::now();
        let witness = compiled.witness_batch(&rows).unwrap();
        let w = t.elapsed();
        let proof = key.prove(&srs, witness).unwrap();
        proves.push((t.elapsed(), w));
        bytes = proof.to_bytes().len();
        let t = Instant::now();
        key.verifying_key().verify(&proof).unwrap();
        verifies.push(t.elapsed());
    }
    proves.sort(); verifies.sort();
    println!("prove {:?} (witness {:?}) verify {:?} bytes {bytes}", proves[reps / 2].0, proves[reps / 2].1, verifies[reps / 2]);
}
