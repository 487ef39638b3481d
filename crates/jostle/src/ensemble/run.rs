//! Runs ensembles on a thread pool.

use super::tasks::{AllUnits, Tasks};
use super::unit::Shared;
use super::{Ensemble, UnitResult, units};
use crate::simd::Level;
use crate::watch::Watch;
use std::borrow::Borrow;
use std::sync::mpsc;

/// Runs all replicas of all ensembles on a thread pool, and hands over each ensemble's results, replicas in order, as soon as
/// it and all ensembles before it are finished. Returns the number of ensembles handed over: fewer than there are only if the
/// watch asked to stop.
///
/// The results are the same whatever the number of threads. Not to be called from a thread of the pool itself, which
/// would wait for the work that it keeps from being done.
pub fn run<C: Borrow<Ensemble> + Sync>(
    ensembles: &[C],
    pool: &rayon::ThreadPool,
    level: Level,
    watch: &dyn Watch,
    finished: &mut dyn FnMut(usize, UnitResult),
) -> usize {
    let (sender, receiver) = mpsc::channel();
    let shared: Vec<Shared> = ensembles.iter().map(|_| Shared::default()).collect();
    let all: Vec<AllUnits<'_>> = ensembles
        .iter()
        .map(Borrow::borrow)
        .zip(&shared)
        .map(|(ensemble, shared)| {
            let (units, until) = (units(ensemble), ensemble.process.dynamics.steps());
            AllUnits { ensemble, units, until, shared, level, watch }
        })
        .collect();
    let mut open: Vec<Open> =
        all.iter().map(|all| Open { missing: all.units.len(), parts: vec![None; all.units.len()] }).collect();
    let tasks = Tasks::new(&all, pool.current_num_threads());
    pool.in_place_scope_fifo(|scope| {
        tasks.spawn(scope, &sender);
        drop(sender);
        let mut next = 0;
        for (k, part, result) in receiver {
            open[k].missing -= usize::from(result.is_some());
            open[k].parts[part] = result;
            while next < ensembles.len() && open[next].missing == 0 {
                let mut whole = UnitResult::default();
                open[next].parts.drain(..).flatten().for_each(|part| whole.append(part));
                finished(next, whole);
                next += 1;
            }
        }
        next
    })
}

/// An ensemble of which units are still missing.
struct Open {
    missing: usize,
    parts: Vec<Option<UnitResult>>,
}
