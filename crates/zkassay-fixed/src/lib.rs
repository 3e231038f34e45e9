//! Fixed-point numbers and the exact integer maps that prover and verifier share.
//!
//! A real number `x` at scale `f` is the integer `round(x * 2^f)`. Everything
//! here is exact integer arithmetic, or floating point whose result is the same
//! on every platform (`libm`), because evaluator, circuit and verifier must
//! agree bit for bit.
//!
//! | module | what |
//! |---|---|
//! | [`scale`] | scales, rounding half up, conversion to and from reals |
//! | [`input`] | the scales of a model's inputs |
//! | [`output`] | monotone output maps (rescale, sigmoid) and their preimages |
//! | [`visibility`] | what a proof reveals and binds |
//!
//! Position: depends on no other crate of the workspace.

pub mod input;
pub mod output;
pub mod scale;
pub mod visibility;

pub use input::InputScales;
pub use output::{Activation, Interval, OutputMap, OutputMapError};
pub use scale::{Scale, shift_round};
pub use visibility::{DataVisibility, ParamsVisibility, Visibility, VisibilityError};
