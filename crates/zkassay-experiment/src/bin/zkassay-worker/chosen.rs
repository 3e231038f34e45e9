//! What calibration and compilation chose.

use serde_json::{Value, json};
use zkassay::settings::Calibrated;
use zkassay::table::Layout;
use zkassay_circuit::Compiled;
use zkassay_quant::IntegerModel;
use zkassay_report::CircuitShape;

/// The integer model that is proved.
pub(crate) fn integer_model(compiled: &Compiled) -> IntegerModel {
    match compiled {
        Compiled::Chain(chain) => IntegerModel::Chain(chain.model().clone()),
        Compiled::Program(program) => IntegerModel::Program(program.program().clone()),
    }
}

/// Rows and columns of the proof's table.
pub(crate) fn circuit(compiled: &Compiled) -> CircuitShape {
    let dimensions = Layout::of(compiled).dimensions;
    CircuitShape {
        logrows: dimensions.logrows,
        rows: Some(dimensions.rows),
        advice_columns: Some(dimensions.first_phase + dimensions.second_phase),
        fixed_columns: Some(dimensions.fixed),
        instance_columns: Some(dimensions.instance),
    }
}

/// Scales, ranges and limbs, for the record.
pub(crate) fn settings(
    compiled: &Compiled,
    model: &IntegerModel,
    calibrated: Option<&Calibrated>,
) -> Value {
    let (low, high) = model.widest_range();
    let mut settings = json!({
        "logrows": compiled.logrows(),
        "input_range": [low, high],
        "block_width": compiled.shape().block_width(),
        "calibration": calibrated.map(|calibrated| calibrated.fidelity),
    });
    let (limbs, degree, details) = match compiled {
        Compiled::Chain(chain) => {
            let layers = chain.model().layers.iter().map(|layer| {
                json!({
                    "node": layer.name,
                    "input_scale": layer.input_scale,
                    "weight_scale": layer.weight_scale,
                })
            });
            let degree = chain.shape().degree;
            settings["output"] = json!(chain.model().output);
            let layers = json!(layers.collect::<Vec<_>>());
            (json!(chain.model().limbs), degree, ("layers", layers))
        }
        Compiled::Program(program) => {
            let steps = program.program().steps.iter();
            let steps = steps.map(|step| json!({"node": step.name, "wires": step.len()}));
            let degree = program.shape().degree;
            let steps = json!(steps.collect::<Vec<_>>());
            settings["output_scale"] = json!(program.program().output_scale);
            (json!(program.program().limbs), degree, ("steps", steps))
        }
    };
    settings["limbs"] = limbs;
    settings["gate_degree"] = json!(degree);
    settings[details.0] = details.1;
    settings
}
