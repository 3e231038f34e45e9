//! ONNX files: importing, evaluating, and for some all that follows up to the gates; chains of dense layers
//! beside an independent engine.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};
use zkassay::{Circuit, CompileOptions, Witness, mock};
use zkassay_circuit::Compiled;
use zkassay_gadgets::Shape;
use zkassay_graph::Graph;
use zkassay_graph::reference::Reference;
use zkassay_onnx::proto::{Dim, Dimension, GraphProto, ModelProto};
use zkassay_quant::{CalibrationParams, calibrate_model};
use zkassay_seed::Stream;

use super::{HONEST, accepted, refused, sample, wrong};
use crate::corpus::Corpus;
use crate::mutate::{count, interesting, mutate, one_in, protobuf};
use crate::{Case, Outcome, Target};

/// Models of more values in all are not evaluated.
const EVALUATED: usize = 1 << 18;
/// One of how many models of up to how many values is calibrated and compiled; one of how many has its gates
/// checked, up to what size. The last takes long.
const CALIBRATIONS: u64 = 8;
const CALIBRATED: usize = 256;
const MOCKED: u64 = 64;
const MOCKED_LOGROWS: u32 = 9;
/// Bits of a limb.
const LIMB_BITS: u32 = 7;
/// What the independent engine has to run, and to agree on.
const COMPARED: [&str; 8] = [
    "Gemm", "MatMul", "Add", "Relu", "Sigmoid", "Identity", "Flatten", "Dropout",
];
/// How far single and double precision may be apart, relative to the greatest value.
const TOLERANCE: f32 = 1e-3;

pub(super) struct OnnxFile(pub(super) Arc<Corpus>);

impl Target for OnnxFile {
    fn name(&self) -> &'static str {
        "onnx"
    }

    /// The member is that of the corpus's ONNX files.
    fn case(&self, stream: &mut Stream) -> Case {
        let member = stream.below(self.0.onnx.len());
        let donors: Vec<&[u8]> = self.0.onnx.iter().map(Vec::as_slice).collect();
        let mut bytes = self.0.onnx[member].clone();
        if one_in(HONEST, stream) {
            return Case { bytes, member };
        }
        match (stream.below(8), ModelProto::from_bytes(&bytes)) {
            // Some fields of exporters' files are lost on the way.
            (0..=2, Ok(mut model)) => {
                for _ in 0..count(stream) {
                    change(&mut model, stream);
                }
                bytes = model.to_bytes();
            }
            (3 | 4, _) => mutate(&mut bytes, &donors, stream),
            _ => bytes = protobuf::mutated(&bytes, &donors, stream),
        }
        Case { bytes, member }
    }

    fn check(&self, case: &Case) -> Outcome {
        let graph = match Graph::from_onnx(&case.bytes) {
            Ok(graph) => graph,
            Err(error) => return refused(error),
        };
        // Only that it neither panics nor takes long.
        let planned = match zkassay_circuit::Plan::for_graph(&graph) {
            Ok(plan) if plan.logrows <= Shape::MAX_LOGROWS => "planned".to_owned(),
            Ok(plan) => return wrong(format!("a plan beyond what is supported: {plan:?}")),
            Err(error) => error.to_string(),
        };
        let values: usize = graph.nodes.iter().map(|node| node.len()).sum();
        if graph.inputs() + values > EVALUATED {
            return accepted(format!("imported, large; {planned}"));
        }
        let rows = Array2::from_shape_fn((2, graph.inputs()), |(row, column)| {
            row as f32 * (column as f32 * 0.37 - 1.0)
        });
        let is_compared = zkassay_quant::is_chain(&graph) && has_only(&case.bytes, &COMPARED);
        if !is_compared {
            for row in rows.outer_iter() {
                match graph.evaluate(row) {
                    Ok(found) if found.len() == graph.outputs() => {}
                    Ok(found) => return wrong(format!("{} outputs", found.len())),
                    Err(error) => {
                        return wrong(format!("imported, but cannot be evaluated: {error}"));
                    }
                }
            }
            let is_small = values <= CALIBRATED && sample(&case.bytes, CALIBRATIONS);
            return match is_small {
                true => prepared(&case.bytes, &graph, rows.view()),
                false => accepted("imported and evaluated"),
            };
        }
        let reference =
            Reference::new(&case.bytes).and_then(|reference| reference.run(rows.view()));
        let reference = match reference {
            Ok(reference) => reference,
            // It knows fewer types, and takes two nodes of one name for an error.
            Err(_) => return accepted("imported, but the oracle cannot run it"),
        };
        for (row, expected) in rows.outer_iter().zip(reference.outer_iter()) {
            let found = match graph.evaluate(row) {
                Ok(found) => found,
                Err(error) => return wrong(format!("imported, but cannot be evaluated: {error}")),
            };
            let is_finite = |values: &[f32]| values.iter().all(|x| x.is_finite());
            let largest = found.iter().fold(1f32, |most, x| most.max(x.abs()));
            let is_near = |(a, b): (&f32, &f32)| (a - b).abs() <= TOLERANCE * largest;
            // Large weights cancel, or overflow in single precision only.
            let weights = largest_weight(&graph);
            if weights > 1e3 || !is_finite(&found) {
                continue;
            }
            if found.len() != expected.len() || !found.iter().zip(expected).all(is_near) {
                return wrong(format!("{found:?}, but the oracle says {expected}"));
            }
        }
        accepted(format!("imported and evaluated; {planned}"))
    }
}

/// Chooses integers for the rows of a model that is no chain, and checks its gates: an error, or integers
/// that satisfy them.
fn prepared(bytes: &[u8], graph: &Graph, rows: ArrayView2<'_, f32>) -> Outcome {
    let calibration =
        CalibrationParams::new(LIMB_BITS).and_then(|params| calibrate_model(graph, rows, &params));
    let model = match calibration {
        Ok(calibration) => calibration.model,
        Err(error) => return accepted(format!("imported and evaluated; {error}")),
    };
    if let Err(error) = model.validate() {
        return wrong(format!("calibrated, but not valid: {error}"));
    }
    for row in rows.outer_iter() {
        if let Err(error) = model.evaluate(&row.to_vec()) {
            return wrong(format!("calibrated, but not for its own rows: {error}"));
        }
    }
    let compiled = match Compiled::new(model, &CompileOptions::default()) {
        Ok(compiled) => compiled,
        Err(error) => return accepted(format!("calibrated; {error}")),
    };
    if compiled.logrows() > MOCKED_LOGROWS || !sample(bytes, MOCKED) {
        return accepted("calibrated and compiled");
    }
    let circuit = Circuit {
        compiled,
        model: [0; 32],
        settings: [0; 32],
        interface: Default::default(),
    };
    for row in rows.outer_iter() {
        let checked = Witness::new(&circuit, &row.to_vec()).and_then(|of| mock(&circuit, &of));
        if let Err(error) = checked {
            return wrong(format!("an evaluation that the gates refuse: {error}"));
        }
    }
    accepted("calibrated and compiled, and all gates hold")
}

/// Whether a file has no other operators than these.
fn has_only(bytes: &[u8], operators: &[&str]) -> bool {
    let model = ModelProto::from_bytes(bytes).ok();
    let graph = model.and_then(|model| model.graph);
    graph.is_some_and(|graph| {
        let mut nodes = graph.node.iter();
        nodes.all(|node| node.domain.is_empty() && operators.contains(&node.op_type.as_str()))
    })
}

fn largest_weight(graph: &Graph) -> f32 {
    let largest = |node: &zkassay_graph::Node| match &node.op {
        zkassay_graph::Op::Dense(dense) => {
            let all = dense.weights.iter().chain(&dense.bias);
            all.fold(0f32, |most, x| most.max(x.abs()))
        }
        zkassay_graph::Op::Elementwise { constant, .. } => {
            constant.fold(0f32, |most, x| most.max(x.abs()).max(1.0 / x.abs()))
        }
        _ => 0.0,
    };
    graph.nodes.iter().map(largest).fold(0.0, f32::max)
}

/// Changes a field of a model.
fn change(model: &mut ModelProto, stream: &mut Stream) {
    if one_in(12, stream) {
        match model.opset_import.first_mut() {
            Some(set) if one_in(2, stream) => set.version = interesting(stream) as i64,
            _ => model.ir_version = interesting(stream) as i64,
        }
        return;
    }
    let Some(graph) = &mut model.graph else {
        return;
    };
    match stream.below(4) {
        0 | 1 => change_node(graph, stream),
        2 => change_constant(graph, stream),
        _ => change_value(graph, stream),
    }
}

/// A name that the graph uses, or none.
fn name(graph: &GraphProto, stream: &mut Stream) -> String {
    let constants = graph.initializer.iter().map(|tensor| &tensor.name);
    let outputs = graph.node.iter().flat_map(|node| &node.output);
    let inputs = graph.input.iter().map(|input| &input.name);
    let names: Vec<&String> = constants.chain(outputs).chain(inputs).collect();
    match one_in(6, stream) {
        true => ["", "x", "\u{0}"][stream.below(3)].to_owned(),
        false => names
            .get(stream.below(names.len()))
            .map_or_else(String::new, |n| (*n).clone()),
    }
}

fn change_node(graph: &mut GraphProto, stream: &mut Stream) {
    const OPS: [&str; 12] = [
        "Gemm", "MatMul", "Add", "Relu", "Sigmoid", "Identity", "Flatten", "Dropout", "Conv",
        "Softmax", "Reshape", "",
    ];
    const ATTRIBUTES: [&str; 6] = ["alpha", "beta", "transA", "transB", "axis", "x"];
    let name = name(graph, stream);
    let count = graph.node.len();
    let (at, other) = (stream.below(count), stream.below(count));
    let Some(node) = graph.node.get_mut(at) else {
        return;
    };
    match stream.below(10) {
        0 => graph.node.swap(at, other),
        1 => {
            graph.node.remove(at);
        }
        2 => {
            // Before itself, with a value of its own.
            let mut copy = node.clone();
            copy.op_type = OPS[3 + stream.below(3)].to_owned();
            copy.input.truncate(1);
            copy.output = vec!["between".to_owned()];
            copy.attribute.clear();
            if let Some(input) = node.input.first_mut() {
                *input = "between".to_owned();
            }
            graph.node.insert(at, copy);
        }
        3 => node.op_type = OPS[stream.below(OPS.len())].to_owned(),
        4 => {
            let input = stream.below(node.input.len());
            match node.input.get_mut(input) {
                Some(input) => *input = name,
                None => node.input.push(name),
            }
        }
        5 => node.input.push(name),
        6 => {
            node.input.pop();
        }
        7 => node.output = vec![name],
        _ => {
            let attribute = stream.below(node.attribute.len());
            let Some(attribute) = node.attribute.get_mut(attribute) else {
                let mut attribute = zkassay_onnx::proto::AttributeProto::int(
                    ATTRIBUTES[stream.below(ATTRIBUTES.len())],
                    stream.below(3) as i64,
                );
                attribute.kind = stream.below(4) as i32;
                node.attribute.push(attribute);
                return;
            };
            match stream.below(4) {
                0 => attribute.i = interesting(stream) as i64,
                1 => attribute.f = f32::from_bits(stream.bits() as u32),
                2 => attribute.kind = interesting(stream) as i32,
                _ => attribute.name = ATTRIBUTES[stream.below(ATTRIBUTES.len())].to_owned(),
            }
        }
    }
}

fn change_constant(graph: &mut GraphProto, stream: &mut Stream) {
    let name = name(graph, stream);
    let at = stream.below(graph.initializer.len());
    let Some(tensor) = graph.initializer.get_mut(at) else {
        return;
    };
    match stream.below(9) {
        0 => tensor.dims.reverse(),
        1 => tensor.dims.push(1),
        2 => {
            let dim = stream.below(tensor.dims.len());
            if let Some(dim) = tensor.dims.get_mut(dim) {
                *dim = interesting(stream) as i64;
            }
        }
        3 => tensor.data_type = stream.below(20) as i32,
        4 => {
            let words = tensor.raw_data.chunks_exact(4);
            let floats = words.map(|w| f32::from_le_bytes([w[0], w[1], w[2], w[3]]));
            tensor.float_data = floats.collect();
            tensor.raw_data.clear();
        }
        5 => tensor.data_location = stream.below(3) as i32,
        6 => tensor.name = name,
        7 => {
            let copy = tensor.clone();
            graph.initializer.push(copy);
        }
        _ => mutate(&mut tensor.raw_data, &[], stream),
    }
}

fn change_value(graph: &mut GraphProto, stream: &mut Stream) {
    let name = name(graph, stream);
    let values = match one_in(3, stream) {
        true => &mut graph.output,
        false => &mut graph.input,
    };
    let Some(value) = values.first_mut() else {
        return;
    };
    if one_in(6, stream) {
        value.name = name;
        return;
    }
    if one_in(8, stream) {
        let copy = value.clone();
        values.push(copy);
        return;
    }
    let Some(tensor) = value.r#type.as_mut().and_then(|t| t.tensor_type.as_mut()) else {
        return;
    };
    let Some(shape) = tensor.shape.as_mut().filter(|_| !one_in(8, stream)) else {
        tensor.elem_type = stream.below(20) as i32;
        return;
    };
    let at = stream.below(shape.dim.len());
    let size = Dimension {
        value: match stream.below(4) {
            0 => None,
            1 => Some(Dim::Symbol(name)),
            2 => Some(Dim::Size(1 + stream.below(8) as i64)),
            _ => Some(Dim::Size(interesting(stream) as i64)),
        },
    };
    match (stream.below(4), shape.dim.get_mut(at)) {
        (0, _) => shape.dim.push(size),
        (1, Some(_)) => {
            shape.dim.remove(at);
        }
        (_, Some(dim)) => *dim = size,
        (_, None) => {}
    }
}
