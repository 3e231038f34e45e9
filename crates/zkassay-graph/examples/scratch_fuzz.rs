//! scratch
#![allow(clippy::unwrap_used)]
use zkassay_graph::Graph;
fn main() {
    let mut seed = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(1u64);
    let per: usize = std::env::args().nth(2).and_then(|s| s.parse().ok()).unwrap_or(20);
    let mut next = move || { seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17; seed };
    let mut files = vec![];
    for d in std::fs::read_dir("/work/main/fixtures/operators").unwrap() {
        let d = d.unwrap().path();
        if !d.is_dir() { continue }
        for f in std::fs::read_dir(d).unwrap() { let f = f.unwrap().path(); if f.extension().is_some_and(|e| e == "onnx") { files.push(f) } }
    }
    files.sort();
    let (mut ok, mut bad) = (0, 0);
    for f in &files {
        let bytes = std::fs::read(f).unwrap();
        if bytes.len() > 60_000 { continue }
        for _ in 0..per {
            let mut b = bytes.clone();
            for _ in 0..1 + next() % 4 {
                let at = (next() % b.len() as u64) as usize;
                match next() % 5 {
                    0 => b[at] ^= 1 << (next() % 8),
                    1 => b[at] = next() as u8,
                    2 => b[at] = [0, 1, 0x7f, 0x80, 0xff][(next() % 5) as usize],
                    3 => { b[at] = b[at].wrapping_add(1) }
                    _ => { let from = (next() % b.len() as u64) as usize; let n = (next() % 8) as usize; for i in 0..n { if at + i < b.len() && from + i < b.len() { b[at + i] = b[from + i] } } }
                }
            }
            let start = std::time::Instant::now();
            let result = std::panic::catch_unwind(|| Graph::from_onnx(&b).map(|g| { let row = vec![0.5f32; g.inputs()]; if g.inputs() < 100000 { g.evaluate(row.as_slice().into()).map(|_| ()).unwrap(); } }));
            match result {
                Ok(Ok(())) => ok += 1,
                Ok(Err(_)) => bad += 1,
                Err(_) => { println!("PANIC in {}", f.display()); std::fs::write(format!("/tmp/fx/panic-{}.onnx", bad), &b).unwrap(); }
            }
            if start.elapsed().as_millis() > 500 { println!("SLOW {} {:?}", f.display(), start.elapsed()); std::fs::write(format!("/tmp/fx/slow-{}.onnx", bad), &b).unwrap(); }
        }
    }
    println!("{ok} accepted, {bad} refused");
}
