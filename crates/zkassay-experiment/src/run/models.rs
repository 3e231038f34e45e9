//! Accuracy of the models, and their files.

use std::any::Any;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Error, Result, anyhow, ensure};
use zkassay_models::{Classifier, ModelSpec};
use zkassay_report::Proving;

use super::Run;
use crate::assemble::{self, proved_round};
use crate::cell::{AccuracyRound, Exported};
use crate::journal::Entry;
use crate::progress::count;
use crate::train;

/// The stage of a model that cannot be trained or exported.
pub(super) const TRAIN: &str = "train";
/// The file of a model in its folder.
const ONNX: &str = "model.onnx";

impl Run<'_> {
    /// Trains and scores every model in the rounds that are not known, as many models side by side
    /// as there are threads. These times are not compared.
    pub(super) fn accuracies(&self) -> Result<()> {
        let todo: Vec<(&ModelSpec, Vec<usize>)> = self
            .plan
            .models
            .iter()
            .map(|spec| (spec, self.unknown_rounds(spec)))
            .filter(|(spec, rounds)| !rounds.is_empty() && !self.is_untrainable(spec))
            .collect();
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let threads = self
            .plan
            .threads
            .unwrap_or(cores)
            .clamp(1, todo.len().max(1));
        let next = AtomicUsize::new(0);
        let work = || -> Result<()> {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some((spec, rounds)) = todo.get(index) else {
                    return Ok(());
                };
                let count = format!("accuracy, model {} of {}", index + 1, todo.len());
                self.progress.update(&spec.to_string(), count);
                if let Err(error) = self.accuracy(spec, rounds) {
                    // The others finish what they have begun.
                    next.store(todo.len(), Ordering::Relaxed);
                    return Err(error);
                }
            }
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let mut first = Ok(());
            // All are joined, and the first error is told.
            for thread in threads {
                let result = match thread.join() {
                    Ok(result) => result,
                    Err(panic) => Err(panicked(panic.as_ref())),
                };
                first = first.and(result);
            }
            first
        })
    }

    fn unknown_rounds(&self, spec: &ModelSpec) -> Vec<usize> {
        let journal = self.journal();
        let known = assemble::accuracy_rounds(journal.contents(), spec);
        let is_known = |index: &usize| known.iter().any(|round| round.round == *index);
        (0..self.plan.rounds)
            .filter(|round| !is_known(round))
            .collect()
    }

    /// Whether the model could not be trained: then there is nothing to prove.
    pub(super) fn is_untrainable(&self, spec: &ModelSpec) -> bool {
        let failure = self.failure(&spec.to_string(), Proving::ZKASSAY);
        failure.is_some_and(|failure| failure.stage == TRAIN)
    }

    fn accuracy(&self, spec: &ModelSpec, rounds: &[usize]) -> Result<()> {
        let tag = spec.to_string();
        let datasets = &self.data.datasets;
        let trained = caught(|| train::accuracy(self.plan, spec, datasets, rounds));
        let (found, models) = match trained {
            Ok(trained) => trained,
            Err(error) => return self.cannot_train(spec, error),
        };
        // JSON has no others, and what cannot be read back must not be written.
        let is_finite = |round: &AccuracyRound| {
            let json = serde_json::to_vec(round);
            json.is_ok_and(|json| serde_json::from_slice::<AccuracyRound>(&json).is_ok())
        };
        if let Some(round) = found.iter().find(|round| !is_finite(round)) {
            let error = anyhow!("a figure of round {} is not finite", round.round);
            return self.cannot_train(spec, error);
        }
        let proved = proved_round(self.plan);
        let mut trained = rounds.iter().zip(&models);
        if let Some((_, model)) = trained.find(|(round, _)| **round == proved)
            && let Err(error) = self.export(spec, model.as_ref())
        {
            return self.cannot_train(spec, error);
        }
        self.progress.done(&tag, &summary(&found, proved));
        for round in found {
            let model = spec.clone();
            self.append(Entry::Accuracy { model, round })?;
        }
        Ok(())
    }

    /// Writes down why there is no model, unless it is not the model's fault.
    fn cannot_train(&self, spec: &ModelSpec, error: Error) -> Result<()> {
        let is_io = |cause: &(dyn std::error::Error + 'static)| cause.is::<std::io::Error>();
        if error.chain().any(is_io) {
            return Err(error);
        }
        self.fail(
            spec.to_string(),
            Proving::ZKASSAY,
            TRAIN,
            format!("{error:#}"),
        )
    }

    /// The file of a model that is to be proved: as it was written in this part of the run, or of
    /// the same model trained again. `None` if it cannot be trained, which is then written down.
    pub(super) fn exported(&self, spec: &ModelSpec) -> Result<Option<Exported>> {
        let tag = spec.to_string();
        let known = self.exported.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(exported) = known.get(&tag) {
            return Ok(Some(exported.clone()));
        }
        drop(known);
        self.progress.update(&tag, "training again");
        let round = proved_round(self.plan);
        let again = caught(|| {
            let model = train::proved(self.plan, spec, &self.data.datasets, round)?;
            self.export(spec, model.as_ref())
        });
        match again {
            Ok(exported) => Ok(Some(exported)),
            Err(error) => self.cannot_train(spec, error).map(|()| None),
        }
    }

    /// Writes the file of a model, and that it is written.
    fn export(&self, spec: &ModelSpec, model: &dyn Classifier) -> Result<Exported> {
        let tag = spec.to_string();
        let dataset = self.data.proved()?;
        let file = self.folder.file(&format!("{tag}/{ONNX}"))?;
        let exported = train::export(self.plan, spec, model, dataset, &file)?;
        let journal = self.journal();
        let known = assemble::exported(journal.contents(), spec).map(str::to_owned);
        drop(journal);
        match known {
            None => self.append(Entry::Exported {
                model: spec.clone(),
                onnx_sha256: exported.sha256.clone(),
                parameters: exported.parameters,
            })?,
            Some(sha256) => ensure!(
                sha256 == exported.sha256,
                "trained again, the model is another one (its file has the hash {}, not {sha256}): \
                 a run that began at another revision or on another machine cannot go on with it",
                exported.sha256
            ),
        }
        let mut all = self.exported.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(tag, exported.clone());
        Ok(exported)
    }
}

/// Runs `work`; a panic is an error.
fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // Nothing that the work may leave half done is used again.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
    anyhow!(
        "a fault in this program: {}",
        message.unwrap_or("a panic without a message")
    )
}

/// One line about the accuracy of a model. Rounds differ in features, and so in parameters: those of
/// the round `proved` are told, if it is among them.
fn summary(rounds: &[AccuracyRound], proved: usize) -> String {
    let percent = |of: &dyn Fn(&AccuracyRound) -> Option<zkassay_report::Proportion>| {
        let counted: Option<Vec<_>> = rounds.iter().map(of).collect();
        let counted = counted.unwrap_or_default();
        let total: usize = counted.iter().map(|round| round.total).sum();
        let correct: usize = counted.iter().map(|round| round.correct).sum();
        match total {
            0 => "none".to_owned(),
            total => format!("{:.1} %", 100.0 * correct as f64 / total as f64),
        }
    };
    let told = rounds.iter().find(|round| round.round == proved);
    let parameters = told.or(rounds.last()).map_or(0, |round| round.parameters);
    format!(
        "{} parameters, accuracy {} (quantised {})",
        count(parameters),
        percent(&|round| Some(round.float)),
        percent(&|round| round.quantized)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_message() {
        let error = caught(|| -> Result<()> { panic!("row {} is missing", 7) }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a fault in this program: row 7 is missing"
        );
        let error = caught(|| -> Result<()> { panic!("plain") }).unwrap_err();
        assert!(error.to_string().contains("plain"));
        assert_eq!(caught(|| Ok(3)).unwrap(), 3);
    }

    #[test]
    fn accuracies_of_all_rounds_are_one_line() {
        let counted = |correct| zkassay_report::Proportion { correct, total: 50 };
        let round = |correct: usize, quantized: Option<usize>| AccuracyRound {
            round: 0,
            parameters: 16_300,
            float: counted(correct),
            quantized: quantized.map(counted),
            majority: counted(20),
            fidelity: None,
            out_of_range: 0,
            training_seconds: 0.1,
            failure: None,
        };
        let mut rounds = [round(30, Some(29)), round(40, Some(41))];
        (rounds[0].round, rounds[0].parameters) = (1, 162);
        assert_eq!(
            summary(&rounds, 0),
            "16,300 parameters, accuracy 70.0 % (quantised 70.0 %)"
        );
        let rounds = [round(30, Some(29)), round(45, None)];
        assert_eq!(
            summary(&rounds, 0),
            "16,300 parameters, accuracy 75.0 % (quantised none)"
        );
    }
}
