//! The model's inputs: their shapes with dimensions bound, and the row that they are parts of.

use tract_onnx::pb;
use tract_onnx::pb::tensor_shape_proto::dimension::Value::{DimParam, DimValue};

use super::constants::type_name;
use super::shape;
use super::tensor::{DataType, Kind, kind_of};
use crate::{ColumnKind, GraphError, ImportOptions};

/// The most strings in an input: each place has a list of its own.
const MAX_STRINGS: usize = 1 << 16;

/// An input: name, shape with every dimension bound, element type.
pub(super) struct Input<'a> {
    pub(super) name: &'a str,
    pub(super) shape: Vec<usize>,
    pub(super) element: DataType,
    /// How many rows the file is made for, as its first dimension says; 1 if it is open.
    pub(super) batch: usize,
}

impl Input<'_> {
    /// That tract can run it as it is: a tensor of numbers, made for one row.
    pub(super) fn check_single(&self) -> Result<(), GraphError> {
        let input = self.name.to_owned();
        if kind_of(self.element) == Kind::Text {
            let found = "of element type STRING".to_owned();
            return Err(GraphError::InputType { input, found });
        }
        match self.batch {
            1 => Ok(()),
            batch => Err(GraphError::FixedBatch {
                input,
                shape: format!("of shape {:?}", self.shape),
                batch,
            }),
        }
    }

    /// What its numbers are.
    pub(super) fn kind(&self) -> ColumnKind {
        match kind_of(self.element) {
            Kind::Float => ColumnKind::Number,
            Kind::Int => ColumnKind::Integer,
            Kind::Bool => ColumnKind::Boolean,
            Kind::Text => ColumnKind::Text(Vec::new()),
        }
    }
}

/// The number of rows that all inputs have, if the file is made for several.
pub(super) fn batch(inputs: &[Input<'_>]) -> Option<usize> {
    let batch = inputs.first()?.batch;
    let is_common = inputs.iter().all(|input| input.batch == batch);
    (batch > 1 && is_common).then_some(batch)
}

/// That the options give sizes of symbolic dimensions only.
///
/// # Errors
/// A name that no dimension has.
pub(super) fn check_variables(
    inputs: &[&pb::ValueInfoProto],
    options: &ImportOptions,
) -> Result<(), GraphError> {
    /// More names are not listed.
    const LISTED: usize = 8;
    let mut symbols: Vec<&str> = Vec::new();
    for input in inputs {
        let Some(pb::type_proto::Value::TensorType(tensor)) =
            input.r#type.as_ref().and_then(|t| t.value.as_ref())
        else {
            continue;
        };
        for dim in tensor.shape.iter().flat_map(|shape| &shape.dim) {
            match &dim.value {
                Some(DimParam(symbol))
                    if !symbol.is_empty() && !symbols.contains(&symbol.as_str()) =>
                {
                    symbols.push(symbol);
                }
                _ => {}
            }
        }
    }
    let is_unknown = |(name, _): &&(String, usize)| !symbols.contains(&name.as_str());
    let Some((variable, _)) = options.variables.iter().find(is_unknown) else {
        return Ok(());
    };
    let listed: Vec<String> = symbols
        .iter()
        .take(LISTED)
        .map(|s| format!("`{s}`"))
        .collect();
    let variables = match symbols.len() {
        0 => "all dimensions are fixed, or without a name".to_owned(),
        count if count > LISTED => format!("there are {} and others", listed.join(", ")),
        _ => format!("there are {}", listed.join(", ")),
    };
    Err(GraphError::NoSuchVariable {
        variable: variable.clone(),
        variables,
    })
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
    if element == DataType::Undefined {
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
    let fixed = matches!(&dims.first().map(|d| &d.value), Some(Some(DimValue(size))) if *size > 1);
    let batch = match bound[..] {
        [batch, _, ..] if fixed => batch,
        _ => 1,
    };
    let most = match kind_of(element) {
        Kind::Text => MAX_STRINGS,
        _ => usize::MAX,
    };
    match shape::len(&bound) {
        Some(len) if len > 0 && len <= most => Ok(Input {
            name: &input.name,
            shape: bound,
            element,
            batch,
        }),
        _ => Err(refuse(shown)),
    }
}
