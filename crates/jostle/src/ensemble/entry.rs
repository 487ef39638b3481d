//! The settings of an experiment's `[ensemble]` table.

use crate::device::Device;
use crate::float::Precision;
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
            kind: Kind::Choice(Precision::NAMES),
            fallback: Fallback::Text("f64"),
            doc: "Floating-point format of the trajectories: f64, or f32, which is about twice as fast.",
        },
        Setting {
            name: "device",
            symbol: "",
            kind: Kind::Choice(Device::CHOICES),
            fallback: Fallback::Text("cpu"),
            doc: "Where mlp, cnn and vgg are trained. \"wgpu\" and \"cuda\" are graphics processors, in float32, for a jostle that \
                  was built with the feature of that name; only \"cpu\" gives the same bits on every machine. \"auto\" is \"cuda\" where \
                  that can be, else \"wgpu\", else \"cpu\".",
        },
        Setting {
            name: "method",
            symbol: "",
            kind: Kind::Choice(&["simulate", "predict"]),
            fallback: Fallback::Text("simulate"),
            doc: "\"predict\" puts the means of an infinite ensemble, as theory gives them, in the place of replicas.",
        },
    ],
};
