//! scratch
use std::fs;
use zkassay_data::{describe, manifest::Manifest, synthetic};
#[test]
fn flips() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = synthetic::write(dir.path(), 1).unwrap();
    let file = manifest
        .files
        .iter()
        .find(|f| f.path.contains("project=flamincome"))
        .unwrap()
        .clone();
    let path = dir.path().join(&file.path);
    let whole = fs::read(&path).unwrap();
    eprintln!("{} bytes", whole.len());
    let m = Manifest {
        files: vec![file],
        ..manifest
    };
    let from: usize = std::env::var("FROM").map_or(0, |v| v.parse().unwrap());
    let (mut ok, mut bad) = (0, 0);
    std::panic::set_hook(Box::new(|_| ()));
    for at in from..whole.len() {
        for bit in [0u8, 6, 7] {
            fs::write("/tmp/flip_at", format!("{at} {bit}")).unwrap();
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            fs::write(&path, bytes).unwrap();
            match describe::contents(dir.path(), &m) {
                Ok(_) => ok += 1,
                Err(_) => bad += 1,
            }
        }
    }
    eprintln!("ok {ok} bad {bad}");
}
