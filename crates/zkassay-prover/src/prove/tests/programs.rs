//! Small programs.

use ndarray::{Array2, Array4};
use zkassay_circuit::{CompileOptions, Compiled, CompiledProgram, LayoutTarget};
use zkassay_fixed::{DataVisibility, Scale, Visibility};
use zkassay_quant::{
    Child, Encoding, Finish, Forest, ForestNode, Hint, IntegerConv, Kind, Program, ProgramLimbs,
    Ranks, Step, Sum, Table, Wire,
};

const LIMBS: ProgramLimbs = ProgramLimbs {
    bits: 6,
    input: 2,
    shift: 1,
    table: 1,
    total: 5,
};

/// A program with every kind of step and finish, and others with few, for several options.
pub(super) fn compiled() -> Vec<Compiled> {
    let public = Visibility {
        input: DataVisibility::Public,
        ..Visibility::default()
    };
    let private = Visibility {
        output: DataVisibility::Private,
        ..Visibility::default()
    };
    let speed = LayoutTarget::Speed;
    let cases = [
        (everything(), Visibility::default(), speed),
        (everything(), public, LayoutTarget::Size),
        (convolution(), private, speed),
        (table(), public, speed),
        (products(), Visibility::default(), speed),
        (trees(), public, speed),
        (trees(), Visibility::default(), LayoutTarget::Size),
    ];
    let compile = |(program, visibility, target)| compile(program, visibility, target);
    let mut all: Vec<Compiled> = cases.map(compile).into();
    // Several inferences, and their totals.
    for (program, totals) in [(trees(), false), (products(), true)] {
        let options = CompileOptions {
            batch: 3,
            totals,
            ..CompileOptions::default()
        };
        all.push(
            CompiledProgram::with_options(program, &options)
                .unwrap()
                .into(),
        );
    }
    all
}

/// The program with every kind of step and finish.
pub(super) fn every_kind() -> Compiled {
    compile(everything(), Visibility::default(), LayoutTarget::Speed)
}

fn compile(program: Program, visibility: Visibility, target: LayoutTarget) -> Compiled {
    let options = CompileOptions {
        visibility,
        target,
        ..CompileOptions::default()
    };
    CompiledProgram::with_options(program, &options)
        .unwrap()
        .into()
}

fn empty(inputs: usize) -> Program {
    Program {
        name: "test".into(),
        input: "input".into(),
        inputs,
        input_scale: Scale(6),
        encoding: Encoding::Scaled,
        labelled: false,
        limbs: LIMBS,
        tables: vec![],
        steps: vec![],
        outputs: 0,
        output_scale: Scale(6),
        probability: false,
    }
}

/// Appends a step; the outputs are those of the last.
fn push(program: &mut Program, kind: Kind, finish: Finish, bound: Option<i64>) -> Vec<Wire> {
    let first = program.wires();
    let step = Step {
        name: format!("step {}", program.steps.len()),
        kind,
        finish,
        bound,
    };
    program.outputs = step.len();
    program.steps.push(step);
    (first..program.wires()).collect()
}

fn dense(program: &mut Program, inputs: &[Wire], outputs: usize, finish: Finish) -> Vec<Wire> {
    let weight = |(o, i): (usize, usize)| (o * 7 + i * 5) as i64 % 23 - 11;
    let kind = Kind::Dense {
        inputs: inputs.to_vec(),
        weights: Array2::from_shape_fn((outputs, inputs.len()), weight),
        bias: (0..outputs as i64).map(|o| 3 * o - 4).collect(),
    };
    push(program, kind, finish, None)
}

/// Two channels of a kernel with strides and padding, on the first nine wires.
fn conv(program: &mut Program, finish: Finish) -> Vec<Wire> {
    let weight = |(o, _, y, x)| (5 * o + 3 * y + 7 * x) as i64 % 13 - 6;
    let conv = IntegerConv {
        inputs: (0..9).map(|wire| vec![wire]).collect(),
        input: [1, 3, 3],
        weights: Array4::from_shape_fn((2, 1, 2, 2), weight),
        bias: vec![9, -9],
        output: [2, 2],
        strides: [2, 2],
        dilations: [1, 1],
        pads: [1, 1],
    };
    push(program, Kind::Conv(conv), finish, None)
}

/// A line that bends, from the least input on.
fn function(program: &mut Program, inputs: &[Wire]) -> Vec<Wire> {
    let (low, high) = LIMBS.input_range();
    let segments = (high - low + 1) >> LIMBS.bits;
    program.tables.push(Table {
        name: "bent".into(),
        first: low,
        segments: (0..segments).map(|s| (s * s * 64, 128 * s - 17)).collect(),
    });
    let kind = Kind::Table {
        table: program.tables.len() - 1,
        inputs: inputs.to_vec(),
    };
    push(program, kind, Finish::Exact, None)
}

fn sum(terms: &[(Wire, i64)], bias: i64) -> Sum {
    Sum {
        terms: terms.to_vec(),
        bias,
    }
}

/// The square root of a wire that is not negative, rounded down.
fn root(program: &mut Program, wire: Wire, bound: i64) -> Vec<Wire> {
    let hints = Kind::Hints(vec![Hint::Root(Sum::of(wire))]);
    let root = push(program, hints, Finish::Exact, Some(bound));
    let square = Kind::Products(vec![(root[0], root[0])]);
    let square = push(program, square, Finish::Exact, Some(bound * bound))[0];
    // root^2 <= x < (root + 1)^2
    let rests = vec![
        sum(&[(wire, 1), (square, -1)], 0),
        sum(&[(wire, -1), (square, 1), (root[0], 2)], 0),
    ];
    push(program, Kind::Sums(rests), Finish::Nonnegative, None);
    root
}

fn everything() -> Program {
    let mut program = empty(9);
    let image: Vec<Wire> = (0..9).collect();
    let pixels = conv(&mut program, Finish::Relu);
    let hidden = dense(&mut program, &image, 5, Finish::Round);
    let sums = Kind::Sums(vec![sum(&[(0, 3), (1, -2)], 5), sum(&[], -7), Sum::of(2)]);
    let positive = push(&mut program, sums.clone(), Finish::ExactRelu, None);
    let signed = push(&mut program, sums, Finish::Exact, None);
    let bent = function(&mut program, &[0, 5, 8]);
    let pairs = Kind::Products(vec![(0, 1), (hidden[0], bent[1]), (2, 2)]);
    let products = push(&mut program, pairs, Finish::Round, None);
    let root = root(&mut program, positive[0], 1 << 10);
    let all = [pixels, hidden, positive, signed, bent, products, root].concat();
    dense(&mut program, &all, 3, Finish::Exact);
    program
}

fn convolution() -> Program {
    let mut program = empty(9);
    let pixels = conv(&mut program, Finish::Round);
    dense(&mut program, &pixels, 2, Finish::Exact);
    program
}

fn table() -> Program {
    let mut program = empty(4);
    function(&mut program, &[3, 1, 1]);
    program
}

fn products() -> Program {
    let mut program = empty(3);
    let pairs = Kind::Products(vec![(0, 1), (1, 2), (2, 2)]);
    push(&mut program, pairs, Finish::Exact, None);
    program
}

/// Trees with so many questions that several share a row, and a layer behind them.
fn trees() -> Program {
    const DEPTH: u32 = 5;
    let counts = [40u32, 25, 60];
    let mut program = empty(counts.len());
    let ranks = counts.iter().enumerate().map(|(feature, count)| Ranks {
        feature,
        thresholds: (0..*count).map(|t| (t as f32 - 20.0) / 8.0).collect(),
    });
    program.encoding = Encoding::Ranks {
        features: counts.len(),
        ranks: ranks.collect(),
    };
    program.input_scale = Scale(0);
    let (questions, trees) = ((1 << DEPTH) - 1, 12);
    let mut forest = Forest {
        features: counts.to_vec(),
        nodes: vec![],
        roots: (0..trees).map(|tree| tree * questions).collect(),
        leaves: (0..64)
            .map(|leaf| vec![leaf * 11 - 300, 17 - leaf])
            .collect(),
        bias: vec![5, -6],
    };
    for tree in 0..trees {
        for at in 0..questions {
            let feature = (at + tree) % 3;
            let child = |side: u32| match 2 * at + 1 + side {
                inner if inner < questions => Child::Node(tree * questions + inner),
                leaf => Child::Leaf((leaf + tree * 5) % 64),
            };
            forest.nodes.push(ForestNode {
                feature,
                rank: (at * 7 + tree * 3) % counts[feature as usize],
                yes: child(0),
                no: child(1),
            });
        }
    }
    let scores = push(&mut program, Kind::Forest(forest), Finish::Exact, None);
    dense(&mut program, &scores, 2, Finish::Exact);
    program
}
