//! The bytes of results depend on the experiment only: not on threads, folders or how often it is run.

use crate::lab::{Lab, small};
use jostle_files::ArrayWriter;

/// Runs the experiment `x.toml` on one and on two threads, and the resolved experiment of the first run from another
/// folder, and compares the results byte by byte.
fn is_repeatable(lab: &Lab) {
    let results = |folder: &str| {
        ["metrics.parquet", "final.npz", "experiment.toml"].map(|file| lab.bytes(&format!("{folder}/{file}")))
    };
    lab.succeeds(&["run", "x.toml", "--out", "one", "--threads", "1"]);
    lab.succeeds(&["run", "x.toml", "--out", "two", "--threads", "2"]);
    let one = results("one");
    assert!(one == results("two"), "the number of threads matters");

    std::fs::create_dir(lab.path("elsewhere")).unwrap();
    let mut command = lab.command(&["run", "../one/experiment.toml", "--out", "../again", "-q"]);
    assert!(command.current_dir(lab.path("elsewhere")).status().unwrap().success());
    assert!(one == results("again"), "the resolved experiment is another one");

    lab.succeeds(&["run", "x.toml", "--out", "one"]);
    assert!(one == results("one"), "running twice into a folder matters");
}

#[test]
fn label_noise_with_full_batches_is_repeatable() {
    // More replicas than are computed side by side.
    let averaged = ("{ every = 20 }", "{ log = 9 }\naverage_from = 10");
    is_repeatable(&Lab::with(&small(&[("replicas = 3", "replicas = 20"), averaged])));
}

#[test]
fn mini_batches_with_label_noise_are_repeatable() {
    let batch = ("0.01", "0.01\nbatch = 3\nreplacement = false\nmomentum = 0.5");
    is_repeatable(&Lab::with(&small(&[batch, ("replicas = 3", "replicas = 5")])));
}

#[test]
fn a_data_set_for_every_replica_is_repeatable() {
    is_repeatable(&Lab::with(&small(&[
        ("seed = 1", "seed = 1\ndata_per_replica = true"),
        ("replicas = 3", "replicas = 7"),
    ])));
}

#[test]
fn covariance_noise_is_repeatable() {
    let shaped = "kind = \"covariance\"\nshape = \"diagonal\"";
    is_repeatable(&Lab::with(&small(&[
        ("kind = \"label\"\nstd = 0.5", shaped),
        ("replicas = 3", "replicas = 18"),
    ])));
}

#[test]
fn a_grid_is_repeatable() {
    let grid = "replicas = 3\n[grid]\n\"problem.samples\" = [8, 10]\n\"noise.0.std\" = [0, 0.1, 0.5]\n\
                \"dynamics.batch\" = [\"full\", 4]";
    is_repeatable(&Lab::with(&small(&[("replicas = 3", grid)])));
}

#[test]
fn a_run_in_which_replicas_diverge_is_repeatable() {
    is_repeatable(&Lab::with(&small(&[("0.01", "0.5"), ("replicas = 3", "replicas = 17")])));
}

#[test]
fn data_from_a_file_are_repeatable() {
    let lab = Lab::new();
    std::fs::create_dir(lab.path("data")).unwrap();
    let mut file = ArrayWriter::create(&lab.path("data/train.npz")).unwrap();
    file.matrix("X", 2, 3, &[1.0, 0.5, -0.5, 0.25, 2.0, 1.0]).unwrap();
    file.vector("y", &[1.0, -1.0]).unwrap();
    file.finish().unwrap();
    let problem = "kind = \"sparse-regression\"\nsamples = 10\ndim = 20\nsparsity = 2\nseed = 1";
    lab.write("x.toml", small(&[(problem, "kind = \"file\"\npath = \"data/train.npz\"")]));
    is_repeatable(&lab);
}
