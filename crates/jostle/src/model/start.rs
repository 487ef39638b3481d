//! Settings and random starts that networks have in common.

use crate::random::{Draws, Purpose};
use crate::setting::{Fallback, Kind, Range, Setting};

pub(super) const WIDTH: Setting = Setting {
    name: "width",
    symbol: "m",
    kind: Kind::Integer { min: 1 },
    fallback: Fallback::Required,
    doc: "Units in a hidden layer.",
};

pub(super) const INIT: Setting = Setting {
    name: "init",
    symbol: "",
    kind: Kind::Number(Range::NonNegative),
    fallback: Fallback::Number(1.0),
    doc: "Scale of the random start, for all layers.",
};

/// Seed of a network's start, for the entries of networks.
pub const SEED: Setting = Setting {
    name: "seed",
    symbol: "",
    kind: Kind::Integer { min: 0 },
    fallback: Fallback::Integer(0),
    doc: "Seed of the random start.",
};

/// Whether replicas of a network have starts of their own, for the entries of networks.
pub const INIT_PER_REPLICA: Setting = Setting {
    name: "init_per_replica",
    symbol: "",
    kind: Kind::Flag,
    fallback: Fallback::Flag(false),
    doc: "Whether every replica has a random start of its own; otherwise they share one.",
};

/// A start of independent normal numbers: `(count, standard deviation)` layer by layer along one
/// stream.
pub(super) fn normal_start(draws: &Draws<'_>, layers: &[(usize, f64)]) -> Vec<f64> {
    let mut theta = vec![0.0; layers.iter().map(|(count, _)| count).sum()];
    draws.normals(Purpose::INIT, &mut theta);
    let mut rest = &mut theta[..];
    for (count, std) in layers {
        let (layer, after) = rest.split_at_mut(*count);
        for t in layer {
            *t *= std;
        }
        rest = after;
    }
    theta
}
