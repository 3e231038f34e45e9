//! How a convolutional network is trained.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::valid::require;
use crate::{Hyperparameters, ModelError};

/// What a convolutional network is, and how it is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CnnParams {
    /// Channels, height and width of an image.
    pub image: [usize; 3],
    /// Output channels of each convolution; at least one.
    pub channels: Vec<usize>,
    /// Height and width of the kernels.
    pub kernel: usize,
    /// Step of the kernels.
    pub stride: usize,
    /// Step size of Adam.
    pub learning_rate: f64,
    /// How often training goes over all rows.
    pub epochs: usize,
    /// Rows per step, drawn anew in every epoch.
    pub batch_size: usize,
    /// Seed of the initial weights and of the order of rows.
    pub seed: u64,
}

impl CnnParams {
    /// For handwritten digits of 28 by 28: kernels of 3 by 3 with stride 2, 4
    /// and then 8 channels, which makes 3,226 weights and biases; one epoch in
    /// batches of 32.
    pub fn digits(seed: u64) -> Self {
        Self {
            image: [1, 28, 28],
            channels: vec![4, 8],
            kernel: 3,
            stride: 2,
            learning_rate: 0.002,
            epochs: 1,
            batch_size: 32,
            seed,
        }
    }

    /// Channels, height and width before the first convolution and after each.
    pub(super) fn shapes(&self) -> Vec<[usize; 3]> {
        let mut shapes = vec![self.image];
        let [_, mut height, mut width] = self.image;
        for &channels in &self.channels {
            let step =
                |length: usize| (length.saturating_sub(self.kernel)) / self.stride.max(1) + 1;
            (height, width) = (step(height), step(width));
            shapes.push([channels, height, width]);
        }
        shapes
    }

    /// Number of weights and biases of a network with so many scores.
    pub(super) fn parameters(&self, outputs: usize) -> usize {
        let shapes = self.shapes();
        let area = self.kernel * self.kernel;
        let pairs = shapes.windows(2);
        let convolutions = pairs.map(|pair| pair[1][0] * (pair[0][0] * area + 1));
        let flat = shapes.last().map_or(0, |shape| shape.iter().product());
        convolutions.sum::<usize>() + outputs * (flat + 1)
    }
}

impl Hyperparameters for CnnParams {
    fn validate(&self) -> Result<(), ModelError> {
        for size in self.image {
            require((1..=4096).contains(&size), "image", size, "1 to 4096 each")?;
        }
        let count = self.channels.len();
        let holds = (1..=32).contains(&count);
        require(holds, "number of convolutions", count, "1 to 32")?;
        for &channels in &self.channels {
            let holds = (1..=4096).contains(&channels);
            require(holds, "channels", channels, "1 to 4096 each")?;
        }
        let holds = (1..=4096).contains(&self.stride);
        require(holds, "stride", self.stride, "1 to 4096")?;
        require(self.kernel >= 1, "kernel", self.kernel, "1 or more")?;
        for [_, height, width] in self.shapes().into_iter().take(count) {
            let fits = self.kernel <= height.min(width);
            let expected = "at most the height and width of what it is applied to";
            require(fits, "kernel", self.kernel, expected)?;
        }
        for pair in self.shapes().windows(2) {
            let factors = [pair[0][0], self.kernel, self.kernel].into_iter();
            let work = factors.chain(pair[1]).fold(1, usize::saturating_mul);
            let name = "multiplications of a convolution";
            require(work <= 1 << 28, name, work, "at most 268435456 per image")?;
        }
        let rate = self.learning_rate;
        let expected = "a number above 0, at most 1";
        require(rate > 0.0 && rate <= 1.0, "learning_rate", rate, expected)?;
        let holds = (1..=100_000).contains(&self.epochs);
        require(holds, "epochs", self.epochs, "1 to 100000")?;
        require(
            self.batch_size >= 1,
            "batch_size",
            self.batch_size,
            "1 or more",
        )
    }
}

impl fmt::Display for CnnParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cnn")?;
        self.channels
            .iter()
            .try_for_each(|channels| write!(f, "-{channels}"))
    }
}
