//! Trees that exporters write, from `fixtures/operators`: leaf for leaf those of the float trees, and
//! integer outputs that are onnxruntime's.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use ndarray::{Array2, ArrayView1};
use serde_json::Value as Json;
use zkassay_graph::{Graph, ImportOptions, Op};
use zkassay_quant::{
    CalibrationParams, Encoding, IntegerCalibration, IntegerModel, Program, Target, calibrate_model,
};

use crate::forests::forest;

/// Files whose input is read by something else than trees, or whose trees have no paths.
const SCALED: &[&str] = &[
    // Their greatest or least leaf.
    "onnx/trees-max",
    "onnx/trees-min",
    // Logistic regression beside them.
    "sklearn/stacking",
    "sklearn/voting-hard",
];

struct Fixture {
    name: String,
    bytes: Vec<u8>,
    record: Json,
}

impl Fixture {
    fn read(path: &Path, name: String) -> Self {
        let record = fs::read_to_string(path.with_extension("json")).unwrap();
        Self {
            name,
            bytes: fs::read(path).unwrap(),
            record: serde_json::from_str(&record).unwrap(),
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.record.get(key).and_then(Json::as_str)
    }

    /// A graph with trees.
    fn graph(&self, output: &str) -> Option<Graph> {
        let variables = self.record.get("variables").and_then(Json::as_object);
        let options = ImportOptions {
            variables: variables
                .into_iter()
                .flatten()
                .map(|(name, size)| (name.clone(), size.as_u64().unwrap() as usize))
                .collect(),
            output: Some(output.to_owned()),
        };
        let graph = Graph::from_onnx_with(&self.bytes, &options).ok()?;
        let has_trees = graph.nodes.iter().any(|n| matches!(n.op, Op::Trees(_)));
        has_trees.then_some(graph)
    }

    fn table(&self, key: &str) -> Option<Array2<f64>> {
        let rows: Vec<Vec<f64>> = serde_json::from_value(self.record.get(key)?.clone()).ok()?;
        let shape = (rows.len(), rows.first().map_or(0, Vec::len));
        Array2::from_shape_vec(shape, rows.concat()).ok()
    }
}

fn fixtures() -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/operators");
    let mut found = Vec::new();
    for exporter in ["onnx", "sklearn"] {
        let files = fs::read_dir(folder.join(exporter)).unwrap();
        let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        paths.retain(|path| {
            path.extension()
                .is_some_and(|extension| extension == "onnx")
        });
        paths.sort();
        for path in paths {
            let stem = path.file_stem().unwrap().to_str().unwrap();
            found.push(Fixture::read(&path, format!("{exporter}/{stem}")));
        }
    }
    found
}

/// Leaves of every tree, beside those that the float trees reach.
pub(crate) fn assert_leaves(graph: &Graph, program: &Program, rows: &Array2<f32>) -> usize {
    let forest = forest(program);
    let mut weights: HashMap<u32, Vec<(usize, u32, f32)>> = HashMap::new();
    let mut compared = 0;
    for row in rows.outer_iter() {
        let trace = graph.trace(row).unwrap();
        let ranks = program.quantize(&row.to_vec()).unwrap();
        let mut reached = forest.paths(&ranks);
        for (at, node) in graph.nodes.iter().enumerate() {
            let Op::Trees(trees) = &node.op else { continue };
            for root in &trees.roots {
                let asks = matches!(
                    trees.nodes[*root as usize],
                    zkassay_graph::TreeNode::Inner { .. }
                );
                if !asks {
                    continue;
                }
                let (_, leaf) = reached.next().unwrap();
                // Leaves of the same integers have the same weights, but for what is rounded.
                let expected: Vec<(usize, u32, f32)> = trees
                    .leaf(&trace[node.inputs[0]], *root)
                    .iter()
                    .filter(|(_, weight)| *weight != 0.0)
                    .map(|(score, weight)| (at, *score, *weight))
                    .collect();
                let known = weights.entry(leaf).or_insert_with(|| expected.clone());
                let is_near = known.len() == expected.len()
                    && known.iter().zip(&expected).all(|(a, b)| {
                        (a.0, a.1) == (b.0, b.1) && (a.2 - b.2).abs() < 1e-3 * b.2.abs().max(1.0)
                    });
                assert!(is_near, "{known:?} {expected:?}");
                compared += 1;
            }
        }
        assert!(reached.next().is_none());
    }
    compared
}

fn calibrated(graph: &Graph, rows: &Array2<f32>) -> IntegerCalibration {
    let params = CalibrationParams::new(8).unwrap();
    let target = Target::Resources { max_error: 1e-3 };
    let params = params.with_target(target).unwrap();
    calibrate_model(graph, rows.view(), &params).unwrap()
}

#[test]
fn exported_trees_give_what_onnxruntime_gives() {
    let (mut models, mut leaves, mut scaled) = (0, 0, Vec::new());
    for fixture in fixtures() {
        let Some(output) = fixture.text("output") else {
            continue;
        };
        let Some(rows) = fixture.table("rows") else {
            continue;
        };
        let rows = rows.mapv(|x| x as f32);
        let labels = fixture.text("labels_output").map(|name| (name, "labels"));
        for (output, key) in [(output, "expected")].into_iter().chain(labels) {
            let (Some(graph), Some(expected)) = (fixture.graph(output), fixture.table(key)) else {
                continue;
            };
            let calibration = calibrated(&graph, &rows);
            let IntegerModel::Program(program) = &calibration.model else {
                unreachable!()
            };
            let overall = calibration.fidelity.overall;
            println!(
                "{:35} {key:8} {:2} limbs, {:6} wires, error {:.1e}",
                fixture.name,
                program.limbs.total,
                program.wires(),
                overall.max
            );
            if program.encoding == Encoding::Scaled {
                scaled.push(fixture.name.clone());
                continue;
            }
            models += 1;
            leaves += assert_leaves(&graph, program, &rows);
            for (row, expected) in rows.outer_iter().zip(expected.outer_iter()) {
                let found = program.output_reals(&program.evaluate(&row.to_vec()).unwrap());
                assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(expected) {
                    let allowed = if key == "labels" { 0.0 } else { 1e-3 };
                    let error = (found - expected).abs();
                    assert!(
                        error <= allowed * expected.abs().max(1.0) + 1e-12,
                        "{} {key}: {found} {expected}",
                        fixture.name
                    );
                }
            }
        }
    }
    scaled.dedup();
    assert_eq!(scaled, SCALED);
    assert!(models > 35 && leaves > 2_000, "{models} {leaves}");
}

/// Rows at every threshold of the files, and beside it.
#[test]
fn exported_thresholds_decide_as_float_ones_do() {
    let mut leaves = 0;
    for fixture in fixtures() {
        let graph = fixture.text("output").and_then(|name| fixture.graph(name));
        let (Some(graph), Some(rows)) = (graph, fixture.table("rows")) else {
            continue;
        };
        if SCALED.contains(&fixture.name.as_str()) {
            continue;
        }
        let rows = rows.mapv(|x| x as f32);
        let calibration = calibrated(&graph, &rows);
        let IntegerModel::Program(program) = &calibration.model else {
            unreachable!()
        };
        let Encoding::Ranks { ranks, .. } = &program.encoding else {
            unreachable!("{}", fixture.name)
        };
        for ranks in ranks {
            let few = ranks.thresholds.iter().take(40);
            let mut numbers = Vec::new();
            for t in few {
                numbers.extend([t.next_down(), *t, t.next_up()]);
            }
            let first = rows.row(0);
            let rows = Array2::from_shape_fn((numbers.len(), first.len()), |(row, column)| {
                match column == ranks.feature {
                    true => numbers[row],
                    false => first[column],
                }
            });
            leaves += assert_leaves(&graph, program, &rows);
        }
        assert!(
            graph
                .evaluate(ArrayView1::from(&rows.row(0).to_vec()))
                .is_ok()
        );
    }
    assert!(leaves > 5_000, "{leaves}");
}
