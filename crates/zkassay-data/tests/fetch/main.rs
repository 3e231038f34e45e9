//! Fetching from a server that misbehaves: nothing broken is ever cached.

mod server;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use server::{Fault, Server};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zkassay_data::cache::Status;
use zkassay_data::fetch::{Fetched, Progress};
use zkassay_data::hub::{RemoteFile, Source};
use zkassay_data::{
    Cache, Catalogue, Entry, FetchError, FetchOptions, Manifest, Tables, fetch, synthetic,
};

/// Somewhat more than one piece, so that cuts fall in between.
const SIZE: usize = 200_000;
const PATH: &str = "/bucket/data/project=a b/part 0.bin";

struct Setup {
    server: Server,
    dir: TempDir,
    entry: Entry,
    options: FetchOptions,
}

fn content(seed: u8) -> Vec<u8> {
    (0..SIZE)
        .map(|index| (index * 31 % 251) as u8 ^ seed)
        .collect()
}

fn entry(source: Source) -> Entry {
    Entry {
        name: "test".to_owned(),
        summary: String::new(),
        licence: String::new(),
        source,
    }
}

fn bucket() -> Source {
    Source::Bucket {
        bucket: "bucket".to_owned(),
        prefixes: vec!["data/".to_owned()],
    }
}

impl Setup {
    /// A bucket of one object with awkward characters in its name.
    fn new() -> Self {
        let server = Server::start();
        server.put(PATH, content(0));
        Self::with(server, bucket())
    }

    fn with(server: Server, source: Source) -> Self {
        let options = FetchOptions {
            mirror: Some(server.url.clone()),
            attempts: 3,
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(20),
            pause: Duration::from_millis(1),
            ..FetchOptions::default()
        };
        Self {
            server,
            dir: tempfile::tempdir().unwrap(),
            entry: entry(source),
            options,
        }
    }

    /// A file by its address, pinned or not.
    fn file(bytes: Option<u64>, sha256: Option<String>) -> Self {
        let server = Server::start();
        server.put("/file.bin", content(0));
        let file = RemoteFile {
            url: "https://example.invalid/file.bin".to_owned(),
            path: "file.bin".to_owned(),
            bytes,
            sha256,
        };
        Self::with(server, Source::Files(vec![file]))
    }

    /// With a timeout that a stalling server runs into soon.
    fn impatient(mut self) -> Self {
        self.options.read_timeout = Duration::from_millis(700);
        self
    }

    fn cache(&self) -> Cache {
        Cache::new(self.dir.path())
    }

    fn fetch(&self) -> Result<Fetched, FetchError> {
        fetch(&self.cache(), &self.entry, &self.options, &())
    }

    /// Fetches, expects an error, and that nothing of it counts as cached.
    fn fails(&self) -> String {
        let error = self.fetch().unwrap_err();
        self.assert_not_cached();
        error.to_string()
    }

    fn assert_not_cached(&self) {
        assert!(matches!(
            self.cache().status(&self.entry).unwrap(),
            Status::Absent
        ));
        assert!(!self.dir.path().join("test").exists());
        let error = self.cache().path(&self.entry).unwrap_err();
        assert!(matches!(error, FetchError::NotCached { .. }), "{error}");
    }

    /// Fetches, and expects the content of the server.
    fn succeeds(&self) -> Fetched {
        let fetched = self.fetch().unwrap();
        for file in &fetched.manifest.files {
            assert_eq!(fs::read(fetched.path.join(&file.path)).unwrap(), content(0));
        }
        assert_eq!(self.cache().path(&self.entry).unwrap(), fetched.path);
        assert!(!self.dir.path().join(".partial/test").exists());
        fetched
    }
}

fn sha256(content: &[u8]) -> String {
    server::hex(&Sha256::digest(content))
}

#[test]
fn a_bucket_is_fetched_once_with_a_manifest() {
    let setup = Setup::new();
    let fetched = setup.succeeds();
    assert!(!fetched.was_cached);
    let file = &fetched.manifest.files[0];
    assert_eq!(file.path, "data/project=a b/part 0.bin");
    assert_eq!(
        (file.bytes, &file.sha256),
        (SIZE as u64, &sha256(&content(0)))
    );
    let origin = file.origin.as_ref().unwrap();
    assert!(
        origin
            .url
            .ends_with("/bucket/data/project%3Da%20b/part%200.bin"),
        "{}",
        origin.url
    );
    assert_eq!(origin.generation.as_deref(), Some("1"));
    assert_eq!(origin.checked.as_deref(), Some("md5"));
    assert_eq!(origin.time.len(), "2024-01-01T00:00:00Z".len());
    assert_eq!(
        Manifest::read(&fetched.path).unwrap().unwrap(),
        fetched.manifest
    );

    let again = setup.succeeds();
    assert!(again.was_cached);
    assert_eq!(
        setup.server.requests("/").len(),
        2,
        "one listing, one object"
    );
}

#[test]
fn a_listing_of_many_pages_is_followed() {
    let setup = Setup::new();
    for part in 0..7 {
        setup
            .server
            .put(&format!("/bucket/data/{part}"), content(0));
    }
    setup.server.put("/bucket/data/folder/", "");
    setup.server.put("/bucket/other/x", content(1));
    setup.server.page(3);
    let fetched = setup.succeeds();
    assert_eq!(fetched.manifest.files.len(), 8);
    assert_eq!(setup.server.requests("/storage/").len(), 3);
}

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
fn a_download_goes_on_where_it_stopped() {
    let setup = Setup::new();
    setup
        .server
        .faults(PATH, [Fault::Cut(150_000), Fault::Status(404)]);
    setup.fails();
    assert_eq!(setup.server.sent(PATH), 150_000 + 2);

    let fetched = setup.succeeds();
    assert!(!fetched.was_cached);
    let last = setup.server.requests(PATH).pop().unwrap();
    assert_eq!(last.range.as_deref(), Some("bytes=150000-"));
    assert_eq!(last.sent, SIZE - 150_000);
}

#[test]
fn what_belongs_to_another_version_is_not_continued() {
    let setup = Setup::new();
    setup
        .server
        .faults(PATH, [Fault::Cut(150_000), Fault::Status(404)]);
    setup.fails();
    setup.server.put(PATH, content(9));
    setup.server.bump_generation();
    let fetched = setup.fetch().unwrap();
    assert_eq!(
        fs::read(fetched.path.join("data/project=a b/part 0.bin")).unwrap(),
        content(9)
    );
    assert_eq!(setup.server.requests(PATH).pop().unwrap().range, None);
}

#[test]
fn an_object_replaced_since_the_listing_is_an_error() {
    let setup = Setup::new();
    setup.server.always(PATH, Fault::Status(412));
    let message = setup.fails();
    assert!(message.contains("run the command again"), "{message}");
}

#[test]
fn without_md5_size_and_entity_tag_are_held_against_the_download() {
    let setup = Setup::new();
    setup.server.list_without_md5();
    setup.server.faults(PATH, [Fault::Cut(150_000)]);
    let fetched = setup.succeeds();
    let origin = fetched.manifest.files[0].origin.as_ref().unwrap();
    assert_eq!(origin.checked.as_deref(), Some("size"));
    assert_eq!(setup.server.sent(PATH), SIZE, "resumed by its entity tag");
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

#[test]
fn files_come_in_parallel_and_progress_adds_up() {
    #[derive(Default)]
    struct Count {
        total: AtomicI64,
        done: AtomicI64,
        retries: AtomicUsize,
    }
    impl Progress for Count {
        fn begin(&self, _: usize, bytes: u64) {
            self.total.store(bytes as i64, Ordering::Relaxed);
        }
        fn advance(&self, bytes: i64) {
            self.done.fetch_add(bytes, Ordering::Relaxed);
        }
        fn retry(&self, _: &str, _: &str, _: Duration) {
            self.retries.fetch_add(1, Ordering::Relaxed);
        }
    }
    let setup = Setup::new();
    for part in 0..7 {
        setup
            .server
            .put(&format!("/bucket/data/{part}"), content(0));
    }
    setup.server.faults("/bucket/data/3", [Fault::Corrupt]);
    setup
        .server
        .faults("/bucket/data/4", [Fault::Cut(70_000), Fault::IgnoreRange]);
    setup.server.faults("/bucket/data/5", [Fault::Endless]);
    setup.server.delay(Duration::from_millis(150));
    let count = Count::default();
    let started = Instant::now();
    fetch(&setup.cache(), &setup.entry, &setup.options, &count).unwrap();
    // One after another: the listing, eight files and three retries take 1.8 s.
    assert!(
        started.elapsed() < Duration::from_millis(1600),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(count.total.into_inner(), 8 * SIZE as i64);
    assert_eq!(count.done.into_inner(), 8 * SIZE as i64);
    assert_eq!(count.retries.into_inner(), 3);
}

/// The study's tables from a server that plays the bucket.
#[test]
fn the_tables_of_the_study_arrive_whole_and_partitions_stay_apart() {
    let tables = tempfile::tempdir().unwrap();
    let manifest = synthetic::write(tables.path(), synthetic::DEFAULT_SEED).unwrap();
    let setup = Setup::new();
    for file in &manifest.files {
        let content = fs::read(tables.path().join(&file.path)).unwrap();
        setup
            .server
            .put(&format!("/datasets-giza/{}", file.path), content);
    }
    let catalogue = Catalogue::builtin();
    let get = |name: &str| {
        fetch(
            &setup.cache(),
            catalogue.get(name).unwrap(),
            &setup.options,
            &(),
        )
        .unwrap()
    };
    let partition = get("tvl-lido");
    assert_eq!(partition.manifest.files.len(), 1);
    let all = get("giza");
    assert_eq!(
        all.manifest.files.len(),
        32,
        "a partition fetched before hides nothing"
    );
    assert_columns(&all.path, tables.path());

    // A file that the manifest does not list would change the data: it is refused.
    let lido = "TVL_per_project_tokens/project=lido";
    fs::copy(
        all.path.join(lido).join("part-0.parquet"),
        all.path.join(lido).join("part-1.parquet"),
    )
    .unwrap();
    let error = Tables::load(&all.path).unwrap_err().to_string();
    assert!(error.contains("part-1.parquet"), "{error}");
}

fn assert_columns(fetched: &Path, original: &Path) {
    let [fetched, original] = [fetched, original].map(|dir| Tables::load(dir).unwrap());
    assert!(
        fetched
            .value_locked()
            .equals_missing(original.value_locked())
    );
    assert!(fetched.prices().equals_missing(original.prices()));
}
