//! Many inferences: any number of rows, proved under one key.
//!
//! A circuit that is compiled with `CompileOptions { batch: B, .. }` has room for `B` inferences in
//! one proof, which share its weights and tables. Rows are proved `B` at a time; what is left for
//! the last proof is filled up with copies of the last row. With `B = 1` each row has a proof of its own.
//!
//! ```
//! use zkassay::{CalibrationOptions, CompileOptions, Model, Settings, Srs};
//! use zkassay::{prove_batch, random_rows, setup, verify_batch};
//! # use ndarray::array;
//! # let onnx = zkassay_onnx::ModelBuilder::new("tiny", 2)?
//! #     .dense("layer_0", array![[0.5, -0.25]].view(), array![0.1].view())?
//! #     .encode()?;
//!
//! let model = Model::from_onnx(&onnx)?;
//! let rows = random_rows(model.inputs(), 7, 1);
//! let options = CompileOptions { batch: 3, ..CompileOptions::default() };
//! let settings = Settings::new(&model, &options)
//!     .calibrate(&model, rows.view(), &CalibrationOptions::default())?;
//! let circuit = settings.compile(&model)?;
//! let srs = Srs::unsafe_local(circuit.compiled.logrows());
//! let key = setup(&srs, &circuit)?;
//! let batch = prove_batch(&srs, &key, rows.view(), |done, total| println!("{done} of {total}"))?;
//! let verdict = verify_batch(key.verifying_key(), &batch)?;
//! assert_eq!((verdict.rows.len(), verdict.proofs), (7, 3));
//! let expected = 0.5 * rows[[6, 0]] - 0.25 * rows[[6, 1]] + 0.1;
//! assert!((verdict.rows[6].output.reals()[0] - f64::from(expected)).abs() < 1e-2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use ndarray::{ArrayView1, ArrayView2, Axis};
use zkassay_circuit::Compiled;
use zkassay_prover::{Circuit, ProvingKey, Srs};
use zkassay_verifier::{Batch, BatchVerdict, VerifyError, VerifyingKey};

use crate::{Error, columns, stages};

/// Proves that a key's model gives its outputs for each of `rows`, shape `[rows, inputs]`.
///
/// Every row is checked before the first proof is made. `progress` is told how many proofs are
/// done, and of how many, from none on. Beside the finished proofs there is never more than one in
/// memory.
///
/// # Errors
/// No rows, or more than a batch can have; [`Error::Row`] names a row of the wrong length or with a
/// value outside the calibrated range; a key whose proofs show totals; parameters other than those
/// of the setup.
pub fn prove_batch(
    srs: &Srs,
    key: &ProvingKey,
    rows: ArrayView2<'_, f32>,
    mut progress: impl FnMut(usize, usize),
) -> Result<Batch, Error> {
    let compiled = key.compiled();
    let count = check_rows(key.circuit(), rows)?;
    let lanes = compiled.batch();
    let total = Batch::proofs_for(count, lanes);
    let mut proofs = Vec::new();
    for chunk in rows.axis_chunks_iter(Axis(0), lanes.max(1)) {
        progress(proofs.len(), total);
        let mut chunk: Vec<Vec<f32>> = chunk.outer_iter().map(|row| row.to_vec()).collect();
        let last = chunk.last().cloned().unwrap_or_default();
        chunk.resize(lanes, last);
        let witness = compiled.witness_batch(&chunk).map_err(|error| {
            // A row can lead beyond a bound further on in the model: it is named, too.
            let first = proofs.len() * lanes;
            let of_row = |(index, row): (usize, &Vec<f32>)| {
                let error = evaluate(compiled, row).err()?;
                Some(in_row(first + index, error))
            };
            let named = chunk.iter().enumerate().find_map(of_row);
            named.unwrap_or_else(|| error.into())
        })?;
        proofs.push(key.prove(srs, witness)?);
    }
    progress(proofs.len(), total);
    Ok(Batch {
        rows: count,
        proofs,
    })
}

/// Checks a batch, and gives what it shows of each row.
///
/// # Errors
/// A batch for another key, or one that is not accepted; an error of a proof names the proof.
pub fn verify_batch(key: &VerifyingKey, batch: &Batch) -> Result<BatchVerdict, Error> {
    key.verify_batch(batch).map_err(|error| match error {
        // Then the others are hardly for this key.
        VerifyError::InBatch {
            proof: 0, error, ..
        } if matches!(*error, VerifyError::Key { .. }) => stages::of_key("the batch", *error),
        error => error.into(),
    })
}

/// That rows can be proved as a batch, as far as inputs tell; how many there are.
///
/// # Errors
/// As [`prove_batch`].
pub(crate) fn check_rows(circuit: &Circuit, rows: ArrayView2<'_, f32>) -> Result<u32, Error> {
    let (compiled, interface) = (&circuit.compiled, &circuit.interface);
    if compiled.options().totals {
        return Err(Error::Totals);
    }
    let found = rows.nrows();
    let count = u32::try_from(found).ok().filter(|count| *count > 0);
    let count = count.ok_or(Error::BatchRows { found })?;
    let quantize = |row: ArrayView1<'_, f32>| match compiled {
        Compiled::Chain(compiled) => compiled.model().quantize(&row.to_vec()),
        Compiled::Program(compiled) => compiled.program().quantize(&row.to_vec()),
    };
    for (index, row) in rows.outer_iter().enumerate() {
        columns::check(interface, &row.to_vec()).map_err(|error| in_row(index, error))?;
        quantize(row).map_err(|error| in_row(index, columns::named(interface, error)))?;
    }
    Ok(count)
}

/// That a row can be evaluated.
fn evaluate(compiled: &Compiled, row: &[f32]) -> Result<(), Error> {
    match compiled {
        Compiled::Chain(compiled) => compiled.model().evaluate(row).map(drop)?,
        Compiled::Program(compiled) => compiled.program().evaluate(row).map(drop)?,
    }
    Ok(())
}

fn in_row(row: usize, error: Error) -> Error {
    let error = Box::new(error);
    Error::Row { row, error }
}
