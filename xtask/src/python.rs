//! `cargo xtask python`: the environments with the libraries that models are compared with, and
//! with those that export them; and how an environment with pinned packages is made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::{cargo, ezkl};

/// All wheels are pinned for this version.
const PYTHON: &str = "CPython 3.11 on Linux x86_64";
/// Where it is looked for, in this order.
const PROGRAMS: [&str; 2] = ["python3.11", "python3"];
const REQUIREMENTS: &str = "fixtures/oracle/requirements.txt";
const EXPORTERS: &str = "fixtures/exporters/requirements.txt";

/// Make the Python environment that tests compare models in, or the one that exports fixtures.
///
/// Some tests check exported models with the ONNX checker and onnxruntime, and trained models
/// with scikit-learn; without this environment they say that they are skipped. It takes 0.4 GB in
/// cargo's target folder, has pinned packages, and needs CPython 3.11 on Linux x86-64. Where it is
/// up to date, nothing is done.
///
/// With --exporters it is another one, with PyTorch, Keras, TensorFlow and their exporters (6 GB,
/// because PyTorch's wheels need CUDA's libraries even on the CPU). Only `cargo xtask operators
/// --export` needs it: what it writes is in `fixtures/operators`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  cargo xtask python
  cargo xtask python --exporters
  cargo xtask python --python /usr/bin/python3.11")]
pub(crate) struct Python {
    /// The Python that the environment is made with [default: python3.11, or else python3].
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// The environment of the exporters instead.
    #[arg(long)]
    exporters: bool,
}

impl Python {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let python = match &self.python {
            Some(python) => check_python(python).map(|()| python.clone())?,
            None => find_python()?,
        };
        let environment = match self.exporters {
            true => exporters(&python)?,
            false => oracle(&python)?,
        };
        eprintln!("{}", environment.display());
        Ok(ExitCode::SUCCESS)
    }
}

/// Makes the tests' environments, EZKL's among them, if there is a Python for them: without one,
/// those tests are skipped. An error if there is one, and the packages cannot be installed.
pub(crate) fn prepare() -> Result<()> {
    match find_python() {
        Ok(python) => oracle(&python)
            .and_then(|_| ezkl::make(&python))
            .map(|_| ()),
        Err(error) => {
            eprintln!("Tests that compare models with Python's libraries are skipped: {error:#}");
            Ok(())
        }
    }
}

fn oracle(python: &Path) -> Result<PathBuf> {
    let environment = cargo::target_directory()?.join("python/oracle");
    install(python, &environment, &cargo::root().join(REQUIREMENTS))?;
    Ok(environment)
}

/// The environment of the exporters, made if need be.
pub(crate) fn exporters(python: &Path) -> Result<PathBuf> {
    let environment = cargo::target_directory()?.join("python/exporters");
    install(python, &environment, &cargo::root().join(EXPORTERS))?;
    Ok(environment)
}

pub(crate) fn find_python() -> Result<PathBuf> {
    let mut programs = PROGRAMS.into_iter().map(PathBuf::from);
    let found = programs.find(|program| check_python(program).is_ok());
    found.with_context(|| {
        let programs = PROGRAMS.join(" nor as ");
        format!("{PYTHON} is not there as {programs}: install it, or name it with --python PROGRAM")
    })
}

/// An error that says what is needed, unless `python` is that.
pub(crate) fn check_python(python: &Path) -> Result<()> {
    let mut command = Command::new(python);
    command.args([
        "-c",
        "import sys, platform; print(platform.python_implementation(), \
         '%d.%d on' % sys.version_info[:2], platform.system(), platform.machine())",
    ]);
    let found = cargo::output(command).with_context(|| {
        format!("this runs in {PYTHON}: install it, or name it with --python PROGRAM")
    })?;
    let found = found.trim();
    if found != PYTHON {
        bail!(
            "the packages are pinned for {PYTHON}, but {} is {found}: name another with \
             --python PROGRAM",
            python.display()
        );
    }
    Ok(())
}

/// Makes `environment` with the packages of the file `requirements`, if it is not up to date.
pub(crate) fn install(python: &Path, environment: &Path, requirements: &Path) -> Result<()> {
    let wanted = fs::read_to_string(requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    // Written last: says that everything is there.
    let stamp = environment.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    eprintln!("Installing Python packages in {}", environment.display());
    let mut command = Command::new(python);
    command.args(["-m", "venv", "--clear"]).arg(environment);
    cargo::check(command)?;
    let mut command = Command::new(interpreter(environment));
    command.args(["-m", "pip", "install", "--quiet"]);
    command.args(["--disable-pip-version-check", "--no-deps"]);
    command.args(["--only-binary", ":all:", "--require-hashes", "-r"]);
    command.arg(requirements);
    cargo::check(command)?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// The Python of an environment.
pub(crate) fn interpreter(environment: &Path) -> PathBuf {
    environment.join("bin/python")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Checks that the requirements `file` names `package`, and has hashes.
    pub(crate) fn assert_pinned(file: &str, package: &str) {
        let pinned = fs::read_to_string(cargo::root().join(file)).unwrap();
        assert!(pinned.contains(&format!("\n{package}==")), "{file}");
        let pins = pinned
            .lines()
            .filter(|line| !line.starts_with('#') && line.contains("=="));
        let hashes = pinned.matches("--hash=sha256:").count();
        assert_eq!(pins.count(), hashes, "{file}: every package has its hash");
    }

    #[test]
    fn every_package_is_pinned() {
        for package in ["numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx"] {
            assert_pinned(REQUIREMENTS, package);
        }
        let exporters = "torch onnxscript onnxruntime skl2onnx hummingbird-ml keras tf2onnx";
        for package in exporters.split_whitespace() {
            assert_pinned(EXPORTERS, package);
        }
    }

    #[test]
    fn a_missing_python_is_explained() {
        let error = check_python(Path::new("zkassay-no-such-python")).unwrap_err();
        assert_eq!(
            format!("{error:#}").split(": cannot start").next(),
            Some(
                "this runs in CPython 3.11 on Linux x86_64: install it, or name it with \
                 --python PROGRAM"
            )
        );
    }

    #[test]
    fn another_python_is_named() {
        // Prints its arguments, as no Python does.
        let error = check_python(Path::new("echo")).unwrap_err().to_string();
        assert!(error.contains("but echo is -c import sys"), "{error}");
    }
}
