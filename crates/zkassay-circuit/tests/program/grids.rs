//! Convolutions: what meets in which row, for any geometry; and geometries made to cost something.

use std::collections::BTreeSet;
use std::time::Instant;

use ndarray::Array4;
use zkassay_circuit::program::grid::Grid;
use zkassay_circuit::{CompileOptions, CompiledProgram};
use zkassay_quant::{Finish, IntegerConv, Kind};
use zkassay_seed::Stream;

use crate::common::Builder;

/// A convolution of anything by anything.
fn random_conv(stream: &mut Stream) -> IntegerConv {
    let mut size = |most: usize| 1 + stream.below(most);
    let (kernel, input) = ([size(4), size(4)], [size(5), size(6)]);
    let (strides, dilations) = ([size(3), size(4)], [size(3), size(3)]);
    let pads = [size(5) - 1, size(6) - 1];
    // Also outputs beyond anything that the input reaches, and fewer than it reaches.
    let output = [size(5), size(6)];
    IntegerConv {
        inputs: (0..input[0] * input[1]).map(|wire| vec![wire]).collect(),
        input: [1, input[0], input[1]],
        weights: Array4::zeros((1, 1, kernel[0], kernel[1])),
        bias: vec![0],
        output,
        strides,
        dilations,
        pads,
    }
}

#[test]
fn an_output_takes_up_its_own_products_and_no_others() {
    // Each pixel and each element of the kernel has a name; what meets at an output's position is what the
    // definition of a convolution multiplies for it.
    let mut stream = Stream::new(21, "testing/grids");
    for _ in 0..20_000 {
        let mut conv = random_conv(&mut stream);
        let (_, _, kernel_height, kernel_width) = conv.weights.dim();
        conv.weights =
            Array4::from_shape_fn((1, 1, kernel_height, kernel_width), |(_, _, y, x)| {
                1 + (y * kernel_width + x) as i64
            });
        let grid = Grid::new(&conv);
        let mut expected = BTreeSet::new();
        conv.for_each(|output, input, weight| {
            assert!(expected.insert((output, input, weight)));
        });
        let mut found = BTreeSet::new();
        for class in &grid.classes {
            let unique =
                |list: &[(usize, usize, usize)]| list.windows(2).all(|pair| pair[0].0 < pair[1].0);
            assert!(unique(&class.taps) && unique(&class.pixels), "{conv:?}");
            for &(v, y, x) in &class.pixels {
                assert!(v < grid.len);
                for &(m, qy, qx) in class.taps.iter().filter(|tap| tap.0 <= v) {
                    if let Some(output) = grid.output(v - m, &conv) {
                        let weight = conv.weights[[0, 0, qy, qx]];
                        assert!(found.insert((output, y * conv.input[2] + x, weight)));
                    }
                }
            }
        }
        assert_eq!(found, expected, "{conv:?}");
        let outputs: Vec<usize> = (0..grid.len)
            .filter_map(|t| grid.output(t, &conv))
            .collect();
        assert_eq!(outputs, (0..conv.outputs()).collect::<Vec<_>>(), "{conv:?}");
    }
}

#[test]
fn hostile_programs_are_refused_before_they_cost_anything() {
    let start = Instant::now();
    let conv = |input: [usize; 2], kernel: [usize; 2], strides, dilations, pads| {
        let mut builder = Builder::new(1, 1);
        let conv = IntegerConv {
            inputs: vec![vec![0]; input[0] * input[1]],
            input: [1, input[0], input[1]],
            weights: Array4::from_elem((1, 1, kernel[0], kernel[1]), 1),
            bias: vec![0],
            output: [1, 1],
            strides,
            dilations,
            pads,
        };
        builder.step(Kind::Conv(conv), Finish::Round, None);
        builder.finish()
    };
    let most = 65_535;
    let (one, large) = ([1, 1], [most, most]);
    for program in [
        conv(one, [2, 2], one, large, one),
        conv(one, [64, 64], one, large, large),
        conv(one, [most, 1], one, large, large),
        conv(one, [1, most], one, large, large),
        conv([1, most], [most, 1], one, one, large),
        conv([1, 1000], [1, 1000], large, large, large),
        conv([most, 1], [most, 1], large, one, one),
    ] {
        // Some have a small table after all; none takes long.
        let _ = CompiledProgram::with_options(program, &CompileOptions::default());
    }
    let elapsed = start.elapsed();
    assert!(elapsed.as_secs() < 20, "{elapsed:?}");
}
