//! Headers of parquet pages, read only to see that they can be true.
//!
//! The decoder allocates what a page header asks for: one flipped bit makes a
//! count negative, and the process is aborted. The headers of a column chunk
//! are therefore walked first. They are structs in Thrift's compact encoding:
//! <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>,
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

/// Field types of the compact encoding.
mod kind {
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const BYTE: u8 = 3;
    pub(super) const I32: u8 = 5;
    pub(super) const I64: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BINARY: u8 = 8;
    pub(super) const STRUCT: u8 = 12;
}

/// Fields of `PageHeader`.
const UNCOMPRESSED_SIZE: i64 = 2;
const COMPRESSED_SIZE: i64 = 3;
const CHECKSUM: i64 = 4;
/// `num_values`, first field of the headers for data, dictionaries and data (version 2).
const VALUES: i64 = 1;
const HEADERS_WITH_VALUES: [i64; 3] = [5, 7, 8];

/// Deeper nesting occurs in no page header.
const DEEPEST: u32 = 4;

/// Walks the pages of a column chunk of `values` values and `unpacked` bytes.
///
/// # Errors
///
/// What is impossible: a header that is not one, a negative or too large size or count.
pub(crate) fn check(chunk: &[u8], values: i64, unpacked: i64) -> Result<(), String> {
    let mut rest = Reader(chunk);
    while !rest.0.is_empty() {
        let at = chunk.len() - rest.0.len();
        let wrong = |what: &str| format!("the page at byte {at} of a column {what}");
        let header = rest
            .header()
            .ok_or_else(|| wrong("has no readable header"))?;
        if !(0..=values).contains(&header.values) {
            return Err(wrong(&format!(
                "claims {} of {values} values",
                header.values
            )));
        }
        if !(0..=unpacked).contains(&header.uncompressed) {
            return Err(wrong(&format!(
                "claims {} of {unpacked} bytes",
                header.uncompressed
            )));
        }
        let page = usize::try_from(header.compressed)
            .ok()
            .and_then(|size| rest.take(size));
        page.ok_or_else(|| wrong("claims to reach beyond it"))?;
    }
    Ok(())
}

/// What a page header claims.
#[derive(Default)]
struct Header {
    uncompressed: i64,
    compressed: i64,
    values: i64,
}

/// The bytes that were not read yet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn header(&mut self) -> Option<Header> {
        let mut header = Header::default();
        let mut field = 0;
        while let Some(kind) = self.field(&mut field)? {
            match (field, kind) {
                (UNCOMPRESSED_SIZE, kind::I32) => header.uncompressed = self.integer()?,
                (COMPRESSED_SIZE, kind::I32) => header.compressed = self.integer()?,
                (CHECKSUM, kind::I32) => {
                    self.integer()?;
                }
                (_, kind::STRUCT) if HEADERS_WITH_VALUES.contains(&field) => {
                    let mut inner = 0;
                    while let Some(kind) = self.field(&mut inner)? {
                        match (inner, kind) {
                            (VALUES, kind::I32) => header.values = self.integer()?,
                            // Encodings, counts, lengths: none is negative.
                            (_, kind::I32) => drop(self.integer().filter(|value| *value >= 0)?),
                            _ => self.skip(kind, DEEPEST)?,
                        }
                    }
                }
                _ => self.skip(kind, DEEPEST)?,
            }
        }
        Some(header)
    }

    /// The next field's type, its number in `field`; `Some(None)` at the end of the struct.
    fn field(&mut self, field: &mut i64) -> Option<Option<u8>> {
        let head = self.byte()?;
        if head == 0 {
            return Some(None);
        }
        *field = match head >> 4 {
            0 => self.integer()?,
            step => *field + i64::from(step),
        };
        Some(Some(head & 15))
    }

    fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        match kind {
            kind::TRUE | kind::FALSE => {}
            kind::BYTE => drop(self.byte()?),
            4..=kind::I64 => drop(self.varint()?),
            kind::DOUBLE => drop(self.take(8)?),
            kind::BINARY => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.take(length)?;
            }
            kind::STRUCT if depth > 0 => {
                let mut field = 0;
                while let Some(kind) = self.field(&mut field)? {
                    self.skip(kind, depth - 1)?;
                }
            }
            // Page headers have no lists, sets or maps.
            _ => return None,
        }
        Some(())
    }

    /// A signed integer: zigzag in a varint.
    fn integer(&mut self) -> Option<i64> {
        let bits = self.varint()?;
        Some((bits >> 1) as i64 ^ -((bits & 1) as i64))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data page of two bytes, three values, unpacked to four bytes.
    const PAGE: [u8; 16] = [
        0x15, 0x00, // 1: type, data page
        0x15, 0x08, // 2: uncompressed size 4
        0x15, 0x04, // 3: compressed size 2
        0x2c, // 5: data page header
        0x15, 0x06, // 1: three values
        0x15, 0x00, // 2: encoding
        0x00, // end of the data page header
        0x00, // end of the header
        0xaa, 0xbb, // the page
        0x00, // stands for the next header
    ];

    #[test]
    fn a_page_that_can_be_true_passes() {
        assert_eq!(check(&PAGE[..15], 3, 4), Ok(()));
        assert_eq!(check(&[], 3, 4), Ok(()));
    }

    #[test]
    fn impossible_claims_are_named() {
        for (at, value, expected) in [
            (8, 0x07, "-4 of 3 values"),
            (8, 0x08, "4 of 3 values"),
            (3, 0x09, "-5 of 4 bytes"),
            (3, 0x0a, "5 of 4 bytes"),
            (5, 0x05, "beyond"),
            (5, 0x06, "beyond"),
            (10, 0x01, "no readable header"),
            (0, 0x19, "no readable header"),
        ] {
            let mut page = PAGE;
            page[at] = value;
            let error = check(&page[..15], 3, 4).unwrap_err();
            assert!(error.contains(expected), "{at}: {error}");
        }
        for length in 1..13 {
            assert!(check(&PAGE[..length], 3, 4).is_err(), "{length}");
        }
    }
}
