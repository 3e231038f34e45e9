//! scratch
#[path = "prover/common.rs"]
#[allow(dead_code)]
mod common;
use common::{compiled, key, srs};
use std::time::Instant;
use zkassay_gadgets::Shape;
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_gadgets::{Columns, Field};
use zkassay_prover::{ProvingKey, Srs};
use zkassay_verifier::VerifyingKey;
use zkassay_verifier::artefact::{Kind, Reader, open, seal, write_block};

fn rss() -> (u64, u64) {
    let s = std::fs::read_to_string("/proc/self/status").unwrap();
    let g = |n: &str| {
        s.lines()
            .find(|l| l.starts_with(n))
            .unwrap()
            .split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            / 1024
    };
    (g("VmRSS"), g("VmHWM"))
}

fn hostile_vk(change: impl Fn(&mut Shape)) -> Vec<u8> {
    let bytes = key().verifying_key().to_bytes();
    let payload = open(Kind::VerifyingKey, &bytes).unwrap().to_vec();
    let mut shape = key().compiled().shape().clone();
    change(&mut shape);
    let mut out = payload[..33].to_vec();
    out.extend_from_slice(&shape.to_bytes());
    out.extend_from_slice(&payload[73..73 + 1 + 4 + 4 + 8 + 64]);
    // halo2 header
    let mut cs = ConstraintSystem::<Field>::default();
    if shape.block_width < 5000 {
        Columns::configure(&mut cs, &shape);
    }
    let columns = cs.num_fixed_columns() as u32;
    out.push(2);
    out.extend_from_slice(&shape.logrows.to_le_bytes());
    out.push(0);
    out.extend_from_slice(&columns.to_le_bytes());
    // valid points: take one from the key
    let halo = &payload[73 + 81..];
    let point = halo[10..42].to_vec();
    for _ in 0..columns {
        out.extend_from_slice(&point);
    }
    seal(Kind::VerifyingKey, &out)
}

fn time_key(name: &str, bytes: &[u8]) {
    let t = Instant::now();
    let r = VerifyingKey::from_bytes(bytes);
    println!(
        "{name}: file {} B, ok {} {:?}, {:?}, rss/hwm MB {:?}",
        bytes.len(),
        r.is_ok(),
        r.as_ref().err().map(|e| e.to_string()),
        t.elapsed(),
        rss()
    );
}

#[test]
#[ignore]
fn k20() {
    time_key("k20", &hostile_vk(|s| s.logrows = 20));
}
#[test]
#[ignore]
fn k22() {
    time_key("k22", &hostile_vk(|s| s.logrows = 22));
}
#[test]
#[ignore]
fn k24() {
    time_key("k24", &hostile_vk(|s| s.logrows = 24));
}
#[test]
#[ignore]
fn k24trunc() {
    // header only: no commitments
    let b = hostile_vk(|s| s.logrows = 24);
    let p = open(Kind::VerifyingKey, &b).unwrap();
    let b = seal(Kind::VerifyingKey, &p[..73 + 81 + 10]);
    time_key("k24 truncated", &b);
}
#[test]
#[ignore]
fn wide() {
    time_key(
        "wide",
        &hostile_vk(|s| {
            s.block_width = 4096;
        }),
    );
}
#[test]
#[ignore]
fn wideblocks() {
    time_key(
        "wide+blocks",
        &hostile_vk(|s| {
            s.block_width = 4096;
            s.blocks = 256;
        }),
    );
}
#[test]
#[ignore]
fn midblocks() {
    time_key(
        "1024+64 blocks",
        &hostile_vk(|s| {
            s.block_width = 1024;
            s.blocks = 64;
        }),
    );
}
#[test]
#[ignore]
fn wide_in_8mb() {
    std::thread::Builder::new()
        .stack_size(8 << 20)
        .spawn(|| {
            time_key(
                "wide",
                &hostile_vk(|s| {
                    s.block_width = 4096;
                }),
            )
        })
        .unwrap()
        .join()
        .unwrap();
}

#[test]
#[ignore]
fn honest_wide_output() {
    let c = compiled(&[2, 3000], false, 3);
    println!("shape {:?}", c.shape());
    let srs = Srs::unsafe_local(c.shape().logrows);
    let key = ProvingKey::setup(&srs, c, [1; 32]).unwrap();
    let w = key.compiled().witness(&[0.1, 0.2]).unwrap();
    let p = key.prove(&srs, &w).unwrap();
    key.verifying_key().verify(&p).unwrap();
    println!("ok {:?}", rss());
}

fn pk_blocks() -> Vec<Vec<u8>> {
    let bytes = key().to_bytes().unwrap();
    let mut reader = Reader::new(Kind::ProvingKey, open(Kind::ProvingKey, &bytes).unwrap());
    (0..3).map(|_| reader.block().unwrap().to_vec()).collect()
}
fn join(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut payload = Vec::new();
    for p in parts {
        write_block(&mut payload, p);
    }
    seal(Kind::ProvingKey, &payload)
}
fn outcome(name: &str, bytes: Vec<u8>) {
    let r = std::panic::catch_unwind(|| {
        ProvingKey::from_bytes(&bytes)
            .map(|_| ())
            .map_err(|e| e.to_string())
    });
    println!(
        "{name}: {}",
        match r {
            Ok(Ok(())) => "ACCEPTED".to_string(),
            Ok(Err(e)) => format!("error {e}"),
            Err(p) => format!(
                "PANIC {:?}",
                p.downcast_ref::<String>()
                    .cloned()
                    .or(p.downcast_ref::<&str>().map(|s| s.to_string()))
            ),
        }
    );
}
#[test]
#[ignore]
fn hostile_pk() {
    let blocks = pk_blocks();
    let vk_raw = key()
        .verifying_key()
        .halo2()
        .to_bytes(zkassay_gadgets::halo2_proofs::SerdeFormat::RawBytes)
        .len();
    let mut b = blocks.clone();
    b[2][vk_raw..vk_raw + 4].copy_from_slice(&(1u32 << 20).to_be_bytes());
    outcome("poly length 2^20", join(&b));
    let model: serde_json::Value = serde_json::from_slice(&blocks[0]).unwrap();
    let with = |f: &dyn Fn(&mut serde_json::Value)| {
        let mut m = model.clone();
        f(&mut m);
        let mut b = blocks.clone();
        b[0] = serde_json::to_vec(&m).unwrap();
        join(&b)
    };
    println!(
        "{}",
        serde_json::to_string(&model)
            .unwrap()
            .chars()
            .take(600)
            .collect::<String>()
    );
    outcome(
        "bound min",
        with(&|m| m["output"]["bound"] = serde_json::json!(i64::MIN)),
    );
    outcome(
        "limbs max",
        with(&|m| {
            m["limbs"]["remainder"] = serde_json::json!(u32::MAX);
        }),
    );
    outcome(
        "limbs zero",
        with(&|m| {
            m["limbs"]["remainder"] = serde_json::json!(0);
            m["limbs"]["magnitude"] = serde_json::json!(0);
            m["limbs"]["input"] = serde_json::json!(0);
        }),
    );
    outcome("no layers", with(&|m| m["layers"] = serde_json::json!([])));
    outcome(
        "short bias",
        with(&|m| m["layers"][0]["bias"] = serde_json::json!([])),
    );
    outcome(
        "other weights",
        with(&|m| m["layers"][0]["weights"]["data"][0] = serde_json::json!(12345)),
    );
    outcome(
        "huge weights",
        with(&|m| m["layers"][0]["weights"]["data"][0] = serde_json::json!(i64::MAX)),
    );
    outcome(
        "layer dims do not chain",
        with(&|m| {
            let l = m["layers"][1].clone();
            m["layers"][1]["weights"] = serde_json::json!({"v":1,"dim":[1,2],"data":[1,2]});
            let _ = l;
        }),
    );
}
#[test]
#[ignore]
fn hostile_pk_alloc() {
    let blocks = pk_blocks();
    let vk_raw = key()
        .verifying_key()
        .halo2()
        .to_bytes(zkassay_gadgets::halo2_proofs::SerdeFormat::RawBytes)
        .len();
    let mut b = blocks.clone();
    b[2][vk_raw..vk_raw + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    outcome("poly length 2^32-1", join(&b));
}
#[test]
#[ignore]
fn pk_with_other_weights_then_prove() {
    let blocks = pk_blocks();
    let model: serde_json::Value = serde_json::from_slice(&blocks[0]).unwrap();
    let mut m = model.clone();
    m["layers"][0]["weights"]["data"][0] = serde_json::json!(i64::MAX);
    let mut b = blocks.clone();
    b[0] = serde_json::to_vec(&m).unwrap();
    let k = ProvingKey::from_bytes(&join(&b)).unwrap();
    let r = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        k.compiled()
            .witness(&[0.5, 0.5, 0.5])
            .map(|_| ())
            .map_err(|e| e.to_string())
    }));
    println!("witness with i64::MAX weight: {r:?}");
}
#[test]
#[ignore]
fn vk_noncanonical() {
    let bytes = key().verifying_key().to_bytes();
    let payload = open(Kind::VerifyingKey, &bytes).unwrap().to_vec();
    let start = 73 + 81 + 10;
    let mut n = 0;
    for i in (start..payload.len()).step_by(32) {
        let mut p = payload.clone();
        p[i + 31] ^= 0x80;
        if let Ok(v) = VerifyingKey::from_bytes(&seal(Kind::VerifyingKey, &p)) {
            n += 1;
            if n == 1 {
                println!(
                    "flag at {i}: accepted; digest equal {}; to_bytes equals original {}; reread digest equal to its own {}",
                    v.digest() == key().verifying_key().digest(),
                    v.to_bytes() == bytes,
                    VerifyingKey::from_bytes(&v.to_bytes()).unwrap().digest() == v.digest()
                );
            }
        }
    }
    println!(
        "non-canonical points accepted: {n} of {}",
        (payload.len() - start) / 32
    );
}
#[test]
#[ignore]
fn srs_lagrange() {
    // Swap two Lagrange points and the origin byte.
    let small = Srs::unsafe_local(10);
    let bytes = small.to_bytes();
    let mut p = open(Kind::Srs, &bytes).unwrap().to_vec();
    p[0] = 1;
    let l = 1 + 4 + 64 * 1024;
    let rows = (5, 6);
    let (a, b) = (
        p[l + 64 * rows.0..l + 64 * rows.0 + 64].to_vec(),
        p[l + 64 * rows.1..l + 64 * rows.1 + 64].to_vec(),
    );
    p[l + 64 * rows.0..l + 64 * rows.0 + 64].copy_from_slice(&b);
    p[l + 64 * rows.1..l + 64 * rows.1 + 64].copy_from_slice(&a);
    let bad = Srs::from_bytes(&seal(Kind::Srs, &p));
    println!(
        "tampered SRS accepted: {} origin {:?}",
        bad.is_ok(),
        bad.as_ref().map(|s| s.origin().to_string()).ok()
    );
    let bad = bad.unwrap();
    let c = compiled(&[60, 1], true, 5);
    println!("shape {:?}", c.shape());
    let k1 = ProvingKey::setup(&bad, c.clone(), [7; 32]).unwrap();
    let k2 = ProvingKey::setup(&small, c, [7; 32]).unwrap();
    println!(
        "same halo2 vk: {}",
        k1.verifying_key()
            .halo2()
            .to_bytes(zkassay_gadgets::halo2_proofs::SerdeFormat::Processed)
            == k2
                .verifying_key()
                .halo2()
                .to_bytes(zkassay_gadgets::halo2_proofs::SerdeFormat::Processed)
    );
    let _ = srs();
}

#[test] #[ignore]
fn srs_lagrange7() {
    let small = Srs::unsafe_local(7);
    let bytes = small.to_bytes();
    let mut p = open(Kind::Srs, &bytes).unwrap().to_vec();
    p[0] = 1;
    let l = 1 + 4 + 64 * 128;
    let c = compiled(&[64, 1], true, 5);
    assert_eq!(c.shape().logrows, 7);
    // rows of the first two inputs
    let first = c.rows().iter().position(|r| matches!(r, zkassay_circuit::layout::Row::Value{..})).unwrap();
    let (i5, i6) = (64 - first, 65 - first); let rows = (64, 65);
    let (a, b) = (p[l + 64*rows.0..l+64*rows.0+64].to_vec(), p[l+64*rows.1..l+64*rows.1+64].to_vec());
    p[l + 64*rows.0..l+64*rows.0+64].copy_from_slice(&b);
    p[l+64*rows.1..l+64*rows.1+64].copy_from_slice(&a);
    let bad = Srs::from_bytes(&seal(Kind::Srs, &p)).unwrap();
    println!("tampered SRS accepted, origin {}", bad.origin());
    let victim = ProvingKey::setup(&bad, c.clone(), [7; 32]).unwrap();
    let mut model = c.model().clone();
    let (w5, w6) = (model.layers[0].weights[[0,i5]], model.layers[0].weights[[0,i6]]);
    (model.layers[0].weights[[0,i5]], model.layers[0].weights[[0,i6]]) = (w6, w5);
    println!("weights {w5} {w6} swapped");
    let other = zkassay_circuit::CompiledModel::new(model).unwrap();
    let attacker = ProvingKey::setup(&small, other, [7; 32]).unwrap();
    let f = zkassay_gadgets::halo2_proofs::SerdeFormat::Processed;
    println!("victim's vk == honest vk of the OTHER model: {}", victim.verifying_key().halo2().to_bytes(f) == attacker.verifying_key().halo2().to_bytes(f));
    let row: Vec<f32> = (0..64).map(|i| (i as f32 * 0.7).sin()).collect();
    let w = attacker.compiled().witness(&row).unwrap();
    println!("victim model outputs {:?}, attacker's {:?}", c.model().evaluate(&row).unwrap().outputs, w.outputs);
    let mut small = small; let _ = &mut small;
    // prove for the other model, with an SRS whose origin byte says ceremony too (digest covers it).
    let mut q = open(Kind::Srs, &bytes).unwrap().to_vec(); q[0] = 1;
    let good = Srs::from_bytes(&seal(Kind::Srs, &q)).unwrap();
    let attacker = ProvingKey::setup(&good, attacker.compiled().clone(), [7; 32]).unwrap();
    let proof = attacker.prove(&good, &w).unwrap();
    println!("victim's published vk verifies the other model's proof: {:?}", victim.verifying_key().verify(&proof));
}

#[test] #[ignore]
fn widths_stack() {
    for w in [600u32, 1000, 1400, 1800, 2200, 2600, 3000, 3400] {
        time_key(&format!("{w}"), &hostile_vk(|s| s.block_width = w));
    }
}
#[test] #[ignore]
fn honest_wide() {
    for n in [500usize, 900, 1300] {
        let t = Instant::now();
        let c = compiled(&[1, n], false, 3);
        println!("n {n} k {} w {}", c.shape().logrows, c.shape().block_width);
        let srs = Srs::unsafe_local(c.shape().logrows);
        let key = ProvingKey::setup(&srs, c, [1; 32]).unwrap();
        let w = key.compiled().witness(&[0.1]).unwrap();
        let p = key.prove(&srs, &w).unwrap();
        key.verifying_key().verify(&p).unwrap();
        println!("n {n} ok {:?} {:?}", t.elapsed(), rss());
    }
}
#[test] #[ignore]
fn max_degree() {
    let b = key().verifying_key().to_bytes();
    println!("{:?}", VerifyingKey::from_bytes(&b).map(|_| ()));
}
#[test] #[ignore]
fn foreign_witness() {
    let other = compiled(&[60, 40, 1], true, 5);
    let w = other.witness(&[0.1; 60]).unwrap();
    let r = std::panic::catch_unwind(|| key().prove(srs(), &w).map(|_| ()));
    println!("prove with a witness of another shape: {:?}", r.map_err(|_| "PANIC"));
    let small = compiled(&[3, 2, 1], true, 5);
    let w = small.witness(&[0.1; 3]).unwrap();
    let r = std::panic::catch_unwind(|| key().prove(srs(), &w).map(|p| key().verifying_key().verify(&p).is_ok()));
    println!("prove with a witness of another model: {:?}", r.map_err(|_| "PANIC"));
    let mut w = key().compiled().witness(&[0.5,0.5,0.5]).unwrap();
    w.instance = vec![Field::one(); 200000];
    let r = std::panic::catch_unwind(|| key().prove(srs(), &w).map(|_| ()));
    println!("long instance: {:?}", r.map_err(|_| "PANIC"));
}
#[test] #[ignore]
fn system() {
    use zkassay_circuit::ModelCircuit;
    let _ = std::any::type_name::<ModelCircuit>();
    let mut n = 0;
    for hidden in [false, true] { for outputs in [1, 2, 3] { for blocks in [1, 2, 3] { for width in [1, 2, 7] { for degree in [3, 5] { for input in 1..6 { for (rem, mag) in [(1, 1), (1, 3), (3, 2)] {
        let shape = Shape { logrows: 9, limb_bits: 6, input_limbs: input, remainder_limbs: if hidden {rem} else {0}, magnitude_limbs: if hidden {mag} else {0}, block_width: width, blocks, outputs, output_rows: 2, degree };
        if shape.validate().is_err() { continue; }
        let mut cs = ConstraintSystem::<Field>::default();
        Columns::configure(&mut cs, &shape);
        let real = cs.gates().iter().flat_map(|g| g.polynomials()).map(|p| p.degree()).max().unwrap();
        assert_eq!(cs.blinding_factors() + 2, shape.rows() - shape.last_row(), "{shape:?}");
        assert!(real <= degree as usize, "{real} {shape:?}");
        assert!(real >= 3);
        n += 1;
        let phases = cs.advice_column_phase();
        let challenges = cs.challenge_phase();
        let first = usize::from(hidden) + shape.limbs() as usize + 1;
        assert!(phases[..first].iter().all(|p| *p == 0) && phases[first..].iter().all(|p| *p == 1), "{phases:?}");
        assert!(challenges.iter().all(|p| *p == 0));
    }}}}}}}
    println!("{n} shapes: blinding rows, degrees and phases as declared");
}
