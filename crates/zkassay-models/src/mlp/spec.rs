//! Which model: hidden widths and activation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ModelError;

/// What stands between two dense layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Activation {
    /// `max(x, 0)`.
    #[default]
    Relu,
    /// Nothing, as in the study: however many layers, one affine map.
    None,
}

/// A multi-layer perceptron with one output; logistic regression if `hidden` is empty.
///
/// It reads from and displays as a short form, `logistic` or `64-32`; reading
/// also takes the study's tags. Both leave the activation at its default.
///
/// ```
/// use zkassay_models::MlpSpec;
///
/// let spec: MlpSpec = "64-32".parse()?;
/// assert_eq!(spec.tag(), "MLP_2_layers_64_32");
/// assert_eq!(spec.parameters(162), 12_545);
/// assert_eq!(spec.tag().parse::<MlpSpec>()?, spec);
/// # Ok::<(), zkassay_models::ModelError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MlpSpec {
    /// Widths of the hidden layers, from the input to the output.
    pub hidden: Vec<usize>,
    /// What stands between the layers.
    pub activation: Activation,
}

impl MlpSpec {
    /// The study's name of the model, for instance `MLP_2_layers_64_32`.
    pub fn tag(&self) -> String {
        format!("MLP_{}_layers_{}", self.hidden.len(), self.widths("_"))
    }

    /// Number of weights and biases of a model over `inputs` features.
    pub fn parameters(&self, inputs: usize) -> usize {
        self.layer_shapes(inputs)
            .map(|(out, columns)| out * (columns + 1))
            .sum()
    }

    /// `(out, in)` of every dense layer of a model over `inputs` features.
    pub(crate) fn layer_shapes(&self, inputs: usize) -> impl Iterator<Item = (usize, usize)> {
        let columns = std::iter::once(inputs).chain(self.hidden.iter().copied());
        let rows = self.hidden.iter().copied().chain(std::iter::once(1));
        rows.zip(columns)
    }

    fn widths(&self, separator: &str) -> String {
        let widths: Vec<_> = self.hidden.iter().map(usize::to_string).collect();
        widths.join(separator)
    }
}

impl fmt::Display for MlpSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.hidden.is_empty() {
            f.write_str("logistic")
        } else {
            f.write_str(&self.widths("-"))
        }
    }
}

impl FromStr for MlpSpec {
    type Err = ModelError;

    fn from_str(name: &str) -> Result<Self, ModelError> {
        let unknown = |reason| ModelError::UnknownModel {
            name: name.to_owned(),
            reason,
        };
        let parse = |widths: &str, separator| -> Result<Vec<usize>, ModelError> {
            widths
                .split(separator)
                .map(|width| match width.parse() {
                    Ok(width) if (1..=MAX_WIDTH).contains(&width) => Ok(width),
                    _ => Err(unknown("a width is not a number from 1 to 65536")),
                })
                .collect()
        };
        let hidden = if name == "logistic" || name == "MLP_0_layers_" {
            Vec::new()
        } else if let Some(tag) = name.strip_prefix("MLP_") {
            let (count, widths) = tag
                .split_once("_layers_")
                .ok_or_else(|| unknown("the tag has no `_layers_`"))?;
            let widths = parse(widths, '_')?;
            if count != widths.len().to_string() {
                return Err(unknown("the tag's number of layers and of widths differ"));
            }
            widths
        } else {
            parse(name.strip_prefix("mlp-").unwrap_or(name), '-')?
        };
        Ok(Self {
            hidden,
            activation: Activation::default(),
        })
    }
}

/// The widest hidden layer that can be asked for by name.
const MAX_WIDTH: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tags_and_parameters_of_the_studys_models() {
        let cases = [
            ("logistic", "MLP_0_layers_", 163),
            ("16", "MLP_1_layers_16", 2_625),
            ("64-32", "MLP_2_layers_64_32", 12_545),
            ("128-64-32", "MLP_3_layers_128_64_32", 31_233),
        ];
        for (short, tag, parameters) in cases {
            let spec: MlpSpec = short.parse().unwrap();
            assert_eq!(spec.to_string(), short);
            assert_eq!(spec.tag(), tag);
            assert_eq!(spec.parameters(162), parameters);
            assert_eq!(tag.parse::<MlpSpec>().unwrap(), spec);
        }
        let prefixed: MlpSpec = "mlp-64-32".parse().unwrap();
        assert_eq!(prefixed.hidden, [64, 32]);
    }

    #[test]
    fn other_names_are_refused() {
        let names = [
            "",
            "svm",
            "64-",
            "0",
            "64-x",
            "-64",
            "MLP_",
            "MLP_2_layers_64",
            "MLP_1_layers_",
            "65537",
            "mlp-",
        ];
        for name in names {
            let error = name.parse::<MlpSpec>().unwrap_err();
            assert!(
                error
                    .to_string()
                    .contains(&format!("unknown model `{name}`")),
                "{error}"
            );
        }
    }
}
