//! Shapes: sizes, strides, broadcasting, axes.

/// The number of elements; `None` if it does not fit 32 bits.
///
/// A tensor that does not fit a 32-bit count is a damaged file, not a model. Nor may the other
/// dimensions of an empty one: so that no product of dimensions ever overflows.
pub(crate) fn len(shape: &[usize]) -> Option<usize> {
    let product = |len: usize, &dim: &usize| len.checked_mul(dim.max(1));
    let len = shape.iter().try_fold(1, product)?;
    u32::try_from(len).ok()?;
    Some(if shape.contains(&0) { 0 } else { len })
}

/// Steps in flat positions along each axis, of a shape whose length fits.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// The common shape of two, as ONNX and numpy broadcast.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let dim = |shape: &[usize], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(axis) => shape[axis],
        None => 1,
    };
    let common = |axis| match (dim(a, axis), dim(b, axis)) {
        (1, n) | (n, 1) => Some(n),
        (m, n) => (m == n).then_some(n),
    };
    (0..rank).map(common).collect()
}

/// For each element of `to`, the flat position of the element of `from` that is broadcast to it.
///
/// `None` if `from` cannot be broadcast to `to`.
pub(crate) fn broadcast_positions(from: &[usize], to: &[usize]) -> Option<Vec<usize>> {
    if broadcast(from, to)? != to {
        return None;
    }
    let missing = to.len() - from.len();
    let own = strides(from);
    let step = |axis: usize| match axis.checked_sub(missing) {
        Some(axis) if from[axis] != 1 => own[axis],
        _ => 0,
    };
    let steps: Vec<usize> = (0..to.len()).map(step).collect();
    Some(walk(to, &steps, 0))
}

/// The flat positions `start + sum_i c_i steps_i` for all coordinates `c` of `shape`, in
/// row-major order.
pub(crate) fn walk(shape: &[usize], steps: &[usize], start: usize) -> Vec<usize> {
    let mut positions = vec![start];
    for (&dim, &step) in shape.iter().zip(steps) {
        let along = |p: &usize| {
            let p = *p;
            (0..dim).map(move |i| p + i * step)
        };
        positions = positions.iter().flat_map(along).collect();
    }
    positions
}

/// The coordinates of a flat position.
pub(crate) fn coordinates(position: usize, shape: &[usize]) -> Vec<usize> {
    let mut rest = position;
    let mut at = vec![0; shape.len()];
    for (at, &dim) in at.iter_mut().zip(shape).rev() {
        *at = rest % dim.max(1);
        rest /= dim.max(1);
    }
    at
}

/// The axis that ONNX calls `axis`, counted from the end if negative.
pub(crate) fn axis(axis: i64, rank: usize) -> Option<usize> {
    let signed = i64::try_from(rank).ok()?;
    let from_start = if axis < 0 { axis + signed } else { axis };
    usize::try_from(from_start).ok().filter(|a| *a < rank)
}

/// The flat positions of the elements that differ only along `axes`: one group for each position
/// along the other axes, in row-major order, and within a group in row-major order.
pub(crate) fn groups(shape: &[usize], axes: &[usize]) -> Vec<Vec<u32>> {
    let strides = strides(shape);
    let pick = |inside: bool| -> (Vec<usize>, Vec<usize>) {
        let chosen = (0..shape.len()).filter(|axis| axes.contains(axis) == inside);
        chosen.map(|axis| (shape[axis], strides[axis])).unzip()
    };
    let (kept, kept_steps) = pick(false);
    let (reduced, reduced_steps) = pick(true);
    let starts = walk(&kept, &kept_steps, 0);
    let of = |start: usize| {
        let positions = walk(&reduced, &reduced_steps, start);
        positions.into_iter().map(|p| p as u32).collect()
    };
    starts.into_iter().map(of).collect()
}

/// The flat positions in `shape` of a grid: all combinations of an index of each axis, in
/// row-major order. `None` stands for an element outside of the tensor.
pub(crate) fn grid(shape: &[usize], lists: &[Vec<Option<usize>>]) -> Vec<Option<usize>> {
    let mut positions = vec![Some(0)];
    for (list, step) in lists.iter().zip(strides(shape)) {
        let along = |p: &Option<usize>| {
            let p = *p;
            list.iter().map(move |i| Some(p? + (*i)? * step))
        };
        positions = positions.iter().flat_map(along).collect();
    }
    positions
}
