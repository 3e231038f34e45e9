//! Profiles: plans that come with the program.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context as _, Error, Result, bail};

use super::near::did_you_mean;
use super::settings::Settings;
use super::{Plan, file};

/// A plan that comes with the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Nine models, in under a minute.
    #[default]
    Quick,
    /// The study's networks and classical models, honestly.
    Full,
    /// The article's protocol.
    Paper,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Full, Self::Paper];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Full => "full",
            Self::Paper => "paper",
        }
    }

    /// Its file.
    const fn text(self) -> &'static str {
        match self {
            Self::Quick => include_str!("../profiles/quick.toml"),
            Self::Full => include_str!("../profiles/full.toml"),
            Self::Paper => include_str!("../profiles/paper.toml"),
        }
    }

    /// What it says: every setting but `threads`.
    ///
    /// # Errors
    /// None, unless the program was built with a wrong file.
    pub fn settings(self) -> Result<Settings> {
        let mut settings = file::parse(self.name(), self.text())?.settings;
        // It is for the profile's own models; what others lack of it is left out.
        settings.peer.models_are_meant = false;
        Ok(settings)
    }

    /// Its plan.
    ///
    /// # Errors
    /// As [`settings`](Self::settings).
    pub fn plan(self) -> Result<Plan> {
        self.settings()?.resolve(self.name())
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Profile {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let mut profiles = Self::ALL.into_iter();
        match profiles.find(|profile| profile.name() == name) {
            Some(profile) => Ok(profile),
            None => {
                let names = Self::ALL.map(Self::name);
                let hint = did_you_mean(name, names);
                bail!("there is no profile `{name}`{hint} ({})", names.join(", "))
            }
        }
    }
}

/// What a plan file says, laid over the profile that it changes, and that profile.
///
/// # Errors
/// The file cannot be read, or is no plan file: with the key, what was found and what is expected.
pub fn read(path: &Path) -> Result<(Profile, Settings)> {
    let file = file::read(path)?;
    let profile = file.extends.unwrap_or_default();
    let names_models = file.settings.peer.models_are_meant;
    let mut settings = file.settings.over(profile.settings()?);
    // What is wrong with the whole is the file's fault, also if flags are to add the peers.
    let whole = Settings {
        ezkl: settings.ezkl.map(|ezkl| ezkl || names_models),
        ..settings.clone()
    };
    let plan = whole.resolve(profile.name());
    plan.with_context(|| format!("the plan {}", path.display()))?;
    // Flags may choose fewer models.
    settings.peer.models_are_meant = false;
    Ok((profile, settings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Mode, Source};
    use crate::plan::{MODELS, SEED};
    use zkassay_ezkl::Configuration;

    #[test]
    fn every_profile_is_whole_and_as_documented() {
        for profile in Profile::ALL {
            let settings = profile.settings().unwrap();
            let whole = Settings {
                ezkl: Some(true),
                ..settings
            };
            let plan = whole.resolve(profile.name()).unwrap();
            // EZKL's models are among the plan's, all of them.
            let peer = plan.peer.unwrap();
            let asked = Plan::parse_models(&whole.peer.models.unwrap()).unwrap();
            assert_eq!(peer.models.len(), asked.len(), "{profile}");
            assert_eq!((plan.seed, plan.threads), (SEED, None));
            let mode = match profile {
                Profile::Paper => Mode::Paper,
                _ => Mode::Honest,
            };
            let path = "fixtures".into();
            assert_eq!(plan.source, Source::Tokens { path, mode });
            assert_eq!(profile.name().parse::<Profile>().unwrap(), profile);
            assert!(profile.plan().unwrap().peer.is_none());
        }
        let sizes = |profile: Profile| {
            let plan = profile.plan().unwrap();
            (plan.models.len(), plan.rounds, plan.proofs, plan.setups)
        };
        assert_eq!(sizes(Profile::Quick), (9, 1, 5, 3));
        assert_eq!(sizes(Profile::Full), (49, 5, 5, 3));
        assert_eq!(sizes(Profile::Paper), (42, 20, 50, 50));
        let quick = Profile::Quick.plan().unwrap();
        assert_eq!(quick.models, Plan::parse_models(MODELS).unwrap());
    }

    #[test]
    fn the_quick_profile_explains_every_key() {
        let text = Profile::Quick.text();
        for key in file::KEYS.iter().chain(&file::EZKL_KEYS) {
            let is_explained = |line: &str| {
                let line = line.trim_start_matches(['#', ' ', '[']);
                line.starts_with(&format!("{key} =")) || line == format!("{key}]")
            };
            assert!(text.lines().any(is_explained), "{key}");
        }
    }

    #[test]
    fn a_plan_file_changes_a_profile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        let plan = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let (profile, settings) = read(&path)?;
            settings.resolve(profile.name())
        };
        let full = Profile::Full.plan().unwrap();
        assert_eq!(plan("extends = 'full'").unwrap(), full);
        assert_eq!(plan("").unwrap(), Profile::Quick.plan().unwrap());
        let mine =
            plan("extends = 'full'\nproofs = 9\npeers = ['ezkl']\n[ezkl]\nlimit = 7").unwrap();
        let peer = mine.peer.clone().unwrap();
        assert_eq!((mine.proofs, peer.limit_seconds, peer.proofs), (9, 7, 3));
        assert_eq!(
            peer.configurations,
            [Configuration::Fixed, Configuration::Tuned]
        );
        assert_eq!(mine.models, full.models);
        // A table takes the place of the profile's data.
        let table = plan("table = '/loans.csv'\nlabel = 'repaid'").unwrap();
        assert!(matches!(table.source, Source::Table { .. }));
        let error = |text| format!("{:#}", plan(text).unwrap_err());
        // The file's own models for EZKL are meant; those of a profile are as far as they are there.
        for peers in ["peers = ['ezkl']\n", ""] {
            let named = format!("models = '4,16'\n{peers}[ezkl]\nmodels = '16,64'");
            let error = format!("{:#}", plan(&named).unwrap_err());
            assert!(error.contains("EZKL is to prove '64'"), "{error}");
        }
        assert!(plan("models = '4,16'\npeers = ['ezkl']").is_ok());
        assert!(error("table = 'loans.csv'").contains("`label`"));
        assert!(error("label = 'repaid'").contains("`table` is missing"));
        let both = error("table = 'a.csv'\nlabel = 'b'\ndata = 'giza'");
        assert!(
            both.contains("mine.toml") && both.contains("takes the place"),
            "{both}"
        );
    }
}
