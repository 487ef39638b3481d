//! The quantities of a point by their names: what runs record, what `jostle measure` answers, and of layers too.
//!
//! One name is one quantity, wherever it stands.

use super::Geometry;

/// A quantity of a point.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    /// The name in files and tables.
    pub name: &'static str,
    /// Its symbol or formula.
    pub symbol: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// Whether it grows beyond all bounds with the parameters; quotients do not.
    pub is_size: bool,
    /// Its value.
    pub of: fn(&Geometry) -> f64,
}

const fn size(
    name: &'static str,
    symbol: &'static str,
    doc: &'static str,
    of: fn(&Geometry) -> f64,
) -> Quantity {
    Quantity { name, symbol, doc, is_size: true, of }
}

const fn quotient(
    name: &'static str,
    symbol: &'static str,
    doc: &'static str,
    of: fn(&Geometry) -> f64,
) -> Quantity {
    Quantity { name, symbol, doc, is_size: false, of }
}

/// Every quantity, in the order in which they are shown.
pub const QUANTITIES: [Quantity; 13] = [
    size(
        "trace_G",
        "Tr G",
        "Trace of the curvature G = J'J / n (with the loss factor a: 2a J'J / n). Of mlp, cnn and vgg all that follows from the \
         curvature is made by products in float32, and right to about eight digits.",
        |point| point.curvature.trace,
    ),
    size("frobenius_G", "|G|_F", "Frobenius norm of the curvature.", |point| point.curvature.frobenius),
    size("lambda_max_G", "lambda_max(G)", "Largest eigenvalue of the curvature.", |point| {
        point.curvature.lambda_max
    }),
    quotient(
        "effective_rank",
        "(Tr G)^2 / |G|_F^2",
        "Number of equal eigenvalues with this trace and Frobenius norm.",
        |point| point.curvature.effective_rank,
    ),
    size(
        "trace_noise",
        "Tr Sigma",
        "Trace of the covariance of one sample's gradient, Sigma = Sigma_1 - grad L grad L'.",
        |point| point.centred.trace,
    ),
    size("trace_noise_G", "Tr(Sigma G)", "Trace of that covariance times the curvature.", |point| {
        point.centred.trace_with_curvature
    }),
    size(
        "trace_noise_uncentred",
        "Tr Sigma_1",
        "Trace of the uncentred covariance of one sample's gradient, Sigma_1 = (1/n) sum_i g_i g_i'.",
        |point| point.uncentred.trace,
    ),
    size(
        "trace_noise_G_uncentred",
        "Tr(Sigma_1 G)",
        "Trace of the uncentred covariance times the curvature.",
        |point| point.uncentred.trace_with_curvature,
    ),
    size(
        "gauss_newton_loss",
        "L_GN",
        "What takes the loss's place in the alignments: the training loss itself with the square loss, (1/2n) sum_ik \
         (p_ik - y_ik)^2 / p_ik with the cross-entropy.",
        |point| point.gauss_newton_loss,
    ),
    quotient(
        "alignment",
        "mu = Tr(Sigma_1 G) / (2 L_GN |G|_F^2)",
        "Alignment of noise and curvature, uncentred covariance, in units of gauss_newton_loss; NaN where that is zero.",
        |point| point.uncentred.alignment,
    ),
    quotient(
        "alignment_centred",
        "Tr(Sigma G) / (2 L_GN |G|_F^2)",
        "The same with the centred covariance Sigma.",
        |point| point.centred.alignment,
    ),
    quotient(
        "angle_alignment",
        "alpha = Tr(Sigma_1 G) / (|Sigma_1|_F |G|_F)",
        "Cosine of the angle between the uncentred covariance and the curvature.",
        |point| point.uncentred.angle_alignment,
    ),
    quotient(
        "size_alignment",
        "beta = |Sigma_1|_F / (2 L_GN |G|_F)",
        "Size of the uncentred covariance against that of the curvature, in units of gauss_newton_loss: alignment = alpha beta.",
        |point| point.uncentred.size_alignment,
    ),
];
