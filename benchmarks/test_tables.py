"""Tests of what needs no program and no clock: `python -m unittest discover benchmarks`."""

import unittest

import cost_table
import table


def row(**rates):
    programs = {name.replace("_", "-"): {"rates": values} for name, values in rates.items()}
    return {
        "d": 100, "n": 40, "replicas": 64, "precision": "f64", "algorithm": "sgd", "programs": programs,
        "flops": 600, "bytes_read": 800, "peak": [6e9, 6e9], "bandwidth": [8e9, 16e9],
    }


class Ratios(unittest.TestCase):
    def test_a_ratio_is_formed_within_a_round(self):
        self.assertEqual(table.ratios(row(jostle=[4e6, 2e6], c=[2e6, 1e6]), "c"), [2.0, 2.0])

    def test_the_best_peer_has_the_highest_median_rate(self):
        self.assertEqual(table.best_peer(row(jostle=[9, 9, 9], c=[1, 1, 100], jax=[2, 2, 2])), "jax")

    def test_a_peer_that_failed_has_no_ratio_and_is_not_the_best(self):
        failed = row(jostle=[4e6], c=[2e6], jax=[1e6])
        failed["programs"]["c"]["error"] = "ended with code 1"
        self.assertEqual(table.ratios(failed, "c"), [])
        self.assertEqual(table.best_peer(failed), "jax")
        self.assertEqual(table.cell(failed, "c"), "failed")
        self.assertIn("c: ended with code 1", table.line(failed))

    def test_shares_compare_with_the_limits_of_the_same_round(self):
        measured = row(jostle=[1e6, 2e6])
        self.assertEqual(table.share_of_peak(measured), [0.1, 0.2])
        self.assertEqual(table.share_of_bandwidth(measured), [0.1, 0.1])


class Texts(unittest.TestCase):
    def test_numbers_are_short_and_keep_their_digits(self):
        shown = [table.short(value) for value in (0.00131, 0.184, 1.0, 9.96, 10.4, 9800)]
        self.assertEqual(shown, ["0.0013", "0.18", "1.0", "10", "10", "9,800"])
        self.assertEqual(table.short(1.524, 3), "1.52")
        self.assertEqual(table.spread([3.0, 1.0, 2.0]), "2.0 (1.0 to 3.0)")

    def test_what_the_command_adds_for_itself_is_not_shown(self):
        words = ["cargo", "xtask", "bench", "--quick", "--worker", "a", "--scratch", "b"]
        self.assertEqual(table.shown_command(words), ["cargo", "xtask", "bench", "--quick"])


class Costs(unittest.TestCase):
    def test_the_slope_is_the_exponent(self):
        points = [{"value": v, "seconds": 3e-6 * v**2, "memory": None} for v in (1, 10, 100, 1000)]
        self.assertAlmostEqual(cost_table.slope(points, "seconds"), 2.0)
        self.assertIsNone(cost_table.slope(points, "memory"))
        self.assertEqual(cost_table.slope_text(-0.001), "0.00")


if __name__ == "__main__":
    unittest.main()
