"""Writes the Parquet files of these tests with pandas 3.1 and pyarrow 26; `python fixtures.py` in this folder."""

from decimal import Decimal

import numpy as np
import pandas as pd

plain = pd.DataFrame({"alpha": [1.0, 2.0, 3.0, 4.0], "beta": [0.5, 0.25, 0.125, 1.0], "price": [10.0, 20.0, 30.0, 40.0]})
plain.to_parquet("range_index.parquet")
plain.iloc[[3, 0, 2]].to_parquet("filtered_index.parquet")
plain.set_index(pd.Index(["a", "b", "c", "d"], name="patient")).to_parquet("named_index.parquet")
days = pd.date_range("2024-01-01", periods=4, name="day")
plain.set_index(days).to_parquet("date_index.parquet")
plain.set_index(days).reset_index().to_parquet("date_column.parquet", index=False)
pd.DataFrame(
    {
        "cost": [Decimal("0.10"), Decimal("12345678901234567.89"), Decimal("-3.00")],
        "big": np.array([1, 2**63, 2**64 - 1], dtype="uint64"),
        "sex": pd.Categorical(["male", "female", "male"]),
        "size": pd.Categorical([3, 1, 3]),
        "smokes": [True, False, True],
        "half": np.array([0.5, -2.0, 65504.0], dtype="float16"),
        "count": pd.array([1, 2, 3], dtype="Int64"),
        "y": [1.0, 2.0, 3.0],
    }
).to_parquet("types.parquet", index=False)
plain.to_parquet("brotli.parquet", compression="brotli", index=False)
