//! Scales of their own for inputs of very different magnitude.
//!
//! Integers of inputs have the same bits, whatever they stand for. An input whose numbers reach up
//! to `2^e` has the scale that makes them fill those bits; a model reads it as if its numbers
//! reached up to `2^`[`USUAL_RANGE`], with the power of two between the two in its weights.

use ndarray::{ArrayView2, Axis};
use serde::{Deserialize, Serialize};
use zkassay_fixed::Scale;
use zkassay_graph::{Graph, Op};

use super::{CalibrationParams, USUAL_RANGE, ceil_log2, parameter};
use crate::QuantError;

/// Scales of their own are worth a try if the widest range is more than this many bits wider than
/// the narrowest: a limb has more.
const SPREAD: i32 = 4;
/// The ranges that there are, as exponents of two.
const EXPONENTS: std::ops::RangeInclusive<i8> = -30..=30;
/// The most that the exponent of a scale can be.
const FINEST: i32 = 50;

/// The ranges of inputs, if each has one of its own: input `i` lies within plus or minus two to the
/// power of number `i`. Without any, all have the scheme's range.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Exponents(Vec<i8>);

impl Exponents {
    /// Those of checked calibration rows and the margin; none if the ranges are close together.
    pub(crate) fn of_rows(rows: ArrayView2<'_, f32>, params: &CalibrationParams) -> Self {
        let own = |column: ndarray::ArrayView1<'_, f32>| {
            let greatest = column
                .iter()
                .fold(0f64, |max, x| max.max(f64::from(x.abs())));
            // Rows without any number but zero say nothing of how large others are.
            let greatest = if greatest == 0.0 { 1.0 } else { greatest };
            exponent(greatest * params.margin)
        };
        let own: Vec<i8> = rows.axis_iter(Axis(1)).map(own).collect();
        let ends = own.iter().min().zip(own.iter().max());
        let spread = ends.map_or(0, |(least, most)| i32::from(*most) - i32::from(*least));
        match spread > SPREAD {
            true => Self(own),
            false => Self::default(),
        }
    }

    /// Whether all inputs have one range.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The exponents, one for each input, or none.
    pub fn as_slice(&self) -> &[i8] {
        &self.0
    }

    /// That these can be those of so many inputs.
    pub(crate) fn check(&self, inputs: usize) -> Result<(), QuantError> {
        let expected = "one exponent from -30 to 30 for each input, or none";
        if !self.is_empty() && self.0.len() != inputs {
            let found = format!("{} for {inputs} inputs", self.0.len());
            return Err(parameter("ranges of inputs", found, expected));
        }
        match self.0.iter().find(|e| !EXPONENTS.contains(e)) {
            Some(e) => Err(parameter("ranges of inputs", format!("2^{e}"), expected)),
            None => Ok(()),
        }
    }

    /// The common scale of inputs whose integers have so many bits besides the sign, and what the
    /// scale of each is more than that.
    pub(crate) fn scales(&self, bits: i32) -> (Scale, Vec<i32>) {
        let common = bits - USUAL_RANGE;
        let offset = |e: &i8| (bits - i32::from(*e)).min(FINEST) - common;
        (Scale(common), self.0.iter().map(offset).collect())
    }
}

/// The exponent of a range, as far as there are such.
fn exponent(range: f64) -> i8 {
    let (least, most) = (*EXPONENTS.start(), *EXPONENTS.end());
    let range = range.max(Scale(least.into()).factor());
    i8::try_from(ceil_log2(range))
        .unwrap_or(most)
        .clamp(least, most)
}

/// Whether the inputs of a graph can have scales of their own at no cost: what shares weights among
/// positions needs the same scale there.
pub(crate) fn reads_each_alone(graph: &Graph) -> bool {
    // Values that are inputs, moved about or changed one by one.
    let mut is_plain = vec![true];
    for node in &graph.nodes {
        let reads = node.inputs.iter().any(|input| is_plain[*input]);
        let shares = match &node.op {
            Op::Conv(_) => true,
            Op::Dense(dense) => node.len() > dense.outputs(),
            _ => false,
        };
        if reads && shares {
            return false;
        }
        let keeps = matches!(
            node.op,
            Op::Elementwise { .. } | Op::Rearrange(_) | Op::Map(_)
        );
        is_plain.push(reads && keeps);
    }
    true
}
