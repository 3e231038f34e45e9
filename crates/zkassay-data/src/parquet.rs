//! Parquet files: whole, or an error that names them.

use std::fs;
use std::io::Cursor;
use std::panic;
use std::path::{Path, PathBuf};

use polars::error::PolarsError;
use polars::prelude::{
    DataFrame, FileMetadata, ParquetCompression, ParquetReader, ParquetWriter, SerReader,
};

use crate::{DataError, Result, page};

/// Every parquet file starts and ends with these four bytes.
const MAGIC: &[u8; 4] = b"PAR1";

/// Reads a whole parquet file.
///
/// # Errors
///
/// [`DataError::Io`] if it cannot be opened, [`DataError::Malformed`] if its
/// bytes are not a complete parquet file.
pub(crate) fn read(path: &Path) -> Result<DataFrame> {
    let bytes = fs::read(path).map_err(DataError::io("read", path))?;
    let malformed = |reason: String| DataError::Malformed {
        path: path.to_path_buf(),
        reason,
    };
    if !bytes.starts_with(MAGIC) {
        return Err(malformed("it does not start with `PAR1`".to_owned()));
    }
    if bytes.len() < 12 || !bytes.ends_with(MAGIC) {
        return Err(malformed(format!(
            "its {} bytes do not end with `PAR1`, so it was cut short",
            bytes.len()
        )));
    }
    // The decoder panics on some damaged pages instead of returning an error.
    let decode = || {
        let mut reader = ParquetReader::new(Cursor::new(&bytes));
        check_claims(reader.get_metadata()?, &bytes)
            .map_err(|reason| PolarsError::ComputeError(reason.into()))?;
        reader.finish()
    };
    match panic::catch_unwind(decode) {
        Ok(table) => table.map_err(|error| malformed(error.to_string())),
        Err(_) => Err(malformed("the decoder panicked on a page".to_owned())),
    }
}

/// Column chunks must lie within the file, unpack to a size that such a file can hold, and
/// consist of pages that claim no more than their chunk: the decoder allocates what it is told.
fn check_claims(metadata: &FileMetadata, bytes: &[u8]) -> Result<(), String> {
    /// Above any ratio that zstd reaches on whole column chunks of such tables.
    const LARGEST_RATIO: u64 = 10_000;
    let limit = (bytes.len() as u64).saturating_mul(LARGEST_RATIO);
    let groups = metadata.row_groups.iter();
    for chunk in groups.flat_map(|group| group.parquet_columns()) {
        let range = chunk.byte_range();
        let ends = [range.start, range.end].map(|end| usize::try_from(end).unwrap_or(usize::MAX));
        let unpacked = chunk.uncompressed_size();
        let pages = bytes.get(ends[0]..ends[1]);
        let pages = pages.filter(|_| u64::try_from(unpacked).is_ok_and(|size| size <= limit));
        let pages = pages.ok_or_else(|| {
            format!(
                "the footer puts a column at bytes {range:?}, {unpacked} bytes unpacked, but the \
                 file has {} bytes",
                bytes.len()
            )
        })?;
        page::check(pages, chunk.num_values(), unpacked)?;
    }
    Ok(())
}

/// The bytes of `table` as parquet.
///
/// The same table gives the same bytes: one row group, one thread, zstd at
/// its default level.
pub(crate) fn encode(table: &mut DataFrame) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .with_compression(ParquetCompression::Zstd(None))
        .with_row_group_size(Some(usize::MAX))
        .set_parallel(false)
        .finish(table)
        .map_err(DataError::polars("encode a table as parquet"))?;
    Ok(bytes)
}

/// Writes `bytes` to `path`, which appears complete or not at all.
///
/// The parent directory is made if need be.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(DataError::io("create", parent))?;
    zkassay_file::write(path, bytes).map_err(DataError::io("write", path))
}

/// The parquet files in `dir` and its subdirectories, sorted by path; none if
/// there is no such directory.
pub(crate) fn files_under(dir: &Path) -> Result<Vec<PathBuf>> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(dir).map_err(DataError::io("list", dir))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(DataError::io("list", dir))?.path();
        if path.is_dir() {
            files.extend(files_under(&path)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "parquet")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
