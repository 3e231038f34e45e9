//! The integer model and its evaluation.

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use zkassay_fixed::{Activation, InputScales, OutputMap, Scale, shift_round};

use crate::{QuantError, bounds};

/// How integers are cut into limbs for range checks.
///
/// An input has `input * bits` bits, a rescale divides by `2^(remainder * bits)`,
/// and its quotient has at most `magnitude * bits` bits besides the sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limbs {
    /// Bits of a limb.
    pub bits: u32,
    /// Limbs of an input.
    pub input: u32,
    /// Limbs of a rescale's remainder; 0 without hidden layers.
    pub remainder: u32,
    /// Limbs of a hidden value's magnitude; 0 without hidden layers.
    pub magnitude: u32,
}

impl Limbs {
    /// Limbs side by side in one row.
    pub fn per_row(&self) -> u32 {
        self.input.max(self.remainder + self.magnitude)
    }

    /// The rescale's shift in bits.
    pub fn shift(&self) -> u32 {
        self.bits * self.remainder
    }

    /// Whether a model with or without hidden layers can have these.
    pub(crate) fn check(&self, has_hidden: bool) -> Result<(), QuantError> {
        let counts = [self.input, self.remainder, self.magnitude];
        if !(1..=16).contains(&self.bits)
            || counts.iter().any(|count| *count > 16)
            || self.input == 0
            || has_hidden != (self.remainder > 0)
            || has_hidden != (self.magnitude > 0)
            || self.per_row() * self.bits > 60
        {
            let what = format!("its limbs are {self:?}");
            return Err(QuantError::Invalid { what });
        }
        Ok(())
    }
}

/// `y = W x + b` in integers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuantizedLayer {
    /// The ONNX node.
    pub name: String,
    /// Weights at scale [`weight_scale`](Self::weight_scale), `[outputs, inputs]`.
    pub weights: Array2<i64>,
    /// Bias at the accumulator's scale, input scale plus weight scale.
    pub bias: Vec<i64>,
    /// Scale of the layer's inputs.
    pub input_scale: Scale,
    /// Scale of the weights.
    pub weight_scale: Scale,
}

impl QuantizedLayer {
    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.weights.ncols()
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.weights.nrows()
    }

    /// Scale of the accumulator `y`.
    pub fn accumulator_scale(&self) -> Scale {
        Scale(self.input_scale.0 + self.weight_scale.0)
    }
}

/// Dense layers with ReLU and a rescale between them, and an output map.
///
/// In a [valid](Self::validate) model every accumulator stays within 2^60 in absolute
/// value for every input in range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuantizedModel {
    /// The model's name.
    pub name: String,
    /// The name of its input.
    pub input: String,
    /// Limb widths.
    pub limbs: Limbs,
    /// Dense layers, first to last.
    pub layers: Vec<QuantizedLayer>,
    /// What the scale of each input is more than that of the first layer's inputs, if inputs have scales
    /// of their own: the first layer has the difference in its weights.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offsets: Vec<i32>,
    /// From the last accumulators to the outputs.
    pub output: OutputMap,
}

/// Every intermediate integer of one evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// `values[l]` are the inputs of layer `l`: the model's input, then hidden values.
    pub values: Vec<Vec<i64>>,
    /// `accumulators[l]` is what layer `l` computes.
    pub accumulators: Vec<Vec<i64>>,
    /// The outputs, at the output map's scale.
    pub outputs: Vec<i64>,
}

impl QuantizedModel {
    /// Checks everything that evaluation and circuit take for granted: that layers
    /// fit each other, limb widths are possible, and no input in range overflows.
    /// [`calibrate()`](crate::calibrate()) gives only valid models.
    ///
    /// # Errors
    /// [`QuantError::Invalid`] or [`QuantError::Overflow`].
    pub fn validate(&self) -> Result<(), QuantError> {
        let invalid = |what: String| Err(QuantError::Invalid { what });
        self.limbs.check(self.layers.len() > 1)?;
        if self.inputs() == 0 {
            return invalid("it has no layer or no input".into());
        }
        let own = |index| (-50..=50).contains(&self.scale_of(index).0);
        if !self.offsets.is_empty()
            && (self.offsets.len() != self.inputs() || !(0..self.inputs()).all(own))
        {
            return invalid("its inputs have other scales than there can be".into());
        }
        let mut inputs = self.inputs();
        for layer in &self.layers {
            let outputs = layer.outputs();
            if layer.inputs() != inputs || outputs == 0 || layer.bias.len() != outputs {
                let (weights, bias) = (layer.weights.dim(), layer.bias.len());
                return invalid(format!(
                    "node '{}' has {weights:?} weights and {bias} biases for {inputs} inputs",
                    layer.name
                ));
            }
            inputs = outputs;
        }
        let worst = bounds::worst_case(self)?;
        match worst.last() {
            Some(worst) if *worst <= self.output.bound() => Ok(()),
            worst => invalid(format!(
                "its outputs reach {worst:?}, beyond their bound {}",
                self.output.bound()
            )),
        }
    }

    /// Length of the input.
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, QuantizedLayer::inputs)
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, QuantizedLayer::outputs)
    }

    /// Number of weights and biases.
    pub fn parameters(&self) -> usize {
        let of = |layer: &QuantizedLayer| layer.weights.len() + layer.bias.len();
        self.layers.iter().map(of).sum()
    }

    /// Input length, then the outputs of each layer.
    pub fn widths(&self) -> Vec<usize> {
        let outputs = self.layers.iter().map(QuantizedLayer::outputs);
        std::iter::once(self.inputs()).chain(outputs).collect()
    }

    /// Scale of the input, but for the [offsets](Self::offsets).
    pub fn input_scale(&self) -> Scale {
        self.layers
            .first()
            .map_or(Scale(0), |layer| layer.input_scale)
    }

    /// The scale of each input.
    pub fn input_scales(&self) -> InputScales {
        if self.offsets.is_empty() {
            return self.input_scale().into();
        }
        let scales = (0..self.offsets.len()).map(|index| self.scale_of(index));
        InputScales::of_each(&scales.collect::<Vec<_>>())
    }

    fn scale_of(&self, index: usize) -> Scale {
        let offset = self.offsets.get(index).copied().unwrap_or_default();
        Scale(self.input_scale().0.saturating_add(offset))
    }

    /// The inclusive range of input integers.
    pub fn input_range(&self) -> (i64, i64) {
        let half = 1i64 << (self.limbs.bits * self.limbs.input - 1);
        (-half, half - 1)
    }

    /// Rounds one row of real inputs to integers.
    ///
    /// # Errors
    /// A row of another length, or a value that is not finite or lies outside the input range.
    pub fn quantize(&self, row: &[f32]) -> Result<Vec<i64>, QuantError> {
        let (scale, range) = (|index| self.scale_of(index), self.input_range());
        quantize_row(&self.input, self.inputs(), &scale, range, row)
    }

    /// Evaluates one row of real inputs.
    ///
    /// # Errors
    /// See [`quantize`](Self::quantize).
    pub fn evaluate(&self, row: &[f32]) -> Result<Trace, QuantError> {
        Ok(self.trace(self.quantize(row)?))
    }

    /// Evaluates one row of integers that lie in the input range.
    pub(crate) fn trace(&self, input: Vec<i64>) -> Trace {
        let shift = self.limbs.shift();
        let mut values = vec![input];
        let mut accumulators: Vec<Vec<i64>> = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                let rescale = |y: &i64| shift_round((*y).into(), shift).max(0) as i64;
                values.push(accumulators[index - 1].iter().map(rescale).collect());
            }
            let inputs = &values[index];
            let accumulate = |(weights, bias): (ndarray::ArrayView1<'_, i64>, &i64)| {
                bias + weights.iter().zip(inputs).map(|(w, x)| w * x).sum::<i64>()
            };
            accumulators.push(
                layer
                    .weights
                    .outer_iter()
                    .zip(&layer.bias)
                    .map(accumulate)
                    .collect(),
            );
        }
        let outputs = accumulators
            .last()
            .map(|last| last.iter().map(|y| self.output.apply(*y)).collect())
            .unwrap_or_default();
        Trace {
            values,
            accumulators,
            outputs,
        }
    }

    /// What a single output must reach for class 1: one half if it is a
    /// probability, zero otherwise.
    pub fn threshold(&self) -> f64 {
        match self.output.activation() {
            Activation::Sigmoid => 0.5,
            Activation::Identity => 0.0,
        }
    }

    /// The outputs of a trace as real numbers.
    pub fn output_reals(&self, trace: &Trace) -> Vec<f64> {
        let scale = self.output.output_scale();
        trace.outputs.iter().map(|z| scale.real(*z)).collect()
    }
}

/// Rounds one row of real inputs to integers in a range, each to its scale.
pub(crate) fn quantize_row(
    input: &str,
    expected: usize,
    scale: &dyn Fn(usize) -> Scale,
    (low, high): (i64, i64),
    row: &[f32],
) -> Result<Vec<i64>, QuantError> {
    if row.len() != expected {
        return Err(QuantError::RowLength {
            input: input.to_owned(),
            expected,
            found: row.len(),
        });
    }
    row.iter()
        .enumerate()
        .map(|(index, &value)| {
            let scale = scale(index);
            scale
                .quantize(value.into())
                .filter(|integer| (low..=high).contains(integer))
                .ok_or_else(|| QuantError::OutOfRange {
                    input: input.to_owned(),
                    index,
                    value,
                    low: scale.real(low),
                    high: scale.real(high),
                })
        })
        .collect()
}
