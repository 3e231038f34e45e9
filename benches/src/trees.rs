//! Decision trees as ONNX files, grown on rows like the study's.

use anyhow::{Result, bail};
use ndarray::{Array2, Axis};
use zkassay_models::trees::{BoostedParams, ForestParams, TreeEnsemble, TreeParams};
use zkassay_models::trees::{fit_boosted, fit_forest, fit_tree};
use zkassay_models::{Classifier as _, Export, Hyperparameters as _, TrainingSet};
use zkassay_seed::Stream;

use crate::{INPUTS, SEED};

/// Names of the trees of the issue: one of depth 8, forests of 10 and of 100, 200 boosted trees of
/// depth 4, and a forest of 500 for three classes.
pub const TREES: [&str; 5] = [
    "tree-8",
    "forest-10",
    "forest-100",
    "boosted-200",
    "forest-500x3",
];

/// Rows that trees are grown on, and all rows.
const TRAINING_ROWS: usize = 449;
const ROWS: usize = 600;
/// Hidden factors that move features and label.
const FACTORS: usize = 12;
/// Deviation of what the factors do not explain of a feature, and of the label.
const OWN: f64 = 0.7;
const NOISE: f64 = 0.9;

/// Trees by name, their file, and rows that they did not see.
#[derive(Clone, Debug)]
pub struct Trees {
    /// The file.
    pub onnx: Vec<u8>,
    /// Number of trees.
    pub trees: usize,
    /// Number of nodes, leaves included.
    pub nodes: usize,
    /// Branches on the longest way from a root to a leaf.
    pub depth: usize,
    /// `[rows, features]`.
    pub rows: Array2<f32>,
}

/// What a name asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Tree,
    Forest,
    Boosted,
}

/// The trees of a name; `None` if it names no trees.
///
/// `tree-8` is one of depth 8, `forest-100` a hundred as scikit-learn grows them, `forest-100:6`
/// none of them deeper than 6, `forest-500x3` for three classes, `boosted-200` two hundred boosted
/// ones of depth 4.
///
/// # Errors
/// Numbers that no trees can be grown with.
pub fn named(name: &str) -> Result<Option<Trees>> {
    let families = [
        ("tree-", Family::Tree),
        ("forest-", Family::Forest),
        ("boosted-", Family::Boosted),
    ];
    let found = families.into_iter().find_map(|(prefix, family)| {
        let rest = name.strip_prefix(prefix)?;
        Some((family, rest))
    });
    let Some((family, rest)) = found else {
        return Ok(None);
    };
    let (rest, depth) = match rest.split_once(':') {
        Some((rest, depth)) => (rest, Some(depth.parse()?)),
        None => (rest, None),
    };
    let (number, classes) = rest.split_once('x').unwrap_or((rest, "2"));
    let (number, classes) = (number.parse()?, classes.parse()?);
    let (rows, labels) = table(classes)?;
    let (training, others) = rows.view().split_at(Axis(0), TRAINING_ROWS);
    let set = TrainingSet::new(training, &labels[..TRAINING_ROWS])?;
    let ensemble = match family {
        Family::Tree if depth.is_none() => {
            let params = TreeParams {
                max_depth: Some(number),
                ..TreeParams::default()
            };
            fit_tree(&set, &params.check()?)?
        }
        Family::Tree => bail!("`{name}` has two depths"),
        Family::Forest => {
            let tree = TreeParams {
                max_depth: depth,
                ..TreeParams::default()
            };
            let params = ForestParams {
                trees: number,
                tree,
                seed: SEED,
                ..ForestParams::default()
            };
            fit_forest(&set, &params.check()?)?
        }
        Family::Boosted => {
            let params = BoostedParams {
                stages: number,
                max_depth: depth.unwrap_or(4),
                seed: SEED,
                ..BoostedParams::default()
            };
            fit_boosted(&set, &params.check()?)?
        }
    };
    describe(name, &ensemble, others.to_owned()).map(Some)
}

fn describe(name: &str, ensemble: &TreeEnsemble, rows: Array2<f32>) -> Result<Trees> {
    Ok(Trees {
        onnx: ensemble.to_onnx(&Export::new(name))?,
        trees: ensemble.trees().len(),
        nodes: ensemble.nodes(),
        depth: ensemble.depth(),
        rows,
    })
}

/// Rows of 162 features, and labels: both of a few hidden factors and of noise.
fn table(classes: usize) -> Result<(Array2<f32>, Vec<u8>)> {
    if !(2..=10).contains(&classes) {
        bail!("{classes} classes are not 2 to 10");
    }
    let mut stream = Stream::new(SEED, "benches/trees");
    let mut normal = |shape| Array2::from_shape_simple_fn(shape, || stream.normal());
    let factors = normal((ROWS, FACTORS));
    let features = factors.dot(&(0.5 * normal((FACTORS, INPUTS)))) + OWN * normal((ROWS, INPUTS));
    let noise = normal((ROWS, 1));
    let of_row = factors.outer_iter().zip(noise.iter());
    let decides: Vec<f64> = of_row
        .map(|(x, noise)| x[0] + x[1] * x[2] + x[3].max(0.0) / 2.0 + NOISE * noise)
        .collect();
    let mut sorted = decides.clone();
    sorted.sort_by(f64::total_cmp);
    // Classes of about equal size.
    let class = |value: &f64| (sorted.partition_point(|x| x < value) * classes / ROWS) as u8;
    let labels = decides.iter().map(class).collect();
    Ok((features.mapv(|x| x as f32), labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_grown() {
        let shallow = named("forest-7:3").unwrap().unwrap();
        assert_eq!((shallow.trees, shallow.depth), (7, 3));
        assert_eq!(shallow.rows.dim(), (ROWS - TRAINING_ROWS, INPUTS));
        assert_eq!(named("boosted-5").unwrap().unwrap().depth, 4);
        // One tree for each class and stage.
        assert_eq!(named("boosted-5x3").unwrap().unwrap().trees, 15);
        let tree = named("tree-8").unwrap().unwrap();
        assert_eq!((tree.trees, tree.depth), (1, 8));
        assert!(named("162-1").unwrap().is_none());
        for name in ["tree-", "tree-8:2", "forest-0", "forest-3x1", "forest-3x99"] {
            assert!(named(name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_forest_has_the_size_that_its_goal_is_stated_for() {
        let forest = named("forest-100").unwrap().unwrap();
        assert!((10_000..11_500).contains(&forest.nodes), "{}", forest.nodes);
    }
}
