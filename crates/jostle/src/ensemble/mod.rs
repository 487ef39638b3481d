//! Many replicas of the same configuration, each with its own random stream.

mod recording;

pub use recording::Recording;

use crate::setting::{Entry, Fallback, Kind, Setting};

/// The settings of an experiment's `[ensemble]` table.
pub const ENTRY: Entry = Entry {
    kind: "ensemble",
    summary: "how many replicas, and their seed",
    detail: "Replica k uses the random stream (seed, k): a pure function of the seed, the replica, the step and the \
             purpose of a number.",
    reference: "Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3",
    settings: &[
        Setting {
            name: "replicas",
            symbol: "R",
            kind: Kind::Integer { min: 1 },
            fallback: Fallback::Integer(1),
            doc: "Number of replicas of each cell.",
        },
        Setting {
            name: "seed",
            symbol: "",
            kind: Kind::Integer { min: 0 },
            fallback: Fallback::Integer(0),
            doc: "Seed of the noise.",
        },
        Setting {
            name: "precision",
            symbol: "",
            kind: Kind::Choice(&["f64"]),
            fallback: Fallback::Text("f64"),
            doc: "Floating-point format of the trajectories.",
        },
    ],
};
