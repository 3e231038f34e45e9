//! The scales of a model's inputs.

use crate::Scale;

/// The scales of a model's inputs: one for all of them, or one for each.
///
/// Features of very different magnitude have scales of their own, so that their integers have the
/// same bits. There is one way to write any scales: a single one stands for as many as there are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InputScales(Vec<Scale>);

impl InputScales {
    /// The scales of each input of an inference; 0 for none at all.
    pub fn of_each(scales: &[Scale]) -> Self {
        match scales {
            [] => Self(vec![Scale(0)]),
            [first, rest @ ..] if rest.iter().all(|scale| scale == first) => Self(vec![*first]),
            _ => Self(scales.to_vec()),
        }
    }

    /// One, which is that of all inputs, or those of each: at least two that are not all the same.
    pub fn as_slice(&self) -> &[Scale] {
        &self.0
    }

    /// The scale of an input, from 0. Behind those of one inference come those of the next.
    pub fn of(&self, index: usize) -> Scale {
        // Never empty.
        let own = self.0.get(index % self.0.len().max(1));
        own.copied().unwrap_or(Scale(0))
    }

    /// Whether these can be the scales of so many inputs.
    pub fn fit(&self, inputs: usize) -> bool {
        self.0.len() == 1 || self.0.len() == inputs
    }
}

impl From<Scale> for InputScales {
    fn from(scale: Scale) -> Self {
        Self(vec![scale])
    }
}

impl From<&Self> for InputScales {
    fn from(scales: &Self) -> Self {
        scales.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_have_one_form() {
        let same = InputScales::of_each(&[Scale(3); 4]);
        assert_eq!(same, Scale(3).into());
        assert_eq!((same.of(0), same.of(1000)), (Scale(3), Scale(3)));
        assert!(same.fit(1) && same.fit(4));
        assert_eq!(InputScales::of_each(&[]), Scale(0).into());
        let own = InputScales::of_each(&[Scale(-3), Scale(20)]);
        assert_eq!(own.as_slice(), [Scale(-3), Scale(20)]);
        assert!(own.fit(2) && !own.fit(1) && !own.fit(4));
    }

    #[test]
    fn inferences_come_one_after_the_other() {
        let own = InputScales::of_each(&[Scale(-3), Scale(20)]);
        let scales: Vec<i32> = (0..5).map(|index| own.of(index).0).collect();
        assert_eq!(scales, [-3, 20, -3, 20, -3]);
    }
}
