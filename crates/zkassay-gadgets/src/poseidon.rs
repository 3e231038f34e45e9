//! Poseidon over BN254, and what of a table it hashes.
//!
//! The permutation has width 3, S-box `x^5`, 8 full and 57 partial rounds, with the
//! constants that the paper's generator gives (Grassi et al., ePrint 2019/458) and circom
//! uses. The sponge has capacity 1, in word 0, and rate 2.
//!
//! A message is `n` integers of `b` bits. They are packed into field elements, as many as
//! fit 253 bits each, from the least significant bits up; an odd number of elements gets a
//! zero in front. The capacity starts as `2^64 n + b`, so that messages of different
//! lengths never have one hash for being padded alike; the hash is word 1 of the last state.

use std::sync::OnceLock;

use halo2_proofs::arithmetic::Field as _;
use poseidon_primitives::poseidon::primitives::Spec;

use crate::{Field, power_of_two};

/// Words of the state.
pub const WIDTH: usize = 3;
/// Rounds in which every word passes an S-box; half of them first, half last.
pub const FULL_ROUNDS: usize = 8;
/// Rounds in which only word 0 does.
pub const PARTIAL_ROUNDS: usize = 57;
/// All rounds.
pub const ROUNDS: usize = FULL_ROUNDS + PARTIAL_ROUNDS;
/// Words absorbed by one permutation.
const RATE: usize = WIDTH - 1;
/// Bits of integers that a field element takes.
const ELEMENT_BITS: u32 = 253;

/// Constants of the permutation.
pub(crate) struct Constants {
    /// Added before the S-boxes of each round.
    pub(crate) rounds: Vec<[Field; WIDTH]>,
    /// Mixes the words after them.
    pub(crate) mds: [[Field; WIDTH]; WIDTH],
}

/// The parameters, for the generator of the constants.
#[derive(Debug)]
struct Parameters;

impl Spec<Field, WIDTH, RATE> for Parameters {
    fn full_rounds() -> usize {
        FULL_ROUNDS
    }

    fn partial_rounds() -> usize {
        PARTIAL_ROUNDS
    }

    fn sbox(word: Field) -> Field {
        power_of_five(word)
    }

    fn secure_mds() -> usize {
        0
    }
}

pub(crate) fn constants() -> &'static Constants {
    static CONSTANTS: OnceLock<Constants> = OnceLock::new();
    CONSTANTS.get_or_init(|| {
        let (rounds, mds, _) = Parameters::constants();
        Constants { rounds, mds }
    })
}

/// What each round adds to the words before its S-boxes.
pub fn round_constants() -> &'static [[Field; WIDTH]] {
    &constants().rounds
}

/// Whether every word of the given round passes an S-box.
pub fn is_full(round: usize) -> bool {
    !(FULL_ROUNDS / 2..ROUNDS - FULL_ROUNDS / 2).contains(&round)
}

fn power_of_five(word: Field) -> Field {
    word.square().square() * word
}

/// The state after one round.
pub fn round(index: usize, state: [Field; WIDTH]) -> [Field; WIDTH] {
    let constants = constants();
    let mut words = [Field::ZERO; WIDTH];
    for (position, word) in words.iter_mut().enumerate() {
        *word = state[position] + constants.rounds[index][position];
        if position == 0 || is_full(index) {
            *word = power_of_five(*word);
        }
    }
    constants.mds.map(|row| {
        row.iter()
            .zip(&words)
            .fold(Field::ZERO, |sum, (factor, word)| sum + *factor * word)
    })
}

/// The permutation.
pub fn permute(state: [Field; WIDTH]) -> [Field; WIDTH] {
    (0..ROUNDS).fold(state, |state, index| round(index, state))
}

/// A message's place in a proof table: `count` integers of `bits` bits.
///
/// One row before the first permutation, one per round, and one with the digest, which is
/// also the first of the next sponge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sponge {
    /// The row before the first permutation.
    pub first_row: usize,
    /// Integers.
    pub count: usize,
    /// Bits of each.
    pub bits: u32,
}

impl Sponge {
    /// A sponge that starts in the given row.
    pub fn new(first_row: usize, count: usize, bits: u32) -> Self {
        Self {
            first_row,
            count,
            bits,
        }
    }

    /// Integers in one field element.
    pub fn per_element(&self) -> usize {
        (ELEMENT_BITS / self.bits.clamp(1, ELEMENT_BITS)) as usize
    }

    /// Field elements of the message, without the zero in front.
    pub fn elements(&self) -> usize {
        self.count.div_ceil(self.per_element())
    }

    /// Permutations.
    pub fn permutations(&self) -> usize {
        self.elements().div_ceil(RATE)
    }

    /// The row that holds the digest.
    pub fn digest_row(&self) -> usize {
        self.first_row + 1 + self.permutations() * ROUNDS
    }

    /// What the capacity starts with.
    pub fn tag(&self) -> Field {
        power_of_two(64) * Field::from(self.count as u64) + Field::from(u64::from(self.bits))
    }

    /// The elements that each permutation absorbs.
    pub(crate) fn blocks(&self, integers: &[Field]) -> Vec<[Field; RATE]> {
        let mut elements = vec![Field::ZERO; self.elements() % RATE];
        elements.extend(integers.chunks(self.per_element()).map(|chunk| {
            let shift = power_of_two(self.bits);
            chunk
                .iter()
                .rev()
                .fold(Field::ZERO, |sum, integer| sum * shift + integer)
        }));
        elements
            .chunks_exact(RATE)
            .map(|block| [block[0], block[1]])
            .collect()
    }

    /// The state in every row from [`first_row`](Self::first_row) to
    /// [`digest_row`](Self::digest_row). Word 1 of the last is the hash.
    pub fn states(&self, integers: &[Field]) -> Vec<[Field; WIDTH]> {
        let mut states = vec![[Field::ZERO; WIDTH]];
        let mut state = [self.tag(), Field::ZERO, Field::ZERO];
        for block in self.blocks(integers) {
            state[1] += block[0];
            state[2] += block[1];
            for index in 0..ROUNDS {
                states.push(state);
                state = round(index, state);
            }
        }
        states.push(state);
        states
    }

    /// The hash of `integers`, each in `[0, 2^bits)`.
    pub fn hash(&self, integers: &[Field]) -> Field {
        self.states(integers)
            .last()
            .map_or(Field::ZERO, |state| state[1])
    }
}

#[cfg(test)]
mod tests {
    use halo2_proofs::halo2curves::ff::PrimeField as _;

    use super::*;

    #[test]
    fn the_permutation_is_circoms() {
        // poseidon([1, 2]) of circomlib, its published test vector.
        let hash = permute([0, 1, 2].map(Field::from))[0];
        let expected = "115cc0f5e7d690413df64c6b9662e9cf2a3617f2743245519e19607a4417189a";
        let found: String = hash
            .to_repr()
            .as_ref()
            .iter()
            .rev()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn packing_is_positional() {
        let sponge = Sponge::new(0, 40, 16);
        assert_eq!((sponge.per_element(), sponge.elements()), (15, 3));
        let integers: Vec<Field> = (1..=40).map(Field::from).collect();
        let blocks = sponge.blocks(&integers);
        // Three elements: a zero, then 15, 15 and 10 integers.
        assert_eq!(blocks.len(), 2);
        assert_eq!(blocks[0][0], Field::ZERO);
        let first: Field = (0..15)
            .map(|i| integers[i] * power_of_two(16 * i as u32))
            .fold(Field::ZERO, |sum, term| sum + term);
        assert_eq!(blocks[0][1], first);
    }

    #[test]
    fn lengths_widths_and_every_integer_count() {
        let hash = |count: usize, bits: u32, integers: &[u64]| {
            let integers: Vec<Field> = integers.iter().copied().map(Field::from).collect();
            Sponge::new(0, count, bits).hash(&integers)
        };
        let base = hash(3, 16, &[1, 2, 3]);
        assert_eq!(base, hash(3, 16, &[1, 2, 3]));
        for other in [
            hash(2, 16, &[1, 2]),
            hash(4, 16, &[1, 2, 3, 0]),
            hash(4, 16, &[0, 1, 2, 3]),
            hash(3, 17, &[1, 2, 3]),
            hash(3, 16, &[1, 2, 4]),
            hash(3, 16, &[1, 3, 2]),
        ] {
            assert_ne!(base, other);
        }
    }
}
