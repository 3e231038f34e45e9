//! halo2's view of a compiled model.

use std::collections::HashMap;

use zkassay_gadgets::halo2_proofs::circuit::{Layouter, SimpleFloorPlanner, Value};
use zkassay_gadgets::halo2_proofs::plonk::{
    Advice, Challenge, Circuit, Column, ConstraintSystem, Error,
};
use zkassay_gadgets::{Field, TableColumns, TableShape};

use crate::{Compiled, TableWitness};

/// A compiled model, with or without an input, as halo2 wants it.
#[derive(Clone, Debug)]
pub struct ModelCircuit {
    compiled: Compiled,
    witness: Option<TableWitness>,
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
    pub fn keys(compiled: impl Into<Compiled>) -> Self {
        Self {
            compiled: compiled.into(),
            witness: None,
            assigns_fixed: true,
            overwrite: None,
        }
    }

    /// The circuit for proving `witness` with halo2's own prover.
    pub fn proof(compiled: impl Into<Compiled>, witness: impl Into<TableWitness>) -> Self {
        Self {
            compiled: compiled.into(),
            witness: Some(witness.into()),
            assigns_fixed: false,
            overwrite: None,
        }
    }

    /// The circuit with fixed columns and `witness`, for halo2's `MockProver`.
    pub fn mock(compiled: impl Into<Compiled>, witness: impl Into<TableWitness>) -> Self {
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
    type Config = TableColumns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = TableShape;

    fn params(&self) -> TableShape {
        self.compiled.shape()
    }

    fn without_witnesses(&self) -> Self {
        Self::keys(self.compiled.clone())
    }

    fn configure_with_params(
        meta: &mut ConstraintSystem<Field>,
        shape: TableShape,
    ) -> TableColumns {
        shape.configure(meta)
    }

    fn configure(meta: &mut ConstraintSystem<Field>) -> TableColumns {
        // halo2 calls the parametrised form; this one is for its own defaults.
        TableShape::default().configure(meta)
    }

    fn synthesize(
        &self,
        columns: TableColumns,
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
                let challenges: Vec<_> = match &columns {
                    TableColumns::Chain(columns) => columns
                        .fold_challenge
                        .into_iter()
                        .chain([columns.logup.challenge])
                        .collect(),
                    TableColumns::Program(columns) => {
                        let lookups = &columns.lookups;
                        [columns.r, lookups.beta, lookups.gamma]
                            .into_iter()
                            .chain(columns.rho)
                            .collect()
                    }
                };
                let mut values = HashMap::new();
                for challenge in &challenges {
                    let drawn = region.get_challenge(*challenge);
                    drawn.map(|value| values.insert(challenge.index(), value));
                }
                if values.len() < challenges.len() {
                    return Ok(());
                }
                let value = |challenge: Challenge| {
                    values.get(&challenge.index()).copied().unwrap_or_default()
                };
                for (column, cells) in witness.second_phase(&self.compiled, &columns, value) {
                    assign(&mut region, column, &cells);
                }
                Ok(())
            },
        )
    }
}
