//! Intervals of every wire, from the input range; whether a program is well formed.

use super::{Encoding, Finish, Kind, Program, Ranks, Step, Sum, Wire};
use crate::QuantError;

/// An inclusive interval.
pub type Interval = (i128, i128);

/// Weights up to this leave sums of as many terms as there can be within 128 bits.
const WEIGHT_LIMIT: u64 = 1 << 44;

impl Program {
    /// Checks everything that evaluation and circuit take for granted: that steps read earlier
    /// wires, and that no input in range overflows what a row can hold.
    ///
    /// # Errors
    /// [`QuantError::Invalid`] or [`QuantError::Overflow`].
    pub fn validate(&self) -> Result<(), QuantError> {
        self.limbs.check()?;
        let invalid = |what: String| Err(QuantError::Invalid { what });
        // More wires than any table has rows.
        const LIMIT: usize = 1 << 21;
        if self.inputs == 0 || self.inputs > LIMIT || self.steps.iter().any(Step::is_empty) {
            return invalid("it has no input, or a step without wires".into());
        }
        self.check_encoding(LIMIT)?;
        let scales = (self.input_scale.0, self.output_scale.0);
        if !(-50..=50).contains(&scales.0) || !(0..=50).contains(&scales.1) {
            return invalid(format!("its scales are 2^{} and 2^{}", scales.0, scales.1));
        }
        if self.steps.last().map(Step::len) != Some(self.outputs) {
            return invalid("its outputs are not the wires of its last step".into());
        }
        for table in &self.tables {
            let limit = 1u64 << 50;
            let fits =
                |(c0, c1): &(i64, i64)| c0.unsigned_abs() < limit && c1.unsigned_abs() < limit;
            if table.segments.is_empty()
                || table.segments.len() > LIMIT
                || table.first.unsigned_abs() > limit
                || !table.segments.iter().all(fits)
            {
                return invalid(format!(
                    "its table of {} has no segments or large ones",
                    table.name
                ));
            }
        }
        let mut bounds = Vec::new();
        bounds.resize(self.inputs, widen(self.limbs.input_range()));
        for step in &self.steps {
            let more = self.bounds_of(step, &bounds)?;
            bounds.extend(more);
            if bounds.len() > LIMIT {
                return invalid(format!("it has more than {LIMIT} wires"));
            }
        }
        Ok(())
    }

    /// Checks that ranks are those of the inputs, and fit them.
    fn check_encoding(&self, limit: usize) -> Result<(), QuantError> {
        let invalid = |what: &str| {
            let what = what.to_owned();
            Err(QuantError::Invalid { what })
        };
        let is_forest = |step: &&Step| matches!(step.kind, Kind::Forest(_));
        if self.steps.iter().filter(is_forest).count() > 1 {
            return invalid("it has more than one forest");
        }
        let (features, ranks) = match &self.encoding {
            Encoding::Scaled => return Ok(()),
            Encoding::Shifted { offsets } => {
                let own = |index| self.encoding.scale_of(index, self.input_scale);
                let is_possible = |index| (-50..=50).contains(&own(index).0);
                return match offsets.len() == self.inputs && (0..self.inputs).all(is_possible) {
                    true => Ok(()),
                    false => invalid("its inputs have other scales than there can be"),
                };
            }
            Encoding::Ranks { features, ranks } => (features, ranks),
        };
        if self.input_scale.0 != 0 || self.inputs != ranks.len() + usize::from(self.labelled) {
            return invalid("its inputs are not its ranks");
        }
        let features_increase = ranks.windows(2).all(|w| w[0].feature < w[1].feature);
        let are_there = ranks.last().is_some_and(|last| last.feature < *features);
        if !features_increase || !are_there || *features > limit {
            return invalid("it ranks features that are not there, or one twice");
        }
        let (_, most) = self.limbs.input_range();
        for Ranks { thresholds, .. } in ranks {
            if thresholds.is_empty()
                || thresholds.len() as i64 > most
                || !thresholds.iter().all(|t| t.is_finite())
                || !thresholds.windows(2).all(|w| w[0] < w[1])
            {
                return invalid("its thresholds are not in order, or too many for an input");
            }
        }
        Ok(())
    }

    /// The interval of each wire of a step that reads wires with the given intervals.
    ///
    /// # Errors
    /// [`QuantError::Invalid`] or [`QuantError::Overflow`].
    pub fn bounds_of(&self, step: &Step, bounds: &[Interval]) -> Result<Vec<Interval>, QuantError> {
        let invalid = |what: String| {
            let what = format!("step '{}': {what}", step.name);
            QuantError::Invalid { what }
        };
        if step.bound.is_some_and(|bound| bound < 0) {
            return Err(invalid("its bound is negative".into()));
        }
        if !step
            .weights()
            .all(|weight| weight.unsigned_abs() <= WEIGHT_LIMIT)
        {
            return Err(invalid("it has weights beyond any that fit".into()));
        }
        let check = |wire: &Wire| match *wire < bounds.len() {
            true => Ok(()),
            false => Err(invalid(
                "it reads a wire that is not computed before it".into(),
            )),
        };
        let accumulators: Vec<Interval> = match &step.kind {
            Kind::Dense {
                inputs,
                weights,
                bias,
            } => {
                inputs.iter().try_for_each(check)?;
                if weights.dim() != (bias.len(), inputs.len()) {
                    return Err(invalid("its weights do not fit its inputs".into()));
                }
                let rows = weights.outer_iter().zip(bias);
                rows.map(|(weights, bias)| {
                    let terms = weights.iter().zip(inputs);
                    add_up(*bias, terms.map(|(w, wire)| scale(bounds[*wire], *w)))
                })
                .collect()
            }
            Kind::Conv(conv) => {
                conv.check().map_err(invalid)?;
                conv.inputs.iter().flatten().try_for_each(check)?;
                let plane = conv.output[0] * conv.output[1];
                let of_channel = |b: &i64| std::iter::repeat_n(widen((*b, *b)), plane);
                let mut sums: Vec<Interval> = conv.bias.iter().flat_map(of_channel).collect();
                let sum = |wires: &Vec<Wire>| add_up(0, wires.iter().map(|wire| bounds[*wire]));
                let inputs: Vec<Interval> = conv.inputs.iter().map(sum).collect();
                conv.for_each(|output, input, weight| {
                    let (low, high) = scale(inputs[input], weight);
                    sums[output].0 += low;
                    sums[output].1 += high;
                });
                sums
            }
            Kind::Sums(sums) => {
                let wires = |sum: &Sum| sum.terms.iter().try_for_each(|(wire, _)| check(wire));
                sums.iter().try_for_each(wires)?;
                sums.iter().map(|sum| sum.bounds(bounds)).collect()
            }
            Kind::Products(pairs) => {
                pairs
                    .iter()
                    .try_for_each(|(a, b)| check(a).and_then(|()| check(b)))?;
                let product = |(a, b): &(Wire, Wire)| match a == b {
                    true => square(bounds[*a]),
                    false => multiply(bounds[*a], bounds[*b]),
                };
                pairs.iter().map(product).collect()
            }
            Kind::Table { table, inputs } => {
                inputs.iter().try_for_each(check)?;
                let Some(table) = self.tables.get(*table) else {
                    return Err(invalid("it reads a table that is not there".into()));
                };
                let domain = widen(table.domain(&self.limbs));
                if inputs
                    .iter()
                    .any(|wire| bounds[*wire].0 < domain.0 || bounds[*wire].1 >= domain.1)
                {
                    let what = format!("its arguments can leave the table of {}", table.name);
                    return Err(invalid(what));
                }
                let range = table_range(self, table);
                vec![range; inputs.len()]
            }
            Kind::Hints(hints) => {
                let sums = hints.iter().flat_map(|hint| hint.sums());
                for (wire, _) in sums.flat_map(|sum| &sum.terms) {
                    check(wire)?;
                }
                let Some(bound) = step.bound else {
                    return Err(invalid("it has hints without a bound".into()));
                };
                vec![(0, bound.into()); hints.len()]
            }
            Kind::Forest(forest) => {
                forest.check(self).map_err(invalid)?;
                // That packed scores are unique rests on what leaves add up to.
                if step.bound.is_some() {
                    return Err(invalid("it promises a bound of the scores of trees".into()));
                }
                forest.bounds()
            }
        };
        if matches!(
            step.kind,
            Kind::Table { .. } | Kind::Hints(_) | Kind::Forest(_)
        ) && step.finish != Finish::Exact
        {
            return Err(invalid("tables, hints and trees are exact".into()));
        }
        let ends = accumulators.into_iter();
        ends.map(|ends| self.finished(step, ends)).collect()
    }

    /// The interval of values, from that of accumulators.
    fn finished(&self, step: &Step, (mut low, mut high): Interval) -> Result<Interval, QuantError> {
        if let Some(bound) = step.bound.map(i128::from) {
            // Promised of values; those of a rescale are that much larger before it.
            let shift = match step.finish {
                Finish::Round | Finish::Relu => self.limbs.shift_bits(),
                _ => 0,
            };
            (low, high) = (low.max(-bound << shift), high.min(bound << shift));
        }
        if step.finish == Finish::Nonnegative {
            low = low.max(0);
            high = high.max(0);
        }
        let round = |y| zkassay_fixed::shift_round(y, self.limbs.shift_bits());
        if matches!(step.finish, Finish::Round | Finish::Relu) {
            (low, high) = (round(low), round(high));
        }
        let (least, greatest) = widen(self.limbs.range(step.finish));
        // A rectifier has the magnitude of what it cuts off in its limbs, too.
        let fits = match step.finish {
            Finish::Relu | Finish::ExactRelu => -low <= greatest && high <= greatest,
            _ => least <= low && high <= greatest,
        };
        if !fits {
            let worst = low.unsigned_abs().max(high.unsigned_abs());
            return Err(QuantError::Overflow {
                node: step.name.clone(),
                needed: 129 - worst.leading_zeros(),
                available: 64 - greatest.leading_zeros().saturating_sub(64),
            });
        }
        Ok(match step.finish {
            Finish::Relu | Finish::ExactRelu => (low.max(0), high.max(0)),
            _ => (low, high),
        })
    }
}

impl Sum {
    /// The interval of its value.
    pub fn bounds(&self, bounds: &[Interval]) -> Interval {
        let terms = self.terms.iter();
        add_up(
            self.bias,
            terms.map(|(wire, weight)| scale(bounds[*wire], *weight)),
        )
    }
}

/// The interval of a table's values, each segment's extremes being at its ends.
fn table_range(program: &Program, table: &super::Table) -> Interval {
    let last = (1i64 << program.limbs.bits) - 1;
    let ends = (0..table.segments.len())
        .flat_map(|segment| [0, last].map(|t| i128::from(table.at(segment, t, &program.limbs))));
    ends.fold((i128::MAX, i128::MIN), |(low, high), y| {
        (low.min(y), high.max(y))
    })
}

fn widen((low, high): (i64, i64)) -> Interval {
    (low.into(), high.into())
}

fn scale((low, high): Interval, weight: i64) -> Interval {
    let (a, b) = (low * i128::from(weight), high * i128::from(weight));
    (a.min(b), a.max(b))
}

fn multiply(a: Interval, b: Interval) -> Interval {
    let corners = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
    let low = corners.iter().fold(i128::MAX, |low, x| low.min(*x));
    let high = corners.iter().fold(i128::MIN, |high, x| high.max(*x));
    (low, high)
}

fn square((low, high): Interval) -> Interval {
    let greatest = (low * low).max(high * high);
    match low <= 0 && high >= 0 {
        true => (0, greatest),
        false => ((low * low).min(high * high), greatest),
    }
}

fn add_up(bias: i64, terms: impl Iterator<Item = Interval>) -> Interval {
    terms.fold(widen((bias, bias)), |sum, term| {
        (sum.0 + term.0, sum.1 + term.1)
    })
}
