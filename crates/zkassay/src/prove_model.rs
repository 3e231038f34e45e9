//! All stages in one call.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use zkassay_circuit::CompileOptions;
use zkassay_graph::ImportOptions;
use zkassay_prover::{Circuit, ProvingKey, Srs};
use zkassay_verifier::{Batch, BatchVerdict, Proof, Verdict, VerifyingKey};

use crate::{CalibrationOptions, Error, Model, Settings, Witness, batch, stages};

/// How to prove a model.
#[derive(Clone, Debug, Default)]
pub struct ProveOptions {
    /// Sizes of symbolic dimensions, and which output is proved.
    pub import: ImportOptions,
    /// What the proof reveals, and what the layout is for.
    pub compile: CompileOptions,
    /// What the calibration minimises, and its margin.
    pub calibration: CalibrationOptions,
    /// Rows like the inputs to expect, `[rows, inputs]`; without them the input itself gives the
    /// range.
    pub rows: Option<Array2<f32>>,
    /// The parameters of the commitment scheme.
    pub parameters: Parameters,
}

/// Where the parameters of the commitment scheme come from.
#[derive(Clone, Debug, Default)]
pub enum Parameters {
    /// Those of a public ceremony that get-srs has put into the cache.
    #[default]
    Cached,
    /// These.
    Given(Box<Srs>),
    /// Those of a file in zkassay's, halo2's or EZKL's format; no more of it is read than needed.
    File(PathBuf),
    /// Made on the spot and marked as such: whoever runs this can forge proofs.
    UnsafeLocal,
}

/// Everything that proving a model gives.
#[derive(Debug)]
pub struct Proved {
    /// The calibrated settings.
    pub settings: Settings,
    /// The compiled circuit.
    pub circuit: Circuit,
    /// The parameters used.
    pub srs: Srs,
    /// The keys: [`ProvingKey::verifying_key`] is what a verifier needs.
    pub key: ProvingKey,
    /// The input and output in the circuit's integers.
    pub witness: Witness,
    /// The proof.
    pub proof: Proof,
    /// What it says, checked from the bytes of key and proof as a verifier does.
    pub verdict: Verdict,
}

/// Everything that proving a model for many rows gives.
#[derive(Debug)]
pub struct ProvedBatch {
    /// The calibrated settings.
    pub settings: Settings,
    /// The compiled circuit.
    pub circuit: Circuit,
    /// The parameters used.
    pub srs: Srs,
    /// The keys.
    pub key: ProvingKey,
    /// The proofs.
    pub batch: Batch,
    /// What they say, checked from the bytes of key and batch as a verifier does.
    pub verdict: BatchVerdict,
}

/// The stages, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reading the ONNX bytes.
    Import,
    /// The search over scales.
    Calibrate,
    /// Laying out the circuit.
    Compile,
    /// Evaluating the input; of many rows, checking that they are in range.
    Witness,
    /// Reading or making the parameters.
    Parameters,
    /// Making the keys.
    Setup,
    /// Proving.
    Prove,
    /// Verifying.
    Verify,
}

impl Stage {
    /// The stage in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Calibrate => "calibrate",
            Self::Compile => "compile",
            Self::Witness => "witness",
            Self::Parameters => "parameters",
            Self::Setup => "setup",
            Self::Prove => "prove",
            Self::Verify => "verify",
        }
    }
}

/// What happens to a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It starts.
    Started(Stage),
    /// It is done, after this time.
    Done(Stage, Duration),
}

/// Proves that the model of an ONNX file gives its output for `input`, and verifies the proof.
///
/// # Errors
/// The first stage that fails.
pub fn prove_model(onnx: &[u8], input: &[f32], options: &ProveOptions) -> Result<Proved, Error> {
    prove_model_watched(onnx, input, options, |_| ())
}

/// As [`prove_model`], telling `watch` what is going on.
///
/// # Errors
/// The first stage that fails.
pub fn prove_model_watched(
    onnx: &[u8],
    input: &[f32],
    options: &ProveOptions,
    mut watch: impl FnMut(Event),
) -> Result<Proved, Error> {
    let row = ArrayView1::from(input).insert_axis(Axis(0));
    let (keys, witness) = keys(onnx, row, options, &mut watch, |circuit| {
        Witness::new(circuit, input)
    })?;
    let Keys {
        settings,
        circuit,
        srs,
        key,
    } = keys;
    let proof = timed(&mut watch, Stage::Prove, || {
        stages::prove(&srs, &key, &witness)
    })?;
    let verdict = timed(&mut watch, Stage::Verify, || {
        let key = VerifyingKey::from_bytes(&key.verifying_key().to_bytes())?;
        stages::verify(&key, &Proof::from_bytes(&proof.to_bytes())?)
    })?;
    Ok(Proved {
        settings,
        circuit,
        srs,
        key,
        witness,
        proof,
        verdict,
    })
}

/// Proves the outputs that the model of an ONNX file gives for each of `rows`, `[rows, inputs]`, as
/// many in one proof as `options.compile` says, and verifies the proofs.
///
/// # Errors
/// The first stage that fails.
pub fn prove_model_batch(
    onnx: &[u8],
    rows: ArrayView2<'_, f32>,
    options: &ProveOptions,
    mut watch: impl FnMut(Event),
) -> Result<ProvedBatch, Error> {
    let (keys, _) = keys(onnx, rows, options, &mut watch, |circuit| {
        batch::check_rows(circuit, rows)
    })?;
    let Keys {
        settings,
        circuit,
        srs,
        key,
    } = keys;
    let batch = timed(&mut watch, Stage::Prove, || {
        batch::prove_batch(&srs, &key, rows, |_, _| ())
    })?;
    let verdict = timed(&mut watch, Stage::Verify, || {
        let key = VerifyingKey::from_bytes(&key.verifying_key().to_bytes())?;
        batch::verify_batch(&key, &Batch::from_bytes(&batch.to_bytes())?)
    })?;
    Ok(ProvedBatch {
        settings,
        circuit,
        srs,
        key,
        batch,
        verdict,
    })
}

/// What the stages up to the setup give.
struct Keys {
    settings: Settings,
    circuit: Circuit,
    srs: Srs,
    key: ProvingKey,
}

/// The stages up to the setup; without other rows, the calibration has `inputs`. An input that cannot
/// be proved is refused by `witness` before there are keys.
fn keys<W>(
    onnx: &[u8],
    inputs: ArrayView2<'_, f32>,
    options: &ProveOptions,
    watch: &mut impl FnMut(Event),
    witness: impl FnOnce(&Circuit) -> Result<W, Error>,
) -> Result<(Keys, W), Error> {
    let model = timed(watch, Stage::Import, || {
        Model::from_onnx_with(onnx, &options.import)
    })?;
    let settings = timed(watch, Stage::Calibrate, || {
        let settings = Settings::new(&model, &options.compile);
        let rows = options.rows.as_ref().map_or(inputs, |rows| rows.view());
        settings.calibrate(&model, rows, &options.calibration)
    })?;
    let circuit = timed(watch, Stage::Compile, || settings.compile(&model))?;
    let witness = timed(watch, Stage::Witness, || witness(&circuit))?;
    let logrows = circuit.compiled.logrows();
    let srs = timed(watch, Stage::Parameters, || match &options.parameters {
        Parameters::Given(srs) => Ok(Srs::clone(srs)),
        Parameters::File(path) => Ok(Srs::from_file_for(path, logrows)?),
        Parameters::UnsafeLocal => Ok(Srs::unsafe_local(logrows)),
        Parameters::Cached => crate::srs::cached(logrows),
    })?;
    let key = timed(watch, Stage::Setup, || stages::setup(&srs, &circuit))?;
    let keys = Keys {
        settings,
        circuit,
        srs,
        key,
    };
    Ok((keys, witness))
}

fn timed<T>(
    watch: &mut impl FnMut(Event),
    stage: Stage,
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    watch(Event::Started(stage));
    let started = Instant::now();
    let result = work()?;
    watch(Event::Done(stage, started.elapsed()));
    Ok(result)
}
