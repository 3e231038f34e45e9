//! What the leaves of boosted trees are.

use ndarray::{Array2, array};
use zkassay_models::Classifier;
use zkassay_models::trees::{BoostedParams, Node, TreeEnsemble};

use crate::{boosted, branch, clouds, nodes};

fn close(found: f32, expected: f64) {
    let error = (f64::from(found) - expected).abs();
    // Half of the grid of logits.
    assert!(error <= 0.5f64.powi(21), "{found}, expected {expected}");
}

/// Values of single leaves, in order.
fn leaf_values(model: &TreeEnsemble) -> Vec<f32> {
    let nodes = model.trees().iter().flat_map(|tree| &tree.nodes);
    let leaves = nodes.filter_map(|node| match node {
        Node::Leaf { values } => Some(values[0]),
        Node::Branch { .. } => None,
    });
    leaves.collect()
}

#[test]
fn the_first_stage_of_two_classes_by_hand() {
    let rows = array![[0.0], [1.0], [2.0], [3.0]];
    let params = BoostedParams {
        stages: 1,
        max_depth: 1,
        ..BoostedParams::default()
    };
    // p = 1/4, gradients -1/4 and 3/4, hessians 3/16.
    let model = boosted(&rows, &[0, 0, 0, 1], params);
    assert_eq!(model.trees()[0].column, 1);
    assert_eq!(nodes(&model)[0], branch(2.5, 1, 2));
    let start = (1.0f64 / 3.0).ln();
    let values = leaf_values(&model);
    close(values[0], start - 0.1 * 0.75 / (9.0 / 16.0 + 1.0));
    close(values[1], start + 0.1 * 0.75 / (3.0 / 16.0 + 1.0));
    let sums = model.sums(rows.view()).unwrap();
    assert_eq!(sums.column(0).to_vec(), [0.0; 4]);
    assert_eq!(sums[[3, 1]], values[1]);

    let params = BoostedParams {
        l2: 0.0,
        learning_rate: 1.0,
        ..params
    };
    let values = leaf_values(&boosted(&rows, &[0, 0, 0, 1], params));
    close(values[0], start - 4.0 / 3.0);
    close(values[1], start + 4.0);
}

#[test]
fn the_first_two_stages_of_three_classes_by_hand() {
    let rows = array![[0.0], [1.0], [2.0]];
    let params = BoostedParams {
        stages: 2,
        max_depth: 1,
        ..BoostedParams::default()
    };
    let model = boosted(&rows, &[0, 1, 2], params);
    let columns: Vec<u32> = model.trees().iter().map(|tree| tree.column).collect();
    assert_eq!(columns, [0, 1, 2, 0, 1, 2]);

    // p = 1/3, gradients 2/3 and -1/3, hessians 2/9, and (K - 1) / K = 2/3.
    let step = |gradient: f64, rows: f64| 0.1 * (2.0 / 3.0) * gradient / (rows * 2.0 / 9.0 + 1.0);
    let start = (1.0f64 / 3.0).ln();
    let (high, low) = (start + step(2.0 / 3.0, 1.0), start + step(-2.0 / 3.0, 2.0));
    let values = leaf_values(&model);
    close(values[0], high);
    close(values[1], low);
    close(values[4], low);
    close(values[5], high);
    // Class 1 is in the middle: splitting off either side gains as much.
    let (edge, rest) = (start + step(-1.0 / 3.0, 1.0), start + step(1.0 / 3.0, 2.0));
    close(values[2], edge);
    close(values[3], rest);

    // The second stage starts from there.
    let logits = [[high, edge, low], [low, rest, low], [low, rest, high]];
    let p = logits.map(|row| row[0].exp() / row.iter().map(|z| z.exp()).sum::<f64>());
    let h = p.map(|p| p * (1.0 - p));
    let rate = 0.1 * 2.0 / 3.0;
    close(values[6], rate * (1.0 - p[0]) / (h[0] + 1.0));
    close(values[7], rate * (-p[1] - p[2]) / (h[1] + h[2] + 1.0));
}

#[test]
fn log_loss_falls_with_every_stage() {
    for classes in [2, 4] {
        let (rows, labels) = clouds(200, 6, classes);
        let loss = |stages| {
            let params = BoostedParams {
                stages,
                ..BoostedParams::default()
            };
            let scores = boosted(&rows, &labels, params).predict(rows.view());
            let scores = scores.unwrap().scores;
            let rows = scores.outer_iter().zip(&labels);
            let losses = rows.map(|(p, &label)| -f64::from(p[usize::from(label)]).ln());
            losses.sum::<f64>() / labels.len() as f64
        };
        let losses = [1, 2, 5, 20, 80].map(loss);
        assert!(losses[0] < (classes as f64).ln());
        assert!(losses.is_sorted_by(|a, b| a > b), "{losses:?}");
        assert!(losses[4] < 0.3 * losses[0], "{losses:?}");
    }
}

#[test]
fn certainty_is_no_end_of_boosting() {
    // Rows 0 to 9 are told apart at once; one label contradicts the others.
    let rows = Array2::from_shape_fn((11, 1), |(row, _)| (row % 10) as f32);
    let labels = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1];
    let params = BoostedParams {
        stages: 300,
        learning_rate: 1.0,
        max_depth: 5,
        l2: 0.0,
        ..BoostedParams::default()
    };
    let model = boosted(&rows, &labels, params);
    let scores = model.predict(rows.view()).unwrap().scores;
    for row in 1..10 {
        assert!(scores[[row, usize::from(labels[row])]] > 0.999, "row {row}");
    }
    assert!((scores[[0, 1]] - 0.5).abs() < 1e-3, "{}", scores[[0, 1]]);
}
