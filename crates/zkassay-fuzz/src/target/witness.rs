//! Witnesses: reading, and checking them against their circuit.

use std::sync::Arc;

use zkassay::{Witness, mock};
use zkassay_seed::Stream;

use super::{HONEST, accepted, refused, wrong};
use crate::corpus::Corpus;
use crate::mutate::{json, one_in};
use crate::{Case, Outcome, Target};

pub(super) struct WitnessFile(pub(super) Arc<Corpus>);

impl Target for WitnessFile {
    fn name(&self) -> &'static str {
        "witness"
    }

    fn case(&self, stream: &mut Stream) -> Case {
        let member = stream.below(self.0.members.len());
        let of = &self.0.members[member];
        let files: Vec<Vec<u8>> = of.witnesses.iter().map(Witness::to_json).collect();
        let donors: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        let file = &files[stream.below(files.len())];
        let bytes = match one_in(HONEST, stream) {
            true => file.clone(),
            false => json::mutated(file, &donors, stream),
        };
        Case { bytes, member }
    }

    fn check(&self, case: &Case) -> Outcome {
        let of = &self.0.members[case.member];
        let is_honest = of
            .witnesses
            .iter()
            .any(|witness| witness.to_json() == case.bytes);
        let witness = match Witness::from_json(&case.bytes) {
            Ok(witness) => witness,
            Err(error) if is_honest => return wrong(format!("an honest witness: {error}")),
            Err(error) => return refused(error),
        };
        let written = witness.to_json();
        match Witness::from_json(&written) {
            Ok(again) if again.to_json() == written => {}
            Ok(_) => return wrong("a witness that is another after writing it twice"),
            Err(error) => return wrong(format!("a witness that was read and written: {error}")),
        }
        match mock(&of.circuit, &witness) {
            Ok(()) => match Witness::new(&of.circuit, witness.input()) {
                Ok(right) if right == witness => accepted("a right witness"),
                Ok(_) => wrong("a witness with wrong outputs passes"),
                Err(error) => wrong(format!(
                    "a witness that cannot be evaluated passes: {error}"
                )),
            },
            Err(error) if is_honest => wrong(format!("an honest witness: {error}")),
            Err(error) => accepted(format!("read; {error}")),
        }
    }
}
