//! Networks of layers one after the other, trained by passes forwards and backwards.

use crate::activation::Activation;
use crate::affine::{Affine, Scratch};
use crate::initial::Initial;
use crate::kernel::{LayerPlan, NetworkKernel, Plan};
use crate::pool::Pool;
use crate::shape::Shape;
use jostle::geometry::{KernelCost, KernelRequest, KernelSource, LayerCost};
use jostle::model::{Model, Pass, Passes, Tape, Tensor};
use jostle::random::Draws;
use jostle::{Float, Level};

/// Bytes that a kernel may take on one thread, where that is possible; and as many more its layers.
const MEMORY: usize = 1 << 30;

/// `pool(activation(W a + b))`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The name of its parameters, `NAME.weight` and `NAME.bias`.
    pub name: String,
    /// `W a + b`.
    pub affine: Affine,
    /// What happens to every output.
    pub activation: Activation,
    /// How images shrink.
    pub pool: Pool,
}

impl Layer {
    /// The shape that comes out.
    pub fn output(&self) -> Shape {
        self.pool.output(self.affine.output())
    }

    /// Numbers that a pass forwards keeps for each sample: the values before the activation where its slope does not
    /// follow from those after it, those after it, and the pooled ones.
    fn kept(&self) -> [usize; 3] {
        let values = self.affine.output().values();
        let before = if self.activation.slope_follows_from_value() { 0 } else { values };
        let pooled = if self.pool == Pool::Keep { 0 } else { self.output().values() };
        [before, values, pooled]
    }
}

/// A network of [`Layer`]s one after the other; the last one is `W a + b` at a single place.
///
/// Its parameters (p) are, layer by layer, the weights (outputs x terms, row major) and the biases (outputs): those of
/// PyTorch's modules, in their order. Samples are (channels x height x width), channel by channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedForward {
    layers: Vec<Layer>,
    initial: Initial,
}

/// What a layer kept, for `m` samples, each (channels x m places).
pub(crate) struct Kept<'a, F> {
    /// What came in.
    pub(crate) input: &'a [F],
    /// What the slope of the activation follows from.
    pub(crate) slope: &'a [F],
    /// The values after the activation.
    pub(crate) values: &'a [F],
}

impl FeedForward {
    /// Puts layers together.
    ///
    /// # Panics
    /// If there is none, one does not fit the next, or the last is not linear with a single place.
    pub fn new(layers: Vec<Layer>, initial: Initial) -> Self {
        for pair in layers.windows(2) {
            assert_eq!(
                pair[0].output(),
                pair[1].affine.input,
                "the output of one layer is the input of the next"
            );
        }
        assert_eq!(
            layers.last().map(|layer| layer.output().places()),
            Some(1),
            "the last layer has one place"
        );
        Self { layers, initial }
    }

    /// The layers, the first one first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The shape of a sample.
    pub fn input(&self) -> Shape {
        self.layers[0].affine.input
    }

    /// Where the parameters of each layer stand.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = std::ops::Range<usize>> + ExactSizeIterator {
        let mut end = 0;
        let ranges: Vec<_> = self
            .layers
            .iter()
            .map(|layer| {
                end += layer.affine.num_params();
                end - layer.affine.num_params()..end
            })
            .collect();
        ranges.into_iter()
    }

    /// Numbers that a pass forwards keeps of one sample.
    pub(crate) fn kept_of_a_sample(&self) -> usize {
        self.input().values() + self.layers.iter().flat_map(Layer::kept).sum::<usize>()
    }

    /// A pass forwards over `m` samples (m x d). `kept` receives [`FeedForward::kept_of_a_sample`] numbers of each, the
    /// outputs (c x m) last.
    pub(crate) fn pass<F: Float>(
        &self,
        level: Level,
        theta: &[F],
        samples: &[F],
        scratch: &mut Scratch<F>,
        kept: &mut [F],
    ) {
        let m = samples.len() / self.input().values();
        let (first, mut rest) = kept.split_at_mut(samples.len());
        self.input().gather(samples, first);
        let mut input: &[F] = first;
        for (layer, range) in self.layers.iter().zip(self.ranges()) {
            let [before, values, pooled] = layer.kept().map(|values| values * m);
            let (kept, behind) = rest.split_at_mut(before + values + pooled);
            let (before, kept) = kept.split_at_mut(before);
            let (values, pooled) = kept.split_at_mut(values);
            let activation = layer.activation;
            if before.is_empty() {
                layer
                    .affine
                    .forward(level, &theta[range], input, scratch, values, |z| activation.apply(level, z));
            } else {
                layer.affine.forward(level, &theta[range], input, scratch, before, |_| ());
                values.copy_from_slice(before);
                activation.apply(level, values);
            }
            input = if layer.pool == Pool::Keep {
                values
            } else {
                layer.pool.forward(layer.affine.output(), values, pooled);
                pooled
            };
            rest = behind;
        }
    }

    /// The derivatives of the outputs (m x c) of `m` samples (m x d) along a direction of the parameters (p).
    pub(crate) fn tangent<F: Float>(
        &self,
        level: Level,
        theta: &[F],
        direction: &[F],
        samples: &[F],
        scratch: &mut Scratch<F>,
    ) -> Vec<F> {
        let (m, outputs) = (samples.len() / self.input().values(), self.outputs());
        let mut kept = vec![F::default(); m * self.kept_of_a_sample()];
        self.pass(level, theta, samples, scratch, &mut kept);
        // Along the direction, of what comes into a layer.
        let mut along = vec![F::default(); samples.len()];
        for ((layer, kept), range) in self.layers.iter().zip(self.kept(&kept)).zip(self.ranges()) {
            let (affine, weights) = (layer.affine, range.start..range.start + layer.affine.num_weights());
            let mut at_affine = vec![F::default(); kept.values.len()];
            let mut by_input = vec![F::default(); kept.values.len()];
            affine.forward(level, &direction[range], kept.input, scratch, &mut at_affine, |_| ());
            affine.multiply(level, &theta[weights], &along, scratch, &mut by_input, |_, _| ());
            at_affine.iter_mut().zip(&by_input).for_each(|(z, share)| *z += *share);
            layer.activation.multiply_by_slope(kept.slope, &mut at_affine);
            along = vec![F::default(); m * layer.output().values()];
            layer.pool.tangent(affine.output(), kept.values, &at_affine, &mut along);
        }
        (0..m * outputs).map(|k| along[k % outputs * m + k / outputs]).collect()
    }

    /// What [`FeedForward::pass`] kept, layer by layer.
    pub(crate) fn kept<'a, F>(&self, kept: &'a [F]) -> Vec<Kept<'a, F>> {
        let m = kept.len() / self.kept_of_a_sample();
        let (mut input, mut rest) = kept.split_at(m * self.input().values());
        let of_layer = |layer: &Layer| {
            let [before, values, pooled] = layer.kept().map(|values| values * m);
            let (of_layer, behind) = rest.split_at(before + values + pooled);
            rest = behind;
            let (before, after) = of_layer.split_at(before);
            let (values, pooled) = after.split_at(values);
            let slope = if before.is_empty() { values } else { before };
            let kept = Kept { input, slope, values };
            input = if pooled.is_empty() { values } else { pooled };
            kept
        };
        self.layers.iter().map(of_layer).collect()
    }
}

impl<F: Float> Passes<F> for FeedForward {
    fn forward(&self, pass: Pass<'_, F>, tape: &mut Tape<F>, predictions: &mut [F]) {
        let Pass { level, theta, inputs } = pass;
        let (m, outputs) = (inputs.len() / self.input().values(), self.outputs());
        let [kept] = tape.arrays(0, [m * self.kept_of_a_sample()]);
        self.pass(level, theta, inputs, &mut Scratch::default(), kept);
        let last = &kept[kept.len() - m * outputs..];
        for (i, predictions) in predictions.chunks_exact_mut(outputs).enumerate() {
            predictions.iter_mut().zip(last[i..].iter().step_by(m)).for_each(|(to, from)| *to = *from);
        }
    }

    fn backward(&self, pass: Pass<'_, F>, tape: &mut Tape<F>, weights: &[F], gradient: &mut [F]) {
        let Pass { level, theta, inputs } = pass;
        let (m, outputs) = (inputs.len() / self.input().values(), self.outputs());
        let most = self.layers.iter().map(|l| l.affine.output().values().max(l.affine.input.values())).max();
        let most = m * most.unwrap_or(0);
        let [kept, arriving, leaving] = tape.arrays(0, [m * self.kept_of_a_sample(), most, most]);
        let kept = self.kept(kept);
        let scratch = &mut Scratch::default();
        for (i, weights) in weights.chunks_exact(outputs).enumerate() {
            arriving[i..].iter_mut().step_by(m).zip(weights).for_each(|(to, from)| *to = *from);
        }
        for (k, range) in self.ranges().enumerate().rev() {
            let (Layer { affine, activation, pool, .. }, kept) = (&self.layers[k], &kept[k]);
            let (arrived, at_affine) = (&arriving[..m * self.layers[k].output().values()], kept.values.len());
            pool.backward(affine.output(), kept.values, arrived, &mut leaving[..at_affine]);
            activation.multiply_by_slope(kept.slope, &mut leaving[..at_affine]);
            affine.gradient(level, kept.input, &leaving[..at_affine], scratch, &mut gradient[range.clone()]);
            if k > 0 {
                let back = &mut arriving[..kept.input.len()];
                affine.pull_back(level, &theta[range], &leaving[..at_affine], scratch, back);
            }
        }
    }
}

impl Model for FeedForward {
    fn dim(&self) -> usize {
        self.input().values()
    }

    fn num_params(&self) -> usize {
        self.layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.affine.num_params()))
    }

    fn outputs(&self) -> usize {
        self.layers[self.layers.len() - 1].affine.outputs
    }

    fn initial(&self, draws: &Draws<'_>) -> Vec<f64> {
        self.initial.draw(&self.layers, draws)
    }

    fn work_per_sample(&self) -> f64 {
        let forward: f64 = self.layers.iter().map(|layer| layer.affine.work()).sum();
        3.0 * forward - self.layers[0].affine.work()
    }

    fn tensors(&self) -> Vec<Tensor> {
        let of_layer = |layer: &Layer| {
            let Affine { is_convolution, input, outputs } = layer.affine;
            let terms = if is_convolution { vec![input.channels, 3, 3] } else { vec![layer.affine.terms()] };
            let weight = [vec![outputs], terms].concat();
            [("weight", weight), ("bias", vec![outputs])]
                .map(|(part, shape)| Tensor { name: format!("{}.{part}", layer.name), shape })
        };
        self.layers.iter().flat_map(of_layer).collect()
    }

    fn kernel(&self, request: &KernelRequest<'_>) -> Option<Box<dyn KernelSource>> {
        Some(Box::new(NetworkKernel::<KernelFormat>::new(self, request, MEMORY)))
    }

    fn kernel_cost(&self, samples: usize) -> KernelCost {
        let plan = Plan::new::<KernelFormat>(self, samples, MEMORY);
        let layer = |(layer, plan): (&Layer, &LayerPlan)| LayerCost {
            name: layer.name.clone(),
            params: layer.affine.num_params(),
            method: plan.method.description(),
            multiply_adds: plan.multiply_adds,
        };
        KernelCost {
            bytes: plan.bytes,
            bytes_of_a_thread: plan.bytes_of_a_thread,
            multiply_adds: plan.multiply_adds,
            layers: self.layers.iter().zip(&plan.layers).map(layer).collect(),
        }
    }
}

/// Products in float32 that are added up in float64 are accurate to some 1e-6, and twice as fast.
type KernelFormat = f32;
