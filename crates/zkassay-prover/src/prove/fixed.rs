//! Fixed columns as polynomials, computed once per key.

use rayon::prelude::*;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::Fr;
use zkassay_gadgets::halo2_proofs::halo2curves::ff::Field as _;
use zkassay_gadgets::halo2_proofs::plonk::{ConstraintSystem, Expression};

use super::domain::Domain;
use super::gates::{Combination, Program, Source, Step};
use super::polynomial::{Polynomial, combine};

/// The fixed columns of a key, and the gates over them.
#[derive(Clone, Debug)]
pub(crate) struct FixedColumns {
    domain: Domain,
    polynomials: Vec<Expression<Fr>>,
    degree: usize,
    columns: Vec<FixedColumn>,
}

/// A fixed column.
#[derive(Clone, Debug)]
pub(crate) enum FixedColumn {
    /// One that gates use by itself.
    Single {
        coefficients: Vec<Fr>,
        /// Values on each coset.
        cosets: Vec<Vec<Fr>>,
    },
    /// One of many that gates combine, such as weights: the cells other than zero.
    Cells(Vec<(usize, Fr)>),
}

impl FixedColumns {
    /// The columns with the given values on the rows of the table.
    pub(crate) fn new(system: &ConstraintSystem<Fr>, logrows: u32, values: Vec<Vec<Fr>>) -> Self {
        let degree = system.degree();
        let domain = Domain::new(logrows, degree);
        let polynomials: Vec<Expression<Fr>> = system
            .gates()
            .iter()
            .flat_map(|gate| gate.polynomials())
            .cloned()
            .collect();
        // Which columns are used one by one does not depend on the challenges.
        let challenges: Vec<Fr> = (0..system.num_challenges())
            .map(|i| Fr::from(2 + i as u64))
            .collect();
        let program = Program::new(polynomials.iter(), &challenges, Fr::from(2));
        let mut is_used = vec![false; values.len()];
        for step in &program.steps {
            if let Step::Cell(Source::Fixed(column), _) = step {
                is_used[*column] = true;
            }
        }
        let column = |(mut values, is_used): (Vec<Fr>, bool)| {
            if !is_used {
                let cells = values.into_iter().enumerate();
                let cells = cells.filter(|(_, cell)| !bool::from(cell.is_zero()));
                return FixedColumn::Cells(cells.collect());
            }
            domain.interpolate(&mut values);
            let parts = 0..domain.parts();
            FixedColumn::Single {
                cosets: parts.map(|part| domain.coset(part, &values)).collect(),
                coefficients: values,
            }
        };
        let columns = values.into_par_iter().zip(is_used).map(column).collect();
        Self {
            domain,
            polynomials,
            degree,
            columns,
        }
    }

    pub(crate) fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Pieces of the quotient.
    pub(crate) fn pieces(&self) -> usize {
        self.degree - 1
    }

    /// A column's polynomial.
    pub(crate) fn polynomial(&self, column: usize) -> Polynomial<'_> {
        match &self.columns[column] {
            FixedColumn::Single { coefficients, .. } => Polynomial::Coefficients(coefficients),
            FixedColumn::Cells(cells) => Polynomial::Cells(cells),
        }
    }

    /// The values of a column on a coset, if gates use it by itself.
    pub(crate) fn coset(&self, column: usize, part: usize) -> &[Fr] {
        match &self.columns[column] {
            FixedColumn::Single { cosets, .. } => &cosets[part],
            FixedColumn::Cells(_) => &[],
        }
    }

    /// The coefficients of a linear combination of columns, plus a constant.
    pub(crate) fn combine(&self, (factors, constant): &Combination) -> Vec<Fr> {
        let terms = factors
            .iter()
            .map(|(column, factor)| (self.polynomial(*column), *factor));
        let mut sum = combine(&self.domain, &terms.collect::<Vec<_>>());
        sum[0] += constant;
        sum
    }

    /// The gates for given challenges.
    pub(crate) fn program(&self, challenges: &[Fr], y: Fr) -> Program {
        Program::new(self.polynomials.iter(), challenges, y)
    }
}
