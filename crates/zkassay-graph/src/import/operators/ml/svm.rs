//! SVMClassifier, SVMRegressor.
//!
//! A Gaussian kernel needs the square of the distance to every support vector. That is
//! `|x - c|^2 - 2 (v - c)(x - c) + |v - c|^2` for any `c`: a dense layer and one sum of squares.
//! With the mean of the support vectors for `c` nothing large cancels.

mod coupling;

use super::super::normalization::reduce;
use super::super::{Builder, NodeRef, Tensor};
use super::linear::dense;
use super::scores::{Labels, Transform, above, arg_max, complement, of_one};
use super::{floats, rows};
use crate::GraphError;
use crate::import::tensor::DataType;
use crate::op::{Arithmetic, Binary, Function, Reduction};

/// A kernel and its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kernel {
    Linear,
    /// `(gamma x v + coef0)^degree`.
    Polynomial {
        gamma: f32,
        coef0: f32,
        degree: u32,
    },
    /// `exp(-gamma |x - v|^2)`.
    Gaussian {
        gamma: f32,
    },
    /// `tanh(gamma x v + coef0)`.
    Sigmoid {
        gamma: f32,
        coef0: f32,
    },
}

impl Kernel {
    fn of(node: &NodeRef<'_>) -> Result<Self, GraphError> {
        let parameters = floats(node, "kernel_params")?;
        let [gamma, coef0, degree] = match *parameters {
            [] => [0.0, 0.0, 0.0],
            [gamma, coef0, degree] => [gamma, coef0, degree],
            _ => {
                let count = parameters.len();
                return Err(node.unsupported(format!("kernel_params has {count} numbers, not 3")));
            }
        };
        match node.string("kernel_type", "LINEAR")?.as_str() {
            "LINEAR" => Ok(Self::Linear),
            "RBF" => Ok(Self::Gaussian { gamma }),
            "SIGMOID" => Ok(Self::Sigmoid { gamma, coef0 }),
            "POLY" => match degree {
                1.0..=64.0 if degree.fract() == 0.0 => Ok(Self::Polynomial {
                    gamma,
                    coef0,
                    degree: degree as u32,
                }),
                _ => Err(node.unsupported(format!(
                    "the degree of its kernel is {degree}: integers from 1 to 64 are supported"
                ))),
            },
            other => Err(node.unsupported(format!(
                "kernel_type is {other:?}, expected LINEAR, POLY, RBF or SIGMOID"
            ))),
        }
    }

    /// The kernel of every row and every support vector: `[rows, vectors]`.
    fn apply(
        self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        vectors: &[f32],
    ) -> Result<Tensor, GraphError> {
        let (x, rows, features) = rows(node, builder)?;
        let count = vectors.len() / features;
        builder.charge(node, vectors.len())?;
        let product = |builder: &mut Builder, factor: f32, offset: f32| {
            let weights = vectors.iter().map(|v| factor * v).collect();
            dense(node, builder, &x, rows, weights, vec![offset; count])
        };
        match self {
            Self::Linear => product(builder, 1.0, 0.0),
            Self::Polynomial {
                gamma,
                coef0,
                degree,
            } => {
                let base = product(builder, gamma, coef0)?;
                match degree {
                    1 => Ok(base),
                    _ => builder.map(node, Function::Power(degree), &base),
                }
            }
            Self::Sigmoid { gamma, coef0 } => {
                let base = product(builder, gamma, coef0)?;
                builder.map(node, Function::Tanh, &base)
            }
            Self::Gaussian { gamma } => gaussian(node, builder, vectors, gamma),
        }
    }
}

fn gaussian(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    vectors: &[f32],
    gamma: f32,
) -> Result<Tensor, GraphError> {
    let (x, rows, features) = rows(node, builder)?;
    let count = (vectors.len() / features).max(1);
    let mut centre = vec![0.0f64; features];
    for vector in vectors.chunks_exact(features) {
        for (sum, v) in centre.iter_mut().zip(vector) {
            *sum += f64::from(*v) / count as f64;
        }
    }
    let centre: Vec<f32> = centre.into_iter().map(|c| c as f32).collect();
    builder.charge(node, x.len())?;
    let centred = builder.with_constants(node, Arithmetic::Subtract, &x, centre.repeat(rows))?;
    let mut weights = Vec::with_capacity(vectors.len());
    let mut squares = Vec::with_capacity(count);
    for vector in vectors.chunks_exact(features) {
        let pairs = vector.iter().zip(&centre);
        let offsets = pairs.map(|(v, c)| f64::from(*v) - f64::from(*c));
        squares.push(offsets.clone().map(|d| d * d).sum::<f64>() as f32);
        weights.extend(offsets.map(|d| (-2.0 * d) as f32));
    }
    let products = dense(node, builder, &centred, rows, weights, squares)?;
    let square = builder.map(node, Function::Power(2), &centred)?;
    let norms = reduce(node, builder, Reduction::Sum, &square, &[1])?;
    let distances = builder.binary(node, Binary::Add, &products, &norms)?;
    // Rounding must not make a distance negative.
    let distances = builder.map(node, Function::Relu, &distances)?;
    let exponents = builder.with_scalar(node, Arithmetic::Multiply, &distances, -gamma)?;
    builder.map(node, Function::Exp, &exponents)
}

/// A number for each row; with `one_class` its sign.
pub(super) fn regressor(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let (x, rows, features) = rows(node, builder)?;
    let coefficients = floats(node, "coefficients")?;
    let rho = rho(node, 1)?[0];
    let vectors = floats(node, "support_vectors")?;
    let count = node.int("n_supports", 0)?;
    let linear = count == 0;
    let expected = if linear {
        features
    } else {
        vectors.len() / features
    };
    let fits =
        linear || usize::try_from(count) == Ok(expected) && vectors.len() == expected * features;
    if !fits || coefficients.len() != expected {
        return Err(node.unsupported(format!(
            "it has {} coefficients and {} numbers of {count} support vectors, for {features} \
             features",
            coefficients.len(),
            vectors.len(),
        )));
    }
    let kernels = match linear {
        true => x,
        false => Kernel::of(node)?.apply(node, builder, vectors)?,
    };
    let result = dense(
        node,
        builder,
        &kernels,
        rows,
        coefficients.to_vec(),
        vec![rho],
    )?;
    if node.int("one_class", 0)? == 0 {
        return Ok(vec![result]);
    }
    let inside = above(node, builder, &result, 0.0)?.typed(DataType::Float);
    let doubled = builder.with_scalar(node, Arithmetic::Multiply, &inside, 2.0)?;
    let sign = builder.with_scalar(node, Arithmetic::Subtract, &doubled, 1.0)?;
    Ok(vec![builder.reshape(node, &sign, vec![rows, 1])?])
}

/// The attribute `rho`, at least `count` numbers.
fn rho<'a>(node: &NodeRef<'a>, count: usize) -> Result<&'a [f32], GraphError> {
    let rho = floats(node, "rho")?;
    match rho.len() >= count.max(1) {
        true => Ok(rho),
        false => Err(node.unsupported(format!("rho has {} numbers of {count}", rho.len()))),
    }
}

/// A label and scores for each row.
pub(super) fn classifier(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let labels = Labels::of(node, "classlabels_ints", "classlabels_strings")?;
    let per_class = node.ints("vectors_per_class")?.unwrap_or_default();
    match per_class.iter().any(|count| *count != 0) {
        true => pairwise(node, builder, &labels, per_class),
        false => linear(node, builder, &labels),
    }
}

/// One score for each class.
fn linear(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    labels: &Labels<'_>,
) -> Result<Vec<Tensor>, GraphError> {
    let (x, rows, features) = rows(node, builder)?;
    let classes = labels.len();
    let coefficients = floats(node, "coefficients")?;
    if classes.checked_mul(features) != Some(coefficients.len()) {
        return Err(node.unsupported(format!(
            "it has {} coefficients for {classes} classes and {features} features",
            coefficients.len()
        )));
    }
    let bias = vec![rho(node, 1)?[0]; classes];
    let scores = dense(node, builder, &x, rows, coefficients.to_vec(), bias)?;
    let mut position = arg_max(node, builder, &scores)?;
    if classes == 2 && !node.has("prob_a") {
        // The second class wins wherever a score is high enough.
        let all_positive = coefficients.iter().all(|c| *c >= 0.0);
        let greatest = reduce(node, builder, Reduction::Max, &scores, &[1])?;
        let greatest = builder.reshape(node, &greatest, vec![rows])?;
        let wins = match all_positive {
            true => {
                let half = Tensor::constant(vec![], DataType::Float, vec![0.5]);
                builder.binary(node, Binary::LessOrEqual, &half, &greatest)?
            }
            false => above(node, builder, &greatest, 0.0)?,
        };
        position = builder.binary(node, Binary::Max, &position, &wins)?;
    }
    let label = labels.name(node, builder, position)?;
    let transform = Transform::of(node)?;
    Ok(vec![
        label,
        match classes {
            1 => transform.apply_to_one(node, builder, scores)?,
            _ => transform.apply(node, builder, scores)?,
        },
    ])
}

/// A score for each pair of classes, as libsvm trains them; the pairs vote.
fn pairwise(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    labels: &Labels<'_>,
    per_class: &[i64],
) -> Result<Vec<Tensor>, GraphError> {
    let scores = decisions(node, builder, labels.len(), per_class)?;
    let transform = Transform::of(node)?;
    let (a, b) = (floats(node, "prob_a")?, floats(node, "prob_b")?);
    if a.len() != b.len() {
        let reason = format!(
            "it has {} and {} numbers in prob_a and prob_b",
            a.len(),
            b.len()
        );
        return Err(node.unsupported(reason));
    }
    if labels.len() > 2 {
        let position = votes(node, builder, &scores, labels.len())?;
        let label = labels.name(node, builder, position)?;
        let scores = match a.is_empty() {
            true => scores,
            // Of more classes the label alone: a node without the other output refuses nothing.
            false if labels.len() > 3 => return Ok(vec![label]),
            false => coupling::of_three(node, builder, &scores, (a, b))?,
        };
        return Ok(vec![label, transform.apply(node, builder, scores)?]);
    }
    // The first class wins where the score is positive.
    let rows = scores.len();
    let first = above(node, builder, &scores, 0.0)?;
    let second = builder
        .map(node, Function::Not, &first)?
        .typed(DataType::Int64);
    let label = labels.name(node, builder, second)?;
    let Some((a, b)) = a.first().zip(b.first()) else {
        let is_signed = transform == Transform::None;
        let scores = of_one(node, builder, &scores, is_signed, transform)?;
        return Ok(vec![label, scores]);
    };
    // libsvm couples the probabilities of pairs by an iteration, which it stops within 0.005 of its
    // limit. For two classes the limit is the probability of their pair.
    let scaled = builder.with_scalar(node, Arithmetic::Multiply, &scores, *a)?;
    let exponent = builder.with_scalar(node, Arithmetic::Add, &scaled, *b)?;
    let of_second = builder.map(node, Function::Sigmoid, &exponent)?;
    let of_second = builder.reshape(node, &of_second, vec![rows, 1])?;
    let probabilities = complement(node, builder, &of_second)?;
    Ok(vec![label, transform.apply(node, builder, probabilities)?])
}

/// The scores `[rows, pairs]` of the pairs of classes, positive for the first.
fn decisions(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    classes: usize,
    per_class: &[i64],
) -> Result<Tensor, GraphError> {
    let (_, rows, features) = rows(node, builder)?;
    let vectors = floats(node, "support_vectors")?;
    let coefficients = floats(node, "coefficients")?;
    let total = vectors.len() / features;
    let counts: Option<Vec<usize>> = per_class.iter().map(|n| usize::try_from(*n).ok()).collect();
    let counts = counts.filter(|counts| {
        let sum = counts.iter().try_fold(0usize, |sum, n| sum.checked_add(*n));
        counts.len() == classes && sum == Some(total)
    });
    let fits = classes >= 2
        && vectors.len() == total * features
        && total.checked_mul(classes - 1) == Some(coefficients.len());
    let Some(counts) = counts.filter(|_| fits) else {
        return Err(node.unsupported(format!(
            "it has {} coefficients and {} numbers of support vectors for {classes} classes and \
             {features} features, and vectors_per_class has {} numbers",
            coefficients.len(),
            vectors.len(),
            per_class.len()
        )));
    };
    let pairs = classes.saturating_mul(classes - 1) / 2;
    let rho = rho(node, pairs)?;
    builder.charge(node, pairs.saturating_mul(total))?;
    let starts: Vec<usize> = counts
        .iter()
        .scan(0, |end, n| {
            *end += n;
            Some(*end - n)
        })
        .collect();
    let mut weights = vec![0.0; pairs * total];
    let all = (0..classes).flat_map(|i| (i + 1..classes).map(move |j| (i, j)));
    for ((i, j), row) in all.zip(weights.chunks_exact_mut(total.max(1))) {
        // Row j - 1 of the coefficients has those of class i against class j, and row i the others.
        for (class, against) in [(i, j - 1), (j, i)] {
            let range = starts[class]..starts[class] + counts[class];
            let own = &coefficients[against * total..(against + 1) * total];
            row[range.clone()].copy_from_slice(&own[range]);
        }
    }
    let kernels = Kernel::of(node)?.apply(node, builder, vectors)?;
    dense(
        node,
        builder,
        &kernels,
        rows,
        weights,
        rho[..pairs].to_vec(),
    )
}

/// The class that wins most pairs, the first of several: `[rows]`.
fn votes(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    scores: &Tensor,
    classes: usize,
) -> Result<Tensor, GraphError> {
    let rows = scores.shape[0];
    let pairs = scores.len() / rows.max(1);
    let won = above(node, builder, scores, 0.0)?.typed(DataType::Float);
    builder.charge(node, pairs.saturating_mul(classes))?;
    let mut weights = vec![0.0; classes * pairs];
    let mut lost = vec![0.0; classes];
    let all = (0..classes).flat_map(|i| (i + 1..classes).map(move |j| (i, j)));
    for (pair, (i, j)) in all.enumerate() {
        weights[i * pairs + pair] = 1.0;
        weights[j * pairs + pair] = -1.0;
        lost[j] += 1.0;
    }
    let votes = dense(node, builder, &won, rows, weights, lost)?;
    arg_max(node, builder, &votes)
}
