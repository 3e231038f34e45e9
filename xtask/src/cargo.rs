//! Starting cargo and other programs in the workspace's root.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Context as _, Result, bail};

/// The root folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

/// The cargo that runs this program, in the workspace's root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_of_this_package) {
            command.env_remove(name);
        }
    }
    command
}

/// Whether cargo sets a variable for this program alone, when it runs it. Build scripts that watch one
/// (ring's does), and all above them, would be built again for every cargo that inherits it. What
/// configures cargo stays.
fn is_of_this_package(variable: &str) -> bool {
    let families = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_EXE_",
        "CARGO_CFG_",
        "CARGO_FEATURE_",
        "DEP_",
    ];
    let names = [
        "CARGO_CRATE_NAME",
        "CARGO_BIN_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_TARGET_TMPDIR",
        "OUT_DIR",
    ];
    families.iter().any(|family| variable.starts_with(family)) || names.contains(&variable)
}

/// A program of the workspace that cargo builds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Program {
    /// A binary, by name.
    Binary(&'static str),
    /// An example, by name.
    Example(&'static str),
}

/// Builds `program` in release mode and returns the command that runs it, in
/// the workspace's root.
///
/// Features are resolved for the whole workspace (`--workspace`), as the tests
/// do it: with `-p` instead, cargo would choose other features for shared
/// dependencies and compile the heavy ones once more.
pub(crate) fn program(program: Program) -> Result<Command> {
    let [command] = programs([program])?;
    Ok(command)
}

/// As [`program`], of several that one cargo builds.
pub(crate) fn programs<const COUNT: usize>(programs: [Program; COUNT]) -> Result<[Command; COUNT]> {
    let release = target_directory()?.join("release");
    if !has_dependencies(&release) {
        eprintln!("The first build compiles every dependency: about twenty minutes on two cores.");
    }
    let mut build = cargo(&["build", "--release", "--workspace"]);
    for program in programs {
        match program {
            Program::Binary(name) => build.args(["--bin", name]),
            Program::Example(name) => build.args(["--example", name]),
        };
    }
    check(build)?;
    Ok(programs.map(|program| {
        let (folder, name) = match program {
            Program::Binary(name) => (release.clone(), name),
            Program::Example(name) => (release.join("examples"), name),
        };
        let mut command =
            Command::new(folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)));
        command.current_dir(root());
        command
    }))
}

/// Whether something was built in the folder of a profile, such as `target/release`.
fn has_dependencies(profile: &Path) -> bool {
    std::fs::read_dir(profile.join("deps")).is_ok_and(|mut files| files.next().is_some())
}

/// Runs `command` to its end and passes its exit code on.
pub(crate) fn pass_through(mut command: Command) -> Result<ExitCode> {
    let status = command.status().with_context(|| cannot_start(&command))?;
    Ok(exit_code(status))
}

/// Runs `command` to its end; an error if it fails.
pub(crate) fn check(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| cannot_start(&command))?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(&command));
    }
    Ok(())
}

/// What `command` prints; an error with its messages if it fails.
pub(crate) fn output(mut command: Command) -> Result<String> {
    let output = command.output().with_context(|| cannot_start(&command))?;
    if !output.status.success() {
        let messages = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{}` failed ({}):\n{messages}",
            line(&command),
            output.status
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("output of `{}`", line(&command)))
}

/// Where cargo puts what it builds, whatever environment or configuration says.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata = output(metadata)?;
    let path = json_string(&metadata, "target_directory");
    Ok(path
        .context("`cargo metadata` names no target directory")?
        .into())
}

/// The value of the first member `key` in `json` that is a string, as far as
/// file names need it: `\\` and `\"` are the only escapes.
fn json_string(json: &str, key: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!("\"{key}\":\""))?;
    let mut value = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return Some(value),
            '\\' => value.push(characters.next()?),
            character => value.push(character),
        }
    }
}

/// The flags that have a value, each followed by it.
pub(crate) fn flags<'a>(
    flags: impl IntoIterator<Item = (&'a str, Option<OsString>)>,
) -> Vec<OsString> {
    let given = flags
        .into_iter()
        .filter_map(|(flag, value)| Some([flag.into(), value?]));
    given.flatten().collect()
}

/// An argument that is a path: programs run in the workspace's root, so relative ones are
/// resolved against the folder this one was called in.
pub(crate) fn absolute(path: &PathBuf) -> Result<OsString> {
    let absolute = std::path::absolute(path);
    let absolute = absolute.with_context(|| format!("the path {}", path.display()))?;
    Ok(absolute.into_os_string())
}

/// The command as it would be typed, without the folder of the program.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_stem().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", line(command))
}

/// A child's exit code as ours; 1 if a signal ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace_manifest() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
    }

    #[test]
    fn a_nested_cargo_is_told_nothing_of_this_package() {
        for variable in [
            "CARGO_PKG_NAME",
            "CARGO_MANIFEST_DIR",
            "CARGO_MANIFEST_PATH",
            "OUT_DIR",
        ] {
            assert!(is_of_this_package(variable), "{variable}");
        }
        for variable in [
            "CARGO",
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_JOBS",
            "CARGO_NET_OFFLINE",
            "CARGO_REGISTRIES_CRATES_IO_PROTOCOL",
            "CARGO_RESOLVER_FEATURE_UNIFICATION",
            "CARGO_UNSTABLE_FEATURE_UNIFICATION",
            "PATH",
        ] {
            assert!(!is_of_this_package(variable), "{variable}");
        }
        // Tests are run with them set.
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
        let command = cargo(&["build"]);
        let removed = |(name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| {
            name == "CARGO_PKG_NAME" && value.is_none()
        };
        assert!(command.get_envs().any(removed));
    }

    #[test]
    fn a_folder_without_dependencies_was_not_built_in() {
        let folder = std::env::temp_dir().join(format!("xtask-deps-{}", std::process::id()));
        assert!(!has_dependencies(&folder));
        std::fs::create_dir_all(folder.join("deps/one")).unwrap();
        assert!(has_dependencies(&folder));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_failing_command_is_named_in_the_error() {
        let error = check(cargo(&["no-such-subcommand"])).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("`cargo no-such-subcommand` failed")
        );
        let error = output(cargo(&["no-such-subcommand"])).unwrap_err();
        assert!(error.to_string().contains("no such command"), "{error}");
    }

    #[test]
    fn a_missing_program_is_named_in_the_error() {
        let error = check(Command::new("zkassay-no-such-program")).unwrap_err();
        assert_eq!(error.to_string(), "cannot start `zkassay-no-such-program`");
    }

    #[test]
    fn json_strings_are_found_and_unescaped() {
        let json = r#"{"other":"x","target_directory":"C:\\a \"b\"\\t","version":1}"#;
        assert_eq!(
            json_string(json, "target_directory").unwrap(),
            r#"C:\a "b"\t"#
        );
        assert_eq!(json_string(json, "version"), None);
        assert_eq!(
            json_string(r#"{"target_directory":"cut"#, "target_directory"),
            None
        );
    }
}
