//! halo2's view of a compiled model.

use std::sync::Arc;

use zkassay_gadgets::halo2_proofs::circuit::{Layouter, SimpleFloorPlanner, Value};
use zkassay_gadgets::halo2_proofs::plonk::{Advice, Circuit, Column, ConstraintSystem, Error};
use zkassay_gadgets::{Columns, Field, Shape};

use crate::{CompiledModel, Witness};

/// A compiled model, with or without an input, as halo2 wants it.
#[derive(Clone, Debug)]
pub struct ModelCircuit {
    compiled: Arc<CompiledModel>,
    witness: Option<Arc<Witness>>,
    /// Whether to assign the fixed columns; proving needs only the advice.
    assigns_fixed: bool,
    overwrite: Option<Overwrite>,
}

/// One advice cell that a dishonest prover sets as it likes; for soundness tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overwrite {
    /// The advice column's index.
    pub column: usize,
    /// The row.
    pub row: usize,
    /// What is added to the honest value.
    pub delta: Field,
}

impl ModelCircuit {
    /// The circuit for key generation: no input.
    pub fn keys(compiled: Arc<CompiledModel>) -> Self {
        Self {
            compiled,
            witness: None,
            assigns_fixed: true,
            overwrite: None,
        }
    }

    /// The circuit for proving `witness` with halo2's own prover.
    pub fn proof(compiled: Arc<CompiledModel>, witness: Arc<Witness>) -> Self {
        Self {
            compiled,
            witness: Some(witness),
            assigns_fixed: false,
            overwrite: None,
        }
    }

    /// The circuit with fixed columns and `witness`, for halo2's `MockProver`.
    pub fn mock(compiled: Arc<CompiledModel>, witness: Arc<Witness>) -> Self {
        Self {
            assigns_fixed: true,
            ..Self::proof(compiled, witness)
        }
    }

    /// The circuit of a prover that overwrites one advice cell of either phase.
    #[doc(hidden)]
    pub fn unsound_overwrite(self, overwrite: Overwrite) -> Self {
        Self {
            overwrite: Some(overwrite),
            ..self
        }
    }
}

impl Circuit<Field> for ModelCircuit {
    type Config = Columns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Shape;

    fn params(&self) -> Shape {
        self.compiled.shape().clone()
    }

    fn without_witnesses(&self) -> Self {
        Self::keys(Arc::clone(&self.compiled))
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Field>, shape: Shape) -> Columns {
        Columns::configure(meta, &shape)
    }

    fn configure(meta: &mut ConstraintSystem<Field>) -> Columns {
        // halo2 calls the parametrised form; this one is for its own defaults.
        Columns::configure(meta, &Shape::default())
    }

    fn synthesize(
        &self,
        columns: Columns,
        mut layouter: impl Layouter<Field>,
    ) -> Result<(), Error> {
        layouter.assign_region(
            || "inference",
            |mut region| {
                if self.assigns_fixed {
                    for (column, row, value) in self.compiled.fixed_cells(&columns) {
                        region.assign_fixed(column, row, value);
                    }
                }
                let Some(witness) = &self.witness else {
                    return Ok(());
                };
                let assign =
                    |region: &mut zkassay_gadgets::halo2_proofs::circuit::Region<'_, Field>,
                     column: Column<Advice>,
                     cells: &[Field]| {
                        for (row, cell) in cells.iter().enumerate() {
                            let delta = self
                                .overwrite
                                .filter(|o| o.column == column.index() && o.row == row)
                                .map_or(Field::zero(), |o| o.delta);
                            region.assign_advice(column, row, Value::known(cell + delta));
                        }
                    };
                for (column, cells) in witness.first_phase(&columns) {
                    assign(&mut region, column, cells);
                }

                region.next_phase();
                let (mut r, mut beta) = (Field::zero(), None);
                if let Some(challenge) = columns.fold_challenge {
                    region.get_challenge(challenge).map(|value| r = value);
                }
                region
                    .get_challenge(columns.logup.challenge)
                    .map(|value| beta = Some(value));
                let Some(beta) = beta else {
                    return Ok(());
                };
                for (column, cells) in witness.second_phase(&self.compiled, &columns, r, beta) {
                    assign(&mut region, column, &cells);
                }
                Ok(())
            },
        )
    }
}
