//! Runs ensembles on a thread pool.

use super::tasks::{AllUnits, Tasks};
use super::unit::Shared;
use super::{Assembly, Ensemble, UnitResult, units};
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
    let (mut assembly, mut next) = (Assembly::new(ensembles), 0);
    run_units(ensembles, pool, level, watch, &mut |ensemble, unit| {
        assembly.add(ensemble, unit);
        while next < ensembles.len()
            && let Some(whole) = assembly.take(next)
        {
            finished(next, whole);
            next += 1;
        }
    });
    next
}

/// As [`run`], but hands over the results of each unit, with the number of its ensemble, as soon as it is finished: in any
/// order. Returns whether all units were handed over; the others were stopped by the watch.
pub fn run_units<C: Borrow<Ensemble> + Sync>(
    ensembles: &[C],
    pool: &rayon::ThreadPool,
    level: Level,
    watch: &dyn Watch,
    finished: &mut dyn FnMut(usize, UnitResult),
) -> bool {
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
    let tasks = Tasks::new(&all, pool.current_num_threads());
    pool.in_place_scope_fifo(|scope| {
        tasks.spawn(scope, &sender);
        drop(sender);
        // A unit without a result was stopped.
        let mut is_complete = true;
        for (ensemble, result) in receiver {
            match result {
                Some(result) => finished(ensemble, result),
                None => is_complete = false,
            }
        }
        is_complete
    })
}
