//! `zkassay data` end to end, against a server on this machine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../zkassay-data/tests/fetch/server.rs"]
mod server;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use server::{Fault, Server};
use tempfile::TempDir;

/// A home of its own for every test.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zkassay"));
        command.arg("data").args(arguments);
        command.env_clear().env("HOME", self.0.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a successful command prints.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let printed = self.ok(&[arguments, &["--json"]].concat());
        serde_json::from_str(&printed).unwrap()
    }

    /// Exit code and message of a command that fails and prints nothing.
    fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
        (output.status.code().unwrap(), text(&output.stderr))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A bucket with one partition in it.
fn bucket() -> Server {
    let server = Server::start();
    server.put(
        "/datasets-giza/TVL_per_project_tokens/project=lido/a.bin",
        vec![5; 50_000],
    );
    server
}

#[test]
fn a_data_set_is_fetched_described_located_and_cleared() {
    let (home, server) = (Home::new(), bucket());
    let (code, message) = home.fails(&["path", "tvl-lido"]);
    assert_eq!(code, 3);
    assert!(message.contains("zkassay data fetch tvl-lido"), "{message}");

    let fetched = home.json(&["fetch", "tvl-lido", "--mirror", &server.url]);
    assert_eq!(fetched["was_cached"], false);
    assert_eq!(fetched["manifest"]["files"][0]["bytes"], 50_000);
    let path = home.ok(&["path", "tvl-lido"]);
    let path = Path::new(path.trim_end());
    assert!(
        path.starts_with(home.0.path().join(".cache/zkassay")),
        "{}",
        path.display()
    );
    assert!(
        path.join("TVL_per_project_tokens/project=lido/a.bin")
            .is_file()
    );

    assert_eq!(home.json(&["describe", "tvl-lido"])["status"], "cached");
    assert_eq!(
        home.json(&["fetch", "tvl-lido", "--offline"])["was_cached"],
        true
    );
    let listed = home.json(&["list"]);
    let cached = listed
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["status"] == "cached");
    assert_eq!(cached.count(), 1);

    assert_eq!(home.ok(&["clear", "tvl-lido"]), "cleared tvl-lido\n");
    assert_eq!(home.ok(&["clear"]), "nothing to clear\n");
    assert!(!path.exists());
}

#[test]
fn generated_data_needs_no_network() {
    let home = Home::new();
    home.ok(&[
        "fetch",
        "fixtures-tokens-daily-prices-mcap-volume",
        "--offline",
    ]);
    let described = home.json(&["describe", "fixtures-tokens-daily-prices-mcap-volume"]);
    let contents = &described["contents"][0];
    assert_eq!(contents["rows"], 15_732);
    assert_eq!(contents["duplicates"]["identical"], 1);
    let described = home.ok(&["describe", "fixtures-tokens-daily-prices-mcap-volume"]);
    assert!(described.contains("1 rows twice"), "{described}");
}

#[test]
fn exit_codes_tell_failures_apart() {
    let (home, server) = (Home::new(), bucket());
    let mirror = ["--mirror", &server.url, "--attempts", "1"];
    let fetch = |name: &'static str| home.fails(&[&["fetch", name], &mirror[..]].concat());
    assert_eq!(fetch("nonsense").0, 1);
    assert_eq!(home.fails(&["fetch"]).0, 2);
    assert_eq!(home.fails(&["fetch", "mnist", "--mirror", "ftp://x"]).0, 2);
    assert_eq!(home.fails(&["fetch", "mnist", "--offline"]).0, 3);
    let (code, message) = fetch("mnist");
    assert_eq!(code, 4);
    for way in ["404", "zkassay data fetch fixtures-mnist", "--mirror URL"] {
        assert!(message.contains(way), "{message}");
    }
    let object = "/datasets-giza/TVL_per_project_tokens/project=lido/a.bin";
    server.always(object, Fault::Corrupt);
    let (code, message) = fetch("tvl-lido");
    assert_eq!(code, 4);
    assert!(message.contains("md5"), "{message}");
    assert_eq!(home.fails(&["path", "tvl-lido"]).0, 3);
}

#[test]
fn a_killed_download_is_resumed_by_the_next_process() {
    let (home, server) = (Home::new(), bucket());
    let object = "/datasets-giza/TVL_per_project_tokens/project=lido/a.bin";
    server.faults(object, [Fault::Stall(30_000)]);
    let arguments = ["fetch", "tvl-lido", "--mirror", &server.url];
    let mut child = home.command(&arguments).spawn().unwrap();
    let part = home.0.path().join(".cache/zkassay/.partial/tvl-lido/parts");
    let arrived = || -> u64 {
        let files = fs::read_dir(&part).into_iter().flatten().flatten();
        files
            .filter_map(|file| Some(file.metadata().ok()?.len()))
            .max()
            .unwrap_or(0)
    };
    for _ in 0..500 {
        if arrived() >= 30_000 {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(home.fails(&["path", "tvl-lido"]).0, 3);

    home.ok(&arguments);
    assert_eq!(
        server.requests(object)[1].range.as_deref(),
        Some("bytes=30000-")
    );
    assert_eq!(server.sent(object), 50_000);
}

#[test]
fn two_processes_fetch_once() {
    let (home, server) = (Home::new(), bucket());
    server.delay(Duration::from_millis(300));
    let arguments = ["fetch", "tvl-lido", "--mirror", &server.url];
    let children: Vec<_> = (0..3)
        .map(|_| home.command(&arguments).spawn().unwrap())
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let object = "/datasets-giza/TVL_per_project_tokens/project=lido/a.bin";
    assert_eq!(server.requests(object).len(), 1);
}

#[test]
fn a_user_adds_data_sets_and_chooses_directories() {
    let (home, server) = (Home::new(), Server::start());
    server.put("/loans.csv", "x,y\n1,0\n");
    let config = home.0.path().join(".config/zkassay");
    fs::create_dir_all(&config).unwrap();
    let catalogue = config.join("datasets.toml");
    let entries = format!(
        "[datasets.loans]\nsummary = \"Loans\"\nfiles = [{{ url = \"{}/loans.csv\" }}]\n\
         [datasets.here]\npath = \"datasets.toml\"\n",
        server.url
    );
    fs::write(&catalogue, &entries).unwrap();
    assert!(home.ok(&["list"]).contains("Loans"));
    home.ok(&["fetch", "loans"]);
    assert_eq!(
        home.ok(&["path", "here"]),
        format!("{}\n", catalogue.display())
    );

    let elsewhere = home.0.path().join("elsewhere");
    let mut command = home.command(&["fetch", "loans"]);
    assert!(
        command
            .env("ZKASSAY_DATA_DIR", &elsewhere)
            .output()
            .unwrap()
            .status
            .success()
    );
    assert_eq!(
        fs::read_to_string(elsewhere.join("loans/loans.csv")).unwrap(),
        "x,y\n1,0\n"
    );

    fs::write(&catalogue, entries.replace("files", "fils")).unwrap();
    let (code, message) = home.fails(&["list"]);
    assert_eq!(code, 1);
    assert!(
        message.contains("datasets.toml") && message.contains("fils"),
        "{message}"
    );
}
