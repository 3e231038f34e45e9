//! Random programs: steps of every kind and many sizes, in any order.

use std::collections::BTreeSet;

use ndarray::{Array2, Array4};
use zkassay_circuit::program::layout::Producer;
use zkassay_circuit::{CompileOptions, CompiledProgram, LayoutTarget, ProgramWitness};
use zkassay_fixed::{DataVisibility, Visibility};
use zkassay_gadgets::field;
use zkassay_quant::{Finish, IntegerConv, Kind, Program, Step, Sum, Wire};
use zkassay_seed::Stream;

use crate::attacks::{LINEAR, names};
use crate::checker::Checker;
use crate::common::{Builder, LIMBS, check, random_table};
use crate::forger::{Forged, evaluate, fill_lanes};
use crate::soundness::assert_room;
use crate::trees::random_forest;

/// Numbers of outputs, most of them small.
const SIZES: [usize; 16] = [1, 1, 2, 2, 3, 4, 5, 6, 7, 9, 11, 17, 33, 256, 257, 300];

/// A program that grows, with the interval of each of its wires.
struct Random {
    builder: Builder,
    stream: Stream,
    bounds: Vec<(i128, i128)>,
    program: Program,
}

impl Random {
    /// Some inputs; ranks of a forest if there is to be one.
    fn new(seed: u64, has_forest: bool) -> Self {
        let mut stream = Stream::new(seed, "testing/random programs");
        let mut builder = match has_forest {
            true => {
                // Some have more features than a row makes room for.
                let features = [1 + stream.below(6), 300][usize::from(stream.below(8) == 0)];
                let counts = (0..features).map(|_| 1 + stream.below(3) as u32);
                Builder::ranked(&counts.collect::<Vec<_>>(), seed)
            }
            false => Builder::new(1 + stream.below(8), seed),
        };
        let program = builder.program().clone();
        if has_forest && stream.below(2) == 0 {
            builder.label();
        }
        let inputs = builder.program().inputs;
        let (low, high) = LIMBS.input_range();
        Self {
            builder,
            stream,
            bounds: vec![(low.into(), high.into()); inputs],
            program,
        }
    }

    fn wire(&mut self) -> Wire {
        self.stream.below(self.bounds.len())
    }

    fn input(&mut self) -> Wire {
        self.stream.below(self.program.inputs)
    }

    fn weight(&mut self) -> i64 {
        (self.stream.normal() * 3000.0) as i64
    }

    fn kind(&mut self) -> Kind {
        match self.stream.below(8) {
            0..=2 => Kind::Conv(self.conv()),
            3 | 4 => {
                let outputs = SIZES[self.stream.below(SIZES.len())];
                let inputs: Vec<Wire> = (0..self.stream.below(6)).map(|_| self.wire()).collect();
                let weights =
                    Array2::from_shape_simple_fn((outputs, inputs.len()), || self.weight());
                Kind::Dense {
                    bias: (0..outputs).map(|_| self.weight()).collect(),
                    inputs,
                    weights,
                }
            }
            5 => {
                let sum = |random: &mut Self| Sum {
                    terms: (0..random.stream.below(4))
                        .map(|_| (random.wire(), random.weight()))
                        .collect(),
                    bias: random.weight(),
                };
                Kind::Sums((0..=self.stream.below(4)).map(|_| sum(self)).collect())
            }
            6 => {
                let pairs = 0..=self.stream.below(3);
                Kind::Products(pairs.map(|_| (self.input(), self.input())).collect())
            }
            _ => {
                let inputs = (0..=self.stream.below(3)).map(|_| self.input()).collect();
                let table = random_table(&mut self.stream);
                let table = self.builder.add_table(table);
                Kind::Table { table, inputs }
            }
        }
    }

    /// A convolution of sums of anything, by anything.
    fn conv(&mut self) -> IntegerConv {
        let mut size = |most: usize| 1 + self.stream.below(most);
        let (kernel, image) = ([size(3), size(3)], [size(4), size(4)]);
        let (strides, dilations) = ([size(2), size(3)], [size(2), size(2)]);
        let pads = [size(3) - 1, size(3) - 1];
        let (output, channels, out) = ([size(4), size(4)], size(2), size(7));
        let terms = [0, 1, 1, 1, 2, 4];
        let input = |random: &mut Self| {
            let terms = terms[random.stream.below(terms.len())];
            (0..terms).map(|_| random.wire()).collect()
        };
        IntegerConv {
            inputs: (0..channels * image[0] * image[1])
                .map(|_| input(self))
                .collect(),
            input: [channels, image[0], image[1]],
            weights: Array4::from_shape_simple_fn((out, channels, kernel[0], kernel[1]), || {
                self.weight()
            }),
            bias: (0..out).map(|_| self.weight()).collect(),
            output,
            strides,
            dilations,
            pads,
        }
    }

    /// Adds a step, with weights so small that it fits.
    fn step(&mut self, mut kind: Kind) {
        const LINEAR: [Finish; 4] = [
            Finish::Round,
            Finish::Relu,
            Finish::Exact,
            Finish::ExactRelu,
        ];
        let finish = match kind {
            Kind::Table { .. } | Kind::Forest(_) => Finish::Exact,
            // Outputs of a convolution are copied, and its last bit is one too many for a copy.
            Kind::Conv(_) => LINEAR[self.stream.below(LINEAR.len() - 1)],
            _ => LINEAR[self.stream.below(LINEAR.len())],
        };
        let bounds = loop {
            let step = Step {
                name: "step".into(),
                kind: kind.clone(),
                finish,
                bound: None,
            };
            match self.builder.program().bounds_of(&step, &self.bounds) {
                Ok(bounds) => break bounds,
                Err(error) => match &mut kind {
                    Kind::Dense { weights, bias, .. } => {
                        weights.iter_mut().chain(bias).for_each(|x| *x /= 4);
                    }
                    Kind::Conv(conv) => {
                        let weights = conv.weights.iter_mut().chain(&mut conv.bias);
                        weights.for_each(|x| *x /= 4);
                    }
                    Kind::Sums(sums) => sums.iter_mut().for_each(|sum| {
                        sum.terms.iter_mut().for_each(|(_, x)| *x /= 4);
                    }),
                    _ => panic!("{error}"),
                },
            }
        };
        self.bounds.extend(bounds);
        self.builder.step(kind, finish, None);
    }
}

/// A program of up to eight steps.
fn program(seed: u64) -> Program {
    let has_forest = seed % 4 == 3;
    let mut random = Random::new(seed, has_forest);
    let steps = 1 + random.stream.below(8);
    let forest = random.stream.below(steps);
    for step in 0..steps {
        if has_forest && step == forest {
            let counts = random.builder.counts();
            let size = (1 + random.stream.below(4), 3);
            let scores = 1 + random.stream.below(3);
            let forest = random_forest(&mut random.stream, &counts, size, scores);
            random.step(Kind::Forest(forest));
        } else {
            let kind = random.kind();
            random.step(kind);
        }
    }
    random.builder.finish()
}

/// A row of inputs that a program takes.
fn row(program: &Program, stream: &mut Stream) -> Vec<f32> {
    let scaled = program.input_scale.0 != 0;
    let count = program.row_length();
    let value = |_| match scaled {
        true => (stream.normal() as f32 * 3.0).clamp(-7.9, 7.9),
        false => stream.below(5) as f32 - 1.0,
    };
    (0..count).map(value).collect()
}

fn honest(compiled: &CompiledProgram, stream: &mut Stream) -> ProgramWitness {
    let rows = (0..compiled.shape().lanes).map(|_| row(compiled.program(), stream));
    compiled.witness_batch(&rows.collect::<Vec<_>>()).unwrap()
}

fn evaluations(compiled: &CompiledProgram, inputs: &[i64]) -> Vec<Forged> {
    let lanes = inputs.chunks(compiled.program().inputs);
    lanes
        .map(|inputs| evaluate(compiled.program(), inputs, &[]))
        .collect()
}

/// Options of all sorts.
fn options(seed: u64) -> CompileOptions {
    let targets = [LayoutTarget::Speed, LayoutTarget::Size];
    CompileOptions {
        target: targets[seed as usize % 2],
        batch: [1, 1, 2][seed as usize % 3],
        totals: seed.is_multiple_of(5),
        ..CompileOptions::default()
    }
}

#[test]
fn programs_of_any_steps_have_the_tables_that_they_evaluate_to() {
    let mut kinds = BTreeSet::new();
    let mut forced_wires = 0;
    for seed in 0..160 {
        let program = program(seed);
        program.validate().unwrap();
        let compiled = CompiledProgram::with_options(program, &options(seed)).unwrap();
        let program = compiled.program();
        let shape = compiled.shape();
        kinds.insert((shape.kinds.free, shape.kinds.wide, shape.strides.is_empty()));
        let checker = Checker::new(&compiled);
        assert_room(&compiled, &checker);
        let mut stream = Stream::new(seed, "testing/random rows");
        let base = honest(&compiled, &mut stream);
        assert!(base.fits(shape));
        let evaluated = evaluations(&compiled, &base.inputs);
        assert_eq!(fill_lanes(&compiled, &evaluated), base, "{seed}");
        assert_eq!(checker.verdict(&base), names(&[]), "{seed}");
        if seed.is_multiple_of(16) {
            assert_eq!(check(&compiled, &base), Ok(()), "{seed}");
        }
        // A wire of each step and more, in a lane, with all that follows from it.
        let (lane, mut first) = (stream.below(evaluated.len()), program.inputs);
        for step in &program.steps {
            let last = first + step.len() - 1;
            let any = first + stream.below(step.len());
            for wire in BTreeSet::from([first, any, last]) {
                let change = [1, -1][stream.below(2)];
                let mut lanes = evaluated.clone();
                let forced = lanes[lane].wires[wire] + change;
                let inputs = base.inputs.chunks(program.inputs).nth(lane).unwrap();
                lanes[lane] = evaluate(program, inputs, &[(wire, forced)]);
                let failing = checker.verdict(&fill_lanes(&compiled, &lanes));
                assert!(!failing.is_empty(), "{seed}, wire {wire}");
                forced_wires += 1;
            }
            first = last + 1;
        }
    }
    // With and without rows of both sorts beside outputs, and with and without strides.
    assert!(kinds.len() > 4, "{kinds:?}");
    assert!(forced_wires > 1000, "{forced_wires}");
}

#[test]
fn programs_of_any_steps_have_hashes_beside_them() {
    for seed in 200..224 {
        let [private, hashed] = [DataVisibility::Private, DataVisibility::Hashed];
        let public = DataVisibility::Public;
        let (input, output) =
            [(hashed, hashed), (private, hashed), (hashed, public)][seed as usize % 3];
        let options = CompileOptions {
            visibility: Visibility {
                input,
                output,
                ..Visibility::default()
            },
            totals: false,
            ..options(seed)
        };
        let compiled = CompiledProgram::with_options(program(seed), &options).unwrap();
        let mut stream = Stream::new(seed, "testing/random rows");
        let base = honest(&compiled, &mut stream);
        assert_eq!(Checker::new(&compiled).verdict(&base), names(&[]), "{seed}");
    }
}

#[test]
fn accumulators_of_neighbouring_rows_have_powers_of_their_own() {
    // A wrong accumulator cannot be made up for by any cell of the linear rows around it.
    let mut tested = 0;
    for seed in 300..320 {
        let compiled = CompiledProgram::with_options(program(seed), &options(seed)).unwrap();
        let checker = Checker::new(&compiled);
        let mut stream = Stream::new(seed, "testing/random rows");
        let base = honest(&compiled, &mut stream);
        let free: Vec<(usize, usize)> = compiled
            .producers()
            .iter()
            .enumerate()
            .filter_map(|(row, producer)| match producer {
                Producer::Free { cells, .. } => Some((row, *cells)),
                _ => None,
            })
            .collect();
        let Some((row, cells)) = (!free.is_empty()).then(|| free[stream.below(free.len())]) else {
            continue;
        };
        for cell in 0..cells {
            for change in [1, -1] {
                let mut witness = base.clone();
                let delta = field(change);
                match cell {
                    0 => witness.lanes[0].value[row] += delta,
                    _ => witness.lanes[0].limbs[cell - 1][row] += delta,
                }
                // By as much or the opposite in the next cell, too.
                for other in [0, change, -change] {
                    let mut witness = witness.clone();
                    let next = (row + 1).min(compiled.producers().len() - 1);
                    match cell + 1 < cells {
                        true => {
                            witness.lanes[0].limbs[cell][row] += field(other);
                        }
                        false => {
                            witness.lanes[0].value[next] += field(other);
                        }
                    }
                    let failing = checker.verdict(&witness);
                    assert!(failing.contains(LINEAR), "{seed}, row {row}, cell {cell}");
                    tested += 1;
                }
            }
        }
    }
    assert!(tested > 100, "{tested}");
}
