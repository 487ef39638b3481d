"""Makes the data that these experiments read. Needs NumPy; the diabetes data come with scikit-learn (1.8).

    python data.py diabetes_data_raw.csv.gz diabetes_target.csv.gz

columns.npz    40 samples in dimension 100 with a truth of five ones and N(0, 0.25) in the labels; the scales of the
               columns go through a factor of 10, in an order that has nothing to do with the truth.
scalar.npz     one sample, x = 1 and y = 1.
diabetes.csv   Efron, Hastie, Johnstone, Tibshirani (2004), Least angle regression, Annals of Statistics 32: 442
               patients, ten measurements, progression after a year. Columns and target have mean 0 and variance 1, so
               that |X_j|^2 = n and label noise minimises the ordinary Lasso.
"""

import sys

import numpy as np

random = np.random.default_rng(5)
scales = 10.0 ** (random.permutation(100) / 99 - 0.5)
x = random.standard_normal((40, 100)) * scales
truth = np.zeros(100)
truth[:5] = 1.0
np.savez("columns.npz", X=x, y=x @ truth + 0.5 * random.standard_normal(40), truth=truth)

np.savez("scalar.npz", X=np.ones((1, 1)), y=np.ones(1))

raw, target = (np.loadtxt(path, delimiter=None) for path in sys.argv[1:3])
data = np.column_stack([raw, target])
data = (data - data.mean(0)) / data.std(0)
names = "age,sex,bmi,bp,s1,s2,s3,s4,s5,s6,y"
np.savetxt("diabetes.csv", data, fmt="%.12g", delimiter=",", header=names, comments="")
