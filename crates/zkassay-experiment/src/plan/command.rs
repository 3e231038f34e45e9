//! The command that repeats a plan.

use super::settings::{RowSettings, Settings};
use super::{PeerPlan, Plan, Profile, models};
use crate::dataset::{Source, word};

/// A flag and its value.
type Flag = (&'static str, String);

impl Plan {
    /// The command that repeats this plan: its profile, and what differs from that.
    pub fn command(&self) -> String {
        // Plans of no profile are changes of the default one.
        let profile: Profile = self.profile.parse().unwrap_or_default();
        let mut flags: Vec<Flag> = Vec::new();
        if profile != Profile::default() {
            flags.push(("--profile", profile.to_string()));
        }
        let settings = profile.settings().unwrap_or_default();
        let base = settings.resolve(profile.name()).ok();
        flags.extend(self.changes(base.as_ref()));
        if let Some(peer) = &self.peer {
            flags.push(("--peers", "ezkl".to_owned()));
            let asked = Settings {
                models: Some(models::list(&self.models)),
                ezkl: Some(true),
                ..settings
            };
            let base = asked.resolve(profile.name()).ok();
            flags.extend(peer.changes(base.and_then(|plan| plan.peer).as_ref()));
        }
        let mut command = String::from("cargo xtask experiment");
        for (flag, value) in flags {
            // A value with a dash in front would be taken for a flag.
            let between = if value.starts_with('-') { "=" } else { " " };
            command.push_str(&format!(" {flag}{between}{}", word(&value)));
        }
        command
    }

    /// The flags for what differs from `base`, but for peers.
    fn changes(&self, base: Option<&Self>) -> Vec<Flag> {
        let differs =
            |is_equal: fn(&Self, &Self) -> bool| !base.is_some_and(|base| is_equal(self, base));
        let mut flags: Vec<Flag> = Vec::new();
        if differs(|a, b| a.models == b.models) {
            flags.push(("--models", models::list(&self.models)));
        }
        if differs(|a, b| a.rounds == b.rounds) {
            flags.push(("--rounds", self.rounds.to_string()));
        }
        if differs(|a, b| a.proofs == b.proofs) {
            flags.push(("--proofs", self.proofs.to_string()));
        }
        if differs(|a, b| a.setups == b.setups) {
            flags.push(("--setups", self.setups.to_string()));
        }
        flags.extend(row_changes(&self.source, base.map(|base| &base.source)));
        if differs(|a, b| a.seed == b.seed) {
            flags.push(("--seed", self.seed.to_string()));
        }
        // No profile sets them.
        flags.extend(
            self.threads
                .map(|threads| ("--threads", threads.to_string())),
        );
        flags
    }
}

impl PeerPlan {
    /// The flags for what differs from `base`.
    fn changes(&self, base: Option<&Self>) -> Vec<Flag> {
        let differs =
            |is_equal: fn(&Self, &Self) -> bool| !base.is_some_and(|base| is_equal(self, base));
        let mut flags: Vec<Flag> = Vec::new();
        if differs(|a, b| a.models == b.models) {
            flags.push(("--peer-models", models::list(&self.models)));
        }
        if differs(|a, b| a.configurations == b.configurations) {
            let names = self.configurations.iter().map(ToString::to_string);
            let names: Vec<String> = names.collect();
            flags.push(("--peer-configurations", names.join(",")));
        }
        if differs(|a, b| a.proofs == b.proofs) {
            flags.push(("--peer-proofs", self.proofs.to_string()));
        }
        if differs(|a, b| a.setups == b.setups) {
            flags.push(("--peer-setups", self.setups.to_string()));
        }
        if differs(|a, b| a.limit_seconds == b.limit_seconds) {
            flags.push(("--peer-limit", self.limit_seconds.to_string()));
        }
        flags
    }
}

/// The flags for rows that differ from `base`: of token tables those that do, of a table all.
fn row_changes(source: &Source, base: Option<&Source>) -> Vec<Flag> {
    let mut rows = RowSettings::of(source);
    if let Some(base) = base {
        let base = RowSettings::of(base);
        rows.data = rows.data.filter(|data| base.data.as_ref() != Some(data));
        rows.mode = rows.mode.filter(|mode| base.mode != Some(*mode));
    }
    rows.flags()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Mode;
    use crate::plan::PeerPlan;
    use crate::plan::testing::{parse, split};
    use zkassay_ezkl::Configuration;
    use zkassay_models::ModelSpec;
    use zkassay_seed::Stream;

    fn repeated(plan: &Plan) -> Plan {
        let words = split(&plan.command());
        assert_eq!(words[..3], ["cargo", "xtask", "experiment"]);
        let words: Vec<&str> = words[3..].iter().map(String::as_str).collect();
        parse(&words).unwrap()
    }

    #[test]
    fn profiles_are_repeated_by_their_name_alone() {
        for profile in Profile::ALL {
            let plan = profile.plan().unwrap();
            let expected = match profile {
                Profile::Quick => "cargo xtask experiment".to_owned(),
                other => format!("cargo xtask experiment --profile {other}"),
            };
            assert_eq!(plan.command(), expected);
            assert_eq!(repeated(&plan), plan);
        }
    }

    #[test]
    fn only_what_differs_is_said() {
        let mut plan = Profile::Full.plan().unwrap();
        plan.seed = 7;
        plan.models = Plan::parse_models("64-32,classical").unwrap();
        assert_eq!(
            plan.command(),
            "cargo xtask experiment --profile full --models 64-32,classical --seed 7"
        );
        let with_peer = parse(&["--profile", "full", "--peers", "ezkl"]).unwrap();
        let line = "cargo xtask experiment --profile full --peers ezkl";
        assert_eq!(with_peer.command(), line);
        let tuned = [
            "--peers",
            "ezkl",
            "--peer-configurations",
            "tuned",
            "--mode",
            "paper",
        ];
        assert_eq!(
            parse(&tuned).unwrap().command(),
            "cargo xtask experiment --mode paper --peers ezkl --peer-configurations tuned"
        );
    }

    #[test]
    fn paths_and_columns_survive_the_shell() {
        let mut plan = Profile::Quick.plan().unwrap();
        plan.source = Source::Table {
            path: "my loans/who's late.csv".into(),
            label: "-x".into(),
            time: Some("$(rm -r /)".into()),
        };
        assert_eq!(repeated(&plan), plan);
        plan.profile = "mine".into();
        assert_eq!(repeated(&plan).source, plan.source);
    }

    /// Some of the models, in a random order.
    fn models(stream: &mut Stream) -> Vec<ModelSpec> {
        let lists = [
            "study",
            "study:none,classical",
            "study,study:tanh",
            "100-7,svm",
        ];
        let mut all = Plan::parse_models(lists[stream.below(lists.len())]).unwrap();
        if stream.below(3) == 0 {
            return all;
        }
        let mut chosen = Vec::new();
        for _ in 0..1 + stream.below(all.len().min(5)) {
            chosen.push(all.swap_remove(stream.below(all.len())));
        }
        chosen
    }

    fn plan(stream: &mut Stream) -> Plan {
        let models = models(stream);
        let data = ["fixtures", "prices of 2024.csv", "/data/x"][stream.below(3)];
        let source = match stream.below(3) {
            0 => Source::Table {
                path: data.into(),
                label: ["repaid", "it's so"][stream.below(2)].into(),
                time: [None, Some("opened".into())][stream.below(2)].clone(),
            },
            mode => Source::Tokens {
                path: data.into(),
                mode: [Mode::Honest, Mode::Paper][mode - 1],
            },
        };
        // One number in two is that of a profile.
        let mut number = |usual: &[usize]| match stream.below(2) {
            0 => usual[stream.below(usual.len())],
            _ => 1 + stream.below(10_000),
        };
        let numbers = [number(&[1, 5, 20]), number(&[5, 50]), number(&[3, 50])];
        let peer_numbers = [number(&[3, 5]), number(&[1]), number(&[120, 300])];
        let peer = (stream.below(2) == 0).then(|| {
            let mut configurations = Configuration::ALL.to_vec();
            configurations.swap_remove(stream.below(3));
            let count = 1 + stream.below(models.len());
            PeerPlan {
                configurations,
                models: models[..count].to_vec(),
                proofs: peer_numbers[0],
                setups: peer_numbers[1],
                limit_seconds: peer_numbers[2] as u64,
            }
        });
        Plan {
            profile: Profile::ALL[stream.below(3)].to_string(),
            models,
            rounds: numbers[0],
            proofs: numbers[1],
            setups: numbers[2],
            source,
            seed: [20_220_601, 0, u64::MAX][stream.below(3)],
            threads: [None, Some(1 + stream.below(8))][stream.below(2)],
            peer,
        }
    }

    #[test]
    fn random_plans_are_repeated() {
        let mut stream = Stream::new(8, "plan/command");
        for _ in 0..500 {
            let plan = plan(&mut stream);
            assert_eq!(repeated(&plan), plan, "{}", plan.command());
            // Journals keep it, too.
            let json = serde_json::to_string(&plan).unwrap();
            assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
        }
    }
}
