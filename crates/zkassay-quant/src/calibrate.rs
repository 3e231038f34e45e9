//! The search over scales.
//!
//! The width of a limb comes from the circuit (its range table must fit the
//! rows); the search decides how many limbs inputs, remainders and magnitudes get.
//! Everything else follows from that [`Scheme`], by [`quantize()`]:
//!
//! - the input scale, from the greatest calibration value times a margin;
//! - each hidden scale, as fine as the worst case leaves room for in the magnitude
//!   limbs, but no finer than the weights deserve;
//! - each weight scale, because `weight = shift + output - input` scales: a rescale
//!   always shifts by whole limbs, so weights take whatever precision remains.
//!   Fixed weights cost nothing, however many bits they have.
//!
//! Inputs of very different magnitude have scales of their own, where that saves limbs.
//!
//! So a float graph and a scheme determine the integer model; who has both needs no
//! calibration rows to make it again.

pub(crate) mod choice;
mod draft;
mod program;
pub(crate) mod ranges;

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use zkassay_fixed::{Activation, OutputMap, Scale};
use zkassay_graph::Graph;

use crate::fidelity::FloatOutputs;
use crate::integer::integer_trials;
use crate::lower::{FloatLayer, lower};
use crate::model::{Limbs, QuantizedLayer, QuantizedModel};
use crate::{Fidelity, QuantError, bounds};
pub use draft::drafted;
pub use program::calibrate_program;
pub use ranges::Exponents;

/// Weight scales beyond this gain nothing for inputs up to 2^[`USUAL_RANGE`]: those are coarser.
const FINEST_WEIGHTS: i32 = 16;
/// Larger inputs go with smaller weights, which then need finer scales.
const USUAL_RANGE: i32 = 4;
/// Hidden scales give way so that the next layer's weights keep this scale.
const COARSEST_WEIGHTS: i32 = 12;
/// The scale of sigmoid outputs: a rounding error of at most 7.6e-6.
const SIGMOID_SCALE: Scale = Scale(16);
/// The scale of other outputs, if the accumulator has as fine a one.
const IDENTITY_SCALE: i32 = 12;

/// What the search minimises.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The fewest limbs whose greatest error on the calibration rows is allowed.
    Resources {
        /// The allowed error, in parts of the greater of 1 and the greatest absolute value that the
        /// output has on the calibration rows.
        max_error: f64,
    },
    /// The least greatest error, in the same parts; of settings that are about as good, the one of
    /// fewest limbs.
    Accuracy,
}

/// Checked parameters of a calibration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CalibrationParams {
    limb_bits: u32,
    weight_bits: Option<u32>,
    margin: f64,
    target: Target,
    fold: bool,
}

impl CalibrationParams {
    /// Limbs of `limb_bits` bits, inputs up to twice the calibration rows' greatest
    /// value, the cheapest setting with a greatest error of 0.01.
    ///
    /// # Errors
    /// `limb_bits` outside 4 to 16.
    pub fn new(limb_bits: u32) -> Result<Self, QuantError> {
        let default = Self {
            limb_bits,
            weight_bits: None,
            margin: 2.0,
            target: Target::Resources { max_error: 1e-2 },
            fold: true,
        };
        default.with_limb_bits(limb_bits)
    }

    /// The same with limbs of so many bits.
    ///
    /// # Errors
    /// `limb_bits` outside 4 to 16.
    pub fn with_limb_bits(self, limb_bits: u32) -> Result<Self, QuantError> {
        if !(4..=16).contains(&limb_bits) {
            return Err(parameter("limb bits", limb_bits, "4 to 16"));
        }
        Ok(Self { limb_bits, ..self })
    }

    /// Gives weights at most `bits` bits, sign included: secret weights have to be range-checked.
    /// Otherwise they are as fine as the rest of the setting deserves.
    ///
    /// # Errors
    /// `bits` outside 4 to 16.
    pub fn with_weight_bits(self, bits: u32) -> Result<Self, QuantError> {
        if !(4..=16).contains(&bits) {
            return Err(parameter("weight bits", bits, "4 to 16"));
        }
        Ok(Self {
            weight_bits: Some(bits),
            ..self
        })
    }

    /// Accepts inputs up to `margin` times the calibration rows' greatest value
    /// (rounded up to a power of two).
    ///
    /// # Errors
    /// A margin below 1 or beyond 2^20.
    pub fn with_margin(self, margin: f64) -> Result<Self, QuantError> {
        if !(1.0..=f64::from(1 << 20)).contains(&margin) {
            return Err(parameter("margin", margin, "1 to 2^20"));
        }
        Ok(Self { margin, ..self })
    }

    /// Sets what to minimise.
    ///
    /// # Errors
    /// An allowed error that is not positive.
    pub fn with_target(self, target: Target) -> Result<Self, QuantError> {
        match target {
            Target::Resources { max_error } if max_error.is_nan() || max_error <= 0.0 => {
                Err(parameter("maximum error", max_error, "a positive number"))
            }
            _ => Ok(Self { target, ..self }),
        }
    }

    /// Sets whether adjacent affine operations are merged.
    #[must_use]
    pub fn with_fold(self, fold: bool) -> Self {
        Self { fold, ..self }
    }

    /// What is minimised.
    pub fn target(&self) -> Target {
        self.target
    }

    /// Whether adjacent affine operations are merged.
    pub fn fold(&self) -> bool {
        self.fold
    }
}

fn parameter(what: &'static str, found: impl ToString, expected: &'static str) -> QuantError {
    QuantError::Parameter {
        what,
        found: found.to_string(),
        expected,
    }
}

/// What a calibration decides; a graph and its scheme determine the integer model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// Limb counts.
    pub limbs: Limbs,
    /// Inputs lie within plus or minus this, rounded up to a power of two. A float32,
    /// because its decimal form is read back exactly.
    pub range: f32,
    /// The ranges of inputs, if each has one of its own.
    #[serde(default, skip_serializing_if = "Exponents::is_empty")]
    pub exponents: Exponents,
    /// The most bits of a weight, sign included; as many as it deserves if there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_bits: Option<u32>,
}

/// The widest input range, calibration rows times margin.
pub(crate) const WIDEST_RANGE: f64 = 1e9;

/// One setting that the search tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Limb counts.
    pub limbs: Limbs,
    /// The ranges of inputs, if each has one of its own.
    #[serde(default, skip_serializing_if = "Exponents::is_empty")]
    pub exponents: Exponents,
    /// Errors on the calibration rows; `None` if the setting was refused before.
    pub fidelity: Option<Fidelity>,
    /// Why the setting was refused; `None` if it met the target.
    pub rejected: Option<String>,
}

/// The result of a calibration.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// The chosen scheme.
    pub scheme: Scheme,
    /// The model that it gives.
    pub model: QuantizedModel,
    /// Its errors on the calibration rows.
    pub fidelity: Fidelity,
    /// Everything that was tried, in order.
    pub trials: Vec<Trial>,
}

/// Chooses scales for `graph` on calibration rows, shape `[rows, inputs]`.
///
/// # Errors
/// No rows, rows of the wrong length, a graph with an unsupported node, or no
/// setting that meets the target.
pub fn calibrate(
    graph: &Graph,
    rows: ArrayView2<'_, f32>,
    params: &CalibrationParams,
) -> Result<Calibration, QuantError> {
    let (layers, _) = lower(graph)?;
    check_rows(graph, rows)?;
    let floats = FloatOutputs::of(graph, rows)?;
    floats.check_finite()?;
    let range = range(rows, params)?;
    let exponents = Exponents::of_rows(rows, params);
    let mut trials = Vec::new();
    let mut best: Option<(Exponents, QuantizedModel, Fidelity)> = None;
    let mut ways = vec![Exponents::default()];
    ways.extend((!exponents.is_empty()).then_some(exponents));
    for exponents in ways {
        for limbs in candidates(params.limb_bits, layers.len() > 1) {
            if !exponents.is_empty() && !saves(params.target, &best, limbs) {
                continue;
            }
            let scheme = Scheme {
                limbs,
                range,
                exponents: exponents.clone(),
                weight_bits: params.weight_bits,
            };
            let attempt = quantize(graph, &scheme)
                .and_then(|model| Ok((Fidelity::measure(graph, &model, rows)?, model)));
            let (fidelity, rejected) = match attempt {
                Err(
                    error @ (QuantError::Overflow { .. }
                    | QuantError::Parameter { .. }
                    | QuantError::Output(_)),
                ) => (None, Some(choice::reason(&error))),
                Err(error) => return Err(error),
                Ok((fidelity, model)) => {
                    let rejected = choice::rejection(params.target, &fidelity);
                    if rejected.is_none() && is_better(params.target, &best, (limbs, &fidelity)) {
                        best = Some((exponents.clone(), model, fidelity));
                    }
                    (Some(fidelity), rejected)
                }
            };
            trials.push(Trial {
                limbs,
                exponents: exponents.clone(),
                fidelity,
                rejected,
            });
        }
    }
    let Some((exponents, model, fidelity)) = best else {
        let trials = integer_trials(trials, range, params.weight_bits);
        let (rows, outputs) = (floats.rows(), floats.range());
        return Err(choice::no_setting(params.target, trials, rows, outputs));
    };
    Ok(Calibration {
        scheme: Scheme {
            limbs: model.limbs,
            range,
            exponents,
            weight_bits: params.weight_bits,
        },
        model,
        fidelity,
        trials,
    })
}

/// Checks calibration rows.
fn check_rows(graph: &Graph, rows: ArrayView2<'_, f32>) -> Result<(), QuantError> {
    if rows.nrows() == 0 {
        return Err(QuantError::NoRows);
    }
    if rows.ncols() != graph.inputs() {
        return Err(QuantError::RowLength {
            input: graph.input.name.clone(),
            expected: graph.inputs(),
            found: rows.ncols(),
        });
    }
    if let Some(((row, column), value)) = rows.indexed_iter().find(|(_, x)| !x.is_finite()) {
        let found = format!("{value} in row {row}, column {column}");
        return Err(parameter("a calibration value", found, "a finite number"));
    }
    Ok(())
}

/// The range of inputs that checked calibration rows and the margin give.
fn range(rows: ArrayView2<'_, f32>, params: &CalibrationParams) -> Result<f32, QuantError> {
    let greatest = rows.iter().fold(0f64, |max, x| max.max(f64::from(x.abs())));
    let range = greatest * params.margin;
    if range > WIDEST_RANGE {
        return Err(parameter(
            "greatest calibration value, times the margin",
            range,
            "at most 10^9",
        ));
    }
    Ok(float32_above(range))
}

/// Limb counts, cheapest first.
fn candidates(bits: u32, has_hidden: bool) -> Vec<Limbs> {
    let mut all = Vec::new();
    for input in 2..=4 {
        let limbs = |remainder, magnitude| Limbs {
            bits,
            input,
            remainder,
            magnitude,
        };
        if has_hidden {
            all.extend((1..=3).flat_map(|r| (1..=6).map(move |m| limbs(r, m))));
        } else {
            all.push(limbs(0, 0));
        }
    }
    all.retain(|limbs| limbs.per_row() * bits <= 60);
    all.sort_by_key(|limbs| (limbs.per_row(), limbs.input, limbs.remainder));
    all
}

/// Whether a setting with scales of their own for inputs can be worth it: where one scale for all is good
/// enough, they have to save limbs, for they narrow what each input accepts.
fn saves(
    target: Target,
    best: &Option<(Exponents, QuantizedModel, Fidelity)>,
    limbs: Limbs,
) -> bool {
    match (target, best) {
        (Target::Resources { .. }, Some((exponents, model, _))) if exponents.is_empty() => {
            limbs.per_row() < model.limbs.per_row()
        }
        _ => true,
    }
}

fn is_better(
    target: Target,
    best: &Option<(Exponents, QuantizedModel, Fidelity)>,
    (limbs, fidelity): (Limbs, &Fidelity),
) -> bool {
    let Some((_, model, error)) = best else {
        return true;
    };
    let (ours, theirs) = (limbs.per_row(), model.limbs.per_row());
    match target {
        Target::Resources { .. } => ours < theirs || ours == theirs && fidelity.mean < error.mean,
        // Settings of fewer limbs come first.
        Target::Accuracy => choice::is_finer(fidelity, error),
    }
}

/// The least float32 that is not below `x`, for `x` up to [`WIDEST_RANGE`].
fn float32_above(x: f64) -> f32 {
    let nearest = x as f32;
    match f64::from(nearest) < x {
        true => nearest.next_up(),
        false => nearest,
    }
}

/// The integer model of `graph` that `scheme` determines.
///
/// # Errors
/// A graph with an unsupported node, a scheme that no calibration gives, or a worst case that
/// the scheme has no room for.
pub fn quantize(graph: &Graph, scheme: &Scheme) -> Result<QuantizedModel, QuantError> {
    let (mut layers, activation) = lower(graph)?;
    let Scheme {
        limbs,
        range,
        ref exponents,
        weight_bits,
    } = *scheme;
    limbs.check(layers.len() > 1)?;
    if let Some(bits) = weight_bits.filter(|bits| !(4..=16).contains(bits)) {
        return Err(parameter("weight bits", bits, "4 to 16"));
    }
    let range = f64::from(range);
    if !(0.0..=WIDEST_RANGE).contains(&range) {
        return Err(parameter("input range", range, "0 to 10^9"));
    }
    exponents.check(graph.inputs())?;
    let input_bits = (limbs.bits * limbs.input) as i32 - 1;
    let (range, offsets) = match (exponents.is_empty(), layers.first_mut()) {
        (false, Some(first)) => {
            let (_, offsets) = exponents.scales(input_bits);
            first.read_shifted(&offsets);
            (Scale(USUAL_RANGE).factor(), offsets)
        }
        _ => (range, Vec::new()),
    };
    let finest: Vec<i32> = layers
        .iter()
        .enumerate()
        .map(|(index, layer)| {
            let range = if index == 0 { range } else { 1.0 };
            finest_weights(layer, range, weight_bits)
        })
        .collect();
    let scales = scales(&layers, limbs, range, &finest);
    let hidden = layers.len() - 1;
    let mut quantized = Vec::with_capacity(layers.len());
    for (index, layer) in layers.iter().enumerate() {
        let input_scale = Scale(scales[index]);
        let weight_scale = Scale(match index < hidden {
            true => limbs.shift() as i32 + scales[index + 1] - scales[index],
            false => finest[hidden],
        });
        quantized.push(quantize_layer(layer, input_scale, weight_scale)?);
    }
    let accumulator_scale = Scale(scales[hidden] + finest[hidden]);
    let output_scale = match activation {
        Activation::Sigmoid => SIGMOID_SCALE,
        Activation::Identity => Scale(accumulator_scale.0.min(IDENTITY_SCALE)),
    };
    let output = |bound| OutputMap::new(activation, accumulator_scale, output_scale, bound);
    let mut model = QuantizedModel {
        name: graph.name.clone(),
        input: graph.input.name.clone(),
        limbs,
        layers: quantized,
        offsets,
        output: output(0)?,
    };
    let worst = bounds::worst_case(&model)?;
    model.output = output(worst[hidden])?;
    Ok(model)
}

/// The finest scale of a layer's weights that is worth it for inputs up to `range`, and leaves
/// them `bits` bits.
fn finest_weights(layer: &FloatLayer<'_>, range: f64, bits: Option<u32>) -> i32 {
    let finest = FINEST_WEIGHTS + (ceil_log2(range.max(1e-6)) - USUAL_RANGE).max(0);
    let Some(bits) = bits else {
        return finest;
    };
    let greatest = layer.weights.iter().fold(0f32, |max, w| max.max(w.abs()));
    // A little room, so that the greatest weight is not rounded up to a further bit.
    let exponent = ceil_log2((f64::from(greatest) * 1.01).max(1e-6));
    finest.min(bits as i32 - 1 - exponent)
}

/// The scale of each layer's inputs; `finest` are the scales that weights may have.
fn scales(layers: &[FloatLayer<'_>], limbs: Limbs, range: f64, finest: &[i32]) -> Vec<i32> {
    let exponent = |x: f64| ceil_log2(x.max(1e-6));
    let input_bits = (limbs.bits * limbs.input) as i32 - 1;
    let (magnitude, shift) = ((limbs.bits * limbs.magnitude) as i32, limbs.shift() as i32);
    let mut scales = vec![input_bits - exponent(range)];

    let mut ranges = vec![(-range, range); layers[0].weights.ncols()];
    for (layer, finest_weights) in layers[..layers.len() - 1].iter().zip(finest) {
        let (mut worst, mut next) = (0f64, Vec::new());
        for (weights, bias) in layer.weights.outer_iter().zip(layer.bias.iter()) {
            let (mut least, mut greatest) = (f64::from(*bias), f64::from(*bias));
            for (&weight, &(low, high)) in weights.iter().zip(&ranges) {
                let (a, b) = (f64::from(weight) * low, f64::from(weight) * high);
                least += a.min(b);
                greatest += a.max(b);
            }
            worst = worst.max(-least).max(greatest);
            next.push((0.0, greatest.max(0.0)));
        }
        // A little room for the rounding of weights; the exact bound is proved afterwards.
        let room = magnitude - exponent(worst * 1.02);
        let previous = scales[scales.len() - 1];
        scales.push(room.min(previous + finest_weights - shift));
        ranges = next;
    }
    for index in (2..scales.len()).rev() {
        let coarsest = COARSEST_WEIGHTS.min(finest[index - 1]);
        scales[index - 1] = scales[index - 1].min(scales[index] + shift - coarsest);
    }
    scales
}

/// The least `e` with `x <= 2^e`.
pub(crate) fn ceil_log2(x: f64) -> i32 {
    let mut exponent = 0;
    while Scale(exponent).factor() < x {
        exponent += 1;
    }
    while Scale(exponent - 1).factor() >= x {
        exponent -= 1;
    }
    exponent
}

fn quantize_layer(
    layer: &FloatLayer<'_>,
    input_scale: Scale,
    weight_scale: Scale,
) -> Result<QuantizedLayer, QuantError> {
    let name = || layer.name.to_string();
    if weight_scale.0 < 1 {
        return Err(parameter(
            "a weight scale",
            format!("2^{} in node '{}'", weight_scale.0, layer.name),
            "at least 2^1",
        ));
    }
    let accumulator_scale = Scale(input_scale.0 + weight_scale.0);
    let quantize = |scale: Scale, value: f32| {
        scale
            .quantize(value.into())
            .ok_or_else(|| QuantError::Overflow {
                node: name(),
                needed: 63,
                available: 62,
            })
    };
    let weights: Result<Vec<i64>, _> = layer
        .weights
        .iter()
        .map(|weight| quantize(weight_scale, *weight))
        .collect();
    let bias: Result<Vec<i64>, _> = layer
        .bias
        .iter()
        .map(|bias| quantize(accumulator_scale, *bias))
        .collect();
    let weights = Array2::from_shape_vec(layer.weights.dim(), weights?).map_err(|_| {
        parameter(
            "weights",
            layer.weights.len(),
            "a matrix of the layer's shape",
        )
    })?;
    Ok(QuantizedLayer {
        name: name(),
        weights,
        bias: bias?,
        input_scale,
        weight_scale,
    })
}
