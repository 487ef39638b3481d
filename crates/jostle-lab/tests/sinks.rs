//! The sinks of a run: a folder, memory and a channel receive the same results.

use jostle_files::{ArrayReader, ColumnData, RecordBatch, read_parquet};
use jostle_lab::experiment::{Experiment, Overrides};
use jostle_lab::plan::{Plan, Resources};
use jostle_lab::run::{Channel, Destination, FinalArray, Memory, Outcome, execute, run_into};
use jostle_lab::{LabError, Unwatched};
use std::path::Path;
use std::sync::mpsc;

/// Label noise on two sizes of data, one of the cells predicted where the text says so.
const EXPERIMENT: &str = r#"
name = "sinks"
[problem]
kind = "sparse-regression"
samples = 10
dim = 20
sparsity = 2
[model]
kind = "quadratic"
[dynamics]
kind = "gradient-descent"
learning_rate = 0.01
steps = 40
[[noise]]
kind = "label"
std = 0.5
[observe]
at = { every = 10 }
[ensemble]
replicas = 40
[grid]
"noise.0.std" = [0.25, 0.5]
"#;

fn plan(text: &str) -> Plan {
    let experiment = Experiment::from_text(text, "sinks.toml", Path::new(""), &Overrides::default()).unwrap();
    Plan::new(experiment, &Resources::with_threads(Some(2))).unwrap()
}

/// A column of numbers of several batches.
fn numbers(batches: &[RecordBatch], name: &str) -> Vec<f64> {
    let of = |batch: &RecordBatch| {
        batch.column_by_name(name).unwrap().to_data().buffers()[0].typed_data().to_vec()
    };
    batches.iter().flat_map(of).collect()
}

#[test]
fn memory_holds_what_a_folder_does() {
    for text in
        [EXPERIMENT.to_owned(), EXPERIMENT.replace("replicas = 40", "replicas = 40\nmethod = \"predict\"")]
    {
        let (plan, folder) = (plan(&text), tempfile::tempdir().unwrap());
        let run = folder.path().join("run");
        assert_eq!(execute(&plan, &Destination::new(&run, false), &Unwatched).unwrap(), Outcome::Done);
        let mut memory = Memory::new(&plan);
        assert!(run_into(&plan, &mut memory, &Unwatched).unwrap());
        let table = read_parquet(&run.join("metrics.parquet")).unwrap();
        assert_eq!(memory.metrics().len(), 2);
        for column in table.columns() {
            if let ColumnData::Number(values) = &column.data {
                let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&numbers(memory.metrics(), &column.name)), bits(values), "{}", column.name);
            }
        }
        let mut arrays = ArrayReader::open(&run.join("final.npz")).unwrap();
        let names: Vec<&String> = memory.arrays().iter().map(|(name, _)| name).collect();
        assert_eq!(names, arrays.names().iter().collect::<Vec<_>>());
        for (name, array) in memory.arrays() {
            let FinalArray::Numbers(array) = array else { continue };
            assert_eq!(*array, arrays.read(name).unwrap(), "{name}");
        }
    }
}

#[test]
fn a_channel_receives_every_replica_once() {
    let (plan, (sender, receiver)) = (plan(EXPERIMENT), mpsc::channel());
    let mut channel = Channel::new(&plan, sender);
    assert!(run_into(&plan, &mut channel, &Unwatched).unwrap());
    drop(channel);
    let mut found: Vec<(usize, u32)> = Vec::new();
    for unit in receiver {
        assert_eq!(unit.metrics.num_rows(), unit.replicas.len() * 5);
        found.extend(unit.replicas.iter().map(|replica| (unit.cell, *replica)));
    }
    found.sort_unstable();
    let expected: Vec<(usize, u32)> =
        (0..2).flat_map(|cell| (0..40).map(move |replica| (cell, replica))).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_run_that_nobody_listens_to_is_given_up() {
    let (plan, (sender, receiver)) = (plan(EXPERIMENT), mpsc::channel());
    drop(receiver);
    let mut channel = Channel::new(&plan, sender);
    let error = run_into(&plan, &mut channel, &Unwatched).unwrap_err();
    assert!(matches!(error, LabError::Unheard), "{error}");
}
