//! The subset of the ONNX protobuf schema that the models here take.
//!
//! Field numbers are those of [`onnx.proto3`]. Fields that are not listed are
//! skipped when decoding, as protobuf prescribes.
//!
//! [`onnx.proto3`]: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3

use prost::Message;

use crate::OnnxError;

/// A model: a graph, the operator sets it is written in, and who wrote it.
#[derive(Clone, PartialEq, Message)]
pub struct ModelProto {
    /// Version of the file format.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// Name of the program that wrote the model.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// Version of the program that wrote the model.
    #[prost(string, tag = "3")]
    pub producer_version: String,
    /// The computation.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
    /// The operator sets that the graph's nodes refer to.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetIdProto>,
    /// Free-form facts about the model.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

impl ModelProto {
    /// Decodes a model.
    ///
    /// # Errors
    /// [`OnnxError::Decode`] if the bytes are not protobuf of this schema.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OnnxError> {
        Ok(Self::decode(bytes)?)
    }

    /// Encodes the model, whatever it says: nothing is checked here.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    /// The value of the metadata property `key`.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata_props
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| entry.value.as_str())
    }
}

/// Nodes, constants, inputs and outputs, connected by value names.
#[derive(Clone, PartialEq, Message)]
pub struct GraphProto {
    /// The operations, in topological order.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    /// Name of the graph.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Named constants: weights and biases.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    /// Values that the caller gives.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    /// Values that the caller gets.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
}

/// One operation.
#[derive(Clone, PartialEq, Message)]
pub struct NodeProto {
    /// Names of the values read; an empty name stands for an absent input.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of the values written.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Name of the node; may be empty.
    #[prost(string, tag = "3")]
    pub name: String,
    /// Operator, for instance `Gemm`.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Attributes of the operator.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
    /// Operator set of `op_type`; empty for `ai.onnx`.
    #[prost(string, tag = "7")]
    pub domain: String,
}

/// A named attribute of a node. `kind` says which of the others holds it.
#[derive(Clone, PartialEq, Message)]
pub struct AttributeProto {
    /// Name of the attribute.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The value of a [`AttributeKind::Float`].
    #[prost(float, tag = "2")]
    pub f: f32,
    /// The value of an [`AttributeKind::Int`].
    #[prost(int64, tag = "3")]
    pub i: i64,
    /// The value of an [`AttributeKind::String`], in UTF-8.
    #[prost(bytes = "vec", tag = "4")]
    pub s: Vec<u8>,
    /// The values of [`AttributeKind::Floats`].
    #[prost(float, repeated, tag = "7")]
    pub floats: Vec<f32>,
    /// The values of [`AttributeKind::Ints`].
    #[prost(int64, repeated, tag = "8")]
    pub ints: Vec<i64>,
    /// The values of [`AttributeKind::Strings`], in UTF-8.
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub strings: Vec<Vec<u8>>,
    /// Which kind of value it is (`type` in the schema).
    #[prost(enumeration = "AttributeKind", tag = "20")]
    pub kind: i32,
}

impl AttributeProto {
    /// An integer attribute.
    pub fn int(name: &str, value: i64) -> Self {
        Self {
            name: name.to_owned(),
            i: value,
            kind: AttributeKind::Int.into(),
            ..Self::default()
        }
    }

    /// A float attribute.
    pub fn float(name: &str, value: f32) -> Self {
        Self {
            name: name.to_owned(),
            f: value,
            kind: AttributeKind::Float.into(),
            ..Self::default()
        }
    }

    /// A string attribute.
    pub fn string(name: &str, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            s: value.as_bytes().to_vec(),
            kind: AttributeKind::String.into(),
            ..Self::default()
        }
    }

    /// An attribute of several floats.
    pub fn floats(name: &str, values: impl IntoIterator<Item = f32>) -> Self {
        Self {
            name: name.to_owned(),
            floats: values.into_iter().collect(),
            kind: AttributeKind::Floats.into(),
            ..Self::default()
        }
    }

    /// An attribute of several integers.
    pub fn ints(name: &str, values: impl IntoIterator<Item = i64>) -> Self {
        Self {
            name: name.to_owned(),
            ints: values.into_iter().collect(),
            kind: AttributeKind::Ints.into(),
            ..Self::default()
        }
    }

    /// An attribute of several strings.
    pub fn strings<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let bytes = |value: &str| value.as_bytes().to_vec();
        Self {
            name: name.to_owned(),
            strings: values.into_iter().map(bytes).collect(),
            kind: AttributeKind::Strings.into(),
            ..Self::default()
        }
    }
}

/// Kinds of attribute values (`AttributeProto.AttributeType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum AttributeKind {
    /// Not stated.
    Undefined = 0,
    /// One 32-bit float.
    Float = 1,
    /// One 64-bit integer.
    Int = 2,
    /// One string.
    String = 3,
    /// Several 32-bit floats.
    Floats = 6,
    /// Several 64-bit integers.
    Ints = 7,
    /// Several strings.
    Strings = 8,
}

/// A named constant tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TensorProto {
    /// Shape.
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    /// Element type; a [`DataType`].
    #[prost(enumeration = "DataType", tag = "2")]
    pub data_type: i32,
    /// Elements of a float tensor, unless they are in `raw_data`.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Name of the tensor.
    #[prost(string, tag = "8")]
    pub name: String,
    /// Elements in row-major order, little-endian.
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
    /// Where the elements are, if in another file.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<StringStringEntryProto>,
    /// 0: in this message; 1: in another file.
    #[prost(int32, tag = "14")]
    pub data_location: i32,
}

impl TensorProto {
    /// A float tensor of shape `dims` with the given elements in row-major order.
    pub fn floats(name: &str, dims: &[usize], elements: impl IntoIterator<Item = f32>) -> Self {
        Self {
            name: name.to_owned(),
            dims: dims.iter().map(|&dim| dim as i64).collect(),
            data_type: DataType::Float.into(),
            raw_data: elements.into_iter().flat_map(f32::to_le_bytes).collect(),
            ..Self::default()
        }
    }

    /// An integer tensor of one axis.
    pub fn integers(name: &str, elements: &[i64]) -> Self {
        Self {
            name: name.to_owned(),
            dims: vec![elements.len() as i64],
            data_type: DataType::Int64.into(),
            raw_data: elements.iter().flat_map(|x| x.to_le_bytes()).collect(),
            ..Self::default()
        }
    }
}

/// Element types (`TensorProto.DataType`); those that the models here meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum DataType {
    /// Not stated.
    Undefined = 0,
    /// 32-bit float.
    Float = 1,
    /// 64-bit signed integer.
    Int64 = 7,
    /// Boolean, one byte each.
    Bool = 9,
    /// 64-bit float.
    Double = 11,
}

/// Name and type of a graph input or output.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfoProto {
    /// Name of the value.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Type of the value (`type` in the schema).
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeProto>,
}

impl ValueInfoProto {
    /// A float tensor whose shape is given by `dims`.
    pub fn floats(name: &str, dims: impl IntoIterator<Item = Dim>) -> Self {
        Self::tensor(name, DataType::Float, dims)
    }

    /// A tensor of `elements` whose shape is given by `dims`.
    pub fn tensor(name: &str, elements: DataType, dims: impl IntoIterator<Item = Dim>) -> Self {
        let dim = dims
            .into_iter()
            .map(|dim| Dimension { value: Some(dim) })
            .collect();
        let tensor = TensorType {
            elem_type: elements.into(),
            shape: Some(TensorShapeProto { dim }),
        };
        Self {
            name: name.to_owned(),
            r#type: Some(TypeProto {
                tensor_type: Some(tensor),
            }),
        }
    }
}

/// The type of a value; only tensors here.
#[derive(Clone, PartialEq, Message)]
pub struct TypeProto {
    /// Element type and shape, if the value is a tensor.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorType>,
}

/// Element type and shape of a tensor (`TypeProto.Tensor`).
#[derive(Clone, PartialEq, Message)]
pub struct TensorType {
    /// Element type; a [`DataType`].
    #[prost(enumeration = "DataType", tag = "1")]
    pub elem_type: i32,
    /// Shape, if known.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// A shape whose dimensions may be symbols.
#[derive(Clone, PartialEq, Message)]
pub struct TensorShapeProto {
    /// The dimensions, outermost first.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// One dimension of a shape; without a value it is unknown.
#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
    /// The dimension's size or symbol.
    #[prost(oneof = "Dim", tags = "1, 2")]
    pub value: Option<Dim>,
}

/// A dimension's size or symbol.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Dim {
    /// A fixed size (`dim_value`).
    #[prost(int64, tag = "1")]
    Size(i64),
    /// A symbol, such as `batch_size` (`dim_param`).
    #[prost(string, tag = "2")]
    Symbol(String),
}

/// The version of an operator set.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorSetIdProto {
    /// The set; empty for `ai.onnx`.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Its version.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// One entry of a string map.
#[derive(Clone, PartialEq, Message)]
pub struct StringStringEntryProto {
    /// Key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Value.
    #[prost(string, tag = "2")]
    pub value: String,
}
