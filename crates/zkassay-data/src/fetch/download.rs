//! One file: requested, resumed, checked, moved to its place.

use std::io::{Read as _, Write as _};
use std::path::Path;

use ureq::Body;
use ureq::http::{Response, StatusCode};

use super::FetchError;
use super::checksum::Digests;
use super::client::{Client, Failure};
use super::part::Part;
use super::target::Target;

/// More is not taken from a server that states no size, for a file whose entry states none.
const LARGEST_UNANNOUNCED: u64 = 4 << 30;

/// Downloads `target` to `place`, going on from what is in `parts`.
///
/// # Errors
///
/// The server refuses, or fails too often in a row without sending a byte, or sends the wrong
/// content too often.
pub(super) fn download(
    client: &Client<'_>,
    target: &Target,
    parts: &Path,
    place: &Path,
) -> Result<(), FetchError> {
    let download = Download {
        client,
        target,
        part: Part::new(parts, target),
    };
    download.run(place)
}

struct Download<'a> {
    client: &'a Client<'a>,
    target: &'a Target,
    part: Part,
}

impl Download<'_> {
    fn run(&self, place: &Path) -> Result<(), FetchError> {
        let (kept, _) = self.part.resumable(self.target);
        self.advance(kept as i64);
        let mut silences = self.client.backoff(&self.target.url);
        // Counted apart: bytes that turn out wrong are no progress.
        let mut wrong_contents = self.client.backoff(&self.target.url);
        loop {
            let before = self.part.resumable(self.target).0;
            match self.attempt() {
                Ok(()) => match self.mismatch()? {
                    None => return self.part.finish(place),
                    Some(reason) => {
                        self.restart()?;
                        self.client.pause(
                            &self.target.url,
                            &mut wrong_contents,
                            Failure::again(reason),
                        )?;
                    }
                },
                Err(failure) => {
                    let now = self.part.bytes();
                    if now > before {
                        silences.progressed();
                    }
                    let started_over = before > 0 && now == 0;
                    let pauses = match started_over {
                        true => &mut wrong_contents,
                        false => &mut silences,
                    };
                    self.client.pause(&self.target.url, pauses, failure)?;
                }
            }
        }
    }

    /// Why the complete part is not what was asked for.
    fn mismatch(&self) -> Result<Option<String>, FetchError> {
        let path = &self.part.path;
        let found = Digests::of(path).map_err(FetchError::io("read", path))?;
        let mismatch = self.target.mismatch(&found);
        Ok(mismatch.map(|mismatch| format!("the server sent something else: {mismatch}")))
    }

    /// One request, from where the part ends.
    fn attempt(&self) -> Result<(), Failure> {
        let (have, etag) = self.part.resumable(self.target);
        if have > 0 && self.target.bytes == Some(have) {
            return Ok(());
        }
        let mut headers = Vec::new();
        if have > 0 {
            headers.push(("range", format!("bytes={have}-")));
            headers.extend(etag.map(|etag| ("if-range", etag)));
        }
        let generation = self.target.generation.clone();
        headers.extend(generation.map(|version| ("x-goog-if-generation-match", version)));
        let response = self.client.get(&self.target.url, &headers)?;
        match response.status() {
            StatusCode::OK => self.receive(response, 0),
            StatusCode::PARTIAL_CONTENT if have > 0 => {
                let range = content_range(&response);
                let expected = |(start, total): (u64, Option<u64>)| {
                    start == have
                        && self
                            .target
                            .bytes
                            .is_none_or(|bytes| total.is_none_or(|total| total == bytes))
                };
                if range.is_some_and(expected) {
                    return self.receive(response, have);
                }
                self.restart()?;
                Err(Failure::again(
                    "the server sent another range than it was asked for",
                ))
            }
            StatusCode::RANGE_NOT_SATISFIABLE => {
                self.restart()?;
                Err(Failure::again(
                    "the server has no bytes where the download stopped",
                ))
            }
            StatusCode::PRECONDITION_FAILED => Err(Failure::Final(FetchError::Replaced {
                url: self.target.url.clone(),
            })),
            _ => Err(self.client.refused(&self.target.url, &response)),
        }
    }

    /// Appends a response's body to the first `start` bytes of the part.
    fn receive(&self, response: Response<Body>, start: u64) -> Result<(), Failure> {
        let announced = response
            .body()
            .content_length()
            .map(|length| start + length);
        let expected = match (self.target.bytes, announced) {
            (Some(bytes), Some(announced)) if bytes != announced => {
                self.restart()?;
                return Err(Failure::again(format!(
                    "the server announces {announced} bytes, {bytes} expected"
                )));
            }
            (bytes, announced) => bytes.or(announced),
        };
        if expected.is_none() && self.target.checksum.is_none() {
            return Err(Failure::Final(self.client.unverifiable(&self.target.url)));
        }
        let mut file = match start {
            0 => {
                let etag = response
                    .headers()
                    .get("etag")
                    .and_then(|etag| etag.to_str().ok());
                self.advance(-(self.part.resumable(self.target).0 as i64));
                self.part.restart(self.target, etag)?
            }
            _ => self.part.append()?,
        };
        let mut body = response.into_body().into_reader();
        let mut piece = vec![0; 1 << 16];
        let mut have = start;
        loop {
            if self.client.is_stopped() {
                let url = self.target.url.clone();
                return Err(Failure::Final(FetchError::Stopped { url }));
            }
            let length = match body.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) => {
                    let progress = format!("after {have} of {} bytes", known(expected));
                    return Err(match self.client.failure(&self.target.url, &error.into()) {
                        Failure::Again { reason, pause } => Failure::Again {
                            reason: format!("{reason} {progress}"),
                            pause,
                        },
                        failure => failure,
                    });
                }
            };
            have += length as u64;
            let limit = expected.unwrap_or(LARGEST_UNANNOUNCED);
            if have > limit {
                self.restart()?;
                return Err(Failure::again(format!(
                    "the server sends more than the {limit} bytes expected"
                )));
            }
            let written = file.write_all(&piece[..length]);
            written.map_err(FetchError::io("write", &self.part.path))?;
            self.advance(length as i64);
        }
        if expected.is_some_and(|expected| have < expected) {
            return Err(Failure::again(format!(
                "the answer ends after {have} of {} bytes",
                known(expected)
            )));
        }
        Ok(())
    }

    /// Forgets what was downloaded.
    fn restart(&self) -> Result<(), FetchError> {
        self.advance(-(self.part.resumable(self.target).0 as i64));
        self.part.discard()
    }

    fn advance(&self, bytes: i64) {
        if bytes != 0 {
            self.client.progress.advance(bytes);
        }
    }
}

/// First byte and size of the whole, from `Content-Range: bytes 5-9/10` (or `/*`).
fn content_range(response: &Response<Body>) -> Option<(u64, Option<u64>)> {
    let header = response.headers().get("content-range")?.to_str().ok()?;
    let (range, total) = header.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.parse().ok()?, total.parse().ok()))
}

fn known(bytes: Option<u64>) -> String {
    bytes.map_or("unknown".to_owned(), |bytes| bytes.to_string())
}
