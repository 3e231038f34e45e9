//! From a journal to the record of a run.
//!
//! A record is a function of the journal alone: it can be made again at any time, also of a run that
//! was stopped, and but for times it is the same whether a run was interrupted or not.

use anyhow::{Context as _, Result};
use zkassay_models::metrics::{self, Summary};
use zkassay_models::zoo::Params;
use zkassay_models::{Hyperparameters as _, ModelSpec};
use zkassay_report::{
    Accuracy, Failure, Family, Host, ModelRecord, Proportion, Proving, RECORD_VERSION, Rate,
    RunRecord, Sizes, SrsRecord, Stage, Timings, Training,
};

use crate::Plan;
use crate::cell::{self, AccuracyRound, ProvingRound};
use crate::journal::{Contents, Entry, Header};

/// The stage of a failure that left a model without integers in some round; its proofs may do.
pub(crate) const QUANTISE: &str = "quantise";

/// The share of a machine that other programs may take before times are called too long.
const BUSY: f64 = 0.15;

/// The round whose model is proved: the last of rows in time, which knows most of the past, and the
/// first of random splits, which are all alike.
pub fn proved_round(plan: &Plan) -> usize {
    match plan.source.is_in_time() {
        true => plan.rounds.saturating_sub(1),
        false => 0,
    }
}

/// The record of what a journal says so far.
///
/// # Errors
/// A line that contradicts the plan, or figures that cannot be: more rows right than there are.
pub fn record(contents: &Contents) -> Result<RunRecord> {
    let header = &contents.header;
    let plan = &header.plan;
    let models = plan
        .models
        .iter()
        .filter_map(|spec| model(contents, spec).transpose());
    let hosts = hosts(contents);
    let host = *hosts
        .first()
        .context("the journal does not say on which machine the run began")?;
    let mut warnings = header.warnings.clone();
    warnings.extend(hosts.iter().skip(1).filter_map(|other| moved(host, other)));
    warnings.extend(load(contents));
    warnings.dedup();
    Ok(RunRecord {
        version: RECORD_VERSION,
        id: header.id.clone(),
        created: header.created.clone(),
        command: plan.command(),
        profile: plan.profile.clone(),
        seconds: seconds(contents),
        seed: plan.seed,
        host: host.clone(),
        data: header.data.clone(),
        audit: header.audit.clone(),
        warnings,
        srs: SrsRecord {
            kind: SrsRecord::UNSAFE_LOCAL.into(),
        },
        models: models.collect::<Result<_>>()?,
        failures: failures(contents),
    })
}

/// The rounds of `spec` whose accuracy is known, in order.
pub fn accuracy_rounds<'a>(contents: &'a Contents, spec: &ModelSpec) -> Vec<&'a AccuracyRound> {
    let mut rounds: Vec<&AccuracyRound> = contents
        .entries()
        .filter_map(|entry| match entry {
            Entry::Accuracy { model, round } if model == spec => Some(round),
            _ => None,
        })
        .collect();
    rounds.sort_by_key(|round| round.round);
    rounds
}

/// The rounds of a prover on a model, in order, and the prover's version.
pub fn proving_rounds(
    contents: &Contents,
    spec: &ModelSpec,
    name: &str,
) -> (Vec<ProvingRound>, Option<String>) {
    let mut latest = None;
    let mut rounds: Vec<ProvingRound> = Vec::new();
    for entry in contents.entries() {
        match entry {
            Entry::Proving {
                model,
                prover,
                version,
                round,
            } if model == spec && prover == name => {
                latest = Some(version.clone());
                rounds.push((**round).clone());
            }
            Entry::Retried { model, prover } if *model == spec.to_string() && prover == name => {
                rounds.retain(|round| round.failure.is_none());
            }
            _ => {}
        }
    }
    rounds.sort_by_key(|round| round.round);
    (rounds, latest)
}

/// The SHA-256 of the file of `spec` that is proved, once it is written.
pub fn exported<'a>(contents: &'a Contents, spec: &ModelSpec) -> Option<&'a str> {
    contents.entries().find_map(|entry| match entry {
        Entry::Exported {
            model, onnx_sha256, ..
        } if model == spec => Some(onnx_sha256.as_str()),
        _ => None,
    })
}

/// What failed and was not tried again, in the plan's order.
pub fn failures(contents: &Contents) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    for entry in contents.entries() {
        match entry {
            Entry::Failed(failure) => failures.push(failure.clone()),
            Entry::Proving {
                model,
                prover,
                round,
                ..
            } => failures.extend(round.failure.as_ref().map(|failure| Failure {
                model: model.to_string(),
                prover: prover.clone(),
                stage: failure.stage.clone(),
                message: failure.message.clone(),
            })),
            Entry::Retried { model, prover } => {
                failures.retain(|failure| failure.model != *model || failure.prover != *prover);
            }
            _ => {}
        }
    }
    let plan = &contents.header.plan;
    for spec in &plan.models {
        let model = spec.to_string();
        let known =
            |failure: &Failure| failure.model == model && failure.prover == Proving::ZKASSAY;
        if failures.iter().any(known) {
            continue;
        }
        let rounds = accuracy_rounds(contents, spec);
        let reason = rounds
            .iter()
            .find_map(|round| Some((round.round, round.failure.as_ref()?)));
        if let Some((round, reason)) = reason {
            failures.push(Failure {
                model,
                prover: Proving::ZKASSAY.into(),
                stage: QUANTISE.into(),
                message: match plan.rounds {
                    1 => reason.clone(),
                    _ => format!("accuracy round {}: {reason}", round + 1),
                },
            });
        }
    }
    let provers = provers(plan);
    let position = |failure: &Failure| {
        let mut models = plan.models.iter();
        let model = models.position(|spec| spec.to_string() == failure.model);
        let prover = provers.iter().position(|name| *name == failure.prover);
        // What is not of the plan comes last.
        (model.unwrap_or(usize::MAX), prover.unwrap_or(usize::MAX))
    };
    failures.sort_by_key(position);
    failures
}

/// The names of all provers, ours first.
pub fn provers(plan: &Plan) -> Vec<&'static str> {
    let peers = plan.peer.iter().flat_map(|peer| &peer.configurations);
    let peers = peers.map(|configuration| configuration.prover());
    [Proving::ZKASSAY].into_iter().chain(peers).collect()
}

/// A share of rows in one or more rounds. Random splits share rows: `train_rows` is how many they
/// train on, absent where rounds are independent or there is one.
///
/// # Errors
/// No rounds, no rows, more rows right than there are.
pub fn rate(rounds: &[Proportion], train_rows: Option<usize>) -> Result<Rate> {
    let shares: Result<Vec<metrics::Proportion>, _> = rounds
        .iter()
        .map(|round| metrics::Proportion::new(round.correct, round.total))
        .collect();
    let shares = shares?;
    let values: Vec<f64> = shares.iter().map(|share| share.value).collect();
    let summary = match (train_rows, rounds.first()) {
        (Some(train), Some(first)) => Summary::of_splits(&values, train, first.total)?,
        _ => Summary::new(&values)?,
    };
    let wilson = shares
        .first()
        .map_or((0.0, 1.0), |share| (share.low, share.high));
    let (low, high) = summary.low.zip(summary.high).unwrap_or(wilson);
    Ok(Rate {
        value: summary.mean,
        // Student's t does not know that shares end somewhere.
        low: low.clamp(0.0, 1.0),
        high: high.clamp(0.0, 1.0),
        standard_error: summary.standard_error,
        rounds: rounds.to_vec(),
    })
}

/// The record of a model; none before its accuracy is known.
fn model(contents: &Contents, spec: &ModelSpec) -> Result<Option<ModelRecord>> {
    let header = &contents.header;
    let plan = &header.plan;
    let rounds = accuracy_rounds(contents, spec);
    let Some(last) = rounds.last() else {
        return Ok(None);
    };
    let proved = rounds
        .iter()
        .find(|round| round.round == proved_round(plan));
    let exported = exported(contents, spec);
    let mut proving = proving(contents, spec, Proving::ZKASSAY);
    proving.fidelity = proved.and_then(|round| round.fidelity);
    let mut peers = Vec::new();
    if let Some(peer) = plan.peer.as_ref().filter(|peer| peer.models.contains(spec)) {
        for configuration in &peer.configurations {
            peers.push(self::proving(contents, spec, configuration.prover()));
        }
    }
    let (hidden, activation) = match spec {
        ModelSpec::Mlp(spec) if !spec.hidden.is_empty() => (
            spec.hidden.clone(),
            format!("{:?}", spec.activation).to_lowercase(),
        ),
        _ => (Vec::new(), "none".into()),
    };
    let params = Params::study(spec, plan.seed).check()?;
    Ok(Some(ModelRecord {
        tag: spec.to_string(),
        family: match spec {
            ModelSpec::SvmRbf => Family::Kernel,
            ModelSpec::Tree | ModelSpec::Forest | ModelSpec::Boosted => Family::Trees,
            _ => Family::Network,
        },
        hidden,
        activation,
        // Rounds differ in features, and so in parameters.
        parameters: proved.unwrap_or(last).parameters,
        training: Training {
            params: serde_json::to_value(&params)?,
            seed: plan.seed,
            seconds: rounds.iter().map(|round| round.training_seconds).sum(),
        },
        accuracy: accuracy(header, &rounds).with_context(|| format!("model {spec}"))?,
        onnx_sha256: exported.unwrap_or_default().into(),
        proving,
        peers,
    }))
}

fn accuracy(header: &Header, rounds: &[&AccuracyRound]) -> Result<Accuracy> {
    let plan = &header.plan;
    let splits = plan.rounds > 1 && !plan.source.is_in_time();
    let train_rows = splits.then_some(header.data.train_rows);
    let all = |of: fn(&AccuracyRound) -> Proportion| {
        let counted: Vec<Proportion> = rounds.iter().map(|round| of(round)).collect();
        rate(&counted, train_rows)
    };
    let quantized: Option<Vec<Proportion>> = rounds.iter().map(|round| round.quantized).collect();
    Ok(Accuracy {
        float: all(|round| round.float)?,
        quantized: quantized
            .map(|counted| rate(&counted, train_rows))
            .transpose()?,
        majority: all(|round| round.majority)?,
    })
}

/// All rounds of a prover on a model.
fn proving(contents: &Contents, spec: &ModelSpec, prover: &str) -> Proving {
    let (rounds, version) = proving_rounds(contents, spec, prover);
    let mut proving = Proving {
        prover: prover.into(),
        version: version.unwrap_or_default(),
        fidelity: cell::fidelity(&rounds),
        ..Proving::default()
    };
    for round in rounds {
        add(&mut proving.timings, &round.wall);
        add(&mut proving.cpu, &round.cpu);
        proving.circuit = proving.circuit.or(round.circuit);
        if proving.settings.is_null() {
            proving.settings = round.settings;
        }
        proving.sizes = merged(proving.sizes, round.sizes);
        let memory = &mut proving.memory;
        // The most since the process began: later keys are made after proofs.
        memory.setup_bytes = memory.setup_bytes.or(round.memory.setup_bytes);
        memory.prove_bytes = memory.prove_bytes.max(round.memory.prove_bytes);
        proving.proved_rows.extend(round.row);
    }
    proving
}

fn add(all: &mut Timings, round: &Timings) {
    for stage in Stage::ALL {
        for sample in round.of(stage).as_slice() {
            all.push(stage, *sample);
        }
    }
}

/// The first known size of everything.
fn merged(first: Sizes, second: Sizes) -> Sizes {
    Sizes {
        proof_bytes: first.proof_bytes.or(second.proof_bytes),
        pk_bytes: first.pk_bytes.or(second.pk_bytes),
        vk_bytes: first.vk_bytes.or(second.vk_bytes),
        srs_bytes: first.srs_bytes.or(second.srs_bytes),
    }
}

/// The time of all parts of a run: each ends with its last line.
fn seconds(contents: &Contents) -> f64 {
    let (mut all, mut part) = (0.0, 0.0);
    for line in &contents.lines {
        match line.entry {
            // The record is made before this is written.
            Entry::Finished => continue,
            Entry::Begun { .. } => all += part,
            _ => {}
        }
        part = line.seconds;
    }
    all + part
}

/// Where each part of the run ran.
fn hosts(contents: &Contents) -> Vec<&Host> {
    let hosts = contents.entries().filter_map(|entry| match entry {
        Entry::Begun { host } => Some(host),
        _ => None,
    });
    hosts.collect()
}

/// What to know if other programs ran while proofs were made; of several parts, the busiest.
fn load(contents: &Contents) -> Option<String> {
    let loads = contents.entries().filter_map(|entry| match entry {
        Entry::Load { others, cores } => Some((*others, *cores)),
        _ => None,
    });
    let (others, cores) = loads.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (others > BUSY * cores as f64).then(|| {
        format!(
            "While proofs were made, other programs kept {others:.1} of {cores} cores busy: times \
             are too long."
        )
    })
}

/// What to know about a part that ran elsewhere.
fn moved(first: &Host, then: &Host) -> Option<String> {
    let name = |revision: &Option<String>| revision.clone().unwrap_or_else(|| "unknown".into());
    if first.revision != then.revision || first.packages != then.packages {
        return Some(format!(
            "the run began at revision {} and went on at revision {}: results may be of both",
            name(&first.revision),
            name(&then.revision)
        ));
    }
    let machine = |host: &Host| {
        let Host {
            cpu,
            cores,
            ram_bytes,
            os,
            ..
        } = host;
        format!(
            "{cpu}, {cores} cores, {:.1} GB, {os}",
            *ram_bytes as f64 / 1e9
        )
    };
    let (one, other) = (machine(first), machine(then));
    (one != other).then(|| {
        format!("the run began on one machine ({one}) and went on on another ({other}): times are of both")
    })
}

#[cfg(test)]
pub(crate) mod tests;
