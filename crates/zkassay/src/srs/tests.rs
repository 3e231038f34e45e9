//! A ceremony of a few rows, served on this machine.

#[path = "../../../zkassay-data/tests/fetch/server.rs"]
mod server;

use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use self::server::{Fault, Server};
use super::*;

/// log2 of the most rows of the stand-in's files.
const LARGEST: u32 = 7;

struct Setup {
    server: Server,
    cache: TempDir,
    ceremony: Ceremony,
    /// The ceremony's parameters.
    srs: Srs,
    options: GetOptions,
}

impl Setup {
    fn new() -> Self {
        let server = Server::start();
        let srs = Srs::unsafe_local(LARGEST);
        let ceremony = Ceremony::stand_in(&srs).unwrap();
        for logrows in 1..=LARGEST {
            let raw = srs.downsized(logrows).unwrap().to_raw();
            server.put(&path(logrows), raw);
        }
        let cache = tempfile::tempdir().unwrap();
        let options = GetOptions {
            data_dir: Some(cache.path().to_path_buf()),
            fetch: FetchOptions {
                mirror: Some(server.url.clone()),
                attempts: 2,
                pause: Duration::from_millis(1),
                ..FetchOptions::default()
            },
        };
        Self {
            server,
            cache,
            ceremony,
            srs,
            options,
        }
    }

    fn offline(mut self) -> Self {
        self.options.fetch.offline = true;
        self
    }

    fn find(&self, logrows: u32) -> Result<Found, GetError> {
        find_of(&self.ceremony, logrows, &self.options, &())
    }

    /// Gets parameters, and expects the right ones.
    fn finds(&self, logrows: u32) -> Found {
        let found = self.find(logrows).unwrap();
        assert!(found.srs.to_raw() == self.raw(logrows));
        assert_eq!(found.srs.origin(), SrsOrigin::Ceremony);
        found
    }

    fn raw(&self, logrows: u32) -> Vec<u8> {
        self.srs.downsized(logrows).unwrap().to_raw()
    }

    /// Where a file is cached.
    fn place(&self, logrows: u32) -> PathBuf {
        let name = format!("srs-{logrows}/perpetual-powers-of-tau-raw-{logrows}");
        self.cache.path().join(name)
    }

    fn put(&self, logrows: u32, bytes: &[u8]) {
        let place = self.place(logrows);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, bytes).unwrap();
    }
}

/// The path of a file on the server.
fn path(logrows: u32) -> String {
    format!("/perpetual-powers-of-tau-raw-{logrows}")
}

#[test]
fn a_file_is_downloaded_once() {
    let setup = Setup::new();
    let found = setup.finds(5);
    assert!(!found.was_cached);
    assert_eq!(found.path, setup.place(5));
    let manifest = fs::read_to_string(setup.place(5).with_file_name(MANIFEST)).unwrap();
    assert!(
        manifest.contains("zkassay get-srs --logrows 5"),
        "{manifest}"
    );

    assert!(setup.finds(5).was_cached);
    assert_eq!(setup.server.requests("/").len(), 1);
    assert!(setup.offline().finds(5).was_cached);
}

#[test]
fn a_download_goes_on_where_it_stopped() {
    let setup = Setup::new();
    setup
        .server
        .faults(&path(7), [Fault::Cut(9_000), Fault::Status(404)]);
    let error = setup.find(7).unwrap_err();
    assert!(error.is_network() && !error.is_missing(), "{error}");
    assert!(!setup.place(7).exists());

    setup.finds(7);
    let last = setup.server.requests(&path(7)).pop().unwrap();
    assert_eq!(last.range.as_deref(), Some("bytes=9000-"));
}

#[test]
fn what_is_not_the_pinned_file_is_not_kept() {
    for (fault, expected) in [
        (Fault::Corrupt, "the server sent something else: sha256"),
        (Fault::Announce(1), "bytes"),
        (Fault::Html, "bytes"),
        (Fault::Status(404), "was refused with status 404"),
        (Fault::Hang, "could not be fetched"),
    ] {
        let setup = Setup::new();
        setup.server.always(&path(4), fault);
        let error = setup.find(4).unwrap_err();
        assert!(error.is_network(), "{error}");
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        assert!(!setup.place(4).exists());
        setup.server.repair();
        setup.finds(4);
    }
    // Parameters of somebody else, whole.
    let setup = Setup::new();
    setup.server.put(&path(4), Srs::unsafe_local(4).to_raw());
    let error = setup.find(4).unwrap_err().to_string();
    assert!(error.contains("sha256"), "{error}");
    assert!(!setup.place(4).exists());
}

#[test]
fn without_a_network_the_error_says_how_to_go_on() {
    let offline = Setup::new().offline();
    let error = offline.find(4).unwrap_err();
    assert!(error.is_missing() && !error.is_network());
    assert!(
        error.to_string().contains("must not be fetched (offline)"),
        "{error}"
    );

    let mut unreachable = Setup::new();
    unreachable.options.fetch.mirror = Some("http://127.0.0.1:1".to_owned());
    let error_of_network = unreachable.find(4).unwrap_err();
    assert!(error_of_network.is_network());
    assert!(
        error_of_network
            .to_string()
            .contains("http://127.0.0.1:1/perpetual"),
        "{error_of_network}"
    );

    for (setup, error) in [(offline, error), (unreachable, error_of_network)] {
        let file = setup.ceremony.file(4).unwrap();
        let place = setup.place(4).display().to_string();
        let generated = "gen-srs --logrows 4 --srs-path kzg.srs";
        for part in [
            &place,
            &file.url,
            &file.sha256,
            "--mirror URL",
            generated,
            "can forge",
        ] {
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
    }
}

#[test]
fn a_file_put_there_by_hand_counts() {
    let setup = Setup::new().offline();
    setup.put(6, &setup.raw(6));
    let found = setup.finds(6);
    assert!(found.was_cached);
    assert_eq!(found.path, setup.place(6));
}

#[test]
fn a_larger_file_is_used_and_its_part_kept() {
    let setup = Setup::new().offline();
    setup.put(7, &setup.raw(7));
    assert_eq!(setup.finds(4).path, setup.place(7));
    assert!(fs::read(setup.place(4)).unwrap() == setup.raw(4));
    assert_eq!(setup.finds(4).path, setup.place(4));
    // The smallest that is large enough.
    setup.put(6, &setup.raw(6));
    assert_eq!(setup.finds(5).path, setup.place(6));
    // One that is no good is passed over.
    setup.put(2, &Srs::unsafe_local(2).to_raw());
    assert_eq!(setup.finds(1).path, setup.place(4));
    assert_eq!(setup.server.requests("/").len(), 0);
}

#[test]
fn damage_in_the_cache_is_noticed() {
    let setup = Setup::new();
    setup.finds(5);
    let mut damaged = setup.raw(5);
    damaged[1000] ^= 1;
    setup.put(5, &damaged);
    // A file that was downloaded is downloaded again.
    assert!(!setup.finds(5).was_cached);
    assert!(fs::read(setup.place(5)).unwrap() == setup.raw(5));
    setup.put(5, &damaged);

    // Others are the user's, and left alone.
    setup.put(6, &damaged);
    setup.put(7, &Srs::unsafe_local(7).to_raw());
    let error = setup.find(6).unwrap_err();
    assert!(error.to_string().contains("is not the ceremony's file"));
    let setup = setup.offline();
    for (logrows, expected) in [
        (5, "not a point"),
        (6, "the parameters are for 2^5 rows, 2^6 are needed"),
        (7, "somebody else's"),
    ] {
        let error = setup.find(logrows).unwrap_err();
        assert!(error.is_missing());
        let place = setup.place(logrows);
        for part in [expected, &place.display().to_string()] {
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
        assert!(place.exists());
    }
    // A good one for more rows does.
    let better = setup.raw(7);
    setup.put(7, &better);
    assert_eq!(setup.finds(6).path, setup.place(7));
}

#[test]
fn there_are_no_other_files() {
    let setup = Setup::new();
    for logrows in [0, LARGEST + 1, u32::MAX] {
        let error = setup.find(logrows).unwrap_err();
        assert!(matches!(error, GetError::NoSuchFile { .. }), "{error}");
    }
    let options = GetOptions::default();
    let error = get(27, &options).unwrap_err().to_string();
    assert!(error.contains("2^1 to 2^26 rows, not for 2^27"), "{error}");
}

#[test]
fn a_cache_that_cannot_be_written_to_is_an_error() {
    let mut setup = Setup::new();
    let file = setup.cache.path().join("file");
    fs::write(&file, "x").unwrap();
    setup.options.data_dir = Some(Path::new(&file).join("cache"));
    let error = setup.find(3).unwrap_err();
    assert!(
        matches!(error, GetError::Cache(FetchError::Io { .. })),
        "{error}"
    );
}
