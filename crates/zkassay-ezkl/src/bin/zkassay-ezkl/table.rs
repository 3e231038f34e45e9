//! What was measured, for a terminal.

use std::fmt::Write as _;

use crate::stages::{Measured, Times};

/// The stages in the order they run.
const STAGES: [&str; 7] = [
    "settings",
    "calibrate",
    "compile",
    "setup",
    "witness",
    "prove",
    "verify",
];
/// What is told of the settings.
const SETTINGS: [&str; 7] = [
    "logrows",
    "input_scale",
    "param_scale",
    "num_inner_cols",
    "decomp_base",
    "decomp_legs",
    "lookup_range",
];

/// Stages with medians, then sizes, memory, error, settings, refused rows and the failure.
pub(crate) fn table(measured: &Measured) -> String {
    let mut text = format!("{}, version {}\n\n", measured.prover, measured.version);
    line(&mut text, ["stage", "wall", "CPU", "runs"]);
    for stage in STAGES {
        if let Some(Times { wall, cpu }) = measured.stages.get(stage) {
            let runs = wall.len().to_string();
            line(
                &mut text,
                [stage, &time(median(wall)), &time(median(cpu)), &runs],
            );
        }
    }
    text.push('\n');
    let mut fact = |name: &str, value: String| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:<20}{value}");
    };
    for (name, bytes) in [
        ("proof", "proof"),
        ("proving key", "pk"),
        ("verifying key", "vk"),
    ] {
        if let Some(bytes) = measured.bytes.get(bytes) {
            fact(name, size(*bytes));
        }
    }
    for (name, bytes) in [
        ("memory of keys", measured.setup_memory),
        ("memory of proofs", measured.prove_memory),
    ] {
        if let Some(bytes) = bytes {
            fact(name, size(bytes));
        }
    }
    if let Some(error) = measured.error {
        let (mean, max) = (error.mean, error.max);
        let outputs = match error.outputs {
            1 => "1 output".to_owned(),
            outputs => format!("{outputs} outputs"),
        };
        fact(
            "error",
            format!("mean {mean:.2e}, max {max:.2e}, of {outputs}"),
        );
    }
    if measured.rows_are_shared {
        let note = "in EZKL's format: the same for calibration and for proofs";
        fact("rows", note.to_owned());
    }
    let chosen = SETTINGS.iter().filter_map(|name| {
        let value = measured.settings.get(name)?;
        Some(format!("{name} {value}"))
    });
    let chosen: Vec<_> = chosen.collect();
    if !chosen.is_empty() {
        fact("settings", chosen.join(", "));
    }
    for (row, why) in &measured.refused_rows {
        fact("refused", format!("row {row}: {why}"));
    }
    if let Some(failure) = &measured.failure {
        fact("failed", failure.clone());
    }
    text
}

fn line(text: &mut String, [stage, wall, cpu, runs]: [&str; 4]) {
    let _ = writeln!(text, "{stage:<12}{wall:>12}{cpu:>12}{runs:>7}");
}

/// The middle one, or the mean of the two in the middle; 0 of none.
fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    match sorted.len() % 2 {
        0 => (at(half.saturating_sub(1)) + at(half)) / 2.0,
        _ => at(half),
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 1.0 => format!("{seconds:.2} s"),
        seconds => format!("{:.1} ms", 1e3 * seconds),
    }
}

fn size(bytes: u64) -> String {
    match bytes as f64 {
        bytes if bytes >= 1e6 => format!("{:.1} MB", bytes / 1e6),
        bytes if bytes >= 1e4 => format!("{:.1} kB", bytes / 1e3),
        bytes => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::Error;

    #[test]
    fn everything_that_was_measured_is_told() {
        let mut measured = Measured {
            prover: "EZKL fixed".into(),
            version: "1.2".into(),
            settings: serde_json::json!({"logrows": 11, "lookup_range": [-3, 4]}),
            setup_memory: Some(123_400_000),
            rows_are_shared: true,
            error: Some(Error {
                outputs: 2,
                mean: 0.001,
                max: 0.002,
            }),
            failure: Some("prove: took too long".into()),
            ..Measured::default()
        };
        let times = Times {
            wall: vec![2.0, 4.0],
            cpu: vec![0.25, 0.5],
        };
        measured.stages.insert("prove", times);
        measured.bytes.insert("proof".into(), 3_648);
        measured.refused_rows.insert(7, "out of range".into());
        let text = table(&measured);
        for expected in [
            "EZKL fixed, version 1.2\n",
            "prove             3.00 s    375.0 ms      2\n",
            "proof               3648 B\n",
            "memory of keys      123.4 MB\n",
            "error               mean 1.00e-3, max 2.00e-3, of 2 outputs\n",
            "rows                in EZKL's format: the same for calibration and for proofs\n",
            "settings            logrows 11, lookup_range [-3,4]\n",
            "refused             row 7: out of range\n",
            "failed              prove: took too long\n",
        ] {
            assert!(text.contains(expected), "{expected}{text}");
        }
        assert!(!text.contains("setup "), "{text}");
        measured.rows_are_shared = false;
        measured.error = measured.error.map(|error| Error {
            outputs: 1,
            ..error
        });
        let text = table(&measured);
        assert!(
            text.contains("of 1 output\n") && !text.contains("calibration"),
            "{text}"
        );
    }

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }
}
