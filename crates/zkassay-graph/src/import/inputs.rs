//! The model's inputs: their shapes with dimensions bound, and the row that they are parts of.

use tract_onnx::pb;
use tract_onnx::pb::tensor_shape_proto::dimension::Value::{DimParam, DimValue};

use super::constants::type_name;
use super::shape;
use super::tensor::{DataType, Kind, kind_of};
use crate::{GraphError, ImportOptions};

/// An input: name, shape with every dimension bound, element type.
pub(super) struct Input<'a> {
    pub(super) name: &'a str,
    pub(super) shape: Vec<usize>,
    pub(super) element: DataType,
}

/// Binds the dimensions of an input.
///
/// The first one is bound to 1 if it is open; the others by the variables of the options.
pub(super) fn bind<'a>(
    input: &'a pb::ValueInfoProto,
    options: &ImportOptions,
) -> Result<Input<'a>, GraphError> {
    let refuse = |found: String| GraphError::InputType {
        input: input.name.clone(),
        found,
    };
    let tensor = match input.r#type.as_ref().and_then(|t| t.value.as_ref()) {
        Some(pb::type_proto::Value::TensorType(tensor)) => tensor,
        None => return Err(refuse("of no tensor type".to_owned())),
    };
    let kind = || refuse(format!("of element type {}", type_name(tensor.elem_type)));
    let element = DataType::try_from(tensor.elem_type).map_err(|_| kind())?;
    if element == DataType::Undefined || kind_of(element) == Kind::Text {
        return Err(kind());
    }
    let dims = match &tensor.shape {
        Some(shape) => shape.dim.as_slice(),
        None => return Err(refuse("of unknown shape".to_owned())),
    };
    let shown: Vec<String> = dims
        .iter()
        .map(|dim| match &dim.value {
            Some(DimValue(size)) => size.to_string(),
            Some(DimParam(symbol)) if !symbol.is_empty() => symbol.clone(),
            _ => "?".to_owned(),
        })
        .collect();
    let shown = format!("of shape [{}]", shown.join(", "));

    let mut bound = Vec::with_capacity(dims.len());
    let mut open = Vec::new();
    for (axis, dim) in dims.iter().enumerate() {
        let size = match &dim.value {
            Some(DimValue(size)) if *size > 0 => usize::try_from(*size).ok(),
            Some(DimParam(symbol)) if !symbol.is_empty() => {
                let bound = options.variables.iter().find(|(name, _)| name == symbol);
                if bound.is_none() && axis > 0 {
                    open.push(symbol.as_str());
                }
                Some(bound.map_or(1, |(_, size)| *size))
            }
            _ if axis == 0 => Some(1),
            _ => None,
        };
        bound.push(size.ok_or_else(|| refuse(shown.clone()))?);
    }
    if !open.is_empty() {
        return Err(GraphError::OpenDimensions {
            input: input.name.clone(),
            shape: shown,
            variables: open
                .iter()
                .map(|name| format!("--variable {name}=SIZE"))
                .collect::<Vec<_>>()
                .join(" "),
        });
    }
    let fixed_batch =
        matches!(&dims.first().map(|d| &d.value), Some(Some(DimValue(size))) if *size > 1);
    if fixed_batch && dims.len() > 1 {
        return Err(GraphError::FixedBatch {
            input: input.name.clone(),
            shape: shown,
            batch: bound[0],
        });
    }
    match shape::len(&bound) {
        Some(len) if len > 0 => Ok(Input {
            name: &input.name,
            shape: bound,
            element,
        }),
        _ => Err(refuse(shown)),
    }
}
