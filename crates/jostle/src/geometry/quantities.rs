//! What one pass over the kernel says about a point: no eigen-decomposition, nothing of size p x p.

use super::source::check_finite;
use super::{GeometryError, KernelSource, Sums, range};
use crate::linear_algebra::{TopEigenpair, dot, top_eigenpair};
use std::borrow::Cow;

/// The curvature `G = (1/n) J' J` at a point, without the residuals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curvature {
    /// Number of samples `n`.
    pub samples: usize,
    /// Outputs `c` of a sample.
    pub outputs: usize,
    /// `Tr G = Tr K / n`.
    pub trace: f64,
    /// `|G|_F = |K|_F / n`.
    pub frobenius: f64,
    /// The largest eigenvalue of `G`: a lower bound that is exact to about 15 digits.
    pub lambda_max: f64,
    /// The residual `|G v - lambda_max v|` of its unit eigenvector `v`.
    pub lambda_max_residual: f64,
    /// `(Tr G)^2 / |G|_F^2`: the number of equal eigenvalues with this trace and this norm.
    pub effective_rank: f64,
    /// `(1/n) sum_i |H_i|_F^2 / (Tr G)^2`, with `|H_i|_F = |K_ii|_F`; with one output, the mean of `|grad f(x_i)|^4` in units of
    /// the squared mean of `|grad f(x_i)|^2`.
    pub mean_square_ratio: f64,
    /// `(1/n) sum_i (v' H_i v)^2 / lambda_max^2` for the top eigenvector `v` of `G`: 1 where every sample has the same
    /// share of it, `n` where one sample has it all.
    pub top_concentration: f64,
}

/// The covariance of the gradient of one sample, centred (`Sigma`) or not (`Sigma_1`), beside the curvature.
///
/// Of the angle and the size, `alignment = angle_alignment * size_alignment`. All three are NaN where the loss `L` (see
/// [`Geometry::gauss_newton_loss`]) is zero, since they are quotients by it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseShape {
    /// `Tr Sigma`.
    pub trace: f64,
    /// `Tr(Sigma G)`.
    pub trace_with_curvature: f64,
    /// `|Sigma|_F`.
    pub frobenius: f64,
    /// `mu = Tr(Sigma G) / (2 L |G|_F^2)`, the loss-scaled alignment.
    pub alignment: f64,
    /// `alpha = Tr(Sigma G) / (|Sigma|_F |G|_F)`, in [0, 1]: the cosine of the angle between the two.
    pub angle_alignment: f64,
    /// `beta = |Sigma|_F / (2 L |G|_F)`.
    pub size_alignment: f64,
}

/// The geometry of a point: its curvature and its noise. Its quantities by their names are [`QUANTITIES`](super::QUANTITIES).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// Number of samples `n`.
    pub samples: usize,
    /// Outputs `c` of a sample.
    pub outputs: usize,
    /// Number of parameters `p`, where it is known.
    pub params: Option<usize>,
    /// `L = (1/2n) |r|^2`: the loss where that is the square loss. For the cross-entropy, whose residuals are standardised (see
    /// [`Jacobian::of_model`](super::Jacobian::of_model)), it is what takes the loss's place in the alignments.
    pub gauss_newton_loss: f64,
    /// `|grad L|`.
    pub gradient_norm: f64,
    /// The curvature `G`.
    pub curvature: Curvature,
    /// The noise by `Sigma_1 = (1/n) sum_i g_i g_i'`.
    pub uncentred: NoiseShape,
    /// The noise by `Sigma = Sigma_1 - grad L grad L'`.
    pub centred: NoiseShape,
}

impl Geometry {
    /// Measures a point from its kernel `K` (nc x nc) and its residuals `r` (nc, the outputs of a sample side by side).
    ///
    /// With `g_i = J_i' r_i`, everything is a sum over pairs of samples (`K_ik` is c x c):
    ///
    /// ```text
    /// Tr Sigma_1     = (1/n) sum_i r_i' K_ii r_i          Tr(Sigma_1 G)        = (1/n^2) sum_ik |K_ki r_i|^2
    /// |Sigma_1|_F^2  = (1/n^2) sum_ik (r_i' K_ik r_k)^2   grad L' G grad L     = |K r|^2 / n^3
    /// |grad L|^2     = r' K r / n^2                       grad L' Sigma_1 grad L = (1/n^3) sum_i (r_i' (K r)_i)^2
    /// ```
    ///
    /// The kernel is passed over once by blocks, each of a symmetric pair once, and a few tens of products give the
    /// largest eigenvalue. The result does not depend on the number of threads.
    ///
    /// Arrays near the ends of the range of numbers are measured in units of powers of two, so that only a quantity that is out
    /// of range itself overflows.
    ///
    /// # Errors
    /// Residuals of another length than `nc` or not finite; a kernel that is zero, not finite, or out of the range of numbers.
    pub fn measure(source: &(impl KernelSource + ?Sized), residuals: &[f64]) -> Result<Self, GeometryError> {
        let (n, c) = (source.samples(), source.outputs());
        if residuals.len() != n * c {
            let expected = if c == 1 {
                format!("{n} (the samples of the kernel)")
            } else {
                format!("{n} x {c} (the samples of the kernel, and their outputs)")
            };
            return Err(GeometryError::Length { array: "residuals", found: residuals.len(), expected });
        }
        check_finite("residuals", residuals, c)?;
        let of_residuals = range::exponent(residuals, range::RESIDUALS);
        let mut residuals = Cow::Borrowed(residuals);
        if of_residuals != 0 {
            range::divide(residuals.to_mut(), of_residuals);
        }
        let residuals = &*residuals;
        let sums = source.sums(residuals);
        check_sums(&sums)?;
        let samples = n as f64;
        let mut image = vec![0.0; n * c];
        source.product(residuals, &mut image);
        let loss = dot(residuals, residuals) / (2.0 * samples);
        let curvature = curvature(source, &sums)?;
        let of_kernel = source.exponent();
        let of_noise = of_kernel + 2 * of_residuals;
        let gradient_squared = dot(residuals, &image).max(0.0) / samples.powi(2);
        let gradient_curvature = dot(&image, &image) / samples.powi(3);
        let pairs = residuals.chunks_exact(c).zip(image.chunks_exact(c));
        let along: f64 = pairs.map(|(r, k)| dot(r, k).powi(2)).sum::<f64>() / samples.powi(3);

        let g = sums.squares.sqrt() / samples;
        let shape = |trace: f64, trace_with_curvature: f64, squared: f64| {
            let frobenius = squared.max(0.0).sqrt();
            NoiseShape {
                trace: range::times(trace.max(0.0), of_noise),
                trace_with_curvature: range::times(trace_with_curvature.max(0.0), of_noise + of_kernel),
                frobenius: range::times(frobenius, of_noise),
                alignment: trace_with_curvature.max(0.0) / (2.0 * loss * g * g),
                angle_alignment: trace_with_curvature.max(0.0) / (frobenius * g),
                size_alignment: frobenius / (2.0 * loss * g),
            }
        };
        let (trace, with_curvature) = (sums.noise / samples, sums.pulled / samples.powi(2));
        let squared = sums.gram / samples.powi(2);
        Ok(Self {
            samples: n,
            outputs: c,
            params: source.params(),
            gauss_newton_loss: range::times(loss, 2 * of_residuals),
            gradient_norm: range::root(gradient_squared, of_noise),
            curvature,
            uncentred: shape(trace, with_curvature, squared),
            centred: shape(
                trace - gradient_squared,
                with_curvature - gradient_curvature,
                squared - 2.0 * along + gradient_squared.powi(2),
            ),
        })
    }
}

impl Geometry {
    /// The geometry of a kernel that is zero: no curvature and no noise, and quotients by them are NaN.
    pub(super) fn flat(source: &(impl KernelSource + ?Sized), residuals: &[f64]) -> Self {
        let (samples, outputs) = (source.samples(), source.outputs());
        let shape = NoiseShape {
            trace: 0.0,
            trace_with_curvature: 0.0,
            frobenius: 0.0,
            alignment: f64::NAN,
            angle_alignment: f64::NAN,
            size_alignment: f64::NAN,
        };
        Self {
            samples,
            outputs,
            params: source.params(),
            gauss_newton_loss: dot(residuals, residuals) / (2.0 * samples as f64),
            gradient_norm: 0.0,
            curvature: Curvature {
                samples,
                outputs,
                trace: 0.0,
                frobenius: 0.0,
                lambda_max: 0.0,
                lambda_max_residual: 0.0,
                effective_rank: f64::NAN,
                mean_square_ratio: f64::NAN,
                top_concentration: f64::NAN,
            },
            uncentred: shape,
            centred: shape,
        }
    }
}

impl Curvature {
    /// Measures the curvature alone, which needs no residuals.
    ///
    /// # Errors
    /// A kernel that is zero, not finite, or out of the range of numbers.
    pub fn measure(source: &(impl KernelSource + ?Sized)) -> Result<Self, GeometryError> {
        let sums = source.sums(&vec![0.0; source.samples() * source.outputs()]);
        check_sums(&sums)?;
        curvature(source, &sums)
    }
}

/// Refuses a kernel that is not finite before anything is made of it.
fn check_sums(sums: &Sums) -> Result<(), GeometryError> {
    let Sums { trace, squares, .. } = *sums;
    if trace.is_finite() && squares.is_finite() {
        return Ok(());
    }
    Err(GeometryError::Overflow { trace, squares })
}

fn curvature(source: &(impl KernelSource + ?Sized), sums: &Sums) -> Result<Curvature, GeometryError> {
    if sums.squares == 0.0 {
        return Err(GeometryError::Zero);
    }
    let (n, c) = (source.samples(), source.outputs());
    let (samples, exponent) = (n as f64, source.exponent());
    let (trace, frobenius) = (sums.trace / samples, sums.squares.sqrt() / samples);
    let TopEigenpair { value, vector, residual } =
        top_eigenpair(&start(n * c), |v, out| source.product(v, out));
    let fourth: f64 = vector.chunks_exact(c).map(|v| dot(v, v).powi(2)).sum();
    Ok(Curvature {
        samples: n,
        outputs: c,
        trace: range::representable(trace, exponent)?,
        frobenius: range::representable(frobenius, exponent)?,
        lambda_max: range::times(value / samples, exponent),
        lambda_max_residual: range::times(residual / samples, exponent),
        effective_rank: (trace / frobenius).powi(2),
        mean_square_ratio: sums.block_squares / samples / (trace * trace),
        top_concentration: samples * fourth,
    })
}

/// A start that no eigenvector of a kernel from data is orthogonal to: positive, and equidistributed.
pub(super) fn start(length: usize) -> Vec<f64> {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    (0..length).map(|k| 0.5 + (k as f64 * GOLDEN).fract()).collect()
}
