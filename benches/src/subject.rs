//! Models by name, as ONNX files, in batches: what the benchmarks of trees and batches measure.

use anyhow::{Context as _, Result, bail};
use ndarray::{Array2, Axis};
use serde_json::{Value, json};
use zkassay::{CalibrationOptions, Circuit, CompileOptions, Model, Settings};

use crate::{programs, trees};

/// Rows that models are calibrated on.
const CALIBRATION_ROWS: usize = 45;

/// A model and the number of inferences of a proof.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its name, without the batch.
    pub model: String,
    /// The file.
    pub onnx: Vec<u8>,
    /// Rows like its inputs, `[rows, inputs]`.
    pub rows: Array2<f32>,
    /// Inferences in one proof.
    pub batch: u32,
    /// How large it is: parameters of a network; trees, nodes and depth of trees.
    pub size: Value,
}

impl Subject {
    /// The model of a name, after `@` the number of inferences: `tree-8`, `forest-100@16`,
    /// `cnn@4`, `162-128-64-32-1@128`.
    ///
    /// The names are those of [`trees::named`], of [`programs::named`], and widths of dense layers.
    ///
    /// # Errors
    /// A name of no model.
    pub fn named(name: &str) -> Result<Self> {
        let (model, batch) = name.split_once('@').unwrap_or((name, "1"));
        let batch: u32 = batch
            .parse()
            .with_context(|| format!("the batch of `{name}`"))?;
        let new = |onnx, rows, size| Self {
            model: model.to_owned(),
            onnx,
            rows,
            batch,
            size,
        };
        if let Some(of) = trees::named(model)? {
            let size = json!({ "trees": of.trees, "nodes": of.nodes, "depth": of.depth });
            return Ok(new(of.onnx, of.rows, size));
        }
        let program = match programs::named(model)? {
            Some(program) => program,
            None => {
                let widths: Result<Vec<usize>, _> = model.split('-').map(str::parse).collect();
                match widths.as_deref() {
                    Ok(widths @ [_, _, ..]) if !widths.contains(&0) => programs::dense(widths)?,
                    _ => bail!("no model is called `{model}`"),
                }
            }
        };
        let parameters = Model::from_onnx(&program.onnx)?.graph().parameters();
        let rows = program.rows(CALIBRATION_ROWS);
        let size = json!({ "parameters": parameters });
        Ok(new(program.onnx, rows, size))
    }

    /// The circuit, all by default.
    ///
    /// # Errors
    /// Whatever keeps the model from being compiled for so many inferences.
    pub fn compile(&self) -> Result<Circuit> {
        let model = Model::from_onnx(&self.onnx)?;
        let options = CompileOptions {
            batch: self.batch,
            ..CompileOptions::default()
        };
        let count = CALIBRATION_ROWS.min(self.rows.nrows());
        let (rows, _) = self.rows.view().split_at(Axis(0), count);
        let settings = Settings::new(&model, &options);
        let settings = settings.calibrate(&model, rows, &CalibrationOptions::default())?;
        Ok(settings.compile(&model)?)
    }

    /// The rows of a proof, over and over if there are too few.
    pub fn batch_rows(&self) -> Vec<Vec<f32>> {
        let rows = self.rows.outer_iter().map(|row| row.to_vec());
        let rows: Vec<Vec<f32>> = rows.collect();
        rows.into_iter().cycle().take(self.batch as usize).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_model_and_batch() {
        let dense = Subject::named("162-16-1@3").unwrap();
        assert_eq!((dense.model.as_str(), dense.batch), ("162-16-1", 3));
        assert_eq!(dense.size, json!({ "parameters": 2625 }));
        assert_eq!(dense.batch_rows().len(), 3);
        assert_ne!(dense.batch_rows()[0], dense.batch_rows()[1]);
        assert_eq!(Subject::named("tree-3").unwrap().size["depth"], 3);
        for name in ["162", "162-0-1", "cnn@", "vit", "162-1@-1"] {
            assert!(Subject::named(name).is_err(), "{name}");
        }
    }
}
