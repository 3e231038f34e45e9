//! What a proof shows of input and output.

use zkassay_fixed::{DataVisibility, InputScales};
use zkassay_gadgets::halo2_proofs::halo2curves::ff::PrimeField as _;
use zkassay_gadgets::{Field, field};

use crate::artefact::{ArtefactError, Kind, Reader};

/// A public value: an integer at its scale, and the real number that it stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublicValue {
    /// The integer; in the proof system, `p - |integer|` if it is negative.
    pub integer: i64,
    /// `integer * 2^-scale`.
    pub real: f64,
}

impl PublicValue {
    /// The integer as an element of the field.
    pub fn field(&self) -> Field {
        field(self.integer.into())
    }
}

/// An input or an output, as far as a proof shows it.
#[derive(Clone, Debug, PartialEq)]
pub enum PublicData {
    /// Not at all.
    Private,
    /// Its values.
    Values(Vec<PublicValue>),
    /// Its Poseidon hash: one for each inference of the proof.
    Hashes(Vec<Field>),
}

impl PublicData {
    /// `integers` at their scales, and their `hashes`, as far as `visibility` shows them.
    pub fn new(
        visibility: DataVisibility,
        integers: &[i64],
        scales: impl Into<InputScales>,
        hashes: Vec<Field>,
    ) -> Self {
        match visibility {
            DataVisibility::Public => Self::values(integers, scales),
            DataVisibility::Hashed => Self::Hashes(hashes),
            DataVisibility::Private => Self::Private,
        }
    }

    /// Public values: integers at the given scale, or at those of each input; of one inference after
    /// the other.
    pub fn values(integers: &[i64], scales: impl Into<InputScales>) -> Self {
        let scales: InputScales = scales.into();
        let value = |(index, integer): (usize, &i64)| PublicValue {
            integer: *integer,
            real: scales.of(index).real(*integer),
        };
        Self::Values(integers.iter().enumerate().map(value).collect())
    }

    /// The integers, if they are public.
    pub fn integers(&self) -> Vec<i64> {
        match self {
            Self::Values(values) => values.iter().map(|value| value.integer).collect(),
            Self::Private | Self::Hashes(_) => vec![],
        }
    }

    /// The real numbers, if they are public.
    pub fn reals(&self) -> Vec<f64> {
        match self {
            Self::Values(values) => values.iter().map(|value| value.real).collect(),
            Self::Private | Self::Hashes(_) => vec![],
        }
    }

    /// The hash of each inference, if it is hashed.
    pub fn hashes(&self) -> Vec<Field> {
        match self {
            Self::Hashes(hashes) => hashes.clone(),
            Self::Private | Self::Values(_) => vec![],
        }
    }

    /// How it is shown.
    pub fn visibility(&self) -> DataVisibility {
        match self {
            Self::Private => DataVisibility::Private,
            Self::Values(_) => DataVisibility::Public,
            Self::Hashes(_) => DataVisibility::Hashed,
        }
    }

    /// Appends it: a byte, then a count and, for each value, field element and real number; or
    /// the hash; or, after a byte of their own, a count and several hashes. Everything is little endian.
    pub(crate) fn write(&self, payload: &mut Vec<u8>) {
        payload.push(match self {
            Self::Hashes(hashes) if hashes.len() != 1 => SEVERAL_HASHES,
            _ => self.visibility() as u8,
        });
        match self {
            Self::Private => {}
            Self::Values(values) => {
                payload.extend_from_slice(&(values.len() as u32).to_le_bytes());
                for value in values {
                    payload.extend_from_slice(value.field().to_repr().as_ref());
                    payload.extend_from_slice(&value.real.to_le_bytes());
                }
            }
            Self::Hashes(hashes) => {
                if hashes.len() != 1 {
                    payload.extend_from_slice(&(hashes.len() as u32).to_le_bytes());
                }
                for hash in hashes {
                    payload.extend_from_slice(hash.to_repr().as_ref());
                }
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, ArtefactError> {
        let [visibility] = reader.array()?;
        if visibility == SEVERAL_HASHES {
            return read_hashes(reader).map(Self::Hashes);
        }
        match DataVisibility::ALL.get(usize::from(visibility)) {
            Some(DataVisibility::Private) => Ok(Self::Private),
            Some(DataVisibility::Public) => {
                let count = u32::from_le_bytes(reader.array()?) as usize;
                let bytes = reader.take(count.saturating_mul(VALUE_BYTES))?;
                let mut values = Reader::new(Kind::Proof, bytes);
                let value = |_| {
                    let element = read_field(&mut values)?;
                    Ok(PublicValue {
                        integer: integer(element).ok_or_else(|| {
                            malformed("a public value is not a 64-bit integer of the field")
                        })?,
                        real: f64::from_le_bytes(values.array()?),
                    })
                };
                (0..count)
                    .map(value)
                    .collect::<Result<_, _>>()
                    .map(Self::Values)
            }
            Some(DataVisibility::Hashed) => read_field(reader).map(|hash| Self::Hashes(vec![hash])),
            None => Err(malformed(&format!("unknown visibility {visibility}"))),
        }
    }
}

/// Bytes of a public value: field element and real number.
const VALUE_BYTES: usize = 40;
/// Bytes of a hash.
const HASH_BYTES: usize = 32;
/// What stands in place of the visibility of several hashes; a single one has that of its visibility.
const SEVERAL_HASHES: u8 = 3;

fn read_hashes(reader: &mut Reader<'_>) -> Result<Vec<Field>, ArtefactError> {
    let count = u32::from_le_bytes(reader.array()?) as usize;
    if count == 1 {
        return Err(malformed("a single hash is written as if it were several"));
    }
    let bytes = reader.take(count.saturating_mul(HASH_BYTES))?;
    let mut hashes = Reader::new(Kind::Proof, bytes);
    (0..count).map(|_| read_field(&mut hashes)).collect()
}

fn malformed(what: &str) -> ArtefactError {
    ArtefactError::malformed(Kind::Proof, what)
}

fn read_field(reader: &mut Reader<'_>) -> Result<Field, ArtefactError> {
    let bytes: [u8; 32] = reader.array()?;
    Option::from(Field::from_repr(bytes))
        .ok_or_else(|| malformed("a public value is not an element of the field"))
}

/// The integer of at most 62 bits that a field element stands for.
fn integer(element: Field) -> Option<i64> {
    let small = |element: Field| {
        let repr = element.to_repr();
        let (low, high) = repr.as_ref().split_at(8);
        let low: [u8; 8] = low.try_into().ok()?;
        let magnitude = u64::from_le_bytes(low);
        (high.iter().all(|byte| *byte == 0) && magnitude < 1 << 62).then_some(magnitude as i64)
    };
    small(element).or_else(|| small(-element).map(|magnitude| -magnitude))
}

#[cfg(test)]
mod tests {
    use zkassay_fixed::Scale;

    use super::*;

    #[test]
    fn data_round_trips() {
        let limit = (1i64 << 62) - 1;
        for data in [
            PublicData::Private,
            PublicData::values(&[], Scale(0)),
            PublicData::values(&[0, 1, -1, limit, -limit], Scale(13)),
            PublicData::Hashes(vec![-Field::from(5)]),
            PublicData::Hashes(vec![]),
            PublicData::Hashes(vec![-Field::from(5), Field::from(3)]),
        ] {
            let mut bytes = vec![];
            data.write(&mut bytes);
            let mut reader = Reader::new(Kind::Proof, &bytes);
            assert_eq!(PublicData::read(&mut reader), Ok(data));
            assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn negative_values_are_what_they_are() {
        let data = PublicData::values(&[-3], Scale(1));
        assert_eq!((data.integers(), data.reals()), (vec![-3], vec![-1.5]));
        let PublicData::Values(values) = &data else {
            panic!("{data:?}");
        };
        assert_eq!(values[0].field(), -Field::from(3));
    }

    #[test]
    fn inputs_have_their_own_scales_in_every_inference() {
        let scales = InputScales::of_each(&[Scale(1), Scale(-2)]);
        let data = PublicData::values(&[3, 3, -1, -1], &scales);
        assert_eq!(data.reals(), [1.5, 12.0, -0.5, -4.0]);
    }

    #[test]
    fn elements_that_are_no_integers_are_refused() {
        let read = |element: [u8; 32]| {
            let mut bytes = vec![1, 1, 0, 0, 0];
            bytes.extend_from_slice(&element);
            bytes.extend_from_slice(&0f64.to_le_bytes());
            PublicData::read(&mut Reader::new(Kind::Proof, &bytes)).is_ok()
        };
        let mut element = [0; 32];
        assert!(read(element));
        element[7] = 0x40;
        assert!(!read(element));
        element[20] = 1;
        assert!(!read(element));
        assert!(!read([0xff; 32]));
    }

    #[test]
    fn huge_counts_do_not_allocate() {
        for kind in [1, SEVERAL_HASHES] {
            let mut bytes = vec![kind];
            bytes.extend_from_slice(&u32::MAX.to_le_bytes());
            bytes.extend_from_slice(&[0; 320]);
            assert!(PublicData::read(&mut Reader::new(Kind::Proof, &bytes)).is_err());
        }
    }

    #[test]
    fn hashes_have_one_encoding() {
        let mut bytes = vec![];
        PublicData::Hashes(vec![Field::from(7)]).write(&mut bytes);
        assert_eq!(bytes.len(), 1 + HASH_BYTES);
        let mut several = vec![SEVERAL_HASHES, 1, 0, 0, 0];
        several.extend_from_slice(&bytes[1..]);
        assert!(PublicData::read(&mut Reader::new(Kind::Proof, &several)).is_err());
        // A field element that is none, and a missing one.
        let mut bytes = vec![];
        PublicData::Hashes(vec![Field::from(7); 3]).write(&mut bytes);
        let read = |bytes: &[u8]| PublicData::read(&mut Reader::new(Kind::Proof, bytes));
        assert!(read(&bytes).is_ok());
        assert!(read(&bytes[..bytes.len() - 1]).is_err());
        let last = bytes.len() - 1;
        bytes[last] = 0xff;
        assert!(read(&bytes).is_err());
    }
}
