//! The experiments that faults are tried on: small, and together of every part of an experiment file.

/// Label noise on a quadratic model, in a sweep of three cells.
pub(super) const SWEEP: &str = r#"name = "sweep"
[problem]
kind = "sparse-regression"
samples = 20
dim = 40
sparsity = 3
seed = 2
[model]
kind = "quadratic"
init = 0.5
[dynamics]
kind = "gradient-descent"
steps = 20_000
learning_rate = 0.01
[[noise]]
kind = "label"
std = 0.5
[observe]
at = { log = 30 }
quantities = ["train_loss", "test_error", "l1_norm"]
[ensemble]
replicas = 4
[grid]
"noise.0.std" = [0.1, 0.2, 0.5]
"#;

/// A network with checkpoints.
pub(super) const NETWORK: &str = r#"name = "network"
[problem]
kind = "images"
dataset = "digits"
samples = 30
classes = [0, 1, 2]
[model]
kind = "mlp"
widths = [6]
[dynamics]
kind = "gradient-descent"
steps = 300
learning_rate = 0.05
batch = 5
[observe]
at = { every = 50 }
quantities = ["train_loss", "trace_G"]
[ensemble]
replicas = 2
"#;

/// Predictions.
pub(super) const PREDICTED: &str = r#"name = "predicted"
[problem]
kind = "sparse-regression"
samples = 12
dim = 20
sparsity = 2
[model]
kind = "quadratic"
init = 0.5
[dynamics]
kind = "gradient-descent"
steps = 200
learning_rate = 0.01
[[noise]]
kind = "label"
std = 0.3
[observe]
at = { log = 10 }
[ensemble]
replicas = 4
"#;

/// Everything else that has settings of its own.
pub(super) const OTHERS: [&str; 5] = [
    r#"name = "flow"
[problem]
kind = "sparse-regression"
samples = 6
dim = 10
sparsity = 2
[model]
kind = "hadamard"
init = 0.2
[dynamics]
kind = "flow"
steps = 50
learning_rate = 0.01
[observe]
at = { every = 25 }
[ensemble]
replicas = 2
"#,
    r#"name = "sensing"
[problem]
kind = "matrix-sensing"
samples = 12
side = 3
rank = 1
symmetric = true
[model]
kind = "matrix"
rank = 2
start = "gaussian"
init = 0.5
[dynamics]
kind = "gradient-descent"
steps = 30
learning_rate = 0.02
momentum = 0.5
[[noise]]
kind = "mini-batch-difference"
scale = 0.5
batch = 2
[observe]
at = { every = 10 }
[ensemble]
replicas = 2
precision = "f32"
"#,
    r#"name = "features"
[problem]
kind = "gaussian"
samples = 10
dim = 4
[model]
kind = "random-features"
width = 8
[dynamics]
kind = "gradient-descent"
steps = 40
learning_rate = { initial = 0.05, drops = [[10, 0.5], [20, 0.5]] }
batch = 3
replacement = false
[[noise]]
kind = "isotropic"
std = 0.1
[observe]
at = { every = 10 }
average_from = 20
[ensemble]
replicas = 3
"#,
    r#"name = "start"
[problem]
kind = "teacher"
samples = 10
dim = 3
[model]
kind = "two-layer"
width = 4
[start]
kind = "minimum"
perturbation = 0.01
[dynamics]
kind = "gradient-descent"
steps = 20
learning_rate = 0.5
learning_rate_unit = "gd-limit"
batch = 2
[observe]
at = { every = 10 }
quantities = ["train_loss", "trace_G", "alignment"]
[ensemble]
replicas = 2
"#,
    r#"name = "convolution"
[problem]
kind = "images"
dataset = "digits"
samples = 10
classes = [3, 8]
[model]
kind = "cnn"
channels = [2]
[dynamics]
kind = "gradient-descent"
steps = 5
learning_rate = 0.05
batch = 5
[observe]
at = { every = 5 }
[ensemble]
replicas = 1
"#,
];

/// All of them.
pub(super) fn all() -> Vec<&'static str> {
    [&[SWEEP, NETWORK, PREDICTED][..], &OTHERS].concat()
}
