//! Files that appear complete or not at all.
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("model.vk");
//! zkassay_file::write(&path, b"bytes")?;
//! assert_eq!(std::fs::read(&path)?, b"bytes");
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

/// Writes a temporary file in the folder of `path`, and renames it to `path` once
/// it is complete and on disk. A reader sees the old file or the new one, never
/// half of one; if anything fails, nothing has changed.
///
/// # Errors
/// The folder is missing or cannot be written to, or the disk is full.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // What a plain new file gets.
    write_with(path, bytes, 0o666)
}

/// As [`write()`], and nobody but the owner may read the file (on Unix; elsewhere it is as any
/// other).
///
/// # Errors
/// As [`write()`].
pub fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with(path, bytes, 0o600)
}

#[cfg_attr(not(unix), expect(unused_variables, reason = "modes are Unix's"))]
fn write_with(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    let mut file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Renames a complete file to `path` once it is on disk: [`write()`] for a file that was written
/// piece by piece, in the folder of `path` or another one of its file system.
///
/// # Errors
/// `complete` is missing, or a folder cannot be written to, or they are on different file systems.
pub fn promote(complete: &Path, path: &Path) -> io::Result<()> {
    // Some systems only flush files that are open for writing.
    let file = OpenOptions::new().append(true).open(complete)?;
    file.sync_all()?;
    std::fs::rename(complete, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complete_file_is_moved_whole() {
        let folder = tempfile::tempdir().unwrap();
        let [part, path] = ["part", "file"].map(|name| folder.path().join(name));
        assert!(promote(&part, &path).is_err());
        std::fs::write(&part, b"whole").unwrap();
        std::fs::write(&path, b"old").unwrap();
        promote(&part, &path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert!(!part.exists());
    }

    #[test]
    fn files_are_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"first").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write(&folder.path().join("missing/file"), b"x").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_what_the_umask_allows_and_no_secret() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let [plain, ours] = ["plain", "ours"].map(|name| folder.path().join(name));
        std::fs::write(&plain, b"x").unwrap();
        write(&ours, b"x").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&plain), mode(&ours));
        // Also where a file was that others could read.
        write_secret(&ours, b"x").unwrap();
        assert_eq!(mode(&ours) & 0o777, 0o600);
    }
}
