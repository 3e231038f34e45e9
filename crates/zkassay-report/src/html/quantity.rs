//! What a model costs, as the plots' axes and the budget form have it.

use crate::record::{ModelRecord, Stage};
use crate::units;

/// How a number is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A number of things.
    Count,
    /// Milliseconds.
    Time,
    /// Bytes.
    Bytes,
    /// Percent.
    Percent,
}

/// Something that models have more or less of, and less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    /// Trained parameters.
    Parameters,
    /// Median time of a proof.
    Prove,
    /// Median time of a verification.
    Verify,
    /// Median time to make the keys.
    Setup,
    /// Size of a proof.
    Proof,
    /// Size of the proving key.
    Key,
    /// Most memory of the prover.
    Memory,
}

impl Quantity {
    /// All of them, in the order they are offered.
    pub(super) const ALL: [Self; 7] = [
        Self::Prove,
        Self::Verify,
        Self::Setup,
        Self::Proof,
        Self::Key,
        Self::Memory,
        Self::Parameters,
    ];

    /// Its name in the page's identifiers.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Parameters => "parameters",
            Self::Prove => "prove",
            Self::Verify => "verify",
            Self::Setup => "setup",
            Self::Proof => "proof",
            Self::Key => "key",
            Self::Memory => "memory",
        }
    }

    /// Its short name, for a choice.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Parameters => "Parameters",
            Self::Prove => "Prove",
            Self::Verify => "Verify",
            Self::Setup => "Setup",
            Self::Proof => "Proof size",
            Self::Key => "Proving key",
            Self::Memory => "Memory",
        }
    }

    /// What stands at an axis.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Parameters => "Parameters",
            Self::Prove => "Prove (median)",
            Self::Verify => "Verify (median)",
            Self::Setup => "Setup (median)",
            Self::Proof => "Proof",
            Self::Key => "Proving key",
            Self::Memory => "Memory (peak)",
        }
    }

    pub(super) const fn unit(self) -> Unit {
        match self {
            Self::Parameters => Unit::Count,
            Self::Prove | Self::Verify | Self::Setup => Unit::Time,
            Self::Proof | Self::Key | Self::Memory => Unit::Bytes,
        }
    }

    /// How much of it our proofs of `model` have; `None` if it was not measured.
    pub(super) fn of(self, model: &ModelRecord) -> Option<f64> {
        let proving = &model.proving;
        let bytes = |count: Option<u64>| count.map(|count| count as f64);
        match self {
            Self::Parameters => Some(model.parameters as f64),
            Self::Prove => proving.timings.of(Stage::Prove).median(),
            Self::Verify => proving.timings.of(Stage::Verify).median(),
            Self::Setup => proving.timings.of(Stage::Setup).median(),
            Self::Proof => bytes(proving.sizes.proof_bytes),
            Self::Key => bytes(proving.sizes.pk_bytes),
            Self::Memory => bytes(proving.memory.peak()),
        }
    }
}

impl Unit {
    /// `value` with three significant digits and its unit.
    pub(super) fn show(self, value: f64) -> String {
        match self {
            Self::Count => units::count(value.round() as usize),
            Self::Time => units::time(value),
            Self::Bytes => units::bytes(value.round() as u64),
            Self::Percent => format!("{value:.1} %"),
        }
    }

    /// `value` as an axis has it: a round number, with as many digits as it needs.
    pub(super) fn tick(self, value: f64) -> String {
        let magnitude = value.abs();
        // Adding zero turns -0 into 0.
        let short = |value: f64| format!("{}", (value * 1e3).round() / 1e3 + 0.0);
        match self {
            Self::Percent => format!("{} %", short(value)),
            Self::Count if magnitude >= 1e6 => format!("{} M", short(value / 1e6)),
            Self::Count if magnitude >= 1000.0 => units::count(value.round() as usize),
            Self::Count => short(value),
            _ if value == 0.0 => "0".to_owned(),
            Self::Time if magnitude < 0.999 => format!("{} µs", short(value * 1e3)),
            Self::Time if magnitude < 999.0 => format!("{} ms", short(value)),
            Self::Time => format!("{} s", short(value / 1e3)),
            Self::Bytes if magnitude < 999.0 => format!("{} B", short(value)),
            Self::Bytes if magnitude < 999e3 => format!("{} kB", short(value / 1e3)),
            Self::Bytes if magnitude < 999e6 => format!("{} MB", short(value / 1e6)),
            Self::Bytes => format!("{} GB", short(value / 1e9)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short_and_have_their_unit() {
        assert_eq!(Unit::Time.tick(0.5), "500 µs");
        assert_eq!(Unit::Time.tick(20.0), "20 ms");
        assert_eq!(Unit::Time.tick(2500.0), "2.5 s");
        assert_eq!(Unit::Time.tick(0.0), "0");
        assert_eq!(Unit::Bytes.tick(700.0), "700 B");
        assert_eq!(Unit::Bytes.tick(2e6), "2 MB");
        assert_eq!(Unit::Count.tick(20_000.0), "20,000");
        assert_eq!(Unit::Percent.tick(55.0), "55 %");
        assert_eq!(Unit::Count.tick(-0.0), "0");
    }
}
