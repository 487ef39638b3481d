//! A product of matrices: a predictor that is linear in its inputs, but not in its parameters.

use super::loss::LOSS;
use super::start::{INIT, INIT_PER_REPLICA, SEED, WIDTH, normal_start};
use super::{Model, Pass, Passes, Tape};
use crate::float::Float;
use crate::random::Draws;
use crate::setting::{Entry, Fallback, Kind, Setting, Settings};
use crate::simd::{View, product, products_of_rows};

/// `f(x) = W_L ... W_1 x` with `L >= 2` layers, `h` units in every hidden one, and `c` outputs.
///
/// Parameters are the transposes of `W_1` (d x h) to `W_{L-1}` (h x h), and then `W_L` (c x h).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearNetwork {
    dim: usize,
    width: usize,
    depth: usize,
    outputs: usize,
    init: f64,
}

impl LinearNetwork {
    /// The network that checked settings describe, for samples of dimension `dim` with `outputs` labels.
    pub fn from_settings(settings: &Settings, dim: usize, outputs: usize) -> Self {
        let (width, depth) = (settings.count(WIDTH.name), settings.count("depth"));
        Self { dim, width, depth, outputs, init: settings.number(INIT.name) }
    }

    /// The parameters of the first layer, of the layers between, one after the other, and of the last layer.
    fn lengths(&self) -> [usize; 3] {
        let width = self.width;
        let between = (self.depth - 2).saturating_mul(width).saturating_mul(width);
        [self.dim.saturating_mul(width), between, self.outputs.saturating_mul(width)]
    }

    /// The layers between the first and the last.
    fn between<'a, F>(&self, theta: &'a [F]) -> std::slice::ChunksExact<'a, F> {
        let [first, between, _] = self.lengths();
        theta[first..first + between].chunks_exact(self.width * self.width)
    }

    fn last<'a, F>(&self, theta: &'a [F]) -> &'a [F] {
        &theta[theta.len() - self.outputs * self.width..]
    }
}

impl<F: Float> Passes<F> for LinearNetwork {
    fn forward(&self, pass: Pass<'_, F>, tape: &mut Tape<F>, predictions: &mut [F]) {
        let Pass { level, theta, inputs } = pass;
        let length = predictions.len() / self.outputs * self.width;
        let [units] = tape.arrays(0, [(self.depth - 1) * length]);
        product(level, View::new(inputs, self.dim), &theta[..self.dim * self.width], &mut units[..length]);
        for (k, layer) in self.between(theta).enumerate() {
            let (before, after) = units[k * length..].split_at_mut(length);
            product(level, View::new(before, self.width), layer, &mut after[..length]);
        }
        products_of_rows(level, self.width, &units[units.len() - length..], self.last(theta), predictions);
    }

    fn backward(&self, pass: Pass<'_, F>, tape: &mut Tape<F>, weights: &[F], gradient: &mut [F]) {
        let Pass { level, theta, inputs } = pass;
        let (width, [first, _, last]) = (self.width, self.lengths());
        let length = weights.len() / self.outputs * width;
        let [units, mut arriving, mut passed_on] =
            tape.arrays(0, [(self.depth - 1) * length, length, length]);
        let place = gradient.len() - last;
        let of_last = &units[units.len() - length..];
        product(level, View::transposed(weights, self.outputs), of_last, &mut gradient[place..]);
        product(level, View::new(weights, self.outputs), self.last(theta), arriving);
        for (k, layer) in self.between(theta).enumerate().rev() {
            let before = &units[k * length..][..length];
            let to_layer = &mut gradient[first + k * width * width..][..width * width];
            product(level, View::transposed(before, width), arriving, to_layer);
            products_of_rows(level, width, arriving, layer, passed_on);
            std::mem::swap(&mut arriving, &mut passed_on);
        }
        product(level, View::transposed(inputs, self.dim), arriving, &mut gradient[..first]);
    }
}

impl Model for LinearNetwork {
    fn dim(&self) -> usize {
        self.dim
    }

    fn num_params(&self) -> usize {
        self.lengths().iter().fold(0, |sum, length| sum.saturating_add(*length))
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn initial(&self, draws: &Draws<'_>) -> Vec<f64> {
        let std = |fan_in: usize| self.init / (fan_in as f64).sqrt();
        let [first, between, last] = self.lengths();
        normal_start(draws, &[(first, std(self.dim)), (between + last, std(self.width))])
    }

    fn coefficients(&self, theta: &[f64]) -> Option<Vec<f64>> {
        if self.outputs != 1 {
            return None;
        }
        let along = |layer: &[f64], v: &[f64]| -> Vec<f64> {
            layer.chunks_exact(self.width).map(|row| row.iter().zip(v).map(|(w, v)| w * v).sum()).collect()
        };
        let at_first = self.between(theta).rev().fold(self.last(theta).to_vec(), |v, layer| along(layer, &v));
        Some(along(&theta[..self.dim * self.width], &at_first))
    }

    fn work_per_sample(&self) -> f64 {
        let [first, between, last] = self.lengths();
        (2 * first + 3 * between + 3 * last) as f64
    }
}

pub(super) const ENTRY: Entry = Entry {
    kind: "linear-network",
    summary: "f = W_L ... W_1 x: a product of matrices",
    detail: "depth layers with width units in every hidden one, and as many outputs as a sample has labels; the \
             predictor is linear, beta = (W_L ... W_1)', its parameters are not. Started at entries ~ init N(0, \
             1/fan_in). Loss (1/2n) sum r^2.",
    reference: "Wu, Wang, Su 2022 (arXiv 2207.02628), section 4; Saxe, McClelland, Ganguli 2014 (arXiv 1312.6120)",
    settings: &[
        WIDTH,
        Setting {
            name: "depth",
            symbol: "L",
            kind: Kind::Integer { min: 2 },
            fallback: Fallback::Integer(2),
            doc: "Number of layers, that is, of matrices.",
        },
        INIT,
        LOSS,
        SEED,
        INIT_PER_REPLICA,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::network_laws::{Oracle, check_model, check_start};
    use crate::setting::Value;
    use num_dual::Dual64;

    fn network(depth: u64, outputs: usize) -> LinearNetwork {
        let given =
            [("width", Value::Integer(9)), ("depth", Value::Integer(depth)), ("init", Value::Number(0.8))];
        LinearNetwork::from_settings(&Settings::check(&ENTRY, &given).unwrap(), 5, outputs)
    }

    impl Oracle for LinearNetwork {
        fn predict(&self, theta: &[Dual64], x: &[f64]) -> Vec<Dual64> {
            let mut units: Vec<Dual64> = x.iter().map(|x| Dual64::from(*x)).collect();
            let mut from = 0;
            for _ in 1..self.depth {
                let entry = |j: usize, k: usize| theta[from + j * self.width + k];
                let unit = |k: usize| units.iter().enumerate().map(|(j, u)| *u * entry(j, k)).sum();
                let next = (0..self.width).map(unit).collect();
                from += units.len() * self.width;
                units = next;
            }
            theta[from..]
                .chunks_exact(self.width)
                .map(|w| w.iter().zip(&units).map(|(w, u)| *w * *u).sum())
                .collect()
        }
    }

    #[test]
    fn both_passes_are_those_of_the_formula() {
        for (depth, outputs) in [(2, 1), (2, 3), (3, 1), (5, 2)] {
            check_model(&network(depth, outputs), 5);
        }
    }

    #[test]
    fn with_several_outputs_there_are_no_coefficients() {
        let network = network(2, 2);
        assert_eq!(network.coefficients(&vec![0.0; network.num_params()]), None);
    }

    #[test]
    fn a_start_has_the_variances_of_its_layers() {
        check_start(&network(3, 2), &[(45, 0.64 / 5.0), (81 + 18, 0.64 / 9.0)]);
    }
}
