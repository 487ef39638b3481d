//! The kinds of model that a file may name.

use super::linear_family::LINEAR_FAMILY;
use super::{LinearNetwork, MatrixFactorisation, Model, RandomFeatures, TwoLayer};
use super::{linear_network, matrix, two_layer};
use crate::error::InputError;
use crate::setting::{Entry, Settings};
use std::sync::Arc;

type Build = fn(&Settings, usize, usize) -> Result<Arc<dyn Model>, InputError>;

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
) -> Option<Result<Arc<dyn Model>, InputError>> {
    let (_, build) = NETWORKS.iter().find(|(entry, _)| entry.kind == kind)?;
    Some(build(settings, dim, outputs))
}

/// The kinds of model that a file may name.
pub const ENTRIES: &[Entry] = &{
    let (first, then) = (LINEAR_FAMILY, NETWORK_ENTRIES);
    let mut entries = [RandomFeatures::ENTRY; LINEAR_FAMILY.len() + 1 + NETWORK_ENTRIES.len()];
    let mut k = 0;
    while k < entries.len() {
        if k < first.len() {
            entries[k] = first[k];
        } else if k > first.len() {
            entries[k] = then[k - first.len() - 1];
        }
        k += 1;
    }
    entries
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::{Fallback, Value};

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
