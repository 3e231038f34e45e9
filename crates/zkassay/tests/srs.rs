//! `zkassay get-srs` and `zkassay gen-srs`, with the ceremony's smallest file.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../zkassay-data/tests/fetch/server.rs"]
mod server;

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use server::{Fault, Server};
use tempfile::TempDir;
use zkassay::{Srs, SrsOrigin};
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{Fq, Fr, G1, G1Affine, G2Affine};
use zkassay_gadgets::halo2_proofs::halo2curves::group::Curve as _;
use zkassay_gadgets::halo2_proofs::halo2curves::serde::SerdeObject as _;

/// `perpetual-powers-of-tau-raw-1`: the secret's points, and the Lagrange points that follow.
fn file() -> Vec<u8> {
    let secret = G1Affine {
        x: Fq::from_raw([
            0xac15_e801_f2b9_1e69,
            0xbb3d_11e3_1115_dafb,
            0x7f8f_cae1_abf6_d2e4,
            0x2693_50b5_ecd4_4c00,
        ]),
        y: Fq::from_raw([
            0xe2d2_9ad2_2f98_b08c,
            0xbfbb_0d65_b2eb_e926,
            0xe686_0716_93e4_fa85,
            0x0948_18a2_34be_895a,
        ]),
    };
    let half = Fr::from(2).invert().unwrap();
    let [zero, one] = [G1Affine::generator(), secret].map(G1::from);
    let mut bytes = 1u32.to_le_bytes().to_vec();
    for point in [zero, one, (zero + one) * half, (zero - one) * half] {
        bytes.extend(point.to_affine().to_raw_bytes());
    }
    for point in [G2Affine::generator(), SrsOrigin::CEREMONY_POINT] {
        bytes.extend(point.to_raw_bytes());
    }
    bytes
}

/// A home of its own for every test, with a server that plays the ceremony's.
struct Home {
    folder: TempDir,
    server: Server,
}

const PATH: &str = "/perpetual-powers-of-tau-raw-1";

impl Home {
    fn new() -> Self {
        let server = Server::start();
        server.put(PATH, file());
        Self {
            folder: tempfile::tempdir().unwrap(),
            server,
        }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zkassay"));
        command.args(arguments).current_dir(self.folder.path());
        command.env_clear().env("HOME", self.folder.path());
        command.output().unwrap()
    }

    /// `get-srs` from the server.
    fn get(&self, arguments: &[&str]) -> Output {
        let all = [
            &["get-srs", "--mirror", &self.server.url, "--attempts", "1"],
            arguments,
        ];
        self.run(&all.concat())
    }

    fn fails(&self, output: Output) -> (i32, String) {
        assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
        (output.status.code().unwrap(), text(&output.stderr))
    }
}

fn ok(output: Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_ceremonys_parameters_are_fetched_cached_and_written() {
    let home = Home::new();
    let place = home
        .folder
        .path()
        .join(".cache/zkassay/srs-1/perpetual-powers-of-tau-raw-1");
    let printed = ok(home.get(&["--logrows", "1", "--srs-path", "kzg.srs"]));
    assert!(printed.contains("fetched and checked"), "{printed}");
    for path in [place.clone(), home.folder.path().join("kzg.srs")] {
        assert_eq!(fs::read(&path).unwrap(), file());
        assert_eq!(Srs::from_file(&path).unwrap().origin(), SrsOrigin::Ceremony);
    }
    let printed = ok(home.run(&["get-srs", "--logrows", "1", "--offline", "--json"]));
    let record: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(record["srs"], "ceremony");
    assert_eq!(record["logrows"], 1);
    assert_eq!(record["was_cached"], true);
    assert_eq!(record["path"], place.to_str().unwrap());
    assert_eq!(home.server.requests("/").len(), 1);
}

#[test]
fn exit_codes_tell_what_is_missing() {
    let home = Home::new();
    let (code, message) = home.fails(home.run(&["get-srs", "--logrows", "14", "--offline"]));
    assert_eq!(code, 3, "{message}");
    for part in [
        "(offline)",
        "perpetual-powers-of-tau-raw-14",
        "gen-srs --logrows 14",
        "can forge",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let (code, message) = home.fails(home.get(&["--logrows", "2"]));
    assert_eq!(code, 4, "{message}");
    assert!(message.contains("status 404"), "{message}");
    home.server.always(PATH, Fault::Corrupt);
    let (code, message) = home.fails(home.get(&["--logrows", "1"]));
    assert_eq!(code, 4, "{message}");
    assert!(message.contains("sha256"), "{message}");

    let (code, message) = home.fails(home.get(&["--logrows", "27"]));
    assert_eq!(code, 1, "{message}");
    assert!(message.contains("2^26"), "{message}");
    let (code, message) = home.fails(home.get(&[]));
    assert_eq!(code, 1, "{message}");
    assert!(message.contains("settings.json"), "{message}");
    let (code, _) = home.fails(home.get(&["--logrows", "x"]));
    assert_eq!(code, 2);
}

#[test]
fn local_parameters_are_marked() {
    let home = Home::new();
    let printed = ok(home.run(&["gen-srs", "--logrows", "5", "--srs-path", "kzg.srs"]));
    assert!(printed.contains("unsafe-local"), "{printed}");
    assert!(printed.contains("can forge proofs"), "{printed}");
    let srs = Srs::from_file(&home.folder.path().join("kzg.srs")).unwrap();
    assert_eq!((srs.logrows(), srs.origin()), (5, SrsOrigin::UnsafeLocal));

    let json = [
        "gen-srs",
        "--logrows",
        "5",
        "--srs-path",
        "other.srs",
        "--json",
    ];
    let record: Value = serde_json::from_str(&ok(home.run(&json))).unwrap();
    assert_eq!(record["srs"], "unsafe-local");
    assert!(
        record["warning"]
            .as_str()
            .unwrap()
            .contains("can forge proofs")
    );

    for logrows in ["0", "27", "-1"] {
        let arguments = ["gen-srs", "--logrows", logrows, "--srs-path", "no.srs"];
        assert_eq!(home.fails(home.run(&arguments)).0, 2);
    }
    let (code, message) =
        home.fails(home.run(&["gen-srs", "--logrows", "3", "--srs-path", "no/kzg.srs"]));
    assert_eq!(code, 1);
    assert!(message.contains("no/kzg.srs"), "{message}");
}
