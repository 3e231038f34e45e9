//! The steps that compare.

use std::collections::BTreeMap;

use super::Count;
use crate::QuantError;
use crate::program::{Encoding, Finish, Interval, Kind, Program, Step, Sum, Wire};

/// A program that is being extended.
pub(super) struct Builder {
    pub(super) program: Program,
    /// Number of wires so far.
    pub(super) wires: usize,
    /// `relu(wire - k)`, by wire and `k`.
    ramps: BTreeMap<(Wire, i64), Wire>,
}

impl Builder {
    /// The program with a label as its last input, which nothing reads yet.
    pub(super) fn new(program: &Program, classes: u32) -> Result<Self, QuantError> {
        let mut program = program.clone();
        let label = program.inputs;
        program.for_each_read(|wire| *wire += usize::from(*wire >= label));
        program.inputs += 1;
        program.labelled = true;
        if let Encoding::Shifted { offsets } = &mut program.encoding {
            // A label has no scale.
            offsets.push(-program.input_scale.0);
        }
        // Ranks may have more limbs than they need; the scale of other inputs depends on them.
        let limbs = &mut program.limbs;
        let is_ranked = matches!(program.encoding, Encoding::Ranks { .. });
        while is_ranked && i64::from(classes) > limbs.input_range().1 && limbs.input < limbs.total {
            limbs.input += 1;
        }
        let (_, most) = limbs.input_range();
        if i64::from(classes) > most {
            return Err(QuantError::Overflow {
                node: "label".into(),
                needed: 33 - classes.leading_zeros(),
                available: limbs.bits * limbs.input,
            });
        }
        Ok(Self {
            wires: program.wires(),
            program,
            ramps: BTreeMap::new(),
        })
    }

    /// A step; its wires.
    fn step(
        &mut self,
        name: &str,
        sums: Vec<Sum>,
        finish: Finish,
        bound: Option<i64>,
    ) -> std::ops::Range<Wire> {
        let first = self.wires;
        self.wires += sums.len();
        self.program.steps.push(Step {
            name: format!("accuracy/{name}"),
            kind: Kind::Sums(sums),
            finish,
            bound,
        });
        first..self.wires
    }

    /// `relu(wire - k)` for each mark `k`.
    pub(super) fn ramps(&mut self, wire: Wire, marks: &[i64], name: &str) {
        let ramp = |mark: &i64| sum([(wire, 1)], -mark);
        let wires = self.step(
            name,
            marks.iter().map(ramp).collect(),
            Finish::ExactRelu,
            None,
        );
        let keys = marks.iter().map(|mark| (wire, *mark));
        self.ramps.extend(keys.zip(wires));
    }

    /// `relu(wire - k)`, for a `k` that [`ramps`](Self::ramps) has made.
    fn ramp(&self, wire: Wire, mark: i64, weight: i64) -> Option<(Wire, i64)> {
        self.ramps.get(&(wire, mark)).map(|ramp| (*ramp, weight))
    }

    /// Whether a wire is more than `k`.
    pub(super) fn exceeds(&self, wire: Wire, mark: i64) -> Sum {
        let terms = [(mark, 1), (mark + 1, -1)];
        let terms = terms.map(|(mark, weight)| self.ramp(wire, mark, weight));
        sum(terms.into_iter().flatten(), 0)
    }

    /// Whether a wire is `k`.
    pub(super) fn equals(&self, wire: Wire, mark: i64) -> Sum {
        let terms = [(mark - 1, 1), (mark, -2), (mark + 1, 1)];
        let terms = terms.map(|(mark, weight)| self.ramp(wire, mark, weight));
        sum(terms.into_iter().flatten(), 0)
    }

    /// For each score, whether it is the first of the greatest; `range` holds all scores.
    ///
    /// The greatest so far is carried along the scores. Then the last that exceeded it is found
    /// from behind: `later_c` says that no score behind `c` exceeded the greatest before it, so that
    /// `c` is the class if this holds for `c` but not for the score before it.
    pub(super) fn first_of_greatest(&mut self, scores: &[Wire], range: Interval) -> Vec<Sum> {
        let narrow = |bound: i128| i64::try_from(bound).ok();
        let width = narrow(range.1 - range.0);
        let magnitude = narrow(range.1.abs().max(range.0.abs()));
        let carried = match range.0 >= 0 {
            true => Finish::ExactRelu,
            false => Finish::Exact,
        };
        let mut greatest = scores.first().copied().unwrap_or_default();
        let mut exceeds: Vec<Sum> = Vec::with_capacity(scores.len());
        for (class, score) in scores.iter().enumerate().skip(1) {
            let by = sum([(*score, 1), (greatest, -1)], 0);
            let by = self
                .step("exceeds", vec![by], Finish::ExactRelu, width)
                .start;
            self.ramps.insert((by, 0), by);
            self.ramps(by, &[1], "exceeds");
            exceeds.push(self.exceeds(by, 0));
            if class + 1 < scores.len() {
                let carry = sum([(greatest, 1), (by, 1)], 0);
                greatest = self.step("greatest", vec![carry], carried, magnitude).start;
            }
        }
        let mut later = sum([], 1);
        let mut chosen = vec![];
        for exceeds in exceeds.iter().rev() {
            // later and not exceeds
            let terms = later.terms.iter().copied();
            let without = exceeds.terms.iter().map(|(wire, weight)| (*wire, -weight));
            let before = sum(terms.chain(without), later.bias);
            let before = self.step("first", vec![before], Finish::ExactRelu, Some(1));
            let before = Sum::of(before.start);
            let terms = later.terms.iter().copied();
            chosen.push(sum(terms.chain([(before.terms[0].0, -1)]), later.bias));
            later = before;
        }
        chosen.push(later);
        chosen.reverse();
        chosen
    }

    /// The outputs, from whether each class is the model's.
    pub(super) fn compare(&mut self, label: Wire, chosen: &[Sum], count: Count) {
        let both = |label: &Sum, class: &Sum| {
            let terms = label.terms.iter().chain(&class.terms).copied();
            sum(terms, label.bias + class.bias - 1)
        };
        let labels: Vec<Sum> = (0..chosen.len())
            .map(|class| self.equals(label, class as i64))
            .collect();
        match count {
            Count::Confusion => {
                let cells = labels
                    .iter()
                    .flat_map(|label| chosen.iter().map(move |class| both(label, class)));
                self.step("confusion", cells.collect(), Finish::ExactRelu, Some(1));
            }
            Count::Correct => {
                let pairs = labels.iter().zip(chosen);
                let hits = pairs.map(|(label, class)| both(label, class)).collect();
                let hits = self.step("hit", hits, Finish::ExactRelu, Some(1));
                let total = sum(hits.map(|hit| (hit, 1)), 0);
                self.step("correct", vec![total], Finish::Exact, Some(1));
            }
        }
    }
}

/// `bias + sum weight * wire`; every wire is there once.
fn sum(terms: impl IntoIterator<Item = (Wire, i64)>, bias: i64) -> Sum {
    Sum {
        terms: terms.into_iter().collect(),
        bias,
    }
}

/// `1 - a`.
pub(super) fn complement(a: &Sum) -> Sum {
    let terms = a.terms.iter().map(|(wire, weight)| (*wire, -weight));
    sum(terms, 1 - a.bias)
}
