//! Binary cross-entropy on logits.

use candle_core::{Result, Tensor};

/// Mean binary cross-entropy of `logits` `[n]` against `labels` `[n]` in {0, 1}.
///
/// Written as `max(z, 0) - z y + ln(1 + exp(-|z|))`, which neither overflows
/// nor loses its gradient at large logits.
pub(crate) fn binary_cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let tail = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
    ((logits.relu()? - (logits * labels)?)? + tail)?.mean_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    /// Loss and gradient at one logit.
    fn at(logit: f32, label: f32) -> (f32, f32) {
        let logits = Var::new(&[logit], &Device::Cpu).unwrap();
        let labels = Tensor::new(&[label], &Device::Cpu).unwrap();
        let loss = binary_cross_entropy(logits.as_tensor(), &labels).unwrap();
        let gradients = loss.backward().unwrap();
        let gradient = gradients.get(&logits).unwrap().to_vec1::<f32>().unwrap();
        (loss.to_scalar().unwrap(), gradient[0])
    }

    #[test]
    fn gradient_is_probability_minus_label() {
        for logit in [-30.0f32, -2.0, -0.1, 0.0, 0.1, 2.0, 30.0] {
            for label in [0.0, 1.0] {
                let probability = 1.0 / (1.0 + (-logit).exp());
                let (_, gradient) = at(logit, label);
                assert!(
                    (gradient - (probability - label)).abs() < 1e-6,
                    "at {logit}, {label}: {gradient}"
                );
            }
        }
    }

    #[test]
    fn large_logits_neither_overflow_nor_vanish() {
        assert_eq!(at(1e4, 1.0), (0.0, 0.0));
        assert_eq!(at(-1e4, 0.0), (0.0, 0.0));
        assert_eq!(at(1e4, 0.0), (1e4, 1.0));
        assert_eq!(at(-1e4, 1.0), (1e4, -1.0));
        assert!((at(0.0, 1.0).0 - std::f32::consts::LN_2).abs() < 1e-6);
    }
}
