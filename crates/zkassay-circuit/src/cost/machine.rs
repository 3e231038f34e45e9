//! How fast a machine is.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use zkassay_gadgets::Field;
use zkassay_gadgets::halo2_proofs::arithmetic::{Field as _, best_multiexp};
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{Bn256, G1Affine, G2Affine};
use zkassay_gadgets::halo2_proofs::halo2curves::group::Curve as _;
use zkassay_gadgets::halo2_proofs::halo2curves::pairing::Engine as _;

use super::Work;
use super::work::multiexp;

/// Seconds that one thread takes for what proofs are made of, and how many threads there are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// A multiplication of curve arithmetic, with everything around it.
    pub curve: f64,
    /// A multiplication of the scalar field, its operands in memory.
    pub multiplication: f64,
    /// A pairing.
    pub pairing: f64,
    /// Threads of the prover.
    pub threads: usize,
}

/// One machine for every layout, so that layouts depend on no machine: two cores of an AMD EPYC
/// of 2.4 GHz or so, as [`measure`](Machine::measure) finds them at rest.
impl Default for Machine {
    fn default() -> Self {
        Self {
            curve: 24e-9,
            multiplication: 14.8e-9,
            pairing: 0.7e-3,
            threads: 2,
        }
    }
}

impl Machine {
    /// Seconds that this machine takes for `work`.
    pub fn seconds(&self, work: &Work) -> f64 {
        let one_thread = self.curve * work.curve
            + self.multiplication * work.multiplications
            + self.pairing * work.pairings;
        let threads = self.threads.max(1) as f64;
        one_thread * (work.serial + (1.0 - work.serial) / threads)
    }

    /// Times the primitives on this machine, for about a second.
    ///
    /// Each is the fastest of several repetitions, so that other programs disturb little.
    /// Whatever the number of threads, primitives are timed on one.
    pub fn measure() -> Self {
        /// Few enough that a measurement takes a millisecond: longer ones are interrupted.
        const POINTS: usize = 64;
        /// As many as a usual table has rows.
        const ROWS: usize = 1 << 10;
        let threads = rayon::current_num_threads();
        let measure = || Self {
            curve: curve(POINTS),
            multiplication: multiplication(ROWS),
            pairing: pairing(),
            threads,
        };
        match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
            Ok(pool) => pool.install(measure),
            // Without a thread of its own the measurement still says something.
            Err(_) => measure(),
        }
    }
}

/// Seconds of the fastest repetition.
fn fastest(mut run: impl FnMut()) -> f64 {
    const LEAST: usize = 5;
    const TIME: Duration = Duration::from_millis(250);
    let start = Instant::now();
    let mut best = f64::INFINITY;
    let mut repetitions = 0;
    while repetitions < LEAST || start.elapsed() < TIME {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
        repetitions += 1;
    }
    best
}

/// Numbers without a pattern: powers of one of them.
fn elements(count: usize) -> Vec<Field> {
    let base = Field::from(0x9e37_79b9_7f4a_7c15).pow_vartime([5]);
    let powers = std::iter::successors(Some(base), |power| Some(power * base));
    powers.take(count).collect()
}

fn curve(count: usize) -> f64 {
    let scalars = elements(count);
    let generator = G1Affine::generator();
    let points: Vec<_> = scalars
        .iter()
        .map(|s| (generator * s).to_affine())
        .collect();
    let seconds = fastest(|| {
        black_box(best_multiexp(black_box(&scalars), &points));
    });
    seconds / multiexp(count)
}

fn multiplication(count: usize) -> f64 {
    let factors = elements(count);
    let mut values = factors.clone();
    let seconds = fastest(|| {
        for (value, factor) in values.iter_mut().zip(&factors) {
            *value *= factor;
        }
    });
    black_box(&values);
    seconds / count as f64
}

fn pairing() -> f64 {
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    fastest(|| {
        black_box(Bn256::pairing(black_box(&g1), &g2));
    })
}
