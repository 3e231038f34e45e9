//! What to run.

use std::path::PathBuf;

use anyhow::{Result, bail};
use zkassay_models::{Activation, MlpSpec, ModelSpec};

use crate::dataset::Source;

/// Models unless others are asked for: logistic regression, one hidden layer, the
/// original GIZA model, the largest of the study, and what is not a network.
pub const MODELS: &str = "logistic,16,64-32,128-64-32,svm,svm-rbf,tree,forest,boosted";
/// The seed unless another is asked for.
pub const SEED: u64 = 20_220_601;

/// Which models to train on which data, and how many proofs to make of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Models, in the order they are run.
    pub models: Vec<ModelSpec>,
    /// Proofs per model, each of another test row.
    pub proofs: usize,
    /// Where the rows come from.
    pub source: Source,
    /// Folder that gets the run's folder.
    pub out: PathBuf,
    /// Seed of every random draw.
    pub seed: u64,
    /// Threads; all cores if absent.
    pub threads: Option<usize>,
}

impl Plan {
    /// Parses a list of models to prove, such as `logistic,64-32`; see [`parse_models`].
    ///
    /// # Errors
    /// As [`parse_models`]; a model that is not for rows of a table.
    pub fn parse_models(list: &str) -> Result<Vec<ModelSpec>> {
        let models = parse_models(list)?;
        if models.contains(&ModelSpec::Cnn) {
            bail!("model 'cnn' is for digits, and a run has rows of a table");
        }
        Ok(models)
    }

    /// The command that repeats this plan.
    pub fn command(&self) -> String {
        let models: Vec<String> = self.models.iter().map(ToString::to_string).collect();
        let mut command = format!(
            "cargo xtask experiment -n {} --models {} --seed {} {}",
            self.proofs,
            models.join(","),
            self.seed,
            self.source
        );
        if let Some(threads) = self.threads {
            command += &format!(" --threads {threads}");
        }
        command
    }
}

/// Parses a list of models: names of [`ModelSpec`], `study` for the 42 networks
/// of the study (also `study:tanh` and `study:none`), `classical` for the models
/// that are no networks.
///
/// # Errors
/// A name that is not a model, a model given twice, or none at all.
pub fn parse_models(list: &str) -> Result<Vec<ModelSpec>> {
    let mut models: Vec<ModelSpec> = Vec::new();
    for name in list
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        let group = match name {
            "study" => study(Activation::Relu),
            "study:tanh" => study(Activation::Tanh),
            "study:none" => study(Activation::None),
            "classical" => ModelSpec::CLASSICAL.to_vec(),
            name => {
                let model = name.parse()?;
                if models.contains(&model) {
                    bail!("model '{model}' is given twice");
                }
                vec![model]
            }
        };
        let new = group.into_iter().filter(|model| !models.contains(model));
        let new: Vec<ModelSpec> = new.collect();
        models.extend(new);
    }
    if models.is_empty() {
        bail!("no model is given; try --models {MODELS}");
    }
    Ok(models)
}

fn study(activation: Activation) -> Vec<ModelSpec> {
    let networks = MlpSpec::study(activation).into_iter();
    networks.map(ModelSpec::Mlp).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Mode;

    #[test]
    fn lists_of_models_are_parsed_in_order() {
        let models = Plan::parse_models("64-32, logistic,16").unwrap();
        let tags: Vec<String> = models.iter().map(ModelSpec::tag).collect();
        assert_eq!(
            tags,
            ["MLP_2_layers_64_32", "MLP_0_layers_", "MLP_1_layers_16"]
        );
    }

    #[test]
    fn wrong_lists_are_named() {
        let error = |list: &str| Plan::parse_models(list).unwrap_err().to_string();
        assert!(error("logistic,resnet").contains("resnet"));
        assert!(error("16,logistic,16").contains("'16' is given twice"));
        assert!(error(" , ").contains("no model"));
        assert!(error("study,64").contains("'64' is given twice"));
        assert!(error("16,cnn").contains("'cnn' is for digits"));
        assert_eq!(
            Plan::parse_models("64:tanh,svm-rbf,forest").unwrap().len(),
            3
        );
    }

    #[test]
    fn groups_of_models_have_names() {
        let count = |list: &str| parse_models(list).unwrap().len();
        assert_eq!(count("study"), 42);
        assert_eq!(count("study,study:tanh,classical"), 90);
        assert_eq!(count("ridge, svm-rbf, 8:none"), 3);
    }

    #[test]
    fn the_command_repeats_the_plan() {
        let plan = Plan {
            models: Plan::parse_models(MODELS).unwrap(),
            proofs: 3,
            source: Source::Tokens {
                path: "fixtures".into(),
                mode: Mode::Honest,
            },
            out: "runs".into(),
            seed: 7,
            threads: Some(2),
        };
        let command = plan.command();
        assert!(
            command.contains("-n 3") && command.contains("--seed 7 --data fixtures --mode honest"),
            "{command}"
        );
        let list = command
            .split_whitespace()
            .skip_while(|word| *word != "--models")
            .nth(1);
        assert_eq!(Plan::parse_models(list.unwrap()).unwrap(), plan.models);
    }
}
