//! Rows and columns for given widths; the cost model.
//!
//! A table of `2^k` rows holds every value of the model, once per block of
//! `block_width` outputs of the layer that consumes it. Wider blocks mean fewer
//! rows and more fixed columns. Proving time is close to
//!
//! ```text
//! rows * (ADVICE * advice columns + fixed columns)
//! ```
//!
//! since an advice column is committed and transformed for each proof, and a
//! fixed one is only transformed. The ratio was fitted to measured proofs.

use zkassay_fixed::{DataVisibility, ParamsVisibility, Visibility};
use zkassay_gadgets::Shape;
use zkassay_gadgets::poseidon::Sponge;
use zkassay_graph::Graph;

use crate::{CircuitError, CompileOptions};

/// How many fixed columns cost as much as one advice column.
const ADVICE: usize = 7;
/// Advice columns with a hidden layer, about: five limbs and their helpers.
const TYPICAL_ADVICE: usize = 15;
/// The smallest table: its limbs have 6 bits.
const MIN_LOGROWS: u32 = 7;
/// Wider range tables gain nothing: values have few limbs already.
const MAX_LIMB_BITS: u32 = 12;
/// Rows put aside for the limbs of one output, until its bounds are known.
const ROWS_PER_OUTPUT: usize = 8;
/// Bits of the biases of a model with secret weights, until they are known.
const BIAS_BITS: u32 = 44;

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
    /// The cheapest table for a float model, which says what limbs to calibrate with.
    ///
    /// # Errors
    /// As [`new`](Self::new), and a graph that cannot be quantised.
    pub fn for_graph(graph: &Graph) -> Result<Self, CircuitError> {
        Self::for_graph_with(graph, &CompileOptions::default())
    }

    /// The cheapest table for a float model and the given options.
    ///
    /// # Errors
    /// As [`for_graph`](Self::for_graph).
    pub fn for_graph_with(graph: &Graph, options: &CompileOptions) -> Result<Self, CircuitError> {
        Self::with_options(&zkassay_quant::widths(graph)?, options)
    }

    /// The cheapest table for a model of the given widths: input length, then the
    /// outputs of each layer.
    ///
    /// # Errors
    /// Widths of zero, or a model that fits no table.
    pub fn new(widths: &[usize]) -> Result<Self, CircuitError> {
        Self::with_options(widths, &CompileOptions::default())
    }

    /// The cheapest table for the given options.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_options(widths: &[usize], options: &CompileOptions) -> Result<Self, CircuitError> {
        if widths.len() < 2 || widths.contains(&0) {
            return Err(CircuitError::Empty {
                widths: widths.to_vec(),
            });
        }
        let widest = widths[1..].iter().copied().max().unwrap_or(1);
        let outputs = widths[widths.len() - 1];
        let unbound = options.visibility.params == ParamsVisibility::Private;
        let mut best: Option<(usize, Self)> = None;
        for logrows in MIN_LOGROWS..=Shape::MAX_LOGROWS {
            let plan = |block_width: usize| Self {
                logrows,
                block_width: block_width as u32,
                limb_bits: (logrows - 1).min(MAX_LIMB_BITS),
                degree: if widths.len() > 2 { 3 } else { 5 },
            };
            let available = Shape {
                logrows,
                ..Shape::default()
            }
            .last_row();
            let reserved = outputs * ROWS_PER_OUTPUT;
            let limb_bits = plan(1).limb_bits;
            let bias_rows = if unbound {
                BIAS_BITS.div_ceil(limb_bits)
            } else {
                0
            } as usize;
            if hash_rows(widths, limb_bits, options) > available {
                continue;
            }
            let fits =
                |width: &usize| value_rows(widths, *width, |_| bias_rows) + reserved <= available;
            // Block widths that split the widest layer into 1, 2, 3, ... blocks. Where values
            // have no column, they cannot be repeated.
            let most = if widths.len() > 2 || unbound {
                Shape::MAX_BLOCKS as usize
            } else {
                1
            };
            let columns = |blocks, width| weight_columns(blocks, width, unbound);
            let cheapest = (1..=most)
                .map(|blocks| (blocks, widest.div_ceil(blocks)))
                .filter(|(_, width)| *width <= Shape::MAX_BLOCK_WIDTH as usize)
                .take_while(|(_, width)| fits(width))
                .min_by_key(|(blocks, width)| columns(*blocks, *width));
            let Some((blocks, block_width)) = cheapest else {
                continue;
            };
            let cost = (ADVICE * TYPICAL_ADVICE + columns(blocks, block_width)) << logrows;
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, plan(block_width)));
            }
        }
        best.map(|(_, plan)| plan)
            .ok_or_else(|| CircuitError::TooLarge {
                needed: value_rows(widths, widest, |_| 0) + outputs,
                block_width: widest as u32,
                max_logrows: Shape::MAX_LOGROWS,
            })
    }
}

/// What the columns of weights, and the selectors that several blocks need, cost in fixed
/// columns. Secret weights have an advice column, and a second one for their range check.
fn weight_columns(blocks: usize, block_width: usize, unbound: bool) -> usize {
    match (unbound, blocks) {
        (true, _) => 2 * ADVICE * block_width + blocks,
        (false, 1) => block_width,
        (false, _) => block_width + blocks + 1,
    }
}

/// Rows of all values: each layer's inputs, and the rows of its bias, times its blocks of outputs.
pub(crate) fn value_rows(
    widths: &[usize],
    block_width: usize,
    bias_rows: impl Fn(usize) -> usize,
) -> usize {
    widths
        .windows(2)
        .enumerate()
        .map(|(layer, pair)| (pair[0] + bias_rows(layer)) * pair[1].div_ceil(block_width))
        .sum()
}

/// Rows of the hashes, for integers of the usual size.
fn hash_rows(widths: &[usize], limb_bits: u32, options: &CompileOptions) -> usize {
    let rows = |visibility, count, limbs| match visibility {
        DataVisibility::Hashed => Sponge::new(0, count, limbs * limb_bits).digest_row() + 1,
        _ => 0,
    };
    let Visibility { input, output, .. } = options.visibility;
    rows(input, widths[0], 2) + rows(output, widths[widths.len() - 1], ROWS_PER_OUTPUT as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_studys_models_get_the_measured_tables() {
        let plan = |widths: &[usize]| {
            let plan = Plan::new(widths).unwrap();
            (plan.logrows, plan.block_width)
        };
        assert_eq!(plan(&[162, 1]), (8, 1));
        assert_eq!(plan(&[162, 16, 1]), (8, 16));
        assert_eq!(plan(&[162, 64, 32, 1]), (9, 32));
        assert_eq!(plan(&[162, 128, 64, 32, 1]), (9, 128));
    }

    #[test]
    fn wide_layers_are_cut_into_blocks() {
        let plan = Plan::new(&[100, 4000, 10]).unwrap();
        assert!(plan.block_width < 4000, "{plan:?}");
    }

    #[test]
    fn models_that_fit_no_table_are_refused() {
        assert!(matches!(Plan::new(&[5]), Err(CircuitError::Empty { .. })));
        assert!(matches!(
            Plan::new(&[5, 0, 1]),
            Err(CircuitError::Empty { .. })
        ));
        // Too many inputs, and too many outputs of a model without hidden layers.
        for widths in [[1 << 21, 10], [10, 2000]] {
            let plan = Plan::new(&widths);
            assert!(
                matches!(plan, Err(CircuitError::TooLarge { .. })),
                "{plan:?}"
            );
        }
    }
}
