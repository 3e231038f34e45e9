//! Ends the process if a case does not end.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Case;

/// The case that is being run, since when.
type Running = Arc<Mutex<Option<(Instant, u64, Arc<Case>)>>>;

/// A thread that looks at a clock.
pub(super) struct Watchdog {
    running: Running,
    /// Dropped with the watchdog, which ends the thread.
    _end: Sender<()>,
}

impl Watchdog {
    /// Calls `report` and ends the process with exit code 1 once a case takes longer than `limit`.
    pub(super) fn new(limit: Duration, report: impl Fn(u64, &Case) + Send + 'static) -> Self {
        let (end, ended) = channel();
        let running = Running::default();
        let watched = Arc::clone(&running);
        std::thread::spawn(move || {
            if let Some((number, case)) = overdue(&watched, limit, &ended) {
                report(number, &case);
                std::process::exit(1);
            }
        });
        Self { running, _end: end }
    }

    /// A case begins.
    pub(super) fn watch(&self, number: u64, case: &Arc<Case>) {
        self.set(Some((Instant::now(), number, Arc::clone(case))));
    }

    /// No case is being run.
    pub(super) fn rest(&self) {
        self.set(None);
    }

    fn set(&self, running: Option<(Instant, u64, Arc<Case>)>) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = running;
    }
}

/// Waits for a case that takes longer than `limit`; `None` once `ended` is closed.
fn overdue(running: &Running, limit: Duration, ended: &Receiver<()>) -> Option<(u64, Arc<Case>)> {
    loop {
        let step = (limit / 10).min(Duration::from_secs(1));
        if ended.recv_timeout(step) == Err(RecvTimeoutError::Disconnected) {
            return None;
        }
        let running = running.lock().unwrap_or_else(PoisonError::into_inner);
        match running.as_ref() {
            Some((since, number, case)) if since.elapsed() > limit => {
                return Some((*number, Arc::clone(case)));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_does_not_end_is_found() {
        let (end, ended) = channel();
        let case = Arc::new(Case {
            bytes: vec![1],
            member: 0,
        });
        let began = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        let running = Running::default();
        *running.lock().unwrap() = Some((began, 5, case));
        let found = overdue(&running, Duration::from_secs(1), &ended).unwrap();
        assert_eq!((found.0, found.1.bytes.as_slice()), (5, &[1][..]));
        // Nothing runs any more, and the sender is gone.
        *running.lock().unwrap() = None;
        drop(end);
        assert!(overdue(&running, Duration::from_secs(1), &ended).is_none());
    }
}
