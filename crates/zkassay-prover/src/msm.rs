//! Multi-scalar multiplication over bases that never change.
//!
//! The points of an SRS are the same for every commitment, so their multiples
//! by powers of two are computed once. With windows of `c` bits and
//! `W = floor(253 / c) + 1` of them,
//!
//! ```text
//! sum_i s_i G_i = sum_i sum_w d_iw (2^(cw) G_i)      -2^(c-1) < d_iw <= 2^(c-1)
//!               = sum_b b B_b                        b = 1 .. 2^(c-1)
//! ```
//!
//! where bucket `B_b` is the sum of the stored points `2^(cw) G_i` with digit
//! `d_iw = b`, less those with `d_iw = -b`. Since the powers of two are in the
//! points, one set of buckets serves all windows and nothing is doubled at the
//! end (Brickell, Gordon, McCurley and Wilson, "Fast exponentiation with
//! precomputation", EUROCRYPT '92; the buckets are Pippenger's).
//!
//! Buckets are summed in affine coordinates, pair by pair, and all pairs of a
//! round share one field inversion (Montgomery's trick): a chord then costs six
//! multiplications, against eleven for a mixed addition. The weighted sum over
//! buckets is a sum of running sums.
//!
//! Cost in field multiplications for `n` full-size scalars: `6 n W + 25 * 2^(c-1)`;
//! the window is the one that minimises it. A scalar `s > p / 2` counts as
//! `-(p - s)`, and windows above a scalar's highest bit cost nothing, so integers
//! of `b` bits of either sign take about `6 n (b / c + 1)`, and zeros nothing.
//!
//! # Exactness
//!
//! The result is right for every input, not only for likely ones. The digits
//! are the scalar: its magnitude is below `2^253`, so the top window has a bit
//! to spare for the last carry. The chord formula holds for two points with
//! different `x`; pairs with equal `x` (a doubling, or a cancellation) and pairs
//! with the point at infinity, whose coordinates are stored as zeros, are added
//! by the curve's complete formulas instead. Work is divided by what the scalars
//! are, never by the number of threads.
//!
//! Running time depends on the scalars, as in halo2's own multiplication.

use std::ops::Range;

use rayon::prelude::*;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{Fq, Fr, G1, G1Affine};
use zkassay_gadgets::halo2_proofs::halo2curves::ff::{Field as _, PrimeField as _};
use zkassay_gadgets::halo2_proofs::halo2curves::group::{
    Curve as _, Group as _, prime::PrimeCurveAffine as _,
};

/// Bits of `(p - 1) / 2`, the largest magnitude of a scalar.
const MAGNITUDE_BITS: usize = 253;

/// Additions worth a task of their own: some hundred microseconds.
const TASK: usize = 1024;

/// Bases with their multiples, for multiplication by any scalars.
#[derive(Debug)]
pub(crate) struct FixedBases {
    /// Bits of a window.
    window: usize,
    /// Number of bases.
    len: usize,
    /// `2^(window * w) * bases[i]` at `w * len + i`.
    multiples: Vec<G1Affine>,
}

impl FixedBases {
    /// Precomputes the multiples of `bases`: some 250 doublings for each, in parallel.
    pub(crate) fn new(bases: &[G1Affine]) -> Self {
        Self::with_window(bases, best_window(bases.len()))
    }

    fn with_window(bases: &[G1Affine], window: usize) -> Self {
        /// Points that share an inversion, and a task.
        const CHUNK: usize = 64;
        let len = bases.len();
        let mut current: Vec<G1> = bases.iter().map(|base| base.to_curve()).collect();
        let mut multiples = vec![G1Affine::identity(); windows(window) * len];
        for row in multiples.chunks_exact_mut(len.max(1)) {
            row.par_chunks_mut(CHUNK)
                .zip(current.par_chunks_mut(CHUNK))
                .for_each(|(row, current)| {
                    G1::batch_normalize(current, row);
                    for point in current {
                        *point = (0..window).fold(*point, |point, _| point.double());
                    }
                });
        }
        Self {
            window,
            len,
            multiples,
        }
    }

    /// `sum_i scalars[i] * bases[i]`; scalars beyond the bases count for nothing.
    pub(crate) fn msm(&self, scalars: &[Fr]) -> G1 {
        let buckets = Buckets::new(self, &scalars[..scalars.len().min(self.len)]);
        let tasks = buckets.tasks();
        tasks
            .into_par_iter()
            .map(|task| buckets.weighted_sum(task))
            .sum()
    }
}

/// Which stored points fall into which bucket.
struct Buckets<'a> {
    multiples: &'a [G1Affine],
    /// Bucket `b` (of digit `b + 1`) has `terms[starts[b]..starts[b + 1]]`.
    starts: Vec<usize>,
    /// Indices of stored points, shifted left by one; the lowest bit says "negated".
    terms: Vec<u32>,
}

impl<'a> Buckets<'a> {
    fn new(bases: &'a FixedBases, scalars: &[Fr]) -> Self {
        let mut starts = vec![0; (1 << (bases.window - 1)) + 1];
        let mut unsorted = Vec::with_capacity(scalars.len() * 4);
        for (base, scalar) in scalars.iter().enumerate() {
            let (magnitude, negative) = signed(scalar);
            for_each_digit(magnitude, bases.window, |window, digit| {
                let bucket = digit.unsigned_abs() as usize - 1;
                let negated = negative ^ (digit < 0);
                let index = window * bases.len + base;
                unsorted.push((bucket, (index as u32) << 1 | u32::from(negated)));
                starts[bucket + 1] += 1;
            });
        }
        for bucket in 1..starts.len() {
            starts[bucket] += starts[bucket - 1];
        }
        let mut ends = starts.clone();
        let mut terms = vec![0; unsorted.len()];
        for (bucket, term) in unsorted {
            terms[ends[bucket]] = term;
            ends[bucket] += 1;
        }
        Self {
            multiples: &bases.multiples,
            starts,
            terms,
        }
    }

    /// The buckets in ranges of about equal work.
    fn tasks(&self) -> Vec<Range<usize>> {
        let mut tasks = Vec::new();
        let mut first = 0;
        for bucket in 0..self.starts.len() - 1 {
            let terms = self.starts[bucket + 1] - self.starts[first];
            if terms >= TASK || bucket + 2 == self.starts.len() && terms > 0 {
                tasks.push(first..bucket + 1);
                first = bucket + 1;
            }
        }
        tasks
    }

    /// `sum_b (b + 1) B_b` over a range of buckets.
    fn weighted_sum(&self, buckets: Range<usize>) -> G1 {
        let sums = self.sums(buckets.clone());
        let (mut running, mut weighted) = (G1::identity(), G1::identity());
        for sum in sums.iter().rev().skip_while(|sum| is_identity(sum)) {
            running += sum;
            weighted += running;
        }
        weighted + times(running, buckets.start)
    }

    /// The sum of each bucket in a range.
    fn sums(&self, buckets: Range<usize>) -> Vec<G1Affine> {
        let starts = &self.starts[buckets.start..=buckets.end];
        let offset = starts[0];
        let terms = &self.terms[offset..starts[starts.len() - 1]];
        let mut points: Vec<G1Affine> = terms
            .iter()
            .map(|term| {
                let point = self.multiples[(term >> 1) as usize];
                if term & 1 == 1 { -point } else { point }
            })
            .collect();
        let mut groups: Vec<Range<usize>> = starts
            .windows(2)
            .map(|pair| pair[0] - offset..pair[1] - offset)
            .collect();
        let mut batch = Batch::default();
        while groups.iter().any(|group| group.len() > 1) {
            batch.halve(&mut points, &mut groups);
        }
        groups
            .into_iter()
            .map(|group| points[group].first().copied().unwrap_or_default())
            .collect()
    }
}

/// Additions of affine points that share one inversion.
#[derive(Default)]
struct Batch {
    /// `x_2 - x_1` of each pair.
    differences: Vec<Fq>,
    /// Product of the differences before each pair's.
    products: Vec<Fq>,
}

impl Batch {
    /// Adds the points of every group in pairs; an odd one is left as it is.
    fn halve(&mut self, points: &mut [G1Affine], groups: &mut [Range<usize>]) {
        self.differences.clear();
        self.products.clear();
        let mut product = Fq::ONE;
        for group in groups.iter() {
            for pair in points[group.clone()].chunks_exact(2) {
                let difference = chord(&pair[0], &pair[1]).unwrap_or(Fq::ONE);
                self.differences.push(difference);
                self.products.push(product);
                product *= difference;
            }
        }
        // Never zero: no factor is.
        let mut inverse = product.invert().unwrap_or(Fq::ZERO);
        let mut pair = self.differences.len();
        for group in groups.iter_mut().rev() {
            let pairs = group.len() / 2;
            // Sums are gathered at the end of the group, where pairs are already used up.
            if group.len() % 2 == 1 {
                // The odd point stays last.
            }
            for k in (0..pairs).rev() {
                pair -= 1;
                let slope_denominator = inverse * self.products[pair];
                inverse *= self.differences[pair];
                let at = group.start + 2 * k;
                let (p, q) = (points[at], points[at + 1]);
                points[at] = match chord(&p, &q) {
                    Some(_) => chord_sum(&p, &q, slope_denominator),
                    None => (p.to_curve() + q).to_affine(),
                };
            }
        }
        for group in groups.iter_mut() {
            let len = group.len().div_ceil(2);
            for k in 1..len {
                points[group.start + k] = points[group.start + 2 * k];
            }
            group.end = group.start + len;
        }
    }
}
