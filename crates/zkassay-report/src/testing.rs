//! A small made-up run record for tests.

use crate::record::{
    Accuracy, CircuitShape, DataRecord, Family, Fidelity, FileRecord, Host, ModelRecord,
    Proportion, RECORD_VERSION, RunRecord, Sizes, SrsRecord, Stage, Timings, Training,
};

/// Two models with round numbers: `logistic` and `64-32`.
pub(crate) fn run_record() -> RunRecord {
    let logistic = ModelRecord {
        tag: "logistic".into(),
        hidden: vec![],
        parameters: 163,
        accuracy: Accuracy {
            float: proportion(99, 0.581, 0.731),
            quantized: proportion(99, 0.581, 0.731),
            majority: proportion(78, 0.44, 0.598),
        },
        circuit: CircuitShape {
            logrows: 8,
            rows: 163,
            advice_columns: 10,
            fixed_columns: 7,
            instance_columns: 1,
        },
        timings: timings(&[13.0], &[15.5, 14.25, 14.9], &[1.6, 1.5, 1.7]),
        sizes: Sizes {
            proof_bytes: 736,
            pk_bytes: 201_000,
            vk_bytes: 712,
            srs_bytes: 32_900,
        },
        proved_rows: vec![0, 7, 31],
        ..deep()
    };
    RunRecord {
        version: RECORD_VERSION,
        id: "20220601-000000".into(),
        created: "2022-06-01T00:00:00Z".into(),
        command: "cargo xtask experiment -n 3 --models logistic,64-32".into(),
        seed: 20_220_601,
        host: Host {
            cpu: "Example 9000".into(),
            cores: 2,
            threads: 2,
            ram_bytes: 24_000_000_000,
            os: "Linux 6.1".into(),
            revision: Some("0123abc".into()),
        },
        data: DataRecord {
            name: "fixture".into(),
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
        warnings: vec![],
        srs: SrsRecord {
            kind: SrsRecord::UNSAFE_LOCAL.into(),
        },
        models: vec![logistic, deep()],
    }
}

/// A record with the article's 42 models: accuracies and costs follow simple
/// formulas, so that plots have something to show.
pub(crate) fn family() -> RunRecord {
    const WIDTHS: [usize; 6] = [128, 64, 32, 16, 8, 4];
    let mut record = run_record();
    record.models.clear();
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
            timings: timings(
                &[cost * 0.9, cost, cost * 1.1],
                &[10.0 + cost * 0.5, 12.0 + cost * 0.5, 10.5 + cost * 0.5],
                &[1.5 + cost * 0.02, 1.6 + cost * 0.02],
            ),
            hidden,
            ..deep()
        };
        if model.hidden.is_empty() {
            model.tag = "logistic".into();
        }
        model.accuracy.quantized = proportion(correct, value - 0.078, value + 0.072);
        model.accuracy.majority = proportion(78, 0.44, 0.598);
        model.circuit.logrows = 8 + u32::from(parameters > 1000) + u32::from(parameters > 11_000);
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
            float: proportion(150, 0.975, 1.0),
            quantized: proportion(149, 0.963, 0.999),
            majority: proportion(78, 0.44, 0.598),
        },
        fidelity: Fidelity {
            label_agreement: 0.9933,
            mean_abs_error: 0.0005,
            max_abs_error: 0.004,
        },
        circuit: CircuitShape {
            logrows: 9,
            rows: 259,
            advice_columns: 14,
            fixed_columns: 71,
            instance_columns: 1,
        },
        timings: timings(&[120.0], &[1000.0, 1200.0], &[4.2, 4.2]),
        sizes: Sizes {
            proof_bytes: 3584,
            pk_bytes: 2_500_000,
            vk_bytes: 4250,
            srs_bytes: 65_700,
        },
        proved_rows: vec![0, 7],
        onnx_sha256: "ef".repeat(32),
        settings: serde_json::json!({"scales": {"input": 12, "output": 13}, "range_bits": 8}),
    }
}

fn proportion(correct: usize, low: f64, high: f64) -> Proportion {
    Proportion {
        // Rounded, because JSON may change the last bit of a number.
        value: (correct as f64 / 150.0 * 1e4).round() / 1e4,
        low,
        high,
        correct,
        total: 150,
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
