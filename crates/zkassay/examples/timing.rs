//! Timing.
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let read = |name: &str| std::fs::read(format!("{dir}/{name}")).unwrap();
    let srs = zkassay::Srs::from_bytes(&read("kzg.srs")).unwrap();
    let key = zkassay::ProvingKey::from_bytes(&read("pk.key")).unwrap();
    let witness = zkassay::Witness::from_json(&read("witness.json")).unwrap();
    let mut all = vec![];
    let mut ver = vec![];
    for _ in 0..12 {
        let t = std::time::Instant::now();
        let table = key.compiled().witness(witness.input()).unwrap();
        let w = t.elapsed().as_secs_f64();
        let proof = key.prove(&srs, &table).unwrap();
        all.push((t.elapsed().as_secs_f64(), w));
        let t = std::time::Instant::now();
        key.verifying_key().verify(&proof).unwrap();
        ver.push(t.elapsed().as_secs_f64());
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    ver.sort_by(f64::total_cmp);
    println!(
        "{dir} prove min {:.1} median {:.1} ms (witness {:.2}), verify min {:.2} median {:.2}",
        all[0].0 * 1e3,
        all[6].0 * 1e3,
        all[6].1 * 1e3,
        ver[0] * 1e3,
        ver[6] * 1e3
    );
}
