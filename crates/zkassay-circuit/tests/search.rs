//! The search over settings with limbs of every width: what it takes, what it refuses, what it says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use ndarray::Array2;
use zkassay_circuit::{CircuitError, CompileOptions, Compiled, calibrate};
use zkassay_graph::{Function, Graph, Op};
use zkassay_quant::{
    CalibrationParams, IntegerCalibration, IntegerModel, QuantError, Target, refusals,
};
use zkassay_seed::Stream;
use zkassay_testing::{dense, graph, mlp, node, rows};

/// With a tanh in the middle it is no chain.
fn program() -> Graph {
    let mut stream = Stream::new(7, "search");
    let nodes = vec![
        dense("first", 6, 5, &mut stream),
        node("middle", Op::Map(Function::Tanh), 5),
        dense("last", 5, 2, &mut stream),
    ];
    graph(6, nodes)
}

/// A graph whose last layer is multiplied by a factor.
fn scaled(mut graph: Graph, factor: f32) -> Graph {
    let last = graph.nodes.len() - 1;
    let Op::Dense(dense) = &mut graph.nodes[last].op else {
        panic!("the last node is dense");
    };
    dense.weights.mapv_inplace(|w| w * factor);
    dense.bias.mapv_inplace(|b| b * factor);
    graph
}

fn search(
    graph: &Graph,
    rows: &Array2<f32>,
    target: Target,
) -> Result<IntegerCalibration, QuantError> {
    let params = CalibrationParams::new(8).unwrap();
    let params = params.with_target(target).unwrap();
    let options = CompileOptions::default();
    calibrate(graph, rows.view(), &params, &options).map_err(|error| match error {
        CircuitError::Quant(error) => error,
        error => panic!("{error}"),
    })
}

fn within(max_error: f64) -> Target {
    Target::Resources { max_error }
}

/// The bits of the limbs that were tried.
fn widths(calibration: &[zkassay_quant::IntegerTrial]) -> Vec<u32> {
    let bits = calibration.iter().map(|trial| trial.scheme.limb_bits());
    let mut widths: Vec<u32> = bits.collect();
    widths.sort_unstable();
    widths.dedup();
    widths
}

/// The number behind a word of a message.
fn number_after(message: &str, word: &str) -> f64 {
    let (_, rest) = message.split_once(word).unwrap();
    let word = rest.split_whitespace().next().unwrap();
    let digits = |c: char| c.is_ascii_digit() || ".e-".contains(c);
    word.trim_matches(|c| !digits(c)).parse().unwrap()
}

#[test]
fn the_least_error_of_a_refusal_can_be_had() {
    // More rows than settings are first tried on.
    let rows = rows(60, 6, 1);
    for (graph, target) in [(program(), 1e-7), (mlp(&[6, 5, 2], None, 3), 1e-7)] {
        let error = search(&graph, &rows, within(target)).unwrap_err();
        let message = error.to_string();
        let QuantError::NoSetting {
            tried,
            best,
            trials,
            ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!(widths(&trials), [5, 6, 7, 8, 9, 10, 11, 12]);
        assert_eq!(tried, trials.len());
        assert!(trials.iter().all(|trial| trial.rejected.is_some()));
        let counted: usize = refusals(&trials).iter().map(|of| of.count).sum();
        assert_eq!(counted, tried);
        // Measured on all rows, and what is said is enough.
        let said = number_after(&message, "--max-error");
        assert!(said >= best && said <= 1.02 * best, "{message} {best}");
        for allowed in [best, said] {
            let found = search(&graph, &rows, within(allowed)).unwrap();
            assert!(found.fidelity.overall.max_parts <= allowed);
            assert_eq!(found.fidelity.overall.rows, 60);
        }
    }
}

#[test]
fn the_most_accurate_is_that_of_all_widths() {
    let (graph, rows) = (program(), rows(60, 6, 1));
    let found = search(&graph, &rows, Target::Accuracy).unwrap();
    assert_eq!(widths(&found.trials), [5, 6, 7, 8, 9, 10, 11, 12]);
    let tried = found.trials.iter().filter(|trial| trial.rejected.is_none());
    let fidelities: Vec<_> = tried.filter_map(|trial| trial.fidelity).collect();
    assert!(fidelities.iter().all(|of| of.rows == 60));
    let errors = fidelities.iter().map(|of| of.max_parts);
    let least = errors.fold(f64::INFINITY, f64::min);
    // As good as the least, of those of its width and of all widths.
    assert!(found.fidelity.overall.max_parts <= 1.05 * 1.05 * least);
    let cheap = search(&graph, &rows, within(1e-2)).unwrap();
    assert!(found.fidelity.overall.max_parts < cheap.fidelity.overall.max_parts);
}

/// What limbs of the bits that are tried first cannot do is found with others.
#[test]
fn other_widths_are_tried_before_giving_up() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/operators/sklearn/polynomial-features.onnx"
    );
    let graph = Graph::from_onnx(&std::fs::read(file).unwrap()).unwrap();
    let rows = rows(60, graph.inputs(), 1);
    let found = search(&graph, &rows, Target::Accuracy).unwrap();
    let least = |is_of: &dyn Fn(u32) -> bool| {
        let trials = found.trials.iter();
        let of = trials.filter(|trial| is_of(trial.scheme.limb_bits()));
        of.filter_map(|trial| trial.fidelity)
            .map(|of| of.max_parts)
            .fold(f64::INFINITY, f64::min)
    };
    let (all, of_nine) = (least(&|_| true), least(&|bits| bits == 9));
    assert!(all < of_nine, "{all} {of_nine}");
    let between = 0.5 * (all + of_nine);
    let found = search(&graph, &rows, within(between)).unwrap();
    assert_ne!(found.scheme.limb_bits(), 9);
    assert!(widths(&found.trials).contains(&9));
}

/// The errors of large outputs are measured by their size.
#[test]
fn large_outputs_may_have_large_errors() {
    let rows = rows(60, 6, 1);
    for graph in [program(), mlp(&[6, 5, 2], None, 3)] {
        let graph = scaled(graph, 3e5);
        let found = search(&graph, &rows, within(1e-2)).unwrap();
        let report = found.fidelity;
        assert!(report.overall.max > 1.0 && report.overall.max_parts <= 1e-2);
        for (index, output) in report.per_output.iter().enumerate() {
            let [low, high] = output.range;
            let floats = rows.outer_iter().map(|row| graph.evaluate(row).unwrap());
            let floats: Vec<f64> = floats.map(|row| f64::from(row[index])).collect();
            let greatest = floats.iter().fold(0f64, |most, x| most.max(x.abs()));
            assert!(floats.iter().all(|x| (low..=high).contains(x)));
            assert_eq!(output.magnitude, greatest);
            assert!((output.parts.max - output.absolute.max / greatest).abs() < 1e-12);
        }
    }
}

#[test]
fn a_chain_without_merging_has_the_limbs_of_its_table() {
    let (graph, rows) = (mlp(&[6, 5, 2], None, 3), rows(20, 6, 1));
    let params = CalibrationParams::new(8).unwrap().with_fold(false);
    let options = CompileOptions::default();
    let found = calibrate(&graph, rows.view(), &params, &options).unwrap();
    assert!(matches!(found.model, IntegerModel::Chain(_)));
    assert!(Compiled::new(found.model, &options).is_ok());
}
