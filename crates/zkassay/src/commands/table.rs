//! `zkassay table`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use zkassay::ModelTable;
use zkassay::table::{Layout, NodeRow, StepRow, TreesRow};
use zkassay_circuit::cost::{Cost, Machine};
use zkassay_graph::{Column, ColumnKind, Interface, Vocabulary};

use crate::commands::options::{CompileArgs, ImportArgs};
use crate::commands::{count, files, print};
use crate::progress::Spinner;

/// Show a model's nodes, and the size of its circuit.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zkassay table -M network.onnx
  zkassay table -M network.onnx --layout size
  zkassay table -M network.onnx --no-fold   # nothing merged
  zkassay table -S settings.json          # exact, once the settings are calibrated")]
pub(crate) struct Table {
    /// The model.
    #[arg(short = 'M', long, value_name = "FILE", default_value = "network.onnx")]
    model: PathBuf,
    /// Its settings; without them the circuit is planned for the flags below.
    #[arg(short = 'S', short_alias = 'O', long, value_name = "FILE", conflicts_with_all = ["input_visibility", "output_visibility", "param_visibility", "layout", "batch", "variable", "output", "no_fold"])]
    settings_path: Option<PathBuf>,
    #[command(flatten)]
    import: ImportArgs,
    #[command(flatten)]
    compile: CompileArgs,
    /// Do not merge adjacent affine operations; settings say it themselves.
    #[arg(long)]
    no_fold: bool,
}

impl Table {
    pub(crate) fn run(self, json: bool) -> Result<()> {
        let settings = self
            .settings_path
            .as_deref()
            .map(files::settings)
            .transpose()?;
        let import = match &settings {
            Some(settings) => settings.import().clone(),
            None => self.import.options(),
        };
        let model = files::model(&self.model, &import)?;
        let shown = || self.model.display().to_string();
        let spinner = Spinner::new(json, "timing this machine");
        let machine = Machine::measure();
        spinner.finish();
        let table = match &settings {
            Some(settings) => {
                ModelTable::with_settings(&model, settings, &machine).with_context(shown)?
            }
            None => {
                let options = self.compile.options();
                let table = ModelTable::planned(&model, &options, &machine).with_context(shown)?;
                table.with_draft(&model, &options, !self.no_fold)
            }
        };
        print(json, &json!(table), || {
            let mut lines = inputs(&table.interface);
            lines.extend(nodes(&table.nodes));
            lines.push(format!("{} parameters", table.parameters));
            for folded in &table.folded {
                let nodes = folded.nodes.join(", ");
                lines.push(format!("merged: {nodes} into {}", folded.into));
            }
            if !table.steps.is_empty() {
                lines.push(passes(&table));
            }
            lines.extend(steps(&table.steps));
            lines.extend(table.trees.iter().map(trees));
            lines.push(match &table.layout {
                Some(layout) => describe(layout),
                None => "rows and columns are known after calibrate-settings, with --settings-path"
                    .to_owned(),
            });
            let costs = table.cost.iter();
            lines.extend(costs.flat_map(|of| cost(of, table.inferences, machine.threads)));
            lines.join("\n")
        })
    }
}

/// The inputs of a model that has several, or takes others than numbers; a fixed batch.
fn inputs(interface: &Interface) -> Vec<String> {
    /// More columns than these are in the JSON only.
    const SHOWN: usize = 40;
    let column = |column: &Column| {
        let mut line = format!(
            "input {}: {} {}",
            column.name,
            column.len,
            column.kind.words()
        );
        if let ColumnKind::Text(places) = &column.kind {
            let known = places.iter().map(Vocabulary::shown).take(4);
            let known: Vec<String> = known.collect();
            line += &format!("; known are {}", known.join("; "));
        }
        line
    };
    let columns = &interface.columns;
    let mut lines: Vec<String> = columns.iter().take(SHOWN).map(column).collect();
    if columns.len() > SHOWN {
        lines.push(format!("... and {} more inputs", columns.len() - SHOWN));
    }
    if let Some(rows) = interface.batch {
        lines.push(format!(
            "the file is made for batches of {rows} rows, and treats each alone and alike: this is what \
             it does to one"
        ));
    }
    if !interface.labels.is_empty() {
        let labels = Vocabulary {
            words: interface.labels.clone(),
            closed: true,
        };
        lines.push(format!("the output is a position in {}", labels.shown()));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// What proofs will cost, in lines.
fn cost(cost: &Cost, inferences: u32, threads: usize) -> Vec<String> {
    let mut lines = vec![
        format!(
            "proof {} bytes, verifying key {} bytes, contract about {} bytes",
            cost.proof_bytes, cost.verifying_key_bytes, cost.contract_bytes,
        ),
        format!(
            "prove {:.0} ms, verify {:.1} ms, setup {:.0} ms, on this machine with {threads} threads",
            1e3 * cost.prove_seconds,
            1e3 * cost.verify_seconds,
            1e3 * cost.setup_seconds,
        ),
    ];
    if inferences > 1 {
        let each = 1.0 / f64::from(inferences);
        lines.push(format!(
            "for each of {inferences} inferences in a proof: prove {:.2} ms, verify {:.2} ms, {:.0} bytes",
            1e3 * cost.prove_seconds * each,
            1e3 * cost.verify_seconds * each,
            cost.proof_bytes as f64 * each,
        ));
    }
    lines.push(format!(
        "memory {:.0} MB; times and memory are predicted",
        cost.memory_bytes as f64 / 1e6
    ));
    lines
}

/// Decision trees, in a line.
fn trees(trees: &TreesRow) -> String {
    format!(
        "{} trees of {} nodes about {} features, {} in each row",
        trees.trees, trees.nodes, trees.features, trees.nodes_per_row,
    )
}

/// Nodes before the passes and steps after them, in a line.
fn passes(table: &ModelTable) -> String {
    let merged: usize = table.folded.iter().map(|folded| folded.nodes.len()).sum();
    format!(
        "before: {}; {}; after: {}",
        count(table.nodes.len(), "node"),
        match table.folded.len() {
            0 => "none merged".to_owned(),
            into => format!("{merged} of them merged into {into}"),
        },
        count(table.steps.len(), "step"),
    )
}

/// A bound, if it is known.
fn bits(bits: Option<u32>) -> String {
    bits.map_or_else(|| "-".to_owned(), |bits| bits.to_string())
}

/// The nodes, in columns.
fn nodes(nodes: &[NodeRow]) -> Vec<String> {
    let width = nodes.iter().map(|node| node.name.chars().count());
    let width = width.max().unwrap_or(0).max(4);
    let line = |name: &str, op: &str, [inputs, outputs, parameters, bits]: [String; 4]| {
        format!("{name:<width$}  {op:<14}{inputs:>8}{outputs:>9}{parameters:>12}{bits:>6}")
    };
    let head = ["inputs", "outputs", "parameters", "bits"].map(str::to_owned);
    let mut lines = vec![line("node", "op", head)];
    lines.extend(nodes.iter().map(|node| {
        let [inputs, outputs, parameters] =
            [node.inputs, node.outputs, node.parameters].map(|n| n.to_string());
        line(
            &node.name,
            node.op,
            [inputs, outputs, parameters, bits(node.bits)],
        )
    }));
    lines
}

/// What is proved, in columns; nothing if it is not known.
fn steps(steps: &[StepRow]) -> Vec<String> {
    if steps.is_empty() {
        return vec![];
    }
    let width = steps.iter().map(|step| step.name.chars().count());
    let width = width.max().unwrap_or(0).max(4);
    let head = format!(
        "\n{:<width$}  {:<14}{:>8}{:>6}",
        "step", "kind", "integers", "bits"
    );
    let line = |step: &StepRow| {
        format!(
            "{:<width$}  {:<14}{:>8}{:>6}",
            step.name,
            step.kind,
            step.outputs,
            bits(step.bits)
        )
    };
    std::iter::once(head)
        .chain(steps.iter().map(line))
        .collect()
}

/// The size of a circuit, in lines.
pub(crate) fn describe(layout: &Layout) -> String {
    let Layout {
        exact,
        block_width,
        limb_bits,
        inferences,
        dimensions: size,
    } = layout;
    format!(
        "2^{} rows, {} in use, {block_width} weights in each, limbs of {limb_bits} bits{}\n\
         {} advice, {} fixed and {} instance columns, gates of degree {}{}",
        size.logrows,
        size.rows,
        match inferences {
            1 => String::new(),
            several => format!("; {several} inferences in one proof"),
        },
        size.advice(),
        size.fixed,
        size.instance,
        size.degree,
        match exact {
            true => "",
            false => "; planned, exact after calibrate-settings, with --settings-path",
        }
    )
}
