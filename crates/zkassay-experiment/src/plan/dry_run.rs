//! What a plan would do, before it does anything.

use std::path::Path;

use zkassay_ezkl::Environment;
use zkassay_models::ModelSpec;

use super::estimate::{Part, estimate};
use super::{Plan, RunOptions, data, models};
use crate::dataset::Source;

/// Characters of a line of names.
const WIDTH: usize = 100;

impl Plan {
    /// The models, the cells, and about how long they take on a machine of this `speed`
    /// ([`super::estimate::speed`]); what is missing.
    pub fn preview(&self, options: &RunOptions, speed: f64) -> String {
        let mut text = format!("Profile {}: {}\n", self.profile, self.command());
        text.push_str(&format!("Rows: {}, seed {}\n", self.source, self.seed));
        text.push_str(&listed("Models", &self.models));
        if let Some(peer) = &self.peer {
            text.push_str(&match peer.models == self.models {
                true => "Models of EZKL: the same\n".into(),
                false => listed("Models of EZKL", &peer.models),
            });
        }
        text.push('\n');
        text.push_str(&table(&estimate(self, speed)));
        text.push_str(
            "A cell is a round of a model: trained and scored, or a setup, a proof, or both.\n",
        );
        let missing = self.missing(options);
        if !missing.is_empty() {
            text.push_str("\nMissing:\n");
            for what in missing {
                text.push_str(&format!("  {what}\n"));
            }
        }
        text
    }

    /// What has to be there before the plan can be run as a whole, and is not.
    pub fn missing(&self, options: &RunOptions) -> Vec<String> {
        let mut missing = Vec::new();
        missing.extend(self.missing_rows());
        if self.peer.is_some() {
            missing.extend(missing_ezkl(
                options.ezkl.as_deref(),
                options.ezkl_missing.as_deref(),
            ));
        }
        missing
    }

    /// What has to be done before there are rows; nothing if there are.
    pub fn missing_rows(&self) -> Option<String> {
        match &self.source {
            Source::Tokens { path, .. } => data::missing(path),
            Source::Table { path, .. } => {
                let is_missing = !path.is_file();
                is_missing.then(|| format!("there is no table {}", path.display()))
            }
        }
    }
}

fn missing_ezkl(environment: Option<&Path>, reason: Option<&str>) -> Option<String> {
    match (environment, reason) {
        (Some(folder), _) => {
            let error = Environment::open(folder).err()?;
            Some(format!(
                "EZKL's environment ({error}); with --peers ezkl, `cargo xtask experiment` makes it \
                 before it runs"
            ))
        }
        (None, Some(reason)) => Some(format!("EZKL's environment: {reason}")),
        (None, None) => Some(
            "EZKL's environment: `cargo xtask ezkl` makes it, and so does `cargo xtask experiment \
             --peers ezkl` before it runs"
                .into(),
        ),
    }
}

/// The models' names, or the short ones of groups, in lines.
fn listed(title: &str, specs: &[ModelSpec]) -> String {
    let mut text = format!("{title} ({}): ", specs.len());
    let mut length = text.len();
    for (index, name) in models::list(specs).split(',').enumerate() {
        if index > 0 {
            text.push(',');
        }
        if length + name.len() + 1 > WIDTH {
            text.push_str("\n  ");
            length = 2;
        }
        text.push_str(name);
        length += name.len() + 1;
    }
    text + "\n"
}

/// The parts in columns, and their sums.
fn table(parts: &[Part]) -> String {
    let width = |length: fn(&Part) -> usize| parts.iter().map(length).max().unwrap_or(0);
    let name = width(|part| part.name.len());
    let what = width(|part| part.what.len());
    let line = |a: &str, b: &str, cells: &str, time: &str| {
        format!("{a:<name$}  {b:<what$}  {cells:>6}  {time:>10}\n")
    };
    let mut text = line("", "", "cells", "about");
    let mut before = "";
    for part in parts {
        let cells = part
            .cells
            .map_or_else(String::new, |cells| cells.to_string());
        let shown = if part.name == before { "" } else { &part.name };
        text.push_str(&line(shown, &part.what, &cells, &duration(part.seconds)));
        before = &part.name;
    }
    let cells: usize = parts.iter().filter_map(|part| part.cells).sum();
    let seconds: f64 = parts.iter().map(|part| part.seconds).sum();
    text.push_str(&line("in all", "", &cells.to_string(), &duration(seconds)));
    text
}

/// A time of which little more than the order of magnitude is known.
fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 1.5 => "1 s".into(),
        seconds if seconds < 20.0 => format!("{seconds:.0} s"),
        seconds if seconds < 95.0 => format!("{:.0} s", (seconds / 5.0).round() * 5.0),
        seconds if seconds < 5400.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::parse;

    fn preview(flags: &[&str]) -> String {
        parse(flags).unwrap().preview(&RunOptions::default(), 1.0)
    }

    #[test]
    fn a_large_plan_stays_readable() {
        let text = preview(&["--profile", "paper"]);
        assert!(
            text.contains("cargo xtask experiment --profile paper"),
            "{text}"
        );
        assert!(text.contains("Models (42): study:none"), "{text}");
        assert!(
            text.contains("42 models x 50 setups and 50 proofs"),
            "{text}"
        );
        assert!(text.contains("2100"), "{text}");
        assert!(text.contains("in all") && text.contains(" min"), "{text}");
        assert!(text.lines().count() < 30, "{text}");
        assert!(text.lines().all(|line| line.len() <= 110), "{text}");
    }

    #[test]
    fn a_short_list_is_told_once() {
        let text = preview(&["--models", "64-32,forest"]);
        assert!(text.contains("Models (2): 64-32,forest\n"), "{text}");
        assert_eq!(text.matches("forest").count(), 2, "{text}");
    }

    #[test]
    fn what_is_missing_is_said_with_its_remedy() {
        let text = preview(&["--data", "no-such.csv", "--peers", "ezkl"]);
        let (_, missing) = text.split_once("Missing:").unwrap();
        assert!(missing.contains("no-such.csv"), "{missing}");
        assert!(missing.contains("cargo xtask ezkl"), "{missing}");
        let text = preview(&["--table", "none.csv", "--label", "x"]);
        assert!(text.contains("there is no table none.csv"), "{text}");
        let options = RunOptions {
            ezkl: Some("no-such-folder".into()),
            ..RunOptions::default()
        };
        let plan = parse(&["--data", "src", "--peers", "ezkl"]).unwrap();
        let missing = plan.missing(&options);
        assert_eq!(missing.len(), 1);
        assert!(missing[0].contains("no-such-folder"), "{missing:?}");
        assert!(
            parse(&["--data", "src"])
                .unwrap()
                .missing(&options)
                .is_empty()
        );
    }

    #[test]
    fn times_are_rough() {
        for (seconds, text) in [
            (0.01, "1 s"),
            (12.4, "12 s"),
            (33.0, "35 s"),
            (130.0, "2 min"),
            (7200.0, "2.0 h"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
