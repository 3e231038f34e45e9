//! What becomes of a graph's nodes, before there are calibration rows.

use ndarray::Array2;
use zkassay_graph::Graph;

use super::{CalibrationParams, Target, calibrate_program};
use crate::integer::{IntegerCalibration, calibrate_model};

/// Bits of a limb, about those of most models.
const BITS: u32 = 9;
/// What all inputs are, until a model can be evaluated on it.
const INPUTS: [f32; 3] = [0.5, 1.0, 0.0];

/// An integer model of `graph` for inputs that are made up: which nodes are merged and which steps there
/// are does not depend on scales as a rule, but scales and bounds do. `None` if none is found.
///
/// It is for one inference on its own; with `alone` not set, for several in a proof.
pub fn drafted(graph: &Graph, fold: bool, alone: bool) -> Option<IntegerCalibration> {
    let any_error = Target::Resources {
        max_error: f64::INFINITY,
    };
    let params = CalibrationParams::new(BITS).ok()?;
    let params = params.with_target(any_error).ok()?.with_fold(fold);
    INPUTS.into_iter().find_map(|input| {
        let row = Array2::from_elem((1, graph.inputs()), input);
        match alone {
            true => calibrate_model(graph, row.view(), &params).ok(),
            false => calibrate_program(graph, row.view(), &params).ok(),
        }
    })
}
