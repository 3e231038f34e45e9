//! What the constraint system of a program looks like.

use zkassay_fixed::{DataVisibility, ParamsVisibility, Visibility};

use crate::poseidon::WIDTH;
use crate::shape::{UNUSABLE_ROWS, variant};
use crate::{Shape, ShapeError};

/// Which of the rows that not every program needs there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    /// A rescale.
    pub round: bool,
    /// A rescale and ReLU.
    pub relu: bool,
    /// ReLU without a rescale.
    pub exact_relu: bool,
    /// A range check.
    pub exact: bool,
    /// A range check from zero on.
    pub nonnegative: bool,
    /// A value that nothing reads.
    pub free: bool,
    /// Such values in the limbs' cells, too.
    pub wide: bool,
    /// A product of two operands.
    pub product: bool,
    /// A function.
    pub table: bool,
}

/// The public shape of a program's proof table: everything that its gates depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramShape {
    /// log2 of the number of rows.
    pub logrows: u32,
    /// Bits of a limb: the range table is `0..2^limb_bits`.
    pub limb_bits: u32,
    /// Limbs in a row.
    pub limbs: u32,
    /// Limbs of an input.
    pub input_limbs: u32,
    /// Limbs of a rescale's remainder.
    pub shift_limbs: u32,
    /// Limbs of a function's remainder.
    pub table_limbs: u32,
    /// Weights per row: fixed columns.
    pub block_width: u32,
    /// By which powers of `r` the factor of an operand can step from one row to the next.
    pub strides: Vec<u32>,
    /// How many outputs linear steps have.
    pub starts: Vec<u32>,
    /// Which rows there are.
    pub kinds: Kinds,
    /// Highest degree of a gate: 3 or 5.
    pub degree: u32,
    /// Number of inputs.
    pub inputs: u32,
    /// The row of the first input; the others follow.
    pub first_input: u32,
    /// Number of outputs.
    pub outputs: u32,
    /// The row of the first output.
    pub first_output: u32,
    /// Rows from one output to the next.
    pub output_stride: u32,
    /// Rows that the two halves use; hashes may need [more](Self::needed_rows).
    pub used_rows: u32,
    /// Inferences side by side.
    pub lanes: u32,
    /// Whether public outputs are the sums over all lanes.
    pub totals: bool,
    /// Nodes of decision trees in a row; 0 without trees.
    pub slots: u32,
    /// What is revealed. Weights are always fixed.
    pub visibility: Visibility,
}

impl Kinds {
    fn to_bits(self) -> u32 {
        let all = [
            self.round,
            self.relu,
            self.exact_relu,
            self.exact,
            self.nonnegative,
            self.free,
            self.product,
            self.table,
            self.wide,
        ];
        all.iter()
            .rev()
            .fold(0, |bits, kind| bits << 1 | u32::from(*kind))
    }

    fn from_bits(bits: u32) -> Self {
        let bit = |position: u32| bits >> position & 1 == 1;
        Self {
            round: bit(0),
            relu: bit(1),
            exact_relu: bit(2),
            exact: bit(3),
            nonnegative: bit(4),
            free: bit(5),
            product: bit(6),
            table: bit(7),
            wide: bit(8),
        }
    }
}

impl ProgramShape {
    /// The most strides.
    pub const MAX_STRIDES: usize = 32;
    /// The most outputs for which a row makes room: a verifier multiplies that often.
    pub const MAX_START: u32 = 256;
    /// The most numbers of outputs.
    pub const MAX_STARTS: usize = 32;
    /// The first word of the bytes of a program's shape has this bit, that of a chain's has not.
    pub const MARK: u32 = 1 << 31;
    /// Length of [`to_bytes`](Self::to_bytes).
    pub const BYTES: usize = 4 * Self::WORDS;

    const WORDS: usize = 22 + Self::MAX_STRIDES + Self::MAX_STARTS;
    /// The most inferences in one table.
    pub const MAX_LANES: u32 = 1 << 10;
    /// The most columns of limbs, nodes and hashes, of all lanes together.
    pub const MAX_COLUMNS: u64 = 1 << 13;
    /// The most rows of all lanes together: a verifier makes a column of public values for each lane.
    pub const MAX_LANE_ROWS: u64 = 1 << 25;
    /// The most public inputs, and the most public outputs, of all lanes together.
    pub const MAX_PUBLIC: u64 = 1 << 24;
    /// The most nodes in a row.
    pub const MAX_SLOTS: u32 = 1 << 8;

    /// Rows in the table.
    pub fn rows(&self) -> usize {
        1 << self.logrows
    }

    /// Rows that gates may use, `0..last_row()`; the row after them is a boundary.
    pub fn last_row(&self) -> usize {
        self.rows().saturating_sub(UNUSABLE_ROWS + 1)
    }

    /// Bits of an input, sign included.
    pub fn input_bits(&self) -> u32 {
        self.input_limbs * self.limb_bits
    }

    /// Bits of a rescale.
    pub fn shift(&self) -> u32 {
        self.shift_limbs * self.limb_bits
    }

    /// Bits of a rescaled value's magnitude.
    pub fn magnitude_bits(&self) -> u32 {
        (self.limbs - self.shift_limbs) * self.limb_bits
    }

    /// Bits of all limbs of a row.
    pub fn total_bits(&self) -> u32 {
        self.limbs * self.limb_bits
    }

    /// Bits of a function's remainder.
    pub fn table_bits(&self) -> u32 {
        self.table_limbs * self.limb_bits
    }

    /// Whether inputs are public.
    pub fn reveals_inputs(&self) -> bool {
        self.visibility.input == DataVisibility::Public
    }

    /// Whether outputs are public.
    pub fn reveals_outputs(&self) -> bool {
        self.visibility.output == DataVisibility::Public
    }

    /// The row of an input.
    pub fn input_row(&self, index: usize) -> usize {
        self.first_input as usize + index
    }

    /// The row of an output.
    pub fn output_row(&self, index: usize) -> usize {
        self.first_output as usize + index * self.output_stride as usize
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
        within("logrows", self.logrows.into(), 5, Shape::MAX_LOGROWS.into())?;
        let limb_bits = u64::from(self.limb_bits);
        within("limb bits", limb_bits, 1, (self.logrows - 1).into())?;
        let last = self.last_row() as u64;
        within("table rows", 1 << self.limb_bits, 2, last)?;
        within("limbs", self.limbs.into(), 2, 16)?;
        let limbs = u64::from(self.limbs);
        within("bits of a row's limbs", limbs * limb_bits, 2, 60)?;
        within("input limbs", self.input_limbs.into(), 1, limbs)?;
        within("remainder limbs", self.shift_limbs.into(), 1, limbs - 1)?;
        within("table limbs", self.table_limbs.into(), 1, limbs - 1)?;
        within(
            "block width",
            self.block_width.into(),
            1,
            Shape::MAX_BLOCK_WIDTH.into(),
        )?;
        let strides = self.strides.len() as u64;
        within("number of strides", strides, 0, Self::MAX_STRIDES as u64)?;
        for stride in &self.strides {
            within("stride", (*stride).into(), 0, self.block_width.into())?;
        }
        let starts = self.starts.len() as u64;
        within("numbers of outputs", starts, 0, Self::MAX_STARTS as u64)?;
        for outputs in &self.starts {
            within(
                "outputs of a step",
                (*outputs).into(),
                1,
                Self::MAX_START.into(),
            )?;
        }
        within("lanes", self.lanes.into(), 1, Self::MAX_LANES.into())?;
        within(
            "nodes per row",
            self.slots.into(),
            0,
            Self::MAX_SLOTS.into(),
        )?;
        let rounds = if self.hashes() { 3 * WIDTH as u64 } else { 0 };
        let columns = u64::from(self.lanes) * (limbs + 3 * u64::from(self.slots) + rounds);
        within("columns of all lanes", columns, 1, Self::MAX_COLUMNS)?;
        if self.totals {
            // Public integers have at most 62 bits.
            let most = 1 << (62 - (limbs * limb_bits).min(61));
            within("lanes of a total", self.lanes.into(), 1, most)?;
        }
        within("used rows", self.used_rows.into(), 1, last)?;
        let used = u64::from(self.used_rows);
        within("inputs", self.inputs.into(), 1, used)?;
        within("outputs", self.outputs.into(), 1, used)?;
        within(
            "rows from output to output",
            self.output_stride.into(),
            1,
            2,
        )?;
        let last_first = |count: u32, stride: u32| {
            let rows = u64::from(count - 1) * u64::from(stride) + 1;
            used.saturating_sub(rows)
        };
        let last_output = self.output_row(self.outputs as usize - 1) as u64;
        within("row of the last output", last_output, 0, used - 1)?;
        within(
            "row of the first input",
            self.first_input.into(),
            0,
            last_first(self.inputs, 1),
        )?;
        within(
            "row of the first output",
            self.first_output.into(),
            0,
            last_first(self.outputs, self.output_stride),
        )?;
        // A verifier computes with all of them.
        let lanes = u64::from(self.lanes);
        let rows = lanes << self.logrows;
        within("rows of all lanes", rows, 1, Self::MAX_LANE_ROWS)?;
        if self.reveals_inputs() {
            let values = u64::from(self.inputs) * lanes;
            within("public inputs of all lanes", values, 1, Self::MAX_PUBLIC)?;
        }
        if self.reveals_outputs() && !self.totals {
            let values = u64::from(self.outputs) * lanes;
            within("public outputs of all lanes", values, 1, Self::MAX_PUBLIC)?;
        }
        within("rows with hashes", self.needed_rows() as u64, 1, last)?;
        let hashed_totals = self.totals && self.visibility.output == DataVisibility::Hashed;
        if hashed_totals || self.visibility.is_unbound() {
            return Err(ShapeError {
                what: "visibility",
                found: 2,
                expected: "fixed parameters, and no hashes of totals".into(),
            });
        }
        if ![3, 5].contains(&self.degree) {
            return Err(ShapeError {
                what: "degree",
                found: self.degree.into(),
                expected: "3 or 5".into(),
            });
        }
        Ok(())
    }

    /// The shape as bytes: little-endian `u32`, the first with the [mark](Self::MARK).
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut lists = [0; Self::MAX_STRIDES + Self::MAX_STARTS];
        let (strides, starts) = lists.split_at_mut(Self::MAX_STRIDES);
        for (word, stride) in strides.iter_mut().zip(&self.strides) {
            *word = *stride;
        }
        for (word, outputs) in starts.iter_mut().zip(&self.starts) {
            *word = *outputs;
        }
        let words = [
            self.logrows | Self::MARK,
            self.limb_bits,
            self.limbs,
            self.input_limbs,
            self.shift_limbs,
            self.table_limbs,
            self.block_width,
            self.kinds.to_bits(),
            self.degree,
            self.inputs,
            self.first_input,
            self.outputs,
            self.first_output,
            self.output_stride,
            self.used_rows,
            self.visibility.input as u32,
            self.visibility.output as u32,
            self.lanes,
            self.totals.into(),
            self.slots,
            self.strides.len() as u32,
            self.starts.len() as u32,
        ];
        let mut bytes = [0; Self::BYTES];
        let all = words.into_iter().chain(lists);
        for (chunk, word) in bytes.chunks_exact_mut(4).zip(all) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Reads a shape; it still has to be [validated](Self::validate).
    ///
    /// # Errors
    /// Bytes that no shape has.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Result<Self, ShapeError> {
        let mut words = bytes
            .chunks_exact(4)
            .map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]]));
        let mut next = || words.next().unwrap_or_default();
        let mut shape = Self {
            logrows: next() & !Self::MARK,
            limb_bits: next(),
            limbs: next(),
            input_limbs: next(),
            shift_limbs: next(),
            table_limbs: next(),
            block_width: next(),
            kinds: Kinds::from_bits(next()),
            degree: next(),
            inputs: next(),
            first_input: next(),
            outputs: next(),
            first_output: next(),
            output_stride: next(),
            used_rows: next(),
            visibility: Visibility {
                input: variant("input visibility", &DataVisibility::ALL, next())?,
                output: variant("output visibility", &DataVisibility::ALL, next())?,
                params: ParamsVisibility::Fixed,
            },
            lanes: next(),
            totals: next() == 1,
            slots: next(),
            strides: vec![],
            starts: vec![],
        };
        let strides = (next() as usize).min(Self::MAX_STRIDES);
        let starts = (next() as usize).min(Self::MAX_STARTS);
        let mut lists: Vec<u32> = words.collect();
        shape.starts = lists.split_off(Self::MAX_STRIDES);
        shape.starts.truncate(starts);
        lists.truncate(strides);
        shape.strides = lists;
        match shape.to_bytes() == *bytes {
            true => Ok(shape),
            false => Err(ShapeError {
                what: "encoding",
                found: 0,
                expected: "the one of this shape".into(),
            }),
        }
    }
}
