//! scratch
#![allow(clippy::unwrap_used)]
use ndarray::Array1;
use zkassay_graph::{Graph, ImportOptions};
fn main() {
    let text = std::fs::read_to_string("/tmp/fx/all.txt").unwrap();
    let filter = std::env::args().nth(1).unwrap_or_default();
    let mut lines = text.lines();
    let (mut ok, mut bad, mut refused) = (0, 0, 0);
    while let Some(head) = lines.next() {
        let parts: Vec<&str> = head.split('\t').collect();
        let n: usize = lines.next().unwrap().parse().unwrap();
        let rows: Vec<(Vec<f32>, Vec<&str>)> = (0..n).map(|_| {
            let a = lines.next().unwrap().split_whitespace().map(|x| x.parse().unwrap_or(f32::NAN)).collect();
            let b = lines.next().unwrap().split_whitespace().collect();
            (a, b)
        }).collect();
        if !parts[0].contains(&filter) { continue; }
        let options = ImportOptions {
            variables: parts[2].split(',').filter(|s| !s.is_empty()).map(|kv| { let (k, v) = kv.split_once('=').unwrap(); (k.to_owned(), v.parse().unwrap()) }).collect(),
            output: Some(parts[1].to_owned()),
        };
        let name = parts[0].trim_start_matches("/work/main/fixtures/operators/");
        let Ok(bytes) = zkassay_graph::read_onnx(parts[0]) else { println!("MISSING {name}"); continue };
        let graph = match Graph::from_onnx_with(&bytes, &options) {
            Ok(graph) => graph,
            Err(e) => { refused += 1; let e = e.to_string(); let e = match e.split_once("; supported: ") { Some((a, _)) => a.to_owned(), None => e }; println!("REFUSED {name}: {}", &e); continue }
        };
        if !filter.is_empty() { for node in &graph.nodes { println!("  {} {} {:?} <- {:?}", node.operator, node.op.name(), node.shape, node.inputs); } }
        let mut worst = 0.0f32;
        let mut note = String::new();
        for (row, expected) in rows {
            let found = match graph.evaluate(Array1::from(row).view()) { Ok(f) => f, Err(e) => { note = format!("{e}"); worst = f32::INFINITY; break } };
            if found.len() != expected.len() { note = format!("len {} instead of {}", found.len(), expected.len()); worst = f32::INFINITY; break }
            for (f, e) in found.iter().zip(expected) {
                let Ok(e) = e.parse::<f32>() else { note = format!("text {e}"); continue };
                if f.is_nan() && e.is_nan() || *f == e { continue }
                let d = (f - e).abs() / e.abs().max(1.0);
                if d > worst || d.is_nan() { worst = if d.is_nan() { f32::INFINITY } else { d }; note = format!("{f} instead of {e}"); }
            }
        }
        if worst > 1e-5 { bad += 1; println!("WRONG {name}: {worst} {note}"); } else { ok += 1 }
    }
    println!("{ok} ok, {bad} wrong, {refused} refused");
}
