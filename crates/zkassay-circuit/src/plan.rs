//! The layout planner: rows and columns for given widths.
//!
//! A table of `2^k` rows holds every value of the model, once per block of
//! `block_width` outputs of the layer that consumes it. Wider blocks mean fewer
//! rows and more columns; a higher degree means fewer columns and more cosets. The planner tries every `k`,
//! number of blocks and degree, and takes what [`cost`](crate::cost) says is best for the target:
//!
//! | target | least |
//! |---|---|
//! | [`Speed`](LayoutTarget::Speed) | `prove * verify^(1/8)`: half the time to verify is worth 9 % of the time to prove, 3 % is no bargain for twice the time |
//! | [`Size`](LayoutTarget::Size) | bytes of a proof, then as `Speed` |
//! | [`Evm`](LayoutTarget::Evm) | as `Speed`, among contracts of at most 24,576 bytes |
//!
//! A plan is a function of widths and options alone, whatever the machine: calibration and layout
//! both call it, and whoever makes a verifying key again gets the same. How many limbs a
//! value has is known only after calibration, so the planner assumes what is usual.

use zkassay_gadgets::Shape;
use zkassay_graph::Graph;

use crate::cost::{CONTRACT_LIMIT, Dimensions, Machine, Profile, Work};
use crate::{CircuitError, CompileOptions, LayoutTarget};

/// The smallest table: its limbs have 6 bits.
pub(crate) const MIN_LOGROWS: u32 = 7;
/// Wider range tables gain nothing: values have few limbs already.
pub(crate) const MAX_LIMB_BITS: u32 = 12;
/// Degrees of gates, fewest cosets first.
pub(crate) const DEGREES: [u32; 2] = [3, 5];

/// Bits of an input, until it is known.
const INPUT_BITS: u32 = 12;
/// Bits of a rescale's remainder, and with its magnitude.
const REMAINDER_BITS: u32 = 12;
const HIDDEN_BITS: u32 = 36;
/// The fewest limbs of a hidden value.
const HIDDEN_LIMBS: u32 = 4;
/// Bits of an output's distance to an end of its interval.
const OUTPUT_BITS: u32 = 48;
/// Bits of the biases of a model with secret weights.
const BIAS_BITS: u32 = 61;

/// The size of a model's table, before its quantisation is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// log2 of the rows.
    pub logrows: u32,
    /// Weights per row.
    pub block_width: u32,
    /// Bits of a limb: what to calibrate with.
    pub limb_bits: u32,
    /// Greatest degree of a gate: 3 or 5.
    pub degree: u32,
}

impl Plan {
    /// The best table for a float model, which says what limbs to calibrate with.
    ///
    /// # Errors
    /// As [`new`](Self::new), and a graph that cannot be quantised.
    pub fn for_graph(graph: &Graph) -> Result<Self, CircuitError> {
        Self::for_graph_with(graph, &CompileOptions::default())
    }

    /// The best table for a float model and the given options.
    ///
    /// # Errors
    /// As [`for_graph`](Self::for_graph).
    pub fn for_graph_with(graph: &Graph, options: &CompileOptions) -> Result<Self, CircuitError> {
        Self::with_options(&zkassay_quant::widths(graph)?, options)
    }

    /// The best table for a model of the given widths: input length, then the
    /// outputs of each layer.
    ///
    /// # Errors
    /// Widths of zero, or a model that fits no table.
    pub fn new(widths: &[usize]) -> Result<Self, CircuitError> {
        Self::with_options(widths, &CompileOptions::default())
    }

    /// The best table for the given options.
    ///
    /// # Errors
    /// As [`new`](Self::new), and a target that no table meets.
    pub fn with_options(widths: &[usize], options: &CompileOptions) -> Result<Self, CircuitError> {
        if widths.len() < 2 || widths.contains(&0) {
            return Err(CircuitError::Empty {
                widths: widths.to_vec(),
            });
        }
        check_widths(widths, options)?;
        let mut best: Option<(Rank, Self)> = None;
        let mut smallest_contract = usize::MAX;
        for (plan, shape) in candidates(widths, options) {
            let dimensions = Dimensions::new(&shape);
            if options.target == LayoutTarget::Evm {
                let bytes = dimensions.contract_bytes();
                smallest_contract = smallest_contract.min(bytes);
                if bytes > CONTRACT_LIMIT {
                    continue;
                }
            }
            let rank = Rank::new(options.target, &Profile::new(&shape));
            if best.is_none_or(|(least, _)| rank < least) {
                best = Some((rank, plan));
            }
        }
        match best {
            Some((_, plan)) => Ok(plan),
            None if smallest_contract < usize::MAX => Err(CircuitError::Contract {
                needed: smallest_contract,
                limit: CONTRACT_LIMIT,
            }),
            None => Err(largest(widths, options)),
        }
    }

    /// The shape that the plan's table is expected to have; calibration decides about limbs, and
    /// with them about a few rows and columns.
    pub fn shape(&self, widths: &[usize], options: &CompileOptions) -> Shape {
        let (inputs, outputs) = (widths[0], widths[widths.len() - 1]);
        let widest = widths[1..].iter().copied().max().unwrap_or(1);
        let width = self.block_width as usize;
        let limbs = |bits: u32| bits.div_ceil(self.limb_bits);
        let has_hidden = widths.len() > 2;
        let remainder_limbs = if has_hidden { limbs(REMAINDER_BITS) } else { 0 };
        let magnitude_limbs = match has_hidden {
            true => limbs(HIDDEN_BITS).max(HIDDEN_LIMBS) - remainder_limbs,
            false => 0,
        };
        let unbound = options.visibility.is_unbound();
        let bias_rows = if unbound {
            bias_digits(self.limb_bits)
        } else {
            0
        };
        let mut shape = Shape {
            logrows: self.logrows,
            limb_bits: self.limb_bits,
            input_limbs: limbs(INPUT_BITS).max(2),
            remainder_limbs,
            magnitude_limbs,
            block_width: self.block_width,
            blocks: widest.div_ceil(width) as u32,
            outputs: outputs as u32,
            output_rows: 1,
            degree: self.degree,
            inputs: inputs as u32,
            first_input: 0,
            input_stride: widths[1].div_ceil(width) as u32,
            visibility: options.visibility,
        };
        shape.output_rows = limbs(OUTPUT_BITS).div_ceil(shape.limbs());
        // The rows of secret biases are below the inputs; there the count is all that matters.
        let values = value_rows(widths, width, bias_rows);
        let rows = shape.output_block() + values;
        shape.first_input = (rows - inputs * shape.input_stride as usize) as u32;
        shape
    }
}

/// What a target minimises, in this order.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Rank(usize, f64);

impl Rank {
    pub(crate) fn new(target: LayoutTarget, profile: &Profile) -> Self {
        let machine = Machine::default();
        let prove = machine.seconds(&Work::proving(profile));
        let verify = machine.seconds(&Work::verifying(profile));
        // Square roots are the same on every machine; powers are not.
        let time = prove * verify.sqrt().sqrt().sqrt();
        match target {
            LayoutTarget::Size => Self(profile.dimensions.proof_bytes(), time),
            LayoutTarget::Speed | LayoutTarget::Evm => Self(0, time),
        }
    }
}

/// Every table that the model fits.
fn candidates<'a>(
    widths: &'a [usize],
    options: &'a CompileOptions,
) -> impl Iterator<Item = (Plan, Shape)> + 'a {
    let widest = widths[1..].iter().copied().max().unwrap_or(1);
    let most_blocks = most_blocks(widths, options);
    let tables = (MIN_LOGROWS..=Shape::MAX_LOGROWS)
        .flat_map(move |logrows| {
            block_widths(widest, most_blocks).map(move |width| (logrows, width))
        })
        .flat_map(|(logrows, width)| DEGREES.map(|degree| (logrows, width, degree)));
    tables.filter_map(|(logrows, block_width, degree)| {
        let plan = Plan {
            logrows,
            block_width: block_width as u32,
            limb_bits: (logrows - 1).min(MAX_LIMB_BITS),
            degree,
        };
        let shape = plan.shape(widths, options);
        (shape.needed_rows() <= shape.last_row()).then_some((plan, shape))
    })
}

/// Block widths that split the widest layer into 1, 2, 3, ... blocks.
fn block_widths(widest: usize, most_blocks: usize) -> impl Iterator<Item = usize> {
    let mut previous = usize::MAX;
    (1..=most_blocks.min(widest))
        .map(move |blocks| widest.div_ceil(blocks))
        .filter(move |width| {
            let is_new = *width < previous;
            previous = *width;
            is_new && *width <= Shape::MAX_BLOCK_WIDTH as usize
        })
}

/// Values without a column of their own cannot be repeated for another block.
fn most_blocks(widths: &[usize], options: &CompileOptions) -> usize {
    let unbound = options.visibility.is_unbound();
    match widths.len() > 2 || unbound {
        true => Shape::MAX_BLOCKS as usize,
        false => 1,
    }
}

/// Refuses widths that no table takes, whatever its rows.
fn check_widths(widths: &[usize], options: &CompileOptions) -> Result<(), CircuitError> {
    let blocks = most_blocks(widths, options);
    let limit = Shape::MAX_BLOCK_WIDTH as usize * blocks;
    if let Some(layer) = widths[1..].iter().position(|width| *width > limit) {
        return Err(CircuitError::TooWide {
            layer: layer + 1,
            outputs: widths[layer + 1],
            limit,
            block_width: Shape::MAX_BLOCK_WIDTH,
            blocks,
        });
    }
    match widths[0] > 1 << Shape::MAX_LOGROWS {
        true => Err(too_large(widths[0], 1, widths)),
        false => Ok(()),
    }
}

/// Why a model that fits no table does not.
fn largest(widths: &[usize], options: &CompileOptions) -> CircuitError {
    let widest = widths[1..].iter().copied().max().unwrap_or(1);
    let plan = Plan {
        logrows: Shape::MAX_LOGROWS,
        block_width: widest.min(Shape::MAX_BLOCK_WIDTH as usize) as u32,
        limb_bits: MAX_LIMB_BITS,
        degree: DEGREES[0],
    };
    let needed = plan.shape(widths, options).needed_rows();
    too_large(needed, plan.block_width, widths)
}

/// The refusal of a model that needs too many rows; says which layer takes the most.
pub(crate) fn too_large(needed: usize, block_width: u32, widths: &[usize]) -> CircuitError {
    let width = block_width as usize;
    let rows = |layer: &usize| widths[*layer].saturating_mul(widths[layer + 1].div_ceil(width));
    let layer = (0..widths.len() - 1).max_by_key(rows).unwrap_or(0);
    CircuitError::TooLarge {
        needed,
        block_width,
        max_logrows: Shape::MAX_LOGROWS,
        layer: layer + 1,
        inputs: widths[layer],
        outputs: widths[layer + 1],
        rows: rows(&layer),
    }
}

/// Rows that hold the digits of a secret bias, whatever it is.
pub(crate) fn bias_digits(limb_bits: u32) -> usize {
    BIAS_BITS.div_ceil(limb_bits) as usize
}

/// Rows of all values: each layer's inputs, and the rows of its bias, times its blocks of outputs.
fn value_rows(widths: &[usize], block_width: usize, bias_rows: usize) -> usize {
    let rows = |pair: &[usize]| (pair[0] + bias_rows) * pair[1].div_ceil(block_width);
    widths.windows(2).map(rows).sum()
}
