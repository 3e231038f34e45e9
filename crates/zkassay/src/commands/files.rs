//! Reading and writing the artefacts.
//!
//! Errors name the file, and what makes it where it is missing. Nothing is read beyond a limit
//! for its kind, so that a wrong path (a disk image, an endless device) cannot fill the memory.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use zkassay::accuracy::{AccuracyProof, Salt, TestRows};
use zkassay::{
    Batch, Circuit, ImportOptions, InputRows, Model, Proof, ProvingKey, Settings, VerifyingKey,
    Witness, input,
};
use zkassay_graph::{Interface, inline_external};
use zkassay_verifier::Kind;

const MEGABYTE: u64 = 1 << 20;

/// What a file should be: a noun, what makes it, and the most bytes that are read.
struct Expected<'a>(&'static str, &'a str, u64);

/// A model.
pub(crate) fn model(path: &Path, options: &ImportOptions) -> Result<Model> {
    Ok(onnx(path, options)?.1)
}

/// The bytes of an ONNX file, with weights that it keeps in other files, and the model.
pub(crate) fn onnx(path: &Path, options: &ImportOptions) -> Result<(Vec<u8>, Model)> {
    let bytes = onnx_bytes(path)?;
    let shown = || path.display().to_string();
    let model = Model::from_onnx_with(&bytes, options).with_context(shown)?;
    Ok((bytes, model))
}

/// The bytes of an ONNX file, with weights that it keeps in other files.
pub(crate) fn onnx_bytes(path: &Path) -> Result<Vec<u8>> {
    let from = "export it from your training framework, and pass it with --model";
    let bytes = read(path, Expected("model", from, 2048 * MEGABYTE))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let bytes = inline_external(&bytes, folder).with_context(|| path.display().to_string())?;
    Ok(bytes.into_owned())
}

/// Rows for a model with so many numbers in a row, and the inputs that its interface says.
pub(crate) fn rows(path: &Path, inputs: usize, interface: &Interface) -> Result<InputRows> {
    rows_of("--data", path, inputs, interface)
}

/// The same, from the file that a flag names.
pub(crate) fn rows_of(
    flag: &str,
    path: &Path,
    inputs: usize,
    interface: &Interface,
) -> Result<InputRows> {
    let shown = || path.display().to_string();
    let from = &format!(
        "it holds {{\"input_data\": [[...]]}}; pass it with {flag}, or try `zkassay gen-random-data`"
    );
    if let Ok(metadata) = std::fs::metadata(path) {
        input::check_size(metadata.len()).with_context(shown)?;
    }
    let bytes = read(path, Expected("input data", from, InputRows::MAX_BYTES))?;
    InputRows::for_interface(&bytes, inputs, interface).with_context(shown)
}

/// A settings file.
pub(crate) fn settings(path: &Path) -> Result<Settings> {
    let bytes = read(
        path,
        Expected("settings", "run `zkassay gen-settings`", 64 * MEGABYTE),
    )?;
    Settings::from_json(&bytes).with_context(|| path.display().to_string())
}

/// A compiled circuit.
pub(crate) fn circuit(path: &Path) -> Result<Circuit> {
    let from = "run `zkassay compile-circuit`";
    let bytes = read(path, Expected("compiled circuit", from, 8192 * MEGABYTE))?;
    Circuit::from_bytes(&bytes).with_context(|| path.display().to_string())
}

/// A witness.
pub(crate) fn witness(path: &Path) -> Result<Witness> {
    let bytes = read(
        path,
        Expected("witness", "run `zkassay gen-witness`", 256 * MEGABYTE),
    )?;
    Witness::from_json(&bytes).with_context(|| path.display().to_string())
}

/// A proving key.
pub(crate) fn proving_key(path: &Path) -> Result<ProvingKey> {
    let bytes = read(
        path,
        Expected("proving key", "run `zkassay setup`", 8192 * MEGABYTE),
    )?;
    ProvingKey::from_bytes(&bytes).with_context(|| path.display().to_string())
}

/// A verifying key, with the size of its file.
pub(crate) fn verifying_key(path: &Path) -> Result<VerifyingKey> {
    let bytes = read(
        path,
        Expected("verifying key", "run `zkassay setup`", 64 * MEGABYTE),
    )?;
    VerifyingKey::from_bytes(&bytes).with_context(|| path.display().to_string())
}

/// What a file of proofs holds.
pub(crate) enum Proofs {
    /// One proof.
    One(Proof),
    /// Those of many rows.
    Batch(Batch),
}

/// A proof, or a batch of proofs.
pub(crate) fn proofs(path: &Path) -> Result<Proofs> {
    let kind = kind(path);
    if kind == Some(Kind::Accuracy) {
        bail!(
            "{} is a proof of accuracy: check it with `zkassay verify-accuracy`",
            path.display()
        );
    }
    let is_batch = kind == Some(Kind::Batch);
    let limit = if is_batch { 4096 } else { 64 };
    let from = "run `zkassay prove`";
    let bytes = read(path, Expected("proof", from, limit * MEGABYTE))?;
    let proofs = match is_batch {
        true => Batch::from_bytes(&bytes).map(Proofs::Batch),
        false => Proof::from_bytes(&bytes).map(Proofs::One),
    };
    proofs.with_context(|| path.display().to_string())
}

/// A proof of accuracy.
pub(crate) fn accuracy(path: &Path) -> Result<AccuracyProof> {
    let from = "run `zkassay prove-accuracy`";
    let bytes = read(path, Expected("proof of accuracy", from, 4096 * MEGABYTE))?;
    AccuracyProof::from_bytes(&bytes).with_context(|| path.display().to_string())
}

/// A labelled data set.
pub(crate) fn test_rows(path: &Path) -> Result<TestRows> {
    let shown = || path.display().to_string();
    let from = "it holds {\"input_data\": [[...], ...], \"labels\": [0, 1, ...]}";
    if let Ok(metadata) = std::fs::metadata(path) {
        input::check_size(metadata.len()).with_context(shown)?;
    }
    let bytes = read(path, Expected("data set", from, InputRows::MAX_BYTES))?;
    zkassay::accuracy::from_json(&bytes).with_context(shown)
}

/// The salt of a committed data set.
pub(crate) fn salt(path: &Path) -> Result<Salt> {
    let from = "prove-accuracy and hash-data make it";
    let bytes = read(path, Expected("salt", from, MEGABYTE))?;
    let text = String::from_utf8_lossy(&bytes);
    Salt::from_text(&text).ok_or_else(|| {
        let shown = path.display();
        anyhow!("{shown} is no salt: expected 64 lower-case hexadecimal digits")
    })
}

/// The kind that a file says it is; `None` also where it cannot be read.
fn kind(path: &Path) -> Option<Kind> {
    let mut start = Vec::new();
    let file = File::open(path).ok()?;
    file.take(16).read_to_end(&mut start).ok()?;
    Kind::of(&start)
}

fn read(path: &Path, Expected(noun, from, limit): Expected<'_>) -> Result<Vec<u8>> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow!("there is no {noun} {shown}: {from}"),
        _ => anyhow!("cannot read the {noun} {shown}: {error}"),
    })?;
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read the {noun} {shown}"))?;
    if bytes.len() as u64 > limit {
        bail!(
            "the {noun} {shown} has more than {} MB: too large to be one",
            limit / MEGABYTE
        );
    }
    Ok(bytes)
}

/// Writes a file that appears complete or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    zkassay_file::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// As [`write`]; if `is_secret`, only the owner may read it.
pub(crate) fn write_secret(path: &Path, bytes: &[u8], is_secret: bool) -> Result<()> {
    if !is_secret {
        return write(path, bytes);
    }
    zkassay_file::write_secret(path, bytes)
        .with_context(|| format!("cannot write {}", path.display()))
}
