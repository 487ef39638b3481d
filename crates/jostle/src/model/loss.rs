//! Losses: how predictions are compared with labels.

use crate::float::Float;
use crate::setting::{Fallback, Kind, Setting, Settings};

/// The loss of a sample, as a function of its predictions `f` (c) and its labels `y` (c).
///
/// The *residuals* are what gradients are made of: sample weights are `2 c r / batch` with the loss factor `c`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loss {
    /// `c |f - y|^2` with the loss factor `c`; residuals `f - y`.
    #[default]
    Square,
    /// `-sum_k y_k ln p_k` with `p = softmax(f)` and the loss factor 1/2; residuals `p - y`.
    CrossEntropy,
}

/// The setting that chooses a loss, for the entries of networks.
pub const LOSS: Setting = Setting {
    name: "loss",
    symbol: "",
    kind: Kind::Choice(&["square", "cross-entropy"]),
    fallback: Fallback::Text("square"),
    doc: "\"square\", (1/2n) sum r^2, or for one-hot labels \"cross-entropy\", -(1/n) sum ln softmax(f)_y.",
};

impl Loss {
    pub(super) fn from_settings(settings: &Settings) -> Self {
        match settings.has(LOSS.name).then(|| settings.text(LOSS.name)) {
            Some("cross-entropy") => Self::CrossEntropy,
            _ => Self::Square,
        }
    }

    /// Turns predictions (m x c) into residuals.
    pub(crate) fn residuals<F: Float>(self, predictions: &mut [F], labels: &[F], outputs: usize) {
        if self == Self::CrossEntropy {
            predictions.chunks_exact_mut(outputs).for_each(softmax);
        }
        predictions.iter_mut().zip(labels).for_each(|(f, y)| *f -= *y);
    }

    /// The mean over the samples, for predictions and labels (m x c).
    pub fn mean(self, loss_factor: f64, predictions: &[f64], labels: &[f64], outputs: usize) -> f64 {
        let samples = predictions.len() as f64 / outputs as f64;
        match self {
            Self::Square => {
                let squares: f64 = predictions.iter().zip(labels).map(|(f, y)| (f - y) * (f - y)).sum();
                loss_factor / samples * squares
            }
            Self::CrossEntropy => {
                let pairs = predictions.chunks_exact(outputs).zip(labels.chunks_exact(outputs));
                2.0 * loss_factor / samples * pairs.map(|(f, y)| cross_entropy(f, y)).sum::<f64>()
            }
        }
    }

    /// Makes the Jacobian (mc x p) and the residuals (m x c) of a model those of an equivalent model with the loss
    /// `(1/2m) sum |r|^2`: the same gradient of every sample, and the curvature `J' J / m` of the Gauss-Newton matrix.
    ///
    /// For the square loss both are multiplied by `sqrt(2c)`. For the cross-entropy the Hessian of a sample's loss in
    /// its outputs is `H = diag(p) - p p' = A' A`, `A_kl = sqrt(p_k) (delta_kl - p_l)`; then `J -> A J`, and
    /// `r_k -> r_k / sqrt(p_k)`, for which `A' r` is the old residual.
    pub(crate) fn standardise(
        self,
        loss_factor: f64,
        residuals: &mut [f64],
        labels: &[f64],
        outputs: usize,
    ) -> Vec<f64> {
        let factor = (2.0 * loss_factor).sqrt();
        let samples = residuals.len() / outputs;
        let mut maps = vec![0.0; samples * outputs * outputs];
        let of_samples = residuals.chunks_exact_mut(outputs).zip(labels.chunks_exact(outputs));
        for (map, (r, y)) in maps.chunks_exact_mut(outputs * outputs).zip(of_samples) {
            let p: Vec<f64> = r.iter().zip(y).map(|(r, y)| r + y).collect();
            for (k, row) in map.chunks_exact_mut(outputs).enumerate() {
                for (l, entry) in row.iter_mut().enumerate() {
                    let same = if k == l { 1.0 } else { 0.0 };
                    *entry = match self {
                        Self::Square => factor * same,
                        Self::CrossEntropy => factor * p[k].sqrt() * (same - p[l]),
                    };
                }
                match self {
                    Self::Square => r[k] *= factor,
                    // A class of probability zero with another label has no residual either.
                    Self::CrossEntropy if p[k] > 0.0 => r[k] *= factor / p[k].sqrt(),
                    Self::CrossEntropy => {}
                }
            }
        }
        maps
    }
}

/// Multiplies the rows (c x p) of every sample of a Jacobian by the sample's map (c x c).
pub(crate) fn map_outputs(maps: &[f64], outputs: usize, params: usize, jacobian: &mut [f64]) {
    let mut mapped = vec![0.0; outputs * params];
    for (map, rows) in maps.chunks_exact(outputs * outputs).zip(jacobian.chunks_exact_mut(outputs * params)) {
        mapped.fill(0.0);
        for (map, out) in map.chunks_exact(outputs).zip(mapped.chunks_exact_mut(params)) {
            for (a, row) in map.iter().zip(rows.chunks_exact(params)).filter(|(a, _)| **a != 0.0) {
                out.iter_mut().zip(row).for_each(|(o, j)| *o += a * j);
            }
        }
        rows.copy_from_slice(&mapped);
    }
}

/// Turns the outputs of a sample into probabilities. By way of double precision, whose exponential is the same on every
/// machine.
fn softmax<F: Float>(outputs: &mut [F]) {
    let largest = outputs.iter().fold(f64::NEG_INFINITY, |most, f| most.max((*f).into()));
    let mut sum = 0.0;
    for f in outputs.iter() {
        sum += libm::exp((*f).into() - largest);
    }
    for f in outputs.iter_mut() {
        *f = F::of(libm::exp((*f).into() - largest) / sum);
    }
}

/// `-sum_k y_k ln softmax(f)_k`.
fn cross_entropy(f: &[f64], y: &[f64]) -> f64 {
    let largest = f.iter().fold(f64::NEG_INFINITY, |most, f| most.max(*f));
    let sum: f64 = f.iter().map(|f| libm::exp(f - largest)).sum();
    f.iter().zip(y).map(|(f, y)| y * (largest + libm::log(sum) - f)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const F: [f64; 6] = [0.3, -1.2, 2.0, 1.0, 1.5, -0.5];
    const Y: [f64; 6] = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0];

    #[test]
    fn residuals_are_the_derivatives_of_the_loss() {
        for (loss, factor) in [(Loss::Square, 0.25), (Loss::Square, 0.5), (Loss::CrossEntropy, 0.5)] {
            let mut residuals = F;
            loss.residuals(&mut residuals, &Y, 3);
            for k in 0..6 {
                let at = |h: f64| {
                    let mut f = F;
                    f[k] += h;
                    loss.mean(factor, &f, &Y, 3)
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((slope - 2.0 * factor * residuals[k] / 2.0).abs() < 1e-9, "{loss:?} {k}");
            }
        }
    }

    /// With the identity for a Jacobian, `A' A` is the Hessian of the loss in the outputs, and `A' r` its gradient.
    #[test]
    fn the_standard_form_has_the_gradient_and_the_curvature_of_the_loss() {
        for (loss, factor) in [(Loss::Square, 0.25), (Loss::CrossEntropy, 0.5)] {
            let mut plain = F;
            loss.residuals(&mut plain, &Y, 3);
            let mut residuals = plain;
            let maps = loss.standardise(factor, &mut residuals, &Y, 3);
            for sample in 0..2 {
                let map = |k: usize, l: usize| maps[9 * sample + 3 * k + l];
                for l in 0..3 {
                    let gradient: f64 = (0..3).map(|k| map(k, l) * residuals[3 * sample + k]).sum();
                    assert!((gradient - 2.0 * factor * plain[3 * sample + l]).abs() < 1e-14);
                    for m in 0..3 {
                        let gauss_newton: f64 = (0..3).map(|k| map(k, l) * map(k, m)).sum();
                        let at = |h: f64| {
                            let mut f = F;
                            f[3 * sample + m] += h;
                            loss.residuals(&mut f, &Y, 3);
                            2.0 * factor * f[3 * sample + l]
                        };
                        let hessian = (at(1e-5) - at(-1e-5)) / 2e-5;
                        assert!((gauss_newton - hessian).abs() < 1e-9, "{loss:?} {l} {m}");
                    }
                }
            }
        }
    }

    #[test]
    fn large_outputs_do_not_overflow() {
        let (mut f, y) = ([2000.0, 0.0, -2000.0], [1.0, 0.0, 0.0]);
        assert_eq!(Loss::CrossEntropy.mean(0.5, &f, &y, 3), 0.0);
        Loss::CrossEntropy.residuals(&mut f, &y, 3);
        assert_eq!(f, [0.0, 0.0, 0.0]);
        let wrong = Loss::CrossEntropy.mean(0.5, &[2000.0, 0.0, -2000.0], &[0.0, 0.0, 1.0], 3);
        assert_eq!(wrong, 4000.0);
        let mut single = [0.5f32, 0.25];
        Loss::CrossEntropy.residuals(&mut single, &[0.0, 1.0], 2);
        assert!((single[0] + single[1]).abs() < 1e-7);
    }
}
