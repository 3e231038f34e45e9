//! The columns of a program's proof table.

use halo2_proofs::plonk::{
    Advice, Challenge, Column, ConstraintSystem, FirstPhase, Fixed, Instance, SecondPhase,
    VirtualCells,
};
use halo2_proofs::poly::Rotation;

use super::lookups::Lookups;
use super::{ProgramShape, finish, forest, hashed, linear, product, table};
use crate::Field;
use crate::columns::fixed;
use crate::expression::{Expr, constant, horner, recompose};
use crate::hash::Hash;

/// Every column and challenge of a program's proof table.
///
/// Each lane has its own columns, in which it holds the integers of one inference; the others
/// are shared.
///
/// | column | kind | what it holds in its row |
/// |---|---|---|
/// | `lanes[].value` | advice | the wire that the row produces |
/// | `lanes[].operand` | advice | the wire that the row reads |
/// | `lanes[].limbs` | advice | limbs of the value, of a rescale, or of a function's argument and remainder |
/// | `lanes[].segment` | advice | segment of a function, with its coefficients `c0`, `c1` |
/// | `lanes[].nodes` | advice | questions of decision trees, and the way through them |
/// | `factor` | advice, phase 2 | by what the operand enters the sum; without strides an expression |
/// | `dot` | advice, phase 2 | sum of `operand * factor` above this row |
/// | `combination` | advice, phase 2 | Horner sum of the accumulators above this row |
/// | `weights` | fixed | weights of the factor |
/// | `strides` | fixed | 1 in the column of the stride by which the factor steps into this row |
/// | `receive`, `operand_id` | fixed | whether an operand is read, and which wire it is |
/// | `send`, `value_id` | fixed | how often the value is read, and which wire it is |
/// | `starts` | fixed | 1 in the column of the number of outputs of the step that begins in the consumer half |
/// | `linear` | fixed | the accumulator belongs to a linear step |
/// | `bias` | fixed | what belongs to the accumulator, or is added to a function's argument |
/// | `kinds` | fixed | what kind of value the row produces |
/// | `shown` | fixed | whether the value is public |
/// | `total` | fixed | whether the sum of the value over all lanes is public |
/// | `forest` | fixed | the nodes of decision trees |
/// | `active`, `boundary` | fixed | rows that gates use; the first (1) and the last (2) |
/// | `hash` | | see [`hash`](crate::hash) |
#[derive(Clone, Debug)]
pub struct ProgramColumns {
    /// The columns of each inference.
    pub lanes: Vec<LaneColumns>,
    /// Functions.
    pub function: Option<FunctionColumns>,
    /// Decision trees.
    pub forest: Option<ForestColumns>,
    /// Hashes of inputs and outputs.
    pub hash: Option<Box<Hash>>,
    /// Factors of operands, if they step from row to row.
    pub factor: Option<Column<Advice>>,
    /// Sums of products.
    pub dot: Column<Advice>,
    /// Sums of accumulators.
    pub combination: Column<Advice>,
    /// The lookups.
    pub lookups: Lookups,
    /// Weights.
    pub weights: Vec<Column<Fixed>>,
    /// Steps of the factor.
    pub strides: Vec<Column<Fixed>>,
    /// Whether an operand is read.
    pub receive: Column<Fixed>,
    /// Which wire it is.
    pub operand_id: Column<Fixed>,
    /// How often the value is read.
    pub send: Column<Fixed>,
    /// Which wire it is.
    pub value_id: Column<Fixed>,
    /// Where a linear step of so many outputs begins in the consumer half.
    pub starts: Vec<Column<Fixed>>,
    /// Accumulators of linear steps.
    pub linear: Column<Fixed>,
    /// Biases.
    pub bias: Column<Fixed>,
    /// What kind of value a row produces.
    pub kinds: KindColumns,
    /// Public values.
    pub shown: Column<Fixed>,
    /// Values whose sums over all lanes are public.
    pub total: Option<Column<Fixed>>,
    /// Rows that gates use.
    pub active: Column<Fixed>,
    /// The first and the last row.
    pub boundary: Column<Fixed>,
    /// The challenge `r`: linear steps and places within them.
    pub r: Challenge,
    /// The challenge `rho`: lanes; there is none for a single lane.
    pub rho: Option<Challenge>,
}

/// The columns of one inference.
#[derive(Clone, Debug)]
pub struct LaneColumns {
    /// What rows produce.
    pub value: Column<Advice>,
    /// What rows read.
    pub operand: Column<Advice>,
    /// Limbs, least significant first.
    pub limbs: Vec<Column<Advice>>,
    /// Segment of a function, and its coefficients.
    pub segment: Option<[Column<Advice>; 3]>,
    /// Nodes of decision trees, one per slot.
    pub nodes: Vec<NodeColumns>,
    /// Sums of fractions of nodes ([`forest`]).
    pub flows: Vec<Column<Advice>>,
    /// Public values, in their rows.
    pub instance: Column<Instance>,
}

/// A node of a decision tree.
#[derive(Clone, Copy, Debug)]
pub struct NodeColumns {
    /// Whether the rank is at most the node's.
    pub below: Column<Advice>,
    /// From the node to the next one, if the way leads through it.
    pub edge: Column<Advice>,
}

/// The fixed columns of decision trees ([`forest`]).
#[derive(Clone, Debug)]
pub struct ForestColumns {
    /// The number of the row's first node.
    pub position: Column<Fixed>,
    /// Whether the questions go on with those of the row above.
    pub continues: Column<Fixed>,
    /// Whether the questions about a feature end with this row.
    pub ends: Column<Fixed>,
    /// Place of an operand, or of a constant, in the packed scores.
    pub score: Column<Fixed>,
    /// One per slot.
    pub slots: Vec<SlotColumns>,
}

/// The fixed columns of a node.
#[derive(Clone, Copy, Debug)]
pub struct SlotColumns {
    /// What the answer adds to the rank.
    pub rank: Column<Fixed>,
    /// The edge after no.
    pub no: Column<Fixed>,
    /// The edge after yes, less that after no.
    pub turn: Column<Fixed>,
    /// Packed scores by unit of the edge, after no.
    pub no_score: Column<Fixed>,
    /// After yes, less those after no.
    pub turn_score: Column<Fixed>,
}

/// Shared columns of functions.
#[derive(Clone, Debug)]
pub struct FunctionColumns {
    /// How often each segment is used.
    pub multiplicity: Column<Advice>,
    /// The segments that there are: number, coefficients.
    pub table: [Column<Fixed>; 3],
}

/// Selectors of kinds of rows.
#[derive(Clone, Debug)]
pub struct KindColumns {
    /// Inputs.
    pub input: Column<Fixed>,
    /// Rescales.
    pub round: Option<Column<Fixed>>,
    /// Rescales with ReLU.
    pub relu: Option<Column<Fixed>>,
    /// ReLU without a rescale.
    pub exact_relu: Option<Column<Fixed>>,
    /// Range checks.
    pub exact: Option<Column<Fixed>>,
    /// Range checks from zero on.
    pub nonnegative: Option<Column<Fixed>>,
    /// Values that nothing reads.
    pub free: Option<Column<Fixed>>,
    /// The same, in the limbs' cells, too.
    pub wide: Option<Column<Fixed>>,
    /// Accumulators that are products; in addition to the kind of the value.
    pub product: Option<Column<Fixed>>,
    /// Functions.
    pub table: Option<Column<Fixed>>,
}

/// The limbs of a row, put together in the ways that gates need.
pub(crate) struct Limbs {
    /// All of them.
    pub(crate) all: Expr,
    /// Those of an input.
    pub(crate) input: Expr,
    /// Those of a rescale's remainder.
    pub(crate) remainder: Expr,
    /// Those of a rescaled value's magnitude.
    pub(crate) magnitude: Expr,
    /// The first: the place in a segment.
    pub(crate) place: Expr,
    /// Those of a function's remainder.
    pub(crate) interpolation: Expr,
}

impl ProgramColumns {
    /// Allocates the columns and creates every gate.
    pub fn configure(meta: &mut ConstraintSystem<Field>, shape: &ProgramShape) -> Self {
        let slots = shape.slots as usize;
        let mut lanes: Vec<LaneColumns> = (0..shape.lanes)
            .map(|_| LaneColumns {
                value: meta.advice_column(),
                operand: meta.advice_column(),
                limbs: (0..shape.limbs).map(|_| meta.advice_column()).collect(),
                segment: (shape.kinds.table).then(|| [(); 3].map(|()| meta.advice_column())),
                nodes: (0..slots)
                    .map(|_| NodeColumns {
                        below: meta.advice_column(),
                        edge: meta.advice_column(),
                    })
                    .collect(),
                flows: vec![],
                instance: meta.instance_column(),
            })
            .collect();
        let multiplicity = meta.advice_column();
        let function = shape.kinds.table.then(|| FunctionColumns {
            multiplicity: meta.advice_column(),
            table: [(); 3].map(|()| meta.fixed_column()),
        });
        let hash = hashed::allocate(meta, shape, &lanes);
        let [r, beta, gamma] = [(); 3].map(|()| meta.challenge_usable_after(FirstPhase));
        let rho = (shape.lanes > 1).then(|| meta.challenge_usable_after(FirstPhase));
        let [dot, combination] = [(); 2].map(|()| meta.advice_column_in(SecondPhase));
        let steps = !shape.strides.is_empty();
        let factor = steps.then(|| meta.advice_column_in(SecondPhase));
        for lane in &mut lanes {
            let count = slots.div_ceil(forest::nodes_per_flow(shape));
            lane.flows = (0..count)
                .map(|_| meta.advice_column_in(SecondPhase))
                .collect();
        }
        let forest = (slots > 0).then(|| ForestColumns {
            position: meta.fixed_column(),
            continues: meta.fixed_column(),
            ends: meta.fixed_column(),
            score: meta.fixed_column(),
            slots: (0..slots)
                .map(|_| SlotColumns {
                    rank: meta.fixed_column(),
                    no: meta.fixed_column(),
                    turn: meta.fixed_column(),
                    no_score: meta.fixed_column(),
                    turn_score: meta.fixed_column(),
                })
                .collect(),
        });
        let weights = (0..shape.block_width)
            .map(|_| meta.fixed_column())
            .collect();
        let strides = shape.strides.iter().map(|_| meta.fixed_column()).collect();
        let starts = shape.starts.iter().map(|_| meta.fixed_column()).collect();
        let mut optional = |is_there: bool| is_there.then(|| meta.fixed_column());
        let kinds = shape.kinds;
        let kinds = KindColumns {
            round: optional(kinds.round),
            relu: optional(kinds.relu),
            exact_relu: optional(kinds.exact_relu),
            exact: optional(kinds.exact),
            nonnegative: optional(kinds.nonnegative),
            free: optional(kinds.free),
            wide: optional(kinds.wide),
            product: optional(kinds.product),
            table: optional(kinds.table),
            input: meta.fixed_column(),
        };
        let lookups = Lookups::allocate(meta, shape, multiplicity, beta, gamma);
        let columns = Self {
            lanes,
            function,
            forest,
            hash,
            factor,
            dot,
            combination,
            lookups,
            weights,
            strides,
            receive: meta.fixed_column(),
            operand_id: meta.fixed_column(),
            send: meta.fixed_column(),
            value_id: meta.fixed_column(),
            starts,
            linear: meta.fixed_column(),
            bias: meta.fixed_column(),
            kinds,
            shown: meta.fixed_column(),
            total: shape.totals.then(|| meta.fixed_column()),
            active: meta.fixed_column(),
            boundary: meta.fixed_column(),
            r,
            rho,
        };
        linear::configure(meta, shape, &columns);
        finish::configure(meta, shape, &columns);
        product::configure(meta, shape, &columns);
        table::configure(meta, shape, &columns);
        forest::configure(meta, shape, &columns);
        columns.lookups.configure(meta, &columns);
        hashed::configure(meta, shape, &columns);
        columns
    }

    /// The factor of the current row's operand.
    pub(crate) fn factor(&self, meta: &mut VirtualCells<'_, Field>) -> Expr {
        match self.factor {
            Some(column) => meta.query_advice(column, Rotation::cur()),
            None => self.weights(meta),
        }
    }

    /// `sum_c r^c weight_c` of the current row.
    pub(crate) fn weights(&self, meta: &mut VirtualCells<'_, Field>) -> Expr {
        let r = meta.query_challenge(self.r);
        let weights: Vec<_> = self.weights.iter().map(|c| fixed(meta, *c)).collect();
        horner(&r, weights.into_iter())
    }

    /// `sum_l rho^l of_l` over the lanes.
    pub(crate) fn mixed(
        &self,
        meta: &mut VirtualCells<'_, Field>,
        mut of: impl FnMut(&mut VirtualCells<'_, Field>, &LaneColumns) -> Expr,
    ) -> Expr {
        let terms: Vec<Expr> = self.lanes.iter().map(|lane| of(meta, lane)).collect();
        let rho = self
            .rho
            .map_or(constant(Field::zero()), |rho| meta.query_challenge(rho));
        horner(&rho, terms.into_iter())
    }
}

impl LaneColumns {
    /// The limbs of the current row.
    pub(crate) fn limbs(&self, meta: &mut VirtualCells<'_, Field>, shape: &ProgramShape) -> Limbs {
        let limbs: Vec<Expr> = self
            .limbs
            .iter()
            .map(|column| meta.query_advice(*column, Rotation::cur()))
            .collect();
        let part = |from: u32, count: u32| {
            recompose(
                &limbs[from as usize..(from + count) as usize],
                shape.limb_bits,
            )
        };
        Limbs {
            all: part(0, shape.limbs),
            input: part(0, shape.input_limbs),
            remainder: part(0, shape.shift_limbs),
            magnitude: part(shape.shift_limbs, shape.limbs - shape.shift_limbs),
            place: part(0, 1),
            interpolation: part(1, shape.table_limbs),
        }
    }
}

impl KindColumns {
    /// The selector of a kind in the current row; zero if there are no such rows.
    pub(crate) fn selector(
        meta: &mut VirtualCells<'_, Field>,
        column: Option<Column<Fixed>>,
    ) -> Expr {
        match column {
            Some(column) => fixed(meta, column),
            None => constant(Field::zero()),
        }
    }

    /// The selectors of rows that produce a value.
    pub(crate) fn producing(&self) -> impl Iterator<Item = Column<Fixed>> {
        let optional = [
            self.round,
            self.relu,
            self.exact_relu,
            self.exact,
            self.nonnegative,
            self.free,
            self.wide,
        ];
        optional.into_iter().flatten().chain([self.input])
    }
}
