//! Functions of one number.

/// A function of every element.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Function {
    /// `max(x, 0)`.
    Relu,
    /// `|x|`.
    Abs,
    /// -1, 0 or 1.
    Sign,
    /// The greatest integer up to `x`.
    Floor,
    /// The least integer from `x`.
    Ceil,
    /// The nearest integer, halves to even.
    Round,
    /// The integer part: towards zero.
    Truncate,
    /// `x` between two bounds, either of which may be infinite.
    Clip(f32, f32),
    /// `alpha x` below zero.
    LeakyRelu(f32),
    /// `x^n` for `n` from 2.
    Power(u32),
    /// The square root.
    Sqrt,
    /// `1 / x`.
    Reciprocal,
    /// `e^x`.
    Exp,
    /// The natural logarithm.
    Log,
    /// The error function.
    Erf,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `x` above zero, `alpha (exp(x / beta) - 1)` below: Elu, Celu; Selu is a multiple of it.
    Elu {
        /// Factor.
        alpha: f32,
        /// Width.
        beta: f32,
    },
    /// `x Phi(x)`, exactly.
    Gelu,
    /// `x Phi(x)` by a hyperbolic tangent.
    GeluTanh,
    /// `x sigmoid(alpha x)`: Silu, Swish.
    Silu(f32),
    /// `log(1 + exp(x))`.
    Softplus,
    /// `x / (1 + |x|)`.
    Softsign,
    /// `x tanh(softplus(x))`.
    Mish,
    /// The sine of radians.
    Sin,
    /// The cosine of radians.
    Cos,
    /// The arc sine, of what lies between -1 and 1.
    Asin,
    /// The arc cosine, of what lies between -1 and 1.
    Acos,
    /// The arc tangent.
    Atan,
    /// The inverse of the hyperbolic sine.
    Asinh,
    /// The inverse of the hyperbolic cosine, of what is at least 1.
    Acosh,
    /// The inverse of the hyperbolic tangent, of what lies between -1 and 1.
    Atanh,
    /// 0 for 0, else 1.
    IsNonzero,
    /// 1 for 0, else 0.
    Not,
}

impl Function {
    /// The result, computed in float64 and rounded to float32.
    pub fn apply(self, x: f32) -> f32 {
        self.real(f64::from(x)) as f32
    }

    /// The function on reals.
    pub fn real(self, x: f64) -> f64 {
        let truth = |is_true: bool| f64::from(u8::from(is_true));
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
        match self {
            Self::Relu => x.max(0.0),
            Self::Abs => x.abs(),
            Self::Sign => truth(x > 0.0) - truth(x < 0.0),
            Self::Floor => x.floor(),
            Self::Ceil => x.ceil(),
            Self::Round => x.round_ties_even(),
            Self::Truncate => x.trunc(),
            // Not `clamp`, which panics on bounds in the wrong order.
            Self::Clip(low, high) => x.max(f64::from(low)).min(f64::from(high)),
            Self::LeakyRelu(alpha) if x < 0.0 => f64::from(alpha) * x,
            Self::LeakyRelu(_) => x,
            Self::Power(n) => x.powi(i32::try_from(n).unwrap_or(i32::MAX)),
            Self::Sqrt => x.sqrt(),
            Self::Reciprocal => 1.0 / x,
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Erf => libm::erf(x),
            Self::Sigmoid => sigmoid(x),
            Self::Tanh => x.tanh(),
            Self::Elu { alpha, beta } if x < 0.0 => {
                f64::from(alpha) * (x / f64::from(beta)).exp_m1()
            }
            Self::Elu { .. } => x,
            Self::Gelu => 0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2)),
            Self::GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
                0.5 * x * (1.0 + inner.tanh())
            }
            Self::Silu(alpha) => x * sigmoid(f64::from(alpha) * x),
            Self::Softplus => softplus(x),
            Self::Softsign => x / (1.0 + x.abs()),
            Self::Mish => x * softplus(x).tanh(),
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::Asin => x.asin(),
            Self::Acos => x.acos(),
            Self::Atan => x.atan(),
            Self::Asinh => x.asinh(),
            Self::Acosh => x.acosh(),
            Self::Atanh => x.atanh(),
            Self::IsNonzero => truth(x != 0.0),
            Self::Not => truth(x == 0.0),
        }
    }

    /// The operator in ONNX.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "Relu",
            Self::Abs => "Abs",
            Self::Sign => "Sign",
            Self::Floor => "Floor",
            Self::Ceil => "Ceil",
            Self::Round => "Round",
            Self::Truncate => "Truncate",
            Self::Clip(..) => "Clip",
            Self::LeakyRelu(_) => "LeakyRelu",
            Self::Power(_) => "Pow",
            Self::Sqrt => "Sqrt",
            Self::Reciprocal => "Reciprocal",
            Self::Exp => "Exp",
            Self::Log => "Log",
            Self::Erf => "Erf",
            Self::Sigmoid => "Sigmoid",
            Self::Tanh => "Tanh",
            Self::Elu { .. } => "Elu",
            Self::Gelu => "Gelu",
            Self::GeluTanh => "GeluTanh",
            Self::Silu(_) => "Silu",
            Self::Softplus => "Softplus",
            Self::Softsign => "Softsign",
            Self::Mish => "Mish",
            Self::Sin => "Sin",
            Self::Cos => "Cos",
            Self::Asin => "Asin",
            Self::Acos => "Acos",
            Self::Atan => "Atan",
            Self::Asinh => "Asinh",
            Self::Acosh => "Acosh",
            Self::Atanh => "Atanh",
            Self::IsNonzero => "IsNonzero",
            Self::Not => "Not",
        }
    }
}
