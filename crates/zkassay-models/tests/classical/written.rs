//! Models in use: rows that do not fit, and the operators that are written.

use ndarray::{Array2, array};
use zkassay_models::{Export, ModelError, Standardization};
use zkassay_onnx::proto::ModelProto;

use crate::Data;

#[test]
fn bad_rows_are_refused() {
    let data = Data::new(30, 3, 2);
    for model in data.all() {
        let error = model.predict(array![[1.0, 2.0]].view()).unwrap_err();
        assert!(matches!(
            error,
            ModelError::Columns {
                expected: 3,
                found: 2
            }
        ));
        let error = model
            .predict(array![[1.0, f32::NAN, 0.0]].view())
            .unwrap_err();
        assert!(matches!(
            error,
            ModelError::NonFinite {
                row: 0,
                column: 1,
                ..
            }
        ));
        assert!(
            model
                .predict(Array2::zeros((0, 3)).view())
                .unwrap()
                .is_empty()
        );

        let two = Standardization::new(vec![0.0; 2], vec![1.0; 2]).unwrap();
        let error = model
            .to_onnx(&Export::new("model").standardized(two))
            .unwrap_err();
        assert!(matches!(
            error,
            ModelError::Columns {
                expected: 3,
                found: 2
            }
        ));
    }
}

#[test]
fn what_is_written_is_a_chain_of_standard_operators() {
    let kernel = "Sub Gemm ReduceSumSquare Add Relu Mul Exp Gemm";
    for (classes, link) in [(2, "Gemm Sigmoid"), (3, "Gemm Softmax")] {
        let data = Data::new(40, 3, classes);
        let standardization = Standardization::new(vec![1.0; 3], vec![2.0; 3]).unwrap();
        for (model, expected) in data.all().iter().zip([link, "Gemm", "Gemm", kernel]) {
            let export = Export::new("tag");
            let read = |export: &Export| ModelProto::from_bytes(&model.to_onnx(export).unwrap());
            let operators = |model: &ModelProto| {
                let nodes = model.graph.iter().flat_map(|graph| &graph.node);
                nodes
                    .map(|node| node.op_type.as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            let plain = read(&export).unwrap();
            assert_eq!(operators(&plain), expected);
            let raw = read(&export.standardized(standardization.clone())).unwrap();
            assert_eq!(operators(&raw), format!("Sub Div {expected}"));
        }
    }
}
