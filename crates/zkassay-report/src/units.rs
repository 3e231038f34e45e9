//! Numbers as people read them: three significant digits and a unit.

/// A time in milliseconds as `812 µs`, `14.9 ms` or `1.23 s`.
pub fn time(milliseconds: f64) -> String {
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
pub fn count(value: usize) -> String {
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

/// `1 model`, `42 models`.
pub(crate) fn models(number: usize) -> String {
    counted(number, "model")
}

/// A number of things of which a plural ends in s: `1 proof`, `5 proofs`.
pub(crate) fn counted(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(number))
}

/// An error of an output: `1.2e-3`, and `0` if there is none.
pub(crate) fn error(value: f64) -> String {
    match value == 0.0 {
        true => "0".to_owned(),
        false => format!("{value:.1e}"),
    }
}

/// A sentence of a record with a capital letter at its start.
pub(crate) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
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

    #[test]
    fn one_is_singular_and_no_error_is_zero() {
        assert_eq!([models(1), models(2)], ["1 model", "2 models"]);
        assert_eq!(counted(0, "proof"), "0 proofs");
        assert_eq!(
            [error(0.0), error(-0.0), error(0.0012)],
            ["0", "0", "1.2e-3"]
        );
        assert_eq!([sentence("no leak"), sentence("")], ["No leak", ""]);
    }
}
