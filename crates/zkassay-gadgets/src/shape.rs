//! What a constraint system looks like, without the model behind it.

use zkassay_fixed::{DataVisibility, ParamsVisibility, Visibility};

use crate::poseidon::Sponge;

/// Rows that halo2 fills with blinding factors, plus the one before them.
pub(crate) const UNUSABLE_ROWS: usize = 6;

/// The public shape of a proof table: everything that the gates depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// log2 of the number of rows.
    pub logrows: u32,
    /// Bits of a limb: the range table is `0..2^limb_bits`.
    pub limb_bits: u32,
    /// Limbs of an input; inputs are `input_limbs * limb_bits`-bit integers.
    pub input_limbs: u32,
    /// Limbs of the remainder of a rescale; the shift is `remainder_limbs * limb_bits` bits.
    /// Zero in a model without hidden layers.
    pub remainder_limbs: u32,
    /// Limbs of a hidden value's magnitude. Zero in a model without hidden layers.
    pub magnitude_limbs: u32,
    /// Weights per row: fixed columns.
    pub block_width: u32,
    /// Rows per value in the widest layer: `ceil(width / block_width)`; 1 without hidden layers.
    pub blocks: u32,
    /// Outputs of the model.
    pub outputs: u32,
    /// Rows that hold the limbs of one output's distance to one end of its interval.
    pub output_rows: u32,
    /// Highest degree of a gate: 3 or 5. Higher means fewer columns, but a
    /// quotient polynomial of twice the size.
    pub degree: u32,
    /// Inputs of the model.
    pub inputs: u32,
    /// The row of the first input.
    pub first_input: u32,
    /// Rows from one input to the next: the blocks of the first layer.
    pub input_stride: u32,
    /// What is revealed, and whether the weights are fixed.
    pub visibility: Visibility,
}

/// The smallest shape: one layer, one output.
impl Default for Shape {
    fn default() -> Self {
        Self {
            logrows: 4,
            limb_bits: 3,
            input_limbs: 1,
            remainder_limbs: 0,
            magnitude_limbs: 0,
            block_width: 1,
            blocks: 1,
            outputs: 1,
            output_rows: 1,
            degree: 3,
            inputs: 1,
            first_input: 2,
            input_stride: 1,
            visibility: Visibility::default(),
        }
    }
}

/// Why a [`Shape`] cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("circuit shape: {what} is {found}, expected {expected}")]
pub struct ShapeError {
    /// Which property.
    pub what: &'static str,
    /// Its value.
    pub found: u64,
    /// What is allowed.
    pub expected: String,
}

impl Shape {
    /// The bits that may be recomposed from the limbs of one value. Sums of
    /// products of such values stay far below the 254 bits of the field.
    pub const MAX_VALUE_BITS: u32 = 64;

    /// The largest table. A verifier prepares it before it reads anything else of a key.
    pub const MAX_LOGROWS: u32 = 20;
    /// The most weights per row: their sum is an expression nested as deeply.
    pub const MAX_BLOCK_WIDTH: u32 = 1 << 10;
    /// The most blocks of outputs.
    pub const MAX_BLOCKS: u32 = 64;

    /// Rows in the table.
    pub fn rows(&self) -> usize {
        1 << self.logrows
    }

    /// Rows that gates may use, `0..last_row()`; the row after them is
    /// pinned by the [`boundary`](crate::boundary) gate.
    pub fn last_row(&self) -> usize {
        self.rows().saturating_sub(UNUSABLE_ROWS + 1)
    }

    /// Limb columns.
    pub fn limbs(&self) -> u32 {
        self.input_limbs
            .max(self.remainder_limbs + self.magnitude_limbs)
    }

    /// Whether the model has hidden layers.
    pub fn has_hidden(&self) -> bool {
        self.magnitude_limbs > 0
    }

    /// Whether values have a column of their own; else they are an expression of their limbs.
    pub fn has_values(&self) -> bool {
        self.has_hidden() || self.unbound()
    }

    /// Whether the weights are a secret of the prover.
    pub fn unbound(&self) -> bool {
        self.visibility.is_unbound()
    }

    /// Whether there are public inputs.
    pub fn reveals_inputs(&self) -> bool {
        self.visibility.input == DataVisibility::Public
    }

    /// Whether anything is hashed.
    pub fn hashes(&self) -> bool {
        let Visibility { input, output, .. } = self.visibility;
        [input, output].contains(&DataVisibility::Hashed)
    }

    /// Whether several values are combined by powers of `r`.
    pub fn folds(&self) -> bool {
        self.has_hidden() || self.outputs > 1
    }

    /// The hash of the outputs, in the rows from 0.
    pub fn output_sponge(&self) -> Option<Sponge> {
        let bits = self.output_bits();
        (self.visibility.output == DataVisibility::Hashed)
            .then(|| Sponge::new(0, self.outputs as usize, bits))
    }

    /// The hash of the inputs, in the rows after that of the outputs.
    pub fn input_sponge(&self) -> Option<Sponge> {
        let first = self.output_sponge().map_or(0, |sponge| sponge.digest_row());
        (self.visibility.input == DataVisibility::Hashed)
            .then(|| Sponge::new(first, self.inputs as usize, self.input_bits()))
    }

    /// The row of input `index`.
    pub fn input_row(&self, index: usize) -> usize {
        self.first_input as usize + index * self.input_stride as usize
    }

    /// Rows that values and hashes need.
    pub fn needed_rows(&self) -> usize {
        let values = self.input_row(self.inputs as usize);
        let last_sponge = self.input_sponge().or(self.output_sponge());
        values.max(last_sponge.map_or(0, |sponge| sponge.digest_row() + 1))
    }

    /// Bits of a rescale.
    pub fn shift(&self) -> u32 {
        self.remainder_limbs * self.limb_bits
    }

    /// Bits of an input, sign included.
    pub fn input_bits(&self) -> u32 {
        self.input_limbs * self.limb_bits
    }

    /// Bits of a hidden value.
    pub fn magnitude_bits(&self) -> u32 {
        self.magnitude_limbs * self.limb_bits
    }

    /// Bits of an output's distance to an end of its interval.
    pub fn output_bits(&self) -> u32 {
        self.output_rows * self.limbs() * self.limb_bits
    }

    /// The instance row of the first limb row of output `index`, for the upper
    /// (`side` 0) or lower (1) end of its interval.
    pub fn output_row(&self, side: usize, index: usize) -> usize {
        let (outputs, rows) = (self.outputs as usize, self.output_rows as usize);
        (side * outputs + index) * rows
    }

    /// Rows of the output block: both sides of all outputs.
    pub fn output_block(&self) -> usize {
        2 * self.outputs as usize * self.output_rows as usize
    }

    /// Checks that the gates are sound and the table is well formed.
    ///
    /// # Errors
    /// The first property that does not hold.
    pub fn validate(&self) -> Result<(), ShapeError> {
        let within = |what, found: u64, low: u64, high: u64| {
            if (low..=high).contains(&found) {
                return Ok(());
            }
            let expected = format!("{low} to {high}");
            Err(ShapeError {
                what,
                found,
                expected,
            })
        };
        within("logrows", self.logrows.into(), 4, Self::MAX_LOGROWS.into())?;
        within(
            "limb bits",
            self.limb_bits.into(),
            1,
            (self.logrows - 1).into(),
        )?;
        within("table rows", 1 << self.limb_bits, 2, self.last_row() as u64)?;
        within("input limbs", self.input_limbs.into(), 1, 16)?;
        within("remainder limbs", self.remainder_limbs.into(), 0, 16)?;
        within("magnitude limbs", self.magnitude_limbs.into(), 0, 16)?;
        if self.has_hidden() != (self.remainder_limbs > 0) {
            return Err(ShapeError {
                what: "remainder limbs",
                found: self.remainder_limbs.into(),
                expected: "some exactly if there are magnitude limbs".into(),
            });
        }
        let value_bits = self.limbs() * self.limb_bits;
        within(
            "bits of a value",
            value_bits.into(),
            1,
            Self::MAX_VALUE_BITS.into(),
        )?;
        within(
            "block width",
            self.block_width.into(),
            1,
            Self::MAX_BLOCK_WIDTH.into(),
        )?;
        within("blocks", self.blocks.into(), 1, Self::MAX_BLOCKS.into())?;
        if !self.has_values() && self.blocks > 1 {
            // Values without a column cannot be repeated for another block.
            return Err(ShapeError {
                what: "blocks",
                found: self.blocks.into(),
                expected: "1 without hidden layers".into(),
            });
        }
        within("outputs", self.outputs.into(), 1, 1 << 16)?;
        within("output rows", self.output_rows.into(), 1, 64)?;
        within("bits of an output", self.output_bits().into(), 1, 128)?;
        within(
            "output block",
            self.output_block() as u64,
            2,
            self.last_row() as u64,
        )?;
        within("inputs", self.inputs.into(), 1, self.last_row() as u64)?;
        within(
            "input stride",
            self.input_stride.into(),
            1,
            Self::MAX_BLOCKS.into(),
        )?;
        within(
            "row of the first input",
            self.first_input.into(),
            self.output_block() as u64,
            self.last_row() as u64,
        )?;
        within("rows", self.needed_rows() as u64, 1, self.last_row() as u64)?;
        if ![3, 5].contains(&self.degree) {
            return Err(ShapeError {
                what: "degree",
                found: self.degree.into(),
                expected: "3 or 5".into(),
            });
        }
        Ok(())
    }

    /// The shape as bytes: sixteen little-endian `u32`.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        for (chunk, field) in bytes.chunks_exact_mut(4).zip(self.fields()) {
            chunk.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }

    /// Length of [`to_bytes`](Self::to_bytes).
    pub const BYTES: usize = 64;

    /// Reads a shape; it still has to be [validated](Self::validate).
    ///
    /// # Errors
    /// A visibility that is none.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Result<Self, ShapeError> {
        let mut fields = bytes
            .chunks_exact(4)
            .map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]]));
        let mut next = || fields.next().unwrap_or_default();
        Ok(Self {
            logrows: next(),
            limb_bits: next(),
            input_limbs: next(),
            remainder_limbs: next(),
            magnitude_limbs: next(),
            block_width: next(),
            blocks: next(),
            outputs: next(),
            output_rows: next(),
            degree: next(),
            inputs: next(),
            first_input: next(),
            input_stride: next(),
            visibility: Visibility {
                input: variant("input visibility", &DataVisibility::ALL, next())?,
                output: variant("output visibility", &DataVisibility::ALL, next())?,
                params: variant("visibility of parameters", &ParamsVisibility::ALL, next())?,
            },
        })
    }

    fn fields(&self) -> [u32; 16] {
        let Visibility {
            input,
            output,
            params,
        } = self.visibility;
        [
            self.logrows,
            self.limb_bits,
            self.input_limbs,
            self.remainder_limbs,
            self.magnitude_limbs,
            self.block_width,
            self.blocks,
            self.outputs,
            self.output_rows,
            self.degree,
            self.inputs,
            self.first_input,
            self.input_stride,
            input as u32,
            output as u32,
            params as u32,
        ]
    }
}

/// The variant at the position that a file says.
pub(crate) fn variant<T: Copy>(
    what: &'static str,
    all: &[T],
    position: u32,
) -> Result<T, ShapeError> {
    all.get(position as usize).copied().ok_or(ShapeError {
        what,
        found: position.into(),
        expected: format!("0 to {}", all.len() - 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        Shape {
            logrows: 9,
            limb_bits: 8,
            input_limbs: 2,
            remainder_limbs: 2,
            magnitude_limbs: 3,
            block_width: 128,
            blocks: 1,
            outputs: 3,
            output_rows: 2,
            degree: 3,
            inputs: 20,
            first_input: 40,
            input_stride: 1,
            visibility: Visibility {
                input: DataVisibility::Hashed,
                output: DataVisibility::Hashed,
                params: ParamsVisibility::Private,
            },
        }
    }

    #[test]
    fn bytes_round_trip() {
        let mut bytes = shape().to_bytes();
        assert_eq!(Shape::from_bytes(&bytes), Ok(shape()));
        bytes[52] = 3;
        let error = Shape::from_bytes(&bytes).unwrap_err().to_string();
        assert!(error.contains("input visibility is 3"), "{error}");
    }

    #[test]
    fn hashes_follow_each_other() {
        // One permutation for the three outputs; twenty inputs of 16 bits are two elements.
        let (output, input) = (shape().output_sponge(), shape().input_sponge());
        let (output, input) = (output.unwrap(), input.unwrap());
        assert_eq!(output.first_row, 0);
        assert_eq!(input.first_row, output.digest_row());
        assert_eq!(shape().needed_rows(), input.digest_row() + 1);
    }

    #[test]
    fn output_rows_are_disjoint_and_fill_the_block() {
        let shape = shape();
        let mut rows: Vec<usize> = (0..2)
            .flat_map(|side| (0..3).map(move |i| (side, i)))
            .map(|(side, i)| shape.output_row(side, i))
            .collect();
        rows.sort_unstable();
        assert_eq!(rows, [0, 2, 4, 6, 8, 10]);
        assert_eq!(shape.output_block(), 12);
        assert_eq!(shape.output_row(1, 2), 10);
    }

    #[test]
    fn shapes_that_would_be_unsound_or_huge_are_refused() {
        assert_eq!(shape().validate(), Ok(()));
        assert_eq!(Shape::default().validate(), Ok(()));
        let broken: [fn(&mut Shape); 17] = [
            |s| s.inputs = 0,
            |s| s.inputs = 500,
            |s| s.first_input = 11,
            |s| s.input_stride = 100,
            |s| {
                (s.remainder_limbs, s.magnitude_limbs, s.blocks) = (0, 0, 2);
                s.visibility = Visibility::default();
            },
            |s| s.logrows = 3,
            |s| s.logrows = 40,
            |s| s.limb_bits = 9,
            |s| s.limb_bits = 0,
            |s| s.input_limbs = 0,
            |s| s.remainder_limbs = 0,
            |s| s.magnitude_limbs = 9,
            |s| s.block_width = 0,
            |s| s.blocks = u32::MAX,
            |s| s.outputs = 1 << 14,
            |s| s.output_rows = 10,
            |s| s.degree = 4,
        ];
        for (index, change) in broken.iter().enumerate() {
            let mut shape = shape();
            change(&mut shape);
            assert!(shape.validate().is_err(), "case {index}: {shape:?}");
        }
    }
}
