//! Listings, downloads and their resumption.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use zkassay_data::fetch::Progress;
use zkassay_data::{Catalogue, Manifest, Tables, fetch, synthetic};

use crate::server::Fault;
use crate::{PATH, SIZE, Setup, content, sha256};

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
fn a_download_goes_on_where_it_stopped() {
    let setup = Setup::new();
    setup
        .server
        .faults(PATH, [Fault::Cut(150_000), Fault::Status(404)]);
    setup.fails();
    assert_eq!(setup.server.requests(PATH)[0].sent, 150_000);

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
