//! Changes of bytes: anything may come out, but most of it is left as it was.
//!
//! Everything is drawn from a [`Stream`], so that a case is fixed by its seed and number.

pub mod elements;
pub mod json;
pub mod protobuf;
pub mod sealed;

use zkassay_seed::Stream;

/// The most bytes that one change inserts.
const MOST: usize = 4096;

/// Changes `bytes` in one to eight places, most often in one; `donors` are other files of the kind.
pub fn mutate(bytes: &mut Vec<u8>, donors: &[&[u8]], stream: &mut Stream) {
    for _ in 0..count(stream) {
        change(bytes, donors, stream);
    }
}

/// How many changes to make: 1 with probability a half, 2 with a quarter, ..., at most 8.
pub fn count(stream: &mut Stream) -> usize {
    1 + (stream.bits().trailing_zeros() as usize).min(7)
}

/// One of `items`; the default if there are none.
pub fn pick<'a, T: ?Sized + 'a>(items: &[&'a T], stream: &mut Stream) -> Option<&'a T> {
    items.get(stream.below(items.len())).copied()
}

/// Whether to do something that is done in one of `n` cases.
pub fn one_in(n: usize, stream: &mut Stream) -> bool {
    stream.below(n) == 0
}

/// An integer at which readers go wrong: 0, 1, the greatest, near a power of two, small.
pub fn interesting(stream: &mut Stream) -> u64 {
    let power = 1u64 << stream.below(64);
    match stream.below(8) {
        0 => 0,
        1 => u64::MAX,
        2 => power,
        3 => power - 1,
        4 => power + 1,
        5 => power.wrapping_neg(),
        6 => stream.below(300) as u64,
        _ => stream.bits(),
    }
}

fn change(bytes: &mut Vec<u8>, donors: &[&[u8]], stream: &mut Stream) {
    let at = stream.below(bytes.len());
    match stream.below(12) {
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << stream.below(8);
            }
        }
        2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = stream.bits() as u8;
            }
        }
        3 => {
            let value = interesting(stream);
            overwrite(bytes, at, &value.to_le_bytes()[..width(stream)]);
        }
        4 => add(bytes, at, stream),
        5 => {
            let length = 1 + stream.below(16);
            let insertion = match one_in(2, stream) {
                true => vec![stream.bits() as u8; length],
                false => (0..length).map(|_| stream.bits() as u8).collect(),
            };
            bytes.splice(at..at, insertion);
        }
        6 => {
            bytes.drain(range(bytes.len(), stream));
        }
        7 => {
            let copy = bytes[range(bytes.len(), stream)].to_vec();
            bytes.splice(at..at, copy);
        }
        8 => {
            let from = range(bytes.len(), stream);
            let copy = bytes[from].to_vec();
            overwrite(bytes, at, &copy);
        }
        9 => bytes.truncate(at),
        10 => {
            // The end of another file, from the same or another place.
            let donor = pick(donors, stream).unwrap_or_default();
            let from = match one_in(2, stream) {
                true => at,
                false => stream.below(donor.len()),
            };
            bytes.truncate(at);
            bytes.extend_from_slice(donor.get(from..).unwrap_or_default());
        }
        _ => {
            // A piece of another file in the place where it was.
            let donor = pick(donors, stream).unwrap_or_default();
            let range = range(donor.len(), stream);
            overwrite(bytes, range.start, &donor[range]);
        }
    }
}

/// Adds a small number to an integer.
fn add(bytes: &mut [u8], at: usize, stream: &mut Stream) {
    let width = width(stream);
    let Some(place) = bytes.get_mut(at..at + width) else {
        return;
    };
    let mut word = [0; 8];
    word[..width].copy_from_slice(place);
    let change = stream.below(33) as u64;
    let sum = u64::from_le_bytes(word).wrapping_add(change.wrapping_sub(16));
    place.copy_from_slice(&sum.to_le_bytes()[..width]);
}

/// Bytes of an integer.
fn width(stream: &mut Stream) -> usize {
    1 << stream.below(4)
}

/// Writes `from` over `bytes`, as far as there are any.
fn overwrite(bytes: &mut [u8], at: usize, from: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(at).zip(from) {
        *to = *from;
    }
}

/// A range within `length` bytes, short ones as likely as long ones.
fn range(length: usize, stream: &mut Stream) -> std::ops::Range<usize> {
    let start = stream.below(length);
    let most = (length - start).min(MOST >> stream.below(12));
    start..start + stream.below(most + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_fixed_by_the_stream() {
        let original: Vec<u8> = (0..200).collect();
        let donor: Vec<u8> = (0..150).rev().collect();
        let mutated = |seed| {
            let mut bytes = original.clone();
            mutate(&mut bytes, &[&donor], &mut Stream::new(seed, "fuzz/test"));
            bytes
        };
        let all: Vec<Vec<u8>> = (0..200).map(mutated).collect();
        assert_eq!(all, (0..200).map(mutated).collect::<Vec<_>>());
        let changed = all.iter().filter(|bytes| **bytes != original).count();
        assert!(changed > 180, "{changed}");
    }

    #[test]
    fn any_length_can_be_changed() {
        for seed in 0..2000 {
            let mut stream = Stream::new(seed, "fuzz/test");
            let mut bytes = vec![7; stream.below(3)];
            mutate(&mut bytes, &[], &mut stream);
            mutate(&mut bytes, &[&[], &[1]], &mut stream);
        }
    }
}
