//! Runs a unit: the data, the kernel and the blocks of its replicas.

use super::blocks::Run;
use super::unit::{Prepared, Work};
use super::{Ensemble, Replica, UnitResult};
use crate::dynamics::Dynamics;
use crate::dynamics::kernel::flow::{FlowTask, Flowing};
use crate::dynamics::kernel::passes::Training;
use crate::dynamics::kernel::{Data, Kernel, Rule, Task};
use crate::dynamics::stepper::{Begin, Descent, Stepper};
use crate::float::Float;
use crate::model::{Form, LinearPredictor};
use crate::problem::Problem;
use crate::process::Source;
use crate::simd::Level;
use crate::theory::Reference;
use std::ops::Range;

/// The kernel for the first of some replicas of an ensemble, and how many of them make one of its blocks.
pub(super) fn choose<F: Float>(ensemble: &Ensemble, replicas: usize, level: Level) -> (Kernel, usize) {
    let is_network = matches!(ensemble.process.model.form, Form::Network { .. });
    if is_network || ensemble.process.beyond_fused().is_some() {
        return (Kernel::Passes, 1);
    }
    let shared = matches!(ensemble.process.source, Source::Shared(_));
    Kernel::choose::<F>(ensemble.process.dynamics.batch(), shared, replicas, level)
}

/// The reference of one problem, if an observable asks for it. For a data set of its own of a later replica there may be
/// none, where the ensemble's check has found one for the first: its observables are then not numbers.
fn reference(ensemble: &Ensemble, problem: &Problem) -> Option<Reference> {
    let asked = ensemble.protocol.quantities.iter().any(|quantity| quantity.needs.lasso());
    if asked { Reference::new(&ensemble.process, problem).ok() } else { None }
}

pub(super) fn run_in<F: Float>(work: Work<'_>) -> Option<UnitResult> {
    let Work { ensemble, level, .. } = work;
    match &ensemble.process.dynamics {
        Dynamics::GradientDescent(dynamics) => {
            let rule = Rule {
                loss: ensemble.process.model.loss,
                loss_factor: ensemble.process.model.loss_factor,
                dynamics,
                noises: &ensemble.process.noises,
                average_from: ensemble.protocol.average_from,
                seed: ensemble.protocol.seed,
                level,
            };
            match &ensemble.process.model.form {
                Form::Link { link, .. } if ensemble.process.beyond_fused().is_some() => {
                    run_with::<F>(work, &|data, _, together| {
                        let model = LinearPredictor { link: *link, dim: data.problem.dim() };
                        let stepper = Training { model: &model, link: Some(*link), rule: &rule, data };
                        together.run(work, data.problem, stepper)
                    })
                }
                Form::Link { link, .. } => run_with::<F>(work, &|data, kernel, together| {
                    // Replicas of a link on the same data have the unit of their step size in common.
                    let dynamics = dynamics.in_units(together.begins[0].unit);
                    let task = Task { link: *link, rule: Rule { dynamics: &dynamics, ..rule } };
                    together.run(work, data.problem, Descent { task: &task, data, kernel })
                }),
                Form::Network { network, .. } => run_with::<F>(work, &|data, _, together| {
                    together.run(
                        work,
                        data.problem,
                        Training { model: &**network, link: None, rule: &rule, data },
                    )
                }),
            }
        }
        Dynamics::Flow(flow) => {
            let task = FlowTask {
                model: &ensemble.process.model,
                flow,
                noises: &ensemble.process.noises,
                average_from: ensemble.protocol.average_from,
                seed: ensemble.protocol.seed,
                level,
            };
            run_with::<F>(work, &|data, kernel, together| {
                together.run(work, data.problem, Flowing { task: &task, data, kernel })
            })
        }
    }
}

/// Replicas that run together, how many of them make a block, and what they are compared with.
struct Together<'a> {
    replicas: Range<u32>,
    in_block: usize,
    reference: Option<&'a Reference>,
    /// Where they begin: one for all, or one for each.
    begins: Vec<Begin>,
}

impl Together<'_> {
    fn run<S: Stepper>(self, work: Work<'_>, problem: &Problem, stepper: S) -> Option<Vec<Replica>> {
        let Self { replicas, in_block, reference, begins } = self;
        let Work { ensemble, until, level, watch, .. } = work;
        let first = replicas.start;
        Run { ensemble, problem, stepper, reference, begins, first, in_block, until, level, watch }
            .all(replicas)
    }
}

type RunTogether<'a, F> = dyn Fn(&Data<'_, F>, Kernel, Together<'_>) -> Option<Vec<Replica>> + 'a;

/// Makes the data of a unit, and runs its replicas, as many together as the kernels can take.
fn run_with<F: Float>(work: Work<'_>, run: &RunTogether<'_, F>) -> Option<UnitResult> {
    let Work { ensemble, unit, shared, level, .. } = work;
    // One problem for all, or one for each replica.
    let count =
        if matches!(ensemble.process.source, Source::Shared(_)) { 1 } else { unit.replicas.len() as u32 };
    let problems: Vec<_> =
        (0..count).map(|k| ensemble.process.source.problem(unit.replicas.start + k)).collect();
    let data: Vec<Data<'_, F>> = problems.iter().map(|problem| Data::new(problem)).collect();
    let own: Vec<Option<Reference>> = match ensemble.process.source {
        Source::Shared(_) => Vec::new(),
        Source::PerReplica(_) => problems.iter().map(|problem| reference(ensemble, problem)).collect(),
    };
    let mut result = UnitResult::default();
    let mut first = unit.replicas.start;
    while first < unit.replicas.end {
        let place = (first - unit.replicas.start) as usize % data.len();
        let reference = own
            .get(place)
            .unwrap_or_else(|| shared.reference.get_or_init(|| reference(ensemble, &problems[place])));
        let (data, reference) = (&data[place], reference.as_ref());
        let left = (unit.replicas.end - first) as usize;
        let (kernel, in_block) = choose::<F>(ensemble, left, level);
        // Replicas that take turns are blocks of one, all of which run together.
        let taken = if kernel == Kernel::Sample && count == 1 { left } else { in_block };
        let replicas = first..first + taken as u32;
        let begins = begins(work, data.problem, replicas.clone())?;
        result.replicas.extend(run(data, kernel, Together { replicas, in_block, reference, begins })?);
        first += taken as u32;
    }
    Some(result)
}

/// Where some replicas on the same data begin, but for their perturbations: one for all, or one for each.
fn begins(work: Work<'_>, problem: &Problem, mut replicas: Range<u32>) -> Option<Vec<Begin>> {
    let Work { ensemble, level, watch, .. } = work;
    if let Prepared::Together(begin) = &*work.prepared()? {
        return Some(vec![begin.clone()]);
    }
    if ensemble.process.begins_together() {
        replicas.end = replicas.start + 1;
    }
    replicas.map(|replica| ensemble.begin(problem, replica, level, watch)).collect()
}
