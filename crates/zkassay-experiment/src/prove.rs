//! A prover on a model, round by round.
//!
//! Provers are processes that are asked for one stage at a time, ours and others alike
//! ([`Worker`]). A round makes keys anew, from the settings on, or proves the next test row, or both;
//! whatever it measured is one [`ProvingRound`], which is kept before the next begins.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use zkassay_ezkl::{Answer, Worker, WorkerError};
use zkassay_report::{Sizes, Stage};

use crate::cell::{Failure, ProvingRound, Refused, Subject};

/// Making parameters takes a while for large circuits, or they are downloaded; this is no prover's
/// time.
const PARAMETERS_LIMIT: Duration = Duration::from_secs(1200);

/// Of what a prover says, what is kept at most.
const MESSAGE_CHARACTERS: usize = 600;

/// How much is measured of a prover on a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// In the first so many rounds keys are made anew, from the settings on.
    pub setups: usize,
    /// In the first so many rounds a row is proved.
    pub proofs: usize,
    /// What all measured stages together may take, those of an earlier run included; no single
    /// stage may take longer, either.
    pub limit: Duration,
}

/// Takes a model through a prover's stages, round by round.
///
/// `done` are the rounds of an earlier run, from the first on; they are not repeated. Each new round
/// is given to `each` when it is finished. Not measured are the first proof of the process, which
/// fills caches and wakes threads, and keys that a process needs for proofs of rounds that make none.
///
/// A row that the prover refuses is left out, and the next is taken. If anything else fails or takes
/// too long, the round with what was measured until then and the failure is the last one, and
/// the failure is returned.
///
/// # Errors
/// Those of `each`.
pub fn rounds(
    start: impl FnOnce() -> Result<Worker, WorkerError>,
    subject: &Subject<'_>,
    effort: &Effort,
    done: &[ProvingRound],
    each: &mut dyn FnMut(ProvingRound) -> anyhow::Result<()>,
) -> anyhow::Result<Option<Failure>> {
    if let Some(failure) = done.last().and_then(|round| round.failure.clone()) {
        return Ok(Some(failure));
    }
    let all = done.len()..effort.setups.max(effort.proofs);
    let mut driver = None;
    let mut start = Some(start);
    for index in all {
        let mut round = ProvingRound {
            round: index,
            ..ProvingRound::default()
        };
        if let Some(start) = start.take() {
            match start() {
                Ok(worker) => driver = Some(Driver::new(worker, subject, effort, done)),
                Err(error) => round.failure = Some(failure("start", &error)),
            }
        }
        if let Some(driver) = &mut driver {
            round.failure = driver.round(&mut round, effort).err();
        }
        if !is_finite(&round) {
            round = ProvingRound {
                round: index,
                failure: Some(not_finite(&round)),
                refused: round.refused,
                ..ProvingRound::default()
            };
        }
        let failure = round.failure.clone();
        each(round)?;
        if failure.is_some() {
            return Ok(failure);
        }
    }
    Ok(None)
}

/// A running prover, and how far it has come.
struct Driver<'a> {
    worker: Worker,
    subject: &'a Subject<'a>,
    limit: Duration,
    spent: Duration,
    /// Test rows that are still to be tried.
    rows: &'a [usize],
    has_keys: bool,
    is_warm: bool,
}

/// Why there is no answer.
enum Trouble {
    /// This row is refused.
    Refused(Failure),
    /// The prover failed.
    Failed(Failure),
}

impl<'a> Driver<'a> {
    fn new(
        worker: Worker,
        subject: &'a Subject<'a>,
        effort: &Effort,
        done: &[ProvingRound],
    ) -> Self {
        let tried: Vec<usize> = done
            .iter()
            .flat_map(|round| {
                round
                    .refused
                    .iter()
                    .map(|refused| refused.row)
                    .chain(round.row)
            })
            .collect();
        let is_tried = |row: &&usize| tried.contains(row);
        let tried = subject.test_rows.iter().take_while(is_tried).count();
        Self {
            worker,
            subject,
            limit: effort.limit,
            spent: spent(done),
            rows: subject.test_rows.get(tried..).unwrap_or_default(),
            has_keys: false,
            is_warm: false,
        }
    }

    /// One round; what is measured is in `round` even if it fails.
    fn round(&mut self, round: &mut ProvingRound, effort: &Effort) -> Result<(), Failure> {
        if round.round < effort.setups {
            self.setup(round, true)?;
        }
        if round.round < effort.proofs {
            if !self.has_keys {
                self.setup(&mut ProvingRound::default(), false)?;
            }
            self.proof(round)?;
        }
        Ok(())
    }

    /// Everything up to the keys.
    fn setup(&mut self, round: &mut ProvingRound, counts: bool) -> Result<(), Failure> {
        for stage in [Stage::Settings, Stage::Calibrate, Stage::Compile] {
            self.stage(stage, round, counts)?;
        }
        let answer = self.worker.ask("parameters", 0, PARAMETERS_LIMIT);
        let answer = answer.map_err(|error| failure("parameters", &error))?;
        keep_sizes(&mut round.sizes, &answer.details);
        self.stage(Stage::Setup, round, counts)?;
        round.memory.setup_bytes = self.worker.peak_bytes();
        self.has_keys = true;
        Ok(())
    }

    /// A stage before the proofs, with what it has to tell.
    fn stage(
        &mut self,
        stage: Stage,
        round: &mut ProvingRound,
        counts: bool,
    ) -> Result<(), Failure> {
        let answer = self.ask(stage, 0, counts).map_err(Trouble::into_failure)?;
        keep_times(round, stage, &answer);
        keep_sizes(&mut round.sizes, &answer.details);
        if let Some(circuit) = answer.details.get("circuit") {
            let circuit = serde_json::from_value(circuit.clone());
            round.circuit = Some(circuit.map_err(|error| failure(stage.name(), &error))?);
        }
        if let Some(settings) = answer.details.get("settings") {
            round.settings = settings.clone();
        }
        Ok(())
    }

    /// Witness, proof and verification of the next row that is not refused.
    fn proof(&mut self, round: &mut ProvingRound) -> Result<(), Failure> {
        while let Some((&row, others)) = self.rows.split_first() {
            self.rows = others;
            match self.row(row, round) {
                Err(Trouble::Refused(Failure { message, .. })) => {
                    round.refused.push(Refused { row, message });
                }
                result => return result.map_err(Trouble::into_failure),
            }
        }
        let (all, proofs) = (self.subject.test_rows.len(), round.round);
        Err(Failure {
            stage: Stage::Witness.name().into(),
            message: match round.refused.last() {
                Some(last) => format!(
                    "there are only {proofs} of {all} test rows that can be proved; the last: {}",
                    last.message
                ),
                None => format!("there are only {all} test rows to prove"),
            },
        })
    }

    fn row(&mut self, row: usize, round: &mut ProvingRound) -> Result<(), Trouble> {
        if !self.is_warm {
            self.proof_of(row, false)?;
            self.is_warm = true;
        }
        let answers = self.proof_of(row, true)?;
        for (stage, answer) in &answers {
            keep_times(round, *stage, answer);
            keep_sizes(&mut round.sizes, &answer.details);
        }
        round.memory.prove_bytes = self.worker.peak_bytes();
        let [.., (stage, verified)] = &answers;
        round.outputs = outputs(&verified.details)
            .ok_or_else(|| failed(*stage, "the answer has no list of `outputs`"))?;
        round.comparison = self.subject.expected.compare(row, &round.outputs);
        if let (None, Some(expected)) = (round.comparison, self.subject.expected.outputs.get(row)) {
            let (found, expected) = (round.outputs.len(), expected.len());
            let message = format!("the proof has {found} outputs, the model {expected}");
            return Err(failed(*stage, &message));
        }
        round.row = Some(row);
        Ok(())
    }

    fn proof_of(&mut self, row: usize, counts: bool) -> Result<[(Stage, Answer); 3], Trouble> {
        let mut ask = |stage| Ok((stage, self.ask(stage, row, counts)?));
        Ok([
            ask(Stage::Witness)?,
            ask(Stage::Prove)?,
            ask(Stage::Verify)?,
        ])
    }

    /// Asks for a stage, within what is left of the limit; it `counts` unless it is not measured.
    fn ask(&mut self, stage: Stage, row: usize, counts: bool) -> Result<Answer, Trouble> {
        let limit = format!("{} s for all stages", self.limit.as_secs_f64());
        let left = self.limit.saturating_sub(self.spent);
        if left.is_zero() {
            return Err(failed(stage, &format!("not begun after {limit}")));
        }
        let started = Instant::now();
        let answer = self.worker.ask(stage.name(), row, left);
        // Refused rows count in any case: there may be many.
        if counts || answer.is_err() {
            self.spent += started.elapsed();
        }
        match answer {
            Ok(answer) => Ok(answer),
            Err(WorkerError::Timeout { limit: given, .. }) => {
                let given = given.as_secs_f64();
                let message = format!("stopped after {given:.1} s of this stage, of {limit}");
                Err(failed(stage, &message))
            }
            Err(WorkerError::Stage {
                message,
                refused: true,
                ..
            }) => Err(Trouble::Refused(Failure {
                stage: stage.name().into(),
                message: one_line(&message),
            })),
            Err(error) => Err(Trouble::Failed(failure(stage.name(), &error))),
        }
    }
}

impl Trouble {
    /// A refusal is a failure where there is no other row to take.
    fn into_failure(self) -> Failure {
        match self {
            Self::Refused(failure) | Self::Failed(failure) => failure,
        }
    }
}

/// Whether the round can be kept: JSON has no other numbers. A prover's answers are finite, but sums
/// and times in other units may not be.
fn is_finite(round: &ProvingRound) -> bool {
    let json = serde_json::to_vec(round);
    json.is_ok_and(|json| serde_json::from_slice::<ProvingRound>(&json).is_ok())
}

/// The failure of a round that is not.
fn not_finite(round: &ProvingRound) -> Failure {
    let is_infinite = |stage: &Stage| {
        let times = [round.wall.of(*stage), round.cpu.of(*stage)];
        let mut samples = times.into_iter().flat_map(|samples| samples.as_slice());
        samples.any(|sample| !sample.is_finite())
    };
    // Outputs are told by the last stage.
    let stage = Stage::ALL.into_iter().find(is_infinite);
    Failure {
        stage: stage.unwrap_or(Stage::Verify).name().into(),
        message: "a time or an output in the answer is too large".into(),
    }
}

/// What the measured stages of earlier rounds took.
fn spent(done: &[ProvingRound]) -> Duration {
    let milliseconds: f64 = done
        .iter()
        .flat_map(|round| Stage::ALL.map(|stage| round.wall.of(stage).median().unwrap_or(0.0)))
        .sum();
    Duration::try_from_secs_f64(milliseconds / 1e3).unwrap_or(Duration::MAX)
}

fn keep_times(round: &mut ProvingRound, stage: Stage, answer: &Answer) {
    round.wall.push(stage, 1e3 * answer.seconds);
    round.cpu.push(stage, 1e3 * answer.cpu_seconds);
}

fn keep_sizes(sizes: &mut Sizes, details: &Map<String, Value>) {
    for (size, name) in [
        (&mut sizes.proof_bytes, "proof_bytes"),
        (&mut sizes.pk_bytes, "pk_bytes"),
        (&mut sizes.vk_bytes, "vk_bytes"),
        (&mut sizes.srs_bytes, "srs_bytes"),
    ] {
        if let Some(bytes) = details.get(name).and_then(Value::as_u64) {
            *size = Some(bytes);
        }
    }
}

fn outputs(details: &Map<String, Value>) -> Option<Vec<f64>> {
    let outputs = details.get("outputs")?.as_array()?;
    outputs.iter().map(Value::as_f64).collect()
}

fn failed(stage: Stage, message: &str) -> Trouble {
    Trouble::Failed(Failure {
        stage: stage.name().into(),
        message: one_line(message),
    })
}

/// An error without the stage that its text may begin with.
fn failure(stage: &str, error: &dyn std::error::Error) -> Failure {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        message += &format!(": {error}");
        source = error.source();
    }
    let prefix = format!("{stage}: ");
    Failure {
        stage: stage.into(),
        message: one_line(message.strip_prefix(&prefix).unwrap_or(&message)),
    }
}

/// A message on one line, and not too long for a table.
fn one_line(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    words.join(" ").chars().take(MESSAGE_CHARACTERS).collect()
}
