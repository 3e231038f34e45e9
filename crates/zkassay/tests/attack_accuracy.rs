//! Attacks on proofs of accuracy: other readings of honest proofs, and counting at extreme integers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ndarray::{Array2, array};
use zkassay::accuracy::{self, Expected, Salt, TestRows, committed_hash};
use zkassay::{
    CalibrationOptions, Circuit, CompileOptions, Count, Counting, DataVisibility, Error, Model,
    Proof, PublicData, Settings, Srs, Visibility, setup,
};
use zkassay_fixed::Scale;
use zkassay_onnx::ModelBuilder;
use zkassay_quant::{Answer, Encoding, Finish, Kind, Program, ProgramLimbs, Step, Sum};
use zkassay_seed::Stream;
use zkassay_verifier::VerifyError;

fn onnx() -> Vec<u8> {
    let weights = array![[1.0, -0.5, 0.25], [-0.75, 1.0, 0.5]];
    ModelBuilder::new("linear", 3)
        .and_then(|model| model.dense("out", weights.view(), array![0.3, -0.4].view()))
        .and_then(ModelBuilder::encode)
        .unwrap()
}

fn circuit(model: &Model, input: DataVisibility, margin: f64) -> Circuit {
    let rows = Array2::from_shape_fn((9, 3), |(i, j)| (i as f32 - 4.0) * 0.25 + j as f32 * 0.1);
    let options = CompileOptions {
        visibility: Visibility {
            input,
            ..Visibility::default()
        },
        batch: 2,
        ..CompileOptions::default()
    };
    let calibration = CalibrationOptions {
        margin,
        ..CalibrationOptions::default()
    };
    Settings::new(model, &options)
        .with_count(Counting {
            count: Count::Correct,
            classes: 2,
        })
        .unwrap()
        .calibrate(model, rows.view(), &calibration)
        .unwrap()
        .compile(model)
        .unwrap()
}

fn test_rows(factor: f32) -> TestRows {
    let values: Vec<f32> = (0..12)
        .map(|i| ((i * 5 % 7) as f32 - 3.0) * 0.125 * factor)
        .collect();
    TestRows::new(3, values, vec![0, 1, 0, 1]).unwrap()
}

/// A total is no output of the model.
#[test]
fn a_count_does_not_pass_as_a_single_proof() {
    let model = Model::from_onnx(&onnx()).unwrap();
    let circuit = circuit(&model, DataVisibility::Public, 2.0);
    let srs = Srs::unsafe_local(circuit.compiled.logrows());
    let key = setup(&srs, &circuit).unwrap();
    let test = test_rows(1.0);
    let proof = accuracy::prove(&srs, &key, &test, None, |_, _| ()).unwrap();
    let program = circuit.compiled.program().unwrap().program();
    let mut integers = vec![];
    for (row, label) in test.rows().take(2) {
        let row = [row, &[label as f32]].concat();
        integers.extend(program.quantize(&row).unwrap());
    }
    let key = key.verifying_key();
    let single = Proof {
        key: key.digest(),
        input: PublicData::values(&integers, &key.statement().input_scales),
        output: PublicData::values(&proof.proofs[0].totals, Scale(0)),
        transcript: proof.proofs[0].transcript.clone(),
    };
    let single = Proof::from_bytes(&single.to_bytes()).unwrap();
    let result = zkassay::verify(key, &single);
    let is_totals = matches!(result, Err(Error::Verify(VerifyError::Totals)));
    assert!(is_totals, "{result:?}");
}

/// Rows that are committed under one key stand for other rows under another.
#[test]
fn a_commitment_is_to_one_encoding() {
    let model = Model::from_onnx(&onnx()).unwrap();
    let salt = Salt::from_text(&"5c".repeat(32)).unwrap();
    let one = circuit(&model, DataVisibility::Hashed, 2.0);
    let committed = committed_hash(&one, &test_rows(1.0), &salt).unwrap();
    let mut tried = 0;
    for margin in [4.0, 8.0, 16.0, 64.0] {
        let other = circuit(&model, DataVisibility::Hashed, margin);
        let [a, b] = [&one, &other].map(|c| c.compiled.program().unwrap().program().input_scale.0);
        let factor = 2f32.powi(a - b);
        if a == b {
            continue;
        }
        let rows = test_rows(factor);
        let Ok(hash) = committed_hash(&other, &rows, &salt) else {
            continue;
        };
        assert_ne!(hash, committed, "rows times {factor}");
        let srs = Srs::unsafe_local(other.compiled.logrows());
        let key = setup(&srs, &other).unwrap();
        let proof = accuracy::prove(&srs, &key, &rows, Some(&salt), |_, _| ()).unwrap();
        let expected = Expected {
            data: Some(committed),
            correct: 0,
        };
        let result = accuracy::verify(key.verifying_key(), &proof, &expected, None);
        assert!(result.is_err(), "rows times {factor}: {result:?}");
        tried += 1;
    }
    assert!(tried > 0, "no other encoding was tried");
}

/// Scores that use all of a row's range.
fn scores(outputs: usize, weight: i64, bias: &[i64]) -> Program {
    let sum = |index: usize| Sum {
        terms: vec![(index, weight)],
        bias: bias[index],
    };
    Program {
        name: "extreme".into(),
        input: "x".into(),
        inputs: outputs,
        input_scale: Scale(0),
        encoding: Encoding::Scaled,
        labelled: false,
        limbs: ProgramLimbs {
            bits: 4,
            input: 2,
            shift: 1,
            table: 1,
            total: 4,
        },
        tables: vec![],
        steps: vec![Step {
            name: "scores".into(),
            kind: Kind::Sums((0..outputs).map(sum).collect()),
            finish: Finish::Exact,
            bound: None,
        }],
        outputs,
        output_scale: Scale(3),
        probability: false,
    }
}

fn first_of_greatest(scores: &[i64]) -> i64 {
    let greatest = scores.iter().max().unwrap();
    scores.iter().position(|score| score == greatest).unwrap() as i64
}

#[test]
fn counting_is_exact_at_the_ends_of_every_range() {
    let mut stream = Stream::new(7, "zkassay/attack-counting");
    let ends = [-128, -127, -1, 0, 1, 126, 127];
    let mut checked = 0;
    for (weight, bias) in [
        (255, 127),
        (255, -128),
        (1, 0),
        (-255, 0),
        (3, 32000),
        (-1, -32000),
    ] {
        for outputs in 1..=5 {
            for probability in [false, true] {
                let bias: Vec<i64> = (0..outputs as i64)
                    .map(|i| if i % 2 == 0 { bias } else { 0 })
                    .collect();
                let mut program = scores(outputs, weight, &bias);
                program.probability = probability && outputs == 1;
                program.validate().unwrap();
                let classes = outputs.max(2) as u32;
                for count in [Count::Correct, Count::Confusion] {
                    let counting = Counting { count, classes };
                    let Ok(counted) = program.counted(Answer::Scores, &counting) else {
                        // Their differences are too large for a row, or there is one class only.
                        let least = if program.probability { 4 } else { 0 };
                        let ends = [-128, 127].map(|x| weight * x + bias[0] >= least);
                        let is_constant = outputs == 1 && ends[0] == ends[1];
                        let is_large = outputs > 2 && weight == 255;
                        assert!(is_constant || is_large, "{weight} {bias:?}");
                        continue;
                    };
                    for _ in 0..400 {
                        let mut row: Vec<f32> = (0..outputs)
                            .map(|_| match stream.below(3) {
                                0 => stream.below(256) as f32 - 128.0,
                                _ => ends[stream.below(ends.len())] as f32,
                            })
                            .collect();
                        let plain = program.evaluate(&row).unwrap().outputs;
                        let least = if program.probability { 4 } else { 0 };
                        let class = match plain.as_slice() {
                            [score] => i64::from(*score >= least),
                            scores => first_of_greatest(scores),
                        };
                        let label = match stream.below(4) {
                            0 => ends[stream.below(ends.len())],
                            _ => stream.below(outputs + 3) as i64 - 1,
                        };
                        row.push(label as f32);
                        let found = counted.evaluate(&row).unwrap().outputs;
                        let cell = |l: i64, c: i64| i64::from(l == label && c == class);
                        let n = i64::from(classes);
                        let expected: Vec<i64> = match count {
                            Count::Correct => vec![i64::from(label == class)],
                            Count::Confusion => (0..n)
                                .flat_map(|l| (0..n).map(move |c| (l, c)))
                                .map(|(l, c)| cell(l, c))
                                .collect(),
                        };
                        assert_eq!(found, expected, "{row:?} {plain:?}");
                        checked += 1;
                    }
                }
            }
        }
    }
    assert!(checked > 10_000, "{checked}");
}

#[test]
fn only_a_whole_class_is_one() {
    for scale in [0, 3] {
        let mut program = scores(1, 1, &[0]);
        program.output_scale = Scale(scale);
        for classes in [2, 3, 12] {
            let counting = Counting {
                count: Count::Correct,
                classes,
            };
            let counted = program.counted(Answer::Class, &counting).unwrap();
            for output in -128..128i64 {
                for label in -3..20i64 {
                    let found = counted
                        .evaluate(&[output as f32, label as f32])
                        .unwrap()
                        .outputs;
                    let is_class =
                        (0..i64::from(classes)).contains(&label) && output == label << scale;
                    assert_eq!(found, [i64::from(is_class)], "{output} {label}");
                }
            }
        }
    }
}
