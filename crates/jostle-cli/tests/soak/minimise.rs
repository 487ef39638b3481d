//! From a case that fails to a small one that fails too.

use crate::case::Case;
use toml::{Table, Value};

/// The smallest case that is found by taking the first smaller one that still fails, until none does.
pub(crate) fn minimise<C>(
    mut case: C,
    smaller: impl Fn(&C) -> Vec<C>,
    mut fails: impl FnMut(&C) -> bool,
) -> C {
    while let Some(found) = smaller(&case).into_iter().find(&mut fails) {
        case = found;
    }
    case
}

/// Cases that lack one thing of another one, or have a smaller number in its place.
pub(crate) fn smaller(case: &Case) -> Vec<Case> {
    let mut cases: Vec<Case> =
        smaller_tables(&case.table).into_iter().map(|table| Case { table, ..case.clone() }).collect();
    if let Some(data) = &case.data {
        let half = data.rows.len() / 2;
        if half > 0 {
            let mut fewer = data.clone();
            fewer.rows.truncate(half);
            fewer.labels.truncate(half);
            cases.push(Case { data: Some(fewer), ..case.clone() });
        }
        let half = data.rows[0].len() / 2;
        if half > 0 {
            let mut fewer = data.clone();
            fewer.rows.iter_mut().for_each(|row| row.truncate(half));
            cases.push(Case { data: Some(fewer), ..case.clone() });
        }
    }
    cases
}

fn smaller_tables(table: &Table) -> Vec<Table> {
    let with = |key: &String, value: Value| {
        let mut table = table.clone();
        table.insert(key.clone(), value);
        table
    };
    let without = |key: &String| {
        let mut table = table.clone();
        table.remove(key);
        table
    };
    // What can be left out goes before what can be made smaller.
    let left_out = table.keys().filter(|key| *key != "kind").map(without);
    let shrunk = table.iter().flat_map(|(key, value)| {
        smaller_values(value).into_iter().map(move |value| with(key, value)).collect::<Vec<_>>()
    });
    left_out.chain(shrunk).collect()
}

fn smaller_values(value: &Value) -> Vec<Value> {
    match value {
        Value::Integer(v) if *v > 1 => vec![Value::Integer(1), Value::Integer(v / 2), Value::Integer(v - 1)],
        // Towards numbers that are written with one digit.
        Value::Float(v) if *v != 1.0 && *v != 0.0 => {
            let power = 10f64.powf(v.abs().log10().round());
            let mut simple = vec![Value::Float(1.0)];
            if power.is_finite() && power != v.abs() && power > 0.0 {
                simple.push(Value::Float(power.copysign(*v)));
            }
            simple
        }
        Value::Array(items) => {
            let without = (0..items.len()).map(|k| {
                let mut items = items.clone();
                items.remove(k);
                Value::Array(items)
            });
            let shrunk = items.iter().enumerate().flat_map(|(k, item)| {
                smaller_values(item).into_iter().map(move |item| {
                    let mut items = items.clone();
                    items[k] = item;
                    Value::Array(items)
                })
            });
            without.chain(shrunk).collect()
        }
        Value::Table(table) => smaller_tables(table).into_iter().map(Value::Table).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn what_a_failure_does_not_need_is_left_out() {
    let text = "[problem]\nkind = \"file\"\nsamples = 57\ndim = 9\n[[noise]]\nkind = \"a\"\nstd = 0.37\n[[noise]]\nkind = \"b\"\n\
                [grid]\n\"problem.dim\" = [3, 4]\n";
    let case = Case { table: text.parse().unwrap(), data: None, start: None };
    let fails = |case: &Case| {
        let samples = case.table.get("problem").and_then(|problem| problem.get("samples"));
        let has_noise = case.text().contains("kind = \"b\"");
        has_noise && samples.and_then(Value::as_integer).is_some_and(|samples| samples >= 7)
    };
    let found = minimise(case, smaller, fails);
    let expected = "[problem]\nkind = \"file\"\nsamples = 7\n[[noise]]\nkind = \"b\"\n";
    assert_eq!(found.table, expected.parse().unwrap());
}

#[test]
fn data_become_fewer_too() {
    let data = crate::case::Data {
        file: "data.csv".to_owned(),
        rows: vec![vec![1.0; 12]; 20],
        labels: vec![0.0; 20],
    };
    let case = Case { table: Table::new(), data: Some(data), start: None };
    let found = minimise(case, smaller, |case| {
        let data = case.data.as_ref().unwrap();
        data.rows.len() >= 3 && data.rows[0].len() >= 2
    });
    let data = found.data.unwrap();
    assert_eq!((data.rows.len(), data.labels.len(), data.rows[0].len()), (5, 5, 3));
}
