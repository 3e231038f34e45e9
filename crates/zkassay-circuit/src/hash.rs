//! Cells of hashes, in either kind of table ([`zkassay_gadgets::hash`]).

use std::ops::Range;

use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::halo2_proofs::plonk::{Column, Fixed};
use zkassay_gadgets::hash::Hash;
use zkassay_gadgets::poseidon::{self, Sponge, WIDTH};
use zkassay_gadgets::{Field, power_of_two};

use crate::layout::Cells;

/// Where an integer of a message stands, or one of its digits, and how it is packed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The row.
    pub(crate) row: usize,
    /// Its factor in the element.
    factor: Field,
    /// Whether an element begins there.
    begins: bool,
}

/// The places of a message whose integers have these rows, one for each digit of so many bits.
pub(crate) fn places(
    sponge: Sponge,
    digit_bits: u32,
    rows: impl Fn(usize) -> Range<usize>,
) -> Vec<Place> {
    let per_element = sponge.per_element();
    let of_integer = |index: usize| {
        let place = index % per_element;
        (0u32..).zip(rows(index)).map(move |(digit, row)| Place {
            row,
            factor: power_of_two(sponge.bits * place as u32 + digit_bits * digit),
            begins: place == 0 && digit == 0,
        })
    };
    (0..sponge.count).flat_map(of_integer).collect()
}

/// The fixed cells of the rounds.
pub(crate) fn round_cells(hash: &Hash, sponges: &[Sponge], cells: &mut Cells) {
    if let Some(origin) = hash.origin {
        cells.set(origin, 0, 1);
    }
    let constants = poseidon::round_constants();
    for sponge in sponges {
        cells.0.push((hash.tag, sponge.first_row, sponge.tag()));
        cells.set(hash.digest, sponge.digest_row(), 1);
        for (before, is_single) in absorptions(*sponge) {
            for (word, column) in hash.absorb.iter().enumerate() {
                let skipped = is_single && word == 0;
                cells.set(*column, before, i128::from(!skipped));
            }
            for (round, words) in constants.iter().enumerate() {
                let row = before + 1 + round;
                let kind = match poseidon::is_full(round) {
                    true => hash.full,
                    false => hash.partial,
                };
                cells.set(kind, row, 1);
                for (column, word) in hash.constants.iter().zip(words) {
                    cells.0.push((*column, row, *word));
                }
            }
        }
    }
}

/// The fixed cells of a message's integers.
pub(crate) fn packing_cells(
    hash: &Hash,
    column: Option<Column<Fixed>>,
    places: &[Place],
    cells: &mut Cells,
) {
    let Some(column) = column else { return };
    for place in places {
        cells.0.push((column, place.row, place.factor));
        cells.set(hash.fold, place.row, place.begins.into());
    }
}

/// The columns of one inference's rounds in a table of so many rows: states, squares and fourth powers.
pub(crate) fn rounds(length: usize, messages: &[(Sponge, Vec<Field>)]) -> Vec<Vec<Field>> {
    let mut columns = vec![vec![Field::ZERO; length]; 3 * WIDTH];
    let constants = poseidon::round_constants();
    for (sponge, integers) in messages {
        // The first row belongs to what comes before.
        for (offset, state) in sponge.states(integers).into_iter().enumerate().skip(1) {
            let row = sponge.first_row + offset;
            for (word, value) in state.into_iter().enumerate() {
                columns[word][row] = value;
                if row == sponge.digest_row() {
                    continue;
                }
                let round = (offset - 1) % poseidon::ROUNDS;
                let is_boxed = word == 0 || poseidon::is_full(round);
                let (square, fourth) = match is_boxed {
                    true => {
                        let square = (value + constants[round][word]).square();
                        (square, square.square())
                    }
                    false => (Field::ZERO, Field::ONE),
                };
                columns[WIDTH + word][row] = square;
                columns[2 * WIDTH + word][row] = fourth;
            }
        }
    }
    columns
}

/// The Horner sum of packed integers, rows `0..=last`; `integer` says what a row holds.
pub(crate) fn packed(
    last: usize,
    r: Field,
    integers: impl IntoIterator<Item = (Place, Field)>,
) -> Vec<Field> {
    let mut terms = vec![(Field::ONE, Field::ZERO); last];
    for (place, integer) in integers {
        let factor = if place.begins { r } else { Field::ONE };
        terms[place.row] = (factor, integer * place.factor);
    }
    running(terms)
}

/// The Horner sum of what the sponges absorb, rows `0..=last`; the rounds of each inference are combined by
/// powers of `rho`.
pub(crate) fn absorbed(
    last: usize,
    (r, rho): (Field, Field),
    lanes: &[&[Vec<Field>]],
    sponges: &[Sponge],
) -> Vec<Field> {
    let mut terms = vec![(Field::ONE, Field::ZERO); last];
    let all = sponges.iter().flat_map(|sponge| {
        let first = sponge.first_row;
        absorptions(*sponge).map(move |(row, is_single)| (row, is_single, row == first))
    });
    for (row, is_single, is_first) in all {
        let [first, second] = lanes.iter().rev().fold([Field::ZERO; 2], |sums, rounds| {
            let words = absorbed_words(rounds, row, is_first);
            [0, 1].map(|word| sums[word] * rho + words[word])
        });
        terms[row] = match is_single {
            true => (r, second),
            false => (r * r, r * first + second),
        };
    }
    running(terms)
}

/// The rows before the permutations of a sponge, and whether one element is absorbed there instead of two.
fn absorptions(sponge: Sponge) -> impl Iterator<Item = (usize, bool)> {
    let is_odd = sponge.elements() % 2 == 1;
    (0..sponge.permutations()).map(move |permutation| {
        let row = sponge.first_row + permutation * poseidon::ROUNDS;
        (row, is_odd && permutation == 0)
    })
}

/// What is added to the rate after `row`.
fn absorbed_words(rounds: &[Vec<Field>], row: usize, is_first: bool) -> [Field; WIDTH - 1] {
    let state = |row: usize| -> [Field; WIDTH] { std::array::from_fn(|word| rounds[word][row]) };
    let before = match is_first {
        true => [Field::ZERO; WIDTH],
        false => poseidon::round(poseidon::ROUNDS - 1, state(row)),
    };
    let next = state(row + 1);
    [1, 2].map(|word| next[word] - before[word])
}

/// `column[row + 1] = factor * column[row] + term`, from zero.
fn running(terms: Vec<(Field, Field)>) -> Vec<Field> {
    let mut column = Vec::with_capacity(terms.len() + 1);
    let mut sum = Field::ZERO;
    column.push(sum);
    for (factor, term) in terms {
        sum = sum * factor + term;
        column.push(sum);
    }
    column
}
