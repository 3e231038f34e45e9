//! A prover that evaluates programs as it likes, and fills the table to match as far as that is
//! possible. Written from the equations of the gates, apart from the honest prover's code.

use std::collections::HashMap;

use zkassay_circuit::program::grid::Grid;
use zkassay_circuit::program::layout::Producer;
use zkassay_circuit::program::trees::Trees;
use zkassay_circuit::program::witness::Lane;
use zkassay_circuit::{CompiledProgram, ProgramWitness};
use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::halo2_proofs::halo2curves::ff::PrimeField as _;
use zkassay_gadgets::program::instance;
use zkassay_gadgets::{Field, field, power_of_two};
use zkassay_quant::{Child, Finish, Forest, Hint, IntegerConv, Kind, Program, Sum, Table, Wire};

use crate::common::LIMBS;

/// An evaluation, honest or not.
#[derive(Clone, Debug)]
pub(crate) struct Forged {
    pub(crate) wires: Vec<i128>,
    pub(crate) accumulators: Vec<i128>,
}

/// Evaluates a program with some wires forced to be something else; what comes after them is
/// computed from that.
pub(crate) fn evaluate(program: &Program, input: &[i64], forced: &[(Wire, i128)]) -> Forged {
    let forced: HashMap<Wire, i128> = forced.iter().copied().collect();
    let mut wires: Vec<i128> = input.iter().map(|x| i128::from(*x)).collect();
    for (wire, value) in wires.iter_mut().enumerate() {
        *value = forced.get(&wire).copied().unwrap_or(*value);
    }
    let mut accumulators = wires.clone();
    for step in &program.steps {
        for y in accumulate(program, &step.kind, &wires) {
            let shift = program.limbs.shift_bits();
            let rounded = (y + (1 << (shift - 1))) >> shift;
            let value = match step.finish {
                Finish::Round => rounded,
                Finish::Relu => rounded.max(0),
                Finish::ExactRelu => y.max(0),
                Finish::Exact | Finish::Nonnegative => y,
            };
            wires.push(forced.get(&wires.len()).copied().unwrap_or(value));
            accumulators.push(y);
        }
    }
    Forged {
        wires,
        accumulators,
    }
}

fn accumulate(program: &Program, kind: &Kind, wires: &[i128]) -> Vec<i128> {
    match kind {
        Kind::Dense {
            inputs,
            weights,
            bias,
        } => {
            let term = |(weight, wire): (&i64, &Wire)| i128::from(*weight) * wires[*wire];
            let sum = |weights: ndarray::ArrayView1<'_, i64>| -> i128 {
                weights.iter().zip(inputs).map(term).sum()
            };
            let rows = weights.outer_iter().zip(bias);
            rows.map(|(row, bias)| i128::from(*bias) + sum(row))
                .collect()
        }
        Kind::Conv(conv) => {
            let plane = conv.output[0] * conv.output[1];
            let mut sums: Vec<i128> = (0..conv.outputs())
                .map(|at| conv.bias[at / plane].into())
                .collect();
            conv.for_each(|output, input, weight| {
                let terms = conv.inputs[input].iter();
                let x: i128 = terms.map(|wire| wires[*wire]).sum();
                sums[output] += i128::from(weight) * x;
            });
            sums
        }
        Kind::Sums(sums) => sums.iter().map(|sum| value_of(sum, wires)).collect(),
        Kind::Products(pairs) => pairs.iter().map(|(a, b)| wires[*a] * wires[*b]).collect(),
        Kind::Table { table, inputs } => {
            let function = |input: &Wire| {
                let (_, _, (c0, c1), place) = locate(program, *table, wires[*input]);
                let e = program.limbs.table_bits();
                (c0 + c1 * place + (1 << (e - 1))) >> e
            };
            inputs.iter().map(function).collect()
        }
        Kind::Hints(hints) => hints.iter().map(|hint| hinted(hint, wires)).collect(),
        Kind::Forest(forest) => scores(forest, wires),
    }
}

/// The scores of decision trees: what they start with, and a leaf of each tree.
fn scores(forest: &Forest, ranks: &[i128]) -> Vec<i128> {
    let mut scores: Vec<i128> = forest.bias.iter().map(|bias| i128::from(*bias)).collect();
    for root in &forest.roots {
        let leaf = walk(forest, *root, ranks).1;
        for (score, weight) in scores.iter_mut().zip(&forest.leaves[leaf]) {
            *score += i128::from(*weight);
        }
    }
    scores
}

/// The nodes from one on, and the leaf that they lead to.
pub(crate) fn walk(forest: &Forest, from: u32, ranks: &[i128]) -> (Vec<usize>, usize) {
    let mut nodes = vec![];
    let mut at = Child::Node(from);
    loop {
        match at {
            Child::Leaf(leaf) => return (nodes, leaf as usize),
            Child::Node(node) => {
                nodes.push(node as usize);
                let question = forest.nodes[node as usize];
                let is_below = ranks[question.feature as usize] <= i128::from(question.rank);
                at = if is_below { question.yes } else { question.no };
            }
        }
    }
}

fn value_of(sum: &Sum, wires: &[i128]) -> i128 {
    let terms = sum
        .terms
        .iter()
        .map(|(wire, weight)| i128::from(*weight) * wires[*wire]);
    i128::from(sum.bias) + terms.sum::<i128>()
}

fn hinted(hint: &Hint, wires: &[i128]) -> i128 {
    match hint {
        Hint::Quotient {
            numerator,
            denominator,
        } => {
            let (n, d) = (value_of(numerator, wires), value_of(denominator, wires));
            if n > 0 && d > 0 { n / d } else { 0 }
        }
        Hint::Root(sum) => value_of(sum, wires).max(0).unsigned_abs().isqrt() as i128,
    }
}

/// The segment of an argument, or the nearest: among those of its function, and of all functions;
/// its coefficients; the place in it.
pub(crate) fn locate(
    program: &Program,
    table: usize,
    x: i128,
) -> (usize, usize, (i128, i128), i128) {
    let before = program.tables[..table]
        .iter()
        .map(|t| t.segments.len())
        .sum::<usize>();
    let Table {
        first, segments, ..
    } = &program.tables[table];
    let offset = x - i128::from(*first);
    let last = segments.len() as i128 - 1;
    let segment = (offset >> program.limbs.bits).clamp(0, last) as usize;
    let (c0, c1) = segments[segment];
    let place = offset - ((segment as i128) << program.limbs.bits);
    (segment, before + segment, (c0.into(), c1.into()), place)
}

/// The table of an evaluation: equations of single rows hold wherever they can.
pub(crate) fn fill(compiled: &CompiledProgram, forged: &Forged) -> ProgramWitness {
    fill_lanes(compiled, std::slice::from_ref(forged))
}

/// The table of evaluations side by side.
pub(crate) fn fill_lanes(compiled: &CompiledProgram, forged: &[Forged]) -> ProgramWitness {
    let (shape, program) = (compiled.shape(), compiled.program());
    let length = shape.last_row() + 1;
    let column = || vec![Field::ZERO; length];
    let (slots, segment) = (shape.slots as usize, if shape.kinds.table { 3 } else { 0 });
    let lane = || Lane {
        value: column(),
        operand: column(),
        limbs: vec![column(); shape.limbs as usize],
        segment: vec![column(); segment],
        below: vec![column(); slots],
        edges: vec![column(); slots],
        ..Lane::default()
    };
    let inputs: Vec<i64> = forged
        .iter()
        .flat_map(|forged| &forged.wires[..program.inputs])
        .map(|x| *x as i64)
        .collect();
    let outputs = |forged: &Forged| -> Vec<i64> {
        let from = forged.wires.len() - program.outputs;
        forged.wires[from..].iter().map(|x| *x as i64).collect()
    };
    let mut outputs: Vec<i64> = forged.iter().flat_map(outputs).collect();
    if shape.totals {
        let lanes = outputs.chunks(program.outputs);
        outputs = lanes.fold(vec![0; program.outputs], |sums, lane| {
            sums.iter().zip(lane).map(|(sum, x)| sum + x).collect()
        });
    }
    let mut witness = ProgramWitness {
        lanes: forged.iter().map(|_| lane()).collect(),
        multiplicity: column(),
        function: if shape.kinds.table { column() } else { vec![] },
        instance: instance(shape, &inputs, &outputs),
        inputs,
        outputs,
    };
    // All limbs are zero so far.
    let limbs = u64::from(shape.lanes * shape.limbs);
    witness.multiplicity[0] = Field::from(shape.last_row() as u64 * limbs);
    for (lane, forged) in forged.iter().enumerate() {
        for (row, consumer) in compiled.consumers().iter().enumerate() {
            if let Some(wire) = consumer.operand {
                witness.lanes[lane].operand[row] = field(forged.wires[wire]);
            }
        }
        for (row, producer) in compiled.producers().iter().enumerate() {
            fill_row(compiled, forged, &mut witness, (lane, row), producer);
        }
        if let (Some(trees), Some((_, forest))) = (compiled.trees(), Trees::of(program)) {
            fill_trees(trees, forest, &forged.wires, &mut witness.lanes[lane]);
        }
    }
    witness
}

/// The answers that ranks have, and the way that they lead.
fn fill_trees(trees: &Trees, forest: &Forest, ranks: &[i128], lane: &mut Lane) {
    let mut above = Field::ZERO;
    for (place, entry) in trees.entries.iter().enumerate() {
        let (row, slot) = trees.cell(place);
        if slot == 0 && trees.features.iter().any(|rows| rows.start == row) {
            above = Field::ZERO;
        }
        if let Some((feature, rank)) = entry.question {
            above = Field::from(u64::from(ranks[feature as usize] <= i128::from(rank)));
        }
        lane.below[slot][row] = above;
    }
    let nodes = forest.roots.iter().flat_map(|r| walk(forest, *r, ranks).0);
    let places = nodes.map(|node| trees.places[node]);
    set_way(
        trees,
        &[0].into_iter().chain(places).collect::<Vec<_>>(),
        lane,
    );
}

/// The edges that lead through places, and back to the first.
pub(crate) fn set_way(trees: &Trees, places: &[usize], lane: &mut Lane) {
    let next = places.iter().cycle().skip(1);
    for (from, to) in places.iter().zip(next) {
        let (row, slot) = trees.cell(*from);
        lane.edges[slot][row] = field(i128::from(trees.number(*to) - trees.number(*from)));
    }
}

fn fill_row(
    compiled: &CompiledProgram,
    forged: &Forged,
    witness: &mut ProgramWitness,
    (lane, row): (usize, usize),
    producer: &Producer,
) {
    let program = compiled.program();
    let limbs = &program.limbs;
    let first =
        |step: usize| program.inputs + program.steps[..step].iter().map(|s| s.len()).sum::<usize>();
    match *producer {
        Producer::Idle => {}
        Producer::Input(wire) => {
            let x = forged.wires[wire];
            witness.lanes[lane].value[row] = field(x);
            let number = x + (1 << (limbs.bits * limbs.input - 1));
            set_number(witness, (lane, row), 0, number);
        }
        Producer::Free {
            step,
            channel,
            position,
            cells,
        } => {
            let Kind::Conv(conv) = &program.steps[step].kind else {
                panic!("free rows are of convolutions");
            };
            // Channels of a block side by side, from the last position to the first.
            let width = compiled.shape().block_width as usize;
            let from = channel - channel % width;
            let channels = from..conv.bias.len().min(from + width);
            let places = (0..=position)
                .rev()
                .flat_map(|position| channels.clone().map(move |channel| (channel, position)))
                .skip(channel - from)
                .take(cells);
            for (cell, (channel, position)) in places.enumerate() {
                let value = field(at_position(conv, channel, position, &forged.wires));
                match cell {
                    0 => witness.lanes[lane].value[row] = value,
                    // No limb, so not counted as one.
                    _ => {
                        witness.lanes[lane].limbs[cell - 1][row] = value;
                        witness.multiplicity[0] -= Field::ONE;
                    }
                }
            }
        }
        Producer::Function { step, index } => {
            let Kind::Table { table, inputs } = &program.steps[step].kind else {
                panic!("functions are of tables");
            };
            let x = forged.wires[inputs[index]];
            let (segment, entry, (c0, c1), place) = locate(program, *table, x);
            let number =
                power_of_two(64) * Field::from(*table as u64) + Field::from(segment as u64);
            let cells = [number, field(c0), field(c1)];
            for (column, cell) in witness.lanes[lane].segment.iter_mut().zip(cells) {
                column[row] = cell;
            }
            witness.function[entry] += Field::ONE;
            let e = limbs.table_bits();
            let value = forged.wires[first(step) + index];
            let rest = c0 + c1 * place + (1 << (e - 1)) - (value << e);
            set_number(witness, (lane, row), 1, rest & ((1 << e) - 1));
            let place = place & ((1 << limbs.bits) - 1);
            set_limb_of(witness, lane, 0, row, field(place));
        }
        Producer::Wire { step, index } => {
            let wire = first(step) + index;
            let (v, y) = (forged.wires[wire], forged.accumulators[wire]);
            witness.lanes[lane].value[row] = field(v);
            let shift = limbs.shift_bits();
            let rounded = y + (1 << (shift - 1));
            let (rest, quotient) = (rounded & ((1 << shift) - 1), rounded >> shift);
            let magnitude = |v: i128, of: i128| if v == 0 { of.abs() } else { v };
            let number = match program.steps[step].finish {
                Finish::Round => rest | (v + (1 << (limbs.magnitude_bits() - 1))) << shift,
                Finish::Relu => rest | magnitude(v, quotient) << shift,
                Finish::ExactRelu => magnitude(v, y),
                Finish::Exact => v + (1 << (limbs.total_bits() - 1)),
                Finish::Nonnegative => v,
            };
            set_number(witness, (lane, row), 0, number);
        }
    }
}

/// What a convolution gives at a position of its grid, without its bias.
fn at_position(conv: &IntegerConv, channel: usize, position: usize, wires: &[i128]) -> i128 {
    let grid = Grid::new(conv);
    let [channels, height, width] = conv.input;
    let mut sum = 0;
    for input in 0..channels {
        for class in &grid.classes {
            for &(v, y, x) in &class.pixels {
                let terms = conv.inputs[(input * height + y) * width + x].iter();
                let pixel: i128 = terms.map(|wire| wires[*wire]).sum();
                let taps = class.taps.iter().filter(|(m, _, _)| position + m == v);
                let weights = taps.map(|&(_, qy, qx)| conv.weights[[channel, input, qy, qx]]);
                sum += pixel * weights.map(i128::from).sum::<i128>();
            }
        }
    }
    sum
}

/// An element that is a small integer.
pub(crate) fn small(element: Field) -> Option<usize> {
    let bytes = element.to_repr();
    let (low, high) = bytes.as_ref().split_at(4);
    let is_small = high.iter().all(|byte| *byte == 0);
    is_small.then(|| u32::from_le_bytes(low.try_into().unwrap()) as usize)
}

/// Changes a limb of the first lane, and the multiplicities with it: the lookup holds if the new
/// limb is in range.
pub(crate) fn set_limb(witness: &mut ProgramWitness, column: usize, row: usize, limb: Field) {
    set_limb_of(witness, 0, column, row, limb);
}

/// Changes a limb of a lane.
pub(crate) fn set_limb_of(
    witness: &mut ProgramWitness,
    lane: usize,
    column: usize,
    row: usize,
    limb: Field,
) {
    let old = std::mem::replace(&mut witness.lanes[lane].limbs[column][row], limb);
    for (entry, change) in [(old, -Field::ONE), (limb, Field::ONE)] {
        let cell = small(entry).and_then(|entry| witness.multiplicity.get_mut(entry));
        if let Some(cell) = cell {
            *cell += change;
        }
    }
}

/// Writes a number to limbs of a row, from one on; its high bits are lost.
pub(crate) fn set_number(
    witness: &mut ProgramWitness,
    (lane, row): (usize, usize),
    first: usize,
    number: i128,
) {
    for column in first..witness.lanes[lane].limbs.len() {
        let shift = LIMBS.bits as usize * (column - first);
        let limb = (number >> shift.min(127)) & ((1 << LIMBS.bits) - 1);
        set_limb_of(witness, lane, column, row, field(limb));
    }
}
