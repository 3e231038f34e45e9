//! Scratch.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
use std::collections::BTreeMap;
use zkassay_graph::{Graph, ImportOptions};

#[test]
#[ignore]
fn compare() {
    let dir = std::env::var("CFUZZ").unwrap();
    let mut names: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "txt")).collect();
    names.sort();
    let mut bad: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let (mut good, mut total) = (0, 0);
    for path in names {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let tag = stem.split_once('-').unwrap().1.to_owned();
        let bytes = std::fs::read(path.with_extension("onnx")).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut graphs = BTreeMap::new();
        for line in text.lines() {
            total += 1;
            let parts: Vec<&str> = line.split('|').collect();
            let nums = |s: &str| -> Vec<f32> { s.split_whitespace().map(|x| x.parse().unwrap()).collect() };
            let (x, y) = (nums(parts[1]), nums(parts[2]));
            let graph = graphs.entry(parts[0].to_owned()).or_insert_with(|| {
                let options = ImportOptions { output: Some(parts[0].to_owned()), ..ImportOptions::default() };
                Graph::from_onnx_with(&bytes, &options).map_err(|e| e.to_string())
            });
            let result = match graph {
                Err(e) => Err(e.clone()),
                Ok(g) => {
                    let z = g.evaluate(ndarray::ArrayView1::from(&x[..])).map_err(|e| e.to_string());
                    match z {
                        Err(e) => Err(e),
                        Ok(z) if z.len() != y.len() => Err(format!("len {} vs {}", z.len(), y.len())),
                        Ok(z) => {
                            let worst = z.iter().zip(&y).map(|(a, b)| if a.is_nan() && b.is_nan() || a == b { 0.0 } else { let d = (a - b).abs() / b.abs().max(1.0); if d.is_nan() { 9e9 } else { d } }).fold(0.0f32, f32::max);
                            if worst < 1e-5 { Ok(()) } else { Err(format!("{worst:e}: x {x:?} ours {z:?} ort {y:?}")) }
                        }
                    }
                }
            };
            match result {
                Ok(()) => good += 1,
                Err(e) => {
                    let key = format!("{tag} [{}]", parts[0]);
                    let entry = bad.entry(key).or_insert((0, format!("{stem}: {e}")));
                    entry.0 += 1;
                }
            }
        }
    }
    for (tag, (count, first)) in &bad {
        println!("{tag} x{count}: {}", first.chars().take(420).collect::<String>());
    }
    println!("{good} of {total} good");
}
