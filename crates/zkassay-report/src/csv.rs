//! The record as comma-separated values (RFC 4180, lines end in `\n`).
//!
//! [`models`] has one line per model: its tag and shape, accuracies, circuit,
//! the median and standard error of every stage in milliseconds, sizes in
//! bytes. [`samples`] has one line per timed sample. Both start with a header;
//! a value that was not measured is an empty field.

use crate::record::{ModelRecord, RunRecord, Stage};

/// A heading of the models' file and the value below it.
type Column = (&'static str, fn(&ModelRecord) -> String);

const MODEL_COLUMNS: &[Column] = &[
    ("tag", |m| m.tag.clone()),
    ("hidden", |m| widths(&m.hidden)),
    ("activation", |m| m.activation.clone()),
    ("parameters", |m| m.parameters.to_string()),
    ("training_seed", |m| m.training.seed.to_string()),
    ("training_seconds", |m| m.training.seconds.to_string()),
    ("test_rows", |m| m.accuracy.quantized.total.to_string()),
    ("float_accuracy", |m| m.accuracy.float.value.to_string()),
    ("float_low", |m| m.accuracy.float.low.to_string()),
    ("float_high", |m| m.accuracy.float.high.to_string()),
    ("float_correct", |m| m.accuracy.float.correct.to_string()),
    ("quantized_accuracy", |m| {
        m.accuracy.quantized.value.to_string()
    }),
    ("quantized_low", |m| m.accuracy.quantized.low.to_string()),
    ("quantized_high", |m| m.accuracy.quantized.high.to_string()),
    ("quantized_correct", |m| {
        m.accuracy.quantized.correct.to_string()
    }),
    ("majority_accuracy", |m| {
        m.accuracy.majority.value.to_string()
    }),
    ("majority_low", |m| m.accuracy.majority.low.to_string()),
    ("majority_high", |m| m.accuracy.majority.high.to_string()),
    ("majority_correct", |m| {
        m.accuracy.majority.correct.to_string()
    }),
    ("label_agreement", |m| {
        m.fidelity.label_agreement.to_string()
    }),
    ("mean_abs_error", |m| m.fidelity.mean_abs_error.to_string()),
    ("max_abs_error", |m| m.fidelity.max_abs_error.to_string()),
    ("logrows", |m| m.circuit.logrows.to_string()),
    ("rows", |m| m.circuit.rows.to_string()),
    ("advice_columns", |m| m.circuit.advice_columns.to_string()),
    ("fixed_columns", |m| m.circuit.fixed_columns.to_string()),
    ("instance_columns", |m| {
        m.circuit.instance_columns.to_string()
    }),
    ("calibrate_ms_median", |m| median(m, Stage::Calibrate)),
    ("calibrate_ms_standard_error", |m| {
        standard_error(m, Stage::Calibrate)
    }),
    ("compile_ms_median", |m| median(m, Stage::Compile)),
    ("compile_ms_standard_error", |m| {
        standard_error(m, Stage::Compile)
    }),
    ("setup_ms_median", |m| median(m, Stage::Setup)),
    ("setup_ms_standard_error", |m| {
        standard_error(m, Stage::Setup)
    }),
    ("witness_ms_median", |m| median(m, Stage::Witness)),
    ("witness_ms_standard_error", |m| {
        standard_error(m, Stage::Witness)
    }),
    ("prove_ms_median", |m| median(m, Stage::Prove)),
    ("prove_ms_standard_error", |m| {
        standard_error(m, Stage::Prove)
    }),
    ("verify_ms_median", |m| median(m, Stage::Verify)),
    ("verify_ms_standard_error", |m| {
        standard_error(m, Stage::Verify)
    }),
    ("proofs", |m| m.proved_rows.len().to_string()),
    ("proof_bytes", |m| m.sizes.proof_bytes.to_string()),
    ("pk_bytes", |m| m.sizes.pk_bytes.to_string()),
    ("vk_bytes", |m| m.sizes.vk_bytes.to_string()),
    ("srs_bytes", |m| m.sizes.srs_bytes.to_string()),
    ("onnx_sha256", |m| m.onnx_sha256.clone()),
];

/// One line per model.
pub fn models(record: &RunRecord) -> String {
    let mut out = String::new();
    push_line(&mut out, MODEL_COLUMNS.iter().map(|(heading, _)| *heading));
    for model in &record.models {
        push_line(
            &mut out,
            MODEL_COLUMNS.iter().map(|(_, value)| value(model)),
        );
    }
    out
}

/// One line per timed sample: `tag,stage,sample,milliseconds`, samples
/// numbered from 0 in the order they were taken.
pub fn samples(record: &RunRecord) -> String {
    let mut out = String::from("tag,stage,sample,milliseconds\n");
    for model in &record.models {
        for stage in Stage::ALL {
            for (index, value) in model.timings.of(stage).as_slice().iter().enumerate() {
                let (index, value) = (index.to_string(), value.to_string());
                push_line(&mut out, [&model.tag, stage.name(), &index, &value]);
            }
        }
    }
    out
}

fn widths(hidden: &[usize]) -> String {
    let widths: Vec<String> = hidden.iter().map(usize::to_string).collect();
    widths.join("-")
}

fn median(model: &ModelRecord, stage: Stage) -> String {
    optional(model.timings.of(stage).median())
}

fn standard_error(model: &ModelRecord, stage: Stage) -> String {
    optional(model.timings.of(stage).standard_error())
}

fn optional(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn push_line(out: &mut String, fields: impl IntoIterator<Item = impl AsRef<str>>) {
    for (index, field) in fields.into_iter().enumerate() {
        let field = field.as_ref();
        if index > 0 {
            out.push(',');
        }
        if field.contains(['"', ',', '\n', '\r']) {
            out.push('"');
            out.push_str(&field.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(field);
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_record;

    #[test]
    fn values_stand_under_their_headings() {
        let csv = models(&run_record());
        let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
        let value = |heading: &str| {
            let column = lines[0].iter().position(|name| *name == heading);
            lines[2][column.unwrap()]
        };
        assert_eq!(value("tag"), "64-32");
        assert_eq!(value("hidden"), "64-32");
        assert_eq!(value("float_correct"), "150");
        assert_eq!(value("quantized_correct"), "149");
        assert_eq!(value("test_rows"), "150");
        assert_eq!(value("max_abs_error"), "0.004");
        assert_eq!(value("logrows"), "9");
        assert_eq!(value("prove_ms_median"), "1100");
        assert_eq!(value("prove_ms_standard_error"), "100");
        assert_eq!(value("setup_ms_standard_error"), "", "one sample only");
        assert_eq!(value("vk_bytes"), "4250");
    }

    #[test]
    fn samples_keep_their_order() {
        let mut record = run_record();
        record.models.truncate(1);
        let lines: Vec<String> = samples(&record).lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "tag,stage,sample,milliseconds");
        let proofs: Vec<&String> = lines.iter().filter(|l| l.contains(",prove,")).collect();
        assert_eq!(
            proofs,
            [
                "logistic,prove,0,15.5",
                "logistic,prove,1,14.25",
                "logistic,prove,2,14.9"
            ]
        );
    }

    #[test]
    fn separators_quotes_and_line_breaks_are_quoted() {
        let mut out = String::new();
        push_line(&mut out, ["a,b", "say \"x\"", "two\nlines", "plain"]);
        assert_eq!(out, "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",plain\n");
    }
}
