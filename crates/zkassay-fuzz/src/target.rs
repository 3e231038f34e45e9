//! What is changed and checked, one module for each reader.

mod circuit;
mod input;
mod onnx;
mod proof;
mod proving_key;
mod settings;
mod srs;
mod verifying_key;
mod witness;

use std::collections::hash_map::DefaultHasher;
use std::fmt::Display;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use zkassay_seed::Stream;

use crate::corpus::Corpus;

/// One input for a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What is read.
    pub bytes: Vec<u8>,
    /// The member of the corpus that it comes from, and with whose files it is used.
    pub member: usize,
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was read, and everything is as it should be; how far it got.
    Accepted(String),
    /// It was refused; the error.
    Refused(String),
    /// What must not happen.
    Wrong(String),
}

/// A reader under test.
pub trait Target {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// A changed file; now and then an honest one.
    fn case(&self, stream: &mut Stream) -> Case;

    /// Reads it, and checks what comes of it.
    fn check(&self, case: &Case) -> Outcome;
}

/// The names of all targets.
pub const NAMES: [&str; 9] = [
    "proof",
    "verifying-key",
    "proving-key",
    "circuit",
    "srs",
    "settings",
    "witness",
    "input",
    "onnx",
];

/// All targets, in the order of [`NAMES`].
pub fn all(corpus: &Arc<Corpus>) -> Vec<Box<dyn Target>> {
    vec![
        Box::new(proof::ProofFile(Arc::clone(corpus))),
        Box::new(verifying_key::VerifyingKeyFile(Arc::clone(corpus))),
        Box::new(proving_key::ProvingKeyFile(Arc::clone(corpus))),
        Box::new(circuit::CircuitFile(Arc::clone(corpus))),
        Box::new(srs::SrsFile(Arc::clone(corpus))),
        Box::new(settings::SettingsFile(Arc::clone(corpus))),
        Box::new(witness::WitnessFile(Arc::clone(corpus))),
        Box::new(input::InputFile(Arc::clone(corpus))),
        Box::new(onnx::OnnxFile(Arc::clone(corpus))),
    ]
}

/// One of how many cases is an honest file.
const HONEST: usize = 200;

fn refused(error: impl Display) -> Outcome {
    Outcome::Refused(error.to_string())
}

fn accepted(how_far: impl Display) -> Outcome {
    Outcome::Accepted(how_far.to_string())
}

fn wrong(what: impl Display) -> Outcome {
    Outcome::Wrong(what.to_string())
}

/// One of `n` cases by their bytes, so that [`Target::check`] needs no stream.
fn sample(bytes: &[u8], n: u64) -> bool {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish().is_multiple_of(n)
}
