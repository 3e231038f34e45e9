//! Multi-layer perceptrons, trained by candle's tensors.

pub(crate) mod head;
mod model;
mod network;
mod ops;
mod params;
mod spec;
mod train;

pub use model::{DenseLayer, Mlp};
pub use params::{EarlyStopping, MlpParams};
pub use spec::{Activation, MlpSpec};
pub use train::{fit, fit_rounds};
