//! Prove the inference of an ONNX model.
//!
//! A proof says: *this model, applied to an input that I keep to myself, gives this output.* This
//! crate has all stages from the ONNX file to the verdict as typed values, without files; the
//! command line of the same name has them as commands.
//!
//! ```
//! use zkassay::{Parameters, Proof, ProveOptions, VerifyingKey, prove_model, verify};
//! # use ndarray::array;
//! # let onnx = zkassay_onnx::ModelBuilder::new("tiny", 2)?
//! #     .dense("layer_0", array![[0.5, -0.25]].view(), array![0.1].view())?
//! #     .sigmoid("probability")?
//! #     .encode()?;
//!
//! // The prover has an ONNX file and an input. Parameters made on the spot are for trying it out.
//! let options = ProveOptions { parameters: Parameters::UnsafeLocal, ..ProveOptions::default() };
//! let proved = prove_model(&onnx, &[1.0, 2.0], &options)?;
//! let (key, proof) = (proved.key.verifying_key().to_bytes(), proved.proof.to_bytes());
//!
//! // The verifier has the key and the proof.
//! let verdict = verify(&VerifyingKey::from_bytes(&key)?, &Proof::from_bytes(&proof)?)?;
//! assert!((verdict.outputs[0] - 0.52498).abs() < 1e-3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The stages
//!
//! ```
//! use zkassay::{CalibrationOptions, CompileOptions, Model, Settings, Srs, Witness};
//! use zkassay::{mock, prove, random_rows, setup, verify};
//! # use ndarray::array;
//! # let onnx = zkassay_onnx::ModelBuilder::new("tiny", 2)?
//! #     .dense("layer_0", array![[0.5, -0.25]].view(), array![0.1].view())?
//! #     .sigmoid("probability")?
//! #     .encode()?;
//!
//! let model = Model::from_onnx(&onnx)?;
//! let rows = random_rows(model.inputs(), 20, 7); // rows like the inputs to expect
//! let settings = Settings::new(&model, &CompileOptions::default())
//!     .calibrate(&model, rows.view(), &CalibrationOptions::default())?;
//! let circuit = settings.compile(&model)?;
//! let witness = Witness::new(&circuit, &[1.0, 2.0])?;
//! mock(&circuit, &witness)?;
//! let srs = Srs::unsafe_local(circuit.compiled.logrows());
//! let key = setup(&srs, &circuit)?;
//! let proof = prove(&srs, &key, &witness)?;
//! assert_eq!(verify(key.verifying_key(), &proof)?.outputs, witness.output());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Each artefact names what it was made from: settings the ONNX file, a circuit the settings, a
//! witness the circuit, keys the circuit, a proof the key. A stage that is given artefacts that
//! do not belong together refuses with [`Error::Mismatch`], which names both.
//!
//! | module | what |
//! |---|---|
//! | [`model`] | an ONNX file and its hash |
//! | [`settings`] | visibility, layout, calibration: model -> circuit |
//! | [`input`] | rows from EZKL's JSON files |
//! | [`witness`] | an input in the circuit's integers |
//! | [`stages`] | mock, setup, prove, verify |
//! | [`batch`] | many rows: prove, verify |
//! | [`prove_model`](mod@prove_model) | all of them in one call |
//! | [`accuracy`] | proofs that so many rows of a data set get their label |
//! | [`srs`] | parameters of public ceremonies: download, cache, import |
//! | [`table`] | what a model consists of, and the size of its circuit |
//!
//! Position: leans on every crate from `zkassay-graph` to `zkassay-prover`. Who only verifies needs
//! `zkassay-verifier` alone.

pub mod accuracy;
pub mod batch;
mod columns;
mod document;
mod doubts;
mod error;
pub mod hash;
pub mod input;
pub mod model;
pub mod prove_model;
mod random;
pub mod settings;
pub mod srs;
pub mod stages;
pub mod table;
pub mod witness;

pub use batch::{prove_batch, verify_batch};
pub use columns::random_rows_of;
pub use document::{DocumentError, DocumentKind};
pub use error::{Error, Mismatch};
pub use input::{InputError, InputRows};
pub use model::Model;
pub use prove_model::{
    Parameters, ProveOptions, Proved, ProvedBatch, prove_model, prove_model_batch,
};
pub use random::random_rows;
pub use settings::{CalibrationOptions, Settings};
pub use stages::{mock, prove, setup, verify};
pub use table::ModelTable;
pub use witness::Witness;
pub use zkassay_circuit::{CompileOptions, LayoutTarget};
pub use zkassay_fixed::{DataVisibility, ParamsVisibility, Visibility};
pub use zkassay_graph::ImportOptions;
pub use zkassay_prover::{Circuit, ProvingKey, Srs};
pub use zkassay_quant::{Count, Counting, Target};
pub use zkassay_verifier::{
    Batch, BatchRow, BatchVerdict, Digest, Proof, PublicData, SrsOrigin, Verdict, VerifyingKey,
};
