//! Numbers as text, the same everywhere.
//!
//! ```text
//! number  = [sign] digits ["." digits] [("e" | "E") [sign] digits]
//! missing = "" | "null" | "NA" | "NaN" | "nan"
//! ```
//!
//! The decimal mark is a point, there is no grouping (`1,000` and `1 000` are not
//! numbers), spaces around the field are ignored, infinities are refused.

/// A field of a column of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    /// A finite number.
    Value(f64),
    /// Nothing was recorded.
    Missing,
}

/// Reads a field; none if it is neither a finite number nor a mark for a missing one.
pub(crate) fn parse(field: &str) -> Option<Number> {
    let field = field.trim();
    if is_missing(field) {
        return Some(Number::Missing);
    }
    // Rust's own grammar, less the words `inf`, `infinity` and `nan`, `.5` and `5.`.
    let digits_only =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    let starts_with_digit = field
        .trim_start_matches(['+', '-'])
        .starts_with(|c: char| c.is_ascii_digit());
    if !field.bytes().all(digits_only) || !starts_with_digit {
        return None;
    }
    let mantissa = field.split(['e', 'E']).next().unwrap_or_default();
    let value: f64 = field.parse().ok()?;
    (value.is_finite() && !mantissa.ends_with('.')).then_some(Number::Value(value))
}

/// Whether a field says that nothing was recorded.
pub(crate) fn is_missing(field: &str) -> bool {
    matches!(field.trim(), "" | "null" | "NA" | "NaN" | "nan")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_nothing_else() {
        for (field, value) in [
            ("1", 1.0),
            ("-2.50", -2.5),
            ("+3e2", 300.0),
            (" 4E-1 ", 0.4),
            ("0.1", 0.1),
        ] {
            assert_eq!(parse(field), Some(Number::Value(value)), "{field}");
        }
        for field in ["", "  ", "null", "NA", "NaN"] {
            assert_eq!(parse(field), Some(Number::Missing), "{field}");
        }
        for field in [
            "1,5",
            "1 000",
            "inf",
            "-Infinity",
            "0x10",
            ".5",
            "5.",
            "1e",
            "--1",
            "1e999",
            "one",
            "1_000",
            "٣",
        ] {
            assert_eq!(parse(field), None, "{field}");
        }
    }
}
