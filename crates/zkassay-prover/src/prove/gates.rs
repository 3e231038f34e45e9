//! Gate expressions as a program.
//!
//! A [`Program`] computes, for one row, the sum of all gate polynomials times powers of the
//! challenge `y`. Equal expressions are computed once. What depends on constants and challenges
//! alone is a constant; a linear combination of at least [`DERIVED`] fixed columns of the same
//! row is a *derived* column, whose polynomial is computed once for all rows.

use std::collections::HashMap;

use zkassay_gadgets::halo2_proofs::halo2curves::bn256::Fr;
use zkassay_gadgets::halo2_proofs::halo2curves::ff::Field as _;
use zkassay_gadgets::halo2_proofs::plonk::Expression;

/// Fixed columns in a linear combination that get a polynomial of their own: computing it
/// costs a Fourier transform per coset, about as much as so many multiplications in each row.
const DERIVED: usize = 8;

/// A column of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// An advice column.
    Advice(usize),
    /// An instance column.
    Instance(usize),
    /// A fixed column.
    Fixed(usize),
    /// A linear combination of fixed columns.
    Derived(usize),
}

/// One step: the values of all steps before it are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Constant(Fr),
    /// A column's cell, so many rows further down.
    Cell(Source, i32),
    Sum(usize, usize),
    Product(usize, usize),
    Scaled(usize, Fr),
}

/// A linear combination of fixed columns: `(column, factor)`, and a constant.
pub(crate) type Combination = (Vec<(usize, Fr)>, Fr);

/// All gates of a constraint system, for given challenges.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) steps: Vec<Step>,
    pub(crate) derived: Vec<Combination>,
    known: HashMap<Step, usize>,
}

/// What an expression is, as far as it was looked at.
enum Term<'a> {
    Constant(Fr),
    /// Linear in fixed columns of the row.
    Linear(&'a Expression<Fr>),
    Step(usize),
}

impl Program {
    /// The program of the given gate polynomials.
    pub(crate) fn new<'a>(
        polynomials: impl Iterator<Item = &'a Expression<Fr>>,
        challenges: &[Fr],
        y: Fr,
    ) -> Self {
        let mut program = Self::default();
        let mut sum = None;
        for polynomial in polynomials {
            let term = program.term(polynomial, challenges);
            let term = program.step_of(term, challenges);
            sum = Some(match sum {
                None => term,
                Some(sum) => {
                    let scaled = program.push(Step::Scaled(sum, y));
                    program.push(Step::Sum(scaled, term))
                }
            });
        }
        // The last step is the result.
        if let Some(sum) = sum
            && sum + 1 != program.steps.len()
        {
            program.steps.push(Step::Scaled(sum, Fr::ONE));
        }
        program
    }

    fn push(&mut self, step: Step) -> usize {
        *self.known.entry(step).or_insert_with(|| {
            self.steps.push(step);
            self.steps.len() - 1
        })
    }

    fn term<'a>(&mut self, expression: &'a Expression<Fr>, challenges: &[Fr]) -> Term<'a> {
        match expression {
            Expression::Constant(value) => Term::Constant(*value),
            Expression::Challenge(challenge) => Term::Constant(challenges[challenge.index()]),
            Expression::Fixed(query) if query.rotation().0 == 0 => Term::Linear(expression),
            Expression::Fixed(query) => {
                let source = Source::Fixed(query.column_index());
                Term::Step(self.push(Step::Cell(source, query.rotation().0)))
            }
            Expression::Advice(query) => {
                let source = Source::Advice(query.column_index());
                Term::Step(self.push(Step::Cell(source, query.rotation().0)))
            }
            Expression::Instance(query) => {
                let source = Source::Instance(query.column_index());
                Term::Step(self.push(Step::Cell(source, query.rotation().0)))
            }
            // halo2 has replaced selectors by fixed columns; there are none here.
            Expression::Selector(_) => Term::Constant(Fr::ZERO),
            Expression::Negated(inner) => self.scaled(expression, inner, -Fr::ONE, challenges),
            Expression::Scaled(inner, factor) => {
                self.scaled(expression, inner, *factor, challenges)
            }
            Expression::Sum(left, right) => {
                let terms = (self.term(left, challenges), self.term(right, challenges));
                match terms {
                    (Term::Constant(left), Term::Constant(right)) => Term::Constant(left + right),
                    (Term::Step(left), right) => {
                        let right = self.step_of(right, challenges);
                        Term::Step(self.push(Step::Sum(left, right)))
                    }
                    (left, Term::Step(right)) => {
                        let left = self.step_of(left, challenges);
                        Term::Step(self.push(Step::Sum(left, right)))
                    }
                    _ => Term::Linear(expression),
                }
            }
            Expression::Product(left, right) => {
                let terms = (self.term(left, challenges), self.term(right, challenges));
                match terms {
                    (Term::Constant(left), Term::Constant(right)) => Term::Constant(left * right),
                    (Term::Linear(_), Term::Constant(_)) | (Term::Constant(_), Term::Linear(_)) => {
                        Term::Linear(expression)
                    }
                    (Term::Step(step), Term::Constant(factor))
                    | (Term::Constant(factor), Term::Step(step)) => {
                        Term::Step(self.push(Step::Scaled(step, factor)))
                    }
                    (left, right) => {
                        let left = self.step_of(left, challenges);
                        let right = self.step_of(right, challenges);
                        Term::Step(self.push(Step::Product(left.min(right), left.max(right))))
                    }
                }
            }
        }
    }

    fn scaled<'a>(
        &mut self,
        expression: &'a Expression<Fr>,
        inner: &'a Expression<Fr>,
        factor: Fr,
        challenges: &[Fr],
    ) -> Term<'a> {
        match self.term(inner, challenges) {
            Term::Constant(value) => Term::Constant(value * factor),
            Term::Linear(_) => Term::Linear(expression),
            Term::Step(step) => Term::Step(self.push(Step::Scaled(step, factor))),
        }
    }

    /// The step that computes a term.
    fn step_of(&mut self, term: Term<'_>, challenges: &[Fr]) -> usize {
        let expression = match term {
            Term::Step(step) => return step,
            Term::Constant(value) => return self.push(Step::Constant(value)),
            Term::Linear(expression) => expression,
        };
        let mut factors = Vec::new();
        let mut constant = Fr::ZERO;
        accumulate(expression, Fr::ONE, challenges, &mut factors, &mut constant);
        let mut combination: Vec<(usize, Fr)> = Vec::with_capacity(factors.len());
        factors.sort_by_key(|(column, _)| *column);
        for (column, factor) in factors {
            match combination.last_mut() {
                Some((last, sum)) if *last == column => *sum += factor,
                _ => combination.push((column, factor)),
            }
        }
        if combination.len() >= DERIVED {
            let combination = (combination, constant);
            let known = self.derived.iter().position(|other| *other == combination);
            let index = known.unwrap_or(self.derived.len());
            if known.is_none() {
                self.derived.push(combination);
            }
            return self.push(Step::Cell(Source::Derived(index), 0));
        }
        let mut sum = None;
        for (column, factor) in combination {
            let cell = self.push(Step::Cell(Source::Fixed(column), 0));
            let term = match factor == Fr::ONE {
                true => cell,
                false => self.push(Step::Scaled(cell, factor)),
            };
            sum = Some(match sum {
                None => term,
                Some(sum) => self.push(Step::Sum(sum, term)),
            });
        }
        match sum {
            None => self.push(Step::Constant(constant)),
            Some(sum) if constant == Fr::ZERO => sum,
            Some(sum) => {
                let constant = self.push(Step::Constant(constant));
                self.push(Step::Sum(sum, constant))
            }
        }
    }
}

/// Adds `factor` times a linear expression to a combination of columns.
fn accumulate(
    expression: &Expression<Fr>,
    factor: Fr,
    challenges: &[Fr],
    columns: &mut Vec<(usize, Fr)>,
    constant: &mut Fr,
) {
    match expression {
        Expression::Fixed(query) => columns.push((query.column_index(), factor)),
        Expression::Negated(inner) => accumulate(inner, -factor, challenges, columns, constant),
        Expression::Scaled(inner, scale) => {
            accumulate(inner, factor * scale, challenges, columns, constant);
        }
        Expression::Sum(left, right) => {
            accumulate(left, factor, challenges, columns, constant);
            accumulate(right, factor, challenges, columns, constant);
        }
        Expression::Product(left, right) => {
            let (linear, scale) = match value(right, challenges) {
                Some(scale) => (left, scale),
                None => (right, value(left, challenges).unwrap_or(Fr::ZERO)),
            };
            accumulate(linear, factor * scale, challenges, columns, constant);
        }
        other => *constant += factor * value(other, challenges).unwrap_or(Fr::ZERO),
    }
}

/// The value of an expression without columns.
fn value(expression: &Expression<Fr>, challenges: &[Fr]) -> Option<Fr> {
    match expression {
        Expression::Constant(value) => Some(*value),
        Expression::Challenge(challenge) => Some(challenges[challenge.index()]),
        Expression::Negated(inner) => Some(-value(inner, challenges)?),
        Expression::Scaled(inner, factor) => Some(value(inner, challenges)? * factor),
        Expression::Sum(left, right) => Some(value(left, challenges)? + value(right, challenges)?),
        Expression::Product(left, right) => {
            Some(value(left, challenges)? * value(right, challenges)?)
        }
        _ => None,
    }
}
