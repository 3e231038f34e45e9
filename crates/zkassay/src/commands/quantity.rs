//! Durations, sizes and shares on the command line, such as `50ms`, `4kB` and `60%`.
//!
//! Strict: a decimal number without sign or exponent, and its unit right behind it. A flag that was
//! misread would choose another model without a word.

/// A duration in milliseconds: `800us`, `50ms`, `1.5s`, `2min`.
pub(crate) fn milliseconds(text: &str) -> Result<f64, String> {
    let units = [
        ("us", 1e-3),
        ("µs", 1e-3),
        ("ms", 1.0),
        ("s", 1e3),
        ("min", 60e3),
        ("h", 3_600e3),
    ];
    let (number, scale) = with_unit(text, &units).ok_or_else(|| {
        let without = "the unit is missing, such as in 50ms, 1.5s or 2min";
        unreadable(
            text,
            without,
            "expected a duration such as 50ms, 1.5s or 2min",
        )
    })?;
    Ok(number * scale)
}

/// A size in whole bytes: `800B`, `4kB`, `1.5MB`, `1MiB`, `2GB`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let units = [
        ("B", 1.0),
        ("kB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("KiB", 1024.0),
        ("MiB", 1024.0 * 1024.0),
        ("GiB", 1024.0 * 1024.0 * 1024.0),
    ];
    let (number, scale) = with_unit(text, &units).ok_or_else(|| {
        let without = "the unit is missing, such as in 800B, 4kB, 1.5MB or 1MiB";
        unreadable(
            text,
            without,
            "expected a size such as 800B, 4kB, 1.5MB or 1MiB",
        )
    })?;
    let count = (number * scale).round();
    // Beyond this, whole numbers are no longer all there.
    if count > 2_f64.powi(53) {
        return Err("more than any memory has".to_owned());
    }
    Ok(count as u64)
}

/// A share in `[0, 1]`: `0.6` or `60%`.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let expected = "expected a share such as 0.6 or 60%";
    let share = match text.strip_suffix('%') {
        Some(percent) => number(percent).ok_or(expected)? / 100.0,
        None => number(text).ok_or(expected)?,
    };
    match share <= 1.0 {
        true => Ok(share),
        false => Err(format!("more than the whole: {expected}")),
    }
}

/// Why `text` has no number with a unit: a number alone lacks the unit only.
fn unreadable(text: &str, without: &str, expected: &str) -> String {
    match number(text) {
        Some(_) => without.to_owned(),
        None => expected.to_owned(),
    }
}

/// The number and what its unit stands for.
fn with_unit(text: &str, units: &[(&str, f64)]) -> Option<(f64, f64)> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.get(digits.len()..)?;
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    Some((number(digits)?, *scale))
}

/// Digits, with a point and more digits if need be.
fn number(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits =
        |part: &str| (1..=15).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    (is_digits(whole) && is_digits(fraction)).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, expected) in [
            ("50ms", 50.0),
            ("1.5s", 1500.0),
            ("800us", 0.8),
            ("800µs", 0.8),
            ("2min", 120_000.0),
            ("1h", 3_600_000.0),
            ("0ms", 0.0),
        ] {
            assert!(
                (milliseconds(text).unwrap() - expected).abs() < 1e-9,
                "{text}"
            );
        }
        for text in [
            "",
            "50",
            "ms",
            "50 ms",
            " 50ms",
            "50ms ",
            "-50ms",
            "+50ms",
            "5e1ms",
            "50MS",
            "50m",
            ".5s",
            "1.s",
            "1.5.0s",
            "1,5s",
            "inf s",
            "nans",
            "٣s",
            "50mss",
            "1_0s",
            "9999999999999999s",
        ] {
            assert!(milliseconds(text).is_err(), "{text}");
        }
        assert!(milliseconds("50").unwrap_err().contains("unit is missing"));
        assert!(milliseconds("-50").unwrap_err().starts_with("expected"));
        assert!(bytes("1.5").unwrap_err().contains("unit is missing"));
    }

    #[test]
    fn sizes_are_whole_bytes() {
        for (text, expected) in [
            ("800B", 800),
            ("4kB", 4000),
            ("1.5kB", 1500),
            ("1KiB", 1024),
            ("1MiB", 1 << 20),
            ("1GiB", 1 << 30),
            ("2GB", 2_000_000_000),
        ] {
            assert_eq!(bytes(text).unwrap(), expected, "{text}");
        }
        for text in [
            "4",
            "4k",
            "4KB",
            "4kb",
            "4 kB",
            "-1B",
            "1e3B",
            "999999999999999GB",
        ] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_within_the_whole() {
        assert_eq!(share("0.6").unwrap().to_bits(), 0.6_f64.to_bits());
        assert_eq!(share("60%").unwrap().to_bits(), 0.6_f64.to_bits());
        assert_eq!(share("1").unwrap().to_bits(), 1.0_f64.to_bits());
        assert_eq!(share("0").unwrap().to_bits(), 0.0_f64.to_bits());
        for text in ["60", "1.01", "101%", "-0.1", "60 %", "0,6", "nan", "", "%"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
