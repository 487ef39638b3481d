//! Training data in an npz file.

use super::classes::{Classes, Key};
use super::{DataSet, DataSize, Reading, check_finite};
use crate::names::{show_names, show_shape};
use crate::{ArrayReader, StorageError};
use std::path::Path;

/// How large the data are, from the headers of the arrays alone.
pub(super) fn size(path: &Path, reading: &Reading) -> Result<DataSize, StorageError> {
    let mut file = ArrayReader::open(path)?;
    refuse_settings_of_tables(&file, reading)?;
    let (samples, dim) = shape_of(&mut file, "X")?;
    let outputs = match *file.shape("y")? {
        [_, columns] => columns,
        _ => 1,
    };
    let mut test = 0;
    if file.has("X_test") {
        test = shape_of(&mut file, "X_test")?.0;
    } else if let Some(other) = &reading.test_path {
        let rows = || shape_of(&mut ArrayReader::open(other)?, "X");
        test = rows().map_err(|e| e.in_file(other))?.0;
    }
    Ok(DataSize { samples: samples.saturating_add(test), dim, outputs })
}

/// The rows and columns of a design.
fn shape_of(file: &mut ArrayReader, name: &str) -> Result<(usize, usize), StorageError> {
    match *file.shape(name)? {
        [samples, dim] => Ok((samples, dim)),
        ref shape => Err(StorageError::Lengths {
            found: format!("{name} has shape {}", show_shape(shape)),
            expected: "training data have two dimensions: samples and features".to_string(),
        }),
    }
}

fn refuse_settings_of_tables(file: &ArrayReader, reading: &Reading) -> Result<(), StorageError> {
    if let Some(target) = &reading.target {
        let (target, present) = (target.clone(), file.names().to_vec());
        return Err(StorageError::TargetUnused { target, present });
    }
    match reading.of_tables_only().next() {
        Some(setting) => Err(StorageError::TablesOnly { setting }),
        None => Ok(()),
    }
}

pub(super) fn load(path: &Path, reading: &Reading) -> Result<DataSet, StorageError> {
    let mut file = ArrayReader::open(path)?;
    refuse_settings_of_tables(&file, reading)?;
    let (samples, dim, x) = samples_of(&mut file, "X")?;
    let labels = labels_of(&mut file, "y", "X", samples, reading)?;
    let classes = labels.classes("y", reading)?;
    let (outputs, y) = labels.encode("y", classes.as_ref())?;
    let truth = if file.has("truth") { Some(file.read_vector("truth")?) } else { None };
    agree(("truth", truth.as_ref().map_or(dim, Vec::len), "values"), ("X", dim, "columns"))?;
    if truth.is_some() && outputs > 1 {
        let found = format!("y has {outputs} columns");
        let expected = "a truth belongs to one".to_string();
        return Err(StorageError::Lengths { found, expected });
    }
    for (j, value) in truth.iter().flatten().enumerate() {
        check_finite(*value, || format!("truth[{j}]"))?;
    }
    let feature_names =
        if file.has("feature_names") { Some(file.read_texts("feature_names")?) } else { None };
    let names = feature_names.as_ref().map_or(dim, Vec::len);
    agree(("feature_names", names, "values"), ("X", dim, "columns"))?;
    let weights = reading.sample_weight.as_ref().map(|name| {
        let weights = file.read_vector(name)?;
        agree((name, weights.len(), "values"), ("X", samples, "rows"))?;
        for (i, weight) in weights.iter().enumerate() {
            check_finite(*weight, || format!("{name}[{i}]"))?;
        }
        Ok::<_, StorageError>(weights)
    });
    let weights = weights.transpose()?;
    let test = |file: &mut ArrayReader, [of_x, of_y]: [&str; 2]| {
        let (samples, columns, x) = samples_of(file, of_x)?;
        agree((of_x, columns, "columns"), ("X", dim, "columns"))?;
        let labels = labels_of(file, of_y, of_x, samples, reading)?;
        if classes.is_none() {
            labels.classes(of_y, reading)?;
        }
        let (columns, y) = labels.encode(of_y, classes.as_ref())?;
        agree((of_y, columns, "columns"), ("y", outputs, "columns"))?;
        Ok::<_, StorageError>((x, y))
    };
    let has_test = TEST.iter().any(|name| file.has(name));
    let test = match &reading.test_path {
        Some(_) if has_test => {
            let found = "it holds X_test".to_owned();
            let expected = "test_path names other samples to test on; expected one of them".to_owned();
            return Err(StorageError::Lengths { found, expected });
        }
        Some(other) => {
            let read = || test(&mut ArrayReader::open(other)?, ["X", "y"]);
            Some(read().map_err(|e| e.in_file(other))?)
        }
        None if has_test => Some(test(&mut file, TEST)?),
        None => None,
    };
    let mut remarks: Vec<String> = classes.as_ref().and_then(Classes::remark).into_iter().collect();
    remarks.extend(reading.sample_weight.as_ref().map(|name| format!("weights {name}")));
    Ok(DataSet { x, samples, dim, y, outputs, truth, test, feature_names, weights, remarks })
}

/// The arrays of samples to test on: both or none.
const TEST: [&str; 2] = ["X_test", "y_test"];

/// A design that is not empty: its rows, its columns and its values.
fn samples_of(file: &mut ArrayReader, name: &str) -> Result<(usize, usize, Vec<f64>), StorageError> {
    let (samples, dim, x) = file.read_matrix(name)?;
    if x.is_empty() {
        let found = format!("{name} has shape {}", show_shape(&[samples, dim]));
        let expected = "training data need at least one row and one column".to_string();
        return Err(StorageError::Lengths { found, expected });
    }
    for (i, row) in x.chunks(dim).enumerate() {
        for (j, value) in row.iter().enumerate() {
            check_finite(*value, || format!("{name}[row {i}, column {j}]"))?;
        }
    }
    Ok((samples, dim, x))
}

/// Labels as the file has them.
enum Labels {
    /// Rows of numbers (n x c), and whether the array has two dimensions.
    Numbers { columns: usize, values: Vec<f64>, is_matrix: bool },
    /// A text for each sample.
    Texts(Vec<String>),
}

/// Labels of the samples in the array `design`.
fn labels_of(
    file: &mut ArrayReader,
    name: &str,
    design: &str,
    samples: usize,
    reading: &Reading,
) -> Result<Labels, StorageError> {
    if reading.is_classes && file.holds_texts(name)? {
        let texts = file.read_texts(name)?;
        agree((name, texts.len(), "values"), (design, samples, "rows"))?;
        return Ok(Labels::Texts(texts));
    }
    let is_matrix = file.shape(name)?.len() == 2;
    let (rows, columns, values) = if is_matrix {
        file.read_matrix(name)?
    } else {
        let values = file.read_vector(name)?;
        (values.len(), 1, values)
    };
    agree((name, rows, if is_matrix { "rows" } else { "values" }), (design, samples, "rows"))?;
    if columns == 0 {
        let found = format!("{name} has shape {}", show_shape(&[rows, columns]));
        return Err(StorageError::Lengths {
            found,
            expected: "a sample needs at least one label".to_string(),
        });
    }
    let labels = Labels::Numbers { columns, values, is_matrix };
    let Labels::Numbers { values, .. } = &labels else { return Ok(labels) };
    for (k, value) in values.iter().enumerate() {
        check_finite(*value, || labels.place(name, k))?;
    }
    Ok(labels)
}

impl Labels {
    fn place(&self, name: &str, k: usize) -> String {
        match self {
            Self::Numbers { columns, is_matrix: true, .. } => {
                format!("{name}[row {}, column {}]", k / columns, k % columns)
            }
            _ => format!("{name}[{k}]"),
        }
    }

    fn keys(&self) -> Vec<Key> {
        match self {
            Self::Numbers { values, .. } => values.iter().map(|value| Key::number(*value)).collect(),
            Self::Texts(texts) => texts.iter().map(|text| Key::Text(text.clone())).collect(),
        }
    }

    /// The classes of labels in one column; none where labels are numbers, or one-hot.
    fn classes(&self, name: &str, reading: &Reading) -> Result<Option<Classes>, StorageError> {
        if !reading.is_classes {
            return Ok(None);
        }
        if let Self::Numbers { columns: columns @ 2.., values, .. } = self {
            return check_one_hot(name, *columns, values).map(|()| None);
        }
        let mut keys = self.keys();
        keys.sort();
        keys.dedup();
        Classes::new(keys, name).map(Some)
    }

    /// How many labels a sample has, and their values.
    fn encode(self, name: &str, classes: Option<&Classes>) -> Result<(usize, Vec<f64>), StorageError> {
        let Some(classes) = classes else {
            return match self {
                Self::Numbers { columns, values, .. } => Ok((columns, values)),
                Self::Texts(_) => unreachable!("texts are read as classes only"),
            };
        };
        let mut labels = Vec::new();
        for (k, key) in self.keys().iter().enumerate() {
            classes.append(key, &mut labels, || self.place(name, k))?;
        }
        Ok((classes.outputs(), labels))
    }
}

/// Refuses labels of several columns that are not one-hot.
fn check_one_hot(name: &str, columns: usize, values: &[f64]) -> Result<(), StorageError> {
    let is_one_hot = |label: &[f64]| {
        label.iter().all(|v| *v == 0.0 || *v == 1.0) && label.iter().filter(|v| **v == 1.0).count() == 1
    };
    let Some(row) = values.chunks_exact(columns).position(|label| !is_one_hot(label)) else { return Ok(()) };
    let label = &values[row * columns..(row + 1) * columns];
    let shown: Vec<String> = label.iter().map(ToString::to_string).collect();
    let problem = format!(
        "is [{}], which is not one-hot; expected one 1 and 0 otherwise, or one column of classes; labels = \"numbers\" \
         takes it as it is",
        show_names(&shown)
    );
    Err(StorageError::Cell { place: format!("{name}[row {row}]"), problem })
}

/// Refuses sides of arrays that must agree and do not: the array, its side, and how that is called.
fn agree(found: (&str, usize, &str), expected: (&str, usize, &str)) -> Result<(), StorageError> {
    if found.1 == expected.1 {
        return Ok(());
    }
    let say = |(name, count, sides): (&str, usize, &str)| format!("{name} has {count} {sides}");
    Err(StorageError::Lengths { found: say(found), expected: say(expected) })
}
