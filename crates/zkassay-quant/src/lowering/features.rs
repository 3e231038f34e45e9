//! Features that are single numbers of the row, in whatever place and on whatever scale.
//!
//! Exporters put scalers before trees, and move features about. As long as a feature is an increasing or
//! decreasing function of one number of the row, in float32, a question about it is one about that
//! number: bisection over all float32 numbers finds the threshold, and no answer changes.

use zkassay_graph::{Arithmetic, Function, Graph, Op, Source};

/// Where a feature comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Origin {
    Number(usize),
    Constant(f32),
}

/// What is done to a number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Arithmetic(Arithmetic, f32),
    Function(Function),
}

/// A feature, as a function of its origin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Feature {
    origin: Origin,
    /// In order.
    changes: Vec<Change>,
}

/// The answer to a question about a feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Answer {
    /// It is the same for all finite numbers.
    Always(bool),
    /// It is `yes` for a number of the row that is at most the finite threshold, else the opposite.
    AtMost {
        number: usize,
        threshold: f32,
        yes: bool,
    },
}

/// Kinds of questions; the others are made of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Question {
    /// `x <= t`.
    UpTo,
    /// `x < t`.
    Below,
}

/// Which values hold nothing but features: the input, and what moves or changes its elements one by one.
pub(super) fn values(graph: &Graph) -> Vec<bool> {
    let mut plain = vec![true];
    for node in &graph.nodes {
        let keeps = match &node.op {
            Op::Rearrange(_) => true,
            Op::Elementwise {
                arithmetic,
                constant,
            } => constant
                .iter()
                .all(|c| c.is_finite() && (*c != 0.0 || *arithmetic != Arithmetic::Divide)),
            Op::Map(function) => is_monotone(*function),
            _ => false,
        };
        let reads = !node.inputs.is_empty() && node.inputs.iter().all(|input| plain[*input]);
        plain.push(keeps && reads);
    }
    plain
}

/// Whether a function is, as it is computed.
fn is_monotone(function: Function) -> bool {
    match function {
        Function::Relu
        | Function::Sign
        | Function::Floor
        | Function::Ceil
        | Function::Round
        | Function::Truncate => true,
        Function::Clip(low, high) => !low.is_nan() && !high.is_nan(),
        Function::LeakyRelu(alpha) => alpha.is_finite() && alpha >= 0.0,
        _ => false,
    }
}

impl Feature {
    /// An element of one of the [`values`]; `None` if numbers of the row can make it none, or if it
    /// takes more than `work` to find out.
    pub(super) fn of(
        graph: &Graph,
        mut value: usize,
        mut element: usize,
        work: &mut usize,
    ) -> Option<Self> {
        let mut changes = Vec::new();
        let origin = loop {
            *work = work.checked_sub(1)?;
            let Some(at) = value.checked_sub(1) else {
                break Origin::Number(element);
            };
            let node = graph.nodes.get(at)?;
            match &node.op {
                Op::Rearrange(sources) => match sources.get(element)? {
                    Source::Constant(constant) => break Origin::Constant(*constant),
                    Source::Element { operand, index } => {
                        value = *node.inputs.get(*operand as usize)?;
                        element = *index as usize;
                        continue;
                    }
                },
                Op::Elementwise {
                    arithmetic,
                    constant,
                } => changes.push(Change::Arithmetic(*arithmetic, *constant.get(element)?)),
                Op::Map(function) => changes.push(Change::Function(*function)),
                _ => return None,
            }
            value = *node.inputs.first()?;
        };
        changes.reverse();
        let feature = Self { origin, changes };
        // Infinity times zero is no number. Being monotone, no number of the row leads there if
        // neither the least nor the greatest does.
        let ends = match origin {
            Origin::Number(_) => [f32::MIN, f32::MAX],
            Origin::Constant(constant) => [constant; 2],
        };
        let are_numbers = ends.iter().all(|end| feature.of_number(*end).is_some());
        are_numbers.then_some(feature)
    }

    /// Its value; `None` where it is no number on the way.
    fn of_number(&self, x: f32) -> Option<f32> {
        let mut x = x;
        for change in &self.changes {
            x = match *change {
                Change::Arithmetic(arithmetic, c) => arithmetic.apply(x, c),
                Change::Function(function) => function.apply(x),
            };
            if x.is_nan() {
                return None;
            }
        }
        Some(x)
    }

    /// The answer to a question; `None` if it takes more than `work`.
    pub(super) fn ask(&self, question: Question, t: f32, work: &mut usize) -> Option<Answer> {
        let holds = |x: f32| {
            self.of_number(x).is_some_and(|x| match question {
                Question::UpTo => x <= t,
                Question::Below => x < t,
            })
        };
        let number = match self.origin {
            Origin::Constant(constant) => return Some(Answer::Always(holds(constant))),
            Origin::Number(number) => number,
        };
        let answer = |threshold: f32, yes| Answer::AtMost {
            number,
            // There is one zero.
            threshold: if threshold == 0.0 { 0.0 } else { threshold },
            yes,
        };
        let last = match question {
            Question::UpTo => t,
            Question::Below => t.next_down(),
        };
        if self.changes.is_empty() && last.is_finite() {
            return Some(answer(last, true));
        }
        *work = work.checked_sub(32 * self.changes.len())?;
        let yes = holds(f32::MIN);
        if holds(f32::MAX) == yes {
            return Some(Answer::Always(yes));
        }
        // The last number with the answer of the least.
        let (mut low, mut high) = (place(f32::MIN), place(f32::MAX));
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match holds(at(middle)) == yes {
                true => low = middle,
                false => high = middle,
            }
        }
        Some(answer(at(low), yes))
    }
}

/// The place of a number among all float32 numbers, from that of zero; there is one zero.
fn place(x: f32) -> i64 {
    let magnitude = i64::from(x.abs().to_bits());
    if x < 0.0 { -magnitude } else { magnitude }
}

/// The number at a place.
fn at(place: i64) -> f32 {
    let magnitude = f32::from_bits(place.unsigned_abs() as u32);
    if place < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(changes: Vec<Change>) -> Feature {
        Feature {
            origin: Origin::Number(3),
            changes,
        }
    }

    /// Answers beside the question itself, around the threshold and elsewhere.
    fn agree(feature: &Feature, question: Question, t: f32) {
        let answer = feature.ask(question, t, &mut 1_000_000).unwrap();
        let boundary = match answer {
            Answer::Always(_) => t,
            Answer::AtMost {
                number, threshold, ..
            } => {
                assert!(threshold.is_finite() && number == 3);
                threshold
            }
        };
        let around = (-3..=3).map(|step| place(boundary) + step);
        let around = around
            .filter(|place| place.abs() <= super::place(f32::MAX))
            .map(at);
        let others = [f32::MIN, -1.0, -1e-45, -0.0, 0.0, 1e-45, 2.5, f32::MAX, t];
        for x in around.chain(others).filter(|x| x.is_finite()) {
            let value = feature.of_number(x).unwrap();
            let expected = match question {
                Question::UpTo => value <= t,
                Question::Below => value < t,
            };
            let found = match answer {
                Answer::Always(yes) => yes,
                Answer::AtMost { threshold, yes, .. } => (x <= threshold) == yes,
            };
            assert_eq!(found, expected, "{feature:?} {question:?} {t:e} at {x:e}");
        }
    }

    #[test]
    fn places_are_in_the_order_of_numbers() {
        let numbers = [f32::MIN, -1.0, -1e-45, 0.0, 1e-45, 1.0, f32::MAX];
        for pair in numbers.windows(2) {
            assert!(place(pair[0]) < place(pair[1]), "{pair:?}");
        }
        for x in numbers {
            assert_eq!(at(place(x)).to_bits(), x.to_bits());
        }
        assert_eq!((place(-0.0), place(0.0)), (0, 0));
    }

    #[test]
    fn thresholds_behind_changes_decide_the_same() {
        use Arithmetic::{Add, Divide, Multiply, Subtract};

        let changes = [
            Change::Arithmetic(Subtract, 1234.5),
            Change::Arithmetic(Divide, 0.37),
            Change::Arithmetic(Multiply, -3e-5),
            Change::Arithmetic(Divide, -7e20),
            Change::Arithmetic(Add, 0.1),
            Change::Arithmetic(Multiply, 0.0),
            Change::Function(Function::Clip(-2.0, 3.0)),
            Change::Function(Function::Floor),
            Change::Function(Function::Relu),
            Change::Function(Function::LeakyRelu(0.01)),
        ];
        let mut tested = 0;
        for first in changes {
            for second in changes {
                let feature = feature(vec![first, second]);
                if [f32::MIN, f32::MAX]
                    .iter()
                    .any(|x| feature.of_number(*x).is_none())
                {
                    continue;
                }
                for t in [-2.0, -1e-45, 0.0, 0.1, 1.0, 3.0, 1e30, f32::MAX] {
                    agree(&feature, Question::UpTo, t);
                    agree(&feature, Question::Below, t);
                    tested += 1;
                }
            }
        }
        assert!(tested > 500, "{tested}");
        for t in [f32::MIN, -1e-45, -0.0, 0.0, 1e-45, f32::MAX] {
            agree(&feature(vec![]), Question::UpTo, t);
            agree(&feature(vec![]), Question::Below, t);
        }
    }

    #[test]
    fn thresholds_that_are_not_finite_have_one_answer() {
        let plain = feature(vec![]);
        let answer = |question, t| plain.ask(question, t, &mut 100).unwrap();
        for question in [Question::UpTo, Question::Below] {
            assert_eq!(answer(question, f32::NAN), Answer::Always(false));
            assert_eq!(answer(question, f32::NEG_INFINITY), Answer::Always(false));
        }
        assert_eq!(answer(Question::UpTo, f32::INFINITY), Answer::Always(true));
        assert_eq!(answer(Question::Below, f32::MIN), Answer::Always(false));
    }
}
