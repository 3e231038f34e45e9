//! Programs with every kind of step, and a mock prover.

use std::collections::BTreeSet;

use ndarray::{Array2, Array4};
use zkassay_circuit::{
    CompileOptions, Compiled, CompiledProgram, ModelCircuit, ProgramWitness, TableWitness,
};
use zkassay_fixed::Scale;
use zkassay_gadgets::halo2_proofs::arithmetic::Field as _;
use zkassay_gadgets::halo2_proofs::dev::{MockProver, VerifyFailure};
use zkassay_gadgets::halo2_proofs::halo2curves::ff::PrimeField as _;
use zkassay_gadgets::halo2_proofs::plonk::{Challenge, ConstraintSystem, Expression};
use zkassay_gadgets::halo2_proofs::poly::Rotation;
use zkassay_gadgets::program::ProgramColumns;
use zkassay_gadgets::{Field, TableColumns, field};
use zkassay_quant::{
    Finish, Hint, IntegerConv, Kind, Program, ProgramLimbs, Step, Sum, Table, Wire,
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
            inputs: inputs.iter().copied().map(Some).collect(),
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
    let all: Vec<Wire> = [conv, hidden, exact, others, functions, more, products, quotients].concat();
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

/// What halo2's mock prover says about a witness.
pub(crate) fn check(
    compiled: &CompiledProgram,
    witness: &ProgramWitness,
) -> Result<(), Vec<VerifyFailure>> {
    let witness = TableWitness::from(witness);
    let instance = witness.instance().to_vec();
    let logrows = compiled.shape().logrows;
    let circuit = ModelCircuit::mock(Compiled::from(compiled.clone()), witness);
    MockProver::run(logrows, &circuit, instance).unwrap().verify()
}

/// Rows of inputs within the range.
pub(crate) fn rows(count: usize, inputs: usize) -> Vec<Vec<f32>> {
    let mut stream = Stream::new(9, "testing/rows");
    let mut value = || (stream.normal() as f32 * 3.0).clamp(-7.9, 7.9);
    (0..count).map(|_| (0..inputs).map(|_| value()).collect()).collect()
}

/// The gates of a compiled program, evaluated cell by cell: faster than halo2's mock prover, so that
/// every cell can be overwritten. Cells beyond the last row, which are random in proofs, are so here.
pub(crate) struct Checker {
    pub(crate) compiled: Compiled,
    pub(crate) columns: ProgramColumns,
    table: TableColumns,
    system: ConstraintSystem<Field>,
    fixed: Vec<Vec<Field>>,
}

/// Advice and instance columns, all rows of them.
#[derive(Clone)]
pub(crate) struct Filled {
    pub(crate) advice: Vec<Vec<Field>>,
    pub(crate) instance: Vec<Vec<Field>>,
}

impl Checker {
    pub(crate) fn new(compiled: &CompiledProgram) -> Self {
        let compiled = Compiled::from(compiled.clone());
        let mut system = ConstraintSystem::default();
        let table = compiled.shape().configure(&mut system);
        let fixed = compiled.fixed_columns(&table, system.num_fixed_columns());
        let TableColumns::Program(columns) = table.clone() else {
            panic!("a program's columns are a program's");
        };
        Self {
            compiled,
            columns,
            table,
            system,
            fixed,
        }
    }

    pub(crate) fn program(&self) -> &CompiledProgram {
        self.compiled.program().unwrap()
    }

    fn rows(&self) -> usize {
        1 << self.compiled.logrows()
    }

    pub(crate) fn last_row(&self) -> usize {
        self.compiled.shape().last_row()
    }

    /// How many advice columns there are.
    pub(crate) fn advice(&self) -> usize {
        self.system.num_advice_columns()
    }

    /// A challenge: any number that nobody knew before.
    pub(crate) fn challenge(challenge: Challenge) -> Field {
        Field::from(0x9e37_79b9_7f4a_7c15 + challenge.index() as u64).pow_vartime([5])
    }

    /// The table of a prover that computes phase 2 as it should.
    pub(crate) fn fill(&self, witness: &ProgramWitness) -> Filled {
        let witness = TableWitness::from(witness);
        let mut noise = Field::from(0xdead_beef);
        let mut advice = vec![vec![Field::ZERO; self.rows()]; self.advice()];
        for cell in advice.iter_mut().flatten() {
            noise = noise.square() + Field::from(0xc0ff_ee00);
            *cell = noise;
        }
        let mut set = |column: usize, cells: &[Field]| {
            advice[column][..cells.len()].copy_from_slice(cells);
        };
        for (column, cells) in witness.first_phase(&self.table) {
            set(column.index(), cells);
        }
        let second = witness.second_phase(&self.compiled, &self.table, Self::challenge);
        for (column, cells) in second {
            set(column.index(), &cells);
        }
        let mut instance = witness.instance().to_vec();
        for column in &mut instance {
            column.resize(self.rows(), Field::ZERO);
        }
        Filled { advice, instance }
    }

    /// The equations that do not hold in some rows.
    pub(crate) fn failing(
        &self,
        filled: &Filled,
        rows: impl IntoIterator<Item = usize>,
    ) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for row in rows {
            for gate in self.system.gates() {
                for (index, polynomial) in gate.polynomials().iter().enumerate() {
                    if self.evaluate(filled, row, polynomial) != Field::ZERO {
                        names.insert(gate.constraint_name(index).to_owned());
                    }
                }
            }
        }
        names
    }

    /// The equations that do not hold anywhere.
    pub(crate) fn verdict(&self, witness: &ProgramWitness) -> BTreeSet<String> {
        self.failing(&self.fill(witness), 0..self.rows())
    }

    /// The rows whose equations a cell of phase 1 is in, and those that say that sums are what
    /// they should be.
    pub(crate) fn around(&self, row: usize) -> Vec<usize> {
        let rows = self.rows();
        let near = [row + rows - 1, row, row + 1].map(|row| row % rows);
        near.into_iter().chain([0, self.last_row()]).collect()
    }

    fn evaluate(&self, filled: &Filled, row: usize, expression: &Expression<Field>) -> Field {
        let at = |rotation: Rotation| {
            let rows = self.rows() as i32;
            (row as i32 + rotation.0).rem_euclid(rows) as usize
        };
        expression.evaluate(
            &|constant| constant,
            &|_| Field::ZERO,
            &|query| self.fixed[query.column_index()][at(query.rotation())],
            &|query| filled.advice[query.column_index()][at(query.rotation())],
            &|query| filled.instance[query.column_index()][at(query.rotation())],
            &Self::challenge,
            &|value| -value,
            &|a, b| a + b,
            &|a, b| a * b,
            &|value, factor| value * factor,
        )
    }
}

/// An element that is a small integer.
pub(crate) fn small(element: Field) -> Option<usize> {
    let bytes = element.to_repr();
    let (low, high) = bytes.as_ref().split_at(4);
    let is_small = high.iter().all(|byte| *byte == 0);
    is_small.then(|| u32::from_le_bytes(low.try_into().unwrap()) as usize)
}

/// Changes a limb, and the multiplicities with it: the lookup holds if the new limb is in range.
pub(crate) fn set_limb(witness: &mut ProgramWitness, column: usize, row: usize, limb: Field) {
    let old = witness.limbs[column][row];
    for (entry, change) in [(old, -Field::ONE), (limb, Field::ONE)] {
        let cell = small(entry).and_then(|entry| witness.multiplicity.get_mut(entry));
        if let Some(cell) = cell {
            *cell += change;
        }
    }
    witness.limbs[column][row] = limb;
}

/// Writes a number to limbs of a row, from one on; its high bits are lost.
pub(crate) fn set_number(witness: &mut ProgramWitness, row: usize, first: usize, number: i128) {
    for column in first..witness.limbs.len() {
        let shift = LIMBS.bits as usize * (column - first);
        let limb = (number >> shift.min(127)) & ((1 << LIMBS.bits) - 1);
        set_limb(witness, column, row, field(limb));
    }
}
