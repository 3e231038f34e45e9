//! Which plan the flags ask for.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use super::flags::Flags;
use super::settings::{PeerSettings, RowSettings, Settings};
use super::source::parse_mode;
use super::{Plan, Profile, profile};
use crate::journal::{self, Contents};

/// The folder of runs unless another is asked for.
const OUT: &str = "runs";

impl Flags {
    /// The plan that these flags ask for.
    ///
    /// # Errors
    /// A plan file that cannot be read, or settings that do not go together.
    pub fn plan(&self) -> Result<Plan> {
        let (profile, below) = match (&self.plan, &self.profile) {
            (Some(path), _) => profile::read(path)?,
            (None, Some(name)) => {
                let profile: Profile = name.parse()?;
                (profile, profile.settings()?)
            }
            (None, None) => (Profile::default(), Profile::default().settings()?),
        };
        self.over(below)?.resolve(profile.name())
    }

    /// The plan of the run in `folder`, which these flags must agree with.
    ///
    /// # Errors
    /// There is no run, or a flag asks for something else than it does.
    pub fn resumed(&self, folder: &Path) -> Result<Plan> {
        let contents = Contents::read(folder)
            .with_context(|| format!("there is no run to resume in {}", folder.display()))?;
        let plan = contents.header.plan;
        let asked = match self.plan.is_some() || self.profile.is_some() {
            true => self.plan()?,
            false => {
                // What the run has no peers for is asked of its profile.
                let profile: Profile = plan.profile.parse().unwrap_or_default();
                let below = Settings::of(&plan).over(profile.settings()?);
                self.over(below)?.resolve(&plan.profile)?
            }
        };
        match difference(&asked, &plan) {
            None => Ok(plan),
            Some(difference) => bail!(
                "the run in {} keeps its own plan: {difference}; leave the flag out",
                folder.display()
            ),
        }
    }

    /// The folder of the run to go on with, if `--resume` asks for one.
    ///
    /// # Errors
    /// There is no such run, or none that is not finished.
    pub fn resume_folder(&self) -> Result<Option<PathBuf>> {
        let Some(run) = &self.resume else {
            return Ok(None);
        };
        let out = self.out_folder();
        let Some(run) = run else {
            return newest(&out).map(Some);
        };
        let among = out.join(run);
        let folder = match run.is_dir() {
            true => run.clone(),
            false => among,
        };
        ensure!(
            folder.is_dir(),
            "there is no run {}, neither as a folder nor in {}",
            run.display(),
            out.display()
        );
        Ok(Some(folder))
    }

    /// The folder of the runs' folders.
    pub fn out_folder(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| OUT.into())
    }

    /// Relative paths that were given, from the folder they start from.
    ///
    /// # Errors
    /// The working folder is not known.
    pub fn settle(&mut self) -> Result<()> {
        let Some(folder) = self.relative_to.take() else {
            return Ok(());
        };
        let here = std::env::current_dir().context("the working folder is not known")?;
        if folder == here {
            return Ok(());
        }
        let settle = |path: &mut PathBuf| *path = folder.join(&*path);
        if let Some(data) = &mut self.data {
            let path = folder.join(&*data);
            if path.exists() || !super::data::is_name(data) {
                *data = path;
            }
        }
        let paths = [&mut self.plan, &mut self.table, &mut self.ezkl];
        paths.into_iter().flatten().for_each(settle);
        // Runs are in the working folder unless another is asked for, and so are their names.
        if let Some(out) = &mut self.out {
            settle(out);
        }
        if let Some(Some(run)) = &mut self.resume
            && folder.join(&*run).is_dir()
        {
            settle(run);
        }
        Ok(())
    }

    /// What these flags say, over `below`.
    fn over(&self, below: Settings) -> Result<Settings> {
        let peers = self.peers.as_deref();
        let ezkl = match peers {
            None => None,
            Some(peers) => {
                let has = |name: &str| peers.iter().any(|peer| peer == name);
                ensure!(
                    !(has("none") && peers.len() > 1),
                    "--peers: `none` stands alone"
                );
                Some(has("ezkl"))
            }
        };
        let configurations = self.peer_configurations.as_ref().map(|names| {
            let parse = |name: &String| name.parse().map_err(anyhow::Error::new);
            names.iter().map(parse).collect::<Result<Vec<_>>>()
        });
        let peer = PeerSettings {
            models: self.peer_models.clone(),
            models_are_meant: self.peer_models.is_some(),
            configurations: configurations.transpose()?,
            proofs: self.peer_proofs,
            setups: self.peer_setups,
            limit: self.peer_limit,
        };
        let says_peer = !peer.is_empty();
        let mode = match &self.mode {
            Some(name) => {
                let mode = parse_mode(name);
                Some(mode.with_context(|| format!("--mode {name}: there are honest and paper"))?)
            }
            None => None,
        };
        let settings = Settings {
            models: self.models.clone(),
            rounds: self.rounds,
            proofs: self.proofs,
            setups: self.setups,
            rows: RowSettings {
                data: self.data.clone(),
                mode,
                table: self.table.clone(),
                label: self.label.clone(),
                time: self.time.clone(),
            },
            seed: self.seed,
            threads: self.threads,
            ezkl,
            peer,
        };
        let settings = settings.over(below);
        ensure!(
            settings.ezkl == Some(true) || !says_peer,
            "flags --peer-... are about EZKL, which is not among the peers: --peers ezkl is missing"
        );
        Ok(settings)
    }
}

/// What of the plan that is asked for differs from the one of the run.
fn difference(asked: &Plan, run: &Plan) -> Option<String> {
    if asked == run {
        return None;
    }
    let numbers = |plan: &Plan| {
        [
            ("rounds", plan.rounds.to_string()),
            ("proofs", plan.proofs.to_string()),
            ("setups", plan.setups.to_string()),
            ("seed", plan.seed.to_string()),
            (
                "threads",
                plan.threads
                    .map_or_else(|| "all cores".into(), |threads| threads.to_string()),
            ),
            ("rows", plan.source.to_string()),
        ]
    };
    let pairs = numbers(asked).into_iter().zip(numbers(run));
    let mut differing = pairs.filter(|(asked, run)| asked.1 != run.1);
    if let Some(((name, asked), (_, run))) = differing.next() {
        return Some(format!("{name} is {run} there, not {asked}"));
    }
    let what = if asked.models != run.models {
        "its models are others"
    } else if asked.peer != run.peer {
        "its peers, or what they do, are others"
    } else {
        "its profile is another"
    };
    Some(what.to_owned())
}

/// The folder of the newest run in `out` that can go on.
fn newest(out: &Path) -> Result<PathBuf> {
    journal::newest_unfinished(out)?.with_context(|| {
        format!(
            "no run in {} is unfinished and left alone; --resume RUN names one",
            out.display()
        )
    })
}

#[cfg(test)]
mod tests;
