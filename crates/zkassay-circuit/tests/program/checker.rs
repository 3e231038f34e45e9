//! The gates of a compiled program, evaluated cell by cell.

use std::collections::BTreeSet;

use zkassay_circuit::{Compiled, CompiledProgram, ProgramWitness, TableWitness};
use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::halo2_proofs::plonk::{
    Challenge, Column, ConstraintSystem, Expression, Fixed,
};
use zkassay_gadgets::program::ProgramColumns;
use zkassay_gadgets::{Field, TableColumns};

/// A gate's polynomial for known challenges, without the parts that are constant.
enum Gate {
    Constant(Field),
    Fixed(usize, i32),
    Advice(usize, i32),
    Instance(usize, i32),
    Sum(Box<(Gate, Gate)>),
    Product(Box<(Gate, Gate)>),
}

impl Gate {
    fn new(expression: &Expression<Field>, salt: u64) -> Self {
        let new = |expression| Self::new(expression, salt);
        match expression {
            Expression::Constant(value) => Self::Constant(*value),
            Expression::Challenge(challenge) => Self::Constant(drawn(*challenge, salt)),
            Expression::Fixed(query) => Self::Fixed(query.column_index(), query.rotation().0),
            Expression::Advice(query) => Self::Advice(query.column_index(), query.rotation().0),
            Expression::Instance(query) => Self::Instance(query.column_index(), query.rotation().0),
            Expression::Selector(_) => panic!("there are no selectors"),
            Expression::Negated(inner) => Self::product(Self::Constant(-Field::ONE), new(inner)),
            Expression::Scaled(inner, factor) => Self::product(Self::Constant(*factor), new(inner)),
            Expression::Sum(a, b) => match (new(a), new(b)) {
                (Self::Constant(a), Self::Constant(b)) => Self::Constant(a + b),
                pair => Self::Sum(Box::new(pair)),
            },
            Expression::Product(a, b) => Self::product(new(a), new(b)),
        }
    }

    fn product(a: Self, b: Self) -> Self {
        match (a, b) {
            (Self::Constant(a), Self::Constant(b)) => Self::Constant(a * b),
            pair => Self::Product(Box::new(pair)),
        }
    }
}

/// The gates of a compiled program: faster than halo2's mock prover, so that every cell can be
/// overwritten. Cells beyond the last row, which are random in proofs, are so here.
pub(crate) struct Checker {
    pub(crate) compiled: Compiled,
    pub(crate) columns: ProgramColumns,
    salt: u64,
    table: TableColumns,
    advice: usize,
    /// The polynomials and their names.
    gates: Vec<(String, Gate)>,
    fixed: Vec<Vec<Field>>,
}

/// A number that nobody knew before.
fn drawn(challenge: Challenge, salt: u64) -> Field {
    Field::from(0x9e37_79b9_7f4a_7c15 + challenge.index() as u64 + (salt << 8)).pow_vartime([5])
}

/// Advice and instance columns, all rows of them.
#[derive(Clone)]
pub(crate) struct Filled {
    pub(crate) advice: Vec<Vec<Field>>,
    pub(crate) instance: Vec<Vec<Field>>,
}

impl Checker {
    pub(crate) fn new(compiled: &CompiledProgram) -> Self {
        Self::with_challenges(compiled, 0)
    }

    /// A checker with challenges of its own.
    pub(crate) fn with_challenges(compiled: &CompiledProgram, salt: u64) -> Self {
        let compiled = Compiled::from(compiled.clone());
        let mut system = ConstraintSystem::default();
        let table = compiled.shape().configure(&mut system);
        let fixed = compiled.fixed_columns(&table, system.num_fixed_columns());
        let TableColumns::Program(columns) = table.clone() else {
            panic!("a program's columns are a program's");
        };
        let polynomials = system.gates().iter().flat_map(|gate| {
            let polynomials = gate.polynomials().iter().enumerate();
            polynomials
                .map(|(index, of)| (gate.constraint_name(index).to_owned(), Gate::new(of, salt)))
        });
        let gates = polynomials.collect();
        Self {
            compiled,
            columns,
            salt,
            table,
            advice: system.num_advice_columns(),
            gates,
            fixed,
        }
    }

    fn rows(&self) -> usize {
        1 << self.compiled.logrows()
    }

    pub(crate) fn last_row(&self) -> usize {
        self.compiled.shape().last_row()
    }

    /// How many advice columns there are.
    pub(crate) fn advice(&self) -> usize {
        self.advice
    }

    /// The names of all equations.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.gates.iter().map(|(name, _)| name.clone()).collect()
    }

    /// A fixed column.
    pub(crate) fn fixed(&self, column: Column<Fixed>) -> &[Field] {
        &self.fixed[column.index()]
    }

    /// The value of a challenge.
    pub(crate) fn challenge(&self, challenge: Challenge) -> Field {
        drawn(challenge, self.salt)
    }

    /// The table of a prover that computes phase 2 as it should.
    pub(crate) fn fill(&self, witness: &ProgramWitness) -> Filled {
        let witness = TableWitness::from(witness);
        let mut noise = Field::from(0xdead_beef);
        let mut advice = vec![vec![Field::ZERO; self.rows()]; self.advice()];
        for cell in advice.iter_mut().flatten() {
            noise = noise.square() + Field::from(0xc0ff_ee00);
            *cell = noise;
        }
        let mut set = |column: usize, cells: &[Field]| {
            advice[column][..cells.len()].copy_from_slice(cells);
        };
        for (column, cells) in witness.first_phase(&self.table) {
            set(column.index(), cells);
        }
        let challenge = |challenge| self.challenge(challenge);
        let second = witness.second_phase(&self.compiled, &self.table, challenge);
        for (column, cells) in second {
            set(column.index(), &cells);
        }
        let mut instance = witness.instance().to_vec();
        for column in &mut instance {
            column.resize(self.rows(), Field::ZERO);
        }
        Filled { advice, instance }
    }

    /// The equations that do not hold in some rows.
    pub(crate) fn failing(
        &self,
        filled: &Filled,
        rows: impl IntoIterator<Item = usize>,
    ) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for row in rows {
            for (name, gate) in &self.gates {
                if self.evaluate(filled, row, gate) != Field::ZERO {
                    names.insert(name.clone());
                }
            }
        }
        names
    }

    /// The equations that do not hold anywhere.
    pub(crate) fn verdict(&self, witness: &ProgramWitness) -> BTreeSet<String> {
        self.failing(&self.fill(witness), 0..self.rows())
    }

    /// The rows whose equations a cell of phase 1 is in, and those that say that sums are what
    /// they should be.
    pub(crate) fn around(&self, row: usize) -> Vec<usize> {
        let rows = self.rows();
        let near = [row + rows - 1, row, row + 1].map(|row| row % rows);
        near.into_iter().chain([0, self.last_row()]).collect()
    }

    fn evaluate(&self, filled: &Filled, row: usize, gate: &Gate) -> Field {
        let at = |rotation: i32| (row as i32 + rotation).rem_euclid(self.rows() as i32) as usize;
        match gate {
            Gate::Constant(value) => *value,
            Gate::Fixed(column, rotation) => self.fixed[*column][at(*rotation)],
            Gate::Advice(column, rotation) => filled.advice[*column][at(*rotation)],
            Gate::Instance(column, rotation) => filled.instance[*column][at(*rotation)],
            Gate::Sum(pair) => {
                self.evaluate(filled, row, &pair.0) + self.evaluate(filled, row, &pair.1)
            }
            Gate::Product(pair) => match self.evaluate(filled, row, &pair.0) {
                zero if bool::from(zero.is_zero()) => zero,
                factor => factor * self.evaluate(filled, row, &pair.1),
            },
        }
    }
}
