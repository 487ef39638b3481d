//! jostle behind the protocol of `benchmarks/peers/protocol.py`, and the limits of the machine: one request a line on
//! standard input, one answer a line on standard output, both JSON.

mod clock;
mod machine;
mod stepping;

use clock::Stopwatch;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{self, BufRead, Write};
use stepping::{Stepping, Task};

/// What the driver may ask for.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Request {
    /// Versions, and the instruction set.
    Hello,
    /// Get ready for a configuration.
    Prepare(Task),
    /// So many trajectories of so many steps.
    Run { steps: u64, repeats: u64 },
    /// Where the last trajectory ended.
    State,
    /// The rate of fused multiply-adds that the processor reaches.
    Peak { precision: String, seconds: f64 },
    /// The rate at which it reads a buffer again and again.
    Bandwidth { bytes: usize, seconds: f64 },
}

fn main() -> io::Result<()> {
    let mut stepping = None;
    for line in io::stdin().lock().lines() {
        let answer = serde_json::from_str(&line?)
            .map_err(|error| error.to_string())
            .and_then(|request| answer(request, &mut stepping))
            .unwrap_or_else(|error| json!({ "error": error }));
        let mut out = io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(request: Request, stepping: &mut Option<Stepping>) -> Result<Value, String> {
    let prepared = |stepping: &mut Option<Stepping>| stepping.take().ok_or("nothing has been prepared");
    match request {
        Request::Hello => Ok(json!({
            "versions": { "jostle": env!("CARGO_PKG_VERSION") },
            "level": stepping::level().to_string(),
        })),
        Request::Prepare(task) => {
            *stepping = None;
            let mut new = Stepping::new(&task)?;
            new.trajectory(1)?;
            let answer = json!({ "replicas": task.replicas, "kernel": new.kernel() });
            *stepping = Some(new);
            Ok(answer)
        }
        Request::Run { steps, repeats } => {
            let mut current = prepared(stepping)?;
            let watch = Stopwatch::start();
            for _ in 0..repeats {
                current.trajectory(steps)?;
            }
            let (wall, cpu) = watch.seconds();
            let replica_steps = current.replicas() * steps * repeats;
            *stepping = Some(current);
            Ok(json!({ "wall": wall, "cpu": cpu, "steps": steps, "replica_steps": replica_steps }))
        }
        Request::State => {
            let current = prepared(stepping)?;
            let answer = current.state();
            *stepping = Some(current);
            Ok(answer)
        }
        Request::Peak { precision, seconds } => {
            Ok(json!({ "flops_per_second": machine::peak(&precision, seconds)? }))
        }
        Request::Bandwidth { bytes, seconds } => {
            Ok(json!({ "bytes_per_second": machine::bandwidth(bytes, seconds)? }))
        }
    }
}
