//! Programs that count: is the model's class of a row its label?
//!
//! [`Program::counted`] appends a label to the inputs of a model, and to its steps those that compare
//! the class that its outputs predict with the label. The outputs are then truth values, one or
//! zero, so that their sums over many rows are the model's accuracy or its confusion matrix: what a
//! proof with totals shows.
//!
//! Everything is exact and made of `max(0, y)` alone:
//!
//! | what | how |
//! |---|---|
//! | `d = 0` | `relu(d + 1) - 2 relu(d) + relu(d - 1)` |
//! | `d > 0` | `relu(d) - relu(d - 1)` |
//! | `a and b` | `relu(a + b - 1)` |
//! | `a and not b` | `relu(a - b)` |
//! | the greater of `a` and `b` | `a + relu(b - a)` |

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zkassay_fixed::Scale;
use zkassay_graph::Graph;

use crate::QuantError;
use crate::fidelity::Decision;
use crate::program::{Encoding, Finish, Hint, Interval, Kind, Program, Ranks, Step, Sum, Wire};

/// What is counted, over the rows of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// Rows whose class is their label.
    Correct,
    /// Rows of each label and class: label by label, in each class by class.
    Confusion,
}

/// What is counted, and of how many classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counting {
    /// What is counted.
    pub count: Count,
    /// Labels are integers from 0 to below this. Any other label counts nowhere.
    pub classes: u32,
}

/// How the outputs of a model say a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// By scores: class 1 if a single one reaches the program's
    /// [threshold](Program::threshold), otherwise the first of the greatest.
    Scores,
    /// The single output is the class.
    Class,
}

impl Answer {
    /// How the outputs of a graph say a class.
    pub fn of(graph: &Graph) -> Self {
        match Decision::of(graph, 0.0) {
            Decision::Scores(_) => Self::Scores,
            Decision::Labels => Self::Class,
        }
    }
}

impl Counting {
    /// The most classes.
    pub const MAX_CLASSES: u32 = 1000;
    /// The most classes of a confusion matrix, which has as many outputs as the square of this.
    pub const MAX_CONFUSION: u32 = 100;

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        match self.count {
            Count::Correct => 1,
            Count::Confusion => self.classes as usize * self.classes as usize,
        }
    }

    /// Whether it can be counted.
    ///
    /// # Errors
    /// [`QuantError::Parameter`].
    pub fn check(&self) -> Result<(), QuantError> {
        let (most, expected) = match self.count {
            Count::Correct => (Self::MAX_CLASSES, "2 to 1000"),
            Count::Confusion => (Self::MAX_CONFUSION, "2 to 100 for a confusion matrix"),
        };
        match (2..=most).contains(&self.classes) {
            true => Ok(()),
            false => Err(QuantError::Parameter {
                what: "the number of classes",
                found: self.classes.to_string(),
                expected,
            }),
        }
    }
}

/// Random integers among the inputs, which nothing reads: a hash of the inputs hides them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt {
    /// How many.
    pub inputs: usize,
    /// Each is from 0 to below two to the power of this.
    pub bits: u32,
}

impl Salt {
    /// Bits of all of them together, at least.
    pub const BITS: u32 = 128;
    /// The most bits of one: float32 holds them at any scale.
    const MOST: u32 = 23;
    /// The most bits of a rank, whose thresholds are part of the program.
    const MOST_RANKED: u32 = 6;
}

/// A program that is being extended.
struct Builder {
    program: Program,
    /// Number of wires so far.
    wires: usize,
    /// `relu(wire - k)`, by wire and `k`.
    ramps: BTreeMap<(Wire, i64), Wire>,
}

impl Program {
    /// This program with a label as its last input, and outputs that are 1 or 0: whether the class
    /// that its outputs predict is the label, or one truth value for each label and class (those
    /// of label 0 first).
    ///
    /// A label that is no class, such as -1, gives zeros only.
    ///
    /// # Errors
    /// A number of classes that the outputs do not have or the inputs have no room for; a program
    /// that is not valid, has a label already or has outputs too large to compare.
    pub fn counted(&self, answer: Answer, counting: &Counting) -> Result<Self, QuantError> {
        counting.check()?;
        self.validate()?;
        if self.labelled {
            let what = "it has a label already".to_owned();
            return Err(QuantError::Invalid { what });
        }
        let classes = counting.classes as usize;
        let expected = match (answer, self.outputs) {
            (Answer::Scores, 1) => Some(2),
            (Answer::Scores, outputs) => Some(outputs),
            (Answer::Class, 1) => None,
            (Answer::Class, outputs) => {
                return Err(QuantError::Unsupported {
                    node: self.last_name(),
                    op: "the output".into(),
                    reason: format!("it gives {outputs} classes for a row, expected one"),
                });
            }
        };
        if let Some(expected) = expected.filter(|expected| *expected != classes) {
            return Err(QuantError::Unsupported {
                node: self.last_name(),
                op: "the output".into(),
                reason: format!(
                    "it has {} score(s), which say one of {expected} classes, not of {classes}",
                    self.outputs
                ),
            });
        }
        let mut builder = Builder::new(self, counting.classes)?;
        let label = self.inputs;
        let outputs: Vec<Wire> = (builder.wires - self.outputs..builder.wires).collect();
        let range = self.output_range()?;
        // All ramps of a wire are one step.
        let mut marks: Vec<i64> = (-1..=classes as i64).collect();
        builder.ramps(label, &marks, "label");
        let chosen = match (answer, outputs.as_slice()) {
            (Answer::Class, [class]) => {
                let unit = 1i64 << self.output_scale.0;
                let around = |class: i64| [class * unit - 1, class * unit, class * unit + 1];
                marks = (0..classes as i64).flat_map(around).collect();
                marks.sort_unstable();
                marks.dedup();
                builder.ramps(*class, &marks, "class");
                (0..classes as i64)
                    .map(|number| builder.equals(*class, number * unit))
                    .collect()
            }
            (_, [score]) => {
                let least = self.least_of_class_1();
                builder.ramps(*score, &[least - 1, least], "class");
                let reaches = builder.exceeds(*score, least - 1);
                vec![complement(&reaches), reaches]
            }
            (_, scores) => builder.first_of_greatest(scores, range),
        };
        builder.compare(label, &chosen, counting.count);
        let mut program = builder.program;
        program.outputs = counting.outputs();
        program.output_scale = Scale(0);
        program.probability = false;
        program.validate()?;
        Ok(program)
    }

    /// The salt that [`salted`](Self::salted) adds; it depends on the limbs of inputs, and on
    /// whether they are ranks.
    pub fn salt(&self) -> Salt {
        let most = match self.encoding.is_scaled() {
            true => Salt::MOST,
            false => Salt::MOST_RANKED,
        };
        let bits = (self.limbs.bits * self.limbs.input - 1).clamp(1, most);
        Salt {
            inputs: Salt::BITS.div_ceil(bits) as usize,
            bits,
        }
    }

    /// This program with a [salt](Self::salt) before its label.
    ///
    /// # Errors
    /// A program that is not valid or has no label.
    pub fn salted(&self) -> Result<Self, QuantError> {
        self.validate()?;
        let Some(label) = self.inputs.checked_sub(1).filter(|_| self.labelled) else {
            let what = "it has no label to put a salt before".to_owned();
            return Err(QuantError::Invalid { what });
        };
        let salt = self.salt();
        let mut program = self.clone();
        program.for_each_read(|wire| *wire += if *wire >= label { salt.inputs } else { 0 });
        program.inputs += salt.inputs;
        if let Encoding::Ranks { features, ranks } = &mut program.encoding {
            // The rank of an integer from 0 on is the integer.
            let thresholds: Vec<f32> = (0..(1u32 << salt.bits) - 1).map(|t| t as f32).collect();
            ranks.extend((*features..*features + salt.inputs).map(|feature| Ranks {
                feature,
                thresholds: thresholds.clone(),
            }));
            *features += salt.inputs;
        }
        program.validate()?;
        Ok(program)
    }

    /// The number in a row that gives an integer of the salt.
    pub fn salt_real(&self, integer: u32) -> f32 {
        match self.encoding.is_scaled() {
            true => self.input_scale.real(integer.into()) as f32,
            false => integer as f32,
        }
    }

    /// Numbers of a row whose integers are all zero.
    pub fn zeros(&self, count: usize) -> Vec<f32> {
        let zero = match self.encoding.is_scaled() {
            true => 0.0,
            false => f32::MIN,
        };
        vec![zero; count]
    }

    /// The least single output for which the class is 1.
    fn least_of_class_1(&self) -> i64 {
        match (self.probability, self.output_scale.0) {
            (false, _) => 0,
            (true, 0) => 1,
            (true, scale) => 1 << (scale - 1),
        }
    }

    fn last_name(&self) -> String {
        let last = self.steps.last();
        last.map(|step| step.name.clone()).unwrap_or_default()
    }

    /// The interval of all outputs together; the program is valid.
    fn output_range(&self) -> Result<Interval, QuantError> {
        let (low, high) = self.limbs.input_range();
        let mut bounds: Vec<Interval> = vec![(low.into(), high.into()); self.inputs];
        for step in &self.steps {
            let more = self.bounds_of(step, &bounds)?;
            bounds.extend(more);
        }
        let outputs = bounds.iter().rev().take(self.outputs);
        Ok(outputs.fold((i128::MAX, i128::MIN), |(low, high), bound| {
            (low.min(bound.0), high.max(bound.1))
        }))
    }

    /// Calls `change` for every wire that a step reads.
    fn for_each_read(&mut self, mut change: impl FnMut(&mut Wire)) {
        let of_sum = |sum: &mut Sum, change: &mut dyn FnMut(&mut Wire)| {
            sum.terms.iter_mut().for_each(|(wire, _)| change(wire));
        };
        for step in &mut self.steps {
            match &mut step.kind {
                Kind::Dense { inputs, .. } | Kind::Table { inputs, .. } => {
                    inputs.iter_mut().for_each(&mut change);
                }
                Kind::Conv(conv) => conv.inputs.iter_mut().flatten().for_each(&mut change),
                Kind::Sums(sums) => sums.iter_mut().for_each(|sum| of_sum(sum, &mut change)),
                Kind::Products(pairs) => {
                    let wires = pairs.iter_mut().flat_map(|(a, b)| [a, b]);
                    wires.for_each(&mut change);
                }
                Kind::Hints(hints) => {
                    for hint in hints {
                        match hint {
                            Hint::Quotient {
                                numerator,
                                denominator,
                            } => {
                                of_sum(numerator, &mut change);
                                of_sum(denominator, &mut change);
                            }
                            Hint::Root(sum) => of_sum(sum, &mut change),
                        }
                    }
                }
                // Reads the first inputs, which stay where they are.
                Kind::Forest(_) => {}
            }
        }
    }
}

impl Builder {
    /// The program with a label as its last input, which nothing reads yet.
    fn new(program: &Program, classes: u32) -> Result<Self, QuantError> {
        let mut program = program.clone();
        let label = program.inputs;
        program.for_each_read(|wire| *wire += usize::from(*wire >= label));
        program.inputs += 1;
        program.labelled = true;
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
    fn ramps(&mut self, wire: Wire, marks: &[i64], name: &str) {
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
    fn exceeds(&self, wire: Wire, mark: i64) -> Sum {
        let terms = [(mark, 1), (mark + 1, -1)];
        let terms = terms.map(|(mark, weight)| self.ramp(wire, mark, weight));
        sum(terms.into_iter().flatten(), 0)
    }

    /// Whether a wire is `k`.
    fn equals(&self, wire: Wire, mark: i64) -> Sum {
        let terms = [(mark - 1, 1), (mark, -2), (mark + 1, 1)];
        let terms = terms.map(|(mark, weight)| self.ramp(wire, mark, weight));
        sum(terms.into_iter().flatten(), 0)
    }

    /// For each score, whether it is the first of the greatest; `range` holds all scores.
    ///
    /// The greatest so far is carried along the scores. Then the last that exceeded it is found
    /// from behind: `later_c` says that no score behind `c` exceeded the greatest before it, so that
    /// `c` is the class if this holds for `c` but not for the score before it.
    fn first_of_greatest(&mut self, scores: &[Wire], range: Interval) -> Vec<Sum> {
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
    fn compare(&mut self, label: Wire, chosen: &[Sum], count: Count) {
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
fn complement(a: &Sum) -> Sum {
    let terms = a.terms.iter().map(|(wire, weight)| (*wire, -weight));
    sum(terms, 1 - a.bias)
}
