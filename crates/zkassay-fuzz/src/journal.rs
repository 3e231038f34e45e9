//! The case that is being run, in a file, for when the process does not survive it.
//!
//! A stack overflow or a failed allocation ends the process without a word. The file then still
//! has the command that repeats the case; at the end of a run it is removed.

use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// A file `<target>.running`.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Where the number of the case is.
    place: u64,
}

impl Journal {
    /// The journal of a target in `folder`, which is made if it is missing.
    ///
    /// # Errors
    /// The folder or the file cannot be written to.
    pub fn new(folder: &Path, target: &str, seed: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{target}.running"));
        let mut file = File::create(&path)?;
        file.write_all(replay(target, seed, "").as_bytes())?;
        let place = file.stream_position()?;
        Ok(Self { path, file, place })
    }

    /// Notes that `case` begins.
    ///
    /// # Errors
    /// The file cannot be written to.
    pub fn note(&mut self, case: u64) -> io::Result<()> {
        self.file.seek(io::SeekFrom::Start(self.place))?;
        // Of one length, so that no digit of the last one remains.
        self.file.write_all(format!("{case:<20}").as_bytes())
    }

    /// Removes the file.
    ///
    /// # Errors
    /// It is not there any more.
    pub fn finish(self) -> io::Result<()> {
        fs::remove_file(self.path)
    }
}

/// The command that repeats a case.
pub fn replay(target: &str, seed: u64, case: impl std::fmt::Display) -> String {
    format!("cargo xtask fuzz --target {target} --seed {seed} --case {case}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_names_the_last_case_until_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::new(&folder.path().join("new"), "proof", 3).unwrap();
        for case in [1234, 7] {
            journal.note(case).unwrap();
        }
        let path = folder.path().join("new/proof.running");
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(
            text.trim_end(),
            "cargo xtask fuzz --target proof --seed 3 --case 7"
        );
        journal.finish().unwrap();
        assert!(!path.exists());
    }
}
