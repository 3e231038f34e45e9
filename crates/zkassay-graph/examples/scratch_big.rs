//! scratch
#![allow(clippy::unwrap_used)]
use ndarray::{Array1, Array2};
use zkassay_onnx::ModelBuilder;
fn main() {
    let n: usize = 4096;
    let w = Array2::from_elem((n, 2048), 0.01f32);
    let v = Array2::from_elem((2048, n), 0.01f32);
    let (b, c) = (Array1::from_elem(n, 0.1f32), Array1::from_elem(2048, 0.1f32));
    let bytes = ModelBuilder::new("big", 2048).unwrap().dense("a", w.view(), b.view()).unwrap().relu("r").unwrap().dense("b", v.view(), c.view()).unwrap().encode().unwrap();
    let t = std::time::Instant::now();
    let g = zkassay_graph::Graph::from_onnx(&bytes).unwrap();
    println!("{} parameters in {:?}", g.parameters(), t.elapsed());
    for f in ["/tmp/fx/slow-21071.onnx"] {
        let b = std::fs::read(f).unwrap();
        let t = std::time::Instant::now();
        let r = zkassay_graph::Graph::from_onnx(&b).map(|g| g.nodes.len());
        println!("{f} {:?} {:?}", t.elapsed(), r.map_err(|e| e.to_string()));
    }
}
