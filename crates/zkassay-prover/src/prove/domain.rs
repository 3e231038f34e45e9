//! Fourier transforms and cosets.
//!
//! The domain of a table is the group `H` of the `n = 2^k`-th roots of unity. The quotient is
//! computed on `parts` cosets of it, `zeta omega^j H` with `omega` a generator of the group of
//! `n * parts` elements: together a coset of that group.

use zkassay_gadgets::halo2_proofs::halo2curves::bn256::Fr;
use zkassay_gadgets::halo2_proofs::halo2curves::ff::{
    Field as _, PrimeField as _, WithSmallOrderMulGroup as _,
};

/// The roots of unity of one power of two, and what transforms need of them.
#[derive(Clone, Debug)]
struct Transform {
    /// `1, omega, omega^2, ...`, half of the group.
    powers: Vec<Fr>,
    /// The same of the inverse.
    inverse_powers: Vec<Fr>,
    /// `1 / n`.
    divisor: Fr,
}

impl Transform {
    fn new(logrows: u32) -> Self {
        let mut omega = Fr::ROOT_OF_UNITY;
        for _ in logrows..Fr::S {
            omega = omega.square();
        }
        let rows = 1usize << logrows;
        let inverse = |value: Fr| value.invert().unwrap_or(Fr::ZERO);
        Self {
            powers: powers(omega, rows / 2),
            inverse_powers: powers(inverse(omega), rows / 2),
            divisor: inverse(Fr::from(rows as u64)),
        }
    }

    /// `values[i] = sum_j values[j] omega^(i j)`, decimation in time.
    fn apply(values: &mut [Fr], powers: &[Fr]) {
        let rows = values.len();
        if rows < 2 {
            return;
        }
        let shift = usize::BITS - rows.trailing_zeros();
        for index in 0..rows {
            let mirrored = index.reverse_bits() >> shift;
            if index < mirrored {
                values.swap(index, mirrored);
            }
        }
        for pair in values.chunks_exact_mut(2) {
            let (low, high) = (pair[0], pair[1]);
            (pair[0], pair[1]) = (low + high, low - high);
        }
        let mut half = 2;
        while half < rows {
            let stride = rows / (2 * half);
            for block in values.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for ((low, high), power) in
                    low.iter_mut().zip(high).zip(powers.iter().step_by(stride))
                {
                    let product = *high * power;
                    *high = *low - product;
                    *low += product;
                }
            }
            half *= 2;
        }
    }
}

/// A table's domain, and the cosets on which its quotient is computed.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    rows: usize,
    transform: Transform,
    /// Of all cosets together.
    extended: Transform,
    /// The powers of `zeta omega^j` for each coset.
    shifts: Vec<Vec<Fr>>,
    omega: Fr,
    omega_inverse: Fr,
}

impl Domain {
    /// The domain of `2^logrows` rows, for gates of the given degree.
    pub(crate) fn new(logrows: u32, degree: usize) -> Self {
        let pieces = degree.saturating_sub(1).max(1);
        let parts = pieces.next_power_of_two();
        let transform = Transform::new(logrows);
        let extended = Transform::new(logrows + parts.trailing_zeros());
        let root = |transform: &[Fr]| transform.get(1).copied().unwrap_or(-Fr::ONE);
        let step = root(&extended.powers);
        let shifts = powers(step, parts)
            .into_iter()
            .map(|power| powers(power * Fr::ZETA, (1 << logrows) + 1))
            .collect();
        Self {
            rows: 1 << logrows,
            omega: root(&transform.powers),
            omega_inverse: root(&transform.inverse_powers),
            transform,
            extended,
            shifts,
        }
    }

    /// `n`.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Cosets on which the quotient is computed.
    pub(crate) fn parts(&self) -> usize {
        self.shifts.len()
    }

    /// `x omega^rotation`.
    pub(crate) fn rotate(&self, x: Fr, rotation: i32) -> Fr {
        let base = if rotation < 0 {
            self.omega_inverse
        } else {
            self.omega
        };
        x * base.pow_vartime([u64::from(rotation.unsigned_abs())])
    }

    /// From values on `H` to coefficients.
    pub(crate) fn interpolate(&self, values: &mut [Fr]) {
        Transform::apply(values, &self.transform.inverse_powers);
        for value in values {
            *value *= self.transform.divisor;
        }
    }

    /// From coefficients to values on `H`.
    pub(crate) fn evaluate(&self, coefficients: &mut [Fr]) {
        Transform::apply(coefficients, &self.transform.powers);
    }

    /// The values on coset `part` of the polynomial with the given coefficients.
    pub(crate) fn coset(&self, part: usize, coefficients: &[Fr]) -> Vec<Fr> {
        let mut values = coefficients.to_vec();
        values.resize(self.rows, Fr::ZERO);
        for (value, power) in values.iter_mut().zip(&self.shifts[part]) {
            *value *= power;
        }
        self.evaluate(&mut values);
        values
    }

    /// `X^n - 1` on coset `part`, where it is constant.
    pub(crate) fn vanishing(&self, part: usize) -> Fr {
        self.shifts[part][self.rows] - Fr::ONE
    }

    /// The coefficients of the polynomial with the given values on each coset.
    pub(crate) fn interpolate_cosets(&self, parts: &[Vec<Fr>]) -> Vec<Fr> {
        let mut values: Vec<Fr> = (0..self.rows)
            .flat_map(|row| parts.iter().map(move |part| part[row]))
            .collect();
        Transform::apply(&mut values, &self.extended.inverse_powers);
        for value in &mut values {
            *value *= self.extended.divisor;
        }
        // zeta is a cube root of unity.
        let inverse = [Fr::ONE, Fr::ZETA.square(), Fr::ZETA];
        for (value, power) in values.iter_mut().zip(inverse.iter().cycle()) {
            *value *= power;
        }
        values
    }
}

/// `1, base, base^2, ...`, `count` of them.
fn powers(base: Fr, count: usize) -> Vec<Fr> {
    std::iter::successors(Some(Fr::ONE), |power| Some(*power * base))
        .take(count)
        .collect()
}

/// The value at `x` of the polynomial with the given coefficients.
pub(crate) fn evaluate(coefficients: &[Fr], x: Fr) -> Fr {
    coefficients
        .iter()
        .rev()
        .fold(Fr::ZERO, |sum, coefficient| sum * x + coefficient)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;
    use zkassay_seed::Stream;

    use super::*;

    fn random(count: usize) -> Vec<Fr> {
        let mut rng = ChaCha20Rng::seed_from_u64(Stream::new(1, "domain").bits());
        (0..count).map(|_| Fr::random(&mut rng)).collect()
    }

    #[test]
    fn transforms_evaluate_on_the_roots_of_unity() {
        for logrows in [1, 2, 5, 8] {
            let domain = Domain::new(logrows, 3);
            let coefficients = random(1 << logrows);
            let mut values = coefficients.clone();
            domain.evaluate(&mut values);
            for (row, value) in (0..).zip(&values) {
                assert_eq!(*value, evaluate(&coefficients, domain.rotate(Fr::ONE, row)));
            }
            domain.interpolate(&mut values);
            assert_eq!(values, coefficients);
        }
    }

    #[test]
    fn cosets_together_determine_a_polynomial() {
        for (degree, parts) in [(2, 1), (3, 2), (5, 4)] {
            let domain = Domain::new(4, degree);
            assert_eq!(domain.parts(), parts);
            // A polynomial of degree 16 * parts - 1, evaluated piece by piece.
            let coefficients = random(16 * parts);
            let values: Vec<Vec<Fr>> = (0..parts)
                .map(|part| {
                    let at = |row| domain.rotate(domain.shifts[part][1], row);
                    (0..16)
                        .map(|row| evaluate(&coefficients, at(row)))
                        .collect()
                })
                .collect();
            assert_eq!(domain.interpolate_cosets(&values), coefficients);
            let short = &coefficients[..16];
            for (part, shift) in domain.shifts.iter().map(|powers| powers[1]).enumerate() {
                let values = domain.coset(part, short);
                for (row, value) in (0..).zip(values) {
                    assert_eq!(value, evaluate(short, domain.rotate(shift, row)));
                }
                let at = domain.rotate(shift, 3);
                assert_eq!(domain.vanishing(part), at.pow_vartime([16]) - Fr::ONE);
            }
        }
    }
}
