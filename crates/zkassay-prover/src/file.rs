//! Files that appear complete or not at all.

use std::io::Write as _;
use std::path::Path;

use crate::ProverError;

/// Writes `bytes` to a temporary file beside `path` and renames it.
///
/// # Errors
/// The folder is missing or cannot be written to.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), ProverError> {
    let error = |source| ProverError::Io {
        action: "write",
        path: path.to_path_buf(),
        source,
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(error)?;
    file.write_all(bytes).map_err(error)?;
    file.as_file().sync_all().map_err(error)?;
    file.persist(path).map_err(|failed| error(failed.error))?;
    Ok(())
}

/// Reads a whole file.
///
/// # Errors
/// It is missing or cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, ProverError> {
    std::fs::read(path).map_err(|source| ProverError::Io {
        action: "read",
        path: path.to_path_buf(),
        source,
    })
}
