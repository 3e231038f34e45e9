//! From logits to probabilities, and the cross-entropy of those.

use candle_core::{D, Device, Result, Tensor};
use candle_nn::ops::{log_softmax, sigmoid, softmax_last_dim};

/// What stands after the last layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// One logit: the probability of class 1.
    Sigmoid,
    /// One logit for each class.
    Softmax,
}

impl Head {
    /// The head of a model with `outputs` logits.
    pub(crate) fn of(outputs: usize) -> Self {
        if outputs == 1 {
            Self::Sigmoid
        } else {
            Self::Softmax
        }
    }

    /// What probabilities should be, `[rounds, rows, outputs]`: the label, or one
    /// at its position.
    pub(crate) fn targets(self, labels: &[u8], shape: (usize, usize, usize)) -> Result<Tensor> {
        let mut targets = vec![0f32; labels.len() * shape.2];
        for (row, &label) in targets.chunks_exact_mut(shape.2).zip(labels) {
            match self {
                Self::Sigmoid => row.fill(f32::from(label)),
                Self::Softmax => row[usize::from(label)] = 1.0,
            }
        }
        Tensor::from_vec(targets, shape, &Device::Cpu)
    }

    /// Gradient of each round's mean cross-entropy by its logits: probabilities
    /// less targets, over the number of rows.
    pub(crate) fn gradient(self, logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
        let probabilities = match self {
            Self::Sigmoid => sigmoid(logits)?,
            Self::Softmax => softmax_last_dim(logits)?,
        };
        (probabilities - targets)? * (1.0 / targets.dim(1)? as f64)
    }

    /// Mean cross-entropy of each round, `[rounds]`, in nats.
    ///
    /// That of a sigmoid is written as `max(z, 0) - z y + ln(1 + exp(-|z|))`,
    /// which neither overflows nor loses its gradient at large logits.
    pub(crate) fn losses(self, logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
        let losses = match self {
            Self::Sigmoid => {
                let tail = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
                ((logits.relu()? - (logits * targets)?)? + tail)?
            }
            Self::Softmax => (log_softmax(logits, D::Minus1)? * targets)?.neg()?,
        };
        losses.sum(D::Minus1)?.mean(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(logits: &[f32]) -> Tensor {
        Tensor::from_slice(logits, (1, 1, logits.len()), &Device::Cpu).unwrap()
    }

    /// Loss and gradient of one row.
    fn at(logits: &[f32], label: u8) -> (f32, Vec<f32>) {
        let head = Head::of(logits.len());
        let targets = head.targets(&[label], (1, 1, logits.len())).unwrap();
        let logits = tensor(logits);
        let loss = head
            .losses(&logits, &targets)
            .unwrap()
            .to_vec1::<f32>()
            .unwrap()[0];
        let gradient = head.gradient(&logits, &targets).unwrap();
        (loss, gradient.flatten_all().unwrap().to_vec1().unwrap())
    }

    #[test]
    fn large_logits_neither_overflow_nor_vanish() {
        assert_eq!(at(&[1e4], 1), (0.0, vec![0.0]));
        assert_eq!(at(&[-1e4], 0), (0.0, vec![0.0]));
        assert_eq!(at(&[1e4], 0), (1e4, vec![1.0]));
        assert_eq!(at(&[-1e4], 1), (1e4, vec![-1.0]));
        assert_eq!(at(&[1e4, 0.0, 0.0], 1), (1e4, vec![1.0, -1.0, 0.0]));
        assert!((at(&[0.0], 1).0 - std::f32::consts::LN_2).abs() < 1e-6);
        assert!((at(&[0.0; 4], 1).0 - 4f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn two_classes_are_the_same_with_either_head() {
        for (z, label) in [(0.3f32, 1), (-2.0, 1), (5.0, 0)] {
            let (loss, gradient) = at(&[z], label);
            let (softmax_loss, softmax_gradient) = at(&[0.0, z], label);
            assert!((loss - softmax_loss).abs() < 1e-6);
            assert!((gradient[0] - softmax_gradient[1]).abs() < 1e-6);
        }
    }
}
