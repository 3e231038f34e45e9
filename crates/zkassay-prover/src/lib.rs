//! Parameters, keys and proofs of model inference.
//!
//! ```
//! use ndarray::array;
//! use zkassay_circuit::{CompiledModel, Plan};
//! use zkassay_graph::{Dense, Graph, Op};
//! use zkassay_prover::{ProvingKey, Srs};
//! use zkassay_quant::{CalibrationParams, calibrate};
//!
//! # let dense = Dense { weights: array![[0.5, -0.25]], bias: array![0.1] };
//! # let nodes = vec![("fc".into(), Op::Dense(dense), 1), ("out".into(), Op::SIGMOID, 1)];
//! # let graph = Graph::chain("tiny", 2, nodes);
//! // `graph` is an imported ONNX model; these rows fix the range of its inputs.
//! let rows = array![[1.0, 2.0], [-0.5, 0.25]];
//! let plan = Plan::new(&[2, 1])?;
//! let model = calibrate(&graph, rows.view(), &CalibrationParams::new(plan.limb_bits)?)?.model;
//! let compiled = CompiledModel::new(model)?;
//!
//! let srs = Srs::unsafe_local(compiled.shape().logrows);
//! let key = ProvingKey::setup(&srs, compiled, [0; 32])?;
//! let proof = key.prove(&srs, key.compiled().witness(&[1.0, 2.0])?)?;
//! let verdict = key.verifying_key().verify(&proof)?;
//! assert!((verdict.outputs[0] - 0.52498).abs() < 1e-3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`srs`] | parameters of the commitment scheme |
//! | [`ceremony`] | the public ceremony's parameters, and their files |
//! | [`circuit`] | compiled circuits as files |
//! | [`key`] | proving keys: setup, proofs, files |
//!
//! Position: leans on `zkassay-circuit` and `zkassay-verifier`.

pub mod ceremony;
pub mod circuit;
mod commit;
mod error;
pub mod key;
mod msm;
mod prove;
pub mod srs;
mod structure;

pub use ceremony::Ceremony;
pub use circuit::Circuit;
pub use error::ProverError;
pub use key::ProvingKey;
pub use srs::{Srs, SrsError};
