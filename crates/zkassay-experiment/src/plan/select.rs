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
                "the run in {} goes on with its own plan, but {difference}: leave the flags out",
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
        return Some(format!("{name}: asked for is {asked}, and it has {run}"));
    }
    let what = if asked.models != run.models {
        "other models are asked for"
    } else if asked.peer != run.peer {
        "something else of the peers is asked for"
    } else {
        "another profile is asked for"
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
mod tests {
    use super::*;
    use crate::journal::{Entry, Header, Journal};
    use crate::plan::testing::flags;
    use std::time::Instant;
    use zkassay_report::{DataRecord, RECORD_VERSION};

    /// Leaves the journal of a run in `folder`.
    fn begin(folder: &Path, plan: &Plan, created: &str, is_finished: bool) {
        std::fs::create_dir_all(folder).unwrap();
        let header = Header {
            version: RECORD_VERSION,
            id: folder.file_name().unwrap().to_str().unwrap().into(),
            created: created.into(),
            plan: plan.clone(),
            data: DataRecord {
                name: "fixtures".into(),
                sampling: "split once in time".into(),
                rows: 3,
                features: 1,
                train_rows: 1,
                calibration_rows: 1,
                test_rows: 1,
                feature_hash: "00".into(),
                files: Vec::new(),
            },
            rows_sha256: "00".into(),
            audit: None,
            warnings: Vec::new(),
        };
        let mut journal = Journal::create(folder, header, Instant::now()).unwrap();
        if is_finished {
            journal.append(Entry::Finished).unwrap();
        }
    }

    #[test]
    fn flags_stand_above_files_and_files_above_profiles() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        std::fs::write(
            &path,
            "extends = 'full'\nproofs = 9\nrounds = 8\nmode = 'paper'",
        )
        .unwrap();
        let plan = flags(&["--plan", path.to_str().unwrap(), "-n", "7"])
            .unwrap()
            .plan()
            .unwrap();
        assert_eq!((plan.proofs, plan.rounds, plan.setups), (7, 8, 3));
        assert_eq!((plan.profile.as_str(), plan.models.len()), ("full", 49));
        // What is repeated does not need the file.
        let again = super::super::testing::split(&plan.command());
        let again: Vec<&str> = again[3..].iter().map(String::as_str).collect();
        assert_eq!(flags(&again).unwrap().plan().unwrap(), plan);
    }

    #[test]
    fn the_issues_command_is_understood() {
        let line = "--profile full --models mlp-*,forest-* --rounds 20 --proofs 50 --peers ezkl";
        let line: Vec<&str> = line.split(' ').collect();
        let plan = flags(&line).unwrap().plan().unwrap();
        assert_eq!((plan.models.len(), plan.rounds, plan.proofs), (43, 20, 50));
        let peer = plan.peer.unwrap();
        // The classical models of the profile that are left out are no mistake.
        assert_eq!(peer.models.len(), 8);
        assert_eq!((peer.proofs, peer.setups, peer.limit_seconds), (3, 1, 180));
    }

    #[test]
    fn peers_prove_models_of_the_plan() {
        let plan = |line: &[&str]| flags(line).unwrap().plan();
        // None of the profile's: all there are.
        let peer = plan(&["--models", "32,8", "--peers", "ezkl"])
            .unwrap()
            .peer
            .unwrap();
        assert_eq!(peer.models, Plan::parse_models("32,8").unwrap());
        // In the order of the plan.
        let asked = [
            "--models",
            "32,8,4",
            "--peers",
            "ezkl",
            "--peer-models",
            "4,32",
        ];
        let peer = plan(&asked).unwrap().peer.unwrap();
        assert_eq!(peer.models, Plan::parse_models("32,4").unwrap());
        let error = |line: &[&str]| format!("{:#}", plan(line).unwrap_err());
        let other = error(&["--models", "32", "--peers", "ezkl", "--peer-models", "8"]);
        assert!(
            other.contains("'8'") && other.contains("not among the models"),
            "{other}"
        );
        assert!(error(&["--peer-limit", "3"]).contains("--peers ezkl is missing"));
        assert!(error(&["--peers", "none,ezkl"]).contains("stands alone"));
        let twice = ["--peers", "ezkl", "--peer-configurations", "tuned,tuned"];
        assert!(error(&twice).contains("'tuned' is given twice"));
        assert!(plan(&["--peers", "none"]).unwrap().peer.is_none());
    }

    #[test]
    fn a_run_goes_on_with_its_own_plan() {
        let out = tempfile::tempdir().unwrap();
        let plan = flags(&["--profile", "full", "-n", "9"])
            .unwrap()
            .plan()
            .unwrap();
        let folder = out.path().join("a");
        begin(&folder, &plan, "2026-11-22T09:30:00Z", false);
        let resumed = |line: &[&str]| flags(line).unwrap().resumed(&folder);
        for agreeing in [
            &[][..],
            &["-n", "9"],
            &["--profile", "full", "-n", "9"],
            &["--models", "study,classical", "--seed", "20220601"],
            &["--data", "fixtures", "--mode", "honest", "--peers", "none"],
        ] {
            assert_eq!(resumed(agreeing).unwrap(), plan, "{agreeing:?}");
        }
        for (other, part) in [
            (&["-n", "8"][..], "proofs: asked for is 8, and it has 9"),
            (
                &["--profile", "full"],
                "proofs: asked for is 5, and it has 9",
            ),
            (&["--seed", "1"], "seed"),
            (
                &["--threads", "1"],
                "threads: asked for is 1, and it has all cores",
            ),
            (&["--mode", "paper"], "rows"),
            (&["--table", "a.csv", "--label", "b"], "rows"),
            (&["--models", "64"], "other models"),
            (&["--peers", "ezkl"], "peers"),
        ] {
            let error = resumed(other).unwrap_err().to_string();
            assert!(error.contains(part), "{other:?}: {error}");
            assert!(error.contains("leave the flags out"), "{error}");
        }
        let none = flags(&[]).unwrap().resumed(out.path()).unwrap_err();
        assert!(none.to_string().contains("no run to resume"), "{none}");
    }

    #[test]
    fn the_newest_unfinished_run_is_found() {
        let out = tempfile::tempdir().unwrap();
        let plan = Profile::Quick.plan().unwrap();
        let text = out.path().to_str().unwrap();
        let find = |run: &[&str]| {
            let line = [&["--out", text, "--resume"][..], run].concat();
            flags(&line).unwrap().resume_folder()
        };
        let error = |run: &[&str]| find(run).unwrap_err().to_string();
        assert!(error(&[]).contains("no run in"), "{}", error(&[]));
        for (name, created, is_finished) in [
            ("late-finished", "2026-11-23T09:30:00Z", true),
            ("early", "2026-11-22T08:30:00Z", false),
            ("middle", "2026-11-22T09:30:00Z", false),
        ] {
            begin(&out.path().join(name), &plan, created, is_finished);
        }
        std::fs::create_dir(out.path().join("no-run")).unwrap();
        assert_eq!(find(&[]).unwrap().unwrap(), out.path().join("middle"));
        // By name, or by folder.
        let early = out.path().join("early");
        assert_eq!(find(&["early"]).unwrap().unwrap(), early);
        assert_eq!(find(&[early.to_str().unwrap()]).unwrap().unwrap(), early);
        assert!(error(&["never"]).contains("there is no run never"));
        assert_eq!(
            flags(&["--out", text]).unwrap().resume_folder().unwrap(),
            None
        );
    }

    #[test]
    fn paths_start_where_they_were_typed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("prices.csv"), "").unwrap();
        let here = folder.path().to_str().unwrap();
        let settled = |line: &[&str]| {
            let mut flags = flags(&[&["--relative-to", here][..], line].concat()).unwrap();
            flags.settle().unwrap();
            flags
        };
        let at = |name: &str| Some(folder.path().join(name));
        assert_eq!(settled(&["--data", "prices.csv"]).data, at("prices.csv"));
        assert_eq!(settled(&["--data", "none.csv"]).data, at("none.csv"));
        assert_eq!(settled(&["--data", "giza"]).data, Some("giza".into()));
        assert_eq!(settled(&["--data", "/data"]).data, Some("/data".into()));
        assert_eq!(settled(&["--table", "a", "--label", "b"]).table, at("a"));
        assert_eq!(settled(&["--plan", "a.toml"]).plan, at("a.toml"));
        assert_eq!(settled(&["--out", "runs"]).out, at("runs"));
        // Nothing given, nothing changed.
        let none = settled(&[]);
        assert_eq!((none.out_folder(), none.data), ("runs".into(), None));
        assert_eq!(settled(&["--resume", "a"]).resume, Some(Some("a".into())));
        // From the working folder, paths stay as they are, and so do commands that repeat them.
        let here = std::env::current_dir().unwrap();
        let mut same = flags(&["--out", "a", "--relative-to", here.to_str().unwrap()]).unwrap();
        same.settle().unwrap();
        assert_eq!(same.out, Some("a".into()));
    }
}
