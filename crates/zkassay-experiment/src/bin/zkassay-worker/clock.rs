//! Wall-clock and CPU time of what is done between two moments.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};

/// A running clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    wall: Instant,
    cpu: Duration,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: cpu(),
        }
    }

    /// The times since the start, as the beginning of an answer.
    pub(crate) fn stop(self) -> Map<String, Value> {
        let wall = self.wall.elapsed();
        let cpu = cpu().saturating_sub(self.cpu);
        let mut answer = Map::new();
        answer.insert("seconds".into(), json!(wall.as_secs_f64()));
        answer.insert("cpu_seconds".into(), json!(cpu.as_secs_f64()));
        answer
    }
}

/// CPU time of this process so far, of all its threads.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanoseconds)
}
