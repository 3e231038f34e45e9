//! Worst-case intervals of every accumulator.
//!
//! From the input range, interval arithmetic bounds every accumulator of every
//! layer exactly: the least value takes each negative weight at the input's
//! greatest value and each positive one at its least. A model whose bounds fit
//! can be evaluated, and proved, for *every* input in range.

use zkassay_fixed::{OutputMap, shift_round};

use crate::{QuantError, QuantizedModel};

/// Bits of an accumulator, sign aside, that evaluation in 64-bit integers allows.
const ACCUMULATOR_BITS: u32 = OutputMap::MAX_BOUND_BITS;

/// Bits needed for `magnitude`.
pub fn bits(magnitude: u128) -> u32 {
    u128::BITS - magnitude.leading_zeros()
}

/// The greatest absolute value of each layer's accumulators.
///
/// # Errors
/// [`QuantError::Overflow`] naming the first layer whose accumulators exceed 60 bits, or
/// whose rescaled values exceed the magnitude limbs.
pub fn worst_case(model: &QuantizedModel) -> Result<Vec<i64>, QuantError> {
    let (low, high) = model.input_range();
    let mut ranges: Vec<(i128, i128)> = vec![(low.into(), high.into()); model.inputs()];
    let shift = model.limbs.shift();
    let mut worst = Vec::with_capacity(model.layers.len());
    for (index, layer) in model.layers.iter().enumerate() {
        let mut magnitude = 0u128;
        let mut next = Vec::with_capacity(layer.outputs());
        for (weights, bias) in layer.weights.outer_iter().zip(&layer.bias) {
            let (mut least, mut greatest) = (i128::from(*bias), i128::from(*bias));
            // Partial sums too must fit, whatever their order: bound the absolute sum.
            let mut absolute = u128::from(bias.unsigned_abs());
            if bits(absolute) > ACCUMULATOR_BITS {
                return Err(overflow(model, index, absolute, ACCUMULATOR_BITS));
            }
            for (&weight, &(low, high)) in weights.iter().zip(&ranges) {
                let (a, b) = (i128::from(weight) * low, i128::from(weight) * high);
                absolute += a.unsigned_abs().max(b.unsigned_abs());
                if bits(absolute) > ACCUMULATOR_BITS {
                    return Err(overflow(model, index, absolute, ACCUMULATOR_BITS));
                }
                least += a.min(b);
                greatest += a.max(b);
            }
            magnitude = magnitude
                .max(least.unsigned_abs())
                .max(greatest.unsigned_abs());
            let rescaled = (shift_round(least, shift), shift_round(greatest, shift));
            if index + 1 < model.layers.len() {
                let available = model.limbs.magnitude * model.limbs.bits;
                let needed = rescaled.0.unsigned_abs().max(rescaled.1.unsigned_abs());
                if bits(needed) > available {
                    return Err(overflow(model, index, needed, available));
                }
            }
            next.push((rescaled.0.max(0), rescaled.1.max(0)));
        }
        worst.push(magnitude as i64);
        ranges = next;
    }
    Ok(worst)
}

fn overflow(model: &QuantizedModel, layer: usize, needed: u128, available: u32) -> QuantError {
    QuantError::Overflow {
        node: model.layers[layer].name.clone(),
        needed: bits(needed),
        available,
    }
}
