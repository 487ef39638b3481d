//! Random starts of networks.

use crate::network::Layer;
use jostle::random::{Draws, Purpose};

/// The law of the first weights and biases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initial {
    /// Weights `N(0, 2/terms)`, biases zero (He et al. 2015): each layer of ReLUs keeps the size of its inputs.
    He,
    /// Weights and biases uniform between `-1/sqrt(terms)` and `1/sqrt(terms)`: what PyTorch's modules start from.
    Pytorch,
}

impl Initial {
    /// The names that an experiment file uses.
    pub const NAMES: &'static [&'static str] = &["he", "pytorch"];

    /// The law of one of [`Initial::NAMES`].
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "he" => Some(Self::He),
            "pytorch" => Some(Self::Pytorch),
            _ => None,
        }
    }

    /// The first parameters (p): a pure function of the draws, of which the first lane is used.
    pub(crate) fn draw(self, layers: &[Layer], draws: &Draws<'_>) -> Vec<f64> {
        let lanes = draws.lanes();
        let p: usize = layers.iter().map(|layer| layer.affine.num_params()).sum();
        let mut theta = match self {
            Self::He => {
                let mut numbers = vec![0.0; p * lanes];
                draws.normals(Purpose::INIT, &mut numbers);
                numbers
            }
            Self::Pytorch => {
                let mut words = vec![0; p * lanes];
                draws.bits(Purpose::INIT, &mut words);
                // The upper 53 bits, as an odd multiple of 2^-53 between -1 and 1.
                let signed = |word: &u64| ((word >> 11) as f64 + 0.5) * (-52f64).exp2() - 1.0;
                words.iter().map(signed).collect()
            }
        };
        if lanes > 1 {
            theta = theta.into_iter().step_by(lanes).collect();
        }
        let mut rest = &mut theta[..];
        for layer in layers {
            let (of_layer, behind) = rest.split_at_mut(layer.affine.num_params());
            let (weights, biases) = of_layer.split_at_mut(layer.affine.num_weights());
            let terms = layer.affine.terms() as f64;
            let [weight, bias] = match self {
                Self::He => [(2.0 / terms).sqrt(), 0.0],
                Self::Pytorch => [1.0 / terms.sqrt(); 2],
            };
            for w in weights.iter_mut() {
                *w *= weight;
            }
            for b in biases.iter_mut() {
                *b *= bias;
            }
            rest = behind;
        }
        theta
    }
}
