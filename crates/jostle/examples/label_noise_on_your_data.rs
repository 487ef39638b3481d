//! Label noise on data of your own: which coefficients are left, and what theory says they tend to.
//!
//! The data are read where they are, without a copy, as those of a NumPy array would be.

use jostle::prelude::*;
use jostle::theory::predicted_lasso_of;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Ten samples of four features, of which the labels depend on the first alone.
    let x: Vec<f64> = (0..40).map(|k| f64::from((k * 37 + k * k * 11) % 23) / 11.0 - 1.0).collect();
    let y: Vec<f64> = x.chunks(4).enumerate().map(|(i, row)| 1.5 * row[0] + 0.1 * (i as f64).sin()).collect();
    let problem = Problem::over(Arc::new(x), Arc::new(y), 1)?;

    // Coefficients u^2 - v^2 of either sign, and label noise that makes their time average a Lasso.
    let model = ModelSpec::new(Power { depth: 2 }, 0.3);
    let noise = LabelNoise::of_lasso(0.05);
    let process = Process::new(problem, model, GradientDescent::new(30_000, 0.02)).noise(noise);
    let ensemble = Ensemble::new(process)?.replicas(16)?.average_from(10_000)?;

    let predicted = predicted_lasso_of(ensemble.process())?;
    let results = ensemble.run();
    println!("{predicted}\n");
    println!("feature   time average (one replica)   predicted Lasso");
    let average = results.replicas()[0].average.as_deref().unwrap_or_default();
    for (j, (found, expected)) in average.iter().zip(&predicted.lasso.beta).enumerate() {
        println!("{j:>7}   {found:>26.4}   {expected:>15.4}");
    }
    Ok(())
}
