//! In what two runs differ before anything is measured.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::grid::shortened;
use crate::record::{ModelRecord, Proving, RunRecord, Stage};
use crate::units;

/// Longest value of a deviation in characters; the rest is in the records.
const LONGEST: usize = 200;

/// A fact that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deviation {
    /// What it is about.
    pub what: String,
    /// In the first run.
    pub first: String,
    /// In the second run.
    pub second: String,
}

/// What keeps figures of the two runs from being compared, in sentences.
pub(super) fn warnings(first: &RunRecord, second: &RunRecord) -> Vec<String> {
    let mut warnings = Vec::new();
    let data = |run: &RunRecord| {
        let data = &run.data;
        (
            data.feature_hash.clone(),
            data.rows,
            data.features,
            data.files.clone(),
        )
    };
    if data(first) != data(second) {
        warnings.push(format!(
            "DIFFERENT DATA: {} ({} rows, {} features) and {} ({} rows, {} features). Accuracies are \
             not of the same rows.",
            first.data.name,
            first.data.rows,
            first.data.features,
            second.data.name,
            second.data.rows,
            second.data.features
        ));
    } else if split(first) != split(second) {
        warnings.push(
            "DIFFERENT SPLITS of the same data. Accuracies are not of the same rows.".to_owned(),
        );
    }
    let machine = |run: &RunRecord| {
        let host = &run.host;
        (
            host.cpu.clone(),
            host.cores,
            host.threads,
            host.ram_bytes,
            host.os.clone(),
        )
    };
    if machine(first) != machine(second) {
        let describe = |run: &RunRecord| {
            let host = &run.host;
            format!(
                "{}, {} of {} threads, {}, {}",
                host.cpu,
                host.threads,
                host.cores,
                units::bytes(host.ram_bytes),
                host.os
            )
        };
        warnings.push(format!(
            "DIFFERENT MACHINE: {} and {}. Times say nothing about the programs.",
            describe(first),
            describe(second)
        ));
    }
    warnings
}

fn split(run: &RunRecord) -> (&str, usize, usize, usize) {
    let data = &run.data;
    (
        &data.sampling,
        data.train_rows,
        data.calibration_rows,
        data.test_rows,
    )
}

/// Every fact that differs and is no measurement.
pub(super) fn deviations(first: &RunRecord, second: &RunRecord) -> Vec<Deviation> {
    let mut deviations = Vec::new();
    let mut differs = |what: &str, a: String, b: String| {
        if a != b {
            deviations.push(Deviation {
                what: what.to_owned(),
                first: shortened(&a, LONGEST),
                second: shortened(&b, LONGEST),
            });
        }
    };
    let mut fact = |what: &str, of: &dyn Fn(&RunRecord) -> String| {
        differs(what, of(first), of(second));
    };
    fact("profile", &|run| run.profile.clone());
    fact("seed", &|run| run.seed.to_string());
    fact("processor", &|run| run.host.cpu.clone());
    fact("cores", &|run| run.host.cores.to_string());
    fact("threads", &|run| run.host.threads.to_string());
    fact("memory", &|run| run.host.ram_bytes.to_string());
    fact("operating system", &|run| run.host.os.clone());
    fact("revision", &|run| {
        let revision = run.host.revision.as_deref();
        revision.unwrap_or("unknown").to_owned()
    });
    fact("data", &|run| run.data.name.clone());
    fact("rounds and rows", &|run| {
        let (sampling, train, calibration, test) = split(run);
        format!("{sampling}: {train} train, {calibration} calibration, {test} test")
    });
    fact("feature manifest", &|run| run.data.feature_hash.clone());
    fact("data files", &files);
    fact("proofs of a model", &|run| {
        range(run, |proving| proving.proved_rows.len())
    });
    fact("setups of a model", &|run| {
        range(run, |proving| proving.timings.of(Stage::Setup).len())
    });
    fact("proof parameters", &|run| run.srs.kind.clone());
    let mut names: Vec<&String> = [first, second]
        .iter()
        .flat_map(|run| run.host.packages.keys())
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let version = |run: &RunRecord| {
            let version = run.host.packages.get(name);
            version.map_or("absent", String::as_str).to_owned()
        };
        differs(&format!("package {name}"), version(first), version(second));
    }
    for ours in &first.models {
        let Some(theirs) = second.models.iter().find(|model| model.tag == ours.tag) else {
            continue;
        };
        for (what, a, b) in model(ours, theirs) {
            differs(&format!("{}: {what}", ours.tag), a, b);
        }
    }
    deviations
}

/// `32 files, hash 0123456789ab`: the start of the SHA-256 of all names and hashes, in their order.
fn files(run: &RunRecord) -> String {
    let files = &run.data.files;
    let mut hash = Sha256::new();
    for file in files {
        hash.update(format!("{}\0{}\n", file.name, file.sha256));
    }
    let start: String = hash
        .finalize()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{}, hash {start}", units::counted(files.len(), "file"))
}

/// How many there are of each of our models: `5`, or `3 to 5` if not of all as many.
fn range(run: &RunRecord, count: fn(&Proving) -> usize) -> String {
    let counts = || run.models.iter().map(|model| count(&model.proving));
    match (counts().min(), counts().max()) {
        (Some(least), Some(most)) if least < most => format!("{least} to {most}"),
        (_, most) => most.unwrap_or_default().to_string(),
    }
}

/// What two models of one name may differ in.
fn model(ours: &ModelRecord, theirs: &ModelRecord) -> Vec<(String, String, String)> {
    let mut facts = Vec::new();
    for (what, of) in [
        (
            "training",
            (|model| model.training.params.to_string()) as fn(&ModelRecord) -> String,
        ),
        ("training seed", |model| model.training.seed.to_string()),
        ("activation", |model| model.used_activation().to_owned()),
        ("parameters", |model| model.parameters.to_string()),
        ("ONNX file", |model| model.onnx_sha256.clone()),
        ("settings", |model| model.proving.settings.to_string()),
    ] {
        facts.push((what.to_owned(), of(ours), of(theirs)));
    }
    for peer in &ours.peers {
        let other = theirs
            .peers
            .iter()
            .find(|other| other.prover == peer.prover);
        let Some(other) = other else {
            continue;
        };
        let name = |what: &str| format!("{} {what}", peer.prover);
        facts.push((name("version"), peer.version.clone(), other.version.clone()));
        let settings = (peer.settings.to_string(), other.settings.to_string());
        facts.push((name("settings"), settings.0, settings.1));
    }
    facts
}
