//! What theory predicts for the mean of an ensemble, beside an ensemble.

use jostle::prediction;
use jostle::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let problem =
        SparseRegression { samples: 20, dim: 30, sparsity: 3, ..SparseRegression::default() }.draw(1)?;
    let dynamics = GradientDescent::new(20_000, 0.01);
    let process =
        Process::new(problem, ModelSpec::new(Square, 0.5), dynamics).noise(LabelNoise::gaussian(0.5));
    let ensemble = Ensemble::new(process)?.record(["test_error"])?.replicas(64)?.at(Recording::Log(12));

    let Some(predicted) = prediction::predict(&ensemble, 0, &())? else { return Ok(()) };
    let results = ensemble.run();
    println!("right to {:.0} % by its own estimate\n", 100.0 * predicted.expansion.trust());
    println!("    step    predicted    mean of {} replicas", results.replicas().len());
    for ((step, found), expected) in results.over_steps("test_error")?.into_iter().zip(&predicted.rows) {
        println!("{step:>8}    {expected:>9.3e}    {found}");
    }
    Ok(())
}
