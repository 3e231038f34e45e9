//! Real proofs of integer programs: accepted when honest, rejected when anything is changed. The
//! programs, and the prover that fills tables as it likes, are those of the circuit's tests.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::sync::OnceLock;
use std::time::Instant;

use zkassay_circuit::circuit::Overwrite;
use zkassay_circuit::program::layout::Producer;
use zkassay_circuit::{CompileOptions, CompiledProgram, ProgramWitness};
use zkassay_fixed::{DataVisibility, Visibility};
use zkassay_gadgets::halo2_proofs::halo2curves::bn256::G1Affine;
use zkassay_gadgets::halo2_proofs::plonk::ConstraintSystem;
use zkassay_gadgets::halo2_proofs::transcript::{
    Blake2bRead, Challenge255, Transcript as _, TranscriptRead as _, TranscriptReadBuffer as _,
};
use zkassay_gadgets::program::{Kinds, ProgramShape};
use zkassay_gadgets::{Field, TableColumns, TableShape};
use zkassay_prover::{ProvingKey, Srs};
use zkassay_quant::{Finish, Kind, Program};
use zkassay_verifier::artefact::{Kind as Artefact, open, seal};
use zkassay_verifier::{Proof, PublicData, Statement, VerifyError, VerifyingKey};

use common::{compile, every_kind};
use forger::{evaluate, fill};

#[path = "../../zkassay-circuit/tests/program/common.rs"]
#[allow(dead_code, reason = "the circuit's tests use all of it")]
mod common;
#[path = "../../zkassay-circuit/tests/program/forger.rs"]
#[allow(dead_code, reason = "the circuit's tests use all of it")]
mod forger;

const INPUT: [i64; 6] = [300, -77, 1200, 5, -2048, 2047];

fn srs() -> &'static Srs {
    static SRS: OnceLock<Srs> = OnceLock::new();
    SRS.get_or_init(|| Srs::unsafe_local(10))
}

fn key() -> &'static ProvingKey {
    static KEY: OnceLock<ProvingKey> = OnceLock::new();
    KEY.get_or_init(|| setup(compile(every_kind())))
}

fn setup(compiled: CompiledProgram) -> ProvingKey {
    ProvingKey::setup(srs(), compiled, [7; 32]).unwrap()
}

fn compiled(key: &ProvingKey) -> &CompiledProgram {
    key.compiled().program().unwrap()
}

/// The table of a prover that forces some wires to be something else.
fn table(forced: &[(usize, i128)]) -> ProgramWitness {
    let compiled = compiled(key());
    fill(compiled, &evaluate(compiled.program(), &INPUT, forced))
}

fn prove(witness: &ProgramWitness) -> Proof {
    key().prove(srs(), witness).unwrap()
}

fn is_rejected(key: &ProvingKey, proof: &Proof) -> bool {
    matches!(
        key.verifying_key().verify(proof),
        Err(VerifyError::Rejected { .. })
    )
}

#[test]
fn honest_proofs_are_accepted() {
    let witness = table(&[]);
    let proof = Proof::from_bytes(&prove(&witness).to_bytes()).unwrap();
    let public = VerifyingKey::from_bytes(&key().verifying_key().to_bytes()).unwrap();
    let verdict = public.verify(&proof).unwrap();
    let scale = compiled(key()).program().output_scale;
    let outputs: Vec<f64> = witness.outputs.iter().map(|z| scale.real(*z)).collect();
    assert_eq!(verdict.outputs, outputs);
    // Another input with the same key, a key from its file.
    let again = ProvingKey::from_bytes(&key().to_bytes().unwrap()).unwrap();
    let other = fill(
        compiled(&again),
        &evaluate(compiled(&again).program(), &[0; 6], &[]),
    );
    let proof = again.prove(srs(), &other).unwrap();
    assert!(public.verify(&proof).is_ok());
}

#[test]
fn columns_of_weights_that_are_all_zero_are_columns() {
    // Outputs that read nothing: some columns of weights have no cell but zeros, several of them.
    let mut builder = common::Builder::new(60, 2);
    let wires: Vec<usize> = (0..60).collect();
    builder.dense(&wires, 24, Finish::Round);
    let mut program = builder.finish();
    if let Kind::Dense { weights, .. } = &mut program.steps[0].kind {
        for row in [3, 4, 11, 23] {
            weights.row_mut(row).fill(0);
        }
    }
    let key = setup(compile(program));
    let block_width = compiled(&key).shape().block_width;
    assert!(block_width >= 24, "{block_width}");
    let inputs: Vec<i64> = (0..60).map(|x| 17 * x - 400).collect();
    let witness = fill(
        compiled(&key),
        &evaluate(compiled(&key).program(), &inputs, &[]),
    );
    let proof = key.prove(srs(), &witness).unwrap();
    key.verifying_key().verify(&proof).unwrap();
}

/// One row of each kind, the ends, and rows that nothing uses.
fn sampled_rows() -> Vec<usize> {
    let compiled = compiled(key());
    let steps = &compiled.program().steps;
    let mut seen = Vec::new();
    let mut rows = vec![0, 1];
    for (row, producer) in compiled.producers().iter().enumerate() {
        let kind = match *producer {
            Producer::Idle => "idle".to_owned(),
            Producer::Input(_) => "input".to_owned(),
            Producer::Free { cells, .. } => format!("free {cells}"),
            Producer::Function { .. } => "function".to_owned(),
            Producer::Wire { step, .. } => {
                let kind = std::mem::discriminant(&steps[step].kind);
                format!("{kind:?} {:?}", steps[step].finish)
            }
        };
        if !seen.contains(&kind) {
            seen.push(kind);
            rows.push(row);
        }
    }
    let last = compiled.shape().last_row();
    let used = compiled.shape().used_rows as usize;
    rows.extend([used - 1, used, last - 1, last]);
    rows
}

#[test]
fn overwritten_cells_are_rejected_with_real_challenges() {
    // Both phases, all columns; the circuit's tests have every row, with challenges that are fixed.
    let witness = table(&[]);
    let mut system = ConstraintSystem::default();
    let shape = key().compiled().shape();
    let TableColumns::Program(columns) = shape.configure(&mut system) else {
        panic!("a program's columns are a program's");
    };
    let sums = [columns.dot, columns.combination, columns.lookups.sum].map(|sum| sum.index());
    let rows = sampled_rows();
    assert!(rows.len() > 14, "{rows:?}");
    for column in 0..system.num_advice_columns() {
        for &row in &rows {
            if row == shape.last_row() && !sums.contains(&column) {
                continue;
            }
            let delta = Field::one();
            let overwrite = Overwrite { column, row, delta };
            let proof = key().unsound_prove(srs(), &witness, overwrite).unwrap();
            assert!(
                is_rejected(key(), &proof),
                "column {column}, row {row} is free"
            );
        }
    }
}

#[test]
fn forged_wires_are_rejected_with_real_challenges() {
    // One wire of each step is something else, and everything after it is computed from that.
    let program = compiled(key()).program();
    let honest = evaluate(program, &INPUT, &[]).wires;
    let mut first = program.inputs;
    for step in &program.steps {
        let wire = first + step.len() - 1;
        first += step.len();
        for change in [1, -1] {
            let proof = prove(&table(&[(wire, honest[wire] + change)]));
            assert!(is_rejected(key(), &proof), "{}: {change}", step.name);
        }
    }
    // Control: another input.
    let proof = prove(&table(&[(0, 299)]));
    assert!(key().verifying_key().verify(&proof).is_ok());
}

#[test]
fn other_outputs_are_rejected() {
    let proof = prove(&table(&[]));
    let scale = compiled(key()).program().output_scale;
    let with = |outputs: &[i64]| Proof {
        output: PublicData::values(outputs, scale),
        ..proof.clone()
    };
    let honest = proof.output.integers();
    for index in 0..honest.len() {
        for change in [1, -1, 1 << 40] {
            let mut outputs = honest.clone();
            outputs[index] += change;
            assert!(is_rejected(key(), &with(&outputs)));
        }
        let mut outputs = honest.clone();
        outputs.rotate_left(index);
        assert_eq!(is_rejected(key(), &with(&outputs)), outputs != honest);
    }
    for extreme in [i64::MIN, i64::MAX] {
        assert!(
            key()
                .verifying_key()
                .verify(&with(&[extreme, 0, 0]))
                .is_err()
        );
    }
    for outputs in [&honest[1..], &[], &[&honest[..], &[0]].concat()] {
        let verdict = key().verifying_key().verify(&with(outputs));
        assert!(matches!(verdict, Err(VerifyError::Count { .. })));
    }
    // Outputs of one proof, transcript of another.
    let other = prove(&table(&[(0, -300)]));
    assert_ne!(other.output, proof.output);
    assert!(is_rejected(
        key(),
        &Proof {
            output: other.output,
            ..proof
        }
    ));
}

#[test]
fn every_part_of_a_proof_counts() {
    let proof = prove(&table(&[]));
    for index in (0..proof.transcript.len()).step_by(5) {
        let mut changed = proof.clone();
        changed.transcript[index] ^= 1 << (index % 8);
        assert!(is_rejected(key(), &changed), "byte {index}");
    }
    for length in [0, 32, proof.transcript.len() - 1] {
        let mut changed = proof.clone();
        changed.transcript.truncate(length);
        assert!(is_rejected(key(), &changed), "length {length}");
    }
}

/// The challenges of the first phase, as the verifier computes them.
fn challenges(proof: &Proof) -> Vec<Field> {
    let key = key().verifying_key();
    let mut bytes = proof.transcript.as_slice();
    let mut transcript = Blake2bRead::<_, G1Affine, Challenge255<_>>::init(&mut bytes);
    transcript.common_scalar(key.domain_separator()).unwrap();
    key.halo2().hash_into(&mut transcript).unwrap();
    for value in key.instance(&proof.input, &proof.output).unwrap().concat() {
        transcript.common_scalar(value).unwrap();
    }
    let system = key.halo2().cs();
    for _ in system
        .advice_column_phase()
        .iter()
        .filter(|phase| **phase == 0)
    {
        transcript.read_point().unwrap();
    }
    let phases = system.challenge_phase();
    // All of them belong to the first phase: none is drawn before its columns.
    assert!(phases.iter().all(|phase| *phase == 0));
    phases
        .iter()
        .map(|_| *transcript.squeeze_challenge_scalar::<()>())
        .collect()
}

#[test]
fn challenges_depend_on_all_that_they_test() {
    // Whoever changes a value after the challenges gets others: columns of the first phase are all but
    // factors, sums and helpers.
    let proof = prove(&table(&[]));
    let honest = challenges(&proof);
    assert_eq!(honest.len(), 3);
    let distinct: std::collections::BTreeSet<_> = honest.iter().collect();
    assert_eq!(distinct.len(), 3);
    let mut system = ConstraintSystem::default();
    let TableColumns::Program(columns) = key().compiled().shape().configure(&mut system) else {
        panic!("a program's columns are a program's");
    };
    let phases = system.advice_column_phase();
    let function = columns.function.as_ref().unwrap();
    let lane = &columns.lanes[0];
    let first = [lane.value, lane.operand, columns.lookups.multiplicity]
        .into_iter()
        .chain(lane.limbs.iter().copied())
        .chain(lane.segment.into_iter().flatten())
        .chain([function.multiplicity]);
    let first: Vec<usize> = first.map(|column| column.index()).collect();
    assert!(first.iter().all(|index| phases[*index] == 0));
    assert_eq!(
        phases.iter().filter(|phase| **phase == 0).count(),
        first.len()
    );
    let is_changed = |other: &Proof| {
        let pairs = challenges(other).into_iter().zip(honest.clone());
        pairs.into_iter().all(|(a, b)| a != b)
    };
    let point = |index: usize| 32 * index..32 * (index + 1);
    for index in 0..first.len() {
        let mut changed = proof.clone();
        // Another valid point: the first commitment of phase 2.
        let replacement = proof.transcript[point(first.len())].to_vec();
        changed.transcript[point(index)].copy_from_slice(&replacement);
        assert!(is_changed(&changed), "commitment {index}");
    }
    let mut outputs = proof.output.integers();
    outputs[2] += 1;
    let scale = compiled(key()).program().output_scale;
    let output = PublicData::values(&outputs, scale);
    assert!(is_changed(&Proof { output, ..proof }));
}

/// Programs that differ from the key's in one number.
fn others() -> Vec<(&'static str, Program)> {
    let program = compiled(key()).program();
    let change = |what: &'static str, change: &dyn Fn(&mut Program) -> bool| {
        let mut other = program.clone();
        assert!(change(&mut other), "{what}");
        assert_ne!(other, *program, "{what}");
        (what, other)
    };
    let any = |program: &mut Program, change: &dyn Fn(&mut Kind) -> bool| {
        program.steps.iter_mut().any(|step| change(&mut step.kind))
    };
    let one = |cell: Option<&mut i64>| {
        cell.is_some_and(|cell| {
            *cell -= if *cell == 0 { 1 } else { cell.signum() };
            true
        })
    };
    vec![
        change("weight of a dense step", &|program| {
            any(program, &|kind| match kind {
                Kind::Dense { weights, .. } => one(weights.iter_mut().last()),
                _ => false,
            })
        }),
        change("weight of a convolution", &|program| {
            any(program, &|kind| match kind {
                Kind::Conv(conv) => one(conv.weights.iter_mut().last()),
                _ => false,
            })
        }),
        change("weight of a sum", &|program| {
            any(program, &|kind| match kind {
                Kind::Sums(sums) => one(sums[0].terms.first_mut().map(|term| &mut term.1)),
                _ => false,
            })
        }),
        change("bias", &|program| {
            any(program, &|kind| match kind {
                Kind::Dense { bias, .. } => one(bias.last_mut()),
                _ => false,
            })
        }),
        change("bias of a convolution", &|program| {
            any(program, &|kind| match kind {
                Kind::Conv(conv) => one(conv.bias.last_mut()),
                _ => false,
            })
        }),
        change("coefficient", &|program| {
            program.tables[1]
                .segments
                .iter_mut()
                .for_each(|(c0, _)| *c0 += 1 << 12);
            true
        }),
        change("operand of a product", &|program| {
            any(program, &|kind| match kind {
                Kind::Products(pairs) if pairs.len() > 1 => {
                    pairs[0] = (0, 2);
                    true
                }
                _ => false,
            })
        }),
        change("argument of a function", &|program| {
            any(program, &|kind| match kind {
                Kind::Table { inputs, .. } => {
                    inputs[0] = 1;
                    true
                }
                _ => false,
            })
        }),
        change("image of a convolution", &|program| {
            any(program, &|kind| match kind {
                Kind::Conv(conv) => {
                    conv.inputs.swap(1, 2);
                    true
                }
                _ => false,
            })
        }),
    ]
}

#[test]
fn the_proof_of_one_program_is_rejected_by_the_key_of_another() {
    let ours = compiled(key());
    for (what, program) in others() {
        let other = CompiledProgram::with_options(program, ours.options()).unwrap();
        assert_eq!(other.shape(), ours.shape(), "{what}");
        let witness = fill(&other, &evaluate(other.program(), &INPUT, &[]));
        assert_ne!(witness, table(&[]), "{what}");
        let theirs = setup(other);
        let proof = theirs.prove(srs(), &witness).unwrap();
        theirs.verifying_key().verify(&proof).unwrap();
        // Under its own name, and under ours; and made with our key.
        let verdict = key().verifying_key().verify(&proof);
        assert!(matches!(verdict, Err(VerifyError::Key { .. })), "{what}");
        let renamed = Proof {
            key: key().verifying_key().digest(),
            ..proof
        };
        assert!(is_rejected(key(), &renamed), "{what}");
        assert!(is_rejected(key(), &prove(&witness)), "{what}");
    }
}

#[test]
fn public_inputs_are_those_of_the_proof() {
    let options = CompileOptions {
        visibility: Visibility {
            input: DataVisibility::Public,
            output: DataVisibility::Public,
            ..Visibility::default()
        },
        ..CompileOptions::default()
    };
    let key = setup(CompiledProgram::with_options(every_kind(), &options).unwrap());
    let compiled = compiled(&key);
    let of = |input: &[i64]| fill(compiled, &evaluate(compiled.program(), input, &[]));
    let proof = key.prove(srs(), of(&INPUT)).unwrap();
    assert_eq!(key.verifying_key().verify(&proof).unwrap().inputs.len(), 6);
    let scale = compiled.program().input_scale;
    for index in 0..6 {
        let mut input = INPUT;
        input[index] += 1;
        let changed = Proof {
            input: PublicData::values(&input, scale),
            ..proof.clone()
        };
        assert!(is_rejected(&key, &changed), "input {index}");
        // The table of one input, the public values of another.
        let mut forged = of(&INPUT);
        forged.inputs = input.to_vec();
        forged.instance = of(&input).instance;
        let proof = key.prove(srs(), &forged).unwrap();
        assert!(is_rejected(&key, &proof), "input {index}");
    }
    // Inputs and outputs exchanged, and hidden.
    let swapped = Proof {
        input: proof.output.clone(),
        output: proof.input.clone(),
        ..proof.clone()
    };
    assert!(key.verifying_key().verify(&swapped).is_err());
    let hidden = Proof {
        input: PublicData::Private,
        ..proof
    };
    assert!(key.verifying_key().verify(&hidden).is_err());
}

#[test]
fn hostile_verifying_keys_give_errors() {
    // Each word of the shape at values that matter: an error, or a key that rejects the proof.
    let bytes = key().verifying_key().to_bytes();
    let payload = open(Artefact::VerifyingKey, &bytes).unwrap();
    let proof = prove(&table(&[]));
    // After two digests and the origin.
    let shape_at = 65;
    for word in 0..ProgramShape::BYTES / 4 {
        for value in [
            0,
            1,
            2,
            5,
            16,
            31,
            33,
            255,
            1 << 10,
            1 << 20,
            1 << 31,
            (1 << 31) + 20,
            u32::MAX,
        ] {
            let mut changed = payload.to_vec();
            let at = shape_at + 4 * word;
            changed[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let changed = seal(Artefact::VerifyingKey, &changed);
            if let Ok(other) = VerifyingKey::from_bytes(&changed)
                && changed != bytes
            {
                let renamed = Proof {
                    key: other.digest(),
                    ..proof.clone()
                };
                assert!(other.verify(&renamed).is_err(), "word {word}: {value}");
            }
        }
    }
}

#[test]
fn the_largest_shapes_are_read_in_bounded_time() {
    let honest = key().verifying_key();
    let sizes = [
        (16, 1, 0, 3),
        (16, 1, 0, 5),
        (2, 1024, 2, 3),
        (2, 31, 85, 5),
        (10, 819, 0, 3),
        (16, 1, 256, 5),
    ];
    for (limbs, lanes, slots, degree) in sizes {
        let started = Instant::now();
        // The rows of all lanes together are bounded, too.
        let logrows = if lanes > 1 { 15 } else { 20 };
        let shape = ProgramShape {
            logrows,
            limb_bits: 3,
            limbs,
            input_limbs: limbs,
            shift_limbs: limbs - 1,
            table_limbs: limbs - 1,
            block_width: 1024,
            strides: (993..=1024).collect(),
            starts: (225..=256).collect(),
            kinds: Kinds {
                round: true,
                relu: true,
                exact_relu: true,
                exact: true,
                nonnegative: true,
                free: true,
                product: true,
                table: true,
                wide: true,
            },
            degree,
            inputs: 1 << (logrows - 1),
            first_input: 0,
            outputs: 1 << (logrows - 1),
            first_output: 0,
            output_stride: 1,
            used_rows: (1 << logrows) - 7,
            lanes,
            totals: lanes > 1,
            slots,
            visibility: Visibility::default(),
        };
        shape.validate().unwrap();
        let shape = TableShape::Program(shape);
        let mut system = ConstraintSystem::default();
        shape.configure(&mut system);
        let columns = system.num_fixed_columns();
        assert!(columns < 1200 + 5 * 256, "{columns}");
        let statement = Statement {
            shape,
            ..honest.statement().clone()
        };
        let points = vec![G1Affine::generator(); columns];
        let s_g2 = honest.s_g2();
        // Also on the small stacks of worker threads.
        let read = std::thread::Builder::new()
            .stack_size(2 << 20)
            .spawn(move || {
                VerifyingKey::new(statement, s_g2, &points).map(|key| key.to_bytes().len())
            });
        assert!(read.unwrap().join().unwrap().unwrap() < 1 << 17);
        let elapsed = started.elapsed();
        let what = format!("{limbs} limbs, {lanes} lanes, {slots} nodes: {elapsed:?}");
        assert!(elapsed.as_secs() < 20, "{what}");
    }
}

#[test]
fn impossible_shapes_are_refused() {
    let honest = match key().compiled().shape() {
        TableShape::Program(shape) => shape,
        TableShape::Chain(_) => panic!("it is a program's"),
    };
    let refused: [fn(&mut ProgramShape); 21] = [
        |shape| shape.limbs = 17,
        |shape| (shape.limbs, shape.limb_bits) = (16, 4),
        |shape| shape.limbs = 1,
        |shape| shape.limb_bits = 0,
        |shape| shape.limb_bits = shape.logrows,
        |shape| shape.shift_limbs = shape.limbs,
        |shape| shape.shift_limbs = 0,
        |shape| shape.table_limbs = shape.limbs,
        |shape| shape.table_limbs = 0,
        |shape| shape.input_limbs = 0,
        |shape| shape.input_limbs = shape.limbs + 1,
        |shape| shape.block_width = 1025,
        |shape| shape.strides = vec![shape.block_width + 1],
        |shape| shape.starts = vec![0],
        |shape| shape.starts = vec![257],
        |shape| shape.starts = vec![1; 33],
        |shape| shape.degree = 4,
        |shape| shape.first_output = shape.used_rows,
        |shape| shape.first_output = u32::MAX,
        |shape| shape.first_input = shape.used_rows - shape.inputs + 1,
        |shape| shape.used_rows = shape.last_row() as u32 + 1,
    ];
    for (index, change) in refused.into_iter().enumerate() {
        let mut shape = honest.clone();
        change(&mut shape);
        assert!(shape.validate().is_err(), "case {index}: {shape:?}");
    }
}
