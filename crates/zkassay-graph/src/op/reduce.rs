//! Sums, extremes and norms of groups of elements.

/// What becomes of a group of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// The sum.
    Sum,
    /// The sum divided by the number of elements.
    Mean,
    /// The sum divided by a given number: pools that count their padding.
    MeanOf(u32),
    /// The greatest.
    Max,
    /// The least.
    Min,
    /// The sum of the magnitudes.
    L1,
    /// The square root of the sum of the squares.
    L2,
}

impl Reduction {
    /// The operator in ONNX.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "ReduceSum",
            Self::Mean | Self::MeanOf(_) => "ReduceMean",
            Self::Max => "ReduceMax",
            Self::Min => "ReduceMin",
            Self::L1 => "ReduceL1",
            Self::L2 => "ReduceL2",
        }
    }

    pub(super) fn apply(self, x: &[f32], groups: &[Vec<u32>]) -> Vec<f32> {
        let of = |group: &Vec<u32>| {
            let elements = group.iter().map(|i| f64::from(x[*i as usize]));
            let result = match self {
                Self::Sum => elements.sum(),
                Self::Mean => elements.sum::<f64>() / group.len() as f64,
                Self::MeanOf(count) => elements.sum::<f64>() / f64::from(count),
                Self::Max => elements.fold(f64::NEG_INFINITY, f64::max),
                Self::Min => elements.fold(f64::INFINITY, f64::min),
                Self::L1 => elements.map(f64::abs).sum(),
                Self::L2 => elements.map(|x| x * x).sum::<f64>().sqrt(),
            };
            result as f32
        };
        groups.iter().map(of).collect()
    }
}
