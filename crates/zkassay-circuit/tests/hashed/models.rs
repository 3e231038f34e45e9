//! Programs whose messages have one element or many, an odd or an even number of them, and digests
//! among public values.

use zkassay_circuit::{CompileOptions, CompiledProgram, ProgramWitness};
use zkassay_fixed::{DataVisibility, Scale, Visibility};
use zkassay_gadgets::poseidon::Sponge;
use zkassay_gadgets::{Field, field};
use zkassay_quant::{
    Child, Encoding, Finish, Forest, ForestNode, Kind, Program, Ranks, Step, Wire,
};

use crate::common::{Builder, LIMBS, every_kind, rows};

/// A dense network.
pub(crate) fn network(inputs: usize, outputs: usize) -> Program {
    let mut builder = Builder::new(inputs, 1);
    let hidden = builder.dense(&(0..inputs).collect::<Vec<Wire>>(), 4, Finish::Relu);
    builder.dense(&hidden, outputs, Finish::Exact);
    builder.finish()
}

/// Two inputs, and an output in every second row.
pub(crate) fn products(outputs: usize) -> Program {
    let mut builder = Builder::new(2, 2);
    let pairs = (0..outputs).map(|index| (index % 2, 1)).collect();
    builder.step(Kind::Products(pairs), Finish::Round, None);
    builder.finish()
}

/// Two trees with two scores, about three features.
pub(crate) fn trees() -> Program {
    let node = |feature, rank, yes, no| ForestNode {
        feature,
        rank,
        yes,
        no,
    };
    use Child::{Leaf, Node};
    let forest = Forest {
        features: vec![2, 1, 3],
        nodes: vec![
            node(0, 1, Node(1), Leaf(0)),
            node(2, 2, Leaf(1), Leaf(2)),
            node(1, 0, Leaf(2), Node(3)),
            node(2, 0, Leaf(0), Leaf(1)),
        ],
        roots: vec![0, 2],
        leaves: vec![vec![5, -3], vec![-7, 2], vec![1, 100]],
        bias: vec![10, -20],
    };
    let ranks = [vec![-1.5, 2.0], vec![0.0], vec![-3.0, 0.25, 4.0]];
    let ranks = ranks.into_iter().enumerate();
    Program {
        name: "trees".into(),
        input: "input".into(),
        inputs: 3,
        input_scale: Scale(0),
        encoding: Encoding::Ranks {
            features: 3,
            ranks: ranks
                .map(|(feature, thresholds)| Ranks {
                    feature,
                    thresholds,
                })
                .collect(),
        },
        labelled: false,
        limbs: LIMBS,
        tables: vec![],
        steps: vec![Step {
            name: "trees".into(),
            kind: Kind::Forest(forest),
            finish: Finish::Exact,
            bound: None,
        }],
        outputs: 2,
        output_scale: Scale(0),
        probability: false,
    }
}

pub(crate) fn programs() -> Vec<Program> {
    vec![
        network(5, 2),
        // Three elements of 21 integers, and then two permutations; outputs in three elements.
        network(60, 9),
        // The digest of the inputs would be among the outputs.
        network(3, 70),
        products(40),
        trees(),
        every_kind(),
    ]
}

pub(crate) fn options(
    input: DataVisibility,
    output: DataVisibility,
    batch: u32,
    totals: bool,
) -> CompileOptions {
    CompileOptions {
        visibility: Visibility {
            input,
            output,
            ..Visibility::default()
        },
        batch,
        totals,
        ..CompileOptions::default()
    }
}

/// A table with hashed inputs and public outputs.
pub(crate) fn compile(program: Program, batch: u32) -> CompiledProgram {
    let options = options(DataVisibility::Hashed, DataVisibility::Public, batch, false);
    CompiledProgram::with_options(program, &options).unwrap()
}

/// A witness for rows of their own.
pub(crate) fn witness(compiled: &CompiledProgram) -> ProgramWitness {
    witness_from(compiled, 0)
}

/// A witness for other rows.
pub(crate) fn witness_from(compiled: &CompiledProgram, first: usize) -> ProgramWitness {
    let lanes = compiled.shape().lanes as usize;
    let rows = rows(first + lanes, compiled.program().row_length());
    compiled.witness_batch(&rows[first..]).unwrap()
}

/// The hash of integers, as anybody would compute it.
pub(crate) fn native(integers: &[i64], bits: u32) -> Field {
    let half = 1i128 << (bits - 1);
    let shifted = integers.iter().map(|x| field(i128::from(*x) + half));
    let shifted: Vec<Field> = shifted.collect();
    Sponge::new(0, shifted.len(), bits).hash(&shifted)
}
