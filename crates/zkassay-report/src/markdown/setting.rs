//! Machine, data, seeds, every setting, and how to repeat the run.

use std::fmt::Write as _;

use serde_json::Value;

use crate::grid::{Grid, Heading, code, escape};
use crate::record::{ModelRecord, RunRecord};
use crate::units;

/// Proved rows that are listed; of more the first and the number.
const LISTED: usize = 10;

pub(super) fn write(page: &mut String, record: &RunRecord) {
    facts(page, record);
    training(page, record);
    settings(page, record);
    let command = record.command.replace('`', "'").replace(['\n', '\r'], " ");
    let _ = write!(
        page,
        "\n## How to repeat\n\n```sh\n{command}\n```\n\n\
         at revision {}. The same seed gives the same models, circuits and proved rows; times depend\n\
         on the machine. `zkassay report` writes this page anew from `record.json`, and lays two runs\n\
         side by side.\n",
        revision(record)
    );
}

fn revision(record: &RunRecord) -> String {
    let revision = record.host.revision.as_deref();
    revision.map_or_else(|| "unknown".to_owned(), code)
}

fn facts(page: &mut String, record: &RunRecord) {
    let host = &record.host;
    let data = &record.data;
    let _ = write!(
        page,
        "\n## Setting\n\n\
         - Machine: {}, {} cores, {} of memory, {}\n\
         - Threads: {}\n\
         - Revision: {}\n\
         - Seed: {}\n\
         - Data: {}, {} rows of {} features: {} for training, {} for calibrating the\n  \
           quantisation, {} for testing; {}\n\
         - Feature manifest: {}\n\
         - Parameters of the proof system: {}\n",
        escape(&host.cpu),
        host.cores,
        units::bytes(host.ram_bytes),
        escape(&host.os),
        host.threads,
        revision(record),
        record.seed,
        escape(&data.name),
        units::count(data.rows),
        data.features,
        units::count(data.train_rows),
        units::count(data.calibration_rows),
        units::count(data.test_rows),
        escape(&data.sampling),
        code(&data.feature_hash),
        code(&record.srs.kind)
    );
    if !data.files.is_empty() {
        let bytes = data
            .files
            .iter()
            .map(|file| u128::from(file.bytes))
            .sum::<u128>();
        let _ = writeln!(
            page,
            "- Files: {}, {} in all; `record.json` has the SHA-256 of each",
            data.files.len(),
            units::bytes(u64::try_from(bytes).unwrap_or(u64::MAX))
        );
    }
    if !host.packages.is_empty() {
        let packages = host.packages.iter();
        let packages: Vec<String> = packages
            .map(|(name, version)| escape(&format!("{name} {version}")))
            .collect();
        let _ = writeln!(page, "- Packages: {}", packages.join(", "));
    }
}

/// The hyper-parameters, each once with the models they are of.
fn training(page: &mut String, record: &RunRecord) {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for model in &record.models {
        let params = shared(&model.training.params).to_string();
        let tag = format!("{} ({})", model.tag, model.used_activation());
        match groups.iter_mut().find(|(known, _)| *known == params) {
            Some((_, tags)) => tags.push(tag),
            None => groups.push((params, vec![tag])),
        }
    }
    if groups.is_empty() {
        return;
    }
    page.push_str("\nTraining, with the models trained so and their activation:\n\n");
    for (params, tags) in groups {
        let tags: Vec<String> = tags.iter().map(|tag| escape(tag)).collect();
        let _ = writeln!(page, "- {}: {}", code(&params), tags.join(", "));
    }
}

/// Hyper-parameters without what only names the model and its seed, which is below.
fn shared(params: &Value) -> Value {
    let mut params = params.clone();
    if let Value::Object(all) = &mut params {
        all.remove("spec");
        all.remove("seed");
    }
    params
}

/// Seeds, proved rows and settings of every model and prover, folded away.
fn settings(page: &mut String, record: &RunRecord) {
    let mut grid = Grid::new([
        Heading::left("Model", ""),
        Heading::left("Prover", ""),
        Heading::right("Training seed", ""),
        Heading::left("Proved test rows", ""),
        Heading::left("ONNX file", ""),
    ]);
    let mut lines = String::new();
    for model in &record.models {
        for proving in std::iter::once(&model.proving).chain(&model.peers) {
            grid.rows.push(vec![
                model.tag.clone(),
                format!("{} {}", proving.prover, proving.version),
                model.training.seed.to_string(),
                rows(&proving.proved_rows),
                hash(model),
            ]);
            let name = format!("{}, {}", model.tag, proving.prover);
            let settings = proving.settings.to_string();
            let _ = writeln!(lines, "- {}: {}", escape(&name), code(&settings));
        }
    }
    if grid.is_empty() {
        return;
    }
    let _ = write!(
        page,
        "\n<details>\n<summary>Seeds, proved rows and settings of every model</summary>\n\n{}\n\
         Settings as the compilers saw them:\n\n{lines}\n</details>\n",
        grid.markdown()
    );
}

/// The start of the file's hash; the record has all of it.
fn hash(model: &ModelRecord) -> String {
    model.onnx_sha256.chars().take(12).collect()
}

fn rows(rows: &[usize]) -> String {
    let listed: Vec<String> = rows.iter().take(LISTED).map(usize::to_string).collect();
    match rows.len() {
        0 => "none".to_owned(),
        few if few <= LISTED => listed.join(", "),
        many => format!("{}, ... ({many})", listed.join(", ")),
    }
}
