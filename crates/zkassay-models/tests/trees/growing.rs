//! Which splits are taken.

use ndarray::{Array2, ArrayView1, array};
use zkassay_models::Classifier;
use zkassay_models::trees::{
    BoostedParams, ForestParams, MaxFeatures, Node, TreeEnsemble, TreeParams,
};
use zkassay_seed::Stream;

use crate::{boosted, branch, clouds, forest, leaf, nodes, tree, way};

/// The Gini impurity after a split, times the rows and `lcm(1..=12)`: exact.
fn impurity(sides: [Vec<u8>; 2]) -> u64 {
    const MULTIPLE: u64 = 27_720;
    let of_side = |labels: &Vec<u8>| {
        let rows = labels.len() as u64;
        let count = |class| labels.iter().filter(|&&label| label == class).count() as u64;
        let squares: u64 = (0..4).map(|class| count(class) * count(class)).sum();
        rows * MULTIPLE - squares * MULTIPLE / rows
    };
    sides.iter().map(of_side).sum()
}

/// Checks that every branch below `at` is the best there is.
fn assert_best(nodes: &[Node], at: u32, rows: &Array2<f32>, labels: &[u8], here: &[usize]) {
    let split = |feature: usize, threshold: f32| {
        let left = |row: &usize| rows[[*row, feature]] <= threshold;
        let (left, right): (Vec<usize>, Vec<usize>) = here.iter().partition(|row| left(row));
        [left, right]
    };
    let of = |side: &Vec<usize>| side.iter().map(|&row| labels[row]).collect::<Vec<u8>>();
    let candidates = (0..rows.ncols()).flat_map(|feature| {
        let thresholds = here.iter().map(move |&row| rows[[row, feature]]);
        let splits = thresholds.map(move |threshold| split(feature, threshold));
        splits.filter(|[_, right]| !right.is_empty())
    });
    let least = candidates.map(|sides| impurity(sides.each_ref().map(of)));
    match (&nodes[at as usize], least.min()) {
        (Node::Leaf { .. }, least) => {
            let pure = here.iter().all(|&row| labels[row] == labels[here[0]]);
            assert!(pure || least.is_none(), "{here:?} could be split");
        }
        (
            &Node::Branch {
                feature,
                threshold,
                left,
                right,
            },
            least,
        ) => {
            let sides = split(feature as usize, threshold);
            assert_eq!(Some(impurity(sides.each_ref().map(of))), least, "{here:?}");
            assert_best(nodes, left, rows, labels, &sides[0]);
            assert_best(nodes, right, rows, labels, &sides[1]);
        }
    }
}

#[test]
fn every_split_is_the_best_by_brute_force() {
    let mut stream = Stream::new(1, "brute force");
    for _ in 0..400 {
        // Few values, so that rows tie in features and differ in labels.
        let rows = Array2::from_shape_fn((12, 3), |_| stream.below(4) as f32 - 1.5);
        let mut labels: Vec<u8> = (0..12).map(|_| stream.below(3) as u8).collect();
        labels[..3].copy_from_slice(&[0, 1, 2]);
        let model = tree(&rows, &labels, TreeParams::default());
        let all: Vec<usize> = (0..12).collect();
        assert_best(nodes(&model), 0, &rows, &labels, &all);
    }
}

#[test]
fn rows_that_share_a_value_do_not_hide_a_split() {
    let model = tree(
        &array![[1.0], [1.0], [2.0]],
        &[0, 1, 1],
        TreeParams::default(),
    );
    let expected = [branch(1.5, 1, 2), leaf([0.5, 0.5]), leaf([0.0, 1.0])];
    assert_eq!(nodes(&model), expected);

    // A feature of two values is as good in every order of the rows.
    let mut order: Vec<usize> = (0..8).collect();
    let mut stream = Stream::new(2, "order");
    for _ in 0..50 {
        stream.shuffle(&mut order);
        let rows = Array2::from_shape_fn((8, 1), |(row, _)| (order[row] % 2) as f32);
        let label = |&row: &usize| u8::from([1, 3, 5, 6].contains(&row));
        let labels: Vec<u8> = order.iter().map(label).collect();
        let model = tree(&rows, &labels, TreeParams::default());
        let expected = [branch(0.5, 1, 2), leaf([0.75, 0.25]), leaf([0.25, 0.75])];
        assert_eq!(nodes(&model), expected);
    }
}

#[test]
fn exclusive_or_takes_a_split_that_gains_nothing() {
    let rows = array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    let labels = [0, 1, 1, 0];
    let model = tree(&rows, &labels, TreeParams::default());
    assert_eq!((model.depth(), model.leaves(), model.nodes()), (2, 4, 7));
    assert_eq!(model.parameters(), 3 + 4 * 2);
    assert_eq!(model.predict(rows.view()).unwrap().classes(), labels);
    // Boosting has nothing to go down: its trees are single leaves.
    let model = boosted(&rows, &labels, BoostedParams::default());
    assert_eq!((model.depth(), model.leaves()), (0, 100));
}

#[test]
fn ties_go_to_the_first_feature_and_the_lowest_threshold() {
    let rows = array![[5.0, 0.0], [4.0, 1.0], [3.0, 2.0], [2.0, 3.0]];
    let limits = TreeParams {
        max_depth: Some(1),
        ..TreeParams::default()
    };
    // Splitting off the first or the last row gains as much.
    let model = tree(&rows, &[1, 0, 0, 1], limits);
    assert_eq!(nodes(&model)[0], branch(2.5, 1, 2));
    // Shares tie: the first class wins.
    let model = tree(&array![[0.0], [0.0]], &[1, 0], TreeParams::default());
    assert_eq!(nodes(&model), [leaf([0.5, 0.5])]);
    let predictions = model.predict(array![[7.0]].view()).unwrap();
    assert_eq!(predictions.classes(), [0]);
}

#[test]
fn limits_are_kept() {
    let (rows, labels) = clouds(300, 5, 3);
    for depth in 1..=6 {
        let limits = TreeParams {
            max_depth: Some(depth),
            ..TreeParams::default()
        };
        assert_eq!(tree(&rows, &labels, limits).depth(), depth);
    }
    let rows_below = |model: &TreeEnsemble, at: usize| {
        let passes = |row: &ArrayView1<'_, f32>| way(&model.trees()[0], *row).contains(&at);
        rows.outer_iter().filter(passes).count()
    };
    let limits = TreeParams {
        min_samples_leaf: 7,
        min_samples_split: 40,
        ..TreeParams::default()
    };
    let model = tree(&rows, &labels, limits);
    assert!(model.leaves() > 5);
    for (at, node) in nodes(&model).iter().enumerate() {
        let least = if matches!(node, Node::Leaf { .. }) {
            7
        } else {
            40
        };
        assert!(rows_below(&model, at) >= least, "node {at}");
    }
}

#[test]
fn forests_depend_on_the_seed_and_not_on_the_threads() {
    let (rows, labels) = clouds(150, 9, 3);
    let grown = |threads: usize, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let params = ForestParams {
            trees: 20,
            seed,
            ..ForestParams::default()
        };
        let pool = pool.build().unwrap();
        pool.install(|| forest(&rows, &labels, params))
    };
    let one = grown(1, 7);
    assert_eq!(one, grown(2, 7));
    assert_eq!(one, grown(5, 7));
    assert_ne!(one, grown(2, 8));
    assert_ne!(one.trees()[0], one.trees()[1]);

    let stages = |threads: usize, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let params = BoostedParams {
            stages: 5,
            subsample: 0.5,
            seed,
            ..BoostedParams::default()
        };
        let pool = pool.build().unwrap();
        pool.install(|| boosted(&rows, &labels, params))
    };
    assert_eq!(stages(1, 7), stages(5, 7));
    assert_ne!(stages(1, 7), stages(1, 8));
}

#[test]
fn without_bootstrap_and_with_all_features_a_forest_is_one_tree_repeated() {
    let (rows, labels) = clouds(60, 4, 2);
    let alone = tree(&rows, &labels, TreeParams::default());
    let params = ForestParams {
        trees: 4,
        max_features: MaxFeatures::Count(4),
        bootstrap: false,
        ..ForestParams::default()
    };
    let model = forest(&rows, &labels, params);
    assert_eq!(
        model.sums(rows.view()).unwrap(),
        alone.sums(rows.view()).unwrap()
    );
    let params = ForestParams {
        max_features: MaxFeatures::Count(1),
        ..params
    };
    let drawn = forest(&rows, &labels, params);
    assert_ne!(drawn.trees()[0], drawn.trees()[1]);
}

fn accuracy(model: &TreeEnsemble, rows: &Array2<f32>, labels: &[u8]) -> f64 {
    let classes = model.predict(rows.view()).unwrap().classes();
    let right = classes.iter().zip(labels).filter(|(a, b)| a == b).count();
    right as f64 / labels.len() as f64
}

#[test]
fn forests_and_boosting_beat_a_single_tree_on_new_rows() {
    for classes in [2, 3, 5] {
        let (rows, labels) = clouds(900, 2 * classes, classes);
        let half = rows.nrows() / 2;
        let train = rows.slice_axis(ndarray::Axis(0), (..half).into());
        let test = rows.slice_axis(ndarray::Axis(0), (half..).into());
        let (train, test) = (train.to_owned(), test.to_owned());
        let (known, new) = labels.split_at(half);
        let alone = tree(&train, known, TreeParams::default());
        assert_eq!(accuracy(&alone, &train, known), 1.0);
        let alone = accuracy(&alone, &test, new);
        let many = accuracy(&forest(&train, known, ForestParams::default()), &test, new);
        let stages = boosted(&train, known, BoostedParams::default());
        let stages = accuracy(&stages, &test, new);
        assert!(many > alone + 0.03, "{classes}: {many}, one tree {alone}");
        assert!(
            stages > alone + 0.03,
            "{classes}: {stages}, one tree {alone}"
        );
    }
}
