//! Either kind of compiled model, and of its filled table.

use std::sync::Arc;

use zkassay_fixed::{Activation, InputScales, OutputMap, OutputMapError};
use zkassay_gadgets::halo2_proofs::plonk::{Advice, Challenge, Column, Fixed};
use zkassay_gadgets::{Field, TableColumns, TableShape};
use zkassay_quant::IntegerModel;

use crate::program::sums::Challenges;
use crate::{
    CircuitError, CompileOptions, CompiledModel, CompiledProgram, ProgramWitness, Witness,
};

/// A column of advice and its cells.
type AdviceColumn = (Column<Advice>, Vec<Field>);

/// A compiled model: a chain of dense layers, or any other program.
#[derive(Clone, Debug)]
pub enum Compiled {
    /// A chain of dense layers with ReLU between them.
    Chain(Arc<CompiledModel>),
    /// An integer program.
    Program(Arc<CompiledProgram>),
}

/// The filled table of a compiled model, for one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableWitness {
    /// That of a chain.
    Chain(Arc<Witness>),
    /// That of a program.
    Program(Arc<ProgramWitness>),
}

impl Compiled {
    /// Lays out an integer model.
    ///
    /// # Errors
    /// As [`CompiledModel::with_options`] and [`CompiledProgram::with_options`].
    pub fn new(model: IntegerModel, options: &CompileOptions) -> Result<Self, CircuitError> {
        Ok(match model {
            IntegerModel::Chain(_) if options.batch != 1 || options.totals => {
                return Err(CircuitError::ChainBatch {
                    batch: options.batch,
                });
            }
            IntegerModel::Chain(model) => {
                Self::Chain(Arc::new(CompiledModel::with_options(model, options)?))
            }
            IntegerModel::Program(program) => {
                Self::Program(Arc::new(CompiledProgram::with_options(program, options)?))
            }
        })
    }

    /// What it was compiled for.
    pub fn options(&self) -> &CompileOptions {
        match self {
            Self::Chain(compiled) => compiled.options(),
            Self::Program(compiled) => compiled.options(),
        }
    }

    /// The table's shape.
    pub fn shape(&self) -> TableShape {
        match self {
            Self::Chain(compiled) => TableShape::Chain(compiled.shape().clone()),
            Self::Program(compiled) => TableShape::Program(compiled.shape().clone()),
        }
    }

    /// log2 of the table's rows.
    pub fn logrows(&self) -> u32 {
        match self {
            Self::Chain(compiled) => compiled.shape().logrows,
            Self::Program(compiled) => compiled.shape().logrows,
        }
    }

    /// The chain of dense layers, if it is one.
    pub fn chain(&self) -> Option<&Arc<CompiledModel>> {
        match self {
            Self::Chain(compiled) => Some(compiled),
            Self::Program(_) => None,
        }
    }

    /// The program, if it is one.
    pub fn program(&self) -> Option<&Arc<CompiledProgram>> {
        match self {
            Self::Chain(_) => None,
            Self::Program(compiled) => Some(compiled),
        }
    }

    /// The scales of the inputs.
    pub fn input_scales(&self) -> InputScales {
        match self {
            Self::Chain(compiled) => compiled.model().input_scales(),
            Self::Program(compiled) => compiled.program().input_scales(),
        }
    }

    /// What public outputs mean. Those of a program are what it computes.
    ///
    /// # Errors
    /// A scale that no output has.
    pub fn output_map(&self) -> Result<OutputMap, OutputMapError> {
        match self {
            Self::Chain(compiled) => Ok(compiled.model().output),
            Self::Program(compiled) => {
                let program = compiled.program();
                let (scale, bits) = (program.output_scale, program.limbs.total_bits());
                OutputMap::new(Activation::Identity, scale, scale, 1 << bits)
            }
        }
    }

    /// Numbers in a row of real inputs, a label included. (Models of trees may leave out features that
    /// none of them asks about, so the circuit can have fewer inputs.)
    pub fn row_length(&self) -> usize {
        match self {
            Self::Chain(compiled) => compiled.model().inputs(),
            Self::Program(compiled) => compiled.program().row_length(),
        }
    }

    /// Inferences in one proof.
    pub fn batch(&self) -> usize {
        self.options().batch as usize
    }

    /// The table filled for one row of real inputs.
    ///
    /// # Errors
    /// A row of the wrong length, a value outside the input range, or a table for several rows.
    pub fn witness(&self, row: &[f32]) -> Result<TableWitness, CircuitError> {
        self.witness_batch(&[row])
    }

    /// The table filled for as many rows of real inputs as there are [inferences](Self::batch) in a
    /// proof.
    ///
    /// # Errors
    /// Too many or too few rows; a row of the wrong length, or a value outside the input range.
    pub fn witness_batch<R: AsRef<[f32]>>(&self, rows: &[R]) -> Result<TableWitness, CircuitError> {
        match (self, rows) {
            (Self::Chain(compiled), [row]) => Ok(compiled.witness(row.as_ref())?.into()),
            (Self::Chain(_), _) => Err(CircuitError::BatchLength {
                expected: 1,
                found: rows.len(),
            }),
            (Self::Program(compiled), _) => Ok(compiled.witness_batch(rows)?.into()),
        }
    }

    /// The values of the fixed columns, by their index.
    pub fn fixed_columns(&self, columns: &TableColumns, count: usize) -> Vec<Vec<Field>> {
        let mut values = vec![vec![Field::zero(); 1 << self.logrows()]; count];
        for (column, row, value) in self.fixed_cells(columns) {
            values[column.index()][row] = value;
        }
        values
    }

    /// The cells of fixed columns that are not zero; none for columns of another kind of table.
    pub(crate) fn fixed_cells(&self, columns: &TableColumns) -> Vec<(Column<Fixed>, usize, Field)> {
        match (self, columns) {
            (Self::Chain(compiled), TableColumns::Chain(columns)) => compiled.fixed_cells(columns),
            (Self::Program(compiled), TableColumns::Program(columns)) => {
                compiled.fixed_cells(columns)
            }
            _ => vec![],
        }
    }
}

impl TableWitness {
    /// Whether it has the columns and rows of a shape.
    pub fn fits(&self, shape: &TableShape) -> bool {
        match (self, shape) {
            (Self::Chain(witness), TableShape::Chain(shape)) => witness.fits(shape),
            (Self::Program(witness), TableShape::Program(shape)) => witness.fits(shape),
            _ => false,
        }
    }

    /// The instance columns.
    pub fn instance(&self) -> &[Vec<Field>] {
        match self {
            Self::Chain(witness) => &witness.instance,
            Self::Program(witness) => &witness.instance,
        }
    }

    /// The integers of the input.
    pub fn inputs(&self) -> &[i64] {
        match self {
            Self::Chain(witness) => &witness.inputs,
            Self::Program(witness) => &witness.inputs,
        }
    }

    /// The integers of the output.
    pub fn outputs(&self) -> &[i64] {
        match self {
            Self::Chain(witness) => &witness.outputs,
            Self::Program(witness) => &witness.outputs,
        }
    }

    /// The hash of each inference's inputs, if they are hashed.
    pub fn input_hashes(&self) -> Vec<Field> {
        match self {
            Self::Chain(witness) => witness.input_hash.into_iter().collect(),
            Self::Program(witness) => {
                let hashes = witness.lanes.iter().map(|lane| lane.input_hash);
                hashes.flatten().collect()
            }
        }
    }

    /// The hash of each inference's outputs, if they are hashed; for a chain, of their accumulators.
    pub fn output_hashes(&self) -> Vec<Field> {
        match self {
            Self::Chain(witness) => witness.output_hash.into_iter().collect(),
            Self::Program(witness) => {
                let hashes = witness.lanes.iter().map(|lane| lane.output_hash);
                hashes.flatten().collect()
            }
        }
    }

    /// The columns of phase 1; none for columns of another kind of table.
    pub fn first_phase<'a>(&'a self, columns: &TableColumns) -> Vec<(Column<Advice>, &'a [Field])> {
        match (self, columns) {
            (Self::Chain(witness), TableColumns::Chain(columns)) => witness.first_phase(columns),
            (Self::Program(witness), TableColumns::Program(columns)) => {
                witness.first_phase(columns)
            }
            _ => vec![],
        }
    }

    /// The columns of phase 2, for the challenges that the constraint system has; none for a model or
    /// columns of another kind of table.
    pub fn second_phase(
        &self,
        compiled: &Compiled,
        columns: &TableColumns,
        challenge: impl Fn(Challenge) -> Field,
    ) -> Vec<AdviceColumn> {
        match (self, compiled, columns) {
            (Self::Chain(witness), Compiled::Chain(compiled), TableColumns::Chain(columns)) => {
                let r = columns.fold_challenge.map_or(Field::zero(), &challenge);
                let beta = challenge(columns.logup.challenge);
                witness.second_phase(compiled, columns, r, beta)
            }
            (
                Self::Program(witness),
                Compiled::Program(compiled),
                TableColumns::Program(columns),
            ) => {
                let challenges = Challenges {
                    r: challenge(columns.r),
                    rho: columns.rho.map_or(Field::zero(), &challenge),
                    beta: challenge(columns.lookups.beta),
                    gamma: challenge(columns.lookups.gamma),
                };
                witness.second_phase(compiled, columns, &challenges)
            }
            _ => vec![],
        }
    }
}

impl From<CompiledModel> for Compiled {
    fn from(compiled: CompiledModel) -> Self {
        Self::Chain(Arc::new(compiled))
    }
}

impl From<Arc<CompiledModel>> for Compiled {
    fn from(compiled: Arc<CompiledModel>) -> Self {
        Self::Chain(compiled)
    }
}

impl From<CompiledProgram> for Compiled {
    fn from(compiled: CompiledProgram) -> Self {
        Self::Program(Arc::new(compiled))
    }
}

impl From<Arc<CompiledProgram>> for Compiled {
    fn from(compiled: Arc<CompiledProgram>) -> Self {
        Self::Program(compiled)
    }
}

impl From<Witness> for TableWitness {
    fn from(witness: Witness) -> Self {
        Self::Chain(Arc::new(witness))
    }
}

impl From<Arc<Witness>> for TableWitness {
    fn from(witness: Arc<Witness>) -> Self {
        Self::Chain(witness)
    }
}

impl From<&Witness> for TableWitness {
    fn from(witness: &Witness) -> Self {
        Self::Chain(Arc::new(witness.clone()))
    }
}

impl From<&TableWitness> for TableWitness {
    fn from(witness: &TableWitness) -> Self {
        witness.clone()
    }
}

impl From<ProgramWitness> for TableWitness {
    fn from(witness: ProgramWitness) -> Self {
        Self::Program(Arc::new(witness))
    }
}

impl From<&ProgramWitness> for TableWitness {
    fn from(witness: &ProgramWitness) -> Self {
        Self::Program(Arc::new(witness.clone()))
    }
}
