//! A sweep over step sizes on one pool of threads, with a progress callback that could also stop it.

use jostle::ensemble::run;
use jostle::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts replica-steps; a real one would draw a bar, or look whether Ctrl-C was pressed.
#[derive(Default)]
struct Count {
    replica_steps: AtomicU64,
}

impl Watch for Count {
    fn advanced(&self, replica_steps: u64) {
        self.replica_steps.fetch_add(replica_steps, Ordering::Relaxed);
    }

    fn should_stop(&self) -> bool {
        false
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let problem = SparseRegression::default().draw(0)?;
    let rates = [0.003, 0.01, 0.03, 1.0];
    let mut ensembles = Vec::new();
    for rate in rates {
        let dynamics = GradientDescent::new(10_000, rate);
        let process = Process::new(problem.clone(), ModelSpec::new(Square, 1.0), dynamics);
        let process = process.noise(LabelNoise::gaussian(1.0));
        ensembles.push(Ensemble::new(process)?.replicas(16)?.record(["train_loss", "test_error"])?);
    }

    let pool = rayon::ThreadPoolBuilder::new().build()?;
    let watch = Count::default();
    println!("learning rate   test_error");
    // Ensembles are handed over in order, as soon as they and all before them are finished.
    run(&ensembles, &pool, jostle::Level::detect(), &watch, &mut |k, result| {
        let results = ensembles[k].results(result);
        match results.last("test_error") {
            Ok(error) => println!("{:>13}   {error}", rates[k]),
            Err(error) => eprintln!("{error}"),
        }
    });
    println!("{} replica-steps", watch.replica_steps.into_inner());
    Ok(())
}
