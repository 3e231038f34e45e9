//! Fixed columns as polynomials, computed once per key.

use rayon::prelude::*;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::Fr;
use zkassay_gadgets::halo2_proofs::plonk::{ConstraintSystem, Expression};

use super::domain::Domain;
use super::gates::{Program, Source, Step};

/// The fixed columns of a key, and the gates over them.
#[derive(Clone, Debug)]
pub(crate) struct FixedColumns {
    domain: Domain,
    polynomials: Vec<Expression<Fr>>,
    degree: usize,
    coefficients: Vec<Vec<Fr>>,
    /// Values on each coset of the columns that gates use one by one; empty for the others.
    cosets: Vec<Vec<Vec<Fr>>>,
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
        let coefficients: Vec<Vec<Fr>> = values
            .into_par_iter()
            .map(|mut values| {
                domain.interpolate(&mut values);
                values
            })
            .collect();
        // Which columns are used one by one does not depend on the challenges.
        let challenges: Vec<Fr> = (0..system.num_challenges())
            .map(|i| Fr::from(2 + i as u64))
            .collect();
        let program = Program::new(polynomials.iter(), &challenges, Fr::from(2));
        let mut is_used = vec![false; coefficients.len()];
        for step in &program.steps {
            if let Step::Cell(Source::Fixed(column), _) = step {
                is_used[*column] = true;
            }
        }
        let cosets = coefficients
            .par_iter()
            .zip(&is_used)
            .map(|(coefficients, is_used)| match is_used {
                true => (0..domain.parts())
                    .map(|part| domain.coset(part, coefficients))
                    .collect(),
                false => vec![],
            })
            .collect();
        Self {
            domain,
            polynomials,
            degree,
            coefficients,
            cosets,
        }
    }

    pub(crate) fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Pieces of the quotient.
    pub(crate) fn pieces(&self) -> usize {
        self.degree - 1
    }

    /// The coefficients of a column's polynomial.
    pub(crate) fn coefficients(&self, column: usize) -> &[Fr] {
        &self.coefficients[column]
    }

    /// The values of a column on a coset, if gates use it by itself.
    pub(crate) fn coset(&self, column: usize, part: usize) -> &[Fr] {
        self.cosets[column].get(part).map_or(&[], Vec::as_slice)
    }

    /// The gates for given challenges.
    pub(crate) fn program(&self, challenges: &[Fr], y: Fr) -> Program {
        Program::new(self.polynomials.iter(), challenges, y)
    }
}
