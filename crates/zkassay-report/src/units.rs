//! Numbers as people read them: three significant digits and a unit.

/// A time in milliseconds as `812 µs`, `14.9 ms` or `1.23 s`.
pub(crate) fn time(milliseconds: f64) -> String {
    let magnitude = milliseconds.abs();
    if magnitude < 0.9995 {
        format!("{} µs", three_digits(milliseconds * 1e3))
    } else if magnitude < 999.5 {
        format!("{} ms", three_digits(milliseconds))
    } else {
        format!("{} s", three_digits(milliseconds / 1e3))
    }
}

/// A size as `736 B`, `5.63 kB` or `4.60 MB` (powers of 1000).
pub(crate) fn bytes(count: u64) -> String {
    let value = count as f64;
    if count < 1000 {
        format!("{count} B")
    } else if value < 999_500.0 {
        format!("{} kB", three_digits(value / 1e3))
    } else if value < 999_500_000.0 {
        format!("{} MB", three_digits(value / 1e6))
    } else {
        format!("{} GB", three_digits(value / 1e9))
    }
}

/// A share in `[0, 1]` as `66.7 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A count with thousands separated: `31,233`.
pub(crate) fn count(value: usize) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A ratio with as many digits as it deserves: `0.85`, `12.3`, `132`.
pub(crate) fn ratio(value: f64) -> String {
    three_digits(value)
}

/// Three significant digits, without an exponent below a million.
fn three_digits(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude < 9.995 {
        format!("{value:.2}")
    } else if magnitude < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_change_unit_where_the_rounded_number_would_have_four_digits() {
        assert_eq!(time(0.8124), "812 µs");
        assert_eq!(time(0.9996), "1.00 ms");
        assert_eq!(time(14.94), "14.9 ms");
        assert_eq!(time(99.96), "100 ms");
        assert_eq!(time(999.6), "1.00 s");
        assert_eq!(time(12_345.0), "12.3 s");
    }

    #[test]
    fn sizes_are_decimal() {
        assert_eq!(bytes(736), "736 B");
        assert_eq!(bytes(5632), "5.63 kB");
        assert_eq!(bytes(999_600), "1.00 MB");
        assert_eq!(bytes(4_600_000), "4.60 MB");
        assert_eq!(bytes(164_000_000_000), "164 GB");
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(count(0), "0");
        assert_eq!(count(163), "163");
        assert_eq!(count(31_233), "31,233");
        assert_eq!(count(1_000_000), "1,000,000");
    }
}
