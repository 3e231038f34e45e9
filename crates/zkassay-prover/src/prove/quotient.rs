//! The quotient of the gates by `X^n - 1`.

use rayon::prelude::*;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::Fr;
use zkassay_gadgets::halo2_proofs::halo2curves::ff::Field as _;

use super::fixed::FixedColumns;
use super::gates::{Program, Source, Step};

/// Rows that are computed together: few enough that the values of all steps stay in the cache.
const CHUNK: usize = 16;
/// Coefficients of a task.
const TASK: usize = 256;

/// The quotient in pieces of `n` coefficients, for columns given by coefficients.
pub(crate) fn quotient(
    columns: &FixedColumns,
    advice: &[Vec<Fr>],
    instance: &[Vec<Fr>],
    challenges: &[Fr],
    y: Fr,
) -> Vec<Vec<Fr>> {
    let domain = columns.domain();
    let rows = domain.rows();
    let program = columns.program(challenges, y);
    let derived: Vec<Vec<Fr>> = program
        .derived
        .iter()
        .map(|combination| columns.combine(combination))
        .collect();
    // Every polynomial on every coset.
    let given: Vec<&Vec<Fr>> = advice.iter().chain(instance).chain(&derived).collect();
    let tasks: Vec<(usize, &Vec<Fr>)> = (0..domain.parts())
        .flat_map(|part| given.iter().map(move |polynomial| (part, *polynomial)))
        .collect();
    let cosets: Vec<Vec<Fr>> = tasks
        .into_par_iter()
        .map(|(part, polynomial)| domain.coset(part, polynomial))
        .collect();
    let parts: Vec<Vec<Fr>> = (0..domain.parts())
        .map(|part| {
            let of_part = &cosets[part * given.len()..(part + 1) * given.len()];
            let column = |source: Source| match source {
                Source::Advice(index) => of_part[index].as_slice(),
                Source::Instance(index) => &of_part[advice.len() + index],
                Source::Derived(index) => &of_part[advice.len() + instance.len() + index],
                Source::Fixed(index) => columns.coset(index, part),
            };
            let inverse = domain.vanishing(part).invert().unwrap_or(Fr::ZERO);
            let mut values = vec![Fr::ZERO; rows];
            values
                .par_chunks_mut(TASK)
                .enumerate()
                .for_each(|(index, values)| {
                    run(&program, &column, index * TASK, rows, values);
                    for value in values {
                        *value *= inverse;
                    }
                });
            values
        })
        .collect();
    let coefficients = domain.interpolate_cosets(&parts);
    coefficients
        .chunks(rows)
        .take(columns.pieces())
        .map(<[Fr]>::to_vec)
        .collect()
}

/// The program's result in the rows from `first`.
fn run<'a>(
    program: &Program,
    column: &impl Fn(Source) -> &'a [Fr],
    first: usize,
    rows: usize,
    results: &mut [Fr],
) {
    let mut values = vec![[Fr::ZERO; CHUNK]; program.steps.len()];
    for (chunk, results) in results.chunks_mut(CHUNK).enumerate() {
        let row = first + chunk * CHUNK;
        for (index, step) in program.steps.iter().enumerate() {
            let (known, rest) = values.split_at_mut(index);
            let target = &mut rest[0];
            match *step {
                Step::Constant(value) => *target = [value; CHUNK],
                Step::Cell(source, rotation) => {
                    let cells = column(source);
                    let start = row + rows.wrapping_add_signed(rotation as isize);
                    for (offset, value) in target.iter_mut().enumerate() {
                        *value = cells[(start + offset) & (rows - 1)];
                    }
                }
                Step::Sum(left, right) => {
                    for (value, (a, b)) in
                        target.iter_mut().zip(known[left].iter().zip(&known[right]))
                    {
                        *value = *a + b;
                    }
                }
                Step::Product(left, right) => {
                    for (value, (a, b)) in
                        target.iter_mut().zip(known[left].iter().zip(&known[right]))
                    {
                        *value = *a * b;
                    }
                }
                Step::Scaled(of, factor) => {
                    for (value, a) in target.iter_mut().zip(&known[of]) {
                        *value = *a * factor;
                    }
                }
            }
        }
        if let Some(last) = values.last() {
            results.copy_from_slice(&last[..results.len()]);
        }
    }
}
