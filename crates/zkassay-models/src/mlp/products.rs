//! Matrix products of training stay on one thread.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Multiply-accumulates from which a product is worth another thread. Those of
/// the study's networks have some ten million, and are done before it has woken up.
const THRESHOLD: usize = 1 << 27;

/// Number of guards, and the threshold to go back to when there is none.
static GUARDS: Mutex<(usize, usize)> = Mutex::new((0, 0));

/// While one lives, candle's matrix products are not divided among threads
/// unless they are large. Rounds are trained on a thread each instead.
///
/// This is a setting of the process in the crate that candle multiplies with.
/// It changes no result.
pub(crate) struct SerialProducts(());

impl SerialProducts {
    pub(crate) fn new() -> Self {
        let mut guards = lock();
        if guards.0 == 0 {
            guards.1 = gemm::get_threading_threshold();
            gemm::set_threading_threshold(THRESHOLD);
        }
        guards.0 += 1;
        Self(())
    }
}

impl Drop for SerialProducts {
    fn drop(&mut self) {
        let mut guards = lock();
        guards.0 -= 1;
        if guards.0 == 0 {
            gemm::set_threading_threshold(guards.1);
        }
    }
}

fn lock() -> MutexGuard<'static, (usize, usize)> {
    GUARDS.lock().unwrap_or_else(PoisonError::into_inner)
}
