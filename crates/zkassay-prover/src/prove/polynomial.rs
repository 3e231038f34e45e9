//! Polynomials of a table's columns, by coefficients or by the few cells that are not zero.
//!
//! A column of weights fills some of its rows. With the Lagrange polynomials' values `L_i(x)`, which all columns share,
//!
//! ```text
//! P(x) = sum over cells of cell_i L_i(x)          L_i(x) = (x^n - 1) / n * omega^i / (x - omega^i)
//! ```
//!
//! takes a multiplication for each cell, and so does a linear combination of such columns, which one Fourier transform
//! for all of them turns into coefficients.

use rayon::prelude::*;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::Fr;
use zkassay_gadgets::halo2_proofs::halo2curves::ff::Field as _;
use zkassay_gadgets::halo2_proofs::halo2curves::group::ff::BatchInvert as _;

use super::domain::{Domain, evaluate};

/// Coefficients of a task.
const TASK: usize = 256;

/// A polynomial of fewer coefficients than the table has rows, or as many.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Polynomial<'a> {
    /// From the lowest.
    Coefficients(&'a [Fr]),
    /// `(row, value)` for the rows whose value is not zero. No slice: those without elements are all at the
    /// same place, and two columns of zeros are two polynomials.
    Cells(&'a Vec<(usize, Fr)>),
}

impl Polynomial<'_> {
    /// Whether both are the same place in memory.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Coefficients(a), Self::Coefficients(b)) => std::ptr::eq(*a, *b),
            (Self::Cells(a), Self::Cells(b)) => std::ptr::eq(*a, *b),
            _ => false,
        }
    }
}

/// A point, and what polynomials given by cells need to be evaluated there.
pub(crate) struct Point {
    x: Fr,
    /// The Lagrange polynomials' values; empty if no polynomial needs them.
    lagrange: Vec<Fr>,
}

impl Point {
    /// The point `x`, outside of the domain; for polynomials given by cells, too, if `with_cells`.
    pub(crate) fn new(domain: &Domain, x: Fr, with_cells: bool) -> Self {
        let lagrange = match with_cells {
            true => lagrange(domain, x),
            false => vec![],
        };
        Self { x, lagrange }
    }

    /// The value of a polynomial.
    pub(crate) fn evaluate(&self, polynomial: &Polynomial<'_>) -> Fr {
        match polynomial {
            Polynomial::Coefficients(coefficients) => evaluate(coefficients, self.x),
            Polynomial::Cells(cells) => {
                let terms = cells.iter().map(|(row, cell)| self.lagrange[*row] * cell);
                terms.fold(Fr::ZERO, |sum, term| sum + term)
            }
        }
    }
}

/// The values of all Lagrange polynomials.
fn lagrange(domain: &Domain, x: Fr) -> Vec<Fr> {
    let (rows, omega) = (domain.rows(), domain.rotate(Fr::ONE, 1));
    let roots = std::iter::successors(Some(Fr::ONE), |root| Some(*root * omega));
    let mut values: Vec<Fr> = roots.clone().take(rows).map(|root| x - root).collect();
    values.iter_mut().batch_invert();
    let power = x.pow_vartime([rows as u64]) - Fr::ONE;
    let divisor = Fr::from(rows as u64).invert().unwrap_or(Fr::ZERO);
    let common = power * divisor;
    for (value, root) in values.iter_mut().zip(roots) {
        *value *= common * root;
    }
    values
}

/// The coefficients of `sum_i factor_i P_i`, as many as the table has rows.
pub(crate) fn combine(domain: &Domain, terms: &[(Polynomial<'_>, Fr)]) -> Vec<Fr> {
    let mut sum = vec![Fr::ZERO; domain.rows()];
    let mut has_cells = false;
    for (polynomial, factor) in terms {
        if let Polynomial::Cells(cells) = polynomial {
            has_cells = true;
            for (row, cell) in *cells {
                sum[*row] += *cell * factor;
            }
        }
    }
    if has_cells {
        domain.interpolate(&mut sum);
    }
    sum.par_chunks_mut(TASK)
        .enumerate()
        .for_each(|(index, sum)| {
            for (polynomial, factor) in terms {
                let Polynomial::Coefficients(coefficients) = polynomial else {
                    continue;
                };
                let coefficients = coefficients.get(index * TASK..).unwrap_or_default();
                for (sum, coefficient) in sum.iter_mut().zip(coefficients) {
                    *sum += *coefficient * factor;
                }
            }
        });
    sum
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;
    use zkassay_seed::Stream;

    use super::*;

    #[test]
    fn cells_are_the_polynomial_with_these_values() {
        let mut rng = ChaCha20Rng::seed_from_u64(Stream::new(1, "polynomial").bits());
        let domain = Domain::new(4, 3);
        let [none, neither] = [vec![], vec![]];
        let of = |cells| Polynomial::Cells(cells);
        assert!(of(&none).is(&of(&none)) && !of(&none).is(&of(&neither)));
        for filled in [&[][..], &[0], &[15], &[3, 7, 8], &[0, 1, 2, 15]] {
            let cells: Vec<(usize, Fr)> = filled
                .iter()
                .map(|row| (*row, Fr::random(&mut rng)))
                .collect();
            let mut coefficients = vec![Fr::ZERO; 16];
            for (row, cell) in &cells {
                coefficients[*row] = *cell;
            }
            domain.interpolate(&mut coefficients);
            let both = [
                Polynomial::Cells(&cells),
                Polynomial::Coefficients(&coefficients),
            ];
            let point = Point::new(&domain, Fr::random(&mut rng), true);
            assert_eq!(point.evaluate(&both[0]), point.evaluate(&both[1]));
            let [a, b] = [(); 2].map(|()| Fr::random(&mut rng));
            let sum = combine(&domain, &[(both[0], a), (both[1], b)]);
            let expected: Vec<Fr> = coefficients.iter().map(|c| *c * (a + b)).collect();
            assert_eq!(sum, expected);
        }
    }
}
