//! The classifier that an audit scores features with.

use ndarray::{Array1, ArrayView2};

/// Learns from rows and labels, then predicts other rows.
///
/// Any closure of this shape is one, so that a caller's own models can be used.
pub trait Learner {
    /// Labels (0 or 1) for the rows of `test`, shape (rows, features), learned
    /// from `train` and `labels`; the same inputs must give the same outputs.
    fn predict(
        &self,
        train: ArrayView2<'_, f32>,
        labels: &[u8],
        test: ArrayView2<'_, f32>,
    ) -> Vec<u8>;
}

impl<F> Learner for F
where
    F: Fn(ArrayView2<'_, f32>, &[u8], ArrayView2<'_, f32>) -> Vec<u8>,
{
    fn predict(
        &self,
        train: ArrayView2<'_, f32>,
        labels: &[u8],
        test: ArrayView2<'_, f32>,
    ) -> Vec<u8> {
        self(train, labels, test)
    }
}

/// Logistic regression by accelerated gradient descent, from zero weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogisticRegression {
    /// Steps over all rows.
    pub steps: usize,
    /// Weight of the squared weights against one row's loss (`1 / C` of
    /// scikit-learn).
    pub penalty: f32,
}

impl Default for LogisticRegression {
    fn default() -> Self {
        Self {
            steps: 200,
            penalty: 1.0,
        }
    }
}

impl Learner for LogisticRegression {
    fn predict(
        &self,
        train: ArrayView2<'_, f32>,
        labels: &[u8],
        test: ArrayView2<'_, f32>,
    ) -> Vec<u8> {
        let (weights, bias) = self.fit(train, labels);
        let scores = test.dot(&weights) + bias;
        scores.iter().map(|score| u8::from(*score > 0.0)).collect()
    }
}

impl LogisticRegression {
    /// Weights and bias.
    fn fit(&self, rows: ArrayView2<'_, f32>, labels: &[u8]) -> (Array1<f32>, f32) {
        let count = rows.nrows() as f32;
        let targets: Array1<f32> = labels.iter().map(|label| f32::from(*label)).collect();
        // The loss curves by at most a quarter of the largest eigenvalue of the
        // rows' Gram matrix over their number; the column of the bias adds a quarter.
        let curvature = 0.25 * largest_eigenvalue(rows) / count + 0.25 + self.penalty / count;
        let rate = 1.0 / curvature;
        let mut weights = Array1::<f32>::zeros(rows.ncols());
        let mut bias = 0.0;
        let (mut ahead, mut ahead_bias) = (weights.clone(), bias);
        for step in 0..self.steps {
            let scores = rows.dot(&ahead) + ahead_bias;
            let errors = scores.mapv(|score: f32| 1.0 / (1.0 + libm::expf(-score))) - &targets;
            let gradient = (rows.t().dot(&errors) + &ahead * self.penalty) / count;
            let next = &ahead - &(gradient * rate);
            let next_bias = ahead_bias - rate * errors.sum() / count;
            // Nesterov's momentum.
            let momentum = step as f32 / (step as f32 + 3.0);
            ahead = &next + &((&next - &weights) * momentum);
            ahead_bias = next_bias + momentum * (next_bias - bias);
            (weights, bias) = (next, next_bias);
        }
        (weights, bias)
    }
}

/// The largest eigenvalue of the Gram matrix, from above (power iteration and
/// a tenth).
fn largest_eigenvalue(rows: ArrayView2<'_, f32>) -> f32 {
    const STEPS: usize = 20;
    let mut vector = Array1::<f32>::ones(rows.ncols());
    let mut eigenvalue = 0.0;
    for _ in 0..STEPS {
        let norm = vector.dot(&vector).sqrt();
        if norm == 0.0 {
            return 0.0;
        }
        vector /= norm;
        vector = rows.t().dot(&rows.dot(&vector));
        eigenvalue = vector.dot(&vector).sqrt();
    }
    1.1 * eigenvalue
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use zkassay_seed::Stream;

    #[test]
    fn a_linear_rule_is_learned() {
        let mut stream = Stream::new(1, "test/learner");
        let rows = Array2::from_shape_simple_fn((300, 5), || stream.normal() as f32);
        let labels: Vec<u8> = rows
            .rows()
            .into_iter()
            .map(|row| u8::from(2.0 * row[0] - row[3] + 0.5 > 0.0))
            .collect();
        let (train, test) = rows.view().split_at(ndarray::Axis(0), 200);
        let found = LogisticRegression::default().predict(train, &labels[..200], test);
        let right = found.iter().zip(&labels[200..]).filter(|(a, b)| a == b);
        assert!(right.count() >= 96);
    }

    #[test]
    fn the_optimum_is_that_of_scikit_learn() {
        // LogisticRegression(C=1).fit([[-1], [0], [1], [2]], [0, 1, 0, 1])
        let rows = ndarray::arr2(&[[-1.0], [0.0], [1.0], [2.0]]);
        let (weights, bias) = LogisticRegression::default().fit(rows.view(), &[0, 1, 0, 1]);
        assert!((weights[0] - 0.452_875).abs() < 1e-4, "{weights}");
        assert!((bias + 0.226_438).abs() < 1e-4, "{bias}");
    }
}
