//! Intervals against published examples and figures made by hand.

use super::*;

fn rate(rounds: &[(usize, usize)]) -> Rate {
    Rate {
        value: 0.0,
        low: 0.0,
        high: 0.0,
        standard_error: None,
        rounds: rounds
            .iter()
            .map(|(correct, total)| Proportion {
                correct: *correct,
                total: *total,
            })
            .collect(),
    }
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 5e-5, "{found} is not {expected}");
}

#[test]
fn one_round_is_compared_by_newcombe() {
    // Newcombe 1998, table II: 56/70 against 48/80 by method 10.
    let found = difference(&rate(&[(56, 70)]), &rate(&[(48, 80)]), 100, 70).unwrap();
    assert_eq!(found.method, Method::Newcombe);
    close(found.difference.value, 0.2);
    close(found.difference.low, 0.0524);
    close(found.difference.high, 0.3339);
    assert!(found.is_clear());
}

#[test]
fn rounds_are_paired() {
    // Differences 0.1, 0.2, 0.3: s = 0.1, t(2) = 4.302653.
    let a = rate(&[(60, 100), (70, 100), (80, 100)]);
    let b = rate(&[(50, 100), (50, 100), (50, 100)]);
    let found = difference(&a, &b, 300, 100).unwrap();
    assert_eq!(found.method, Method::PairedRounds);
    let half = 4.302_653 * 0.1 * (1.0_f64 / 3.0 + 1.0 / 3.0).sqrt();
    close(found.difference.low, 0.2 - half);
    close(found.difference.high, 0.2 + half);
    assert!(!found.is_clear());
    // Equal in every round, they are equal.
    let same = difference(&a, &a, 300, 100).unwrap();
    assert_eq!((same.difference.low, same.difference.high), (0.0, 0.0));
    assert!(!same.is_clear());
}

#[test]
fn other_rounds_are_not_paired() {
    let a = rate(&[(60, 100), (70, 100)]);
    let b = rate(&[(50, 100)]);
    assert_eq!(difference(&a, &b, 1, 1).unwrap().method, Method::Newcombe);
    assert_eq!(difference(&a, &rate(&[]), 1, 1), None);
    assert_eq!(difference(&a, &rate(&[(9, 3)]), 1, 1), None);
    let empty = rate(&[(0, 0), (0, 0)]);
    assert_eq!(difference(&empty, &empty, 1, 1), None);
    let huge = rate(&[(usize::MAX, usize::MAX)]);
    assert!(difference(&huge, &b, 0, 0).is_some());
}

#[test]
fn rounds_that_share_rows_are_not_counted_as_one() {
    // 20 splits of the same rows, 65 % and 60 %, each with an interval of 5 points to either side.
    let split = |correct: usize, value: f64| Rate {
        value,
        low: value - 0.05,
        high: value + 0.05,
        ..rate(&[(correct, 100); 20])
    };
    let found = unpaired(&split(65, 0.65), &split(60, 0.60)).unwrap();
    let half = 0.05 * 2_f64.sqrt();
    close(found.difference.low, 0.05 - half);
    close(found.difference.high, 0.05 + half);
    // 1300 and 1200 of 2000 rows would differ clearly.
    assert!(!found.is_clear());
    assert!(
        unpaired(&rate(&[(1300, 2000)]), &rate(&[(1200, 2000)]))
            .unwrap()
            .is_clear()
    );
    let odd = Rate {
        low: 0.7,
        ..split(65, 0.65)
    };
    assert_eq!(unpaired(&odd, &odd), None);
}

#[test]
fn the_ratio_of_medians_is_seeded() {
    let a = [10.0, 11.0, 9.0, 10.5, 9.5];
    let b = [2.0, 2.1, 1.9, 2.05, 1.95];
    let found = median_ratio(&a, &b, 1, "x").unwrap();
    assert_eq!(found.value, 5.0);
    assert!(found.low < 5.0 && found.low > 4.2, "{found:?}");
    assert!(found.high > 5.0 && found.high < 5.9, "{found:?}");
    assert_eq!(median_ratio(&a, &b, 1, "x"), Some(found));
    assert_ne!(median_ratio(&a, &[2.0, 3.0, 7.0, 1.0], 1, "x"), Some(found));
    assert_eq!(median_ratio(&a[..2], &b, 1, "x"), None);
    assert_eq!(median_ratio(&[1.0, 0.0, 1.0], &b, 1, "x"), None);
}

#[test]
fn a_line_has_the_values_of_the_textbook() {
    // Anscombe's first data set: slope 0.5001 +- 2.262157 * 0.1179, r = 0.81642.
    let y = [
        8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68,
    ];
    let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
    let points: Vec<(f64, f64)> = x.into_iter().zip(y).collect();
    let found = line(&points).unwrap();
    close(found.slope.value, 0.50009);
    close(found.slope.high, 0.50009 + 2.262_157 * 0.117_906);
    close(found.intercept, 3.00009);
    close(found.correlation.value, 0.81642);
    close(found.correlation.low, 0.42439);
    close(found.correlation.high, 0.95069);
}

#[test]
fn no_line_without_spread() {
    assert_eq!(line(&[(1.0, 1.0), (2.0, 3.0), (3.0, 4.0)]), None);
    assert_eq!(
        line(&[(0.1, 1.0), (0.1, 2.0), (0.1, 3.0), (0.1, 4.0)]),
        None
    );
    assert_eq!(
        line(&[(1.0, 0.1), (2.0, 0.1), (3.0, 0.1), (4.0, 0.1)]),
        None
    );
    assert_eq!(
        line(&[(1e308, 1.0), (-1e308, 2.0), (1.0, 3.0), (2.0, 4.0)]),
        None
    );
    let exact = line(&[(1.0, 2.0), (2.0, 4.0), (3.0, 6.0), (4.0, 8.0)]).unwrap();
    close(exact.correlation.low, 1.0);
    close(exact.slope.low, 2.0);
}
