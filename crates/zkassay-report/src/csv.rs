//! The record as comma-separated values (RFC 4180, lines end in `\n`).
//!
//! [`models`] has one line per model and prover, ours first: its tag and shape, accuracies,
//! circuit, the median and standard error of every stage in milliseconds, CPU times, sizes in
//! bytes. [`samples`] has one line per timed sample. Both start with a header;
//! a value that was not measured is an empty field.

use crate::record::{ModelRecord, Proving, Rate, RunRecord, Stage};

/// A line: a model, and one prover's proofs of it.
#[derive(Clone, Copy)]
struct Line<'a> {
    model: &'a ModelRecord,
    proving: &'a Proving,
}

impl Line<'_> {
    /// A model's lines: ours, then the peers'.
    fn of(model: &ModelRecord) -> impl Iterator<Item = Line<'_>> {
        let all = std::iter::once(&model.proving).chain(&model.peers);
        all.map(move |proving| Line { model, proving })
    }

    /// The accuracy of the integers that are proved, which is known of ours.
    fn quantized(&self) -> Option<&Rate> {
        let is_ours = std::ptr::eq(self.proving, &raw const self.model.proving);
        self.model.accuracy.quantized.as_ref().filter(|_| is_ours)
    }
}

/// A heading of the models' file and the value below it.
type Column = (&'static str, fn(&Line<'_>) -> String);

const MODEL_COLUMNS: &[Column] = &[
    ("tag", |l| l.model.tag.clone()),
    ("prover", |l| l.proving.prover.clone()),
    ("prover_version", |l| l.proving.version.clone()),
    ("hidden", |l| widths(&l.model.hidden)),
    ("activation", |l| l.model.used_activation().to_owned()),
    ("parameters", |l| l.model.parameters.to_string()),
    ("training_seed", |l| l.model.training.seed.to_string()),
    ("training_seconds", |l| l.model.training.seconds.to_string()),
    ("rounds", |l| {
        l.model.accuracy.float.rounds.len().to_string()
    }),
    ("test_rows", |l| l.model.accuracy.float.total().to_string()),
    ("float_accuracy", |l| {
        l.model.accuracy.float.value.to_string()
    }),
    ("float_low", |l| l.model.accuracy.float.low.to_string()),
    ("float_high", |l| l.model.accuracy.float.high.to_string()),
    ("float_standard_error", |l| {
        optional(l.model.accuracy.float.standard_error)
    }),
    ("float_correct", |l| {
        l.model.accuracy.float.correct().to_string()
    }),
    ("quantized_accuracy", |l| {
        optional(l.quantized().map(|rate| rate.value))
    }),
    ("quantized_low", |l| {
        optional(l.quantized().map(|rate| rate.low))
    }),
    ("quantized_high", |l| {
        optional(l.quantized().map(|rate| rate.high))
    }),
    ("quantized_standard_error", |l| {
        optional(l.quantized().and_then(|rate| rate.standard_error))
    }),
    ("quantized_correct", |l| {
        optional(l.quantized().map(Rate::correct))
    }),
    ("majority_accuracy", |l| {
        l.model.accuracy.majority.value.to_string()
    }),
    ("majority_low", |l| {
        l.model.accuracy.majority.low.to_string()
    }),
    ("majority_high", |l| {
        l.model.accuracy.majority.high.to_string()
    }),
    ("majority_correct", |l| {
        l.model.accuracy.majority.correct().to_string()
    }),
    ("label_agreement", |l| {
        optional(l.proving.fidelity.map(|f| f.label_agreement))
    }),
    ("mean_abs_error", |l| {
        optional(l.proving.fidelity.map(|f| f.mean_abs_error))
    }),
    ("max_abs_error", |l| {
        optional(l.proving.fidelity.map(|f| f.max_abs_error))
    }),
    ("logrows", |l| {
        optional(l.proving.circuit.map(|shape| shape.logrows))
    }),
    ("rows", |l| {
        optional(l.proving.circuit.and_then(|shape| shape.rows))
    }),
    ("advice_columns", |l| {
        optional(l.proving.circuit.and_then(|shape| shape.advice_columns))
    }),
    ("fixed_columns", |l| {
        optional(l.proving.circuit.and_then(|shape| shape.fixed_columns))
    }),
    ("instance_columns", |l| {
        optional(l.proving.circuit.and_then(|shape| shape.instance_columns))
    }),
    ("settings_ms_median", |l| median(l, Stage::Settings)),
    ("settings_ms_standard_error", |l| {
        standard_error(l, Stage::Settings)
    }),
    ("calibrate_ms_median", |l| median(l, Stage::Calibrate)),
    ("calibrate_ms_standard_error", |l| {
        standard_error(l, Stage::Calibrate)
    }),
    ("compile_ms_median", |l| median(l, Stage::Compile)),
    ("compile_ms_standard_error", |l| {
        standard_error(l, Stage::Compile)
    }),
    ("setup_ms_median", |l| median(l, Stage::Setup)),
    ("setup_ms_standard_error", |l| {
        standard_error(l, Stage::Setup)
    }),
    ("witness_ms_median", |l| median(l, Stage::Witness)),
    ("witness_ms_standard_error", |l| {
        standard_error(l, Stage::Witness)
    }),
    ("prove_ms_median", |l| median(l, Stage::Prove)),
    ("prove_ms_standard_error", |l| {
        standard_error(l, Stage::Prove)
    }),
    ("verify_ms_median", |l| median(l, Stage::Verify)),
    ("verify_ms_standard_error", |l| {
        standard_error(l, Stage::Verify)
    }),
    ("setup_cpu_ms_median", |l| cpu(l, Stage::Setup)),
    ("prove_cpu_ms_median", |l| cpu(l, Stage::Prove)),
    ("verify_cpu_ms_median", |l| cpu(l, Stage::Verify)),
    ("proofs", |l| l.proving.proved_rows.len().to_string()),
    ("proof_bytes", |l| optional(l.proving.sizes.proof_bytes)),
    ("pk_bytes", |l| optional(l.proving.sizes.pk_bytes)),
    ("vk_bytes", |l| optional(l.proving.sizes.vk_bytes)),
    ("srs_bytes", |l| optional(l.proving.sizes.srs_bytes)),
    ("setup_memory_bytes", |l| {
        optional(l.proving.memory.setup_bytes)
    }),
    ("prove_memory_bytes", |l| {
        optional(l.proving.memory.prove_bytes)
    }),
    ("onnx_sha256", |l| l.model.onnx_sha256.clone()),
];

/// One line per model and prover.
pub fn models(record: &RunRecord) -> String {
    let mut out = String::new();
    push_line(&mut out, MODEL_COLUMNS.iter().map(|(heading, _)| *heading));
    for line in record.models.iter().flat_map(Line::of) {
        push_line(
            &mut out,
            MODEL_COLUMNS.iter().map(|(_, value)| value(&line)),
        );
    }
    out
}

/// One line per timed sample: `tag,prover,stage,sample,milliseconds,cpu_milliseconds`, samples
/// numbered from 0 in the order they were taken.
pub fn samples(record: &RunRecord) -> String {
    let mut out = String::from("tag,prover,stage,sample,milliseconds,cpu_milliseconds\n");
    for line in record.models.iter().flat_map(Line::of) {
        for stage in Stage::ALL {
            let wall = line.proving.timings.of(stage).as_slice();
            let cpu = line.proving.cpu.of(stage).as_slice();
            for index in 0..wall.len().max(cpu.len()) {
                let fields = [
                    line.model.tag.clone(),
                    line.proving.prover.clone(),
                    stage.name().to_owned(),
                    index.to_string(),
                    optional(wall.get(index)),
                    optional(cpu.get(index)),
                ];
                push_line(&mut out, fields);
            }
        }
    }
    out
}

fn widths(hidden: &[usize]) -> String {
    let widths: Vec<String> = hidden.iter().map(usize::to_string).collect();
    widths.join("-")
}

fn median(line: &Line<'_>, stage: Stage) -> String {
    optional(line.proving.timings.of(stage).median())
}

fn standard_error(line: &Line<'_>, stage: Stage) -> String {
    optional(line.proving.timings.of(stage).standard_error())
}

fn cpu(line: &Line<'_>, stage: Stage) -> String {
    optional(line.proving.cpu.of(stage).median())
}

fn optional(value: Option<impl ToString>) -> String {
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
            let line = lines.iter().find(|line| line[0] == "64-32");
            line.unwrap()[column.unwrap()]
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
    fn every_prover_has_a_line_and_only_ours_an_integer_accuracy() {
        let csv = models(&run_record());
        let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
        let column = |heading: &str| lines[0].iter().position(|name| *name == heading).unwrap();
        let column_of = |heading: &str| -> Vec<&str> {
            let column = column(heading);
            lines[1..].iter().map(|line| line[column]).collect()
        };
        assert_eq!(
            column_of("prover"),
            ["zkassay", "EZKL fixed", "EZKL tuned", "zkassay"]
        );
        assert_eq!(column_of("quantized_correct"), ["99", "", "", "149"]);
        assert_eq!(column_of("prove_cpu_ms_median"), ["23", "2350", "", "2000"]);
        assert_eq!(column_of("pk_bytes")[1], "164000000");
        assert!(lines.iter().all(|line| line.len() == lines[0].len()));
    }

    #[test]
    fn samples_keep_their_order() {
        let mut record = run_record();
        record.models.truncate(1);
        let lines: Vec<String> = samples(&record).lines().map(str::to_owned).collect();
        assert_eq!(
            lines[0],
            "tag,prover,stage,sample,milliseconds,cpu_milliseconds"
        );
        let proofs: Vec<&String> = lines
            .iter()
            .filter(|l| l.contains("zkassay,prove,"))
            .collect();
        assert_eq!(
            proofs,
            [
                "logistic,zkassay,prove,0,15.5,22",
                "logistic,zkassay,prove,1,14.25,23",
                "logistic,zkassay,prove,2,14.9,24"
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
