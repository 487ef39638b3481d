//! What a run will take, estimated from the rates that the kernels reach on a server core of about 3 GHz.

use jostle::ensemble::{Ensemble, Kernel, KernelPlan};
use jostle::prediction::{Cost, cost};
use jostle::process::Source;
use jostle::{Level, Precision};

/// Rates of one core.
struct Rates {
    /// Multiply-adds a second: replicas side by side; one replica, whose data come from a slower cache; rows.
    side_by_side: f64,
    one_at_a_time: f64,
    rows: f64,
    /// Seconds for a normal number.
    normal: f64,
}

impl Rates {
    /// Measured on AVX2; other levels by the ratio of their vectors.
    fn of(level: Level, precision: Precision) -> Self {
        let rates = match precision {
            Precision::F64 => Self { side_by_side: 1.8e10, one_at_a_time: 8e9, rows: 1.2e10, normal: 4.5e-9 },
            Precision::F32 => {
                Self { side_by_side: 3.4e10, one_at_a_time: 1.5e10, rows: 2.4e10, normal: 1.8e-9 }
            }
        };
        let factor = match level {
            Level::Avx512 => 1.6,
            Level::Avx2 => 1.0,
            Level::Portable if level.imitates_fma() => 0.01,
            Level::Portable => 0.5,
        };
        Self {
            side_by_side: rates.side_by_side * factor,
            one_at_a_time: rates.one_at_a_time * factor,
            rows: rates.rows * factor,
            normal: rates.normal / factor,
        }
    }
}

/// The cost of predicting a cell on each of its data sets, and how many there are.
fn predicting(cell: &Ensemble) -> (Cost, f64) {
    let data_sets = match cell.process().source {
        Source::Shared(_) => 1.0,
        Source::PerReplica(_) => f64::from(cell.protocol().replicas),
    };
    (cost(cell), data_sets)
}

/// Seconds that one core takes to predict a cell.
pub(super) fn seconds_of_prediction(cell: &Ensemble, plan: &KernelPlan) -> f64 {
    let (cost, data_sets) = predicting(cell);
    let of_matrices = cost.multiply_adds / Rates::of(plan.level, plan.precision).one_at_a_time;
    data_sets * (of_matrices + cost.replica_steps * seconds_per_step(cell, plan))
}

/// The memory that predictions of these cells need at most, as many at once as there are threads.
pub(super) fn bytes_of_predictions<'a>(cells: impl Iterator<Item = &'a Ensemble>, threads: usize) -> f64 {
    let mut all: Vec<f64> = Vec::new();
    for cell in cells {
        let (cost, data_sets) = predicting(cell);
        all.resize(all.len() + (data_sets as usize).min(threads), cost.bytes);
        all.sort_by(|a, b| b.total_cmp(a));
        all.truncate(threads);
    }
    all.iter().sum()
}

/// Seconds that one core takes for what a replica does apart from its steps.
pub(super) fn seconds_beside_steps(cell: &Ensemble, plan: &KernelPlan) -> f64 {
    cell.work_beside_steps() / Rates::of(plan.level, plan.precision).one_at_a_time
}

/// Seconds that one core takes for one step of one replica.
pub(super) fn seconds_per_step(cell: &Ensemble, plan: &KernelPlan) -> f64 {
    let rates = Rates::of(plan.level, plan.precision);
    // A step's fixed cost: random numbers, and the way from one product to the next.
    let (rate, overhead) = match plan.kernel {
        Kernel::Lanes(_) => (rates.side_by_side, 1e-8),
        Kernel::Single => (rates.one_at_a_time, 6e-8),
        Kernel::Sample => (rates.rows, 1.2e-8),
        Kernel::MiniBatch => (rates.rows, 1e-7),
        Kernel::Passes => (rates.rows, 5e-7),
    };
    let overhead = cell.process().dynamics.evaluations() as f64 * overhead;
    cell.work_per_step() / rate + cell.normals_per_step() * rates.normal + overhead
}
