//! Programs with every kind of step, and a mock prover.

use ndarray::{Array2, Array4};
use zkassay_circuit::{
    CompileOptions, Compiled, CompiledProgram, ModelCircuit, ProgramWitness, TableWitness,
};
use zkassay_fixed::Scale;
use zkassay_gadgets::halo2_proofs::dev::{MockProver, VerifyFailure};
use zkassay_quant::{
    Encoding, Finish, Forest, Hint, IntegerConv, Kind, Program, ProgramLimbs, Ranks, Step, Sum,
    Table, Wire,
};
use zkassay_seed::Stream;

/// Limbs of six bits: a rescale by two of them, values of up to three.
pub(crate) const LIMBS: ProgramLimbs = ProgramLimbs {
    bits: 6,
    input: 2,
    shift: 2,
    table: 2,
    total: 5,
};

/// Two limbs in a row: gates of the least degree are the best then.
pub(crate) const FEW_LIMBS: ProgramLimbs = ProgramLimbs {
    bits: 6,
    input: 1,
    shift: 1,
    table: 1,
    total: 2,
};

/// A program under construction.
pub(crate) struct Builder {
    program: Program,
    stream: Stream,
}

impl Builder {
    pub(crate) fn new(inputs: usize, seed: u64) -> Self {
        Self {
            program: Program {
                name: "test".into(),
                input: "input".into(),
                inputs,
                input_scale: Scale(8),
                encoding: Encoding::Scaled,
                labelled: false,
                limbs: LIMBS,
                tables: vec![],
                steps: vec![],
                outputs: 0,
                output_scale: Scale(8),
                probability: false,
            },
            stream: Stream::new(seed, "testing/programs"),
        }
    }

    /// A program whose inputs are ranks among thresholds 0, 1, 2, ...
    pub(crate) fn ranked(counts: &[u32], seed: u64) -> Self {
        let mut builder = Self::new(counts.len(), seed);
        let ranks = counts.iter().enumerate().map(|(feature, count)| Ranks {
            feature,
            thresholds: (0..*count).map(|threshold| threshold as f32).collect(),
        });
        builder.program.encoding = Encoding::Ranks {
            features: counts.len(),
            ranks: ranks.collect(),
        };
        builder.program.input_scale = Scale(0);
        builder
    }

    /// Other limbs, as wide as those.
    pub(crate) fn limbs(&mut self, limbs: ProgramLimbs) {
        assert_eq!(limbs.bits, LIMBS.bits);
        self.program.limbs = limbs;
    }

    /// A label behind the other inputs.
    pub(crate) fn label(&mut self) -> Wire {
        self.program.labelled = true;
        self.program.inputs += 1;
        self.program.inputs - 1
    }

    pub(crate) fn forest(&mut self, forest: Forest) -> Vec<Wire> {
        self.step(Kind::Forest(forest), Finish::Exact, None)
    }

    pub(crate) fn step(&mut self, kind: Kind, finish: Finish, bound: Option<i64>) -> Vec<Wire> {
        let first = self.program.wires();
        let name = format!("step {}", self.program.steps.len());
        let step = Step {
            name,
            kind,
            finish,
            bound,
        };
        let wires = (first..first + step.len()).collect();
        self.program.steps.push(step);
        wires
    }

    /// What there is so far.
    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// The number of thresholds of each input that is a rank.
    pub(crate) fn counts(&self) -> Vec<u32> {
        match &self.program.encoding {
            Encoding::Ranks { ranks, .. } => {
                ranks.iter().map(|r| r.thresholds.len() as u32).collect()
            }
            _ => vec![],
        }
    }

    /// A function, for a step to come.
    pub(crate) fn add_table(&mut self, table: Table) -> usize {
        self.program.tables.push(table);
        self.program.tables.len() - 1
    }

    fn weight(&mut self, limit: i64) -> i64 {
        (self.stream.normal() * limit as f64 / 3.0) as i64
    }

    pub(crate) fn dense(&mut self, inputs: &[Wire], outputs: usize, finish: Finish) -> Vec<Wire> {
        let limit = (1 << 14) / inputs.len() as i64;
        let weights = Array2::from_shape_simple_fn((outputs, inputs.len()), || self.weight(limit));
        let bias = (0..outputs).map(|_| self.weight(1 << 14)).collect();
        let inputs = inputs.to_vec();
        self.step(
            Kind::Dense {
                inputs,
                weights,
                bias,
            },
            finish,
            None,
        )
    }

    pub(crate) fn conv(
        &mut self,
        inputs: &[Wire],
        shape: [usize; 3],
        kernel: [usize; 3],
        geometry: ([usize; 2], [usize; 2], [usize; 2]),
        finish: Finish,
    ) -> Vec<Wire> {
        let inputs = inputs.iter().map(|wire| vec![*wire]).collect();
        self.conv_of(inputs, shape, kernel, geometry, finish)
    }

    /// A convolution of sums.
    pub(crate) fn conv_of(
        &mut self,
        inputs: Vec<Vec<Wire>>,
        shape: [usize; 3],
        kernel: [usize; 3],
        (strides, dilations, pads): ([usize; 2], [usize; 2], [usize; 2]),
        finish: Finish,
    ) -> Vec<Wire> {
        let [out, height, width] = kernel;
        let limit = (1 << 14) / (shape[0] * height * width) as i64;
        let weights =
            Array4::from_shape_simple_fn((out, shape[0], height, width), || self.weight(limit));
        let size = |axis: usize, kernel: usize| {
            (shape[1 + axis] + 2 * pads[axis] - dilations[axis] * (kernel - 1) - 1) / strides[axis]
                + 1
        };
        let conv = IntegerConv {
            inputs,
            input: shape,
            weights,
            bias: (0..out).map(|_| self.weight(1 << 12)).collect(),
            output: [size(0, height), size(1, width)],
            strides,
            dilations,
            pads,
        };
        self.step(Kind::Conv(conv), finish, None)
    }

    pub(crate) fn sums(&mut self, sums: Vec<Sum>, finish: Finish) -> Vec<Wire> {
        self.step(Kind::Sums(sums), finish, None)
    }

    /// `round(n / d)` of the first wires by the last, which has to be positive.
    pub(crate) fn divide(&mut self, numerators: &[Wire], divisor: Wire, bound: i64) -> Vec<Wire> {
        let doubled = |wire: Wire| Sum {
            terms: vec![(wire, 2), (divisor, 1)],
            bias: 0,
        };
        let hints = numerators.iter().map(|n| Hint::Quotient {
            numerator: doubled(*n),
            denominator: Sum {
                terms: vec![(divisor, 2)],
                bias: 0,
            },
        });
        let hints = Kind::Hints(hints.collect());
        let quotients = self.step(hints, Finish::Exact, Some(bound));
        let pairs = quotients.iter().map(|q| (*q, divisor)).collect();
        let products = self.step(Kind::Products(pairs), Finish::Exact, Some(1 << 24));
        let rest = |(n, p): (&Wire, &Wire)| Sum {
            terms: vec![(*n, 2), (divisor, 1), (*p, -2)],
            bias: 0,
        };
        let rests: Vec<Sum> = numerators.iter().zip(&products).map(rest).collect();
        let complement = |sum: &Sum| Sum {
            terms: vec![(sum.terms[0].0, -2), (divisor, 1), (sum.terms[2].0, 2)],
            bias: -1,
        };
        let complements = rests.iter().map(complement).collect();
        self.sums(rests, Finish::Nonnegative);
        self.sums(complements, Finish::Nonnegative);
        quotients
    }

    pub(crate) fn table(&mut self, table: Table, inputs: &[Wire]) -> Vec<Wire> {
        self.program.tables.push(table);
        let kind = Kind::Table {
            table: self.program.tables.len() - 1,
            inputs: inputs.to_vec(),
        };
        self.step(kind, Finish::Exact, None)
    }

    pub(crate) fn finish(mut self) -> Program {
        self.program.outputs = self.program.steps.last().unwrap().len();
        self.program
    }
}

/// A function with random segments, for arguments of the magnitude of inputs.
pub(crate) fn random_table(stream: &mut Stream) -> Table {
    let width = 1i64 << LIMBS.bits;
    let first = -(1 << 11);
    let segments = (0..(1 << 12) / width)
        .map(|_| {
            let c0 = (stream.normal() * f64::from(1 << 18)) as i64;
            (c0, (stream.normal() * 256.0) as i64)
        })
        .collect();
    Table {
        name: "random".into(),
        first,
        segments,
    }
}

/// A program with a step of every kind and finish; outputs from a dense layer.
pub(crate) fn every_kind() -> Program {
    let mut builder = Builder::new(6, 3);
    let inputs: Vec<Wire> = (0..6).collect();
    let image: Vec<Wire> = (0..4).collect();
    let mut stream = Stream::new(4, "testing/tables");
    let conv = builder.conv(
        &image,
        [1, 2, 2],
        [2, 2, 2],
        ([1, 1], [1, 1], [1, 1]),
        Finish::Relu,
    );
    let hidden = builder.dense(&inputs, 5, Finish::Round);
    let sums = vec![
        Sum {
            terms: vec![(0, 3), (1, -2)],
            bias: 5,
        },
        Sum {
            terms: vec![],
            bias: -7,
        },
        Sum::of(conv[3]),
    ];
    let exact = builder.sums(sums.clone(), Finish::ExactRelu);
    let others = builder.sums(sums, Finish::Exact);
    let functions = builder.table(random_table(&mut stream), &[0, 5, 2]);
    let more = builder.table(random_table(&mut stream), &[3]);
    let products = builder.step(
        Kind::Products(vec![(0, 1), (hidden[0], functions[1]), (2, 2)]),
        Finish::Round,
        None,
    );
    let positive = builder.sums(
        vec![Sum {
            terms: vec![(exact[0], 1)],
            bias: 3,
        }],
        Finish::Exact,
    );
    let numerator = builder.sums(
        vec![Sum {
            terms: vec![(exact[2], 5)],
            bias: 1,
        }],
        Finish::Exact,
    );
    let quotients = builder.divide(&numerator, positive[0], 1 << 15);
    let all: Vec<Wire> = [
        conv, hidden, exact, others, functions, more, products, quotients,
    ]
    .concat();
    let scaled = all.iter().map(|wire| Sum {
        terms: vec![(*wire, 1 << 2)],
        bias: 0,
    });
    let scaled = builder.sums(scaled.collect(), Finish::Round);
    builder.dense(&scaled, 3, Finish::Exact);
    builder.finish()
}

pub(crate) fn compile(program: Program) -> CompiledProgram {
    CompiledProgram::with_options(program, &CompileOptions::default()).unwrap()
}

/// The program as a table with so many lanes.
pub(crate) fn compile_lanes(program: Program, batch: u32, totals: bool) -> CompiledProgram {
    let options = CompileOptions {
        batch,
        totals,
        ..CompileOptions::default()
    };
    CompiledProgram::with_options(program, &options).unwrap()
}

/// What halo2's mock prover says about a witness.
pub(crate) fn check(
    compiled: &CompiledProgram,
    witness: &ProgramWitness,
) -> Result<(), Vec<VerifyFailure>> {
    let witness = TableWitness::from(witness);
    let instance = witness.instance().to_vec();
    let logrows = compiled.shape().logrows;
    let circuit = ModelCircuit::mock(Compiled::from(compiled.clone()), witness);
    MockProver::run(logrows, &circuit, instance)
        .unwrap()
        .verify()
}

/// Rows of inputs within the range.
pub(crate) fn rows(count: usize, inputs: usize) -> Vec<Vec<f32>> {
    let mut stream = Stream::new(9, "testing/rows");
    let mut value = || (stream.normal() as f32 * 3.0).clamp(-7.9, 7.9);
    (0..count)
        .map(|_| (0..inputs).map(|_| value()).collect())
        .collect()
}
