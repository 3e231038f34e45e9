//! A prover as a process of its own, asked for one stage at a time.
//!
//! A request is a line `STAGE ROW` on its standard input, an answer a JSON object on a line of its
//! standard output: `seconds` and `cpu_seconds` of the stage, and what the stage has to tell; or
//! `{"error": "...", "refused": true}` if it failed, `refused` if only for this row's values. What
//! it prints beside goes to a log file.
//!
//! A process has memory of its own, can be stopped when it takes too long, and when it dies
//! whoever asked goes on. Nothing that it prints makes this process, or the log, grow without end.
//!
//! Our worker ends when its standard input does, and EZKL's, which may hang, asks the kernel to be
//! killed with the thread that started it: so none is left when whoever asked is killed.

mod output;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use serde::Deserialize;

use output::{Line, Log};

/// Of what a process said, what an error quotes at most.
const QUOTED_CHARACTERS: usize = 400;
/// An answer is no longer: outputs of many rows have some hundred thousand characters.
const ANSWER_BYTES: usize = 16 << 20;

/// A running process that answers for one model.
#[derive(Debug)]
pub struct Worker {
    process: Child,
    requests: ChildStdin,
    answers: Receiver<Line>,
    log: Log,
}

/// What a stage took, and what it has to tell.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Answer {
    /// Wall-clock time.
    pub seconds: f64,
    /// CPU time of all threads.
    pub cpu_seconds: f64,
    /// All else, by name: sizes, settings, outputs.
    #[serde(flatten)]
    pub details: serde_json::Map<String, serde_json::Value>,
}

/// Why there is no answer. After any of these but [`WorkerError::Stage`] the process is gone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// The process did not start, or its log could not be made.
    #[error("cannot start {program}")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The stage failed, with the message of whoever failed.
    #[error("{stage}: {message}")]
    Stage {
        /// The stage.
        stage: String,
        /// What was said.
        message: String,
        /// Whether only this row was refused, for its values.
        refused: bool,
    },
    /// The stage took too long, and the process was stopped.
    #[error("{stage}: took longer than {:.0} s and was stopped", limit.as_secs_f64())]
    Timeout {
        /// The stage.
        stage: String,
        /// What it was given.
        limit: Duration,
    },
    /// The process ended instead of answering.
    #[error("{stage}: the process ended ({how}): {said}")]
    Ended {
        /// The stage.
        stage: String,
        /// How.
        how: String,
        /// The last it said.
        said: String,
    },
    /// The answer is none.
    #[error("{stage}: '{line}' is no answer")]
    Answer {
        /// The stage.
        stage: String,
        /// What was said instead.
        line: String,
    },
}

/// The answer of a stage that failed.
#[derive(Deserialize)]
struct Failed {
    error: String,
    #[serde(default)]
    refused: bool,
}

impl Worker {
    /// Starts `command`; the beginning of what it prints beside its answers is appended to the file
    /// `log`.
    ///
    /// # Errors
    /// [`WorkerError::Start`].
    pub fn start(mut command: Command, log: &Path) -> Result<Self, WorkerError> {
        let program = command.get_program().to_string_lossy().into_owned();
        let failed = |source| WorkerError::Start {
            program: program.clone(),
            source,
        };
        let file = File::options().create(true).append(true).open(log);
        let file = file.map_err(failed)?;
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let (started, process) = sync_channel(1);
        // One answer at a time: whoever prints more has to wait.
        let (sender, answers) = sync_channel(1);
        // This thread ends with the process, or with the receiver. It starts the process, because
        // the kernel takes a thread for the parent: this one is there as long as it is needed.
        let reader = std::thread::Builder::new().name("worker".into());
        let reader = reader.spawn(move || {
            let mut process = match command.spawn() {
                Ok(process) => process,
                Err(error) => {
                    // Nobody waits only if this thread was never started.
                    let _ = started.send(Err(error));
                    return;
                }
            };
            let stdout = process.stdout.take();
            if started.send(Ok(process)).is_ok()
                && let Some(stdout) = stdout
            {
                output::lines(stdout, ANSWER_BYTES, &sender);
            }
        });
        reader.map_err(failed)?;
        let process = process.recv();
        let process = process.map_err(|_| failed(std::io::ErrorKind::BrokenPipe.into()))?;
        let mut process = process.map_err(failed)?;
        let (Some(requests), Some(stderr)) = (process.stdin.take(), process.stderr.take()) else {
            return Err(failed(std::io::ErrorKind::BrokenPipe.into()));
        };
        let log = match Log::keep(stderr, file) {
            Ok(log) => log,
            Err(error) => {
                stop(&mut process);
                return Err(failed(error));
            }
        };
        Ok(Self {
            process,
            requests,
            answers,
            log,
        })
    }

    /// Asks for `stage`, of row `row` where that matters, and waits no longer than `limit`.
    ///
    /// # Errors
    /// [`WorkerError::Stage`] if the stage failed, [`WorkerError::Timeout`],
    /// [`WorkerError::Ended`] or [`WorkerError::Answer`] if there is no process any more.
    pub fn ask(&mut self, stage: &str, row: usize, limit: Duration) -> Result<Answer, WorkerError> {
        match self.answers.try_recv() {
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return Err(self.death(stage)),
            // Whatever it is, it would be taken for the answer.
            Ok(line) => return Err(self.no_answer(stage, &line)),
        }
        let sent = writeln!(self.requests, "{stage} {row}").and_then(|()| self.requests.flush());
        if sent.is_err() {
            return Err(self.death(stage));
        }
        let line = match self.wait(limit) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return Err(self.death(stage)),
            Err(RecvTimeoutError::Timeout) => {
                self.stop();
                return Err(WorkerError::Timeout {
                    stage: stage.into(),
                    limit,
                });
            }
        };
        let Line::Whole(text) = &line else {
            return Err(self.no_answer(stage, &line));
        };
        if let Ok(failed) = serde_json::from_slice::<Failed>(text) {
            return Err(WorkerError::Stage {
                stage: stage.into(),
                message: one_line(&failed.error),
                refused: failed.refused,
            });
        }
        let is_time = |seconds: f64| seconds.is_finite() && seconds >= 0.0;
        match serde_json::from_slice::<Answer>(text) {
            Ok(answer) if is_time(answer.seconds) && is_time(answer.cpu_seconds) => Ok(answer),
            Ok(_) | Err(_) => Err(self.no_answer(stage, &line)),
        }
    }

    /// The next line. A process that has ended is not waited for, even if something that it started
    /// still has its output.
    fn wait(&mut self, limit: Duration) -> Result<Line, RecvTimeoutError> {
        let started = Instant::now();
        loop {
            let left = limit.saturating_sub(started.elapsed());
            match self.answers.recv_timeout(left.min(LOOK)) {
                Err(RecvTimeoutError::Timeout) if left > LOOK => {}
                result => return result,
            }
            if matches!(self.process.try_wait(), Ok(Some(_))) {
                // Its last line may be under way.
                let last = self.answers.recv_timeout(ENDING);
                return last.map_err(|_| RecvTimeoutError::Disconnected);
            }
        }
    }

    /// The most resident memory since its start, where the system tells (Linux).
    pub fn peak_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kilobytes.checked_mul(1024)
    }

    /// How the process ended, and its last words.
    fn death(&mut self, stage: &str) -> WorkerError {
        // It may have closed its output only.
        let how = match self.process.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) | Err(_) => {
                std::thread::sleep(ENDING);
                let ended = self.process.try_wait();
                self.stop();
                ended.and_then(|status| status.map_or_else(|| self.process.wait(), Ok))
            }
        };
        let how = how.map_or_else(|error| error.to_string(), |status| status.to_string());
        let log = self.log.last();
        let lines = || log.lines().rev().filter(|line| !line.trim().is_empty());
        // What a failed allocation says is not always the last line.
        let told = lines().find(|line| line.contains("memory"));
        let told = told
            .or_else(|| lines().next())
            .unwrap_or("without a message");
        WorkerError::Ended {
            stage: stage.into(),
            how,
            said: quoted(told),
        }
    }

    /// The error of a line that is no answer; the process is stopped.
    fn no_answer(&mut self, stage: &str, line: &Line) -> WorkerError {
        self.stop();
        WorkerError::Answer {
            stage: stage.into(),
            line: quoted(&String::from_utf8_lossy(line.start(4 * QUOTED_CHARACTERS))),
        }
    }

    fn stop(&mut self) {
        stop(&mut self.process);
    }
}

/// How often is looked whether a process that does not answer is still there.
const LOOK: Duration = Duration::from_secs(1);
/// How long a process that has closed its output has to end.
const ENDING: Duration = Duration::from_millis(200);

fn stop(process: &mut Child) {
    // It may have ended already.
    let _ = process.kill();
    let _ = process.wait();
}

fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ")
}

/// The beginning of `text`, on one line.
fn quoted(text: &str) -> String {
    one_line(text).chars().take(QUOTED_CHARACTERS).collect()
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}
