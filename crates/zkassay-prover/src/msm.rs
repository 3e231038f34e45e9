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
//! multiplications, against eleven for a mixed addition. So is the weighted sum over
//! buckets, by the digits of their numbers; running sums are over the square root of as many.
//!
//! Cost in field multiplications for `n` full-size scalars: `6 n W + 12 * 2^(c-1)`;
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
const TASK: usize = 2048;

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
        let sums: Vec<Vec<G1Affine>> = buckets
            .tasks()
            .into_par_iter()
            .map(|task| buckets.sums(task))
            .collect();
        weighted_sum(&sums.concat())
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
        Batch::default().sum(&mut points, &mut groups);
        let first = |group: Range<usize>| points[group].first().copied();
        let sums = groups.into_iter().map(first);
        sums.map(|sum| sum.unwrap_or(G1Affine::identity()))
            .collect()
    }
}

/// `sum_b (b + 1) sums[b]`.
///
/// Digits of a digit: with `b + 1 = h 2^m + l` it is `sum_h h 2^m R_h + sum_l l C_l`, where `R_h` is the
/// sum of all buckets with `h`, and `C_l` that of all with `l`: two affine additions for each
/// bucket, and running sums over `2^m` of each kind only.
fn weighted_sum(sums: &[G1Affine]) -> G1 {
    let bits = usize::BITS - sums.len().leading_zeros();
    let low = bits / 2;
    let (rows, columns) = ((sums.len() >> low) + 1, 1 << low);
    let present = |number: usize| {
        let sum = sums.get(number.wrapping_sub(1)).copied();
        sum.filter(|sum| !bool::from(sum.is_identity()))
    };
    let mut points = Vec::with_capacity(2 * sums.len());
    let mut groups = Vec::with_capacity(rows + columns);
    let mut group = |numbers: &mut dyn Iterator<Item = usize>| {
        let start = points.len();
        points.extend(numbers.filter_map(present));
        groups.push(start..points.len());
    };
    (0..rows).for_each(|row| group(&mut (row << low..(row + 1) << low)));
    (0..columns).for_each(|column| group(&mut (0..rows).map(|row| row << low | column)));
    Batch::default().sum(&mut points, &mut groups);
    let running = |groups: &[Range<usize>]| {
        let (mut running, mut weighted) = (G1::identity(), G1::identity());
        for group in groups[1..].iter().rev() {
            if let Some(point) = points[group.clone()].first() {
                running += point;
            }
            weighted += running;
        }
        weighted
    };
    let high = running(&groups[..rows]);
    (0..low).fold(high, |sum, _| sum.double()) + running(&groups[rows..])
}

/// Additions of affine points that share one inversion.
#[derive(Default)]
struct Batch {
    /// Of each pair the difference in `x`, then its inverse.
    differences: Vec<Fq>,
    /// The products of all differences before each.
    products: Vec<Fq>,
}

impl Batch {
    /// Replaces the points of each group by their sum, if there are any.
    fn sum(&mut self, points: &mut [G1Affine], groups: &mut [Range<usize>]) {
        while groups.iter().any(|group| group.len() > 1) {
            self.halve(points, groups);
        }
    }

    /// Replaces the points of each group by the sums of pairs; an odd one stays.
    fn halve(&mut self, points: &mut [G1Affine], groups: &mut [Range<usize>]) {
        self.differences.clear();
        for group in groups.iter() {
            let pairs = points[group.clone()].chunks_exact(2);
            // Any non-zero number will do for a pair without a chord.
            self.differences
                .extend(pairs.map(|pair| chord(pair[0], pair[1]).unwrap_or(Fq::ONE)));
        }
        self.invert();
        let mut inverses = self.differences.iter();
        for group in groups.iter_mut() {
            let points = &mut points[group.clone()];
            let pairs = points.len() / 2;
            for (pair, inverse) in (0..pairs).zip(&mut inverses) {
                let [p, q] = [points[2 * pair], points[2 * pair + 1]];
                points[pair] = match chord(p, q) {
                    Some(_) => chord_sum(p, q, *inverse),
                    None => (p.to_curve() + q).to_affine(),
                };
            }
            if points.len() % 2 == 1 {
                points[pairs] = points[2 * pairs];
            }
            group.end = group.start + points.len().div_ceil(2);
        }
    }

    /// Inverts the differences, none of which is zero (Montgomery's trick).
    fn invert(&mut self) {
        self.products.clear();
        let mut product = Fq::ONE;
        for difference in &self.differences {
            self.products.push(product);
            product *= difference;
        }
        let mut inverse = product.invert().unwrap_or(Fq::ZERO);
        for (difference, product) in self.differences.iter_mut().zip(&self.products).rev() {
            let next = inverse * *difference;
            *difference = inverse * product;
            inverse = next;
        }
    }
}

/// The difference in `x` of two points, if a chord through them gives their sum.
fn chord(p: G1Affine, q: G1Affine) -> Option<Fq> {
    // The point at infinity is stored as (0, 0).
    let chord = p.x != q.x && p.x != Fq::ZERO && q.x != Fq::ZERO;
    chord.then(|| q.x - p.x)
}

/// The sum of two points by the chord through them.
fn chord_sum(p: G1Affine, q: G1Affine, inverse: Fq) -> G1Affine {
    let slope = (q.y - p.y) * inverse;
    let x = slope.square() - p.x - q.x;
    let y = slope * (p.x - x) - p.y;
    G1Affine { x, y }
}

/// Windows that hold any magnitude, with a bit to spare in the last.
fn windows(window: usize) -> usize {
    MAGNITUDE_BITS / window + 1
}

/// The window for which `len` full-size scalars cost least.
fn best_window(len: usize) -> usize {
    let cost = |window: &usize| 6 * len * windows(*window) + (12 << (window - 1));
    (4..=16).min_by_key(cost).unwrap_or(4)
}

/// A scalar as the magnitude and sign of the integer nearest to zero; little-endian words.
fn signed(scalar: &Fr) -> ([u64; 4], bool) {
    let magnitude = words(scalar);
    // Less than 2^252 is less than p / 2.
    if magnitude[3] >> 60 == 0 {
        return (magnitude, false);
    }
    let opposite = words(&-scalar);
    match opposite.iter().rev().lt(magnitude.iter().rev()) {
        true => (opposite, true),
        false => (magnitude, false),
    }
}

/// A scalar as an integer, little-endian words.
fn words(scalar: &Fr) -> [u64; 4] {
    let mut words = [0; 4];
    let bytes = scalar.to_repr();
    for (word, bytes) in words.iter_mut().zip(bytes.as_ref().as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

/// Visits the digits of `magnitude` other than zero, each with its place, from the lowest.
///
/// `magnitude = sum digit * 2^(window * place)` with `-2^(window - 1) < digit <= 2^(window - 1)`.
fn for_each_digit(mut magnitude: [u64; 4], window: usize, mut visit: impl FnMut(usize, i64)) {
    let base = 1u64 << window;
    let mut carry = 0;
    let mut place = 0;
    while magnitude != [0; 4] || carry != 0 {
        let low = (magnitude[0] & (base - 1)) + carry;
        carry = u64::from(low > base / 2);
        let digit = low as i64 - (carry * base) as i64;
        if digit != 0 {
            visit(place, digit);
        }
        for word in 0..4 {
            let above = magnitude.get(word + 1).copied().unwrap_or(0);
            magnitude[word] = magnitude[word] >> window | above << (64 - window);
        }
        place += 1;
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;
    use zkassay_seed::Stream;

    use super::*;

    fn rng(name: &str) -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(Stream::new(1, name).bits())
    }

    fn random_scalars(len: usize) -> Vec<Fr> {
        let mut rng = rng("scalars");
        (0..len).map(|_| Fr::random(&mut rng)).collect()
    }

    fn random_bases(len: usize) -> Vec<G1Affine> {
        let mut rng = rng("bases");
        let mut point = || G1::random(&mut rng).to_affine();
        (0..len).map(|_| point()).collect()
    }

    /// The definition.
    fn naive(scalars: &[Fr], bases: &[G1Affine]) -> G1 {
        scalars.iter().zip(bases).map(|(s, base)| base * s).sum()
    }

    /// Scalars in which digits, carries and signs meet their limits.
    fn awkward_scalars() -> Vec<Fr> {
        let half = -Fr::ONE * Fr::TWO_INV;
        let powers = (0..254).map(|bit| Fr::from(2).pow_vartime([bit]));
        let near_powers =
            powers.flat_map(|power| [power - Fr::ONE, power, -power, -power - Fr::ONE]);
        [half, half + Fr::ONE, half - Fr::ONE, Fr::ZERO, -Fr::ONE]
            .into_iter()
            .chain(near_powers)
            .collect()
    }

    #[test]
    fn random_sums_agree_with_the_definition() {
        for len in [0, 1, 2, 3, 64, 65, 300] {
            let (scalars, bases) = (random_scalars(len), random_bases(len));
            let expected = naive(&scalars, &bases);
            assert_eq!(FixedBases::new(&bases).msm(&scalars), expected, "{len}");
            let few = &scalars[..len / 2];
            assert_eq!(
                FixedBases::new(&bases).msm(few),
                naive(few, &bases),
                "{len}"
            );
        }
    }

    #[test]
    fn awkward_scalars_are_exact_for_every_window() {
        let scalars = awkward_scalars();
        let bases = random_bases(scalars.len());
        let expected: Vec<G1> = scalars
            .iter()
            .zip(&bases)
            .map(|(s, base)| base * s)
            .collect();
        for window in [4, 5, 9, 10, 11] {
            let fixed = FixedBases::with_window(&bases, window);
            assert_eq!(fixed.msm(&scalars), expected.iter().sum(), "{window}");
            let single = FixedBases::with_window(&bases[..1], window);
            for scalar in &scalars {
                assert_eq!(
                    single.msm(&[*scalar]),
                    bases[0] * scalar,
                    "{window}, {scalar:?}"
                );
            }
        }
    }

    #[test]
    fn points_that_coincide_or_cancel_are_exact() {
        const LEN: usize = 96;
        let (window, base) = (5, random_bases(1)[0]);
        let doubled = |times: usize| {
            (0..times)
                .fold(base.to_curve(), |p, _| p.double())
                .to_affine()
        };
        let base_sets = [
            vec![base; LEN],
            vec![G1Affine::identity(); LEN],
            (0..LEN)
                .map(|i| if i % 2 == 0 { base } else { -base })
                .collect(),
            (0..LEN)
                .map(|i| {
                    if i % 3 == 0 {
                        G1Affine::identity()
                    } else {
                        base
                    }
                })
                .collect(),
            // The multiples of one base are bases themselves.
            (0..LEN).map(|i| doubled(i * window)).collect(),
            (0..LEN).map(doubled).collect(),
        ];
        let small = |i: usize| Fr::from(i as u64 % 7);
        let scalar_sets = [
            vec![Fr::ZERO; LEN],
            vec![Fr::ONE; LEN],
            vec![-Fr::ONE; LEN],
            vec![random_scalars(1)[0]; LEN],
            random_scalars(LEN),
            (0..LEN)
                .map(|i| if i % 2 == 0 { Fr::ONE } else { -Fr::ONE })
                .collect(),
            (0..LEN)
                .map(|i| if i % 2 == 0 { small(i) } else { -small(i) })
                .collect(),
            (0..LEN)
                .map(|i| if i % 31 == 0 { small(i) } else { Fr::ZERO })
                .collect(),
        ];
        for bases in &base_sets {
            let fixed = FixedBases::with_window(bases, window);
            for scalars in &scalar_sets {
                assert_eq!(fixed.msm(scalars), naive(scalars, bases));
            }
        }
    }

    #[test]
    fn threads_do_not_change_the_point() {
        let (scalars, bases) = (random_scalars(600), random_bases(600));
        let points = [1, 2, 7].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| FixedBases::new(&bases).msm(&scalars).to_affine())
        });
        assert_eq!(points, [naive(&scalars, &bases).to_affine(); 3]);
    }

    #[test]
    fn tasks_cover_every_bucket_in_use() {
        let (scalars, bases) = (random_scalars(600), random_bases(600));
        let fixed = FixedBases::new(&bases);
        let buckets = Buckets::new(&fixed, &scalars);
        let tasks = buckets.tasks();
        assert!(tasks.len() > 3, "{tasks:?}");
        assert_eq!(
            (tasks[0].start, tasks[tasks.len() - 1].end),
            (0, buckets.starts.len() - 1)
        );
        assert!(tasks.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert!(Buckets::new(&fixed, &[Fr::ZERO; 600]).tasks().is_empty());
    }

    #[test]
    fn small_integers_have_few_digits() {
        let terms = |value: Fr| {
            let fixed = FixedBases::with_window(&random_bases(1), 10);
            Buckets::new(&fixed, &[value]).terms.len()
        };
        let [byte, word] = [Fr::from(255), Fr::from(65_535)];
        assert_eq!(
            [Fr::ZERO, byte, -byte, word, -word].map(terms),
            [0, 1, 1, 2, 2]
        );
    }
}
