//! Calibration, bounds and integer evaluation on small models.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use ndarray::{Array2, array};
use zkassay_graph::{Arithmetic, Dense, Graph, Op};
use zkassay_quant::{
    Calibration, CalibrationParams, Fidelity, Limbs, QuantError, QuantizedModel, Scheme, Target,
    bounds, calibrate, quantize,
};
use zkassay_seed::Stream;
use zkassay_testing::{dense, graph, node, rows};

/// 6-5-4-1 with ReLU and a sigmoid.
fn mlp() -> Graph {
    zkassay_testing::mlp(&[6, 5, 4, 1], Some(Op::SIGMOID), 4)
}

fn params() -> CalibrationParams {
    CalibrationParams::new(8).unwrap()
}

fn calibrated(graph: &Graph) -> Calibration {
    calibrate(graph, rows(30, graph.inputs(), 1).view(), &params()).unwrap()
}

/// Integer evaluation written the plain way, in 128 bits.
fn evaluate_plainly(model: &QuantizedModel, input: &[i64]) -> Vec<i128> {
    let half = 1i128 << (model.limbs.shift().max(1) - 1);
    let mut values: Vec<i128> = input.iter().map(|x| i128::from(*x)).collect();
    for (index, layer) in model.layers.iter().enumerate() {
        let sums = layer
            .weights
            .outer_iter()
            .zip(&layer.bias)
            .map(|(weights, bias)| {
                weights
                    .iter()
                    .zip(&values)
                    .fold(i128::from(*bias), |sum, (w, x)| sum + i128::from(*w) * x)
            });
        let is_last = index + 1 == model.layers.len();
        values = sums
            .map(|y| {
                if is_last {
                    y
                } else {
                    (y + half).div_euclid(2 * half).max(0)
                }
            })
            .collect();
    }
    values
}

#[test]
fn evaluation_is_what_the_plain_way_gives() {
    let model = calibrated(&mlp()).model;
    for row in rows(50, 6, 2).outer_iter() {
        let trace = model.evaluate(&row.to_vec()).unwrap();
        let plain = evaluate_plainly(&model, &trace.values[0]);
        let last: Vec<i128> = trace.accumulators[2]
            .iter()
            .map(|y| i128::from(*y))
            .collect();
        assert_eq!(last, plain);
        assert_eq!(
            trace.outputs,
            [model.output.apply(trace.accumulators[2][0])]
        );
    }
}

#[test]
fn fresh_rows_are_as_close_as_the_target_asks() {
    let graph = mlp();
    let model = calibrated(&graph).model;
    let fidelity = Fidelity::measure(&graph, &model, rows(500, 6, 3).view()).unwrap();
    assert_eq!((fidelity.rows, fidelity.out_of_range), (500, 0));
    assert!(fidelity.max < 1e-2 && fidelity.mean < 1e-3, "{fidelity:?}");
    assert!(fidelity.agreement > 0.99);
}

#[test]
fn bounds_hold_for_every_corner_and_are_reached() {
    let model = calibrated(&mlp()).model;
    let worst = bounds::worst_case(&model).unwrap();
    let (low, high) = model.input_range();
    let mut greatest = [0u64; 3];
    for pattern in 0..1u32 << 6 {
        let row: Vec<f32> = (0..6)
            .map(|i| if pattern >> i & 1 == 1 { high } else { low })
            .map(|x| model.input_scale().real(x) as f32)
            .collect();
        let trace = model.evaluate(&row).unwrap();
        for (seen, accumulators) in greatest.iter_mut().zip(&trace.accumulators) {
            for y in accumulators {
                *seen = (*seen).max(y.unsigned_abs());
            }
        }
    }
    for (seen, bound) in greatest.iter().zip(&worst) {
        assert!(*seen <= bound.unsigned_abs());
    }
    // The first layer's bound is exact: some corner reaches it.
    assert_eq!(greatest[0], worst[0].unsigned_abs());
    assert_eq!(model.output.bound(), worst[2]);
}

#[test]
fn overflow_is_refused_by_the_name_of_its_node() {
    let mut model = calibrated(&mlp()).model;
    model.layers[1].weights.mapv_inplace(|w| w << 24);
    let error = bounds::worst_case(&model).unwrap_err();
    assert!(
        matches!(&error, QuantError::Overflow { node, .. } if node == "dense1"),
        "{error}"
    );
    let mut model = calibrated(&mlp()).model;
    model.layers[0].bias[0] = 1 << 61;
    let error = bounds::worst_case(&model).unwrap_err();
    assert!(matches!(&error, QuantError::Overflow { node, available: 60, .. } if node == "dense0"));
}

#[test]
fn accuracy_costs_limbs_and_resources_save_them() {
    let graph = mlp();
    let calibrate_for = |target| {
        let params = params().with_target(target).unwrap();
        calibrate(&graph, rows(30, 6, 1).view(), &params).unwrap()
    };
    let cheap = calibrate_for(Target::Resources { max_error: 0.05 });
    let exact = calibrate_for(Target::Accuracy);
    assert!(exact.fidelity.mean < cheap.fidelity.mean);
    assert!(exact.model.limbs.per_row() > cheap.model.limbs.per_row());
    // Everything tried is on record, with the reason where it was refused.
    let refused = cheap
        .trials
        .iter()
        .filter(|trial| trial.rejected.is_some())
        .count();
    assert!(refused > 0 && refused < cheap.trials.len());
}

#[test]
fn impossible_targets_say_how_close_they_came() {
    let params = params()
        .with_target(Target::Resources { max_error: 1e-12 })
        .unwrap();
    let error = calibrate(&mlp(), rows(30, 6, 1).view(), &params).unwrap_err();
    let QuantError::NoSetting { tried, best, .. } = error else {
        panic!("{error}");
    };
    assert!(tried > 10 && best > 1e-12 && best < 1e-3, "{tried} {best}");
}

#[test]
fn unusable_rows_are_refused() {
    let calibrate = |rows: Array2<f32>| calibrate(&mlp(), rows.view(), &params()).unwrap_err();
    assert!(matches!(calibrate(rows(0, 6, 1)), QuantError::NoRows));
    assert!(matches!(
        calibrate(rows(3, 5, 1)),
        QuantError::RowLength {
            expected: 6,
            found: 5,
            ..
        }
    ));
    for value in [f32::INFINITY, f32::NAN, f32::MAX] {
        let mut rows = rows(3, 6, 1);
        rows[[1, 2]] = value;
        let error = calibrate(rows);
        assert!(matches!(error, QuantError::Parameter { .. }), "{error}");
        assert!(
            value == f32::MAX || error.to_string().contains("row 1, column 2"),
            "{error}"
        );
    }
}

#[test]
fn rows_of_zeros_still_give_a_range() {
    let calibration = calibrate(&mlp(), Array2::zeros((2, 6)).view(), &params()).unwrap();
    assert!(calibration.model.evaluate(&[0.0; 6]).is_ok());
}

#[test]
fn graphs_that_cannot_be_quantised_are_named() {
    let mut stream = Stream::new(1, "quant-test");
    let mut fc = |name: &str| dense(name, 2, 2, &mut stream);
    let cases = [
        (
            vec![fc("a"), node("s", Op::SIGMOID, 2), fc("b")],
            "s",
            "inside the model",
        ),
        (vec![fc("a"), node("r", Op::RELU, 2)], "r", "output ReLU"),
        (vec![node("r", Op::RELU, 2), fc("a")], "r", "has to follow"),
        (
            vec![
                fc("a"),
                node("r", Op::RELU, 2),
                node("q", Op::RELU, 2),
                fc("b"),
            ],
            "q",
            "has to follow",
        ),
    ];
    for (nodes, name, reason) in cases {
        let error = calibrate(&graph(2, nodes), rows(3, 2, 1).view(), &params()).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&format!("'{name}'")) && text.contains(reason),
            "{text}"
        );
    }
}

/// The graph says nothing but `W x + b` for the matrix and vector worked out by hand.
#[test]
fn affine_nodes_in_a_row_become_one_layer() {
    let elementwise = |name: &str, arithmetic, constant| {
        let op = Op::Elementwise {
            arithmetic,
            constant,
        };
        node(name, op, 2)
    };
    let linear = |name: &str, weights, bias| node(name, Op::Dense(Dense { weights, bias }), 2);
    // With z = (x - (1, 2)) / (2, 4): u = 3 * (A z + a), y = B u + b.
    let nodes = vec![
        elementwise("centre", Arithmetic::Subtract, array![1.0, 2.0]),
        elementwise("scale", Arithmetic::Divide, array![2.0, 4.0]),
        linear("a", array![[1.0, 2.0], [0.0, -1.0]], array![0.5, 1.0]),
        elementwise("three", Arithmetic::Multiply, array![3.0, 3.0]),
        linear("b", array![[1.0, 1.0], [2.0, 0.0]], array![0.0, -1.0]),
        elementwise("end", Arithmetic::Add, array![0.25, 0.0]),
    ];
    // A z + a = (x0/2 + x1/2 - 1, -x1/4 + 3/2); B 3(..) + b.
    let weights = array![[1.5, 0.75], [3.0, 3.0]];
    let bias = array![1.75, -7.0];
    let merged = graph(2, nodes);
    let single = graph(2, vec![linear("single", weights, bias)]);
    for row in rows(20, 2, 5).outer_iter() {
        let (found, expected) = (merged.evaluate(row).unwrap(), single.evaluate(row).unwrap());
        assert!(
            found
                .iter()
                .zip(&expected)
                .all(|(a, b)| (a - b).abs() < 1e-5)
        );
    }
    let calibrated = |graph| calibrated(graph).model;
    let (merged, single) = (calibrated(&merged), calibrated(&single));
    assert_eq!(merged.layers.len(), 1);
    assert_eq!(
        merged.layers[0].name,
        "centre + scale + a + three + b + end"
    );
    assert_eq!(merged.layers[0].weights, single.layers[0].weights);
    assert_eq!(merged.layers[0].bias, single.layers[0].bias);
}

#[test]
fn parameters_out_of_range_are_refused() {
    assert!(CalibrationParams::new(3).is_err() && CalibrationParams::new(17).is_err());
    assert!(params().with_margin(0.5).is_err() && params().with_margin(f64::NAN).is_err());
    for max_error in [0.0, -1.0, f64::NAN] {
        assert!(
            params()
                .with_target(Target::Resources { max_error })
                .is_err()
        );
    }
}

#[test]
fn inputs_are_refused_exactly_beyond_the_range() {
    let model = calibrated(&mlp()).model;
    let (low, high) = model.input_range();
    let real = |x: i64| model.input_scale().real(x) as f32;
    let with = |x: f32| model.evaluate(&[0.0, 0.0, x, 0.0, 0.0, 0.0]);
    assert!(with(real(low)).is_ok() && with(real(high)).is_ok());
    for outside in [real(low - 1), real(high + 1), f32::NAN, f32::INFINITY] {
        assert!(
            matches!(with(outside), Err(QuantError::OutOfRange { index: 2, .. })),
            "{outside}"
        );
    }
}

#[test]
fn a_linear_model_keeps_its_outputs_real() {
    let weights = array![[0.5, -0.25], [1.5, 2.0]];
    let layer = node(
        "fc",
        Op::Dense(Dense {
            weights,
            bias: array![0.125, -3.0],
        }),
        2,
    );
    let calibration = calibrated(&graph(2, vec![layer]));
    let trace = calibration.model.evaluate(&[1.0, -0.5]).unwrap();
    let outputs = calibration.model.output_reals(&trace);
    assert!(
        (outputs[0] - 0.75).abs() < 1e-3 && (outputs[1] + 2.5).abs() < 1e-3,
        "{outputs:?}"
    );
}

#[test]
fn the_model_survives_json() {
    let model = calibrated(&mlp()).model;
    let json = serde_json::to_string(&model).unwrap();
    assert_eq!(
        serde_json::from_str::<QuantizedModel>(&json).unwrap(),
        model
    );
}

#[test]
fn a_graph_and_a_scheme_determine_the_model() {
    for graph in [mlp(), zkassay_testing::mlp(&[5, 2], None, 8)] {
        let calibration = calibrated(&graph);
        let json = serde_json::to_string(&calibration.scheme).unwrap();
        let scheme: Scheme = serde_json::from_str(&json).unwrap();
        assert_eq!(scheme, calibration.scheme);
        assert_eq!(quantize(&graph, &scheme).unwrap(), calibration.model);
        assert_eq!(scheme.limbs, calibration.model.limbs);
    }
}

#[test]
fn schemes_that_no_calibration_gives_are_refused() {
    let graph = mlp();
    let scheme = calibrated(&graph).scheme;
    for range in [f32::NAN, f32::INFINITY, -1.0, 2e9] {
        let error = quantize(
            &graph,
            &Scheme {
                range,
                ..scheme.clone()
            },
        )
        .unwrap_err();
        assert!(matches!(error, QuantError::Parameter { .. }), "{error}");
    }
    let with = |change: fn(&mut Limbs)| {
        let mut scheme = scheme.clone();
        change(&mut scheme.limbs);
        scheme
    };
    let refused = [
        with(|limbs| limbs.bits = 0),
        with(|limbs| limbs.bits = u32::MAX),
        with(|limbs| limbs.input = 0),
        with(|limbs| limbs.input = u32::MAX),
        with(|limbs| limbs.remainder = 0),
        with(|limbs| limbs.magnitude = 17),
    ];
    for scheme in refused {
        let error = quantize(&graph, &scheme).unwrap_err();
        assert!(matches!(error, QuantError::Invalid { .. }), "{error}");
    }
}

#[test]
fn weights_keep_the_bits_they_are_given() {
    let graph = zkassay_testing::mlp(&[6, 5, 4, 2], Some(Op::SIGMOID), 8);
    let rows = rows(30, 6, 9);
    let params = CalibrationParams::new(10).unwrap();
    let coarse = Target::Resources { max_error: 0.2 };
    let params = params.with_target(coarse).unwrap();
    for bits in [6, 8, 10] {
        let params = params.with_weight_bits(bits).unwrap();
        let calibration = calibrate(&graph, rows.view(), &params).unwrap();
        let weights = calibration
            .model
            .layers
            .iter()
            .flat_map(|layer| &layer.weights);
        let greatest = weights.map(|weight| weight.unsigned_abs()).max().unwrap();
        assert!(greatest < 1 << (bits - 1), "{greatest}");
        // And use them: the greatest weight of a layer at the finest scale has its top bit.
        assert!(greatest >= 1 << (bits - 3), "{greatest}");
        assert_eq!(
            quantize(&graph, &calibration.scheme).unwrap(),
            calibration.model
        );
    }
    assert!(params.with_weight_bits(3).is_err());
}
