//! How a network is trained.

use serde::{Deserialize, Serialize};

use crate::valid::require;
use crate::{Activation, Hyperparameters, MlpSpec, ModelError, TrainingSet};

/// What a network is, and how it is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlpParams {
    /// Layers and activation.
    pub spec: MlpSpec,
    /// Step size of Adam.
    pub learning_rate: f64,
    /// How often training goes over all rows, at most.
    pub epochs: usize,
    /// Rows per step, drawn anew in every epoch; all of them, in the order given, if absent.
    pub batch_size: Option<usize>,
    /// Share of a weight that AdamW takes away per unit of learning rate.
    pub weight_decay: f64,
    /// When to stop before the last epoch; never if absent.
    pub early_stopping: Option<EarlyStopping>,
    /// Seed of the initial weights and of the order of rows.
    pub seed: u64,
}

/// Training stops when the loss on held-out rows has not fallen for some time,
/// and returns the weights it was lowest with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    /// Share of the training rows that is held out: the last ones, so that a
    /// time series is validated on its latest days.
    pub share: f64,
    /// Epochs without a lower loss before training stops.
    pub patience: usize,
}

impl MlpParams {
    /// The study's choice: Adam, 1000 epochs over all rows at once, learning
    /// rate 0.001 for logistic regression and 0.0012 otherwise.
    pub fn study(spec: MlpSpec, seed: u64) -> Self {
        Self {
            learning_rate: if spec.hidden.is_empty() {
                0.001
            } else {
                0.0012
            },
            spec,
            epochs: 1000,
            batch_size: None,
            weight_decay: 0.0,
            early_stopping: None,
            seed,
        }
    }

    /// For handwritten digits, as the study trains its perceptron: Adam, one
    /// epoch in batches of 32, learning rate 0.01 without hidden layers; 0.001 with.
    pub fn digits(spec: MlpSpec, seed: u64) -> Self {
        Self {
            learning_rate: if spec.hidden.is_empty() { 0.01 } else { 0.001 },
            epochs: 1,
            batch_size: Some(32),
            ..Self::study(spec, seed)
        }
    }

    /// The study's choice against learning the training rows by heart: the last
    /// fifth of them says when to stop, and weights decay.
    pub fn regularized(spec: MlpSpec, seed: u64) -> Self {
        Self {
            weight_decay: 0.1,
            early_stopping: Some(EarlyStopping {
                share: 0.2,
                patience: 50,
            }),
            ..Self::study(spec, seed)
        }
    }

    /// Number of rows of `set` that are trained on; the others are held out.
    pub(crate) fn trained_rows(&self, set: &TrainingSet<'_>) -> usize {
        match self.early_stopping {
            Some(stopping) => set.len() - (stopping.share * set.len() as f64).ceil() as usize,
            None => set.len(),
        }
    }
}

impl Hyperparameters for MlpParams {
    fn validate(&self) -> Result<(), ModelError> {
        use crate::mlp::spec::{MAX_LAYERS, MAX_WIDTH};

        let layers = self.spec.hidden.len();
        require(layers <= MAX_LAYERS, "hidden layers", layers, "at most 64")?;
        for &width in &self.spec.hidden {
            let holds = (1..=MAX_WIDTH).contains(&width);
            require(holds, "hidden width", width, "1 to 65536")?;
        }
        let activation = self.spec.activation;
        let holds = layers > 0 || activation == Activation::default();
        let expected = "relu, the default, without hidden layers";
        require(holds, "activation", format!("{activation:?}"), expected)?;
        let rate = self.learning_rate;
        let expected = "a number above 0, at most 1";
        require(rate > 0.0 && rate <= 1.0, "learning_rate", rate, expected)?;
        let holds = (1..=1_000_000).contains(&self.epochs);
        require(holds, "epochs", self.epochs, "1 to 1000000")?;
        let batch = self.batch_size.unwrap_or(1);
        require(batch >= 1, "batch_size", batch, "1 or more")?;
        // Beyond this, a step flips the sign of the weights.
        let decay = self.weight_decay;
        let expected = "0 or more, below 1 / learning_rate";
        let holds = decay >= 0.0 && decay * rate < 1.0;
        require(holds, "weight_decay", decay, expected)?;
        if let Some(stopping) = self.early_stopping {
            let share = stopping.share;
            let expected = "a number above 0, at most 0.5";
            let holds = share > 0.0 && share <= 0.5;
            require(holds, "early_stopping.share", share, expected)?;
            let patience = stopping.patience;
            require(
                patience >= 1,
                "early_stopping.patience",
                patience,
                "1 or more",
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Valid;

    fn study() -> MlpParams {
        MlpParams::study(MlpSpec::default(), 7)
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let rate = |learning_rate| MlpParams {
            learning_rate,
            ..study()
        };
        let decay = |weight_decay| MlpParams {
            weight_decay,
            ..study()
        };
        let epochs = |epochs| MlpParams { epochs, ..study() };
        let hidden = |hidden| MlpParams {
            spec: MlpSpec {
                hidden,
                ..MlpSpec::default()
            },
            ..study()
        };
        let stopping = |share, patience| MlpParams {
            early_stopping: Some(EarlyStopping { share, patience }),
            ..study()
        };
        let batch = MlpParams {
            batch_size: Some(0),
            ..study()
        };
        let mut without_layers = hidden(vec![]);
        without_layers.spec.activation = Activation::Tanh;
        let cases = [
            (rate(0.0), "learning_rate is 0"),
            (rate(f64::NAN), "learning_rate is NaN"),
            (rate(2.0), "learning_rate is 2"),
            (epochs(0), "epochs is 0"),
            (decay(-0.1), "weight_decay is -0.1"),
            (decay(f64::NAN), "weight_decay is NaN"),
            (decay(1e6), "weight_decay is 1000000"),
            (hidden(vec![4, 0]), "hidden width is 0"),
            (hidden(vec![1; 65]), "hidden layers is 65"),
            (without_layers, "activation is Tanh"),
            (stopping(0.0, 5), "early_stopping.share is 0"),
            (stopping(0.9, 5), "early_stopping.share is 0.9"),
            (stopping(0.2, 0), "early_stopping.patience is 0"),
            (batch, "batch_size is 0"),
        ];
        for (params, expected) in cases {
            let error = params.check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_presets_are_valid_for_every_network_of_the_study() {
        for spec in MlpSpec::study(crate::Activation::Relu) {
            for preset in [MlpParams::study, MlpParams::digits, MlpParams::regularized] {
                assert!(preset(spec.clone(), 7).check().is_ok());
            }
        }
    }

    #[test]
    fn only_valid_parameters_deserialise_as_valid() {
        let valid = study().check().unwrap();
        let json = serde_json::to_string(&valid).unwrap();
        let read: Valid<MlpParams> = serde_json::from_str(&json).unwrap();
        assert_eq!(read, valid);
        let json = json.replace("\"epochs\":1000", "\"epochs\":0");
        let error = serde_json::from_str::<Valid<MlpParams>>(&json).unwrap_err();
        assert!(error.to_string().contains("epochs is 0"), "{error}");
    }
}
