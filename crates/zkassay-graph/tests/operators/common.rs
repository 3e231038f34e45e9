//! Models of a few nodes from `x` to `y`.

use ndarray::{Array2, ArrayView1};
use zkassay_graph::reference::Reference;
use zkassay_graph::{Graph, GraphError};
use zkassay_onnx::proto::{
    AttributeProto, DataType, Dim, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, ValueInfoProto,
};

/// A model under construction.
pub(crate) struct Model {
    shape: Vec<i64>,
    opset: i64,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

/// A model that reads `x` of this shape.
pub(crate) fn reads(shape: &[i64]) -> Model {
    Model {
        shape: shape.to_vec(),
        opset: 18,
        nodes: vec![],
        constants: vec![],
    }
}

impl Model {
    pub(crate) fn opset(mut self, version: i64) -> Self {
        self.opset = version;
        self
    }

    pub(crate) fn floats(mut self, name: &str, dims: &[usize], elements: &[f32]) -> Self {
        let elements = elements.iter().copied();
        self.constants
            .push(TensorProto::floats(name, dims, elements));
        self
    }

    pub(crate) fn integers(mut self, name: &str, elements: &[i64]) -> Self {
        self.constants.push(TensorProto::integers(name, elements));
        self
    }

    /// Booleans along one axis.
    pub(crate) fn truths(mut self, name: &str, elements: &[u8]) -> Self {
        self.constants.push(TensorProto {
            name: name.to_owned(),
            dims: vec![elements.len() as i64],
            data_type: DataType::Bool.into(),
            raw_data: elements.to_vec(),
            ..TensorProto::default()
        });
        self
    }

    /// Unsigned integers of eight bits.
    pub(crate) fn octets(mut self, name: &str, dims: &[usize], elements: &[u8]) -> Self {
        self.constants.push(TensorProto {
            name: name.to_owned(),
            dims: dims.iter().map(|dim| *dim as i64).collect(),
            // UINT8.
            data_type: 2,
            raw_data: elements.to_vec(),
            ..TensorProto::default()
        });
        self
    }

    /// Adds a node.
    pub(crate) fn node(self, op: &str, inputs: &[&str], output: &str) -> Self {
        self.with(op, inputs, &[output], vec![])
    }

    /// Adds a node with attributes, of one or more outputs.
    pub(crate) fn with(
        mut self,
        op: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> Self {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        self.nodes.push(NodeProto {
            op_type: op.to_owned(),
            input: owned(inputs),
            output: owned(outputs),
            attribute: attributes,
            ..NodeProto::default()
        });
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let dims = self.shape.iter().map(|&dim| Dim::Size(dim));
        let graph = GraphProto {
            name: "m".to_owned(),
            node: self.nodes.clone(),
            initializer: self.constants.clone(),
            input: vec![ValueInfoProto::floats("x", dims)],
            output: vec![ValueInfoProto::floats("y", [])],
        };
        let model = ModelProto {
            ir_version: 8,
            graph: Some(graph),
            opset_import: vec![OperatorSetIdProto {
                domain: String::new(),
                version: self.opset,
            }],
            ..ModelProto::default()
        };
        model.to_bytes()
    }

    pub(crate) fn graph(&self) -> Graph {
        Graph::from_onnx(&self.bytes()).expect("the model imports")
    }

    pub(crate) fn error(&self) -> GraphError {
        let imported = Graph::from_onnx(&self.bytes());
        imported.map(|graph| graph.nodes.len()).unwrap_err()
    }

    /// Checks what the model gives for a row.
    pub(crate) fn gives(&self, row: &[f32], expected: &[f32]) -> Graph {
        let graph = self.graph();
        assert_close(&graph.evaluate(row.into()).unwrap(), expected.into());
        graph
    }

    /// Checks that the graph agrees with tract on a few rows.
    pub(crate) fn agrees(&self) -> Graph {
        let graph = self.graph();
        let rows = Array2::from_shape_fn((4, graph.inputs()), |(r, c)| 2.0 * noise(r * 97 + c));
        let reference = Reference::new(&self.bytes()).expect("tract takes it");
        let expected = reference.run(rows.view()).unwrap();
        for (row, expected) in rows.outer_iter().zip(expected.outer_iter()) {
            assert_close(&graph.evaluate(row).unwrap(), expected);
        }
        graph
    }
}

/// The operators of a graph's nodes.
pub(crate) fn operators(graph: &Graph) -> Vec<&str> {
    graph.nodes.iter().map(|node| node.op.name()).collect()
}

/// A fixed, irregular number in (-1, 1).
pub(crate) fn noise(index: usize) -> f32 {
    ((index * 7919 + 13) as f32 * 0.618_034).sin()
}

/// As many of them.
pub(crate) fn noises(count: usize) -> Vec<f32> {
    (0..count).map(noise).collect()
}

pub(crate) fn assert_close(found: &[f32], expected: ArrayView1<'_, f32>) {
    assert_eq!(found.len(), expected.len(), "{found:?} and {expected:?}");
    for (f, e) in found.iter().zip(expected) {
        let is_close = f == e || (f - e).abs() <= 1e-5 * e.abs().max(1.0);
        assert!(is_close, "{found:?}, expected {expected:?}");
    }
}
