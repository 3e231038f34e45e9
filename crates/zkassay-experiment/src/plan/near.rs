//! The name that was probably meant.

/// The one of `names` that differs from `name` in the fewest letters; none if it takes more than a
/// third of them.
pub(crate) fn near<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody mistypes that much, and the work grows with the length.
    if name.len() > 64 {
        return None;
    }
    let most = (name.chars().count() / 3).max(1);
    let distances = names
        .into_iter()
        .map(|other| (distance(name, other), other));
    let (least, nearest) = distances.min_by_key(|(distance, _)| *distance)?;
    (least <= most).then_some(nearest)
}

/// `; did you mean `NAME`?`, or nothing.
pub(crate) fn did_you_mean<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    match near(name, names) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
    }
}

/// Letters to insert, to remove or to change, regardless of case and of `_` for `-`.
fn distance(a: &str, b: &str) -> usize {
    let letters = |text: &str| -> Vec<char> {
        let text = text.to_lowercase().replace('_', "-");
        text.chars().collect()
    };
    let (a, b) = (letters(a), letters(b));
    // Distances of the letters of `a` so far to every start of `b`.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        let pairs = row.iter().zip(row.iter().skip(1)).zip(&b);
        for ((diagonal, above), y) in pairs {
            let left = next.last().copied().unwrap_or(i + 1);
            let changed = diagonal + usize::from(x != y);
            next.push(changed.min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_letters() {
        for (a, b, expected) in [
            ("", "abc", 3),
            ("proofs", "proof", 1),
            ("kitten", "sitting", 3),
            ("svm_rbf", "SVM-RBF", 0),
        ] {
            assert_eq!((distance(a, b), distance(b, a)), (expected, expected));
        }
    }

    #[test]
    fn what_is_far_off_is_not_suggested() {
        let names = ["rounds", "proofs", "seed"];
        assert_eq!(near("proof", names), Some("proofs"));
        assert_eq!(near("ronds", names), Some("rounds"));
        assert_eq!(near("xyz", names), None);
        assert_eq!(near(&"a".repeat(10_000), names), None);
        assert_eq!(near("proofs", []), None);
        assert_eq!(did_you_mean("see", names), "; did you mean `seed`?");
    }
}
