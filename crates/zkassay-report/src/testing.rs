//! Small made-up run records for tests.

use crate::record::{
    Accuracy, AuditRecord, AuditScore, CircuitShape, DataRecord, Failure, Family, Fidelity,
    FileRecord, Host, Memory, ModelRecord, Proportion, Proving, RECORD_VERSION, Rate, RunRecord,
    Sizes, SrsRecord, Stage, Timings, Training,
};

/// Two models with round numbers: `logistic`, which EZKL proved with one of two settings,
/// and `64-32`.
pub(crate) fn run_record() -> RunRecord {
    let logistic = ModelRecord {
        tag: "logistic".into(),
        hidden: vec![],
        parameters: 163,
        accuracy: Accuracy {
            float: rate(99, 0.581, 0.731),
            quantized: Some(rate(99, 0.581, 0.731)),
            majority: rate(78, 0.44, 0.598),
        },
        proving: Proving {
            circuit: Some(shape(8, 163, 10, 7)),
            timings: timings(&[13.0], &[15.5, 14.25, 14.9], &[1.6, 1.5, 1.7]),
            cpu: timings(&[20.0], &[22.0, 23.0, 24.0], &[2.0, 2.0, 2.0]),
            sizes: sizes(736, 201_000, 712),
            proved_rows: vec![0, 7, 31],
            ..deep().proving
        },
        peers: vec![
            ezkl("EZKL fixed"),
            Proving {
                prover: "EZKL tuned".into(),
                version: "23.0.5".into(),
                ..Proving::default()
            },
        ],
        ..deep()
    };
    RunRecord {
        version: RECORD_VERSION,
        id: "20220601-000000".into(),
        created: "2022-06-01T00:00:00Z".into(),
        command: "cargo xtask experiment --profile quick --models logistic,64-32 --peers ezkl"
            .into(),
        profile: "quick".into(),
        seconds: 12.5,
        seed: 20_220_601,
        host: Host {
            cpu: "Example 9000".into(),
            cores: 2,
            threads: 2,
            ram_bytes: 24_000_000_000,
            os: "Linux 6.1".into(),
            revision: Some("0123abc".into()),
            packages: [("zkassay".to_owned(), "0.1.0".to_owned())].into(),
        },
        data: DataRecord {
            name: "fixture".into(),
            sampling: "split once in time".into(),
            rows: 599,
            features: 162,
            train_rows: 449,
            calibration_rows: 128,
            test_rows: 150,
            feature_hash: "ab".repeat(32),
            files: vec![FileRecord {
                name: "prices.parquet".into(),
                bytes: 64_000,
                sha256: "cd".repeat(32),
            }],
        },
        audit: Some(AuditRecord {
            method: "logistic regression, 20 random splits".into(),
            prices_only: audit_score(0.496),
            as_given: audit_score(0.510),
            delayed: audit_score(0.503),
            suspects: vec!["tvl_lido (lag 0)".into()],
            verdict: "no sign of a leak".into(),
        }),
        warnings: vec![],
        srs: SrsRecord {
            kind: SrsRecord::UNSAFE_LOCAL.into(),
        },
        models: vec![logistic, deep()],
        failures: vec![Failure {
            model: "logistic".into(),
            prover: "EZKL tuned".into(),
            stage: "setup".into(),
            message: "took longer than 60 s".into(),
        }],
    }
}

/// A record with the article's 42 models: accuracies and costs follow simple
/// formulas, so that plots have something to show.
pub(crate) fn family() -> RunRecord {
    const WIDTHS: [usize; 6] = [128, 64, 32, 16, 8, 4];
    let mut record = run_record();
    record.models.clear();
    record.failures.clear();
    for mask in 0_u32..64 {
        let chosen = WIDTHS.iter().enumerate();
        let hidden: Vec<usize> = chosen
            .filter(|(bit, _)| mask >> bit & 1 == 1)
            .map(|(_, width)| *width)
            .collect();
        if hidden.len() > 3 {
            continue;
        }
        let mut inputs = 162;
        let mut parameters = 0;
        for width in hidden.iter().copied().chain([1]) {
            parameters += (inputs + 1) * width;
            inputs = width;
        }
        let correct = 88 + (mask as usize * 7) % 19;
        let value = correct as f64 / 150.0;
        let tag: Vec<String> = hidden.iter().map(usize::to_string).collect();
        let cost = (parameters as f64).sqrt();
        let mut model = ModelRecord {
            tag: tag.join("-"),
            parameters,
            hidden,
            ..deep()
        };
        model.proving.timings = timings(
            &[cost * 0.9, cost, cost * 1.1],
            &[10.0 + cost * 0.5, 12.0 + cost * 0.5, 10.5 + cost * 0.5],
            &[1.5 + cost * 0.02, 1.6 + cost * 0.02],
        );
        if model.hidden.is_empty() {
            model.tag = "logistic".into();
        }
        model.accuracy.quantized = Some(rate(correct, value - 0.078, value + 0.072));
        let logrows = 8 + u32::from(parameters > 1000) + u32::from(parameters > 11_000);
        model.proving.circuit = Some(shape(logrows, 259, 14, 71));
        record.models.push(model);
    }
    record
}

fn deep() -> ModelRecord {
    ModelRecord {
        tag: "64-32".into(),
        family: Family::Network,
        hidden: vec![64, 32],
        activation: "relu".into(),
        parameters: 12_545,
        training: Training {
            params: serde_json::json!({ "family": "mlp", "epochs": 1000 }),
            seed: 20_220_601,
            seconds: 1.5,
        },
        accuracy: Accuracy {
            float: rate(150, 0.975, 1.0),
            quantized: Some(rate(149, 0.963, 0.999)),
            majority: rate(78, 0.44, 0.598),
        },
        onnx_sha256: "ef".repeat(32),
        proving: Proving {
            prover: Proving::ZKASSAY.into(),
            version: "0.1.0".into(),
            fidelity: Some(Fidelity {
                rows: 150,
                label_agreement: 0.9933,
                mean_abs_error: 0.0005,
                max_abs_error: 0.004,
            }),
            circuit: Some(shape(9, 259, 14, 71)),
            timings: timings(&[120.0], &[1000.0, 1200.0], &[4.2, 4.2]),
            cpu: timings(&[200.0], &[1900.0, 2100.0], &[5.0, 5.0]),
            sizes: sizes(3584, 2_500_000, 4250),
            memory: Memory {
                setup_bytes: Some(20_000_000),
                prove_bytes: Some(24_000_000),
            },
            proved_rows: vec![0, 7],
            settings: serde_json::json!({"scales": {"input": 12, "output": 13}, "range_bits": 8}),
        },
        peers: vec![],
    }
}

/// A peer a hundred times as slow.
fn ezkl(prover: &str) -> Proving {
    Proving {
        prover: prover.into(),
        version: "23.0.5".into(),
        fidelity: Some(Fidelity {
            rows: 2,
            label_agreement: 1.0,
            mean_abs_error: 0.0001,
            max_abs_error: 0.0002,
        }),
        circuit: Some(CircuitShape {
            logrows: 15,
            ..CircuitShape::default()
        }),
        timings: timings(&[2600.0], &[1490.0, 1500.0], &[14.0, 15.0]),
        cpu: timings(&[4400.0], &[2300.0, 2400.0], &[20.0, 21.0]),
        sizes: sizes(3648, 164_000_000, 100_000),
        memory: Memory {
            setup_bytes: Some(400_000_000),
            prove_bytes: Some(470_000_000),
        },
        proved_rows: vec![0, 7],
        settings: serde_json::json!({"input_scale": 7, "lookup_range": [-640, 640]}),
    }
}

fn shape(logrows: u32, rows: usize, advice: usize, fixed: usize) -> CircuitShape {
    CircuitShape {
        logrows,
        rows: Some(rows),
        advice_columns: Some(advice),
        fixed_columns: Some(fixed),
        instance_columns: Some(1),
    }
}

fn sizes(proof: u64, pk: u64, vk: u64) -> Sizes {
    Sizes {
        proof_bytes: Some(proof),
        pk_bytes: Some(pk),
        vk_bytes: Some(vk),
        srs_bytes: Some(65_700),
    }
}

/// One round of 150 rows.
fn rate(correct: usize, low: f64, high: f64) -> Rate {
    Rate {
        // Rounded, because JSON may change the last bit of a number.
        value: (correct as f64 / 150.0 * 1e4).round() / 1e4,
        low,
        high,
        standard_error: None,
        rounds: vec![Proportion {
            correct,
            total: 150,
        }],
    }
}

fn audit_score(mean: f64) -> AuditScore {
    AuditScore {
        mean,
        standard_error: 0.01,
    }
}

fn timings(setup: &[f64], prove: &[f64], verify: &[f64]) -> Timings {
    let mut timings = Timings::default();
    for (stage, values) in [
        (Stage::Setup, setup),
        (Stage::Prove, prove),
        (Stage::Verify, verify),
    ] {
        for value in values {
            timings.push(stage, *value);
        }
    }
    timings
}
