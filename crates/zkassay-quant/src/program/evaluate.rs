//! Exact evaluation.

use zkassay_fixed::shift_round;

use super::{Finish, Hint, Kind, Program, Step, Sum, Wire};
use crate::QuantError;

/// Every integer of one evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramTrace {
    /// The value of each wire.
    pub wires: Vec<i64>,
    /// The accumulator of each wire; the value itself for inputs, tables and hints.
    pub accumulators: Vec<i128>,
    /// The outputs, at their scale.
    pub outputs: Vec<i64>,
}

impl Program {
    /// Evaluates one row of real inputs.
    ///
    /// # Errors
    /// See [`quantize`](Self::quantize); [`QuantError::Overflow`] where a promised bound does not
    /// hold.
    pub fn evaluate(&self, row: &[f32]) -> Result<ProgramTrace, QuantError> {
        self.trace(self.quantize(row)?)
    }

    /// Evaluates integers that lie in the input range.
    pub(crate) fn trace(&self, input: Vec<i64>) -> Result<ProgramTrace, QuantError> {
        let mut accumulators: Vec<i128> = input.iter().map(|x| i128::from(*x)).collect();
        let mut wires = input;
        wires.reserve(self.wires());
        for step in &self.steps {
            for y in self.accumulate(step, &wires)? {
                wires.push(self.finish(step, y)?);
                accumulators.push(y);
            }
        }
        Ok(ProgramTrace {
            outputs: wires[wires.len() - self.outputs..].to_vec(),
            wires,
            accumulators,
        })
    }

    /// The outputs of a trace as real numbers.
    pub fn output_reals(&self, trace: &ProgramTrace) -> Vec<f64> {
        let real = |z: &i64| self.output_scale.real(*z);
        trace.outputs.iter().map(real).collect()
    }

    fn accumulate(&self, step: &Step, wires: &[i64]) -> Result<Vec<i128>, QuantError> {
        let wire = |wire: &usize| i128::from(wires[*wire]);
        Ok(match &step.kind {
            Kind::Dense {
                inputs,
                weights,
                bias,
            } => {
                let x: Vec<i128> = inputs.iter().map(wire).collect();
                let rows = weights.outer_iter().zip(bias);
                rows.map(|(weights, bias)| {
                    let products = weights.iter().zip(&x);
                    i128::from(*bias) + products.map(|(w, x)| i128::from(*w) * x).sum::<i128>()
                })
                .collect()
            }
            Kind::Conv(conv) => {
                let plane = conv.output[0] * conv.output[1];
                let of_channel = |bias: &i64| std::iter::repeat_n(i128::from(*bias), plane);
                let mut sums: Vec<i128> = conv.bias.iter().flat_map(of_channel).collect();
                // Few terms of at most 60 bits.
                let sum = |of: &Vec<Wire>| of.iter().map(|wire| wires[*wire]).sum();
                let inputs: Vec<i64> = conv.inputs.iter().map(sum).collect();
                conv.for_each(|output, input, weight| {
                    sums[output] += i128::from(weight) * i128::from(inputs[input]);
                });
                sums
            }
            Kind::Sums(sums) => sums.iter().map(|sum| sum.value(wires)).collect(),
            Kind::Products(pairs) => pairs.iter().map(|(a, b)| wire(a) * wire(b)).collect(),
            Kind::Table { table, inputs } => {
                let table = &self.tables[*table];
                let (low, high) = table.domain(&self.limbs);
                let value = |input: &usize| {
                    let x = wires[*input];
                    match (low..high).contains(&x) {
                        true => Ok(i128::from(table.value(x, &self.limbs))),
                        false => Err(self.overflow(step, i128::from(x))),
                    }
                };
                inputs.iter().map(value).collect::<Result<_, _>>()?
            }
            Kind::Hints(hints) => hints.iter().map(|hint| hint.value(wires)).collect(),
            Kind::Forest(forest) => forest.scores(wires),
        })
    }

    fn finish(&self, step: &Step, y: i128) -> Result<i64, QuantError> {
        let shift = self.limbs.shift_bits();
        let (value, signed) = match step.finish {
            Finish::Round => (shift_round(y, shift), shift_round(y, shift)),
            Finish::Relu => (shift_round(y, shift).max(0), shift_round(y, shift).abs()),
            Finish::ExactRelu => (y.max(0), y.abs()),
            Finish::Exact | Finish::Nonnegative => (y, y),
        };
        let (low, high) = self.limbs.range(step.finish);
        let fits = (i128::from(low)..=i128::from(high)).contains(&signed);
        if step.finish == Finish::Nonnegative && y < 0 {
            return Err(QuantError::Violated {
                node: step.name.clone(),
            });
        }
        let is_promised = step
            .bound
            .is_none_or(|bound| value.abs() <= i128::from(bound));
        match fits && is_promised {
            true => Ok(value as i64),
            false => Err(self.overflow(step, y)),
        }
    }

    fn overflow(&self, step: &Step, y: i128) -> QuantError {
        QuantError::Overflow {
            node: step.name.clone(),
            needed: 129 - y.unsigned_abs().leading_zeros(),
            available: self.limbs.total_bits(),
        }
    }
}

impl Hint {
    pub(super) fn value(&self, wires: &[i64]) -> i128 {
        match self {
            Self::Quotient {
                numerator,
                denominator,
            } => match (numerator.value(wires), denominator.value(wires)) {
                (n, d) if n > 0 && d > 0 => n / d,
                _ => 0,
            },
            Self::Root(sum) => match u128::try_from(sum.value(wires)) {
                Ok(x) => x.isqrt() as i128,
                Err(_) => 0,
            },
        }
    }

    /// The sums that it reads.
    pub(super) fn sums(&self) -> Vec<&Sum> {
        match self {
            Self::Quotient {
                numerator,
                denominator,
            } => vec![numerator, denominator],
            Self::Root(sum) => vec![sum],
        }
    }
}
