//! What a file may say, and what is answered when it says something else.

mod errors;
mod files;
mod grid;
mod layers;
mod resolved;

use std::path::Path;

use super::{Experiment, ExperimentError, Overrides};

const BASE: &str = r#"name = "label-noise"

[problem]
kind = "sparse-regression"
samples = 40
dim = 100
sparsity = 5

[model]
kind = "quadratic"

[dynamics]
kind = "gradient-descent"
steps = 300_000
learning_rate = 0.01

[[noise]]
kind = "label"
std = 1.0

[observe]
at = { log = 200 }
quantities = ["train_loss", "l1_norm"]

[ensemble]
replicas = 16
"#;

fn read(text: &str, overrides: &Overrides) -> Result<Experiment, ExperimentError> {
    Experiment::from_text(text, "x.toml", Path::new("/lab"), overrides)
}

fn with_set(arguments: &[&str]) -> Overrides {
    Overrides { set: arguments.iter().map(ToString::to_string).collect(), ..Overrides::default() }
}

/// The one line that reading `text` answers.
fn refusal(text: &str, overrides: &Overrides) -> String {
    let message = read(text, overrides).expect_err("the text should be refused").to_string();
    assert!(!message.contains('\n'), "{message:?}");
    message
}
