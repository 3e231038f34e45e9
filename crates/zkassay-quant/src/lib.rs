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
//! | [`fidelity`] | float against integer outputs |
//!
//! Position: leans on `zkassay-graph` and `zkassay-fixed`; knows nothing of halo2.
//!
//! ```
//! use ndarray::{array, Array2};
//! use zkassay_graph::{Graph, Node, Op, Value};
//! use zkassay_quant::{CalibrationParams, calibrate};
//!
//! let graph = Graph {
//!     name: "tiny".into(),
//!     input: Value { name: "input".into(), len: 2 },
//!     nodes: vec![
//!         Node { name: "fc".into(), len: 1, op: Op::Dense { weights: array![[0.5, -0.25]], bias: array![0.1] } },
//!         Node { name: "out".into(), len: 1, op: Op::Sigmoid },
//!     ],
//!     output: Value { name: "output".into(), len: 1 },
//! };
//! let rows: Array2<f32> = array![[1.0, 2.0], [-0.5, 0.25]];
//! let calibration = calibrate(&graph, rows.view(), &CalibrationParams::new(8)?)?;
//! let trace = calibration.model.evaluate(&[1.0, 2.0])?;
//! assert!((calibration.model.output_reals(&trace)[0] - 0.52498).abs() < 1e-3);
//! # Ok::<(), zkassay_quant::QuantError>(())
//! ```

pub mod bounds;
pub mod calibrate;
mod error;
pub mod fidelity;
mod lower;
pub mod model;

pub use calibrate::{Calibration, CalibrationParams, Scheme, Target, Trial, calibrate, quantize};
pub use error::QuantError;
pub use fidelity::Fidelity;
pub use lower::widths;
pub use model::{Limbs, QuantizedLayer, QuantizedModel, Trace};
