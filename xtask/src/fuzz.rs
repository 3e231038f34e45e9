//! `cargo xtask fuzz`: builds the fuzzer and runs it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::cargo::{self, Program};

/// Change honest files and check what their readers make of them.
///
/// Each case takes an honest file of one of a few small models, changes it, and reads it. It fails
/// if the reader panics, takes long, takes much memory, or accepts what it should not: a changed
/// proof, an old proof under a changed key, a file that is another once it is written again.
///
/// Prints, for each target, how many cases were read, and with which errors the others were refused.
/// The exit code is 1 if a case fails; its bytes are kept, and the command that repeats it is printed.
#[derive(Debug, Default, Args)]
#[command(after_long_help = "\
A million cases take, on one core of an Intel Xeon, about
  1 minute    input
  4 minutes   circuit, witness
  10 minutes  settings, onnx
  25 minutes  proof, verifying-key, proving-key, srs

Examples:
  cargo xtask fuzz
  cargo xtask fuzz --target input --target onnx --cases 1000000
  cargo xtask fuzz --target proof --seed 7 --case 123
  cargo xtask fuzz --target proof --file target/fuzz/proof-7-123")]
pub(crate) struct Fuzz {
    /// Reader to test: proof, verifying-key, proving-key, circuit, srs, settings, witness, input
    /// or onnx; may be given several times [default: all].
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Vec<String>,
    /// Cases of each target [default: 10000].
    #[arg(long, value_name = "N")]
    pub(crate) cases: Option<u64>,
    /// Seed of all cases [default: 1].
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
    /// Run only this case, and say what becomes of it.
    #[arg(long, value_name = "N", conflicts_with = "cases")]
    pub(crate) case: Option<u64>,
    /// Check the bytes of this file instead, with each model.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cases", "case", "seed"])]
    pub(crate) file: Option<PathBuf>,
    /// Further arguments, passed to the fuzzer as they are.
    #[arg(last = true, value_name = "REST")]
    pub(crate) rest: Vec<OsString>,
}

impl Fuzz {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let folder = cargo::target_directory()?.join("fuzz");
        let mut command = cargo::program(Program::Binary("zkassay-fuzz"))?;
        command.arg("--out").arg(&folder).args(self.arguments()?);
        let started = SystemTime::now();
        let status = command.status().context("cannot start zkassay-fuzz")?;
        match status.code() {
            Some(0) => Ok(ExitCode::SUCCESS),
            Some(1 | 2) => Ok(ExitCode::FAILURE),
            // A stack overflow, or no memory.
            _ => bail!(
                "the fuzzer did not survive ({status}){}",
                running(&folder, started)
            ),
        }
    }

    /// As [`run`](Self::run); an error if a case fails.
    pub(crate) fn check(&self) -> Result<()> {
        if self.run()? != ExitCode::SUCCESS {
            bail!("a case failed, see above");
        }
        Ok(())
    }

    /// The program's arguments.
    fn arguments(&self) -> Result<Vec<OsString>> {
        let number = |number: Option<u64>| number.map(|number| OsString::from(number.to_string()));
        let targets = self
            .target
            .iter()
            .map(|target| ("--target", Some(target.into())));
        let others = [
            ("--cases", number(self.cases)),
            ("--seed", number(self.seed)),
            ("--case", number(self.case)),
            (
                "--file",
                self.file.as_ref().map(cargo::absolute).transpose()?,
            ),
        ];
        let mut arguments = cargo::flags(targets.chain(others));
        arguments.extend(self.rest.iter().cloned());
        Ok(arguments)
    }
}

/// The cases that the fuzzer has noted in `folder` since `started`, for when it cannot say so itself.
fn running(folder: &Path, started: SystemTime) -> String {
    let is_new = |path: &Path| {
        let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
        modified.is_ok_and(|modified| modified >= started)
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let notes =
        paths.filter(|path| path.extension().is_some_and(|e| e == "running") && is_new(path));
    let lines = notes.filter_map(|path| fs::read_to_string(path).ok());
    lines
        .map(|line| format!("\n  {}", line.trim_end()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        fuzz: Fuzz,
    }

    fn arguments(line: &[&str]) -> Vec<OsString> {
        let line = ["xtask"].iter().chain(line);
        Line::try_parse_from(line)
            .unwrap()
            .fuzz
            .arguments()
            .unwrap()
    }

    #[test]
    fn flags_are_passed_on() {
        assert!(arguments(&[]).is_empty());
        let line = [
            "--target", "proof", "--target", "srs", "--cases", "5", "--seed", "7",
        ];
        assert_eq!(arguments(&line), line);
        let line = ["--target", "proof", "--seed", "7", "--case", "3"];
        assert_eq!(arguments(&line), line);
        assert_eq!(arguments(&["--", "--time", "5"]), ["--time", "5"]);
        assert_eq!(arguments(&["--file", "/x"]), ["--file", "/x"]);
    }

    #[test]
    fn notes_of_this_run_are_found() {
        let folder = std::env::temp_dir().join(format!("zkassay-xtask-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("proof.running"), "cargo xtask fuzz --case 3   ").unwrap();
        fs::write(folder.join("proof-1-3"), "bytes").unwrap();
        let found = running(&folder, SystemTime::UNIX_EPOCH);
        let later = SystemTime::now() + std::time::Duration::from_secs(3600);
        let stale = running(&folder, later);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, "\n  cargo xtask fuzz --case 3");
        assert_eq!(stale, "");
    }

    #[test]
    fn a_case_excludes_many_cases() {
        assert!(Line::try_parse_from(["xtask", "--case", "1", "--cases", "2"]).is_err());
        assert!(Line::try_parse_from(["xtask", "--case", "1", "--file", "x"]).is_err());
    }
}
