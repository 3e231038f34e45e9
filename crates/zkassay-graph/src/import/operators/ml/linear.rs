//! LinearClassifier, LinearRegressor.

use ndarray::{Array1, Array2};

use super::super::{Builder, NodeRef, Tensor};
use super::scores::{Labels, Transform, above, arg_max, of_one};
use super::{floats, rows};
use crate::op::Dense;
use crate::{GraphError, Op};

/// A label and a score for each class.
pub(super) fn classifier(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let labels = Labels::of(node, "classlabels_ints", "classlabels_strings")?;
    let transform = Transform::of(node)?;
    let intercepts = floats(node, "intercepts")?;
    let targets = match intercepts.len() {
        0 => floats(node, "coefficients")?.len() / rows(node, builder)?.2,
        count => count,
    };
    let scores = linear(node, builder, targets, intercepts)?;
    if targets > 1 {
        if labels.len() != targets {
            return Err(node.unsupported(format!(
                "it has {} labels for {targets} scores",
                labels.len()
            )));
        }
        let position = arg_max(node, builder, &scores)?;
        let label = labels.name(node, builder, position)?;
        return Ok(vec![label, transform.apply(node, builder, scores)?]);
    }
    let positive = above(node, builder, &scores, 0.0)?;
    if labels.len() != 2 {
        let scores = transform.apply_to_one(node, builder, scores)?;
        return Ok(vec![positive, scores]);
    }
    let label = labels.name(node, builder, positive)?;
    let scores = of_one(node, builder, &scores, false, transform)?;
    Ok(vec![label, scores])
}

/// A number for each target.
pub(super) fn regressor(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let found = node.int("targets", 1)?;
    let targets = usize::try_from(found).ok().filter(|targets| *targets > 0);
    let targets = targets.ok_or_else(|| node.unsupported(format!("targets is {found}")))?;
    let transform = Transform::of(node)?;
    let intercepts = floats(node, "intercepts")?;
    let used = if intercepts.len() == targets {
        intercepts
    } else {
        &[]
    };
    let scores = linear(node, builder, targets, used)?;
    Ok(vec![match targets {
        1 => transform.apply_to_one(node, builder, scores)?,
        _ => transform.apply(node, builder, scores)?,
    }])
}

/// `[rows, targets]`; without intercepts they are 0.
fn linear(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    targets: usize,
    intercepts: &[f32],
) -> Result<Tensor, GraphError> {
    let (x, rows, features) = rows(node, builder)?;
    let coefficients = floats(node, "coefficients")?;
    if targets == 0 || targets.checked_mul(features) != Some(coefficients.len()) {
        return Err(node.unsupported(format!(
            "it has {} coefficients, expected {targets} x {features} for scores and features",
            coefficients.len()
        )));
    }
    let bias = match intercepts {
        [] => vec![0.0; targets],
        given => given.to_vec(),
    };
    dense(node, builder, &x, rows, coefficients.to_vec(), bias)
}

/// `[rows, n]` of `x`, with `n` biases and `n` rows of weights.
pub(super) fn dense(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    rows: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
) -> Result<Tensor, GraphError> {
    let (outputs, inputs) = (bias.len(), x.len() / rows.max(1));
    let weights = Array2::from_shape_vec((outputs, inputs), weights)
        .map_err(|_| node.unsupported(format!("its weights are not {outputs} x {inputs}")))?;
    let bias = Array1::from(bias);
    let op = Op::Dense(Dense { weights, bias });
    builder.push(node, op, &[x], vec![rows, outputs])
}
