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

mod builder;
mod labels;
mod salt;

use serde::{Deserialize, Serialize};
use zkassay_fixed::Scale;
use zkassay_graph::Graph;

use crate::QuantError;
use crate::fidelity::Decision;
use crate::program::{Hint, Interval, Kind, Program, Sum, Wire};
use builder::{Builder, complement};
pub(crate) use labels::labels;
pub use salt::Salt;

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
    /// The single output is the class, and always one of these numbers.
    Labels {
        /// The least.
        least: i32,
        /// The greatest.
        greatest: i32,
    },
}

impl Answer {
    /// How the outputs of a graph say a class.
    ///
    /// A single output is a label if it is one of a few integers for any input: the result of a
    /// comparison, the position of the greatest score, a class looked up by either.
    pub fn of(graph: &Graph) -> Self {
        match (labels(graph), Decision::of(graph, 0.0)) {
            (Some((least, greatest)), _) => Self::Labels { least, greatest },
            (None, Decision::Labels) => Self::Class,
            (None, Decision::Scores(_)) => Self::Scores,
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

impl Program {
    /// This program with a label as its last input, and outputs that are 1 or 0: whether the class
    /// that its outputs predict is the label, or one truth value for each label and class (those
    /// of label 0 first).
    ///
    /// A label that is no class, such as -1, gives zeros only.
    ///
    /// # Errors
    /// A number of classes that the outputs do not have or the inputs have no room for; labels
    /// that are no classes; a single score that is always on the same side of the threshold; a
    /// program that is not valid, has a label already or has outputs too large to compare.
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
            (_, 1) => None,
            (_, outputs) => {
                let reason = format!("it gives {outputs} classes for a row, expected one");
                return Err(self.refused_output(reason));
            }
        };
        if let Some(expected) = expected.filter(|expected| *expected != classes) {
            return Err(self.refused_output(format!(
                "it has {} score(s), which say one of {expected} classes, not of {classes}",
                self.outputs
            )));
        }
        let mut builder = Builder::new(self, counting.classes)?;
        let label = self.inputs;
        let outputs: Vec<Wire> = (builder.wires - self.outputs..builder.wires).collect();
        let range = self.output_range()?;
        self.check_answer(answer, range, counting.classes)?;
        // All ramps of a wire are one step.
        let mut marks: Vec<i64> = (-1..=classes as i64).collect();
        builder.ramps(label, &marks, "label");
        let chosen = match (answer, outputs.as_slice()) {
            (Answer::Class | Answer::Labels { .. }, [class]) => {
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

    /// The least single output for which the class is 1.
    fn least_of_class_1(&self) -> i64 {
        match (self.probability, self.output_scale.0) {
            (false, _) => 0,
            (true, 0) => 1,
            (true, scale) => 1 << (scale - 1),
        }
    }

    /// That what the outputs say can be a class, and any of two.
    fn check_answer(
        &self,
        answer: Answer,
        (low, high): Interval,
        classes: u32,
    ) -> Result<(), QuantError> {
        match answer {
            Answer::Labels { least, greatest }
                if least < 0 || i64::from(greatest) >= i64::from(classes) =>
            {
                Err(self.refused_output(format!(
                    "it gives labels from {least} to {greatest}, but those that are counted are \
                     from 0 to {}: choose the output of the scores, which say the positions of \
                     classes, and number the labels of the data set from 0 in the same order",
                    classes - 1
                )))
            }
            Answer::Scores if self.outputs == 1 => {
                let least = i128::from(self.least_of_class_1());
                match low < least && least <= high {
                    true => Ok(()),
                    false => Err(self.refused_output(format!(
                        "it is a single number that is always {} {}, where the class would change \
                         from 0 to 1: if it is no score, choose the output of the scores",
                        if low < least { "below" } else { "at least" },
                        self.threshold()
                    ))),
                }
            }
            _ => Ok(()),
        }
    }

    fn refused_output(&self, reason: String) -> QuantError {
        let last = self.steps.last();
        QuantError::Unsupported {
            node: last.map(|step| step.name.clone()).unwrap_or_default(),
            op: "the output".into(),
            reason,
        }
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
