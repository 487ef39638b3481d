//! The entries of the reparametrised linear family.

use crate::setting::{Entry, Fallback, Kind, Setting};

const INIT: Setting = Setting {
    name: "init",
    symbol: "alpha, tau",
    kind: Kind::Numbers,
    fallback: Fallback::Number(1.0),
    doc: "Scale of the start, one for all coordinates or a list of d.",
};

/// The reparametrised linear family.
pub(super) const LINEAR_FAMILY: &[Entry] = &[
    Entry {
        kind: "quadratic",
        summary: "beta = w * w: non-negative coefficients",
        detail: "theta = w (d), started at w = init. Loss (1/4n) sum r^2, so that w_j <- w_j (1 - learning_rate h_j) \
                 with h = X' r / n.",
        reference: "HaoChen et al. 2020 (arXiv 2006.08680), section 2",
        settings: &[INIT],
    },
    Entry {
        kind: "hadamard",
        summary: "beta = u^depth - v^depth: signed coefficients",
        detail: "theta = (u, v) (2d), started at u = v = init, loss (1/4n) sum r^2. The product form is beta = a * b \
                 with loss (1/2n) sum r^2, started at a = 2 init, b = 0, which is the same point; with depth 2 both \
                 forms follow the same path, u = (a + b)/2 and v = (a - b)/2.",
        reference: "Woodworth et al. 2020 (arXiv 2002.09277); Pesme et al. 2021 (arXiv 2106.09524)",
        settings: &[
            INIT,
            Setting {
                name: "depth",
                symbol: "k",
                kind: Kind::Integer { min: 2 },
                fallback: Fallback::Integer(2),
                doc: "The power.",
            },
            Setting {
                name: "form",
                symbol: "",
                kind: Kind::Choice(&["power", "product"]),
                fallback: Fallback::Text("power"),
                doc: "\"power\" for u^depth - v^depth; \"product\" for a * b (depth 2 only).",
            },
        ],
    },
    Entry {
        kind: "linear",
        summary: "beta = theta: ordinary linear regression",
        detail: "theta = beta (d), started at init (0 by default). Loss (1/2n) sum r^2.",
        reference: "",
        settings: &[Setting { fallback: Fallback::Number(0.0), ..INIT }],
    },
];
