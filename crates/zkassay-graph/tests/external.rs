//! Models that keep weights in other files.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use ndarray::{Array2, array};
use zkassay_graph::{Graph, GraphError, inline_external};
use zkassay_onnx::ModelBuilder;
use zkassay_onnx::proto::{ModelProto, StringStringEntryProto, TensorProto};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/models")
}

/// 2-1 with its weights `(1, 2)` and bias `0.5` inside.
fn inside() -> ModelProto {
    let weights = array![[1.0, 2.0]];
    ModelBuilder::new("small", 2)
        .and_then(|b| b.dense("fc", weights.view(), array![0.5].view()))
        .and_then(ModelBuilder::build)
        .unwrap()
}

fn keep_outside(tensor: &mut TensorProto, entries: &[(&str, &str)]) {
    tensor.raw_data.clear();
    tensor.data_location = 1;
    tensor.external_data = entries
        .iter()
        .map(|(key, value)| StringStringEntryProto {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        })
        .collect();
}

/// The small model with its weights outside, as `entries` say.
fn outside(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut model = inside();
    keep_outside(&mut model.graph.as_mut().unwrap().initializer[0], entries);
    model.to_bytes()
}

/// A folder with the file `weights.bin`: eight bytes of something else, then the weights.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = vec![7u8; 8];
    bytes.extend([1f32, 2.0].iter().flat_map(|x| x.to_le_bytes()));
    fs::write(folder.path().join("weights.bin"), bytes).unwrap();
    folder
}

const PLACE: [(&str, &str); 3] = [
    ("location", "weights.bin"),
    ("offset", "8"),
    ("length", "8"),
];

#[test]
fn weights_outside_give_the_model_with_weights_inside() {
    let folder = folder();
    let bytes = outside(&PLACE);
    let found = inline_external(&bytes, folder.path()).unwrap();
    let (found, expected) = (ModelProto::from_bytes(&found).unwrap(), inside());
    assert_eq!(found, expected);
    // Without a length, up to the end of the file.
    let bytes = outside(&PLACE[..2]);
    let found = inline_external(&bytes, folder.path()).unwrap();
    assert_eq!(ModelProto::from_bytes(&found).unwrap(), expected);

    fs::write(folder.path().join("model.onnx"), &bytes).unwrap();
    let graph = Graph::from_onnx_file(folder.path().join("model.onnx")).unwrap();
    assert_eq!(graph.evaluate(array![10.0, 1.0].view()).unwrap(), [12.5]);
}

#[test]
fn a_model_without_such_weights_keeps_its_bytes() {
    let bytes = inside().to_bytes();
    let found = inline_external(&bytes, Path::new("nowhere")).unwrap();
    assert!(matches!(found, Cow::Borrowed(same) if same == bytes));
}

#[test]
fn pytorchs_two_files_are_its_one_file() {
    let read = |name: &str| Graph::from_onnx_file(fixtures().join(name)).unwrap();
    let (two, one) = (read("dynamo-external.onnx"), read("dynamo.onnx"));
    let rows = Array2::from_shape_fn((5, 8), |(row, i)| (row * 8 + i) as f32 / 20.0 - 1.0);
    for row in rows.outer_iter() {
        assert_eq!(two.evaluate(row).unwrap(), one.evaluate(row).unwrap());
    }
}

#[test]
fn fields_that_nobody_knows_are_kept() {
    // Field 99, a string, of the model and of the tensor's graph.
    let unknown = [0x9a, 0x06, 0x02, b'h', b'i'];
    let folder = folder();
    let mut bytes = outside(&PLACE);
    bytes.extend(unknown);
    let found = inline_external(&bytes, folder.path()).unwrap();
    assert!(found.ends_with(&unknown));
    assert!(Graph::from_onnx(&found).is_ok());
}

#[test]
fn files_elsewhere_are_never_read() {
    let folder = folder();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let absolute = folder.path().join("weights.bin");
    let mut places = vec![
        "../weights.bin",
        "",
        ".",
        "inner/../../weights.bin",
        "/etc/hostname",
    ];
    places.push(absolute.to_str().unwrap());
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&absolute, inner.join("link.bin")).unwrap();
        places.push("link.bin");
    }
    for place in places {
        let bytes = outside(&[("location", place), ("offset", "8"), ("length", "8")]);
        let error = inline_external(&bytes, &inner).unwrap_err();
        assert!(matches!(&error, GraphError::External { tensor, .. } if tensor == "fc.weight"));
        assert!(error.to_string().contains("folder"), "{place}: {error}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = folder();
    let cases = [
        (vec![("location", "no.bin")], "cannot be read"),
        (
            vec![
                ("location", "weights.bin"),
                ("offset", "9"),
                ("length", "8"),
            ],
            "has 16 bytes",
        ),
        (
            vec![("location", "weights.bin"), ("offset", "17")],
            "has 16 bytes",
        ),
        (
            vec![("location", "weights.bin"), ("offset", "-1")],
            "offset is `-1`",
        ),
        (
            vec![("location", "weights.bin"), ("length", "many")],
            "length is `many`",
        ),
        (
            vec![
                ("location", "weights.bin"),
                ("length", "18446744073709551615"),
            ],
            "has 16 bytes",
        ),
        (vec![("offset", "8")], "in the model's folder"),
    ];
    for (entries, expected) in cases {
        let error = inline_external(&outside(&entries), folder.path()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    // Too few bytes for the shape: the importer says so.
    let short = outside(&[("location", "weights.bin"), ("offset", "12")]);
    let bytes = inline_external(&short, folder.path()).unwrap();
    let error = Graph::from_onnx(&bytes).unwrap_err().to_string();
    assert!(
        error.contains("fc.weight") && error.contains("4 bytes"),
        "{error}"
    );
}

#[test]
fn damaged_bytes_are_errors_or_left_to_the_importer() {
    let folder = folder();
    let bytes = outside(&PLACE);
    for end in 0..bytes.len() {
        if let Ok(found) = inline_external(&bytes[..end], folder.path()) {
            let _ = Graph::from_onnx(&found);
        }
    }
    for index in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[index] ^= 0x55;
        if let Ok(found) = inline_external(&damaged, folder.path()) {
            let _ = Graph::from_onnx(&found);
        }
    }
}
