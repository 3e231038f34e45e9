//! A model: the bytes of its ONNX file, and what they say.

use std::path::Path;

use zkassay_graph::{Graph, ImportOptions, read_onnx};
use zkassay_verifier::Digest;
use zkassay_verifier::artefact::digest;

use crate::Error;

/// An imported model and the hash of the file that it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    graph: Graph,
    options: ImportOptions,
    digest: Digest,
}

impl Model {
    /// Imports the bytes of an `.onnx` file. Any bytes are safe to pass.
    ///
    /// # Errors
    /// [`Error::Graph`] if they are not a model of the supported subset.
    pub fn from_onnx(bytes: &[u8]) -> Result<Self, Error> {
        Self::from_onnx_with(bytes, &ImportOptions::default())
    }

    /// Imports the bytes of an `.onnx` file with dimensions bound, an output chosen.
    ///
    /// # Errors
    /// As [`from_onnx`](Self::from_onnx).
    pub fn from_onnx_with(bytes: &[u8], options: &ImportOptions) -> Result<Self, Error> {
        Ok(Self {
            graph: Graph::from_onnx_with(bytes, options)?,
            options: options.clone(),
            digest: digest(bytes),
        })
    }

    /// Imports an `.onnx` file, with weights that it keeps in other files of its folder.
    ///
    /// # Errors
    /// [`Error::Graph`] if a file cannot be read, or is not a model of the supported subset.
    pub fn from_onnx_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::from_onnx(&read_onnx(path)?)
    }

    /// What the model computes.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// How it was imported.
    pub fn options(&self) -> &ImportOptions {
        &self.options
    }

    /// SHA-256 of the file; with weights of other files inside, if there are any.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Values per row of the input.
    pub fn inputs(&self) -> usize {
        self.graph.inputs()
    }
}
