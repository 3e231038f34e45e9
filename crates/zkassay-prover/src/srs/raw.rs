//! The file format of halo2 and EZKL (`SerdeFormat::RawBytes`), read without trust.
//!
//! ```text
//! k           4 bytes, little endian: log2 of the rows n
//! powers      n points of G1: s^i G
//! Lagrange    n points of G1: L_i(s) G
//! G2          two points of G2: H and s H
//! ```
//!
//! Coordinates are 32 bytes each, little endian, in Montgomery form. halo2's own reader believes
//! `k`, and takes points that are not on the curve.

use std::io::{Read, Seek, SeekFrom};

use rayon::iter::ParallelIterator as _;
use rayon::slice::ParallelSlice as _;
use zkassay_gadgets::halo2_proofs::SerdeFormat;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{Bn256, G1Affine, G2Affine};
use zkassay_gadgets::halo2_proofs::halo2curves::serde::SerdeObject;
use zkassay_gadgets::halo2_proofs::poly::kzg::commitment::ParamsKZG;

use super::SrsError;

/// log2 of the most rows that are read: 8.6 GB.
pub(super) const LARGEST: u32 = 26;
/// Bytes of `k`, of a point of G1, and of a point of G2.
const HEADER: usize = 4;
const G1: usize = 64;
const G2: usize = 128;
/// Points read at a time.
const PIECE: usize = 1 << 14;

/// Points that lie on their curves; nothing more is known of them.
#[derive(Debug)]
pub(crate) struct Points {
    /// log2 of the rows.
    pub(crate) logrows: u32,
    /// One for each row.
    pub(crate) powers: Vec<G1Affine>,
    /// One for each row; none if those in the file are for more rows.
    pub(crate) lagrange: Option<Vec<G1Affine>>,
    pub(crate) g2: G2Affine,
    pub(crate) s_g2: G2Affine,
}

/// Bytes of parameters for `2^logrows` rows in halo2's raw format.
pub(crate) fn raw_bytes(logrows: u32) -> u64 {
    (HEADER + 2 * G2) as u64 + 2 * G1 as u64 * (1 << logrows.min(LARGEST))
}

/// Reads parameters from `bytes` bytes at the start of `source`, or of them only what `wanted`
/// fewer rows need: their powers.
///
/// # Errors
/// Another format, another size than the header says, fewer rows, or points that are none.
pub(super) fn read(
    source: &mut (impl Read + Seek),
    bytes: u64,
    wanted: Option<u32>,
) -> Result<Points, SrsError> {
    if bytes < HEADER as u64 {
        return Err(SrsError::Unknown);
    }
    let mut header = [0; HEADER];
    source.read_exact(&mut header)?;
    let found = u32::from_le_bytes(header);
    if !(1..=LARGEST).contains(&found) {
        return Err(SrsError::Unknown);
    }
    let expected = raw_bytes(found);
    if bytes != expected {
        return Err(SrsError::Length {
            logrows: found,
            expected,
            found: bytes,
        });
    }
    let logrows = wanted.unwrap_or(found);
    if logrows > found {
        return Err(SrsError::TooFewRows {
            needed: logrows,
            found,
        });
    }
    let rows = 1 << logrows;
    let powers = points(source, rows, G1, "power")?;
    let lagrange = match logrows == found {
        true => Some(points(source, rows, G1, "Lagrange point")?),
        false => None,
    };
    source.seek(SeekFrom::Start(bytes - 2 * G2 as u64))?;
    let mut last = points(source, 2, G2, "point of G2")?.into_iter();
    let (Some(g2), Some(s_g2)) = (last.next(), last.next()) else {
        return Err(SrsError::Unknown);
    };
    Ok(Points {
        logrows,
        powers,
        lagrange,
        g2,
        s_g2,
    })
}

/// The next `count` points of `size` bytes. They are known to be there, so there is no harm in room
/// for all.
fn points<C: SerdeObject + Send>(
    source: &mut impl Read,
    count: usize,
    size: usize,
    group: &'static str,
) -> Result<Vec<C>, SrsError> {
    let mut points = Vec::with_capacity(count);
    let mut bytes = vec![0; size * PIECE.min(count)];
    while points.len() < count {
        let start = points.len();
        let piece = &mut bytes[..size * PIECE.min(count - start)];
        source.read_exact(piece)?;
        let piece = piece.par_chunks_exact(size).map(C::from_raw_bytes);
        let piece: Vec<Option<C>> = piece.collect();
        for (point, index) in piece.into_iter().zip(start..) {
            points.push(point.ok_or(SrsError::Point { group, index })?);
        }
    }
    Ok(points)
}

impl Points {
    /// As halo2 keeps them. A missing Lagrange basis is computed, which takes long.
    pub(super) fn into_params(self) -> Result<ParamsKZG<Bn256>, SrsError> {
        // halo2 makes parameters of points by way of others only.
        let blank = vec![0; raw_bytes(0) as usize];
        let blank =
            ParamsKZG::<Bn256>::read_custom(&mut blank.as_slice(), SerdeFormat::RawBytesUnchecked)?;
        Ok(blank.from_parts(self.logrows, self.powers, self.lagrange, self.g2, self.s_g2))
    }
}
