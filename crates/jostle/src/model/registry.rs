//! The networks that a file may name, and what their settings and starts have in common.

use super::network::AnyNetwork;
use super::{LinearNetwork, MatrixFactorisation, TwoLayer};
use super::{linear_network, matrix, two_layer};
use crate::error::InputError;
use crate::random::{Draws, Purpose};
use crate::setting::{Entry, Fallback, Kind, Range, Setting, Settings};
use std::sync::Arc;

type Build = fn(&Settings, usize, usize) -> Result<Arc<dyn AnyNetwork>, InputError>;

/// Every kind of network: its documentation, and how it is built from settings, the dimension of a sample and its labels.
const NETWORKS: [(Entry, Build); 3] = [
    (two_layer::ENTRY, |settings, dim, outputs| {
        Ok(Arc::new(TwoLayer::from_settings(settings, dim, outputs)))
    }),
    (linear_network::ENTRY, |settings, dim, outputs| {
        Ok(Arc::new(LinearNetwork::from_settings(settings, dim, outputs)))
    }),
    (matrix::ENTRY, |settings, dim, outputs| {
        Ok(Arc::new(MatrixFactorisation::from_settings(settings, dim, outputs)?))
    }),
];

/// The kinds of network that a file may name.
pub const NETWORK_ENTRIES: &[Entry] = &{
    let mut entries = [NETWORKS[0].0; NETWORKS.len()];
    let mut k = 1;
    while k < entries.len() {
        entries[k] = NETWORKS[k].0;
        k += 1;
    }
    entries
};

/// The network that checked settings describe, for samples of dimension `dim` with `outputs` labels; none if `kind` is
/// not one of [`NETWORK_ENTRIES`].
///
/// # Errors
/// Samples that do not fit the network.
pub fn network_from_settings(
    kind: &str,
    settings: &Settings,
    dim: usize,
    outputs: usize,
) -> Option<Result<Arc<dyn AnyNetwork>, InputError>> {
    let (_, build) = NETWORKS.iter().find(|(entry, _)| entry.kind == kind)?;
    Some(build(settings, dim, outputs))
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::Value;

    #[test]
    fn every_network_is_found_by_its_kind() {
        for entry in NETWORK_ENTRIES {
            let needed = entry.settings.iter().filter(|s| s.fallback == Fallback::Required);
            let given: Vec<_> = needed.map(|s| (s.name, Value::Integer(3))).collect();
            let settings = Settings::check(entry, &given).unwrap();
            let network = network_from_settings(entry.kind, &settings, 16, 1).unwrap().unwrap();
            assert!(network.num_params() >= 16 && network.outputs() == 1 && network.work_per_sample() > 0.0);
        }
        assert!(network_from_settings("quadratic", &Settings::default(), 16, 1).is_none());
    }
}
