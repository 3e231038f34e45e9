//! Input files: rows of numbers in EZKL's JSON.

use std::sync::Arc;

use zkassay::InputRows;
use zkassay::input::to_json;
use zkassay_seed::Stream;

use super::{HONEST, accepted, refused, wrong};
use crate::corpus::Corpus;
use crate::mutate::{json, one_in};
use crate::{Case, Outcome, Target};

pub(super) struct InputFile(pub(super) Arc<Corpus>);

impl Target for InputFile {
    fn name(&self) -> &'static str {
        "input"
    }

    /// The member is that of the corpus's input files.
    fn case(&self, stream: &mut Stream) -> Case {
        let member = stream.below(self.0.inputs.len());
        let file = &self.0.inputs[member].0;
        let donors: Vec<&[u8]> = self.0.inputs.iter().map(|(file, _)| &file[..]).collect();
        let bytes = match one_in(HONEST, stream) {
            true => file.clone(),
            false => json::mutated(file, &donors, stream),
        };
        Case { bytes, member }
    }

    fn check(&self, case: &Case) -> Outcome {
        let Some((file, inputs)) = self.0.inputs.get(case.member) else {
            return refused("no such input file in the corpus");
        };
        let rows = match InputRows::from_json(&case.bytes, *inputs) {
            Ok(rows) => rows,
            Err(error) if *file == case.bytes => return wrong(format!("an honest file: {error}")),
            Err(error) => return refused(error),
        };
        let view = rows.view();
        if view.ncols() != *inputs || view.nrows() == 0 || view.iter().any(|x| !x.is_finite()) {
            return wrong(format!("rows that are none: {view:?}"));
        }
        let is_same = |again: &InputRows| {
            let bits = |rows: &InputRows| rows.view().mapv(f32::to_bits);
            bits(again) == bits(&rows)
        };
        match InputRows::from_json(&to_json(view), *inputs) {
            Ok(again) if is_same(&again) => match rows.single() {
                Ok(_) => accepted("one row"),
                Err(error) => accepted(format!("read; {error}")),
            },
            Ok(_) => wrong("rows that are others after writing them"),
            Err(error) => wrong(format!("rows that were read and written: {error}")),
        }
    }
}
