//! Fixed-point models: calibration, bit bounds, exact integer evaluation.
//!
//! A [`QuantizedModel`] is a float model with every number an integer at a
//! power-of-two scale. Its integer evaluation is the specification of what is
//! proved: the circuit agrees with it bit for bit, and accuracy is reported for
//! it. [`calibrate()`] chooses the scales on calibration rows, keeps a record of
//! everything it tried, and proves for every node that no input in range can
//! overflow.
//!
//! | module | what |
//! |---|---|
//! | [`model`] | the integer model and its evaluation |
//! | [`bounds`] | worst-case intervals of every accumulator |
//! | [`calibrate`](mod@calibrate) | the search over scales |
//! | [`program`] | integer programs, for graphs that are no such chains |
//! | [`fidelity`] | float against integer outputs |
//! | [`accuracy`] | programs that compare classes with labels |
//!
//! Position: leans on `zkassay-graph` and `zkassay-fixed`; knows nothing of halo2.
//!
//! ```
//! use ndarray::{array, Array2};
//! use zkassay_graph::{Dense, Graph, Op};
//! use zkassay_quant::{CalibrationParams, calibrate};
//!
//! let fc = Op::Dense(Dense { weights: array![[0.5, -0.25]], bias: array![0.1] });
//! let nodes = vec![("fc".into(), fc, 1), ("out".into(), Op::SIGMOID, 1)];
//! let graph = Graph::chain("tiny", 2, nodes);
//! let rows: Array2<f32> = array![[1.0, 2.0], [-0.5, 0.25]];
//! let calibration = calibrate(&graph, rows.view(), &CalibrationParams::new(8)?)?;
//! let trace = calibration.model.evaluate(&[1.0, 2.0])?;
//! assert!((calibration.model.output_reals(&trace)[0] - 0.52498).abs() < 1e-3);
//! # Ok::<(), zkassay_quant::QuantError>(())
//! ```

pub mod accuracy;
pub mod bounds;
pub mod calibrate;
mod error;
pub mod fidelity;
mod integer;
mod lower;
mod lowering;
pub mod model;
pub mod program;

pub use accuracy::{Answer, Count, Counting, Salt};
pub use calibrate::choice::{Refusals, refusals};
pub use calibrate::{
    Calibration, CalibrationParams, Exponents, Scheme, Target, Trial, calibrate, calibrate_program,
    drafted, quantize,
};
pub use error::QuantError;
pub use fidelity::{ErrorSummary, Fidelity, FidelityReport, OutputFidelity};
pub use integer::{
    IntegerCalibration, IntegerModel, IntegerScheme, IntegerTrace, IntegerTrial, Integers,
    calibrate_model, folded, quantize_model,
};
pub use lower::{is_chain, widths};
pub use lowering::{Folded, Limit, LoweredProgram, ProgramScheme, quantize_program};
pub use model::{Limbs, QuantizedLayer, QuantizedModel, Trace};
pub use program::{
    Child, Encoding, Finish, Forest, ForestNode, Hint, IntegerConv, Kind, Program, ProgramLimbs,
    ProgramTrace, Ranks, Step, Sum, Table, Wire,
};
/// What rows and outputs mean, as a graph says it.
pub use zkassay_graph::Interface;
