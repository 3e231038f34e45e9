//! Honest tables are accepted, and their digests are those of the integers.

use DataVisibility::{Hashed, Private, Public};
use zkassay_circuit::{CompileOptions, CompiledProgram, TableWitness};
use zkassay_fixed::DataVisibility;

use crate::common::check;
use crate::models::{native, network, options, programs, witness};

/// Every way of hashing that there is.
fn all_options() -> Vec<CompileOptions> {
    let mut all = Vec::new();
    for batch in [1, 3] {
        for (input, output) in [
            (Hashed, Private),
            (Hashed, Public),
            (Hashed, Hashed),
            (Private, Hashed),
            (Public, Hashed),
        ] {
            all.push(options(input, output, batch, false));
        }
        all.push(options(Hashed, Public, batch, true));
    }
    all
}

#[test]
fn honest_tables_are_accepted_and_show_the_hashes_of_each_inference() {
    for program in programs() {
        for options in all_options() {
            let compiled = CompiledProgram::with_options(program.clone(), &options).unwrap();
            let witness = witness(&compiled);
            assert_eq!(check(&compiled, &witness), Ok(()), "{options:?}");

            let shape = compiled.shape();
            let count = compiled.program().inputs;
            let inputs = witness.inputs.chunks(count);
            let inputs: Vec<_> = inputs.map(|of| native(of, shape.input_bits())).collect();
            let table = TableWitness::from(&witness);
            match shape.input_sponge() {
                Some(_) => assert_eq!(table.input_hashes(), inputs),
                None => assert_eq!(table.input_hashes(), []),
            }
            let bits = shape.total_bits() + 1;
            let outputs = witness.outputs.chunks(compiled.program().outputs);
            let outputs: Vec<_> = outputs.map(|of| native(of, bits)).collect();
            match shape.output_sponge() {
                Some(_) => assert_eq!(table.output_hashes(), outputs),
                None => assert_eq!(table.output_hashes(), []),
            }
            // And these are what is shown, each in its lane's column.
            for (lane, column) in witness.instance.iter().enumerate() {
                if let Some(sponge) = shape.input_sponge() {
                    assert_eq!(column[sponge.digest_row()], inputs[lane]);
                }
                if let Some(sponge) = shape.output_sponge() {
                    assert_eq!(column[sponge.digest_row()], outputs[lane]);
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_hashed_is_refused_with_its_reason() {
    let totals = options(Private, Hashed, 2, true);
    let error = CompiledProgram::with_options(network(3, 2), &totals).unwrap_err();
    assert!(error.to_string().contains("cannot be hashed"), "{error}");
}
