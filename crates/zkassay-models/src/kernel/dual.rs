//! The dual problem of one support vector machine, and its solution by
//! sequential minimal optimisation.
//!
//! With `y_i` -1 or 1 and `K` the kernel: minimise
//! `sum_ij b_i b_j K_ij / 2 - sum_i y_i b_i` over coefficients `b_i` between 0
//! and `c y_i` whose sum is 0. A row's decision is `sum_i b_i K(x_i, x) + bias`.

use ndarray::{Array1, Array2, ArrayView1};
use rayon::prelude::*;

use super::radial;
use super::svm::{NAME, SvmParams};
use crate::ModelError;

/// Rows that are equal, or nearly, are taken to be this much apart.
const LEAST_CURVATURE: f64 = 1e-12;

/// What compares two rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kernel {
    Linear,
    Rbf { gamma: f64 },
}

impl Kernel {
    /// Every row with every row, `[rows, rows]`.
    fn of_pairs(self, rows: &Array2<f64>) -> Array2<f64> {
        let Self::Rbf { gamma } = self else {
            return rows.dot(&rows.t());
        };
        let mut kernel = Array2::zeros((rows.nrows(), rows.nrows()));
        let lines: Vec<_> = kernel.outer_iter_mut().zip(rows.outer_iter()).collect();
        lines.into_par_iter().for_each(|(mut line, row)| {
            for (value, other) in line.iter_mut().zip(rows.outer_iter()) {
                *value = radial(row, other, gamma);
            }
        });
        kernel
    }
}

/// The problem but for who is on which side.
pub(super) struct Dual<'a> {
    params: &'a SvmParams,
    /// `K`, and what it is of each row with itself.
    kernel: Array2<f64>,
    diagonal: Array1<f64>,
}

/// Its solution.
#[derive(Debug)]
pub(super) struct Solution {
    /// `b_i` of each row.
    pub(super) coefficients: Array1<f64>,
    pub(super) bias: f64,
}

/// A row on the way to the solution.
struct Row {
    coefficient: f64,
    lowest: f64,
    highest: f64,
    /// `y` less the decision without the bias.
    rest: f64,
}

impl Row {
    fn can_rise(&self) -> bool {
        self.coefficient < self.highest
    }

    fn can_fall(&self) -> bool {
        self.coefficient > self.lowest
    }

    /// Changes the coefficient by `step`; no more than to its bound.
    fn step(&mut self, step: f64) {
        self.coefficient = (self.coefficient + step).clamp(self.lowest, self.highest);
    }
}

/// How far rows are from the optimum, where a bias lies between the two rests.
struct Gap {
    /// The row with the largest rest of those whose coefficient can rise.
    rising: usize,
    largest: f64,
    /// The smallest rest of those whose coefficient can fall.
    smallest: f64,
}

impl Gap {
    fn of(rows: &[Row]) -> Self {
        let mut gap = Self {
            rising: 0,
            largest: f64::NEG_INFINITY,
            smallest: f64::INFINITY,
        };
        for (index, row) in rows.iter().enumerate() {
            if row.can_rise() && row.rest > gap.largest {
                (gap.rising, gap.largest) = (index, row.rest);
            }
            if row.can_fall() {
                gap.smallest = gap.smallest.min(row.rest);
            }
        }
        gap
    }

    fn width(&self) -> f64 {
        self.largest - self.smallest
    }
}

impl<'a> Dual<'a> {
    pub(super) fn new(rows: &Array2<f64>, kernel: Kernel, params: &'a SvmParams) -> Self {
        let kernel = kernel.of_pairs(rows);
        Self {
            params,
            diagonal: kernel.diag().to_owned(),
            kernel,
        }
    }

    /// The solution for `targets` that are 1 on the positive side, else 0.
    ///
    /// Every step moves two coefficients, chosen as libsvm does: Fan, Chen and
    /// Lin, "Working Set Selection Using Second Order Information for Training
    /// Support Vector Machines", JMLR 6, 2005.
    pub(super) fn solve(&self, targets: ArrayView1<'_, f64>) -> Result<Solution, ModelError> {
        let tolerance = self.params.tolerance;
        let mut rows = self.rows(targets, &Array1::zeros(targets.len()));
        for _ in 0..self.params.max_iterations {
            let gap = Gap::of(&rows);
            if gap.width() <= tolerance {
                break;
            }
            self.step(&mut rows, &gap);
        }
        let coefficients: Array1<f64> = rows.iter().map(|row| row.coefficient).collect();
        // Anew, as every step has rounded the rests.
        let rows = self.rows(targets, &coefficients);
        let gap = Gap::of(&rows);
        if gap.width() <= 2.0 * tolerance {
            return Ok(Solution {
                coefficients,
                bias: bias(&rows, &gap),
            });
        }
        Err(ModelError::NotConverged {
            model: NAME,
            found: gap.width(),
            tolerance,
        })
    }

    fn rows(&self, targets: ArrayView1<'_, f64>, coefficients: &Array1<f64>) -> Vec<Row> {
        let decisions = self.kernel.dot(coefficients);
        let rows = targets.iter().zip(coefficients).zip(decisions);
        rows.map(|((&target, &coefficient), decision)| Row {
            coefficient,
            lowest: self.params.c * (target - 1.0),
            highest: self.params.c * target,
            rest: 2.0 * target - 1.0 - decision,
        })
        .collect()
    }

    /// Raises the coefficient of `gap.rising`, and lowers the one by which the
    /// objective falls most, as far as it falls or a bound is met.
    fn step(&self, rows: &mut [Row], gap: &Gap) {
        let rising = self.kernel.row(gap.rising);
        let own = self.diagonal[gap.rising];
        let mut best = (gap.rising, 0.0, 0.0);
        for (index, ((row, k), other)) in rows.iter().zip(rising).zip(&self.diagonal).enumerate() {
            let slope = gap.largest - row.rest;
            if row.can_fall() && slope > 0.0 {
                let length = slope / (own + other - 2.0 * k).max(LEAST_CURVATURE);
                if slope * length > best.1 {
                    best = (index, slope * length, length);
                }
            }
        }
        let (falling, _, length) = best;
        let room = rows[gap.rising].highest - rows[gap.rising].coefficient;
        let length = length.min(room);
        let length = length.min(rows[falling].coefficient - rows[falling].lowest);
        rows[gap.rising].step(length);
        rows[falling].step(-length);
        let kernels = rising.into_iter().zip(self.kernel.row(falling));
        for (row, (rising, falling)) in rows.iter_mut().zip(kernels) {
            row.rest -= length * (rising - falling);
        }
    }
}

/// The mean rest of the rows whose margin is 1, as their coefficient is between
/// its bounds; the middle of the gap if there are none.
fn bias(rows: &[Row], gap: &Gap) -> f64 {
    let free = rows.iter().filter(|row| row.can_rise() && row.can_fall());
    let (count, sum) = free.fold((0, 0.0), |(count, sum), row| (count + 1, sum + row.rest));
    match count {
        0 => (gap.largest + gap.smallest) / 2.0,
        _ => sum / f64::from(count),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use zkassay_seed::Stream;

    use super::*;

    fn params(c: f64, tolerance: f64) -> SvmParams {
        SvmParams {
            c,
            tolerance,
            ..SvmParams::default()
        }
    }

    /// Rows -1, 0 and 3, the last on the positive side.
    fn gap(c: f64, coefficients: Array1<f64>) -> f64 {
        let rows = array![[-1.0], [0.0], [3.0]];
        let params = params(c, 1e-3);
        let dual = Dual::new(&rows, Kernel::Linear, &params);
        Gap::of(&dual.rows(array![0.0, 0.0, 1.0].view(), &coefficients)).width()
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
                let params = params(c, 1e-3);
                let dual = Dual::new(&rows, kernel, &params);
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
                let params = params(c, 1e-6);
                let dual = Dual::new(&rows, kernel, &params);
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
        let (rows, targets) = problem(60, 3);
        let params = SvmParams {
            max_iterations: 5,
            ..params(1.0, 1e-3)
        };
        let dual = Dual::new(&rows, Kernel::Linear, &params);
        let error = dual.solve(targets.view()).unwrap_err();
        assert!(matches!(error, ModelError::NotConverged { found, .. } if found > 2e-3));
    }
}
