//! What the nodes of trees ask, as questions whether a number of the row is at most a threshold.

use std::collections::HashMap;

use zkassay_graph::{Branch, Graph};

use super::features::{Answer, Feature, Question};

/// Where an answer leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Way {
    /// To the node after yes.
    Yes,
    /// To the node after no.
    No,
    /// To a question of the same node.
    Ask(usize),
}

/// A question about a number of the row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<To> {
    pub(super) number: usize,
    pub(super) threshold: f32,
    pub(super) at_most: To,
    pub(super) above: To,
}

/// What a node asks: at most two questions, the second behind the first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// The first question, or where the node leads without one.
    pub(super) entry: Way,
    asks: [Option<Ask<Way>>; 2],
}

/// The questions that an ensemble's nodes ask.
pub(super) struct Questions<'a> {
    graph: &'a Graph,
    /// The value that the features are elements of, and the first of them.
    value: usize,
    first: usize,
    /// The steps that are left for finding thresholds.
    work: &'a mut usize,
    features: HashMap<u32, Feature>,
    answers: HashMap<(u32, Question, u32), Answer>,
}

impl<'a> Questions<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        (value, first): (usize, usize),
        work: &'a mut usize,
    ) -> Self {
        Self {
            graph,
            value,
            first,
            work,
            features: HashMap::new(),
            answers: HashMap::new(),
        }
    }

    /// Counts steps that are not for thresholds; `None` if too few are left.
    pub(super) fn spend(&mut self, steps: usize) -> Option<()> {
        *self.work = self.work.checked_sub(steps)?;
        Some(())
    }

    /// What a node asks; `None` if that is not about a number of the row, or takes too long to find.
    pub(super) fn asked(&mut self, feature: u32, threshold: f32, branch: Branch) -> Option<Asked> {
        if threshold.is_nan() {
            // It is neither less nor greater nor equal.
            let is_yes = branch == Branch::NotEqual;
            return Some(Asked::constant(if is_yes { Way::Yes } else { Way::No }));
        }
        let (yes, no) = match branch {
            Branch::LessOrEqual | Branch::Less | Branch::Equal => (Way::Yes, Way::No),
            _ => (Way::No, Way::Yes),
        };
        let mut answer = |question| self.answer(feature, question, threshold);
        Some(match branch {
            Branch::LessOrEqual | Branch::Greater => Asked::one(answer(Question::UpTo)?, yes, no),
            Branch::Less | Branch::GreaterOrEqual => Asked::one(answer(Question::Below)?, yes, no),
            // Up to it, but not below it.
            Branch::Equal | Branch::NotEqual => {
                let (up_to, below) = (answer(Question::UpTo)?, answer(Question::Below)?);
                Asked::both(up_to, below, yes, no)
            }
        })
    }

    fn answer(&mut self, feature: u32, question: Question, threshold: f32) -> Option<Answer> {
        let key = (feature, question, threshold.to_bits());
        if let Some(answer) = self.answers.get(&key) {
            return Some(*answer);
        }
        if !self.features.contains_key(&feature) {
            let element = self.first + feature as usize;
            let found = Feature::of(self.graph, self.value, element, self.work)?;
            self.features.insert(feature, found);
        }
        let answer = self
            .features
            .get(&feature)?
            .ask(question, threshold, self.work)?;
        self.answers.insert(key, answer);
        Some(answer)
    }
}

impl Asked {
    /// No question at all.
    fn constant(entry: Way) -> Self {
        Self {
            entry,
            asks: [None; 2],
        }
    }

    /// One question.
    fn one(answer: Answer, yes: Way, no: Way) -> Self {
        match ask(answer, yes, no) {
            Err(way) => Self::constant(way),
            Ok(ask) => Self {
                entry: Way::Ask(0),
                asks: [Some(ask), None],
            },
        }
    }

    /// `yes` if the first answer is yes and the second no.
    fn both(first: Answer, second: Answer, yes: Way, no: Way) -> Self {
        let (behind, second) = match ask(second, no, yes) {
            Err(way) => (way, None),
            Ok(ask) => (Way::Ask(1), Some(ask)),
        };
        match ask(first, behind, no) {
            _ if behind == no => Self::constant(no),
            // Without the first the second may be out of reach.
            Err(way) if way != behind => Self::constant(way),
            Err(way) => Self {
                entry: way,
                asks: [None, second],
            },
            Ok(first) => Self {
                entry: Way::Ask(0),
                asks: [Some(first), second],
            },
        }
    }

    /// Its questions, in order.
    pub(super) fn asks(&self) -> impl Iterator<Item = &Ask<Way>> + '_ {
        self.asks.iter().flatten()
    }

    /// How many questions are before one of them.
    pub(super) fn before(&self, ask: usize) -> usize {
        self.asks.iter().take(ask).flatten().count()
    }

    /// Whether it leads somewhere for some row.
    pub(super) fn leads(&self, way: Way) -> bool {
        self.entry == way
            || self
                .asks()
                .any(|ask| ask.at_most == way || ask.above == way)
    }
}

/// The question that gives an answer, or the way where there is only one.
fn ask(answer: Answer, yes: Way, no: Way) -> Result<Ask<Way>, Way> {
    match answer {
        Answer::Always(true) => Err(yes),
        Answer::Always(false) => Err(no),
        Answer::AtMost {
            number,
            threshold,
            yes: is_yes,
        } => {
            let (at_most, above) = if is_yes { (yes, no) } else { (no, yes) };
            Ok(Ask {
                number,
                threshold,
                at_most,
                above,
            })
        }
    }
}
