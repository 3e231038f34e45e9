//! Servers that truncate, stall, lie, refuse, or are not there.

use crate::server::Fault;
use crate::{PATH, SIZE, Setup, content, sha256};

#[test]
fn passing_faults_are_survived() {
    for faults in [
        vec![Fault::Status(500), Fault::Status(503)],
        vec![Fault::Status(429), Fault::Hang],
        vec![Fault::Cut(0), Fault::Cut(0)],
        vec![Fault::Stall(0), Fault::Stall(1000)],
        vec![Fault::Announce(1), Fault::Announce(-1)],
        vec![Fault::Corrupt, Fault::Corrupt],
        vec![Fault::Endless, Fault::Html],
        vec![Fault::Cut(70_000), Fault::IgnoreRange],
        vec![Fault::Cut(70_000), Fault::Status(416)],
        vec![Fault::Cut(70_000), Fault::ShiftRange(10)],
        vec![Fault::Redirect("/bucket/data/project=a%20b/part%200.bin")],
        // More failures than attempts, but each brings something.
        vec![Fault::Cut(30_000); 6],
    ] {
        let stalls = faults.iter().any(|fault| matches!(fault, Fault::Stall(_)));
        let setup = if stalls {
            Setup::new().impatient()
        } else {
            Setup::new()
        };
        setup.server.faults(PATH, faults.clone());
        let fetched = setup.fetch();
        assert!(fetched.is_ok(), "{faults:?}: {}", fetched.unwrap_err());
        setup.succeeds();
    }
}

#[test]
fn lasting_faults_cache_nothing_and_say_how_to_go_on() {
    for (fault, expected) in [
        (Fault::Status(404), "status 404 (gone, or moved)"),
        (Fault::Status(403), "status 403"),
        (Fault::Status(500), "status 500, after 3 attempts"),
        (Fault::Status(416), "no bytes where"),
        (Fault::Cut(0), "after 0 of 200000 bytes"),
        (Fault::Stall(0), "fell silent"),
        (
            Fault::Announce(100),
            "announces 200100 bytes, 200000 expected",
        ),
        (
            Fault::Announce(-100),
            "announces 199900 bytes, 200000 expected",
        ),
        (Fault::Corrupt, "the server sent something else: md5"),
        (Fault::Endless, "more than the 200000 bytes"),
        (Fault::Html, "announces 26 bytes"),
        (Fault::Hang, "connection failed"),
        (Fault::Redirect(PATH_OF_NOTHING), "status 404"),
    ] {
        let stalls = matches!(fault, Fault::Stall(_));
        let setup = if stalls {
            Setup::new().impatient()
        } else {
            Setup::new()
        };
        setup.server.always(PATH, fault);
        let message = setup.fails();
        assert!(message.contains(expected), "{fault:?}: {message}");
        for way in ["zkassay data fetch fixtures-giza", "--mirror URL", "`path`"] {
            assert!(message.contains(way), "{fault:?}: {message}");
        }
        // What was left behind does no harm.
        setup.server.repair();
        setup.succeeds();
    }
}

const PATH_OF_NOTHING: &str = "/bucket/nothing";

#[test]
fn a_broken_listing_caches_nothing() {
    let listing = "/storage/v1/b/bucket/o";
    for (fault, expected) in [
        (Fault::Status(500), "status 500"),
        (Fault::Status(404), "status 404"),
        (Fault::Html, "not the expected JSON"),
        (Fault::Cut(20), "connection failed"),
        (Fault::Stall(20), "fell silent"),
    ] {
        let stalls = matches!(fault, Fault::Stall(_));
        let setup = if stalls {
            Setup::new().impatient()
        } else {
            Setup::new()
        };
        setup.server.always(listing, fault);
        let message = setup.fails();
        assert!(message.contains(expected), "{fault:?}: {message}");
    }
    let setup = Setup::new();
    setup.server.remove(PATH);
    let message = setup.fails();
    assert!(
        message.contains("nothing in it starts with `data/`"),
        "{message}"
    );

    let setup = Setup::new();
    setup.server.put("/bucket/data/../../escape", "x");
    let message = setup.fails();
    assert!(
        message.contains("cannot be the name of a file"),
        "{message}"
    );
    assert!(!setup.dir.path().join("escape").exists());
}

#[test]
fn an_object_replaced_since_the_listing_is_an_error() {
    let setup = Setup::new();
    setup.server.always(PATH, Fault::Status(412));
    let message = setup.fails();
    assert!(message.contains("run the command again"), "{message}");
}

#[test]
fn pinned_files_must_be_as_pinned() {
    let setup = Setup::file(Some(SIZE as u64), Some(sha256(&content(0))));
    setup
        .server
        .faults("/file.bin", [Fault::Corrupt, Fault::Cut(9_000)]);
    setup.succeeds();

    for (bytes, hash) in [(None, Some(sha256(b"x"))), (Some(SIZE as u64 + 1), None)] {
        let setup = Setup::file(bytes, hash);
        setup.fails();
    }
}

#[test]
fn files_without_a_pin_need_a_length() {
    let setup = Setup::file(None, None);
    let fetched = setup.succeeds();
    let file = &fetched.manifest.files[0];
    assert_eq!(file.origin.as_ref().unwrap().checked, None);
    assert_eq!(file.sha256, sha256(&content(0)), "to be pinned with");

    let setup = Setup::file(None, None);
    setup.server.always("/file.bin", Fault::Cut(0));
    let message = setup.fails();
    assert!(message.contains("after 0 of 200000 bytes"), "{message}");

    let setup = Setup::file(None, None);
    setup.server.always("/file.bin", Fault::Endless);
    let message = setup.fails();
    assert!(
        message.contains("neither its size nor a checksum"),
        "{message}"
    );
}

#[test]
fn no_server_is_an_error_that_says_how_to_go_on() {
    let mut setup = Setup::new();
    // Nobody listens on the port that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    setup.options.mirror = Some(format!("http://{port}"));
    let error = setup.fetch().unwrap_err();
    assert!(error.is_network(), "{error}");
    assert!(error.to_string().contains("fixtures-giza"), "{error}");
    setup.assert_not_cached();
}
