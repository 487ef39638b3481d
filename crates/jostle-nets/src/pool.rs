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
            Self::Average(window) => {
                let share = F::of(1.0 / (window[0] * window[1]) as f64);
                for (image, out) in images {
                    for (at, o) in out.iter_mut().enumerate() {
                        let mut sum = F::default();
                        places(window, input, at).for_each(|p| sum += image[p]);
                        *o = sum * share;
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

    /// From gradients of the smaller images to gradients of the images; `values` are those of [`Pool::forward`].
    pub(crate) fn backward<F: Float>(self, input: Shape, values: &[F], gradients: &[F], out: &mut [F]) {
        let images = out.chunks_exact_mut(input.places());
        let images = images.zip(gradients.chunks_exact(self.output(input).places()));
        match self {
            Self::Keep => out.copy_from_slice(gradients),
            Self::Average(window) => {
                let share = F::of(1.0 / (window[0] * window[1]) as f64);
                for (out, gradient) in images {
                    out.fill(F::default());
                    for (at, g) in gradient.iter().enumerate() {
                        let g = *g * share;
                        places(window, input, at).for_each(|p| out[p] = g);
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
    let larger = |a: usize, b: usize| if image[b] > image[a] || image[b] != image[b] { b } else { a };
    places(window, input, at).reduce(larger).expect("a window has a place")
}
