"""Tests of the comparison that has to come before any comparison of speeds."""

import unittest

import agreement
import numpy as np
from configurations import Size

SIZE = Size(20, 5, 64)


def norms(mean=80.0, spread=0.5, seed=1, replicas=64):
    return np.random.default_rng(seed).normal(mean, spread, replicas).tolist()


class Laws(unittest.TestCase):
    def test_samples_of_one_law_agree(self):
        self.assertIsNone(agreement.law_fault(norms(), norms(seed=2)))
        self.assertIsNone(agreement.law_fault(norms(), norms(seed=3, replicas=8)))

    def test_another_mean_is_found(self):
        self.assertIn("mean l1 norm", agreement.law_fault(norms(), norms(mean=80.6, seed=2)))

    def test_noise_of_twice_the_size_is_found(self):
        self.assertIn("standard deviation", agreement.law_fault(norms(), norms(spread=1.0, seed=2)))

    def test_a_replica_that_diverged_is_found(self):
        self.assertIn("1 of 64", agreement.law_fault(norms(), [float("nan"), *norms()[1:]]))


class Paths(unittest.TestCase):
    def test_only_the_path_of_the_formula_passes(self):
        reference = agreement.gradient_descent(SIZE, 200)
        right, late = {}, {}
        for which in ("first", "last"):
            right[which] = reference.tolist()
            late[which] = agreement.gradient_descent(SIZE, 201).tolist()
        self.assertIsNone(agreement.path_fault(reference, right, "f64"))
        self.assertIn("off after 200 steps", agreement.path_fault(reference, late, "f64"))
        self.assertIn("last replica", agreement.path_fault(reference, right | {"last": late["last"]}, "f64"))


if __name__ == "__main__":
    unittest.main()
