//! Outputs that are labels are found to be, whoever wrote the model, and are counted as they are.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use ndarray::{Array1, Array2, arr2};
use serde_json::Value as Json;
use zkassay_graph::{
    Arithmetic, Binary, Dense, Function, Graph, ImportOptions, Node, Op, Output, Source, Value,
};
use zkassay_quant::{
    Answer, CalibrationParams, Count, Counting, IntegerModel, Program, calibrate_program,
};

/// Labels that are refused when they are counted: they are not numbered from 0.
const NOT_FROM_ZERO: &[&str] = &[
    "hummingbird/isolation-forest",
    "sklearn/isolation-forest",
    "sklearn/logistic-gaps",
];

/// Labels that are the sign of a score: counted as scores are.
const SIGNS: &[&str] = &["sklearn/oneclass-svm"];

struct Fixture {
    name: String,
    bytes: Vec<u8>,
    record: Json,
}

/// All that have an output of labels.
fn fixtures() -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/operators");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|exporter| exporter.unwrap().path())
        .filter(|path| path.is_dir())
        .flat_map(|exporter| fs::read_dir(exporter).unwrap())
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let record: Json = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        if record.get("labels_output").is_some() {
            let exporter = path.parent().unwrap().file_name().unwrap();
            let stem = path.file_stem().unwrap();
            found.push(Fixture {
                name: format!("{}/{}", exporter.to_str().unwrap(), stem.to_str().unwrap()),
                bytes: fs::read(path.with_extension("onnx")).unwrap(),
                record,
            });
        }
    }
    assert!(found.len() > 70, "only {} fixtures", found.len());
    found
}

impl Fixture {
    fn graph(&self) -> Result<Graph, String> {
        let variables = self.record.get("variables").and_then(Json::as_object);
        let options = ImportOptions {
            variables: variables
                .into_iter()
                .flatten()
                .map(|(name, size)| (name.clone(), size.as_u64().unwrap() as usize))
                .collect(),
            output: self.record["labels_output"].as_str().map(str::to_owned),
        };
        Graph::from_onnx_with(&self.bytes, &options).map_err(|error| error.to_string())
    }

    fn table(&self, key: &str) -> Option<Array2<f64>> {
        let rows: Vec<Vec<f64>> = serde_json::from_value(self.record.get(key)?.clone()).ok()?;
        let shape = (rows.len(), rows.first().map_or(0, Vec::len));
        Array2::from_shape_vec(shape, rows.concat()).ok()
    }

    /// The rows that it is evaluated on; words as their places among those that the model knows.
    fn rows(&self, graph: &Graph) -> Array2<f32> {
        let rows: Vec<Vec<Json>> = serde_json::from_value(self.record["rows"].clone()).unwrap();
        let width = rows.first().map_or(0, Vec::len);
        let numbers = rows.iter().flat_map(|row| row.iter().enumerate());
        let number = |(place, cell): (usize, &Json)| match cell {
            Json::String(word) => graph.interface.code(place, word).unwrap(),
            number => number.as_f64().unwrap() as f32,
        };
        Array2::from_shape_vec((rows.len(), width), numbers.map(number).collect()).unwrap()
    }

    /// Labels that are names: positions among all names in order.
    fn named(&self) -> Array2<f64> {
        let names: Vec<Vec<String>> =
            serde_json::from_value(self.record["labels"].clone()).unwrap();
        let names = names.concat();
        let classes: BTreeSet<&String> = names.iter().collect();
        let position = |name| classes.iter().position(|class| *class == name).unwrap() as f64;
        Array2::from_shape_vec((names.len(), 1), names.iter().map(position).collect()).unwrap()
    }
}

fn program(graph: &Graph, rows: &Array2<f32>) -> Result<Program, String> {
    let params = CalibrationParams::new(8).unwrap();
    let calibration = calibrate_program(graph, rows.view(), &params).map_err(|e| e.to_string())?;
    match calibration.model {
        IntegerModel::Program(program) => Ok(program),
        IntegerModel::Chain(_) => Err("a chain".to_owned()),
    }
}

const fn correct(classes: u32) -> Counting {
    Counting {
        count: Count::Correct,
        classes,
    }
}

/// What is wrong with the labels of a fixture.
fn check(fixture: &Fixture) -> Result<(), String> {
    let graph = fixture.graph()?;
    let labels = match fixture.table("labels") {
        Some(labels) => labels,
        None => fixture.named(),
    };
    let rows = fixture.rows(&graph);
    let (answer, is_sign) = (Answer::of(&graph), SIGNS.contains(&fixture.name.as_str()));
    let (least, greatest) = match answer {
        Answer::Labels { least, greatest } if !is_sign => (least, greatest),
        Answer::Scores if is_sign => (-1, 1),
        other => return Err(format!("it answers by {other:?}")),
    };
    let program = program(&graph, &rows)?;
    for (row, label) in rows.outer_iter().zip(labels.column(0)) {
        if !(f64::from(least)..=f64::from(greatest)).contains(label) {
            return Err(format!("{label} is not from {least} to {greatest}"));
        }
        let integers = program.evaluate(&row.to_vec()).unwrap().outputs;
        let real = program.output_scale.real(integers[0]);
        if real != *label {
            return Err(format!("it gives {real}, expected {label}"));
        }
    }
    let classes = u32::try_from(greatest + 1).unwrap().max(2);
    let counted = program.counted(answer, &correct(classes));
    if NOT_FROM_ZERO.contains(&fixture.name.as_str()) {
        let message = counted.err().ok_or("it is counted")?.to_string();
        let says = message.contains("choose the output of the scores");
        return if says { Ok(()) } else { Err(message) };
    }
    let counted = counted.map_err(|error| error.to_string())?;
    for (row, label) in rows.outer_iter().zip(labels.column(0)) {
        let label = if is_sign { label.max(0.0) } else { *label };
        for other in 0..classes {
            let row = [row.to_vec(), vec![other as f32]].concat();
            let hit = counted.evaluate(&row).unwrap().outputs;
            let expected = i64::from(f64::from(other) == label);
            if hit != [expected] {
                return Err(format!(
                    "{hit:?} for {other} of {label}, expected {expected}"
                ));
            }
        }
    }
    Ok(())
}

#[test]
fn labels_of_exported_models_are_what_is_counted() {
    let mut failures = String::new();
    for fixture in fixtures() {
        if let Err(reason) = check(&fixture) {
            writeln!(failures, "{:45} {reason}", fixture.name).unwrap();
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

/// A graph of two inputs and one output: nodes with what they read, and how long they are.
fn graph(nodes: Vec<(Op, Vec<usize>, usize)>) -> Graph {
    let nodes: Vec<Node> = nodes
        .into_iter()
        .map(|(op, inputs, len)| Node {
            name: op.name().to_owned(),
            operator: op.name().to_owned(),
            op,
            inputs,
            shape: vec![1, len],
        })
        .collect();
    Graph {
        name: "model".into(),
        input: Value {
            name: "x".into(),
            shape: vec![1, 2],
        },
        interface: Default::default(),
        output: Output {
            name: "y".into(),
            value: nodes.len(),
        },
        nodes,
    }
}

fn element(index: u32) -> Op {
    Op::Rearrange(vec![Source::Element { operand: 0, index }])
}

fn by(arithmetic: Arithmetic, constant: f32) -> Op {
    Op::Elementwise {
        arithmetic,
        constant: Array1::from(vec![constant]),
    }
}

/// The two inputs, whether the first is less, whether they are equal; then `more`.
fn compared(more: Vec<(Op, Vec<usize>, usize)>) -> Graph {
    let mut nodes = vec![
        (element(0), vec![0], 1),
        (element(1), vec![0], 1),
        (Op::Binary(Binary::Less), vec![1, 2], 1),
        (Op::Binary(Binary::Equal), vec![1, 2], 1),
    ];
    nodes.extend(more);
    graph(nodes)
}

fn labels(least: i32, greatest: i32) -> Answer {
    Answer::Labels { least, greatest }
}

#[test]
fn decisions_and_what_is_made_of_them_are_labels() {
    let one = |op: Op, inputs: &[usize]| vec![(op, inputs.to_vec(), 1)];
    let constants =
        |numbers: &[f32]| Op::Rearrange(numbers.iter().map(|x| Source::Constant(*x)).collect());
    for (nodes, expected) in [
        (vec![], labels(0, 1)),
        (one(element(0), &[3]), labels(0, 1)),
        (one(Op::Map(Function::Not), &[3]), labels(0, 1)),
        (one(Op::Map(Function::IsNonzero), &[1]), labels(0, 1)),
        (one(Op::Binary(Binary::And), &[3, 4]), labels(0, 1)),
        (one(Op::Binary(Binary::Or), &[1, 4]), labels(0, 1)),
        // Counts of truth values.
        (one(Op::Binary(Binary::Add), &[3, 4]), labels(0, 2)),
        (one(Op::Binary(Binary::Add), &[3, 3]), labels(0, 2)),
        // Names of classes.
        (one(by(Arithmetic::Add, 1.0), &[3]), labels(1, 2)),
        (
            vec![
                (by(Arithmetic::Multiply, 2.0), vec![3], 1),
                (by(Arithmetic::Subtract, 1.0), vec![5], 1),
            ],
            labels(-1, 1),
        ),
        (
            vec![
                (constants(&[4.0]), vec![], 1),
                (constants(&[2.0]), vec![], 1),
                (Op::Select, vec![1, 5, 6], 1),
            ],
            labels(2, 4),
        ),
        // Scores: of any size, of fractions, around zero, constant.
        (one(Op::Binary(Binary::Subtract), &[1, 2]), Answer::Scores),
        (one(by(Arithmetic::Multiply, 0.5), &[3]), Answer::Scores),
        (one(Op::Binary(Binary::Subtract), &[3, 4]), Answer::Scores),
        (one(Op::Map(Function::Sign), &[1]), Answer::Scores),
        (one(Op::Map(Function::Round), &[1]), Answer::Scores),
        (one(constants(&[1.0]), &[]), Answer::Scores),
    ] {
        let graph = compared(nodes);
        assert_eq!(Answer::of(&graph), expected, "{:?}", graph.nodes.last());
    }
}

#[test]
fn hostile_graphs_end() {
    // Far too many nodes to follow, and each read twice.
    let add = |at: usize| (Op::Binary(Binary::Max), vec![at, at], 1);
    let graph = compared((4..50_000).map(add).collect());
    assert_eq!(Answer::of(&graph), Answer::Scores);
    // Many decisions at once: not their outcomes one by one.
    let sources = (0..64).map(|i| Source::Element {
        operand: 0,
        index: i % 2,
    });
    let graph = self::graph(vec![
        (Op::Rearrange(sources.collect()), vec![0], 64),
        (Op::Map(Function::IsNonzero), vec![1], 64),
        (
            Op::Dense(Dense {
                weights: Array2::ones((1, 64)),
                bias: Array1::zeros(1),
            }),
            vec![2],
            1,
        ),
    ]);
    assert_eq!(Answer::of(&graph), Answer::Scores);
}

#[test]
fn a_number_that_cannot_be_a_score_is_refused() {
    let rows = arr2(&[[0.0f32, 1.0], [1.0, 0.0], [0.5, 0.5], [-1.0, 0.25]]);
    // A share of truth values: the class would always be 1.
    let half = vec![
        (Op::Binary(Binary::Add), vec![3, 4], 1),
        (by(Arithmetic::Multiply, 0.5), vec![5], 1),
    ];
    let share = compared(half);
    let program = program(&share, &rows).unwrap();
    let error = program.counted(Answer::of(&share), &correct(2));
    let message = error.unwrap_err().to_string();
    assert!(message.contains("always at least 0"), "{message}");
    assert!(
        message.contains("choose the output of the scores"),
        "{message}"
    );
    // Labels 0 and 1 are not those of one class, and labels up to 2 are of three.
    let sum = compared(vec![(Op::Binary(Binary::Add), vec![3, 4], 1)]);
    let program = self::program(&sum, &rows).unwrap();
    let message = program.counted(Answer::of(&sum), &correct(2)).unwrap_err();
    assert!(
        message.to_string().contains("labels from 0 to 2"),
        "{message}"
    );
    assert!(program.counted(Answer::of(&sum), &correct(3)).is_ok());
}
