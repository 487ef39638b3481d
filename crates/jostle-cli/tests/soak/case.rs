//! A random experiment: a file, and the data that it names.

use crate::random::Random;
use jostle_files::{ArrayWriter, Column, ColumnData, Table, write_parquet};
use std::fmt::Write as _;
use std::path::Path;

/// An experiment, and the files beside it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    /// The experiment.
    pub(crate) table: toml::Table,
    /// The training data, where the experiment reads some.
    pub(crate) data: Option<Data>,
    /// The parameters in `start.npz`, where it begins there.
    pub(crate) start: Option<Vec<f64>>,
}

/// Training data in a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Data {
    /// The name of the file, whose ending says what it is.
    pub(crate) file: String,
    /// The rows of the design.
    pub(crate) rows: Vec<Vec<f64>>,
    /// The labels.
    pub(crate) labels: Vec<f64>,
}

impl Data {
    /// Normal data of some scales, a few columns of which are sparse, constant or equal.
    pub(crate) fn draw(random: &mut Random, samples: usize, dim: usize) -> Self {
        let file = (*random.pick(&["data.npz", "data.csv", "data.parquet"])).to_owned();
        let [scale, label_scale] = [0, 1].map(|_| if random.chance(0.8) { 1.0 } else { random.size() });
        let constant = random.chance(0.1);
        let row = |random: &mut Random| -> Vec<f64> {
            let mut row: Vec<f64> = (0..dim).map(|_| scale * random.normal()).collect();
            if constant {
                row[dim - 1] = scale;
            }
            row
        };
        let rows = (0..samples).map(|_| row(random)).collect();
        Self { file, rows, labels: (0..samples).map(|_| label_scale * random.normal()).collect() }
    }

    fn write(&self, folder: &Path) {
        let path = folder.join(&self.file);
        let dim = self.rows[0].len();
        if self.file.ends_with("npz") {
            let mut arrays = ArrayWriter::create(&path).unwrap();
            arrays.matrix("X", self.rows.len(), dim, &self.rows.concat()).unwrap();
            arrays.vector("y", &self.labels).unwrap();
            return arrays.finish().unwrap();
        }
        let column = |j: usize| self.rows.iter().map(|row| row[j]).collect();
        let features = (0..dim).map(|j| Column::new(format!("x{j}"), ColumnData::Number(column(j))));
        let labels = Column::new("y", ColumnData::Number(self.labels.clone()));
        if self.file.ends_with("parquet") {
            let table = Table::new(features.chain([labels]).collect()).unwrap();
            return write_parquet(&table, &path).unwrap();
        }
        let names: Vec<String> = (0..dim).map(|j| format!("x{j}")).collect();
        let mut text = format!("{},y\n", names.join(","));
        for (row, label) in self.rows.iter().zip(&self.labels) {
            for x in row {
                write!(text, "{x:?},").unwrap();
            }
            writeln!(text, "{label:?}").unwrap();
        }
        std::fs::write(path, text).unwrap();
    }
}

impl Case {
    /// The experiment file.
    pub(crate) fn text(&self) -> String {
        toml::to_string(&self.table).expect("a table of settings is TOML")
    }

    /// Writes the experiment as `x.toml`, and its data.
    pub(crate) fn write(&self, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("x.toml"), self.text()).unwrap();
        if let Some(data) = &self.data {
            data.write(folder);
        }
        if let Some(start) = &self.start {
            let mut arrays = ArrayWriter::create(&folder.join("start.npz")).unwrap();
            arrays.vector("theta_0", start).unwrap();
            arrays.finish().unwrap();
        }
    }
}
