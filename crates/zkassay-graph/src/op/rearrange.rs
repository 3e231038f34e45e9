//! Elements that change their places.

/// Where an element of the result comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// An element of an operand.
    Element {
        /// Which operand.
        operand: u32,
        /// Its position.
        index: u32,
    },
    /// A constant.
    Constant(f32),
}

impl Source {
    pub(super) fn of(self, operands: &[&[f32]]) -> f32 {
        match self {
            Self::Element { operand, index } => operands[operand as usize][index as usize],
            Self::Constant(value) => value,
        }
    }
}
