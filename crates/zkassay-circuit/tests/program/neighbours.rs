//! Programs that differ in one thing, and their tables.

use zkassay_circuit::CompiledProgram;
use zkassay_quant::{Kind, Program, Sum};

use crate::attacks::{LOOKUPS, names};
use crate::checker::Checker;
use crate::common::LIMBS;
use crate::forger::{evaluate, fill};
use crate::soundness::{compiled, honest};

/// The same program but for one thing, which leaves its layout as it is.
fn neighbours(program: &Program) -> Vec<(String, Program)> {
    let mut all = Vec::new();
    for (index, step) in program.steps.iter().enumerate() {
        let mut add = |what: &str, change: &dyn Fn(&mut Kind)| {
            let mut other = program.clone();
            change(&mut other.steps[index].kind);
            if other != *program {
                all.push((format!("step {index}: {what}"), other));
            }
        };
        let towards_zero = |weight: &mut i64| *weight -= weight.signum();
        match &step.kind {
            Kind::Dense { .. } => {
                add("weight", &|kind| {
                    if let Kind::Dense { weights, .. } = kind {
                        weights.iter_mut().last().into_iter().for_each(towards_zero);
                    }
                });
                add("bias", &|kind| {
                    if let Kind::Dense { bias, .. } = kind {
                        towards_zero(&mut bias[0]);
                    }
                });
                add("operands", &|kind| {
                    if let Kind::Dense { inputs, .. } = kind {
                        inputs.reverse();
                    }
                });
            }
            Kind::Conv(_) => {
                add("weight", &|kind| {
                    if let Kind::Conv(conv) = kind {
                        conv.weights
                            .iter_mut()
                            .last()
                            .into_iter()
                            .for_each(towards_zero);
                    }
                });
                add("bias", &|kind| {
                    if let Kind::Conv(conv) = kind {
                        conv.bias.iter_mut().rev().take(1).for_each(towards_zero);
                    }
                });
                add("operands", &|kind| {
                    if let Kind::Conv(conv) = kind {
                        conv.inputs.reverse();
                    }
                });
                add("a term", &|kind| {
                    if let Kind::Conv(conv) = kind {
                        conv.inputs[1].push(0);
                    }
                });
                add("a hole", &|kind| {
                    if let Kind::Conv(conv) = kind {
                        conv.inputs[1] = vec![];
                    }
                });
            }
            Kind::Sums(_) => {
                add("weight", &|kind| {
                    if let Kind::Sums(sums) = kind {
                        let terms = sums.iter_mut().flat_map(|sum| &mut sum.terms);
                        terms.take(1).for_each(|(_, weight)| *weight = -*weight);
                    }
                });
                add("bias", &|kind| {
                    if let Kind::Sums(sums) = kind {
                        sums[0].bias += 1;
                    }
                });
                add("operand", &|kind| {
                    if let Kind::Sums(sums) = kind {
                        let terms = sums.iter_mut().flat_map(|sum: &mut Sum| &mut sum.terms);
                        terms
                            .take(1)
                            .for_each(|(wire, _)| *wire = (*wire == 0).into());
                    }
                });
            }
            Kind::Products(_) => add("operand", &|kind| {
                if let Kind::Products(pairs) = kind {
                    pairs[0].0 = (pairs[0].0 == 0).into();
                }
            }),
            Kind::Table { .. } => add("argument", &|kind| {
                if let Kind::Table { inputs, .. } = kind {
                    inputs[0] = (inputs[0] == 0).into();
                }
            }),
            Kind::Hints(_) | Kind::Forest(_) => {}
        }
    }
    for table in 0..program.tables.len() {
        let mut add = |what: &str, change: &dyn Fn(&mut (i64, i64))| {
            let mut other = program.clone();
            other.tables[table].segments.iter_mut().for_each(change);
            all.push((format!("table {table}: {what}"), other));
        };
        add("values", &|(c0, _)| *c0 += 1 << LIMBS.table_bits());
        add("slopes", &|(_, c1)| *c1 += 1 << LIMBS.table_bits());
    }
    all
}

#[test]
fn the_witness_of_another_program_is_rejected() {
    for compiled in compiled() {
        let checker = Checker::new(&compiled);
        let inputs = honest(&compiled).inputs;
        let here = evaluate(compiled.program(), &inputs, &[]).wires;
        for (what, other) in neighbours(compiled.program()) {
            let there = evaluate(&other, &inputs, &[]);
            if there.wires == here {
                continue;
            }
            // Its own table, and one that fills this program's with its values.
            let failing = checker.verdict(&fill(&compiled, &there));
            assert!(
                !failing.is_empty(),
                "{what}: {}",
                compiled.program().steps.len()
            );
        }
    }
}

#[test]
fn a_reader_has_to_read_its_own_wire() {
    // Sums hold for what is read; only the bus tells that it is another wire's value.
    let mut tested = 0;
    for compiled in compiled() {
        let checker = Checker::new(&compiled);
        let inputs = honest(&compiled).inputs;
        let here = evaluate(compiled.program(), &inputs, &[]).wires;
        for (what, other) in neighbours(compiled.program()) {
            if !what.contains("operand") && !what.contains("argument") {
                continue;
            }
            let there = evaluate(&other, &inputs, &[]);
            let Ok(other) = CompiledProgram::with_options(other, compiled.options()) else {
                continue;
            };
            assert_eq!(other.producers(), compiled.producers());
            if there.wires != here {
                let mut failing = checker.verdict(&fill(&other, &there));
                // Divisors and quotients of the wrong sign have no limbs.
                failing.remove("nonnegative");
                assert_eq!(failing, names(&[LOOKUPS]), "{what}");
                tested += 1;
            }
        }
    }
    assert!(tested > 10, "{tested}");
}
