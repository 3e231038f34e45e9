//! Settings: reading, and compiling with what was read.

use std::sync::Arc;

use zkassay::{CompileOptions, Settings};
use zkassay_seed::Stream;

use super::{HONEST, accepted, refused, wrong};
use crate::corpus::Corpus;
use crate::mutate::{json, one_in};
use crate::{Case, Outcome, Target};

pub(super) struct SettingsFile(pub(super) Arc<Corpus>);

impl Target for SettingsFile {
    fn name(&self) -> &'static str {
        "settings"
    }

    fn case(&self, stream: &mut Stream) -> Case {
        let member = stream.below(self.0.members.len());
        let files = self.0.files(|of| of.settings.to_json());
        let donors: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        let model = &self.0.members[member].model;
        let fresh = Settings::new(model, &CompileOptions::default()).to_json();
        let file = match one_in(8, stream) {
            true => &fresh,
            false => &files[member],
        };
        let bytes = match one_in(HONEST, stream) {
            true => file.clone(),
            false => json::mutated(file, &donors, stream),
        };
        Case { bytes, member }
    }

    fn check(&self, case: &Case) -> Outcome {
        let of = &self.0.members[case.member];
        let is_honest = of.settings.to_json() == case.bytes;
        let settings = match Settings::from_json(&case.bytes) {
            Ok(settings) => settings,
            Err(error) if is_honest => return wrong(format!("the honest settings: {error}")),
            Err(error) => return refused(error),
        };
        let written = settings.to_json();
        match Settings::from_json(&written) {
            Ok(again) if again.to_json() == written => {}
            Ok(_) => return wrong("settings that are others after writing them twice"),
            Err(error) => return wrong(format!("settings that were read and written: {error}")),
        }
        match settings.compile(&of.model) {
            Ok(circuit) => match super::circuit::is_stable(&circuit) {
                Ok(()) => accepted("read and compiled"),
                Err(what) => wrong(what),
            },
            Err(error) if is_honest => wrong(format!("the honest settings: {error}")),
            Err(error) => accepted(format!("read; {error}")),
        }
    }
}
