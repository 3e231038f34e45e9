//! The dual problem of one support vector machine, solved by linfa.
//!
//! With `y_i` -1 or 1 and `K` the kernel: minimise
//! `sum_ij a_i a_j y_i y_j K_ij / 2 - sum_i a_i` over `0 <= a_i <= c` with
//! `sum_i a_i y_i = 0`. A row's decision is `sum_i a_i y_i K(x_i, x) + b`.

use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use linfa::{Error, ParamGuard};
use linfa_svm::{SeparatingHyperplane as Hyperplane, Svm, SvmError};
use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::sums;
use super::svm::NAME;
use crate::ModelError;

/// What compares two rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kernel {
    Linear,
    Rbf { gamma: f64 },
}

/// The problem but for who is on which side.
pub(super) struct Dual<'a> {
    /// `[rows, features]`.
    pub(super) rows: &'a Array2<f64>,
    pub(super) kernel: Kernel,
    pub(super) c: f64,
    /// How far the margins of support vectors may be apart.
    pub(super) tolerance: f64,
}

/// Its solution.
#[derive(Debug)]
pub(super) struct Solution {
    /// `a_i y_i` of each row.
    pub(super) coefficients: Array1<f64>,
    /// `b`.
    pub(super) bias: f64,
}

impl Dual<'_> {
    /// The solution for `targets` that are 1 on the positive side, else 0.
    ///
    /// linfa's solver is that of libsvm. It runs without its shrinking, which
    /// loses track of the gradient, and does not say whether it gave up: that
    /// is checked here.
    pub(super) fn solve(&self, targets: ArrayView1<'_, f64>) -> Result<Solution, ModelError> {
        let solution = self.linfa(targets).map_err(|error| ModelError::Unsolved {
            model: NAME,
            reason: error.to_string(),
        })?;
        let found = self.gap(targets, &solution.coefficients);
        // The solver's own gradient is updated step by step, and rounded in each.
        if found <= 2.0 * self.tolerance && solution.bias.is_finite() {
            return Ok(solution);
        }
        Err(ModelError::NotConverged {
            model: NAME,
            found,
            tolerance: self.tolerance,
        })
    }

    fn linfa(&self, targets: ArrayView1<'_, f64>) -> Result<Solution, SvmError> {
        let params = Svm::<f64, bool>::params()
            .pos_neg_weights(self.c, self.c)
            .eps(self.tolerance)
            .shrinking(false);
        let params = match self.kernel {
            Kernel::Linear => params.linear_kernel(),
            Kernel::Rbf { gamma } => params.gaussian_kernel(1.0 / gamma),
        };
        let rows = held_by(Hyperplane::Linear, self.rows.iter().copied().collect())
            .into_shape_with_order(self.rows.dim())
            .map_err(Error::from)?;
        let targets = held_by(Hyperplane::Linear, targets.iter().copied().collect());
        let set = DatasetBase::new(rows, targets).map_targets(|target| *target > 0.0);
        let svm: Svm<f64, bool> = params.check()?.fit(&set)?;
        Ok(Solution {
            coefficients: Array1::from_vec(svm.alpha),
            bias: -svm.rho,
        })
    }

    /// How much the conditions of optimality are violated: the largest `y - f`
    /// of a row whose coefficient can rise, less the smallest of one whose can
    /// fall, where `f` is the decision without `b`. At the optimum a `b` lies
    /// between the two.
    fn gap(&self, targets: ArrayView1<'_, f64>, coefficients: &Array1<f64>) -> f64 {
        let decisions = match self.kernel {
            Kernel::Linear => self.rows.dot(&self.rows.t().dot(coefficients)),
            Kernel::Rbf { gamma } => {
                let coefficients = coefficients.clone().insert_axis(Axis(0));
                sums(self.rows, self.rows, &coefficients, gamma).remove_axis(Axis(1))
            }
        };
        let (mut rising, mut falling) = (f64::NEG_INFINITY, f64::INFINITY);
        for ((&target, &coefficient), f) in targets.iter().zip(coefficients).zip(decisions) {
            let (lowest, highest) = (self.c * (target - 1.0), self.c * target);
            let rest = 2.0 * target - 1.0 - f;
            if coefficient < highest {
                rising = rising.max(rest);
            }
            if coefficient > lowest {
                falling = falling.min(rest);
            }
        }
        rising - falling
    }
}

/// The array itself, of the type that a variant holds: linfa's arrays are of
/// another version of ndarray, and this tells the compiler which without its name.
fn held_by<A>(_variant: fn(A) -> Hyperplane<f64>, array: A) -> A {
    array
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use zkassay_seed::Stream;

    use super::*;

    /// Rows -1, 0 and 3, the last on the positive side.
    fn gap(c: f64, coefficients: Array1<f64>) -> f64 {
        let rows = array![[-1.0], [0.0], [3.0]];
        let dual = Dual {
            rows: &rows,
            kernel: Kernel::Linear,
            c,
            tolerance: 1e-3,
        };
        dual.gap(array![0.0, 0.0, 1.0].view(), &coefficients)
    }

    #[test]
    fn the_gap_is_zero_at_the_optimum_and_known_elsewhere() {
        // The margin is between 0 and 3: w = 2/3 = 3 a, so a = 2/9.
        let a = 2.0 / 9.0;
        assert!(gap(1.0, array![0.0, -a, a]).abs() < 1e-12);
        // Without a hyperplane all decisions are 0, and the targets 2 apart.
        assert_eq!(gap(1.0, array![0.0, 0.0, 0.0]), 2.0);
        // With both at their bound, w = 0.3: the second may rise, where -1 - f
        // is -1, and the first may fall, where it is -0.7.
        assert!((gap(0.1, array![0.0, -0.1, 0.1]) + 0.3).abs() < 1e-12);
    }

    /// Rows without a pattern, every third with the wrong side.
    fn problem(len: usize, features: usize) -> (Array2<f64>, Array1<f64>) {
        let mut stream = Stream::new(5, "rows");
        let rows = Array2::from_shape_fn((len, features), |_| stream.normal());
        let side = |row: usize| (rows[[row, 0]] > 0.1) != row.is_multiple_of(3);
        let targets = (0..len).map(|row| f64::from(side(row))).collect();
        (rows, targets)
    }

    /// The kernel of two rows, written once more.
    fn product(kernel: Kernel, x: ArrayView1<'_, f64>, y: ArrayView1<'_, f64>) -> f64 {
        match kernel {
            Kernel::Linear => (0..x.len()).map(|i| x[i] * y[i]).sum(),
            Kernel::Rbf { gamma } => {
                let distance = (0..x.len()).map(|i| (x[i] - y[i]).powi(2)).sum::<f64>();
                (-gamma * distance).exp()
            }
        }
    }

    const KERNELS: [Kernel; 3] = [
        Kernel::Linear,
        Kernel::Rbf { gamma: 0.01 },
        Kernel::Rbf { gamma: 1.0 },
    ];

    #[test]
    fn margins_fit_the_coefficients() {
        for (len, features, c) in [(120, 5, 0.1), (120, 5, 10.0), (30, 80, 1.0)] {
            let (rows, targets) = problem(len, features);
            for kernel in KERNELS {
                let dual = Dual {
                    rows: &rows,
                    kernel,
                    c,
                    tolerance: 1e-3,
                };
                let solution = dual.solve(targets.view()).unwrap();
                assert!(solution.coefficients.sum().abs() < 1e-9 * c * len as f64);
                let mut free = 0;
                for row in 0..len {
                    let side = 2.0 * targets[row] - 1.0;
                    let a = side * solution.coefficients[row];
                    assert!((0.0..=c).contains(&a), "{a}");
                    let decision: f64 = (0..len)
                        .map(|i| {
                            solution.coefficients[i] * product(kernel, rows.row(i), rows.row(row))
                        })
                        .sum();
                    let margin = side * (decision + solution.bias);
                    assert!(a == 0.0 || margin < 1.0 + 2e-3, "{a}: {margin}");
                    assert!(a == c || margin > 1.0 - 2e-3, "{a}: {margin}");
                    free += usize::from(a > 0.0 && a < c);
                }
                assert!(free > 0, "no margin was compared with 1 from both sides");
            }
        }
    }

    #[test]
    fn no_point_of_a_grid_is_better() {
        let (rows, _) = problem(4, 2);
        for (targets, c) in [([1.0, 0.0, 0.0, 1.0], 1.0), ([0.0, 0.0, 0.0, 1.0], 4.0)] {
            for kernel in KERNELS {
                let objective = |y_a: [f64; 4]| {
                    let pairs = (0..4).flat_map(|i| (0..4).map(move |j| (i, j)));
                    let quadratic = pairs.map(|(i, j)| {
                        y_a[i] * y_a[j] * product(kernel, rows.row(i), rows.row(j)) / 2.0
                    });
                    quadratic.sum::<f64>() - y_a.iter().map(|y_a| y_a.abs()).sum::<f64>()
                };
                let dual = Dual {
                    rows: &rows,
                    kernel,
                    c,
                    tolerance: 1e-6,
                };
                let solution = dual.solve(ArrayView1::from(&targets)).unwrap();
                let found = objective(std::array::from_fn(|i| solution.coefficients[i]));

                let steps = 40;
                let mut best = f64::INFINITY;
                for point in 0..(steps + 1) * (steps + 1) * (steps + 1) {
                    let digit = |place: usize| point / (steps + 1usize).pow(place as u32);
                    let y_a = |i: usize| {
                        let a = c * (digit(i) % (steps + 1)) as f64 / steps as f64;
                        (2.0 * targets[i] - 1.0) * a
                    };
                    let last = -(y_a(0) + y_a(1) + y_a(2));
                    if (0.0..=c).contains(&(last * (2.0 * targets[3] - 1.0))) {
                        best = best.min(objective([y_a(0), y_a(1), y_a(2), last]));
                    }
                }
                assert!(found <= best + 1e-6, "{found} above {best}");
                assert!(found > best - 0.1, "{found} is too good beside {best}");
            }
        }
    }

    #[test]
    fn a_search_that_is_given_up_is_an_error() {
        let rows = array![[-1.0], [0.0], [3.0]];
        let dual = Dual {
            rows: &rows,
            kernel: Kernel::Rbf { gamma: f64::NAN },
            c: 1.0,
            tolerance: 1e-3,
        };
        let error = dual.solve(array![0.0, 0.0, 1.0].view()).unwrap_err();
        assert!(matches!(error, ModelError::NotConverged { .. }), "{error}");
    }
}
