//! How many rows and columns a program gets.
//!
//! Unlike a chain's, a program's rows are counted, not estimated: the program is laid out for each
//! number of weights per row, and the best table by [`cost`](crate::cost) is taken.

use zkassay_fixed::DataVisibility;
use zkassay_gadgets::Shape;
use zkassay_gadgets::program::ProgramShape;
use zkassay_quant::{Kind, Program, Step};

use super::rows::Rows;
use super::trees::Trees;
use crate::cost::{CONTRACT_LIMIT, Profile};
use crate::plan::{DEGREES, MAX_LIMB_BITS, MIN_LOGROWS, Rank};
use crate::{CircuitError, CompileOptions, LayoutTarget};

/// The size of a program's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramPlan {
    /// log2 of the rows.
    pub logrows: u32,
    /// Weights per row.
    pub block_width: u32,
    /// Nodes of trees per row.
    pub slots: u32,
    /// Greatest degree of a gate: 3 or 5.
    pub degree: u32,
}

impl ProgramPlan {
    /// The best table for a program, whose limbs are given.
    ///
    /// # Errors
    /// Options that programs do not have; a program that fits no table.
    pub fn best(program: &Program, options: &CompileOptions) -> Result<Self, CircuitError> {
        let visibility = options.visibility;
        if visibility.is_unbound() {
            let what = "private parameters";
            return Err(CircuitError::ProgramVisibility { what });
        }
        if options.totals && visibility.output == DataVisibility::Hashed {
            return Err(CircuitError::HashedTotals);
        }
        if !(1..=ProgramShape::MAX_LANES).contains(&options.batch) {
            return Err(CircuitError::Batch {
                found: options.batch,
                limit: ProgramShape::MAX_LANES,
            });
        }
        let segments: usize = program
            .tables
            .iter()
            .map(|table| table.segments.len())
            .sum();
        let mut best: Option<(Rank, Self)> = None;
        let (mut least_rows, mut least_contract) = (usize::MAX, usize::MAX);
        let slots = slots(program);
        let widths = block_widths(program);
        let sizes = widths.iter().flat_map(|w| slots.iter().map(|s| (*w, *s)));
        for (block_width, slots) in sizes {
            let Some(rows) = Rows::new(program, block_width, slots) else {
                continue;
            };
            let mut plan = Self {
                logrows: MIN_LOGROWS,
                block_width,
                slots,
                degree: DEGREES[0],
            };
            let with_hashes = rows.shape(program, &plan, options).needed_rows();
            let needed = with_hashes.max(segments).max(1 << program.limbs.bits);
            least_rows = least_rows.min(needed);
            let Some(logrows) = logrows(needed) else {
                continue;
            };
            plan.logrows = logrows;
            for degree in DEGREES {
                plan.degree = degree;
                let shape = rows.shape(program, &plan, options);
                if shape.validate().is_err() {
                    continue;
                }
                let profile = Profile::of_program(&shape);
                if options.target == LayoutTarget::Evm {
                    let bytes = profile.dimensions.contract_bytes();
                    least_contract = least_contract.min(bytes);
                    if bytes > CONTRACT_LIMIT {
                        continue;
                    }
                }
                let rank = Rank::new(options.target, &profile);
                if best.is_none_or(|(least, _)| rank < least) {
                    best = Some((rank, plan));
                }
            }
        }
        match best {
            Some((_, plan)) => Ok(plan),
            None if least_contract < usize::MAX => Err(CircuitError::Contract {
                needed: least_contract,
                limit: CONTRACT_LIMIT,
            }),
            None => Err(too_large(program, least_rows)),
        }
    }

    /// The limb bits to calibrate with, for a program of about so many wires whose limbs are not
    /// known yet: as many as the table that it needs has room for.
    ///
    /// # Errors
    /// As [`best`](Self::best).
    pub fn limb_bits(draft: &Program, options: &CompileOptions) -> Result<u32, CircuitError> {
        let plan = Self::best(draft, options)?;
        Ok((plan.logrows - 1).min(MAX_LIMB_BITS))
    }
}

/// Rows that nothing can use.
const UNUSABLE: usize = 7;

/// The least table for so many rows.
fn logrows(needed: usize) -> Option<u32> {
    (MIN_LOGROWS..=Shape::MAX_LOGROWS).find(|logrows| (1 << logrows) - UNUSABLE >= needed)
}

/// Numbers of weights per row that are worth a try: those that cut some step into 1, 2, 3, ... blocks.
fn block_widths(program: &Program) -> Vec<u32> {
    /// More pieces than that are worth nothing.
    const PIECES: usize = 16;
    let mut widths = vec![1];
    for step in &program.steps {
        let outputs = match &step.kind {
            Kind::Dense { bias, .. } => bias.len(),
            Kind::Conv(conv) => conv.bias.len(),
            _ => continue,
        };
        let pieces = 1..=PIECES.min(outputs);
        widths.extend(pieces.map(|pieces| outputs.div_ceil(pieces) as u32));
    }
    widths.retain(|width| *width <= Shape::MAX_BLOCK_WIDTH);
    widths.sort_unstable();
    widths.dedup();
    // At most so many, spread evenly over their order: laying out takes a while.
    const TRIED: usize = 24;
    let every = widths.len().div_ceil(TRIED);
    let last = widths.len() - 1;
    let kept =
        |(index, width): (usize, u32)| (index % every == 0 || index == last).then_some(width);
    widths.into_iter().enumerate().filter_map(kept).collect()
}

/// Numbers of nodes per row that are worth a try: for each size of table, about the least that fits.
fn slots(program: &Program) -> Vec<u32> {
    let Some((_, forest)) = Trees::of(program) else {
        return vec![0];
    };
    let mut all = vec![];
    for logrows in MIN_LOGROWS..=Shape::MAX_LOGROWS {
        let room = (1usize << logrows).saturating_sub(UNUSABLE + forest.bias.len());
        let fits = |slots: &u32| Trees::rows_of_features(forest, *slots as usize) <= room;
        if let Some(least) = (1..=ProgramShape::MAX_SLOTS).find(fits) {
            // One more, if there is something else in the table.
            all.extend([least, (least + 1).min(ProgramShape::MAX_SLOTS)]);
            if least == 1 {
                break;
            }
        }
    }
    all.dedup();
    all
}

/// The refusal of a program that needs at least so many rows.
pub(super) fn too_large(program: &Program, needed: usize) -> CircuitError {
    let largest = program.steps.iter().max_by_key(|step| step.len());
    CircuitError::ProgramTooLarge {
        needed,
        max_logrows: Shape::MAX_LOGROWS,
        step: largest.map_or(String::new(), |step: &Step| step.name.clone()),
    }
}
