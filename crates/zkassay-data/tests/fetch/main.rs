//! Fetching from a server that misbehaves: nothing broken is ever cached.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cached;
mod download;
mod faults;
mod server;

use std::fs;
use std::time::Duration;

use server::Server;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zkassay_data::cache::Status;
use zkassay_data::fetch::Fetched;
use zkassay_data::hub::{RemoteFile, Source};
use zkassay_data::{Cache, Entry, FetchError, FetchOptions, fetch};

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
