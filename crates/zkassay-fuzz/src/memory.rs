//! The greatest memory that this process has used, as Linux counts it.

use std::fs;

/// The greatest resident size since the start or the last [`reset`], in bytes; `None` where the
/// system does not say.
pub fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Sets the peak to what is resident now; whether the system did it.
pub fn reset() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_to_counts() {
        let before = peak().unwrap();
        let used = std::hint::black_box(vec![1u8; 64 << 20]);
        assert!(peak().unwrap() >= before.min(used.len() as u64));
        assert!(peak().unwrap() >= used.len() as u64);
    }
}
