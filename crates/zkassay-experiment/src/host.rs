//! The machine, the revision and the packages.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde::Deserialize;
use zkassay_report::Host;

/// Exact versions of everything that this program is made of.
const LOCK: &str = include_str!("../../../Cargo.lock");

/// Packages that decide about results or times.
const PACKAGES: [&str; 9] = [
    "candle-core",
    "halo2-axiom",
    "ndarray",
    "polars",
    "rand_chacha",
    "rayon",
    "smartcore",
    "tract-onnx",
    "zkassay",
];

/// What the record says about the machine; `threads` is what the run was limited to.
pub fn host(threads: Option<usize>) -> Host {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = line_of("/proc/sys/kernel/osrelease", "").unwrap_or_default();
    Host {
        cpu: line_of("/proc/cpuinfo", "model name")
            .unwrap_or_else(|| std::env::consts::ARCH.into()),
        cores,
        threads: threads.unwrap_or(cores),
        ram_bytes: line_of("/proc/meminfo", "MemTotal")
            .and_then(|text| kilobytes(&text))
            .unwrap_or(0),
        os: format!("{} {kernel}", std::env::consts::OS).trim().into(),
        revision: revision(),
        packages: packages(),
    }
}

/// Versions of the [`PACKAGES`] and of the compiler. Several versions of a package are separated by
/// commas.
fn packages() -> BTreeMap<String, String> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
    }
    let locked: Vec<Package> =
        toml::from_str(LOCK).map_or_else(|_| vec![], |lock: Lock| lock.package);
    let mut packages: BTreeMap<String, String> = BTreeMap::new();
    for Package { name, version } in locked {
        if !PACKAGES.contains(&name.as_str()) {
            continue;
        }
        packages
            .entry(name)
            .and_modify(|versions| *versions += &format!(", {version}"))
            .or_insert(version);
    }
    packages.insert("rustc".into(), env!("ZKASSAY_RUSTC").into());
    packages
}

/// The text after the colon of the first line of a file that starts with `key`, or the first line.
fn line_of(path: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    let value = if key.is_empty() {
        line
    } else {
        line.split_once(':')?.1
    };
    Some(value.trim().to_string())
}

/// `16384 kB` as bytes.
fn kilobytes(text: &str) -> Option<u64> {
    text.strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()?
        .checked_mul(1024)
}

/// The commit of the working folder, with `-dirty` if files are changed.
fn revision() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() {
        commit
    } else {
        format!("{commit}-dirty")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(kilobytes("24576 kB"), Some(25_165_824));
        assert_eq!(kilobytes("many"), None);
    }

    #[test]
    fn all_packages_have_a_version() {
        let packages = packages();
        for name in PACKAGES {
            let version = &packages[name];
            assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{name}");
        }
        assert_eq!(packages["zkassay"], env!("CARGO_PKG_VERSION"));
        assert!(packages["rustc"].starts_with("1."), "{packages:?}");
    }

    #[test]
    fn the_machine_has_cores_and_a_name() {
        let host = host(Some(3));
        assert!(host.cores > 0 && !host.cpu.is_empty());
        assert_eq!(host.threads, 3);
    }
}
