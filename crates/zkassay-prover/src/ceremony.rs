//! The public ceremony whose parameters are known, file by file.
//!
//! The [Perpetual Powers of Tau] are powers of a secret to which many people contributed one after
//! another; nobody knows it unless all of them were dishonest. [halo2-kzg-srs] converted them to
//! halo2's raw format, one file for each `k` from 1 to 26, with `2^k` rows. The hashes below are
//! those that EZKL pins.
//!
//! Given the secret, parameters have no freedom left. So [`Srs`] does not recognise the
//! ceremony's by the hash of a file, but by the point of G2 that stands for the secret
//! ([`SrsOrigin::CEREMONY_POINT`]) after the powers were checked to belong to it: downsized
//! parameters and those in other files are then the ceremony's, too. The hashes guard downloads.
//!
//! What is tested: that the first file, made from the ceremony's two points, has the pinned hash
//! and is read. The other files are larger than a test should fetch; tests of downloads use a
//! stand-in.
//!
//! [Perpetual Powers of Tau]: https://github.com/privacy-scaling-explorations/perpetualpowersoftau
//! [halo2-kzg-srs]: https://github.com/han0110/halo2-kzg-srs

use zkassay_gadgets::halo2_proofs::halo2curves::bn256::G2Affine;
use zkassay_verifier::SrsOrigin;
use zkassay_verifier::artefact::{digest, hex};

use crate::srs::raw_bytes;
use crate::{ProverError, Srs};

/// Where the files are, up to the log2 of their rows.
const ADDRESS: &str =
    "https://trusted-setup-halo2kzg.s3.eu-central-1.amazonaws.com/perpetual-powers-of-tau-raw-";

/// SHA-256 of `perpetual-powers-of-tau-raw-{k}` for `k` from 1.
const SHA256: [&str; 26] = [
    "cafb2aa72c200ddc4e28aacabb8066e829207e2484b8d17059a566232f8a297b",
    "8194ec51da5d332d2e17283ade34920644774452c2fadf33742e8c739e275d8e",
    "0729e815bce2ac4dfad7819982c6479c3b22c32b71f64dca05e8fdd90e8535ef",
    "2c0785da20217fcafd3b12cc363a95eb2529037cc8a9bddf8fb15025cbc8cdc9",
    "5b950e3b76e7a9923d69f6d6585ce6b5f9458e5ec57a71c9de5005d32d544692",
    "85030b2924111fc60acaf4fb8a7bad89531fbe0271aeab0c21e545f71eee273d",
    "e65f95150519fe01c2bedf8f832f5249822ef84c9c017307419e10374ff9eeb1",
    "446092fd1d6030e5bb2f2a8368267d5ed0fbdb6a766f6c5e4a4841827ad3106f",
    "493d088951882ad81af11e08c791a38a37c0ffff14578cf2c7fb9b7bca654d8b",
    "9705d450e5dfd06adb673705f7bc34418ec86339203198beceb2ae7f1ffefedb",
    "257fa566ed9bc0767d3e63e92b5e966829fa3347d320a32055dc31ee7d33f8a4",
    "28b151069f41abc121baa6d2eaa8f9e4c4d8326ddbefee2bd9c0776b80ac6fad",
    "d5d94bb25bdc024f649213593027d861042ee807cafd94b49b54f1663f8f267d",
    "c09129f064c08ecb07ea3689a2247dcc177de6837e7d2f5f946e30453abbccef",
    "90807800a1c3b248a452e1732c45ee5099f38b737356f5542c0584ec9c3ebb45",
    "2a1a494630e71bc026dd5c0eab4c1b9a5dbc656228c1f0d48f5dbd3909b161d3",
    "41509f380362a8d14401c5ae92073154922fe23e45459ce6f696f58607655db7",
    "d0148475717a2ba269784a178cb0ab617bc77f16c58d4a3cbdfe785b591c7034",
    "d1a1655b4366a766d1578beb257849a92bf91cb1358c1a2c37ab180c5d3a204d",
    "54ef75911da76d7a6b7ea341998aaf66cb06c679c53e0a88a4fe070dd3add963",
    "486e044cf98704e07f41137d2b89698dc03d1fbf34d13b60902fea19a6013b4b",
    "1ee9b4396db3e4e2516ac5016626ab6ba967f091d5d23afbdb7df122a0bb9d0c",
    "748e48b9b6d06f9c82d26bf551d0af43ee2e801e4be56d7ccb20312e267fd1d6",
    "f94fa4afa2f5147680f907d4dd96a8826206c26bd3328cd379feaed614b234de",
    "dec49a69893fbcd66cd06296b2d936a6aceb431c130b2e52675fe4274b504f57",
    "b198a51d48b88181508d8e4ea9dea39db285e4585663b29b7e4ded0c22a94875",
];

/// A ceremony: its files, and the point that stands for its secret.
#[derive(Clone, Debug)]
pub struct Ceremony {
    point: G2Affine,
    /// By log2 of the rows, from 1.
    sha256: Vec<String>,
}

/// A file of parameters that a ceremony published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CeremonyFile {
    /// log2 of the rows.
    pub logrows: u32,
    /// `perpetual-powers-of-tau-raw-{logrows}`.
    pub name: String,
    /// Where it can be fetched.
    pub url: String,
    /// SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
}

impl Default for Ceremony {
    /// The Perpetual Powers of Tau.
    fn default() -> Self {
        Self {
            point: SrsOrigin::CEREMONY_POINT,
            sha256: SHA256.map(str::to_owned).to_vec(),
        }
    }
}

impl Ceremony {
    /// A ceremony that never was, for tests: its parameters are those of `srs`, so the verifier
    /// refuses keys that say they were made with a ceremony's.
    ///
    /// # Errors
    /// None: parameters can be downsized to fewer rows.
    #[doc(hidden)]
    pub fn stand_in(srs: &Srs) -> Result<Self, ProverError> {
        let hashes = (1..=srs.logrows()).map(|k| Ok(hex(&digest(&srs.downsized(k)?.to_raw()))));
        Ok(Self {
            point: srs.s_g2(),
            sha256: hashes.collect::<Result<_, ProverError>>()?,
        })
    }

    /// The file for `2^logrows` rows, if there is one.
    pub fn file(&self, logrows: u32) -> Option<CeremonyFile> {
        let index = usize::try_from(logrows.checked_sub(1)?).ok()?;
        Some(CeremonyFile {
            logrows,
            name: format!("perpetual-powers-of-tau-raw-{logrows}"),
            url: format!("{ADDRESS}{logrows}"),
            sha256: self.sha256.get(index)?.clone(),
            bytes: raw_bytes(logrows),
        })
    }

    /// The largest log2 of rows that there is a file for.
    pub fn largest(&self) -> u32 {
        self.sha256.len() as u32
    }

    /// Whether the powers of the secret that `s_g2` stands for are this ceremony's.
    pub(crate) fn has(&self, s_g2: G2Affine) -> bool {
        s_g2 == self.point
    }
}
