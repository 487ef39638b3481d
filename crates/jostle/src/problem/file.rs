//! Problems whose training data a file holds: what may be set. Files are read elsewhere.

use super::LOSS_FACTOR;
use crate::setting::{Entry, Fallback, Kind, Setting};

pub(super) const ENTRY: Entry = Entry {
    kind: "file",
    summary: "training data from a file",
    detail: "An npz file with arrays X (n x d), y (n, or n x c for a model with c outputs) and optionally truth (d) and, \
             to test on, X_test (m x d) with y_test; or a csv or parquet file, with the column of the labels named by \
             target and every other column a feature.",
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
            doc: "The column of the labels, for csv and parquet.",
        },
        Setting {
            name: "labels",
            symbol: "",
            kind: Kind::Choice(&["numbers", "classes"]),
            fallback: Fallback::Text("numbers"),
            doc: "Whether labels are numbers, or classes: +1 and -1 in one column, or one-hot in several.",
        },
        LOSS_FACTOR,
    ],
};
