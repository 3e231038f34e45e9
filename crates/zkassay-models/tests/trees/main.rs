//! Trees, forests and boosted trees: splits against brute force, values by
//! hand, sums in any order, and the same scores from what is written.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod boosting;
mod exactness;
mod exported;
mod growing;
mod stored;

use ndarray::{Array2, ArrayView1};
use zkassay_models::trees::{
    BoostedParams, ForestParams, Node, Tree, TreeEnsemble, TreeParams, fit_boosted, fit_forest,
    fit_tree,
};
use zkassay_models::{Hyperparameters, TrainingSet};
use zkassay_seed::Stream;

fn tree(rows: &Array2<f32>, labels: &[u8], params: TreeParams) -> TreeEnsemble {
    let training = TrainingSet::new(rows.view(), labels).unwrap();
    fit_tree(&training, &params.check().unwrap()).unwrap()
}

fn forest(rows: &Array2<f32>, labels: &[u8], params: ForestParams) -> TreeEnsemble {
    let training = TrainingSet::new(rows.view(), labels).unwrap();
    fit_forest(&training, &params.check().unwrap()).unwrap()
}

fn boosted(rows: &Array2<f32>, labels: &[u8], params: BoostedParams) -> TreeEnsemble {
    let training = TrainingSet::new(rows.view(), labels).unwrap();
    fit_boosted(&training, &params.check().unwrap()).unwrap()
}

fn nodes(ensemble: &TreeEnsemble) -> &[Node] {
    &ensemble.trees()[0].nodes
}

fn branch(threshold: f32, left: u32, right: u32) -> Node {
    Node::Branch {
        feature: 0,
        threshold,
        left,
        right,
    }
}

fn leaf<const N: usize>(values: [f32; N]) -> Node {
    Node::Leaf {
        values: values.to_vec(),
    }
}

/// The nodes that a row comes to, from the root to a leaf.
fn way(tree: &Tree, row: ArrayView1<'_, f32>) -> Vec<usize> {
    let mut way = vec![0];
    while let Node::Branch {
        feature,
        threshold,
        left,
        right,
    } = tree.nodes[way[way.len() - 1]]
    {
        let goes_left = row[feature as usize] <= threshold;
        way.push(if goes_left { left } else { right } as usize);
    }
    way
}

/// Rows around one centre per class, so close that classes overlap.
fn clouds(rows: usize, columns: usize, classes: usize) -> (Array2<f32>, Vec<u8>) {
    let mut stream = Stream::new(11, "clouds");
    let labels: Vec<u8> = (0..rows).map(|row| (row % classes) as u8).collect();
    let rows = Array2::from_shape_fn((rows, columns), |(row, column)| {
        let centre = if column % classes == row % classes {
            1.5
        } else {
            0.0
        };
        (centre + stream.normal()) as f32
    });
    (rows, labels)
}

/// One forest and boosted models of two and four classes, one of them with
/// logits so large that their grid is coarse.
fn ensembles() -> Vec<(TreeEnsemble, Array2<f32>)> {
    let mut ensembles = Vec::new();
    for classes in [2, 4] {
        let (rows, labels) = clouds(120, 5, classes);
        for (trees, min_samples_leaf) in [(1, 1), (3, 2), (7, 5), (50, 1)] {
            let params = ForestParams {
                trees,
                tree: TreeParams {
                    min_samples_leaf,
                    ..TreeParams::default()
                },
                ..ForestParams::default()
            };
            ensembles.push((forest(&rows, &labels, params), rows.clone()));
        }
        for (l2, learning_rate) in [(1.0, 0.1), (0.0, 1.0)] {
            let params = BoostedParams {
                stages: 30,
                l2,
                learning_rate,
                ..BoostedParams::default()
            };
            ensembles.push((boosted(&rows, &labels, params), rows.clone()));
        }
    }
    ensembles
}
