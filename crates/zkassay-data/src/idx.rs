//! The IDX format of MNIST: a magic number, the sizes, then bytes; gzipped.
//!
//! ```text
//! 0, 0, 8 (unsigned byte), number of dimensions; each size as big-endian u32; the values
//! ```

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::Crc;
use flate2::read::GzDecoder;

use crate::{DataError, Result};

/// Image and label file of the training part, then of the test part.
pub(crate) const FILES: [[&str; 2]; 2] = [
    ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"],
    ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"],
];

/// Largest number of values read: five times MNIST's training images.
const LARGEST: u64 = 1 << 28;

/// Reads a gzipped IDX file of `N` dimensions: the sizes and the values, row-major.
///
/// # Errors
///
/// [`DataError::Io`] if it cannot be opened; [`DataError::Idx`] if it is not gzip, is cut short
/// or too long, has another magic number, or fails gzip's own checksum.
pub(crate) fn read<const N: usize>(path: &Path) -> Result<([usize; N], Vec<u8>)> {
    let file = File::open(path).map_err(DataError::io("open", path))?;
    decode(GzDecoder::new(BufReader::new(file))).map_err(|reason| DataError::Idx {
        path: path.to_path_buf(),
        reason,
    })
}

fn decode<const N: usize>(mut input: impl Read) -> Result<([usize; N], Vec<u8>), String> {
    let mut magic = [0; 4];
    input.read_exact(&mut magic).map_err(describe)?;
    let expected = [0, 0, 8, N as u8];
    if magic != expected {
        return Err(format!(
            "magic number {:#010x} found, {:#010x} ({N} dimensions of bytes) expected",
            u32::from_be_bytes(magic),
            u32::from_be_bytes(expected)
        ));
    }
    let mut sizes = [0; N];
    let mut values = 1_u64;
    for size in &mut sizes {
        let mut bytes = [0; 4];
        input.read_exact(&mut bytes).map_err(describe)?;
        let found = u32::from_be_bytes(bytes);
        values = values.saturating_mul(u64::from(found));
        *size = found as usize;
    }
    if values == 0 || values > LARGEST {
        return Err(format!(
            "sizes {sizes:?} make {values} values; 1 to {LARGEST} are read"
        ));
    }
    // One byte more than announced, to see that there is none, and to have gzip's checksum tested.
    let mut content = Vec::new();
    input
        .take(values + 1)
        .read_to_end(&mut content)
        .map_err(describe)?;
    match content.len() as u64 {
        found if found == values => Ok((sizes, content)),
        found if found < values => Err(format!(
            "{found} values found, {values} ({sizes:?}) expected"
        )),
        _ => Err(format!(
            "more than the {values} values of its sizes {sizes:?}"
        )),
    }
}

fn describe(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            format!("it is not sound gzip ({error})")
        }
        _ => error.to_string(),
    }
}

/// `values` of the given sizes as a gzipped IDX file; equal values give equal bytes.
pub(crate) fn encode(sizes: &[usize], values: &[u8]) -> Vec<u8> {
    let mut content = vec![0, 0, 8, sizes.len() as u8];
    for size in sizes {
        content.extend((*size as u32).to_be_bytes());
    }
    content.extend(values);
    gzip(&content)
}

/// Compresses with one fixed compressor: which one flate2 uses depends on what else is built.
fn gzip(content: &[u8]) -> Vec<u8> {
    /// Magic, deflate, no flags, no time, best compression, unknown system (RFC 1952).
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    let mut crc = Crc::new();
    crc.update(content);
    let mut file = HEADER.to_vec();
    file.extend(miniz_oxide::deflate::compress_to_vec(content, 9));
    file.extend(crc.sum().to_le_bytes());
    file.extend(crc.amount().to_le_bytes());
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back<const N: usize>(gzip: &[u8]) -> Result<([usize; N], Vec<u8>), String> {
        decode(GzDecoder::new(gzip))
    }

    #[test]
    fn what_is_encoded_is_read_back() {
        let values: Vec<u8> = (0..24).collect();
        let file = encode(&[2, 3, 4], &values);
        assert_eq!(read_back(&file), Ok(([2, 3, 4], values)));
    }

    #[test]
    fn another_number_of_dimensions_is_refused() {
        let reason = read_back::<3>(&encode(&[4], &[1, 2, 3, 4])).unwrap_err();
        assert!(
            reason.contains("0x00000801") && reason.contains("0x00000803"),
            "{reason}"
        );
    }

    #[test]
    fn sizes_must_match_the_values() {
        let too_few = read_back::<1>(&encode(&[5], &[1, 2, 3])).unwrap_err();
        assert!(too_few.contains("3 values found, 5"), "{too_few}");
        let too_many = read_back::<1>(&encode(&[2], &[1, 2, 3])).unwrap_err();
        assert!(too_many.contains("more than the 2 values"), "{too_many}");
        let huge = read_back::<2>(&encode(&[u32::MAX as usize; 2], &[])).unwrap_err();
        assert!(huge.contains("are read"), "{huge}");
        assert!(read_back::<1>(&encode(&[0], &[])).is_err());
    }

    #[test]
    fn every_cut_and_every_flipped_byte_is_refused() {
        let values: Vec<u8> = (0..200).map(|index| (index * 7 % 251) as u8).collect();
        let file = encode(&[200], &values);
        for length in 0..file.len() {
            assert!(read_back::<1>(&file[..length]).is_err(), "cut at {length}");
        }
        // Bytes 4 to 9 of a gzip header (time, level, system) carry no content.
        for at in (0..4).chain(10..file.len()) {
            let mut damaged = file.clone();
            damaged[at] ^= 0x55;
            assert_ne!(
                read_back::<1>(&damaged),
                Ok(([200], values.clone())),
                "byte {at}"
            );
            if at >= 10 {
                assert!(read_back::<1>(&damaged).is_err(), "byte {at}");
            }
        }
        assert!(
            read_back::<1>(b"<html>the bucket is gone</html>")
                .unwrap_err()
                .contains("gzip")
        );
    }
}
