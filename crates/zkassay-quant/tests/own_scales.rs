//! Inputs of very different magnitude: scales of their own.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use ndarray::{Array1, Array2, Axis};
use zkassay_fixed::Scale;
use zkassay_graph::{Arithmetic, Conv, Dense, Function, Graph, Op};
use zkassay_quant::{
    Answer, CalibrationParams, Count, Counting, Encoding, IntegerModel, IntegerScheme, Integers,
    QuantError, Target, bounds, calibrate, calibrate_model, calibrate_program, quantize,
    quantize_model, quantize_program,
};
use zkassay_seed::Stream;
use zkassay_testing::{dense, graph, node, rows};

/// What the features are multiplied by.
const MAGNITUDES: [f32; 6] = [1e6, 6e4, 100.0, 1.0, 0.01, 0.001];

fn params() -> CalibrationParams {
    CalibrationParams::new(8).unwrap()
}

/// Rows of raw features.
fn raw(count: usize, seed: u64) -> Array2<f32> {
    rows(count, 6, seed) * &Array1::from(MAGNITUDES.to_vec())
}

/// A network behind a division by the magnitudes; with a tanh in the middle it is no chain.
fn network(middle: Op) -> Graph {
    let mut stream = Stream::new(7, "own-scales");
    let divide = Op::Elementwise {
        arithmetic: Arithmetic::Divide,
        constant: Array1::from(MAGNITUDES.to_vec()),
    };
    let nodes = vec![
        node("scale", divide, 6),
        dense("first", 6, 5, &mut stream),
        node("middle", middle, 5),
        dense("last", 5, 2, &mut stream),
    ];
    graph(6, nodes)
}

fn chain() -> Graph {
    network(Op::Map(Function::Relu))
}

fn program() -> Graph {
    network(Op::Map(Function::Tanh))
}

/// A graph with the columns of its first layer multiplied by powers of two.
fn with_columns(exponents: &[i32]) -> Graph {
    let mut graph = zkassay_testing::mlp(&[4, 5, 2], None, 3);
    let Op::Dense(Dense { weights, .. }) = &mut graph.nodes[0].op else {
        unreachable!("the first node is dense");
    };
    for (mut column, exponent) in weights.axis_iter_mut(Axis(1)).zip(exponents) {
        column.mapv_inplace(|w| w * (*exponent as f32).exp2());
    }
    graph
}

#[test]
fn raw_features_are_as_good_as_standardised_ones() {
    for graph in [chain(), program()] {
        let calibration = calibrate_model(&graph, raw(40, 1).view(), &params()).unwrap();
        let error = calibration.fidelity.overall.max_parts;
        assert!(error < 0.05, "{error}");
        let model = &calibration.model;
        let scales = model.input_scales();
        assert_eq!(scales.as_slice().len(), 6);
        assert!(scales.as_slice().is_sorted(), "{scales:?}");
        // As many limbs of inputs as for features that are standardised; ranges that are rounded up one by
        // one can take one more elsewhere.
        let limbs = |model: &IntegerModel| match model {
            IntegerModel::Chain(model) => (model.limbs.input, model.limbs.per_row()),
            IntegerModel::Program(program) => (program.limbs.input, program.limbs.total),
        };
        let mut standard = graph.clone();
        if let Op::Elementwise { constant, .. } = &mut standard.nodes[0].op {
            constant.fill(1.0);
        }
        let small = calibrate_model(&standard, rows(40, 6, 1).view(), &params()).unwrap();
        let (own, one) = (limbs(model), limbs(&small.model));
        assert!(own.0 == one.0 && own.1 <= one.1 + 1, "{own:?} {one:?}");
        assert_eq!(small.model.input_scales().as_slice().len(), 1);
        // The scheme says it all.
        let json = serde_json::to_string(&calibration.scheme).unwrap();
        let scheme: IntegerScheme = serde_json::from_str(&json).unwrap();
        assert_eq!(scheme, calibration.scheme);
        assert_eq!(&quantize_model(&graph, &scheme).unwrap(), model);
        // So does the model's file.
        let json = serde_json::to_string(model).unwrap();
        let again: IntegerModel = serde_json::from_str(&json).unwrap();
        assert_eq!(&again, model);
        again.validate().unwrap();
    }
}

/// A scale of one's own is a power of two in the weights, and nothing else: the integers are those of the
/// model whose features have been multiplied by these powers of two beforehand.
#[test]
fn integers_are_those_of_features_that_are_brought_together() {
    let exponents = [17, 6, 0, -9];
    let (raw, close) = (
        with_columns(&exponents.map(|e: i32| -e)),
        with_columns(&[0; 4]),
    );
    let mut near = rows(30, 4, 2);
    // The features fill the usual range, as own scales take them to.
    near.mapv_inplace(|x| x.clamp(-7.9, 7.9));
    near.row_mut(0).fill(7.9);
    let mut far = near.clone();
    for (mut column, e) in far.axis_iter_mut(Axis(1)).zip(exponents) {
        column.mapv_inplace(|x| x * (e as f32).exp2());
    }
    type Calibrate = fn(&Graph, &Array2<f32>) -> (IntegerModel, bool);
    let as_chain: Calibrate = |graph, rows| {
        let found = calibrate(graph, rows.view(), &params()).unwrap();
        (
            IntegerModel::Chain(found.model),
            found.scheme.exponents.is_empty(),
        )
    };
    let as_program: Calibrate = |graph, rows| {
        let found = calibrate_program(graph, rows.view(), &params()).unwrap();
        let IntegerScheme::Program(scheme) = found.scheme else {
            panic!("a program's scheme");
        };
        (found.model, scheme.exponents.is_empty())
    };
    for calibrate in [as_chain, as_program] {
        let (model, is_uniform) = calibrate(&raw, &far);
        let (other, other_is_uniform) = calibrate(&close, &near);
        assert!(!is_uniform && other_is_uniform);
        for (far, near) in far.outer_iter().zip(near.outer_iter()) {
            let far = model.evaluate(&far.to_vec()).unwrap();
            let near = other.evaluate(&near.to_vec()).unwrap();
            let wires = |integers: &Integers| match integers {
                Integers::Chain(trace) => trace.values.concat(),
                Integers::Program(trace) => trace.wires.clone(),
            };
            assert_eq!(wires(&far.integers), wires(&near.integers));
            assert_eq!(far.outputs, near.outputs);
        }
    }
}

#[test]
fn every_corner_of_every_range_is_evaluated() {
    for graph in [chain(), program()] {
        let model = calibrate_model(&graph, raw(40, 1).view(), &params()).unwrap();
        let (model, (low, high)) = (&model.model, model.model.input_range());
        let scales = model.input_scales();
        for corner in 0..64 {
            let end = |index: usize| if corner >> index & 1 == 1 { high } else { low };
            let integers: Vec<i64> = (0..6).map(end).collect();
            let real = |index: usize| scales.of(index).real(end(index)) as f32;
            let row: Vec<f32> = (0..6).map(real).collect();
            assert_eq!(model.quantize(&row).unwrap(), integers);
            let trace = model.evaluate(&row).unwrap();
            if let (Integers::Chain(trace), IntegerModel::Chain(model)) = (&trace.integers, model) {
                let worst = bounds::worst_case(model).unwrap();
                for (accumulators, worst) in trace.accumulators.iter().zip(worst) {
                    assert!(accumulators.iter().all(|y| y.abs() <= worst));
                }
            }
        }
    }
}

#[test]
fn numbers_beyond_a_range_of_their_own_are_named() {
    for graph in [chain(), program()] {
        let model = calibrate_model(&graph, raw(40, 1).view(), &params()).unwrap();
        let mut row = raw(1, 5).row(0).to_vec();
        model.model.evaluate(&row).unwrap();
        // Small beside the first feature, but not beside its own.
        row[5] = 12.5;
        let error = model.model.evaluate(&row).unwrap_err();
        let QuantError::OutOfRange {
            index,
            value,
            low,
            high,
            ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!((*index, *value), (5, 12.5));
        assert!(
            *low < -0.001 && *low > -0.1 && *high > 0.001 && *high < 0.1,
            "{low} {high}"
        );
        assert!(error.to_string().contains("value 5 of input"), "{error}");
    }
}

#[test]
fn margins_widen_every_range() {
    let of = |margin| {
        let params = params().with_margin(margin).unwrap();
        let model = calibrate_model(&chain(), raw(40, 1).view(), &params)
            .unwrap()
            .model;
        let (scales, (_, high)) = (model.input_scales(), model.input_range());
        let high = |index| scales.of(index).real(high);
        (0..6).map(high).collect::<Vec<f64>>()
    };
    let greatest = raw(40, 1).map_axis(Axis(0), |column| column.fold(0f32, |a, b| a.max(b.abs())));
    for margin in [1.0, 2.0, 8.0] {
        for (range, greatest) in of(margin).into_iter().zip(&greatest) {
            let least = margin * f64::from(*greatest);
            // Up to the next power of two, but for the last integer.
            assert!(
                range > 0.99 * least && range < 2.0 * least,
                "{range} {least}"
            );
        }
    }
}

#[test]
fn features_of_one_magnitude_have_one_scale() {
    for factor in [1.0, 8.0] {
        let mut rows = rows(40, 6, 1);
        rows.column_mut(2).mapv_inplace(|x| x * factor);
        let graph = zkassay_testing::mlp(&[6, 5, 1], Some(Op::SIGMOID), 4);
        for calibrate in [calibrate_model, calibrate_program] {
            let calibration = calibrate(&graph, rows.view(), &params()).unwrap();
            assert_eq!(calibration.model.input_scales().as_slice().len(), 1);
            for scheme in calibration.trials.iter().map(|trial| &trial.scheme) {
                let json = serde_json::to_string(scheme).unwrap();
                assert!(!json.contains("exponents"), "{json}");
            }
            let json = serde_json::to_string(&calibration.model).unwrap();
            assert!(!json.contains("offsets"), "{json}");
        }
    }
}

/// Where one scale for all is good enough, it stays: every input then accepts as much as the widest.
#[test]
fn one_scale_stays_where_it_costs_no_more() {
    let mut rows = rows(40, 6, 1);
    rows.column_mut(2).mapv_inplace(|x| x / 100.0);
    let graph = zkassay_testing::mlp(&[6, 5, 1], Some(Op::SIGMOID), 4);
    let of = |target| {
        let params = params().with_target(target).unwrap();
        calibrate(&graph, rows.view(), &params).unwrap()
    };
    let cheap = of(Target::Resources { max_error: 1e-2 });
    assert!(cheap.scheme.exponents.is_empty());
    let exact = of(Target::Accuracy);
    let uniform = exact
        .trials
        .iter()
        .filter(|trial| trial.exponents.is_empty());
    let errors = uniform.filter_map(|trial| trial.fidelity.map(|fidelity| fidelity.max_parts));
    let least = errors.fold(f64::INFINITY, f64::min);
    assert!(exact.fidelity.max_parts <= 1.05 * least);
}

/// A feature that is zero in all rows, as a rare flag is, may still be set.
#[test]
fn features_that_were_always_zero_may_be_one() {
    let mut rows = raw(40, 1);
    rows.column_mut(3).fill(0.0);
    for graph in [chain(), program()] {
        let model = calibrate_model(&graph, rows.view(), &params())
            .unwrap()
            .model;
        assert!(model.input_scales().as_slice().len() > 1);
        let mut row = rows.row(0).to_vec();
        row[3] = 1.0;
        let expected = graph.evaluate(ndarray::ArrayView1::from(&row)).unwrap();
        let found = model.evaluate(&row).unwrap().reals;
        for (found, expected) in found.iter().zip(&expected) {
            assert!(
                (found - f64::from(*expected)).abs() < 0.05,
                "{found} {expected}"
            );
        }
    }
}

#[test]
fn schemes_that_no_calibration_gives_are_refused() {
    let chain_graph = chain();
    let found = calibrate(&chain_graph, raw(40, 1).view(), &params()).unwrap();
    let of_program = calibrate_model(&program(), raw(40, 1).view(), &params()).unwrap();
    let with = |scheme: serde_json::Value, exponents: serde_json::Value| {
        let mut scheme = scheme;
        scheme["exponents"] = exponents;
        scheme
    };
    for exponents in [
        serde_json::json!([1]),
        serde_json::json!([1, 2, 3, 4, 5, 31]),
        serde_json::json!([1, 2, 3, 4, 5, -31]),
        serde_json::json!([127, 2, 3, 4, 5, -128]),
        serde_json::json!(vec![0; 7]),
    ] {
        let scheme = with(
            serde_json::to_value(&found.scheme).unwrap(),
            exponents.clone(),
        );
        let scheme = serde_json::from_value(scheme).unwrap();
        let error = quantize(&chain_graph, &scheme).unwrap_err();
        assert!(matches!(error, QuantError::Parameter { .. }), "{error}");
        let scheme = with(serde_json::to_value(&of_program.scheme).unwrap(), exponents);
        let scheme = serde_json::from_value(scheme).unwrap();
        let error = quantize_program(&program(), &scheme).unwrap_err();
        assert!(matches!(error, QuantError::Parameter { .. }), "{error}");
    }
    let scheme = serde_json::to_value(&found.scheme).unwrap();
    let scheme = with(scheme, serde_json::json!([1, 2, 3, 4, 5, 1000]));
    assert!(serde_json::from_value::<zkassay_quant::Scheme>(scheme).is_err());
}

#[test]
fn models_with_absurd_scales_are_refused() {
    let found = calibrate_model(&chain(), raw(40, 1).view(), &params()).unwrap();
    let IntegerModel::Chain(model) = found.model else {
        panic!("a chain");
    };
    let found = calibrate_model(&program(), raw(40, 1).view(), &params()).unwrap();
    let IntegerModel::Program(program) = found.model else {
        panic!("a program");
    };
    model.validate().unwrap();
    program.validate().unwrap();
    let hostile = [
        vec![0],
        vec![0; 5],
        vec![0; 7],
        vec![0, 0, 0, 0, 0, 1000],
        vec![0, 0, 0, 0, 0, -1000],
        vec![i32::MAX; 6],
        vec![i32::MIN; 6],
    ];
    for offsets in hostile {
        let mut model = model.clone();
        model.offsets.clone_from(&offsets);
        let error = model.validate().unwrap_err();
        assert!(matches!(error, QuantError::Invalid { .. }), "{error}");
        // Not valid, but no panic either.
        let _ = model.evaluate(&[0.5; 6]);
        let mut program = program.clone();
        program.encoding = Encoding::Shifted { offsets };
        let error = program.validate().unwrap_err();
        assert!(matches!(error, QuantError::Invalid { .. }), "{error}");
        let _ = program.quantize(&[0.5; 6]);
        assert!(program.counted(Answer::Scores, &counting()).is_err());
    }
    let mut empty = program;
    empty.encoding = Encoding::Shifted { offsets: vec![] };
    assert!(empty.validate().is_err());
}

fn counting() -> Counting {
    Counting {
        count: Count::Correct,
        classes: 2,
    }
}

/// Labels and salts stand for themselves, whatever the scales beside them.
#[test]
fn rows_with_label_and_salt_keep_their_scales() {
    let found = calibrate_program(&program(), raw(40, 1).view(), &params()).unwrap();
    let IntegerModel::Program(plain) = found.model else {
        panic!("a program");
    };
    let salted = plain
        .counted(Answer::Scores, &counting())
        .unwrap()
        .salted()
        .unwrap();
    let salt = salted.salt();
    assert_eq!(salted.inputs, 6 + salt.inputs + 1);
    let scales = salted.input_scales();
    assert_eq!(scales.as_slice().len(), salted.inputs);
    assert_eq!(scales.as_slice()[..6], *plain.input_scales().as_slice());
    assert!(
        scales.as_slice()[6..]
            .iter()
            .all(|scale| *scale == Scale(0))
    );
    let row = raw(1, 9).row(0).to_vec();
    let class = {
        let outputs = plain.evaluate(&row).unwrap().outputs;
        usize::from(outputs[1] > outputs[0])
    };
    let secrets: Vec<u32> = (0..salt.inputs as u32)
        .map(|i| i * 7 % (1 << salt.bits))
        .collect();
    for label in [0, 1] {
        let mut long = row.clone();
        long.extend(secrets.iter().map(|secret| salted.salt_real(*secret)));
        long.push(label as f32);
        let integers = salted.quantize(&long).unwrap();
        assert_eq!(integers[..6], plain.quantize(&row).unwrap());
        let expected: Vec<i64> = secrets.iter().map(|s| i64::from(*s)).collect();
        assert_eq!(integers[6..6 + salt.inputs], expected);
        assert_eq!(integers.last(), Some(&(label as i64)));
        let counted = salted.evaluate(&long).unwrap().outputs;
        assert_eq!(counted, [i64::from(label == class)]);
    }
}

/// Weights that positions share have one scale.
#[test]
fn convolutions_keep_one_scale() {
    let weights = ndarray::Array4::from_shape_fn((2, 1, 1, 2), |(o, _, _, q)| 0.3 * (o + q) as f32);
    let conv = Conv {
        weights,
        bias: Array1::from(vec![0.1, -0.2]),
        groups: 1,
        input: [1, 1, 6],
        output: [2, 1, 5],
        strides: [1, 1],
        dilations: [1, 1],
        pads: [0, 0],
        transposed: false,
    };
    let graph = graph(6, vec![node("conv", Op::Conv(conv), 10)]);
    let mut rows = rows(40, 6, 1);
    rows.column_mut(2).mapv_inplace(|x| x / 1000.0);
    let target = Target::Accuracy;
    let params = params().with_target(target).unwrap();
    let found = calibrate_model(&graph, rows.view(), &params).unwrap();
    assert_eq!(found.model.input_scales().as_slice().len(), 1);
}
