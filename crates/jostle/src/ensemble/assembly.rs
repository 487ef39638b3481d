//! Puts the results of units together to those of whole ensembles.

use super::{Ensemble, UnitResult};
use std::borrow::Borrow;

/// The units that have been handed over, of ensembles that are not whole yet.
pub struct Assembly {
    ensembles: Vec<Unfinished>,
}

/// An ensemble of which units are missing.
struct Unfinished {
    missing: usize,
    parts: Vec<UnitResult>,
}

impl Assembly {
    /// No units yet of these ensembles.
    pub fn new<C: Borrow<Ensemble>>(ensembles: &[C]) -> Self {
        let unfinished = |ensemble: &C| Unfinished {
            missing: ensemble.borrow().protocol().replicas as usize,
            parts: Vec::new(),
        };
        Self { ensembles: ensembles.iter().map(unfinished).collect() }
    }

    /// Adds a unit of an ensemble. Units may come in any order.
    pub fn add(&mut self, ensemble: usize, unit: UnitResult) {
        let unfinished = &mut self.ensembles[ensemble];
        unfinished.missing = unfinished.missing.saturating_sub(unit.replicas.len());
        unfinished.parts.push(unit);
    }

    /// Takes out an ensemble that is whole, its replicas in order; `None` if units are missing, or it was taken before.
    pub fn take(&mut self, ensemble: usize) -> Option<UnitResult> {
        let unfinished = &mut self.ensembles[ensemble];
        if unfinished.missing > 0 || unfinished.parts.is_empty() {
            return None;
        }
        let mut parts = std::mem::take(&mut unfinished.parts);
        parts.sort_by_key(|part| part.replicas.first().map(|replica| replica.replica));
        let mut whole = UnitResult::default();
        for part in parts {
            whole.append(part);
        }
        Some(whole)
    }
}
