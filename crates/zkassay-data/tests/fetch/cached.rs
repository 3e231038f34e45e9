//! What is in the cache: damaged, foreign, outdated, in use.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use zkassay_data::cache::Status;
use zkassay_data::fetch::{Fetched, Progress};
use zkassay_data::{Catalogue, FetchError, Tables, fetch};

use crate::server::Fault;
use crate::{PATH, Setup, content};

#[test]
fn damage_in_the_cache_is_found_and_mended() {
    let setup = Setup::new();
    let path = setup.succeeds().path;
    let file = path.join("data/project=a b/part 0.bin");
    let mut damaged = content(0);
    damaged[1234] ^= 1;
    // Same size, other content: the modification time gives it away.
    thread::sleep(Duration::from_millis(20));
    fs::write(&file, &damaged).unwrap();
    assert!(matches!(
        setup.cache().status(&setup.entry).unwrap(),
        Status::Broken(_)
    ));
    let error = setup.cache().path(&setup.entry).unwrap_err().to_string();
    assert!(
        error.contains("damaged") && error.contains("zkassay data fetch test"),
        "{error}"
    );
    assert!(!setup.succeeds().was_cached);

    fs::remove_file(&file).unwrap();
    assert!(!setup.succeeds().was_cached);
    fs::write(path.join("MANIFEST.json"), "{").unwrap();
    assert!(!setup.succeeds().was_cached);

    // Only touched: hashed again, and found whole.
    fs::write(&file, content(0)).unwrap();
    assert!(setup.succeeds().was_cached);
}

#[test]
fn a_directory_that_exists_is_not_a_data_set() {
    let setup = Setup::new();
    let foreign = setup.dir.path().join("test");
    fs::create_dir_all(&foreign).unwrap();
    assert!(setup.cache().path(&setup.entry).is_err());
    fs::write(foreign.join("thesis.txt"), "mine").unwrap();
    let error = setup.fetch().unwrap_err();
    assert!(matches!(error, FetchError::Foreign { .. }), "{error}");
    let error = setup.cache().clear(&setup.entry).unwrap_err();
    assert!(matches!(error, FetchError::Foreign { .. }), "{error}");
    assert_eq!(fs::read(foreign.join("thesis.txt")).unwrap(), b"mine");
}

#[test]
fn refreshing_fetches_what_changed_and_drops_what_is_gone() {
    let mut setup = Setup::new();
    setup.server.put("/bucket/data/same", content(3));
    setup.server.put("/bucket/data/gone", content(4));
    let path = setup.fetch().unwrap().path;
    setup.server.put(PATH, content(5));
    setup.server.remove("/bucket/data/gone");
    setup.options.refresh = true;

    setup.server.always(PATH, Fault::Status(500));
    setup.fetch().unwrap_err();
    assert!(
        matches!(
            setup.cache().status(&setup.entry).unwrap(),
            Status::Cached(_)
        ),
        "the old one stays"
    );

    setup.server.repair();
    let fetched = setup.fetch().unwrap();
    let paths: Vec<&str> = fetched
        .manifest
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(paths, ["data/project=a b/part 0.bin", "data/same"]);
    assert!(!path.join("data/gone").exists());
    assert_eq!(fs::read(path.join(paths[0])).unwrap(), content(5));
    assert_eq!(
        setup.server.requests("/bucket/data/same").len(),
        1,
        "kept, not fetched again"
    );
}

#[test]
fn offline_uses_the_cache_and_the_generator_and_nothing_else() {
    let mut setup = Setup::new();
    setup.options.offline = true;
    let message = setup.fails();
    assert!(message.contains("(offline)"), "{message}");
    assert!(setup.server.requests("/").is_empty());

    setup.options.offline = false;
    setup.succeeds();
    setup.options.offline = true;
    assert!(setup.succeeds().was_cached);

    let catalogue = Catalogue::builtin();
    let generated = catalogue.get("fixtures-giza").unwrap();
    let fetched = fetch(&setup.cache(), generated, &setup.options, &()).unwrap();
    Tables::load(&fetched.path).unwrap();
    let partition = catalogue.get("fixtures-tvl-lido").unwrap();
    let fetched = fetch(&setup.cache(), partition, &setup.options, &()).unwrap();
    assert_eq!(fetched.manifest.files.len(), 1);
}

#[test]
fn fetches_at_the_same_time_do_not_fight() {
    #[derive(Default)]
    struct Waits(AtomicBool);
    impl Progress for Waits {
        fn waiting(&self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let setup = Setup::new();
    setup.server.delay(Duration::from_millis(100));
    let waits: [Waits; 4] = Default::default();
    let fetched: Vec<Fetched> = thread::scope(|scope| {
        let threads: Vec<_> = waits
            .iter()
            .map(|waits| {
                scope.spawn(|| fetch(&setup.cache(), &setup.entry, &setup.options, waits).unwrap())
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(
        fetched.iter().filter(|fetched| !fetched.was_cached).count(),
        1
    );
    assert_eq!(setup.server.requests(PATH).len(), 1);
    assert!(waits.iter().any(|waits| waits.0.load(Ordering::Relaxed)));
    setup.succeeds();
}
