//! Parameters of the commitment scheme.

use std::sync::{Arc, OnceLock};

use rand_core::OsRng;
use zkassay_gadgets::halo2_proofs::SerdeFormat;
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::{Bn256, G2Affine};
use zkassay_gadgets::halo2_proofs::poly::commitment::Params as _;
use zkassay_gadgets::halo2_proofs::poly::kzg::commitment::ParamsKZG;
use zkassay_verifier::artefact::{Kind, Reader, open, seal};
use zkassay_verifier::{ArtefactError, SrsOrigin};

use crate::scheme::ProverParams;
use crate::{ProverError, structure};

/// Bytes of a point of G1 and of G2, uncompressed.
const POINTS: (usize, usize) = (64, 128);

/// A structured reference string for KZG over BN254: powers of a secret, in both bases.
#[derive(Clone, Debug)]
pub struct Srs {
    params: ParamsKZG<Bn256>,
    origin: SrsOrigin,
    /// By log2 of the rows: what the prover needs, made at first use, shared by clones.
    prover: Arc<[OnceLock<ProverParams>]>,
}

impl Srs {
    /// Parameters for `2^logrows` rows, from a secret drawn here and dropped.
    ///
    /// Marked [`SrsOrigin::UnsafeLocal`]: good for tests and measurements. Nobody
    /// else can know that the secret was dropped.
    pub fn unsafe_local(logrows: u32) -> Self {
        Self::new(ParamsKZG::setup(logrows, OsRng), SrsOrigin::UnsafeLocal)
    }

    fn new(params: ParamsKZG<Bn256>, origin: SrsOrigin) -> Self {
        let prover = (0..=params.k()).map(|_| OnceLock::new()).collect();
        Self {
            params,
            origin,
            prover,
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

    /// The same parameters for fewer rows.
    ///
    /// # Errors
    /// More rows are asked for than there are.
    pub fn downsized(&self, logrows: u32) -> Result<Self, ProverError> {
        self.check_rows(logrows)?;
        if logrows == self.logrows() {
            return Ok(self.clone());
        }
        let mut params = self.params.clone();
        params.downsize(logrows);
        Ok(Self::new(params, self.origin))
    }

    /// The parameters as a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut payload = vec![self.origin.to_byte()];
        // Writing to memory does not fail.
        let _ = self
            .params
            .write_custom(&mut payload, SerdeFormat::RawBytes);
        seal(Kind::Srs, &payload)
    }

    /// Reads parameters, and checks that they are the powers of one secret.
    ///
    /// Who made them ([`origin`](Self::origin)) is what the file says, no more.
    ///
    /// # Errors
    /// Anything that is not a file of parameters.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProverError> {
        let malformed = |what: String| ArtefactError::malformed(Kind::Srs, what);
        let mut reader = Reader::new(Kind::Srs, open(Kind::Srs, bytes)?);
        let [origin] = reader.array()?;
        let origin = SrsOrigin::from_byte(origin)
            .ok_or_else(|| malformed(format!("unknown origin {origin}")))?;
        let mut rest = reader.clone().rest();
        let logrows = u32::from_le_bytes(reader.array()?);
        let expected = 1usize
            .checked_shl(logrows)
            .and_then(|rows| rows.checked_mul(2 * POINTS.0));
        let points = reader.rest().len();
        if expected.and_then(|g1| g1.checked_add(2 * POINTS.1)) != Some(points) {
            return Err(malformed(format!("{points} bytes of points for 2^{logrows} rows")).into());
        }
        let params = ParamsKZG::read_custom(&mut rest, SerdeFormat::RawBytes)
            .map_err(|error| malformed(error.to_string()))?;
        structure::check(&params).map_err(|error| malformed(error.into()))?;
        Ok(Self::new(params, origin))
    }

    /// What commits to columns of `2^logrows` rows; takes long only the first time.
    ///
    /// # Errors
    /// More rows are asked for than there are.
    pub(crate) fn prover(&self, logrows: u32) -> Result<&ProverParams, ProverError> {
        self.check_rows(logrows)?;
        let prover = &self.prover[logrows as usize];
        if let Some(params) = prover.get() {
            return Ok(params);
        }
        // Outside the lock, at the risk of doing it twice: a thread of the pool that waits
        // for its own parallel work may take up another proof, and then wait for itself.
        let params = ProverParams::precompute(self.downsized(logrows)?.params);
        Ok(prover.get_or_init(|| params))
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
