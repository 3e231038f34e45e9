//! Pools: the greatest, the mean or a norm of what a window shows.

use super::conv::{Steps, kernel_shape, steps};
use super::normalization::groups;
use super::{Builder, Family, NodeRef, Tensor};
use crate::import::shape;
use crate::op::{Arithmetic, Reduction};
use crate::{GraphError, Op};

pub(super) const OPERATORS: Family = &[
    ("MaxPool", max_pool),
    ("AveragePool", average_pool),
    ("LpPool", lp_pool),
    ("GlobalMaxPool", |node, builder| {
        global(node, builder, Reduction::Max)
    }),
    ("GlobalAveragePool", |node, builder| {
        global(node, builder, Reduction::Mean)
    }),
    ("GlobalLpPool", |node, builder| {
        global(node, builder, norm(node)?)
    }),
];

fn max_pool(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let names_indices = node
        .proto
        .output
        .get(1)
        .is_some_and(|name| !name.is_empty());
    if names_indices {
        return Err(node.unsupported("its second output, the indices, is not supported"));
    }
    let windows = Windows::of(node, builder)?;
    Ok(vec![windows.reduce(node, builder, Reduction::Max)?])
}

fn average_pool(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let windows = Windows::of(node, builder)?;
    if !node.flag("count_include_pad", false)? {
        return Ok(vec![windows.reduce(node, builder, Reduction::Mean)?]);
    }
    // Padding counts, but not what a last window shows beyond it.
    let counts = windows.counts();
    if let Some(&count) = counts.first()
        && counts.iter().all(|c| *c == count)
        && let Ok(count) = u32::try_from(count)
    {
        return Ok(vec![windows.reduce(
            node,
            builder,
            Reduction::MeanOf(count),
        )?]);
    }
    let planes = windows.planes;
    let sums = windows.reduce(node, builder, Reduction::Sum)?;
    builder.charge(node, sums.len())?;
    let counts: Vec<f32> = counts.iter().map(|c| *c as f32).collect();
    let divisors = counts.repeat(planes);
    Ok(vec![builder.with_constants(
        node,
        Arithmetic::Divide,
        &sums,
        divisors,
    )?])
}

fn lp_pool(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Vec<Tensor>, GraphError> {
    let norm = norm(node)?;
    let windows = Windows::of(node, builder)?;
    Ok(vec![windows.reduce(node, builder, norm)?])
}

/// The norm that the attribute `p` says.
pub(super) fn norm(node: &NodeRef<'_>) -> Result<Reduction, GraphError> {
    match node.int("p", 2)? {
        1 => Ok(Reduction::L1),
        2 => Ok(Reduction::L2),
        p => Err(node.unsupported(format!("p is {p}: norms of p = 1 and p = 2 are supported"))),
    }
}

/// What a pool over whole channels makes of each.
pub(super) fn global(
    node: &NodeRef<'_>,
    builder: &mut Builder,
    reduction: Reduction,
) -> Result<Vec<Tensor>, GraphError> {
    let x = node.input(0)?;
    check_rank(node, x)?;
    let axes: Vec<usize> = (2..x.rank()).collect();
    let groups = groups(node, builder, x, &axes)?;
    let mut shape = x.shape.clone();
    shape[2..].fill(1);
    let op = Op::Reduce { reduction, groups };
    Ok(vec![builder.push(node, op, &[x], shape)?])
}

fn check_rank(node: &NodeRef<'_>, x: &Tensor) -> Result<(), GraphError> {
    match x.rank() {
        0..=2 => Err(node.mismatch("the operand", &x.shape, "[batch, channels, .., ..]")),
        _ => Ok(()),
    }
}

/// What a pool's windows show.
struct Windows {
    /// Images times channels.
    planes: usize,
    steps: Vec<Steps>,
    shape: Vec<usize>,
}

impl Windows {
    /// The windows that the node's attributes say, accounted for.
    fn of(node: &NodeRef<'_>, builder: &mut Builder) -> Result<Self, GraphError> {
        let x = node.input(0)?;
        check_rank(node, x)?;
        let sizes = &x.shape[2..];
        let kernel = kernel_shape(node, sizes.len())?;
        let steps = steps(node, &kernel, sizes, node.flag("ceil_mode", false)?)?;
        if node.string("auto_pad", "")?.starts_with("SAME") && steps.iter().any(|s| s.dilation > 1)
        {
            return Err(node.unsupported(
                "runtimes disagree on auto_pad with dilations: export the model with explicit pads",
            ));
        }
        let mut shape = x.shape[..2].to_vec();
        shape.extend(steps.iter().map(|s| s.output));
        let windows = builder.charge_shape(node, &shape)?;
        let area = kernel
            .iter()
            .fold(1usize, |area, k| area.saturating_mul(*k));
        builder.charge(node, windows.saturating_mul(area.saturating_add(6)))?;
        Ok(Self {
            planes: x.shape[0] * x.shape[1],
            steps,
            shape,
        })
    }

    /// Positions along each axis that the kernel shows, for each of its applications.
    fn taps(&self) -> Vec<Vec<Vec<usize>>> {
        let along = |s: &Steps| {
            let at = |o: usize| {
                let taps = (0..s.kernel).map(move |k| o * s.stride + k * s.dilation);
                let inside = taps.filter_map(|at| at.checked_sub(s.before));
                inside.filter(|i| *i < s.input).collect()
            };
            (0..s.output).map(at).collect()
        };
        self.steps.iter().map(along).collect()
    }

    /// Elements of a plane that each window shows, padding included.
    fn counts(&self) -> Vec<usize> {
        let mut counts = vec![1];
        for s in &self.steps {
            let end = s.before + s.input + s.after;
            let taps =
                |o: usize| (0..s.kernel).filter(move |k| o * s.stride + k * s.dilation < end);
            let along: Vec<usize> = (0..s.output).map(|o| taps(o).count()).collect();
            let times = |count: &usize| {
                let count = *count;
                along.iter().map(move |n| count * n)
            };
            counts = counts.iter().flat_map(times).collect();
        }
        counts
    }

    fn reduce(
        self,
        node: &NodeRef<'_>,
        builder: &mut Builder,
        reduction: Reduction,
    ) -> Result<Tensor, GraphError> {
        let sizes: Vec<usize> = self.steps.iter().map(|s| s.input).collect();
        let strides = shape::strides(&sizes);
        // Positions within a plane.
        let mut windows: Vec<Vec<usize>> = vec![vec![0]];
        for (taps, stride) in self.taps().iter().zip(strides) {
            let extended = |window: &Vec<usize>| -> Vec<Vec<usize>> {
                let along = |taps: &Vec<usize>| {
                    let each = |p: &usize| {
                        let p = *p;
                        taps.iter().map(move |tap| p + tap * stride)
                    };
                    window.iter().flat_map(each).collect()
                };
                taps.iter().map(along).collect()
            };
            windows = windows.iter().flat_map(extended).collect();
        }
        if windows.iter().any(Vec::is_empty) {
            return Err(node.unsupported(
                "one of its windows shows nothing but padding: pad by less than the kernel",
            ));
        }
        let plane: usize = sizes.iter().product();
        let of_plane = |start: usize| {
            windows.iter().map(move |window| {
                let positions = window.iter().map(|p| (start + p) as u32);
                positions.collect::<Vec<u32>>()
            })
        };
        let groups = (0..self.planes).flat_map(|p| of_plane(p * plane)).collect();
        let op = Op::Reduce { reduction, groups };
        builder.push(node, op, &[node.input(0)?], self.shape)
    }
}
