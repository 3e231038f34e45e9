//! Integer programs: what graphs beyond chains of dense layers are quantised to.
//!
//! A [`Program`] computes *wires*, one integer each. Wires `0..inputs` are the input; each
//! [`Step`] appends its own, and reads earlier ones. There are few kinds of steps, because each is
//! a kind of row in a proof: every operator of a graph becomes some of them.
//!
//! | step | accumulator `y` |
//! |---|---|
//! | [`Kind::Dense`] | `W x + b` |
//! | [`Kind::Conv`] | a convolution, plus a bias |
//! | [`Kind::Sums`] | a few terms `w x`, plus a bias |
//! | [`Kind::Products`] | `a b` |
//! | [`Kind::Table`] | a function that is linear between the multiples of `2^bits` |
//! | [`Kind::Hints`] | anything: later steps say what it has to be |
//! | [`Kind::Forest`] | the scores of decision trees |
//!
//! [`Finish`] says how a wire's value comes from `y`. Data movement needs no step: steps name the
//! wires that they read.

mod bounds;
mod conv;
mod evaluate;
mod forest;
mod ranks;

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use zkassay_fixed::{InputScales, Scale};

use crate::QuantError;
pub use bounds::Interval;
pub(crate) use conv::Geometry;
pub use conv::IntegerConv;
pub use evaluate::ProgramTrace;
pub use forest::{Child, Forest, ForestNode};
pub use ranks::{Encoding, Ranks};

/// A wire: its position among all wires of a program.
pub type Wire = usize;

/// A program over integers.
///
/// In a [valid](Self::validate) program, evaluation of any input in range succeeds, but for the
/// steps whose [`bound`](Step::bound) is promised instead of proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The model's name.
    pub name: String,
    /// The name of its input.
    pub input: String,
    /// Number of inputs: the first wires.
    pub inputs: usize,
    /// Their scale; 0 for ranks. Where they have [scales of their own](Encoding::Shifted), what those are
    /// relative to.
    pub input_scale: Scale,
    /// How a row of real numbers becomes these integers.
    #[serde(default, skip_serializing_if = "Encoding::is_uniform")]
    pub encoding: Encoding,
    /// Whether the last input is a label: a class, not rounded or ranked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub labelled: bool,
    /// Limb widths.
    pub limbs: ProgramLimbs,
    /// Functions.
    pub tables: Vec<Table>,
    /// What is computed, in order.
    pub steps: Vec<Step>,
    /// Number of outputs: the wires of the last step.
    pub outputs: usize,
    /// Their scale.
    pub output_scale: Scale,
    /// Whether a single output is a probability, so that one half decides instead of zero.
    pub probability: bool,
}

/// How integers are cut into limbs of `bits` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramLimbs {
    /// Bits of a limb.
    pub bits: u32,
    /// Limbs of an input.
    pub input: u32,
    /// Limbs of a rescale's remainder: it divides by `2^(bits * shift)`.
    pub shift: u32,
    /// Limbs of a function's remainder: `2^(bits * table)` divides its interpolation.
    pub table: u32,
    /// Limbs in a row: those of a remainder and of the magnitude of what remains; those of any
    /// other integer.
    pub total: u32,
}

/// A function, linear on segments of `2^bits`.
///
/// For `x = first + 2^bits g + t` with `0 <= t < 2^bits` its value is
/// `(c0_g + c1_g t) / 2^(bits * table)`, rounded, halves upwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Which function.
    pub name: String,
    /// The least argument.
    pub first: i64,
    /// `(c0, c1)` of each segment.
    pub segments: Vec<(i64, i64)>,
}

/// Some wires, computed in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The nodes of the graph that it belongs to.
    pub name: String,
    /// What the accumulators are.
    pub kind: Kind,
    /// What the values are. [`Finish::Exact`] for tables and hints.
    pub finish: Finish,
    /// A bound on the magnitude of the values that follows from more than the ranges of what is
    /// read, such as that of a quotient times its divisor. Only completeness rests on it.
    pub bound: Option<i64>,
}

/// What the accumulators of a step are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `weights x + bias`.
    Dense {
        /// What `x` is.
        inputs: Vec<Wire>,
        /// `[outputs, inputs]`.
        weights: Array2<i64>,
        /// `[outputs]`.
        bias: Vec<i64>,
    },
    /// A convolution.
    Conv(IntegerConv),
    /// Sums of a few terms.
    Sums(Vec<Sum>),
    /// Products of two wires.
    Products(Vec<(Wire, Wire)>),
    /// A function of each wire.
    Table {
        /// Which of the program's tables.
        table: usize,
        /// The arguments.
        inputs: Vec<Wire>,
    },
    /// Integers that the prover supplies.
    Hints(Vec<Hint>),
    /// The scores of decision trees; at most one step of a program. [`Finish::Exact`].
    Forest(Forest),
}

/// `bias + sum weight * wire`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// `(wire, weight)`, each wire at most once.
    pub terms: Vec<(Wire, i64)>,
    /// What is added.
    pub bias: i64,
}

/// What the honest prover supplies; never negative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    /// `numerator / denominator`, rounded down; 0 unless both are positive.
    Quotient {
        /// What is divided.
        numerator: Sum,
        /// By what.
        denominator: Sum,
    },
    /// The square root, rounded down; 0 of what is negative.
    Root(Sum),
}

/// How a value `v` comes from an accumulator `y`. With `s` the rescale's bits:
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// `v = round(y / 2^s)`, halves upwards.
    Round,
    /// `v = max(0, round(y / 2^s))`.
    Relu,
    /// `v = y`.
    Exact,
    /// `v = max(0, y)`.
    ExactRelu,
    /// `v = y`, and there is no proof unless it is at least 0.
    Nonnegative,
}

impl ProgramLimbs {
    /// Bits of a rescale.
    pub fn shift_bits(&self) -> u32 {
        self.bits * self.shift
    }

    /// Bits of a function's remainder.
    pub fn table_bits(&self) -> u32 {
        self.bits * self.table
    }

    /// Bits of the magnitude of a rescaled value.
    pub fn magnitude_bits(&self) -> u32 {
        self.bits * (self.total - self.shift)
    }

    /// Bits of all limbs of a row.
    pub fn total_bits(&self) -> u32 {
        self.bits * self.total
    }

    /// The inclusive range of an input.
    pub fn input_range(&self) -> (i64, i64) {
        let half = 1i64 << (self.bits * self.input - 1);
        (-half, half - 1)
    }

    /// The inclusive range that a value can have after `finish`.
    pub fn range(&self, finish: Finish) -> (i64, i64) {
        let (magnitude, total) = (1i64 << self.magnitude_bits(), 1i64 << self.total_bits());
        match finish {
            Finish::Round => (-magnitude / 2, magnitude / 2 - 1),
            Finish::Relu => (0, magnitude - 1),
            Finish::Exact => (-total / 2, total / 2 - 1),
            Finish::ExactRelu | Finish::Nonnegative => (0, total - 1),
        }
    }

    /// Whether a program can have these.
    ///
    /// # Errors
    /// [`QuantError::Invalid`].
    pub fn check(&self) -> Result<(), QuantError> {
        let is_valid = (1..=16).contains(&self.bits)
            && (1..=16).contains(&self.total)
            && (1..=self.total).contains(&self.input)
            && (1..self.total).contains(&self.shift)
            && (1..self.total).contains(&self.table)
            && self.total_bits() <= 60;
        match is_valid {
            true => Ok(()),
            false => {
                let what = format!("its limbs are {self:?}");
                Err(QuantError::Invalid { what })
            }
        }
    }
}

impl Sum {
    /// The wire itself.
    pub fn of(wire: Wire) -> Self {
        Self {
            terms: vec![(wire, 1)],
            bias: 0,
        }
    }

    pub(crate) fn weights(&self) -> impl Iterator<Item = i64> + '_ {
        self.terms.iter().map(|(_, weight)| *weight)
    }

    /// Its value.
    pub(crate) fn value(&self, wires: &[i64]) -> i128 {
        let terms = self.terms.iter();
        let products = terms.map(|(wire, weight)| i128::from(*weight) * i128::from(wires[*wire]));
        i128::from(self.bias) + products.sum::<i128>()
    }
}

impl Table {
    /// The arguments that it has values for: from, and up to but without.
    pub fn domain(&self, limbs: &ProgramLimbs) -> (i64, i64) {
        let width = (self.segments.len() as i64) << limbs.bits;
        (self.first, self.first + width)
    }

    /// The segment of an argument in the domain, and the place in it.
    pub fn locate(&self, x: i64, limbs: &ProgramLimbs) -> (usize, i64) {
        let offset = x - self.first;
        (
            (offset >> limbs.bits) as usize,
            offset & ((1 << limbs.bits) - 1),
        )
    }

    /// The value at an argument in the domain.
    pub fn value(&self, x: i64, limbs: &ProgramLimbs) -> i64 {
        let (segment, t) = self.locate(x, limbs);
        self.at(segment, t, limbs)
    }

    fn at(&self, segment: usize, t: i64, limbs: &ProgramLimbs) -> i64 {
        let (c0, c1) = self.segments[segment];
        let interpolated = i128::from(c0) + i128::from(c1) * i128::from(t);
        zkassay_fixed::shift_round(interpolated, limbs.table_bits()) as i64
    }
}

impl Step {
    /// Number of wires.
    pub fn len(&self) -> usize {
        match &self.kind {
            Kind::Dense { bias, .. } => bias.len(),
            Kind::Conv(conv) => conv.outputs(),
            Kind::Sums(sums) => sums.len(),
            Kind::Products(pairs) => pairs.len(),
            Kind::Table { inputs, .. } => inputs.len(),
            Kind::Hints(hints) => hints.len(),
            Kind::Forest(forest) => forest.bias.len(),
        }
    }

    /// Whether it has no wires.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every weight of it.
    pub(crate) fn weights(&self) -> Box<dyn Iterator<Item = i64> + '_> {
        match &self.kind {
            Kind::Dense { weights, .. } => Box::new(weights.iter().copied()),
            Kind::Conv(conv) => Box::new(conv.weights.iter().copied()),
            Kind::Sums(sums) => Box::new(sums.iter().flat_map(Sum::weights)),
            Kind::Hints(hints) => {
                let sums = hints.iter().flat_map(Hint::sums);
                Box::new(sums.flat_map(Sum::weights))
            }
            Kind::Products(_) | Kind::Table { .. } | Kind::Forest(_) => {
                Box::new(std::iter::empty())
            }
        }
    }
}

impl Program {
    /// Number of wires.
    pub fn wires(&self) -> usize {
        self.inputs + self.steps.iter().map(Step::len).sum::<usize>()
    }

    /// Number of weights and biases.
    pub fn parameters(&self) -> usize {
        let of = |step: &Step| match &step.kind {
            Kind::Dense { weights, bias, .. } => weights.len() + bias.len(),
            Kind::Conv(conv) => conv.weights.len() + conv.bias.len(),
            Kind::Forest(forest) => {
                let leaves: usize = forest.leaves.iter().map(Vec::len).sum();
                forest.nodes.len() + leaves
            }
            _ => 0,
        };
        self.steps.iter().map(of).sum()
    }

    /// What a single output must reach for class 1.
    pub fn threshold(&self) -> f64 {
        if self.probability { 0.5 } else { 0.0 }
    }

    /// The scale of each input, a label and a salt included.
    pub fn input_scales(&self) -> InputScales {
        match &self.encoding {
            Encoding::Scaled | Encoding::Ranks { .. } => self.input_scale.into(),
            Encoding::Shifted { offsets } => {
                let own = |index| self.encoding.scale_of(index, self.input_scale);
                let scales: Vec<Scale> = (0..offsets.len()).map(own).collect();
                InputScales::of_each(&scales)
            }
        }
    }

    /// Numbers in a row of real inputs, the label included.
    pub fn row_length(&self) -> usize {
        match &self.encoding {
            Encoding::Scaled | Encoding::Shifted { .. } => self.inputs,
            Encoding::Ranks { features, .. } => features + usize::from(self.labelled),
        }
    }

    /// The reals that the integers of a row stand for; `None` of ranks and labelled rows.
    ///
    /// # Errors
    /// As [`quantize`](Self::quantize).
    pub(crate) fn reals_of_inputs(&self, row: &[f32]) -> Result<Option<Vec<f32>>, QuantError> {
        if self.labelled || matches!(self.encoding, Encoding::Ranks { .. }) {
            return Ok(None);
        }
        let integers = self.quantize(row)?.into_iter().enumerate();
        let scale = |at: usize| self.encoding.scale_of(at, self.input_scale);
        let reals = integers.map(|(at, x)| scale(at).real(x) as f32);
        Ok(Some(reals.collect()))
    }

    /// The integers of one row of real inputs.
    ///
    /// # Errors
    /// A row of another length, a value that is not a number or lies outside the input range, or a
    /// label that is not an integer in that range.
    pub fn quantize(&self, row: &[f32]) -> Result<Vec<i64>, QuantError> {
        if row.len() != self.row_length() {
            return Err(QuantError::RowLength {
                input: self.input.clone(),
                expected: self.row_length(),
                found: row.len(),
            });
        }
        let (features, label) = match self.labelled {
            true => row.split_at(row.len().saturating_sub(1)),
            false => (row, [].as_slice()),
        };
        let range = self.limbs.input_range();
        let encode = |scale: &dyn Fn(usize) -> Scale, row: &[f32]| {
            crate::model::quantize_row(&self.input, row.len(), scale, range, row)
        };
        let mut integers = match &self.encoding {
            Encoding::Scaled | Encoding::Shifted { .. } => {
                let own = |index| self.encoding.scale_of(index, self.input_scale);
                encode(&own, features)?
            }
            Encoding::Ranks { ranks, .. } => ranks::of_row(&self.input, ranks, features)?,
        };
        let is_class = |label: &f32| label.fract() == 0.0;
        if let Some(label) = label.iter().find(|label| !is_class(label)) {
            return Err(QuantError::OutOfRange {
                input: self.input.clone(),
                index: features.len(),
                value: *label,
                low: 0.0,
                high: range.1 as f64,
            });
        }
        integers.extend(encode(&|_| Scale(0), label)?);
        Ok(integers)
    }
}
