//! What has a colour and a shape of its own in the plots: families of models, and provers.

use std::fmt::Write as _;

use crate::record::{Family, ModelRecord, Proving, RunRecord};

/// Models of one colour and shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// Networks, by number of hidden layers: 0, 1, 2, 3.
    Hidden(usize),
    /// Networks with more hidden layers.
    Deep,
    /// Kernel machines.
    Kernel,
    /// Decision trees.
    Trees,
}

impl Group {
    /// The group of a model.
    pub(super) fn of(model: &ModelRecord) -> Self {
        match model.family {
            Family::Network if model.hidden.len() <= 3 => Self::Hidden(model.hidden.len()),
            Family::Network => Self::Deep,
            Family::Kernel => Self::Kernel,
            Family::Trees => Self::Trees,
        }
    }

    /// The groups that occur, in the order of the legend.
    pub(super) fn all(record: &RunRecord) -> Vec<Self> {
        let mut groups: Vec<Self> = record.models.iter().map(Self::of).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// What the legend calls it.
    pub(super) fn name(self) -> String {
        match self {
            Self::Hidden(0) => "no hidden layer".to_owned(),
            Self::Hidden(1) => "1 hidden layer".to_owned(),
            Self::Hidden(depth) => format!("{depth} hidden layers"),
            Self::Deep => "4 or more hidden layers".to_owned(),
            Self::Kernel => "kernel machine".to_owned(),
            Self::Trees => "decision trees".to_owned(),
        }
    }

    /// Number of its colour (`g0` to `g6` in the style sheet) and of its marker (`k0` to `k6`).
    pub(super) fn index(self) -> usize {
        match self {
            Self::Hidden(depth) => depth.min(3),
            Self::Deep => 4,
            Self::Kernel => 5,
            Self::Trees => 6,
        }
    }
}

/// Paths of the markers, around the origin; all of about the same area.
const MARKERS: [&str; 7] = [
    "M-4.6 0a4.6 4.6 0 1 0 9.2 0a4.6 4.6 0 1 0-9.2 0z",
    "M-4.1-4.1h8.2v8.2h-8.2z",
    "M0-5.4L5.3 4.2H-5.3z",
    "M0-5.8L5.8 0L0 5.8L-5.8 0z",
    "M0 5.4L5.3-4.2H-5.3z",
    "M-1.8-5.4h3.6v3.6h3.6v3.6h-3.6v3.6h-3.6v-3.6h-3.6v-3.6h3.6z",
    "M-5.4 0L-2.7-4.7H2.7L5.4 0L2.7 4.7H-2.7z",
];

/// Paths of the hollow markers of other provers.
const HOLLOW: [&str; 3] = [
    "M-4.4 0a4.4 4.4 0 1 0 8.8 0a4.4 4.4 0 1 0-8.8 0z",
    "M-3.9-3.9h7.8v7.8h-7.8z",
    "M0-5.4L5.4 0L0 5.4L-5.4 0z",
];

/// The hidden drawing that defines all markers, for the plots to use.
pub(super) fn definitions() -> String {
    let mut out =
        String::from(r#"<svg class="defs" width="0" height="0" aria-hidden="true"><defs>"#);
    for (letter, paths) in [("k", &MARKERS[..]), ("e", &HOLLOW[..])] {
        for (index, path) in paths.iter().enumerate() {
            let _ = write!(out, r#"<path id="{letter}{index}" d="{path}"/>"#);
        }
    }
    out.push_str("</defs></svg>\n");
    out
}

/// Names of the other provers of a run, in the order they occur; those that only failed, too.
pub(super) fn peers(record: &RunRecord) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    let measured = record.models.iter().flat_map(|model| &model.peers);
    let measured = measured.map(|peer| peer.prover.as_str());
    let failed = record
        .failures
        .iter()
        .map(|failure| failure.prover.as_str());
    for name in measured.chain(failed) {
        if name != Proving::ZKASSAY && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Number of the hollow marker of the `index`-th other prover.
pub(super) fn hollow(index: usize) -> usize {
    index % HOLLOW.len()
}

/// The legend of a plot: the families, the other provers, and what a dashed line is.
pub(super) fn legend(groups: &[Group], provers: &[&str], lines: &[(&str, &str)]) -> String {
    let mut out = String::from("<ul class=\"legend\">");
    for group in groups {
        let index = group.index();
        let _ = write!(
            out,
            "<li class=\"g{index}\"><svg viewBox=\"-7 -7 14 14\" width=\"14\" height=\"14\" \
             aria-hidden=\"true\"><use href=\"#k{index}\"/></svg>{}</li>",
            group.name()
        );
    }
    for (index, prover) in provers.iter().enumerate() {
        let _ = write!(
            out,
            "<li class=\"peer\"><svg viewBox=\"-7 -7 14 14\" width=\"14\" height=\"14\" \
             aria-hidden=\"true\"><use href=\"#e{}\"/></svg>{}</li>",
            hollow(index),
            super::text::Text(prover)
        );
    }
    for (class, name) in lines {
        let _ = write!(
            out,
            "<li><svg viewBox=\"0 0 26 14\" width=\"26\" height=\"14\" aria-hidden=\"true\">\
             <path class=\"{class}\" d=\"M1 7h24\"/></svg>{name}</li>"
        );
    }
    out.push_str("</ul>\n");
    out
}
