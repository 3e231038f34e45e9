//! Lists of models: names, groups, patterns.
//!
//! A list is what `--models` takes: `logistic,64-32:tanh,classical,'mlp-*'`. Names of models that
//! are no networks have longer forms, too (`svm-linear`, `forest-100`), so that a pattern such as
//! `forest-*` finds them.

use std::collections::HashSet;

use anyhow::{Result, bail};
use zkassay_models::zoo::Params;
use zkassay_models::{Activation, MlpSpec, ModelSpec};

use super::near::near;
use super::{MODELS, Plan};

/// Groups of models, and what they are.
const GROUPS: [(&str, &str); 4] = [
    ("study", "the 42 networks of the study, ReLU between layers"),
    ("study:tanh", "the same with tanh"),
    ("study:none", "the same with nothing, as the study has it"),
    ("classical", "the models that are no networks"),
];
/// What may be between layers.
const ACTIVATIONS: [&str; 3] = ["relu", "tanh", "none"];
/// The most models of a list.
const MOST: usize = 1000;
/// The longest name or pattern; 64 layers of five digits fit.
const LONGEST: usize = 500;

/// What `--models help` prints.
pub fn help() -> String {
    let mut text = String::from("Names of --models and --peer-models, separated by commas:\n\n");
    let mut line = |name: &str, what: &str| text.push_str(&format!("  {name:<14} {what}\n"));
    line(
        "64-32",
        "a network by the widths of its hidden layers, 1 to 65536, at most 64 of them",
    );
    line("64-32:tanh", "the same with tanh between layers, not ReLU");
    line("64-32:none", "the same with nothing, as the study has it");
    line(
        "logistic",
        "logistic regression: a network without hidden layers",
    );
    for spec in ModelSpec::CLASSICAL {
        line(&spec.to_string(), describe(&spec));
    }
    text.push_str("\nGroups:\n\n");
    for (name, what) in GROUPS {
        text.push_str(&format!("  {name:<14} {what}\n"));
    }
    text.push_str(
        "\nPatterns pick from all of these: * is any text, ? any character. In quotes, or the shell\n\
         takes them for files.\n\n  \
         'mlp-*'        the 42 networks of the study, logistic regression among them\n  \
         'mlp-64*'      those whose first hidden layer has 64 neurons\n  \
         'mlp-*-*-*'    those with three hidden layers; so does '*-*-*'\n  \
         '*-32:none'    those that end in 32, with nothing between layers\n  \
         'svm*'         both support vector machines\n  \
         'forest-*'     the forest, by its long name forest-100\n",
    );
    text.push_str("\nNetworks of the study:\n\n");
    let networks: Vec<String> = study(Activation::Relu)
        .iter()
        .map(ToString::to_string)
        .collect();
    for line in networks.chunks(9) {
        text.push_str(&format!("  {}\n", line.join("  ")));
    }
    text
}

/// A model in a few words.
fn describe(spec: &ModelSpec) -> &'static str {
    match spec {
        ModelSpec::LogisticL2 => "logistic regression with a penalty on the weights",
        ModelSpec::Ridge => "least squares on -1 and 1 with a penalty on the weights",
        ModelSpec::Svm => "support vectors, linear; also svm-linear",
        ModelSpec::SvmRbf => "support vectors, Gaussian kernel",
        ModelSpec::Tree => "a decision tree",
        ModelSpec::Forest => "a random forest of 100 trees; also forest-100",
        ModelSpec::Boosted => "100 gradient-boosted trees; also boosted-100",
        _ => "",
    }
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
}

/// Parses a list of models: names of [`ModelSpec`], `study` for the 42 networks
/// of the study (also `study:tanh` and `study:none`), `classical` for the models
/// that are no networks, and patterns of names with `*` and `?` ([`help`] has examples).
///
/// # Errors
/// A name that is not a model, a model given twice, a pattern that nothing matches, or
/// no model at all.
pub fn parse_models(list: &str) -> Result<Vec<ModelSpec>> {
    let mut models: Vec<ModelSpec> = Vec::new();
    let mut seen: HashSet<ModelSpec> = HashSet::new();
    let names = list.split(',').map(str::trim);
    for name in names.filter(|name| !name.is_empty()) {
        if name.len() > LONGEST {
            bail!("the name of a model has more than {LONGEST} letters");
        }
        let group = match group(name) {
            Some(group) => group,
            None if name.contains(['*', '?']) => matching(name)?,
            None => {
                let model = named(name)?;
                if seen.contains(&model) {
                    bail!("model '{model}' is given twice");
                }
                vec![model]
            }
        };
        models.extend(group.into_iter().filter(|model| seen.insert(model.clone())));
        if models.len() > MOST {
            bail!("more than {MOST} models are given");
        }
    }
    if models.is_empty() {
        bail!("no model is given; try --models {MODELS}");
    }
    Ok(models)
}

/// A list that [`parse_models`] takes for these models; the short name of a group that is among
/// them as a whole, in its order.
pub(crate) fn list(models: &[ModelSpec]) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut rest = models;
    while let [first, others @ ..] = rest {
        let mut groups = GROUPS.iter().filter_map(|(name, _)| {
            let group = group(name)?;
            let after = rest.strip_prefix(group.as_slice())?;
            // Groups share `logistic`: one that is given before would hide it in the next.
            let told = &models[..models.len() - rest.len()];
            let is_new = group.iter().all(|model| !told.contains(model));
            is_new.then_some((*name, after))
        });
        match groups.next() {
            Some((name, after)) => {
                words.push(name.to_owned());
                rest = after;
            }
            None => {
                words.push(first.to_string());
                rest = others;
            }
        }
    }
    words.join(",")
}

fn group(name: &str) -> Option<Vec<ModelSpec>> {
    Some(match name {
        "study" => study(Activation::Relu),
        "study:tanh" => study(Activation::Tanh),
        "study:none" => study(Activation::None),
        "classical" => ModelSpec::CLASSICAL.to_vec(),
        _ => return None,
    })
}

fn study(activation: Activation) -> Vec<ModelSpec> {
    let networks = MlpSpec::study(activation).into_iter();
    networks.map(ModelSpec::Mlp).collect()
}

/// The model of a name, be it a long one.
fn named(name: &str) -> Result<ModelSpec> {
    let mut named = zoo().into_iter();
    if let Some(spec) = named.find(|spec| names(spec).iter().any(|known| known == name)) {
        return Ok(spec);
    }
    if let Some((model, activation)) = name.split_once(':')
        && let Ok(ModelSpec::Mlp(network)) = model.parse()
        && !network.hidden.is_empty()
    {
        if activation == "relu" {
            return Ok(ModelSpec::Mlp(network));
        }
        if ACTIVATIONS.contains(&activation) {
            return Ok(name.parse()?);
        }
        let names = ACTIVATIONS.join(", ");
        bail!("model '{model}': no activation {activation}: {names}");
    }
    match name.parse() {
        Ok(spec) => Ok(spec),
        Err(error) => {
            let known: Vec<String> = zoo().iter().flat_map(names).collect();
            let known = known.iter().map(String::as_str);
            let known = known.chain(GROUPS.iter().map(|(name, _)| *name));
            match near(name, known) {
                // What else there is would hide it.
                Some(known) => bail!(
                    "did you mean `{known}`? There is no model `{name}` (`--models help` lists all)"
                ),
                None => bail!("{error} (`--models help` lists all)"),
            }
        }
    }
}

/// The models whose names match a pattern.
fn matching(pattern: &str) -> Result<Vec<ModelSpec>> {
    let zoo = zoo();
    let is_match = |spec: &&ModelSpec| {
        let names = names(spec);
        names.iter().any(|name| is_name_for(pattern, name, spec))
    };
    let found: Vec<ModelSpec> = zoo.iter().filter(is_match).cloned().collect();
    if found.is_empty() {
        // Its letters may be those of a name: `forrest-*`.
        let stem = pattern.trim_matches(['*', '?', '-', ':']);
        let known: Vec<String> = zoo.iter().flat_map(names).collect();
        let stems = known.iter().flat_map(|name| {
            let first = name.split('-').next().unwrap_or(name);
            [name.as_str(), first]
        });
        let hint = match near(stem, stems) {
            Some(name) if !stem.is_empty() => format!("; did you mean `{name}*`?"),
            _ => String::new(),
        };
        bail!("no model matches '{pattern}'{hint} (`--models help` lists all)");
    }
    Ok(found)
}

/// Whether a pattern is matched by one of a model's names. The long names of networks count only if
/// it spells their start: `*-32` is about widths, and `mlp-32` is not among them.
fn is_name_for(pattern: &str, name: &str, spec: &ModelSpec) -> bool {
    let is_long = matches!(spec, ModelSpec::Mlp(_)) && *name != spec.to_string();
    (!is_long || pattern.starts_with("mlp-")) && matches_pattern(pattern, name)
}

/// Everything that patterns pick from.
fn zoo() -> Vec<ModelSpec> {
    let mut zoo = study(Activation::Relu);
    zoo.extend(ModelSpec::CLASSICAL);
    for activation in [Activation::Tanh, Activation::None] {
        let others = study(activation).into_iter();
        // Logistic regression has no activation.
        zoo.extend(others.skip(1));
    }
    zoo
}

/// The names of a model, the usual one first.
fn names(spec: &ModelSpec) -> Vec<String> {
    let mut names = vec![spec.to_string()];
    match spec {
        ModelSpec::Mlp(network) => names.push(format!("mlp-{network}")),
        ModelSpec::Svm => names.push("svm-linear".into()),
        _ => match Params::study(spec, 0) {
            Params::Forest(params) => names.push(format!("forest-{}", params.trees)),
            Params::Boosted(params) => names.push(format!("boosted-{}", params.stages)),
            _ => {}
        },
    }
    names
}

/// Whether `name` is `pattern` with some text for every `*`, and some character for every `?`.
/// Neither stands for a colon: `mlp-*` has no networks with other activations.
fn matches_pattern(pattern: &str, name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    // Which starts of the name the pattern so far matches.
    let mut starts: Vec<bool> = std::iter::once(true)
        .chain(name.iter().map(|_| false))
        .collect();
    for wanted in pattern.chars() {
        let mut next = vec![wanted == '*' && starts.first() == Some(&true)];
        for (index, found) in name.iter().enumerate() {
            let before = starts.get(index) == Some(&true);
            let matched = match wanted {
                '*' => {
                    let longer = next.last() == Some(&true) && *found != ':';
                    longer || starts.get(index + 1) == Some(&true)
                }
                '?' => before && *found != ':',
                wanted => before && *found == wanted,
            };
            next.push(matched);
        }
        starts = next;
    }
    starts.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_of(list: &str) -> Vec<String> {
        let models = parse_models(list).unwrap();
        models.iter().map(ToString::to_string).collect()
    }

    fn error(list: &str) -> String {
        Plan::parse_models(list).unwrap_err().to_string()
    }

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
        assert!(error("logistic,resnet").contains("resnet"));
        assert!(error("16,logistic,16").contains("'16' is given twice"));
        assert!(error("16,mlp-16").contains("'16' is given twice"));
        assert!(error(" , ").contains("no model"));
        assert!(error("study,64").contains("'64' is given twice"));
        assert!(error("16,cnn").contains("'cnn' is for digits"));
        assert!(error("forrest").contains("did you mean `forest`?"));
        assert!(error("clasical").contains("did you mean `classical`?"));
        assert!(error("forrest").starts_with("did you mean"));
        assert_eq!(
            error("64-32:gelu"),
            "model '64-32': no activation gelu: relu, tanh, none"
        );
        assert_eq!(names_of("64-32:relu,4:none"), ["64-32", "4:none"]);
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
    fn patterns_pick_from_the_zoo() {
        assert_eq!(names_of("mlp-*").len(), 42);
        assert_eq!(names_of("mlp-*"), names_of("study"));
        assert_eq!(names_of("mlp-??:tanh"), ["16:tanh", "32:tanh", "64:tanh"]);
        assert_eq!(names_of("mlp-64*").len(), 1 + 4 + 6);
        assert_eq!(names_of("mlp-*-*-*").len(), 20);
        assert_eq!(names_of("*-32"), ["64-32", "128-32", "128-64-32"]);
        assert_eq!(names_of("12?-*-32:none"), ["128-64-32:none"]);
        assert_eq!(names_of("*:tanh").len(), 41);
        assert_eq!(names_of("svm*"), ["svm", "svm-rbf"]);
        assert_eq!(names_of("logistic*"), ["logistic", "logistic-l2"]);
        assert_eq!(names_of("forest-*,boosted-*"), ["forest", "boosted"]);
        assert_eq!(names_of("*").len(), 49);
        // What is there already is not there twice.
        assert_eq!(names_of("64-32,mlp-64-32*").first().unwrap(), "64-32");
        assert_eq!(names_of("mlp-*,forest-*,study").len(), 43);
    }

    #[test]
    fn a_pattern_that_nothing_matches_is_an_error() {
        assert!(error("mlp-7*").contains("no model matches 'mlp-7*'"));
        assert!(error("forrest-*").contains("did you mean `forest*`?"));
        assert!(error("svm:*").contains("--models help"));
        assert!(error("c?n").contains("no model matches"));
        assert!(error(&"*a".repeat(200)).contains("no model matches"));
        assert!(error(&"*a".repeat(5000)).contains("more than 500 letters"));
    }

    #[test]
    fn long_names_are_names() {
        assert_eq!(
            names_of("svm-linear,forest-100,boosted-100,mlp-logistic,mlp-64-32:tanh"),
            ["svm", "forest", "boosted", "logistic", "64-32:tanh"]
        );
        // Any widths may be named, the study's or not.
        assert_eq!(names_of("mlp-100-7"), ["100-7"]);
    }

    #[test]
    fn patterns_are_matched_as_a_whole() {
        for (pattern, name, expected) in [
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-cd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*", "a:b", false),
            ("a*:?", "aa:b", true),
            ("**a**", "bab", true),
        ] {
            assert_eq!(matches_pattern(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn models_are_written_as_they_are_parsed() {
        for (text, expected) in [
            ("study,classical", "study,classical"),
            ("mlp-*,forest-*", "study,forest"),
            ("classical,study:none,64", "classical,study:none,64"),
            // Not as a whole, or not in order.
            (
                "ridge,classical",
                "ridge,logistic-l2,svm,svm-rbf,tree,forest,boosted",
            ),
            ("4,logistic", "4,logistic"),
            (MODELS, MODELS),
        ] {
            let models = parse_models(text).unwrap();
            assert_eq!(list(&models), expected);
            assert_eq!(parse_models(&list(&models)).unwrap(), models);
        }
        // The second group lacks the model that both have.
        let both = parse_models("study,study:none").unwrap();
        assert_eq!(both.len(), 83);
        assert_eq!(parse_models(&list(&both)).unwrap(), both);
    }

    #[test]
    fn help_names_every_group_and_model() {
        let help = help();
        for name in GROUPS.iter().map(|(name, _)| (*name).to_owned()) {
            assert!(help.contains(&name), "{name}");
        }
        for model in parse_models("study,classical").unwrap() {
            assert!(help.contains(&model.to_string()), "{model}");
            assert!(matches!(model, ModelSpec::Mlp(_)) || !describe(&model).is_empty());
        }
        for pattern in help.split('\'').filter(|word| word.contains('*')) {
            assert!(
                pattern.contains(' ') || parse_models(pattern).is_ok(),
                "{pattern}"
            );
        }
    }
}
