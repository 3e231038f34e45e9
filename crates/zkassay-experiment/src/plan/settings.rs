//! What a plan file or the flags say: any part of a plan.
//!
//! Settings are laid over each other, profile, file, flags, and [`resolve`](Settings::resolve)
//! makes a [`Plan`] of the whole.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use zkassay_ezkl::Configuration;
use zkassay_models::ModelSpec;

use super::flags::{MAX_COUNT, MAX_SECONDS, MAX_THREADS};
use super::models;
use super::source::mode_name;
use super::{PeerPlan, Plan, data};
use crate::dataset::{Mode, Source};

/// Parts of a plan; what is absent is as below.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// A list of models, as of `--models`.
    pub models: Option<String>,
    /// As of [`Plan`]; so are the next ones.
    pub rounds: Option<usize>,
    /// Proofs per model.
    pub proofs: Option<usize>,
    /// Setups per model.
    pub setups: Option<usize>,
    /// Where rows come from.
    pub rows: RowSettings,
    /// Seed of every draw.
    pub seed: Option<u64>,
    /// Threads.
    pub threads: Option<usize>,
    /// Whether EZKL is among the peers.
    pub ezkl: Option<bool>,
    /// What EZKL does, if it is.
    pub peer: PeerSettings,
}

/// Where rows come from: `data` and `mode`, or the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSettings {
    /// A data set's name, a folder or a file of prices.
    pub data: Option<PathBuf>,
    /// How features are made.
    pub mode: Option<Mode>,
    /// A table of the user's.
    pub table: Option<PathBuf>,
    /// Its label.
    pub label: Option<String>,
    /// Its time.
    pub time: Option<String>,
}

/// Parts of a [`PeerPlan`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerSettings {
    /// A list of models.
    pub models: Option<String>,
    /// Whether all of the list must be among the plan's models, as a flag's and a plan file's own; a
    /// profile's is for its own models, and what others lack of it is left out.
    pub models_are_meant: bool,
    /// Its configurations.
    pub configurations: Option<Vec<Configuration>>,
    /// Proofs per model.
    pub proofs: Option<usize>,
    /// Setups per model.
    pub setups: Option<usize>,
    /// Seconds for a model.
    pub limit: Option<usize>,
}

impl Settings {
    /// These settings, and those below where these say nothing.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        Self {
            models: self.models.or(below.models),
            rounds: self.rounds.or(below.rounds),
            proofs: self.proofs.or(below.proofs),
            setups: self.setups.or(below.setups),
            rows: self.rows.over(below.rows),
            seed: self.seed.or(below.seed),
            threads: self.threads.or(below.threads),
            ezkl: self.ezkl.or(below.ezkl),
            peer: self.peer.over(below.peer),
        }
    }

    /// The settings that give `plan`.
    pub fn of(plan: &Plan) -> Self {
        Self {
            models: Some(models::list(&plan.models)),
            rounds: Some(plan.rounds),
            proofs: Some(plan.proofs),
            setups: Some(plan.setups),
            rows: RowSettings::of(&plan.source),
            seed: Some(plan.seed),
            threads: plan.threads,
            ezkl: Some(plan.peer.is_some()),
            peer: plan.peer.as_ref().map(PeerSettings::of).unwrap_or_default(),
        }
    }

    /// The plan; `profile` is its name.
    ///
    /// # Errors
    /// What is missing, out of bounds, or does not go together.
    pub fn resolve(&self, profile: &str) -> Result<Plan> {
        let models = self.models.as_deref().context("no models are given")?;
        let models = Plan::parse_models(models)?;
        let peer = match self.ezkl {
            Some(true) => Some(self.peer.resolve(&models)?),
            _ => None,
        };
        if let Some(threads) = self.threads {
            within("threads", Some(threads), MAX_THREADS)?;
        }
        Ok(Plan {
            profile: profile.to_owned(),
            models,
            rounds: within("rounds", self.rounds, MAX_COUNT)?,
            proofs: within("proofs", self.proofs, MAX_COUNT)?,
            setups: within("setups", self.setups, MAX_COUNT)?,
            source: self.rows.resolve()?,
            seed: self.seed.context("no seed is given")?,
            threads: self.threads,
            peer,
        })
    }
}

impl RowSettings {
    fn over(self, below: Self) -> Self {
        if self.table.is_some() {
            return self;
        }
        if self.data.is_some() || (self.mode.is_some() && below.table.is_none()) {
            return Self {
                data: self.data.or(below.data),
                mode: self.mode.or(below.mode),
                ..Self::default()
            };
        }
        Self {
            mode: self.mode.or(below.mode),
            label: self.label.or(below.label),
            time: self.time.or(below.time),
            ..below
        }
    }

    pub(super) fn of(source: &Source) -> Self {
        match source.clone() {
            Source::Tokens { path, mode } => Self {
                data: Some(path),
                mode: Some(mode),
                ..Self::default()
            },
            Source::Table { path, label, time } => Self {
                table: Some(path),
                label: Some(label),
                time,
                ..Self::default()
            },
        }
    }

    fn resolve(&self) -> Result<Source> {
        if let Some(path) = &self.table {
            ensure!(
                self.data.is_none() && self.mode.is_none(),
                "`table` takes the place of `data` and `mode`: give one or the others"
            );
            let label = self.label.clone();
            return Ok(Source::Table {
                path: path.clone(),
                label: label.context("`table` needs the column of the label, `label`")?,
                time: self.time.clone(),
            });
        }
        ensure!(
            self.label.is_none() && self.time.is_none(),
            "`label` and `time` are columns of a table of your own: `table` is missing"
        );
        let data = self.data.as_deref();
        Ok(Source::Tokens {
            path: data::locate(data.context("no data are given (`data` or `table`)")?)?,
            mode: self.mode.unwrap_or_default(),
        })
    }

    /// Relative paths start at `folder`; but the name of a data set is not a path.
    pub(super) fn start_at(&mut self, folder: &Path) {
        if let Some(path) = &mut self.data
            && !data::is_name(path)
        {
            *path = join(folder, path);
        }
        if let Some(path) = &mut self.table {
            *path = join(folder, path);
        }
    }

    /// The flags, each with its value.
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        let flags = [
            ("--data", self.data.as_deref().map(data::name_or_path)),
            ("--mode", self.mode.map(mode_name)),
            ("--table", self.table.as_ref().map(path)),
            ("--label", self.label.clone()),
            ("--time", self.time.clone()),
        ];
        let given = flags.into_iter();
        given
            .filter_map(|(flag, value)| Some((flag, value?)))
            .collect()
    }
}

/// `path` in `folder`, if it is relative and the folder is not the working folder.
fn join(folder: &Path, path: &Path) -> PathBuf {
    match folder.as_os_str().is_empty() {
        true => path.to_owned(),
        false => folder.join(path),
    }
}

impl PeerSettings {
    fn over(self, below: Self) -> Self {
        Self {
            models_are_meant: match self.models {
                Some(_) => self.models_are_meant,
                None => below.models_are_meant,
            },
            models: self.models.or(below.models),
            configurations: self.configurations.or(below.configurations),
            proofs: self.proofs.or(below.proofs),
            setups: self.setups.or(below.setups),
            limit: self.limit.or(below.limit),
        }
    }

    fn of(peer: &PeerPlan) -> Self {
        Self {
            models: Some(models::list(&peer.models)),
            models_are_meant: false,
            configurations: Some(peer.configurations.clone()),
            proofs: Some(peer.proofs),
            setups: Some(peer.setups),
            limit: usize::try_from(peer.limit_seconds).ok(),
        }
    }

    /// Whether anything is said about EZKL.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn resolve(&self, plan: &[ModelSpec]) -> Result<PeerPlan> {
        let asked = Plan::parse_models(self.models.as_deref().context("no models for EZKL")?)
            .context("models of EZKL")?;
        if self.models_are_meant
            && let Some(model) = asked.iter().find(|model| !plan.contains(model))
        {
            bail!("EZKL is to prove '{model}', which is not among the models of the plan");
        }
        let among = plan.iter().filter(|model| asked.contains(model));
        let mut models: Vec<ModelSpec> = among.cloned().collect();
        if models.is_empty() {
            models = plan.to_vec();
        }
        let given = self.configurations.iter().flatten();
        let mut configurations: Vec<Configuration> = Vec::new();
        for configuration in given {
            ensure!(
                !configurations.contains(configuration),
                "EZKL's configuration '{configuration}' is given twice"
            );
            configurations.push(*configuration);
        }
        ensure!(
            !configurations.is_empty(),
            "no configuration of EZKL is given: there are fixed, private and tuned"
        );
        Ok(PeerPlan {
            configurations,
            models,
            proofs: within("proofs of EZKL", self.proofs, MAX_COUNT)?,
            setups: within("setups of EZKL", self.setups, MAX_COUNT)?,
            limit_seconds: within("limit of EZKL, in seconds", self.limit, MAX_SECONDS)? as u64,
        })
    }
}

/// A number from 1 to `most`.
fn within(name: &str, number: Option<usize>, most: usize) -> Result<usize> {
    let number = number.with_context(|| format!("no number of {name} is given"))?;
    ensure!(
        (1..=most).contains(&number),
        "{name}: {number} is not from 1 to {most}"
    );
    Ok(number)
}
