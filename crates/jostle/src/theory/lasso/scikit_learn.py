"""Writes scikit_learn.csv: Lasso problems and their solutions by scikit-learn, which tests compare with ours.

    pip install scikit-learn && python scikit_learn.py > scikit_learn.csv

A row is: case, array, values. Weighted problems are solved as unweighted ones with columns divided by their weights.
Coordinate descent goes on until rounding is all that moves: the tolerance is below what the gap can resolve.
"""

import warnings

import numpy as np
import sklearn
from sklearn.linear_model import Lasso


def emit(case, array, values):
    print(",".join([case, array, " ".join(repr(float(v)) for v in np.ravel(values))]))


def case(name, seed, n, d, sparsity, positive, weighted, spread):
    rng = np.random.default_rng(seed)
    scales = np.exp(rng.uniform(-0.5, 0.5, d) * np.log(spread))
    X = np.round(rng.standard_normal((n, d)) * scales, 3)
    truth = np.zeros(d)
    truth[:sparsity] = np.abs(rng.standard_normal(sparsity)) if positive else rng.standard_normal(sparsity)
    y = np.round(X @ truth + 0.3 * rng.standard_normal(n), 3)
    weights = np.round(rng.uniform(0.3, 3.0, d), 3) if weighted else np.ones(d)
    emit(name, "sign", [0.0 if positive else 1.0])
    emit(name, "X", X)
    emit(name, "y", y)
    emit(name, "weights", weights)
    for alpha in [0.5, 0.05, 0.005]:
        model = Lasso(alpha=alpha, fit_intercept=False, positive=positive, tol=1e-16, max_iter=200_000)
        model.fit(X / weights, y)
        emit(name, f"alpha {alpha}", model.coef_ / weights)


warnings.simplefilter("ignore")
print(f"# scikit-learn {sklearn.__version__}, NumPy {np.__version__}")
case("tall", 1, 25, 8, 4, False, False, 1.0)
case("wide", 2, 12, 20, 4, False, False, 1.0)
case("wide; weighted", 3, 12, 20, 4, False, True, 1.0)
case("wide; non-negative", 4, 12, 20, 4, True, False, 1.0)
case("unequal columns; non-negative; weighted", 5, 15, 25, 5, True, True, 10.0)
case("unequal columns; weighted", 6, 15, 25, 5, False, True, 10.0)
