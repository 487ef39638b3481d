//! How the values of many samples are laid out between layers.

/// The values of one sample: `channels` numbers at each of `height * width` places. Without places, as in a fully
/// connected layer, there is one.
///
/// The values of `m` samples are a matrix (channels x m places), row by row: entry `(c, i, p)` stands at
/// `(c m + i) places + p`. A convolution and a fully connected layer are then both a product with a matrix of weights
/// from the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Rows of the matrix.
    pub channels: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
}

impl Shape {
    /// One place with so many values.
    pub fn vector(channels: usize) -> Self {
        Self { channels, height: 1, width: 1 }
    }

    /// Places of one sample.
    pub fn places(self) -> usize {
        self.height * self.width
    }

    /// Values of one sample.
    pub fn values(self) -> usize {
        self.channels * self.places()
    }

    /// Copies samples (m x values, each channel by channel) into a matrix (channels x m places).
    pub(crate) fn gather<F: Copy>(self, samples: &[F], matrix: &mut [F]) {
        let (values, places) = (self.values(), self.places());
        let m = samples.len() / values;
        for (i, sample) in samples.chunks_exact(values).enumerate() {
            for (c, channel) in sample.chunks_exact(places).enumerate() {
                matrix[(c * m + i) * places..][..places].copy_from_slice(channel);
            }
        }
    }
}
