//! Building a chain of layers and encoding it.

use std::collections::BTreeMap;

use ndarray::{ArrayView1, ArrayView2};

use crate::OnnxError;
use crate::proto::{
    AttributeProto, Dim, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, ValueInfoProto,
};

/// Name of the model's input, `[batch_size, inputs]`.
pub const INPUT: &str = "input";
/// Name of the model's output, `[batch_size, outputs]`.
pub const OUTPUT: &str = "output";
/// Version of the `ai.onnx` operator set that models are written in.
pub const OPSET: i64 = 17;

/// The oldest file format that carries operator set 17 (ONNX 1.12).
const IR_VERSION: i64 = 8;
const BATCH: &str = "batch_size";

/// A model under construction: layers are applied in the order they are added.
///
/// See the [crate documentation](crate) for an example.
#[derive(Clone, Debug)]
pub struct ModelBuilder {
    name: String,
    inputs: usize,
    /// Elements per row after the last layer added.
    len: usize,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    metadata: BTreeMap<String, String>,
}

impl ModelBuilder {
    /// A model called `name` over rows of `inputs` elements.
    ///
    /// # Errors
    /// [`OnnxError::NoInputs`] if `inputs` is 0.
    pub fn new(name: &str, inputs: usize) -> Result<Self, OnnxError> {
        if inputs == 0 {
            return Err(OnnxError::NoInputs {
                model: name.to_owned(),
            });
        }
        Ok(Self {
            name: name.to_owned(),
            inputs,
            len: inputs,
            nodes: Vec::new(),
            initializers: Vec::new(),
            metadata: BTreeMap::new(),
        })
    }

    /// Adds `y = weights x + bias`, with `weights` `[out, in]` and `bias` `[out]`.
    ///
    /// The tensors are stored as `<layer>.weight` and `<layer>.bias`.
    ///
    /// # Errors
    /// If a shape does not fit, a value is NaN or infinite, or the name is taken.
    pub fn dense(
        mut self,
        layer: &str,
        weights: ArrayView2<'_, f32>,
        bias: ArrayView1<'_, f32>,
    ) -> Result<Self, OnnxError> {
        let (out, columns) = weights.dim();
        let mismatch = |tensor, axis, expected, found| OnnxError::ShapeMismatch {
            layer: layer.to_owned(),
            tensor,
            axis,
            expected,
            found,
        };
        if columns != self.len {
            return Err(mismatch("weights", "columns", self.len, columns));
        }
        if out == 0 {
            return Err(mismatch("weights", "rows", 1, out));
        }
        if bias.len() != out {
            return Err(mismatch("bias", "elements", out, bias.len()));
        }
        check_finite(layer, "weights", weights.iter())?;
        check_finite(layer, "bias", bias.iter())?;

        let (weight_name, bias_name) = (format!("{layer}.weight"), format!("{layer}.bias"));
        self.push("Gemm", layer, &[&weight_name, &bias_name])?;
        if let Some(node) = self.nodes.last_mut() {
            node.attribute.push(AttributeProto::int("transB", 1));
        }
        let weights = TensorProto::floats(&weight_name, &[out, columns], weights.iter().copied());
        let bias = TensorProto::floats(&bias_name, &[out], bias.iter().copied());
        self.initializers.extend([weights, bias]);
        self.len = out;
        Ok(self)
    }

    /// Adds `max(x, 0)` on every element.
    ///
    /// # Errors
    /// [`OnnxError::LayerName`] if the name is empty or taken.
    pub fn relu(mut self, layer: &str) -> Result<Self, OnnxError> {
        self.push("Relu", layer, &[])?;
        Ok(self)
    }

    /// Adds `1 / (1 + exp(-x))` on every element.
    ///
    /// # Errors
    /// [`OnnxError::LayerName`] if the name is empty or taken.
    pub fn sigmoid(mut self, layer: &str) -> Result<Self, OnnxError> {
        self.push("Sigmoid", layer, &[])?;
        Ok(self)
    }

    /// Sets a metadata property; the last value of a key counts.
    pub fn metadata(mut self, key: &str, value: &str) -> Self {
        self.metadata.insert(key.to_owned(), value.to_owned());
        self
    }

    /// The model as a protobuf message.
    ///
    /// # Errors
    /// [`OnnxError::NoLayers`] if nothing was added.
    pub fn build(mut self) -> Result<ModelProto, OnnxError> {
        match self.nodes.last_mut() {
            Some(last) => last.output = vec![OUTPUT.to_owned()],
            None => return Err(OnnxError::NoLayers { model: self.name }),
        }
        let rows_of = |name, len| {
            ValueInfoProto::floats(name, [Dim::Symbol(BATCH.to_owned()), Dim::Size(len as i64)])
        };
        let graph = GraphProto {
            input: vec![rows_of(INPUT, self.inputs)],
            output: vec![rows_of(OUTPUT, self.len)],
            name: self.name,
            node: self.nodes,
            initializer: self.initializers,
        };
        let metadata_props = self
            .metadata
            .into_iter()
            .map(|(key, value)| StringStringEntryProto { key, value })
            .collect();
        Ok(ModelProto {
            ir_version: IR_VERSION,
            producer_name: "zkassay".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(graph),
            opset_import: vec![OperatorSetIdProto {
                domain: String::new(),
                version: OPSET,
            }],
            metadata_props,
        })
    }

    /// The model as the bytes of an `.onnx` file.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn encode(self) -> Result<Vec<u8>, OnnxError> {
        Ok(self.build()?.to_bytes())
    }

    /// Appends a node that reads the value so far and the constants named.
    fn push(&mut self, op_type: &str, name: &str, constants: &[&str]) -> Result<(), OnnxError> {
        // A node's value carries the node's name, so the names of the graph's
        // own values are taken too.
        let taken = [INPUT, OUTPUT].contains(&name) || self.nodes.iter().any(|n| n.name == name);
        if name.is_empty() || taken {
            return Err(OnnxError::LayerName {
                layer: name.to_owned(),
            });
        }
        let previous = self.nodes.last().map_or(INPUT, |node| node.name.as_str());
        let input = std::iter::once(previous)
            .chain(constants.iter().copied())
            .map(str::to_owned)
            .collect();
        self.nodes.push(NodeProto {
            input,
            output: vec![name.to_owned()],
            name: name.to_owned(),
            op_type: op_type.to_owned(),
            ..NodeProto::default()
        });
        Ok(())
    }
}

fn check_finite<'a>(
    layer: &str,
    tensor: &'static str,
    values: impl Iterator<Item = &'a f32>,
) -> Result<(), OnnxError> {
    for (index, &value) in values.enumerate() {
        if !value.is_finite() {
            return Err(OnnxError::NonFinite {
                layer: layer.to_owned(),
                tensor,
                index,
                value,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::DataType;
    use ndarray::{Array2, array};

    fn two_layers() -> ModelBuilder {
        let w0 = Array2::from_shape_fn((3, 2), |(o, i)| 0.1 + o as f32 - 0.3 * i as f32);
        ModelBuilder::new("tiny", 2)
            .and_then(|b| {
                b.dense(
                    "layer_0",
                    w0.view(),
                    array![0.1, -0.0, f32::MIN_POSITIVE].view(),
                )
            })
            .and_then(|b| b.relu("relu_0"))
            .and_then(|b| {
                b.dense(
                    "layer_1",
                    array![[1.0, 2.0, 3.0]].view(),
                    array![0.5].view(),
                )
            })
            .and_then(|b| b.sigmoid("probability"))
            .expect("shapes fit")
    }

    fn floats(tensor: &TensorProto) -> Vec<u32> {
        tensor
            .raw_data
            .chunks_exact(4)
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect()
    }

    #[test]
    fn round_trip_keeps_every_bit() {
        let built = two_layers().metadata("seed", "7").build().unwrap();
        let read = ModelProto::from_bytes(&built.to_bytes()).unwrap();
        assert_eq!(read, built);

        let graph = read.graph.unwrap();
        let weights: Vec<u32> = (0..3)
            .flat_map(|o| (0..2).map(move |i| (0.1 + o as f32 - 0.3 * i as f32).to_bits()))
            .collect();
        assert_eq!(floats(&graph.initializer[0]), weights);
        assert_eq!(graph.initializer[0].dims, [3, 2]);
        assert_eq!(graph.initializer[0].data_type, DataType::Float as i32);
        let bias = [0.1f32, -0.0, f32::MIN_POSITIVE].map(f32::to_bits);
        assert_eq!(floats(&graph.initializer[1]), bias);
    }

    #[test]
    fn nodes_are_wired_in_a_chain() {
        let graph = two_layers().build().unwrap().graph.unwrap();
        let wires: Vec<_> = graph
            .node
            .iter()
            .map(|n| {
                (
                    n.op_type.as_str(),
                    n.input[0].as_str(),
                    n.output[0].as_str(),
                )
            })
            .collect();
        assert_eq!(
            wires,
            [
                ("Gemm", "input", "layer_0"),
                ("Relu", "layer_0", "relu_0"),
                ("Gemm", "relu_0", "layer_1"),
                ("Sigmoid", "layer_1", "output"),
            ]
        );
    }

    #[test]
    fn bytes_do_not_depend_on_the_order_of_metadata() {
        let forward = two_layers().metadata("a", "1").metadata("b", "2");
        let backward = two_layers().metadata("b", "2").metadata("a", "1");
        assert_eq!(forward.encode().unwrap(), backward.encode().unwrap());
    }

    #[test]
    fn errors_name_the_layer() {
        let builder = || ModelBuilder::new("m", 2).unwrap();
        let error = builder()
            .dense("first", array![[1.0, 2.0, 3.0]].view(), array![0.0].view())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "layer `first`: weights with 3 columns, expected 2"
        );
        let error = builder()
            .dense("first", array![[1.0, 2.0]].view(), array![0.0, 1.0].view())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "layer `first`: bias with 2 elements, expected 1"
        );
        let error = builder()
            .dense("first", array![[1.0, f32::NAN]].view(), array![0.0].view())
            .unwrap_err();
        assert!(matches!(
            error,
            OnnxError::NonFinite { ref layer, index: 1, tensor: "weights", .. } if layer == "first"
        ));
        let error = builder().relu("a").and_then(|b| b.relu("a")).unwrap_err();
        assert!(matches!(error, OnnxError::LayerName { ref layer } if layer == "a"));
        assert!(matches!(
            builder().encode(),
            Err(OnnxError::NoLayers { .. })
        ));
        assert!(matches!(
            ModelBuilder::new("m", 0),
            Err(OnnxError::NoInputs { .. })
        ));
    }

    #[test]
    fn arbitrary_bytes_are_not_a_model() {
        assert!(matches!(
            ModelProto::from_bytes(b"not a model"),
            Err(OnnxError::Decode(_))
        ));
    }
}
