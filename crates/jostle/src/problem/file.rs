//! Problems whose training data a file holds: what may be set. Files are read elsewhere.

use super::LOSS_FACTOR;
use crate::setting::{Entry, Fallback, Kind, Range, Setting};

pub(super) const ENTRY: Entry = Entry {
    kind: "file",
    summary: "training data from a file",
    detail: "An npz file with arrays X (n x d), y (n, or n x c for a model with c outputs) and optionally truth (d), \
             feature_names (d) and, to test on, X_test (m x d) with y_test; or a table (csv or tsv, also compressed as .gz, or \
             parquet), with the column of the labels named by target and every other column a feature. Columns of true and \
             false are 0 and 1, and columns of text are turned into indicators of their levels. The row index that pandas \
             writes is left out, and the run says so. Test samples are put aside first, then features and labels are scaled, \
             then samples are weighted.",
    reference: "",
    settings: &[
        Setting {
            name: "path",
            symbol: "",
            kind: Kind::Text,
            fallback: Fallback::Required,
            doc: "The file, relative to the experiment file.",
        },
        Setting {
            name: "target",
            symbol: "y",
            kind: Kind::Text,
            fallback: Fallback::Absent,
            doc: "The column of the labels, for tables.",
        },
        Setting {
            name: "labels",
            symbol: "",
            kind: Kind::Choice(&["numbers", "classes"]),
            fallback: Fallback::Text("numbers"),
            doc: "Whether labels are numbers, or classes: texts, whole numbers, or true and false. Of two classes in sorted order the first is -1 and the second +1; more are one-hot in sorted order. One-hot arrays of an npz file stay as they are.",
        },
        Setting {
            name: "columns",
            symbol: "",
            kind: Kind::Names,
            fallback: Fallback::Absent,
            doc: "The columns of a table that are features, in this order; by default all but the target and the row index.",
        },
        Setting {
            name: "drop",
            symbol: "",
            kind: Kind::Names,
            fallback: Fallback::Absent,
            doc: "Columns of a table to leave out.",
        },
        Setting {
            name: "categorical",
            symbol: "",
            kind: Kind::Names,
            fallback: Fallback::Absent,
            doc: "Columns of a table whose values are names of levels, though they look like numbers or dates.",
        },
        Setting {
            name: "drop_level",
            symbol: "",
            kind: Kind::Choice(&["if-binary", "first", "none"]),
            fallback: Fallback::Text("if-binary"),
            doc: "Which level of a column of text has no indicator: the first in sorted order of columns with two levels, or of every column, or none.",
        },
        Setting {
            name: "delimiter",
            symbol: "",
            kind: Kind::Text,
            fallback: Fallback::Absent,
            doc: "What separates the cells of a csv file, one character; by default the comma, the semicolon or the tab is recognised.",
        },
        Setting {
            name: "decimal",
            symbol: "",
            kind: Kind::Choice(&[".", ","]),
            fallback: Fallback::Text("."),
            doc: "The decimal point of a csv file.",
        },
        Setting {
            name: "test_path",
            symbol: "",
            kind: Kind::Text,
            fallback: Fallback::Absent,
            doc: "Another file of the same kind with samples to test on, relative to the experiment file.",
        },
        Setting {
            name: "test_fraction",
            symbol: "",
            kind: Kind::Number(Range::UnitOpen),
            fallback: Fallback::Absent,
            doc: "The share of the samples to put aside at random to test on, rounded up to whole samples.",
        },
        Setting {
            name: "split_seed",
            symbol: "",
            kind: Kind::Integer { min: 0 },
            fallback: Fallback::Integer(0),
            doc: "Seed of that choice; the same samples everywhere.",
        },
        Setting {
            name: "standardise",
            symbol: "",
            kind: Kind::Flag,
            fallback: Fallback::Flag(false),
            doc: "Whether to subtract the mean of every feature, indicators too, and divide by its standard deviation (of n, not n - 1) over the training samples.",
        },
        Setting {
            name: "centre",
            symbol: "",
            kind: Kind::Flag,
            fallback: Fallback::Flag(false),
            doc: "Whether to subtract the means of features and labels over the training samples; the intercept that this stands for is in the results.",
        },
        Setting {
            name: "sample_weight",
            symbol: "w_i",
            kind: Kind::Text,
            fallback: Fallback::Absent,
            doc: "The column, or the array (n) of an npz file, of weights w_i: row and label of sample i are multiplied by sqrt(w_i n / sum w). For models that are linear in their samples.",
        },
        LOSS_FACTOR,
    ],
};
