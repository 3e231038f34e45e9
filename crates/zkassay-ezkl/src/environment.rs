//! The Python environment that EZKL runs in.

use std::fs;
use std::path::{Path, PathBuf};

use crate::EzklError;

/// The packages of the environment, with versions and hashes.
pub(crate) const REQUIREMENTS: &str = include_str!("../python/requirements.txt");
const PACKAGE: &str = "ezkl";

/// A Python environment with the pinned EZKL; `cargo xtask ezkl` makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    python: PathBuf,
    version: String,
    threads: Option<usize>,
}

impl Environment {
    /// Looks whether the folder `folder` is an environment with the EZKL that is pinned here.
    /// Nothing is started.
    ///
    /// # Errors
    /// [`EzklError::Environment`] if it is not.
    pub fn open(folder: &Path) -> Result<Self, EzklError> {
        let failed = |reason: String| EzklError::Environment {
            folder: folder.to_owned(),
            reason,
        };
        // Programs are started from other folders.
        let absolute = std::path::absolute(folder).map_err(|error| failed(error.to_string()))?;
        let python = absolute.join("bin/python");
        if !python.is_file() {
            return Err(failed("no Python environment".into()));
        }
        let wanted = pinned(PACKAGE).unwrap_or_default();
        match installed(&absolute, PACKAGE) {
            Some(version) if version == wanted => Ok(Self {
                python,
                version,
                threads: None,
            }),
            Some(version) => Err(failed(format!("has EZKL {version} instead of {wanted}"))),
            None => Err(failed("a Python environment without EZKL".into())),
        }
    }

    /// EZKL's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The same, whose workers use so many threads; all cores without a number.
    #[must_use]
    pub fn with_threads(self, threads: Option<usize>) -> Self {
        Self { threads, ..self }
    }

    /// Threads of its workers; all cores if absent.
    pub(crate) fn threads(&self) -> Option<usize> {
        self.threads
    }

    /// The environment's Python.
    pub fn python(&self) -> &Path {
        &self.python
    }
}

/// The version of `package` in the requirements.
fn pinned(package: &str) -> Option<&'static str> {
    let mut lines = REQUIREMENTS.lines();
    let version = lines.find_map(|line| line.strip_prefix(package)?.strip_prefix("=="))?;
    version.split_whitespace().next()
}

/// The version of `package` that is installed, by the name of the folder with its description.
fn installed(environment: &Path, package: &str) -> Option<String> {
    let entries = |folder: PathBuf| fs::read_dir(folder).ok().into_iter().flatten().flatten();
    let libraries = entries(environment.join("lib"));
    let packages = libraries.flat_map(|library| entries(library.path().join("site-packages")));
    let mut versions = packages.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let version = name.strip_prefix(package)?.strip_prefix('-')?;
        version.strip_suffix(".dist-info").map(str::to_owned)
    });
    versions.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that looks like an environment with EZKL of this version.
    fn environment(version: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let packages = folder.path().join("lib/python3.11/site-packages");
        fs::create_dir_all(packages.join(format!("ezkl-{version}.dist-info"))).unwrap();
        fs::create_dir_all(packages.join("ezkl_other-1.0.dist-info")).unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        fs::write(folder.path().join("bin/python"), "").unwrap();
        folder
    }

    #[test]
    fn every_package_is_pinned_with_its_hash() {
        let pins = REQUIREMENTS
            .lines()
            .filter(|line| line.contains("==") && !line.starts_with('#'));
        assert_eq!(pins.count(), REQUIREMENTS.matches("--hash=sha256:").count());
        assert!(pinned("ezkl").is_some() && pinned("onnxruntime").is_some());
        assert_eq!(pinned("no-such-package"), None);
    }

    #[test]
    fn the_pinned_version_is_opened() {
        let wanted = pinned(PACKAGE).unwrap();
        let folder = environment(wanted);
        let opened = Environment::open(folder.path()).unwrap();
        assert_eq!(opened.version(), wanted);
        assert!(opened.python().ends_with("bin/python"));
    }

    #[test]
    fn anything_else_is_refused_with_what_makes_it() {
        let refused = |folder: &Path| Environment::open(folder).unwrap_err().to_string();
        let folder = environment("22.0.0");
        let error = refused(folder.path());
        assert!(error.contains("has EZKL 22.0.0 instead of"), "{error}");
        assert!(
            error.ends_with("`cargo xtask ezkl` makes the environment"),
            "{error}"
        );
        fs::remove_dir_all(folder.path().join("lib")).unwrap();
        assert!(refused(folder.path()).contains("without EZKL"));
        let error = refused(Path::new("no/such/folder"));
        assert!(
            error.starts_with("no/such/folder: no Python environment"),
            "{error}"
        );
    }
}
