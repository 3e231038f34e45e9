//! Training: full-batch Adam on the binary cross-entropy.

use candle_core::{Device, Tensor};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use ndarray::ArrayView2;

use crate::mlp::loss::binary_cross_entropy;
use crate::mlp::network::Network;
use crate::{Mlp, MlpSpec, ModelError, ValidParams, metrics};

/// Called after every epoch with its number, from 1, and the number of epochs.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize);

/// Trains `spec` on the rows `[rows, inputs]` and their labels, 0 or 1.
///
/// Every step sees all rows, in the order given.
///
/// # Errors
/// If there are no rows, labels are missing, other than 0 and 1, or all equal,
/// an input is NaN or infinite, or training diverges.
pub fn fit(
    rows: ArrayView2<'_, f32>,
    labels: &[u8],
    spec: &MlpSpec,
    params: &ValidParams,
    mut progress: Option<Progress<'_>>,
) -> Result<Mlp, ModelError> {
    check(rows, labels)?;
    let network = Network::new(spec, rows.ncols(), params.seed)?;
    let x = Tensor::from_iter(rows.iter().copied(), &Device::Cpu)?.reshape(rows.dim())?;
    let y = Tensor::from_iter(labels.iter().map(|&y| f32::from(y)), &Device::Cpu)?;
    // Candle has no Adam of its own: this is it when weight decay is 0.
    let adam = ParamsAdamW {
        lr: params.learning_rate,
        weight_decay: params.weight_decay,
        ..ParamsAdamW::default()
    };
    let mut optimizer = AdamW::new(network.variables(), adam)?;

    let diverged = |epoch| ModelError::Diverged {
        model: spec.tag(),
        epoch,
        learning_rate: params.learning_rate,
    };
    let mut last = f32::NAN;
    for epoch in 1..=params.epochs {
        let loss = binary_cross_entropy(&network.logits(&x)?, &y)?;
        last = loss.to_scalar()?;
        if !last.is_finite() {
            return Err(diverged(epoch));
        }
        optimizer.backward_step(&loss)?;
        if let Some(report) = &mut progress {
            report(epoch, params.epochs);
        }
    }

    let layers = network.layers()?;
    let mut values = layers.iter().flat_map(|l| l.weights.iter().chain(&l.bias));
    if !values.all(|value| value.is_finite()) {
        return Err(diverged(params.epochs));
    }
    Ok(Mlp {
        spec: spec.clone(),
        layers,
        loss: last,
    })
}

fn check(rows: ArrayView2<'_, f32>, labels: &[u8]) -> Result<(), ModelError> {
    if rows.is_empty() {
        return Err(ModelError::Empty {
            rows: rows.nrows(),
            columns: rows.ncols(),
        });
    }
    metrics::check_labels(rows.nrows(), labels)?;
    if labels.iter().all(|label| *label == labels[0]) {
        return Err(ModelError::OneClass { label: labels[0] });
    }
    match rows.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), &value)) => Err(ModelError::NonFinite { row, column, value }),
        None => Ok(()),
    }
}
