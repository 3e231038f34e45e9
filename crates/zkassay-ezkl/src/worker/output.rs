//! What a process prints: its answers, line by line, and everything else, into a log.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::ChildStderr;
use std::sync::mpsc::{Receiver, SyncSender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a log file gets of one process.
const FILE_BYTES: u64 = 4 << 20;
/// Of the last that was printed, what is remembered.
const LAST_BYTES: usize = 1 << 16;
/// How long the end of a process's output is waited for: something that it started may still have it.
const END: Duration = Duration::from_secs(1);

/// A line of a process.
#[derive(Debug)]
pub(super) enum Line {
    /// All of it, without its end.
    Whole(Vec<u8>),
    /// The beginning of one that is too long.
    TooLong(Vec<u8>),
}

impl Line {
    /// No more than its first `bytes` bytes.
    pub(super) fn start(&self, bytes: usize) -> &[u8] {
        let (Self::Whole(line) | Self::TooLong(line)) = self;
        line.get(..bytes).unwrap_or(line)
    }
}

/// Sends the lines of `output`, of no more than `most` bytes each, until it ends, one is longer, or
/// nobody listens.
pub(super) fn lines(output: impl Read, most: usize, sender: &SyncSender<Line>) {
    let mut output = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        // One more for the end of the line.
        let limit = (most as u64).saturating_add(1);
        match output.by_ref().take(limit).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = match line.pop() {
            Some(b'\n') => Line::Whole(line),
            last => {
                line.extend(last);
                match line.len() > most {
                    true => Line::TooLong(line),
                    false => Line::Whole(line),
                }
            }
        };
        let ends = matches!(line, Line::TooLong(_));
        if sender.send(line).is_err() || ends {
            return;
        }
    }
}

/// What a process printed beside its answers: the beginning in a file, the end in memory.
#[derive(Debug)]
pub(super) struct Log {
    last: Arc<Mutex<VecDeque<u8>>>,
    /// Closed when all was read.
    end: Receiver<()>,
}

impl Log {
    /// Reads `output` to its end; the beginning of it goes to `file`.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub(super) fn keep(mut output: ChildStderr, mut file: File) -> std::io::Result<Self> {
        let last = Arc::new(Mutex::new(VecDeque::new()));
        let (open, end) = channel();
        let kept = Arc::clone(&last);
        let reader = std::thread::Builder::new().name("worker log".into());
        reader.spawn(move || {
            let _open = open;
            let mut room = FILE_BYTES;
            let mut buffer = [0; 1 << 13];
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                let printed = buffer.get(..count).unwrap_or_default();
                // A full disk takes the log, not the process.
                if room > 0 && file.write_all(printed).is_err() {
                    room = 0;
                }
                room = room.saturating_sub(count as u64);
                let mut last = kept.lock().unwrap_or_else(PoisonError::into_inner);
                last.extend(printed);
                let over = last.len().saturating_sub(LAST_BYTES);
                last.drain(..over);
            }
        })?;
        Ok(Self { last, end })
    }

    /// The last that was printed; waits a little until it all has arrived.
    pub(super) fn last(&self) -> String {
        // An error is what is waited for: the other end is closed.
        let _ = self.end.recv_timeout(END);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(last.make_contiguous()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    fn read(output: &[u8], most: usize) -> Vec<Line> {
        let (sender, lines_read) = sync_channel(8);
        lines(output, most, &sender);
        drop(sender);
        lines_read.into_iter().collect()
    }

    #[test]
    fn lines_are_read_up_to_a_length() {
        let found = read(b"abc\n\nxy", 3);
        let whole = |line: &Line| matches!(line, Line::Whole(_));
        assert!(found.iter().all(whole), "{found:?}");
        let starts: Vec<_> = found.iter().map(|line| line.start(9)).collect();
        assert_eq!(starts, [b"abc".as_slice(), b"", b"xy"]);
    }

    #[test]
    fn a_longer_line_is_the_last() {
        let found = read(b"ab\nabcdefgh\nab\n", 3);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(matches!(&found[1], Line::TooLong(line) if line == b"abcd"));
        assert_eq!(found[1].start(2), b"ab");
    }
}
