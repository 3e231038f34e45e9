//! Images of handwritten digits: the four files of MNIST.
//!
//! ```text
//! train-images-idx3-ubyte.gz  train-labels-idx1-ubyte.gz
//! t10k-images-idx3-ubyte.gz   t10k-labels-idx1-ubyte.gz
//! ```
//!
//! The synthetic digits in `fixtures/digits` have the same format:
//!
//! ```
//! use zkassay_data::mnist::Digits;
//!
//! # let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/digits");
//! let digits = Digits::load(&dir)?;
//! assert_eq!(digits.train.features(), 784);
//! assert_eq!(digits.test.standardised().len(), digits.test.len() * 784);
//! # Ok::<(), zkassay_data::DataError>(())
//! ```

use std::path::Path;

use crate::idx::{self, FILES};
use crate::{DataError, Manifest, Result};

/// Number of classes.
pub const CLASSES: usize = 10;
/// Mean of the grey values of MNIST's training images, on a scale of 0 to 1.
pub const MEAN: f32 = 0.1307;
/// Their standard deviation.
pub const DEVIATION: f32 = 0.3081;

/// The training and the test part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits {
    /// Images to train on.
    pub train: Images,
    /// Images to test on.
    pub test: Images,
}

/// Grey images of equal size with their classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Rows and columns of an image.
    shape: [usize; 2],
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Digits {
    /// Reads both parts from the four files in `dir`, checked against its manifest where there
    /// is one.
    ///
    /// # Errors
    ///
    /// As [`Images::load`]; [`DataError::Damaged`] or [`DataError::MissingFile`] if the manifest
    /// says otherwise; [`DataError::Idx`] if the parts have images of different sizes.
    pub fn load(dir: &Path) -> Result<Self> {
        if let Some(manifest) = Manifest::read(dir)? {
            manifest.verify(dir)?;
        }
        let [train, test] =
            FILES.map(|[images, labels]| Images::load(&dir.join(images), &dir.join(labels)));
        let (train, test) = (train?, test?);
        if train.shape != test.shape {
            return Err(DataError::Idx {
                path: dir.join(FILES[1][0]),
                reason: format!(
                    "images of {:?} pixels, {:?} in the training part",
                    test.shape, train.shape
                ),
            });
        }
        Ok(Self { train, test })
    }
}

impl Images {
    /// Reads a gzipped image file and its label file.
    ///
    /// # Errors
    ///
    /// [`DataError::Io`] if a file cannot be read; [`DataError::Idx`] if it is not gzip, is cut
    /// short or too long, has another magic number, a label above 9, or if there are more
    /// images than labels or fewer.
    pub fn load(images: &Path, labels: &Path) -> Result<Self> {
        let ([count, rows, columns], pixels) = idx::read(images)?;
        let ([labelled], classes) = idx::read(labels)?;
        let wrong = |reason| DataError::Idx {
            path: labels.to_path_buf(),
            reason,
        };
        if labelled != count {
            return Err(wrong(format!("{labelled} labels for {count} images")));
        }
        if let Some(at) = classes
            .iter()
            .position(|class| usize::from(*class) >= CLASSES)
        {
            return Err(wrong(format!(
                "label {} at {at}, 0 to 9 expected",
                classes[at]
            )));
        }
        Ok(Self {
            shape: [rows, columns],
            pixels,
            labels: classes,
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none; files without images are refused, so never.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Rows and columns of an image.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// Pixels of an image, 784 for MNIST.
    pub fn features(&self) -> usize {
        self.shape.iter().product()
    }

    /// Grey values, 0 (paper) to 255 (ink): image by image, row by row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Classes, 0 to 9.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// `(pixel / 255 - 0.1307) / 0.3081`: `[images, features]`, row-major.
    pub fn standardised(&self) -> Vec<f32> {
        let values = self.pixels.iter();
        values
            .map(|pixel| (f32::from(*pixel) / 255.0 - MEAN) / DEVIATION)
            .collect()
    }
}
