//! What other programs take of the machine meanwhile.
//!
//! The load average does not tell: it still counts the training that came before. The system's
//! counters of CPU time do, less what this process and those it has started and ended took. They
//! are Linux's; elsewhere nothing is told.

use std::fs;

/// Shorter times are not told: in ticks of the system's clock, usually of 10 ms, of all cores.
const LEAST: u64 = 100;

/// CPU time since the machine started, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    /// Of all cores, busy or not.
    all: u64,
    /// In use.
    busy: u64,
    /// Of these, by this process and its children.
    own: u64,
    cores: usize,
}

impl Load {
    /// As it is now; `None` where the system does not tell.
    pub(crate) fn now() -> Option<Self> {
        let own = fs::read_to_string("/proc/self/stat").ok()?;
        Self::parse(&fs::read_to_string("/proc/stat").ok()?, &own)
    }

    fn parse(machine: &str, own: &str) -> Option<Self> {
        // user, nice, system, idle, iowait, irq, softirq, steal; guests are counted in the first.
        let times = machine.lines().next()?.strip_prefix("cpu ")?;
        let times = times.split_whitespace().map(str::parse);
        let times: Vec<u64> = times.take(8).collect::<Result<_, _>>().ok()?;
        let sum = |times: &[u64]| {
            times
                .iter()
                .try_fold(0_u64, |sum, time| sum.checked_add(*time))
        };
        let all = sum(&times)?;
        let idle = sum(times.get(3..5)?)?;
        // The name, in parentheses, may hold anything.
        let (_, after) = own.rsplit_once(") ")?;
        let fields: Vec<&str> = after.split_whitespace().collect();
        let own = fields.get(11..15)?.iter().map(|field| field.parse());
        let own: Vec<u64> = own.collect::<Result<_, _>>().ok()?;
        let is_core = |line: &&str| {
            let number = line.strip_prefix("cpu");
            number.is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_digit()))
        };
        Some(Self {
            all,
            busy: all.checked_sub(idle)?,
            own: sum(&own)?,
            cores: machine.lines().filter(is_core).count(),
        })
    }

    /// Cores that others kept busy since then, on average, and how many there are.
    pub(crate) fn others(self) -> Option<(f64, usize)> {
        self.until(Self::now()?)
    }

    fn until(self, now: Self) -> Option<(f64, usize)> {
        let all = now.all.checked_sub(self.all).filter(|all| *all >= LEAST)?;
        let busy = now.busy.saturating_sub(self.busy);
        let own = now.own.saturating_sub(self.own);
        let share = busy.saturating_sub(own) as f64 / all as f64;
        Some((share * now.cores as f64, now.cores))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str =
        "30613 (a ) b) R 30604 30604 27658 0 -1 4194304 98 0 0 0 70 20 6 4 20 0 1 0 5482";

    #[test]
    fn others_are_what_is_busy_without_this_process() {
        let machine = "cpu  600 50 300 800 40 0 5 5 0 0\ncpu0 1 1\ncpu1 1 1\nintr 3 4\n";
        let now = Load::parse(machine, OWN).unwrap();
        let expected = Load {
            all: 1800,
            busy: 960,
            own: 100,
            cores: 2,
        };
        assert_eq!(now, expected);
        let before = Load {
            all: 800,
            busy: 510,
            own: 50,
            cores: 2,
        };
        assert_eq!(before.until(now), Some((0.8, 2)));
        assert_eq!(now.until(now), None, "too short");
    }

    #[test]
    fn what_is_no_such_file_tells_nothing() {
        for (machine, own) in [
            ("", OWN),
            ("cpu a b", OWN),
            ("cpu  1 2 3", OWN),
            ("cpu  1 2 3 4 5 6 7 8", "1 (a) R 1"),
            ("cpu  18446744073709551615 2 3 4 5 6 7 8", OWN),
        ] {
            assert_eq!(Load::parse(machine, own), None, "{machine}");
        }
    }
}
