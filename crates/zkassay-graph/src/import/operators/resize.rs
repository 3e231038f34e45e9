//! Resize and Upsample: interpolation is a fixed linear map along each axis.

use ndarray::{Array1, Array2};

use super::{Builder, Family, NodeRef, Tensor};
use crate::import::shape;
use crate::op::Dense;
use crate::{GraphError, Op};

pub(super) const OPERATORS: Family = &[("Resize", resize), ("Upsample", upsample)];

/// How positions of the result correspond to positions of the operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coordinates {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    TfHalfPixelForNn,
}

/// Which of two elements is the nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nearest {
    RoundPreferFloor,
    RoundPreferCeil,
    Floor,
    Ceil,
}

/// How values between elements come about.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Nearest(Nearest),
    Linear,
    /// With the coefficient `cubic_coeff_a`, and whether elements outside have no weight.
    Cubic(f32, bool),
}

/// One axis: from how many elements to how many.
#[derive(Clone, Copy, Debug)]
struct Axis {
    from: usize,
    to: usize,
    scale: f32,
}

fn resize(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    if node.flag("antialias", false)? {
        return Err(node.unsupported("antialias is set: export the model without it"));
    }
    let policy = node.string("keep_aspect_ratio_policy", "stretch")?;
    if policy != "stretch" {
        let reason = format!("keep_aspect_ratio_policy is {policy:?}: \"stretch\" is supported");
        return Err(node.unsupported(reason));
    }
    // Until operator set 10: X, scales. Then X, roi, scales, sizes.
    let (scales, sizes) = match node.opset {
        ..=10 => (node.constant(1)?, None),
        _ => (
            node.constant(2)?.filter(|s| !s.is_empty()),
            node.integers(3)?,
        ),
    };
    let (mode, coordinates) = match node.opset {
        ..=10 => (Nearest::Floor, Coordinates::Asymmetric),
        _ => (nearest(node)?, coordinates(node)?),
    };
    let axes = match node.ints("axes")? {
        Some(axes) => {
            let checked = axes.iter().map(|axis| node.check_axis(*axis, x.rank()));
            checked.collect::<Result<Vec<usize>, _>>()?
        }
        None => (0..x.rank()).collect(),
    };
    let axes = plan(node, x, &axes, scales, sizes.as_deref())?;
    let mode = self::mode(node, mode)?;
    Ok(vec![apply(node, builder, x, &axes, mode, coordinates)?])
}

fn upsample(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    let scales = match node.has("scales") {
        true => node.floats("scales")?,
        false => node.constant(1)?,
    };
    let axes: Vec<usize> = (0..x.rank()).collect();
    let axes = plan(node, x, &axes, scales, None)?;
    let mode = mode(node, Nearest::Floor)?;
    Ok(vec![apply(
        node,
        builder,
        x,
        &axes,
        mode,
        Coordinates::Asymmetric,
    )?])
}

fn mode(node: &NodeRef<'_>, nearest: Nearest) -> Result<Mode, GraphError> {
    match node.string("mode", "nearest")?.as_str() {
        "nearest" => Ok(Mode::Nearest(nearest)),
        "linear" => Ok(Mode::Linear),
        "cubic" => {
            let coefficient = node.float("cubic_coeff_a", -0.75)?;
            Ok(Mode::Cubic(
                coefficient,
                node.flag("exclude_outside", false)?,
            ))
        }
        other => Err(node.unsupported(format!(
            "mode is {other:?}, expected \"nearest\", \"linear\" or \"cubic\""
        ))),
    }
}

fn nearest(node: &NodeRef<'_>) -> Result<Nearest, GraphError> {
    match node.string("nearest_mode", "round_prefer_floor")?.as_str() {
        "round_prefer_floor" => Ok(Nearest::RoundPreferFloor),
        "round_prefer_ceil" => Ok(Nearest::RoundPreferCeil),
        "floor" => Ok(Nearest::Floor),
        "ceil" => Ok(Nearest::Ceil),
        other => Err(node.unsupported(format!("nearest_mode is {other:?}"))),
    }
}

fn coordinates(node: &NodeRef<'_>) -> Result<Coordinates, GraphError> {
    match node
        .string("coordinate_transformation_mode", "half_pixel")?
        .as_str()
    {
        "half_pixel" => Ok(Coordinates::HalfPixel),
        "half_pixel_symmetric" => Ok(Coordinates::HalfPixelSymmetric),
        "pytorch_half_pixel" => Ok(Coordinates::PytorchHalfPixel),
        "align_corners" => Ok(Coordinates::AlignCorners),
        "asymmetric" => Ok(Coordinates::Asymmetric),
        "tf_half_pixel_for_nn" => Ok(Coordinates::TfHalfPixelForNn),
        other => Err(node.unsupported(format!(
            "coordinate_transformation_mode is {other:?}: the half_pixel modes, align_corners and \
             asymmetric are supported"
        ))),
    }
}

/// What happens to every axis of `x`, by scales or sizes of some of them.
fn plan(
    node: &NodeRef<'_>,
    x: &Tensor,
    axes: &[usize],
    scales: Option<&[f32]>,
    sizes: Option<&[i64]>,
) -> Result<Vec<Axis>, GraphError> {
    let unchanged = |from: &usize| Axis {
        from: *from,
        to: *from,
        scale: 1.0,
    };
    let mut plan: Vec<Axis> = x.shape.iter().map(unchanged).collect();
    let count = scales.map(<[f32]>::len).or(sizes.map(<[i64]>::len));
    if count != Some(axes.len()) {
        return Err(node.unsupported(format!(
            "it has {} constant scales or sizes for {} axes",
            count.unwrap_or(0),
            axes.len()
        )));
    }
    for (position, axis) in axes.iter().enumerate() {
        let from = x.shape[*axis];
        let resized = match (scales, sizes) {
            (Some(scales), _) => {
                let scale = scales[position];
                // What is not finite or too large becomes a size that is refused below.
                let to = (from as f32 * scale).floor();
                let to = if to >= 1.0 && to < u32::MAX as f32 {
                    to as usize
                } else {
                    0
                };
                Some(Axis { from, to, scale })
            }
            (None, Some(sizes)) => usize::try_from(sizes[position]).ok().map(|to| Axis {
                from,
                to,
                scale: to as f32 / from as f32,
            }),
            (None, None) => None,
        };
        let valid = resized.filter(|a| a.from > 0 && a.to > 0 && u32::try_from(a.to).is_ok());
        plan[*axis] = valid.ok_or_else(|| {
            node.unsupported(format!(
                "axis {axis}, of {from} elements, would become empty or huge"
            ))
        })?;
    }
    Ok(plan)
}

impl Axis {
    /// The position in the operand, between elements, that position `at` of the result shows.
    fn source(self, at: usize, coordinates: Coordinates) -> f32 {
        let (from, to, scale) = (self.from as f32, self.to as f32, self.scale);
        let at = at as f32;
        if scale == 1.0 {
            return at;
        }
        match coordinates {
            Coordinates::HalfPixel => (at + 0.5) / scale - 0.5,
            Coordinates::HalfPixelSymmetric => {
                let adjustment = to / (scale * from);
                let offset = from / 2.0 * (1.0 - adjustment);
                offset + (at + 0.5) / scale - 0.5
            }
            Coordinates::PytorchHalfPixel if self.to > 1 => (at + 0.5) / scale - 0.5,
            Coordinates::PytorchHalfPixel => 0.0,
            Coordinates::AlignCorners if self.to > 1 => at * (from - 1.0) / (to - 1.0),
            Coordinates::AlignCorners => 0.0,
            Coordinates::Asymmetric => at / scale,
            Coordinates::TfHalfPixelForNn => (at + 0.5) / scale,
        }
    }

    /// The nearest element of the operand.
    fn nearest(self, at: usize, coordinates: Coordinates, nearest: Nearest) -> usize {
        let source = self.source(at, coordinates);
        let rounded = match nearest {
            Nearest::Floor => source.floor(),
            Nearest::Ceil => source.ceil(),
            Nearest::RoundPreferFloor if source.fract() == 0.5 => source.floor(),
            Nearest::RoundPreferFloor | Nearest::RoundPreferCeil => source.round(),
        };
        // The cast saturates.
        (rounded as usize).min(self.from - 1)
    }

    /// Weights `[to, from]` of the elements.
    fn weights(self, mode: Mode, coordinates: Coordinates) -> Array2<f32> {
        let mut weights = Array2::<f32>::zeros((self.to, self.from));
        let last = self.from as i64 - 1;
        for (at, mut row) in weights.outer_iter_mut().enumerate() {
            let source = self.source(at, coordinates);
            let taps: Vec<(i64, f32)> = match mode {
                Mode::Nearest(nearest) => {
                    vec![(self.nearest(at, coordinates, nearest) as i64, 1.0)]
                }
                Mode::Linear => {
                    let source = source.clamp(0.0, last as f32);
                    let (low, part) = (source.floor(), source - source.floor());
                    vec![(low as i64, 1.0 - part), (low as i64 + 1, part)]
                }
                Mode::Cubic(a, exclude) => {
                    let low = source.floor();
                    let taps = cubic(a, source - low);
                    let taps = (low as i64 - 1..).zip(taps);
                    let inside = |i: i64| (0..=last).contains(&i);
                    let kept: Vec<_> = taps.filter(|(i, _)| !exclude || inside(*i)).collect();
                    let sum: f32 = kept.iter().map(|(_, weight)| weight).sum();
                    let total = if exclude { sum } else { 1.0 };
                    kept.into_iter()
                        .map(|(i, weight)| (i, weight / total))
                        .collect()
                }
            };
            for (i, weight) in taps {
                row[i.clamp(0, last) as usize] += weight;
            }
        }
        weights
    }
}

/// Weights of the elements at -1, 0, 1, 2 for a position between 0 and 1.
fn cubic(a: f32, at: f32) -> [f32; 4] {
    let far = |x: f32| ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a;
    let near = |x: f32| ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    [far(at + 1.0), near(at), near(1.0 - at), far(2.0 - at)]
}

fn apply(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    x: &Tensor,
    axes: &[Axis],
    mode: Mode,
    coordinates: Coordinates,
) -> Result<Tensor, GraphError> {
    let shape: Vec<usize> = axes.iter().map(|axis| axis.to).collect();
    builder.charge_shape(node, &shape)?;
    if let Mode::Nearest(nearest) = mode {
        let strides = shape::strides(&x.shape);
        let mut positions = vec![0];
        for (axis, stride) in axes.iter().zip(strides) {
            let along = |p: &usize| {
                let p = *p;
                (0..axis.to).map(move |at| p + axis.nearest(at, coordinates, nearest) * stride)
            };
            positions = positions.iter().flat_map(along).collect();
        }
        return builder.select(node, x, positions, shape);
    }
    let mut result = x.clone();
    for (index, axis) in axes.iter().enumerate() {
        if axis.from == axis.to && axis.scale == 1.0 {
            continue;
        }
        // With this axis as the last.
        let mut order: Vec<usize> = (0..x.rank()).filter(|i| *i != index).collect();
        order.push(index);
        let turned = builder.transpose(node, &result, &order)?;
        builder.charge(node, axis.from.saturating_mul(axis.to))?;
        let weights = axis.weights(mode, coordinates);
        let bias = Array1::zeros(axis.to);
        let mut shape = turned.shape.clone();
        if let Some(last) = shape.last_mut() {
            *last = axis.to;
        }
        let dense = Op::Dense(Dense { weights, bias });
        let mapped = builder.push(node, dense, &[&turned], shape)?;
        let mut back: Vec<usize> = (0..x.rank() - 1).collect();
        back.insert(index, x.rank() - 1);
        result = builder.transpose(node, &mapped, &back)?;
    }
    Ok(result)
}
