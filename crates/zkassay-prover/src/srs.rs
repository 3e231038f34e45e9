//! Parameters of the commitment scheme.
//!
//! Their files have one of two formats: zkassay's own, which says who made them, and halo2's raw
//! one, which EZKL and the public ceremony use ([`ceremony`](crate::ceremony)).
//!
//! ```
//! use zkassay_prover::Srs;
//! use zkassay_verifier::SrsOrigin;
//!
//! let srs = Srs::unsafe_local(4);
//! assert_eq!(Srs::from_bytes(&srs.to_bytes())?.origin(), SrsOrigin::UnsafeLocal);
//! // The raw format does not say that they were made here.
//! assert_eq!(Srs::from_raw(&srs.to_raw())?.origin(), SrsOrigin::Imported);
//! # Ok::<(), zkassay_prover::ProverError>(())
//! ```

mod error;
pub(crate) mod raw;

use std::fs::File;
use std::io::{Cursor, Read as _, Seek as _};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rand_core::OsRng;
use zkassay_gadgets::halo2_proofs::SerdeFormat;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{Bn256, G2Affine};
use zkassay_gadgets::halo2_proofs::poly::commitment::{Params as _, ParamsProver as _};
use zkassay_gadgets::halo2_proofs::poly::kzg::commitment::ParamsKZG;
use zkassay_verifier::artefact::{Kind, Reader, open, seal};
use zkassay_verifier::{ArtefactError, SrsOrigin};

pub use error::SrsError;
pub(crate) use raw::raw_bytes;

use crate::ceremony::Ceremony;
use crate::commit::Committer;
use crate::{ProverError, structure};

/// log2 of the most rows of parameters in a file.
pub const LARGEST_LOGROWS: u32 = raw::LARGEST;

/// A structured reference string for KZG over BN254: powers of a secret, in both bases.
#[derive(Clone, Debug)]
pub struct Srs {
    params: ParamsKZG<Bn256>,
    origin: SrsOrigin,
    /// By log2 of the rows: what the prover needs, made at first use, shared by clones.
    committers: Arc<[OnceLock<Committer>]>,
}

impl Srs {
    /// Parameters for `2^logrows` rows, from a secret drawn here and dropped.
    ///
    /// Marked [`SrsOrigin::UnsafeLocal`]: good for tests and measurements. Nobody
    /// else can know that the secret was dropped.
    ///
    /// # Panics
    /// More than 2^28 rows, for which the field has no root of unity.
    pub fn unsafe_local(logrows: u32) -> Self {
        Self::new(ParamsKZG::setup(logrows, OsRng), SrsOrigin::UnsafeLocal)
    }

    fn new(params: ParamsKZG<Bn256>, origin: SrsOrigin) -> Self {
        let committers = (0..=params.k()).map(|_| OnceLock::new()).collect();
        Self {
            params,
            origin,
            committers,
        }
    }

    /// log2 of the rows supported.
    pub fn logrows(&self) -> u32 {
        self.params.k()
    }

    /// Who made them.
    pub fn origin(&self) -> SrsOrigin {
        self.origin
    }

    /// The same parameters, hence of the same origin, for fewer rows.
    ///
    /// Takes long for many rows: a Fourier transform of points.
    ///
    /// # Errors
    /// More rows are asked for than there are.
    pub fn downsized(&self, logrows: u32) -> Result<Self, ProverError> {
        self.check_rows(logrows)?;
        if logrows == self.logrows() {
            return Ok(self.clone());
        }
        let all = &self.params;
        let powers = all.get_g()[..1 << logrows].to_vec();
        let params = all.from_parts(logrows, powers, None, all.g2(), all.s_g2());
        Ok(Self::new(params, self.origin))
    }

    /// The parameters as a file of zkassay's own format.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut payload = vec![self.origin.to_byte()];
        self.write_raw(&mut payload);
        seal(Kind::Srs, &payload)
    }

    /// Reads parameters in zkassay's own format, and checks that they are the powers of one secret.
    ///
    /// A file that says its parameters are the ceremony's is believed if they are. Whether others
    /// were made locally or imported is what the file says, no more.
    ///
    /// # Errors
    /// Anything that is not such a file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProverError> {
        Ok(Self::from_sealed(bytes, &Ceremony::default())?)
    }

    /// The parameters in halo2's raw format; those of the ceremony are the ceremony's file, bit for
    /// bit.
    pub fn to_raw(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(raw_bytes(self.logrows()) as usize);
        self.write_raw(&mut bytes);
        bytes
    }

    fn write_raw(&self, bytes: &mut Vec<u8>) {
        // Writing to memory does not fail.
        let _ = self.params.write_custom(bytes, SerdeFormat::RawBytes);
    }

    /// Reads parameters in halo2's raw format (`SerdeFormat::RawBytes`), which is also EZKL's, and
    /// checks that they are the powers of one secret.
    ///
    /// Their origin is [`SrsOrigin::Ceremony`] if they are those of the known
    /// [`ceremony`](crate::ceremony), else [`SrsOrigin::Imported`].
    ///
    /// # Errors
    /// [`ProverError::Srs`] for anything that is not such a file.
    pub fn from_raw(bytes: &[u8]) -> Result<Self, ProverError> {
        Ok(Self::from_raw_of(bytes, &Ceremony::default())?)
    }

    /// Reads a file of parameters in either format.
    ///
    /// # Errors
    /// [`ProverError::Srs`], which names the file, if it cannot be read or is not usable.
    pub fn from_file(path: &Path) -> Result<Self, ProverError> {
        Self::from_file_of(path, None, &Ceremony::default())
    }

    /// Reads parameters for `2^logrows` rows from a file for as many or more.
    ///
    /// Of a larger file in the raw format no more is read than is needed; the rest of it remains
    /// unchecked.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file), and [`SrsError::TooFewRows`].
    pub fn from_file_for(path: &Path, logrows: u32) -> Result<Self, ProverError> {
        Self::from_file_of(path, Some(logrows), &Ceremony::default())
    }

    /// As [`from_file`](Self::from_file) or [`from_file_for`](Self::from_file_for); tests bring
    /// their own ceremony.
    ///
    /// # Errors
    /// As theirs.
    #[doc(hidden)]
    pub fn from_file_of(
        path: &Path,
        logrows: Option<u32>,
        ceremony: &Ceremony,
    ) -> Result<Self, ProverError> {
        let read = Self::read_file(path, logrows, ceremony);
        Ok(read.map_err(SrsError::of(path))?)
    }

    fn read_file(path: &Path, logrows: Option<u32>, ceremony: &Ceremony) -> Result<Self, SrsError> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut start = Vec::new();
        (&file).take(8).read_to_end(&mut start)?;
        file.rewind()?;
        if matches!(open(Kind::Srs, &start), Err(ArtefactError::Foreign)) {
            return Self::check(raw::read(&mut file, length, logrows)?, ceremony);
        }
        // More than any such file has.
        if length > 2 * raw_bytes(raw::LARGEST) {
            return Err(SrsError::Unknown);
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let srs = Self::from_sealed(&bytes, ceremony)?;
        let found = srs.logrows();
        let needed = logrows.unwrap_or(found);
        srs.downsized(needed)
            .map_err(|_| SrsError::TooFewRows { needed, found })
    }

    fn from_sealed(bytes: &[u8], ceremony: &Ceremony) -> Result<Self, SrsError> {
        let mut reader = Reader::new(Kind::Srs, open(Kind::Srs, bytes)?);
        let [origin] = reader.array()?;
        let Some(origin) = SrsOrigin::from_byte(origin) else {
            let what = format!("unknown origin {origin}");
            return Err(ArtefactError::malformed(Kind::Srs, what).into());
        };
        let srs = Self::from_raw_of(reader.rest(), ceremony)?;
        match (origin, srs.origin) {
            (SrsOrigin::Ceremony, SrsOrigin::Imported) => Err(SrsError::NotCeremony),
            (_, SrsOrigin::Ceremony) => Ok(srs),
            _ => Ok(Self { origin, ..srs }),
        }
    }

    fn from_raw_of(bytes: &[u8], ceremony: &Ceremony) -> Result<Self, SrsError> {
        let length = bytes.len() as u64;
        Self::check(raw::read(&mut Cursor::new(bytes), length, None)?, ceremony)
    }

    /// Parameters of points that were read.
    fn check(points: raw::Points, ceremony: &Ceremony) -> Result<Self, SrsError> {
        structure::check(&points).map_err(SrsError::Structure)?;
        let origin = match ceremony.has(points.s_g2) {
            true => SrsOrigin::Ceremony,
            false => SrsOrigin::Imported,
        };
        Ok(Self::new(points.into_params()?, origin))
    }

    /// What commits to columns of `2^logrows` rows; takes long only the first time.
    ///
    /// # Errors
    /// More rows are asked for than there are.
    pub(crate) fn committer(&self, logrows: u32) -> Result<&Committer, ProverError> {
        self.check_rows(logrows)?;
        let committer = &self.committers[logrows as usize];
        if let Some(made) = committer.get() {
            return Ok(made);
        }
        // Outside the lock, at the risk of doing it twice: a thread of the pool that waits
        // for its own parallel work may take up another proof, and then wait for itself.
        let made = Committer::new(&self.downsized(logrows)?.params);
        Ok(committer.get_or_init(|| made))
    }

    fn check_rows(&self, logrows: u32) -> Result<(), ProverError> {
        let found = self.logrows();
        match logrows <= found {
            true => Ok(()),
            false => Err(ProverError::SrsTooSmall {
                needed: logrows,
                found,
            }),
        }
    }

    pub(crate) fn s_g2(&self) -> G2Affine {
        self.params.s_g2()
    }
}
