//! Changes of lists of field elements and points, which keep to their boundaries.
//!
//! Bytes of a point that are changed at random give no point in half of all cases; a point from
//! elsewhere always is one, and gets further.

use zkassay_gadgets::Field;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{Fq, G1Affine};
use zkassay_gadgets::halo2_proofs::halo2curves::ff::PrimeField;
use zkassay_gadgets::halo2_proofs::halo2curves::group::GroupEncoding as _;
use zkassay_seed::Stream;

use super::pick;

/// Bytes of a field element or an encoded point.
pub const ELEMENT: usize = 32;

/// Changes one element of `size` bytes in `bytes`; `donors` are other lists of such elements.
pub fn mutate(bytes: &mut Vec<u8>, size: usize, donors: &[&[u8]], stream: &mut Stream) {
    let count = bytes.len() / size;
    let (at, other) = (stream.below(count) * size, stream.below(count) * size);
    let Some(element) = bytes.get(other..other + size).map(<[u8]>::to_vec) else {
        return;
    };
    match stream.below(8) {
        0 => {
            let moved = bytes[at..at + size].to_vec();
            bytes[other..other + size].copy_from_slice(&moved);
            bytes[at..at + size].copy_from_slice(&element);
        }
        1 => bytes[at..at + size].copy_from_slice(&element),
        2 => {
            bytes.drain(at..at + size);
        }
        3 => {
            bytes.splice(at..at, element);
        }
        4 => {
            let donor = pick(donors, stream).unwrap_or_default();
            if let Some(element) = donor.get(at..at + size) {
                bytes[at..at + size].copy_from_slice(element);
            }
        }
        5 => {
            let donor = pick(donors, stream).unwrap_or_default();
            bytes.truncate(at);
            bytes.extend_from_slice(donor.get(at..).unwrap_or_default());
        }
        _ => {
            let special = special(stream);
            for (to, from) in bytes[at..at + size].iter_mut().zip(special) {
                *to = from;
            }
        }
    }
}

/// Encodings at which readers go wrong, and any scalar.
pub fn special(stream: &mut Stream) -> [u8; ELEMENT] {
    let small = Field::from(stream.below(5) as u64);
    let mut bytes = match stream.below(8) {
        0 => [0; ELEMENT],
        1 => [0xff; ELEMENT],
        2 => (-small).to_repr(),
        3 => modulus::<Field>(),
        4 => modulus::<Fq>(),
        5 => {
            let mut generator = [0; ELEMENT];
            generator.copy_from_slice(G1Affine::generator().to_bytes().as_ref());
            generator
        }
        6 => small.to_repr(),
        _ => (Field::from(stream.bits()).square() * Field::from(stream.bits())).to_repr(),
    };
    // The flags of points: sign and identity.
    if stream.below(4) == 0 {
        bytes[ELEMENT - 1] ^= 1 << (6 + stream.below(2));
    }
    bytes
}

/// The order of the field, little endian: the smallest number that is not an element.
fn modulus<F: PrimeField>() -> [u8; ELEMENT] {
    let mut bytes = [0; ELEMENT];
    for (to, from) in bytes.iter_mut().zip((-F::ONE).to_repr().as_ref()) {
        *to = *from;
    }
    // It is odd, so that one less does not borrow.
    bytes[0] += 1;
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modulus_is_no_element() {
        assert!(bool::from(Field::from_repr(modulus::<Field>()).is_none()));
        let mut below = modulus::<Field>();
        below[0] -= 1;
        assert!(bool::from(Field::from_repr(below).is_some()));
    }

    #[test]
    fn lists_of_any_length_can_be_changed() {
        for seed in 0..2000 {
            let mut stream = Stream::new(seed, "fuzz/test");
            let mut bytes = vec![7; stream.below(100)];
            let donor = vec![8; stream.below(100)];
            mutate(&mut bytes, ELEMENT, &[&donor], &mut stream);
        }
    }
}
