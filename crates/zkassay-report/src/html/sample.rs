//! Made-up runs for tests of the page: large ones, strange ones, empty ones.

use crate::record::{
    Failure, Family, Fidelity, Proportion, Proving, Rate, RunRecord, Stage, Timings,
};
use crate::testing::{family, run_record};

/// What a name or a message may hold.
pub(crate) const MARKUP: &str =
    "</script><script>document.title='broken'</script><img src=x onerror=alert(1)>\"'&amp;";

/// The article's models and a dozen of other families over 20 rounds, with 50 proofs each, other provers,
/// failures and a warning: about as much as a page ever has to show.
pub(crate) fn large() -> RunRecord {
    let mut record = family();
    record.profile = "full".into();
    record.data.sampling = "20 random splits".into();
    let classical = [
        ("svm-linear", Family::Network, 163, 0.585),
        ("ridge", Family::Network, 163, 0.571),
        ("svm-rbf", Family::Kernel, 64_152, 0.607),
        ("svm-poly", Family::Kernel, 61_020, 0.566),
        ("tree", Family::Trees, 63, 0.541),
        ("forest", Family::Trees, 12_600, 0.612),
        ("boosted", Family::Trees, 3_100, 0.598),
        ("boosted-deep", Family::Trees, 24_000, 0.603),
    ];
    let template = record.models.first().cloned();
    for (tag, family, parameters, accuracy) in classical {
        let Some(mut model) = template.clone() else {
            break;
        };
        model.tag = tag.into();
        model.family = family;
        model.hidden.clear();
        model.parameters = parameters;
        if let Some(rate) = &mut model.accuracy.quantized {
            rate.value = accuracy;
        }
        record.models.push(model);
    }
    for (index, model) in record.models.iter_mut().enumerate() {
        let value = model
            .accuracy
            .quantized
            .as_ref()
            .map_or(0.5, |rate| rate.value);
        // Around half, as the days of a market are.
        let value = 0.50 + (value - 0.58) * 0.6 + 0.00001 * model.parameters.min(6000) as f64;
        model.accuracy.quantized = Some(rounds(value, 0.03));
        model.accuracy.float = rounds(value + 0.002 * (index % 4) as f64, 0.03);
        model.accuracy.majority = rounds(0.52, 0.01);
        let cost = (model.parameters as f64).sqrt();
        model.proving.timings = timings(index, cost, 1.0, 50);
        model.proving.cpu = timings(index, cost * 1.8, 1.0, 50);
        model.proving.proved_rows = (0..50).collect();
        model.proving.sizes.proof_bytes =
            Some(736 + 64 * model.hidden.len() as u64 + index as u64 % 5);
        model.proving.sizes.pk_bytes = Some(180_000 + 220 * model.parameters as u64);
        model.proving.memory.prove_bytes = Some(18_000_000 + 2_000 * model.parameters as u64);
        model.peers.clear();
        if index % 6 == 0 {
            for (name, factor) in [("EZKL fixed", 92.0), ("EZKL tuned", 41.0)] {
                let mut peer = Proving {
                    prover: name.into(),
                    version: "23.0.5".into(),
                    timings: timings(index, cost * factor, factor / 8.0, 3),
                    cpu: timings(index, cost * factor * 1.5, factor / 8.0, 3),
                    fidelity: Some(Fidelity {
                        rows: 3,
                        label_agreement: 1.0,
                        mean_abs_error: 0.0031,
                        max_abs_error: 0.009,
                    }),
                    circuit: model.proving.circuit,
                    sizes: model.proving.sizes,
                    memory: model.proving.memory,
                    ..Proving::default()
                };
                if let Some(circuit) = &mut peer.circuit {
                    circuit.logrows += 7;
                }
                peer.settings =
                    serde_json::json!({ "input_scale": 7, "lookup_range": [-640, 640] });
                model.peers.push(peer);
            }
        }
    }
    let refused = ["forest", "boosted", "svm-rbf"].into_iter().map(|tag| Failure {
        model: tag.into(),
        prover: "EZKL fixed".into(),
        stage: "settings".into(),
        message: format!(
            "[graph] operator `TreeEnsembleClassifier` of node 1 is not supported; traceback: {}",
            "File \"ezkl_worker.py\", line 93, in settings\n".repeat(12)
        ),
    });
    record.failures = refused.collect();
    record.warnings = vec!["tvl_lido knows the next day's price: see the leak audit".into()];
    record
}

/// A run whose every text is markup.
pub(crate) fn hostile() -> RunRecord {
    let mut record = run_record();
    let strings = [
        &mut record.id,
        &mut record.created,
        &mut record.command,
        &mut record.profile,
        &mut record.host.cpu,
        &mut record.host.os,
        &mut record.data.name,
        &mut record.data.sampling,
        &mut record.data.feature_hash,
        &mut record.srs.kind,
    ];
    for string in strings {
        *string = MARKUP.into();
    }
    record.host.revision = Some(MARKUP.into());
    record.host.packages.insert(MARKUP.into(), MARKUP.into());
    record.warnings.push(MARKUP.into());
    for file in &mut record.data.files {
        (file.name, file.sha256) = (MARKUP.into(), MARKUP.into());
    }
    if let Some(audit) = &mut record.audit {
        (audit.method, audit.verdict) = (MARKUP.into(), MARKUP.into());
        audit.suspects.push(MARKUP.into());
    }
    for model in &mut record.models {
        model.tag = MARKUP.into();
        model.activation = MARKUP.into();
        model.onnx_sha256 = MARKUP.into();
        model.training.params = serde_json::json!({ MARKUP: MARKUP });
        for proving in std::iter::once(&mut model.proving).chain(&mut model.peers) {
            proving.version = MARKUP.into();
            proving.settings = serde_json::json!([MARKUP]);
        }
        for peer in &mut model.peers {
            peer.prover = MARKUP.into();
        }
    }
    for failure in &mut record.failures {
        failure.model = MARKUP.into();
        failure.prover = MARKUP.into();
        failure.stage = MARKUP.into();
        failure.message = MARKUP.repeat(20);
    }
    record
}

/// 20 rounds of 150 rows around `value`.
fn rounds(value: f64, half: f64) -> Rate {
    let value = (value * 1e4).round() / 1e4;
    let correct = (value * 150.0).round() as usize;
    Rate {
        value,
        low: value - half,
        high: value + half,
        standard_error: Some(half / 2.0),
        rounds: vec![
            Proportion {
                correct,
                total: 150
            };
            20
        ],
    }
}

/// `count` samples of every stage, spread a little.
fn timings(seed: usize, prove: f64, verify: f64, count: usize) -> Timings {
    let mut timings = Timings::default();
    for index in 0..count {
        let spread = 1.0 + ((index * 7 + seed * 3) % 11) as f64 / 60.0;
        for (stage, milliseconds) in [
            (Stage::Settings, 0.3 + prove * 0.02),
            (Stage::Calibrate, 1.0 + prove * 0.15),
            (Stage::Compile, 0.4 + prove * 0.05),
            (Stage::Setup, 6.0 + prove * 0.8),
            (Stage::Witness, 0.2 + prove * 0.04),
            (Stage::Prove, 8.0 + prove),
            (Stage::Verify, verify * 1.4 + prove * 0.002),
        ] {
            timings.push(stage, milliseconds * spread);
        }
    }
    timings
}
