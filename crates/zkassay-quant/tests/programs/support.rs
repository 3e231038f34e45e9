//! Graphs, and integer evaluation beside float evaluation.

use ndarray::{Array1, Array2, Array4, ArrayView1};
use zkassay_graph::{Conv, Dense, Function, Graph, Node, Op, Output, Reduction, Source, Value};
use zkassay_quant::{
    Exponents, LoweredProgram, Program, ProgramLimbs, ProgramScheme, quantize_program,
};
use zkassay_seed::Stream;

/// Nodes one after the other; values by number.
pub(crate) struct Builder {
    pub(crate) graph: Graph,
    pub(crate) stream: Stream,
}

impl Builder {
    pub(crate) fn new(shape: &[usize], seed: u64) -> Self {
        Self {
            graph: Graph {
                name: "test".into(),
                input: Value {
                    name: "input".into(),
                    shape: shape.to_vec(),
                },
                interface: Default::default(),
                nodes: Vec::new(),
                output: Output {
                    name: "output".into(),
                    value: 0,
                },
            },
            stream: Stream::new(seed, "programs"),
        }
    }

    /// A node; the value that it writes, which becomes the output.
    pub(crate) fn node(&mut self, op: Op, inputs: &[usize], shape: &[usize]) -> usize {
        let index = self.graph.nodes.len();
        self.graph.nodes.push(Node {
            name: format!("{}_{index}", op.name().to_lowercase()),
            operator: op.name().into(),
            op,
            inputs: inputs.to_vec(),
            shape: shape.to_vec(),
        });
        self.graph.output.value = index + 1;
        index + 1
    }

    pub(crate) fn shape(&self, value: usize) -> Vec<usize> {
        self.graph.shape_of(value).to_vec()
    }

    /// A node of the shape of what it reads.
    pub(crate) fn same(&mut self, op: Op, input: usize) -> usize {
        let shape = self.shape(input);
        self.node(op, &[input], &shape)
    }

    pub(crate) fn random(&mut self, len: usize, deviation: f64) -> Array1<f32> {
        Array1::from_shape_simple_fn(len, || (self.stream.normal() * deviation) as f32)
    }

    pub(crate) fn dense(&mut self, input: usize, inputs: usize, outputs: usize) -> usize {
        let len: usize = self.shape(input).iter().product();
        let weights = self.random(inputs * outputs, 1.2 / (inputs as f64).sqrt());
        let weights = weights.into_shape_with_order((outputs, inputs)).unwrap();
        let bias = self.random(outputs, 0.2);
        let shape = [1, len / inputs, outputs];
        let shape = if len == inputs {
            vec![1, outputs]
        } else {
            shape.to_vec()
        };
        self.node(Op::Dense(Dense { weights, bias }), &[input], &shape)
    }

    /// A convolution, or the transpose of one.
    pub(crate) fn conv(&mut self, input: usize, conv: ConvSpec) -> usize {
        let ConvSpec {
            channels,
            kernel,
            strides,
            dilations,
            pads,
            groups,
            transposed,
        } = conv;
        let shape = self.shape(input);
        let own = [shape[1], shape[2], shape[3]];
        let size = |axis: usize| {
            let reach = dilations[axis] * (kernel[axis] - 1) + 1;
            match transposed {
                false => (own[axis + 1] + 2 * pads[axis] - reach) / strides[axis] + 1,
                true => (own[axis + 1] - 1) * strides[axis] + reach - 2 * pads[axis],
            }
        };
        let output = [channels, size(0), size(1)];
        let dim = (channels, own[0] / groups, kernel[0], kernel[1]);
        let fan = dim.1 * dim.2 * dim.3;
        let deviation = 1.2 / (fan as f64).sqrt();
        let mut draw = || (self.stream.normal() * deviation) as f32;
        let weights = Array4::from_shape_simple_fn(dim, &mut draw);
        let bias = Array1::from_shape_simple_fn(channels, || 0.2 * draw());
        let op = Op::Conv(Conv {
            weights,
            bias,
            input: own,
            output,
            strides,
            dilations,
            pads,
            groups,
            transposed,
        });
        self.node(op, &[input], &[1, output[0], output[1], output[2]])
    }

    /// Pools of two by two.
    pub(crate) fn pool(&mut self, input: usize, reduction: Reduction) -> usize {
        let shape = self.shape(input);
        let (height, width) = (shape[2] / 2, shape[3] / 2);
        let mut groups = Vec::new();
        for c in 0..shape[1] {
            for y in 0..height {
                for x in 0..width {
                    let at = |dy: usize, dx: usize| {
                        ((c * shape[2] + 2 * y + dy) * shape[3] + 2 * x + dx) as u32
                    };
                    groups.push(vec![at(0, 0), at(0, 1), at(1, 0), at(1, 1)]);
                }
            }
        }
        let op = Op::Reduce { reduction, groups };
        self.node(op, &[input], &[1, shape[1], height, width])
    }

    pub(crate) fn flat(&mut self, input: usize) -> usize {
        let len: usize = self.shape(input).iter().product();
        let source = |index| Source::Element { operand: 0, index };
        let sources = (0..len as u32).map(source).collect();
        self.node(Op::Rearrange(sources), &[input], &[1, len])
    }
}

#[derive(Clone, Copy)]
pub(crate) struct ConvSpec {
    pub(crate) channels: usize,
    pub(crate) kernel: [usize; 2],
    pub(crate) strides: [usize; 2],
    pub(crate) dilations: [usize; 2],
    pub(crate) pads: [usize; 2],
    pub(crate) groups: usize,
    pub(crate) transposed: bool,
}

impl ConvSpec {
    pub(crate) fn new(channels: usize, kernel: usize, stride: usize, pad: usize) -> Self {
        Self {
            channels,
            kernel: [kernel; 2],
            strides: [stride; 2],
            dilations: [1; 2],
            pads: [pad; 2],
            groups: 1,
            transposed: false,
        }
    }
}

/// Conv 3x3/2, ReLU, conv 3x3/2, ReLU, dense.
pub(crate) fn small_cnn() -> Graph {
    let mut b = Builder::new(&[1, 1, 28, 28], 1);
    let x = b.conv(0, ConvSpec::new(4, 3, 2, 1));
    let x = b.same(Op::RELU, x);
    let x = b.conv(x, ConvSpec::new(8, 3, 2, 1));
    let x = b.same(Op::RELU, x);
    let x = b.flat(x);
    b.dense(x, 8 * 49, 10);
    b.graph
}

pub(crate) fn lenet() -> Graph {
    let mut b = Builder::new(&[1, 1, 28, 28], 2);
    let x = b.conv(0, ConvSpec::new(6, 5, 1, 2));
    let x = b.same(Op::RELU, x);
    let x = b.pool(x, Reduction::Max);
    let x = b.conv(x, ConvSpec::new(16, 5, 1, 0));
    let x = b.same(Op::RELU, x);
    let x = b.pool(x, Reduction::Max);
    let x = b.flat(x);
    let x = b.dense(x, 400, 120);
    let x = b.same(Op::RELU, x);
    let x = b.dense(x, 120, 84);
    let x = b.same(Op::RELU, x);
    b.dense(x, 84, 10);
    b.graph
}

/// Rows of a deviation.
pub(crate) fn rows(count: usize, inputs: usize, deviation: f64, seed: u64) -> Array2<f32> {
    let mut stream = Stream::new(seed, "rows");
    let draw = || ((stream.normal() * deviation) as f32).clamp(-7.9, 7.9);
    Array2::from_shape_simple_fn((count, inputs), draw)
}

pub(crate) fn limbs() -> ProgramLimbs {
    ProgramLimbs {
        bits: 8,
        input: 2,
        shift: 2,
        table: 1,
        total: 6,
    }
}

pub(crate) fn scheme() -> ProgramScheme {
    ProgramScheme {
        limbs: limbs(),
        range: 8.0,
        exponents: Exponents::default(),
        ranks: false,
        fraction_bits: 12,
        fold: true,
        limits: Vec::new(),
    }
}

pub(crate) fn lowered(graph: &Graph) -> LoweredProgram {
    quantize_program(graph, &scheme()).unwrap()
}

/// The outputs of the integers and of the graph.
pub(crate) fn both(
    graph: &Graph,
    program: &Program,
    row: ArrayView1<'_, f32>,
) -> (Vec<f64>, Vec<f32>) {
    let trace = program.evaluate(&row.to_vec()).unwrap();
    (program.output_reals(&trace), graph.evaluate(row).unwrap())
}

/// Greatest error on rows.
pub(crate) fn error(graph: &Graph, program: &Program, rows: &Array2<f32>) -> f64 {
    let mut worst = 0f64;
    for row in rows.outer_iter() {
        let (integer, float) = both(graph, program, row);
        assert_eq!(integer.len(), float.len());
        for (a, b) in integer.iter().zip(&float) {
            worst = worst.max((a - f64::from(*b)).abs());
        }
    }
    worst
}

/// A graph of one function of a row.
pub(crate) fn of_function(function: Function, len: usize) -> Graph {
    let mut b = Builder::new(&[1, len], 3);
    b.same(Op::Map(function), 0);
    b.graph
}

/// The float outputs at the integers' own inputs, so that only the operation's error is left.
pub(crate) fn at_integers(graph: &Graph, program: &Program, row: &[f32]) -> (Vec<f64>, Vec<f64>) {
    let trace = program.evaluate(row).unwrap();
    let inputs = trace.wires[..program.inputs].iter();
    let row: Array1<f32> = inputs
        .map(|x| program.input_scale.real(*x) as f32)
        .collect();
    let float = graph.evaluate(row.view()).unwrap();
    (
        program.output_reals(&trace),
        float.into_iter().map(f64::from).collect(),
    )
}

/// All multiples of `step` from `low` to `high`.
pub(crate) fn grid(low: f32, high: f32, count: usize) -> Vec<f32> {
    let step = (high - low) / (count - 1) as f32;
    (0..count).map(|i| low + step * i as f32).collect()
}
