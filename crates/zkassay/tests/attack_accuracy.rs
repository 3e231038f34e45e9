//! Counting at extreme integers: no label and no output is counted that should not be.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use zkassay::{Count, Counting};
use zkassay_fixed::Scale;
use zkassay_quant::{Answer, Encoding, Finish, Kind, Program, ProgramLimbs, Step, Sum};
use zkassay_seed::Stream;

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
                        // Their differences are too large for a row.
                        assert!(outputs > 2 && weight == 255, "{weight} {bias:?}");
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
