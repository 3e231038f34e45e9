//! SHA-256 over fields, each with its length so that no two lists collide.

use sha2::{Digest as _, Sha256};

pub(crate) struct Digest(Sha256);

impl Digest {
    /// A digest for one purpose; no two purposes share a hash.
    pub(crate) fn new(purpose: &str) -> Self {
        Self(Sha256::new_with_prefix(purpose.as_bytes()))
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.raw(&(count as u64).to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    /// Bytes of a known number.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Lower-case hexadecimal.
    pub(crate) fn finish(self) -> String {
        let bytes = self.0.finalize();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
