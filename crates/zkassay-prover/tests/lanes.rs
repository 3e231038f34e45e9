//! Real proofs of decision trees, and of several inferences at once.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::sync::OnceLock;

use zkassay_circuit::circuit::Overwrite;
use zkassay_circuit::{CompileOptions, CompiledProgram, ProgramWitness};
use zkassay_fixed::{DataVisibility, Visibility};
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_gadgets::{Field, TableColumns, field};
use zkassay_prover::{ProvingKey, Srs};
use zkassay_quant::{Child, Finish, Forest, ForestNode, Program, Sum, Wire};
use zkassay_verifier::{Proof, PublicData, VerifyError, VerifyingKey};

use common::{Builder, rows};
use forger::{evaluate, fill, fill_lanes};

#[path = "../../zkassay-circuit/tests/program/common.rs"]
#[allow(dead_code, reason = "the circuit's tests use all of it")]
mod common;
#[path = "../../zkassay-circuit/tests/program/forger.rs"]
#[allow(dead_code, reason = "the circuit's tests use all of it")]
mod forger;

fn srs() -> &'static Srs {
    static SRS: OnceLock<Srs> = OnceLock::new();
    SRS.get_or_init(|| Srs::unsafe_local(8))
}

fn key(program: Program, batch: u32, totals: bool, input: DataVisibility) -> ProvingKey {
    let options = CompileOptions {
        batch,
        totals,
        visibility: Visibility {
            input,
            ..Visibility::default()
        },
        ..CompileOptions::default()
    };
    let compiled = CompiledProgram::with_options(program, &options).unwrap();
    ProvingKey::setup(srs(), compiled, [7; 32]).unwrap()
}

fn compiled(key: &ProvingKey) -> &CompiledProgram {
    key.compiled().program().unwrap()
}

fn prove(key: &ProvingKey, witness: &ProgramWitness) -> Proof {
    key.prove(srs(), witness).unwrap()
}

fn is_rejected(key: &ProvingKey, proof: &Proof) -> bool {
    let verdict = key.verifying_key().verify_any(proof);
    matches!(verdict, Err(VerifyError::Rejected { .. }))
}

/// Trees with equal questions and ranks that none asks about.
fn forest() -> Forest {
    use Child::{Leaf, Node};
    let node = |feature, rank, yes, no| ForestNode {
        feature,
        rank,
        yes,
        no,
    };
    Forest {
        features: vec![3, 2],
        nodes: vec![
            node(0, 1, Node(1), Node(2)),
            node(1, 0, Leaf(0), Leaf(1)),
            node(0, 2, Leaf(2), Leaf(3)),
            node(0, 1, Leaf(4), Leaf(5)),
        ],
        roots: vec![0, 3],
        leaves: (0..6).map(|leaf| vec![5 + 3 * leaf, 40 - leaf]).collect(),
        bias: vec![1, -2],
    }
}

/// The trees alone.
fn trees() -> Program {
    let forest = forest();
    let mut builder = Builder::ranked(&forest.features, 1);
    builder.forest(forest);
    builder.finish()
}

/// The trees, and what becomes of their scores.
fn trees_and_more() -> Program {
    let forest = forest();
    let mut builder = Builder::ranked(&forest.features, 1);
    let scores = builder.forest(forest);
    let hidden = builder.dense(&scores, 2, Finish::Relu);
    let all = [hidden, scores].concat().into_iter().map(Sum::of);
    builder.sums(all.collect(), Finish::Exact);
    builder.finish()
}

fn network() -> Program {
    let mut builder = Builder::new(3, 5);
    let inputs: Vec<Wire> = (0..3).collect();
    let hidden = builder.dense(&inputs, 4, Finish::Relu);
    builder.dense(&hidden, 2, Finish::Exact);
    builder.finish()
}

/// Keys of all kinds, each with an honest table.
fn honest() -> Vec<(ProvingKey, ProgramWitness)> {
    use DataVisibility::{Private, Public};
    let ranks = [[1.5, -1.0], [0.0, 2.0], [9.0, 0.5]];
    let ranks: Vec<Vec<f32>> = ranks.map(|row| row.to_vec()).into();
    let reals = rows(3, 3);
    let cases = [
        (trees(), &ranks[..1], false, Public),
        (trees_and_more(), &ranks[..1], false, Private),
        (trees(), &ranks[..], true, Private),
        (network(), &reals[..], false, Public),
        (network(), &reals[..], true, Private),
    ];
    let make = |(program, rows, totals, input): (_, &[Vec<f32>], _, _)| {
        let key = key(program, rows.len() as u32, totals, input);
        let witness = compiled(&key).witness_batch(rows).unwrap();
        (key, witness)
    };
    cases.map(make).into()
}

#[test]
fn honest_proofs_are_accepted() {
    for (key, witness) in honest() {
        let proof = Proof::from_bytes(&prove(&key, &witness).to_bytes()).unwrap();
        let public = VerifyingKey::from_bytes(&key.verifying_key().to_bytes()).unwrap();
        let verdict = public.verify_any(&proof).unwrap();
        let scale = compiled(&key).program().output_scale;
        let outputs: Vec<f64> = witness.outputs.iter().map(|z| scale.real(*z)).collect();
        assert_eq!(verdict.outputs, outputs);
        if compiled(&key).shape().reveals_inputs() {
            let scale = compiled(&key).program().input_scale;
            let inputs: Vec<f64> = witness.inputs.iter().map(|z| scale.real(*z)).collect();
            assert_eq!(verdict.inputs, inputs);
        }
        // The same key from its file.
        let again = ProvingKey::from_bytes(&key.to_bytes().unwrap()).unwrap();
        public.verify_any(&prove(&again, &witness)).unwrap();
    }
}

#[test]
fn every_part_of_a_proof_counts() {
    for (key, witness) in honest() {
        let proof = prove(&key, &witness);
        for index in (0..proof.transcript.len()).step_by(37) {
            let mut changed = proof.clone();
            changed.transcript[index] ^= 1 << (index % 8);
            assert!(is_rejected(&key, &changed), "byte {index}");
        }
    }
}

#[test]
fn other_public_values_are_rejected() {
    for (key, witness) in honest() {
        let proof = prove(&key, &witness);
        let program = compiled(&key).program();
        let lanes = compiled(&key).shape().lanes as usize;
        let sides = [
            (&proof.output, program.output_scale, program.outputs),
            (&proof.input, program.input_scale, program.inputs),
        ];
        for (side, (data, scale, each)) in sides.into_iter().enumerate() {
            let honest = data.integers();
            let with = |integers: &[i64]| {
                let mut changed = proof.clone();
                let values = PublicData::values(integers, scale);
                *[&mut changed.output, &mut changed.input][side] = values;
                changed
            };
            for index in 0..honest.len() {
                for change in [1, -1] {
                    let mut integers = honest.clone();
                    integers[index] += change;
                    assert!(is_rejected(&key, &with(&integers)), "{side}: {index}");
                }
            }
            // What is one lane's is not another's, and more in one is not less in another.
            if honest.len() == lanes * each && lanes > 1 {
                let mut integers = honest.clone();
                integers.rotate_left(each);
                assert_ne!(integers, honest);
                assert!(is_rejected(&key, &with(&integers)));
                let mut integers = honest.clone();
                integers[0] += 1;
                integers[each] -= 1;
                assert!(is_rejected(&key, &with(&integers)));
            }
            if !honest.is_empty() {
                for wrong in [&honest[1..], &honest[..each.min(honest.len() - 1)], &[]] {
                    let verdict = key.verifying_key().verify_any(&with(wrong));
                    assert!(matches!(verdict, Err(VerifyError::Count { .. })));
                }
            }
        }
    }
}

#[test]
fn lanes_that_make_up_for_each_other_are_rejected_with_real_challenges() {
    for (key, witness) in honest() {
        let (compiled, program) = (compiled(&key), compiled(&key).program());
        let lanes = compiled.shape().lanes as usize;
        let inputs: Vec<&[i64]> = witness.inputs.chunks(program.inputs).collect();
        let first_output = program.wires() - program.outputs;
        let evaluated = |changes: &[i128]| {
            let lane = |(inputs, change): (&&[i64], &i128)| {
                let honest = evaluate(program, inputs, &[]).wires[first_output];
                evaluate(program, inputs, &[(first_output, honest + change)])
            };
            let lanes = inputs.iter().zip(changes).map(lane);
            fill_lanes(compiled, &lanes.collect::<Vec<_>>())
        };
        let mut changes = vec![0; lanes];
        assert_eq!(evaluated(&changes), witness);
        changes[0] = 1;
        assert!(is_rejected(&key, &prove(&key, &evaluated(&changes))));
        if lanes > 1 {
            // With totals the statement is true.
            changes[1] = -1;
            let forged = evaluated(&changes);
            assert_eq!(forged.outputs == witness.outputs, compiled.shape().totals);
            assert!(is_rejected(&key, &prove(&key, &forged)));
        }
    }
}

#[test]
fn lanes_cannot_be_exchanged() {
    for (key, witness) in honest() {
        if witness.lanes.len() < 2 {
            continue;
        }
        let mut swapped = witness.clone();
        swapped.lanes.swap(0, 2);
        let proof = prove(&key, &swapped);
        let verdict = key.verifying_key().verify_any(&proof);
        // A total is the same whatever the order.
        assert_eq!(verdict.is_ok(), compiled(&key).shape().totals);
    }
}

#[test]
fn dishonest_ways_are_rejected_with_real_challenges() {
    let key = key(trees(), 1, false, DataVisibility::Public);
    let (compiled, program) = (compiled(&key), compiled(&key).program());
    let trees = compiled.trees().unwrap();
    let inputs = [1, 0];
    let base = fill(compiled, &evaluate(program, &inputs, &[]));
    key.verifying_key().verify_any(&prove(&key, &base)).unwrap();
    let honest = base.outputs.clone();
    // Another leaf's scores, with and without its edges: of the second tree, of no tree at all.
    let forest = forest();
    let scores = |leaves: &[usize]| -> Vec<i128> {
        let score = |s: usize| {
            leaves
                .iter()
                .map(|leaf| forest.leaves[*leaf][s])
                .sum::<i64>()
        };
        (0..2)
            .map(|s| i128::from(forest.bias[s] + score(s)))
            .collect()
    };
    assert_eq!(
        scores(&[0, 4]),
        honest.iter().map(|z| i128::from(*z)).collect::<Vec<_>>()
    );
    let table = |leaves: &[usize]| {
        let forced: Vec<_> = (trees.first_score..).zip(scores(leaves)).collect();
        fill(compiled, &evaluate(program, &inputs, &forced))
    };
    let mut forgeries = vec![table(&[1, 4]), table(&[0, 5]), table(&[0]), table(&[])];
    let mut left_out = table(&[0]);
    let (row, slot) = trees.cell(trees.places[3]);
    left_out.lanes[0].edges[slot][row] = Field::zero();
    forgeries.push(left_out.clone());
    // With an edge past it.
    let (row, slot) = trees.cell(trees.places[1]);
    let past = trees.number(0) - trees.number(trees.places[1]);
    left_out.lanes[0].edges[slot][row] = field(past.into());
    forgeries.push(left_out);
    let mut empty = table(&[]);
    for column in &mut empty.lanes[0].edges {
        column.fill(Field::zero());
    }
    forgeries.push(empty);
    // The table of another input.
    for other in [[2, 0], [1, 1], [0, 0]] {
        let mut lie = fill(compiled, &evaluate(program, &other, &[]));
        let (here, there) = (&mut lie.lanes[0], &base.lanes[0]);
        for wire in 0..2 {
            let row = compiled.shape().input_row(wire);
            here.value[row] = there.value[row];
        }
        lie.instance[0].clone_from(&base.instance[0]);
        lie.instance[0][..2].copy_from_slice(&[0, 1].map(|s| field(lie.outputs[s].into())));
        forgeries.push(lie);
    }
    for (index, forgery) in forgeries.iter().enumerate() {
        assert!(is_rejected(&key, &prove(&key, forgery)), "forgery {index}");
    }
}

#[test]
fn overwritten_cells_are_rejected_with_real_challenges() {
    // Answers, edges and flows in all rows of the trees; one lane's cells, and what lanes share, in some.
    for (key, witness) in honest() {
        let shape = compiled(&key).shape();
        let mut system = ConstraintSystem::default();
        let TableColumns::Program(columns) = key.compiled().shape().configure(&mut system) else {
            panic!("a program's columns are a program's");
        };
        let lane = &columns.lanes[columns.lanes.len() - 1];
        let nodes = lane.nodes.iter().flat_map(|node| [node.below, node.edge]);
        let nodes: Vec<usize> = nodes
            .chain(lane.flows.iter().copied())
            .map(|c| c.index())
            .collect();
        let of_trees = compiled(&key)
            .trees()
            .map_or(0..0, |trees| trees.first..trees.end());
        let rows = [
            1,
            shape.output_row(0),
            shape.input_row(0),
            shape.last_row() - 1,
        ];
        let cells = nodes
            .iter()
            .flat_map(|column| of_trees.clone().map(|row| (*column, row)));
        let all = (0..system.num_advice_columns()).flat_map(|c| rows.map(|row| (c, row)));
        for (column, row) in cells.step_by(3).chain(all.step_by(7)) {
            let delta = Field::one();
            let overwrite = Overwrite { column, row, delta };
            let proof = key.unsound_prove(srs(), &witness, overwrite).unwrap();
            assert!(is_rejected(&key, &proof), "column {column}, row {row}");
        }
    }
}
