//! `cargo xtask browser`: the Chromium in which the report's page is tested, and pictures of pages.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::cargo;

/// Where Chromium is looked for; the tests of `zkassay-report` look for the same.
const NAMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];

/// Find Chromium, or install Debian's package of it.
///
/// The tests of the report's page run in a headless Chromium; without one they say that they are
/// skipped. The variable CHROME names another program than those on the path. With --picture, a
/// page is drawn into a PNG file.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  cargo xtask browser
  cargo xtask browser --page runs/20220601-000000/report.html --picture docs/report.png")]
pub(crate) struct Browser {
    /// The page that is drawn.
    #[arg(long, value_name = "FILE", requires = "picture")]
    page: Option<PathBuf>,
    /// The PNG file that it is drawn into.
    #[arg(long, value_name = "FILE", requires = "page")]
    picture: Option<PathBuf>,
    /// Width of the window in pixels.
    #[arg(long, default_value_t = 1280, value_name = "PIXELS")]
    width: u32,
    /// Height of the window in pixels.
    #[arg(long, default_value_t = 1500, value_name = "PIXELS")]
    height: u32,
}

impl Browser {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let chromium = match find() {
            Some(chromium) => chromium,
            None => install()?,
        };
        match (&self.page, &self.picture) {
            (Some(page), Some(picture)) => {
                draw(&chromium, page, picture, (self.width, self.height))?;
                eprintln!("{}", picture.display());
            }
            _ => eprintln!("{}", chromium.display()),
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Installs Chromium where that is possible and none is there: without one, the tests that need it
/// are skipped, so what goes wrong here is said and no error.
pub(crate) fn prepare() -> Result<()> {
    if find().is_none()
        && let Err(error) = install()
    {
        eprintln!("Tests of the report in a browser are skipped: {error:#}");
    }
    Ok(())
}

/// The program that `CHROME` names, or the first that is on the path.
fn find() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROME") {
        return Some(named.into());
    }
    on_path(&NAMES)
}

/// The first of the programs `names` that is in a folder of the path.
fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut programs = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    programs.find(|program| program.is_file())
}

/// Installs Debian's package, if this is Debian (or one of its children) and the user is root.
fn install() -> Result<PathBuf> {
    const ADVICE: &str = "install Chromium (`apt-get install chromium` as root, on Debian), or name a \
                          program that is one in the variable CHROME";
    if on_path(&["apt-get"]).is_none() {
        bail!("no Chromium, and no apt-get to install it with: {ADVICE}");
    }
    let mut id = Command::new("id");
    id.arg("-u");
    if cargo::output(id)?.trim() != "0" {
        bail!("no Chromium, and only root may install it: {ADVICE}");
    }
    eprintln!("Installing Chromium");
    apt_get(&["update", "-qq"]).context(ADVICE)?;
    apt_get(&[
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
        "chromium",
        "fonts-dejavu-core",
    ])
    .context(ADVICE)?;
    find().with_context(|| format!("the package has no program `chromium`: {ADVICE}"))
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    // What it prints is a few hundred lines; errors say enough.
    cargo::output(command).map(|_| ())
}

/// Draws the upper part of a page, as much as a window shows.
fn draw(chromium: &Path, page: &Path, picture: &Path, (width, height): (u32, u32)) -> Result<()> {
    let page = page
        .canonicalize()
        .with_context(|| format!("cannot read {}", page.display()))?;
    let picture = std::path::absolute(picture).context("the picture's path")?;
    let profile = std::env::temp_dir().join(format!("zkassay-browser-{}", std::process::id()));
    let mut command = Command::new(chromium);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--force-color-profile=srgb",
    ]);
    command.arg(format!("--user-data-dir={}", profile.display()));
    command.arg(format!("--window-size={width},{height}"));
    command.arg(format!("--screenshot={}", picture.display()));
    command.arg(format!("file://{}", page.display()));
    let drawn = cargo::output(command);
    if profile.exists() {
        std::fs::remove_dir_all(&profile)
            .with_context(|| format!("cannot remove {}", profile.display()))?;
    }
    drawn?;
    if !picture.is_file() {
        bail!("Chromium drew nothing into {}", picture.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_in_the_order_of_their_names() {
        let shell = on_path(&["zkassay-no-such-program", "sh"]).unwrap();
        assert!(shell.ends_with("sh") && shell.is_absolute());
        assert_eq!(on_path(&["zkassay-no-such-program"]), None);
    }

    #[test]
    fn the_tests_look_for_the_same_programs() {
        let test = cargo::root().join("crates/zkassay-report/tests/browser/devtools.rs");
        let test = std::fs::read_to_string(test).unwrap();
        let (_, names) = test.split_once("const NAMES: [&str; 5] = [").unwrap();
        let (names, _) = names.split_once("];").unwrap();
        let names: Vec<&str> = names.split('"').skip(1).step_by(2).collect();
        assert_eq!(names, NAMES);
    }

    #[test]
    fn a_missing_page_is_named() {
        let none = Path::new("zkassay-no-such-page.html");
        let error = draw(Path::new("true"), none, Path::new("x.png"), (1, 1)).unwrap_err();
        assert!(
            error.to_string().contains("zkassay-no-such-page.html"),
            "{error}"
        );
    }
}
