//! Compiled circuits as files.

use serde::{Deserialize, Serialize};
use zkassay_circuit::{CompileOptions, Compiled};
use zkassay_quant::{IntegerModel, Interface, Program, QuantizedModel};
use zkassay_verifier::artefact::{Kind, Reader, digest, open, seal};
use zkassay_verifier::{ArtefactError, Digest};

use crate::ProverError;

/// A compiled model, and what it was compiled from.
///
/// Its file holds the integer model and the options; the layout is made from them again.
#[derive(Clone, Debug)]
pub struct Circuit {
    /// The model and its layout.
    pub compiled: Compiled,
    /// SHA-256 of the ONNX file.
    pub model: Digest,
    /// SHA-256 of the settings; zeros if it was compiled without.
    pub settings: Digest,
    /// Which inputs rows consist of, and which strings their numbers stand for.
    pub interface: Interface,
}

/// The part of a circuit's file that is JSON.
#[derive(Serialize)]
struct Contents<'a> {
    options: &'a CompileOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a QuantizedModel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    program: Option<&'a Program>,
    #[serde(skip_serializing_if = "Interface::is_plain")]
    interface: &'a Interface,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnedContents {
    options: CompileOptions,
    #[serde(default)]
    model: Option<QuantizedModel>,
    #[serde(default)]
    program: Option<Program>,
    #[serde(default)]
    interface: Interface,
}

impl Circuit {
    /// The circuit as a file.
    ///
    /// # Errors
    /// None in practice: the model is always valid JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ProverError> {
        let contents = Contents {
            options: self.compiled.options(),
            model: self.compiled.chain().map(|chain| chain.model()),
            program: self.compiled.program().map(|program| program.program()),
            interface: &self.interface,
        };
        let contents = serde_json::to_vec(&contents)
            .map_err(|error| ArtefactError::malformed(Kind::Circuit, error))?;
        let payload = [&self.model[..], &self.settings, &contents].concat();
        Ok(seal(Kind::Circuit, &payload))
    }

    /// Reads a circuit that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// Anything that is not a circuit of this version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProverError> {
        let mut reader = Reader::new(Kind::Circuit, open(Kind::Circuit, bytes)?);
        let (model, settings) = (reader.array()?, reader.array()?);
        let contents: OwnedContents = serde_json::from_slice(reader.rest())
            .map_err(|error| ArtefactError::malformed(Kind::Circuit, error))?;
        let integers = match (contents.model, contents.program) {
            (Some(model), None) => IntegerModel::Chain(model),
            (None, Some(program)) => IntegerModel::Program(program),
            _ => {
                let what = "it holds no integer model, or two";
                return Err(ArtefactError::malformed(Kind::Circuit, what).into());
            }
        };
        let interface = contents.interface;
        if !interface.fits(integers.row_length()) {
            let what = "its inputs are not those of its integer model";
            return Err(ArtefactError::malformed(Kind::Circuit, what).into());
        }
        Ok(Self {
            compiled: Compiled::new(integers, &contents.options)?,
            model,
            settings,
            interface,
        })
    }

    /// What keys name: SHA-256 of the file.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes).
    pub fn digest(&self) -> Result<Digest, ProverError> {
        Ok(digest(&self.to_bytes()?))
    }
}
