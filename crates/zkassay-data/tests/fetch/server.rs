//! A server on this machine that plays a bucket, and misbehaves as told.
#![allow(
    dead_code,
    reason = "two test programs share it, neither uses all of it"
)]

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use md5::{Digest, Md5};

/// What to do with one request instead of answering it properly.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Announce everything, close after so many bytes of the body.
    Cut(usize),
    /// Announce everything, send nothing more after so many bytes of the body.
    Stall(usize),
    /// Answer with this status.
    Status(u16),
    /// Announce so many bytes more (or fewer) than there are.
    Announce(i64),
    /// Send as many bytes, but others.
    Corrupt,
    /// Send the whole file, whatever range was asked for.
    IgnoreRange,
    /// Send a range that starts so many bytes too early.
    ShiftRange(usize),
    /// Send more bytes than there are, without announcing a length.
    Endless,
    /// Answer with a page of HTML, as a portal does.
    Html,
    /// Close without a word.
    Hang,
    /// Redirect to this path of the server.
    Redirect(&'static str),
}

/// One request that came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) range: Option<String>,
    /// Bytes of the body that were sent.
    pub(crate) sent: usize,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    faults: HashMap<String, VecDeque<Fault>>,
    always: HashMap<String, Fault>,
    requests: Vec<Request>,
    page: usize,
    delay: Duration,
    without_md5: bool,
    generation: u64,
}

/// The server; its thread ends with the test program.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = State {
            page: 1000,
            generation: 1,
            ..State::default()
        };
        let server = Self {
            url,
            state: Arc::new(Mutex::new(state)),
        };
        let answering = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = answering.clone();
                // A client that went away is no failure of the test.
                thread::spawn(move || server.answer(stream).unwrap_or_default());
            }
        });
        server
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Serves `content` at `path`, which starts with `/`.
    pub(crate) fn put(&self, path: &str, content: impl Into<Vec<u8>>) {
        self.state().files.insert(path.to_owned(), content.into());
    }

    pub(crate) fn remove(&self, path: &str) {
        self.state().files.remove(path);
    }

    /// Misbehaves on the next requests of `path`, one fault each.
    pub(crate) fn faults(&self, path: &str, faults: impl IntoIterator<Item = Fault>) {
        self.state()
            .faults
            .entry(path.to_owned())
            .or_default()
            .extend(faults);
    }

    /// Misbehaves on every request of `path`.
    pub(crate) fn always(&self, path: &str, fault: Fault) {
        self.state().always.insert(path.to_owned(), fault);
    }

    /// Behaves again.
    pub(crate) fn repair(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.always.clear();
    }

    /// Lists so many objects at a time.
    pub(crate) fn page(&self, objects: usize) {
        self.state().page = objects;
    }

    /// Waits before every answer.
    pub(crate) fn delay(&self, delay: Duration) {
        self.state().delay = delay;
    }

    /// Lists objects without checksums.
    pub(crate) fn list_without_md5(&self) {
        self.state().without_md5 = true;
    }

    /// Every object has a new version.
    pub(crate) fn bump_generation(&self) {
        self.state().generation += 1;
    }

    /// The requests of `path`, or of all paths that start with it if it ends in `/`.
    pub(crate) fn requests(&self, path: &str) -> Vec<Request> {
        let state = self.state();
        let wanted = |request: &&Request| {
            request.path == path || (path.ends_with('/') && request.path.starts_with(path))
        };
        state.requests.iter().filter(wanted).cloned().collect()
    }

    /// Bytes sent in answers to requests of `path`.
    pub(crate) fn sent(&self, path: &str) -> usize {
        self.requests(path).iter().map(|request| request.sent).sum()
    }

    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        let target = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut headers = HashMap::new();
        for line in lines {
            let line = line?;
            match line.split_once(':') {
                Some((name, value)) => {
                    headers.insert(name.to_ascii_lowercase(), value.trim().to_owned())
                }
                None => break,
            };
        }
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let path = decode(path);
        let (fault, file, delay, generation) = {
            let mut state = self.state();
            let once = state.faults.get_mut(&path).and_then(VecDeque::pop_front);
            let fault = once.or_else(|| state.always.get(&path).copied());
            let file = state.files.get(&path).cloned();
            (fault, file, state.delay, state.generation)
        };
        thread::sleep(delay);
        let range = headers.get("range").cloned();
        let file = file.or_else(|| {
            path.starts_with("/storage/")
                .then(|| self.listing(&path, query))
        });
        let etag = file
            .as_ref()
            .map(|file| format!("\"{}\"", hex(&Md5::digest(file))));
        let reply = Reply::to(file, &headers, etag.as_deref(), generation, fault);
        let index = {
            let mut state = self.state();
            state.requests.push(Request {
                path,
                range,
                sent: 0,
            });
            state.requests.len() - 1
        };
        if matches!(fault, Some(Fault::Hang)) {
            return Ok(());
        }
        stream.write_all(reply.head.as_bytes())?;
        for piece in reply.body.chunks(1000) {
            // Noted first, so that nobody has what is not yet noted.
            self.state().requests[index].sent += piece.len();
            stream.write_all(piece)?;
        }
        stream.flush()?;
        if reply.stalls {
            thread::sleep(Duration::from_secs(30));
        }
        Ok(())
    }

    /// The bucket's listing in the format of Google Cloud Storage.
    fn listing(&self, path: &str, query: &str) -> Vec<u8> {
        let state = self.state();
        let bucket = path.split('/').nth(4).unwrap_or_default();
        let parameters: HashMap<&str, String> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name, decode(value)))
            .collect();
        let prefix = format!(
            "/{bucket}/{}",
            parameters.get("prefix").cloned().unwrap_or_default()
        );
        let start: usize = parameters
            .get("pageToken")
            .map_or(0, |token| token.parse().unwrap());
        let all: Vec<_> = state
            .files
            .iter()
            .filter(|(path, _)| path.starts_with(&prefix))
            .collect();
        let items = all
            .iter()
            .skip(start)
            .take(state.page)
            .map(|(path, content)| {
                let md5 = match state.without_md5 {
                    true => String::new(),
                    false => format!(r#""md5Hash": "{}", "#, base64(&Md5::digest(content))),
                };
                let name = &path[bucket.len() + 2..];
                format!(
                    r#"{{"name": "{name}", "size": "{}", {md5}"generation": "{}"}}"#,
                    content.len(),
                    state.generation
                )
            });
        let items = items.collect::<Vec<_>>().join(", ");
        let next = start + state.page;
        let token = if next < all.len() {
            format!(r#", "nextPageToken": "{next}""#)
        } else {
            String::new()
        };
        match items.is_empty() {
            true => b"{}".to_vec(),
            false => format!(r#"{{"items": [{items}]{token}}}"#).into_bytes(),
        }
    }
}

/// What is sent.
struct Reply {
    head: String,
    body: Vec<u8>,
    stalls: bool,
}

impl Reply {
    fn to(
        file: Option<Vec<u8>>,
        headers: &HashMap<String, String>,
        etag: Option<&str>,
        generation: u64,
        fault: Option<Fault>,
    ) -> Self {
        let plain = |status: u16, body: &[u8], more: &str| Self {
            head: format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{more}\r\n",
                body.len()
            ),
            body: body.to_vec(),
            stalls: false,
        };
        match fault {
            Some(Fault::Status(status)) => return plain(status, b"no", ""),
            Some(Fault::Html) => return plain(200, b"<html>please log in</html>", ""),
            Some(Fault::Redirect(to)) => return plain(302, b"", &format!("Location: {to}\r\n")),
            _ => {}
        }
        let Some(mut file) = file else {
            return plain(404, b"no such object", "");
        };
        let wanted = headers.get("x-goog-if-generation-match");
        if wanted.is_some_and(|wanted| *wanted != generation.to_string()) {
            return plain(412, b"", "");
        }
        if matches!(fault, Some(Fault::Corrupt)) {
            file.iter_mut().for_each(|byte| *byte ^= 1);
        }
        let fresh = headers
            .get("if-range")
            .is_none_or(|wanted| Some(wanted.as_str()) == etag);
        let ignored = matches!(fault, Some(Fault::IgnoreRange)) || !fresh;
        let start = headers.get("range").filter(|_| !ignored).map(|range| {
            let start = range.trim_start_matches("bytes=").trim_end_matches('-');
            start.parse::<usize>().unwrap()
        });
        let total = file.len();
        let (status, range, mut body) = match start {
            Some(start) if start >= total => return plain(416, b"", ""),
            Some(mut start) => {
                if let Some(Fault::ShiftRange(by)) = fault {
                    start = start.saturating_sub(by);
                }
                let range = format!("Content-Range: bytes {start}-{}/{total}\r\n", total - 1);
                (206, range, file.split_off(start))
            }
            None => (200, String::new(), file),
        };
        let mut length = format!("Content-Length: {}\r\n", body.len());
        let mut stalls = false;
        match fault {
            Some(Fault::Cut(at)) => body.truncate(at),
            Some(Fault::Stall(at)) => {
                body.truncate(at);
                stalls = true;
            }
            Some(Fault::Announce(more)) => {
                length = format!("Content-Length: {}\r\n", body.len() as i64 + more)
            }
            Some(Fault::Endless) => {
                length.clear();
                body.extend(vec![7; 100_000]);
            }
            _ => {}
        }
        let etag = etag.map_or(String::new(), |etag| format!("ETag: {etag}\r\n"));
        Self {
            head: format!("HTTP/1.1 {status} X\r\n{length}{range}{etag}Connection: close\r\n\r\n"),
            body,
            stalls,
        }
    }
}

/// SHA-256 and other hashes as text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        for digit in 0..4 {
            match digit <= group.len() {
                true => text.push(ALPHABET[(bits >> (18 - 6 * digit)) as usize & 63] as char),
                false => text.push('='),
            }
        }
    }
    text
}

fn decode(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).unwrap()
}
