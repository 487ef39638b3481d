//! The geometry of a network layer by layer: which layer is sharp, and where the noise acts.

use super::{Geometry, GeometryError, KernelSource, LayerKernel};

/// The geometry of one layer: that of the model in which only this layer's parameters move, from its kernel `K_l` and the
/// residuals of the whole.
///
/// `G_l = (1/n) J_l' J_l` and `Sigma_l` are the blocks of `G` and `Sigma` on the diagonal that belong to the layer. What is
/// additive adds up to the whole: `Tr G = sum_l Tr G_l`, `Tr Sigma = sum_l Tr Sigma_l`, `|grad L|^2`. Norms, products and
/// eigenvalues are not: `|G|_F^2 = (1/n^2) sum_lm Tr(K_l K_m)` is at least `sum_l |G_l|_F^2`, and `lambda_max(G)` lies between
/// the largest and the sum of the `lambda_max(G_l)`. What the layers have in common is counted by `share_of_squares`.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerGeometry {
    /// The layer's name.
    pub name: String,
    /// Its geometry; a layer whose kernel is zero has no curvature and no noise, and alignments that are NaN.
    pub geometry: Geometry,
    /// `Tr(K_l K) / |K|_F^2`: its share of `|G|_F^2`, between 0 and 1. Shares add up to 1.
    pub share_of_squares: f64,
}

impl LayerGeometry {
    /// Measures every layer of a kernel that knows its layers, with the residuals (nc) of the whole; none otherwise.
    ///
    /// # Errors
    /// As [`Geometry::measure`], but for layers whose kernel is zero.
    pub fn measure(
        source: &(impl KernelSource + ?Sized),
        residuals: &[f64],
    ) -> Result<Vec<Self>, GeometryError> {
        let layers = source.layers();
        let squares: f64 = layers.iter().map(|layer| layer.trace_with_whole).sum();
        let measure = |layer: LayerKernel<'_>| {
            let geometry = match Geometry::measure(&*layer.kernel, residuals) {
                Err(GeometryError::Zero) => Geometry::flat(&*layer.kernel, residuals),
                measured => measured?,
            };
            Ok(Self { name: layer.name, geometry, share_of_squares: layer.trace_with_whole / squares })
        };
        layers.into_iter().map(measure).collect()
    }
}
