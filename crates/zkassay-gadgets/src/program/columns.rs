//! The columns of a program's proof table.

use halo2_proofs::plonk::{
    Advice, Challenge, Column, ConstraintSystem, FirstPhase, Fixed, Instance, SecondPhase,
    VirtualCells,
};
use halo2_proofs::poly::Rotation;

use super::lookups::Lookups;
use super::{ProgramShape, finish, linear, product, table};
use crate::Field;
use crate::columns::fixed;
use crate::expression::{Expr, constant, recompose};

/// Every column and challenge of a program's proof table.
///
/// | column | kind | what it holds in its row |
/// |---|---|---|
/// | `value` | advice | the wire that the row produces |
/// | `operand` | advice | the wire that the row reads |
/// | `limbs` | advice | limbs of the value, of a rescale, or of a function's argument and remainder |
/// | `segment` | advice | segment of a function, with its coefficients `c0`, `c1` |
/// | `factor` | advice, phase 2 | by what the operand enters the sum |
/// | `dot` | advice, phase 2 | sum of `operand * factor` above this row, steps by `lambda` |
/// | `horner` | advice, phase 2 | Horner sum of the step's accumulators up to this row |
/// | `combination` | advice, phase 2 | sum of the steps above this row, by `lambda` |
/// | `weights` | fixed | weights of the factor |
/// | `strides` | fixed | 1 in the column of the stride by which the factor steps into this row |
/// | `receive`, `operand_id` | fixed | whether an operand is read, and which wire it is |
/// | `send`, `value_id` | fixed | how often the value is read, and which wire it is |
/// | `start` | fixed | a step begins in the consumer half |
/// | `linear`, `more`, `last` | fixed | the accumulator belongs to a linear step, not as its first, as its last |
/// | `bias` | fixed | what belongs to the accumulator, or is added to a function's argument |
/// | `kinds` | fixed | what kind of value the row produces |
/// | `shown` | fixed | whether the value is public |
/// | `active`, `boundary` | fixed | rows that gates use; the first (1) and the last (2) |
#[derive(Clone, Debug)]
pub struct ProgramColumns {
    /// What rows produce.
    pub value: Column<Advice>,
    /// What rows read.
    pub operand: Column<Advice>,
    /// Limbs, least significant first.
    pub limbs: Vec<Column<Advice>>,
    /// Functions.
    pub function: Option<FunctionColumns>,
    /// Factors of operands.
    pub factor: Column<Advice>,
    /// Sums of products.
    pub dot: Column<Advice>,
    /// Sums of the accumulators of a step.
    pub horner: Column<Advice>,
    /// Sums of steps.
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
    /// Where a linear step begins in the consumer half.
    pub start: Column<Fixed>,
    /// Accumulators of linear steps.
    pub linear: Column<Fixed>,
    /// Those of them that are not the first of their step.
    pub more: Column<Fixed>,
    /// Those of them that are the last of their step.
    pub last: Column<Fixed>,
    /// Biases.
    pub bias: Column<Fixed>,
    /// What kind of value a row produces.
    pub kinds: KindColumns,
    /// Public values.
    pub shown: Column<Fixed>,
    /// Rows that gates use.
    pub active: Column<Fixed>,
    /// The first and the last row.
    pub boundary: Column<Fixed>,
    /// Public values, in their rows.
    pub instance: Column<Instance>,
    /// The challenge `r`: places within a step.
    pub r: Challenge,
    /// The challenge `lambda`: steps.
    pub lambda: Challenge,
}

/// Columns of functions.
#[derive(Clone, Debug)]
pub struct FunctionColumns {
    /// Which segment, over all functions.
    pub segment: Column<Advice>,
    /// Its coefficients.
    pub coefficients: [Column<Advice>; 2],
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
        let value = meta.advice_column();
        let operand = meta.advice_column();
        let limbs: Vec<_> = (0..shape.limbs).map(|_| meta.advice_column()).collect();
        let multiplicity = meta.advice_column();
        let function = shape.kinds.table.then(|| FunctionColumns {
            segment: meta.advice_column(),
            coefficients: [(); 2].map(|()| meta.advice_column()),
            multiplicity: meta.advice_column(),
            table: [(); 3].map(|()| meta.fixed_column()),
        });
        let [r, lambda, beta, gamma] = [(); 4].map(|()| meta.challenge_usable_after(FirstPhase));
        let [factor, dot, horner, combination] =
            [(); 4].map(|()| meta.advice_column_in(SecondPhase));
        let weights = (0..shape.block_width)
            .map(|_| meta.fixed_column())
            .collect();
        let strides = shape.strides.iter().map(|_| meta.fixed_column()).collect();
        let mut optional = |is_there: bool| is_there.then(|| meta.fixed_column());
        let kinds = shape.kinds;
        let kinds = KindColumns {
            round: optional(kinds.round),
            relu: optional(kinds.relu),
            exact_relu: optional(kinds.exact_relu),
            exact: optional(kinds.exact),
            nonnegative: optional(kinds.nonnegative),
            free: optional(kinds.free),
            product: optional(kinds.product),
            table: optional(kinds.table),
            input: meta.fixed_column(),
        };
        let lookups = Lookups::allocate(meta, shape, multiplicity, beta, gamma);
        let columns = Self {
            value,
            operand,
            limbs,
            function,
            factor,
            dot,
            horner,
            combination,
            lookups,
            weights,
            strides,
            receive: meta.fixed_column(),
            operand_id: meta.fixed_column(),
            send: meta.fixed_column(),
            value_id: meta.fixed_column(),
            start: meta.fixed_column(),
            linear: meta.fixed_column(),
            more: meta.fixed_column(),
            last: meta.fixed_column(),
            bias: meta.fixed_column(),
            kinds,
            shown: meta.fixed_column(),
            active: meta.fixed_column(),
            boundary: meta.fixed_column(),
            instance: meta.instance_column(),
            r,
            lambda,
        };
        linear::configure(meta, shape, &columns);
        finish::configure(meta, shape, &columns);
        product::configure(meta, shape, &columns);
        table::configure(meta, shape, &columns);
        columns.lookups.configure(meta, &columns);
        columns
    }

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
        ];
        optional.into_iter().flatten().chain([self.input])
    }
}
