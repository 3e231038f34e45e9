//! Operations on two numbers.

/// An operation of a value and a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `x + c`.
    Add,
    /// `x - c`.
    Subtract,
    /// `x c`.
    Multiply,
    /// `x / c`.
    Divide,
}

impl Arithmetic {
    /// The result, rounded to float32.
    pub fn apply(self, x: f32, c: f32) -> f32 {
        match self {
            Self::Add => x + c,
            Self::Subtract => x - c,
            Self::Multiply => x * c,
            Self::Divide => x / c,
        }
    }

    /// The operator in ONNX.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Subtract => "Sub",
            Self::Multiply => "Mul",
            Self::Divide => "Div",
        }
    }
}

/// An operation of two values. Truth values are 0 and 1; anything but 0 counts as true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `a + b`.
    Add,
    /// `a - b`.
    Subtract,
    /// `a b`.
    Multiply,
    /// `a / b`.
    Divide,
    /// The lesser.
    Min,
    /// The greater.
    Max,
    /// `a = b`.
    Equal,
    /// `a < b`.
    Less,
    /// `a <= b`.
    LessOrEqual,
    /// Both are true.
    And,
    /// At least one is true.
    Or,
    /// Exactly one is true.
    Xor,
}

impl Binary {
    /// The result, rounded to float32.
    pub fn apply(self, a: f32, b: f32) -> f32 {
        let truth = |is_true: bool| f32::from(u8::from(is_true));
        let (p, q) = (a != 0.0, b != 0.0);
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::Min => a.min(b),
            Self::Max => a.max(b),
            Self::Equal => truth(a == b),
            Self::Less => truth(a < b),
            Self::LessOrEqual => truth(a <= b),
            Self::And => truth(p && q),
            Self::Or => truth(p || q),
            Self::Xor => truth(p != q),
        }
    }

    /// The operator in ONNX.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Subtract => "Sub",
            Self::Multiply => "Mul",
            Self::Divide => "Div",
            Self::Min => "Min",
            Self::Max => "Max",
            Self::Equal => "Equal",
            Self::Less => "Less",
            Self::LessOrEqual => "LessOrEqual",
            Self::And => "And",
            Self::Or => "Or",
            Self::Xor => "Xor",
        }
    }
}
