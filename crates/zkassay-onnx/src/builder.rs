//! Building a chain of layers and encoding it.

mod images;
mod rbf;
mod rows;

use std::collections::BTreeMap;

use crate::OnnxError;
use crate::proto::{
    AttributeProto, Dim, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, ValueInfoProto,
};

/// Name of the model's input, `[batch_size, inputs]`.
pub const INPUT: &str = "input";
/// Name of the model's output: `batch_size` rows of the shape of the last layer's.
pub const OUTPUT: &str = "output";
/// Version of the `ai.onnx` operator set that models are written in.
pub const OPSET: i64 = 17;

/// The oldest file format that carries operator set 17 (ONNX 1.12).
const IR_VERSION: i64 = 8;
pub(crate) const BATCH: &str = "batch_size";

/// A model under construction: layers are applied in the order they are added.
///
/// Rows are flat, `[batch_size, n]`, until [`reshape`](Self::reshape) makes
/// images of them. An error of a layer names it: a shape does not fit what the
/// layer before it gives, a constant is NaN or infinite, or the name is empty
/// or taken, by another layer or its constants.
///
/// See the [crate documentation](crate) for an example.
#[derive(Clone, Debug)]
pub struct ModelBuilder {
    name: String,
    inputs: usize,
    /// Shape of a row after the last layer added.
    pub(crate) shape: Vec<usize>,
    pub(crate) nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    /// Outputs of the model beside [`OUTPUT`].
    pub(crate) outputs: Vec<ValueInfoProto>,
    /// Nodes that write them, of values of `nodes`.
    pub(crate) readers: Vec<NodeProto>,
    pub(crate) operators: Vec<OperatorSetIdProto>,
    metadata: BTreeMap<String, String>,
}

impl ModelBuilder {
    /// A model called `name` over rows of `inputs` elements.
    ///
    /// # Errors
    /// [`OnnxError::NoName`] if `name` is empty, [`OnnxError::NoInputs`] if
    /// `inputs` is 0.
    pub fn new(name: &str, inputs: usize) -> Result<Self, OnnxError> {
        if name.is_empty() {
            return Err(OnnxError::NoName);
        }
        if inputs == 0 {
            return Err(OnnxError::NoInputs {
                model: name.to_owned(),
            });
        }
        Ok(Self {
            name: name.to_owned(),
            inputs,
            shape: vec![inputs],
            nodes: Vec::new(),
            initializers: Vec::new(),
            outputs: Vec::new(),
            readers: Vec::new(),
            operators: vec![OperatorSetIdProto {
                domain: String::new(),
                version: OPSET,
            }],
            metadata: BTreeMap::new(),
        })
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
        let rows = self.value();
        match self
            .nodes
            .last_mut()
            .and_then(|node| node.output.last_mut())
        {
            Some(value) => OUTPUT.clone_into(value),
            None => return Err(OnnxError::NoLayers { model: self.name }),
        }
        let read = self.readers.iter_mut().flat_map(|node| &mut node.input);
        for value in read.filter(|value| **value == rows) {
            OUTPUT.clone_into(value);
        }
        self.nodes.append(&mut self.readers);
        let rows_of = |name, shape: &[usize]| {
            let sizes = shape.iter().map(|&size| Dim::Size(size as i64));
            let batch = Dim::Symbol(BATCH.to_owned());
            ValueInfoProto::floats(name, std::iter::once(batch).chain(sizes))
        };
        let mut output = vec![rows_of(OUTPUT, &self.shape)];
        output.append(&mut self.outputs);
        let graph = GraphProto {
            input: vec![rows_of(INPUT, &[self.inputs])],
            output,
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
            opset_import: self.operators,
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

    /// Name of the rows as they are after the last layer added: a node's last
    /// output carries them.
    pub(crate) fn value(&self) -> String {
        let last = self.nodes.last().and_then(|node| node.output.last());
        last.map_or(INPUT, String::as_str).to_owned()
    }

    /// Elements of a row, if rows are flat.
    pub(crate) fn flat(&self, layer: &str) -> Result<usize, OnnxError> {
        match self.shape[..] {
            [len] => Ok(len),
            _ => Err(OnnxError::RowShape {
                layer: layer.to_owned(),
                expected: "[n]",
                found: self.shape.clone(),
                remedy: "flatten",
            }),
        }
    }

    /// Appends a node that reads the rows so far and `constants`, and stores these.
    fn push(
        &mut self,
        op_type: &str,
        name: &str,
        constants: Vec<TensorProto>,
        attributes: Vec<AttributeProto>,
    ) -> Result<(), OnnxError> {
        let names = constants.iter().map(|constant| constant.name.clone());
        let inputs = std::iter::once(self.value()).chain(names).collect();
        self.push_node(op_type, name, inputs, attributes)?;
        self.push_constants(constants)
    }

    /// Appends a node that reads the values `inputs` and writes one called as
    /// the node.
    pub(crate) fn push_node(
        &mut self,
        op_type: &str,
        name: &str,
        input: Vec<String>,
        attribute: Vec<AttributeProto>,
    ) -> Result<(), OnnxError> {
        self.check_name(name)?;
        self.nodes.push(NodeProto {
            input,
            output: vec![name.to_owned()],
            name: name.to_owned(),
            op_type: op_type.to_owned(),
            attribute,
            ..NodeProto::default()
        });
        Ok(())
    }

    fn push_constants(&mut self, constants: Vec<TensorProto>) -> Result<(), OnnxError> {
        for constant in constants {
            self.check_name(&constant.name)?;
            self.initializers.push(constant);
        }
        Ok(())
    }

    /// An error unless `name` can name a value.
    pub(crate) fn check_name(&self, name: &str) -> Result<(), OnnxError> {
        let values = self.nodes.iter().flat_map(|node| &node.output);
        let constants = self.initializers.iter().map(|constant| &constant.name);
        let outputs = self.outputs.iter().map(|output| &output.name);
        let mut taken = values.chain(constants).chain(outputs);
        if name.is_empty() || [INPUT, OUTPUT].contains(&name) || taken.any(|other| other == name) {
            return Err(OnnxError::LayerName {
                layer: name.to_owned(),
            });
        }
        Ok(())
    }
}

/// An error that says what of `tensor` does not fit.
pub(crate) fn mismatch(
    layer: &str,
    tensor: &'static str,
    axis: &'static str,
    expected: usize,
    found: usize,
) -> OnnxError {
    OnnxError::ShapeMismatch {
        layer: layer.to_owned(),
        tensor,
        axis,
        expected,
        found,
    }
}

pub(crate) fn check_finite<'a>(
    layer: &str,
    tensor: &'static str,
    values: impl IntoIterator<Item = &'a f32>,
) -> Result<(), OnnxError> {
    for (index, &value) in values.into_iter().enumerate() {
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
        assert!(matches!(ModelBuilder::new("", 2), Err(OnnxError::NoName)));
    }

    #[test]
    fn arbitrary_bytes_are_not_a_model() {
        assert!(matches!(
            ModelProto::from_bytes(b"not a model"),
            Err(OnnxError::Decode(_))
        ));
    }
}
