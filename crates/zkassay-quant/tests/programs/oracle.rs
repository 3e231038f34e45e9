//! The leaves of onnxruntime.

use ndarray::Array2;
use zkassay_graph::{Graph, Op, TreeNode as Node, Trees};
use zkassay_models::trees::{ForestParams, fit_forest};
use zkassay_models::{Classifier as _, Export, Hyperparameters as _, TrainingSet};
use zkassay_onnx::{ModelBuilder, TreeNode, WeightedTree};
use zkassay_quant::{CalibrationParams, Encoding, IntegerModel, calibrate_model};
use zkassay_seed::Stream;
use zkassay_testing::python::Oracle;

const FEATURES: usize = 162;
const TRAINING: usize = 449;
const TEST: usize = 150;

/// Rows of very different magnitudes, and labels that half of the features decide.
fn rows() -> (Array2<f32>, Vec<u8>) {
    let mut stream = Stream::new(7, "oracle/leaves");
    let mut rows = Array2::zeros((TRAINING + TEST, FEATURES));
    let mut labels = Vec::new();
    for mut row in rows.outer_iter_mut() {
        let label = stream.below(2);
        for (at, x) in row.iter_mut().enumerate() {
            let signal = if at % 2 == 0 { label as f64 / 3.0 } else { 0.0 };
            *x = ((stream.normal() + signal) * 10f64.powi(at as i32 % 19 - 9)) as f32;
        }
        labels.push(label as u8);
    }
    (rows, labels)
}

/// One tree of an ensemble, whose leaves add their numbers; none for a tree without questions.
fn numbered(trees: &Trees, root: u32) -> Option<WeightedTree> {
    let (mut open, mut nodes) = (vec![root], Vec::new());
    let mut next = 0;
    while next < open.len() {
        let node = match trees.nodes[open[next] as usize] {
            Node::Leaf(_) => TreeNode::Leaf {
                weights: vec![next as f32, 0.0],
            },
            Node::Inner {
                feature,
                threshold,
                yes,
                no,
                ..
            } => {
                open.extend([yes, no]);
                TreeNode::Branch {
                    feature: feature as usize,
                    threshold,
                    at_most: open.len() - 2,
                    above: open.len() - 1,
                }
            }
        };
        nodes.push(node);
        next += 1;
    }
    (nodes.len() > 1).then_some(WeightedTree { class: 0, nodes })
}

/// A feature with the thresholds, which are put into the test rows: equality is where engines differ.
fn with_thresholds(test: &mut Array2<f32>, tree: &WeightedTree) {
    let branches = tree.nodes.iter().filter_map(|node| match node {
        TreeNode::Branch {
            feature, threshold, ..
        } => Some((*feature, *threshold)),
        TreeNode::Leaf { .. } => None,
    });
    for (at, (feature, threshold)) in branches.enumerate() {
        let beside = [threshold, threshold.next_up(), threshold.next_down()];
        test[[at % TEST, feature]] = beside[at % 3];
    }
}

#[test]
fn every_row_comes_to_the_leaf_of_onnxruntime() {
    let Some(oracle) = Oracle::find() else {
        return;
    };
    let (all, labels) = rows();
    let (training, test) = all.view().split_at(ndarray::Axis(0), TRAINING);
    let params = ForestParams {
        trees: 25,
        ..ForestParams::default()
    };
    let set = TrainingSet::new(training, &labels[..TRAINING]).unwrap();
    let forest = fit_forest(&set, &params.check().unwrap()).unwrap();
    let graph = Graph::from_onnx(&forest.to_onnx(&Export::new("forest")).unwrap()).unwrap();
    let trees = graph.nodes.iter().find_map(|node| match &node.op {
        Op::Trees(trees) => Some(trees),
        _ => None,
    });
    let trees = trees.unwrap();
    let mut leaves = std::collections::HashSet::new();
    for (index, root) in trees.roots.iter().enumerate() {
        let tree = numbered(trees, *root).unwrap();
        let mut test = test.to_owned();
        with_thresholds(&mut test, &tree);
        let onnx = ModelBuilder::new("tree", FEATURES)
            .and_then(|model| model.tree_ensemble("trees", 2, &[tree]))
            .and_then(ModelBuilder::encode)
            .unwrap();
        let expected = oracle.onnxruntime(&onnx, test.view()).unwrap().scores;
        let graph = Graph::from_onnx(&onnx).unwrap();
        let params = CalibrationParams::new(9).unwrap();
        let calibration = calibrate_model(&graph, training, &params).unwrap();
        let IntegerModel::Program(program) = calibration.model else {
            unreachable!();
        };
        assert!(matches!(program.encoding, Encoding::Ranks { .. }));
        for (row, expected) in test.outer_iter().zip(expected.outer_iter()) {
            let trace = program.evaluate(&row.to_vec()).unwrap();
            let found = program.output_reals(&trace);
            assert_eq!(found[0], f64::from(expected[0]), "tree {index}");
            leaves.insert((index, found[0] as u32));
        }
    }
    assert!(leaves.len() > 500, "{} leaves", leaves.len());
}
