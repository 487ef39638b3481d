//! Layers that shrink images: means or maxima of windows side by side.

use crate::shape::Shape;
use jostle::Float;

/// How windows of an image become one place; what does not fill a window at the right and at the bottom is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    /// No pooling.
    Keep,
    /// The mean of windows of this height and width.
    Average([usize; 2]),
    /// The maximum of windows of this height and width; the first of equal ones counts.
    Maximum([usize; 2]),
}

impl Pool {
    /// The shape that comes out.
    pub(crate) fn output(self, input: Shape) -> Shape {
        match self {
            Self::Keep => input,
            Self::Average([height, width]) | Self::Maximum([height, width]) => {
                Shape { height: input.height / height, width: input.width / width, ..input }
            }
        }
    }

    /// From (channels x m places) to as many smaller images.
    pub(crate) fn forward<F: Float>(self, input: Shape, values: &[F], out: &mut [F]) {
        let images =
            values.chunks_exact(input.places()).zip(out.chunks_exact_mut(self.output(input).places()));
        match self {
            Self::Keep => out.copy_from_slice(values),
            Self::Average([height, width]) => {
                let share = F::of(1.0 / (height * width) as f64);
                for (image, out) in images {
                    let windows = image.chunks_exact(height * input.width);
                    for (rows, out) in windows.zip(out.chunks_exact_mut(input.width / width)) {
                        out.fill(F::default());
                        for row in rows.chunks_exact(input.width) {
                            for (sum, window) in out.iter_mut().zip(row.chunks_exact(width)) {
                                *sum = window.iter().fold(*sum, |sum, value| sum + *value);
                            }
                        }
                        for sum in out.iter_mut() {
                            *sum *= share;
                        }
                    }
                }
            }
            Self::Maximum(window) => {
                for (image, out) in images {
                    for (at, o) in out.iter_mut().enumerate() {
                        *o = image[largest(window, input, image, at)];
                    }
                }
            }
        }
    }

    /// From derivatives at the images to those at the smaller ones; `values` are those of [`Pool::forward`].
    pub(crate) fn tangent<F: Float>(self, input: Shape, values: &[F], along: &[F], out: &mut [F]) {
        let Self::Maximum(window) = self else { return self.forward(input, along, out) };
        let images = values.chunks_exact(input.places()).zip(along.chunks_exact(input.places()));
        let images = images.zip(out.chunks_exact_mut(self.output(input).places()));
        for ((image, along), out) in images {
            for (at, out) in out.iter_mut().enumerate() {
                *out = along[largest(window, input, image, at)];
            }
        }
    }

    /// From gradients of the smaller images to gradients of the images; `values` are those of [`Pool::forward`],
    /// in any format.
    pub(crate) fn backward<V: Float, F: Float>(
        self,
        input: Shape,
        values: &[V],
        gradients: &[F],
        out: &mut [F],
    ) {
        let images = out.chunks_exact_mut(input.places());
        let images = images.zip(gradients.chunks_exact(self.output(input).places()));
        match self {
            Self::Keep => out.copy_from_slice(gradients),
            Self::Average([height, width]) => {
                let share = F::of(1.0 / (height * width) as f64);
                for (out, gradient) in images {
                    let across = input.width / width;
                    for (y, row) in out.chunks_exact_mut(input.width).enumerate() {
                        // Nothing arrives at what does not fill a window.
                        let gradient =
                            gradient.get(y / height * across..(y / height + 1) * across).unwrap_or_default();
                        row[gradient.len() * width..].fill(F::default());
                        for (window, g) in row.chunks_exact_mut(width).zip(gradient) {
                            window.fill(*g * share);
                        }
                    }
                }
            }
            Self::Maximum(window) => {
                for ((out, gradient), image) in images.zip(values.chunks_exact(input.places())) {
                    out.fill(F::default());
                    for (at, g) in gradient.iter().enumerate() {
                        out[largest(window, input, image, at)] = *g;
                    }
                }
            }
        }
    }
}

/// The places of window `at`, row by row.
fn places([height, width]: [usize; 2], input: Shape, at: usize) -> impl Iterator<Item = usize> {
    let across = input.width / width;
    let first = at / across * height * input.width + at % across * width;
    (0..height).flat_map(move |y| (0..width).map(move |x| first + y * input.width + x))
}

fn largest<F: Float>(window: [usize; 2], input: Shape, image: &[F], at: usize) -> usize {
    // A NaN counts as the largest, so that it is not lost.
    let is_nan = |at: usize| image[at].partial_cmp(&image[at]).is_none();
    let larger = |a: usize, b: usize| if image[b] > image[a] || is_nan(b) { b } else { a };
    places(window, input, at).reduce(larger).expect("a window has a place")
}
