//! TreeEnsembleClassifier, TreeEnsembleRegressor, and TreeEnsemble of operator set 5.

mod read;

use super::super::{Builder, NodeRef, Tensor};
use super::rows;
use super::scores::{Labels, Transform, above, arg_max, of_one};
use crate::op::{Aggregate, Trees};
use crate::{GraphError, Op};
use read::Ensemble;

/// A number for each target.
pub(super) fn regressor(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let found = node.int("n_targets", 0)?;
    let targets = usize::try_from(found).ok().filter(|targets| *targets > 0);
    let targets = targets.ok_or_else(|| node.unsupported(format!("n_targets is {found}")))?;
    let aggregate = match node.string("aggregate_function", "SUM")?.as_str() {
        "SUM" => Aggregate::Sum,
        "AVERAGE" => Aggregate::Average,
        "MIN" => Aggregate::Min,
        "MAX" => Aggregate::Max,
        other => {
            return Err(node.unsupported(format!(
                "aggregate_function is {other:?}, expected SUM, AVERAGE, MIN or MAX"
            )));
        }
    };
    let features = rows(node, builder)?.2;
    let ensemble = Ensemble::of_lists(node, builder, "target", features, targets)?;
    let base = read::base(node)?;
    targets_of(
        node,
        builder,
        ensemble,
        targets,
        &base,
        aggregate,
        Transform::of(node)?,
    )
}

/// As a regressor, in the newer form.
pub(super) fn ensemble(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let found = node.int("n_targets", 0)?;
    let targets = usize::try_from(found).ok().filter(|targets| *targets > 0);
    let targets = targets.ok_or_else(|| node.unsupported(format!("n_targets is {found}")))?;
    let aggregate = match node.int("aggregate_function", 1)? {
        0 => Aggregate::Average,
        1 => Aggregate::Sum,
        2 => Aggregate::Min,
        3 => Aggregate::Max,
        other => return Err(node.unsupported(format!("aggregate_function is {other}"))),
    };
    let transform = match node.int("post_transform", 0)? {
        0 => Transform::None,
        // The specification says softmax and logistic, onnxruntime does it the other way round.
        1 | 2 => {
            return Err(node.unsupported(
                "runtimes disagree on its post_transform: write it as a Softmax or a Sigmoid node",
            ));
        }
        3 => Transform::SoftmaxZero,
        4 => Transform::Probit,
        other => return Err(node.unsupported(format!("post_transform is {other}"))),
    };
    let features = rows(node, builder)?.2;
    let ensemble = Ensemble::of_tensors(node, builder, features, targets)?;
    targets_of(node, builder, ensemble, targets, &[], aggregate, transform)
}

fn targets_of(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    ensemble: Ensemble,
    targets: usize,
    base: &[f32],
    aggregate: Aggregate,
    transform: Transform,
) -> Result<Vec<Tensor>, GraphError> {
    builder.charge(node, targets)?;
    // Base values that are not one for each target do not count.
    let base = match base.len() == targets {
        true => base.to_vec(),
        false => vec![0.0; targets],
    };
    let scores = push(node, builder, ensemble, base, aggregate)?;
    Ok(vec![match targets {
        1 => transform.apply_to_one(node, builder, scores)?,
        _ => transform.apply(node, builder, scores)?,
    }])
}

/// A label and a score for each class.
pub(super) fn classifier(
    node: &NodeRef<'_>,
    builder: &mut Builder,
) -> Result<Vec<Tensor>, GraphError> {
    let labels = Labels::of(node, "classlabels_int64s", "classlabels_strings")?;
    let transform = Transform::of(node)?;
    let features = rows(node, builder)?.2;
    let classes = labels.len();
    builder.charge(node, classes)?;
    let ensemble = Ensemble::of_lists(node, builder, "class", features, classes)?;
    let base = read::base(node)?;
    if base.len() > classes {
        let reason = format!("it has {} base_values for {classes} classes", base.len());
        return Err(node.unsupported(reason));
    }
    if classes == 2 {
        return binary(node, builder, ensemble, &labels, &base, transform);
    }
    let mut padded = base;
    padded.resize(classes, 0.0);
    let scores = push(node, builder, ensemble, padded, Aggregate::Sum)?;
    if classes == 1 {
        let label = above(node, builder, &scores, 0.0)?;
        return Ok(vec![label, transform.apply_to_one(node, builder, scores)?]);
    }
    let position = arg_max(node, builder, &scores)?;
    let label = labels.name(node, builder, position)?;
    Ok(vec![label, transform.apply(node, builder, scores)?])
}

/// Two classes, with one score or two.
fn binary(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    ensemble: Ensemble,
    labels: &Labels<'_>,
    base: &[f32],
    transform: Transform,
) -> Result<Vec<Tensor>, GraphError> {
    // What a class must reach, where the weights are of one class only.
    let threshold = if ensemble.all_positive { 0.5 } else { 0.0 };
    let all_positive = ensemble.all_positive;
    let only_first = ensemble.never_weighs(1);
    let only_second = ensemble.never_weighs(0);
    if !only_first && !ensemble.always_weighs(1) {
        return Err(node.unsupported(
            "some of its leaves have no weight for the second of two classes, for which runtimes \
             disagree: give every leaf a weight for each class",
        ));
    }
    if base.len() == 2 && !only_first {
        return Err(node.unsupported(
            "it has two base_values and weights for the second of two classes, for which runtimes \
             disagree: add the base values to the leaves of one tree",
        ));
    }
    // The base value of a class without weights does not count.
    let of_class = |class: usize, counts: bool| match base.get(class) {
        Some(value) if counts => *value,
        _ => 0.0,
    };
    let padded = vec![of_class(0, !only_second), of_class(1, !only_first)];
    let scores = push(node, builder, ensemble, padded, Aggregate::Sum)?;
    let rows = scores.shape[0];
    let column = |builder: &mut Builder, class: usize| {
        let positions = (0..rows).map(|row| 2 * row + class);
        builder.select(node, &scores, positions, vec![rows, 1])
    };
    if only_first {
        let score = column(builder, 0)?;
        let positive = above(node, builder, &score, threshold)?;
        let label = labels.name(node, builder, positive)?;
        if base.len() == 2 {
            return Ok(vec![label, transform.apply(node, builder, scores)?]);
        }
        let scores = of_one(node, builder, &score, !all_positive, transform)?;
        return Ok(vec![label, scores]);
    }
    let second = column(builder, 1)?;
    let label = match only_second {
        true => {
            let positive = above(node, builder, &second, threshold)?;
            labels.name(node, builder, positive)?
        }
        // Whatever the labels are called.
        false => above(node, builder, &second, 0.0)?,
    };
    Ok(vec![label, transform.apply(node, builder, scores)?])
}

fn push(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    ensemble: Ensemble,
    base: Vec<f32>,
    aggregate: Aggregate,
) -> Result<Tensor, GraphError> {
    let (x, rows, inputs) = rows(node, builder)?;
    let shape = vec![rows, base.len()];
    let op = Op::Trees(Trees {
        inputs,
        nodes: ensemble.nodes,
        roots: ensemble.roots,
        base,
        aggregate,
    });
    let scores = builder.push(node, op, &[&x], shape)?;
    Ok(scores.typed(crate::import::tensor::DataType::Float))
}
