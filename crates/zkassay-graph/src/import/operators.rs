//! The operators that can be imported: a file for each family.

mod activations;
mod arithmetic;
mod arrange;
mod cast;
mod constant;
mod conv;
mod dense;
mod einsum;
mod functions;
mod gather;
mod logic;
mod lookup;
mod ml;
mod normalization;
mod order;
mod pool;
mod qlinear;
mod quantize;
mod recurrent;
mod reduce;
mod reshape;
mod resize;
mod scatter;
mod slice;
mod softmax;
mod triangle;
mod volume;

use super::builder::Builder;
use super::node::NodeRef;
use super::tensor::Tensor;
use crate::GraphError;

/// Reads a node: pushes what it does, and returns what it writes, as many as it names or more.
pub(super) type Read = fn(&NodeRef<'_>, &mut Builder) -> Result<Vec<Tensor>, GraphError>;

/// Operators of one domain that belong together.
type Family = &'static [(&'static str, Read)];

/// The domain of the operators that need not name one.
pub(super) const DEFAULT: &str = "";
/// The domain of classical machine learning.
pub(super) const ML: &str = "ai.onnx.ml";

/// The domain of onnxruntime's own operators.
pub(super) const MICROSOFT: &str = "com.microsoft";

const FAMILIES: &[(&str, Family)] = &[
    (DEFAULT, activations::OPERATORS),
    (DEFAULT, arithmetic::OPERATORS),
    (DEFAULT, arrange::OPERATORS),
    (DEFAULT, cast::OPERATORS),
    (DEFAULT, constant::OPERATORS),
    (DEFAULT, conv::OPERATORS),
    (DEFAULT, dense::OPERATORS),
    (DEFAULT, einsum::OPERATORS),
    (DEFAULT, functions::OPERATORS),
    (DEFAULT, gather::OPERATORS),
    (DEFAULT, logic::OPERATORS),
    (DEFAULT, lookup::OPERATORS),
    (DEFAULT, normalization::OPERATORS),
    (DEFAULT, order::OPERATORS),
    (DEFAULT, pool::OPERATORS),
    (DEFAULT, qlinear::OPERATORS),
    (DEFAULT, quantize::OPERATORS),
    (DEFAULT, recurrent::OPERATORS),
    (DEFAULT, reduce::OPERATORS),
    (DEFAULT, reshape::OPERATORS),
    (DEFAULT, resize::OPERATORS),
    (DEFAULT, scatter::OPERATORS),
    (DEFAULT, slice::OPERATORS),
    (DEFAULT, softmax::OPERATORS),
    (DEFAULT, triangle::OPERATORS),
    (ML, ml::OPERATORS),
    (MICROSOFT, activations::MICROSOFT),
    (MICROSOFT, qlinear::MICROSOFT),
];

/// How an operator is read; `None` if it is not supported.
pub(super) fn find(domain: &str, operator: &str) -> Option<Read> {
    let domain = if domain == "ai.onnx" { DEFAULT } else { domain };
    let families = FAMILIES.iter().filter(|(of, _)| *of == domain);
    let mut operators = families.flat_map(|(_, family)| family.iter());
    let found = operators.find(|(name, _)| *name == operator);
    found.map(|(_, read)| *read)
}

/// Why an operator does not write one of its outputs, for errors.
pub(super) fn why_missing(operator: &str) -> &'static str {
    match operator {
        "SVMClassifier" => ml::PROBABILITIES,
        _ => "is not supported",
    }
}

/// Domains and names of all operators.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of = |(domain, family): &(&'static str, Family)| {
        let domain = *domain;
        family.iter().map(move |(name, _)| (domain, *name))
    };
    FAMILIES.iter().flat_map(of)
}

/// What to read or to try in place of an operator that is not supported, for errors.
pub(super) fn hint(operator: &str) -> String {
    const SHOWN: usize = 3;
    let near = |name: &str| {
        let distance = distance(operator, name);
        // A third of the name may differ.
        (3 * distance <= name.len()).then_some(distance)
    };
    let mut found: Vec<(usize, &str)> = all()
        .filter_map(|(_, name)| Some((near(name)?, name)))
        .collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(SHOWN);
    let names: Vec<String> = found.iter().map(|(_, name)| format!("`{name}`")).collect();
    match names.is_empty() {
        true => format!("{LIST} lists those that are"),
        false => format!(
            "of similar names there are {}; {LIST} lists all that are supported",
            names.join(", ")
        ),
    }
}

/// Where the operators are listed.
const LIST: &str = "docs/operators.md";

/// How many letters have to be put in, left out or changed to make one name of another, no matter
/// which are capitals; of long names, the starts.
fn distance(a: &str, b: &str) -> usize {
    const LONG: usize = 40;
    let letters = |name: &str| -> Vec<char> {
        let lower = name.chars().flat_map(char::to_lowercase);
        lower.take(LONG).collect()
    };
    let (a, b) = (letters(a), letters(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        let mut left = i + 1;
        for (y, steps) in b.iter().zip(row.windows(2)) {
            let &[corner, above] = steps else { continue };
            left = (corner + usize::from(x != y)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_letters() {
        for (a, b, expected) in [
            ("Erf", "Erf", 0),
            ("Erfc", "erf", 1),
            ("", "Add", 3),
            ("Softmx", "SoftMax", 1),
            ("Gelu", "Relu", 1),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn hints_are_short() {
        assert!(hint("Erfc").contains("`Erf`"), "{}", hint("Erfc"));
        assert!(
            hint("Quantum").starts_with("docs/operators.md"),
            "{}",
            hint("Quantum")
        );
        for (_, name) in all() {
            assert!(hint(name).contains(&format!("`{name}`")), "{name}");
        }
        assert!(hint(&"x".repeat(100_000)).len() < 200);
    }
}
