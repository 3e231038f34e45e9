//! What a proof shows of input and output.

use zkassay_fixed::{DataVisibility, Scale};
use zkassay_gadgets::halo2_proofs::halo2curves::ff::PrimeField as _;
use zkassay_gadgets::{Field, field};

use crate::artefact::{ArtefactError, Kind, Reader};

/// A public value: an integer at the model's scale, and the real number that it stands for.
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
    /// Its Poseidon hash.
    Hash(Field),
}

impl PublicData {
    /// `integers` at `scale`, and their `hash`, as far as `visibility` shows them.
    pub fn new(
        visibility: DataVisibility,
        integers: &[i64],
        scale: Scale,
        hash: Option<Field>,
    ) -> Self {
        match (visibility, hash) {
            (DataVisibility::Public, _) => Self::values(integers, scale),
            (DataVisibility::Hashed, Some(hash)) => Self::Hash(hash),
            (DataVisibility::Hashed, None) | (DataVisibility::Private, _) => Self::Private,
        }
    }

    /// Public values: integers at the given scale.
    pub fn values(integers: &[i64], scale: Scale) -> Self {
        let value = |integer: &i64| PublicValue {
            integer: *integer,
            real: scale.real(*integer),
        };
        Self::Values(integers.iter().map(value).collect())
    }

    /// The integers, if they are public.
    pub fn integers(&self) -> Vec<i64> {
        match self {
            Self::Values(values) => values.iter().map(|value| value.integer).collect(),
            Self::Private | Self::Hash(_) => vec![],
        }
    }

    /// The real numbers, if they are public.
    pub fn reals(&self) -> Vec<f64> {
        match self {
            Self::Values(values) => values.iter().map(|value| value.real).collect(),
            Self::Private | Self::Hash(_) => vec![],
        }
    }

    /// The hash, if it is hashed.
    pub fn hash(&self) -> Option<Field> {
        match self {
            Self::Hash(hash) => Some(*hash),
            Self::Private | Self::Values(_) => None,
        }
    }

    /// How it is shown.
    pub fn visibility(&self) -> DataVisibility {
        match self {
            Self::Private => DataVisibility::Private,
            Self::Values(_) => DataVisibility::Public,
            Self::Hash(_) => DataVisibility::Hashed,
        }
    }

    /// Appends it: a byte, then a count and, for each value, field element and real number; or
    /// the hash. Everything is little endian.
    pub(crate) fn write(&self, payload: &mut Vec<u8>) {
        payload.push(self.visibility() as u8);
        match self {
            Self::Private => {}
            Self::Values(values) => {
                payload.extend_from_slice(&(values.len() as u32).to_le_bytes());
                for value in values {
                    payload.extend_from_slice(value.field().to_repr().as_ref());
                    payload.extend_from_slice(&value.real.to_le_bytes());
                }
            }
            Self::Hash(hash) => payload.extend_from_slice(hash.to_repr().as_ref()),
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, ArtefactError> {
        let [visibility] = reader.array()?;
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
            Some(DataVisibility::Hashed) => read_field(reader).map(Self::Hash),
            None => Err(malformed(&format!("unknown visibility {visibility}"))),
        }
    }
}

/// Bytes of a public value: field element and real number.
const VALUE_BYTES: usize = 40;

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
    use super::*;

    #[test]
    fn data_round_trips() {
        let limit = (1i64 << 62) - 1;
        for data in [
            PublicData::Private,
            PublicData::values(&[], Scale(0)),
            PublicData::values(&[0, 1, -1, limit, -limit], Scale(13)),
            PublicData::Hash(-Field::from(5)),
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
        let mut bytes = vec![1];
        bytes.extend_from_slice(&u32::MAX.to_le_bytes());
        assert!(PublicData::read(&mut Reader::new(Kind::Proof, &bytes)).is_err());
    }
}
