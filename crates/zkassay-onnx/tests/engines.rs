//! Every layer against its definition, in tract and, where it is there, onnxruntime.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use ndarray::{Array1, Array2, Array3, Array4, Axis, array};
use zkassay_onnx::ModelBuilder;
use zkassay_onnx::proto::{GraphProto, ValueInfoProto};
use zkassay_seed::Stream;
use zkassay_testing::engines::assert_agree;
use zkassay_testing::python::Oracle;
use zkassay_testing::rows;

/// Normal weights of any shape.
fn weights<Sh: ndarray::ShapeBuilder>(shape: Sh, seed: u64) -> ndarray::Array<f32, Sh::Dim> {
    let mut stream = Stream::new(seed, "testing/layers");
    ndarray::Array::from_shape_simple_fn(shape, || 0.5 * stream.normal() as f32)
}

/// Checks a model against `expected`, which computes one row in float64.
fn check(
    name: &str,
    model: ModelBuilder,
    rows: &Array2<f32>,
    expected: impl Fn(Array1<f64>) -> Vec<f64>,
) {
    let rows_of = rows.outer_iter();
    let expected: Vec<Vec<f64>> = rows_of.map(|row| expected(row.mapv(f64::from))).collect();
    let shape = (expected.len(), expected[0].len());
    let expected = Array2::from_shape_vec(shape, expected.concat()).unwrap();
    let expected = expected.mapv(|value| value as f32);
    let model = model.encode().unwrap();
    assert_agree(name, &model, rows.view(), expected.view(), 1e-5);
}

fn dense(weights: &Array2<f32>, bias: &Array1<f32>, row: &Array1<f64>) -> Array1<f64> {
    weights.mapv(f64::from).dot(row) + bias.mapv(f64::from)
}

fn softmax(row: &Array1<f64>) -> Array1<f64> {
    let powers = row.mapv(f64::exp);
    &powers / powers.sum()
}

/// The windows of `size`, `stride` apart, down and across: `f` of each.
fn windows(
    image: &Array3<f64>,
    [height, width]: [usize; 2],
    stride: usize,
    f: impl Fn(Array3<f64>) -> Vec<f64>,
) -> Array3<f64> {
    let (channels, rows, columns) = image.dim();
    let down = (rows - height) / stride + 1;
    let across = (columns - width) / stride + 1;
    let mut outputs = Vec::new();
    for y in 0..down {
        for x in 0..across {
            let (top, left) = (y * stride, x * stride);
            let element = |(c, i, j)| image[[c, top + i, left + j]];
            outputs.extend(f(Array3::from_shape_fn((channels, height, width), element)));
        }
    }
    let shape = (down, across, outputs.len() / (down * across));
    let outputs = Array3::from_shape_vec(shape, outputs).unwrap();
    outputs.permuted_axes([2, 0, 1])
}

fn convolve(
    weights: &Array4<f32>,
    bias: &Array1<f32>,
    image: &Array3<f64>,
    stride: usize,
    padding: usize,
) -> Array3<f64> {
    let (channels, height, width) = image.dim();
    let padded = (channels, height + 2 * padding, width + 2 * padding);
    let padded = Array3::from_shape_fn(padded, |(c, i, j)| {
        let inside =
            (padding..padding + height).contains(&i) && (padding..padding + width).contains(&j);
        if inside {
            image[[c, i - padding, j - padding]]
        } else {
            0.0
        }
    });
    let (_, _, height, width) = weights.dim();
    let output = |window: &Array3<f64>, out: usize| {
        let kernel = weights.index_axis(Axis(0), out).mapv(f64::from);
        (&kernel * window).sum() + f64::from(bias[out])
    };
    windows(&padded, [height, width], stride, |window| {
        (0..bias.len()).map(|out| output(&window, out)).collect()
    })
}

fn pool(
    image: &Array3<f64>,
    size: usize,
    stride: usize,
    f: impl Fn(Vec<f64>) -> f64,
) -> Array3<f64> {
    windows(image, [size, size], stride, |window| {
        let channels = window.outer_iter();
        channels
            .map(|channel| f(channel.iter().copied().collect()))
            .collect()
    })
}

fn image_of(row: &Array1<f64>, shape: (usize, usize, usize)) -> Array3<f64> {
    Array3::from_shape_vec(shape, row.to_vec()).unwrap()
}

fn flat<D: ndarray::Dimension>(values: &ndarray::Array<f64, D>) -> Vec<f64> {
    values.iter().copied().collect()
}

#[test]
fn a_standardised_network() {
    let (mean, deviation) = (weights(8, 1), weights(8, 2).mapv(|w| w.abs() + 0.1));
    let (w0, b0) = (weights((6, 8), 3), weights(6, 4));
    let (w1, b1) = (weights((3, 6), 5), weights(3, 6));
    let model = ModelBuilder::new("network", 8)
        .and_then(|b| b.subtract("center", mean.view()))
        .and_then(|b| b.divide("scale", deviation.view()))
        .and_then(|b| b.dense("layer_0", w0.view(), b0.view()))
        .and_then(|b| b.tanh("tanh_0"))
        .and_then(|b| b.dense("layer_1", w1.view(), b1.view()))
        .unwrap();
    let logits = |row: Array1<f64>| {
        let row = (row - mean.mapv(f64::from)) / deviation.mapv(f64::from);
        dense(&w1, &b1, &dense(&w0, &b0, &row).mapv(f64::tanh))
    };
    let rows = rows(20, 8, 7);
    check("logits", model.clone(), &rows, |row| flat(&logits(row)));
    let probabilities = model.clone().softmax("probabilities").unwrap();
    check("softmax", probabilities, &rows, |row| {
        flat(&softmax(&logits(row)))
    });
    let sigmoid = model.sigmoid("sigmoid").unwrap();
    check("sigmoid", sigmoid, &rows, |row| {
        flat(&logits(row).mapv(|x| 1.0 / (1.0 + (-x).exp())))
    });
}

#[test]
fn a_convolutional_network() {
    let shape = (2, 9, 12);
    let (w0, b0) = (weights((3, 2, 3, 5), 1), weights(3, 2));
    let (w1, b1) = (weights((4, 3, 2, 2), 3), weights(4, 4));
    let (w2, b2) = (weights((5, 16), 5), weights(5, 6));
    let image = ModelBuilder::new("images", 216)
        .and_then(|b| b.reshape("image", &[2, 9, 12]))
        .and_then(|b| b.conv2d("conv_0", w0.view(), b0.view(), 1, 1))
        .and_then(|b| b.relu("relu_0"))
        .and_then(|b| b.max_pool("pool_0", 3, 2))
        .and_then(|b| b.conv2d("conv_1", w1.view(), b1.view(), 1, 0))
        .and_then(|b| b.average_pool("pool_1", 2, 1))
        .unwrap();
    let pooled = |row: Array1<f64>| {
        let image = convolve(&w0, &b0, &image_of(&row, shape), 1, 1).mapv(|x| x.max(0.0));
        let image = pool(&image, 3, 2, |window| {
            window.into_iter().fold(f64::MIN, f64::max)
        });
        let image = convolve(&w1, &b1, &image, 1, 0);
        pool(&image, 2, 1, |window| window.iter().sum::<f64>() / 4.0)
    };
    let rows = rows(6, 216, 8);
    check("images", image.clone(), &rows, |row| flat(&pooled(row)));
    let classes = image
        .flatten("flat")
        .and_then(|b| b.dense("layer_2", w2.view(), b2.view()))
        .and_then(|b| b.softmax("probabilities"))
        .unwrap();
    check("classes", classes, &rows, |row| {
        flat(&softmax(&dense(&w2, &b2, &flat(&pooled(row)).into())))
    });
}

#[test]
fn strides_and_padding_of_a_convolution() {
    for (size, stride, padding) in [
        ([3, 3], 2, 0),
        ([3, 3], 2, 2),
        ([2, 4], 3, 1),
        ([5, 7], 1, 0),
    ] {
        let (w, b) = (weights((2, 1, size[0], size[1]), 1), weights(2, 2));
        let model = ModelBuilder::new("convolution", 35)
            .and_then(|m| m.reshape("image", &[1, 5, 7]))
            .and_then(|m| m.conv2d("conv", w.view(), b.view(), stride, padding))
            .unwrap();
        let expected = |row| convolve(&w, &b, &image_of(&row, (1, 5, 7)), stride, padding);
        let name = format!("{size:?}, stride {stride}, padding {padding}");
        check(&name, model, &rows(3, 35, 9), |row: Array1<f64>| {
            flat(&expected(row))
        });
    }
}

#[test]
fn the_kernel_of_rows_at_every_distance() {
    // Squared lengths of about 162, and among the rows a support vector, one close to it, and 0.
    let support = rows(30, 162, 1);
    let mut rows = rows(12, 162, 2);
    rows.row_mut(0).assign(&support.row(3));
    rows.row_mut(1).assign(&support.row(4).mapv(|x| x + 0.01));
    rows.row_mut(2).fill(0.0);
    // The same distances far from 0, on numbers that float32 has exactly.
    let grid = |x: f32| (x * 64.0).round() / 64.0;
    let far = |rows: &Array2<f32>| rows.mapv(|x| grid(x) + 10_000.0);
    for (support, rows) in [(support.clone(), rows.clone()), (far(&support), far(&rows))] {
        for gamma in [0.001, 1.0 / 162.0, 0.1] {
            let model = ModelBuilder::new("kernel", 162).unwrap();
            let model = model.rbf("kernel", support.view(), gamma).unwrap();
            check("kernel", model, &rows, |row| {
                let distance = |s: ndarray::ArrayView1<'_, f32>| {
                    (s.mapv(f64::from) - &row).mapv(|d| d * d).sum()
                };
                let distances = support.outer_iter().map(distance);
                distances.map(|d| (-f64::from(gamma) * d).exp()).collect()
            });
        }
    }
}

#[test]
#[should_panic(expected = "wrong: score (0, 1) is 2 in tract, expected 2.0001")]
fn a_wrong_score_is_found() {
    let model = ModelBuilder::new("m", 2).and_then(|m| m.relu("relu"));
    let model = model.and_then(ModelBuilder::encode).unwrap();
    let expected = array![[1.0, 2.0001]];
    assert_agree(
        "wrong",
        &model,
        array![[1.0, 2.0]].view(),
        expected.view(),
        1e-5,
    );
}

#[test]
fn a_model_that_is_not_sound_is_refused() {
    let Some(oracle) = Oracle::find() else { return };
    let rows = array![[1.0, 2.0]];
    let sound = ModelBuilder::new("m", 2)
        .and_then(|m| m.relu("relu"))
        .unwrap();
    let answer = oracle
        .onnxruntime(&sound.clone().encode().unwrap(), rows.view())
        .unwrap();
    assert_eq!(answer.scores, rows);
    assert_eq!(answer.labels, None);

    let change = |change: fn(&mut GraphProto)| {
        let mut model = sound.clone().build().unwrap();
        change(model.graph.as_mut().unwrap());
        oracle
            .onnxruntime(&model.to_bytes(), rows.view())
            .unwrap_err()
            .to_string()
    };
    let error = change(|graph| graph.name.clear());
    assert!(error.contains("name"), "{error}");
    let error = change(|graph| graph.node[0].op_type = "NoSuchOperator".into());
    assert!(error.contains("NoSuchOperator"), "{error}");
    let error = change(|graph| graph.output[0] = ValueInfoProto::floats("output", []));
    assert!(error.contains("ShapeInferenceError"), "{error}");
    let error = change(|graph| graph.output[0].name = "another".into());
    assert!(error.contains("another"), "{error}");
}
