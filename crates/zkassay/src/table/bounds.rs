//! The worst case of each step, over all inputs in range.

use zkassay_quant::program::Interval;
use zkassay_quant::{Program, QuantizedModel, bounds};

/// Bits of the greatest magnitude that any integer of each step can have, sign aside; none of a model
/// that is not valid.
pub(super) fn of_program(program: &Program) -> Vec<u32> {
    let (low, high) = program.limbs.input_range();
    let mut wires: Vec<Interval> = vec![(low.into(), high.into()); program.inputs];
    let mut bits = Vec::with_capacity(program.steps.len());
    for step in &program.steps {
        let Ok(of_step) = program.bounds_of(step, &wires) else {
            return Vec::new();
        };
        let magnitude = |(low, high): &Interval| low.unsigned_abs().max(high.unsigned_abs());
        let greatest = of_step.iter().map(magnitude).max();
        bits.push(bounds::bits(greatest.unwrap_or(0)));
        wires.extend(of_step);
    }
    bits
}

/// The same of the sums of each layer, before they are rescaled.
pub(super) fn of_chain(model: &QuantizedModel) -> Vec<u32> {
    let worst = bounds::worst_case(model).unwrap_or_default();
    let bits = |worst: &i64| bounds::bits(worst.unsigned_abs().into());
    worst.iter().map(bits).collect()
}
