//! The kinds of network that an experiment file may name.

use crate::activation::Activation;
use crate::affine::Affine;
use crate::initial::Initial;
use crate::network::{FeedForward, Layer};
use crate::pool::Pool;
use crate::shape::Shape;
use jostle::InputError;
use jostle::model::{INIT_PER_REPLICA, LOSS, Model, SEED};
use jostle::setting::{Entry, Fallback, Kind, Setting, SettingError, Settings};
use std::sync::Arc;

/// The kinds of network that a file may name.
pub const ENTRIES: &[Entry] = &[
    Entry {
        kind: "mlp",
        summary: "a fully connected network",
        detail: "Layers W a + b of the given widths with an activation behind each, and a last one without; images are \
                 read value by value. Its parameters are those of torch.nn.Sequential(Linear, activation, .., Linear).",
        reference: "",
        settings: &[
            Setting {
                name: "widths",
                symbol: "",
                kind: Kind::Numbers,
                fallback: Fallback::Numbers(&[512.0, 512.0]),
                doc: "Units of each hidden layer, one number or a list.",
            },
            ACTIVATION,
            INIT,
            LOSS,
            SEED,
            INIT_PER_REPLICA,
        ],
    },
    Entry {
        kind: "cnn",
        summary: "a small convolutional network",
        detail: "3 x 3 convolutions with zeros around the image, an activation behind each, 2 x 2 pooling behind all but \
                 the last, the mean over all places behind the last, and a fully connected layer. Its parameters are \
                 those of torch.nn.Sequential(Conv2d, activation, pooling, .., AdaptiveAvgPool2d, Flatten, Linear).",
        reference: "",
        settings: &[
            Setting {
                name: "channels",
                symbol: "",
                kind: Kind::Numbers,
                fallback: Fallback::Numbers(&[32.0, 64.0, 64.0]),
                doc: "Channels of each convolution, one number or a list.",
            },
            Setting {
                name: "pooling",
                symbol: "",
                kind: Kind::Choice(&["average", "maximum"]),
                fallback: Fallback::Text("average"),
                doc: "What the 2 x 2 windows become.",
            },
            ACTIVATION,
            INIT,
            LOSS,
            SEED,
            INIT_PER_REPLICA,
        ],
    },
    Entry {
        kind: "vgg",
        summary: "a VGG network without batch normalisation",
        detail: "Five groups of 3 x 3 convolutions with ReLUs, 2 x 2 maximum pooling behind each group, and a fully \
                 connected layer. Images have 32 to 63 pixels a side, so that one place is left. Its parameters are named \
                 as torchvision's features, and the last layer classifier.",
        reference: "Simonyan, Zisserman 2015 (arXiv 1409.1556), table 1",
        settings: &[
            Setting {
                name: "depth",
                symbol: "",
                kind: Kind::Integer { min: 11 },
                fallback: Fallback::Integer(19),
                doc: "Layers with weights, in the paper's counting: 11, 13, 16 or 19. There is one fully connected layer \
                      where the paper has three.",
            },
            Setting {
                name: "width",
                symbol: "",
                kind: Kind::Integer { min: 1 },
                fallback: Fallback::Integer(64),
                doc: "Channels of the first group; later groups have 2, 4, 8 and 8 times as many.",
            },
            INIT,
            LOSS,
            SEED,
            INIT_PER_REPLICA,
        ],
    },
];

const ACTIVATION: Setting = Setting {
    name: "activation",
    symbol: "",
    kind: Kind::Choice(Activation::NAMES),
    fallback: Fallback::Text("relu"),
    doc: "max(z, 0), tanh z, or z times the normal distribution function of z.",
};

const INIT: Setting = Setting {
    name: "init",
    symbol: "",
    kind: Kind::Choice(Initial::NAMES),
    fallback: Fallback::Text("he"),
    doc: "\"he\": weights N(0, 2/terms), biases 0 (He et al. 2015, arXiv 1502.01852); \"pytorch\": both uniform within \
          1/sqrt(terms). A unit has so many terms.",
};

/// Convolutions of each group of a VGG network.
const VGG: [(u64, [usize; 5]); 4] =
    [(11, [1, 1, 2, 2, 2]), (13, [2, 2, 2, 2, 2]), (16, [2, 2, 3, 3, 3]), (19, [2, 2, 4, 4, 4])];

/// The network that checked settings describe, for samples of dimension `dim` with `outputs` labels each; `image` is the
/// shape of samples that are images.
///
/// # Errors
/// Widths that are no whole numbers; a network of images without images, or with images that are too small for it; a
/// depth that VGG does not have.
///
/// # Panics
/// If `kind` is not one of [`ENTRIES`].
pub fn build(
    kind: &str,
    settings: &Settings,
    dim: usize,
    outputs: usize,
    image: Option<Shape>,
) -> Result<Arc<dyn Model>, InputError> {
    Ok(Arc::new(FeedForward::from_settings(kind, settings, dim, outputs, image)?))
}

impl FeedForward {
    /// As [`build`].
    ///
    /// # Errors
    /// As [`build`].
    ///
    /// # Panics
    /// If `kind` is not one of [`ENTRIES`].
    pub fn from_settings(
        kind: &str,
        settings: &Settings,
        dim: usize,
        outputs: usize,
        image: Option<Shape>,
    ) -> Result<Self, InputError> {
        let named = "the choice has been checked";
        let initial = Initial::named(settings.text("init")).expect(named);
        let layers = match kind {
            "mlp" => {
                let activation = Activation::named(settings.text("activation")).expect(named);
                mlp(dim, &counts(settings, "widths")?, activation, outputs)
            }
            "cnn" => {
                let activation = Activation::named(settings.text("activation")).expect(named);
                let pool = match settings.text("pooling") {
                    "average" => Pool::Average([2, 2]),
                    _ => Pool::Maximum([2, 2]),
                };
                let channels = counts(settings, "channels")?;
                // More layers than a number has bits halve images that no machine holds.
                let smallest = 1_usize.checked_shl(channels.len() as u32 - 1).unwrap_or(usize::MAX);
                cnn(images(kind, image, smallest, usize::MAX)?, &channels, activation, pool, outputs)
            }
            "vgg" => {
                let depth = settings.integer("depth");
                let Some((_, groups)) = VGG.iter().find(|(known, _)| *known == depth) else {
                    return Err(refused("depth", format!("is {depth}; expected 11, 13, 16 or 19")));
                };
                vgg(images(kind, image, 32, 63)?, groups, settings.count("width"), outputs)
            }
            other => panic!("{other:?} is not a kind of network"),
        };
        Ok(Self::new(layers, initial))
    }
}

fn refused(name: &str, problem: String) -> InputError {
    InputError::in_section("model")(SettingError::new(name, problem))
}

fn counts(settings: &Settings, name: &str) -> Result<Vec<usize>, InputError> {
    let count = |value: &f64| {
        let is_count = *value >= 1.0 && value.fract() == 0.0 && *value < f64::from(u32::MAX);
        let problem = || format!("has the value {value}; expected whole numbers, at least 1");
        if is_count { Ok(*value as usize) } else { Err(refused(name, problem())) }
    };
    settings.numbers(name).iter().map(count).collect()
}

fn images(kind: &str, image: Option<Shape>, least: usize, most: usize) -> Result<Shape, InputError> {
    let found = match image {
        Some(image) if image.height.min(image.width) >= least && image.height.max(image.width) <= most => {
            return Ok(image);
        }
        Some(image) => format!("those of the problem have {} x {}", image.height, image.width),
        None => "the samples of the problem are no images".to_string(),
    };
    let limits = if most == usize::MAX { format!("{least} or more") } else { format!("{least} to {most}") };
    Err(refused("kind", format!("is {kind:?}, which needs images of {limits} pixels a side; {found}")))
}

fn mlp(dim: usize, widths: &[usize], activation: Activation, outputs: usize) -> Vec<Layer> {
    let mut layers = Vec::new();
    let mut input = dim;
    for (k, width) in widths.iter().enumerate() {
        let affine = Affine { is_convolution: false, input: Shape::vector(input), outputs: *width };
        layers.push(Layer { name: (2 * k).to_string(), affine, activation, pool: Pool::Keep });
        input = *width;
    }
    layers.push(readout((2 * widths.len()).to_string(), input, outputs));
    layers
}

fn cnn(image: Shape, channels: &[usize], activation: Activation, pool: Pool, outputs: usize) -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    for (k, count) in channels.iter().enumerate() {
        let input = layers.last().map_or(image, Layer::output);
        let pool = if k + 1 < channels.len() { pool } else { Pool::Average([input.height, input.width]) };
        let affine = Affine { is_convolution: true, input, outputs: *count };
        layers.push(Layer { name: (3 * k).to_string(), affine, activation, pool });
    }
    // Behind the last convolution, its activation, the mean and the flattening.
    let name = (3 * channels.len() + 1).to_string();
    layers.push(readout(name, channels[channels.len() - 1], outputs));
    layers
}

fn vgg(image: Shape, groups: &[usize; 5], width: usize, outputs: usize) -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    let mut module = 0;
    for (group, convolutions) in groups.iter().enumerate() {
        for k in 0..*convolutions {
            let input = layers.last().map_or(image, Layer::output);
            let is_last = k + 1 == *convolutions;
            let pool = if is_last { Pool::Maximum([2, 2]) } else { Pool::Keep };
            let affine = Affine { is_convolution: true, input, outputs: width << group.min(3) };
            let name = format!("features.{module}");
            layers.push(Layer { name, affine, activation: Activation::Relu, pool });
            module += if is_last { 3 } else { 2 };
        }
    }
    layers.push(readout("classifier".to_string(), width << 3, outputs));
    layers
}

fn readout(name: String, input: usize, outputs: usize) -> Layer {
    let affine = Affine { is_convolution: false, input: Shape::vector(input), outputs };
    Layer { name, affine, activation: Activation::Identity, pool: Pool::Keep }
}
