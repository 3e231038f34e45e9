//! Pauses between attempts: exponential, with jitter, up to a limit.

use std::time::Duration;

use zkassay_seed::Stream;

/// No pause is longer, whatever a server asks for.
const LONGEST: Duration = Duration::from_secs(30);

/// The pauses after failures in a row.
pub(super) struct Backoff {
    stream: Stream,
    first: Duration,
    failures: u32,
}

impl Backoff {
    /// Pauses that start with `first`; the jitter depends on `seed` and `url`.
    pub(super) fn new(first: Duration, seed: u64, url: &str) -> Self {
        Self {
            stream: Stream::new(seed, &format!("fetch/backoff/{url}")),
            first,
            failures: 0,
        }
    }

    /// Failures since the last progress.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Something came: the next pause is short again.
    pub(super) fn progressed(&mut self) {
        self.failures = 0;
    }

    /// The pause after one more failure: half to all of `first * 2^failures`, or what the server
    /// asked for if that is longer.
    pub(super) fn fail(&mut self, asked: Option<Duration>) -> Duration {
        let doubled = self.first.saturating_mul(1 << self.failures.min(16));
        self.failures += 1;
        let jittered = doubled.min(LONGEST).mul_f64(0.5 + 0.5 * self.stream.unit());
        jittered.max(asked.unwrap_or_default()).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit_and_start_again_after_progress() {
        let first = Duration::from_millis(100);
        let mut backoff = Backoff::new(first, 1, "https://example.org");
        for failures in 0..12 {
            let pause = backoff.fail(None);
            let full = (first * (1 << failures)).min(LONGEST);
            assert!(pause >= full / 2 && pause <= full, "{failures}: {pause:?}");
        }
        backoff.progressed();
        assert!(backoff.fail(None) <= first);
        assert_eq!(
            backoff.fail(Some(Duration::from_secs(3))),
            Duration::from_secs(3)
        );
        assert_eq!(backoff.fail(Some(Duration::from_secs(9999))), LONGEST);
    }
}
