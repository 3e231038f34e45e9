//! Multi-layer perceptrons.

mod loss;
mod model;
mod network;
mod params;
mod spec;
mod train;

pub use model::{DenseLayer, Mlp};
pub use params::{Params, ValidParams};
pub use spec::{Activation, MlpSpec};
pub use train::{Progress, fit};
