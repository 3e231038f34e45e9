//! EZKL beside zkassay: the same ONNX file and rows through another prover's stages.
//!
//! EZKL is a Python library; nothing of it is part of this crate, and only [`Environment`] needs it
//! to be installed. Whether it is, is looked up once; without it everything else of the project works.
//!
//! | what | where |
//! |---|---|
//! | a prover as a process that is asked for one stage at a time | [`Worker`] |
//! | the Python environment with the pinned EZKL | [`Environment`] |
//! | parameters fixed or private, settings EZKL's own or searched for | [`Configuration`] |
//! | EZKL as a worker; onnxruntime as a worker | [`worker()`], [`reference()`] |
//! | what goes wrong | [`EzklError`], [`WorkerError`] |
//! | stages, search, reference: the Python side | `python/` |
//!
//! # Stages
//! A worker answers `settings`, `calibrate`, `compile` (or all three: `prepare`), `parameters`, `setup`,
//! then for each row `witness`, `prove` and `verify`; `evaluate` gives outputs without a proof. Keys,
//! witness and proof are files: EZKL reads keys and parameters anew for each proof.
//!
//! # Tuned
//! EZKL's own calibration chooses more rows than a small model needs. [`Configuration::Tuned`] searches,
//! within its stage `calibrate` and some 60 seconds, for the settings whose proof takes the least
//! CPU time: scales, columns, rows, decomposition, look-up range. Each trial makes keys, proves and
//! verifies calibration rows in a process of its own; the rows must fit at twice their values, too, and outputs be
//! within 0.01 of the float model's in the mean. So a comparison with it is one with EZKL at its best, which
//! gives less exact outputs than EZKL at its defaults: name its error with it.
//!
//! # Rows that EZKL does not prove
//! Its prover waits for ever if a value leaves the look-up range that was calibrated. The worker refuses
//! such a row beforehand, by the witness; whoever asks sets a limit in seconds for all else.

mod configuration;
mod environment;
mod error;
mod launch;
mod worker;

pub use configuration::Configuration;
pub use environment::Environment;
pub use error::EzklError;
pub use launch::{reference, worker};
pub use worker::{Answer, Worker, WorkerError};
