//! Trees as ONNX, over standardised or raw features.

use zkassay_onnx::{TreeNode, WeightedTree};

use super::ensemble::{Link, TreeEnsemble};
use super::node::{Node, Tree};
use super::rank::{of_rank, rank};
use crate::classifier::builder;
use crate::{Classifier, Export, ModelError, Standardization};

/// The bytes of an `.onnx` file.
pub(super) fn encode(ensemble: &TreeEnsemble, export: &Export) -> Result<Vec<u8>, ModelError> {
    let inputs = ensemble.inputs();
    if let Some(standardization) = &export.standardization {
        standardization.check(inputs)?;
    }
    let trees = ensemble.trees().iter();
    let trees = trees.map(|tree| weighted(tree, export.standardization.as_ref()));
    let trees: Vec<_> = trees.collect();
    // The thresholds take raw features, so nothing stands before them.
    let export = Export {
        standardization: None,
        ..export.clone()
    };
    let builder = builder(&export, inputs, ensemble.classes())?;
    let builder = builder.tree_ensemble("trees", ensemble.classes(), &trees)?;
    let builder = match ensemble.link() {
        Link::Identity => builder,
        Link::Softmax => builder.softmax("probabilities")?,
    };
    Ok(builder.encode()?)
}

/// A tree as it is exported; over raw features if a standardisation is given.
pub(super) fn weighted(tree: &Tree, standardization: Option<&Standardization>) -> WeightedTree {
    let nodes = tree.nodes.iter().map(|node| match *node {
        Node::Leaf { ref values } => TreeNode::Leaf {
            weights: values.clone(),
        },
        Node::Branch {
            feature,
            threshold,
            left,
            right,
        } => {
            let feature = feature as usize;
            let (threshold, at_most, above) = match standardization {
                None => (threshold, left, right),
                Some(standardization) => match raw(standardization, feature, threshold) {
                    Some(threshold) => (threshold, left, right),
                    // No number goes left: now every number does, to the right child.
                    None => (f32::MAX, right, left),
                },
            };
            TreeNode::Branch {
                feature,
                threshold,
                at_most: at_most as usize,
                above: above as usize,
            }
        }
    });
    WeightedTree {
        class: tree.first_column(),
        nodes: nodes.collect(),
    }
}

/// The threshold of raw values: the greatest number whose standardised value is
/// at most `threshold`, so that `x <= raw` holds for the very float32 numbers
/// `x` whose standardised values are at most `threshold`. None if there is none.
///
/// Standardising never changes the order of two numbers, rounded as it is, so
/// bisection over all float32 numbers finds it.
fn raw(standardization: &Standardization, feature: usize, threshold: f32) -> Option<f32> {
    let holds = |x: f32| standardization.value(feature, x) <= threshold;
    if !holds(f32::MIN) {
        return None;
    }
    let (mut low, mut high) = (rank(f32::MIN), rank(f32::MAX));
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if holds(of_rank(middle)) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Some(of_rank(low))
}

#[cfg(test)]
mod tests {
    use zkassay_seed::Stream;

    use super::*;

    /// Whether `x` goes left in the exported branch.
    fn goes_left(standardization: &Standardization, threshold: f32, x: f32) -> bool {
        let tree = Tree {
            column: 0,
            nodes: vec![Node::Branch {
                feature: 0,
                threshold,
                left: 1,
                right: 2,
            }],
        };
        match weighted(&tree, Some(standardization)).nodes[0] {
            TreeNode::Branch {
                threshold,
                at_most,
                above,
                ..
            } => {
                assert!(threshold.is_finite());
                (if x <= threshold { at_most } else { above }) == 1
            }
            TreeNode::Leaf { .. } => panic!("a branch stays a branch"),
        }
    }

    /// Agreement at the ends, at 0, at the threshold and around it.
    fn assert_agreement(mean: f32, deviation: f32, threshold: f32) {
        let standardization = Standardization::new(vec![mean], vec![deviation]).unwrap();
        let boundary = raw(&standardization, 0, threshold).unwrap_or(f32::MIN);
        let around = (0..=40).map(|step| (rank(boundary) - 20).saturating_add(step));
        let around = around.map(of_rank).filter(|x| x.is_finite());
        let others = [f32::MIN, f32::MAX, 0.0, -0.0, mean, threshold, deviation];
        for x in around.chain(others) {
            let expected = standardization.value(0, x) <= threshold;
            let found = goes_left(&standardization, threshold, x);
            assert_eq!(
                found, expected,
                "({x:e} - {mean:e}) / {deviation:e} <= {threshold:e}"
            );
        }
    }

    #[test]
    fn raw_thresholds_decide_as_standardised_ones() {
        let mut stream = Stream::new(1, "fold");
        for _ in 0..20_000 {
            let mean = (stream.normal() * 10f64.powf(3.0 * stream.normal())) as f32;
            let deviation = 10f64.powf(3.0 * stream.normal()) as f32;
            assert_agreement(mean, deviation, stream.normal() as f32);
        }
    }

    #[test]
    fn extreme_standardisations_decide_alike_too() {
        let mut stream = Stream::new(2, "fold");
        let mut finite = || loop {
            let x = f32::from_bits(stream.bits() as u32);
            if x.is_finite() {
                return x;
            }
        };
        let mut tested = 0;
        while tested < 20_000 {
            let (mean, deviation, threshold) = (finite(), finite().abs(), finite());
            if deviation.is_normal() {
                assert_agreement(mean, deviation, threshold);
                tested += 1;
            }
        }
    }

    #[test]
    fn thresholds_that_nothing_or_everything_meets_stay_finite() {
        let wide = Standardization::new(vec![0.0], vec![1e38]).unwrap();
        assert_eq!(raw(&wide, 0, -10.0), None);
        assert_eq!(raw(&wide, 0, 10.0), Some(f32::MAX));
        assert!(!goes_left(&wide, -10.0, f32::MIN) && !goes_left(&wide, -10.0, f32::MAX));
        assert!(goes_left(&wide, 10.0, f32::MIN) && goes_left(&wide, 10.0, f32::MAX));
    }
}
