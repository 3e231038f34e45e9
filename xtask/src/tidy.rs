//! `cargo xtask tidy`: rules of the workspace that no compiler checks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::cargo;

/// Check the rules that no compiler checks.
///
/// Every Rust file starts with `//!` and holds no placeholder macro; both
/// licences are there; a crate's folder has its name and ARCHITECTURE.md
/// describes it; the verifier does not depend on data, training or import.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  cargo xtask tidy")]
pub(crate) struct Tidy {}

impl Tidy {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        check()?;
        eprintln!("tidy");
        Ok(ExitCode::SUCCESS)
    }
}

/// Folders that hold Rust sources.
const SOURCES: [&str; 3] = ["benches", "crates", "xtask"];
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];
const VERIFIER: &str = "zkassay-verifier";
/// Families of packages that whoever verifies a proof must not need.
const HEAVY: [&str; 4] = ["candle", "polars", "prost", "tract"];

/// Checks every rule and lists all violations in one error.
pub(crate) fn check() -> Result<()> {
    let root = cargo::root();
    let mut violations = Vec::new();
    for path in rust_files(&root)? {
        let text = read(&path)?;
        let name = path.strip_prefix(&root).unwrap_or(&path).display();
        violations.extend(
            file_violations(&text)
                .into_iter()
                .map(|v| format!("{name}{v}")),
        );
    }
    for licence in LICENCES {
        if !root.join(licence).is_file() {
            violations.push(format!(
                "{licence}: missing; the workspace is under both licences"
            ));
        }
    }
    let architecture = root.join("ARCHITECTURE.md");
    let architecture = match architecture.is_file() {
        true => read(&architecture)?,
        false => String::new(),
    };
    for folder in subfolders(&root.join("crates"))? {
        let manifest = read(&folder.join("Cargo.toml"))?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        violations.extend(crate_violations(&name, &manifest, &architecture));
    }
    let closure = ["tree", "-p", VERIFIER, "-e", "normal", "--prefix", "none"];
    let closure = cargo::output(cargo::cargo(&closure))?;
    for package in heavy_packages(&closure) {
        violations.push(format!(
            "{VERIFIER}: depends on {package}; `cargo tree -p {VERIFIER} -i {package}` says why"
        ));
    }
    if !violations.is_empty() {
        bail!("not tidy:\n{}", violations.join("\n"));
    }
    Ok(())
}

/// What is wrong with a Rust file, each starting with `:<line>: `.
fn file_violations(text: &str) -> Vec<String> {
    let mut violations = Vec::new();
    if !text.starts_with("//!") {
        violations.push(":1: does not start with `//!`: say what the file is for".to_owned());
    }
    // Put together, so that this file does not find itself.
    let placeholders = ["todo", "unimplemented"].map(|name| format!("{name}!("));
    for (index, line) in text.lines().enumerate() {
        for placeholder in &placeholders {
            if line.contains(placeholder) {
                violations.push(format!(
                    ":{}: `{placeholder}` is no implementation",
                    index + 1
                ));
            }
        }
    }
    violations
}

/// What is wrong with the crate in `crates/<folder>`.
fn crate_violations(folder: &str, manifest: &str, architecture: &str) -> Vec<String> {
    let mut violations = Vec::new();
    let names = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("name = "));
    let name = names.map(|name| name.trim_matches('"')).next();
    if name != Some(folder) {
        let name = name.unwrap_or("no package");
        violations.push(format!(
            "crates/{folder}: holds `{name}`: folder and package differ"
        ));
    }
    if !architecture.contains(&format!("`{folder}`")) {
        violations.push(format!(
            "crates/{folder}: ARCHITECTURE.md does not describe `{folder}`"
        ));
    }
    violations
}

/// The heavy packages in the output of `cargo tree --prefix none`, each once.
fn heavy_packages(closure: &str) -> Vec<&str> {
    let packages = closure
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let mut heavy: Vec<&str> = packages
        .filter(|package| {
            let family = package.split(['-', '_']).next().unwrap_or(package);
            HEAVY.contains(&family)
        })
        .collect();
    heavy.sort_unstable();
    heavy.dedup();
    heavy
}

fn rust_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> = SOURCES
        .iter()
        .map(|folder| root.join(folder))
        .filter(|folder| folder.is_dir())
        .collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in entries(&folder)? {
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn subfolders(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> = entries(folder)?
        .into_iter()
        .filter(|p| p.is_dir())
        .collect();
    folders.sort();
    Ok(folders)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot_list = || format!("cannot list {}", folder.display());
    let entries = fs::read_dir(folder).with_context(cannot_list)?;
    let paths = entries.map(|entry| Ok(entry?.path()));
    paths
        .collect::<std::io::Result<_>>()
        .with_context(cannot_list)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_file_has_no_violations() {
        assert!(file_violations("//! Says what it is.\n\nfn main() {}\n").is_empty());
    }

    #[test]
    fn a_file_without_documentation_is_found() {
        assert_eq!(file_violations("// Plain comment.\n").len(), 1);
        assert_eq!(file_violations("").len(), 1);
        assert_eq!(file_violations("#![allow(x)]\n//! Late.\n").len(), 1);
    }

    #[test]
    fn a_placeholder_is_found_with_its_line() {
        for name in ["todo", "unimplemented"] {
            let text = format!("//! Doc.\nfn f() {{\n    {name}!()\n}}\n");
            let expected = format!(":3: `{name}!(` is no implementation");
            assert_eq!(file_violations(&text), [expected]);
        }
    }

    #[test]
    fn folder_package_and_description_must_agree() {
        let manifest = "[package]\nname = \"zkassay-data\"\n\n[[bin]]\nname = \"other\"\n";
        let described = "| `zkassay-data` | tables |";
        assert!(crate_violations("zkassay-data", manifest, described).is_empty());
        assert_eq!(
            crate_violations("zkassay-data", manifest, "nothing").len(),
            1
        );
        let other = crate_violations("data", manifest, "`data`");
        assert_eq!(
            other,
            ["crates/data: holds `zkassay-data`: folder and package differ"]
        );
        // `zkassay-data` must not pass for the longer name of another crate.
        assert_eq!(
            crate_violations("zkassay-data", manifest, "`zkassay-data-hub`").len(),
            1
        );
    }

    #[test]
    fn heavy_packages_are_found_by_family() {
        let closure = "\
zkassay-verifier v0.1.0 (/w/crates/zkassay-verifier)
halo2-axiom v0.5.3
polars-core v0.55.2
polars-core v0.55.2 (*)
tracing v0.1.44
prost v0.14.4
";
        assert_eq!(heavy_packages(closure), ["polars-core", "prost"]);
    }
}
