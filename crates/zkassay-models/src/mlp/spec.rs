//! Which network: hidden widths and activation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ModelError;

/// What stands between two dense layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Activation {
    /// `max(x, 0)`.
    #[default]
    Relu,
    /// `tanh(x)`.
    Tanh,
    /// Nothing, as in the study: however many layers, one affine map.
    None,
}

impl Activation {
    /// What a model's name ends with; nothing for the default.
    fn suffix(self) -> &'static str {
        match self {
            Self::Relu => "",
            Self::Tanh => "tanh",
            Self::None => "none",
        }
    }
}

/// A multi-layer perceptron; logistic regression if `hidden` is empty.
///
/// It reads from and displays as a short form, `logistic` or `64-32`, also when
/// serialised; reading also takes the study's tags. An activation other than ReLU stands at the
/// end: `64-32:tanh`, `MLP_2_layers_64_32_tanh`.
///
/// ```
/// use zkassay_models::MlpSpec;
///
/// let spec: MlpSpec = "64-32".parse()?;
/// assert_eq!(spec.tag(), "MLP_2_layers_64_32");
/// assert_eq!(spec.parameters(162, 1), 12_545);
/// assert_eq!(spec.tag().parse::<MlpSpec>()?, spec);
/// # Ok::<(), zkassay_models::ModelError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MlpSpec {
    /// Widths of the hidden layers, from the input to the output.
    pub hidden: Vec<usize>,
    /// What stands between the layers.
    pub activation: Activation,
}

impl MlpSpec {
    /// Hidden widths, and what stands between the layers; without hidden layers
    /// nothing does, and the activation is the default.
    pub fn new(hidden: Vec<usize>, activation: Activation) -> Self {
        Self {
            activation: match hidden.is_empty() {
                true => Activation::default(),
                false => activation,
            },
            hidden,
        }
    }

    /// The 42 networks of the study, in the order of its table: up to three
    /// hidden layers, widths strictly decreasing from 128, 64, 32, 16, 8, 4.
    pub fn study(activation: Activation) -> Vec<Self> {
        // Of the subsets of the widths, those of at most three. Bit `i` stands for `4 << i`,
        // so counting up sorts by the widest layer first.
        let widths = |subset: u32| (0..6).rev().filter(move |bit| subset >> bit & 1 == 1);
        (0..1u32 << 6)
            .filter(|subset| subset.count_ones() <= 3)
            .map(|subset| Self::new(widths(subset).map(|bit| 4 << bit).collect(), activation))
            .collect()
    }

    /// The study's name of the model, for instance `MLP_2_layers_64_32`.
    pub fn tag(&self) -> String {
        let tag = format!("MLP_{}_layers_{}", self.hidden.len(), self.widths("_"));
        match self.activation.suffix() {
            "" => tag,
            suffix => format!("{tag}_{suffix}"),
        }
    }

    /// Number of weights and biases of a model from `inputs` features to `outputs` scores.
    pub fn parameters(&self, inputs: usize, outputs: usize) -> usize {
        self.layer_shapes(inputs, outputs)
            .map(|(inputs, outputs)| (inputs + 1) * outputs)
            .sum()
    }

    /// `(in, out)` of every dense layer.
    pub(crate) fn layer_shapes(
        &self,
        inputs: usize,
        outputs: usize,
    ) -> impl Iterator<Item = (usize, usize)> {
        let from = std::iter::once(inputs).chain(self.hidden.iter().copied());
        let to = self.hidden.iter().copied().chain(std::iter::once(outputs));
        from.zip(to)
    }

    fn widths(&self, separator: &str) -> String {
        let widths: Vec<_> = self.hidden.iter().map(usize::to_string).collect();
        widths.join(separator)
    }
}

impl fmt::Display for MlpSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hidden.as_slice() {
            [] => f.write_str("logistic")?,
            _ => f.write_str(&self.widths("-"))?,
        }
        match self.activation.suffix() {
            "" => Ok(()),
            suffix => write!(f, ":{suffix}"),
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
        let (base, activation) = split_activation(name);
        let hidden = if base == "logistic" || base == "MLP_0_layers_" {
            Vec::new()
        } else if let Some(tag) = base.strip_prefix("MLP_") {
            let (count, widths) = tag
                .split_once("_layers_")
                .ok_or_else(|| unknown("the tag has no `_layers_`"))?;
            let widths = parse(widths, '_')?;
            if count != widths.len().to_string() {
                return Err(unknown("the tag's number of layers and of widths differ"));
            }
            widths
        } else {
            parse(base.strip_prefix("mlp-").unwrap_or(base), '-')?
        };
        if hidden.is_empty() && activation != Activation::default() {
            return Err(unknown("without hidden layers there is no activation"));
        }
        if hidden.len() > MAX_LAYERS {
            return Err(unknown("there are more than 64 hidden layers"));
        }
        Ok(Self { hidden, activation })
    }
}

impl TryFrom<String> for MlpSpec {
    type Error = ModelError;

    fn try_from(name: String) -> Result<Self, ModelError> {
        name.parse()
    }
}

impl From<MlpSpec> for String {
    fn from(spec: MlpSpec) -> Self {
        spec.to_string()
    }
}

/// A name without its activation, and that.
fn split_activation(name: &str) -> (&str, Activation) {
    for activation in [Activation::Tanh, Activation::None] {
        if let Some(base) = name.strip_suffix(activation.suffix())
            && let Some(base) = base.strip_suffix([':', '_'])
        {
            return (base, activation);
        }
    }
    (name, Activation::Relu)
}

/// The widest hidden layer that can be asked for by name.
pub(crate) const MAX_WIDTH: usize = 1 << 16;
/// The most hidden layers.
pub(crate) const MAX_LAYERS: usize = 64;

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
            assert_eq!(spec.parameters(162, 1), parameters);
            assert_eq!(tag.parse::<MlpSpec>().unwrap(), spec);
        }
        let prefixed: MlpSpec = "mlp-64-32".parse().unwrap();
        assert_eq!(prefixed.hidden, [64, 32]);
    }

    #[test]
    fn the_study_has_42_networks_in_its_order() {
        let tags: Vec<_> = MlpSpec::study(Activation::Relu)
            .iter()
            .map(MlpSpec::tag)
            .collect();
        assert_eq!(tags.len(), 42);
        let start = [
            "MLP_0_layers_",
            "MLP_1_layers_4",
            "MLP_1_layers_8",
            "MLP_2_layers_8_4",
        ];
        assert_eq!(tags[..4], start);
        assert_eq!(tags[22..24], ["MLP_2_layers_64_32", "MLP_3_layers_64_32_4"]);
        assert_eq!(tags[41], "MLP_3_layers_128_64_32");
    }

    #[test]
    fn activations_are_part_of_names_and_tags() {
        for activation in [Activation::Relu, Activation::Tanh, Activation::None] {
            for spec in MlpSpec::study(activation) {
                assert_eq!(spec.to_string().parse::<MlpSpec>().unwrap(), spec, "{spec}");
                assert_eq!(
                    spec.tag().parse::<MlpSpec>().unwrap(),
                    spec,
                    "{}",
                    spec.tag()
                );
            }
        }
        let spec: MlpSpec = "64-32:tanh".parse().unwrap();
        assert_eq!(spec.tag(), "MLP_2_layers_64_32_tanh");
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
            "64:relu6",
            "logistic:tanh",
            "MLP_0_layers__none",
            ":tanh",
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
